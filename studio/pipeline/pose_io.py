"""Poses in the field's own formats: BODY_25 rows, OpenPose JSON, the rendered stick picture."""

from __future__ import annotations

import json
from collections.abc import Sequence

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import COCO18, EXTRA_POINTS, Pose
from studio.domain.errors import ArtefactError
from studio.domain.keys import Json

BODY25 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye",
    "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe",
    "right_small_toe", "right_heel",
)  # fmt: skip
# BODY_25 feet and the point of ours that stands for them: BlazePose has one toe point a foot.
_FEET = {
    "left_big_toe": "left_foot_index", "left_small_toe": "left_foot_index", "left_heel": "left_heel",
    "right_big_toe": "right_foot_index", "right_small_toe": "right_foot_index", "right_heel": "right_heel",
}  # fmt: skip
OPENPOSE_VERSION = 1.3

_BODY25_LIMBS = (
    (1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (8, 12), (12, 13), (13, 14),
    (1, 0), (0, 15), (15, 17), (0, 16), (16, 18), (14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24),
)  # fmt: skip
# OpenPose's own colours of the BODY_25 joints, RGB; a limb takes the colour of its far end.
_BODY25_COLOURS = (
    (255, 0, 85), (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (255, 0, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (255, 0, 170),
    (170, 0, 255), (255, 0, 255), (85, 0, 255), (0, 0, 255), (0, 0, 255), (0, 0, 255), (0, 255, 255), (0, 255, 255),
    (0, 255, 255),
)  # fmt: skip
_LIMB_SHARE, _JOINT_SHARE = 120, 100  # half-widths: the picture's shorter side over these
_BLEND = 0.6  # each limb and joint covers this much of what lies under it
_MIN_DRAWN_CONFIDENCE = 0.05  # OpenPose's own rendering threshold


def to_body25(pose: Pose) -> F32:
    """Return float32 `(25, 3)` in OpenPose's BODY_25 order; unseen joints are all 0."""
    rows = np.zeros((len(BODY25), 3), np.float32)
    for index, name in enumerate(BODY25):
        if name in COCO18:
            rows[index] = pose.keypoints[COCO18.index(name)]
        elif name in _FEET:
            rows[index] = pose.extra[EXTRA_POINTS.index(_FEET[name])]
    right, left = pose.keypoints[COCO18.index("right_hip")], pose.keypoints[COCO18.index("left_hip")]
    if right[2] > 0 and left[2] > 0:
        rows[BODY25.index("mid_hip")] = (*((right + left) / 2)[:2], min(right[2], left[2]))
    return rows


def from_body25(rows: F32, photo_size: tuple[int, int], people: int = 1) -> Pose:
    """Return the pose that BODY_25 rows describe; hands are unknown in that format."""
    keypoints = np.zeros((len(COCO18), 3), np.float32)
    for index, name in enumerate(COCO18):
        keypoints[index] = _known(rows[BODY25.index(name)])
    extra = np.zeros((len(EXTRA_POINTS), 3), np.float32)
    for theirs, ours in (("left_heel", "left_heel"), ("right_heel", "right_heel"), ("left_big_toe", "left_foot_index"),
                         ("right_big_toe", "right_foot_index")):  # fmt: skip
        extra[EXTRA_POINTS.index(ours)] = _known(rows[BODY25.index(theirs)])
    return Pose(keypoints, extra, photo_size, people)


def _known(row: F32) -> F32:
    return row if row[2] > 0 else np.zeros(3, np.float32)


def write_openpose_json(pose: Pose) -> str:
    """Return OpenPose JSON with BODY_25 keypoints in photo pixels."""
    flat: list[Json] = [round(float(value), 4) for value in to_body25(pose).reshape(-1)]
    person: dict[str, Json] = {"person_id": [-1], "pose_keypoints_2d": flat}
    for key in ("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"):
        person[key] = []
    return json.dumps({"version": OPENPOSE_VERSION, "people": [person]})


def read_openpose_json(text: str, photo_size: tuple[int, int], file: str = "") -> Pose:
    """Return the first person of an OpenPose JSON, in COCO-18 or BODY_25.

    Raises:
        ArtefactError: `pose.json_broken`, `pose.json_nobody` or `pose.json_format`.
    """
    people = _people(text, file)
    flat = people[0].get("pose_keypoints_2d") if isinstance(people[0], dict) else None
    if not isinstance(flat, list) or not all(isinstance(value, int | float) for value in flat):
        raise ArtefactError("pose.json_broken", file=file)
    rows = np.array(flat, np.float32)
    if not np.isfinite(rows).all() or rows.size not in (3 * len(BODY25), 3 * len(COCO18)):
        raise ArtefactError("pose.json_format", file=file, got=str(rows.size // 3))
    rows = rows.reshape(-1, 3)
    if len(rows) == len(BODY25):
        return from_body25(rows, photo_size, len(people))
    known = rows * (rows[:, 2:] > 0)
    return Pose(known, np.zeros((len(EXTRA_POINTS), 3), np.float32), photo_size, len(people))


def _people(text: str, file: str) -> Sequence[object]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ArtefactError("pose.json_broken", file=file) from error
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, list):
        raise ArtefactError("pose.json_broken", file=file)
    if not people:
        raise ArtefactError("pose.json_nobody", file=file)
    return people


def render_pose(rows: F32, size: tuple[int, int]) -> U8:
    """Draw BODY_25 rows as OpenPose renders them on black, uint8 RGB `(H, W, 3)` of `(width, height)`."""
    canvas = np.zeros((size[1], size[0], 3), np.float32)
    half_width, radius = max(1, round(min(size) / _LIMB_SHARE)), max(1, round(min(size) / _JOINT_SHARE))
    seen = rows[:, 2] > _MIN_DRAWN_CONFIDENCE
    for start, end in _BODY25_LIMBS:
        if seen[start] and seen[end]:
            stamp = np.zeros(canvas.shape[:2], np.uint8)
            _draw_limb(stamp, rows[start, :2], rows[end, :2], half_width)
            _blend(canvas, stamp, _BODY25_COLOURS[end])
    for index in np.flatnonzero(seen):
        stamp = np.zeros(canvas.shape[:2], np.uint8)
        cv2.circle(stamp, _pixel(rows[index]), radius, 1, -1)
        _blend(canvas, stamp, _BODY25_COLOURS[index])
    return np.rint(canvas).astype(np.uint8)


def _draw_limb(stamp: U8, start: F32, end: F32, half_width: int) -> None:
    """Fill the ellipse whose long axis is the limb."""
    dx, dy = (end - start).tolist()
    axes = (max(1, round(float(np.hypot(dx, dy)) / 2)), half_width)
    outline = cv2.ellipse2Poly(
        _pixel((start + end) / np.float32(2)), axes, round(float(np.degrees(np.arctan2(dy, dx)))), 0, 360, 5
    )
    cv2.fillConvexPoly(stamp, outline, 1)


def _blend(canvas: F32, stamp: U8, colour: tuple[int, int, int]) -> None:
    covered = stamp.astype(bool)
    canvas[covered] = (1 - _BLEND) * canvas[covered] + _BLEND * np.array(colour, np.float32)


def _pixel(row: F32 | F64) -> tuple[int, int]:
    return round(float(row[0])), round(float(row[1]))
