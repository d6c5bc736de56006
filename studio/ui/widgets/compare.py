"""Two pictures in one canvas with a slider between them, and canvases that move together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from studio.ui.theme import current_tokens
from studio.ui.widgets.viewport import Pyramid, View, Viewport

GRIP = 14
KEY_STEP = 0.02


class PicturePane(Viewport):
    """One picture, zoomed and panned."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pyramid: Pyramid | None = None
        self.caption = ""

    @property
    def has_picture(self) -> bool:
        return self._pyramid is not None

    def set_pyramid(self, pyramid: Pyramid | None, caption: str = "") -> None:
        """Show another picture; one of the same size keeps zoom and place."""
        self._pyramid = pyramid
        self.caption = caption
        if pyramid is not None:
            self.set_picture_size(pyramid.size)
        self.update()

    def paint_content(self, painter: QPainter, dirty: QRect) -> None:
        if self._pyramid is not None:
            self._pyramid.paint(painter, self.view, QRectF(dirty), self.devicePixelRatioF())
        paint_caption(painter, self.caption, self.rect(), Qt.AlignmentFlag.AlignLeft)


class SliderPane(PicturePane):
    """Before on the left of a line, after on its right; drag the line, or move it with the arrow keys."""

    moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._after: Pyramid | None = None
        self.after_caption = ""
        self.share = 0.5
        self._is_dragging = False

    def set_pictures(self, before: Pyramid | None, after: Pyramid | None, captions: tuple[str, str]) -> None:
        """Show another pair of equally large pictures."""
        self._after = after
        self.after_caption = captions[1]
        self.set_pyramid(before, captions[0])

    def set_share(self, share: float) -> None:
        """Put the line at this share of the width."""
        self.share = min(max(share, 0.0), 1.0)
        self.update()
        self.moved.emit(self.share)

    def paint_content(self, painter: QPainter, dirty: QRect) -> None:
        line = self.share * self.width()
        left = QRectF(dirty).intersected(QRectF(0, 0, line, self.height()))
        right = QRectF(dirty).intersected(QRectF(line, 0, self.width() - line, self.height()))
        ratio = self.devicePixelRatioF()
        for pyramid, part in ((self._pyramid, left), (self._after, right)):
            if pyramid is not None and not part.isEmpty():
                painter.save()
                painter.setClipRect(part)
                pyramid.paint(painter, self.view, part, ratio)
                painter.restore()
        self._paint_line(painter, line)
        paint_caption(painter, self.caption, self.rect(), Qt.AlignmentFlag.AlignLeft)
        paint_caption(painter, self.after_caption, self.rect(), Qt.AlignmentFlag.AlignRight)

    def _paint_line(self, painter: QPainter, line: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(0, 0, 0, 120), 3))
        painter.drawLine(QPointF(line, 0), QPointF(line, self.height()))
        painter.setPen(QPen(QColor(255, 255, 255), 1))
        painter.drawLine(QPointF(line, 0), QPointF(line, self.height()))
        painter.setBrush(QColor(255, 255, 255))
        painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
        painter.drawEllipse(QPointF(line, self.height() / 2), GRIP, GRIP)
        painter.setPen(QPen(QColor(60, 60, 60), 2))
        for side in (-1, 1):
            tip = QPointF(line + side * 8, self.height() / 2)
            painter.drawLine(tip, tip + QPointF(-side * 4, -4))
            painter.drawLine(tip, tip + QPointF(-side * 4, 4))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        near = abs(event.position().x() - self.share * self.width()) <= GRIP
        if near and event.button() == Qt.MouseButton.LeftButton and not self.is_panning:
            self._is_dragging = True
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_dragging:
            self.set_share(event.position().x() / max(1, self.width()))
            return
        near = abs(event.position().x() - self.share * self.width()) <= GRIP
        if near and not self.is_panning:
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            self.restore_cursor()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._is_dragging = False
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -KEY_STEP, Qt.Key.Key_Right: KEY_STEP}
        step = steps.get(Qt.Key(event.key()))
        if step is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.set_share(self.share + step)
            return
        super().keyPressEvent(event)


class LinkedViews(QObject):
    """Keeps the views of several panes equal; a frozen pane stays where it is."""

    def __init__(self, panes: Sequence[PicturePane], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panes = tuple(panes)
        self.frozen: set[PicturePane] = set()
        for pane in self._panes:
            pane.view_changed.connect(self._follow)

    def _follow(self, view: View) -> None:
        source = self.sender()
        if source in self.frozen or not (isinstance(source, PicturePane) and source.isVisible()):
            return  # a hidden pane fits its picture into a size that nobody sees
        for pane in self._panes:
            if pane is not source and pane not in self.frozen:
                pane.set_view(view)


def paint_caption(painter: QPainter, text: str, room: QRect, side: Qt.AlignmentFlag) -> None:
    """Write a caption into an upper corner on a plate that can be read over any picture."""
    if not text:
        return
    metrics = painter.fontMetrics()
    width, height = metrics.horizontalAdvance(text) + 16, metrics.height() + 8
    x = room.left() + 10 if side == Qt.AlignmentFlag.AlignLeft else room.right() - width - 9
    plate = QRectF(x, room.top() + 10, width, height)
    colours = current_tokens()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.raised))
    painter.drawRoundedRect(plate, 5, 5)
    painter.setPen(QColor(colours.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
