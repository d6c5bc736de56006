"""Brush strokes on 8-bit masks, fast enough to follow a pen: precomputed stamps, work inside the dirty box only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from studio.domain.arrays import U8
from studio.domain.edits import MaskRegion, MaskStroke, Points, StrokeMode, StrokeShape
from studio.domain.geometry import Box

_SPACING = 0.12
"""Distance between stamps in radii: closer ones change the edge by less than one grey level in twenty."""
_LEAST_SPACING = 0.5
_SUBPIXEL_BELOW = 16.0
"""Brushes smaller than this are stamped at quarter pixels, larger ones at whole pixels."""
_SUBSTEPS = 4
_PRESSURE_STEPS = 32
"""A pen's pressure is rounded to so many radii, so that stamps can be reused."""
_POLYGON_SHIFT = 4


@lru_cache(maxsize=64)
def brush_stamp(radius: float, hardness: float, dx: float = 0.0, dy: float = 0.0) -> U8:
    """Return the coverage of one stamp, uint8, odd and square; the centre is off by (dx, dy) pixels.

    Full inside `hardness * radius`, falling in a smooth step to 0 at `radius`; always one pixel of antialiasing.
    """
    half = max(1, math.ceil(radius + 1))
    y, x = np.ogrid[-half : half + 1, -half : half + 1]
    distance = np.hypot(x.astype(np.float32) - np.float32(dx), y.astype(np.float32) - np.float32(dy))
    inner = min(hardness * radius, radius - 0.5)
    fall = max(radius + 0.5 - inner, 1.0)
    t = np.clip((np.float32(radius + 0.5) - distance) / np.float32(fall), 0.0, 1.0)
    stamp: U8 = np.rint(255 * t * t * (3 - 2 * t)).astype(np.uint8)
    stamp.setflags(write=False)
    return stamp


class StrokePainter:
    """Paints one stroke on a mask in place, point by point, and says which box changed.

    The mask under a stroke is `base` blended by the stroke's coverage so far: passing twice over a place does not
    paint it twice. `StrokePainter` over a stroke's points and `paint_stroke` give the same bytes.
    """

    def __init__(self, mask: U8, mode: StrokeMode, radius: float, hardness: float = 0.8, opacity: float = 1.0) -> None:
        self._mask = mask
        self._mode, self._opacity = mode, opacity
        self._radius, self._hardness = max(radius, 0.5), hardness
        self._base = _LazyCopy(mask)
        self.coverage: U8 = np.zeros(mask.shape, np.uint8)
        self._last: tuple[float, float, float] | None = None
        self._carry = 0.0

    def extend(self, x: float, y: float, pressure: float = 1.0) -> Box | None:
        """Draw the stroke on to a point; return the box that changed, or None where none did.

        Args:
            pressure: share of the radius that the stroke has there; it changes evenly on the way.
        """
        dirty: Box | None = None
        for px, py, share in self._dabs(x, y, pressure):
            dirty = _join(dirty, self._stamp(px, py, share))
        if dirty is not None:
            self._blend(dirty)
        return dirty

    def restore(self) -> None:
        """Take the unfinished stroke back."""
        self._base.restore(self._mask)

    def _dabs(self, x: float, y: float, pressure: float) -> list[tuple[float, float, float]]:
        if self._last is None:
            self._last = (x, y, pressure)
            return [(x, y, pressure)]
        x0, y0, pressure0 = self._last
        length = math.hypot(x - x0, y - y0)
        spacing = max(self._radius * min(pressure, pressure0) * _SPACING, _LEAST_SPACING)
        dabs = []
        along = max(spacing - self._carry, 0.0)
        while along <= length:
            share = along / length
            dabs.append(
                (x0 + (x - x0) * along / length, y0 + (y - y0) * along / length, _mixed(pressure0, pressure, share))
            )
            along += spacing
        self._carry = length - (along - spacing)
        self._last = (x, y, pressure)
        return dabs

    def _stamp(self, x: float, y: float, pressure: float) -> Box | None:
        cx, cy = round(x), round(y)
        dx = dy = 0.0
        radius = self._radius
        if pressure < 1.0:
            radius = max(radius * math.ceil(pressure * _PRESSURE_STEPS) / _PRESSURE_STEPS, 0.5)
        if radius < _SUBPIXEL_BELOW:
            dx, dy = (round((v - c) * _SUBSTEPS) / _SUBSTEPS for v, c in ((x, cx), (y, cy)))
        stamp = brush_stamp(radius, self._hardness, dx, dy)
        half = stamp.shape[0] // 2
        height, width = self._mask.shape
        box = Box(max(0, cx - half), max(0, cy - half), min(width, cx + half + 1), min(height, cy + half + 1))
        if box.width <= 0 or box.height <= 0:
            return None
        part = stamp[box.y0 - cy + half : box.y1 - cy + half, box.x0 - cx + half : box.x1 - cx + half]
        view = self.coverage[box.slices]
        np.maximum(view, part, out=view)
        return box

    def _blend(self, box: Box) -> None:
        before = self._base.part(self._mask, box)
        cover = self.coverage[box.slices]
        scale = self._opacity / 255.0
        if self._mode is StrokeMode.ADD:
            self._mask[box.slices] = cv2.add(before, cv2.multiply(cv2.bitwise_not(before), cover, scale=scale))
        elif self._mode is StrokeMode.SUBTRACT:
            self._mask[box.slices] = cv2.subtract(before, cv2.multiply(before, cover, scale=scale))


