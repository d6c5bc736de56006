"""How far a garment's colours in a picture are from those of its product photo."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8, Bool
from studio.domain.artefacts import Garment, GarmentArtefacts
from studio.media.colour_difference import delta_e2000, garment_delta_e, has_one_tone, to_lab, tones_delta_e
from studio.pipeline.tryon.draping.endings import neckline_points

SOLID = 0.9
"""Opacity from which a pixel of the product photo is cloth and nothing else."""
WEAVE_PX = 2.0
"""Pictures are blurred by this before they are compared in place: a stripe one pixel off is no other colour."""


def measure_colours(picture: U8, where: Bool, garment: GarmentArtefacts, size: tuple[int, int]) -> dict[str, float]:
    """Return CIEDE2000 between product photo and picture, tone by tone and, beside it, between the plain medians.

    picture, where: what is compared, and where in it the garment is. size: (width, height) that the product photo is
    reduced into: thin stripes mix in a small picture, and must then do so on both sides. The plain medians are those
    of all cloth in the photo as it is.
    """
    photo, cloth = garment.photo.rgb8, garment.cutout.alpha > SOLID
    outside = cloth & ~inside_of_back(garment.garment, cloth.shape)
    if not outside.any():
        outside = cloth
    scale = min(1.0, size[0] / cloth.shape[1], size[1] / cloth.shape[0])
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    share = cv2.resize(outside.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    product, solid = np.asarray(small, np.uint8), share > SOLID
    plain = garment_delta_e(photo, cloth, picture, where) if has_one_tone(photo, cloth) else float("nan")
    return {"delta_e": tones_delta_e(product, solid, picture, where), "delta_e_median": plain}


def compare_worn(truth: U8, picture: U8, where: Bool) -> float:
    """Return the mean CIEDE2000 between photo and picture, pixel by pixel where the photo shows the garment worn."""
    if not where.any():
        return float("nan")
    one, two = (to_lab(cv2.GaussianBlur(each, (0, 0), WEAVE_PX))[where].astype(np.float64) for each in (truth, picture))
    return float(delta_e2000(one, two).mean())


def inside_of_back(garment: Garment, shape: tuple[int, ...]) -> Bool:
    """Return what lies above the front's upper edge in the product photo: nobody sees it once a neck is there."""
    line = neckline_points(garment)
    plane = np.zeros(shape, np.uint8)
    if len(line) >= 3:
        above = [(line[-1][0], -1.0), (line[0][0], -1.0)]
        cv2.fillPoly(plane, [np.round(np.array([*line, *above])).astype(np.int32)], 1)
    inside: Bool = plane > 0
    return inside
