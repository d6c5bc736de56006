"""Which part of a mask is the subject, and what the mask forgot of it on a plain backdrop."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.matting.backdrop import Backdrop, Evidence, weigh

Window = tuple[slice, slice]

_ANOTHER_SHARE = 0.25
"""A separate piece at least this large beside the main one is another person or thing, not a fragment."""
_PIECE_SHARE = 0.03
"""Pieces of a garment (a two-piece, a pair) at least this large are kept."""
_NEAR_SHARE = 0.04
"""Fragments within this share of the longest side belong to the subject (hair, fingers, a strap)."""
_CLOSE_SHARE = 0.012
"""Gaps up to twice this share of the longest side inside mended cloth are its folds."""
_GAP_MASK = (0.03, 0.995)
"""A patch that looks as the backdrop and has such mask values is a gap: white cloth on white scores higher."""
_SHADE_MASK = 0.93
"""A shadow on the floor that the network took for a shoe scores lower than folds of cloth do."""
_GAP_SHARE = 0.006
"""Half the least width of a gap, in shares of the longest side: a mask's soft rim is narrower."""
_RIM_SHARE = 0.008
"""Softness of the mask farther inside than this is doubt about cloth, not an edge."""
_GAP_AREA = 0.0008
"""Share of the picture below which a light spot inside the subject is a pearl or a button, not a gap."""
_FOLD_AREA = 0.002
_DOUBTED_MASK = 0.2
_DOUBTED_SHARE = 0.006
_DOUBTED_AREA = 0.003
"""On 32 photos with truth, regions of such mask value, half width and area are the person's to 76-100 %."""
_HAIR_WINDOW = 15
_HAIR_DENSITY = 0.35
"""Share of fine detail in a window of that many pixels from which a region is hair, fur or fringe."""
_HAIR_MASK = 0.85
_HAIR_REACH = 0.04
"""How deep inside the subject, in shares of the longest side, the backdrop shines through hair."""
_FRAMED = 0.75
"""Share of a gap's surroundings that must differ clearly from the backdrop."""
_FRAME_CONTRAST = 8.0
_AROUND = 8
"""Pixels around a piece that say what surrounds it."""
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


