"""What tests of the Retouch page share: opening layers, real mouse events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.jobs.retouch_layers import MaskLayer
from studio.ui.context import StudioContext
from studio.ui.workspaces.retouch import RetouchPage

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier


def show_retouch(qtbot: QtBot, context: StudioContext) -> Iterator[RetouchPage]:
    """Show the page for one test."""
    made = RetouchPage(context)
    qtbot.addWidget(made)
    made.resize(1200, 700)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made._on_closing()


def open_layer(qtbot: QtBot, page: RetouchPage, target: str, layer: str = "") -> None:
    page.open_target(target)
    if layer:
        page.open_layer(layer)
    qtbot.waitUntil(lambda: page.session is not None)
    settle(qtbot, page)


def settle(qtbot: QtBot, page: RetouchPage) -> None:
    """Wait until everything is computed and stored."""
    qtbot.waitUntil(lambda: not page.presenter.lane.is_busy and not page.presenter.is_locked)


def at(page: RetouchPage, x: float, y: float) -> QPoint:
    return page.canvas.to_widget(QPointF(x, y)).toPoint()


def drag(
    qtbot: QtBot, page: RetouchPage, points: list[tuple[int, int]], button: Qt.MouseButton = LEFT, mods: object = NONE
) -> None:
    places = [at(page, *point) for point in points]
    qtbot.mousePress(page.canvas, button, mods, places[0])
    for place in places[1:]:
        move(qtbot, page, place, button)
    qtbot.mouseRelease(page.canvas, button, mods, places[-1])


def move(qtbot: QtBot, page: RetouchPage, place: QPoint, button: Qt.MouseButton) -> None:
    """QTest's mouseMove says that no button is down: send what a real drag sends."""
    where = QPointF(page.canvas.mapToGlobal(place))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), where, Qt.MouseButton.NoButton, button, NONE)
    QApplication.sendEvent(page.canvas, event)


def mask(page: RetouchPage) -> np.ndarray:
    layer = page.canvas.raster
    assert isinstance(layer, MaskLayer)
    return layer.pixels


def tool(qtbot: QtBot, page: RetouchPage, key: Qt.Key) -> None:
    qtbot.keyClick(page.canvas, key)
