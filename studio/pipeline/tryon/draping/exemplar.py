"""A structured backdrop carried on where the old garment hid it: pieces of itself, laid coarse to fine.

Coarsely, patches are laid one after the other, along strong edges first; finer, every pixel keeps the place that its
patch came from and looks about for a better one, and at full size the photo's own pixels are copied.
Sources: Criminisi, Perez, Toyama, "Region Filling and Object Removal by Exemplar-Based Image Inpainting", TIP 2004;
Barnes et al., "PatchMatch", SIGGRAPH 2009, for the search among neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, Bool
from studio.pipeline.matting.colours import spread_colours

COARSE, FINE = 20, 80
"""Shoulder widths in pixels at which patches are laid, and up to which places are bettered."""
REACH = 3
"""Half a patch's side."""
PLAIN, BUSY = 8.0, 0.12
"""How far from its surroundings' mean, in levels, a pixel is structure; the share of them that make a backdrop so."""
AROUND, CALM = 1.0, 0.12
"""How far about the hole the backdrop is asked, and over what its mean is taken, in shoulder widths."""
FLAT_EDGE = 0.02
"""What an edge's strength is worth where there is none: such patches are laid too, at last."""
FAR = 10.0
"""By how many levels a patch one shoulder width away must fit better than one close by: things stay where they are."""
RING, MOST_STEP, LIGHT = 4, 25.0, 0.3
"""How many pixels about the hole say how its light goes on, the most that it may differ, how far it reaches in."""
CLEARLY = 0.98
"""A place is left for one whose patch differs by less than this share of what its own does."""
TRUSTED, GUESSED, SOFT = 0.6, 1.0, 0.03
"""From how near a piece is believed, from how far not at all, over what one fades into the other; shoulder widths."""
Places = npt.NDArray[np.intp]
"""(row, column) of places, `(..., 2)`."""


def is_structured(rgb: F32, known: Bool, wanted: Bool, size: float) -> bool:
    """Tell a backdrop with things in it from a studio's, about what is to be filled.

    rgb: `(h, w, 3)` in 0..255. known: the backdrop that is seen, wanted: what is to be filled, `(h, w)`. size: the
    shoulder width in pixels.
    """
    level = _Level.reduce(rgb, known, wanted, _levels(rgb.shape[:2], size)[-1])
    size = size * level.known.shape[0] / rgb.shape[0]
    away = cv2.distanceTransform((~level.hole).astype(np.uint8), cv2.DIST_L2, 5)
    asked = level.known & (away < AROUND * size)
    if not level.hole.any() or asked.sum() < 100:
        return False
    weight = level.known.astype(np.float32)
    total = cv2.GaussianBlur(level.rgb * weight[..., None], (0, 0), CALM * size)
    mean = total / np.maximum(cv2.GaussianBlur(weight, (0, 0), CALM * size), 1e-3)[..., None]
    off = np.abs(level.rgb - mean).max(axis=2)
    return float((off[asked] > PLAIN).mean()) > BUSY


def carry_on_structure(plain: F32, rgb: F32, known: Bool, wanted: Bool, size: float) -> F32:
    """Return a plain fill with what is `wanted` of a structured backdrop laid over it; a plain backdrop's as it is.

    Where only pieces from far away would do, the plain fill is left: softness is missed less than a thing seen twice.

    plain: `(h, w, 3)` in 0..255, as `rgb`; the rest: see `is_structured`.
    """
    hole = wanted & ~known
    if not is_structured(rgb, known, hole, size):
        return plain
    level, places = _find_places(rgb, known, hole, size)
    believed = _believed(level, places, size * level.known.shape[0] / rgb.shape[0])
    trust = (cv2.resize(believed, hole.shape[::-1], interpolation=cv2.INTER_LINEAR) * hole)[..., None]
    filled: F32 = (trust * _lay_over(rgb, known, hole, (level, places)) + (1 - trust) * plain).astype(np.float32)
    return filled


def _find_places(rgb: F32, known: Bool, wanted: Bool, size: float) -> tuple[_Level, Places]:
    """Return the finest level, and where each pixel of its hole is copied from."""
    levels = _levels(rgb.shape[:2], size)
    small = _Level.reduce(rgb, known, wanted, levels[0])
    places = _lay_patches(small)
    for shape in levels[1:]:
        small = _Level.reduce(rgb, known, wanted, shape)
        places = _better(small, _enlarge(places, small))
    return small, places


