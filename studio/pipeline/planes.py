"""Arithmetic of pictures `(H, W, 3)` with planes `(H, W)`, many times faster than broadcasting over three channels.

Results are numpy's to the last bit: the same operations in the same order, only not three pixels' worth at a time.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, AnyArray, Bool


def spread(plane: F32) -> F32:
    """Return a plane as a picture with three equal channels, to multiply pictures by."""
    picture: F32 = cv2.merge([plane, plane, plane])
    return picture


def mix(below: F32, above: F32, alpha: F32) -> F32:
    """Return `above` laid over `below` with an opacity."""
    mixed: F32 = below + (above - below) * spread(alpha)
    return mixed


def largest(picture: AnyArray) -> AnyArray:
    """Return the largest channel of each pixel."""
    most: AnyArray = picture[..., 0]
    for channel in range(1, picture.shape[-1]):
        most = np.maximum(most, picture[..., channel])
    return most


def summed(picture: AnyArray) -> AnyArray:
    """Return the sum of the channels of each pixel."""
    added: AnyArray = picture[..., 0] + picture[..., 1]
    for channel in range(2, picture.shape[-1]):
        added = added + picture[..., channel]
    return added


def magnitude(x: F32, y: F32) -> F32:
    """Return the length of each vector; OpenCV's own rounds by where the planes happen to lie in memory."""
    hypotenuse: F32 = cv2.sqrt(x * x + y * y)
    return hypotenuse


def paint(target: AnyArray, source: AnyArray, where: AnyArray) -> None:
    """Copy the source's pixels into the target where a boolean plane says so, in place."""
    target[...] = cv2.copyTo(np.ascontiguousarray(source), where.view(np.uint8), np.ascontiguousarray(target))


def window_around(mask: Bool, margin: int) -> tuple[slice, slice]:
    """Return the smallest window that holds all of a mask and a margin about it; any corner where it is empty."""
    x, y, across, down = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    return slice(max(0, y - margin), y + down + margin), slice(max(0, x - margin), x + across + margin)
