"""Pose: BlazePose landmarks of the person in the cutout, as COCO-18 in native pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import COCO18, Cutout, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.blazepose import Body, Detection, detect_people, read_landmarks
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

DETECTOR, LANDMARK_MODEL = "blazepose_detector", "blazepose_landmarks"
WORK_SIZE = 1280
"""Longest side at which landmarks are read: their models look at 256 pixels, more would only cost time."""

MIN_PERSON_SCORE = 0.5
# BlazePose's numbers of the COCO-18 joints (the neck, -1, is the middle of the shoulders) and of the extra points.
_COCO_FROM_BLAZE = (0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)
_EXTRA_FROM_BLAZE = (17, 18, 19, 20, 21, 22, 29, 30, 31, 32)
_EYES_AND_NOSE = (0, 2, 5)
_LEFT_SHOULDER, _RIGHT_SHOULDER, _LEFT_HIP, _RIGHT_HIP = 11, 12, 23, 24
_HEELS, _TOES = (29, 30), (31, 32)
_RETRY_MARGIN = 0.35  # of the cutout's size: room for the circle around a body that fills the picture


@dataclass(frozen=True, slots=True)
class PoseParams:
    """Settings of the pose stage.

    min_visibility, min_presence: joints below either are "not seen". Low on purpose: a hand in a pocket scores about
    0.15 and its place is right; joints outside the picture are dropped in any case.
    assume_front: where no face is in the picture to tell, a person whose left and right come out crossed is taken
    to face the camera.
    """

    min_visibility: float = 0.1
    min_presence: float = 0.15
    assume_front: bool = True


@dataclass(frozen=True, slots=True)
class BlazePose:
    """The embedded pose stage."""

    name: str = "pose"
    implementation: str = "blazepose"
    version: int = 1
    params_type: type[PoseParams] = PoseParams
    inputs: tuple[str, ...] = ("photo", "edges")
    output: type[Pose] = Pose

    def models(self, params: PoseParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return (DETECTOR, LANDMARK_MODEL)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        missing = [name for name in (DETECTOR, LANDMARK_MODEL) if not provider.is_installed(name)]
        return Note("stage.model_missing", {"model": missing[0]}) if missing else None

    def run(self, inputs: Inputs, params: PoseParams, ctx: StageContext) -> Pose:
        """Return the pose of the person that the cutout holds.

        Raises:
            PipelineError: `pose.no_person`.
        """
        photo = inputs.take("photo", Photo)
        cutout = inputs.take("edges", Cutout)
        image, alpha, scale = _work_copy(photo.rgb8, cutout.alpha)
        ctx.progress.report(0.2, self.name)
        people = _find_people(image, alpha, ctx)
        if not people:
            raise PipelineError("pose.no_person", file=photo.name)
        if len(people) > 1:
            ctx.note_fallback("pose.several", file=photo.name, people=str(len(people)))
        chosen = max(people, key=lambda person: _share_in_cutout(person, alpha))
        body = read_landmarks(ctx.models.session(LANDMARK_MODEL), image, chosen.region)
        ctx.progress.report(0.9, self.name)
        if body.score < MIN_PERSON_SCORE:
            raise PipelineError("pose.no_person", file=photo.name)
        if params.assume_front and _is_crossed_without_face(body, image.shape[0]):
            body = _swap_sides(body)
            ctx.note_fallback("pose.assumed_front", file=photo.name)
        return _to_pose(body, scale, photo.size, len(people), params)


BLAZEPOSE = BlazePose()


def _work_copy(image: U8, alpha: F32) -> tuple[U8, F32, F64]:
    """Return photo and alpha with a longest side of at most WORK_SIZE, and photo pixels per working pixel (x, y)."""
    height, width = alpha.shape
    shrink = min(1.0, WORK_SIZE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    scale = np.array([width / size[0], height / size[1]])
    if shrink == 1.0:
        return image, alpha, scale
    return (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA),
        cv2.resize(alpha, size, interpolation=cv2.INTER_AREA),
        scale,
    )


def _find_people(image: U8, alpha: F32, ctx: StageContext) -> list[Detection]:
    """Detect people; a photo that the body fills or hardly fills is tried again around the cutout."""
    session = ctx.models.session(DETECTOR)
    people = detect_people(session, image)
    if people:
        return people
    solid = np.argwhere(alpha >= 0.5)
    if not solid.size:
        return []
    (y0, x0), (y1, x1) = solid.min(axis=0), solid.max(axis=0) + 1
    margin = int(_RETRY_MARGIN * max(x1 - x0, y1 - y0))
    padded = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    crop = padded[y0 : y1 + 2 * margin, x0 : x1 + 2 * margin]
    shift = np.array([x0 - margin, y0 - margin], np.float64)
    return [_shifted(person, shift) for person in detect_people(session, crop)]


def _shifted(person: Detection, shift: F64) -> Detection:
    dx, dy = float(shift[0]), float(shift[1])
    x0, y0, x1, y1 = person.box
    region = person.region
    moved = type(region)(region.x + dx, region.y + dy, region.side, region.angle)
    return Detection(person.score, (x0 + dx, y0 + dy, x1 + dx, y1 + dy), moved)


def _share_in_cutout(person: Detection, alpha: F32) -> float:
    """Return how much of the cutout lies in the person's region; near its middle counts more."""
    region = person.region
    reach = region.side / 2
    x0, x1 = (int(np.clip(region.x + side * reach, 0, alpha.shape[1])) for side in (-1, 1))
    y0, y1 = (int(np.clip(region.y + side * reach, 0, alpha.shape[0])) for side in (-1, 1))
    if x1 <= x0 or y1 <= y0:
        return 0.0
    y, x = np.mgrid[y0:y1:4, x0:x1:4]
    nearness = np.exp(-4.0 * ((x - region.x) ** 2 + (y - region.y) ** 2) / reach**2)
    return float((alpha[y0:y1:4, x0:x1:4] * nearness).sum())


