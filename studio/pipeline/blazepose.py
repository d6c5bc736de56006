"""BlazePose in onnxruntime: find people, then read 33 landmarks of one of them.

Points here are continuous picture coordinates `(x, y)` (the first pixel's centre is at 0.5) until a caller subtracts
the half pixel. Source: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.pipeline.stage import OnnxSession

DETECTOR_SIZE = 224
LANDMARK_SIZE = 256
MIN_DETECTION = 0.5
SUPPRESS_IOU = 0.3
REGION_MARGIN = 1.25
"""The landmark region is this much larger than the circle around the body."""

LANDMARKS = 33
AUXILIARY_CENTRE, AUXILIARY_CIRCLE = 33, 34
_ANCHOR_LAYERS = ((8, 2), (16, 2), (32, 6))
_HEATMAP_REACH = 3  # the refining window is 7 x 7
_HEATMAP_MIN_PEAK = 0.5
_LOGIT_LIMIT = 100.0
# A region wider than this many model pixels per picture pixel is shrunk by area first: bilinear sampling would alias.
_MAX_MINIFICATION = 1.5


@dataclass(frozen=True, slots=True)
class Region:
    """The rotated square that the landmark model looks at. angle: radians, clockwise on the screen."""

    x: float
    y: float
    side: float
    angle: float

    @classmethod
    def around(cls, centre: Sequence[float], circle: Sequence[float]) -> Region:
        """Return the region of a body circle: its centre, and its point above the head of an upright person."""
        dx, dy = float(circle[0] - centre[0]), float(circle[1] - centre[1])
        side = 2.0 * math.hypot(dx, dy) * REGION_MARGIN
        angle = math.pi / 2 - math.atan2(-dy, dx)
        return cls(float(centre[0]), float(centre[1]), side, math.remainder(angle, 2 * math.pi))

    def to_picture(self, points: F64) -> F64:
        """Map `(..., 2)` points of the unit square to the picture."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        rotation = np.array([[cos, sin], [-sin, cos]])
        placed: F64 = (points - 0.5) * self.side @ rotation + (self.x, self.y)
        return placed


@dataclass(frozen=True, slots=True)
class Detection:
    """One person. box: x0, y0, x1, y1 of face and shoulders; region: what the landmark model should look at."""

    score: float
    box: tuple[float, float, float, float]
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The landmarks of one person.

    points: float64 `(33, 2)`. visibility, presence: float64 `(33,)` in [0, 1]. score: that there is a person at all.
    """

    points: F64
    visibility: F64
    presence: F64
    score: float


@cache
def _anchor_centres() -> F64:
    """Return the `(2254, 2)` anchor centres in shares of the detector's square."""
    rows = []
    for stride, per_cell in _ANCHOR_LAYERS:
        count = DETECTOR_SIZE // stride
        y, x = np.mgrid[0:count, 0:count]
        cells = np.stack([(x.ravel() + 0.5) / count, (y.ravel() + 0.5) / count], axis=1)
        rows.append(np.repeat(cells, per_cell, axis=0))
    return np.concatenate(rows).astype(np.float64)


def _sigmoid(values: F32 | F64) -> F64:
    clipped = np.clip(values.astype(np.float64), -_LOGIT_LIMIT, _LOGIT_LIMIT)
    result: F64 = 1.0 / (1.0 + np.exp(-clipped))
    return result


def detect_people(session: OnnxSession, image: U8) -> list[Detection]:
    """Return the people in an sRGB uint8 picture, best first."""
    height, width = image.shape[:2]
    side = max(height, width)
    shown = DETECTOR_SIZE / side
    small = cv2.resize(
        image, (max(1, round(width * shown)), max(1, round(height * shown))), interpolation=cv2.INTER_AREA
    )
    square = np.zeros((DETECTOR_SIZE, DETECTOR_SIZE, 3), np.uint8)
    left, top = (DETECTOR_SIZE - small.shape[1]) // 2, (DETECTOR_SIZE - small.shape[0]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    outputs = session.run({session.input_names[0]: (square.astype(np.float32) / 127.5 - 1.0)[None]})
    raw = next(out for out in outputs if out.shape[-1] == 12)[0].astype(np.float64)
    scores = _sigmoid(next(out for out in outputs if out.shape[-1] == 1).reshape(-1))
    kept = np.flatnonzero(scores > MIN_DETECTION)
    values = raw[kept] / DETECTOR_SIZE
    values[:, [0, 1]] += _anchor_centres()[kept]
    values[:, 4:] += np.tile(_anchor_centres()[kept], 4)
    values[:, [0, 1]], values[:, [2, 3]] = (
        values[:, [0, 1]] - values[:, [2, 3]] / 2,
        values[:, [0, 1]] + values[:, [2, 3]] / 2,
    )
    pixels = values * DETECTOR_SIZE - np.tile([left, top], 6)
    scale = np.tile([width / small.shape[1], height / small.shape[0]], 6)
    return [_detection(score, row) for score, row in _merge_overlapping(scores[kept], pixels * scale)]


