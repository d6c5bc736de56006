"""Trousers and skirts where an old sleeve hid them: what is seen of them beside it goes on.

Below a sleeve the cloth may be seen only far down, at the hand; to its side it is seen at once, and a waistband, a
belt and pleats go on around the body, not up from the thigh.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, Bool

LEAST_BESIDE = 0.1
"""Cloth that is seen this wide, in shoulder widths, is carried on to the side."""
TURN = 0.03
"""Over what distance that and what comes up from below go over into each other, from where both are as near; in
shoulder widths."""
CALM = 0.02
"""Details finer than this of the outline that seen cloth ends with are the parse map's, in shoulder widths."""
MOST_LEANING = 1.2
"""How many columns a row an outline may lean that a sleeve's is."""
Places = npt.NDArray[np.intp]
_FAR = np.float32(1e6)


def paint_beside(rgb: F32, known: Bool, size: float, wanted: Bool | None = None) -> tuple[F32, F32]:
    """Return cloth carried on sideways, and how far, 0..1, it is nearer than what comes up from below.

    rgb: `(h, w, 3)`; known: the cloth that is seen, `(h, w)`. size: the shoulder width in pixels. wanted: only the rows
    that have some of it are looked at; all without.
    """
    reach = max(2, round(CALM * size))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(CALM * size)) + 1,) * 2)
    calm = cv2.morphologyEx(known.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    asked = calm.any(axis=1) if wanted is None else calm.any(axis=1) & wanted.any(axis=1)
    beside, share = np.zeros_like(rgb), np.zeros(known.shape, np.float32)
    rows = np.flatnonzero(asked)
    if rows.size:
        cut = slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1)
        beside[cut], away = _carry_on(rgb[cut], calm[cut], size)
        share[cut] = np.clip((_down_to(known)[cut] - away) / np.float32(TURN * size), 0, 1)
    return beside, share


def _carry_on(rgb: F32, known: Bool, size: float) -> tuple[F32, F32]:
    """Return cloth carried on along rows from what is seen to the left and right, and how far off that is.

    It is mirrored where the seen cloth ends: there is no step.
    """
    total, weight = np.zeros_like(rgb), np.zeros(known.shape, np.float32)
    nearest = np.full(known.shape, _FAR, np.float32)
    for turn in (slice(None), slice(None, None, -1)):
        seen, picture = known[:, turn], rgb[:, turn]
        column = np.broadcast_to(np.arange(seen.shape[1]), seen.shape)
        last = np.maximum.accumulate(np.where(seen, column, -1), axis=1)
        starts = seen & ~np.pad(seen, ((0, 0), (1, 0)))[:, :-1]
        run = last - np.maximum.accumulate(np.where(starts, column, 0), axis=1) + 1
        away = column - last
        back = (away - 1) % np.maximum(2 * run, 1)
        source = np.clip(last - np.minimum(back, 2 * run - 1 - back), 0, seen.shape[1] - 1)
        found = (last >= 0) & (run >= LEAST_BESIDE * size) & ~seen & _ends_upright(last, max(2, round(CALM * size)))
        part = np.where(found, 1 / np.maximum(away, 1) ** 2, 0).astype(np.float32)[:, turn]
        total += np.take_along_axis(picture, source[..., None], axis=1)[:, turn] * part[..., None]
        weight += part
        nearest = np.minimum(nearest, np.where(found, away, _FAR)[:, turn].astype(np.float32))
    carried: F32 = (total / np.maximum(weight, np.float32(1e-9))[..., None]).astype(np.float32)
    return carried, nearest


def _ends_upright(last: Places, reach: int) -> Bool:
    """Return where what the rows end with stands upright: where it lies level the cloth ends at a hem, not beside."""
    padded = np.pad(last, ((reach, reach), (0, 0)), mode="edge")
    upright: Bool = np.abs(padded[2 * reach :] - padded[: -2 * reach]) <= 2 * reach * MOST_LEANING
    return upright


def _down_to(known: Bool) -> F32:
    """Return how far below each pixel its column shows cloth; far where it showed some above already."""
    row = np.broadcast_to(np.arange(known.shape[0], dtype=np.float32)[:, None], known.shape)
    first = np.minimum.accumulate(np.where(known, row, _FAR)[::-1], axis=0)[::-1]
    passed = np.logical_or.accumulate(known, axis=0)
    down: F32 = np.where(passed, _FAR, first - row).astype(np.float32)
    return down
