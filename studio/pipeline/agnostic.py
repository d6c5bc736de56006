"""Agnostic: the person with the garment area removed, by the rules of HR-VITON and of VITON-HD, pixel for pixel.

Sources: Choi et al., "VITON-HD", CVPR 2021; Lee et al., "HR-VITON", ECCV 2022 and their published data preparation.
The shapes are Pillow's: the networks were trained on its way of drawing wide lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from studio.domain.arrays import F64, U8, Bool
from studio.domain.artefacts import Agnostic, ParseMap, Photo, Pose
from studio.domain.geometry import Framing
from studio.domain.keys import Note
from studio.domain.labels import Cihp, LabelScheme, convert_labels
from studio.pipeline.framing import warp_labels_to_canvas, warp_to_canvas
from studio.pipeline.pose_body import HIPS_PER_SHOULDERS, TORSO_PER_SHOULDERS
from studio.pipeline.pose_io import to_body25
from studio.pipeline.stage import Inputs, ModelProvider, NoParams, StageContext

GREY = (128, 128, 128)
VITON_HD_UNIT = 20
PARSE_UNIT = 10
_NECK, _RIGHT_SHOULDER, _LEFT_SHOULDER, _RIGHT_HIP, _LEFT_HIP = 1, 2, 5, 9, 12
_ARM_JOINTS = (3, 4, 6, 7)
_LEFT_ARM, _RIGHT_ARM = (5, 6, 7), (2, 3, 4)
_UPPER_BODY = (Cihp.UPPER, Cihp.DRESS, Cihp.COAT)
_HEAD = (Cihp.SUNGLASSES, Cihp.FACE)
_LOWER_BODY = (Cihp.TROUSERS, Cihp.SKIRT, Cihp.LEFT_LEG, Cihp.RIGHT_LEG, Cihp.LEFT_SHOE, Cihp.RIGHT_SHOE)


@dataclass(frozen=True, slots=True)
class AgnosticRules:
    """An agnostic stage; `paint` removes the garment area from a picture by one set's rules."""

    implementation: str
    paint: Callable[[U8, U8, F64], U8]
    name: str = "agnostic"
    version: int = 1
    params_type: type[NoParams] = NoParams
    inputs: tuple[str, ...] = ("photo", "framing", "pose", "parse")
    output: type[Agnostic] = Agnostic

    def models(self, params: NoParams, provider: ModelProvider) -> tuple[str, ...]:
        del params, provider
        return ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        del provider
        return None

    def run(self, inputs: Inputs, params: NoParams, ctx: StageContext) -> Agnostic:
        """Return agnostic image and parse agnostic on the canvas.

        Hips that the picture does not show are guessed; without shoulders only what the parse map says is removed.
        """
        del params
        photo, framing = inputs.take("photo", Photo), inputs.take("framing", Framing)
        parse = inputs.take("parse", ParseMap)
        image = warp_to_canvas(photo.rgb8, framing)
        labels = warp_labels_to_canvas(convert_labels(parse.labels, parse.scheme, LabelScheme.CIHP), framing)
        ctx.progress.report(0.3, self.name)
        rows = to_body25(inputs.take("pose", Pose)).astype(np.float64)
        points = np.where(rows[:, 2:] > 0, framing.to_canvas(rows[:, :2]), 0.0)
        if not (_is_seen(points, _RIGHT_SHOULDER) and _is_seen(points, _LEFT_SHOULDER)):
            ctx.note_fallback("agnostic.no_shoulders", file=photo.name)
            return remove_by_labels(image, labels)
        if not has_hips(points):
            ctx.note_fallback("agnostic.guessed_hips", file=photo.name)
            points = guess_hips(points)
        return Agnostic(self.paint(image, labels, points), make_parse_agnostic(labels, points))


def _is_seen(points: F64, joint: int) -> bool:
    """A joint at (0, 0) is OpenPose's "not found"."""
    return bool(points[joint].any())


def has_hips(points: F64) -> bool:
    """Tell whether both hips are there and apart: the rules divide by their distance."""
    apart = np.hypot(*(points[_LEFT_HIP] - points[_RIGHT_HIP]))
    return bool(_is_seen(points, _RIGHT_HIP) and _is_seen(points, _LEFT_HIP) and apart > 0)


