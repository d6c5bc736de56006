"""The Dress workspace says what is to be expected of chosen pairs before anybody dresses them."""

from __future__ import annotations

from typing import cast

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.library.records import Changes, JobState
from studio.ui.board_model import CellRole
from studio.ui.main_window import MainWindow
from studio.ui.workspaces.dress import DressPage
from tests import fakes
from tests.fakes import Bench, assessing_engine
from tests.ui.test_dress import click, settled


@pytest.fixture
def page(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> DressPage:
    monkeypatch.setitem(fakes.STAGES, "tryon", assessing_engine("garment 1.png"))
    window.go_to("dress")
    return cast(DressPage, window._pages["dress"])


def test_a_chosen_pair_says_what_is_to_be_expected(qtbot: QtBot, page: DressPage, bench: Bench) -> None:
    click(qtbot, page, 0, 1)
    qtbot.waitUntil(lambda: "Expected confidence: up to 40 %." in page.detail.text())
    assert "model 0.png" in page.detail.text().split("%.")[1]  # the reason
    assert page.model.data(page.model.index(0, 1), CellRole.DOUBTFUL)
    assert page.outlook.isHidden()  # one pair: all is said above
    click(qtbot, page, 0, 0)
    qtbot.waitUntil(lambda: "Expected confidence: up to 90 %." in page.detail.text())
    assert not page.model.data(page.model.index(0, 0), CellRole.DOUBTFUL)
    assert bench.counts["tryon"] == 0


def test_of_many_chosen_pairs_the_doubtful_ones_are_counted(qtbot: QtBot, page: DressPage) -> None:
    qtbot.keyClick(page.board, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "Of 4 chosen pairs looked at, 2 may not" in page.outlook.text())
    assert not page.outlook.isHidden()
    assert "garment 1.png" in page.outlook.text()


def test_dressing_stops_the_looking_and_a_look_ends_the_doubt(qtbot: QtBot, page: DressPage) -> None:
    click(qtbot, page, 0, 1)
    qtbot.waitUntil(lambda: bool(page.model.data(page.model.index(0, 1), CellRole.DOUBTFUL)))
    qtbot.mouseClick(page.dress_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: settled(page) and page.project.library.job_counts()[JobState.SUCCEEDED] == 1)
    qtbot.waitUntil(lambda: "Dressed, confidence" in page.detail.text())
    assert not page.model.data(page.model.index(0, 1), CellRole.DOUBTFUL)


def test_a_correction_is_looked_at_anew(qtbot: QtBot, page: DressPage, bench: Bench) -> None:
    click(qtbot, page, 0, 1)
    qtbot.waitUntil(lambda: page.foresight.of(page.board.selected_pairs()[0]) is not None)
    page.context.library_changed.emit(Changes(edits=frozenset({"a photo"})))
    qtbot.waitUntil(lambda: bench.counts["assess"] == 2)
