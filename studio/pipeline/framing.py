"""Framing (refocus): the similarity between a photo and the 768 x 1024 canvas, and warps both ways through it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import Cutout, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.geometry import CANVAS_SIZE, Box, Framing
from studio.domain.keys import Note
from studio.pipeline.pose_body import Torso, read_torso
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

Pixels = npt.NDArray[Any]  # Any: uint8 pictures and float32 planes are warped alike

# Where VITON-HD's pictures put a person, in canvas pixels, measured on 26 of them (median; smallest and largest).
CATALOGUE_TORSO = 441.0  # neck to mid-hip
CATALOGUE_TORSO_RANGE = (330.0, 620.0)
CATALOGUE_SHOULDERS = 303.0
CATALOGUE_NECK_Y = 352.0
CATALOGUE_NECK_Y_RANGE = (240.0, 520.0)
CATALOGUE_NECK_X_RANGE = (230.0, 540.0)
CATALOGUE_HEAD_TOP = 12.0

ASPECT_TOLERANCE = 0.01
"""A photo this near to 3:4 is scaled as it is when its person already stands where a catalogue's does."""

FULL_MARGIN = 0.04  # of the canvas, around a whole body
_MAX_PERSON_WIDTH = 0.98  # of the canvas: elbows stay inside where the shoulders' size allows it
_MAX_WIDTH_SHRINK = 0.8  # but an outstretched arm may not make the torso smaller than this
_BACKGROUND_ALPHA = 0.05
_BORDER_SHARE = 0.03  # the background's colour is read in a border this wide


class Focus(StrEnum):
    """What the canvas shows."""

    UPPER = "upper"  # head to hips, as the catalogue sets do
    FULL = "full"  # the whole person


class Interpolation(StrEnum):
    """How pixels between pixels are read."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"


_CV2_FLAG = {
    Interpolation.NEAREST: cv2.INTER_NEAREST,
    Interpolation.LINEAR: cv2.INTER_LINEAR,
    Interpolation.CUBIC: cv2.INTER_CUBIC,
}


@dataclass(frozen=True, slots=True)
class FramingParams:
    """Settings of the framing stage. focus: what the canvas shows."""

    focus: Focus = Focus.UPPER


@dataclass(frozen=True, slots=True)
class CatalogueFraming:
    """The embedded framing stage."""

    name: str = "framing"
    implementation: str = "catalogue"
    version: int = 1
    params_type: type[FramingParams] = FramingParams
    inputs: tuple[str, ...] = ("photo", "edges", "pose")
    output: type[Framing] = Framing

    def models(self, params: FramingParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        del provider
        return None

    def run(self, inputs: Inputs, params: FramingParams, ctx: StageContext) -> Framing:
        """Return where the canvas lies on the photo.

        Raises:
            PipelineError: `framing.no_person`, the cutout is empty.
        """
        photo, cutout = inputs.take("photo", Photo), inputs.take("edges", Cutout)
        if not (cutout.alpha >= 0.5).any():
            raise PipelineError("framing.no_person", file=photo.name)
        torso = read_torso(inputs.take("pose", Pose))
        ctx.progress.report(0.5, self.name)
        if torso is None and params.focus is Focus.UPPER:
            ctx.note_fallback("framing.whole_person", file=photo.name)
        if torso is None or params.focus is Focus.FULL:
            matrix = _fit_whole(cutout.box)
        else:
            matrix = _fit_torso(torso, cutout.box, photo.size)
        return Framing(matrix, photo.size, _background_colour(photo, cutout))


CATALOGUE = CatalogueFraming()


def _similarity(scale: float, photo_point: F64, canvas_point: F64) -> F64:
    """Return the matrix that scales and puts one photo point on one canvas point."""
    matrix = np.zeros((2, 3))
    matrix[0, 0] = matrix[1, 1] = scale
    matrix[:, 2] = canvas_point - scale * photo_point
    return matrix


def _fit_whole(box: Box) -> F64:
    """Centre the whole person with a margin."""
    width, height = CANVAS_SIZE
    scale = (1 - 2 * FULL_MARGIN) * min(width / box.width, height / box.height)
    middle = np.array([(box.x0 + box.x1 - 1) / 2, (box.y0 + box.y1 - 1) / 2])
    return _similarity(scale, middle, np.array([(width - 1) / 2, (height - 1) / 2]))


def _fit_torso(torso: Torso, box: Box, size: tuple[int, int]) -> F64:
    """Put head and trunk where the catalogue's pictures have them."""
    plain = _plain_scale(size)
    if plain is not None and _is_framed_already(torso, plain):
        return plain
    scale = _torso_scale(torso, box)
    neck = torso.neck
    neck_y = CATALOGUE_NECK_Y
    head_top = neck_y - scale * (neck[1] - box.y0)
    neck_y = float(np.clip(neck_y + CATALOGUE_HEAD_TOP - head_top, *_inner(CATALOGUE_NECK_Y_RANGE)))
    matrix = _similarity(scale, neck, np.array([CANVAS_SIZE[0] / 2, neck_y]))
    _keep_person_inside(matrix, box)
    _avoid_letterbox(matrix, size)
    return matrix


