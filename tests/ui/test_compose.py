"""Compose: looks are added, dragged, scaled, nudged and taken back; named places serve whole batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.domain.geometry import Placement
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.ui.main_window import MainWindow
from studio.ui.theme import current_tokens
from studio.ui.workspaces.compose import ComposePage
from tests.ui.conftest import Dialogs, draw_figure

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot: QtBot, dressed: Workspace, window: MainWindow) -> ComposePage:
    window.go_to("compose")
    made = cast(ComposePage, window._pages["compose"])
    qtbot.waitUntil(lambda: made.canvas.composer is not None and rests(made))
    return made


def rests(page: ComposePage) -> bool:
    return not page.context.is_busy and not page._preview_timer.isActive()


def add(qtbot: QtBot, page: ComposePage, number: int = 0) -> str:
    look = page.model.ids[number]
    page.strip.opened.emit(look)
    qtbot.waitUntil(lambda: look in dict(page.canvas.items) and rests(page))
    return look


def stored(page: ComposePage) -> dict[str, Placement]:
    return {item.look_id: item.placement for item in page.project.library.scene(page.scene_id).items}


def middle_of(page: ComposePage, look: str) -> QPoint:
    assert page.canvas.composer is not None
    outline = page.canvas.composer.outline(look, dict(page.canvas.items)[look])
    return page.canvas.view.to_screen(QPointF(*outline.mean(axis=0))).toPoint()


def corner_of(page: ComposePage, look: str) -> QPoint:
    assert page.canvas.composer is not None
    outline = page.canvas.composer.outline(look, dict(page.canvas.items)[look])
    return page.canvas.view.to_screen(QPointF(*outline[0])).toPoint()


def drag(qtbot: QtBot, page: ComposePage, start: QPoint, by: QPoint) -> None:
    qtbot.mousePress(page.canvas, LEFT, pos=start)
    qtbot.mouseMove(page.canvas, pos=start + by / 2)
    qtbot.mouseMove(page.canvas, pos=start + by)
    qtbot.mouseRelease(page.canvas, LEFT, pos=start + by)


def test_a_look_is_added_shown_and_stored(qtbot: QtBot, page: ComposePage) -> None:
    look = add(qtbot, page)
    assert page.canvas.selection == look
    assert list(stored(page)) == [look]
    assert page.form.isEnabled()


def test_the_focus_frame_does_not_cover_the_picture(qtbot: QtBot, page: ComposePage) -> None:
    """The white canvas: a brush left by the selection's handles filled everything."""
    add(qtbot, page)
    page.canvas.setFocus()
    qtbot.waitUntil(page.canvas.hasFocus)
    assert page.canvas.grab().toImage().pixelColor(6, 6).name() == current_tokens().canvas


def test_a_look_asked_for_before_the_scene_is_there_waits_for_it(
    qtbot: QtBot, dressed: Workspace, window: MainWindow
) -> None:
    window.go_to("compose")
    page = cast(ComposePage, window._pages["compose"])
    assert page.canvas.composer is None
    page.add_look(page.model.ids[0])
    page.add_look(page.model.ids[1])
    qtbot.waitUntil(lambda: len(page.canvas.items) == 2 and rests(page))
    assert len(stored(page)) == 2


def test_dragging_moves_and_is_one_step_to_undo(qtbot: QtBot, window: MainWindow, page: ComposePage) -> None:
    look = add(qtbot, page)
    before = stored(page)[look]
    drag(qtbot, page, middle_of(page, look), QPoint(60, 0))
    assert stored(page)[look].x > before.x + 0.05
    assert stored(page)[look].scale == before.scale
    assert window.undo_action.text() == "Undo Move"
    window.undo_action.trigger()
    assert stored(page)[look] == before
    window.redo_action.trigger()
    assert stored(page)[look].x > before.x + 0.05
    qtbot.waitUntil(lambda: rests(page))


