"""What the published networks expect to see: the garment framed as in their data set, the person's renderings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.artefacts import GarmentArtefacts, PersonArtefacts, Pose
from studio.domain.errors import PipelineError
from studio.domain.geometry import CANVAS_SIZE, Box, Framing
from studio.domain.labels import LabelScheme, convert_labels
from studio.pipeline.framing import warp_labels_to_canvas, warp_to_canvas
from studio.pipeline.pose_io import render_pose, to_body25

WHITE = (255, 255, 255)
GARMENT_WIDTH, GARMENT_HEIGHT = 0.815, 0.87
"""Share of the canvas that a product fills in VITON-HD's photos, whichever it meets first; measured on 8 of them."""

_REFRAME = 0.12
"""A photo of the canvas's own aspect is left as it is when its product's size is this near to the data set's."""

_SOLID = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class FramedGarment:
    """A garment photo as the networks see it.

    framing: garment photo to canvas. picture: uint8 `(1024, 768, 3)` on white. mask: uint8 `(1024, 768)`, 0 or 255.
    """

    framing: Framing
    picture: U8
    mask: U8


def frame_garment(garment: GarmentArtefacts) -> FramedGarment:
    """Lay the product on a white canvas where the data set has it.

    Raises:
        PipelineError: `garment.empty`, the cutout holds nothing.
    """
    alpha = garment.cutout.alpha
    if not (alpha >= _SOLID).any():
        raise PipelineError("garment.empty", file=garment.photo.name)
    framing = Framing(_fit(garment.cutout.box, garment.photo.size), garment.photo.size, WHITE)
    flat = garment.cutout.foreground * alpha[..., None] + 255.0 * (1.0 - alpha[..., None])
    picture = warp_to_canvas(np.rint(flat).astype(np.uint8), framing)
    mask = warp_to_canvas(alpha, framing, fill=0.0) >= _SOLID
    return FramedGarment(framing, picture, np.where(mask, np.uint8(255), np.uint8(0)))


def _fit(box: Box, size: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the similarity that brings the product to the data set's size and the middle of the canvas."""
    wanted = min(GARMENT_WIDTH * CANVAS_SIZE[0] / box.width, GARMENT_HEIGHT * CANVAS_SIZE[1] / box.height)
    across, down = CANVAS_SIZE[0] / size[0], CANVAS_SIZE[1] / size[1]
    plain = abs(across / down - 1) < 0.01 and abs(across / wanted - 1) < _REFRAME
    scale = min(across, down) if plain else wanted
    middle = (size[0] - 1) / 2, (size[1] - 1) / 2
    if not plain:
        middle = (box.x0 + box.x1 - 1) / 2, (box.y0 + box.y1 - 1) / 2
    shift = [(side - 1) / 2 - scale * at for side, at in zip(CANVAS_SIZE, middle, strict=True)]
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])


def canvas_labels(person: PersonArtefacts) -> U8:
    """Return the person's own CIHP-20 labels on the canvas."""
    native = convert_labels(person.parse.labels, person.parse.scheme, LabelScheme.CIHP)
    return warp_labels_to_canvas(native, person.framing)


def hidden_area(person: PersonArtefacts) -> Bool:
    """Return where the agnostic image or parse hides what the photo shows, `(1024, 768)`."""
    shown = warp_to_canvas(person.photo.rgb8, person.framing)
    differs = np.abs(shown.astype(np.int16) - person.agnostic.image).max(axis=2) > 0
    area: Bool = differs | (canvas_labels(person) != person.agnostic.labels)
    return area


def canvas_pose(pose: Pose, framing: Framing) -> F32:
    """Return BODY_25 rows in canvas pixels; unseen joints stay 0."""
    rows = to_body25(pose)
    seen = rows[:, 2] > 0
    rows[seen, :2] = framing.to_canvas(rows[seen, :2].astype(np.float64)).astype(np.float32)
    return rows


def draw_pose(person: PersonArtefacts) -> U8:
    """Return OpenPose's drawing of the person on black, uint8 `(1024, 768, 3)`."""
    return render_pose(canvas_pose(person.pose, person.framing), person.framing.canvas_size)
