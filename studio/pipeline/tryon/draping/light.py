"""Light on and around the new garment: contact shadows. The product's own colour stays as photographed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.layers import Layers

HEAD_SHADOW, ARM_SHADOW, CLOTH_SHADOW = 0.30, 0.26, 0.30
"""Darkest a contact shadow gets: of hair and chin, of arms and sleeves, of the garment's own edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Factors in (0, 1] on the working raster: on the torso's cloth, on the sleeves, on skin and trousers below."""

    torso: F32
    sleeves: F32
    below: F32
    arms: F32


def cast_shadows(body: Body, layers: Layers, torso: F32, sleeves: F32) -> Light:
    """Return what hair, arms and the garment itself shade. torso, sleeves: coverage of the new garment."""
    near, wide = 0.02 * body.size, 0.06 * body.size
    head = 1 - HEAD_SHADOW * _contact(layers.head.alpha, near, wide)
    arms = np.maximum(layers.arms.alpha, sleeves)
    cloth = np.maximum(torso, sleeves)
    return Light(
        torso=(head * (1 - ARM_SHADOW * _contact(arms, near, wide))).astype(np.float32),
        sleeves=head.astype(np.float32),
        below=(1 - CLOTH_SHADOW * _contact(cloth, 0.012 * body.size, 0.04 * body.size)).astype(np.float32),
        arms=(1 - CLOTH_SHADOW * _contact(sleeves, 0.012 * body.size, 0.04 * body.size)).astype(np.float32),
    )


def _contact(plane: F32, near: float, wide: float) -> F32:
    """Return a contact shadow: tight at the edge, faint farther away, falling a little downwards."""
    shift = np.array([[1, 0, 0], [0, 1, 0.5 * wide]], np.float32)
    fallen = cv2.warpAffine(plane, shift, (plane.shape[1], plane.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    tight = cv2.GaussianBlur(plane, (0, 0), near)
    far = cv2.GaussianBlur(fallen, (0, 0), wide)
    shadow: F32 = 0.5 * tight + 0.5 * far
    return shadow
