"""Find see-through cloth: lace and net on a plain backdrop, whose meshes show the backdrop and, worn, show skin.

A print may be as white as the backdrop. A mesh is known by all of its marks together: many small holes, in most of
them exactly the backdrop's colour, among threads of the garment's own colour, nothing of a third colour beside them,
and much that is half of either, for its threads are fine. A photo that shows less than all of it shows opaque cloth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Cutout
from studio.pipeline.garments.contour import size_within
from studio.pipeline.planes import largest

WORK_SIDE = 1280
"""Longer side of the raster on which meshes are sought: finer ones are even to the eye."""
PLAIN_SPREAD = 7.0
"""A backdrop is plain when its colours spread less than this (8-bit levels)."""
LEAST_STEP = 100.0
"""Between cloth and backdrop, in one channel: shades of pale cloth are no backdrop seen through it."""
EXACT, BETWEEN = 9.0, 14.0
"""How near to the backdrop's own colour a hole comes, and to the line between both what is a mix of them."""
CLEAR = 0.75
"""From this share of the backdrop a hole is open."""
WIDEST, LEAST_PIXELS = 0.012, 6
"""How wide a hole is at most, in shares of the garment's height; a smaller one than this is not clear anywhere."""
LEAST_HOLES, OPEN_SHARE = 30, 0.6
"""How many holes a mesh has at least, and how many of those as clear show the backdrop itself: of the pale spots of a
print hardly any, for light and folds are on it."""
MIXED = (0.25, 0.75)
LEAST_MIXED, TWO_TONES, THREADS_DARK = 0.33, 0.95, 0.35
"""Shares, close to the holes, of what is half of either, of what is a mix at all; how pale the threads are at most."""
MOST_WIDE = 0.5
"""How much of the backdrop's colour may be seen in wider places, over the holes' area: there it is the cloth's own."""
DENSE = 0.2
"""From this share of mixes and holes on, over a hole's width, cloth is mesh."""
SPARSE = 3
"""Of so many pixels, across and down, one says what tone backdrop and cloth have."""
THREAD = 0.1
"""Up to this share of the backdrop a colour is a thread's: a rib's gloss is no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheer:
    """See-through cloth. cutout: in the colours of its threads. clear: 0 opaque .. 1 a hole, float32 `(H, W)`."""

    cutout: Cutout
    clear: F32


def find_sheer(rgb: U8, cutout: Cutout) -> Sheer | None:
    """Return what of a garment is seen through; None where all of it is opaque, as far as the photo tells."""
    size = size_within(cutout.alpha.shape, WORK_SIDE)
    photo, alpha, fore = rgb, cutout.alpha, cutout.foreground
    if size != alpha.shape[::-1]:
        photo, alpha, fore = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (rgb, alpha, fore))
    tones = _read_tones(photo, alpha)
    if tones is None:
        return None
    mesh = _find_mesh(fore, alpha, tones)
    if mesh is None:
        return None
    native = cv2.resize(mesh, cutout.alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    share, _ = tones.measure(cutout.foreground)
    clear: F32 = np.clip((share - THREAD) / (1 - THREAD), 0, 1) * native
    # The holes take the threads' tone, so that no pale rim comes with them when the picture is sampled.
    threads = cutout.foreground - clear[..., None] * (tones.backdrop - tones.cloth).astype(np.float32)
    kept = np.where(clear[..., None] > 0, np.clip(np.round(threads), 0, 255).astype(np.uint8), cutout.foreground)
    return Sheer(Cutout(cutout.alpha, kept), clear)


@dataclass(frozen=True, slots=True, eq=False)
class _Tones:
    backdrop: F64
    cloth: F64

    def measure(self, rgb: U8) -> tuple[F32, F32]:
        """Return how much of the backdrop is in each colour, and how far it is off the line between the two."""
        step = (self.backdrop - self.cloth).astype(np.float32)
        off = rgb.astype(np.float32) - self.cloth.astype(np.float32)
        share: F32 = (off @ step) / np.float32(step @ step)
        rest: F32 = largest(np.abs(off - share[..., None] * step))
        return share, rest


def _read_tones(rgb: U8, alpha: F32) -> _Tones | None:
    """Return a plain backdrop's colour and the cloth's; None where they are not plain, or not far apart."""
    outside = cv2.erode((alpha < 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    some = np.s_[::SPARSE, ::SPARSE]
    rgb, outside, cloth = rgb[some], outside[some], alpha[some] > 0.9
    if outside.mean() < 0.05 or not cloth.any():
        return None
    backdrop = np.median(rgb[outside], axis=0)
    if np.percentile(largest(np.abs(rgb[outside] - backdrop)), 80) > PLAIN_SPREAD:
        return None
    own = np.median(rgb[cloth], axis=0)
    return _Tones(backdrop, own) if np.abs(backdrop - own).max() >= LEAST_STEP else None


def _find_mesh(fore: U8, alpha: F32, tones: _Tones) -> F32 | None:
    """Return where cloth is mesh, 0..1; None where it is not, or may be something else."""
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    width = WIDEST * float(np.ptp(rows))
    cloth = cv2.erode((alpha > 0.9).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    alike = cv2.inRange(fore, tones.backdrop - EXACT, tones.backdrop + EXACT)
    if cv2.countNonZero(alike & cloth.view(np.uint8)) < LEAST_HOLES:  # hardly any photo needs a closer look
        return None
    share, rest = tones.measure(fore)
    bright = (share > CLEAR) & (rest < BETWEEN) & cloth
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    # What is sharpened goes beyond the backdrop's own tone.
    exact = bright & ((largest(np.abs(fore - tones.backdrop)) < EXACT) | (share > 1))
    shown = np.bincount(pieces[exact], minlength=count)
    hole = (area >= LEAST_PIXELS) & (area < width * width)
    hole[0] = False
    is_open = hole & (shown > 0)
    wide = (area >= width * width) & (np.arange(count) > 0)
    if is_open.sum() < max(LEAST_HOLES, OPEN_SHARE * hole.sum()) or area[wide].sum() > MOST_WIDE * area[is_open].sum():
        return None
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(0.5 * width)) + 1,) * 2)
    holes = is_open[pieces]
    near = cv2.dilate(holes.astype(np.uint8), disc) > 0
    return _spread_mesh((share, rest), alpha, holes, disc) if _is_mesh(share[near], rest[near]) else None


def _is_mesh(share: F32, rest: F32) -> bool:
    """Tell fine threads of the cloth's own colour from spots of a print, by what is close to the holes."""
    mixed = (share > MIXED[0]) & (share < MIXED[1])
    threads: Bool = share < 0.5
    two_tones = float((rest < BETWEEN).mean()) >= TWO_TONES
    dark = bool(threads.any()) and abs(float(np.median(share[threads]))) < THREADS_DARK
    return two_tones and dark and float(mixed.mean()) >= LEAST_MIXED


