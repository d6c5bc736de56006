"""A plain studio backdrop as a smooth colour field, and how far each pixel is from it.

Catalogue photos stand mostly before paper or a white wall. There the background's colour is known nearly everywhere,
which tells hair from wall better than any network does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.planes import magnitude

_FIT_SIDE = 192
"""Longest side at which the field is fitted: a quadratic needs no more."""
_FIELD_SIDE = 64
"""Side at which the field is evaluated before it is enlarged: it has no finer detail."""
_PLAIN_NOISE = 3.0
"""Robust spread (CIELAB units) above which a background does not count as plain."""
_PLAIN_TAIL = 10.0
"""Residual of the worst quarter above which it does not either (furniture, horizon)."""
_BORDER_SHARE = 0.15
_TAIL_QUANTILE = 0.75
"""The rest may be cloth that the network took for the wall; it must not speak against the wall."""
_STUDIO_NOISE, _STUDIO_TAIL = 1.45, 2.5
_FLAT_TAIL = 0.25
"""A background flatter than this was painted in retouching: the smallest difference counts."""
_SHADE = 25.0
"""CIELAB distance up to which a smooth darkening beside the subject is its shadow."""
_MIN_SHARE = 0.06
"""Share of the picture that must be surely background to say anything about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """Background colour as a quadratic in x and y.

    coefficients: float64 `(6, 3)` over CIELAB. noise: robust spread of the background around it, CIELAB units.
    tail: residual that a quarter of the background exceeds.
    """

    coefficients: F64
    noise: float
    tail: float

    @property
    def is_studio(self) -> bool:
        """Paper or a bare wall, so that whatever stands out from it beside the subject belongs to the subject."""
        return self.noise < _STUDIO_NOISE and self.tail < _STUDIO_TAIL

    def lab(self, shape: tuple[int, int]) -> F32:
        """Return float32 `(H, W, 3)`: the backdrop's CIELAB colours at any size."""
        resized: F32 = cv2.resize(self._field(shape), shape[::-1], interpolation=cv2.INTER_CUBIC)
        return resized

    def rgb(self, shape: tuple[int, int]) -> F32:
        """Return float32 `(H, W, 3)` sRGB in [0, 1]."""
        colours = cv2.cvtColor(self._field(shape), cv2.COLOR_LAB2RGB)
        resized: F32 = cv2.resize(colours, shape[::-1], interpolation=cv2.INTER_CUBIC)
        return np.clip(resized, np.float32(0.0), np.float32(1.0), out=resized)

    def _field(self, shape: tuple[int, int]) -> F32:
        coarse = (min(shape[0], _FIELD_SIDE), min(shape[1], _FIELD_SIDE))
        return (_terms(coarse) @ self.coefficients).reshape(*coarse, 3).astype(np.float32)


def fit_backdrop(rgb: U8, alpha: F32) -> Backdrop | None:
    """Fit the backdrop to the pixels that the mask calls background; None where it is not plain.

    Args:
        rgb: sRGB `(H, W, 3)`.
        alpha: coarse mask of the same size.
    """
    small, mask = _shrink(rgb, alpha)
    lab = to_lab(small)
    sure = cv2.dilate(mask, np.ones((7, 7), np.uint8)) < 0.03
    if sure.mean() < _MIN_SHARE:
        return None
    terms, values = _terms(mask.shape)[sure.ravel()], lab[sure].astype(np.float64)
    coefficients, residual = _robust_fit(terms, values, _near_border(mask.shape)[sure.ravel()])
    noise = 1.4826 * float(np.median(residual))
    tail = float(np.quantile(residual, _TAIL_QUANTILE))
    if noise > _PLAIN_NOISE or tail > _PLAIN_TAIL:
        return None
    return Backdrop(coefficients, max(noise, 0.4), tail)


def to_lab(rgb: U8) -> F32:
    """Return CIELAB float32 (L 0..100) of sRGB uint8."""
    lab: F32 = cv2.cvtColor(rgb.astype(np.float32) * np.float32(1.0 / 255.0), cv2.COLOR_RGB2LAB)
    return lab


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a backdrop says about each pixel, in units of its noise and of CIELAB.

    distance: CIELAB distance to the backdrop. unlike: surely something else than backdrop or its shadow.
    like: as the backdrop itself. shade: darker, equally coloured and smooth, as a shadow on the backdrop.
    fine: has detail finer than any shadow's. brighter: lighter than the backdrop, so no mixture of it with anything
    darker: white cloth.
    """

    distance: F32
    unlike: Bool
    like: Bool
    shade: Bool
    fine: Bool
    brighter: Bool


def weigh(rgb: U8, backdrop: Backdrop) -> Evidence:
    """Compare a picture with its backdrop. A darker, equally coloured pixel may be a shadow and is not "unlike"."""
    level, red_green, yellow_blue = cv2.split(to_lab(rgb) - backdrop.lab(rgb.shape[:2]))
    chroma = magnitude(red_green, yellow_blue)
    distance = magnitude(level, chroma)
    flat = backdrop.tail < _FLAT_TAIL
    limit = 2.2 if flat else max(4.0 * backdrop.noise, 4.5)
    same = 1.2 if flat else max(2.5 * backdrop.noise, 2.0)
    shadow = (level < 0) & (level > -32) & (chroma < np.float32(limit) - np.float32(0.08) * level)
    detail = np.abs(level - cv2.GaussianBlur(level, (0, 0), 3.0))
    fine = cv2.dilate(detail, np.ones((3, 3), np.uint8)) > max(1.2, 2.0 * backdrop.noise)
    shade = shadow & ~fine & (distance < _SHADE)
    return Evidence(distance, (distance > limit) & ~shadow, distance < same, shade, fine, level > limit)


def _near_border(shape: tuple[int, ...]) -> F64:
    """First weights: the wall is surest at the sides and above; in the middle may be cloth that was not recognised."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    side = np.minimum(x, shape[1] - 1 - x) < _BORDER_SHARE * shape[1]
    return np.where((side | (y < _BORDER_SHARE * shape[0])).ravel(), 1.0, 0.02)


def _robust_fit(terms: F64, values: F64, weights: F64) -> tuple[F64, F64]:
    for _ in range(4):
        scaled = terms * weights[:, None]
        coefficients: F64 = np.linalg.lstsq(scaled.T @ terms, scaled.T @ values, rcond=None)[0].astype(np.float64)
        residual: F64 = np.sqrt(((values - terms @ coefficients) ** 2).sum(axis=1))
        spread = max(1.4826 * float(np.median(residual)), 0.3)
        weights = 1.0 / (1.0 + (residual / (2.0 * spread)) ** 2)
    return coefficients, residual


def _terms(shape: tuple[int, int]) -> F64:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    u = (x.ravel() + 0.5) / shape[1] * 2 - 1
    v = (y.ravel() + 0.5) / shape[0] * 2 - 1
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)


def _shrink(rgb: U8, alpha: F32) -> tuple[U8, F32]:
    height, width = rgb.shape[:2]
    scale = min(1.0, _FIT_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return (
        cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
        cv2.resize(alpha, size, interpolation=cv2.INTER_AREA),
    )
