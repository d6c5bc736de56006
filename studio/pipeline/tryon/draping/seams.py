"""Where the garment's layers meet on the person: no loose scraps of cloth, no slits between sleeve and trunk.

A product photo says little about cloth that lies close together there; on the person a sleeve and the trunk beside it
either touch or stand clearly apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.planes import window_around
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_coverage
from studio.pipeline.tryon.draping.removal import distance_to

SLIT = 0.014
"""Half the width up to which a gap between sleeve and trunk is a slit, in shoulder widths."""
HOLE = 0.008
"""What trunk and sleeve enclose of less than this, in squared shoulder widths, is no gap between arm and body."""
ARMPIT = 0.2
"""How far about an armpit sleeve and trunk close a slit over the photo's background too, likewise."""
THREAD = 0.014
"""Half the width of a thread that holds no piece of cloth, likewise."""
SCRAP = 0.08
"""A piece of a sleeve smaller than this share of it is a scrap of something else."""
_SOLID, _FAINT = 0.9, 0.05


def tidy_seams(
    maps: tuple[LayerMap, ...], source: ClothSource, removed: F32, size: float, armpits: F64
) -> tuple[LayerMap, ...]:
    """Return the layers without scraps beside the sleeves and without slits between sleeves and trunk.

    removed: where the old garment stood: a gap in which the photo shows its background stays one, but at the new
    garment's `armpits`, `(n, 2)`.
    """
    tidy = [_without_scraps(layer, source, size) if layer.name.endswith("sleeve") else layer for layer in maps]
    sleeves = [sample_coverage(source, layer) for layer in tidy if layer.name.endswith("sleeve")]
    if not sleeves:
        return tuple(tidy)
    closes = (removed > 0.5).astype(np.uint8)
    for x, y in np.round(armpits).astype(int).tolist():
        cv2.circle(closes, (x, y), round(ARMPIT * size), 1, -1)
    return tuple(_closed(layer, source, sleeves, closes, size) if layer.name == "front" else layer for layer in tidy)


def _without_scraps(layer: LayerMap, source: ClothSource, size: float) -> LayerMap:
    """Return a sleeve's layer without pieces that hang on it by a thread, or not at all."""
    window = window_around(layer.weight > 0, 2)
    weight = layer.weight[window]
    # Towards the trunk a sleeve fades out.
    whole = replace(layer, x=layer.x[window], y=layer.y[window], weight=(weight > 0).astype(np.float32))
    cover = (sample_coverage(source, whole) > 0.5).astype(np.uint8)
    radius = max(1, round(THREAD * size))
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(cover, cv2.MORPH_OPEN, _disc(radius)))
    if count < 2:
        return layer
    area = stats[1:, cv2.CC_STAT_AREA]
    core = np.isin(pieces, 1 + np.flatnonzero(area >= SCRAP * area.max()))
    lost = (cover > 0) & (distance_to(core) > 1.5 * radius + 2)
    left = layer.weight.copy()
    left[window] = np.where(_grown(lost, 2) & ~core, np.float32(0.0), weight)
    return replace(layer, weight=left)


def _closed(front: LayerMap, source: ClothSource, sleeves: Sequence[F32], closes: U8, size: float) -> LayerMap:
    """Return the trunk's layer with its cloth going on behind each sleeve across a slit. closes: 1 where it may."""
    trunk = sample_coverage(source, front)
    radius = max(2, round(SLIT * size))
    slits = np.zeros(trunk.shape, bool)
    for sleeve in sleeves:
        # Two soft edges side by side let through what lies behind: that is a slit, too.
        cut = window_around(sleeve > 0.5, 6 * radius + 8)  # all that follows looks no farther
        parts = trunk[cut] > _SOLID, sleeve[cut] > _SOLID
        found = _find_slits(*parts, radius)
        slits[cut] |= found | _find_holes(parts[0] | found, parts[1], HOLE * size**2)
    slits &= closes > 0
    if not slits.any():
        return front
    cut = window_around(slits, 6 * radius + 16)
    window = replace(front, x=front.x[cut].copy(), y=front.y[cut].copy(), weight=front.weight[cut].copy())
    _go_on(window, slits[cut], trunk[cut], np.max([sleeve[cut] for sleeve in sleeves], axis=0) > 0.5, radius)
    planes = [front.x.copy(), front.y.copy(), front.weight.copy()]
    for plane, part in zip(planes, (window.x, window.y, window.weight), strict=True):
        plane[cut] = part
    return replace(front, x=planes[0], y=planes[1], weight=planes[2])


