"""Paired evaluation without leaks: the person as published engines see it, and nothing else.

The person in a paired photo already wears the garment. What the engine may know is rebuilt on the working canvas from
the agnostic image, the parse agnostic, the pose and DensePose; neither pixels nor outline under the mask are read.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Cutout, NativePatch, ParseMap, PersonArtefacts, Photo, Pose
from studio.domain.geometry import Framing
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.plates import fill_smoothly

GREY = 128
"""The colour that agnostic images are masked with."""
_KEPT = (Cihp.HAIR, Cihp.FACE, Cihp.HAT, Cihp.SUNGLASSES, Cihp.TROUSERS, Cihp.SKIRT)
_SKIN = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.NECK, Cihp.FACE)
_LEAST_HAIR = 100
_STRAND_STEP, _LONGEST_STRAND = 2, 160
"""How finely, and how far from the mask's edge, seen hair is looked for: canvas pixels."""


def masked_area(person: PersonArtefacts) -> Bool:
    """Return where the agnostic image is masked: `(1024, 768)`."""
    grey = np.abs(person.agnostic.image.astype(np.int16) - GREY).max(axis=2) <= 3
    area: Bool = grey & ~np.isin(person.agnostic.labels, _KEPT)
    opened: Bool = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return opened


def agnostic_person(person: PersonArtefacts) -> PersonArtefacts:
    """Return the person on the working canvas as the agnostic inputs show it; the masked area is labelled UPPER."""
    labels = person.agnostic.labels.copy()
    hidden = masked_area(person)
    labels[hidden] = Cihp.UPPER
    body = (person.densepose.index > 0) | ((labels > 0) & ~hidden)
    alpha = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 0.8)
    image = _without_grey(person.agnostic.image, labels, body)
    identity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return replace(
        person,
        photo=Photo(image, person.photo.source_sha256, person.photo.name),
        cutout=Cutout(np.asarray(alpha, np.float32), image),
        pose=_on_canvas(person.pose, person.framing),
        framing=Framing(identity, person.framing.canvas_size, person.framing.fill, person.framing.canvas_size),
        parse=ParseMap(labels),
    )


def _without_grey(image: U8, labels: U8, body: Bool) -> U8:
    """Fill the mask's grey by what is seen of each kind: hair by hair, the body by skin, all else by the background.

    The engine paints over most of it; where it paints nothing, no grey may stand in the picture.
    """
    grey = np.abs(image.astype(np.int16) - GREY).max(axis=2) <= 3
    grey = cv2.morphologyEx(grey.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    filled = image.astype(np.float32)
    hidden = cv2.dilate(grey.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # the mask's edge is half grey
    hair, skin = labels == Cihp.HAIR, np.isin(labels, _SKIN)
    for part, area in ((~body, hidden), (skin, hidden & body)):
        seen = cv2.erode((part & ~grey).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
        if seen.sum() > 100:
            filled[area] = fill_smoothly(image.astype(np.float32), seen)[area]
    _continue_strands(filled, hair & hidden, cv2.erode((hair & ~grey).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0)
    return np.clip(np.round(filled), 0, 255).astype(np.uint8)


def _continue_strands(picture: F32, hidden: Bool, seen: Bool) -> None:
    """Fill hidden hair by the seen hair's mirror image at the mask's edge: strands run on, and there and back again."""
    if seen.sum() <= _LEAST_HAIR or not hidden.any():
        return
    rows, columns = distance_transform_edt(~seen, return_distances=False, return_indices=True)
    places = np.argwhere(hidden)
    edge = np.stack([rows[hidden], columns[hidden]], axis=1)
    away = (edge - places).astype(np.float64)
    distance = np.hypot(away[:, 0], away[:, 1])
    inward = away / np.maximum(distance, 1e-6)[:, None]
    limit = np.array(seen.shape) - 1
    depth, inside = np.ones(len(places)), np.ones(len(places), bool)
    for step in range(_STRAND_STEP, _LONGEST_STRAND, _STRAND_STEP):
        probe = np.clip((edge + step * inward).round().astype(int), 0, limit)
        inside &= seen[probe[:, 0], probe[:, 1]]
        depth[inside] = step
    there = np.mod(distance, 2 * depth)
    source = edge + np.minimum(there, 2 * depth - there)[:, None] * inward
    source = np.clip(source.round().astype(int), 0, limit)
    picture[hidden] = picture[source[:, 0], source[:, 1]]


def _on_canvas(pose: Pose, framing: Framing) -> Pose:
    def mapped(points: F32) -> F32:
        moved = points.copy()
        seen = points[:, 2] > 0
        moved[seen, :2] = framing.to_canvas(points[seen, :2].astype(np.float64)).astype(np.float32)
        return moved

    return Pose(mapped(pose.keypoints), mapped(pose.extra), framing.canvas_size, pose.people)


def patch_to_photo(patch: NativePatch, person: PersonArtefacts) -> NativePatch:
    """Lay a patch made on the canvas back into the photo it came from."""
    framing = person.framing
    width, height = framing.canvas_size
    where = patch.box.slices
    planes = [np.zeros((height, width), np.float32) for _ in range(3)]
    planes[0][where], planes[1][where] = patch.alpha, patch.body_alpha
    planes[2][where] = patch.garment.astype(np.float32) / 255
    pixels = np.zeros((height, width, 3), np.float32)
    pixels[where] = patch.pixels
    alpha, body, garment = (_back(plane, framing.inverse, person.photo.size) for plane in planes)
    native = _back(pixels, framing.inverse, person.photo.size)
    alpha = np.where(alpha > 0.999, 1.0, 0.0).astype(np.float32)
    return NativePatch(0, 0, np.round(native).astype(np.uint8), alpha, body, np.round(garment * 255).astype(np.uint8))


def _back(plane: F32, inverse: F64, size: tuple[int, int]) -> F32:
    moved: F32 = cv2.warpAffine(plane, inverse, size, flags=cv2.INTER_LINEAR)
    return moved
