"""Rests of the old garment that a parse map calls skin or nothing: a sleeve's inside, the dark edge of a flank.

Beside the old garment, what has its colours and hardly ever those of skin (or backdrop) is its own.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Evidence
from studio.pipeline.tryon.draping.cloths import compare_colours, learn_colours
from studio.pipeline.tryon.draping.removal import distance_to
from studio.pipeline.tryon.draping.skin import OLD_GARMENT

RING = 0.06
"""How far from the old garment a rest of it may lie, in shoulder widths."""
OWN_FROM, RIM = 0.03, 0.015
"""From so far off the old garment on skin and backdrop are seen as they are, and cloth from so far off the skin on."""
LOCAL = 0.5
"""Cloth within this distance, in shoulder widths, says what a rest of it looks like."""
CLEARLY = 2.5
"""A rest has colours e^this times as usual (beyond what both share) in the old garment."""
LEAST_REST = 0.0001
"""Rests that are smaller, in squared shoulder widths, are noise."""
SEEN = 0.1
"""From this alpha on a pixel that no label owns is the person's outline."""
_SKIN = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.NECK)


def claim_rests(evidence: Evidence, size: float) -> U8:
    """Return labels in which such rests are the old garment's. size: the shoulder width in pixels."""
    labels = evidence.labels
    old, skin = np.isin(labels, OLD_GARMENT), np.isin(labels, _SKIN)
    backdrop = (labels == Cihp.BACKGROUND) & (evidence.alpha < SEEN)
    away = distance_to(old)
    ring = (away < RING * size) & (skin | ((labels == Cihp.BACKGROUND) & ~backdrop))
    if not ring.any() or not skin.any():
        return labels
    colours = cv2.cvtColor(evidence.rgb, cv2.COLOR_RGB2LAB)
    near = distance_to(ring) < LOCAL * size
    theirs = learn_colours(colours, old & near & (distance_to(skin) > RIM * size), size)
    own = [learn_colours(colours, part & (away > OWN_FROM * size), size) for part in (skin, backdrop)]
    if theirs is None or own[0] is None:
        return labels
    said = compare_colours(colours, (own[0], theirs))
    if own[1] is not None:
        said = np.where(skin, said, np.minimum(said, compare_colours(colours, (own[1], theirs))))
    settled = labels.copy()
    rests = _pieces(ring & (said > CLEARLY), old, LEAST_REST * size * size)
    settled[rests] = int(np.bincount(labels[old]).argmax())
    return settled


def _pieces(found: Bool, old: Bool, least: float) -> Bool:
    """Return the pieces of what was found that touch the old garment, but for noise."""
    solid = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    wanted = stats[:, cv2.CC_STAT_AREA] >= least
    touched = np.zeros(count, bool)
    touched[np.unique(pieces[cv2.dilate(old.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0])] = True
    wanted &= touched
    wanted[0] = False
    rests: Bool = wanted[pieces]
    return rests
