"""Tell a garment that somebody wears from one that lies or hangs alone: a face, or the end of one, gives it away."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8
from studio.pipeline.stage import OnnxSession

MODEL = "selfie_multiclass"
_SIDE = 256
_FACE = 3  # the network's class for the skin of the face
LEAST_FACE_SHARE = 0.005
"""Of everything that is not background. Garments alone stay below 0.002, persons above 0.007 even cut off at the chin
(54 garments and 18 persons measured)."""


def is_worn(rgb: U8, session: OnnxSession) -> bool:
    """Return whether the photo shows a person who wears the garment.

    rgb: uint8 `(H, W, 3)`. session: the selfie network, which sees the photo stretched to a square.
    """
    square = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    labels = session.run({session.input_names[0]: square[None]})[0][0].argmax(axis=-1)
    subject = int((labels > 0).sum())
    return subject > 0 and float((labels == _FACE).sum()) / subject > LEAST_FACE_SHARE