def guess_hips(points: F64) -> F64:
    """Return the points with hips hung below the shoulders by the catalogue's proportions."""
    guessed = points.copy()
    right, left = points[_RIGHT_SHOULDER], points[_LEFT_SHOULDER]
    width = max(float(np.hypot(*(left - right))), 1.0)
    middle = (right + left) / 2 + (0.0, TORSO_PER_SHOULDERS * width)
    half = np.array([HIPS_PER_SHOULDERS * width / 2 * (1 if left[0] >= right[0] else -1), 0.0])
    guessed[_RIGHT_HIP], guessed[_LEFT_HIP] = middle - half, middle + half
    return guessed


def widen_hips(points: F64) -> F64:
    """Return the points with the hips moved apart, about their middle, to the width of the shoulders."""
    shoulders = np.linalg.norm(points[_LEFT_SHOULDER] - points[_RIGHT_SHOULDER])
    hips = np.linalg.norm(points[_LEFT_HIP] - points[_RIGHT_HIP])
    middle = (points[_RIGHT_HIP] + points[_LEFT_HIP]) / 2
    widened = points.copy()
    for joint in (_RIGHT_HIP, _LEFT_HIP):
        widened[joint] = middle + (points[joint] - middle) / hips * shoulders
    return widened


def paint_hr_viton(image: U8, labels: U8, points: F64) -> U8:
    """Return HR-VITON's agnostic image: trunk, neck and arms in grey; hands, face and lower body put back.

    image: uint8 `(1024, 768, 3)`. points: float64 `(25, 2)`, BODY_25 on the canvas, both shoulders and hips seen.
    """
    points = widen_hips(points)
    unit = int(np.linalg.norm(points[_LEFT_SHOULDER] - points[_RIGHT_SHOULDER]) / 16) + 1
    photo = Image.fromarray(image)
    agnostic = photo.copy()
    draw = ImageDraw.Draw(agnostic)
    _draw_trunk(draw, points, unit)
    x, y = points[_NECK]
    draw.rectangle((x - unit * 5, y - unit * 9, x + unit * 5, y), GREY, GREY)
    _draw_line(draw, points, _RIGHT_SHOULDER, _LEFT_SHOULDER, unit * 12)
    for joint in (_RIGHT_SHOULDER, _LEFT_SHOULDER):
        _draw_ellipse(draw, points[joint], unit * 5, unit * 6)
    _draw_arms(draw, points, unit)
    for label, joints in ((Cihp.LEFT_ARM, _LEFT_ARM), (Cihp.RIGHT_ARM, _RIGHT_ARM)):
        _paste(agnostic, photo, (labels == label) & _outside_arm(points, joints, unit, photo.size))
    _paste_head_and_legs(agnostic, photo, labels)
    return np.array(agnostic)


def paint_viton_hd(image: U8, labels: U8, points: F64) -> U8:
    """Return VITON-HD's agnostic image: arms, trunk and neck in grey at a fixed width; face and lower body put back.

    Arguments as `paint_hr_viton`.
    """
    points, unit = widen_hips(points), VITON_HD_UNIT
    photo = Image.fromarray(image)
    agnostic = photo.copy()
    draw = ImageDraw.Draw(agnostic)
    _draw_line(draw, points, _RIGHT_SHOULDER, _LEFT_SHOULDER, unit * 10)
    for joint in (_RIGHT_SHOULDER, _LEFT_SHOULDER):
        _draw_ellipse(draw, points[joint], unit * 5, unit * 5)
    _draw_arms(draw, points, unit)
    _draw_trunk(draw, points, unit)
    x, y = points[_NECK]
    draw.rectangle((x - unit * 7, y - unit * 7, x + unit * 7, y + unit * 7), GREY, GREY)
    _paste_head_and_legs(agnostic, photo, labels)
    return np.array(agnostic)


