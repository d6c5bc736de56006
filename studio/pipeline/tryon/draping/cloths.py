"""Which cloth is whose where a top meets a lower garment: the parse map's border is moved to where the colours change.

A parse map draws that border some way beside the truth: the end of a waistband or a denim pocket becomes the top's, a
print or a placket above the waistband becomes the trousers', and the look then shows a bit of the old top, or paints
what was there to be seen. Near the border the colours say whose a pixel is, as far as only one of the two has them.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.removal import distance_to

TOPS = (Cihp.UPPER, Cihp.COAT)
REACH = 0.22
"""How far from the parse map's border, in shoulder widths, a pixel may be the other garment's."""
RIM, AROUND = 0.03, 0.9
"""From and to how far off the border cloth says what its garment looks like, in shoulder widths."""
LEAST_CLOTH = 0.02
"""Of a garment of which less is seen (in squared shoulder widths) nothing is known."""
PRIOR, MOST_PRIOR = 0.08, 1.5
"""The distance from the border, in shoulder widths, that counts against a colour e times as usual with the other, and
the most that distance counts (log)."""
SHARED, CERTAIN = 0.7, 5.0
"""Colours that one garment has up to e^this times as often say nothing; the most that one pixel's colour says."""
UNKNOWN = 3e-5
"""The share of a garment's cloth below which a colour is none of it."""
BINS, BLUR = 32, 2.0
"""Colour space is told apart in so many steps per channel, and what is seen is spread over so many of them."""
GUIDE, EDGE = 0.015, 0.08
"""Over what distance neighbours decide together, in shoulder widths; what change of colour, on the way from one
garment's to the other's, parts them."""
PRINT = 0.1
"""What is narrower than this, in shoulder widths, with the top on both sides is the top's: its print, its placket."""
BESIDE_ARM, FOREARM = 1.5, 0.8
"""So many half-widths about an arm, and from this place on it (1 elbow), cloth may be a sleeve's."""
SMOOTH = 0.006
"""How far the border found is smoothed, in shoulder widths."""
LEAST_PIECE, THINNEST = 0.0012, 0.009
"""Pieces that are smaller (squared shoulder widths), or thinner than twice this, stay whose they were: so much beside
the old top is painted anew whatever the labels say."""


def part_cloths(evidence: Evidence, fields: BodyFields, size: float) -> U8:
    """Return labels in which tops and lower garments end where their colours do.

    size: the shoulder width in pixels. Where both have the same colours the labels stay as they are.
    """
    labels = evidence.labels
    top, lower = np.isin(labels, TOPS), np.isin(labels, LOWER_BODY)
    to_top, to_lower = distance_to(top), distance_to(lower)
    asked = (top & (to_lower < REACH * size)) | (lower & (to_top < REACH * size))
    if not asked.any():
        return labels
    rows, columns = np.flatnonzero(asked.any(axis=1)), np.flatnonzero(asked.any(axis=0))
    rim = round(AROUND * size)
    cut = np.s_[max(0, rows[0] - rim) : rows[-1] + rim, max(0, columns[0] - rim) : columns[-1] + rim]
    score = _score((evidence.rgb[cut], top[cut], lower[cut]), (to_top[cut], to_lower[cut]), size)
    if score is None:
        return labels
    joins = _joining(asked[cut] & top[cut] & (score > 0), lower[cut], size)
    leaves = _joining(asked[cut] & lower[cut] & (score < 0), top[cut], size)
    trunk = ((top[cut] & ~joins) | leaves) & ~_beside_arms(fields)[cut]
    within = asked[cut] & _between(trunk, PRINT * size)
    settled = labels.copy()
    settled[cut][joins & ~within] = _usual(labels[lower])
    settled[cut][leaves | (lower[cut] & within)] = _usual(labels[top])
    return settled


def _score(seen: tuple[U8, Bool, Bool], away: tuple[F32, F32], size: float) -> F32 | None:
    """Return how far each pixel is the lower garment's (above 0) or the top's (below); None where nothing says it.

    seen: RGB, top, lower garment. away: distances from these two.
    """
    rgb, top, lower = seen
    colours = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    sure = [own & (off > RIM * size) & (off < AROUND * size) for own, off in ((top, away[1]), (lower, away[0]))]
    ours, theirs = (learn_colours(colours, seen, size) for seen in sure)
    if ours is None or theirs is None:
        return None
    labelled = np.where(lower, away[0], -away[1]) / np.float32(PRIOR * size)
    said = np.clip(labelled, -MOST_PRIOR, MOST_PRIOR) + compare_colours(colours, (ours, theirs))
    means = (_mean(rgb, sure[0]), _mean(rgb, sure[1]))
    return _decide_together(said.astype(np.float32), rgb, means, top | lower, size)


