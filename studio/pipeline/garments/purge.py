"""Mend a garment's cut-out where cut-outs fail: backdrop between sleeve and torso, half-transparent cloth inside."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Cutout
from studio.domain.geometry import Box
from studio.pipeline.garments.calm import calm_outline
from studio.pipeline.garments.contour import redraw_outline, size_within
from studio.pipeline.parallel import each
from studio.pipeline.pieces import pieces_of, read_piece
from studio.pipeline.planes import largest

WORK_SIDE, CORE_SIDE = 900, 1200
"""Longer side of the rasters on which islands, and core and edge colours, are found."""
PLAIN_SPREAD = 7.0
"""A backdrop is plain when its colours spread less than this (8-bit levels)."""
LIKE_BACKDROP = 7.0
GARMENT_DISTANCE = 24.0
"""A garment whose own colour is nearer to the backdrop than this could be eaten: leave it alone."""
CORE_SHARE = 0.006
PINHOLE_SHARE = 0.002
CRACK_SHARE = 0.025
CRUMB_EDGE = 4
"""How wide a crumb's soft edge is, in pixels of that raster."""
_LEAST_SHARE = 3e-4
WHOLE = 0.998
"""Share of the core from which a pixel is all of it."""


def purge_backdrop(rgb: U8, cutout: Cutout) -> Cutout:
    """Return the cut-out with an opaque inside, a clean outline, and without enclosed pieces of a plain backdrop."""
    cutout = _with_solid_core(rgb, cutout, lambda solid: _without_pinholes(_closed_collar(solid)))
    redrawn = redraw_outline(rgb, cutout)
    if redrawn is not None:
        return without_crumbs(_with_solid_core(rgb, redrawn, _without_pinholes))
    return calm_outline(rgb, _without_islands(rgb, cutout))


def _without_islands(rgb: U8, cutout: Cutout) -> Cutout:
    size = size_within(cutout.alpha.shape, WORK_SIDE)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA)
    island = find_islands(small, alpha)
    if island is None:
        return cutout
    native = cv2.resize(island, cutout.alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    kept: F32 = cv2.multiply(cutout.alpha, 1 - native)
    return Cutout(kept, _without_backdrop(cutout.foreground, kept, native))


def reduce_cutout(rgb: U8, cutout: Cutout, size: tuple[int, int]) -> tuple[U8, Cutout]:
    """Return photo and cut-out at a smaller size, (width, height); themselves when they have it already."""
    if cutout.alpha.shape[::-1] == size:
        return rgb, cutout
    photo, alpha, foreground = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (rgb, cutout.alpha, cutout.foreground)
    )
    return photo, Cutout(alpha, foreground)


