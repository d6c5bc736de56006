"""Tiles around an outline: what is neither inside nor outside, in boxes, so that the rest costs nothing."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from studio.domain.arrays import Bool
from studio.domain.geometry import Box


def inside(box: Box, outer: Box) -> tuple[slice, slice]:
    """Return where a box lies in an array of a larger box around it."""
    return slice(box.y0 - outer.y0, box.y1 - outer.y0), slice(box.x0 - outer.x0, box.x1 - outer.x0)


def open_boxes(open_pixels: Bool, tile: int) -> Iterator[Box]:
    """Yield, for every tile that holds open pixels, the box around those."""
    height, width = open_pixels.shape
    marks = open_pixels.view(np.uint8)
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            left, top, across, down = cv2.boundingRect(marks[y : y + tile, x : x + tile])
            if across:
                yield Box(x + left, y + top, x + left + across, y + top + down)
