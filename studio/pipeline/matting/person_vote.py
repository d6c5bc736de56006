"""Pale clothes of a person that the cutout network took for the wall: a second network's vote, on plain backdrops."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.stage import OnnxSession

MODEL = "selfie_multiclass"
_SIDE = 256
_CLOTHES = 4
_SURE = 0.8
_MARGIN = 0.1
_LEAST_PIECE = 0.004
_THIN = 0.006
"""Half the width, in shares of the longest side, below which an addition is the second network's coarse outline."""


def add_voted_clothes(rgb: U8, mask: F32, session: OnnxSession) -> F32:
    """Return the mask with the clothes added that lie beside it and that only the second network saw."""
    solid = mask > 0.5
    if not solid.any():
        return mask
    voted = _clothes(rgb, solid, session) > _SURE
    radius = max(2, round(_THIN * max(mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    missing = cv2.morphologyEx((voted & ~solid).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(missing, connectivity=8)
    large = np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= _LEAST_PIECE * mask.size) + 1
    beside = cv2.dilate(solid.astype(np.uint8), kernel) > 0
    wanted = np.intersect1d(large, np.unique(labels[beside]))
    if not wanted.size:
        return mask
    pieces = np.isin(labels, wanted).astype(np.uint8)
    added: Bool = (cv2.dilate(pieces, kernel) > 0) & voted
    return np.where(added, np.float32(1), mask)


def _clothes(rgb: U8, solid: Bool, session: OnnxSession) -> F32:
    """Return the share of clothes, `(H, W)`, looked at in the person's own box."""
    height, width = solid.shape
    x, y, across, down = cv2.boundingRect(solid.astype(np.uint8))
    margin = round(_MARGIN * max(across, down))
    x0, y0, x1, y1 = (
        max(0, x - margin),
        max(0, y - margin),
        min(width, x + across + margin),
        min(height, y + down + margin),
    )
    square = cv2.resize(rgb[y0:y1, x0:x1], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    logits = session.run({session.input_names[0]: square[None]})[0][0]
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share = (powers[..., _CLOTHES] / powers.sum(axis=-1)).astype(np.float32)
    result = np.zeros(solid.shape, np.float32)
    result[y0:y1, x0:x1] = cv2.resize(share, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return result
