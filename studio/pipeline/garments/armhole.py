"""Lay the armhole where a patterned front ends and a plain sleeve begins, if the photo shows that.

The outline knows where an armhole begins and ends, at the shoulder and at the armpit; between them it is guessed. Where
cloth is dropped over the arm or folded under it the guess takes a strip of the front for the sleeve's, and on a person,
whose arm opens the fold, that strip is stretched.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.garments.fitting import Silhouette

REACH = 0.06
"""How far from the guessed armhole the front's end is looked for, in shares of the garment's height."""
_ROWS, _SAMPLES = 220, 97
"""Rows per garment's height, and samples across."""
_LEAST, _ALIKE = 4, 8
"""Samples that tell a row's sleeve colour, and rows to either side over which it is evened out."""
FADE = 0.06
FARTHEST, OUTER, RIM = 0.2, 0.7, 0.008
"""How far out a sleeve is read, likewise; the outer share of it whose cloth is surely its own, but for a rim as wide as
that.
"""
PLAIN = 8.0
"""A sleeve is plain where three quarters of it are within so much (Lab units) of its own colour."""
DIFFERS, SPREADS = 15.0, 2.5
"""From how far from the sleeve's colour cloth is another one's; and from how many times its spread."""
SHADED = (0.2, 1.25)
"""A sleeve's own colour in folds and in light, from so much to so much of it: both scale it as a whole."""
LEAK = 3.0
"""What a pixel of the front's beyond its end counts against one of the sleeve's within: a print has grounds like it."""
MOST_PLAIN = 0.7
"""Share of the front beside its end that may be of the sleeve's colour; of more, nothing ends there."""
_BESIDE = 0.02
STEP, BEND = 3, 0.4
"""Samples by which the end may move from one row to the next, and what one costs."""
TOLD = 0.35
"""Share of the rows on which the front's end must be seen: beside seams 0.5 and more, elsewhere 0.03 and less."""


