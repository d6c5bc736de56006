"""The working raster: the part of the photo around the garment, reduced so that a torso has a known size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import Photo
from studio.domain.geometry import Box
from studio.pipeline.pose_body import Torso

SHOULDERS_PX = 300.0
"""Shoulder width on the working raster at most: a catalogue picture's own size."""
MARGIN_UP, MARGIN_SIDE, MARGIN_DOWN = 1.5, 1.4, 1.5
"""What belongs to the view around shoulders and hips, in shoulder widths."""


@dataclass(frozen=True, slots=True)
class View:
    """A reduced crop of the photo. work = (photo - origin) * scale, pixel centres at integers; box: in photo pixels."""

    scale: float
    box: Box

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the working raster."""
        return max(8, round(self.box.width * self.scale)), max(8, round(self.box.height * self.scale))

    def to_work(self, points: F64) -> F64:
        """Map photo points `(..., 2)` to the working raster."""
        mapped: F64 = (points - np.array([self.box.x0, self.box.y0]) + 0.5) * self.scale - 0.5
        return mapped

    def to_photo(self, points: F64) -> F64:
        """Map points `(..., 2)` of the working raster to the photo."""
        mapped: F64 = (points + 0.5) / self.scale - 0.5 + np.array([self.box.x0, self.box.y0])
        return mapped

    def reduce(self, plane: F32 | U8, *, nearest: bool = False) -> F32 | U8:
        """Return the view's part of a native plane or picture at working size."""
        crop = plane[self.box.slices]
        if self.scale == 1.0:
            return crop
        mode = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
        reduced: F32 | U8 = cv2.resize(crop, self.size, interpolation=mode)
        return reduced


def choose_view(photo: Photo, torso: Torso, reach: float) -> View:
    """Return the view for a person; `reach`: how far below the neck the garment may hang, in photo pixels."""
    size = torso.size
    points = np.array([torso.right_shoulder, torso.left_shoulder, torso.right_hip, torso.left_hip])
    low, high = points.min(axis=0), points.max(axis=0)
    bottom = max(high[1] + MARGIN_DOWN * size, torso.neck[1] + reach)
    box = Box(
        max(0, int(low[0] - MARGIN_SIDE * size)),
        max(0, int(low[1] - MARGIN_UP * size)),
        min(photo.size[0], int(high[0] + MARGIN_SIDE * size) + 1),
        min(photo.size[1], int(bottom) + 1),
    )
    return View(min(1.0, SHOULDERS_PX / max(size, 1.0)), box)