def _detection(score: float, row: F64) -> Detection:
    box = (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
    return Detection(score, box, Region.around(row[4:6].tolist(), row[6:8].tolist()))


def _merge_overlapping(scores: F64, rows: F64) -> list[tuple[float, F64]]:
    """Weighted non-maximum suppression: overlapping detections are averaged by their scores."""
    merged = []
    left = np.argsort(-scores, kind="stable")
    while left.size:
        overlap = _iou(rows[left[0]], rows[left]) > SUPPRESS_IOU
        overlap[0] = True
        cluster = left[overlap]
        weights = scores[cluster] / scores[cluster].sum()
        merged.append((float(scores[left[0]]), (rows[cluster] * weights[:, None]).sum(axis=0)))
        left = left[~overlap]
    return merged


def _iou(box: F64, others: F64) -> F64:
    width = np.clip(np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0]), 0, None)
    height = np.clip(np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1]), 0, None)
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    shared = width * height
    result: F64 = shared / np.maximum(area + areas - shared, 1e-9)
    return result


def crop_region(image: U8, region: Region, size: int = LANDMARK_SIZE) -> U8:
    """Return the region of an sRGB picture as a `(size, size, 3)` square; black where the picture ends."""
    minification = region.side / size
    if minification > _MAX_MINIFICATION:
        shrink = 1.0 / minification
        small = (max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink)))
        factor = np.array([small[0] / image.shape[1], small[1] / image.shape[0]])
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    else:
        factor = np.ones(2)
    corners = np.array([[0.5, 0.5], [size - 0.5, 0.5], [0.5, size - 0.5]]) / size
    source = region.to_picture(corners) * factor - 0.5
    target = np.array([[0, 0], [size - 1, 0], [0, size - 1]], np.float32)
    matrix = cv2.getAffineTransform(source.astype(np.float32), target)
    crop: U8 = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
    return crop


def read_landmarks(session: OnnxSession, image: U8, region: Region, *, passes: int = 2) -> Body:
    """Return the landmarks of the person in `region`; each further pass looks at the region the last one found."""
    points, confidences, score = _one_pass(session, image, region)
    for _ in range(1, passes):
        region = Region.around(points[AUXILIARY_CENTRE].tolist(), points[AUXILIARY_CIRCLE].tolist())
        points, confidences, score = _one_pass(session, image, region)
    return Body(points[:LANDMARKS], confidences[:LANDMARKS, 0], confidences[:LANDMARKS, 1], score)


def _one_pass(session: OnnxSession, image: U8, region: Region) -> tuple[F64, F64, float]:
    """Return the picture points `(39, 2)`, their visibility and presence `(39, 2)` and the person score."""
    crop = crop_region(image, region)
    outputs = session.run({session.input_names[0]: (crop.astype(np.float32) / 255.0)[None]})
    rows = next(out for out in outputs if out.shape[-1] == 195).reshape(39, 5).astype(np.float64)
    heatmaps = _sigmoid(next(out for out in outputs if out.ndim == 4 and out.shape[-1] == 39)[0])
    score = float(next(out for out in outputs if out.size == 1).reshape(-1)[0])
    shares = _refine(rows[:, :2] / LANDMARK_SIZE, heatmaps)
    return region.to_picture(shares), _sigmoid(rows[:, 3:5]), score


def _refine(points: F64, heatmaps: F64) -> F64:
    """Move each point to the weighted mean of its 7 x 7 heat map window, where the window has a clear peak."""
    height, width = heatmaps.shape[:2]
    refined = points.copy()
    for index, (x, y) in enumerate(points):
        column, row = int(x * width), int(y * height)
        if not (0 <= column < width and 0 <= row < height):
            continue
        y0, y1 = max(0, row - _HEATMAP_REACH), min(height, row + _HEATMAP_REACH + 1)
        x0, x1 = max(0, column - _HEATMAP_REACH), min(width, column + _HEATMAP_REACH + 1)
        window = heatmaps[y0:y1, x0:x1, index]
        if window.max() < _HEATMAP_MIN_PEAK:
            continue
        total = window.sum()
        refined[index] = (
            (window.sum(axis=0) * np.arange(x0, x1)).sum() / total / width,
            (window.sum(axis=1) * np.arange(y0, y1)).sum() / total / height,
        )
    return refined
