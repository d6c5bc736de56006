"""Outlines of soft masks and how rough they are: how much they turn to and fro."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8, Bool

CALM = 0.007
"""What an outline is smoothed by before it is judged, in shoulder widths: two pixels of a catalogue picture."""
STEP_WINDOW, FRAY_WINDOW = 0.12, 0.18
"""The lengths of outline within which turning to and fro counts, in shoulder widths: for steps, and for frays."""
LEAST_BEND = 0.25
"""Radians of a bend that counts: what is less is the curve of a hem, or what is left of the raster."""
ARMPIT = 0.2
"""How near an armpit corners are a sleeve's own, in shoulder widths."""
NOWHERE: F64 = np.zeros((0, 2))
FAINT, CLEAR = 4.0, 12.0
"""CIELAB steps across an outline below which nobody sees its shape, and from which everybody does."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Points at even steps of about a pixel along an outline, and how it turns about each, in radians.

    turning: to and fro, a single step included. fraying: the same without the sharpest corners nearby: a hem and a slit
    are two corners, a fray is many.
    """

    points: F64
    turning: F64
    fraying: F64


def trace_outlines(plane: F32, size: float, watched: Bool | None = None, armpits: F64 = NOWHERE) -> list[Outline]:
    """Return the outlines of a soft mask at its half value, with sub-pixel points; turning counts where watched.

    armpits: `(n, 2)`; about each lie four corners that are meant, two of the cuff and two of the crease.
    """
    smooth = cv2.GaussianBlur(plane, (0, 0), 0.8)
    chains, _ = cv2.findContours((smooth > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    found = []
    for chain in chains:
        pixels = chain[:, 0]
        if len(pixels) < 3 * CALM * size + 8 or not (watched is None or watched[pixels[:, 1], pixels[:, 0]].any()):
            continue
        found.append(_measure_turning(_settle(pixels, smooth), size, watched, armpits))
    return found


def _settle(pixels: F64, plane: F32) -> F64:
    """Move the pixels of an outline onto the half value between them and their neighbours."""
    x, y = pixels[:, 0].astype(np.intp), pixels[:, 1].astype(np.intp)
    height, width = plane.shape
    left, right = plane[y, np.maximum(x - 1, 0)], plane[y, np.minimum(x + 1, width - 1)]
    above, below = plane[np.maximum(y - 1, 0), x], plane[np.minimum(y + 1, height - 1), x]
    slope = np.stack([right - left, below - above], -1) / 2
    step = (0.5 - plane[y, x])[:, None] * slope / np.maximum((slope**2).sum(axis=1), 0.01)[:, None]
    settled: F64 = pixels.astype(np.float64) + np.clip(step, -1.0, 1.0)
    return settled


def _measure_turning(points: F64, size: float, watched: Bool | None, armpits: F64) -> Outline:
    closed = np.concatenate([points, points[:1]])
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    even = np.linspace(0.0, far[-1], max(8, round(far[-1])), endpoint=False)
    path = np.stack([np.interp(even, far, closed[:, axis]) for axis in (0, 1)], -1)
    calm = _blur_round(path, CALM * size)
    way = np.roll(calm, -1, axis=0) - np.roll(calm, 1, axis=0)
    angle = np.arctan2(way[:, 1], way[:, 0])
    turned = np.remainder(np.roll(angle, -1) - angle + np.pi, 2 * np.pi) - np.pi
    if watched is not None:
        x, y = np.round(calm).astype(np.intp).T
        turned = turned * watched[np.clip(y, 0, watched.shape[0] - 1), np.clip(x, 0, watched.shape[1] - 1)]
    reach, wide = (max(3, round(window * size / 2)) for window in (STEP_WINDOW, FRAY_WINDOW))
    turning = _sum_round(np.abs(turned), reach) - np.abs(_sum_round(turned, reach))
    away = np.hypot(*(calm[:, None] - armpits[None]).transpose(2, 0, 1)).min(axis=1, initial=np.inf)
    return Outline(calm, turning, _measure_fraying(turned, wide, np.where(away < ARMPIT * size, 4, 2)))


def _measure_fraying(turned: F64, reach: int, meant: npt.NDArray[np.intp]) -> F64:
    """Return, at each point, by how much an outline's bends within reach exceed the sharpest of them.

    meant: how many bends are left out of it at each point.
    """
    fraying = np.zeros(len(turned))
    starts = np.flatnonzero(np.diff(np.signbit(turned), prepend=~np.signbit(turned[:1])))
    bends = np.abs(np.add.reduceat(turned, starts))
    ends = np.append(starts[1:], len(turned))
    sharp = bends > LEAST_BEND
    starts, ends, bends = starts[sharp], ends[sharp], bends[sharp]
    middles = (starts + ends) / 2
    first, last = np.searchsorted(middles, middles - reach), np.searchsorted(middles, middles + reach, "right")
    for start, end, low, high in zip(starts, ends, first, last, strict=True):
        kept = int(high - low - meant[start])
        if kept > 0:
            fraying[start:end] = np.sort(bends[low:high])[:kept].sum()
    return fraying


def _blur_round(path: F64, sigma: float) -> F64:
    """Blur a closed path along itself."""
    reach = min(len(path) - 1, max(1, round(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 0.3)) ** 2)
    padded = np.concatenate([path[-reach:], path, path[:reach]])
    return np.stack([np.convolve(padded[:, axis], kernel / kernel.sum(), "valid") for axis in (0, 1)], -1)


def _sum_round(values: F64, reach: int) -> F64:
    """Return the sums of a closed row over windows of `reach` to both sides."""
    reach = min(reach, (len(values) - 1) // 2)
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([values[-reach:], values, values[:reach]]))])
    summed: F64 = total[2 * reach + 1 :] - total[: -2 * reach - 1]
    return summed


def read_contrast(points: F64, rgb: U8, reach: float) -> F64:
    """Return, 0..1, how well the shape of an outline is seen: colour `reach` pixels to its two sides."""
    way = np.roll(points, -2, axis=0) - np.roll(points, 2, axis=0)
    normal = np.stack([way[:, 1], -way[:, 0]], -1) / np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-6)[:, None]
    colours = []
    for sign in (-reach, reach):
        spots = np.round(points + sign * normal).astype(np.intp)
        x, y = np.clip(spots[:, 0], 0, rgb.shape[1] - 1), np.clip(spots[:, 1], 0, rgb.shape[0] - 1)
        colours.append(cv2.cvtColor(rgb[y, x][None].astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[0])
    apart = np.sqrt(((colours[0] - colours[1]) ** 2).sum(axis=1))
    seen: F64 = np.clip((apart - FAINT) / (CLEAR - FAINT), 0.0, 1.0).astype(np.float64)
    return seen