def make_parse_agnostic(labels: U8, points: F64) -> U8:
    """Return the parse map without upper garments, neck and covered arms; both data sets share this rule (v3.2).

    points: as given, before any widening of the hips; hips are not used.
    """
    agnostic = labels.copy()
    size = (labels.shape[1], labels.shape[0])
    for label, joints in ((Cihp.LEFT_ARM, (2, 5, 6, 7)), (Cihp.RIGHT_ARM, (5, 2, 3, 4))):
        mask = Image.new("L", size, 0)
        draw = ImageDraw.Draw(mask)
        before = joints[0]
        for joint in joints[1:]:
            if not (_is_seen(points, before) and _is_seen(points, joint)):
                continue
            _draw_line(draw, points, before, joint, PARSE_UNIT * 10, 255)
            radius = PARSE_UNIT * (4 if joint == joints[-1] else 15)
            _draw_ellipse(draw, points[joint], radius, radius, 255)
            before = joint
        agnostic[(np.array(mask) > 0) & (labels == label)] = 0
    agnostic[np.isin(labels, (*_UPPER_BODY, Cihp.NECK))] = 0
    return agnostic


def remove_by_labels(image: U8, labels: U8) -> Agnostic:
    """Return an agnostic without a pose: upper garments, neck and arms removed exactly where the parse map has them."""
    gone = np.isin(labels, (*_UPPER_BODY, Cihp.NECK, Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    return Agnostic(np.where(gone[..., None], np.uint8(GREY[0]), image), np.where(gone, np.uint8(0), labels))


Colour = tuple[int, int, int] | int


def _draw_line(draw: ImageDraw.ImageDraw, points: F64, start: int, end: int, width: int, colour: Colour = GREY) -> None:
    draw.line([(float(x), float(y)) for x, y in (points[start], points[end])], colour, width=width)


def _draw_ellipse(draw: ImageDraw.ImageDraw, at: F64, across: int, down: int, colour: Colour = GREY) -> None:
    x, y = float(at[0]), float(at[1])
    draw.ellipse((x - across, y - down, x + across, y + down), colour, colour)


def _draw_trunk(draw: ImageDraw.ImageDraw, points: F64, unit: int) -> None:
    for joint in (_RIGHT_HIP, _LEFT_HIP):
        _draw_ellipse(draw, points[joint], unit * 3, unit * 6)
    _draw_line(draw, points, _RIGHT_SHOULDER, _RIGHT_HIP, unit * 6)
    _draw_line(draw, points, _LEFT_SHOULDER, _LEFT_HIP, unit * 6)
    _draw_line(draw, points, _RIGHT_HIP, _LEFT_HIP, unit * 12)
    corners = (_RIGHT_SHOULDER, _LEFT_SHOULDER, _LEFT_HIP, _RIGHT_HIP)
    draw.polygon([(float(x), float(y)) for x, y in points[list(corners)]], GREY, GREY)


def _draw_arms(draw: ImageDraw.ImageDraw, points: F64, unit: int) -> None:
    for joint in _ARM_JOINTS:
        if _is_seen(points, joint - 1) and _is_seen(points, joint):
            _draw_line(draw, points, joint - 1, joint, unit * 10)
            _draw_ellipse(draw, points[joint], unit * 5, unit * 5)


def _outside_arm(points: F64, joints: tuple[int, int, int], unit: int, size: tuple[int, int]) -> Bool:
    """Return where the arm's label is further from the bones than a sleeve: mostly the hand."""
    mask = Image.new("L", size, 255)
    draw = ImageDraw.Draw(mask)
    _draw_ellipse(draw, points[joints[0]], unit * 5, unit * 6, 0)
    for joint in joints[1:]:
        if not (_is_seen(points, joint - 1) and _is_seen(points, joint)):
            continue
        _draw_line(draw, points, joint - 1, joint, unit * 10, 0)
        radius = unit * (4 if joint == joints[-1] else 5)  # narrower at the wrist: the hand is kept
        _draw_ellipse(draw, points[joint], radius, radius, 0)
    outside: Bool = np.array(mask) > 0
    return outside


def _paste_head_and_legs(agnostic: Image.Image, photo: Image.Image, labels: U8) -> None:
    for group in (_HEAD, _LOWER_BODY):
        _paste(agnostic, photo, np.isin(labels, group))


def _paste(agnostic: Image.Image, photo: Image.Image, mask: Bool) -> None:
    agnostic.paste(photo, None, Image.fromarray(mask.astype(np.uint8) * 255))


HR_VITON = AgnosticRules("hr_viton", paint_hr_viton)
VITON_HD = AgnosticRules("viton_hd", paint_viton_hd)
