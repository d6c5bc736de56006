"""Tell a garment that lies on a floor, a bed or a lawn from one that was photographed before a studio's backdrop.

Who has a backdrop has also smoothed the cloth and taken the hanger out. Before a floor creases, shadows, labels and
hangers are in the picture too, and are worn as they lie there: nothing in the garment's outline tells of them.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8

SIDE = 256
"""Longest side at which the backdrop is looked at: its light, and what grain it has beyond compression."""
_ROOM = 4
"""Pixels beside the garment that are its own soft edge or shadow."""
_WIDE = 4.0
"""Blur that takes the backdrop's light for itself."""
UNEVEN, GRAINY = 5.0, 0.85
"""CIELAB: how far a tenth of a restless backdrop is from its own middle, and how far its pixels are from those around.
A studio's is lit unevenly or has some grain of compression beside the garment, never both (30 product photos: at most
8.5 with 0.6, or 0 with 0.7; 26 of amateurs at least 6.4 with 0.7, all but two above these)."""
_LEAST = 0.02
"""Share of the picture that the backdrop must be, to be judged."""


def is_restless(rgb: U8, alpha: F32) -> bool:
    """Return whether what lies around a garment is no studio's backdrop.

    rgb: uint8 `(H, W, 3)`. alpha: the garment's, `(H, W)`.
    """
    scale = SIDE / max(alpha.shape)
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    cloth = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.02
    around = cv2.dilate(cloth.astype(np.uint8), np.ones((2 * _ROOM + 1,) * 2, np.uint8)) == 0
    if around.mean() < _LEAST:
        return False
    colours = lab[around]
    uneven = np.linalg.norm(colours - np.median(colours, axis=0), axis=1)
    grain = np.linalg.norm(lab - cv2.GaussianBlur(lab, (0, 0), _WIDE), axis=2)[around]
    return bool(np.percentile(uneven, 90) > UNEVEN and grain.mean() > GRAINY)
