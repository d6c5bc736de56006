"""Draw a product's outline anew where the matte cannot see it: white cloth on white paper.

A shop's photo stands on a backdrop of one painted colour, so a pixel that has exactly this colour says more than any
matte. Where cloth stands out from it clearly the matte stays; where it hardly does, the outline is the shortest curve
that encloses all that differs from the backdrop, smooth between the garment's corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, AnyArray, Bool
from studio.domain.artefacts import Cutout
from studio.domain.geometry import Box
from studio.pipeline.garments.curve import smooth_closed_curve, trace_level
from studio.pipeline.matting.backdrop import fit_backdrop, to_lab
from studio.pipeline.parallel import each
from studio.pipeline.pieces import pieces_of, read_piece
from studio.pipeline.planes import magnitude

WORK_SIDE = 1100
"""Longer side at which the outline is found; it is drawn at the photo's own."""
NATIVE_MARGIN = 96
"""A large photo's outline is drawn in pieces; a rim's colour comes from cloth at most so many pixels beyond them."""
UNSEEN = 1.0 / 512
"""A change of alpha smaller than half a step of eight bits is none."""
PAINTED_TAIL = 0.15
"""A backdrop flatter than this (CIELAB) was painted: any difference from it is the product's or compression's."""
EXACT = 0.5
"""Distance (CIELAB) up to which a pixel has the backdrop's colour: more than one level's rounding."""
ECHO, LOUDEST, BLOCK = 0.08, 25.0, 8
"""Compression echoes an edge with this share of its contrast, of this at most, as far as its blocks reach (pixels)."""
HARDLY = 0.3
"""Up to this a pixel wants to be cloth no more than the blocks that compression leaves beside pale cloth."""
DRAWN, KEPT = 14.0, 30.0
"""Contrast between cloth and backdrop up to which the outline is drawn, and from which the matte is kept."""
WEAK, CLEAR = 5.0, 11.0
"""Contrast from which colour says something about the outline, and from which it says nearly all."""
HALF_WAY = 0.6
"""Where on the way from backdrop to cloth the outline lies: beyond the middle, as compression smears outwards."""
FAINTEST = 0.6
"""Distance from which a pixel differs from the backdrop."""
FAINT = 0.05
"""Alpha below which the matte takes something for backdrop."""
SHADOW, SHADOW_REACH = 0.25, 0.02
"""What is fainter than this share of the cloth beside it, and darker than the backdrop, may be its shadow there."""
BROAD, NARROW = 0.0065, 0.0015
"""Radius of the disc that a backdrop must admit to be one, beside cloth of no contrast and beside clear cloth: cloth
that turns as white as the paper has gaps in its edge, through which a thinner disc would get in."""
CORE = 0.045
"""Cloth lying deeper than this (shares of the longer side) below the matte's outline is beyond doubt."""
REACH = 0.06
"""How far outside the matte cloth is looked for."""
FINE_PIXELS = 4_000_000
"""Photos smaller than this have their outline drawn on a raster four times as fine."""
LENGTH_WEIGHTS = ((4.0, 12), (2.5, 8))
"""Blur of the shortest-curve iteration and its number of rounds, coarse and fine."""
STRAND = 9
"""How far apart strands are, in pixels of the work size."""
GAP_END = 0.08
"""How far a gap is followed into its narrow ends, in shares of the longer side."""
PALE_SHARE = 0.02
"""Not where more than this share of the cloth is pale: from a gap's end one would run on into white stripes."""
SLIT, LEAST_SLIT, LONGEST_SLIT = 0.005, 0.012, 0.06
"""Half the width of the slits that a matte sees only the mouth of, and their least and most length, likewise."""
BAY, BLIND = 0.05, 0.7
"""Bays narrower than twice this share of the longer side are filled where their shore is no clearer than this."""
EVIDENCE_WEIGHT = (0.22, 0.6)
"""What a pixel's colour counts against the curve's length, beside pale cloth and beside clear cloth."""
SMOOTHING = 0.028
"""Half-width of the window in which the curve is smoothed, in shares of the longer side: compression's blocks are
a third as long."""
ISLAND_CONTRAST, ISLAND_SHARE = 10.0, 3e-4
"""Enclosed backdrop is one only in a garment that stands out as much as this, and when larger than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a painted backdrop says. distance: from it, CIELAB. contrast: of what is not the backdrop, around.

    echo: the distance that compression alone may make. outside: pixels that are backdrop beyond doubt. shadow: the
    product's shadow on it, perhaps.
    """

    distance: F32
    contrast: F32
    echo: F32
    shadow: Bool
    outside: Bool