def _mean(rgb: U8, seen: Bool) -> F32:
    mean: F32 = rgb[seen].mean(axis=0).astype(np.float32)
    return mean


def learn_colours(colours: U8, seen: Bool, size: float) -> F32 | None:
    """Return the share of each cell of colour space in what is seen; None where that is too little.

    colours: CIELAB, as bytes. size: the shoulder width in pixels.
    """
    if seen.sum() < LEAST_CLOTH * size * size:
        return None
    cells = (colours[seen] // (256 // BINS)).astype(np.intp)
    table = np.zeros((BINS,) * 3, np.float32)
    np.add.at(table, (cells[:, 0], cells[:, 1], cells[:, 2]), 1.0)
    for axis in range(3):
        flat = np.moveaxis(table, axis, 0).reshape(BINS, -1)
        blurred = cv2.GaussianBlur(flat, (1, 11), BLUR, borderType=cv2.BORDER_REPLICATE)
        table = np.moveaxis(blurred.reshape((BINS,) * 3), 0, axis)
    shares: F32 = table / np.float32(len(cells))
    return shares


def compare_colours(colours: U8, sides: tuple[F32, F32]) -> F32:
    """Return how clearly each pixel's colour is the second side's (above 0) or the first's (below).

    colours: CIELAB, as bytes. sides: see `learn_colours`.
    """
    cells = colours // (256 // BINS)
    at = (cells[..., 0], cells[..., 1], cells[..., 2])
    first, second = (np.log(side[at] + UNKNOWN) for side in sides)
    ratio = second - first
    said: F32 = np.clip(np.sign(ratio) * np.maximum(np.abs(ratio) - SHARED, 0), -CERTAIN, CERTAIN).astype(np.float32)
    return said


def _decide_together(score: F32, rgb: U8, means: tuple[F32, F32], cloth: Bool, size: float) -> F32:
    """Return the score of each pixel's neighbourhood, which ends where the picture changes from one cloth to the other.

    Source: He, Sun, Tang, "Guided Image Filtering", TPAMI 2013.
    """
    way = means[1] - means[0]
    placed = (rgb.astype(np.float32) - means[0]) @ (way / max(float(way @ way), 1.0))
    guide: F32 = np.clip(placed, -1, 2).astype(np.float32)
    weight = cloth.astype(np.float32)
    side = (2 * max(1, round(GUIDE * size)) + 1,) * 2
    total = np.maximum(cv2.boxFilter(weight, -1, side), 1e-3)

    def mean(plane: F32) -> F32:
        averaged: F32 = (cv2.boxFilter(plane * weight, -1, side) / total).astype(np.float32)
        return averaged

    middle, value = mean(guide), mean(score)
    spread = mean(guide * guide) - middle * middle + np.float32(EDGE**2)
    slope: F32 = ((mean(guide * score) - middle * value) / spread).astype(np.float32)
    offset = value - slope * middle
    together: F32 = cv2.GaussianBlur(mean(slope) * guide + mean(offset), (0, 0), SMOOTH * size)
    return together


def _joining(changes: Bool, other: Bool, size: float) -> Bool:
    """Return the pieces of what changes sides that reach the other side, but for crumbs."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(THINNEST * size)) + 1,) * 2)
    solid = cv2.morphologyEx(changes.astype(np.uint8), cv2.MORPH_OPEN, disc)
    changes = changes & (cv2.dilate(solid, disc) > 0)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(changes.astype(np.uint8), connectivity=4)
    touched = np.zeros(count, bool)
    touched[np.unique(pieces[cv2.dilate(other.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0])] = True
    touched &= stats[:, cv2.CC_STAT_AREA] > LEAST_PIECE * size * size
    touched[0] = False
    joining: Bool = touched[pieces]
    return joining


def _between(top: Bool, width: float) -> Bool:
    """Return what lies in a row between pieces of the top: its print, its placket."""
    line = np.ones((1, max(3, round(width))), np.uint8)
    closed = cv2.morphologyEx(top.astype(np.uint8), cv2.MORPH_CLOSE, line) > 0
    between: Bool = closed & ~top
    return between


def _beside_arms(fields: BodyFields) -> Bool:
    """Return where a sleeve may hang: between it and the trunk trousers are narrow by nature."""
    found = np.zeros(fields.shape, bool)
    for along, across in zip(fields.along, fields.across, strict=True):
        found |= (np.abs(across) < BESIDE_ARM) & (along > FOREARM)
    return found


def _usual(labels: U8) -> int:
    return int(np.bincount(labels).argmax())
