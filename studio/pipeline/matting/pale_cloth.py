"""Pale cloth on a pale backdrop: what is a little brighter than the backdrop beside it, and ends with an edge.

A backdrop's brightness changes smoothly: a glow on it fades out. Cloth ends within a few pixels. So cloth is told from
the backdrop at differences far below those at which a colour alone would.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.matting.backdrop import Backdrop, to_lab
from studio.pipeline.matting.colours import spread_colours

_AWAY = 0.03
"""How far from the subject, in shares of the longest side, the backdrop is surely the backdrop."""
_COARSE = 8
"""The backdrop's own light is smooth: it is continued at this many times fewer pixels."""
_LEAST, _NOISES = 1.0, 4.0
"""CIELAB lightness above the backdrop from which a pixel may be cloth, and the same in units of the noise."""
_SEEN = 2.0
"""A piece must be so much brighter than the backdrop: retouchers leave steps of one about people."""
_THIN = 0.0035
"""Half the width, in shares of the longest side, up to which a bright rim is the sharpening's or the matte's."""
_RIM, _BAND = 0.002, 0.006
"""Between which distances from a piece's open outline both sides of it are compared, in shares of the longest side."""
_STEP = 0.7
"""Share of a piece's own brightness that must end at its open outline."""
_OPEN = 0.25
"""Share of its outline that must be open: between legs and arms there is no outline to ask."""
_ALIKE, _ABOUT = 4.0, 0.25
"""A hole in the subject is its cloth if so much of what lies about it differs by no more than this in CIELAB."""
_LEAST_AREA = 0.0002
_FOLD = 0.024
"""Half the widest fold between pale cloth and the rest of the subject, in shares of the longest side."""


def add_pale_cloth(rgb: U8, mask: F32, backdrop: Backdrop) -> F32:
    """Return the mask with the pale cloth added that hangs together with it; on a plain studio backdrop only."""
    solid = mask > 0.5
    if not backdrop.is_studio or not solid.any():
        return mask
    pale: Bool = find_pale_cloth(rgb, solid, backdrop)
    if not pale.any():
        return mask
    _, labels = cv2.connectedComponents((pale | solid).astype(np.uint8), connectivity=8)
    held = np.isin(labels, np.unique(labels[solid]))
    whole: F32 = np.where(pale & held, np.float32(1), mask)
    return whole


def find_pale_cloth(rgb: U8, solid: Bool, backdrop: Backdrop) -> Bool:
    """Return the pieces of pale cloth beside the subject.

    Args:
        rgb: sRGB `(H, W, 3)`.
        solid: what is known of the subject, of the same size.
        backdrop: the backdrop's colours.
    """
    side = max(solid.shape)
    above = compare_lightness(rgb, solid, backdrop)
    if above is None:
        return np.zeros_like(solid)
    lightness, limit = above
    radius = max(1, round(_THIN * side))
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    bright = cv2.morphologyEx(((lightness > limit) & ~solid).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    found = np.zeros_like(solid)
    room = 4 * max(1, round(_BAND * side))
    for number in range(1, count):
        x, y, across, down, area = stats[number].tolist()
        if area < _LEAST_AREA * solid.size:
            continue
        near = np.s_[max(0, y - room) : y + down + room, max(0, x - room) : x + across + room]
        piece = labels[near] == number
        if _ends_as_cloth(piece, solid[near], lightness[near], side):
            found[near] |= piece
    found |= _find_enclosed(rgb, solid, lightness, kernel)
    if not found.any():
        return found
    # Its folds are as dark as shadows: what it and the subject enclose, and is not just the backdrop, is cloth too.
    reach = max(1, round(_FOLD * side))
    enclosed = _closed(found | solid, reach) & _grown(found, 2 * reach) & ~solid
    folds = cv2.morphologyEx((enclosed & (np.abs(lightness) > limit)).astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    whole: Bool = found | (folds & enclosed)
    return whole


def _find_enclosed(rgb: U8, solid: Bool, lightness: F32, kernel: U8) -> Bool:
    """Return the holes in the subject that are no backdrop but the cloth they lie in: they have no outline to ask."""
    found = np.zeros_like(solid)
    count, holes, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    height, width = solid.shape
    for number in range(1, count):
        x, y, across, down, area = stats[number].tolist()
        at_edge = x == 0 or y == 0 or x + across == width or y + down == height
        if at_edge or area < _LEAST_AREA * solid.size:
            continue
        room = 2 * len(kernel)
        near = np.s_[max(0, y - room) : y + down + room, max(0, x - room) : x + across + room]
        hole = holes[near] == number
        if float(np.median(lightness[near][hole])) < _SEEN:
            continue
        own = to_lab(rgb[near])
        middle = np.median(own[hole], axis=0)
        about = cv2.dilate(hole.astype(np.uint8), kernel, iterations=2) > 0
        alike = np.linalg.norm(own[about & ~hole] - middle, axis=1) < _ALIKE
        if alike.mean() > _ABOUT:
            found[near] |= hole
    return found


def compare_lightness(rgb: U8, solid: Bool, backdrop: Backdrop) -> tuple[F32, float] | None:
    """Return how much lighter each pixel is than the backdrop continued there, and from where that says anything."""
    level = to_lab(rgb)[..., 0] - backdrop.lab(solid.shape)[..., 0]
    away = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 5)
    sure = (away > _AWAY * max(solid.shape)) & (np.abs(level) < 4.5)
    for _ in range(2):  # cloth farther from the subject is no backdrop either
        if not sure.any():
            return None
        above = cv2.blur(level - _continued(level, sure), (3, 3))
        limit = max(_LEAST, _NOISES * 1.4826 * float(np.median(np.abs(above[sure]))))
        sure &= ~_grown(above > limit, 2)
    return above.astype(np.float32), limit


def _continued(level: F32, sure: Bool) -> F32:
    """Return the backdrop's own unevenness continued from where it is sure."""
    size = (max(4, level.shape[1] // _COARSE), max(4, level.shape[0] // _COARSE))
    weight = cv2.resize(sure.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize((level * sure).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    values = (total / np.maximum(weight, 1e-3))[..., None]
    own = cv2.GaussianBlur(spread_colours(values, (weight > 0.5).astype(np.float32))[..., 0], (0, 0), 2.0)
    continued: F32 = cv2.resize(own, level.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return continued


def _ends_as_cloth(piece: Bool, solid: Bool, lightness: F32, side: int) -> bool:
    """Tell cloth, which is as bright up to its outline and ends there, from light on the backdrop, which fades."""
    rim, band = max(1, round(_RIM * side)), max(2, round(_BAND * side))
    height = float(np.median(lightness[piece]))
    if height < _SEEN:
        return False
    outline = _grown(piece, 2 * rim) & ~piece
    open_outline = outline & ~_grown(solid, rim)
    if open_outline.sum() < _OPEN * outline.sum():
        return False
    inner = piece & _grown(open_outline, band) & ~_grown(open_outline, rim)
    outer = _grown(piece, band + rim) & ~_grown(piece, 2 * rim) & ~_grown(solid, 2 * rim)
    if not inner.any() or not outer.any():
        return False
    return float(np.median(lightness[inner]) - np.median(lightness[outer])) > _STEP * height


def _closed(mask: Bool, radius: int) -> Bool:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed: Bool = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius] > 0
    return closed


def _grown(mask: Bool, radius: int) -> Bool:
    grown: Bool = cv2.dilate(mask.astype(np.uint8), np.ones((2 * radius + 1,) * 2, np.uint8)) > 0
    return grown