def _lay_over(rgb: F32, known: Bool, wanted: Bool, found: tuple[_Level, Places]) -> F32:
    """Return the picture with pieces copied from the places that were found for its hole."""
    level, places = found
    filled = _copy(rgb, known, wanted, places, level)
    light = cv2.resize(_carry_on_light(level, places), (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.where((wanted & ~known)[..., None], np.clip(filled + light, 0, 255), rgb).astype(np.float32)


def _believed(level: _Level, places: Places, unit: float) -> F32:
    """Return how far pieces are believed: what was brought from far away is another thing, not more of this one.

    unit: the shoulder width at this level.
    """
    height, width = level.known.shape
    far = np.linalg.norm(places - _grid((0, height, 1), (0, width, 1)), axis=2) / unit
    share = np.clip((GUESSED - far) / (GUESSED - TRUSTED), 0, 1).astype(np.float32)
    # Never more than a pixel's own share, however its neighbours fare: a scrap's rim is no part of theirs.
    reach = 2 * round(2 * SOFT * unit) + 1
    least = cv2.erode(share, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    believed: F32 = np.minimum(cv2.GaussianBlur(least, (0, 0), SOFT * unit), share)
    return believed


def _levels(shape: tuple[int, ...], size: float) -> list[tuple[int, int]]:
    scales, scale = [], COARSE / size
    while scale * size <= FINE and scale < 1.0:
        scales.append(scale)
        scale *= 2
    scales = scales or [min(1.0, COARSE / size)]
    return [(max(16, round(shape[0] * scale)), max(16, round(shape[1] * scale))) for scale in scales]


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The picture at one size. hole: to be filled. source: middles of wholly known patches."""

    rgb: F32
    known: Bool
    hole: Bool
    source: Bool

    @classmethod
    def reduce(cls, rgb: F32, known: Bool, wanted: Bool, shape: tuple[int, int]) -> _Level:
        size = shape[::-1]
        share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(rgb * known[..., None], size, interpolation=cv2.INTER_AREA)
        inside = share > 0.5
        small = np.where(inside[..., None], total / np.maximum(share, 1e-3)[..., None], np.float32(0))
        hole = (cv2.resize(wanted.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0) & ~inside
        window = np.ones((2 * REACH + 1,) * 2, np.uint8)
        source = cv2.erode(inside.astype(np.uint8), window, borderValue=0) > 0
        return cls(small.astype(np.float32), inside, hole, source)


def _lay_patches(level: _Level) -> Places:
    """Return, `(h, w, 2)`, the known (row, column) that each pixel of the hole is copied from; itself elsewhere."""
    height, width = level.known.shape
    side, pad = 2 * REACH + 1, REACH
    places = _grid((0, height, 1), (0, width, 1))
    middles = np.argwhere(level.source)
    if not len(middles) or not level.hole.any():
        return places
    picture = cv2.copyMakeBorder(level.rgb, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    sure = np.pad(level.known, pad).astype(np.float32)
    todo = np.pad(level.hole, pad)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side), axis=(0, 1))
    table = windows[middles[:, 0], middles[:, 1]].transpose(0, 2, 3, 1).reshape(len(middles), -1)
    squares = (table**2).reshape(len(middles), -1, 3).sum(axis=2)
    while todo.any():
        y, x = _next(picture, sure, todo)
        cut = np.s_[y - pad : y + pad + 1, x - pad : x + pad + 1]
        have = (sure[cut] > 0).astype(np.float32)
        patch = (picture[cut] * have[..., None]).reshape(-1)
        cost = squares @ have.reshape(-1) - 2 * (table @ patch)
        gone = middles - (y - pad, x - pad)
        cost += np.float32(3 * have.sum() * (FAR / COARSE) ** 2) * (gone**2).sum(axis=1)
        best = middles[int(np.argmin(cost))]
        new = todo[cut].copy()
        rows, columns = np.nonzero(new)
        picture[cut][new] = table[int(np.argmin(cost))].reshape(side, side, 3)[new]
        places[y - 2 * pad + rows, x - 2 * pad + columns] = best + np.stack([rows, columns], -1) - pad
        sure[cut][new] = 0.9 * max(float(sure[cut].mean()), 1e-3)
        todo[cut][new] = False
    return places


def _grid(rows: tuple[int, int, int], columns: tuple[int, int, int]) -> Places:
    """Return (row, column) of every place of a grid, each axis given as (start, stop, step)."""
    y, x = np.meshgrid(np.arange(*rows), np.arange(*columns), indexing="ij")
    places: Places = np.stack([y, x], axis=-1).astype(np.intp)
    return places


def _next(picture: F32, sure: F32, todo: Bool) -> tuple[int, int]:
    """Return the hole's border pixel to be filled next: where much is known about it and an edge runs into it."""
    have = (sure > 0).astype(np.float32)
    front = todo & (cv2.dilate(have.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    if not front.any():
        front = todo
    mean = cv2.boxFilter(sure, -1, (2 * REACH + 1,) * 2)
    grey = cv2.boxFilter(picture.mean(axis=2) * have, -1, (3, 3)) / np.maximum(cv2.boxFilter(have, -1, (3, 3)), 1e-3)
    solid = cv2.erode(have, np.ones((3, 3), np.uint8))
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0) * solid, cv2.Sobel(grey, cv2.CV_32F, 0, 1) * solid
    strongest = cv2.dilate(np.hypot(across, down), np.ones((2 * REACH + 1,) * 2, np.uint8)) / np.float32(4 * 255)
    worth = np.where(front, mean * (FLAT_EDGE + strongest), -1.0)
    y, x = np.unravel_index(int(np.argmax(worth)), worth.shape)
    return int(y), int(x)


def _enlarge(places: Places, level: _Level) -> Places:
    """Return the places at twice the size: each pixel keeps its way to where it is copied from."""
    height, width = level.known.shape
    grid = _grid((0, height, 1), (0, width, 1))
    ratio = np.array([places.shape[0] / height, places.shape[1] / width])
    parent = np.minimum((grid + 0.5) * ratio, np.array(places.shape[:2]) - 1).astype(np.intp)
    way = places[parent[..., 0], parent[..., 1]] - parent
    moved = np.round(grid + way / ratio).astype(np.intp)
    found: Places = _within(np.where(level.hole[..., None], moved, grid), level)
    return found


def _within(places: Places, level: _Level) -> Places:
    """Return the places moved to the nearest wholly known patch where they are none."""
    height, width = level.known.shape
    clipped = np.clip(places, 0, np.array([height - 1, width - 1]))
    if not level.source.any():
        return clipped
    nearest = _find_nearest(level.source)[1][clipped[..., 0], clipped[..., 1]]
    kept: Places = np.where(level.hole[..., None], nearest, places)
    return kept


def _find_nearest(mask: Bool) -> tuple[F32, Places]:
    """Return how far each pixel lies from a mask that is not empty, and the mask's pixel nearest to it, `(h, w, 2)`."""
    away, labels = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    spots = np.argwhere(mask)
    order = np.zeros(int(labels.max()) + 1, np.intp)
    order[labels[mask]] = np.arange(len(spots))
    return away, spots[order[labels]]


def _better(level: _Level, places: Places) -> Places:
    """Return better places: each pixel of the hole tries its neighbours' ways and steps about its own."""
    at = np.argwhere(level.hole)
    if not len(at) or not level.source.any():
        return places
    height, width = level.known.shape
    offsets = _grid((-2, 3, 2), (-2, 3, 2)).reshape(-1, 2)
    picture = level.rgb[places[..., 0], places[..., 1]]
    usable = level.known | level.hole
    best, cost = places[at[:, 0], at[:, 1]], np.full(len(at), np.inf)
    steps = [(dy, dx) for step in (1, 4) for dy, dx in ((0, step), (step, 0), (0, -step), (-step, 0))]
    tried = [best]
    for dy, dx in steps:
        near = np.clip(at + np.array([dy, dx]), 0, (height - 1, width - 1))
        tried.append(places[near[:, 0], near[:, 1]] - (near - at))
    tried += [best + step for step in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    for candidate in tried:
        spot = np.clip(candidate, 0, (height - 1, width - 1))
        total = _differ(level, picture, usable, (at, spot, offsets))
        total[~level.source[spot[:, 0], spot[:, 1]]] = np.inf
        nearer = total < CLEARLY * cost
        best = np.where(nearer[:, None], spot, best)
        cost = np.where(nearer, total, cost)
    bettered = places.copy()
    bettered[at[:, 0], at[:, 1]] = best
    return bettered


def _differ(level: _Level, picture: F32, usable: Bool, which: tuple[Places, Places, Places]) -> F64:
    """Return how far patches about pixels of the hole differ from those about their places."""
    at, spot, offsets = which
    height, width = level.known.shape
    total, weight = np.zeros(len(at)), np.full(len(at), 1e-6)
    for offset in offsets:
        own = np.clip(at + offset, 0, (height - 1, width - 1))
        other = np.clip(spot + offset, 0, (height - 1, width - 1))
        counted = usable[own[:, 0], own[:, 1]] * np.where(level.known[own[:, 0], own[:, 1]], 2.0, 1.0)
        step = picture[own[:, 0], own[:, 1]] - level.rgb[other[:, 0], other[:, 1]]
        total += counted * (step**2).sum(axis=1)
        weight += counted
    apart: F64 = total / weight
    return apart


def _carry_on_light(level: _Level, places: Places) -> F32:
    """Return what brings the copied pieces to the light of what they join, fading out into the hole."""
    height, width = level.known.shape
    if not level.hole.any():
        return np.zeros_like(level.rgb)
    away, beside = _find_nearest(level.hole)
    ring = level.known & (away <= RING)
    if not ring.any():
        return np.zeros_like(level.rgb)
    at, nearest = np.argwhere(ring), beside[ring]
    other = np.clip(at + places[nearest[:, 0], nearest[:, 1]] - nearest, 0, (height - 1, width - 1))
    seen = level.known[other[:, 0], other[:, 1]]
    step = np.zeros_like(level.rgb)
    differs = level.rgb[at[:, 0], at[:, 1]] - level.rgb[other[:, 0], other[:, 1]]
    seen &= np.abs(differs).max(axis=1) < MOST_STEP  # what differs by more is another thing, not another light
    step[at[seen, 0], at[seen, 1]] = differs[seen]
    weight = np.zeros((height, width), np.float32)
    weight[at[seen, 0], at[seen, 1]] = 1.0
    inside = cv2.distanceTransform(level.hole.astype(np.uint8), cv2.DIST_L2, 5)
    carried: F32 = spread_colours(step, cv2.GaussianBlur(weight, (0, 0), 1.0) * weight)
    carried = cv2.GaussianBlur(carried, (0, 0), float(RING))
    faded: F32 = (carried * np.exp(-inside / (LIGHT * FINE))[..., None]).astype(np.float32)
    return faded


def _copy(rgb: F32, known: Bool, wanted: Bool, places: Places, level: _Level) -> F32:
    """Return the picture with its hole copied from where the level's places say; seams between them are blended."""
    at = np.argwhere(wanted & ~known)
    ratio = np.array([level.known.shape[0] / rgb.shape[0], level.known.shape[1] / rgb.shape[1]])
    spot = (at + 0.5) * ratio - 0.5
    first = np.floor(spot).astype(np.intp)
    share = spot - first
    total, weight = np.zeros((len(at), 3), np.float32), np.full(len(at), 1e-6, np.float32)
    for dy in (0, 1):
        for dx in (0, 1):
            cell = np.clip(first + np.array([dy, dx]), 0, np.array(level.known.shape) - 1)
            inside = level.hole[cell[:, 0], cell[:, 1]]
            way = (places[cell[:, 0], cell[:, 1]] - cell) / ratio
            other = np.clip(np.round(at + way).astype(np.intp), 0, np.array(rgb.shape[:2]) - 1)
            part = np.abs(1 - dy - share[:, 0]) * np.abs(1 - dx - share[:, 1])
            part = (part * inside * known[other[:, 0], other[:, 1]]).astype(np.float32)
            total += rgb[other[:, 0], other[:, 1]] * part[:, None]
            weight += part
    filled = rgb.copy()
    seen = weight > 1e-3
    filled[at[seen, 0], at[seen, 1]] = total[seen] / weight[seen, None]
    return filled
