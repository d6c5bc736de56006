"""Find the briefs that a bodysuit ends in: they are worn inside the trousers, and no hem of the top that is seen.

They are a tongue of the outline in the middle, drawn in by the legs' round openings to a strip that ends straight.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64
from studio.pipeline.garments.fitting import WORK_HEIGHT, Silhouette

_TRUNK = 0.4, 0.65
"""Rows of the trunk, from the top to the crotch, whose middle width is the trunk's."""
_STRIP_AT, _STRIP = 0.1, (0.08, 0.38)
"""Width of the strip between the legs so far above its end; this and what follows in shares of the trunk's width."""
_ROUND = 0.85
"""Width half-way up the legs' openings over that between straight lines: round openings cut in."""
_HIPS, _RISE = 0.8, (0.25, 0.8)
"""Width at the upper end of those openings, and how far above the strip's end they may end."""


@dataclass(frozen=True, slots=True)
class Briefs:
    """Photo pixels. hips: where the legs' openings begin. crotch: the end of the strip between them."""

    hips: float
    crotch: tuple[float, float]


def find_briefs(silhouette: Silhouette) -> Briefs | None:
    """Return the briefs of a bodysuit, None where a top ends in a hem."""
    widths, middles = _middle_runs(silhouette)
    rows = np.flatnonzero(widths)
    if rows.size < WORK_HEIGHT // 2:
        return None
    end = int(rows[-1])
    trunk = float(np.median(widths[round(_TRUNK[0] * end) : round(_TRUNK[1] * end)]))
    strip = widths[max(0, end - round(_STRIP_AT * trunk)) : end]
    wide = np.flatnonzero(widths[:end] >= _HIPS * trunk)
    if strip.size == 0 or wide.size == 0:
        return None
    hips = int(wide[-1])
    is_strip = strip.min() > _STRIP[0] * trunk and strip.max() < _STRIP[1] * trunk
    is_round = widths[(hips + end) // 2] < _ROUND * (widths[hips] + strip.min()) / 2
    if not (is_strip and is_round and _RISE[0] < (end - hips) / trunk < _RISE[1]):
        return None
    x, y = middles[end] - silhouette.origin[0], end
    crotch = silhouette.to_photo(np.array([x * silhouette.pixel, y * silhouette.pixel]))
    above = silhouette.to_photo(np.array([0.0, hips * silhouette.pixel]))
    return Briefs(float(above[1]), (float(crotch[0]), float(crotch[1])))


def without_briefs(alpha: F32, briefs: Briefs) -> F32:
    """Return a garment's alpha ending at the hips; its sleeves are as long as they are."""
    below = (alpha > 0).astype(np.uint8)
    below[: round(briefs.hips)] = 0
    _, pieces = cv2.connectedComponents(below)
    x, y = round(briefs.crotch[0]), round(briefs.crotch[1])
    tongue = pieces[max(0, y - 3), x]
    kept: F32 = np.where((pieces == tongue) & (tongue > 0), 0, alpha).astype(np.float32)
    return kept


def _middle_runs(silhouette: Silhouette) -> tuple[F64, F64]:
    """Return width and middle of the run on the axis for every row, 0 where there is none, in silhouette pixels."""
    first = int(silhouette.origin[1] + 0.5)
    mask = silhouette.mask[first : first + WORK_HEIGHT]
    axis = round(float(np.nonzero(mask)[1].mean()))
    widths, middles = np.zeros(WORK_HEIGHT), np.zeros(WORK_HEIGHT)
    for row, line in enumerate(mask):
        if line[axis]:
            gaps = np.flatnonzero(line == 0)
            left, right = int(gaps[gaps < axis].max(initial=-1)), int(gaps[gaps > axis].min(initial=len(line)))
            widths[row], middles[row] = right - left - 1, (left + right) / 2
    return widths, middles