def _with_solid_core(rgb: U8, cutout: Cutout, fill: Callable[[U8], U8]) -> Cutout:
    """Make cloth opaque well inside its outline, in the photo's own colours: pale cloth on pale paper stays cloth.

    The core is smooth: it is found on a reduced raster, whatever the photo's size. fill: closes what is no opening.
    """
    shape = cutout.alpha.shape
    reduced = cv2.resize(cutout.alpha, size_within(shape, CORE_SIDE), interpolation=cv2.INTER_AREA)
    solid = fill((reduced >= 0.5).astype(np.uint8))
    radius = max(2, round(CORE_SHARE * max(solid.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    core = cv2.erode(solid, kernel).astype(np.float32)
    share = cv2.GaussianBlur(core, (0, 0), radius / 3)
    return _laid_over(rgb, cutout, share)


def _laid_over(rgb: U8, cutout: Cutout, share: F32) -> Cutout:
    """Return a cut-out that is opaque and the photo's own where the core is. share: of the core, reduced."""
    alpha, foreground = cutout.alpha.copy(), cutout.foreground.copy()

    def lay(piece: Box) -> None:
        own = read_piece(share, alpha.shape, piece)
        if not own.any():
            return
        cut = piece.slices
        alpha[cut] = cv2.max(cutout.alpha[cut], own)
        if own.min() > WHOLE:
            foreground[cut] = rgb[cut]
            return
        coloured = cv2.copyTo(rgb[cut], (own > WHOLE).astype(np.uint8), cutout.foreground[cut].copy())
        rim = (own > 0.002) & (own <= WHOLE)
        old = cutout.foreground[cut][rim].astype(np.float32)
        coloured[rim] = np.round(old + (rgb[cut][rim] - old) * own[rim][:, None]).astype(np.uint8)
        foreground[cut] = coloured

    each(lay, pieces_of(alpha.shape))
    return Cutout(alpha, foreground)


def _closed_collar(solid: U8) -> U8:
    """Close cracks around the collar, where a pale rib melts into a pale backdrop; armpit gaps stay open."""
    x, y, width, height = cv2.boundingRect(solid)
    radius = max(2, round(CRACK_SHARE * height))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    zone = np.s_[y : y + round(0.2 * height), x + round(0.28 * width) : x + round(0.72 * width)]
    closed = solid.copy()
    padded = np.pad(solid[zone], radius)
    closed[zone] = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius]
    return closed


def _without_pinholes(solid: U8) -> U8:
    """Fill enclosed holes too small to be an opening."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - solid)
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < PINHOLE_SHARE * float(solid.sum()))
    filled: U8 = np.where(np.isin(labels, small[small > 0]), 1, solid).astype(np.uint8) if count > 1 else solid
    return filled


def without_crumbs(cutout: Cutout) -> Cutout:
    """Return the cut-out without pieces apart from the garment too small to be any of it: shaded backdrop in a gap."""
    shape = cutout.alpha.shape
    size = size_within(shape, CORE_SIDE)
    small = cutout.alpha if size == shape[::-1] else cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA)
    solid = (small >= 0.5).astype(np.uint8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    crumbs = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < PINHOLE_SHARE * float(solid.sum()))
    if not crumbs.any():
        return cutout
    gone = np.isin(pieces, crumbs[crumbs > 0]).astype(np.uint8)
    # A crumb goes with its own soft edge, not with the garment's beside it.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CRUMB_EDGE + 1, 2 * CRUMB_EDGE + 1))
    near = cv2.dilate(gone, kernel) & (1 - cv2.dilate(solid & (1 - gone), np.ones((3, 3), np.uint8)))
    gone = cv2.resize(near | gone, shape[::-1], interpolation=cv2.INTER_NEAREST)
    alpha: F32 = cv2.copyTo(cutout.alpha, 1 - gone)
    return Cutout(alpha, cutout.foreground)


def _without_backdrop(foreground: U8, alpha: F32, island: F32) -> U8:
    """Give the new edge the colour of the cloth beside it."""
    band = (island > 0.02) & (alpha > 0)
    if not band.any():
        return foreground
    size = size_within(alpha.shape, CORE_SIDE)
    near, cover, hole = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (foreground, alpha, island))
    solid = (cover > 0.98) & (hole <= 0.02)
    _, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[solid]] = near[solid]
    beside = cv2.resize(colours[nearest], alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    cleaned: U8 = cv2.copyTo(beside, band.astype(np.uint8), foreground.copy())
    return cleaned


def find_islands(rgb: F32, alpha: F32) -> F32 | None:
    """Return the coverage of backdrop islands inside the cut-out; None where there are none to be trusted."""
    outside = cv2.erode((alpha < 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if outside.mean() < 0.05:
        return None
    backdrop = np.median(rgb[outside], axis=0)
    spread = np.percentile(largest(np.abs(rgb[outside] - backdrop)), 80)
    distance = largest(np.abs(rgb - backdrop))
    cloth = alpha > 0.9
    if spread > PLAIN_SPREAD or not cloth.any() or np.percentile(distance[cloth], 20) < GARMENT_DISTANCE:
        return None
    alike = ((distance < max(LIKE_BACKDROP, 1.5 * spread)) & (alpha > 0.3)).astype(np.uint8)
    alike = cv2.morphologyEx(alike, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(alike)
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > _LEAST_SHARE * alpha.size)
    islands = np.isin(labels, large[large > 0]) if count > 1 else np.zeros(alpha.shape, bool)
    if not islands.any():
        return None
    grown = cv2.dilate(islands.astype(np.uint8), np.ones((5, 5), np.uint8)) & (distance < 3.0 * LIKE_BACKDROP)
    soft: F32 = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 1.0)
    island: F32 = np.clip(soft * 1.6 - 0.3, 0.0, 1.0)
    return island
