"""Line icons of our own, drawn on a 24-unit grid and coloured by the theme."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QWidget

from studio.ui.theme import current_tokens

_PATHS: dict[str, str] = {
    "library": "M4 5h6v6H4z M14 5h6v6h-6z M4 15h6v5H4z M14 15h6v5h-6z",
    "dress": "M9 4c.6 1.6 1.6 2.4 3 2.4S14.4 5.6 15 4l5 3-2 4-2-1v10H8V10l-2 1-2-4z",
    "retouch": "M4 20c0-3 1-5 3.5-5S11 17 10 18.5 6.5 20 4 20z M10 14.5 18.5 5c1-1 2.5.5 1.5 1.5L11.5 16",
    "compose": "M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9.5h.01",
    "review": "M2.5 12S6 6 12 6s9.5 6 9.5 6S18 18 12 18 2.5 12 2.5 12z M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
    "deliver": "M12 4v10 M8 10.5l4 4 4-4 M4 15v5h16v-5",
    "settings": "M4 7h9 M17 7h3 M15 5v4 M4 12h3 M11 12h9 M9 10v4 M4 17h9 M17 17h3 M15 15v4",
    "add": "M12 5v14 M5 12h14",
    "folder": "M3.5 6h6l2 2h9v11h-17z",
    "play": "M8 5l11 7-11 7z",
    "pause": "M8 5v14 M16 5v14",
    "stop": "M6 6h12v12H6z",
    "retry": "M19 12a7 7 0 1 1-2-5 M17 3v4h-4",
    "trash": "M5 7h14 M9 7V4h6v3 M7 7l1 13h8l1-13",
    "star": "M12 4l2.5 5.3 5.5.7-4 4 1 5.7-5-2.8-5 2.8 1-5.7-4-4 5.5-.7z",
    "hot": "M12 20a8 8 0 1 0-8-8 M4 4v4h4 M12 16a4 4 0 1 0-4-4 M12 12h.01",
    "circle": "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
    "tag": "M4 11V4h7l9 9-7 7z M8 8h.01",
    "collection": "M5 8h14v12H5z M7 5h10 M9 2.5h6",
    "missing": "M4 5h7 M15 5h5v14h-5 M11 19H4V5 M12.5 8l-2 3 3 2-2 3",
    "select": "M5 3.5v13l3.6-3.2 2.4 5.4 2.4-1-2.4-5.3 4.6-.4z M16 4h4v4 M20 16v4h-4",
    "flag": "M6 21V4 M6 5h11l-2 4 2 4H6",
    "check": "M5 12.5l4.5 4.5L19 7",
    "close": "M6 6l12 12 M18 6L6 18",
    "warning": "M12 4l9 16H3z M12 10v4 M12 17h.01",
    "info": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M12 11v5 M12 8h.01",
    "search": "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12z M15 15l5 5",
    "undo": "M9 7L5 11l4 4 M5 11h9a5 5 0 0 1 0 10h-3",
    "redo": "M15 7l4 4-4 4 M19 11h-9a5 5 0 0 0 0 10h3",
    "brush": "M4 20c0-3 1-5 3.5-5S11 17 10 18.5 6.5 20 4 20z M10 14.5 18.5 5c1-1 2.5.5 1.5 1.5L11.5 16",
    "eraser": "M4 15l9-9 7 7-7 7H8z M9 10l7 7",
    "lasso": "M12 5c5 0 8 2 8 5s-3 5-8 5-8-2-8-5 3-5 8-5z M8 15c-1 2 0 4 2 5",
    "wand": "M5 19L15 9 M16 4v3 M20 8h-3 M14.5 5.5l1 1 M19.5 11.5l-1-1",
    "hair": "M7 20c-2-6-1-15 5-15s7 9 5 15 M9 20c-1-4-1-10 3-11 M12 20V9 M15 20c1-4 0-8-1-10",
    "grow": "M12 9v6 M9 12h6 M4 4h5 M4 4v5 M20 4h-5 M20 4v5 M4 20h5 M4 20v-5 M20 20h-5 M20 20v-5",
    "feather": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
    "joint": "M12 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4z M12 8v6 M12 14l-5 6 M12 14l5 6 M6 11h12",
    "landmark": "M12 3v4 M12 17v4 M3 12h4 M17 12h4 M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "label": "M4 11V4h7l9 9-7 7z M8 8h.01",
    "hand": "M8 12V6.5a1.5 1.5 0 0 1 3 0V11 M11 11V5a1.5 1.5 0 0 1 3 0v6 M14 11V7a1.5 1.5 0 0 1 3 0v7c0 4-2 6-5 6s-4-1-6-5l-1.5-3c-.5-1.5 1.5-2.5 2.5-1L8 13",
    "first": "M12 20V8 M7 12.5l5-5 5 5 M5 4h14",
    "flip": "M12 4v16 M9 8l-5 8h5z M15 8l5 8h-5z",
    "front": "M4 4h10v10H4z M17 10h3v10H10v-3",
    "back": "M10 10h10v10H10z M14 7V4H4v10h3",
    "align": "M4 20h16 M7 16V6h3v10z M14 16v-6h3v6z",
    "grid": "M4 4h16v16H4z M4 9.3h16 M4 14.7h16 M9.3 4v16 M14.7 4v16",
    "person": "M12 4a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z M5 20c0-4 3-6.5 7-6.5s7 2.5 7 6.5",
    "more": "M6 12h.01 M12 12h.01 M18 12h.01",
    "polygon": "M5 8l7-4 7 6-3 9-9-1z M5 8h.01 M12 4h.01 M19 10h.01 M16 19h.01 M7 18h.01",
    "shrink": "M9 12h6 M4 9h5V4 M20 9h-5V4 M4 15h5v5 M20 15h-5v5",
    "smooth": "M3 15c3 0 3-7 6-7s3 8 6 8 3-6 6-6",
    "fill": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z M9 12h6 M12 9v6",
    "invert": "M12 4a8 8 0 1 0 0 16z M12 4a8 8 0 1 1 0 16",
    "previous": "M14.5 6l-6 6 6 6",
    "next": "M9.5 6l6 6-6 6",
    "fit": "M4 9V4h5 M20 9V4h-5 M4 15v5h5 M20 15v5h-5",
    "eye": "M2.5 12S6 6 12 6s9.5 6 9.5 6S18 18 12 18 2.5 12 2.5 12z M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
}  # fmt: skip

ICON_NAMES = tuple(_PATHS)


FULL = {"star_full": "star"}
"""Icons that are another one filled with its colour."""


def _svg(name: str, colour: str) -> QByteArray:
    fill, name = (colour if name in FULL else "none"), FULL.get(name, name)
    return QByteArray(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="{fill}" '
            f'stroke="{colour}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">'
            f'<path d="{_PATHS[name]}"/></svg>'
        ).encode()
    )


@lru_cache(maxsize=512)
def pixmap(name: str, size: int, colour: str, ratio: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap of `size` logical pixels."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(_svg(name, colour)).render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, size: int = 20) -> QIcon:
    """Return an icon in the theme's colours, sharp at the scales of this desktop's screens."""
    colours = current_tokens()
    made = QIcon()
    for ratio in sorted({1.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())}):
        made.addPixmap(pixmap(name, size, colours.text_soft, ratio), QIcon.Mode.Normal, QIcon.State.Off)
        made.addPixmap(pixmap(name, size, colours.accent, ratio), QIcon.Mode.Normal, QIcon.State.On)
        made.addPixmap(pixmap(name, size, colours.text_off, ratio), QIcon.Mode.Disabled, QIcon.State.Off)
    _MADE[made.cacheKey()] = (name, size)
    return made


_MADE: dict[int, tuple[str, int]] = {}
"""Which icon a QIcon is, by its cache key: copies share it."""


def renew(window: QWidget) -> None:
    """Give every action and button of a window its icon in the colours of the scheme that holds now."""
    owners = [*window.findChildren(QAction), *window.findChildren(QAbstractButton)]
    for owner in cast("list[QAction | QAbstractButton]", owners):
        known = _MADE.get(owner.icon().cacheKey())
        if known is not None:
            owner.setIcon(icon(*known))


ICON_SIZE = QSize(20, 20)
