"""A drawn person and drawn garments with exact truth: no photograph, no model."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.artefacts import (
    Agnostic,
    Cutout,
    DensePoseMap,
    GarmentArtefacts,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
)
from studio.domain.geometry import Framing
from studio.domain.labels import Cihp
from studio.domain.progress import Progress
from studio.pipeline.garment import analyse_garment
from studio.pipeline.stage import StageContext

U8 = npt.NDArray[np.uint8]
BACKDROP = (225, 226, 228)
OLD_TOP = (30, 160, 40)
SKIN = (205, 160, 135)
JEANS = (60, 80, 130)
HAIR = (70, 45, 25)
NEW_TOP = (180, 40, 60)

TEE = ((-0.11, 0.0), (-0.26, 0.06), (-0.45, 0.27), (-0.33, 0.33), (-0.24, 0.25), (-0.24, 1.0))
LONG = (
    (-0.10, 0.0), (-0.24, 0.05), (-0.34, 0.45), (-0.37, 0.97), (-0.29, 0.97), (-0.265, 0.5), (-0.235, 0.28),
    (-0.235, 0.85),
)  # fmt: skip
TANK = ((0.0, 0.13), (-0.08, 0.10), (-0.12, 0.0), (-0.19, 0.01), (-0.19, 0.15), (-0.26, 0.27), (-0.25, 1.0))


class SelfieNetwork:
    """Sees one class everywhere: 4 is cloth, 3 is a face."""

    input_names = ("picture",)

    def __init__(self, label: int) -> None:
        self._label = label

    def run(self, feeds: object) -> list[npt.NDArray[np.float32]]:
        shares = np.zeros((1, 256, 256, 6), np.float32)
        shares[..., self._label] = 1.0
        return [shares]


class NoModels:
    """A provider for stages that use no model but the selfie network, which sees `label` everywhere."""

    device = "cpu"

    def __init__(self, label: int = 4) -> None:
        self._label = label

    def is_installed(self, model_id: str) -> bool:
        return False

    def session(self, model_id: str) -> SelfieNetwork:
        return SelfieNetwork(self._label)


def context(label: int = 4) -> StageContext:
    """Return a context nobody listens to; `label` is what the selfie network sees everywhere."""
    return StageContext(NoModels(label), Progress(threading.Event(), lambda fraction, stage: None))  # type: ignore[arg-type]


def outline(half: tuple[tuple[float, float], ...], size: tuple[int, int], height: float) -> npt.NDArray[np.int32]:
    """Return a closed symmetric outline in pixels, standing in the middle of a picture."""
    left = np.array(half)
    right = left[::-1] * [-1, 1]
    points = np.concatenate([left, right]) * height + [size[0] / 2, (size[1] - height) / 2]
    return np.round(points).astype(np.int32)


def draw_garment(
    half: tuple[tuple[float, float], ...], colour: tuple[int, int, int] = NEW_TOP, size: tuple[int, int] = (480, 640)
) -> tuple[Photo, Cutout]:
    """Return a product photo and its exact cutout."""
    points = outline(half, size, 0.8 * size[1])
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA)
    alpha = mask.astype(np.float32) / 255
    rgb = np.full((size[1], size[0], 3), BACKDROP, np.uint8)
    rgb[mask > 0] = colour
    foreground = np.where(alpha[..., None] > 0, np.uint8(colour), rgb).astype(np.uint8)
    return Photo(rgb, "0" * 64, "garment.png"), Cutout(alpha, foreground)


def dressed_garment(half: tuple[tuple[float, float], ...], colour: tuple[int, int, int] = NEW_TOP) -> GarmentArtefacts:
    """Return a drawn garment with its analysis."""
    photo, cutout = draw_garment(half, colour)
    return GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))


JOINTS = {
    "nose": (192, 80), "neck": (192, 150), "right_shoulder": (132, 150), "left_shoulder": (252, 150),
    "right_elbow": (112, 250), "right_wrist": (104, 340), "left_elbow": (272, 250), "left_wrist": (280, 340),
    "right_hip": (158, 325), "left_hip": (226, 325), "right_knee": (160, 505), "left_knee": (224, 505),
}  # fmt: skip


def make_pose(moved: dict[str, tuple[float, float]] | None = None, size: tuple[int, int] = (384, 512)) -> Pose:
    """Return the drawn person's pose, some joints moved."""
    from studio.domain.artefacts import COCO18, EXTRA_POINTS

    keypoints = np.zeros((len(COCO18), 3), np.float32)
    for name, (x, y) in (JOINTS | (moved or {})).items():
        keypoints[COCO18.index(name)] = (x, y, 1.0)
    return Pose(keypoints, np.zeros((len(EXTRA_POINTS), 3), np.float32), size)


