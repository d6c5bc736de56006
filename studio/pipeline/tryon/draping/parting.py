"""Which part of a garment owns which pixel of its product photo: the mesh says so, the photo's gaps know better.

A sleeve that lies beside the flank shares no outline with the mesh to the pixel: strips of the one would come along
with the other. Each strip goes to the part it hangs on, the backdrop to the part it is nearest to, and a seam inside
the cloth is a smooth line.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.tryon.draping.raster import SOURCE_SIDE, ClothSource, LayerMap

HAZE_REACH = 0.03
"""How near both sleeve and flank are where what lies between them is a shaded gap, in sides of the source raster."""
RIM = 2
"""Reduced pixels around the cloth that hold its soft edge."""
SLIVER = 0.08
"""A piece of a part smaller than this share of its largest one belongs to its neighbour."""
STRIP = 6
"""Half-width, in reduced pixels, of a strip that hangs on by a thread where a gap closes."""
SEAM_BLUR, SEAM_STEEP = 2.0, 2.0
"""Blur and steepness of the border between two parts: it is sampled larger than it is drawn."""

Owner = npt.NDArray[np.int32]


def part_cloth(layers: tuple[LayerMap, ...], source: ClothSource) -> tuple[LayerMap, ...]:
    """Return the layers with every pixel of the cloth owned by the part it hangs on."""
    size = (layers[0].source.shape[1], layers[0].source.shape[0])
    coverage = cv2.resize(source.alpha, size, interpolation=cv2.INTER_AREA)
    solid = coverage > 0.5
    if not solid.any():
        return layers
    parts = [layer for layer in layers if layer.name != "inner"]
    inside = sum((layer.source for layer in layers if layer.name == "inner"), np.zeros_like(coverage))
    trunk = np.maximum(parts[0].source, inside) > 0.5
    sleeves = [layer.source > 0.5 for layer in parts[1:]]
    owner = _first_owners(trunk, sleeves)
    sides = [0, *(-1 if layer.name.startswith("left") else 1 for layer in parts[1:])]
    owner = _nearest(_give_strips_back(np.where(solid, owner, -1), sides), solid)
    open_to = (~_find_haze(owner, solid, len(parts))).astype(np.float32)
    masks = {parts[0].name: _smooth_seam(owner == 0) * (1 - inside) * open_to}
    for number, (layer, cloth) in enumerate(zip(parts[1:], sleeves, strict=True), start=1):
        masks[layer.name] = _smooth_seam((owner == number) | (cloth & trunk & (owner == 0))) * open_to
    return tuple(
        replace(layer, source=masks[layer.name].astype(np.float32)) if layer.name in masks else layer
        for layer in layers
    )


def _first_owners(trunk: Bool, sleeves: list[Bool]) -> Owner:
    """Return 0 for the trunk, 1 and on for the sleeves, by the mesh; what a sleeve only overlaps is the trunk's."""
    owner = np.zeros(trunk.shape, np.int32)
    for number, cloth in enumerate(sleeves, start=1):
        owner[cloth & ~trunk] = number
    return owner


def _give_strips_back(owner: Owner, sides: list[int]) -> Owner:
    """Return the owners with slivers and strips of a part given to the part they hang on.

    owner: -1 where there is no cloth. sides: where each part lies, -1 left of the trunk, 1 right, 0 the trunk itself.
    """
    kept = np.full(owner.shape, -1, np.int32)
    for number, side in enumerate(sides):
        kept[_core(owner == number, side)] = number
    lost = ((owner >= 0) & (kept < 0)).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(lost, connectivity=8)
    given = np.where(kept >= 0, kept, owner)
    for piece in range(1, count):
        x, y, across, down = stats[piece, :4]
        window = np.s_[max(0, y - 2) : y + down + 2, max(0, x - 2) : x + across + 2]
        own = pieces[window] == piece
        around = (cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~own
        beside = kept[window][around]
        beside = beside[beside >= 0]
        if beside.size:
            given[window][own] = np.bincount(beside).argmax()
    return given


def _core(own: Bool, side: int) -> Bool:
    """Return a part without its slivers, and a sleeve without the strips that lie on its inner side."""
    plane = own.astype(np.uint8)
    if side:
        plane = cv2.morphologyEx(plane, cv2.MORPH_OPEN, _disc(STRIP))
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(plane)
    if count > 2:
        area = stats[1:, cv2.CC_STAT_AREA]
        plane[np.isin(pieces, 1 + np.flatnonzero(area < SLIVER * area.max()))] = 0
    if not plane.any():
        return own
    if not side:
        return own & (plane > 0)
    core = own & (cv2.dilate(plane, _disc(STRIP - 2)) > 0)
    outward = core if side < 0 else core[:, ::-1]
    inner = np.logical_or.accumulate(outward, axis=1)  # a slim sleeve has nothing of itself farther out
    kept: Bool = core | (own & ~(inner if side < 0 else inner[:, ::-1]))
    return kept


def _nearest(owner: Owner, solid: Bool) -> Owner:
    """Return the owners with the backdrop given to the part that is nearest."""
    known = solid & (owner >= 0)
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(nearest.max()) + 1, np.int32)
    table[nearest[known]] = owner[known]
    owners: Owner = table[nearest]
    return owners


def _find_haze(owner: Owner, solid: Bool, count: int) -> Bool:
    """Return the backdrop in a shaded gap between sleeve and flank, which a cut-out holds half for cloth."""
    near = [
        cv2.distanceTransform((~(solid & (owner == number))).astype(np.uint8), cv2.DIST_L2, 3)
        <= HAZE_REACH * SOURCE_SIDE
        for number in range(count)
    ]
    rim = cv2.dilate(solid.astype(np.uint8), _disc(RIM)) > 0
    haze: Bool = np.zeros_like(solid)
    for sleeve in near[1:]:
        haze |= near[0] & sleeve & ~rim
    return haze


def _smooth_seam(own: Bool) -> F32:
    blurred = cv2.GaussianBlur(own.astype(np.float32), (0, 0), SEAM_BLUR)
    seam: F32 = np.clip((blurred - 0.5) * np.float32(SEAM_STEEP) + 0.5, 0.0, 1.0)
    return seam


def _disc(radius: int) -> U8:
    disc: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return disc
