"""What the retouching canvas draws over its pixels: brush ring, areas, joints, landmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from studio.jobs.retouch_layers import Point, PointsLayer
from studio.ui.part_names import part_name
from studio.ui.theme import current_tokens
from studio.ui.widgets.viewport import View

HANDLE = 5.0
SMALL_HANDLE = 2.5
BONE_WIDTH = 2.0
_DARK, _BRIGHT = QColor(0, 0, 0, 170), QColor(255, 255, 255)


def paint_ring(painter: QPainter, at: QPointF, radius: float) -> None:
    """Draw the brush at its true size, seen on light and dark alike."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shown = max(radius, 1.5)
    for colour, width in ((_DARK, 2.6), (_BRIGHT, 1.2)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(at, shown, shown)
    painter.restore()


def paint_marker(painter: QPainter, path: Sequence[QPointF], width: float) -> None:
    """Draw a broad translucent line along a path: where a stroke will act."""
    if not path:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = QColor(current_tokens().accent)
    colour.setAlpha(90)
    line = QPainterPath(path[0])
    for at in path[1:] or [path[0] + QPointF(0.1, 0)]:
        line.lineTo(at)
    join = Qt.PenJoinStyle.RoundJoin
    painter.strokePath(line, QPen(colour, max(width, 2.0), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, join))
    painter.restore()


def paint_area(painter: QPainter, corners: Sequence[QPointF], *, erases: bool) -> None:
    """Draw the outline of a lasso or polygon, dashed, faintly filled."""
    if not corners:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colours = current_tokens()
    fill = QColor(colours.bad if erases else colours.accent)
    fill.setAlpha(50)
    line = QPainterPath(corners[0])
    for at in corners[1:]:
        line.lineTo(at)
    painter.fillPath(line, fill)
    painter.strokePath(line, QPen(_DARK, 2.4))
    painter.strokePath(line, QPen(_BRIGHT, 1.2, Qt.PenStyle.DashLine))
    painter.setBrush(_BRIGHT)
    painter.setPen(QPen(_DARK, 1))
    painter.drawEllipse(corners[0], 3.5, 3.5)
    painter.restore()


def paint_object(painter: QPainter, rings: Sequence[Sequence[QPointF]]) -> None:
    """Draw what was found under the clicks: filled faintly, holes left out, its outline on light and dark alike."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.OddEvenFill)
    for ring in rings:
        path.addPolygon(QPolygonF(list(ring)))
        path.closeSubpath()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    fill = QColor(current_tokens().accent)
    fill.setAlpha(110)
    painter.fillPath(path, fill)
    painter.strokePath(path, QPen(_DARK, 3))
    painter.strokePath(path, QPen(_BRIGHT, 1.4))
    painter.restore()


def paint_prompts(painter: QPainter, prompts: Sequence[tuple[QPointF, bool]], box: QRectF | None) -> None:
    """Draw the clicks, "this" with a plus and "not this" with a minus, and the box."""
    colours = current_tokens()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if box is not None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_DARK, 2.4))
        painter.drawRect(box)
        painter.setPen(QPen(_BRIGHT, 1.2, Qt.PenStyle.DashLine))
        painter.drawRect(box)
    for at, is_this in prompts:
        painter.setPen(QPen(_BRIGHT, 1.6))
        painter.setBrush(QColor(colours.good if is_this else colours.bad))
        painter.drawEllipse(at, 7, 7)
        painter.drawLine(at - QPointF(3, 0), at + QPointF(3, 0))
        if is_this:
            painter.drawLine(at - QPointF(0, 3), at + QPointF(0, 3))
    painter.restore()


def paint_tolerance(painter: QPainter, at: QPointF, tolerance: float) -> None:
    """Write the wand's tolerance beside where it was pressed."""
    _paint_plate(painter, at + QPointF(14, -10), f"{tolerance:.1f}")


def paint_points(
    painter: QPainter, view: View, layer: PointsLayer, selected: str, dragged: tuple[str, QPointF] | None
) -> None:
    """Draw all points with what joins them; the selected one bears its name."""
    points = dict(layer.points)
    if dragged is not None:
        points[dragged[0]] = (dragged[1].x(), dragged[1].y())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    lines = [(_place(view, a), _place(view, b)) for a, b in layer.outline]
    for first, second in layer.bones:
        start, end = points.get(first), points.get(second)
        if start is not None and end is not None:
            lines.append((_place(view, start), _place(view, end)))
    for colour, width in ((_DARK, BONE_WIDTH + 1.6), (QColor(current_tokens().accent), BONE_WIDTH)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for start_at, end_at in lines:
            painter.drawLine(start_at, end_at)
    for name, point in points.items():
        if point is not None:
            _paint_handle(painter, _place(view, point), name, is_selected=name == selected)
    at = points.get(selected)
    if at is not None:
        _paint_plate(painter, _place(view, at) + QPointF(12, -12), part_name(selected))
    painter.restore()


def _paint_handle(painter: QPainter, at: QPointF, name: str, *, is_selected: bool) -> None:
    colours = current_tokens()
    words = name.split("_")
    side = colours.good if "left" in words else colours.warn if "right" in words else ""
    fill = QColor(colours.accent) if is_selected else QColor(side) if side else _BRIGHT
    base = SMALL_HANDLE if words[0] == "neckline" else HANDLE  # a row of many: they must not hide each other
    radius = base + (2 if is_selected else 0)
    painter.setPen(QPen(_DARK, 3))
    painter.setBrush(fill)
    painter.drawEllipse(at, radius, radius)
    painter.setPen(QPen(_BRIGHT, 1.4))
    painter.drawEllipse(at, radius, radius)


def _paint_plate(painter: QPainter, at: QPointF, text: str) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics, colours = painter.fontMetrics(), current_tokens()
    plate = QRectF(at.x(), at.y() - metrics.height() - 4, metrics.horizontalAdvance(text) + 12, metrics.height() + 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.raised))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor(colours.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def _place(view: View, point: Point) -> QPointF:
    return view.to_screen(QPointF(point[0] + 0.5, point[1] + 0.5))


def point_at(view: View, layer: PointsLayer, at: QPointF, reach: float) -> str:
    """Return the name of the nearest point within reach, "" where there is none."""
    nearest, best = "", reach
    for name, point in layer.points.items():
        if point is None:
            continue
        place = _place(view, point)
        distance = math.hypot(place.x() - at.x(), place.y() - at.y())
        if distance < best:
            nearest, best = name, distance
    return nearest
