"""Hands before legs: a parse map rounds them off and parts skin by distance, the photo shows where fingers end."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
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
ENOUGH, DARK = 60, 10.0
"""Fewer pixels tell no colour; values below this tell no hue."""
MOST_ALIKE, CLOTH_FROM = 0.35, 0.6
"""Cloth whose hue lies nearer to skin's cannot be told from it; so far on the way from skin to cloth it is cloth."""
SHOWS = 0.1
"""A gap of which less than this share has the cloth's hue is the hand's own shade, whatever lies behind it."""
IN_SHADE, CREASE, LEAST_GAP = 0.9, 2, 0.0015
"""What is so much darker than the arm (logarithm) is not the hand's, unless it is finer than `CREASE` pixels to both
sides or smaller than `LEAST_GAP` squared shoulder widths."""
_LEGS = (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)


def part_hands(labels: U8, rgb: U8, body: Body, fields: BodyFields) -> U8:
    """Return labels with hands ending where they are seen to end before bare legs and cloth.

    Source: Rother, Kolmogorov, Blake, "GrabCut", SIGGRAPH 2004.
    """
    parted = labels.copy()
    legs, lower = np.isin(labels, _LEGS), np.isin(labels, LOWER_BODY)
    for number, arm in enumerate((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)):
        own = labels == arm
        hand = own & (fields.along[number] >= WRIST)
        if not hand.any() or not (own & ~hand).any():
            continue
        away = cv2.distanceTransform((~hand).astype(np.uint8), cv2.DIST_L2, 5)
        near = away < NEAR * body.size
        gap = _find_gap(rgb, (own, hand), lower & near, body.size)
        gap = _name_gaps(parted, gap, ((legs | lower) & ~own, own), lower & near)
        beside = legs & near
        if beside.sum() < TOUCH * body.size**2:
            continue
        leg = _commonest(labels[beside])
        found = _cut(labels, rgb, (own & ~gap, hand & ~gap, beside), round(2 * NEAR * body.size))
        if not (found & hand).any():  # nothing of the arm that is seen reaches it: below a long sleeve, say
            continue
        parted[hand & ~gap & ~found] = leg
        parted[beside & found] = arm
    return parted


def _name_gaps(labels: U8, gap: Bool, beside: tuple[Bool, Bool], lower: Bool) -> Bool:
    """Give each gap to the leg or cloth that it goes on as, one that the hand encloses to the lower garment; return
    them. What goes on as anything else, a top in the arm's shade, is none. beside: legs and cloth, and the arm.
    """
    behind, own = beside
    kept = np.zeros(gap.shape, bool)
    count, pieces = cv2.connectedComponents(gap.astype(np.uint8))
    for number in range(1, count):
        piece = pieces == number
        ring = (cv2.dilate(piece.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0) & ~piece
        if not (ring & ~own & ~behind).any():
            labels[piece] = _commonest(labels[ring & behind if (ring & behind).any() else lower])
            kept |= piece
    return kept


def _commonest(labels: U8) -> np.uint8:
    return np.uint8(np.bincount(labels).argmax())


def _find_gap(rgb: U8, arm: tuple[Bool, Bool], lower: Bool, size: float) -> Bool:
    """Return what lies behind a hand and is seen between thumb and fingers: in their shade, or of the cloth's hue.

    arm: the whole arm and its hand.
    """
    own, hand = arm
    found = np.zeros(hand.shape, bool)
    inner = cv2.erode((own & ~hand).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if inner.sum() < ENOUGH or lower.sum() < ENOUGH:
        return found
    light, dark = np.log(np.median(rgb[inner].mean(axis=1))), np.log(rgb[hand].mean(axis=1) + 1.0)
    skin, cloth = (np.median(_hue(rgb[mask]), axis=0) for mask in (inner, lower))
    apart = max(float(np.hypot(*(cloth - skin))), 1e-6)
    unlike = (_hue(rgb[hand]) - skin) @ (cloth - skin) / apart**2 * (apart > MOST_ALIKE)
    unlike = np.where(dark < light, unlike, 0.0)  # a painted nail is no cloth
    found[hand] = (dark < light - IN_SHADE) | (unlike > CLOTH_FROM)
    odd, cloths = np.zeros(hand.shape, bool), np.zeros(hand.shape, bool)
    cloths[hand] = unlike > 2 / 3 * CLOTH_FROM
    odd[hand] = (dark < light - IN_SHADE / 2) | (unlike > CLOTH_FROM / 2)
    # A crease is finer than a gap, and a gap larger than a nail; threads that hang across it are no part of the hand.
    small, wide = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1)) for r in (CREASE, 3 * CREASE))
    solid = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, small)
    solid |= cv2.morphologyEx(solid, cv2.MORPH_CLOSE, wide) & odd
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, small) & hand
    count, pieces = cv2.connectedComponents(solid, connectivity=4)
    area, own_hue = (np.bincount(pieces[mask], minlength=count) for mask in (solid > 0, cloths))
    shows = (area > LEAST_GAP * size**2) & (own_hue > SHOWS * area)
    shows[0] = False
    gaps: Bool = shows[pieces]
    return gaps


def _hue(pixels: U8) -> F32:
    """Return colour without its lightness, steady in the dark: `(n, 2)` logarithms of ratios."""
    log = np.log(pixels.astype(np.float32) + DARK)
    hue: F32 = np.stack([log[:, 0] - log[:, 1], log[:, 2] - log[:, 1]], -1)
    return hue


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