def draw_person(factor: int = 1, dtype: type[np.generic] = np.uint8) -> PersonArtefacts:
    """Return a standing person in a long green top, jeans and shoulder-long hair; `factor` enlarges it."""
    width, height = 384, 512
    labels = np.zeros((height, width), np.uint8)
    rgb = np.full((height, width, 3), BACKDROP, np.uint8)

    def paint(points: list[tuple[float, float]], label: Cihp, colour: tuple[int, int, int]) -> None:
        area = np.zeros((height, width), np.uint8)
        cv2.fillPoly(area, [np.array(points, np.int32)], 1)
        labels[area > 0], rgb[area > 0] = label, colour

    paint([(140, 290), (244, 290), (258, 512), (126, 512)], Cihp.TROUSERS, JEANS)
    paint([(170, 90), (214, 90), (216, 150), (168, 150)], Cihp.NECK, SKIN)
    paint([(160, 128), (224, 128), (262, 146), (254, 330), (130, 330), (122, 146)], Cihp.UPPER, OLD_TOP)
    for sign in (-1, 1):

        def mirror(points: list[tuple[float, float]], sign: int = sign) -> list[tuple[float, float]]:
            return [(192 + sign * x, y) for x, y in points]

        paint(
            mirror([(54, 140), (76, 160), (98, 250), (100, 330), (78, 330), (64, 250), (52, 180)]), Cihp.UPPER, OLD_TOP
        )
        arm = Cihp.RIGHT_ARM if sign < 0 else Cihp.LEFT_ARM
        paint(mirror([(78, 330), (100, 330), (98, 372), (82, 372)]), arm, SKIN)
    cv2.ellipse(labels, (192, 80), (34, 46), 0, 0, 360, int(Cihp.FACE), -1)
    cv2.ellipse(rgb, (192, 80), (34, 46), 0, 0, 360, SKIN, -1)
    paint([(152, 50), (164, 50), (166, 190), (146, 190)], Cihp.HAIR, HAIR)
    noise = np.random.default_rng(3).integers(-2, 3, rgb.shape)
    rgb = np.clip(rgb.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return _enlarged(rgb, labels, factor, dtype)


def _enlarged(rgb: U8, labels: U8, factor: int, dtype: type[np.generic]) -> PersonArtefacts:
    size = (rgb.shape[1] * factor, rgb.shape[0] * factor)
    if factor > 1:
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)
        labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    alpha = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), 0.7)
    pixels = rgb if dtype is np.uint8 else rgb.astype(np.uint16) * 257
    pose = make_pose({name: (x * factor, y * factor) for name, (x, y) in JOINTS.items()}, size)
    scale = 768 / size[0]
    framing = Framing(np.array([[scale, 0.0, (scale - 1) / 2], [0.0, scale, (scale - 1) / 2]]), size)
    empty = np.zeros((1024, 768), np.float32)
    canvas = cv2.warpAffine(rgb, framing.matrix, (768, 1024))
    canvas_labels = cv2.warpAffine(labels, framing.matrix, (768, 1024), flags=cv2.INTER_NEAREST)
    hidden = np.isin(canvas_labels, (Cihp.UPPER, Cihp.NECK, Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    hidden = cv2.dilate(hidden.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    hidden &= ~np.isin(canvas_labels, (Cihp.FACE, Cihp.HAIR, Cihp.TROUSERS))
    canvas[hidden], canvas_labels[hidden] = 128, 0
    index = np.where(hidden, 1, 0).astype(np.uint8)
    return PersonArtefacts(
        Photo(pixels, "1" * 64, "person.png"), Cutout(alpha, rgb.copy()), pose, framing, ParseMap(labels.copy()),
        DensePoseMap(index, empty, empty.copy()), Agnostic(canvas, canvas_labels),
    )  # fmt: skip
