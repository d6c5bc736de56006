"""The part of a photo that a pose network looks at: around the cutout, no larger than it can use."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import Cutout, Photo
from studio.domain.errors import PipelineError
from studio.domain.geometry import Box

MARGIN = 0.12
"""Room around the person, in shares of the cutout's longer side: detectors want some background."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkCrop:
    """A reduced crop.

    image: uint8 `(h, w, 3)`. alpha: float32 `(h, w)`, the cutout in the crop. box: where it lies in the photo.
    """

    image: U8
    alpha: F32
    box: Box

    @property
    def scale(self) -> F64:
        """Photo pixels per crop pixel, `(x, y)`."""
        height, width = self.alpha.shape
        return np.array([self.box.width / width, self.box.height / height])

    def to_photo(self, points: F64) -> F64:
        """Map `(..., 2)` crop points to photo pixels; pixel centres are integers in both."""
        return (points + 0.5) * self.scale - 0.5 + np.array([self.box.x0, self.box.y0], np.float64)


def person_box(photo: Photo, cutout: Cutout, margin: float = MARGIN) -> Box:
    """Return the cutout's box with room around it.

    Raises:
        PipelineError: `framing.no_person`, the cutout is empty.
    """
    if not (cutout.alpha >= 0.5).any():
        raise PipelineError("framing.no_person", file=photo.name)
    box = cutout.box
    return box.grown(round(margin * max(box.width, box.height)), photo.size)


def crop_person(photo: Photo, cutout: Cutout, longest: int) -> WorkCrop:
    """Return the person's crop with a longest side of at most `longest`; small photos are not enlarged."""
    box = person_box(photo, cutout)
    image = np.ascontiguousarray(photo.rgb8[box.slices])
    alpha = np.ascontiguousarray(cutout.alpha[box.slices])
    shrink = min(1.0, longest / max(box.width, box.height))
    if shrink < 1.0:
        size = (max(1, round(box.width * shrink)), max(1, round(box.height * shrink)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return WorkCrop(image, alpha, box)


def choose_person(keypoints: F64, alpha: F32) -> int:
    """Return which person the cutout holds.

    Args:
        keypoints: float64 `(P, K, 3)` with P >= 1: x, y, confidence in crop pixels; confidence 0 is "not seen".
        alpha: float32 `(h, w)`.
    """
    height, width = alpha.shape
    columns = np.clip(np.rint(keypoints[..., 0]), 0, width - 1).astype(np.intp)
    rows = np.clip(np.rint(keypoints[..., 1]), 0, height - 1).astype(np.intp)
    return int((alpha[rows, columns] * keypoints[..., 2]).sum(axis=1).argmax())


def seen_in_photo(points: F64, confidence: F64, size: tuple[int, int]) -> F32:
    """Return keypoint rows `(K, 3)` float32 in photo pixels; unseen ones and those outside the photo are all 0.

    Args:
        points: float64 `(K, 2)` in photo pixels.
        confidence: float64 `(K,)`, 0 where unseen.
        size: `(width, height)` of the photo.
    """
    inside = ((points >= 0) & (points <= np.array(size) - 1)).all(axis=1) & (confidence > 0)
    rows = np.column_stack([points, confidence]) * inside[:, None]
    return rows.astype(np.float32)
