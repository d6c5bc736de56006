"""Pale clothes of a person that the cutout network took for the wall: a second network's vote, on plain backdrops."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.matting.backdrop import Backdrop, weigh
from studio.pipeline.stage import OnnxSession

MODEL = "selfie_multiclass"
_SIDE = 256
_CLOTHES = 4
_SURE = 0.8
_MARGIN = 0.1
_LIKELY = 0.5
_TRUSTED = 0.7
"""Mask value above which the first network's doubt is about cloth, even where that looks as the backdrop."""
_LEAST_PIECE = 0.004
_SPREAD = 4
"""Reach, in half widths of the thinnest piece, from what is surely clothes to what is likely."""
_ENCLOSED = 0.4
_THIN = 0.006
"""Half the width, in shares of the longest side, below which an addition is the second network's coarse outline."""


def add_voted_clothes(rgb: U8, mask: F32, session: OnnxSession, backdrop: Backdrop | None = None) -> F32:
    """Return the mask with the clothes added that only the second network saw, and doubt about clothes settled.

    Args:
        rgb: sRGB `(H, W, 3)`.
        mask: coarse mask of the same size.
        session: the second network.
        backdrop: tells a shadow on the floor from white trousers.
    """
    solid = mask > 0.5
    if not solid.any():
        return mask
    share = _clothes(rgb, solid, session)
    radius = max(2, round(_THIN * max(mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    evidence = None if backdrop is None else weigh(rgb, backdrop)
    pieces = _missing_pieces(share > _SURE, solid, kernel, np.zeros_like(solid) if evidence is None else evidence.shade)
    added = (cv2.dilate(pieces.astype(np.uint8), kernel, iterations=_SPREAD) > 0) & (share > _LIKELY)
    whole = solid | added
    # Deep inside, what both networks take for clothes is no edge: only there alpha would find holes in white cloth.
    inside = cv2.distanceTransform(whole.astype(np.uint8), cv2.DIST_L2, 5) > radius
    settled = added | (inside & (share > _LIKELY) & ((mask > _TRUSTED) | (evidence is None or ~evidence.like)))
    return np.where(settled, np.float32(1), mask)


def _missing_pieces(voted: Bool, solid: Bool, kernel: U8, shade: Bool) -> Bool:
    """Return the large pieces of clothes that lie beside the mask."""
    missing = cv2.morphologyEx((voted & ~solid).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(missing, connectivity=8)
    large = np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= _LEAST_PIECE * solid.size) + 1
    beside = cv2.dilate(solid.astype(np.uint8), kernel) > 0
    result = np.zeros_like(solid)
    for label in np.intersect1d(large, np.unique(labels[beside])):
        piece = labels == label
        if not _is_floor(piece, solid, shade):
            result |= piece
    return result


def _is_floor(piece: Bool, solid: Bool, shade: Bool) -> bool:
    """A shadow beside the person: mostly darker backdrop, and hardly anything of the person around it."""
    outline = (cv2.dilate(piece.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~piece
    enclosed = float(solid[outline].mean()) if outline.any() else 1.0
    return float(shade[piece].mean()) > 0.5 and enclosed < _ENCLOSED


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
