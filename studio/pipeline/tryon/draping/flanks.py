"""Cloth goes round the trunk: below the armpits no garment's side may lie inside the body that it is worn on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F64, Bool
from studio.domain.artefacts import Garment
from studio.pipeline.garments.template import ARMHOLE_ROWS
from studio.pipeline.tryon.draping.body import Body

BODY_EASE = 1.02
"""No garment lies tighter in the picture than this over the body."""
ROWS = 64
SLOPE, CALM = 0.2, 0.03
"""How fast cloth that is pushed out comes back, and over what length that is rounded, in shoulder widths."""
ROUNDED = 0.4
"""A hem that comes in by this share of its height at the sides is cut round: that much is not tight, but not there."""
SETS_IN = 0.3
"""Over which length above the armpits the chest follows what is pushed below them, in shoulder widths."""


def hold_on_trunk(garment: Garment, vertices: F64, body: Body, torso: Bool) -> F64:
    """Return the vertices with the torso's flanks on or outside the body's.

    Relaxed cloth keeps its cut and so hangs straighter than a body stands: where one of its flanks lies inside the
    body's, the trunk pushes the whole row over, and what the row is too narrow for widens it.

    torso: the vertices of trunk and collar.
    """
    mesh = garment.mesh
    lateral, depth = body.locate(vertices)
    edges = [_flank(garment, torso, side) for side in (-1, 1)]
    armpit = min(float(depth[edge[ARMHOLE_ROWS]]) for edge in edges)
    last = max(float(depth[edge].max()) for edge in edges)
    if last <= armpit:
        return vertices
    rows = np.linspace(armpit - SETS_IN * body.size, last, ROWS)
    room = []
    for edge, side in zip(edges, (-1, 1), strict=True):
        down = np.maximum.accumulate(depth[edge]) + np.arange(len(edge)) * 1e-6
        held = body.half_width(np.maximum(rows, armpit), side) * BODY_EASE
        room.append(np.interp(rows, down, lateral[edge] * side) - held)
    step, calm = float(rows[1] - rows[0]), CALM * body.size
    sets_in = np.clip((rows - rows[0]) / (SETS_IN * body.size), 0.0, 1.0)
    pushed = _hang(_balance(room[0], room[1]), step, calm)
    shift = np.interp(depth, rows, pushed * sets_in)
    flat = np.abs(mesh.across) ** 2  # the flat of the chest keeps its print
    for place, side in enumerate((-1, 1)):
        wider = _hang(np.maximum(-(room[place] + side * pushed), 0.0), step, calm)
        own = mesh.across * side > 0
        shift[own] += side * (np.interp(depth, rows, wider * sets_in) * flat)[own]
    moved: F64 = vertices + np.where(torso, shift, 0.0)[:, None] * body.across(depth)
    return moved


def _balance(left: F64, right: F64) -> F64:
    """Return, per row, how far the trunk pushes it to the picture's right: no farther than its other side has room.

    left, right: how far the cloth lies outside the body; negative where it lies inside.
    """
    short_left, short_right = np.maximum(-left, 0.0), np.maximum(-right, 0.0)
    pushed: F64 = np.minimum(short_right, np.maximum(left, 0.0)) - np.minimum(short_left, np.maximum(right, 0.0))
    return pushed


def _hang(values: F64, step: float, calm: float) -> F64:
    """Return values that fall off along the rows no faster than cloth bends, nowhere less than they were."""
    if len(values) < 2:
        return values
    rows = np.arange(len(values)) * step
    reach = SLOPE * np.abs(rows[:, None] - rows[None])
    up, down = ((np.maximum(sign * values, 0.0)[None] - reach).max(axis=1).clip(0.0) for sign in (1, -1))
    hanging: F64 = gaussian_filter1d(up - down, calm / step, mode="nearest")
    return hanging


def _flank(garment: Garment, torso: Bool, side: int) -> npt.NDArray[np.intp]:
    """Return the vertices of one edge of the torso, from the shoulder's tip to the hem or a round hem's beginning."""
    mesh = garment.mesh
    edge = np.flatnonzero(torso & (mesh.part == mesh.part_names.index("torso")) & (np.abs(mesh.across - side) < 1e-3))
    edge = edge[np.argsort(mesh.along[edge])]
    outline = mesh.vertices[edge].astype(np.float64)
    comes_in = (outline[:, 0] - outline[-1, 0]) * side
    rounded = comes_in > ROUNDED * np.maximum(outline[-1, 1] - outline[:, 1], 1e-6)
    rounded[: 2 * len(edge) // 3] = False
    return edge[: rounded.argmax() + 1] if rounded[:-1].any() else edge