def _inner(limits: tuple[float, float]) -> tuple[float, float]:
    """Return the middle half of a range: a new framing should not start at its edge."""
    quarter = (limits[1] - limits[0]) / 4
    return limits[0] + quarter, limits[1] - quarter


def _plain_scale(size: tuple[int, int]) -> F64 | None:
    """Return the matrix that only scales, where the photo has the canvas's aspect; the identity at its size."""
    across, down = CANVAS_SIZE[0] / size[0], CANVAS_SIZE[1] / size[1]
    if abs(across / down - 1) > ASPECT_TOLERANCE:
        return None
    scale = min(across, down)
    middle = (np.array(size, np.float64) - 1) / 2
    return _similarity(scale, middle, (np.array(CANVAS_SIZE, np.float64) - 1) / 2)


def _is_framed_already(torso: Torso, matrix: F64) -> bool:
    scale = matrix[0, 0]
    neck = scale * torso.neck + matrix[:, 2]
    length = scale * torso.size * (CATALOGUE_TORSO / CATALOGUE_SHOULDERS)
    inside = [
        limits[0] <= value <= limits[1]
        for value, limits in (
            (length, CATALOGUE_TORSO_RANGE),
            (neck[0], CATALOGUE_NECK_X_RANGE),
            (neck[1], CATALOGUE_NECK_Y_RANGE),
        )
    ]
    return all(inside)


def _torso_scale(torso: Torso, box: Box) -> float:
    """Canvas pixels per photo pixel at which the trunk has catalogue size and the elbows fit, if they can."""
    scale = CATALOGUE_SHOULDERS / torso.size
    fitting = _MAX_PERSON_WIDTH * CANVAS_SIZE[0] / box.width
    return float(max(min(scale, fitting), _MAX_WIDTH_SHRINK * scale))


def _keep_person_inside(matrix: F64, box: Box) -> None:
    """Shift sideways so that a person who fits is not cut."""
    left, right = (matrix[0, 0] * x + matrix[0, 2] for x in (box.x0, box.x1 - 1))
    if right - left <= CANVAS_SIZE[0] - 1:
        matrix[0, 2] += max(0.0, -left) - max(0.0, right - (CANVAS_SIZE[0] - 1))


def _avoid_letterbox(matrix: F64, size: tuple[int, int]) -> None:
    """Shift, along each axis on which the photo is long enough, so that it covers the canvas."""
    for axis in (0, 1):
        # Edges lie half a pixel outside the outer pixels' centres.
        start = matrix[axis, 2] - 0.5 * matrix[0, 0]
        end = matrix[axis, 2] + (size[axis] - 0.5) * matrix[0, 0]
        spare = end - start - CANVAS_SIZE[axis]
        if spare >= 0:
            matrix[axis, 2] -= max(0.0, start + 0.5) + min(0.0, end - (CANVAS_SIZE[axis] - 0.5))