def _is_crossed_without_face(body: Body, height: int) -> bool:
    """Tell whether left and right came out as in a back view while no face is in the picture to prove it."""
    face = body.points[list(_EYES_AND_NOSE), 1]
    if (face >= 0).all() and (face < height).all():
        return False
    across = body.points[_LEFT_SHOULDER, 0] - body.points[_RIGHT_SHOULDER, 0]
    hips = body.points[_LEFT_HIP, 0] - body.points[_RIGHT_HIP, 0]
    toes_up = body.points[list(_TOES), 1].mean() < body.points[list(_HEELS), 1].mean()
    feet_seen = bool((body.points[list(_TOES), 1] < height).all())
    return bool(across < 0 and hips < 0 and not (feet_seen and toes_up))


def _swap_sides(body: Body) -> Body:
    """Exchange the person's left and right."""
    order = np.array([0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, 33))])
    return Body(body.points[order], body.visibility[order], body.presence[order], body.score)


def _to_pose(body: Body, scale: F64, size: tuple[int, int], people: int, params: PoseParams) -> Pose:
    points = body.points * scale - 0.5
    inside = ((points >= 0) & (points <= np.array(size) - 1)).all(axis=1)
    seen = inside & (body.visibility >= params.min_visibility) & (body.presence >= params.min_presence)
    confidence = np.where(seen, body.visibility, 0.0)
    rows = np.hstack([points, confidence[:, None]]) * seen[:, None]
    keypoints = np.zeros((len(COCO18), 3), np.float32)
    for joint, source in enumerate(_COCO_FROM_BLAZE):
        keypoints[joint] = rows[source] if source >= 0 else _middle(rows[_RIGHT_SHOULDER], rows[_LEFT_SHOULDER])
    extra = rows[list(_EXTRA_FROM_BLAZE)].astype(np.float32)
    return Pose(keypoints, extra, size, people)


def _middle(first: F64, second: F64) -> F64:
    """Return the keypoint between two, or nothing where either is unseen."""
    if min(first[2], second[2]) <= 0:
        return np.zeros(3)
    middle: F64 = (first + second) / 2
    middle[2] = min(first[2], second[2])
    return middle
