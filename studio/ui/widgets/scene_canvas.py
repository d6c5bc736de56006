"""The background with looks as objects: drag, scale, rotate; the rendered preview replaces the sprites in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPolygonF,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from studio.domain.arrays import U8
from studio.domain.geometry import Placement
from studio.ui.theme import current_tokens
from studio.ui.widgets.viewport import Pyramid, Viewport

if TYPE_CHECKING:
    from studio.jobs.composer import Composer

HANDLE = 5.0
NUDGE, NUDGE_FAR = 0.001, 0.01
SCALE_STEP = 1.02
Items = list[tuple[str, Placement]]


class SceneCanvas(Viewport):
    """Shows a `Composer`'s scene. items_changed: while dragging; committed: when a gesture or key press is over."""

    items_changed = Signal()
    committed = Signal(str)
    selected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.composer: Composer | None = None
        self.items: Items = []
        self.selection = ""
        self.shows_grid = False
        self.snaps = True
        self._background: Pyramid | None = None
        self._preview: Pyramid | None = None
        self._sprites: dict[str, QImage] = {}
        self._drag: tuple[str, QPointF, Placement] | None = None
        self.setAccessibleName("scene")

    # -- content -----------------------------------------------------------------------------------------------------

    def open(self, composer: Composer, items: Items, background: Pyramid | None) -> None:
        """Show another scene."""
        self.composer = composer
        self.items = list(items)
        self._background = background
        self._sprites = {look_id: _sprite_image(sprite.pixels) for look_id, sprite in composer.sprites.items()}
        self._preview = None
        if self.selection not in dict(self.items):
            self.select("")
        self.set_picture_size(QSize(*composer.canvas))
        self.update()

    def clear(self) -> None:
        """Show nothing and take no gesture until a scene is opened."""
        self.composer = None
        self.items = []
        self._sprites.clear()
        self._background = self._preview = self._drag = None
        if self.selection:
            self.select("")
        self.update()

    def add_sprite(self, look_id: str) -> None:
        """Make a look that the composer has loaded since paintable."""
        if self.composer is not None and look_id not in self._sprites:
            self._sprites[look_id] = _sprite_image(self.composer.sprites[look_id].pixels)

    def set_items(self, items: Items) -> None:
        """Place the looks differently: undo, a control of the inspector."""
        self.items = list(items)
        self._preview = None
        self.update()

    def set_preview(self, preview: Pyramid, items: Items) -> None:
        """Show what the renderer made, unless something was moved meanwhile."""
        if items == self.items and self._drag is None:
            self._preview = preview
            self.update()

    def select(self, look_id: str) -> None:
        """Choose the look that keys and the inspector act on."""
        self.selection = look_id
        self.selected.emit(look_id)
        self.update()

    def placement(self) -> Placement | None:
        """The placement of the chosen look."""
        return dict(self.items).get(self.selection)

    def change(self, placement: Placement) -> None:
        """Move the chosen look."""
        self.items = [(one, placement if one == self.selection else old) for one, old in self.items]
        self._preview = None
        self.items_changed.emit()
        self.update()

    # -- painting ----------------------------------------------------------------------------------------------------

    def paint_content(self, painter: QPainter, dirty: QRect) -> None:
        ratio = self.devicePixelRatioF()
        if self.composer is None:
            return
        if self._preview is not None:
            self._preview.paint(painter, self.view, QRectF(dirty), ratio)
        else:
            self._paint_sprites(painter, dirty, ratio)
        if self.shows_grid:
            self._paint_grid(painter)
        if self.selection:
            self._paint_selection(painter)

    def _paint_sprites(self, painter: QPainter, dirty: QRect, ratio: float) -> None:
        assert self.composer is not None
        if self._background is not None:
            self._background.paint(painter, self.view, QRectF(dirty), ratio)
        else:
            picture = QRectF(QPointF(0, 0), self.picture_size.toSizeF())
            painter.fillRect(self.view.rect_to_screen(picture), QColor(255, 255, 255))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.translate(self.view.x, self.view.y)
        painter.scale(self.view.zoom, self.view.zoom)
        for look_id, placement in sorted(self.items, key=lambda item: item[1].z):
            m = self.composer.matrix(look_id, placement)
            painter.save()
            painter.setOpacity(placement.opacity)
            painter.setTransform(QTransform(m[0, 0], m[1, 0], m[0, 1], m[1, 1], m[0, 2], m[1, 2]), True)
            painter.drawImage(QPointF(0, 0), self._sprites[look_id])
            painter.restore()
        painter.restore()

    def _paint_selection(self, painter: QPainter) -> None:
        placement = self.placement()
        if self.composer is None or placement is None:
            return
        corners = [self.view.to_screen(QPointF(x, y)) for x, y in self.composer.outline(self.selection, placement)]
        colour = QColor(current_tokens().accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(255, 255, 255, 160), 3))
        painter.drawPolygon(QPolygonF(corners))
        painter.setPen(QPen(colour, 1.5))
        painter.drawPolygon(QPolygonF(corners))
        painter.setBrush(QColor(255, 255, 255))
        for corner in corners:
            painter.drawEllipse(corner, HANDLE, HANDLE)

    def _paint_grid(self, painter: QPainter) -> None:
        """Baseline, height and margins of all looks over each other: what is out of line shows at once."""
        painter.setPen(QPen(QColor(current_tokens().accent), 1, Qt.PenStyle.DashLine))
        width = float(self.picture_size.width())
        for look_id, placement in self.items:
            assert self.composer is not None
            corners = self.composer.outline(look_id, placement)
            for y in (corners[:, 1].min(), corners[:, 1].max()):
                painter.drawLine(self.view.to_screen(QPointF(0, y)), self.view.to_screen(QPointF(width, y)))

    # -- gestures ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.is_panning or event.button() != Qt.MouseButton.LeftButton or self.composer is None:
            super().mousePressEvent(event)
            return
        point = self.view.to_picture(event.position())
        grip = self._grip_at(event.position())
        hit = self.selection if grip else self.composer.hit(self.items, point.x(), point.y())
        self.select(hit)
        placement = self.placement()
        if placement is not None:
            wants_turn = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            kind = ("rotate" if wants_turn else "scale") if grip else "move"
            self._drag = (kind, point, placement)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None or self.composer is None:
            super().mouseMoveEvent(event)
            return
        kind, start, before = self._drag
        point = self.view.to_picture(event.position())
        if kind == "move":
            self.change(self._moved(before, point - start, event.modifiers()))
            return
        size = self.picture_size
        anchor = QPointF(before.x * size.width(), before.y * size.height())
        if kind == "scale":
            grown = math.dist(point.toTuple(), anchor.toTuple()) / max(
                1.0, math.dist(start.toTuple(), anchor.toTuple())
            )
            self.change(replace(before, scale=max(0.02, before.scale * grown)))
        else:
            turned = _angle(anchor, point) - _angle(anchor, start)
            self.change(replace(before, rotation_deg=before.rotation_deg + turned))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            super().mouseReleaseEvent(event)
            return
        kind, _, before = self._drag
        self._drag = None
        if self.placement() != before:
            self.committed.emit(kind)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            before = self._drag[2]
            self._drag = None
            self.change(before)
            return
        placement = self.placement()
        changed = None if placement is None else self._keyed(placement, event)
        if changed is None:
            super().keyPressEvent(event)
            return
        self.change(changed)
        self.committed.emit("move")

    def wheelEvent(self, event: QWheelEvent) -> None:
        placement = self.placement()
        if placement is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
            self.change(replace(placement, scale=max(0.02, placement.scale * SCALE_STEP**steps)))
            self.committed.emit("scale")
            return
        super().wheelEvent(event)

    def _keyed(self, placement: Placement, event: QKeyEvent) -> Placement | None:
        step = NUDGE_FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else NUDGE
        moves = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step),
            Qt.Key.Key_Down: (0.0, step),
        }
        key = Qt.Key(event.key())
        if key in moves:
            return replace(placement, x=placement.x + moves[key][0], y=placement.y + moves[key][1])
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            return replace(placement, scale=placement.scale * SCALE_STEP)
        if key == Qt.Key.Key_Minus:
            return replace(placement, scale=placement.scale / SCALE_STEP)
        return None

    def _moved(self, before: Placement, by: QPointF, modifiers: Qt.KeyboardModifier) -> Placement:
        size = self.picture_size
        x, y = before.x + by.x() / size.width(), before.y + by.y() / size.height()
        if modifiers & Qt.KeyboardModifier.ShiftModifier:  # straight: along the axis moved most
            x, y = (x, before.y) if abs(by.x()) > abs(by.y()) else (before.x, y)
        moved = replace(before, x=x, y=y)
        if not self.snaps or modifiers & Qt.KeyboardModifier.AltModifier:
            return moved
        from studio.jobs.composer import snap  # the compositing room loads with the first scene

        others = [placement for look_id, placement in self.items if look_id != self.selection]
        return snap(moved, others)

    def _grip_at(self, position: QPointF) -> bool:
        placement = self.placement()
        if self.composer is None or placement is None:
            return False
        corners = self.composer.outline(self.selection, placement)
        return any(
            math.dist(self.view.to_screen(QPointF(x, y)).toTuple(), position.toTuple()) <= 2 * HANDLE
            for x, y in corners
        )


def _angle(anchor: QPointF, point: QPointF) -> float:
    return math.degrees(math.atan2(point.y() - anchor.y(), point.x() - anchor.x()))


def _sprite_image(pixels: U8) -> QImage:
    kept = np.ascontiguousarray(pixels)
    height, width = kept.shape[:2]
    form = QImage.Format.Format_RGBA8888_Premultiplied
    return QImage(kept.tobytes(), width, height, 4 * width, form).copy()


def next_z(items: Sequence[tuple[str, Placement]]) -> int:
    """Return the order that puts a look in front of all others."""
    return max((placement.z for _, placement in items), default=-1) + 1
