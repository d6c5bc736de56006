"""Draw a garment's outline calmly where only a matte knows it: amateurs' photos, small, on floors and bedspreads.

A sewn edge is a smooth curve between corners. A matte on a restless backdrop follows the backdrop's texture instead:
the edge frays, joints of the floor hang on it as threads, and its shadow makes a halo. Fur and lace are left alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F64, U8
from studio.domain.artefacts import Cutout
from studio.pipeline.garments.contour import WORK_SIDE, carry_to_native, draw_curves
from studio.pipeline.garments.curve import smooth_closed_curve, trace_level

STRAND = 0.0035
"""Half the width of what may be a thread of the backdrop, in shares of the longer side."""
DEAD_END = 3.0
"""A thread is longer than this many of those half-widths; what is shorter is a corner."""
LOOSE = 0.02
"""A piece apart from the garment, and smaller than this share of it, is none of it."""
ENLARGED, CALM = (1.0, 1.5), (1.5, 3.85)
"""Blur of the matte before its middle is traced, for photos that the raster enlarges so much: a small one's steps
are to go, a large one's corners to stay.
"""
SMOOTHING = 0.016
"""Half-width of the window in which the outline is smoothed, in shares of the longer side."""
DIFFERS = 0.02
"""Where drawn outline and matte differ by less the matte stays."""
FURRY, COARSE, PIECE = 1.075, 0.012, 0.05
"""How much longer than its coarse course the middle piece of an outline is at least where it is fur or lace: a matte's
frays and a belt's end are few. The coarse course's blur, and a piece's length, in shares of the longer side.
"""


def calm_outline(rgb: U8, cutout: Cutout) -> Cutout:
    """Return the cut-out with a smooth outline, and without what hangs on it of the backdrop; fur stays as it is."""
    shape = cutout.alpha.shape
    scale = WORK_SIDE / max(shape)
    size = (max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale)))
    matte = cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    solid = (matte > 0.5).astype(np.uint8)
    if not solid.any() or measure_roughness(solid) > FURRY:
        return cutout
    whole = drop_strands(drop_loose(solid))
    matte_left = np.where(whole == solid, matte, whole.astype(np.float32))
    plane = cv2.GaussianBlur(matte_left, (0, 0), float(np.interp(scale, ENLARGED, CALM)))
    curves = [smooth_closed_curve(curve, round(SMOOTHING * WORK_SIDE)) for curve in trace_level(plane)]
    differs = np.abs(draw_curves(curves, matte.shape, size) - matte) > DIFFERS
    share = cv2.GaussianBlur(cv2.dilate(differs.astype(np.float32), np.ones((9, 9), np.uint8)), (0, 0), 1.5)
    return carry_to_native(rgb, cutout, curves, share, np.zeros_like(share))


def drop_loose(solid: U8) -> U8:
    """Return a mask, 0 or 1 `(h, w)`, without small pieces apart from its largest one."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(solid)
    area = stats[:, cv2.CC_STAT_AREA]
    kept = area >= LOOSE * area[1:].max(initial=0)
    kept[0] = False
    whole: U8 = kept[pieces].astype(np.uint8)
    return whole


def drop_strands(solid: U8) -> U8:
    """Return a mask, 0 or 1 `(h, w)`, without thin dead ends.

    A strap leads from cloth to cloth, a floor's joint leads away.
    """
    radius = max(1, round(STRAND * max(solid.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    body = cv2.morphologyEx(np.pad(solid, radius), cv2.MORPH_OPEN, disc)[radius:-radius, radius:-radius]
    away = cv2.distanceTransform(1 - body, cv2.DIST_L2, 5)
    count, pieces = cv2.connectedComponents(solid & (1 - body), connectivity=8)
    near = cv2.dilate(body, np.ones((3, 3), np.uint8)) > 0
    whole = solid.copy()
    for piece in range(1, count):
        own = pieces == piece
        if away[own].max() <= DEAD_END * radius:
            continue
        roots, _ = cv2.connectedComponents((own & near).astype(np.uint8), connectivity=8)
        if roots <= 2:  # the background counts as one
            whole[own] = 0
    return whole


def measure_roughness(solid: U8) -> float:
    """Return how much longer the outline of a mask, 0 or 1 `(h, w)`, is than its coarse course, on its middle piece."""
    side = max(solid.shape)
    fine = _outlines(solid)
    coarse = _outlines((cv2.GaussianBlur(solid.astype(np.float32), (0, 0), COARSE * side) > 0.5).astype(np.uint8))
    if not fine or not coarse:
        return 1.0
    piece = max(1, round(PIECE * side))
    lengths = np.bincount(np.arange(sum(map(len, coarse))) // piece, np.concatenate([_steps(line) for line in coarse]))
    _, nearest = cv2.distanceTransformWithLabels(
        _drawn(np.concatenate(coarse), solid.shape), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    points = np.concatenate(coarse).astype(int)
    owner = np.zeros(int(nearest.max()) + 1, np.intp)
    owner[nearest[points[:, 1], points[:, 0]]] = np.arange(len(points)) // piece
    there = np.concatenate(fine).astype(int)
    seen = np.bincount(
        owner[nearest[there[:, 1], there[:, 0]]], np.concatenate([_steps(line) for line in fine]), len(lengths)
    )
    return float(np.median(seen / np.maximum(lengths, 1.0)))


def _outlines(solid: U8) -> list[F64]:
    found, _ = cv2.findContours(solid, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [line[:, 0].astype(np.float64) for line in found if len(line) > WORK_SIDE // 12]


def _steps(line: F64) -> F64:
    steps: F64 = np.hypot(*(np.roll(line, -1, axis=0) - line).T)
    return steps


def _drawn(points: F64, shape: tuple[int, ...]) -> U8:
    plane = np.ones(shape, np.uint8)
    plane[points[:, 1].astype(int), points[:, 0].astype(int)] = 0
    return plane