def _background_colour(photo: Photo, cutout: Cutout) -> tuple[int, int, int]:
    """Return the median colour of the photo's border where it is background; white where there is none."""
    image = photo.rgb8
    height, width = image.shape[:2]
    reach = max(1, round(_BORDER_SHARE * min(height, width)))
    step = max(1, reach // 8)
    strips = (np.s_[:reach:step, ::step], np.s_[::step, :reach:step], np.s_[::step, -reach::step])
    colours = np.concatenate([image[strip][cutout.alpha[strip] < _BACKGROUND_ALPHA] for strip in strips])
    if not len(colours):
        return (255, 255, 255)
    red, green, blue = (round(float(value)) for value in np.median(colours, axis=0))
    return red, green, blue


def warp_to_canvas(
    image: Pixels, framing: Framing, interpolation: Interpolation = Interpolation.LINEAR, *, fill: float | None = None
) -> Pixels:
    """Return a native picture or plane on the canvas; shrinking averages, so nothing aliases.

    fill: value outside the photo; None takes the framing's colour for pictures and 0 for planes.
    """
    matrix = framing.matrix
    if framing.scale < 1.0 and interpolation is not Interpolation.NEAREST:
        image, matrix = _shrink(image, matrix, framing.scale)
    border = _border(image, framing, fill)
    return _warp(image, matrix, framing.canvas_size, interpolation, border)


def warp_labels_to_canvas(labels: U8, framing: Framing, *, fill: int = 0) -> U8:
    """Return a native label map on the canvas, nearest label."""
    return warp_to_canvas(labels, framing, Interpolation.NEAREST, fill=fill)


def warp_to_photo(
    image: Pixels, framing: Framing, interpolation: Interpolation = Interpolation.CUBIC, *, box: Box | None = None
) -> Pixels:
    """Return a canvas picture or plane at native size, or only the `box` of the photo; 0 outside the canvas."""
    box = box or Box(0, 0, *framing.photo_size)
    matrix = framing.inverse.copy()
    matrix[:, 2] -= (box.x0, box.y0)
    if framing.scale > 1.0 and interpolation is not Interpolation.NEAREST:
        image, matrix = _shrink(image, matrix, 1.0 / framing.scale)
    return _warp(image, matrix, (box.width, box.height), interpolation, (0, 0, 0))


def warp_labels_to_photo(labels: U8, framing: Framing, *, box: Box | None = None) -> U8:
    """Return a canvas label map at native size, nearest label."""
    return warp_to_photo(labels, framing, Interpolation.NEAREST, box=box)


def _shrink(image: Pixels, matrix: F64, scale: float) -> tuple[Pixels, F64]:
    """Shrink by area to about the target's size; return the picture and the matrix from it."""
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return image, matrix
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    factor = np.array([width / size[0], height / size[1]])
    # Pixel centres are integers: small pixel p covers big pixels around factor * (p + 0.5) - 0.5.
    back = np.array([[factor[0], 0, (factor[0] - 1) / 2], [0, factor[1], (factor[1] - 1) / 2], [0, 0, 1]])
    return small, matrix @ back


def _border(image: Pixels, framing: Framing, fill: float | None) -> tuple[float, ...]:
    if fill is not None:
        return (fill,) * 3
    return framing.fill if image.ndim == 3 else (0.0, 0.0, 0.0)


def _warp(
    image: Pixels, matrix: F64, size: tuple[int, int], interpolation: Interpolation, border: tuple[float, ...]
) -> Pixels:
    """Warp with a forward matrix; whole-pixel shifts copy pixels exactly."""
    whole = np.allclose(matrix[:, :2], np.eye(2), atol=1e-9) and np.allclose(
        matrix[:, 2], np.rint(matrix[:, 2]), atol=1e-6
    )
    if whole and size == (image.shape[1], image.shape[0]) and not np.rint(matrix[:, 2]).any():
        return image.copy()
    flag = cv2.INTER_NEAREST if whole else _CV2_FLAG[interpolation]
    warped: Pixels = cv2.warpAffine(image, matrix, size, flags=flag, borderMode=cv2.BORDER_CONSTANT, borderValue=border)
    return warped


def canvas_alpha(cutout: Cutout, framing: Framing) -> F32:
    """Return the cutout's alpha on the canvas."""
    alpha: F32 = np.clip(warp_to_canvas(cutout.alpha, framing), 0.0, 1.0)
    return alpha
