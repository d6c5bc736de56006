"""Local foreground and background colours around a band, and the alpha that the colour line between them says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32

_SMALLEST = 4
"""Side at which the pyramid stops: by then everything that has a weight has met."""


def over_channels(plane: F32, channels: int) -> F32:
    """Return `(H, W, C)`, the plane in every channel: arithmetic on it is many times faster than broadcasting."""
    merged: F32 = cv2.merge([plane] * channels)
    return merged.reshape(*plane.shape, channels)


def spread_colours(values: F32, weight: F32, *, coarse: bool = False) -> F32:
    """Fill a picture from its weighted pixels: near a weighted pixel its colour, farther away wider means.

    A pull-push pyramid (normalised averages on halving sizes, blended back where finer ones have no weight).

    Args:
        values: `(H, W, C)`, at most four channels.
        weight: `(H, W)`, >= 0.
        coarse: leave out the finest level; a quarter of the time, weighted pixels get a mean of 2 x 2.
    """
    levels = [(values * over_channels(weight, values.shape[2]), weight)]
    while min(levels[-1][1].shape) > _SMALLEST:
        levels.append(tuple(_halve(plane) for plane in levels[-1]))  # type: ignore[arg-type]  # always two planes
    filled = _mean(*levels[-1])
    for total, mass in reversed(levels[int(coarse) : -1]):
        wider = _resize(filled, mass.shape)
        filled = wider + over_channels(np.minimum(mass, np.float32(1.0)), total.shape[2]) * (_mean(total, mass) - wider)
    return _resize(filled, weight.shape) if filled.shape[:2] != weight.shape else filled


def _resize(plane: F32, shape: tuple[int, ...]) -> F32:
    resized: F32 = cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return resized.reshape(shape[0], shape[1], plane.shape[2])


def _halve(plane: F32) -> F32:
    height, width = plane.shape[:2]
    size = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    # twice the area mean: a quarter-covered parent pixel already counts as half sure
    halved: F32 = cv2.resize(plane, size, interpolation=cv2.INTER_AREA) * np.float32(2.0)
    return halved.reshape(size[1], size[0], *plane.shape[2:])


def _mean(total: F32, mass: F32) -> F32:
    return total / over_channels(np.maximum(mass, np.float32(1e-6)), total.shape[2])


@dataclass(frozen=True, slots=True, eq=False)
class ColourLine:
    """Alpha by projection on the line from background to foreground colour, and how much to believe it.

    alpha: float32 `(H, W)`. variance: expected squared error of alpha from the spread of both colours.
    contrast: distance of the two colours.
    """

    alpha: F32
    variance: F32
    contrast: F32


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
    line, beyond = fore - back, image - back
    length = np.maximum(inner_product(line, line), np.float32(1e-6))
    alpha: F32 = np.clip(inner_product(beyond, line) / length, np.float32(0.0), np.float32(1.0))
    off_line = beyond - over_channels(alpha, 3) * line
    spread = alpha**2 * fore_variance + (1.0 - alpha) ** 2 * back_variance + np.float32(_NOISE_VARIANCE)
    variance = ((spread + inner_product(off_line, off_line)) / length).astype(np.float32, copy=False)
    return ColourLine(alpha, variance, np.sqrt(length))


def inner_product(one: F32, other: F32) -> F32:
    """Return the sum over three channels of the products, `(H, W)`."""
    total: F32 = cv2.transform(one * other, np.ones((1, 3), np.float32))
    return total.reshape(one.shape[:2])


def shade_backdrop(image: F32, backdrop: F32, sure_background: F32) -> F32:
    """Return the backdrop as it looks beside the subject: with the shadows that sure background pixels show."""
    shaded: F32 = np.clip(backdrop + spread_colours(image - backdrop, sure_background, coarse=True), 0.0, 1.0)
    return shaded


def _local_statistics(image: F32, weight: F32) -> tuple[F32, F32]:
    moments = spread_colours(cv2.merge([*cv2.split(image), inner_product(image, image)]), weight, coarse=True)
    mean = np.ascontiguousarray(moments[..., :3])
    variance: F32 = np.maximum(moments[..., 3] - inner_product(mean, mean), np.float32(0.0))
    return mean, variance