def add_doubted_pieces(mask: F32) -> F32:
    """Return the mask with broad regions beside the subject added that the network half saw: a boot, a bag, a leg.

    For backgrounds that are not plain, where colour cannot tell; what a network makes of the background itself is
    either fainter or narrower.
    """
    solid = mask > 0.5
    radius = max(2, round(_DOUBTED_SHARE * max(mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    doubted = cv2.morphologyEx(((mask > _DOUBTED_MASK) & ~solid).astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    beside = cv2.dilate(solid.astype(np.uint8), kernel) > 0

    def is_wanted(piece: Bool, near: Window) -> bool:
        return piece.sum() >= _DOUBTED_AREA * mask.size and bool((piece & beside[near]).any())

    added = _pieces(doubted, is_wanted)
    return np.where(added, np.float32(1), mask) if added.any() else mask


def complete_on_backdrop(rgb: U8, mask: F32, backdrop: Backdrop) -> F32:
    """Mend a mask where the backdrop is plain: add what stands out beside it, close false holes, clear haze.

    Shadows (darker, same hue) are left as the network saw them; gaps that show the backdrop stay open.
    """
    evidence = weigh(rgb, backdrop)
    least = _SPECK * mask.size
    solid = mask > 0.5
    missing = _large(_open(evidence.unlike & ~solid), least)
    if backdrop.is_studio:
        solid |= _touching(missing, solid)
    solid |= _close(solid, round(_CLOSE_SHARE * max(mask.shape))) & ~evidence.like
    gaps = _find_gaps(mask, evidence)
    solid &= ~gaps
    mended = np.where(solid & (mask <= 0.5), np.float32(1), np.where(gaps, np.float32(0), mask))
    # A hole is false where colour says something else, or the network half thought so and no backdrop shows.
    holes = ~solid & ~gaps & ~_reaches_border(~solid)
    plain = evidence.like | evidence.shade

    window = np.ones((9, 9), np.uint8)

    def is_false(piece: Bool, near: Window) -> bool:
        ring = (cv2.dilate(piece.astype(np.uint8), window) > 0) & ~piece
        if ring.any() and _mostly(evidence.brighter[near][ring]):
            # Within white cloth: a fold as dark as the wall, unless it is as large as a gap and looks just like it.
            return piece.sum() < _FOLD_AREA * mask.size or not _mostly(evidence.like[near][piece])
        doubted = float(mask[near][piece].mean()) > 0.25
        return _mostly(evidence.unlike[near][piece]) or (doubted and not _mostly(plain[near][piece]))

    false_holes = _pieces(holes, is_false)
    mended = np.where(false_holes, np.float32(1), mended)
    solid = mended > 0.5
    depth = cv2.distanceTransform(solid.astype(np.uint8), cv2.DIST_L2, 5)
    inside = depth > _RIM_SHARE * max(mask.shape)
    pearls = (evidence.like & inside) & ~_large(evidence.like & inside, _GAP_AREA * mask.size)
    mended = np.where(inside & (~evidence.like | pearls), np.float32(1), mended)
    haze = (mended < 0.5) & evidence.like & _large(_open(evidence.like & (mended < 0.5)), least)
    # Hair is added as doubt, for the edges stage to solve strand by strand.
    strands = cv2.blur(evidence.fine.astype(np.float32), (_HAIR_WINDOW, _HAIR_WINDOW)) > _HAIR_DENSITY
    strands &= ~pearls & (depth < _HAIR_REACH * max(mask.shape))
    mended = np.where(strands & (mended > mask), np.maximum(mask, np.minimum(mended, _HAIR_MASK)), mended)
    return np.where(haze, np.float32(0), mended).astype(np.float32)


def _find_gaps(mask: F32, evidence: Evidence) -> Bool:
    """Find where the backdrop shows through and the network only doubted, as between an arm and the waist.

    A gap has the subject's own colours around it; a patch of white cloth has more white cloth.
    """
    doubted = (evidence.like | (evidence.shade & (mask < _SHADE_MASK))) & (mask > _GAP_MASK[0]) & (mask < _GAP_MASK[1])
    radius = max(2, round(_GAP_SHARE * max(mask.shape)))
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    broad = cv2.morphologyEx(doubted.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    gaps: Bool = (cv2.dilate(broad, kernel) > 0) & doubted
    wide, halo = np.ones((13, 13), np.uint8), np.ones((5, 5), np.uint8)
    beside = ~doubted & (mask > 0.5)

    def is_framed(piece: Bool, near: Window) -> bool:
        if piece.sum() < _GAP_AREA * mask.size:
            return False
        seen = piece.astype(np.uint8)
        ring = (cv2.dilate(seen, wide) > cv2.dilate(seen, halo)) & beside[near]  # the edge itself is a mixture
        return bool(ring.any()) and float((evidence.distance[near][ring] > _FRAME_CONTRAST).mean()) > _FRAMED

    return _pieces(gaps, is_framed)


def _mostly(values: Bool) -> bool:
    return float(values.mean()) > 0.5


def _close(region: Bool, radius: int) -> Bool:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(region.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed: Bool = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius] > 0
    return closed


def _open(region: Bool) -> Bool:
    opened: Bool = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return opened


def _large(region: Bool, least: float) -> Bool:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
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
    for edge in (labels[0], labels[:, 0], labels[:, -1]):  # below, the subject goes on beyond the picture
        keep[edge] = True
    keep[0] = False
    kept: Bool = keep[labels]
    return kept


def _pieces(region: Bool, wanted: Callable[[Bool, Window], bool]) -> Bool:
    """Keep the connected pieces that are wanted; each is asked about in a window a little larger than itself."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    result = np.zeros_like(region)
    for label, (x, y, across, down, _) in enumerate(stats.tolist()):
        rows = slice(max(0, y - _AROUND), y + down + _AROUND)
        near = (rows, slice(max(0, x - _AROUND), x + across + _AROUND))
        if label:
            piece = labels[near] == label
            if wanted(piece, near):
                result[near] |= piece
    return result
