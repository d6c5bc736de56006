"""Local foreground and background colours around a band, and the alpha that the colour line between them says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32

_SMALLEST = 4
"""Side at which the pyramid stops: by then everything that has a weight has met."""


def spread_colours(values: F32, weight: F32) -> F32:
    """Fill a picture from its weighted pixels: near a weighted pixel its colour, farther away wider means.

    A pull-push pyramid (normalised averages on halving sizes, blended back where finer ones have no weight).

    Args:
        values: `(H, W, C)`, at most four channels.
        weight: `(H, W)`, >= 0.
    """
    levels = [(values * weight[..., None], weight)]
    while min(levels[-1][1].shape) > _SMALLEST:
        levels.append(tuple(_halve(plane) for plane in levels[-1]))  # type: ignore[arg-type]  # always two planes
    filled = _mean(*levels[-1])
    for total, mass in reversed(levels[:-1]):
        wider = cv2.resize(filled, mass.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(total.shape)
        trust = np.minimum(mass, 1.0)[..., None]
        filled = trust * _mean(total, mass) + (1.0 - trust) * wider
    return filled


def _halve(plane: F32) -> F32:
    height, width = plane.shape[:2]
    size = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    # twice the area mean: a quarter-covered parent pixel already counts as half sure
    halved: F32 = cv2.resize(plane, size, interpolation=cv2.INTER_AREA) * np.float32(2.0)
    return halved.reshape(size[1], size[0], *plane.shape[2:])


def _mean(total: F32, mass: F32) -> F32:
    return (total / np.maximum(mass, np.float32(1e-6))[..., None]).astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class ColourLine:
    """Alpha by projection on the line from background to foreground colour, and how much to believe it.

    alpha: float32 `(H, W)`. variance: expected squared error of alpha from the spread of both colours.
    """

    alpha: F32
    variance: F32


_NOISE_VARIANCE = (1.5 / 255.0) ** 2


def project_colours(image: F32, sure_foreground: F32, sure_background: F32, backdrop: F32 | None) -> ColourLine:
    """Estimate alpha from local colours alone.

    Args:
        image: sRGB float32 in [0, 1].
        sure_foreground, sure_background: weights `(H, W)` of pixels known to be one or the other.
        backdrop: exact background colours where the photo has a plain backdrop.
    """
    fore, fore_variance = _local_statistics(image, sure_foreground)
    if backdrop is None:
        back, back_variance = _local_statistics(image, sure_background)
    else:
        back = shade_backdrop(image, backdrop, sure_background)
        back_variance = np.full(image.shape[:2], (2.0 / 255.0) ** 2, np.float32)
    line = fore - back
    length = np.maximum((line * line).sum(axis=2), 1e-6)
    alpha = np.clip(((image - back) * line).sum(axis=2) / length, 0.0, 1.0)
    off_line = image - back - alpha[..., None] * line
    miss = (off_line * off_line).sum(axis=2)
    spread = alpha**2 * fore_variance + (1.0 - alpha) ** 2 * back_variance + _NOISE_VARIANCE
    return ColourLine(alpha.astype(np.float32), ((spread + miss) / length).astype(np.float32))


def shade_backdrop(image: F32, backdrop: F32, sure_background: F32) -> F32:
    """Return the backdrop as it looks beside the subject: with the shadows that sure background pixels show."""
    shaded: F32 = np.clip(backdrop + spread_colours(image - backdrop, sure_background), 0.0, 1.0)
    return shaded


def _local_statistics(image: F32, weight: F32) -> tuple[F32, F32]:
    power = (image * image).sum(axis=2, keepdims=True)
    moments = spread_colours(np.concatenate([image, power], axis=2), weight)
    mean = np.ascontiguousarray(moments[..., :3])
    variance: F32 = np.maximum(moments[..., 3] - (mean * mean).sum(axis=2), 0.0)
    return mean, variance
