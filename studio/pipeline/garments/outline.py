"""The parametric outline of a top: one half, mirrored about a tilted axis.

All lengths are in shares of the mask's box height; x grows outwards from the axis, y downwards.
A half outline runs from the collar's centre over collar, shoulder and sleeve to armpit, hem corner and hem centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np

from studio.domain.arrays import F64, Bool


class P(IntEnum):
    """Where each parameter stands in the vector."""

    CENTRE = 0  # x of the axis at y = 0, in picture coordinates
    TILT = 1  # how far the axis moves sideways per unit of y
    COLLAR_X = 2  # half-width of the collar's top
    COLLAR_Y = 3
    NECK_X = 4  # where the shoulder line begins
    NECK_Y = 5
    SHOULDER_X = 6
    SHOULDER_Y = 7
    ARMPIT_X = 8
    ARMPIT_Y = 9
    WAIST_X = 10  # half-width at 40 % of the way from armpit to hem
    HIP_X = 11  # half-width at 75 %
    HEM_X = 12
    HEM_Y = 13
    HEM_CENTRE_Y = 14
    BACK_Y = 15  # top of the silhouette on the axis
    UPPER_ANGLE = 16  # of the upper sleeve: 0 = straight out, pi/2 = straight down
    UPPER_LENGTH = 17
    LOWER_ANGLE = 18
    LOWER_LENGTH = 19
    ELBOW_WIDTH = 20  # half-widths of the sleeve
    CUFF_WIDTH = 21


COUNT = len(P)
WAIST_SHARE, HIP_SHARE = 0.4, 0.75


class SleeveModel(IntEnum):
    """How many segments the sleeve of a hypothesis has."""

    NONE = 0
    ONE = 1
    TWO = 2


@dataclass(frozen=True, slots=True)
class Key:
    """The corner points of half an outline, each `(..., 2)`, in template coordinates."""

    back: F64
    collar: F64
    neck: F64
    shoulder: F64
    outer: tuple[F64, ...]  # down the outer sleeve, cuff last
    inner: tuple[F64, ...]  # back up the inner sleeve, cuff first
    armpit: F64
    waist: F64
    hip: F64
    hem: F64
    hem_centre: F64

    def polyline(self) -> F64:
        """Return the corners in order, `(..., n, 2)`."""
        return np.stack(
            [
                self.back, self.collar, self.neck, self.shoulder, *self.outer, *self.inner,
                self.armpit, self.waist, self.hip, self.hem, self.hem_centre,
            ],
            axis=-2,
        )  # fmt: skip


def corners(p: F64, sleeve: SleeveModel) -> Key:
    """Return the corner points that a parameter vector `(..., COUNT)` means."""
    shoulder = _point(p[..., P.SHOULDER_X], p[..., P.SHOULDER_Y])
    armpit = _point(p[..., P.ARMPIT_X], p[..., P.ARMPIT_Y])
    down = p[..., P.HEM_Y] - p[..., P.ARMPIT_Y]
    outer: tuple[F64, ...] = ()
    inner: tuple[F64, ...] = ()
    if sleeve is not SleeveModel.NONE:
        outer, inner = _sleeve(p, sleeve, (shoulder + armpit) / 2)
    zero = np.zeros_like(down)
    return Key(
        back=_point(zero, p[..., P.BACK_Y]),
        collar=_point(p[..., P.COLLAR_X], p[..., P.COLLAR_Y]),
        neck=_point(p[..., P.NECK_X], p[..., P.NECK_Y]),
        shoulder=shoulder,
        outer=outer,
        inner=inner,
        armpit=armpit,
        waist=_point(p[..., P.WAIST_X], p[..., P.ARMPIT_Y] + WAIST_SHARE * down),
        hip=_point(p[..., P.HIP_X], p[..., P.ARMPIT_Y] + HIP_SHARE * down),
        hem=_point(p[..., P.HEM_X], p[..., P.HEM_Y]),
        hem_centre=_point(zero, p[..., P.HEM_CENTRE_Y]),
    )


def _point(x: F64, y: F64) -> F64:
    # The fit asks for thousands: `np.stack` takes ten times as long.
    point = np.empty((*np.shape(x), 2))
    point[..., 0], point[..., 1] = x, y
    return point


def _turned(direction: F64) -> F64:
    """Return the direction turned towards the sleeve's outer side."""
    return _point(direction[..., 1], -direction[..., 0])


