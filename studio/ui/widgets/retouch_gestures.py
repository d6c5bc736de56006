"""What a press on the retouching canvas begins, and how it ends: a stroke, an area, the wand, a dragged point."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from studio.domain.edits import Edit, MaskFill, MaskStroke, ParseStroke, Points, StrokeMode, StrokeShape
from studio.jobs.retouch import mask_target
from studio.jobs.retouch_layers import MaskLayer, ParseLayer
from studio.ui.widgets import retouch_overlays as overlays
from studio.ui.widgets.retouch_tools import LARGEST_LABEL, TOLERANCE_PER_PIXEL

if TYPE_CHECKING:
    from studio.ui.widgets.mask_canvas import RetouchCanvas

LASSO_STEP = 3.0
"""Logical pixels between two points of a lasso."""
FEWEST_CORNERS = 3


class Gesture(Protocol):
    """One gesture; it tells the canvas when it is complete."""

    def begin(self, canvas: RetouchCanvas) -> None: ...
    def press(self, canvas: RetouchCanvas, at: QPointF) -> None: ...
    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None: ...
    def release(self, canvas: RetouchCanvas, at: QPointF) -> None: ...
    def abort(self, canvas: RetouchCanvas) -> None: ...
    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None: ...


def _rounded(at: QPointF) -> tuple[float, float]:
    return round(at.x(), 2), round(at.y(), 2)


class Stroke:
    """A brush or eraser stroke, painted as it is drawn; on a parse map the eraser paints the background."""

    def __init__(self, erases: bool, start: QPointF | None) -> None:
        self._erases = erases
        self._start = start  # Shift: a straight line from where the last stroke ended
        self._points: list[tuple[float, float]] = []
        self._pressures: list[float] = []
        self._edit: MaskStroke | ParseStroke | None = None

    def begin(self, canvas: RetouchCanvas) -> None:
        held, session = canvas.state.held, canvas.session
        layer = canvas.raster
        assert session is not None
        if isinstance(layer, MaskLayer):
            mode = StrokeMode.SUBTRACT if self._erases else StrokeMode.ADD
            target = mask_target(session.spec.layer)
            self._edit = MaskStroke((), mode, held.radius, held.hardness, held.strength, target=target)
            layer.begin(self._edit)
        elif isinstance(layer, ParseLayer):
            label = 0 if self._erases else held.label
            locked = tuple(sorted(held.locked - {label}))
            self._edit = ParseStroke((), label, min(held.radius, LARGEST_LABEL), locked=locked)
            layer.begin(self._edit)
        if self._start is not None:
            self._add(canvas, self._start)

    def press(self, canvas: RetouchCanvas, at: QPointF) -> None:
        self._add(canvas, canvas.to_pixel(at))

    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None:
        if is_down:
            self._add(canvas, canvas.to_pixel(at))

    def release(self, canvas: RetouchCanvas, at: QPointF) -> None:
        layer = canvas.raster
        canvas.end_gesture(canvas.to_pixel(at))
        delta = layer.finish() if layer is not None else None
        if delta is not None and self._edit is not None:
            canvas.painted.emit(self._finished(self._edit), delta)

    def abort(self, canvas: RetouchCanvas) -> None:
        if canvas.raster is not None:
            dirty = canvas.raster.cancel()
            if dirty is not None:
                canvas.refresh(dirty)

    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None:
        """Nothing: the stroke is on the layer itself."""

    def _add(self, canvas: RetouchCanvas, pixel: QPointF) -> None:
        point = _rounded(pixel)
        if self._points and self._points[-1] == point:
            return
        pressure = round(canvas.pressure, 3)
        self._points.append(point)
        self._pressures.append(pressure)
        dirty = canvas.raster.extend(*point, pressure) if canvas.raster is not None else None
        if dirty is not None:
            canvas.refresh(dirty)

    def _finished(self, edit: MaskStroke | ParseStroke) -> Edit:
        points: Points = tuple(self._points)
        if isinstance(edit, ParseStroke) or all(pressure == 1.0 for pressure in self._pressures):
            return replace(edit, points=points)
        return replace(edit, points=points, pressures=tuple(self._pressures))


class RefineStroke:
    """The hair brush: only marked while it is drawn; edges under it are solved when it ends."""

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []

    def begin(self, canvas: RetouchCanvas) -> None:
        """Nothing yet."""

    def press(self, canvas: RetouchCanvas, at: QPointF) -> None:
        self.drag(canvas, at, is_down=True)

    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None:
        point = _rounded(canvas.to_pixel(at))
        if is_down and (not self._points or self._points[-1] != point):
            self._points.append(point)
            canvas.update()

    def release(self, canvas: RetouchCanvas, at: QPointF) -> None:
        held, session = canvas.state.held, canvas.session
        canvas.end_gesture()
        if session is not None and isinstance(canvas.raster, MaskLayer):
            stroke = MaskStroke(
                tuple(self._points),
                StrokeMode.REFINE,
                held.radius,
                held.hardness,
                target=mask_target(session.spec.layer),
            )
            canvas.wanted.emit(stroke, False)

    def abort(self, canvas: RetouchCanvas) -> None:
        """Nothing was changed."""

    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None:
        path = [canvas.to_widget(QPointF(*point)) for point in self._points]
        overlays.paint_marker(painter, path, 2 * canvas.state.held.radius * canvas.view.zoom)


class Area:
    """A lasso drawn in one go, or a polygon clicked corner by corner: the area inside is added or taken away."""

    def __init__(self, erases: bool, *, is_lasso: bool) -> None:
        self.is_lasso = is_lasso
        self._erases = erases
        self._corners: list[QPointF] = []  # photo pixels
        self._hover: QPointF | None = None

    def begin(self, canvas: RetouchCanvas) -> None:
        """Nothing yet."""

    def press(self, canvas: RetouchCanvas, at: QPointF) -> None:
        self._corners.append(canvas.to_pixel(at))
        canvas.update()

    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None:
        if not self.is_lasso:
            self._hover = canvas.to_pixel(at)
            canvas.update()
        elif is_down:
            last = canvas.to_widget(self._corners[-1])
            if math.hypot(at.x() - last.x(), at.y() - last.y()) >= LASSO_STEP:
                self.press(canvas, at)

    def release(self, canvas: RetouchCanvas, at: QPointF) -> None:
        if self.is_lasso:
            self.close(canvas)

    def close(self, canvas: RetouchCanvas) -> None:
        """End the area; fewer than three corners are nothing."""
        canvas.end_gesture()
        session, held = canvas.session, canvas.state.held
        points = tuple(dict.fromkeys(_rounded(corner) for corner in self._corners))
        if session is None or len(points) < FEWEST_CORNERS:
            return
        shape = StrokeShape.POLYGON
        if isinstance(canvas.raster, ParseLayer):
            label = 0 if self._erases else held.label
            locked = tuple(sorted(held.locked - {label}))
            canvas.wanted.emit(ParseStroke(points, label, shape=shape, locked=locked), False)
        else:
            mode = StrokeMode.SUBTRACT if self._erases else StrokeMode.ADD
            target = mask_target(session.spec.layer)
            edit = MaskStroke(points, mode, opacity=held.strength, shape=shape, target=target)
            canvas.wanted.emit(edit, False)

    def step_back(self, canvas: RetouchCanvas) -> None:
        """Take the last corner back."""
        self._corners.pop()
        if not self._corners:
            canvas.end_gesture()
        canvas.update()

    def abort(self, canvas: RetouchCanvas) -> None:
        """Nothing was changed."""

    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None:
        corners = [*self._corners, *([self._hover] if self._hover is not None else [])]
        overlays.paint_area(painter, [canvas.to_widget(corner) for corner in corners], erases=self._erases)


class Wand:
    """Takes the region of like colour under the press; dragging sideways changes the tolerance, seen at once."""

    def __init__(self, start: QPointF, erases: bool) -> None:
        self._start = start
        self._erases = erases
        self._tolerance = 0.0

    def begin(self, canvas: RetouchCanvas) -> None:
        self._tolerance = canvas.state.held.tolerance

    def press(self, canvas: RetouchCanvas, at: QPointF) -> None:
        self._want(canvas, is_preview=True)

    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None:
        if is_down:
            before = canvas.state.held.tolerance
            canvas.state.set_tolerance(self._tolerance + (at.x() - self._start.x()) * TOLERANCE_PER_PIXEL)
            if canvas.state.held.tolerance != before:
                self._want(canvas, is_preview=True)

    def release(self, canvas: RetouchCanvas, at: QPointF) -> None:
        canvas.end_gesture()
        self._want(canvas, is_preview=False)

    def abort(self, canvas: RetouchCanvas) -> None:
        canvas.state.set_tolerance(self._tolerance)

    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None:
        overlays.paint_tolerance(painter, self._start, canvas.state.held.tolerance)

    def _want(self, canvas: RetouchCanvas, *, is_preview: bool) -> None:
        session = canvas.session
        if session is None or not isinstance(canvas.raster, MaskLayer):
            return
        mode = StrokeMode.SUBTRACT if self._erases else StrokeMode.ADD
        x, y = _rounded(canvas.to_pixel(self._start))
        fill = MaskFill(x, y, canvas.state.held.tolerance, mode, mask_target(session.spec.layer))
        canvas.wanted.emit(fill, is_preview)


class PointDrag:
    """A joint or landmark on its way; is_new: it was hidden, a press alone puts it here."""

    def __init__(self, name: str, at: QPointF, *, is_new: bool) -> None:
        self.name = name
        self.at = at
        self._is_new = is_new
        self._has_moved = False
        self._grip = QPointF()

    def begin(self, canvas: RetouchCanvas) -> None:
        layer = canvas.points
        point = layer.points.get(self.name) if layer is not None else None
        if point is not None:  # taken beside its middle: it must not jump
            self._grip = QPointF(*point) - self.at
            self.at = QPointF(*point)

    def press(self, canvas: RetouchCanvas, at: QPointF) -> None:
        canvas.update()

    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None:
        if is_down:
            self.at = canvas.to_pixel(at) + self._grip
            self._has_moved = True
            canvas.update()

    def release(self, canvas: RetouchCanvas, at: QPointF) -> None:
        canvas.placing = ""
        canvas.end_gesture()
        canvas.restore_cursor()
        if self._has_moved or self._is_new:
            canvas.moved.emit(self.name, _rounded(self.at))

    def abort(self, canvas: RetouchCanvas) -> None:
        """It stays where it was."""

    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None:
        """Nothing: the canvas draws all points, this one where it is dragged to."""
