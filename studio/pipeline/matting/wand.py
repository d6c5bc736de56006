"""The magic wand: the connected region of like colour around a point."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.geometry import Box
from studio.pipeline.matting.backdrop import to_lab

_FIRST_SIDE = 768
"""Side of the window searched first; it doubles while the region runs into its border."""
_SOFT = 0.25
"""Share of the tolerance over which the region's edge fades, so that it is antialiased."""


def wand_region(rgb: U8, x: float, y: float, tolerance: float) -> tuple[U8, Box] | None:
    """Return coverage, uint8, inside its box; None where the point lies outside the picture.

    Args:
        tolerance: CIELAB distance to the colour under the point.
    """
    height, width = rgb.shape[:2]
    column, row = round(x), round(y)
    if not (0 <= column < width and 0 <= row < height):
        return None
    around = rgb[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    seed = to_lab(np.median(around.reshape(-1, 3), axis=0).astype(np.uint8).reshape(1, 1, 3))[0, 0]
    half = _FIRST_SIDE // 2
    while True:
        box = Box(column, row, column + 1, row + 1).grown(half, (width, height))
        cover = _flood(rgb[box.slices], seed, (column - box.x0, row - box.y0), tolerance)
        if not _runs_on(cover, box, (width, height)):
            return _crop(cover, box)
        half *= 2


def _flood(rgb: U8, seed: F32, point: tuple[int, int], tolerance: float) -> U8:
    distance = np.sqrt(((to_lab(rgb) - seed) ** 2).sum(axis=2))
    like = (distance <= tolerance).astype(np.uint8)
    like[point[1], point[0]] = 1  # the point itself, even where its surroundings differ
    _, labels = cv2.connectedComponents(like, connectivity=4)
    region = labels == labels[point[1], point[0]]
    fade = max(tolerance * _SOFT, 1e-3)
    rim = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    soft = np.clip((tolerance + fade - distance) / fade, 0.0, 1.0)
    cover: U8 = np.where(region, 255, np.where(rim, np.rint(255 * soft), 0)).astype(np.uint8)
    return cover


def _runs_on(cover: U8, box: Box, size: tuple[int, int]) -> bool:
    return bool(
        (box.x0 > 0 and cover[:, 0].any())
        or (box.y0 > 0 and cover[0].any())
        or (box.x1 < size[0] and cover[:, -1].any())
        or (box.y1 < size[1] and cover[-1].any())
    )


def _crop(cover: U8, box: Box) -> tuple[U8, Box]:
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return cover[y0:y1, x0:x1].copy(), Box(box.x0 + x0, box.y0 + y0, box.x0 + x1, box.y0 + y1)
