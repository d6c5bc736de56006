"""Hands before bare legs: a parse map parts skin from skin by distance alone, the photo shows where fingers end."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body
from studio.pipeline.tryon.draping.fields import BodyFields

WRIST = 1.95
"""From this place on an arm (2 is the wrist) what is called its skin may be the leg's."""
NEAR = 0.1
"""How far beside a hand the leg may hold some of it, in shoulder widths."""
TOUCH = 0.02
"""Less skin of a leg than this beside a hand, in squared shoulder widths, is no leg behind it."""
ROUNDS, FINEST = 3, 1
"""Rounds of the cut; what is finer than this, in pixels to both sides, is a rim, no finger."""
_LEGS = (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)


def part_hands(labels: U8, rgb: U8, body: Body, fields: BodyFields) -> U8:
    """Return labels with hands ending where they are seen to end before bare legs.

    Source: Rother, Kolmogorov, Blake, "GrabCut", SIGGRAPH 2004.
    """
    parted = labels.copy()
    legs = np.isin(labels, _LEGS)
    for number, arm in enumerate((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)):
        own = labels == arm
        hand = own & (fields.along[number] >= WRIST)
        if not hand.any() or not (own & ~hand).any():
            continue
        away = cv2.distanceTransform((~hand).astype(np.uint8), cv2.DIST_L2, 5)
        beside = legs & (away < NEAR * body.size)
        if beside.sum() < TOUCH * body.size**2:
            continue
        leg = np.uint8(np.bincount(labels[beside]).argmax())
        found = _cut(labels, rgb, (own, hand, beside), round(2 * NEAR * body.size))
        if not (found & hand).any():  # nothing of the arm that is seen reaches it: below a long sleeve, say
            continue
        parted[hand & ~found] = leg
        parted[beside & found] = arm
    return parted


def _cut(labels: U8, rgb: U8, where: tuple[Bool, Bool, Bool], margin: int) -> Bool:
    """Return the hand. where: the whole arm, what is called its hand, and the leg's skin beside that."""
    own, hand, beside = where
    doubt = hand | beside
    rows, columns = np.flatnonzero(doubt.any(axis=1)), np.flatnonzero(doubt.any(axis=0))
    window = np.s_[max(0, rows[0] - margin) : rows[-1] + margin, max(0, columns[0] - margin) : columns[-1] + margin]
    picture, doubt = rgb[window].copy(), doubt[window]
    others = ~(own[window] | np.isin(labels[window], (*_LEGS, *LOWER_BODY)))
    picture[others] = np.median(rgb[beside], axis=0).astype(np.uint8)  # the backdrop says nothing
    marks = np.where(own[window], cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
    marks[doubt] = np.where(hand[window][doubt], cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(5)
    cv2.grabCut(np.ascontiguousarray(picture), marks, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    skin = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)) & (own | beside)[window]
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * FINEST + 1, 2 * FINEST + 1))
    solid = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_OPEN, disc)
    _, pieces = cv2.connectedComponents(solid, connectivity=4)
    kept = np.unique(pieces[(own & ~hand)[window] & (solid > 0)])
    found = np.zeros(labels.shape, bool)
    found[window] = np.isin(pieces, kept[kept > 0])
    return found