def _spread_mesh(tones: tuple[F32, F32], alpha: F32, holes: Bool, disc: U8) -> F32 | None:
    """Return the cloth that goes on as mesh from where its holes are, with a soft edge."""
    share, rest = tones
    side, cloth = len(disc), alpha > 0.5
    mixed = (share > MIXED[0]) & (rest < 2 * BETWEEN) & cloth
    window = (2 * side + 1, 2 * side + 1)
    # At the garment's outline half of the window is no cloth at all.
    seen, whole = (cv2.blur(plane.astype(np.float32), window) for plane in (mixed, cloth))
    dense = cloth & (seen > DENSE * np.maximum(whole, 0.2))
    count, regions = cv2.connectedComponents(dense.astype(np.uint8))
    _, starts = cv2.connectedComponents(holes.astype(np.uint8))
    first = np.unique(starts[holes], return_index=True)[1]
    found = np.bincount(regions[holes][first], minlength=count)
    found[0] = 0
    mesh = np.isin(regions, np.flatnonzero(found >= LEAST_HOLES // 4))
    # Its last threads are its own; beyond them cloth holds nothing of the backdrop.
    reached = cv2.dilate(mesh.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, window))
    soft: F32 = cv2.GaussianBlur(reached.astype(np.float32), (0, 0), 0.25 * side)
    return soft if mesh.any() else None
