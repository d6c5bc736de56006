"""Alpha for a whole photo: coarse to fine inside the trimap's band, then at native size by local colour models."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.matting.colours import inner_product, project_colours
from studio.pipeline.matting.laplacian import multiply_inverse, solve_band
from studio.pipeline.matting.trimap import FOREGROUND, UNKNOWN

_COARSEST = 400
"""Longest side of the first level: small enough that alpha flows across the widest band."""
_STEPS = (400, 40, 12)
"""Solver steps per level, coarse to fine: the coarse ones carry alpha far, the fine ones only sharpen it."""
_SETTLED = 0.02
"""Alpha closer to 0 or 1 than this is taken as known by the next finer level."""
_PRIOR = 1e-4
"""Pull towards the coarse mask: decides only where colour says nothing at all."""
_BACKDROP_TRUST = 0.02
"""Weight of the colour line on plain backdrops, where the background's colour is known exactly."""
_TRUSTED_VARIANCE = 0.01
_MOST_TRUST = 10.0
"""Where colour is surer than `_TRUSTED_VARIANCE`, its weight grows up to this many times."""
_BLIND_VARIANCE = 0.08
"""Where the colour line is less sure than this (white cloth on white), the mask decides."""
_BLIND_PRIOR = 0.15
_ALIKE = 0.08
"""Distance of both sides' colours (sRGB, [0, 1]) up to which they are alike: white cloth on a white wall."""
_ALIKE_PRIOR = 4.0
"""There the outline is drawn, not found: noise and compression would fray it."""
_BLIND_LEVEL = 0.6
"""Mask value that counts as the edge there: what looks exactly as the backdrop is more likely it."""
_CONTOUR_SHARE = 0.002
"""Unit of smoothing there, in shares of the longest side: frays are a few pixels large."""
_SHARPENING = 8.0
"""Steepening of the mask where it decides: a network's edge is blurred by its own resolution."""


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    image: F32
    foreground: F32
    background: F32
    target: F32
    weight: F32


def solve_alpha(rgb: U8, mask: F32, trimap: U8, backdrop: F32 | None) -> F32:
    """Estimate alpha inside the unknown band of a trimap.

    Args:
        rgb: sRGB `(H, W, 3)`.
        mask: coarse mask, the first guess.
        trimap: 0, 128 or 255. Known pixels are returned as 0 and 1.
        backdrop: exact background colours `(H, W, 3)` in [0, 1], where known.
    """
    image = rgb.astype(np.float32) / np.float32(255.0)
    levels = [_finest(image, mask, trimap, backdrop)]
    while max(levels[-1].foreground.shape) > _COARSEST:
        levels.append(_halve(levels[-1]))
    alpha = levels[-1].target
    for index, level in enumerate(reversed(levels)):
        alpha, unknown = _begin(level, alpha, first=index == 0)
        steps = _STEPS[min(index, len(_STEPS) - 1)]
        alpha = solve_band(level.image, alpha, unknown, level.target, level.weight, steps=steps)
    return alpha


def _finest(image: F32, mask: F32, trimap: U8, backdrop: F32 | None) -> _Level:
    foreground = (trimap == FOREGROUND).astype(np.float32)
    background = (trimap < UNKNOWN).astype(np.float32)
    target, weight = mask, np.full(mask.shape, _PRIOR, np.float32)
    if backdrop is not None:
        line = project_colours(image, foreground, background, backdrop)
        trust = _BACKDROP_TRUST * np.minimum(_TRUSTED_VARIANCE / line.variance, _MOST_TRUST)
        blind = np.clip(line.variance / _BLIND_VARIANCE - 1.0, 0.0, 1.0)
        sharp = np.clip((mask - _BLIND_LEVEL) * _SHARPENING + 0.5, 0.0, 1.0)
        alike = np.clip(2.0 - line.contrast * (1.0 / _ALIKE), 0.0, 1.0)
        guess = _BLIND_PRIOR * blind * (1.0 - alike)
        drawn = _ALIKE_PRIOR * blind * alike
        contour = _smooth_contour(mask) if drawn.any() else sharp
        total = trust + weight + guess + drawn
        target = ((trust * line.alpha + (weight + guess) * sharp + drawn * contour) / total).astype(np.float32)
        weight = total.astype(np.float32)
    target = np.where(foreground > 0, 1.0, np.where(background > 0, 0.0, target)).astype(np.float32)
    return _Level(image, foreground, background, target, weight)