def _go_on(front: LayerMap, slits: Bool, trunk: F32, sleeved: Bool, radius: int) -> None:
    """Continue the trunk's cloth over slits and on behind the sleeve beyond, in place. trunk: its coverage."""
    solid = cv2.erode((trunk > _SOLID).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not solid.any():
        return
    _, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(solid)
    index = np.zeros((int(nearest.max()) + 1, 2), np.intp)
    index[nearest[solid]] = np.stack([rows, columns], -1)
    near = distance_to(slits)
    fill = ((near < 2.5) | ((near < radius) & sleeved)) & ~solid
    owner = index[nearest[fill]]
    # As in a mirror at the cloth's edge: its last pixels drawn out would be streaks.
    mirrored = 2 * owner - np.stack(np.nonzero(fill), -1)
    within = ((mirrored >= 0) & (mirrored < solid.shape)).all(axis=1)
    mirrored = np.where(within[:, None], mirrored, owner)
    owner = np.where(solid[mirrored[:, 0], mirrored[:, 1]][:, None], mirrored, owner)
    front.x[fill], front.y[fill] = front.x[owner[:, 0], owner[:, 1]], front.y[owner[:, 0], owner[:, 1]]
    cloth = slits | (trunk > 0.5) | sleeved
    front.weight[fill] = np.maximum(trunk, cv2.GaussianBlur(cloth.astype(np.float32), (0, 0), 1.0))[fill]
    # Between two places in the garment photo lies more of it: beside the fill nothing may be interpolated.
    front.weight[(distance_to(fill) < 3) & ~fill & (trunk < _FAINT)] = 0.0


def _find_slits(trunk: Bool, sleeve: Bool, radius: int) -> Bool:
    """Return the gaps that go out from where two parts of cloth meet, as far as a disc of this radius cannot enter."""
    both = trunk | sleeve
    reach = distance_to(both)
    closed = distance_to(reach > radius) > radius
    # A fair end: frayed edges would leave ticks where the gap opens.
    inside = cv2.GaussianBlur((closed | both).astype(np.float32), (0, 0), radius / 2) > 0.5
    width = 2 * radius + 1
    gaps = inside & ~both & (distance_to(trunk) < width) & (distance_to(sleeve) < width)
    _, pieces = cv2.connectedComponents(gaps.astype(np.uint8), connectivity=8)
    slits: Bool = np.isin(pieces, np.unique(pieces[_grown(_grown(trunk, 3) & sleeve, 3) & gaps])) & gaps
    return slits


def _find_holes(trunk: Bool, sleeve: Bool, largest: float) -> Bool:
    """Return the small gaps that trunk and sleeve enclose: an arm set to the hip encloses more than these pixels."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((~(trunk | sleeve)).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < largest
    small[0] = False
    for part in (trunk, sleeve):
        beside = np.zeros(count, bool)
        beside[np.unique(pieces[_grown(part, 1)])] = True
        small &= beside
    holes: Bool = small[pieces]
    return holes


def _grown(mask: Bool, radius: int) -> Bool:
    grown: Bool = cv2.dilate(mask.astype(np.uint8), _disc(radius)) > 0
    return grown


def _disc(radius: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(disc, np.uint8)
