"""Review: the slider, frozen panes, culling by keys, notes, and why two looks differ."""

from __future__ import annotations

from typing import cast

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from studio.jobs.workspace import Workspace
from studio.library.records import Flag, LookState
from studio.ui.main_window import MainWindow
from studio.ui.workspaces.review import ReviewPage

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot: QtBot, dressed: Workspace, window: MainWindow) -> ReviewPage:
    window.go_to("review")
    made = cast(ReviewPage, window._pages["review"])
    qtbot.waitUntil(lambda: made.slider.has_picture and not made.context.is_busy)
    return made


def shown(page: ReviewPage) -> str:
    return page._shown.look_id if page._shown is not None else ""


def test_the_slider_follows_the_mouse_and_the_keys(qtbot: QtBot, page: ReviewPage) -> None:
    pane = page.slider
    start = QPoint(pane.width() // 2, pane.height() // 3)
    qtbot.mousePress(pane, LEFT, pos=start)
    qtbot.mouseMove(pane, pos=QPoint(pane.width() // 4, start.y()))
    qtbot.mouseRelease(pane, LEFT, pos=QPoint(pane.width() // 4, start.y()))
    assert pane.share == pytest.approx(0.25, abs=0.01)
    pane.setFocus()
    qtbot.keyClick(pane, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert pane.share == pytest.approx(0.27, abs=0.01)


def test_the_facts_name_look_state_and_confidence(page: ReviewPage) -> None:
    assert page.facts.text().startswith("model 0 – garment 0  ·  Dressed  ·  Confidence 80 %")


def test_what_the_engine_says_of_its_own_work_stands_with_the_facts(
    page: ReviewPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "fake.simple" in page.facts.toolTip() and "fake.simple" not in page.facts.text()
    monkeypatch.setattr("studio.ui.workspaces.review.QUALITY_NOTES", frozenset({"fake.simple"}))
    page._write_facts()
    assert "fake.simple" in page.facts.text()


def test_keys_approve_and_pick_and_go_on(qtbot: QtBot, window: MainWindow, page: ReviewPage) -> None:
    first, second, third = page.model.ids[:3]
    page.strip.setFocus()
    qtbot.keyClick(page.strip, Qt.Key.Key_A)
    assert page.project.library.look(first).state is LookState.APPROVED
    assert page.strip.focused_id == second
    qtbot.keyClick(page.strip, Qt.Key.Key_P)
    assert page.project.library.look(second).marks.flag is Flag.PICK
    assert page.strip.focused_id == third
    qtbot.waitUntil(lambda: shown(page) == third)
    window.undo_action.trigger()
    assert page.project.library.look(second).marks.flag is Flag.NONE
    window.undo_action.trigger()
    assert page.project.library.look(first).state is LookState.DRESSED


def test_a_frozen_pane_stays_where_it_is(qtbot: QtBot, page: ReviewPage) -> None:
    page.pair_action.trigger()
    assert page.left.isVisible()
    page.fit_action.trigger()
    page.right.zoom_by(2)
    assert page.left.view == page.right.view
    page.freeze_action.trigger()
    still = page.left.view
    page.right.zoom_by(2)
    assert page.left.view == still != page.right.view
    page.freeze_action.trigger()
    page.right.zoom_by(1.5)
    assert page.left.view == page.right.view


def test_actual_pixels_are_one_to_one(qtbot: QtBot, page: ReviewPage) -> None:
    qtbot.keyClick(page.strip, Qt.Key.Key_Z)
    assert page.slider.view.zoom == pytest.approx(1 / page.devicePixelRatioF())


def test_a_note_is_kept_with_the_look(qtbot: QtBot, page: ReviewPage) -> None:
    look = shown(page)
    page.note.setFocus()
    qtbot.keyClicks(page.note, "sleeve is too long")
    qtbot.keyClick(page.note, Qt.Key.Key_Return)
    assert page.project.library.look(look).marks.note == "sleeve is too long"
    assert page.project.library.look(look).state is LookState.DRESSED


def test_why_two_looks_differ(qtbot: QtBot, page: ReviewPage) -> None:
    page.why_action.trigger()
    assert page.banner.text.startswith("Keep one look (K)")
    page.keep_action.trigger()
    page.strip.focus_id(page.model.ids[1])
    qtbot.waitUntil(lambda: shown(page) == page.model.ids[1])
    page.why_action.trigger()
    assert "garment" in page.banner.text


def test_without_looks_it_says_what_to_do(window: MainWindow) -> None:
    window.go_to("review")
    page = cast(ReviewPage, window._pages["review"])
    assert page._stack.currentWidget() is page.empty
