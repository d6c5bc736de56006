"""Bringing soft class maps onto the photo's edges, and cleaning label maps of speckle."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.linalg import solveh_banded

from studio.domain.arrays import F32, F64, U8, Bool

_SUBSAMPLE = 2  # the filter's linear models are fitted on every second pixel: four times faster, the same edges


class EdgeSnapper:
    """A colour guided filter bound to one photo: smooths a plane inside regions and breaks it at the photo's edges.

    Source: He, Sun, Tang, "Guided Image Filtering", TPAMI 2013; He, Sun, "Fast Guided Filter", 2015.
    """

    def __init__(self, image: U8, radius: int = 8, epsilon: float = 1e-3) -> None:
        self._size = (image.shape[1], image.shape[0])
        self._small = (max(1, self._size[0] // _SUBSAMPLE), max(1, self._size[1] // _SUBSAMPLE))
        self._guide = image.astype(np.float32) / 255.0
        guide = cv2.resize(self._guide, self._small, interpolation=cv2.INTER_AREA)
        self._kernel = (2 * max(1, radius // _SUBSAMPLE) + 1,) * 2
        self._low = guide
        self._mean = self._blur(guide)
        self._inverse = self._invert_covariance(guide, epsilon)

    def _blur(self, plane: F32) -> F32:
        blurred: F32 = cv2.blur(plane, self._kernel, borderType=cv2.BORDER_REFLECT)
        return blurred

    def _invert_covariance(self, guide: F32, epsilon: float) -> F32:
        """Return `(h, w, 3, 3)` inverses of the local colour covariance."""
        covariance = np.empty((*guide.shape[:2], 3, 3), np.float32)
        for i in range(3):
            for j in range(i, 3):
                plane = self._blur(guide[..., i] * guide[..., j]) - self._mean[..., i] * self._mean[..., j]
                covariance[..., i, j] = covariance[..., j, i] = plane + (epsilon if i == j else 0.0)
        return _inverse3(covariance)

    def snap(self, plane: F32) -> F32:
        """Return the plane, float32 `(H, W)`, with its steps moved onto edges of the photo nearby."""
        low = cv2.resize(plane, self._small, interpolation=cv2.INTER_AREA)
        mean = self._blur(low)
        cross = np.stack([self._blur(self._low[..., i] * low) - self._mean[..., i] * mean for i in range(3)], axis=-1)
        slope = np.einsum("hwij,hwj->hwi", self._inverse, cross)
        offset = mean - (slope * self._mean).sum(axis=-1)
        slope = cv2.resize(self._blur(slope), self._size, interpolation=cv2.INTER_LINEAR)
        offset = cv2.resize(self._blur(offset), self._size, interpolation=cv2.INTER_LINEAR)
        snapped: F32 = (slope * self._guide).sum(axis=-1) + offset
        return snapped


def _inverse3(matrices: F32) -> F32:
    """Return the inverses of symmetric positive 3 x 3 matrices, by cofactors: far faster than a general solver."""
    a, b, c = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 0, 2]
    d, e, f = matrices[..., 1, 1], matrices[..., 1, 2], matrices[..., 2, 2]
    inverse = np.empty_like(matrices)
    inverse[..., 0, 0] = d * f - e * e
    inverse[..., 0, 1] = inverse[..., 1, 0] = c * e - b * f
    inverse[..., 0, 2] = inverse[..., 2, 0] = b * e - c * d
    inverse[..., 1, 1] = a * f - c * c
    inverse[..., 1, 2] = inverse[..., 2, 1] = b * c - a * e
    inverse[..., 2, 2] = a * d - b * b
    determinant = a * inverse[..., 0, 0] + b * inverse[..., 0, 1] + c * inverse[..., 0, 2]
    inverse /= np.maximum(determinant, 1e-12)[..., None, None]
    return inverse


def remove_specks(labels: U8, hull: Bool, min_area: int, protected: frozenset[int] = frozenset()) -> U8:
    """Give every small island of a label, inside the hull, to the labels around it.

    protected: labels whose islands may be small (a hand behind a hip, an ear).
    """
    doubtful = np.zeros(labels.shape, bool)
    for label in np.unique(labels[hull]):
        limit = max(8, min_area // 4) if int(label) in protected else min_area
        mask = ((labels == label) & hull).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(mask)
        window = np.s_[y : y + height, x : x + width]
        _, islands, stats, _ = cv2.connectedComponentsWithStats(mask[window], connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < limit
        small[0] = False
        if small.any():
            doubtful[window] |= small[islands]
    if not doubtful.any():
        return labels
    from studio.pipeline.parse_work import extend_labels

    filled = extend_labels(labels, hull & ~doubtful)
    return np.where(doubtful, filled, labels).astype(np.uint8)


def components_touching(mask: Bool, seeds: Bool) -> Bool:
    """Return the connected regions of `mask` that contain a seed."""
    _, islands = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    touched = np.unique(islands[seeds & mask])
    kept: Bool = np.isin(islands, touched[touched > 0])
    return kept


class RegionSmoother:
    """Spreads values far within regions of like colour and stops them at edges; separable weighted least squares.

    Source: Min et al., "Fast Global Image Smoothing Based on Weighted Least Squares", TIP 2014.
    """

    def __init__(self, image: U8, mask: Bool, *, strength: float = 400.0, tone: float = 6.0, rounds: int = 3) -> None:
        lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
        self._shape = mask.shape
        self._rounds, self._strength = rounds, strength
        # Weights between neighbours along rows and, on the transposed picture, along columns; 0 ends a row.
        self._across = self._weights(lab, mask, tone)
        self._down = self._weights(lab.transpose(1, 0, 2), mask.T, tone)

    @staticmethod
    def _weights(lab: F32, mask: Bool, tone: float) -> F64:
        step = np.sqrt(((lab[:, 1:] - lab[:, :-1]) ** 2).sum(axis=-1))
        weights = np.zeros(mask.shape)
        weights[:, :-1] = np.exp(-step / tone) * (mask[:, 1:] & mask[:, :-1])
        return weights.reshape(-1)

    def spread(self, values: F32) -> F32:
        """Return the smoothed plane, float32 `(H, W)`."""
        plane = values.astype(np.float64)
        for index in range(self._rounds):
            # The paper's schedule: each round a quarter as strong, so that streaks of the first are taken back.
            strength = 1.5 * self._strength * 4 ** (self._rounds - 1 - index) / (4**self._rounds - 1)
            plane = _solve_lines(plane.reshape(-1), self._across, strength).reshape(self._shape)
            turned = _solve_lines(np.ascontiguousarray(plane.T).reshape(-1), self._down, strength)
            plane = np.ascontiguousarray(turned.reshape(self._shape[::-1]).T)
        return plane.astype(np.float32)


def _solve_lines(values: F64, weights: F64, strength: float) -> F64:
    """Solve (1 + strength * Laplacian) u = values for all lines at once: one long tridiagonal system."""
    off = -strength * weights
    bands = np.empty((2, values.size))
    bands[0, 1:], bands[0, 0] = off[:-1], 0.0
    bands[1] = 1.0 - off
    bands[1, 1:] -= off[:-1]
    solved: F64 = solveh_banded(bands, values, check_finite=False)
    return solved
