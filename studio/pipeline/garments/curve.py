"""Closed curves: traced from a soft mask with parts of a pixel, smoothed between their corners."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool

SHORTEST = 40
"""A closed curve of fewer points is a speck."""
CORNER_REACH, CORNER_ANGLE = 9, 45.0
"""A corner is where the curve turns by more than this (degrees) between the way here and the way on, both this many
points long: a cuff's or a hem's end, an armpit; compression's blocks turn it less."""
TIGHT = 4
"""Half-width of the window on a corner."""


def trace_level(plane: F32, level: float = 0.5) -> list[F64]:
    """Return the closed curves on which a soft mask has a value, `(n, 2)` each, a point per pixel of length."""
    found, _ = cv2.findContours((plane > level).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    slope_x, slope_y = (cv2.Sobel(plane, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    curves = []
    for contour in found:
        if len(contour) < SHORTEST:
            continue
        points = contour[:, 0].astype(np.float32)
        for _ in range(3):  # Newton's steps along the gradient, a pixel at most
            value, dx, dy = (_sample(field, points) for field in (plane, slope_x, slope_y))
            step = (level - value) / np.maximum(dx * dx + dy * dy, 1e-4)
            length = np.maximum(np.abs(step) * np.hypot(dx, dy), 1e-6)
            step = step * np.minimum(1.0, 1.0 / length)
            points = (points + np.stack([step * dx, step * dy], axis=1)).astype(np.float32)
        curves.append(_spread_evenly(points.astype(np.float64)))
    return curves


def smooth_closed_curve(points: F64, half: int) -> F64:
    """Smooth a closed curve of evenly spread points, but not across its corners.

    Each point moves onto the parabola fitted to the `half` points either way, so that bends do not shrink.
    """
    half = min(half, len(points) // 4)
    if half <= TIGHT:
        return points
    away = _distance_along(find_corners(points))
    share = np.clip((away - CORNER_REACH / 3) / half, 0.0, 1.0)[:, None]
    smoothed: F64 = share * _fit_parabolas(points, half) + (1 - share) * _fit_parabolas(points, TIGHT)
    return smoothed


def find_corners(points: F64) -> Bool:
    """Return which points of a closed curve are corners."""
    before, after = points - np.roll(points, CORNER_REACH, axis=0), np.roll(points, -CORNER_REACH, axis=0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.abs(np.degrees(np.arctan2(cross, (before * after).sum(axis=1))))
    around = np.max([np.roll(turn, shift) for shift in range(-CORNER_REACH, CORNER_REACH + 1)], axis=0)
    corners: Bool = (turn > CORNER_ANGLE) & (turn >= around - 1e-9)
    return corners


def _fit_parabolas(points: F64, half: int) -> F64:
    """Savitzky and Golay's filter of second order with Gaussian weights, round a closed curve."""
    at = np.arange(-half, half + 1) / half
    basis = np.vander(at, 3, increasing=True)
    weighted = basis * np.exp(-2.0 * at * at)[:, None]
    kernel = np.linalg.solve(weighted.T @ basis, weighted.T)[0]
    padded = np.concatenate([points[-half:], points, points[:half]])
    fitted: F64 = np.stack([np.correlate(padded[:, axis], kernel, mode="valid") for axis in (0, 1)], axis=1)
    return fitted


def _distance_along(marked: Bool) -> F64:
    """Return each point's distance, in points, to the nearest marked one round a closed curve."""
    count = len(marked)
    places = np.flatnonzero(marked)
    if not places.size:
        return np.full(count, float(count))
    laps = np.concatenate([places - count, places, places + count])
    here = np.arange(count)
    after = np.searchsorted(laps, here)
    distance: F64 = np.minimum(laps[after] - here, here - laps[after - 1]).astype(np.float64)
    return distance


def _spread_evenly(points: F64) -> F64:
    closed = np.concatenate([points, points[:1]])
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    wanted = np.linspace(0.0, lengths[-1], max(16, round(lengths[-1])), endpoint=False)
    return np.stack([np.interp(wanted, lengths, closed[:, axis]) for axis in (0, 1)], axis=1)


def _sample(plane: F32, points: F32) -> F32:
    values: F32 = cv2.remap(plane, points[:, 0], points[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.ravel()
