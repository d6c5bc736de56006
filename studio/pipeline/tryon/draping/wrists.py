"""Where a sleeve, or an agnostic image's mask, ends across a hand: the forearm under it leads there."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F64, U8
from studio.domain.labels import Cihp

LEAST_HAND = 0.2
"""A hand shows at least so much skin, in squared widths of its wrist."""
BORDER = 2
"""So many pixels lie at most between a hand and what covers its arm."""
DEEP = 0.75
"""A cut goes so far down the hand, in widths of its wrist, from where it begins: beyond it lies the hand's own side."""
WIDEST, NARROWEST = 2.6, 0.45
"""A cut is no wider and no narrower than these shares of the wrist's width: else the hand is closed, or hidden."""
MOST_TURN = 28.0
"""By so many degrees at most a pose's wrist is off the line from the elbow to its hand; what turns more is a bent hand.
"""
_COVER = (Cihp.UPPER, Cihp.COAT, Cihp.DRESS, Cihp.SCARF)


def find_cut(points: F64, half: float, labels: U8, label: int) -> F64 | None:
    """Return the two ends of the line at which a hand comes out, `(2, 2)`, in the order of the arm's normal.

    points: shoulder, elbow, wrist. half: the wrist's half-width. label: the arm's. None where no such line is seen.
    """
    hand = (labels == label).astype(np.uint8)
    if hand.sum() < LEAST_HAND * (2 * half) ** 2:
        return None
    cover = np.isin(labels, _COVER).astype(np.uint8)
    ys, xs = np.nonzero(hand & cv2.dilate(cover, np.ones((2 * BORDER + 1,) * 2, np.uint8)))
    if xs.size < half:
        return None
    down = points[2] - points[1]
    length = max(float(np.hypot(*down)), 1e-6)
    down = down / length
    off = np.stack([xs, ys], -1) - points[1]
    along, across = off @ down, off @ np.array([-down[1], down[0]])
    # Of each stripe down the hand where it begins: what lies deeper is its side, beside a hip, say.
    stripe = np.round(across - across.min()).astype(np.intp)
    first = np.full(stripe.max() + 1, np.inf)
    np.minimum.at(first, stripe, along)
    top = (along <= first[stripe] + 1) & (along <= np.percentile(along, 10) + DEEP * 2 * half) & (along > 0.6 * length)
    if not top.any():
        return None
    order = np.flatnonzero(top)[np.argsort(across[top])]
    ends = np.stack([off[order[:3]].mean(axis=0), off[order[-3:]].mean(axis=0)])
    wide = float(across[order[-1]] - across[order[0]]) + 1
    if not NARROWEST * 2 * half < wide < WIDEST * 2 * half:
        return None
    cut: F64 = ends + points[1]
    return cut


def lead_to_hand(points: F64, cut: F64) -> F64:
    """Return an arm's joints with the wrist on the line from the elbow to its hand's cut."""
    elbow = points[1]
    old, new = points[2] - elbow, cut.mean(axis=0) - elbow
    length, away = float(np.hypot(*old)), float(np.hypot(*new))
    if min(length, away) < 1 or np.degrees(np.arccos(np.clip(old @ new / (length * away), -1, 1))) > MOST_TURN:
        return points
    moved = points.copy()
    moved[2] = elbow + new * (min(length, away) / away)
    return moved
