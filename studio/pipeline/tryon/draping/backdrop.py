"""The backdrop where the old garment hid it, or where what the new one hides stood before it."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, Bool
from studio.pipeline.tryon.draping.body import Evidence
from studio.pipeline.tryon.draping.exemplar import carry_on_structure
from studio.pipeline.tryon.draping.fill import add_grain, fill_evenly

_RIM = 3
"""So many pixels beside person and old garment are not the backdrop's own yet."""


def paint_backdrop(rgb: F32, evidence: Evidence, removed: F32, bared: Bool, size: float) -> F32:
    """Return the photo's backdrop carried on over the whole picture, float32 `(h, w, 3)` in 0..255.

    removed: where the old garment stood, `(h, w)` in [0, 1]. bared: where the backdrop may come to be seen, `(h, w)`.
    size: the shoulder width in pixels.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM + 1, 2 * _RIM + 1))
    seen = ((evidence.alpha < 0.02) & (removed < 0.01)).astype(np.uint8)
    known: F32 = cv2.erode(seen, disc, borderValue=1).astype(np.float32)
    if known.sum() < 0.002 * known.size:
        known = np.maximum(known, np.float32(1e-3))
    plain = add_grain(fill_evenly(rgb, known), rgb, known)
    return carry_on_structure(plain, rgb, known > 0.5, bared, size)
