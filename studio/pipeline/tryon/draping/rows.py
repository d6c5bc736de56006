"""Rows across a limb: where its seen skin ends on either side, and what it ends at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp

STEP = 0.5
"""Rows are read at every half pixel."""
_JUMPED = 6.0
"""Gaps in the skin of up to this many pixels (a strap, a bracelet, a hole in the parse map) do not end it."""
_SHORTEST = 3.0
_LOOK = (2.0, 5.0)
"""From and to how many pixels beyond its end a row is asked what the skin ends at."""
_CLOTH = (Cihp.UPPER, Cihp.COAT, Cihp.DRESS, Cihp.SCARF)
_BELOW = (Cihp.TROUSERS, Cihp.SKIRT, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)


class End(IntEnum):
    """What the skin of a row ends at. NONE: no skin there. HIDDEN: hair, another limb, the picture's edge."""

    NONE = 0
    OPEN = 1
    BODY = 2
    CLOTH = 3
    HIDDEN = 4


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One entry per row. ends: `(n, 2)` signed distances from the axis; kinds: `(n, 2)` `End` values.

    bounds: `(n, 2)` how far the person reaches from the axis on either side, inf where no background is met.
    """

    ends: F64
    kinds: U8
    bounds: F64


def read_rows(lines: tuple[F64, F64], labels: U8, alpha: F32, label: int, reach: float) -> Rows:
    """Read rows of a limb. lines: points of its axis and unit vectors square to it. reach: half a row's length."""
    spots, normals = lines
    offsets = np.arange(-reach, reach + STEP / 2, STEP)
    points = (spots[:, None] + offsets[None, :, None] * normals[:, None]).astype(np.float32)
    kinds_at = cv2.remap(labels, points, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=255.0)
    solid = cv2.remap(alpha, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ends, kinds = np.full((len(spots), 2), np.nan), np.zeros((len(spots), 2), np.uint8)
    bounds = np.full((len(spots), 2), np.inf)
    middle = len(offsets) // 2
    for row in range(len(spots)):
        for side, piece in enumerate((np.s_[middle::-1], np.s_[middle:])):
            off = np.flatnonzero(solid[row][piece] < 0.5)
            if off.size:
                bounds[row, side] = off[0] * STEP
        run = _skin_run(kinds_at[row] == label, middle)
        if run is None:
            continue
        for side, (at, outward) in enumerate(zip(run, (-1, 1), strict=True)):
            kind = _ends_at(kinds_at[row], solid[row], at, outward)
            kinds[row, side] = kind
            place = _crossing(solid[row], at, outward) if kind is End.OPEN else float(at)
            ends[row, side] = offsets[0] + (place + 0.5 * outward) * STEP
    return Rows(ends, kinds, bounds)


def _skin_run(skin: Bool, middle: int) -> tuple[int, int] | None:
    """Return first and last index of the run of skin nearest the axis."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], skin.astype(np.int8), [0]])))
    runs = [[int(first), int(last) - 1] for first, last in edges.reshape(-1, 2)]
    joined: list[list[int]] = []
    for run in runs:
        if joined and run[0] - joined[-1][1] <= _JUMPED / STEP:
            joined[-1][1] = run[1]
        else:
            joined.append(run)
    joined = [run for run in joined if run[1] - run[0] >= _SHORTEST / STEP]
    if not joined:
        return None
    first, last = min(joined, key=lambda run: max(run[0] - middle, middle - run[1], 0))
    return first, last


def _ends_at(labels: U8, solid: F32, at: int, outward: int) -> End:
    near, far = (at + outward * int(beyond / STEP) for beyond in _LOOK)
    if min(near, far) < 0 or max(near, far) >= len(labels):
        return End.HIDDEN
    seen = labels[min(near, far) : max(near, far) + 1]
    found = Cihp(int(np.bincount(seen).argmax())) if int(np.bincount(seen).argmax()) != 255 else None
    if found is Cihp.BACKGROUND:
        return End.OPEN if solid[far] < 0.5 else End.HIDDEN
    if found in _CLOTH:
        return End.CLOTH
    return End.BODY if found in _BELOW else End.HIDDEN


def _crossing(solid: F32, at: int, outward: int) -> float:
    """Return where the person's alpha falls below a half near the end of the skin, as a broken index."""
    window = np.arange(at - outward * 8, at + outward * 13, outward)
    window = window[(window >= 0) & (window < len(solid))]
    values = solid[window]
    falls = np.flatnonzero((values[:-1] >= 0.5) & (values[1:] < 0.5))
    if not falls.size:
        return float(at)
    first = int(falls[np.abs(falls - 8).argmin()])
    share = (values[first] - 0.5) / max(float(values[first] - values[first + 1]), 1e-6)
    return float(window[first] + outward * share) - 0.5 * outward
