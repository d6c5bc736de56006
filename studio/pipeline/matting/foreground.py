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
from studio.pipeline.matting.colours import over_channels, spread_colours
from studio.pipeline.matting.tiles import inside, open_boxes

_RADII = (8, 3)
_STIFFNESS = 0.08
"""Weight of the neighbourhood's colour against the equation: keeps noise and alpha's own errors out of F."""
_TILE = 160
_MARGIN = sum(_RADII)
"""Reach of the two blurs: with so much around it, a tile comes out as it would in the whole picture."""


def estimate_foreground(image: F32, alpha: F32, backdrop: F32 | None = None) -> F32:
    """Return float32 `(H, W, 3)` foreground colours; equal to the image where alpha is 1.

    Args:
        image: sRGB float32 in [0, 1].
        alpha: float32 in [0, 1].
        backdrop: exact background colours, where known.
    """
    fore = spread_colours(image, _sure(alpha), coarse=True)
    back = spread_colours(image, _sure(1.0 - alpha), coarse=True) if backdrop is None else backdrop
    solid = (alpha >= 1.0).astype(np.uint8)
    result = fore.copy()
    for box in open_boxes((alpha > 0.0) & (solid == 0), _TILE):
        outer = box.grown(_MARGIN, (alpha.shape[1], alpha.shape[0]))
        part = outer.slices
        refined = refine_foreground(
            image[part], alpha[part], fore[part], back[part], fixed_background=backdrop is not None
        )
        result[box.slices] = refined[inside(box, outer)]
    cleaned: F32 = cv2.copyTo(image, solid, result)
    return cleaned


def refine_foreground(
    image: F32,
    alpha: F32,
    fore: F32,
    back: F32,
    *,
    fixed_background: bool = False,
    radii: tuple[int, ...] = _RADII,
) -> F32:
    """Draw rough colours of foreground and background towards `I = alpha F + (1 - alpha) B`; return F."""
    opacity = over_channels(alpha, 3)
    clear = np.float32(1.0) - opacity
    pull = np.float32(1.0) / (np.float32(_STIFFNESS) + opacity * opacity + clear * clear)
    for radius in radii:
        miss = (image - opacity * fore - clear * back) * pull
        fore = _weighted_blur(_clip(fore + opacity * miss), opacity, radius)
        back = _clip(back + clear * miss)
        if not fixed_background:
            back = _weighted_blur(back, clear, radius)
    fore = _clip(fore + opacity * (image - opacity * fore - clear * back) * pull)
    solid = _clip((opacity - np.float32(0.97)) / np.float32(0.03))
    result: F32 = fore + solid * (image - fore)
    return result


def _sure(alpha: F32) -> F32:
    certain: F32 = np.clip((alpha - 0.9) / 0.1, 0.0, 1.0) + np.float32(1e-4) * alpha
    return certain


def _clip(values: F32) -> F32:
    return np.clip(values, np.float32(0.0), np.float32(1.0), out=values)


def _weighted_blur(values: F32, weight: F32, radius: int) -> F32:
    size = (2 * radius + 1, 2 * radius + 1)
    mass = cv2.blur(weight, size)
    total = cv2.blur(values * weight, size)
    trust = np.minimum(mass * np.float32(50.0), np.float32(1.0))
    blurred: F32 = values + trust * (total / np.maximum(mass, np.float32(1e-5)) - values)
    return blurred
