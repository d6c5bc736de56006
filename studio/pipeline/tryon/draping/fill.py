"""Filling what is unknown: smooth continuations, their grain, and outlines drawn with smooth edges."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64


def fill_smoothly(rgb: F32, known: F32) -> F32:
    """Continue known pixels smoothly over the unknown ones, by a pyramid of weighted means ("pull, push").

    rgb: `(h, w, c)`; known: `(h, w)` weights, 0 = unknown.
    Source: Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    levels = [(rgb * known[..., None], known)]
    while min(levels[-1][1].shape) > 4:
        colour, weight = levels[-1]
        levels.append((cv2.pyrDown(colour), cv2.pyrDown(weight)))
    colour, weight = levels[-1]
    mean = colour.sum(axis=(0, 1)) / np.float32(max(float(weight.sum()), 1e-9))
    filled: F32 = ((colour + 1e-4 * mean) / (weight + 1e-4)[..., None]).astype(np.float32)
    for colour, weight in reversed(levels[:-1]):
        size = (weight.shape[1], weight.shape[0])
        coarse = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        share = np.clip(weight, 0.0, 1.0)[..., None]
        filled = colour + coarse * (1 - share)
    result: F32 = filled.astype(np.float32)
    return result


def add_grain(smooth: F32, rgb: F32, known: F32) -> F32:
    """Give a filled picture the photo's own noise, so that it does not look airbrushed.

    smooth, rgb: `(h, w, 3)` in 0..255; known: `(h, w)` weights, from a half on the photo's noise is read there.
    """
    chosen = known > 0.5
    if chosen.sum() < 200:
        return smooth
    detail = rgb - cv2.GaussianBlur(rgb, (0, 0), 1.2)
    spread = np.minimum(1.48 * np.median(np.abs(detail[chosen]), axis=0), 4.0).astype(np.float32)
    noise = np.random.default_rng(7).standard_normal(rgb.shape[:2]).astype(np.float32)
    grain: F32 = smooth + noise[..., None] * spread
    return grain


def draw_polygon(points: F64, shape: tuple[int, int]) -> F32:
    """Return the coverage of a polygon `(n, 2)` with smooth edges, float32 of `shape` (h, w) in [0, 1]."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    covered: F32 = canvas.astype(np.float32) / np.float32(255)
    return covered


def smooth_known(rgb: F32, known: F32, sigma: float) -> F32:
    """Return a blur, `sigma` in pixels, of the known pixels that does not see the others.

    rgb: `(h, w, c)`; known: `(h, w)` weights.
    """
    total = cv2.GaussianBlur(rgb * known[..., None], (0, 0), sigma)
    share = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
    blurred: F32 = total / np.maximum(share, 1e-4)
    return blurred
