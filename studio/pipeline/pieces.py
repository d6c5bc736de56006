"""A large photo piece by piece: planes found on a reduced raster are carried to it only where they change anything."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from studio.domain.arrays import F32
from studio.domain.geometry import Box

SIDE = 768
FEW = 4_000_000
"""A photo of fewer pixels is one piece."""


def pieces_of(shape: tuple[int, ...]) -> Iterator[Box]:
    """Yield the pieces of a picture of `(height, width)`."""
    down, across = (SIDE, SIDE) if shape[0] * shape[1] >= FEW else shape[:2]
    for y in range(0, shape[0], down):
        for x in range(0, shape[1], across):
            yield Box(x, y, min(x + across, shape[1]), min(y + down, shape[0]))


def read_piece(plane: F32, shape: tuple[int, ...], piece: Box) -> F32:
    """Return a plane of a reduced raster on a piece of a picture of `(height, width)`."""
    if plane.shape[:2] == shape[:2]:
        return plane[piece.slices]
    across, down = plane.shape[1] / shape[1], plane.shape[0] / shape[0]
    start = ((piece.x0 + 0.5) * across - 0.5, (piece.y0 + 0.5) * down - 0.5)
    matrix = np.array([[across, 0, start[0]], [0, down, start[1]]])
    size, flags = (piece.width, piece.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    read: F32 = cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return read
