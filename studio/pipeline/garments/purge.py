"""Mend a garment's cut-out where cut-outs fail: backdrop between sleeve and torso, half-transparent cloth inside."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Cutout

WORK_SIDE = 900
PLAIN_SPREAD = 7.0
"""A backdrop is plain when its colours spread less than this (8-bit levels)."""
LIKE_BACKDROP = 7.0
GARMENT_DISTANCE = 24.0
"""A garment whose own colour is nearer to the backdrop than this could be eaten: leave it alone."""
CORE_SHARE = 0.006
PINHOLE_SHARE = 0.002
CRACK_SHARE = 0.025
_LEAST_SHARE = 3e-4


def purge_backdrop(rgb: U8, cutout: Cutout) -> Cutout:
    """Return the cut-out without enclosed pieces that look exactly like a plain backdrop."""
    height, width = cutout.alpha.shape
    scale = min(1.0, WORK_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cutout = _with_solid_core(rgb, cutout)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA)
    island = find_islands(small, alpha)
    if island is None:
        return cutout
    native = cv2.resize(island, (width, height), interpolation=cv2.INTER_LINEAR)
    kept = (cutout.alpha * (1 - native)).astype(np.float32)
    return Cutout(kept, _without_backdrop(cutout.foreground, kept, native))


def _with_solid_core(rgb: U8, cutout: Cutout) -> Cutout:
    """Make cloth opaque well inside its outline, in the photo's own colours: pale cloth on pale paper stays cloth."""
    solid = _without_pinholes(_closed_collar((cutout.alpha >= 0.5).astype(np.uint8)))
    radius = max(2, round(CORE_SHARE * max(solid.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    core = cv2.erode(solid, kernel).astype(np.float32)
    share = cv2.GaussianBlur(core, (0, 0), radius / 3)
    alpha = np.maximum(cutout.alpha, share).astype(np.float32)
    mixed = cutout.foreground + (rgb.astype(np.float32) - cutout.foreground) * share[..., None]
    return Cutout(alpha, np.round(mixed).astype(np.uint8))


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


def _without_backdrop(foreground: U8, alpha: F32, island: F32) -> U8:
    """Give the new edge the colour of the cloth beside it."""
    band = (island > 0.02) & (alpha > 0)
    if not band.any():
        return foreground
    solid = (alpha > 0.98) & (island <= 0.02)
    _, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[solid]] = foreground[solid]
    cleaned = foreground.copy()
    cleaned[band] = colours[nearest[band]]
    return cleaned


def find_islands(rgb: F32, alpha: F32) -> F32 | None:
    """Return the coverage of backdrop islands inside the cut-out; None where there are none to be trusted."""
    outside = cv2.erode((alpha < 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if outside.mean() < 0.05:
        return None
    backdrop = np.median(rgb[outside], axis=0)
    spread = np.percentile(np.abs(rgb[outside] - backdrop).max(axis=1), 80)
    distance = np.abs(rgb - backdrop).max(axis=2)
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
