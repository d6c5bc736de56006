"""Hand corrections on poses and parse maps: pure functions, touching only the stroke's own rectangle."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np

from studio.domain.arrays import U8, Bool
from studio.domain.artefacts import COCO18, EXTRA_POINTS, Artefact, ParseMap, Photo, Pose
from studio.domain.edits import Edit, KeypointMove, ParseStroke, Points, StrokeShape
from studio.domain.errors import ArtefactError, PipelineError
from studio.domain.geometry import Box
from studio.domain.labels import class_count
from studio.pipeline.matting.brush import bound_points

T = TypeVar("T")

HAND_SET_CONFIDENCE = 1.0
_NECK_OF = ("right_shoulder", "left_shoulder")


def move_keypoint(pose: Pose, edit: KeypointMove) -> Pose:
    """Return the pose with one keypoint put somewhere, or removed; the neck follows a moved shoulder.

    Raises:
        ArtefactError: `edit.keypoint`, no such keypoint.
    """
    if edit.name not in COCO18 and edit.name not in EXTRA_POINTS:
        raise ArtefactError("edit.keypoint", name=edit.name)
    keypoints, extra = pose.keypoints.copy(), pose.extra.copy()
    rows, names = (extra, EXTRA_POINTS) if edit.name in EXTRA_POINTS else (keypoints, COCO18)
    shown = edit.visible and math.isfinite(edit.x) and math.isfinite(edit.y)
    rows[names.index(edit.name)] = (edit.x, edit.y, HAND_SET_CONFIDENCE) if shown else (0.0, 0.0, 0.0)
    if edit.name in _NECK_OF:
        right, left = (keypoints[COCO18.index(name)] for name in _NECK_OF)
        seen = min(right[2], left[2])
        keypoints[COCO18.index("neck")] = (*((right + left) / 2)[:2], seen) if seen > 0 else (0.0, 0.0, 0.0)
    return dataclasses.replace(pose, keypoints=keypoints, extra=extra)


def paint_labels(parse: ParseMap, edit: ParseStroke) -> ParseMap:
    """Return the parse map with the stroke's label painted; locked labels under it stay.

    Raises:
        ArtefactError: `labels.range`, the scheme has no such label.
    """
    labels = parse.labels.copy()
    paint_labels_into(labels, edit, class_count(parse.scheme), parse.scheme.value)
    return dataclasses.replace(parse, labels=labels)


def paint_labels_into(labels: U8, edit: ParseStroke, classes: int, scheme: str = "cihp") -> Box | None:
    """Paint a stroke into a label array in place; return the rectangle it touched, or None where it missed.

    For editors that draw while the pointer moves: only that rectangle needs repainting.
    """
    if not 0 <= edit.label < classes:
        raise ArtefactError("labels.range", scheme=scheme, got=str(edit.label))
    box = stroke_box(edit.points, edit.radius, edit.shape, (labels.shape[1], labels.shape[0]))
    if box is None:
        return None
    stamp = _rasterise(edit, box)
    patch = labels[box.slices]
    if edit.locked:
        stamp &= ~np.isin(patch, edit.locked)
    patch[stamp] = edit.label
    return box


def stroke_box(points: Points, radius: float, shape: StrokeShape, size: tuple[int, int]) -> Box | None:
    """Return the pixels a stroke can touch in a picture of `(width, height)`, or None."""
    return bound_points(points, radius if shape is StrokeShape.BRUSH else 0.0, size)


def apply_keypoint_moves(artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> Pose:
    """Return the pose with all keypoint moves made, in order."""
    del photo
    pose = _expect(artefact, Pose)
    for edit in edits:
        pose = move_keypoint(pose, _expect(edit, KeypointMove))
    return pose


def apply_parse_strokes(artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> ParseMap:
    """Return the parse map with all strokes painted, in order; the map is copied once."""
    del photo
    parse = _expect(artefact, ParseMap)
    labels = parse.labels.copy()
    for edit in edits:
        paint_labels_into(labels, _expect(edit, ParseStroke), class_count(parse.scheme), parse.scheme.value)
    return dataclasses.replace(parse, labels=labels)


def _expect(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise PipelineError("edit.kind", want=kind.__name__, got=type(value).__name__)
    return value


_SUBPIXEL_BITS = 4  # OpenCV's fixed-point fraction: strokes keep a sixteenth of a pixel


def _rasterise(edit: ParseStroke, box: Box) -> Bool:
    """Return the bool stamp of a stroke inside its box."""
    stamp = np.zeros((box.height, box.width), np.uint8)
    if edit.shape is StrokeShape.POLYGON:
        shifted = np.array(edit.points, np.float64) - (box.x0, box.y0)
        cv2.fillPoly(stamp, [np.rint(shifted * 2**_SUBPIXEL_BITS).astype(np.int32)], 1, cv2.LINE_8, _SUBPIXEL_BITS)
        return stamp.astype(bool)
    covered = stamp.astype(bool)
    ends = edit.points[1:] or edit.points
    for start, end in zip(edit.points, ends, strict=False):
        _stamp_segment(covered, box, start, end, edit.radius)
    return covered


def _stamp_segment(
    covered: Bool, box: Box, start: tuple[float, float], end: tuple[float, float], radius: float
) -> None:
    """Add the pixels within `radius` of a segment: a true round brush at any size, unlike thick lines."""
    part = stroke_box((start, end), radius, StrokeShape.BRUSH, (box.x1, box.y1))
    if part is None:
        return
    x0, y0 = max(part.x0, box.x0), max(part.y0, box.y0)
    if part.x1 <= x0 or part.y1 <= y0:
        return
    y, x = np.ogrid[y0 : part.y1, x0 : part.x1]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-9), 0.0, 1.0)
    away2 = (x - start[0] - along * dx) ** 2 + (y - start[1] - along * dy) ** 2
    covered[y0 - box.y0 : part.y1 - box.y0, x0 - box.x0 : part.x1 - box.x0] |= away2 <= radius**2
