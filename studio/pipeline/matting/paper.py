"""Pale cloth on an even, pale backdrop: the silhouette from differences of one or two grey levels.

A network sees only the print of a white shirt on white paper. The paper, however, is so even that the cloth differs
from it nearly everywhere once the noise is averaged out; what the paper cannot reach from the picture's border without
crossing such a difference is the garment.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, AnyArray, Bool

_RING_SHARE = 0.03
"""Width of the picture's border, in shares of its longest side, that tells the paper's colour."""
_SMOOTHING = 1.4
"""Standard deviation (pixels) of the blur that averages the noise out."""
_EVEN = 0.8
"""Residual (8-bit levels, smoothed) of the border's worst twentieth above which the backdrop is not even."""
_LEAST_RING = 0.4
"""Share of the border that must be free of the subject."""
_LEAST_LEVEL = 0.75
_NOISE_FACTOR = 1.6
_LEAK = 0.004
"""Openings of the outline narrower than twice this share of the longest side do not let the paper in."""
_HALO = 0.008
"""Additions narrower than twice this are the halo of compression around a dark edge."""
_LEAST_PIECE = 0.002
_FRAY = 0.006
"""Standard deviation, in shares of the longest side, of the smoothing of an outline found this way."""
_RIM = 0.006
_PALE_GARMENT = 0.5
"""Share of what the network saw that is missing where the cloth itself is as pale as the paper."""
_BAY = 0.012
"""Bays up to twice this share of the longest side are closed."""
_DOUBT = 0.9
"""Mean of the network's mask from which enclosed paper-white is a stripe or a print."""
_GAP_PIECE = 0.0003
_GAP_RADIUS = 3
_FRAME_LEVELS = 16.0
_FRAMED = 0.6
_BETWEEN = 0.45
_MOST_GAPS = 0.12
"""Share of the mask that may be taken away as gaps: more would be the cloth itself."""
_MOST_BORDER = 0.25
"""Share of a piece's outline on the picture's border above which it is the floor or a wall."""
_SHARP = 0.35
_SHARP_SHARE = 0.5
_PALE_HOLE = 24.0
_REACH = 13
"""Pixels around a piece that are looked at: compression spreads an edge over a block of 8."""
_HALO_REACH = 5
"""Pixels around a piece that its own halo fills: they say nothing about what frames it."""
_RINGING = 0.25
"""Share of a near edge's height that compression leaves beside it as false differences."""
_MOST_RINGING = 3.0
"""Differences (8-bit levels) above which it is no ringing, however strong the edge: white piping beside red."""
_RINGING_REACH = 6


def trace_on_paper(rgb: U8, mask: F32, network: F32) -> F32:
    """Complete and clear a mask by what differs from an even backdrop; the mask itself where it is not even.

    Args:
        rgb: sRGB `(H, W, 3)`.
        mask: coarse mask of the same size, already mended by colour.
        network: the mask as the network gave it, which tells a gap (doubted) from a white stripe (not doubted).
    """
    smooth = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), _SMOOTHING)
    paper = _fit_paper(smooth, mask)
    if paper is None:
        return mask
    field, level = paper
    signed = smooth - field
    red, green, blue = cv2.split(np.abs(signed))
    away = np.maximum(np.maximum(red, green), blue)
    plain = away < _beyond_ringing(away, level)
    bare = _reached_from_border(plain, max(2, round(_LEAK * max(mask.shape))))
    solid = mask > 0.5
    brighter = np.minimum.reduce(cv2.split(signed)) >= 0
    enclosed = _enclosed_paper(plain & ~bare, signed, away, network, level)
    added = _additions(~(bare | enclosed) & ~solid, solid, away, brighter, level)
    pale = added.sum() > _PALE_GARMENT * solid.sum()
    if pale:  # the network saw the print alone: what it doubts there is cloth
        added = _additions(~bare & ~solid, solid, away, brighter, level)
    else:
        bare |= enclosed
    grown = mask
    if added.any():
        beside = _pale_beside(added, away)
        added |= beside & _close(solid | added) & ~solid
        bare &= ~(added | (beside & solid))
        grown = _with_smooth_outline(mask, added)
        grown = np.where(_false_holes(grown > 0.5, away, level, pale=bool(pale)), np.float32(1), grown)
    grown = np.where(_open_gaps(solid & bare, solid, away), np.float32(0), grown)
    # Nothing of the paper is left inside: what the network doubted there is cloth, print and white stripes alike.
    rim = max(2, round(_RIM * max(mask.shape)))
    inside = cv2.distanceTransform(((grown > 0.5) & ~bare).astype(np.uint8), cv2.DIST_L2, 5) > rim
    return np.where(inside, np.float32(1), grown).astype(np.float32)


