"""The trimap: what is surely person, surely background, and the band in between.

The band is as wide as the uncertainty: a few pixels along cloth and skin, wide where the mask itself is soft or where
the picture shows strands outside it.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.matting.backdrop import Backdrop, weigh

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
_SOFT = (0.05, 0.95)
"""Mask values that a network gives where it is not sure."""
_BASE_SHARE = 0.0042
"""Least half-width of the band, in shares of the longest side: how far a 320-pixel network's edge is off at times."""
_REACH_SHARE = 0.05
"""Farthest that strands are followed outside the mask."""
_SHADE_MASK = 0.4
"""Mask value above which a shadowed pixel stays open: it may be a fold of white cloth."""
_WIDTHS = (3, 6, 12, 24)
"""Half-widths of soft zones (pixels) that widen the band further."""


def make_trimap(rgb: U8, alpha: F32, backdrop: Backdrop | None, *, band: float = 1.0) -> U8:
    """Return uint8 `(H, W)`: 0, 128 or 255, from a coarse mask at the same size.

    Args:
        rgb: sRGB.
        alpha: coarse mask.
        backdrop: where the background is plain, strands are told from it by colour.
        band: scales the least half-width of the band.
    """
    side = max(alpha.shape)
    base = max(2, round(_BASE_SHARE * side * band))
    soft = _uncertain(alpha)
    unknown = _widen(soft, base)
    trimap = np.where(alpha > 0.5, FOREGROUND, BACKGROUND).astype(np.uint8)
    trimap[unknown] = UNKNOWN
    if backdrop is not None:
        _follow_strands(trimap, rgb, alpha, backdrop, round(_REACH_SHARE * side))
    return trimap


def _uncertain(alpha: F32) -> Bool:
    solid = (alpha > 0.5).astype(np.uint8)
    edge = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    soft: Bool = ((alpha > _SOFT[0]) & (alpha < _SOFT[1])) | edge
    return soft


def _widen(soft: Bool, base: int) -> Bool:
    """Dilate by `base`, and by more where the soft zone itself is broad."""
    depth = cv2.distanceTransform(soft.astype(np.uint8), cv2.DIST_L2, 3)
    unknown: Bool = cv2.distanceTransform((~soft).astype(np.uint8), cv2.DIST_L2, 3) <= base
    for width in _WIDTHS:
        broad = depth >= max(width, base)
        if not broad.any():
            break
        unknown |= cv2.distanceTransform((~broad).astype(np.uint8), cv2.DIST_L2, 3) <= 2.0 * width + base
    return unknown


def _follow_strands(trimap: U8, rgb: U8, alpha: F32, backdrop: Backdrop, reach: int) -> None:
    """On a plain backdrop: add what stands out from it near the person, give back what is the backdrop itself."""
    evidence = weigh(rgb, backdrop)
    stands_out = ~evidence.like & (evidence.unlike | evidence.fine)
    near = cv2.distanceTransform((alpha < 0.5).astype(np.uint8), cv2.DIST_L2, 3) <= reach
    strands = _connected_to(stands_out & near & (trimap != FOREGROUND), trimap == UNKNOWN)
    grown = cv2.dilate(strands.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    trimap[grown & (trimap == BACKGROUND)] = UNKNOWN
    white = cv2.erode((evidence.brighter & (alpha > 0.5)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    trimap[white] = FOREGROUND
    plain = evidence.like & (alpha < 0.5)
    shade = evidence.shade & (alpha < _SHADE_MASK)
    quiet = cv2.erode((plain | shade).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    trimap[quiet & (trimap == UNKNOWN)] = BACKGROUND


def _connected_to(candidates: Bool, seeds: Bool) -> Bool:
    """Keep the connected pieces of `candidates` that touch `seeds`."""
    count, labels = cv2.connectedComponents(candidates.astype(np.uint8), connectivity=8)
    touching = np.zeros(count, dtype=bool)
    around = cv2.dilate(seeds.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touching[labels[around & candidates]] = True
    touching[0] = False
    kept: Bool = touching[labels]
    return kept
