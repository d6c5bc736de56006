"""The retouching canvas: shows a layer over its photo, paints strokes as they are drawn, hands finished edits on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
)
from PySide6.QtWidgets import QWidget

from studio.domain.edits import Points
from studio.domain.geometry import Box
from studio.jobs.retouch import RetouchSession
from studio.jobs.retouch_layers import Delta, MaskLayer, PointsLayer, RasterLayer
from studio.jobs.retouch_view import Lens, Rgb, Screen, Show
from studio.ui.theme import current_tokens
from studio.ui.widgets import retouch_overlays as overlays
from studio.ui.widgets.retouch_gestures import Area, Gesture, PointDrag, RefineStroke, Stroke, Wand
from studio.ui.widgets.retouch_object import ObjectPick
from studio.ui.widgets.retouch_tools import Tool, ToolState
from studio.ui.widgets.viewport import View, Viewport

GRAB = 12
"""How near, in logical pixels, the pointer must come to a point to take it."""
HALF_PIXEL = QPointF(0.5, 0.5)
"""Edits count pixel centres as integers, the view counts pixel corners."""


class RetouchCanvas(Viewport):
    """A canvas over a `RetouchSession`.

    painted: a brush stroke ended: (edit, delta), already shown. wanted: an edit that takes computing: (edit, whether it
    is only a preview). moved: a point was put somewhere: (name, (x, y) or None = hidden). asked: what object to find, a
    tuple of `Prompt`. pointed: picture pixel under the pointer. chosen: the name of the selected point, "" for none.
    """

    painted = Signal(object, object)
    wanted = Signal(object, bool)
    moved = Signal(str, object)
    asked = Signal(object)
    pointed = Signal(int, int)
    chosen = Signal(str)

    def __init__(self, state: ToolState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.session: RetouchSession | None = None
        self.is_locked = False
        self.selected = ""
        self.placing = ""
        self._screen: Screen | None = None
        self._is_outdated = True
        self._gesture: Gesture | None = None
        self._pointer: QPointF | None = None
        self._last_end: QPointF | None = None
        self._pressure = 1.0
        self._gesture_tool = state.held.tool
        self.erases = False
        state.changed.connect(self._on_state)
        self.view_changed.connect(self._outdate)

    # -- showing -----------------------------------------------------------------------------------------------------

    def set_session(self, session: RetouchSession | None) -> None:
        """Show another layer; one of the same picture size keeps zoom and place."""
        self.abort()
        self.session = session
        self.selected, self.placing = "", ""
        self._last_end = None
        if session is None:
            self._screen = None
        else:
            size = session.layer.photo.size
            self._screen = Screen(session.layer.overlay, size)
            self.set_picture_size(QSize(*size))
        self._outdate()
        self.restore_cursor()

    def set_view(self, view: View) -> None:
        super().set_view(view)
        self._is_outdated = True

    def refresh(self, box: Box) -> None:
        """Compose again where the layer changed; only that part is repainted."""
        if self._screen is None:
            return
        if self._is_outdated:
            self._screen.overlay.refresh(box)
            self.update()
            return
        place = self._screen.update(box)
        ratio = self.devicePixelRatioF()
        self.update(
            QRectF(place.x0 / ratio, place.y0 / ratio, place.width / ratio, place.height / ratio).toAlignedRect()
        )

    def show_preview(self, delta: Delta | None) -> None:
        """Show what the wand would take, in place of what it showed before; None = nothing."""
        if self.raster is not None:
            for box in self.raster.show_preview(delta):
                self.refresh(box)

    @property
    def preview(self) -> Delta | None:
        """What the wand shows but has not taken."""
        return self.raster.preview if self.raster is not None else None

    @property
    def raster(self) -> RasterLayer | None:
        """The layer if it is one of pixels."""
        return self.session.layer if self.session and isinstance(self.session.layer, RasterLayer) else None

    @property
    def points(self) -> PointsLayer | None:
        """The layer if it is one of points."""
        return self.session.layer if self.session and isinstance(self.session.layer, PointsLayer) else None

    @property
    def is_drawing(self) -> bool:
        """True while a stroke, an area or a drag is unfinished."""
        return self._gesture is not None

    def abort(self) -> bool:
        """Take an unfinished gesture back; False where there was none."""
        self.show_preview(None)
        gesture, self._gesture = self._gesture, None
        self.placing = ""
        if gesture is not None:
            gesture.abort(self)
        self.update()
        return gesture is not None

    def choose(self, name: str) -> None:
        """Select a point; a hidden one is placed by the next press."""
        if self.points is None:
            return
        self.selected = name
        self.placing = name if name and self.points.points.get(name) is None else ""
        self.restore_cursor()
        self.update()

    def _lens(self) -> Lens:
        ratio = self.devicePixelRatioF()
        return Lens(
            self.view.zoom * ratio,
            self.view.x * ratio,
            self.view.y * ratio,
            max(1, round(self.width() * ratio)),
            max(1, round(self.height() * ratio)),
        )

    def _show_values(self) -> Show:
        held, colours = self.state.held, current_tokens()
        is_edit = self.session is not None and self.session.spec.layer.slot == "tryon"
        return Show(
            held.mode,
            held.is_layer_shown,
            held.opacity,
            _rgb(colours.canvas),
            _rgb(colours.accent if is_edit else colours.bad),
            held.label,
        )

    def _outdate(self, view: object = None) -> None:
        del view
        self._is_outdated = True
        self.update()

    def _on_state(self) -> None:
        if self._gesture is not None and self.state.held.tool is not self._gesture_tool:
            self.abort()
        if self._screen is not None and self._show_values() != self._screen.show:
            self._is_outdated = True
        self.restore_cursor()
        self.update()

    def paint_content(self, painter: QPainter, dirty: QRect) -> None:
        if self._screen is None or self.session is None:
            return
        if self._is_outdated:
            self._screen.look(self._lens(), self._show_values())
            self._is_outdated = False
        pixels, ratio = self._screen.pixels, self.devicePixelRatioF()
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBX8888)
        source = QRectF(dirty.x() * ratio, dirty.y() * ratio, dirty.width() * ratio, dirty.height() * ratio)
        painter.drawImage(QRectF(dirty), image, source)
        if self.points is not None and self.state.held.is_layer_shown:
            overlays.paint_points(painter, self.view, self.points, self.selected, self._dragged())
        if self._gesture is not None:
            self._gesture.paint(painter, self)
        if self._shows_ring and self._pointer is not None:
            overlays.paint_ring(painter, self._pointer, self.ring_radius * self.view.zoom)

    def _dragged(self) -> tuple[str, QPointF] | None:
        gesture = self._gesture
        return (gesture.name, gesture.at) if isinstance(gesture, PointDrag) else None

    # -- the pointer -------------------------------------------------------------------------------------------------

    @property
    def ring_radius(self) -> float:
        """The brush's radius under the pen's present pressure, in pixels of the photo."""
        return self.state.held.radius * self._pressure

    @property
    def _shows_ring(self) -> bool:
        return self.raster is not None and self.state.held.tool.is_brush and not self.is_panning

    def to_pixel(self, position: QPointF) -> QPointF:
        """Return the photo pixel, centre at integers, under a point of the widget."""
        return self.view.to_picture(position) - HALF_PIXEL

    def to_widget(self, pixel: QPointF) -> QPointF:
        """Return the point of the widget over a photo pixel."""
        return self.view.to_screen(pixel + HALF_PIXEL)

    def restore_cursor(self) -> None:
        if self._space_held:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self.is_locked:
            self.setCursor(Qt.CursorShape.BusyCursor)
        elif self._shows_ring:
            small = self.state.held.radius * self.view.zoom < 3
            self.setCursor(Qt.CursorShape.CrossCursor if small else Qt.CursorShape.BlankCursor)
        elif self.points is not None and not self.placing:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        else:
            self.setCursor(Qt.CursorShape.CrossCursor)

    def _move_pointer(self, position: QPointF | None) -> None:
        if self._shows_ring:
            for at in (self._pointer, position):
                if at is not None:
                    reach = self.state.held.radius * self.view.zoom + 3
                    self.update(QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach).toAlignedRect())
        self._pointer = position
        if position is not None:
            pixel = self.view.to_picture(position)
            self.pointed.emit(int(pixel.x() // 1), int(pixel.y() // 1))

    # -- gestures ----------------------------------------------------------------------------------------------------

    def _start(self, event: QMouseEvent) -> Gesture | None:
        """Return what a press begins, by tool, button and Alt."""
        held, erases = self.state.held, self.erases
        right = event.button() == Qt.MouseButton.RightButton
        at = event.position()
        if self.points is not None:
            name = self.placing or overlays.point_at(self.view, self.points, at, GRAB)
            if not name or right:
                self._select("")
                return None
            self._select(name)
            return PointDrag(name, self.to_pixel(at), is_new=bool(self.placing))
        if self.raster is None:
            return None
        if held.tool in (Tool.LASSO, Tool.POLYGON):
            return Area(erases, is_lasso=held.tool is Tool.LASSO)
        if held.tool is Tool.WAND:
            return Wand(at, erases)
        if held.tool is Tool.OBJECT:
            return ObjectPick() if isinstance(self.raster, MaskLayer) else None
        if held.tool is Tool.REFINE:
            return RefineStroke()
        joined = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        return Stroke(erases, self._last_end if joined else None)

    def show_object(self, rings: tuple[Points, ...]) -> None:
        """Show the outline of what was found under the clicks."""
        if isinstance(self._gesture, ObjectPick):
            self._gesture.rings = rings
            self.update()

    def take_object(self, *, subtracts: bool) -> None:
        """Add what was found to the mask, or take it away from it."""
        if isinstance(self._gesture, ObjectPick):
            self._gesture.close(self, subtracts=subtracts)

    def _select(self, name: str) -> None:
        if name != self.selected:
            self.selected = name
            self.chosen.emit(name)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        paints = event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)
        if self.is_panning or not paints or self.is_locked or self.session is None:
            return
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        right = event.button() == Qt.MouseButton.RightButton
        self.erases = right or alt or self.state.held.tool is Tool.ERASER
        if self._gesture is None:
            self._gesture_tool = self.state.held.tool
            self._gesture = self._start(event)
            if self._gesture is None:
                return
            self._gesture.begin(self)
        self._gesture.press(self, event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self._gesture is not None and not self.is_panning:
            self._gesture.drag(self, event.position(), bool(event.buttons()))
        self._move_pointer(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        panned = self.is_panning
        super().mouseReleaseEvent(event)
        if self._gesture is not None and not panned:
            self._gesture.release(self, event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if isinstance(self._gesture, Area) and not self._gesture.is_lasso:
            self._gesture.close(self)
        else:
            self.mousePressEvent(event)

    def end_gesture(self, end: QPointF | None = None) -> None:
        """A gesture is complete; called by it."""
        self._gesture = None
        self._last_end = end
        self.update()

    def tabletEvent(self, event: QTabletEvent) -> None:
        """Note the pen's pressure; the pen's movements arrive as mouse events right after."""
        pen = event.pointerType() == QPointingDevice.PointerType.Pen
        has_pressure = bool(event.pointingDevice().capabilities() & QInputDevice.Capability.Pressure)
        use = pen and has_pressure and self.state.held.uses_pressure and event.buttons() != Qt.MouseButton.NoButton
        self._pressure = min(max(event.pressure(), 0.05), 1.0) if use else 1.0
        event.ignore()

    @property
    def pressure(self) -> float:
        """Of the pen, in (0, 1]; 1 for a mouse."""
        return self._pressure

    # -- keys and the rest -------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Keep Esc, Return and Backspace for an unfinished gesture, before any menu takes them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace)
            if self.is_drawing and event.key() in keys:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.abort()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(self._gesture, ObjectPick):
            self.take_object(subtracts=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif isinstance(self._gesture, Area) and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._gesture.close(self)
        elif isinstance(self._gesture, Area | ObjectPick) and key == Qt.Key.Key_Backspace:
            self._gesture.step_back(self)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._move_pointer(None)
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._outdate()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._outdate()
        super().changeEvent(event)

    def nudge(self, delta: QPoint) -> None:
        """Move the selected point by whole pixels of the photo."""
        layer = self.points
        at = layer.points.get(self.selected) if layer is not None else None
        if at is not None and not self.is_locked:
            self.moved.emit(self.selected, (at[0] + delta.x(), at[1] + delta.y()))


def _rgb(name: str) -> Rgb:
    colour = QColor(name)
    return colour.red(), colour.green(), colour.blue()
