"""What later stages read off a pose: sizes, and a guess at hips that the picture does not show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.domain.arrays import F64
from studio.domain.artefacts import COCO18, Pose

TORSO_PER_SHOULDERS = 1.46
"""Neck to mid-hip over shoulder width, the median of VITON-HD's catalogue pictures (spread 1.2 to 1.7)."""

HIPS_PER_SHOULDERS = 0.62
"""Distance of the hip joints over shoulder width, measured on the same pictures."""


@dataclass(frozen=True, slots=True)
class Torso:
    """The trunk in photo pixels, complete: hips the picture does not show are guessed, then outside it as well.

    Points are float64 `(x, y)`; "right" is the person's right. guessed_hips: at least one hip was not seen.
    """

    neck: F64
    right_shoulder: F64
    left_shoulder: F64
    right_hip: F64
    left_hip: F64
    guessed_hips: bool

    @property
    def mid_hip(self) -> F64:
        middle: F64 = (self.right_hip + self.left_hip) / 2
        return middle

    @property
    def shoulder_width(self) -> float:
        return float(np.hypot(*(self.left_shoulder - self.right_shoulder)))

    @property
    def length(self) -> float:
        """From the neck to the middle of the hips."""
        return float(np.hypot(*(self.mid_hip - self.neck)))

    @property
    def size(self) -> float:
        """A shoulder width that a turn of the body does not narrow."""
        return max(self.shoulder_width, self.length / TORSO_PER_SHOULDERS)

    @property
    def down(self) -> F64:
        """The unit vector from neck to hips."""
        down: F64 = (self.mid_hip - self.neck) / max(self.length, 1e-6)
        return down


def read_torso(pose: Pose) -> Torso | None:
    """Return the trunk, or None where a shoulder is not seen."""
    return read_torso_rows(pose.keypoints.astype(np.float64))


def read_torso_rows(keypoints: F64) -> Torso | None:
    """Return the trunk of COCO-18 rows in any coordinates, or None where a shoulder is not seen."""
    right, left = _point(keypoints, "right_shoulder"), _point(keypoints, "left_shoulder")
    if right is None or left is None:
        return None
    right_hip, left_hip = _point(keypoints, "right_hip"), _point(keypoints, "left_hip")
    guessed = right_hip is None or left_hip is None
    if right_hip is None or left_hip is None:
        right_hip, left_hip = _complete_hips(right, left, right_hip, left_hip)
    return Torso((right + left) / 2, right, left, right_hip, left_hip, guessed)


def _point(keypoints: F64, name: str) -> F64 | None:
    row = keypoints[COCO18.index(name)]
    return row[:2] if row[2] > 0 else None


def _complete_hips(right: F64, left: F64, right_hip: F64 | None, left_hip: F64 | None) -> tuple[F64, F64]:
    """Hang the missing hips below the shoulders: mirrored from the seen one, else by the catalogue's proportions."""
    across = left - right
    width = max(float(np.hypot(*across)), 1e-6)
    step = across / width * width * HIPS_PER_SHOULDERS
    if right_hip is not None:
        return right_hip, right_hip + step
    if left_hip is not None:
        return left_hip - step, left_hip
    # Straight down in the picture: a slanted shoulder line says little about where the hips are.
    middle = (right + left) / 2 + np.array([0.0, width * TORSO_PER_SHOULDERS])
    return middle - step / 2, middle + step / 2
