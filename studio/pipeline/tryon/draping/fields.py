"""Where every working pixel lies on the body: computed once, read by layers and plates."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32
from studio.pipeline.tryon.draping.body import Arm, Body

COARSE = 4
"""The trunk's coordinates are smooth: every fourth pixel is computed, the others interpolated."""
TURNS_IN, SOFT_PX = ((0.35, 1.0), (0.35, 0.0)), 1.5
"""How far off the trunk an arm behind the back is seen, in shoulder widths, over its place; its edge's softness."""


@dataclass(frozen=True, slots=True, eq=False)
class BodyFields:
    """Coordinates of the working raster. lateral, depth: on the trunk, see `Body.locate`.

    along, across: on the picture's left and right arm; along 0 shoulder .. 2 wrist, across -1..1 is the bare arm.
    """

    lateral: F32
    depth: F32
    along: tuple[F32, F32]
    across: tuple[F32, F32]

    @property
    def shape(self) -> tuple[int, int]:
        return self.lateral.shape[0], self.lateral.shape[1]


def measure_fields(body: Body, shape: tuple[int, int]) -> BodyFields:
    """Return the fields for a raster of `shape`, (rows, columns)."""
    rows, columns = -(-shape[0] // COARSE), -(-shape[1] // COARSE)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    points = (np.stack([x, y], -1) + 0.5) * COARSE - 0.5
    lateral, depth = body.locate(points.reshape(-1, 2))
    planes = []
    for plane in (lateral, depth):
        coarse = plane.reshape(rows, columns).astype(np.float32)
        size = (columns * COARSE, rows * COARSE)
        planes.append(
            np.ascontiguousarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]])
        )
    left, right = (locate_on_arm(arm, body, side, shape) for arm, side in zip(body.arms, (-1, 1), strict=True))
    return BodyFields(planes[0], planes[1], (left[0], right[0]), (left[1], right[1]))


def before_back(body: Body, fields: BodyFields, number: int) -> F32:
    """Return where a hidden arm, or a sleeve on it, is still seen: its top, and down to the elbow beside the trunk."""
    lateral = fields.lateral * (-1 if number == 0 else 1)
    half = body.half_width(fields.depth, -1 if number == 0 else 1)
    along = fields.along[number]
    beside = np.clip((lateral / half - 0.94) / 0.06, 0.0, 1.0) * np.clip((1.05 - along) / 0.1, 0.0, 1.0)
    # It comes in behind the trunk with a slant; it does not end in the air.
    stands_off = np.interp(along, *TURNS_IN) * body.size - (lateral - half)
    beside = beside * np.clip(stands_off / SOFT_PX + 0.5, 0.0, 1.0)
    seen: F32 = np.maximum(beside, np.clip((0.5 - along) / 0.08, 0.0, 1.0)).astype(np.float32)
    return seen


def locate_on_arm(arm: Arm, body: Body, side: int, shape: tuple[int, int]) -> tuple[F32, F32]:
    """Return, for each pixel, its place along the arm (0 shoulder .. 2 wrist) and across it (-1..1 is the arm)."""
    grid_x = np.arange(shape[1], dtype=np.float32)[None]
    grid_y = np.arange(shape[0], dtype=np.float32)[:, None]
    found = []
    for segment in (0, 1):
        start, step = arm.points[segment], arm.points[segment + 1] - arm.points[segment]
        length = max(float(np.hypot(*step)), 1e-6)
        ux, uy = np.float32(step[0] / length), np.float32(step[1] / length)
        x, y = grid_x - np.float32(start[0]), grid_y - np.float32(start[1])
        forward = (x * ux + y * uy) / np.float32(length)
        sideways = y * ux - x * uy
        clipped = np.clip(forward, 0.0, 1.0)
        gap = sideways**2 + ((forward - clipped) * np.float32(length)) ** 2
        found.append((gap, clipped + np.float32(segment), sideways))
    nearer = found[1][0] < found[0][0]
    along = np.where(nearer, found[1][1], found[0][1])
    across = np.where(nearer, found[1][2], found[0][2])
    table = body.arm_half(np.linspace(0, 2, 201), side).astype(np.float32)
    half = table[np.clip(along * 100, 0, 200).astype(np.intp)]
    return along, across / np.maximum(half, np.float32(1.0))
