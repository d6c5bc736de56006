"""Which part of a mask is the subject, and what the mask forgot of it on a plain backdrop."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.matting.backdrop import Backdrop, weigh

_ANOTHER_SHARE = 0.25
"""A separate piece at least this large beside the main one is another person or thing, not a fragment."""
_PIECE_SHARE = 0.03
"""Pieces of a garment (a two-piece, a pair) at least this large are kept."""
_NEAR_SHARE = 0.04
"""Fragments within this share of the longest side belong to the subject (hair, fingers, a strap)."""
_SPECK = 0.0002
"""Share of the picture below which a mended region is noise."""


def keep_subject(mask: F32, *, several: bool = False) -> tuple[F32, int]:
    """Return the mask of the main subject alone and how many other subjects were dropped.

    The main one is large and central. Fragments beside it stay; `several` keeps all pieces of some size.
    """
    count, labels, stats, centroids = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8), connectivity=8)
    if count <= 2:
        return _without_far_haze(mask, labels > 0), 0
    area = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    off_centre = np.abs(centroids[1:, 0] / mask.shape[1] - 0.5)
    main = 1 + int(np.argmax(area * (1.2 - off_centre)))
    share = area / area[main - 1]
    away = cv2.distanceTransform((labels != main).astype(np.uint8), cv2.DIST_L2, 5)
    reach = _NEAR_SHARE * max(mask.shape)
    keep = np.zeros(count, dtype=bool)
    dropped = 0
    for label in range(1, count):
        near = float(away[labels == label].min()) <= reach
        piece = several and share[label - 1] >= _PIECE_SHARE
        another = share[label - 1] >= _ANOTHER_SHARE
        keep[label] = label == main or piece or (near and not another)
        dropped += int(another and not keep[label])
    return _without_far_haze(mask, keep[labels]), dropped


def _without_far_haze(mask: F32, kept: Bool) -> F32:
    """Clear what is nearer to a dropped piece, or far from every kept one; soft hair beside the subject stays."""
    if not kept.any():
        return mask
    dropped = (mask > 0.5) & ~kept
    to_kept = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, 5)
    clear = to_kept > 3.0 * _NEAR_SHARE * max(mask.shape)
    if dropped.any():
        clear |= cv2.distanceTransform((~dropped).astype(np.uint8), cv2.DIST_L2, 5) < to_kept
    if not clear.any():
        return mask
    return np.where(clear, np.float32(0), mask)


def complete_on_backdrop(rgb: U8, mask: F32, backdrop: Backdrop) -> F32:
    """Mend a mask where the backdrop is plain: add what stands out beside it, close false holes, clear haze.

    Shadows (darker, same hue) are left as the network saw them; gaps that show the backdrop stay open.
    """
    evidence = weigh(rgb, backdrop)
    least = _SPECK * mask.size
    solid = mask > 0.5
    missing = _large(_open(evidence.unlike & ~solid), least)
    mended = np.where(_touching(missing, solid), np.maximum(mask, np.float32(1)), mask)
    solid = mended > 0.5
    # A hole is false where neither colour nor network speaks for the backdrop clearly.
    holes = ~solid & ~_reaches_border(~solid)
    false_holes = _pieces(holes, lambda piece: float(mask[piece].mean()) > 0.25 or not _mostly(evidence.like[piece]))
    mended = np.where(false_holes, np.float32(1), mended)
    haze = (mended < 0.5) & evidence.like & _large(_open(evidence.like & (mended < 0.5)), least)
    return np.where(haze, np.float32(0), mended).astype(np.float32)


def _mostly(values: Bool) -> bool:
    return float(values.mean()) > 0.5


def _open(region: Bool) -> Bool:
    opened: Bool = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return opened


def _large(region: Bool, least: float) -> Bool:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    kept: Bool = keep[labels]
    return kept


def _touching(region: Bool, solid: Bool) -> Bool:
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[labels[(cv2.dilate(solid.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0) & region]] = True
    keep[0] = False
    kept: Bool = keep[labels]
    return kept


def _reaches_border(region: Bool) -> Bool:
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    keep = np.zeros(count, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        keep[edge] = True
    keep[0] = False
    kept: Bool = keep[labels]
    return kept


def _pieces(region: Bool, wanted: Callable[[Bool], bool]) -> Bool:
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    result = np.zeros_like(region)
    for label in range(1, count):
        piece = labels == label
        if wanted(piece):
            result |= piece
    return result
