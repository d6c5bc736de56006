"""What goes with the old garment though no label says so: its soft outline, and what it leaves cut off."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, Bool

HALO = 0.014
"""How far beyond its matte a person still shines (sharpening, compression), in shoulder widths."""
REACH = 0.1
"""The widest soft outline of cloth or skin, in shoulder widths: what is softer is no outline."""
FAINTEST_MATTE = 0.01


def distance_to(mask: Bool) -> F32:
    """Return each pixel's distance to a mask; far cheaper than growing it by a wide radius."""
    if not mask.any():
        return np.full(mask.shape, np.float32(max(mask.shape) * 2))
    distance: F32 = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return distance


def own_outline(goes: Bool, stays: Bool, alpha: F32, size: float) -> Bool:
    """Return the soft pixels around what goes: no label owns them, and nothing that stays is nearer.

    goes, stays: the person's solid parts. alpha: the person's; as far as it reaches, and the halo beyond it, reaches
    the old outline.
    """
    solid = goes | stays
    near = distance_to(solid | (alpha > FAINTEST_MATTE)) <= max(2.0, HALO * size)
    to_goes = distance_to(goes)
    outline: Bool = ~solid & near & (to_goes <= distance_to(stays)) & (to_goes < REACH * size)
    return outline


def cut_off(kept: Bool, goes: Bool, least: float) -> Bool:
    """Return the pieces of what is kept that only what goes held on to the rest, and that are smaller than `least`.

    What stood alone before is left alone: a finger beside a hip, an earring.
    """
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8), connectivity=8)
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < least)
    touched = np.zeros(count, bool)
    touched[np.unique(pieces[cv2.dilate(goes.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0])] = True
    small = small[(small > 0) & touched[small]]
    found: Bool = np.isin(pieces, small)
    return found


def find_stranded(lower: Bool, goes: Bool, least: float) -> Bool:
    """Return the pieces of the lower garment, smaller than `least`, that what goes held on to the rest.

    Beyond a sleeve they were trousers; with the sleeve elsewhere they are scraps in the air. The largest piece stays,
    however little of it is seen.
    """
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(lower.astype(np.uint8), connectivity=8)
    if count < 3 or not goes.any():
        return np.zeros_like(lower)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return cut_off(lower & (pieces != largest), goes, least)
