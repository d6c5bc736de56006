"""As-rigid-as-possible relaxation of a 2-D mesh towards soft targets.

Source: Sorkine, Alexa, "As-Rigid-As-Possible Surface Modeling", SGP 2007, with soft positional constraints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from studio.domain.arrays import F32, F64, U16

ITERATIONS = 12
STRETCH_LIMIT = 1.6
"""Where cloth is stretched or squeezed beyond this factor against the garment's own scale, the warp is reported."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Relaxed vertices `(V, 2)` with how many faces fold and how far the worst 2 % stretch."""

    vertices: F64
    folded: int
    stretch: float


def relax(rest: F64, faces: U16, targets: F64, weights: F64) -> Relaxed:
    """Return vertices near `targets` whose neighbourhoods stay as rigid as the rest shape's.

    rest: the garment at the size it should have. weights: `(V,)`, pull of each target against rigidity 1.
    """
    edges = _edges(faces)
    stiffness = _edge_weights(rest, faces, edges)
    count = len(rest)
    i, j = edges[:, 0], edges[:, 1]
    laplacian = sparse.coo_matrix((stiffness, (i, j)), shape=(count, count))
    laplacian = laplacian + laplacian.T
    degree = np.asarray(laplacian.sum(axis=1)).ravel()
    system = sparse.diags(degree + weights) - laplacian
    solver: Any = splu(system.tocsc())  # Any: SuperLU has no types
    rest_edge = rest[i] - rest[j]
    current = targets.copy()
    for _ in range(ITERATIONS):
        rotation = _rotations(current, rest_edge, (i, j), stiffness, count)
        turned = 0.5 * stiffness[:, None] * np.einsum("eab,eb->ea", rotation[i] + rotation[j], rest_edge)
        right = weights[:, None] * targets
        for axis in (0, 1):
            right[:, axis] += np.bincount(i, turned[:, axis], count) - np.bincount(j, turned[:, axis], count)
        current = solver.solve(right)
    folded, stretch = measure_distortion(rest, current, faces)
    return Relaxed(current, folded, stretch)


def _edges(faces: U16) -> Any:  # Any: an integer array, whatever numpy makes of it
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    pairs.sort(axis=1)
    return np.unique(pairs, axis=0)


def _edge_weights(rest: F64, faces: U16, edges: Any) -> F64:
    """Return cotangent weights, kept positive: the grid's triangles are mostly well shaped."""
    lookup = {(int(a), int(b)): place for place, (a, b) in enumerate(edges)}
    weights = np.full(len(edges), 0.05)
    for corner in range(3):
        a, b, c = (faces[:, (corner + step) % 3].astype(np.int64) for step in range(3))
        first, second = rest[a] - rest[c], rest[b] - rest[c]
        cross = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
        cotangent = (first * second).sum(axis=1) / np.maximum(cross, 1e-9)
        places = [lookup[min(x, y), max(x, y)] for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        np.add.at(weights, places, 0.5 * np.clip(cotangent, 0.0, 3.0))
    return weights


def _rotations(current: F64, rest_edge: F64, ends: tuple[Any, Any], stiffness: F64, count: int) -> F64:
    i, j = ends
    edge = current[i] - current[j]
    # In the plane the best rotation is the direction of the summed complex product.
    real = stiffness * (edge * rest_edge).sum(axis=1)
    imaginary = stiffness * (rest_edge[:, 0] * edge[:, 1] - rest_edge[:, 1] * edge[:, 0])
    cosine = np.bincount(i, real, count) + np.bincount(j, real, count)
    sine = np.bincount(i, imaginary, count) + np.bincount(j, imaginary, count)
    norm = np.maximum(np.hypot(cosine, sine), 1e-12)
    cosine, sine = cosine / norm, sine / norm
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)


def measure_distortion(rest: F64 | F32, current: F64, faces: U16) -> tuple[int, float]:
    """Return the number of folded faces and the stretch (or squeeze) that 98 % of the area stays below."""
    rest_edges = np.stack([rest[faces[:, 1]] - rest[faces[:, 0]], rest[faces[:, 2]] - rest[faces[:, 0]]], -1)
    edges = np.stack([current[faces[:, 1]] - current[faces[:, 0]], current[faces[:, 2]] - current[faces[:, 0]]], -1)
    area = np.abs(np.linalg.det(rest_edges))
    usable = area > 1e-6 * float(area.max())
    jacobian = edges[usable] @ np.linalg.inv(rest_edges[usable])
    folded = int((np.linalg.det(jacobian) <= 0).sum())
    singular = np.linalg.svd(jacobian, compute_uv=False)
    worst = np.maximum(singular[:, 0], 1 / np.maximum(singular[:, 1], 0.05))
    order = np.argsort(worst)
    share = np.cumsum(area[usable][order])
    place = int(np.searchsorted(share, 0.98 * share[-1]))
    return folded, float(worst[order][min(place, len(order) - 1)])
