"""The working copy a photo is parsed on: the person's box at a bounded size, and the way back to native labels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Cutout, Photo, Pose
from studio.domain.geometry import Box

WORK_SIZE = 1024
"""Longest side of the working copy: what parsing sees; borders are then smoothed up to native size."""

HULL_ALPHA = 0.5
_MARGIN = 0.08  # of the box: context around the person
_BAND_ROWS = 512  # native rows per step: bounds the memory at 24 MP


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """image: uint8 `(h, w, 3)`; alpha: float32 `(h, w)`; box: what they show of the photo; scale: work per photo pixel.

    joints, extra: float64 `(18, 3)` and `(10, 3)`, the pose in working pixels.
    """

    image: U8
    alpha: F32
    box: Box
    scale: tuple[float, float]
    joints: F64
    extra: F64

    @property
    def hull(self) -> Bool:
        """The person: alpha of at least one half."""
        return self.alpha >= HULL_ALPHA

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.alpha.shape[1], self.alpha.shape[0]


def make_work(photo: Photo, cutout: Cutout, pose: Pose) -> Work:
    """Cut the person out of the photo at working size."""
    tight = cutout.box
    box = tight.grown(int(_MARGIN * max(tight.width, tight.height)) + 2, photo.size)
    shrink = min(1.0, WORK_SIZE / max(box.width, box.height))
    size = (max(1, round(box.width * shrink)), max(1, round(box.height * shrink)))
    image, alpha = np.ascontiguousarray(photo.rgb8[box.slices]), cutout.alpha[box.slices]
    if size != (box.width, box.height):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    scale = (size[0] / box.width, size[1] / box.height)
    return Work(image, alpha, box, scale, _to_work(pose.keypoints, box, scale), _to_work(pose.extra, box, scale))


def _to_work(rows: F32, box: Box, scale: tuple[float, float]) -> F64:
    moved = rows.astype(np.float64)
    moved[:, 0] = (moved[:, 0] - box.x0 + 0.5) * scale[0] - 0.5
    moved[:, 1] = (moved[:, 1] - box.y0 + 0.5) * scale[1] - 0.5
    moved[rows[:, 2] <= 0] = 0
    return moved


def extend_labels(labels: U8, known: Bool) -> U8:
    """Return labels in which every unknown pixel takes the label of the nearest known one."""
    if known.all() or not known.any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(nearest.max()) + 1, np.uint8)
    table[nearest[known]] = labels[known]
    extended: U8 = table[nearest]
    return extended


def to_native(labels: U8, work: Work, cutout: Cutout) -> U8:
    """Return native labels: borders interpolated, the hull exactly that of the native cutout.

    labels must be known all over the working copy (`extend_labels`); outside the hull the result is 0.
    """
    native = np.zeros(cutout.alpha.shape, np.uint8)
    box = work.box
    columns = _neighbours(box.width, work.scale[0], labels.shape[1])
    for top in range(0, box.height, _BAND_ROWS):
        rows = _neighbours(min(_BAND_ROWS, box.height - top), work.scale[1], labels.shape[0], start=top)
        band = _vote(labels, rows, columns)
        area = np.s_[box.y0 + top : box.y0 + top + len(band), box.x0 : box.x1]
        native[area] = band * (cutout.alpha[area] >= HULL_ALPHA)
    return native


def _neighbours(count: int, scale: float, limit: int, start: int = 0) -> tuple[np.ndarray, np.ndarray, F32]:
    """Return, for native positions along an axis, the two working positions around each and the second's share."""
    at = (np.arange(start, start + count) + 0.5) * scale - 0.5
    low = np.floor(at).astype(np.int64)
    share = (at - low).astype(np.float32)
    return np.clip(low, 0, limit - 1), np.clip(low + 1, 0, limit - 1), share


def _vote(labels: U8, rows: tuple[np.ndarray, np.ndarray, F32], columns: tuple[np.ndarray, np.ndarray, F32]) -> U8:
    """Return the label with the greatest bilinear weight; only pixels whose four neighbours differ are worked out."""
    corners = [labels[np.ix_(rows[i], columns[j])] for i in (0, 1) for j in (0, 1)]
    result: U8 = corners[0].copy()
    mixed = (corners[0] != corners[1]) | (corners[0] != corners[2]) | (corners[0] != corners[3])
    y, x = np.nonzero(mixed)
    if not y.size:
        return result
    down, right = rows[2][y], columns[2][x]
    weights = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right])
    values = np.stack([corner[y, x] for corner in corners])
    votes = ((values[:, None] == values[None]) * weights[None]).sum(axis=1)
    result[y, x] = values[votes.argmax(axis=0), np.arange(y.size)]
    return result