def test_escape_gives_a_drag_up(qtbot: QtBot, page: ComposePage) -> None:
    look = add(qtbot, page)
    before = stored(page)[look]
    start = middle_of(page, look)
    qtbot.mousePress(page.canvas, LEFT, pos=start)
    qtbot.mouseMove(page.canvas, pos=start + QPoint(50, 0))
    qtbot.keyClick(page.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(page.canvas, LEFT, pos=start + QPoint(50, 0))
    assert dict(page.canvas.items)[look] == before == stored(page)[look]
    qtbot.waitUntil(lambda: rests(page))


def test_a_corner_scales(qtbot: QtBot, page: ComposePage) -> None:
    look = add(qtbot, page)
    before = stored(page)[look]
    drag(qtbot, page, corner_of(page, look), QPoint(40, 60))
    assert stored(page)[look].scale < before.scale
    assert stored(page)[look].x == before.x
    qtbot.waitUntil(lambda: rests(page))


def test_keys_nudge_scale_and_remove(qtbot: QtBot, page: ComposePage) -> None:
    look = add(qtbot, page)
    before = stored(page)[look]
    qtbot.keyClick(page.canvas, Qt.Key.Key_Right)
    assert stored(page)[look].x == pytest.approx(before.x + 0.001)
    qtbot.keyClick(page.canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert stored(page)[look].y == pytest.approx(before.y - 0.01)
    qtbot.keyClick(page.canvas, Qt.Key.Key_Minus)
    assert stored(page)[look].scale < before.scale
    qtbot.keyClick(page.canvas, Qt.Key.Key_Delete)
    assert stored(page) == {}
    qtbot.waitUntil(lambda: rests(page))


def test_order_and_alignment(qtbot: QtBot, page: ComposePage) -> None:
    first, second = add(qtbot, page, 0), add(qtbot, page, 1)
    assert stored(page)[second].z > stored(page)[first].z
    page.back_action.trigger()
    assert stored(page)[second].z < stored(page)[first].z
    page.canvas.change(replace(page.canvas.placement() or Placement(), y=0.7, scale=0.4))
    page.align_action.trigger()
    assert {(one.y, one.scale) for one in stored(page).values()} == {(0.7, 0.4)}
    qtbot.waitUntil(lambda: rests(page))


def test_another_background_keeps_both_scenes_apart(
    qtbot: QtBot, window: MainWindow, page: ComposePage, tmp_path: Path
) -> None:
    page.project.import_photos([draw_figure(tmp_path / "hall.png", 2)], PhotoRole.BACKGROUND)
    page.enter()
    look = add(qtbot, page)
    scene, before = page.scene_id, stored(page)
    page.backgrounds.setCurrentIndex(page.backgrounds.findText("hall.png"))
    page.add_look(page.model.ids[1])
    qtbot.waitUntil(lambda: len(page.canvas.items) == 1 and rests(page))
    assert page.scene_id != scene
    assert list(stored(page)) == [page.model.ids[1]]
    window.undo_action.trigger()
    window.undo_action.trigger()
    qtbot.waitUntil(lambda: page.scene_id == scene and page.canvas.composer is not None and rests(page))
    assert before != {}
    assert page.canvas.items == []
    window.redo_action.trigger()
    qtbot.waitUntil(lambda: list(dict(page.canvas.items)) == [look] and rests(page))


def test_a_named_place_serves_a_batch(qtbot: QtBot, page: ComposePage, dialogs: Dialogs) -> None:
    look = add(qtbot, page)
    dialogs.text = "by the window"
    qtbot.mouseClick(page.save_place, LEFT)
    assert page.places.currentText() == "by the window"
    qtbot.keyClick(page.strip, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    scenes = len(page.project.library.scene_ids())
    qtbot.mouseClick(page.batch, LEFT)
    qtbot.waitUntil(page.banner.isVisible)
    assert len(page.project.library.scene_ids()) == scenes + 4
    made = page.project.library.scenes(page.project.library.scene_ids(Filter()))
    assert {item.placement for one in made[-4:] for item in one.items} == {stored(page)[look]}
    qtbot.waitUntil(lambda: rests(page))


def test_the_form_changes_the_chosen_look(qtbot: QtBot, window: MainWindow, page: ComposePage) -> None:
    look = add(qtbot, page)
    page.form.flip.click()
    assert stored(page)[look].flip is True
    window.undo_action.trigger()
    assert stored(page)[look].flip is False
    qtbot.waitUntil(lambda: rests(page))


def test_without_looks_it_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("compose")
    page = cast(ComposePage, window._pages["compose"])
    assert page._stack.currentWidget() is page.empty