def redraw_outline(rgb: U8, cutout: Cutout) -> Cutout | None:
    """Return the cut-out with its outline drawn where the matte could not see it; None before no painted backdrop.

    Source: D. Wang, H. Li, X. Wei, X.-P. Wang, "An efficient iterative thresholding method for image segmentation",
    J. Comput. Phys. 2017 (threshold dynamics for the shortest curve).
    """
    size = size_within(cutout.alpha.shape, WORK_SIDE)
    small, matte = rgb, cutout.alpha
    if matte.shape[::-1] != size:
        small, matte = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (rgb, matte))
    evidence = weigh_backdrop(small, matte)
    if evidence is None:
        return None
    curves = find_outline(evidence, matte)
    gap = _find_gaps(evidence, matte)
    share = _share_drawn(evidence, matte, draw_curves(curves, matte.shape, size))
    if not (share > 0.01).any() and not gap.any():
        return cutout
    near_gap = cv2.GaussianBlur(cv2.dilate(gap.astype(np.float32), _disc(6)), (0, 0), 1.5)
    return carry_to_native(rgb, cutout, curves, cv2.max(share, near_gap), _openness(evidence, gap))


def carry_to_native(rgb: U8, cutout: Cutout, curves: list[F64], share: F32, open_to: F32) -> Cutout:
    """Draw the outline at the photo's size, piece by piece, only where it counts.

    share: how much the outline counts, open_to: how much backdrop shows, both on the raster of the curves.
    """
    alpha, foreground = cutout.alpha.copy(), cutout.foreground.copy()
    shape = alpha.shape
    filled = _fill(curves, shape, share.shape[::-1])

    def draw(piece: Box) -> None:
        around = piece.grown(NATIVE_MARGIN, shape[::-1])
        counts, opened = (read_piece(plane, shape, around) for plane in (share, open_to))
        if max(float(counts.max()), float(opened.max())) < UNSEEN:
            return
        own = cutout.alpha[around.slices]
        drawn = _soften(filled[around.slices], shape[1] / share.shape[1])
        mended: F32 = cv2.min(own + (drawn - own) * counts, 1 - opened)
        coloured = _colour_rim(rgb[around.slices], cutout.foreground[around.slices], mended, counts > 0.01)
        core = np.s_[piece.y0 - around.y0 :, piece.x0 - around.x0 :]
        alpha[piece.slices] = mended[core][: piece.height, : piece.width]
        foreground[piece.slices] = coloured[core][: piece.height, : piece.width]

    each(draw, pieces_of(shape))
    return Cutout(alpha, foreground)


