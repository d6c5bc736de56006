"""What any try-on must beat: the garment pasted to a box, and one affine map by shoulders and hips.

Both are handed more than the leak-free engines get: the box of the garment that the person really wears.
"""

from __future__ import annotations

from typing import TypeVar, cast

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import GarmentArtefacts, PersonArtefacts
from studio.domain.geometry import CANVAS_SIZE
from studio.domain.labels import Cihp

Pixels = TypeVar("Pixels", U8, F32)
_HIDDEN_GREY = 128
_HOLE_SIDE = 256  # inpainting runs at this height: what it fills is smooth anyway


def fill_hidden(agnostic: U8) -> U8:
    """Return the agnostic image with its grey area filled from its border: what lies beside the garment."""
    hidden = (np.abs(agnostic.astype(np.int16) - _HIDDEN_GREY).max(axis=2) <= 1).astype(np.uint8)
    scale = _HOLE_SIDE / agnostic.shape[0]
    size = (round(agnostic.shape[1] * scale), _HOLE_SIDE)
    small = cv2.resize(agnostic, size, interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(cv2.resize(hidden, size, interpolation=cv2.INTER_NEAREST), np.ones((3, 3), np.uint8))
    filled = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), agnostic.shape[1::-1])
    result: U8 = np.where(hidden[..., None] > 0, filled, agnostic)
    return result


def _paste(person: PersonArtefacts, garment: GarmentArtefacts, matrix: F64) -> U8:
    """Warp the garment to the canvas and lay it over the filled agnostic image; hair and face stay in front."""
    ground = fill_hidden(person.agnostic.image).astype(np.float32)
    scale = min(1.0, float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
    colour = _warp(garment.cutout.foreground, matrix, scale)
    alpha = _warp(garment.cutout.alpha, matrix, scale)
    kept = np.isin(person.agnostic.labels, (Cihp.FACE, Cihp.HAIR, Cihp.HAT))
    alpha = np.where(kept, np.float32(0), alpha)[..., None]
    mixed: U8 = np.round(colour * alpha + ground * (1 - alpha)).astype(np.uint8)
    return mixed


def _warp(picture: Pixels, matrix: F64, scale: float) -> Pixels:
    """Return a garment's picture or plane on the canvas, shrunk by area first: a jagged baseline is easily beaten."""
    height, width = picture.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    factor = np.array([width / size[0], height / size[1]])
    back = np.array([[factor[0], 0, (factor[0] - 1) / 2], [0, factor[1], (factor[1] - 1) / 2], [0, 0, 1]])
    small = picture if size == (width, height) else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cast(Pixels, cv2.warpAffine(small, matrix @ back, CANVAS_SIZE, flags=cv2.INTER_LINEAR))


def paste_to_box(person: PersonArtefacts, garment: GarmentArtefacts) -> U8:
    """Return the garment stretched from its own box to the box of the old garment, uint8 canvas picture."""
    labels = cv2.warpAffine(
        person.parse.labels, person.framing.matrix, CANVAS_SIZE, flags=cv2.INTER_NEAREST, borderValue=0
    )
    ys, xs = np.nonzero(np.isin(labels, (Cihp.UPPER, Cihp.DRESS, Cihp.COAT)))
    if ys.size == 0:
        return fill_hidden(person.agnostic.image)
    box = garment.cutout.box
    sx, sy = (np.ptp(xs) + 1) / box.width, (np.ptp(ys) + 1) / box.height
    return _paste(person, garment, np.array([[sx, 0, xs.min() - sx * box.x0], [0, sy, ys.min() - sy * box.y0]]))


def fit_affine(person: PersonArtefacts, garment: GarmentArtefacts) -> U8:
    """Return the garment under the affine map that takes its shoulders and hem to the person's shoulders and hips."""
    marks = garment.garment.landmarks
    pairs = (
        ("shoulder_left", "right_shoulder"),
        ("shoulder_right", "left_shoulder"),
        ("hem_left", "right_hip"),
        ("hem_right", "left_hip"),
    )
    known = [
        (marks[mark], person.pose.point(joint))
        for mark, joint in pairs
        if mark in marks and person.pose.point(joint) is not None
    ]
    if len(known) < 3:
        return paste_to_box(person, garment)
    source = np.array([[*mark, 1.0] for mark, _ in known])
    target = person.framing.to_canvas(np.array([joint for _, joint in known], np.float64))
    solution, *_ = np.linalg.lstsq(source, target, rcond=None)
    return _paste(person, garment, np.ascontiguousarray(solution.T))
