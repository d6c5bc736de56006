"""Draws thumbnails fitted into cells; what was scaled once is kept, for scaling costs more than all other painting."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPixmap

KEPT = 800
"""Scaled pictures: a few screens full. Each is as large as its cell."""

_scaled: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()


def draw_fitted(painter: QPainter, room: QRect, pixmap: QPixmap) -> None:
    """Draw a picture as large as fits, in the middle of a room, sharp at every scale of the screen."""
    ratio = painter.device().devicePixelRatioF()
    size = pixmap.size().scaled(room.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio)
    if size.isEmpty():
        return
    key = (pixmap.cacheKey(), size.width(), size.height())
    found = _scaled.get(key)
    if found is None:
        found = pixmap.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        _scaled[key] = found
        if len(_scaled) > KEPT:
            _scaled.popitem(last=False)
    else:
        _scaled.move_to_end(key)
    found.setDevicePixelRatio(ratio)
    place = QRect(QPoint(0, 0), (size.toSizeF() / ratio).toSize())
    place.moveCenter(room.center())
    painter.drawPixmap(place.topLeft(), found)
