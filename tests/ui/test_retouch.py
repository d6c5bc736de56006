"""Retouching through real mouse and keyboard events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from studio.domain.edits import MaskStroke, StrokeMode
from studio.jobs.retouch_layers import MaskLayer
from studio.jobs.workspace import Workspace
from studio.ui.context import StudioContext
from studio.ui.workspaces.retouch import RetouchPage

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def page(qtbot: QtBot, context: StudioContext) -> Iterator[RetouchPage]:
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
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    where = QPointF(page.canvas.mapToGlobal(place))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), where, Qt.MouseButton.NoButton, button, NONE)
    QApplication.sendEvent(page.canvas, event)


def mask(page: RetouchPage) -> np.ndarray:
    layer = page.canvas.raster
    assert isinstance(layer, MaskLayer)
    return layer.pixels


def test_a_brush_stroke_paints_is_stored_and_undone(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_radius(6)
    before = mask(page).copy()
    drag(qtbot, page, [(10, 10), (20, 10), (30, 12)])
    assert mask(page)[10, 20] == 255 and before[10, 20] == 0
    settle(qtbot, page)
    stored = project.library.edits(models[0], "edges")
    assert len(stored) == 1 and isinstance(stored[0], MaskStroke) and stored[0].mode is StrokeMode.ADD
    assert "brush stroke" in page.undo_action.text()
    qtbot.keyClick(page.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, page)
    assert np.array_equal(mask(page), before)
    assert project.library.edits(models[0], "edges") == ()
    qtbot.keyClick(page.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, page)
    assert mask(page)[10, 20] == 255
    assert len(project.library.edits(models[0], "edges")) == 1


def test_escape_aborts_a_stroke(qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    before = mask(page).copy()
    qtbot.mousePress(page.canvas, LEFT, NONE, at(page, 10, 10))
    move(qtbot, page, at(page, 20, 12), LEFT)
    assert not np.array_equal(mask(page), before)
    qtbot.keyClick(page.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(page.canvas, LEFT, NONE, at(page, 20, 12))
    settle(qtbot, page)
    assert np.array_equal(mask(page), before)
    assert project.library.edits(models[0]) == () and not page.undo_action.isEnabled()


@pytest.mark.parametrize("how", ["right", "alt", "eraser", "swap"])
def test_four_ways_to_erase(qtbot: QtBot, page: RetouchPage, models: list[str], how: str) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    if how == "eraser":
        qtbot.keyClick(page.canvas, Qt.Key.Key_E)
    if how == "swap":
        qtbot.keyClick(page.canvas, Qt.Key.Key_X)
    button = RIGHT if how == "right" else LEFT
    drag(qtbot, page, [(60, 80)], button, Qt.KeyboardModifier.AltModifier if how == "alt" else NONE)
    assert mask(page)[80, 60] == 0
    settle(qtbot, page)


def test_saving_renews_only_the_looks_that_depend_on_it(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], garments: list[str]
) -> None:
    project.queue_all(models, garments[:1])
    project.run_queue()
    old = {look.model_id: look.id for look in project.library.looks(project.library.look_ids())}
    open_layer(qtbot, page, models[0], "alpha")
    drag(qtbot, page, [(10, 10), (20, 20)])
    settle(qtbot, page)
    assert project.library.stale_look_ids() == [old[models[0]]]
    assert "1" in page.save_button.text() and page.save_button.isEnabled()
    qtbot.mouseClick(page.save_button, LEFT)
    qtbot.waitUntil(lambda: not project.library.stale_look_ids())
    qtbot.waitUntil(lambda: not project.queue.is_running)
    settle(qtbot, page)
    new = {look.model_id: look.id for look in project.library.looks(project.library.look_ids())}
    assert new[models[0]] != old[models[0]] and new[models[1]] == old[models[1]]
    qtbot.waitUntil(lambda: not page.save_button.isEnabled())