def _sleeve(p: F64, sleeve: SleeveModel, root: F64) -> tuple[tuple[F64, ...], tuple[F64, ...]]:
    upper = _point(np.cos(p[..., P.UPPER_ANGLE]), np.sin(p[..., P.UPPER_ANGLE]))
    lower = _point(np.cos(p[..., P.LOWER_ANGLE]), np.sin(p[..., P.LOWER_ANGLE]))
    cuff_width = p[..., P.CUFF_WIDTH, None]
    elbow = root + upper * p[..., P.UPPER_LENGTH, None]
    if sleeve is SleeveModel.ONE:
        normal = _turned(upper) * cuff_width
        return (elbow + normal,), (elbow - normal,)
    cuff = elbow + lower * p[..., P.LOWER_LENGTH, None]
    bend = upper + lower
    bend = bend / np.maximum(np.hypot(bend[..., 0], bend[..., 1]), 1e-6)[..., None]
    elbow_normal = _turned(bend) * p[..., P.ELBOW_WIDTH, None]
    cuff_normal = _turned(lower) * cuff_width
    return (elbow + elbow_normal, cuff + cuff_normal), (cuff - cuff_normal, elbow - elbow_normal)


_PER_SEGMENT = {
    SleeveModel.NONE: (4, 3, 6, 8, 7, 7, 6, 6),
    SleeveModel.ONE: (4, 3, 6, 8, 6, 6, 7, 7, 6, 6),
    SleeveModel.TWO: (4, 3, 6, 8, 8, 5, 8, 8, 7, 7, 6, 6),
}


@cache
def sampling(sleeve: SleeveModel) -> F64:
    """Return `(samples, corners)`: the matrix that turns corners into evenly spread points of the outline."""
    counts = _PER_SEGMENT[sleeve]
    rows = []
    for segment, count in enumerate(counts):
        for step in range(count):
            row = np.zeros(len(counts) + 1)
            share = (step + 0.5) / count
            row[segment], row[segment + 1] = 1 - share, share
            rows.append(row)
    return np.array(rows)


@cache
def slit_samples(sleeve: SleeveModel) -> Bool:
    """Return which samples lie between sleeve and torso: cuff end, inner edge and flank, down to the hem's corner."""
    counts = _PER_SEGMENT[sleeve]
    cuff = {SleeveModel.NONE: len(counts), SleeveModel.ONE: 4, SleeveModel.TWO: 5}[sleeve]
    flags = [segment > cuff and segment < len(counts) - 1 for segment in range(len(counts))]
    return np.repeat(np.array(flags), counts)


def to_picture(points: F64, p: F64, side: int) -> F64:
    """Map template points `(..., n, 2)` of one side (+1 = the picture's right) to normalised picture coordinates."""
    tilt = p[..., P.TILT, None]
    x = p[..., P.CENTRE, None] + tilt * points[..., 1] + side * points[..., 0]
    y = points[..., 1] - side * tilt * points[..., 0]
    return np.stack([x, y], axis=-1)


def to_template(points: F64, p: F64) -> F64:
    """Map normalised picture points `(n, 2)` to template coordinates, both sides folded onto one (x >= 0)."""
    tilt = p[..., P.TILT, None]
    scale = 1.0 / (1.0 + tilt * tilt)
    x = points[:, 0] - p[..., P.CENTRE, None]
    y = points[:, 1]
    along = (y + tilt * x) * scale
    outward = (x - tilt * y) * scale
    return np.stack([np.abs(outward), along], axis=-1)
