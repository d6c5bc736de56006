"""What a dressed lower half is made of: measured on the layers themselves, for the confidence."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Evidence
from studio.pipeline.tryon.draping.leg_shape import LEG_AT
from studio.pipeline.tryon.draping.legs import ANKLE, LegFields, Legs, standard_half

LEAST_PATCH = 0.004
"""Painted skin smaller than this, in squared shoulder widths, is a rim."""
LEAST_SEEN = 12
"""So many places of a leg's outline must be seen for it to lead the painted part."""


@dataclass(frozen=True, slots=True)
class PaintedLegs:
    """Bare leg below the hems that the photo does not show.

    area: in squared shoulder widths. share: of all bare leg below the hems. led: every leg that is painted continues
    skin that is seen of it. misfit: how far its width at the hem is from what the seen leg leads to, logarithmic.
    """

    area: float = 0.0
    share: float = 0.0
    led: bool = True
    misfit: float = 0.0


def measure_painted(
    removed: F32, evidence: Evidence, where: tuple[Legs, LegFields], hems: tuple[float, float]
) -> PaintedLegs:
    """Measure what must be painted of both legs, below the hems down to the ankles."""
    legs, fields = where
    size = legs.body.size
    area, bare, misfit, led = 0.0, 0.0, 0.0, True
    for number, hem in enumerate(hems):
        along, across = fields.along[number], fields.across[number]
        below = (along > hem + 0.05) & (along < ANKLE) & (np.abs(across) < 0.9) & (evidence.alpha > 0.5)
        own = float((below & (removed > 0.5)).sum()) / size**2
        bare += float(below.sum()) / size**2
        if own < LEAST_PATCH:
            continue
        area += own
        shape = legs.legs[number].shape
        if shape is None or shape.seen.sum() < LEAST_SEEN:
            led = False
            continue
        first = float(LEG_AT[np.argmax(shape.seen)])
        if first <= hem:
            continue
        places = np.array([hem, first])
        width = legs.half(places, number) / standard_half(places)
        misfit = max(misfit, abs(float(np.log(width[0] / width[1]))))
    return PaintedLegs(area, area / max(bare, 1e-6), led, misfit)


def measure_touch(removed: F32, labels: U8, size: float) -> float:
    """Return how long hands and bare legs that go lie against each other, in shoulder widths: skin on skin, a parse map
    parts them where it likes.
    """
    arms = np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM)).astype(np.uint8)
    beside = cv2.dilate(arms, np.ones((3, 3), np.uint8)) > 0
    legs = np.isin(labels, (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)) & (removed > 0.5)
    return float((beside & legs).sum()) / size
