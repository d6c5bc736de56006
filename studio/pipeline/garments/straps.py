"""Thin straps: too narrow for the outline's template to find its shoulders by, yet it is they that hang there."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.pipeline.garments.fitting import Fit
from studio.pipeline.garments.outline import P, to_picture

_THIN = 0.03
"""Straps are narrower than twice this; this and what follows in shares of the square root of the garment's area."""
_LEAST_LENGTH = 0.1
"""Length of a strap: shorter ones are loops and hooks."""
_HIGHEST = 0.06
"""How far below the garment's top a strap may end."""
_OFF_AXIS, _EVEN = 0.06, 0.12
"""How far off the axis straps are at the least, and how unequally far at the most: a hanger's hook is on it."""
_INNER, _POINTS = 0.8, 17
"""Where the neck begins on a strap's end, over the shoulder's tip; points of the line between the straps."""
_AS_WIDE = 0.02
"""Half-width to which straps are thickened for the fit."""


def thicken_straps(alpha: F32) -> F32:
    """Return a garment's alpha with two thin straps made as wide as a vest's; the same where there are none.

    For fitting only: what is cloth stays what the alpha given says.
    """
    solid = (alpha >= 0.5).astype(np.uint8)
    size = float(np.sqrt(solid.sum()))
    trunk = cv2.morphologyEx(solid, cv2.MORPH_OPEN, _disc(max(2, round(_THIN * size))))
    if not trunk.any():
        return alpha
    near_trunk = cv2.dilate(trunk, _disc(max(1, round(0.2 * _THIN * size))))
    thin = cv2.morphologyEx(solid & (1 - near_trunk), cv2.MORPH_OPEN, np.ones((3, 1), np.uint8))
    count, pieces, stats, centres = cv2.connectedComponentsWithStats(thin)
    top, middle = int(np.flatnonzero(solid.any(axis=1))[0]), float(np.nonzero(trunk)[1].mean())
    offsets: dict[int, float] = {}
    for number in range(1, count):
        y, width, height = (int(stats[number, place]) for place in (1, 2, 3))
        hangs = height > _LEAST_LENGTH * size and y - top < _HIGHEST * size and width < 1.2 * height
        reaches = trunk[min(y + height + round(_THIN * size), len(trunk) - 1)].any()
        if hangs and reaches and abs(centres[number][0] - middle) > _OFF_AXIS * size:
            offsets[number] = float(centres[number][0]) - middle
    left, right = ([abs(value) for value in offsets.values() if value * side > 0] for side in (-1, 1))
    if not left or not right or abs(np.mean(left) - np.mean(right)) > _EVEN * size:
        return alpha
    straps = np.isin(pieces, list(offsets)).astype(np.uint8)
    wide = cv2.dilate(straps, np.ones((1, 2 * max(1, round(_AS_WIDE * size)) + 1), np.uint8))
    shown = np.maximum(wide, trunk)
    last = int(np.flatnonzero(straps.any(axis=1))[-1])
    thick = alpha.copy()
    for row in range(int(np.flatnonzero(straps.any(axis=1))[0]), last + round(_THIN * size)):
        columns = np.flatnonzero(shown[min(row, last)] | (solid[row] & (row > last)))
        if columns.size:
            thick[row, columns[0] : columns[-1] + 1] = 1.0
    return thick


def hang_on_straps(fit: Fit) -> Fit:
    """Return the fit of a thickened outline with shoulders where the straps end: nothing stands above them."""

    def hung(p: F64) -> F64:
        q = p.copy()
        q[P.NECK_Y], q[P.SHOULDER_Y] = p[P.COLLAR_Y], p[P.COLLAR_Y] + 0.004
        q[P.SHOULDER_X] = max(p[P.COLLAR_X], 0.9 * p[P.NECK_X]) + 0.002
        q[P.NECK_X] = q[P.COLLAR_X] = _INNER * q[P.SHOULDER_X]
        return q

    sides = None if fit.sides is None else (hung(fit.sides[0]), hung(fit.sides[1]))
    return replace(fit, params=hung(fit.params), sides=sides)


def strap_line(fit: Fit) -> F64:
    """Return the line between the straps' upper ends, normalised: no inside of a back shows above it."""
    p = fit.params
    ends = [to_picture(np.array([[p[P.NECK_X], p[P.NECK_Y]]]), p, side)[0] for side in (-1, 1)]
    line: F64 = np.linspace(ends[0], ends[1], _POINTS)
    return line


def _disc(radius: int) -> U8:
    kernel: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)
    return kernel