def _beyond_ringing(away: F32, level: float) -> F32:
    """Return the difference, at each pixel, from which something is not paper: more beside a strong edge."""
    strongest = cv2.dilate(away, np.ones((2 * _RINGING_REACH + 1,) * 2, np.uint8))
    limit: F32 = np.clip(np.float32(_RINGING) * strongest, np.float32(level), np.float32(max(level, _MOST_RINGING)))
    return limit


def _enclosed_paper(plain: Bool, signed: F32, away: F32, network: F32, level: float) -> Bool:
    """Paper that no way leads to, as between a sleeve and the body it touches: framed by cloth, network in doubt.

    Ringing leaves the paper's mean as it is; a white stripe is a little lighter or darker than paper throughout.
    """
    kernel = np.ones((5, 5), np.uint8)
    broad = cv2.morphologyEx(cv2.medianBlur(plain.astype(np.uint8), 5), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=4)
    result = np.zeros_like(plain)
    for piece, near in _pieces(labels, stats, _GAP_PIECE * plain.size):
        if float(np.abs(signed[near][piece].mean(axis=0)).max()) > level:
            continue
        if float(network[near][piece].mean()) < _DOUBT and _is_framed(piece, ~plain[near], away[near]):
            result[near] |= piece
    return result


def _pieces(labels: AnyArray, stats: AnyArray, least: float) -> Iterator[tuple[Bool, tuple[slice, slice]]]:
    """Yield every labelled piece of at least this area in a window a little larger than itself, and the window."""
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= least):
        if label:
            x, y, across, down = (int(value) for value in stats[label, :4])
            rows = slice(max(0, y - _REACH), y + down + _REACH)
            near = (rows, slice(max(0, x - _REACH), x + across + _REACH))
            yield labels[near] == label, near


def _is_framed(piece: Bool, among: Bool, away: F32, least: float = _FRAMED) -> bool:
    """Tell whether what surrounds a piece, beyond the halo of compression, is clearly not paper."""
    seen = piece.astype(np.uint8)
    wide, halo = np.ones((2 * _REACH - 1,) * 2, np.uint8), np.ones((2 * _HALO_REACH + 1,) * 2, np.uint8)
    ring = (cv2.dilate(seen, wide) > cv2.dilate(seen, halo)) & among
    return bool(ring.any()) and float((away[ring] > _FRAME_LEVELS).mean()) > least


def _pale_beside(added: Bool, away: F32) -> Bool:
    """Where nothing but pale cloth lies near what was added: a patch just as light as the paper is cloth there."""
    near = cv2.distanceTransform((~added).astype(np.uint8), cv2.DIST_L2, 3) < 4.0 * _BAY * max(added.shape)
    pale: Bool = near & (cv2.dilate(away, np.ones((2 * _REACH - 1,) * 2, np.uint8)) < _PALE_HOLE)
    return pale


