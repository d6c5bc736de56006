"""What each pixel of a person is made of: hair, face, skin, clothes, other; by the selfie network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.geometry import Box
from studio.pipeline.parse_colour import I32, colour_histogram
from studio.pipeline.parse_work import Work
from studio.pipeline.pose_body import Torso
from studio.pipeline.stage import OnnxSession

VIEW_SIZE = 256


class Matter(IntEnum):
    """The network's classes."""

    BACKGROUND = 0
    HAIR = 1
    SKIN = 2
    FACE = 3
    CLOTHES = 4
    OTHER = 5


@dataclass(frozen=True, slots=True)
class View:
    """One look at the photo. weight: how much it is believed where it sees something."""

    box: Box
    weight: float


# Views around a torso of shoulder width 1: (from neck or hips, left and right, up, down, weight). The close views see
# the hair's and neckline's outline, and the hands, at twice the resolution; the person's view knows the context.
_HEAD_VIEW = (0.95, 1.35, 0.6, 1.6)
_HIP_VIEW = (1.15, 1.2, 0.95, 0.9)
_UPPER_VIEW = (1.6, 1.25, 2.0, 1.2)
_UPPER_VIEW_FROM = 1.5  # only where the person is taller than this many upper views: whole bodies
_PERSON_MARGIN = 0.12
_FADE = 0.12  # of a view's side: its weight fades towards its border, so that no seam shows
_SURE = 0.9
_FEW_PIXELS = 500
_COLOUR_LIMIT = 1.0
"""Colour may multiply the odds skin : cloth by e squared at most: it decides doubts, not certainties."""

_CLOTHES_PRIOR = 0.02
"""Added to clothes where the network sees background inside the cutout: it takes black cloth for background."""


def read_matter(session: OnnxSession, work: Work, torso: Torso | None) -> F32:
    """Return float32 `(6, H, W)` class shares, background left out inside the hull (share 0 there)."""
    total = np.zeros((len(Matter), *work.alpha.shape), np.float32)
    weights = np.full(work.alpha.shape, 1e-6, np.float32)
    for view in plan_views(work, torso):
        shares = _look(session, work.image, view.box)
        window = _window(view.box, work.size) * view.weight
        for matter in Matter:
            total[matter][view.box.slices] += shares[..., matter] * window
        weights[view.box.slices] += window
    total /= weights
    total[Matter.CLOTHES] += _CLOTHES_PRIOR
    total[Matter.BACKGROUND] = 0
    total /= np.maximum(total.sum(axis=0), 1e-6)
    return total


def lean_on_skin_colour(matter: F32, codes: I32, hull: Bool) -> F32:
    """Return shares in which doubtful skin and cloth are decided by this person's own skin colour.

    The models are made of what the network is sure of, here on this photo: a nude-coloured top counts as cloth.
    """
    skin, cloth = matter[Matter.SKIN] + matter[Matter.FACE], matter[Matter.CLOTHES]
    sure_skin, sure_cloth = hull & (skin > _SURE), hull & (cloth > _SURE)
    if sure_skin.sum() < _FEW_PIXELS or sure_cloth.sum() < _FEW_PIXELS:
        return matter
    ours, theirs = (
        colour_histogram(codes, sure_skin.astype(np.float32)),
        colour_histogram(codes, sure_cloth.astype(np.float32)),
    )
    floor = 5e-4
    ratio = np.clip(np.log((ours + floor) / (theirs + floor)), -_COLOUR_LIMIT, _COLOUR_LIMIT)[codes]
    pull = np.exp(ratio).astype(np.float32)
    leaned = matter.copy()
    leaned[Matter.SKIN] *= pull
    leaned[Matter.CLOTHES] /= pull
    leaned /= np.maximum(leaned.sum(axis=0), 1e-6)
    return leaned


def plan_views(work: Work, torso: Torso | None) -> list[View]:
    """Return the looks that are worth their time on this picture."""
    person = Box(0, 0, *work.size)
    margin = int(_PERSON_MARGIN * min(work.size))
    whole = person.grown(margin, work.size)
    views = [View(whole, 1.0)]
    if torso is None:
        return views
    size = torso.size
    if whole.height > _UPPER_VIEW_FROM * size * (_UPPER_VIEW[1] + _UPPER_VIEW[2]):
        views.append(_view_around(torso.neck, size, _UPPER_VIEW, work))
    views.append(_view_around(torso.neck, size, _HEAD_VIEW, work))
    views.append(_view_around(torso.mid_hip, size, _HIP_VIEW, work))
    return [view for view in views if min(view.box.width, view.box.height) >= 0.3 * size]


def _view_around(centre: np.ndarray, size: float, shape: tuple[float, float, float, float], work: Work) -> View:
    across, up, down, weight = shape
    x, y = float(centre[0]), float(centre[1])
    box = Box(int(x - across * size), int(y - up * size), int(x + across * size), int(y + down * size))
    return View(box.grown(0, work.size), weight)


def _look(session: OnnxSession, image: U8, box: Box) -> F32:
    """Return float32 `(h, w, 6)` class shares of a box of the picture."""
    crop = image[box.slices]
    square = cv2.resize(crop, (VIEW_SIZE, VIEW_SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    logits = session.run({session.input_names[0]: square[None]})[0][0]
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = powers / powers.sum(axis=-1, keepdims=True)
    enlarged: F32 = cv2.resize(shares.astype(np.float32), (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    return enlarged


def _window(box: Box, size: tuple[int, int]) -> F32:
    """Return weights that fade towards the box's borders, except where the picture itself ends there."""
    columns = _fade(box.width, box.x0 == 0, box.x1 == size[0])
    rows = _fade(box.height, box.y0 == 0, box.y1 == size[1])
    return rows[:, None] * columns[None]


def _fade(length: int, open_start: bool, open_end: bool) -> F32:
    ramp = (np.arange(length, dtype=np.float32) + 0.5) / max(1.0, _FADE * length)
    start = np.ones_like(ramp) if open_start else np.minimum(ramp, 1.0)
    end = np.ones_like(ramp) if open_end else np.minimum(ramp[::-1], 1.0)
    return start * end