class _LazyCopy:
    """The mask as it was before the stroke, copied tile by tile as the stroke reaches it."""

    _TILE = 512

    def __init__(self, mask: U8) -> None:
        self._copy = np.empty_like(mask)
        self._rows = -(-mask.shape[0] // self._TILE)
        self._columns = -(-mask.shape[1] // self._TILE)
        self._known = np.zeros((self._rows, self._columns), dtype=bool)

    def part(self, mask: U8, box: Box) -> U8:
        """Return the box as it was; `mask` must not have been changed there before the first call."""
        for row in range(box.y0 // self._TILE, -(-box.y1 // self._TILE)):
            for column in range(box.x0 // self._TILE, -(-box.x1 // self._TILE)):
                if not self._known[row, column]:
                    self._known[row, column] = True
                    tile = self._slices(row, column)
                    self._copy[tile] = mask[tile]
        return np.ascontiguousarray(self._copy[box.slices])

    def restore(self, mask: U8) -> None:
        """Put every copied tile back."""
        for row, column in np.argwhere(self._known):
            tile = self._slices(int(row), int(column))
            mask[tile] = self._copy[tile]

    def _slices(self, row: int, column: int) -> tuple[slice, slice]:
        y, x = row * self._TILE, column * self._TILE
        return slice(y, y + self._TILE), slice(x, x + self._TILE)


def _join(first: Box | None, second: Box | None) -> Box | None:
    if first is None or second is None:
        return first or second
    return Box(min(first.x0, second.x0), min(first.y0, second.y0), max(first.x1, second.x1), max(first.y1, second.y1))


def stroke_coverage(stroke: MaskStroke, size: tuple[int, int]) -> tuple[U8, Box] | None:
    """Return a stroke's coverage, uint8 inside its box, without its opacity; None where it misses the picture.

    Args:
        size: (width, height) of the mask.
    """
    reach = stroke.radius + 2 if stroke.shape is StrokeShape.BRUSH else 2.0
    box = bound_points(stroke.points, reach, size)
    if box is None:
        return None
    if stroke.shape is StrokeShape.POLYGON:
        return _fill_polygon(stroke.points, box), box
    painter = StrokePainter(
        np.zeros((box.height, box.width), np.uint8), StrokeMode.REFINE, stroke.radius, stroke.hardness
    )
    for x, y, pressure in pressed_points(stroke):
        painter.extend(x - box.x0, y - box.y0, pressure)
    return painter.coverage, box


def region_coverage(region: MaskRegion, size: tuple[int, int]) -> tuple[U8, Box] | None:
    """Return what lies inside a region's rings, as `stroke_coverage` does for a stroke."""
    box = bound_points(tuple(point for ring in region.rings for point in ring), 2.0, size)
    if box is None:
        return None
    area = np.zeros((box.height, box.width), np.uint8)
    shift = 2**_POLYGON_SHIFT
    rings = [np.rint((np.array(ring) - (box.x0, box.y0)) * shift).astype(np.int32) for ring in region.rings]
    cv2.fillPoly(area, rings, 255, lineType=cv2.LINE_AA, shift=_POLYGON_SHIFT)
    return area, box


def pressed_points(stroke: MaskStroke) -> Iterator[tuple[float, float, float]]:
    """Yield a brush stroke's points with the pressure at each."""
    for number, (x, y) in enumerate(stroke.points):
        yield x, y, stroke.pressures[number] if number < len(stroke.pressures) else 1.0


def _mixed(first: float, second: float, share: float) -> float:
    return first if first == second else first + (second - first) * share


def bound_points(points: Points, reach: float, size: tuple[int, int]) -> Box | None:
    """Return the pixels within reach of points in a picture of `(width, height)`, or None where there are none."""
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = Box(
        max(0, math.floor(min(xs) - reach)),
        max(0, math.floor(min(ys) - reach)),
        min(size[0], math.ceil(max(xs) + reach) + 1),
        min(size[1], math.ceil(max(ys) + reach) + 1),
    )
    return box if box.width > 0 and box.height > 0 else None


def _fill_polygon(points: Points, box: Box) -> U8:
    area = np.zeros((box.height, box.width), np.uint8)
    corners = (np.array(points) - (box.x0, box.y0)) * 2**_POLYGON_SHIFT
    cv2.fillPoly(area, [np.rint(corners).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=_POLYGON_SHIFT)
    return area


def paint_stroke(mask: U8, stroke: MaskStroke) -> Box | None:
    """Apply an adding or subtracting stroke to a mask in place; return the box that changed."""
    size = (mask.shape[1], mask.shape[0])
    if stroke.shape is StrokeShape.BRUSH:
        painter = StrokePainter(mask, stroke.mode, stroke.radius, stroke.hardness, stroke.opacity)
        dirty: Box | None = None
        for x, y, pressure in pressed_points(stroke):
            dirty = _join(dirty, painter.extend(x, y, pressure))
        return dirty
    found = stroke_coverage(stroke, size)
    if found is None:
        return None
    cover, box = found
    before = np.ascontiguousarray(mask[box.slices])
    scale = stroke.opacity / 255.0
    if stroke.mode is StrokeMode.ADD:
        mask[box.slices] = cv2.add(before, cv2.multiply(cv2.bitwise_not(before), cover, scale=scale))
    elif stroke.mode is StrokeMode.SUBTRACT:
        mask[box.slices] = cv2.subtract(before, cv2.multiply(before, cover, scale=scale))
    return box