def _close(whole: Bool) -> Bool:
    """Fill narrow bays."""
    radius = max(2, round(_BAY * max(whole.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(whole.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed: Bool = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius] > 0
    return closed


def _with_smooth_outline(mask: F32, added: Bool) -> F32:
    """Add the pieces; where cloth is as light as the paper its outline frays along the blocks of compression."""
    whole = ((mask > 0.5) | added).astype(np.float32)
    sigma = _FRAY * max(mask.shape)
    smooth = np.clip((cv2.GaussianBlur(whole, (0, 0), sigma) - 0.5) * 4.0 + 0.5, 0.0, 1.0)
    radius = 4 * sigma
    away_from_added = cv2.distanceTransform((~added).astype(np.uint8), cv2.DIST_L2, 3)
    outlying = cv2.distanceTransform(1 - (mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    renewed = (away_from_added <= radius) & ((outlying > radius) | added)
    return np.where(renewed, smooth, np.where(added, np.float32(1), mask)).astype(np.float32)


def _fit_paper(smooth: F32, mask: F32) -> tuple[F32, float] | None:
    """Return the paper's colours everywhere and the difference from which something is not paper."""
    height, width = mask.shape
    edge = max(2, round(_RING_SHARE * max(height, width)))
    ring = np.ones((height, width), bool)
    ring[edge : height - edge, edge : width - edge] = False
    free = ring & (mask < 0.05)
    if free.sum() < _LEAST_RING * ring.sum():
        return None
    y, x = np.nonzero(free)
    step = max(1, len(y) // 8000)
    y, x = y[::step], x[::step]
    terms, values = _plane(x / width, y / height), smooth[y, x].astype(np.float64)
    weights = np.ones(len(y))
    for _ in range(3):
        scaled = terms * weights[:, None]
        coefficients = np.linalg.lstsq(scaled.T @ terms, scaled.T @ values, rcond=None)[0]
        residual = np.abs(values - terms @ coefficients).max(axis=1)
        weights = 1.0 / (1.0 + (residual / max(2.0 * float(np.median(residual)), 0.3)) ** 2)
    worst = float(np.quantile(residual, 0.95))
    if worst > _EVEN:
        return None
    level, across, down = coefficients.astype(np.float32)
    columns, rows = np.arange(width, dtype=np.float32) / width, np.arange(height, dtype=np.float32) / height
    field = (level + columns[:, None] * across)[None] + (rows[:, None] * down)[:, None]
    return field.astype(np.float32, copy=False), max(_LEAST_LEVEL, _NOISE_FACTOR * worst)


def _plane(x: F64, y: F64) -> F64:
    return np.stack([np.ones_like(x), x, y], axis=1)


def _reached_from_border(plain: Bool, radius: int) -> Bool:
    """What a brush of this radius reaches from the picture's border over plain paper."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(plain.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=1)
    core = cv2.erode(padded, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    _, labels = cv2.connectedComponents(core, connectivity=4)
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    reached = np.isin(labels, np.unique(frame[frame > 0])).astype(np.uint8)
    bare: Bool = (cv2.dilate(reached, kernel)[radius:-radius, radius:-radius] > 0) & plain
    return bare


def _additions(candidates: Bool, solid: Bool, away: F32, brighter: Bool, level: float) -> Bool:
    """Keep the pieces that belong to the subject: broad, beside it, and with the sharp outline of a thing."""
    radius = max(2, round(_HALO * max(solid.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # Opened together with the mask: a thin piece between the mask and the outline of the cloth is not thin.
    broad = cv2.morphologyEx(candidates.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    near = cv2.dilate(broad, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)) > 0
    pieces = (candidates & near).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pieces, connectivity=8)
    beside = cv2.dilate(solid.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    result = np.zeros_like(solid)
    border = np.ones(solid.shape, bool)
    border[2:-2, 2:-2] = False
    for piece, near in _pieces(labels, stats, _LEAST_PIECE * solid.size):
        if not (piece & beside[near]).any() or _is_framed(piece, np.ones_like(piece), away[near], _BETWEEN):
            continue  # the last: a gap between sleeve and body, full of the halo of both
        if _is_thing(piece, solid[near], away[near], brighter[near], level, border[near]):
            result[near] |= piece
    return result


def _is_thing(piece: Bool, solid: Bool, away: F32, brighter: Bool, level: float, border: Bool) -> bool:
    """A shadow fades out where it ends; cloth ends at once, or is brighter than the paper."""
    outline = piece & (cv2.erode((piece | solid).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    if (piece & border).sum() > _MOST_BORDER * max(1, int(outline.sum())):
        return False
    depth = cv2.distanceTransform((piece | solid).astype(np.uint8), cv2.DIST_L2, 3)
    rim = piece & (depth > 2.5) & (depth < 6.0)
    if not rim.any():
        return False
    usual = float(np.quantile(away[piece], 0.8))
    surely = 1.2 if level <= _LEAST_LEVEL else 2.0  # no shadow is left on painted paper
    sharp = brighter | (away > max(_SHARP * usual, surely * level))
    return float(sharp[rim].mean()) > _SHARP_SHARE


def _false_holes(solid: Bool, away: F32, level: float, *, pale: bool) -> Bool:
    """Enclosed patches within pale cloth that happen to be as light as the paper, in a `pale` garment's print too."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    frame = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    result = np.zeros_like(solid)
    for label in range(1, len(stats)):
        if label in frame:
            continue
        x, y, across, down = stats[label, :4]
        near = np.s_[max(0, y - 7) : y + down + 7, max(0, x - 7) : x + across + 7]
        hole = labels[near] == label
        ring = (cv2.dilate(hole.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & solid[near]
        empty = float(np.median(away[near][hole])) < 0.5 * level and stats[label, cv2.CC_STAT_AREA] > 0.01 * solid.size
        if ring.any() and (pale or float(np.median(away[near][ring])) < _PALE_HOLE) and not empty:
            result[near] |= hole
    return result


def _open_gaps(bare: Bool, solid: Bool, away: F32) -> Bool:
    """Paper inside the mask, open to the outside, framed by something quite different: between sleeve and waist."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _GAP_RADIUS + 1,) * 2)
    broad = cv2.morphologyEx(bare.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=4)
    gaps = np.zeros_like(solid)
    for piece, near in _pieces(labels, stats, _GAP_PIECE * solid.size):
        if _is_framed(piece, (solid & ~bare)[near], away[near]):
            gaps[near] |= piece
    grown = (cv2.dilate(gaps.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0) & (away < _FRAME_LEVELS) & solid
    return grown if gaps.any() and grown.sum() < _MOST_GAPS * max(1, int(solid.sum())) else np.zeros_like(solid)
