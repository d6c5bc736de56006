"""One resampling from native pixels to the output: area when shrinking, cubic when enlarging, exact at 1:1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from studio.compositing.placement import apply, chain, invert
from studio.domain.arrays import F32, F64
from studio.domain.geometry import Box

_MOST_SAMPLES = 8
"""Samples per output pixel and axis; beyond, the source is halved first."""
_BORDER = 4
"""Source pixels around a tile that cubic interpolation reaches for."""
_SAME_SCALE = 2e-4


@dataclass(frozen=True, slots=True, eq=False)
class Resampler:
    """A fixed transform from source to output pixels.

    matrix: source -> output. samples: per output pixel and axis, >= the shrinking factor.
    """

    matrix: F64
    source_size: tuple[int, int]
    samples: int

    @classmethod
    def plan(cls, matrix: F64, source_size: tuple[int, int]) -> Resampler:
        """Choose the sampling for a transform; near-integral shifts at scale 1 become exact."""
        scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
        upright = abs(float(matrix[0, 1])) < 1e-9 and abs(float(matrix[1, 0])) < 1e-9
        if upright and abs(scale - 1.0) < _SAME_SCALE:
            mirror = np.sign(matrix[0, 0])
            # Snapped: a look placed at its native size keeps its pixels instead of being blurred by half a pixel.
            matrix = np.array([[mirror, 0.0, np.rint(matrix[0, 2])], [0.0, 1.0, np.rint(matrix[1, 2])]])
            return cls(matrix, source_size, 1)
        return cls(matrix, source_size, min(_MOST_SAMPLES, max(1, math.ceil(1.0 / scale))))

    def source_box(self, tile: Box) -> Box | None:
        """Return the source pixels that a tile of the output needs; None where it lies outside."""
        corners = np.array(
            [(tile.x0 - 1, tile.y0 - 1), (tile.x1, tile.y0 - 1), (tile.x1, tile.y1), (tile.x0 - 1, tile.y1)]
        )
        mapped = apply(invert(self.matrix), corners.astype(np.float64))
        low = np.floor(mapped.min(axis=0)).astype(int) - _BORDER
        high = np.ceil(mapped.max(axis=0)).astype(int) + _BORDER + 1
        width, height = self.source_size
        box = Box(max(0, int(low[0])), max(0, int(low[1])), min(width, int(high[0])), min(height, int(high[1])))
        return box if box.width > 0 and box.height > 0 else None

    def resample(self, source: F32, source_box: Box, tile: Box) -> F32:
        """Return the tile's pixels from the source's pixels inside `source_box`; 0 outside the source."""
        n = self.samples
        # Sample centres: output pixel p holds n samples at p + (k + 0.5) / n - 0.5.
        shift = (1.0 - n) / (2.0 * n)
        to_output = np.array([[1.0 / n, 0.0, tile.x0 + shift], [0.0, 1.0 / n, tile.y0 + shift]])
        inverse = chain(invert(self.matrix), to_output)
        inverse[:, 2] -= (source_box.x0, source_box.y0)
        size = (tile.width * n, tile.height * n)
        exact = n == 1 and np.allclose(inverse, np.rint(inverse))
        flags = (cv2.INTER_NEAREST if exact else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
        warped: F32 = cv2.warpAffine(source, inverse, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
        if n > 1:
            warped = cv2.resize(warped, (tile.width, tile.height), interpolation=cv2.INTER_AREA)
        return warped
