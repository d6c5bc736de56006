"""Closed-form alpha inside a band: the matting Laplacian assembled for the band's pixels only.

Source of the method: Levin, Lischinski, Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 2008.
The Laplacian of 3 x 3 windows couples each pixel with its 5 x 5 neighbours; assembling it as 25 diagonals over the
band keeps a megapixel photo under half a second without a compiler.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse

from studio.domain.arrays import F32, F64, Bool

Index = npt.NDArray[np.intp]

_WINDOW = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
_PAD = 2
"""Reach of the 5 x 5 stencil, so that flat indices never wrap around."""
_EPSILON = 1e-5
"""Regularisation of the window covariance, in squared [0, 1] colour: lower follows colour more closely."""
_TOLERANCE = 1e-4
"""Relative residual at which alpha no longer changes by a visible step."""


def solve_band(image: F32, alpha: F32, unknown: Bool, target: F32, weight: F32, *, steps: int = 120) -> F32:
    """Return alpha with the unknown pixels solved; the others are returned unchanged.

    Args:
        image: sRGB float32 `(H, W, 3)` in [0, 1].
        alpha: known values outside `unknown`, a first guess inside.
        target, weight: a data term `weight * (alpha - target)^2` on unknown pixels; weight 0 = none.
        steps: most steps of the solver.
    """
    if not unknown.any():
        return alpha
    padded = np.pad(unknown, _PAD)
    guide = np.pad(image, ((_PAD, _PAD), (_PAD, _PAD), (0, 0)), mode="edge")
    known = np.pad(alpha, _PAD, mode="edge")
    rows, values, pixels = _stencil(guide, padded)
    matrix, constant = _system(rows, values, pixels, padded.shape, known, padded)
    data = weight[unknown].astype(np.float64)
    matrix = matrix + sparse.diags(data)
    solved = _conjugate_gradient(matrix, constant + data * target[unknown], alpha[unknown].astype(np.float64), steps)
    result = alpha.copy()
    result[unknown] = np.clip(solved, 0.0, 1.0)
    return result


def _stencil(guide: F32, unknown: Bool) -> tuple[Index, F64, Index]:
    """Return the 25 diagonals of the Laplacian at the unknown pixels (flat indices, in raster order)."""
    width = unknown.shape[1]
    centres = np.flatnonzero(cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)))
    inside = _clear_of_border(centres, unknown.shape)
    centres = centres[inside]
    flat = guide.reshape(-1, 3)
    colours = np.stack([flat[centres + dy * width + dx] for dy, dx in _WINDOW], axis=1).astype(np.float64)
    colours -= colours.mean(axis=1, keepdims=True)
    covariance = np.einsum("kic,kid->kcd", colours, colours) / 9.0 + np.eye(3) * (_EPSILON / 9.0)
    whitened = colours @ np.linalg.inv(covariance)
    affinity = (1.0 + np.einsum("kic,kjc->kij", whitened, colours)) / 9.0
    pixels = np.flatnonzero(unknown)
    row_of = np.full(unknown.size, -1, dtype=np.intp)
    row_of[pixels] = np.arange(pixels.size)
    diagonals = np.zeros((25, pixels.size))
    for i, (yi, xi) in enumerate(_WINDOW):
        rows = row_of[centres + yi * width + xi]
        hit = rows >= 0
        for j, (yj, xj) in enumerate(_WINDOW):
            offset = (yj - yi + 2) * 5 + (xj - xi + 2)
            diagonals[offset, rows[hit]] += (1.0 if i == j else 0.0) - affinity[hit, i, j]
    return row_of, diagonals, pixels


def _clear_of_border(centres: Index, shape: tuple[int, ...]) -> Bool:
    y, x = np.divmod(centres, shape[1])
    margin = _PAD + 1  # windows that reach into the padding would couple the band with invented pixels
    inside: Bool = (y >= margin) & (y < shape[0] - margin) & (x >= margin) & (x < shape[1] - margin)
    return inside


def _system(
    row_of: Index, diagonals: F64, pixels: Index, shape: tuple[int, ...], known: F32, unknown: Bool
) -> tuple[sparse.csr_matrix, F64]:
    """Split the Laplacian's rows into unknown x unknown and what the known neighbours contribute."""
    offsets = np.array([dy * shape[1] + dx for dy in range(-2, 3) for dx in range(-2, 3)])
    neighbours = pixels[None, :] + offsets[:, None]
    columns = row_of[neighbours]
    inner = columns >= 0
    fixed = np.where(inner, 0.0, known.ravel()[neighbours].astype(np.float64))
    constant: F64 = -(diagonals * fixed).sum(axis=0)
    rows = np.broadcast_to(np.arange(pixels.size), columns.shape)
    matrix = sparse.csr_matrix((diagonals[inner], (rows[inner], columns[inner])), shape=(pixels.size, pixels.size))
    return matrix, constant


def _conjugate_gradient(matrix: sparse.csr_matrix, right: F64, start: F64, steps: int) -> F64:
    inverse = 1.0 / np.maximum(matrix.diagonal(), 1e-9)
    x = start.copy()
    residual = right - matrix @ x
    direction = inverse * residual
    energy = float(residual @ direction)
    goal = max(_TOLERANCE**2 * float(right @ (inverse * right)), 1e-12)
    for _ in range(steps):
        if energy <= goal:
            break
        moved = matrix @ direction
        step = energy / max(float(direction @ moved), 1e-30)
        x += step * direction
        residual -= step * moved
        scaled = inverse * residual
        renewed = float(residual @ scaled)
        direction = scaled + (renewed / energy) * direction
        energy = renewed
    return x
