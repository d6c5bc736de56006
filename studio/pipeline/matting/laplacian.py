"""Closed-form alpha inside a band: the matting Laplacian assembled for the band's pixels only.

Source of the method: Levin, Lischinski, Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 2008.
The Laplacian of 3 x 3 windows couples each pixel with its 5 x 5 neighbours; it is assembled as 25 diagonals over the
band, in single precision, and solved by preconditioned conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse

from studio.domain.arrays import F32, Bool

Index = npt.NDArray[np.int32]

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
    pixels = np.flatnonzero(padded).astype(np.int32)
    row_of = np.full(padded.size, pixels.size, np.int32)
    row_of[pixels] = np.arange(pixels.size, dtype=np.int32)
    diagonals = _stencil(guide, padded, row_of, pixels.size)
    matrix, constant = _system(diagonals, row_of, pixels, padded.shape[1], known)
    data = weight[unknown]
    matrix.setdiag(matrix.diagonal() + data)
    solved = _conjugate_gradient(matrix, constant + data * target[unknown], alpha[unknown], steps)
    result = alpha.copy()
    result[unknown] = np.clip(solved, 0.0, 1.0)
    return result


def _stencil(guide: F32, unknown: Bool, row_of: Index, count: int) -> F32:
    """Return the 25 diagonals of the Laplacian at the unknown pixels, in raster order; one more column is waste."""
    width = unknown.shape[1]
    centres = np.flatnonzero(cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)))
    centres = centres[_clear_of_border(centres, unknown.shape)].astype(np.int32)
    flat = guide.reshape(-1, 3)
    offsets = [dy * width + dx for dy, dx in _WINDOW]
    colours = np.stack([flat[centres + offset].T for offset in offsets])  # (9, 3, K): planes, no tiny matrices
    colours -= colours.mean(axis=0)
    whitened = _whiten(colours)
    rows = [row_of[centres + offset] for offset in offsets]
    diagonals = np.zeros((25, count + 1), np.float32)
    for i, (yi, xi) in enumerate(_WINDOW):
        for j in range(i, 9):
            affinity = (1.0 + (whitened[i] * colours[j]).sum(axis=0)) * np.float32(1.0 / 9.0)
            there = (_WINDOW[j][0] - yi) * 5 + _WINDOW[j][1] - xi
            if i == j:
                diagonals[12][rows[i]] += 1.0 - affinity
            else:
                diagonals[12 + there][rows[i]] -= affinity
                diagonals[12 - there][rows[j]] -= affinity
    return diagonals[:, :count]


def _whiten(colours: F32) -> F32:
    """Return the window's colours times its inverse covariance, `(9, 3, K)`, by the adjugate of the 3 x 3 matrix."""
    r, g, b = colours[:, 0], colours[:, 1], colours[:, 2]
    ninth, epsilon = np.float32(1.0 / 9.0), np.float32(_EPSILON / 9.0)
    rr, gg, bb = ((plane * plane).sum(axis=0) * ninth + epsilon for plane in (r, g, b))
    rg, rb, gb = (r * g).sum(axis=0) * ninth, (r * b).sum(axis=0) * ninth, (g * b).sum(axis=0) * ninth
    return multiply_inverse((rr, gg, bb, rg, rb, gb), colours)


def multiply_inverse(symmetric: Sequence[F32], vectors: F32) -> F32:
    """Return the inverse of symmetric 3 x 3 matrices times vectors.

    Args:
        symmetric: the planes rr, gg, bb, rg, rb, gb. In double precision inside: a flat window is nearly singular.
        vectors: `(..., 3, K)`.
    """
    rr, gg, bb, rg, rb, gb = (plane.astype(np.float64) for plane in symmetric)
    adjugate = (gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg)
    scale = 1.0 / (rr * adjugate[0] + rg * adjugate[1] + rb * adjugate[2])
    a, b, c, d, e, f = (
        (plane * scale).astype(np.float32)
        for plane in (*adjugate, rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg)
    )
    x, y, z = vectors[..., 0, :], vectors[..., 1, :], vectors[..., 2, :]
    return np.stack([a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z], axis=-2)


def _clear_of_border(centres: npt.NDArray[np.intp], shape: tuple[int, ...]) -> Bool:
    y, x = np.divmod(centres, shape[1])
    margin = _PAD + 1  # windows that reach into the padding would couple the band with invented pixels
    inside: Bool = (y >= margin) & (y < shape[0] - margin) & (x >= margin) & (x < shape[1] - margin)
    return inside


def _system(diagonals: F32, row_of: Index, pixels: Index, width: int, known: F32) -> tuple[sparse.csr_matrix, F32]:
    """Split the Laplacian's rows into unknown x unknown and what the known neighbours contribute."""
    count = pixels.size
    flat = known.ravel()
    constant = np.zeros(count, np.float32)
    columns = np.empty((count, 25), np.int32)
    for index in range(25):
        dy, dx = divmod(index, 5)
        neighbours = pixels + np.int32((dy - 2) * width + dx - 2)
        column = row_of[neighbours]
        columns[:, index] = column
        fixed = np.flatnonzero(column == count)
        constant[fixed] -= diagonals[index, fixed] * flat[neighbours[fixed]]
    inner = columns < count
    starts = np.zeros(count + 1, np.int32)
    np.cumsum(inner.sum(axis=1), out=starts[1:])
    values = np.ascontiguousarray(diagonals.T)
    matrix = sparse.csr_matrix((values[inner], columns[inner], starts), shape=(count, count))
    return matrix, constant


def _conjugate_gradient(matrix: sparse.csr_matrix, right: F32, start: F32, steps: int) -> F32:
    inverse = np.float32(1.0) / np.maximum(matrix.diagonal(), np.float32(1e-9))
    x = start.copy()
    residual = right - matrix @ x
    direction = inverse * residual
    energy = _dot(residual, direction)
    goal = max(_TOLERANCE**2 * _dot(right, inverse * right), 1e-12)
    for _ in range(steps):
        if energy <= goal:
            break
        moved = matrix @ direction
        step = np.float32(energy / max(_dot(direction, moved), 1e-30))
        x += step * direction
        residual -= step * moved
        scaled = inverse * residual
        renewed = _dot(residual, scaled)
        direction *= np.float32(renewed / energy)
        direction += scaled
        energy = renewed
    return x


def _dot(one: F32, other: F32) -> float:
    """Return the inner product summed in double precision; BLAS would wake its threads for it at every step."""
    return float(np.multiply(one, other).sum(dtype=np.float64))