def _smooth_contour(mask: F32) -> F32:
    """Return the mask with a clean, antialiased outline, cracks closed: what to draw where nothing can be seen."""
    unit = max(mask.shape) * _CONTOUR_SHARE
    size = 2 * round(2 * unit) + 1
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    smooth = cv2.GaussianBlur(closed, (0, 0), 1.5 * unit)
    contour: F32 = (smooth - np.float32(_BLIND_LEVEL)) * np.float32(_SHARPENING) + np.float32(0.5)
    return np.clip(contour, np.float32(0.0), np.float32(1.0), out=contour)


def _halve(level: _Level) -> _Level:
    size = ((level.foreground.shape[1] + 1) // 2, (level.foreground.shape[0] + 1) // 2)

    def shrink(plane: F32) -> F32:
        smaller: F32 = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
        return smaller

    return _Level(
        shrink(level.image),
        shrink(level.foreground),
        shrink(level.background),
        shrink(level.target),
        shrink(level.weight),
    )


def _begin(level: _Level, alpha: F32, *, first: bool) -> tuple[F32, Bool]:
    """Return the level's first guess and which of its pixels are still open."""
    foreground, background = level.foreground > 0.999, level.background > 0.999
    unknown = ~(foreground | background)
    if not first:
        alpha = cv2.resize(alpha, level.foreground.shape[::-1], interpolation=cv2.INTER_LINEAR)
        partial = ((alpha > _SETTLED) & (alpha < 1.0 - _SETTLED)).astype(np.uint8)
        unknown &= cv2.dilate(partial, np.ones((5, 5), np.uint8)) > 0
        alpha = np.clip((alpha - _SETTLED) / (1.0 - 2.0 * _SETTLED), 0.0, 1.0)
    else:
        alpha = level.target.copy()
    alpha[foreground], alpha[background] = 1.0, 0.0
    return alpha, unknown


@dataclass(frozen=True, slots=True, eq=False)
class LocalModel:
    """Alpha as a local linear function of colour, `alpha = slope . rgb + offset`, at reduced size.

    planes: float32 `(h, w, 4)`: three slopes and the offset. Upsampled, it carries alpha to native pixels without
    their edges being lost (a guided filter with the photo as guide).
    """

    planes: F32

    def apply(self, image: F32, matrix: F32) -> F32:
        """Return alpha of a native tile; `matrix` maps its pixels to the model's (for cv2.warpAffine)."""
        size = (image.shape[1], image.shape[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        planes = cv2.warpAffine(self.planes, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        slope = np.ascontiguousarray(planes[..., :3])
        alpha: F32 = inner_product(slope, image) + planes[..., 3]
        return alpha


_MODEL_RADIUS = 2
_MODEL_EPSILON = 3e-5
"""Flattens the model where the window has hardly any contrast (squared [0, 1] colour)."""


def fit_local_model(image: F32, alpha: F32) -> LocalModel:
    """Fit the local colour model of alpha in windows of 5 x 5 pixels."""
    size = (2 * _MODEL_RADIUS + 1,) * 2
    mean = cv2.blur(image, size)
    mean_alpha = cv2.blur(alpha, size)
    colours, means = cv2.split(image), cv2.split(mean)
    epsilon = np.float32(_MODEL_EPSILON)

    def covariance(one: int, other: int) -> F32:
        spread: F32 = cv2.blur(colours[one] * colours[other], size) - means[one] * means[other]
        return (spread + epsilon if one == other else spread).ravel()

    def against_alpha(one: int) -> F32:
        spread: F32 = cv2.blur(colours[one] * alpha, size) - means[one] * mean_alpha
        return spread.ravel()

    symmetric = [covariance(*pair) for pair in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    joint = np.stack([against_alpha(one) for one in range(3)])
    slopes = multiply_inverse(symmetric, joint).reshape(3, *alpha.shape)
    offset = mean_alpha - sum(slope * middle for slope, middle in zip(slopes, means, strict=True))
    return LocalModel(cv2.blur(cv2.merge([*slopes, offset]), size))
