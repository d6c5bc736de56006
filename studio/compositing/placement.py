"""From a look's native pixels to a background's: where it stands, what lies under the pointer, where the ground is.

Pixel centres are integers, as in `Framing`; matrices are float64 `(2, 3)`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from studio.domain.arrays import F32, F64
from studio.domain.errors import CompositingError
from studio.domain.geometry import Box, Placement
from studio.domain.keys import Note

_SOLID = 0.5
_FEET_SHARE = 0.04
"""Lowest share of the person's height that counts as feet when the anchor's x is sought."""
_EDGE_PX = 3
"""A person whose solid pixels end this near to the photo's border was cut by it."""
_CUT_SHARE = 0.12
"""... over at least this share of the person's width: a shoe that touches the frame is not a cut."""
_SOFT = 0.02
"""Alpha from which hair's fringe can be told from the background in a delivered file."""
_SOFT_REACH = 0.03
"""Share of the person's longer side by which that fringe may reach past the solid outline: farther out are specks."""
_HIT = 0.1


@dataclass(frozen=True, slots=True)
class Stand:
    """How a look stands in its own pixels.

    size: (width, height). box: the solid person. soft: with the fringe of hair around it. anchor: (x, y), middle of
    the lowest edge. cut_below: the photo's lower border cuts the person, so there are no feet to stand on.
    """

    size: tuple[int, int]
    box: Box
    soft: Box
    anchor: tuple[float, float]
    cut_below: bool


def measure_stand(alpha: F32) -> Stand:
    """Measure a look by its alpha.

    Raises:
        CompositingError: nothing of the person is visible.
    """
    height, width = alpha.shape
    solid = alpha >= _SOLID
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if rows.size == 0:
        raise CompositingError("compositing.empty_look")
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    feet = solid[box.y1 - max(1, round(box.height * _FEET_SHARE)) : box.y1].any(axis=0)
    touching = np.flatnonzero(feet)
    lowest = solid[box.y1 - 1]
    cut = box.y1 >= height - _EDGE_PX and int(lowest.sum()) >= _CUT_SHARE * box.width
    anchor = ((touching[0] + touching[-1]) / 2.0, box.y1 - 0.5)
    return Stand((width, height), box, _soft_box(alpha, box), anchor, bool(cut))


def _soft_box(alpha: F32, box: Box) -> Box:
    reach = round(_SOFT_REACH * max(box.width, box.height))
    near = Box(
        max(0, box.x0 - reach),
        max(0, box.y0 - reach),
        min(alpha.shape[1], box.x1 + reach),
        min(alpha.shape[0], box.y1 + reach),
    )
    soft = alpha[near.slices] >= _SOFT
    rows, columns = np.flatnonzero(soft.any(axis=1)), np.flatnonzero(soft.any(axis=0))
    return Box(
        near.x0 + int(columns[0]), near.y0 + int(rows[0]), near.x0 + int(columns[-1]) + 1, near.y0 + int(rows[-1]) + 1
    )


def placement_matrix(stand: Stand, placement: Placement, background: tuple[int, int]) -> F64:
    """Return the transform from look pixels to background pixels.

    Args:
        background: (width, height) of the background.
    """
    scale = placement.scale * background[1] / stand.box.height
    angle = np.deg2rad(placement.rotation_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.diag([-1.0 if placement.flip else 1.0, 1.0])
    linear = scale * turn @ mirror
    target = np.array([placement.x * background[0] - 0.5, placement.y * background[1] - 0.5])
    return np.hstack([linear, (target - linear @ np.array(stand.anchor))[:, None]])


def invert(matrix: F64) -> F64:
    """Return the exact inverse of a `(2, 3)` transform."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.hstack([linear, -linear @ matrix[:, 2:]])


def chain(outer: F64, inner: F64) -> F64:
    """Return the transform that applies `inner`, then `outer`."""
    return np.hstack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]])


def apply(matrix: F64, points: F64) -> F64:
    """Map `(..., 2)` points."""
    mapped: F64 = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def person_outline(stand: Stand, placement: Placement, background: tuple[int, int]) -> F64:
    """Return `(4, 2)` background pixels: the visible person's box, corner by corner (it may be turned)."""
    box = stand.box
    corners = np.array(
        [
            (box.x0 - 0.5, box.y0 - 0.5),
            (box.x1 - 0.5, box.y0 - 0.5),
            (box.x1 - 0.5, box.y1 - 0.5),
            (box.x0 - 0.5, box.y1 - 0.5),
        ]
    )
    return apply(placement_matrix(stand, placement, background), corners)


def ground_line(placement: Placement, background: tuple[int, int]) -> float:
    """Return the background's y (pixels) on which the look stands."""
    return placement.y * background[1] - 0.5


def is_hit(alpha: F32, stand: Stand, placement: Placement, background: tuple[int, int], x: float, y: float) -> bool:
    """Tell whether a point of the background (pixels) lies on the person, not merely in its box."""
    inverse = invert(placement_matrix(stand, placement, background))
    column, row = np.rint(apply(inverse, np.array([x, y]))).astype(int)
    inside = 0 <= column < stand.size[0] and 0 <= row < stand.size[1]
    return bool(inside and alpha[row, column] >= _HIT)


@dataclass(frozen=True, slots=True)
class Settled:
    """A placement as it can be rendered honestly, and what was said about it."""

    placement: Placement
    notes: tuple[Note, ...] = ()


def settle(stand: Stand, placement: Placement) -> Settled:
    """Put a person who was cut by the photo's lower border onto the background's lower edge.

    Cut anywhere else the look would float: there are no feet to stand on, and no shadow can help.
    """
    if not stand.cut_below or placement.y >= 1.0:
        return Settled(placement)
    return Settled(dataclasses.replace(placement, y=1.0), (Note("compositing.cut_below"),))


def drag_to(placement: Placement, background: tuple[int, int], dx: float, dy: float) -> Placement:
    """Return the placement moved by background pixels."""
    return dataclasses.replace(placement, x=placement.x + dx / background[0], y=placement.y + dy / background[1])


def place_native(stand: Stand, background: tuple[int, int], x: float, y: float) -> Placement:
    """Return the placement that shows the look pixel for pixel, its anchor at (x, y) background pixels."""
    return Placement(x=(x + 0.5) / background[0], y=(y + 0.5) / background[1], scale=stand.box.height / background[1])
