"""Light on the new garment: contact shadows of hair, head and arms. The product's own colour stays."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.layers import Layers

HEAD_SHADOW, ARM_SHADOW = 0.30, 0.28


def cast_shadows(body: Body, layers: Layers, sleeves: F32) -> tuple[F32, F32]:
    """Return light factors on the torso and on the sleeves, in (0, 1], float32 on the working raster."""
    near, wide = 0.02 * body.size, 0.06 * body.size
    head = _soft_shadow(layers.head.alpha, near, wide)
    arms = np.maximum(layers.arms.alpha, sleeves)
    torso = (1 - HEAD_SHADOW * head) * (1 - ARM_SHADOW * _soft_shadow(arms, near, wide))
    return torso.astype(np.float32), (1 - HEAD_SHADOW * head).astype(np.float32)


def _soft_shadow(plane: F32, near: float, wide: float) -> F32:
    """Return a contact shadow: tight at the edge, faint farther away, falling a little downwards."""
    shift = np.array([[1, 0, 0], [0, 1, 0.5 * wide]], np.float32)
    fallen = cv2.warpAffine(plane, shift, (plane.shape[1], plane.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    tight = cv2.GaussianBlur(plane, (0, 0), near)
    far = cv2.GaussianBlur(fallen, (0, 0), wide)
    shadow: F32 = 0.5 * tight + 0.5 * far
    return shadow
