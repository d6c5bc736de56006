"""A drawn person from head to feet, and drawn lower garments, with exact truth."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.artefacts import (
    COCO18,
    EXTRA_POINTS,
    Agnostic,
    Cutout,
    DensePoseMap,
    GarmentArtefacts,
    ParseMap,
    PersonArtefacts,
    Photo,
    Pose,
)
from studio.domain.edits import GarmentOverride
from studio.domain.geometry import Framing
from studio.domain.labels import Cihp
from studio.pipeline.garment import analyse_garment
from tests.pipeline.tryon_figures import BACKDROP, HAIR, OLD_TOP, SKIN

U8 = npt.NDArray[np.uint8]
SIZE = (300, 640)
NEW = (190, 60, 140)
NAVY = (40, 46, 90)
SHOE = (120, 70, 30)
TROUSERS = ((0.0, 0.32), (0.0, 0.0), (-0.19, 0.0), (-0.22, 0.29), (-0.20, 1.0), (-0.04, 1.0))
SHORTS = ((0.0, 0.62), (0.0, 0.0), (-0.34, 0.0), (-0.42, 0.55), (-0.46, 1.0), (-0.06, 1.0))
SKIRT = ((0.0, 1.0), (0.0, 0.0), (-0.36, 0.0), (-0.50, 1.0))

JOINTS = {
    "nose": (150, 50), "neck": (150, 100), "right_shoulder": (110, 100), "left_shoulder": (190, 100),
    "right_elbow": (92, 165), "right_wrist": (84, 228), "left_elbow": (208, 165), "left_wrist": (216, 228),
    "right_hip": (126, 217), "left_hip": (174, 217), "right_knee": (124, 315), "left_knee": (176, 315),
    "right_ankle": (124, 405 + 100), "left_ankle": (176, 405 + 100),
}  # fmt: skip
JOINTS |= {"right_knee": (124, 360), "left_knee": (176, 360)}


def make_pose(moved: dict[str, tuple[float, float]] | None = None, gone: tuple[str, ...] = ()) -> Pose:
    """Return the drawn person's pose, some joints moved, some not seen."""
    keypoints = np.zeros((len(COCO18), 3), np.float32)
    for name, (x, y) in (JOINTS | (moved or {})).items():
        if name not in gone:
            keypoints[COCO18.index(name)] = (x, y, 1.0)
    return Pose(keypoints, np.zeros((len(EXTRA_POINTS), 3), np.float32), SIZE)


def draw_standing(lower: str = "trousers", top: str = "over") -> PersonArtefacts:
    """Return a person seen from head to feet.

    lower: "trousers", "shorts" or "dress". top: "over" the waistband, or "inside" it.
    """
    width, height = SIZE
    labels = np.zeros((height, width), np.uint8)
    rgb = np.full((height, width, 3), BACKDROP, np.uint8)

    def paint(points: list[tuple[float, float]], label: Cihp, colour: tuple[int, int, int]) -> None:
        area = np.zeros((height, width), np.uint8)
        cv2.fillPoly(area, [np.array(points, np.int32)], 1)
        labels[area > 0], rgb[area > 0] = label, colour

    def mirror(points: list[tuple[float, float]], sign: int) -> list[tuple[float, float]]:
        return [(150 + sign * x, y) for x, y in points]

    for sign, leg, shoe in ((-1, Cihp.RIGHT_LEG, Cihp.RIGHT_SHOE), (1, Cihp.LEFT_LEG, Cihp.LEFT_SHOE)):
        paint(mirror([(4, 235), (46, 217), (42, 360), (36, 505), (20, 505), (14, 360)], sign), leg, SKIN)
        paint(mirror([(16, 500), (38, 500), (46, 530), (16, 530)], sign), shoe, SHOE)
        if lower == "trousers":
            paint(mirror([(0, 190), (36, 190), (50, 235), (48, 498), (12, 498), (6, 250), (0, 240)], sign),
                  Cihp.TROUSERS, NAVY)  # fmt: skip
        if lower == "shorts":
            paint(mirror([(0, 190), (36, 190), (50, 235), (52, 320), (6, 320), (0, 245)], sign), Cihp.TROUSERS, NAVY)
    paint([(138, 60), (162, 60), (164, 100), (136, 100)], Cihp.NECK, SKIN)
    bottom = 205 if top == "over" else 186
    paint([(128, 84), (172, 84), (198, 98), (190, bottom), (110, bottom), (102, 98)], Cihp.UPPER, OLD_TOP)
    if lower == "dress":
        paint([(128, 84), (172, 84), (198, 98), (184, 180), (206, 350), (94, 350), (116, 180), (102, 98)],
              Cihp.DRESS, OLD_TOP)  # fmt: skip
    for sign, arm in ((-1, Cihp.RIGHT_ARM), (1, Cihp.LEFT_ARM)):
        paint(mirror([(36, 92), (52, 108), (68, 165), (74, 250), (58, 250), (48, 165), (36, 120)], sign), arm, SKIN)
    cv2.ellipse(labels, (150, 50), (22, 30), 0, 0, 360, int(Cihp.FACE), -1)
    cv2.ellipse(rgb, (150, 50), (22, 30), 0, 0, 360, SKIN, -1)
    paint([(124, 26), (132, 26), (132, 90), (122, 90)], Cihp.HAIR, HAIR)
    noise = np.random.default_rng(3).integers(-2, 3, rgb.shape)
    rgb = np.clip(rgb.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return person_of(rgb, labels, make_pose())


def person_of(rgb: U8, labels: U8, pose: Pose) -> PersonArtefacts:
    """Return a person from a picture and its exact labels."""
    alpha = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), 0.7)
    scale = 1024 / rgb.shape[0]
    framing = Framing(np.array([[scale, 0.0, 60.0], [0.0, scale, 0.0]]), (rgb.shape[1], rgb.shape[0]))
    empty = np.zeros((1024, 768), np.float32)
    canvas = cv2.warpAffine(rgb, framing.matrix, (768, 1024))
    return PersonArtefacts(
        Photo(rgb, "1" * 64, "person.png"), Cutout(alpha, rgb.copy()), pose, framing, ParseMap(labels.copy()),
        DensePoseMap(np.zeros((1024, 768), np.uint8), empty, empty.copy()),
        Agnostic(canvas, np.zeros((1024, 768), np.uint8)),
    )  # fmt: skip


def draw_lower(half: tuple[tuple[float, float], ...], colour: tuple[int, int, int] = NEW) -> tuple[Photo, Cutout]:
    """Return a product photo of a symmetric lower garment, given by its left half, and its exact cutout."""
    size = 480
    mask = np.zeros((size, size), np.uint8)
    for sign in (1, -1):
        points = (np.array(half) * (sign, 1) + (0.0, -0.5)) * 0.8 * size + size / 2
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    alpha = mask.astype(np.float32) / np.float32(255)
    rgb = np.full((size, size, 3), BACKDROP, np.uint8)
    rgb[mask > 0] = colour
    foreground = np.where(alpha[..., None] > 0, np.uint8(colour), rgb).astype(np.uint8)
    return Photo(rgb, "0" * 64, "garment.png"), Cutout(alpha, foreground)


def lower_garment(half: tuple[tuple[float, float], ...], category: str = "") -> GarmentArtefacts:
    """Return a drawn lower garment with its analysis."""
    photo, cutout = draw_lower(half)
    return GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout, GarmentOverride(category=category)))
