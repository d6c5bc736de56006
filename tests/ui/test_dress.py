"""Dress: choose cells, rows, columns or all; looks appear as they finish; a failed pair says why."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.library.records import JobState, LookState
from studio.ui.board_model import CellRole
from studio.ui.main_window import MainWindow
from studio.ui.workspaces.dress import DressPage
from studio.ui.workspaces.review import ReviewPage
from tests.fakes import REFUSED_COLOUR, Bench, draw_photo
from tests.ui.conftest import Dialogs


@pytest.fixture
def page(window: MainWindow) -> DressPage:
    window.go_to("dress")
    return cast(DressPage, window._pages["dress"])


def looks(page: DressPage) -> int:
    return len(page.project.library.look_ids())


def settled(page: DressPage) -> bool:
    counts = page.project.library.job_counts()
    return not page.context.is_busy and not counts[JobState.QUEUED] and not counts[JobState.RUNNING]


def click(qtbot: QtBot, page: DressPage, row: int, column: int) -> None:
    place = page.board.visualRect(page.model.index(row, column)).center()
    qtbot.mouseClick(page.board.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_one_cell_is_dressed_and_its_look_appears(qtbot: QtBot, page: DressPage) -> None:
    click(qtbot, page, 1, 0)
    qtbot.keyClick(page.board, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: settled(page) and looks(page) == 1)
    qtbot.waitUntil(lambda: page.model.data(page.model.index(1, 0), CellRole.PIXMAP) is not None)
    qtbot.waitUntil(lambda: page.coverage.text().startswith("1 of 4 dressed"))
    assert page.detail.text().startswith("model 1.png + garment 0.png: Dressed, confidence 80 %")


def test_a_row_by_its_header(qtbot: QtBot, page: DressPage) -> None:
    header = page.board.verticalHeader()
    middle = header.sectionViewportPosition(0) + header.sectionSize(0) // 2
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=header.viewport().rect().topLeft() + _at(middle))
    assert len(page.board.selected_pairs()) == 2
    assert len({model for model, _ in page.board.selected_pairs()}) == 1
    qtbot.mouseClick(page.dress_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: settled(page) and looks(page) == 2)


def _at(y: int) -> object:
    from PySide6.QtCore import QPoint

    return QPoint(20, y)


def test_two_requests_in_a_row_both_count(qtbot: QtBot, page: DressPage) -> None:
    for column in (0, 1):
        click(qtbot, page, 0, column)
        qtbot.mouseClick(page.dress_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: settled(page) and looks(page) == 2)


def test_all_that_are_missing_and_then_nothing_is_left(qtbot: QtBot, page: DressPage) -> None:
    qtbot.mouseClick(page.all_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: settled(page) and looks(page) == 4)
    qtbot.waitUntil(lambda: page.coverage.text().startswith("4 of 4 dressed"))
    qtbot.mouseClick(page.all_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.banner.isVisible)
    assert page.banner.text.startswith("There is nothing to dress")


def test_a_failed_pair_says_why_and_can_be_retried(qtbot: QtBot, page: DressPage, tmp_path: Path) -> None:
    nobody = draw_photo(tmp_path / "nobody.png", 30, corner=REFUSED_COLOUR)
    page.project.import_photos([nobody], PhotoRole.MODEL)
    qtbot.waitUntil(lambda: page.model.rowCount() == 3)
    click(qtbot, page, 2, 0)
    qtbot.mouseClick(page.dress_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: "nobody.png" in page.queue.list.model().index(0, 0).data() if page.queue.jobs.rowCount() else False
    )
    qtbot.waitUntil(lambda: page.project.library.job_counts()[JobState.FAILED] == 1)
    qtbot.waitUntil(lambda: settled(page) and page.model.cell_at(page.model.index(2, 0)).error is not None)
    qtbot.waitUntil(lambda: "nobody.png" in page.detail.text() and len(page.detail.text()) > 50)
    attempts = page.project.library.jobs(page.project.library.job_ids([JobState.FAILED]))[0].attempts
    qtbot.mouseClick(page.queue.retry_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: (
            settled(page)
            and page.project.library.jobs(page.project.library.job_ids([JobState.FAILED]))[0].attempts > attempts
        )
    )


def test_pause_resume_and_cancel(qtbot: QtBot, page: DressPage, bench: Bench) -> None:
    bench.gate = threading.Event()
    qtbot.mouseClick(page.all_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.project.library.job_counts()[JobState.RUNNING] == 1)
    qtbot.waitUntil(page.queue.bar.isVisible)
    qtbot.mouseClick(page.queue.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.project.library.job_counts()[JobState.PAUSED] == 4)
    assert page.queue.pause_button.text() == "Resume"
    qtbot.mouseClick(page.queue.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.project.library.job_counts()[JobState.RUNNING] == 1)
    qtbot.mouseClick(page.queue.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.project.library.job_counts()[JobState.CANCELLED] == 4)
    assert looks(page) == 0
    bench.gate.set()
    qtbot.waitUntil(lambda: settled(page))


def test_a_pair_list_dresses_what_it_names(qtbot: QtBot, page: DressPage, dialogs: Dialogs, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("model 0.png garment 1.png\nmodel9.png garment0.png\n".replace("model 0", "model0"), "utf-8")
    dialogs.files = [str(pairs)]
    qtbot.keyClick(page.board, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(page.banner.isVisible)
    assert "pairs.txt" in page.banner.text


def test_an_approved_pair_counts_and_undo_takes_it_back(qtbot: QtBot, window: MainWindow, page: DressPage) -> None:
    click(qtbot, page, 0, 0)
    qtbot.mouseClick(page.dress_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: settled(page) and looks(page) == 1)
    qtbot.waitUntil(lambda: bool(page.model.cell_at(page.model.index(0, 0)).look_id))
    qtbot.keyClick(page.board, Qt.Key.Key_A)
    look = page.project.library.look_ids()[0]
    assert page.project.library.look(look).state is LookState.APPROVED
    window.undo_action.trigger()
    assert page.project.library.look(look).state is LookState.DRESSED


def test_return_on_a_look_shows_it_in_review(qtbot: QtBot, window: MainWindow, page: DressPage) -> None:
    page.project.queue_all([photo.id for photo in page.model.models], [photo.id for photo in page.model.garments])
    page.project.run_queue()
    qtbot.waitUntil(lambda: bool(page.model.cell_at(page.model.index(1, 1)).look_id))
    page.board.setCurrentIndex(page.model.index(1, 1))
    wanted = page.model.cell_at(page.model.index(1, 1)).look_id
    page.board.opened.emit(page.model.index(1, 1))
    assert window.place == "review"
    assert cast(ReviewPage, window._pages["review"]).strip.focused_id == wanted
    qtbot.waitUntil(lambda: not window.context.is_busy)
