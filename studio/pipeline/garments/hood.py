"""Find a hood that a product photo shows spread out above the shoulders.

It is a lobe of the outline: a dome as wide as nothing else above shoulders, drawn in where it is sewn to the neck. The
garment is fitted without it, so that it is as long as it is; worn, it lies behind the neck.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64
from studio.pipeline.garments.fitting import Silhouette

ROWS = 8
"""Rows of points on each side of a hood, from its seam to its top."""
SEAM_POINTS, DIP = 17, 0.12
"""Points of the front's edge below a hood, and how deep it hangs, over its width."""
_LOWEST_SEAM, _LOWEST_EDGE = 0.5, 0.35
"""How far down the seam, and the widest place above it, may lie, in shares of the garment's height."""
_LEAST_DENT = 0.012
"""How far the outline is drawn in at the seam. This and what follows in shares of the square root of the area."""
_LEAST_HEIGHT = 0.22
"""Height of a hood; high collars reach 0.19."""
_SEAM = (0.2, 0.6)
"""Width of the seam; without a hood the widest of such dents lie at sleeves."""
_OVERHANG, _DOME = 1.08, 0.7
"""Width of a hood over its seam's, where collars have 1.02 and less, and of its top over that: bodices have more."""
_SHOULDERS = 1.25
"""Width of the shoulders over a hood's: below a bodice with sleeves it is narrower."""
_BELOW = 0.3
"""How far below the seam that is looked at."""
_TOP = 0.93
"""The mesh ends below the very top of the dome."""


@dataclass(frozen=True, slots=True)
class Hood:
    """A hood. left, right: its outline on both sides, `(ROWS + 1, 2)`, from the top to the seam, photo pixels."""

    left: F64
    right: F64


def find_hood(silhouette: Silhouette) -> Hood | None:
    """Return the hood of a top, None where it has none."""
    mask = silhouette.mask
    size = float(np.sqrt(mask.sum()))
    seam = _find_seam(silhouette, size)
    if seam is None:
        return None
    left, right = seam
    across = (right - left) / float(np.hypot(*(right - left)))
    up = np.array([across[1], -across[0]])
    ys, xs = np.nonzero(mask)
    offset = np.stack([xs, ys], -1) - left
    lateral, height = offset @ across, offset @ up
    base = float(np.hypot(*(right - left)))
    inside = (height > 0) & (np.abs(lateral - base / 2) < base)
    top = float(height[inside].max(initial=0.0))
    levels = np.linspace(0.05, _TOP, ROWS) * top
    rows = [lateral[inside & (np.abs(height - level) < 1.2)] for level in levels]
    if top < _LEAST_HEIGHT * size or any(len(row) < 3 for row in rows):
        return None
    edges = np.array([(row.min(), row.max()) for row in rows])
    widths = edges[:, 1] - edges[:, 0]
    shoulders = float(np.ptp(lateral[(height < 0) & (height > -_BELOW * size)]))
    is_dome = widths.max() > _OVERHANG * base and widths[-1] < _DOME * widths.max()
    if not is_dome or shoulders < _SHOULDERS * widths.max():
        return None
    sides = []
    for column, end in ((0, left), (1, right)):
        curve = left + edges[:, column, None] * across + levels[:, None] * up
        whole = np.concatenate([curve[::-1], end[None]])
        sides.append(silhouette.to_photo((whole - np.array(silhouette.origin)) * silhouette.pixel))
    return Hood(sides[0], sides[1])


def without_hood(alpha: F32, hood: Hood) -> F32:
    """Return a garment's alpha, in the pixels that the hood was found in, cut off along its seam."""
    points = np.concatenate([hood.left, hood.right])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    room = 0.2 * (x1 - x0)
    left, right = hood.left[-1], hood.right[-1]
    slope = (right - left) / max(float(right[0] - left[0]), 1.0)
    ends = [left - slope * (left[0] - x0 + room), right + slope * (x1 - right[0] + room)]
    top = y0 - (y1 - y0)
    ring = np.array([(ends[0][0], top), ends[0], ends[1], (ends[1][0], top)])
    cut = alpha.copy()
    cv2.fillPoly(cut, [np.round(ring * 16).astype(np.int32)], 0.0, shift=4)
    return cut


def seam_line(hood: Hood) -> F64:
    """Return the front's upper edge below a hood, left to right."""
    across = np.linspace(0.0, 1.0, SEAM_POINTS)[:, None]
    left, right = hood.left[-1], hood.right[-1]
    down = np.array([left[1] - right[1], right[0] - left[0]])
    line: F64 = left + (right - left) * across + down * DIP * np.sin(np.pi * across)
    return line


def _find_seam(silhouette: Silhouette, size: float) -> tuple[F64, F64] | None:
    """Return the outline's dents to the left and right below a lobe at the top, array positions."""
    contours, _ = cv2.findContours(silhouette.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = max(contours, key=len)
    defects = cv2.convexityDefects(ring, cv2.convexHull(ring, returnPoints=False))
    ys, xs = np.nonzero(silhouette.mask)
    first, height, middle = float(ys.min()), float(np.ptp(ys) + 1), float(xs.mean())
    best: dict[int, tuple[float, F64]] = {}
    for start, end, far, depth in [] if defects is None else defects.reshape(-1, 4):
        one, other, dent = (ring[int(place), 0].astype(np.float64) for place in (start, end, far))
        upper, lower = (one, other) if one[1] < other[1] else (other, one)
        side = -1 if lower[0] < upper[0] else 1
        too_low = dent[1] - first > _LOWEST_SEAM * height or upper[1] - first > _LOWEST_EDGE * height
        wrong_side = (dent[0] - middle) * side < -0.15 * size
        if too_low or wrong_side or depth / 256 < _LEAST_DENT * size:
            continue
        if side not in best or depth > best[side][0]:
            best[side] = (float(depth), dent)
    if len(best) < 2:
        return None
    left, right = best[-1][1], best[1][1]
    base = float(right[0] - left[0])
    return (left, right) if _SEAM[0] * size < base < _SEAM[1] * size else None
