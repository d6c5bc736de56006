"""Filling what is unknown: smooth continuations, their grain, and outlines drawn with smooth edges."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64

_SMALLEST_FILM, _SHARE_KNOWN = 8, 0.25
"""Side at which a film's pyramid ends; from this share of known pixels on a coarse one is known."""
_FILM_STEPS, _LAST_STEPS = 30, 4
"""Steps of the film on its coarse levels, and on the two finest, which hardly change it."""


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


def fill_evenly(rgb: F32, known: F32) -> F32:
    """Continue known pixels as a soap film: the gentlest way between them, that meets them without a step.

    rgb: `(h, w, c)`; known: `(h, w)` weights, 0 = unknown. `fill_smoothly` is cheaper, and falls off beside what is
    known towards a wider mean. Coarse to fine with a few steps each (a cascade) it comes close to Laplace's equation.
    Source: Bornemann, Deuflhard, "The cascadic multigrid method for elliptic problems", Numer. Math. 1996.
    """
    levels = [(rgb, np.clip(known, 0.0, 1.0).astype(np.float32))]
    while min(levels[-1][1].shape) > _SMALLEST_FILM:
        value, trust = levels[-1]
        size = ((trust.shape[1] + 1) // 2, (trust.shape[0] + 1) // 2)
        less = cv2.resize(trust, size, interpolation=cv2.INTER_AREA)
        mixed = cv2.resize(value * trust[..., None], size, interpolation=cv2.INTER_AREA)
        mean = (mixed / np.maximum(less, 1e-6)[..., None]).astype(np.float32)
        levels.append((mean, (less > _SHARE_KNOWN).astype(np.float32) if less.max() > _SHARE_KNOWN else less))
    value, trust = levels[-1]
    film = fill_smoothly(value, trust)
    for level, (value, trust) in enumerate(reversed(levels)):
        film = cv2.resize(film, (trust.shape[1], trust.shape[0]), interpolation=cv2.INTER_LINEAR)
        share = trust[..., None]
        for _ in range(_FILM_STEPS if level < len(levels) - 2 else _LAST_STEPS):
            film = film + share * (value - film)
            film = cv2.GaussianBlur(film, (5, 5), 1.2)
        film = film + share * (value - film)
    filled: F32 = film.astype(np.float32)
    return filled


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