def size_within(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return (width, height) whose longer side is at most `side`."""
    scale = min(1.0, side / max(shape))
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def weigh_backdrop(rgb: U8, matte: F32) -> Evidence | None:
    """Return what the backdrop says about each pixel; None where it was not painted."""
    backdrop = fit_backdrop(rgb, matte)
    if backdrop is None or backdrop.tail > PAINTED_TAIL:
        return None
    away = to_lab(rgb) - backdrop.lab(matte.shape)
    distance = _distance(away)
    contrast = _contrast_of_cloth(distance)
    echo = (EXACT + _echo(distance, BLOCK)).astype(np.float32)
    raw = cv2.sqrt(cv2.transform(away * away, np.ones((1, 3), np.float32)))
    outside = _find_outside(distance < echo, contrast, raw, matte)
    darker = (away[..., 0] < 0) & (distance < SHADOW * cv2.dilate(distance, _disc(SHADOW_REACH * max(matte.shape))))
    shadow = _reach(outside, (matte < 0.5) & darker)
    return Evidence(distance, contrast, echo, shadow, outside)


def find_outline(evidence: Evidence, matte: F32) -> list[F64]:
    """Return the product's outline as closed curves, `(n, 2)` each, holes included."""
    weight = np.interp(evidence.contrast, (WEAK, 0.9 * CLEAR), EVIDENCE_WEIGHT).astype(np.float32)
    wanted = _pull(evidence, matte)
    pull = weight * wanted
    backdrop = evidence.outside | evidence.shadow
    inside = (~backdrop & ~_find_frill(wanted, backdrop, matte)).astype(np.float32)
    for sigma, rounds in LENGTH_WEIGHTS:
        for _ in range(rounds):
            field = cv2.GaussianBlur(inside, (0, 0), sigma) + pull
            settled = (field > 0.5).astype(np.float32)
            if np.array_equal(settled, inside):
                break
            inside = settled
    inside = _complete(inside, evidence)
    half = round(SMOOTHING * max(matte.shape))
    return [smooth_closed_curve(curve, half) for curve in trace_level(cv2.GaussianBlur(inside, (0, 0), 1.5))]


def _find_frill(wanted: F32, backdrop: Bool, matte: F32) -> Bool:
    """Return what compression's blocks add around pale cloth: the matte leaves it out, and its colour hardly differs.

    The curve starts inside of it. A shortest curve would stay on the blocks' corners: they are as smooth as it is.
    """
    near = cv2.distanceTransform((~backdrop).astype(np.uint8), cv2.DIST_L2, 5) <= 2 * BLOCK
    frill: Bool = near & (matte < 0.5) & (wanted <= HARDLY)
    return frill


def _distance(away: F32) -> F32:
    """Return the distance to the backdrop, less what compression spreads of colour: its blocks are twice as wide."""
    level, red_green, yellow_blue = cv2.split(away)
    chroma = magnitude(red_green, yellow_blue)
    chroma = cv2.max(chroma - _echo(chroma, 2 * BLOCK), 0.0)
    distance: F32 = cv2.GaussianBlur(magnitude(level, chroma), (0, 0), 0.8)
    return distance


def _echo(plane: F32, reach: int) -> F32:
    """Return how much of each edge compression may show around it."""
    echo: F32 = ECHO * cv2.dilate(cv2.min(plane, LOUDEST), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return echo


def _contrast_of_cloth(distance: F32) -> F32:
    """Return how far what differs from the backdrop is from it, around each pixel."""
    differs = (distance > FAINTEST).astype(np.float32)
    differs *= cv2.blur(differs, (5, 5))  # specks of compression count little
    sigma = 0.012 * max(distance.shape)
    total = cv2.GaussianBlur(cv2.min(distance, CLEAR) * differs, (0, 0), sigma)
    contrast: F32 = total / (cv2.GaussianBlur(differs, (0, 0), sigma) + np.float32(1e-3))
    return contrast


def _find_outside(exact: Bool, contrast: F32, distance: F32, matte: F32) -> Bool:
    """Return the backdrop that a disc can reach from the picture's border, and what is enclosed of it."""
    side = max(matte.shape)
    least = np.interp(contrast, (WEAK / 2, CLEAR), (BROAD * side, NARROW * side)).astype(np.float32)
    margin = int(BROAD * side) + 2
    padded = np.pad(exact.astype(np.uint8), margin, constant_values=1)
    room = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[margin:-margin, margin:-margin] > least
    _, pieces = cv2.connectedComponents(np.pad(room, 1, constant_values=True).astype(np.uint8))
    pieces = pieces[1:-1, 1:-1]
    reached = (pieces == _border_piece(pieces)) | room & (matte < FAINT) & (contrast > CLEAR / 2)
    cloth = distance[matte > 0.9]
    if cloth.size and np.percentile(cloth, 20) > ISLAND_CONTRAST:
        area = np.bincount(pieces.ravel())
        plain = np.bincount(pieces[distance < 2 * EXACT], minlength=len(area)) > 0.8 * area
        reached |= (plain & (area > ISLAND_SHARE * matte.size))[pieces] & room
    to_reached = cv2.distanceTransform((~reached).astype(np.uint8), cv2.DIST_L2, 5)
    outside: Bool = exact & (to_reached <= least + 0.5)
    return outside


def _reach(outside: Bool, open_to: Bool) -> Bool:
    """Return what of an area can be reached from outside by a small disc."""
    radius = 2
    free = (outside | open_to).astype(np.uint8)
    _, pieces = cv2.connectedComponents((cv2.distanceTransform(free, cv2.DIST_L2, 5) > radius).astype(np.uint8))
    reached = (pieces > 0) & np.isin(pieces, np.unique(pieces[outside]))
    near = cv2.dilate(reached.astype(np.uint8), _disc(radius)) > 0
    found: Bool = open_to & near
    return found


def _border_piece(pieces: F32) -> int:
    """Return the label of what lies around the picture."""
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    border = border[border > 0]
    return int(np.bincount(border).argmax()) if border.size else -1


def _pull(evidence: Evidence, matte: F32) -> F32:
    """Return, from -1 to 1, how much each pixel wants to be cloth."""
    side = max(matte.shape)
    distance, outside = evidence.distance, evidence.outside
    middle = np.maximum(HALF_WAY * np.maximum(evidence.contrast, cv2.dilate(distance, _disc(3))), evidence.echo)
    pull = np.clip((distance - middle) / middle, -1.0, 1.0)
    to_outside = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 5)
    enclosed = (pull < 0) & ~outside & ((distance < EXACT) | (to_outside > BLOCK))
    pull = np.where(enclosed, 0.6 * (matte - 0.5) + 0.1, pull)
    depth = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    away = cv2.distanceTransform((matte <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    pull[(depth > CORE * side) & ~outside] = 1.0
    pull[(away > REACH * side) | evidence.shadow] = -1.0
    wanted: F32 = pull.astype(np.float32)
    return wanted


def _complete(inside: F32, evidence: Evidence) -> F32:
    """Fill bays whose shore nothing is seen of: there the outline went wherever noise led it."""
    radius = round(BAY * max(inside.shape))
    padded = np.pad(inside > 0, radius + 1)
    grown = cv2.distanceTransform((~padded).astype(np.uint8), cv2.DIST_L2, 5) <= radius
    closed = cv2.distanceTransform(grown.astype(np.uint8), cv2.DIST_L2, 5) > radius
    bays = (closed[radius + 1 : -radius - 1, radius + 1 : -radius - 1] & (inside == 0)).astype(np.uint8)
    count, pieces = cv2.connectedComponents(bays)
    shore = (cv2.erode(inside, np.ones((3, 3), np.uint8)) == 0) & (inside > 0)
    beside = cv2.dilate(np.where(shore, np.float32(0), pieces.astype(np.float32)), np.ones((3, 3), np.uint8)).astype(
        int
    )
    blind = cv2.dilate(evidence.distance, _disc(3)) < np.maximum(BLIND, evidence.echo)
    length = np.bincount(beside[shore], minlength=count)
    unseen = np.bincount(beside[shore & blind], minlength=count)
    filled = unseen > 0.6 * np.maximum(length, 1)
    filled[0] = False
    complete: F32 = np.where(filled[pieces], np.float32(1), inside)
    return complete


def _find_gaps(evidence: Evidence, matte: F32) -> Bool:
    """Return where the matte takes backdrop between two clear edges for cloth, down to the gap's narrow ends."""
    solid = (matte > 0.5).astype(np.uint8)
    sure = cv2.erode(evidence.outside.astype(np.uint8), np.ones((3, 3), np.uint8)) & solid
    gap = cv2.morphologyEx(sure, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    cloth = evidence.distance[cv2.erode(solid & ~gap, _disc(4)) > 0]
    if cloth.size and (cloth < CLEAR).mean() < PALE_SHARE:
        beside = cv2.dilate(evidence.distance, _disc(4))
        pale = ((evidence.distance < HALF_WAY * beside) & (beside > KEPT)).astype(np.uint8) & solid
        for _ in range(round(GAP_END * max(matte.shape)) if gap.any() else 0):
            gap |= cv2.dilate(gap, np.ones((3, 3), np.uint8)) & pale
        gap |= _find_slits(pale, solid, evidence.distance)
    found: Bool = gap > 0
    return found


def _find_slits(pale: U8, solid: U8, distance: F32) -> U8:
    """Return what goes on, between cloth on both sides, from the narrow end of a gap that the matte sees.

    A stripe or a clasp ends at the outline, not in a gap. distance: from the backdrop, which a slit's middle shows.
    """
    side = max(solid.shape)
    between = cv2.morphologyEx(solid & (1 - pale), cv2.MORPH_CLOSE, _disc(SLIT * side)) & pale
    in_gap = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, _disc(2 * SLIT * side)) & (1 - solid)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(between, connectivity=8)
    near_gap, near_air = (
        pieces[cv2.dilate(plane, np.ones((5, 5), np.uint8)) > 0] for plane in (in_gap, 1 - solid - in_gap)
    )
    slits = np.zeros_like(solid)
    for piece in np.setdiff1d(near_gap, [0, *np.unique(near_air)]):
        length = max(stats[piece, cv2.CC_STAT_WIDTH], stats[piece, cv2.CC_STAT_HEIGHT]) / side
        own = pieces == piece
        if LEAST_SLIT < length < LONGEST_SLIT and np.percentile(distance[own], 10) < CLEAR:
            slits |= own.astype(np.uint8)
    joined: U8 = slits | cv2.dilate(slits, _disc(4)) & in_gap  # no thread stays across the mouth
    return joined


def _openness(evidence: Evidence, gap: Bool) -> F32:
    """Return how much backdrop shows in and around gaps, pixel by pixel: they end too narrowly for a drawn curve."""
    beside = cv2.max(cv2.dilate(evidence.distance, _disc(4)), 2 * evidence.echo)
    shows = np.clip((0.9 * beside - evidence.distance) / (0.9 * beside - evidence.echo), 0.0, 1.0)
    near = cv2.dilate(gap.astype(np.uint8), _disc(2)).astype(np.float32) * (beside > DRAWN)
    openness: F32 = np.where(gap & (beside <= DRAWN), np.float32(1), shows * near).astype(np.float32)
    return openness


def _share_drawn(evidence: Evidence, matte: F32, drawn: F32) -> F32:
    """Return how much the drawn outline counts against the matte: where cloth is pale, and where the matte is wrong."""
    edge = cv2.morphologyEx((drawn > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    beside = cv2.dilate(evidence.distance, _disc(4))
    # What stands out clearly outside the curve is hair or a thread: the matte knows better.
    beside = cv2.max(beside, cv2.dilate(np.where(drawn < 0.5, evidence.distance, np.float32(0)), _disc(STRAND)))
    weak = np.clip((KEPT - beside) / (KEPT - DRAWN), 0.0, 1.0).astype(np.float32)
    share = cv2.GaussianBlur(_spread(weak, edge), (0, 0), 0.006 * max(matte.shape))
    missed = ((drawn > 0.5) & (matte < 0.5) & (evidence.distance > evidence.echo) & ~evidence.shadow).astype(np.uint8)
    wrong = cv2.morphologyEx(missed, cv2.MORPH_OPEN, _disc(3))
    wrong = cv2.dilate(wrong, _disc(6)).astype(np.float32)
    counts: F32 = cv2.max(share, cv2.GaussianBlur(wrong, (0, 0), 1.5))
    return counts


def _spread(plane: AnyArray, known: U8) -> AnyArray:
    """Return each pixel's value at the nearest known pixel."""
    _, nearest = cv2.distanceTransformWithLabels(1 - known, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    table = np.zeros((int(nearest.max()) + 1, *plane.shape[2:]), plane.dtype)
    table[nearest[known > 0]] = plane[known > 0]
    spread: AnyArray = table[nearest]
    return spread


def draw_curves(curves: list[F64], shape: tuple[int, ...], size: tuple[int, int]) -> F32:
    """Return the coverage of closed curves, found at `size`, on a raster of `shape`."""
    return _soften(_fill(curves, shape, size), shape[1] / size[0])


def _soften(filled: U8, scale: float) -> F32:
    coverage: F32 = cv2.GaussianBlur(filled.astype(np.float32) / np.float32(255), (0, 0), 0.5 * max(1.0, scale))
    return coverage


def _fill(curves: list[F64], shape: tuple[int, ...], size: tuple[int, ...]) -> U8:
    """Return closed curves, found at `size`, filled on a raster of `shape`."""
    factor = 4 if shape[0] * shape[1] < FINE_PIXELS else 1
    canvas = np.zeros((shape[0] * factor, shape[1] * factor), np.uint8)
    scale = np.array([shape[1] / size[0], shape[0] / size[1]]) * factor
    points = [np.round(((curve + 0.5) * scale - 0.5) * 16).astype(np.int32) for curve in curves]
    cv2.fillPoly(canvas, points, 255, cv2.LINE_8 if factor > 1 else cv2.LINE_AA, shift=4)
    if factor > 1:  # a polygon is drawn half a pixel too large, which is little on a fine raster
        canvas = np.asarray(cv2.resize(canvas, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.uint8)
    return canvas


def _colour_rim(rgb: U8, foreground: U8, alpha: F32, redrawn: Bool) -> U8:
    """Give a drawn outline's rim the colour of the cloth beside it, and its inside the photo's own."""
    inside = cv2.erode((alpha > 0.98).astype(np.uint8), np.ones((5, 5), np.uint8))
    coloured: U8 = cv2.copyTo(rgb, inside & redrawn.astype(np.uint8), foreground.copy())
    rim = redrawn & (inside == 0) & (alpha > 0)
    if not rim.any() or not inside.any():
        return coloured
    coloured[rim] = _spread(rgb, inside)[rim]
    return coloured


def _disc(radius: float) -> U8:
    size = 2 * round(radius) + 1
    disc: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return disc
