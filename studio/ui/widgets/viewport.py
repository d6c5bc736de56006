"""Zoom, pan and the mapping between a picture's pixels and the screen: shared by every canvas of the window."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.ui.theme import current_tokens

ZOOM_STEP = 1.25
LARGEST_ZOOM = 32.0
FIT_MARGIN = 16
_PYRAMID_FLOOR = 512  # no level smaller than this is worth keeping


@dataclass(frozen=True, slots=True)
class View:
    """Where the picture lies on the screen: screen = picture x zoom + offset, in logical pixels."""

    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def to_screen(self, point: QPointF) -> QPointF:
        return QPointF(point.x() * self.zoom + self.x, point.y() * self.zoom + self.y)

    def to_picture(self, point: QPointF) -> QPointF:
        return QPointF((point.x() - self.x) / self.zoom, (point.y() - self.y) / self.zoom)

    def rect_to_screen(self, rect: QRectF) -> QRectF:
        return QRectF(self.to_screen(rect.topLeft()), self.to_screen(rect.bottomRight()))

    def rect_to_picture(self, rect: QRectF) -> QRectF:
        return QRectF(self.to_picture(rect.topLeft()), self.to_picture(rect.bottomRight()))

    def zoomed(self, factor: float, at: QPointF) -> View:
        """Return the view zoomed by a factor with the picture point under `at` staying there."""
        return View(self.zoom * factor, at.x() - (at.x() - self.x) * factor, at.y() - (at.y() - self.y) * factor)


class Pyramid:
    """A picture with its halves: what is painted is never more than twice as large as it is shown.

    Halving a 24-megapixel picture takes longer than a frame: make pyramids off the UI thread.
    """

    def __init__(self, image: QImage) -> None:
        self.levels = [image]
        while min(self.levels[-1].width(), self.levels[-1].height()) > 2 * _PYRAMID_FLOOR:
            last = self.levels[-1]
            self.levels.append(
                last.scaled(
                    QSize(last.width() // 2, last.height() // 2),
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )

    @property
    def size(self) -> QSize:
        return self.levels[0].size()

    def level_for(self, device_zoom: float) -> QImage:
        """Return the smallest level that still has a pixel for each device pixel."""
        level = 0
        while level + 1 < len(self.levels) and device_zoom * 2 ** (level + 1) <= 1.0:
            level += 1
        return self.levels[level]

    def paint(self, painter: QPainter, view: View, target: QRectF, ratio: float) -> None:
        """Paint the part that falls into `target` (logical pixels of the widget)."""
        level = self.level_for(view.zoom * ratio)
        shrunk = level.width() / self.size.width()
        source = view.rect_to_picture(target).intersected(QRectF(QPointF(0, 0), self.size.toSizeF()))
        if source.isEmpty():
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.zoom * ratio < 3)
        scaled = QRectF(source.x() * shrunk, source.y() * shrunk, source.width() * shrunk, source.height() * shrunk)
        painter.drawImage(view.rect_to_screen(source), level, scaled)


class Viewport(QWidget):
    """A widget over a picture: wheel zooms at the pointer, Space or the middle button pans, F4 fits, 1:1 on Ctrl+0.

    view_changed: after every zoom or pan, with the `View`. Subclasses draw in `paint_content`.
    """

    view_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = View()
        self._picture_size = QSize()
        self._is_fitted = True
        self._pan_from: QPoint | None = None
        self._space_held = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 200)

    # -- view --------------------------------------------------------------------------------------------------------

    @property
    def picture_size(self) -> QSize:
        """Size of the picture in its own pixels; empty while there is none."""
        return self._picture_size

    def set_picture_size(self, size: QSize) -> None:
        """Say how large the picture is; another size fits it into the widget again."""
        if size != self._picture_size:
            self._picture_size = size
            self.fit()

    def set_view(self, view: View) -> None:
        """Show the same part as another canvas; no `view_changed` follows."""
        self.view = view
        self._is_fitted = False
        self.update()

    def fit(self) -> None:
        """Show the whole picture, as large as it goes."""
        if self._picture_size.isEmpty():
            return
        room = QSize(max(1, self.width() - 2 * FIT_MARGIN), max(1, self.height() - 2 * FIT_MARGIN))
        zoom = min(room.width() / self._picture_size.width(), room.height() / self._picture_size.height())
        x = (self.width() - self._picture_size.width() * zoom) / 2
        y = (self.height() - self._picture_size.height() * zoom) / 2
        self._show(View(zoom, x, y), fitted=True)

    def show_actual_pixels(self) -> None:
        """One pixel of the picture on one pixel of the screen, about the middle of what is shown."""
        wanted = 1.0 / self.devicePixelRatioF()
        self._show(self.view.zoomed(wanted / self.view.zoom, QRectF(self.rect()).center()))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom about a point of the widget, its middle by default."""
        smallest = min(1.0, 0.25 * min(self.width(), self.height()) / max(1, self._picture_size.height()))
        zoom = min(max(self.view.zoom * factor, smallest), LARGEST_ZOOM)
        self._show(self.view.zoomed(zoom / self.view.zoom, at or QRectF(self.rect()).center()))

    def pan_by(self, delta: QPoint) -> None:
        """Move the picture by logical pixels."""
        self._show(View(self.view.zoom, self.view.x + delta.x(), self.view.y + delta.y()))

    @property
    def is_panning(self) -> bool:
        """True while Space is held or a pan is under way: tools must not act."""
        return self._space_held or self._pan_from is not None

    def _show(self, view: View, *, fitted: bool = False) -> None:
        self.view = view
        self._is_fitted = fitted
        self.update()
        self.view_changed.emit(view)

    # -- painting ----------------------------------------------------------------------------------------------------

    def paint_content(self, painter: QPainter, dirty: QRect) -> None:
        """Draw the picture and what lies over it; `dirty` is in logical pixels of the widget."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(current_tokens().canvas))
        painter.save()
        self.paint_content(painter, event.rect())
        painter.restore()  # a brush left behind by the content would fill the whole canvas below
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(current_tokens().accent))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    # -- events ------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(ZOOM_STEP**steps, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = True
            self.setCursor(Qt.CursorShape.OpenHandCursor)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = False
            self.restore_cursor()
            return
        super().keyReleaseEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        is_middle = event.button() == Qt.MouseButton.MiddleButton
        if is_middle or (self._space_held and event.button() == Qt.MouseButton.LeftButton):
            self._pan_from = event.position().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            here = event.position().toPoint()
            self.pan_by(here - self._pan_from)
            self._pan_from = here

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            self._pan_from = None
            self.restore_cursor()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)

    def restore_cursor(self) -> None:
        """Show the tool's own cursor again; subclasses say which."""
        self.setCursor(Qt.CursorShape.OpenHandCursor if self._space_held else Qt.CursorShape.ArrowCursor)