def follow_seam(line: F64, side: int, silhouette: Silhouette, photo: U8) -> F64:
    """Return the torso's side moved to where the front's pattern ends beside a plain sleeve.

    line: from the shoulder's tip down, as far as the sleeve may lie on it, normalised; its ends stay.
    """
    count = max(16, round(_ROWS * float(np.ptp(line[:, 1]))))
    rows = _spread(line, count)
    away = np.linspace(-REACH, REACH, _SAMPLES)
    across = float(away[1] - away[0])
    reading = np.concatenate([away, np.arange(REACH + across, FARTHEST, across)])
    points = rows[:, None] + np.stack([side * reading, 0 * reading], -1)[None]
    lab = _read(points, silhouette, photo, across)
    cloth = silhouette.sample(points) < -2 * silhouette.pixel
    front = _unlike_sleeve(lab, cloth)
    if front is None:
        return line
    front, cloth = front[:, :_SAMPLES], cloth[:, :_SAMPLES]
    ends = _trace(front)
    told = _is_told(front, cloth, ends, round(_BESIDE / across))
    if told.mean() < TOLD:
        return line
    seen = np.flatnonzero(told)
    # A front that ends short of the guess leaves the sleeve a little more of its own cloth, which harms nobody.
    shift = np.maximum(np.interp(np.arange(count), seen, away[ends[told]]), 0.0)
    # Where nothing is told the outline's guess is as good.
    beyond = np.maximum(np.maximum(seen[0] - np.arange(count), np.arange(count) - seen[-1]), 0)
    ends_at = np.minimum(np.arange(count), np.arange(count)[::-1])
    shift *= np.clip(1 - beyond / (FADE * _ROWS), 0.0, 1.0) * np.clip(ends_at / (FADE * _ROWS), 0.0, 1.0)
    kernel = np.hanning(13)[1:-1]
    smooth = np.convolve(np.pad(shift, len(kernel) // 2, mode="edge"), kernel / kernel.sum(), "valid")
    moved = line.copy()
    places = np.linspace(0, count - 1, len(line))
    moved[1:-1, 0] += side * np.interp(places, np.arange(count), smooth)[1:-1]
    return moved


def outside_of(edge: F64, line: F64, side: int) -> F64:
    """Return a sleeve's inner edge kept from lying on the torso's side of a seen seam."""
    between = (edge[:, 1] > line[:, 1].min()) & (edge[:, 1] < line[:, 1].max())
    seam = np.interp(edge[:, 1], line[:, 1], line[:, 0])
    kept = edge.copy()
    kept[between, 0] += side * np.maximum((seam - edge[:, 0]) * side, 0.0)[between]
    return kept


def _spread(line: F64, count: int) -> F64:
    places = np.linspace(0, len(line) - 1, count)
    return np.stack([np.interp(places, np.arange(len(line)), line[:, axis]) for axis in (0, 1)], axis=-1)


def _read(points: F64, silhouette: Silhouette, photo: U8, across: float) -> F32:
    where = silhouette.to_photo(points).astype(np.float32)
    blurred = cv2.GaussianBlur(photo, (0, 0), max(0.7, across * silhouette.photo_scale))
    lab = cv2.cvtColor(blurred.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.remap(lab, where[..., 0], where[..., 1], cv2.INTER_LINEAR), np.float32)


def _unlike_sleeve(lab: F32, cloth: Bool) -> Bool | None:
    """Return where cloth is of another colour than the sleeve's; None where the sleeve is not plain, or not there."""
    outward = cloth[:, _SAMPLES // 2 :]
    width = np.where(outward.all(axis=1), outward.shape[1], np.argmin(outward, axis=1))[:, None]
    place = np.arange(outward.shape[1])[None]
    is_own = (place > OUTER * width) & (place < width - RIM * _SAMPLES / (2 * REACH))
    known = np.flatnonzero(is_own.sum(axis=1) >= _LEAST)
    if len(known) < len(lab) / 2:
        return None
    # A sleeve may be pieced together of several colours, each of them plain.
    colours = np.array([np.median(lab[row, _SAMPLES // 2 :][is_own[row]], axis=0) for row in known])
    near = [np.abs(known - row) <= _ALIKE for row in range(len(lab))]
    near = [rows if rows.any() else known == known[np.abs(known - row).argmin()] for row, rows in enumerate(near)]
    own = np.array([np.median(colours[rows], axis=0) for rows in near], np.float32)[:, None]
    shade = np.clip((lab * own).sum(axis=2) / (own**2).sum(axis=2), *SHADED)
    distance = np.sqrt(((lab - shade[..., None] * own) ** 2).sum(axis=2))
    spread = float(np.percentile(distance[:, _SAMPLES // 2 :][is_own], 75))
    if spread > PLAIN:
        return None
    unlike: Bool = (distance > max(DIFFERS, SPREADS * spread)) & cloth
    return unlike


def _trace(front: Bool) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return, per row, the sample at which the front ends; neighbours agree."""
    leaked = front[:, ::-1].cumsum(axis=1)[:, ::-1]
    swallowed = np.cumsum(~front, axis=1)
    cost = (LEAK * leaked + swallowed) / front.shape[1] * 8.0
    total, came = cost[0].copy(), np.zeros(cost.shape, np.intp)
    steps = range(-STEP, STEP + 1)
    width = cost.shape[1]
    for row in range(1, len(cost)):
        padded = np.pad(total, STEP, constant_values=np.inf)
        options = np.stack([padded[STEP - step : STEP - step + width] + BEND * step * step for step in steps])
        came[row] = options.argmin(axis=0) - STEP
        total = options.min(axis=0) + cost[row]
    path, place = np.zeros(len(cost), np.intp), int(total.argmin())
    for row in range(len(cost) - 1, -1, -1):
        path[row] = place
        place -= int(came[row, place])
    return path


def _is_told(
    front: Bool, cloth: Bool, ends: np.ndarray[tuple[int, ...], np.dtype[np.intp]], beside: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell the rows on which the front surely ends there: pattern on one side, none on the other."""
    told = np.zeros(len(front), bool)
    for row, end in enumerate(ends):
        inner, outer = slice(max(0, end - beside), end), slice(end + 1, end + 1 + beside)
        if beside <= end < front.shape[1] - beside // 2 and cloth[row, outer].mean() > 0.5:
            plain = 1 - float(front[row, inner].mean())
            told[row] = plain < MOST_PLAIN and float(front[row, outer].mean()) < 0.1
    return told
