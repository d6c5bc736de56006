"""Closed-form matting by pymatting, tile by tile: the high-quality mode."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.geometry import Box
from studio.domain.progress import Progress

_TILE = 384
_OVERLAP = 48
"""Context around a tile; its solution there is thrown away."""
_SETTLED = 0.01


def refine_closed_form(rgb: U8, alpha: F32, trimap: U8, progress: Progress) -> F32:
    """Solve the open pixels again with the unregularised closed form, in bounded memory.

    Args:
        rgb: sRGB.
        alpha: a good first solution (ours); what it settled stays known, which keeps the tiles small problems.
        trimap: the band inside which anything may change.
    """
    # Imported here: on a fresh machine pymatting compiles for a minute.
    from pymatting import estimate_alpha_cf

    size = (alpha.shape[1], alpha.shape[0])
    open_pixels = _open_pixels(alpha, trimap)
    result = alpha.copy()
    tiles = [box for box in _tiles(size) if open_pixels[box.slices].any()]
    for index, box in enumerate(tiles):
        progress.report(index / len(tiles), "edges")
        outer = box.grown(_OVERLAP, size)
        known = np.where(open_pixels[outer.slices], 0.5, np.rint(alpha[outer.slices])).astype(np.float64)
        if not (known == 0.0).any() or not (known == 1.0).any():
            continue  # all hair or all one side: nothing to anchor the solution, ours stays
        solved = estimate_alpha_cf(rgb[outer.slices] / 255.0, known)
        inner = (slice(box.y0 - outer.y0, box.y1 - outer.y0), slice(box.x0 - outer.x0, box.x1 - outer.x0))
        result[box.slices] = solved[inner].astype(np.float32)
    return np.clip(result, 0.0, 1.0)


def _open_pixels(alpha: F32, trimap: U8) -> Bool:
    partial = ((alpha > _SETTLED) & (alpha < 1.0 - _SETTLED)).astype(np.uint8)
    widened = cv2.dilate(partial, np.ones((7, 7), np.uint8)) > 0
    band: Bool = widened & (trimap == 128)
    return band


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    for y in range(0, size[1], _TILE):
        for x in range(0, size[0], _TILE):
            yield Box(x, y, min(x + _TILE, size[0]), min(y + _TILE, size[1]))
