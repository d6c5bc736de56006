"""How far a garment's colours in a picture are from those of its product photo."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8, Bool
from studio.domain.artefacts import Garment, GarmentArtefacts
from studio.media.colour_difference import garment_delta_e, tones_delta_e
from studio.pipeline.tryon.draping.endings import neckline_points

SOLID = 0.9
"""Opacity from which a pixel of the product photo is cloth and nothing else."""


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
    return {
        "delta_e": tones_delta_e(np.asarray(small, np.uint8), share > SOLID, picture, where),
        "delta_e_median": garment_delta_e(photo, cloth, picture, where),
    }


def inside_of_back(garment: Garment, shape: tuple[int, ...]) -> Bool:
    """Return what lies above the front's upper edge in the product photo: nobody sees it once a neck is there."""
    line = neckline_points(garment)
    plane = np.zeros(shape, np.uint8)
    if len(line) >= 3:
        above = [(line[-1][0], -1.0), (line[0][0], -1.0)]
        cv2.fillPoly(plane, [np.round(np.array([*line, *above])).astype(np.int32)], 1)
    inside: Bool = plane > 0
    return inside
