"""Budgets of the Library with 100,000 photos, in processor time of the window's own thread: neighbours are noise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.jobs.workspace import Workspace
from studio.library.library import Library
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
from studio.ui.workspaces.library import LibraryPage
from tests.fakes import FakeModels, draw_photo
from tests.library.test_benchmark import COUNT, fill

pytestmark = pytest.mark.benchmark

OPEN_BUDGET_S = 1.0
ACT_BUDGET_S = 0.1
"""For all events together that one filter, one sort or one choice of everything leads to."""


@pytest.fixture
def page(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[LibraryPage]:
    with Library.create(tmp_path / "project") as library:
        fill(library)
        draw_photo(library.folder / "originals" / "x.png", 1).rename(library.folder / "originals" / "x")
    context = StudioContext(Preferences(tmp_path / "preferences.json"))
    window = MainWindow(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.show()
    started = time.thread_time()
    context.use_project(Workspace.open(tmp_path / "project", models=FakeModels()))
    made = cast(LibraryPage, window._pages["library"])
    qtbot.waitUntil(lambda: len(made.model.ids) == COUNT)
    made.grid.grab()
    assert time.thread_time() - started < OPEN_BUDGET_S
    yield made
    context.close_project()


def spent(qtbot: QtBot, act: Callable[[], object], is_done: Callable[[], bool]) -> float:
    """Return the seconds that the window's thread worked until something was done."""
    started = time.thread_time()
    act()
    qtbot.waitUntil(is_done)
    return time.thread_time() - started


def test_everything_acts_at_once(qtbot: QtBot, page: LibraryPage) -> None:
    every = lambda: len(page.model.ids) == COUNT  # noqa: E731 - said four times
    fewer = lambda: 0 < len(page.model.ids) < COUNT  # noqa: E731
    assert spent(qtbot, lambda: page.filters.stars.choose(3), fewer) < ACT_BUDGET_S
    assert spent(qtbot, page.filters.clear, every) < ACT_BUDGET_S
    assert spent(qtbot, lambda: page.filters.search.setText("img_77"), fewer) < ACT_BUDGET_S
    assert spent(qtbot, page.filters.clear, every) < ACT_BUDGET_S
    first = page.model.ids[0]
    assert spent(qtbot, lambda: page.order.setCurrentIndex(1), lambda: page.model.ids[0] != first) < ACT_BUDGET_S
    chosen = spent(qtbot, page.grid.selectAll, lambda: page.details.name.text() == f"{COUNT:,} selected")
    assert chosen < ACT_BUDGET_S
    rated = spent(qtbot, lambda: qtbot.keyClick(page.grid, Qt.Key.Key_End), lambda: True)
    assert rated < ACT_BUDGET_S
