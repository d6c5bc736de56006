"""Foreground colours without the old background: multi-level estimation.

Each pixel's colour is split as `I = alpha F + (1 - alpha) B`. F and B start as wide means of sure pixels (a pyramid)
and are drawn towards the equation at finer and finer radii, so that colour comes from as near as alpha allows.
In the spirit of Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020, and Forte, "Approximate Fast
Foreground Colour Estimation", ICIP 2021.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32
from studio.pipeline.matting.colours import spread_colours

_RADII = (8, 3)
_STIFFNESS = 0.08
"""Weight of the neighbourhood's colour against the equation: keeps noise and alpha's own errors out of F."""


def estimate_foreground(image: F32, alpha: F32, backdrop: F32 | None = None) -> F32:
    """Return float32 `(H, W, 3)` foreground colours; equal to the image where alpha is 1.

    Args:
        image: sRGB float32 in [0, 1].
        alpha: float32 in [0, 1].
        backdrop: exact background colours, where known.
    """
    fore = spread_colours(image, _sure(alpha))
    back = spread_colours(image, _sure(1.0 - alpha)) if backdrop is None else backdrop
    return refine_foreground(image, alpha, fore, back, fixed_background=backdrop is not None)


def refine_foreground(image: F32, alpha: F32, fore: F32, back: F32, *, fixed_background: bool = False) -> F32:
    """Draw rough colours of foreground and background towards `I = alpha F + (1 - alpha) B`; return F."""
    opacity = alpha[..., None]
    for radius in _RADII:
        fore, back = _satisfy(image, opacity, fore, back)
        fore = _weighted_blur(fore, alpha, radius, fore)
        if not fixed_background:
            back = _weighted_blur(back, 1.0 - alpha, radius, back)
    fore, _ = _satisfy(image, opacity, fore, back)
    solid = np.clip((opacity - 0.97) / 0.03, 0.0, 1.0)
    result = np.clip(fore, 0.0, 1.0) * (1.0 - solid) + image * solid
    return np.where(opacity >= 1.0, image, result).astype(np.float32, copy=False)


def _sure(alpha: F32) -> F32:
    certain: F32 = np.clip((alpha - 0.9) / 0.1, 0.0, 1.0) + np.float32(1e-4) * alpha
    return certain


def _satisfy(image: F32, opacity: F32, fore: F32, back: F32) -> tuple[F32, F32]:
    clear = 1.0 - opacity
    miss = (image - opacity * fore - clear * back) / (_STIFFNESS + opacity * opacity + clear * clear)
    return np.clip(fore + opacity * miss, 0.0, 1.0), np.clip(back + clear * miss, 0.0, 1.0)


def _weighted_blur(values: F32, weight: F32, radius: int, fallback: F32) -> F32:
    size = (2 * radius + 1, 2 * radius + 1)
    mass = cv2.blur(weight, size)[..., None]
    total = cv2.blur(values * weight[..., None], size)
    trust = np.minimum(mass * 50.0, 1.0)
    mean: F32 = trust * total / np.maximum(mass, 1e-5) + (1.0 - trust) * fallback
    return mean
