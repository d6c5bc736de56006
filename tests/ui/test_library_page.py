"""Library: photos come in by drop and by dialog, are found, marked, taken back, and empty shelves say what to do."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.library.records import ColourLabel, Filter, Flag
from studio.ui.main_window import MainWindow
from studio.ui.workspaces.library import LibraryPage
from tests.ui.conftest import Dialogs, draw_figure

# PySide wraps only the constructor that Qt 6 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Function. 'QDragEnterEvent")


@pytest.fixture
def page(window: MainWindow) -> LibraryPage:
    window.go_to("library")
    return cast(LibraryPage, window._pages["library"])


def drop(page: LibraryPage, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, buttons, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 200), action, data, buttons, keys)
    QApplication.sendEvent(page, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(page, QDropEvent(QPointF(50, 200), action, data, buttons, keys))


def names(page: LibraryPage) -> list[str]:
    return [row.name for row in page.project.library.photos(page.model.ids)]


def test_files_and_folders_are_dropped_in(qtbot: QtBot, page: LibraryPage, tmp_path: Path) -> None:
    folder = tmp_path / "shooting"
    for number in range(3):
        draw_figure(folder / f"IMG_{number}.png", 8 + number)
    page.tabs.setCurrentIndex(1)
    drop(page, folder)
    qtbot.waitUntil(lambda: len(page.model.ids) == 5)
    assert names(page)[-3:] == ["IMG_0.png", "IMG_1.png", "IMG_2.png"]
    assert page.count.text() == "5 items"


def test_two_drops_in_a_row_both_arrive(qtbot: QtBot, page: LibraryPage, tmp_path: Path) -> None:
    first = [draw_figure(tmp_path / "a" / f"a{number}.png", 8 + number) for number in range(3)]
    drop(page, *first)
    page.tabs.setCurrentIndex(1)
    drop(page, draw_figure(tmp_path / "b" / "b.png", 12))
    library = page.project.library
    qtbot.waitUntil(lambda: len(library.photo_ids(Filter(role=PhotoRole.GARMENT))) == 3)
    assert len(library.photo_ids(Filter(role=PhotoRole.MODEL))) == 5


def test_the_dialog_imports_and_a_bad_file_is_named(
    qtbot: QtBot, page: LibraryPage, dialogs: Dialogs, tmp_path: Path
) -> None:
    bad = tmp_path / "broken.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    dialogs.files = [str(draw_figure(tmp_path / "new.png", 9)), str(bad)]
    qtbot.keyClick(page.grid, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(page.banner.isVisible)
    assert "broken.jpg" in page.banner.text
    assert "new.png" in names(page)


def test_the_same_photos_again_are_not_an_error(qtbot: QtBot, page: LibraryPage, tmp_path: Path) -> None:
    page.import_paths([tmp_path / "models"])
    qtbot.waitUntil(page.banner.isVisible)
    assert page.banner.text == "All of these photos are in the project already."


def test_search_narrows_and_an_empty_result_says_why(qtbot: QtBot, page: LibraryPage) -> None:
    qtbot.keyClicks(page.search, "model 1")
    qtbot.waitUntil(lambda: names(page) == ["model 1.png"])
    qtbot.keyClicks(page.search, "xyz")
    qtbot.waitUntil(lambda: page._stack.currentWidget() is page.empty)
    assert "Nothing matches" in [label.text() for label in page.empty.findChildren(QLabel)]
    page.search.clear()
    qtbot.waitUntil(lambda: len(page.model.ids) == 2)


def test_stars_and_flags_act_on_the_focused_photo_and_advance(qtbot: QtBot, page: LibraryPage) -> None:
    first, second = page.model.ids
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_4)
    assert page.project.library.photo(first).marks.rating == 4
    assert page.grid.focused_id == second
    qtbot.keyClick(page.grid, Qt.Key.Key_R)
    assert page.project.library.photo(second).marks.flag is Flag.REJECT
    qtbot.keyClick(page.grid, Qt.Key.Key_6)
    assert page.project.library.photo(second).marks.label is ColourLabel.RED
    page.rating.setCurrentIndex(3)
    assert page.model.ids == [first]
    page.rating.setCurrentIndex(0)
    page.flags.setCurrentIndex(2)
    assert page.model.ids == [second]


def test_the_focus_stays_where_advancing_is_switched_off(qtbot: QtBot, page: LibraryPage) -> None:
    page.context.preferences.set("advance_after_rating", False)
    first = page.model.ids[0]
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_P)
    assert page.grid.focused_id == first


def test_undo_and_redo_take_marks_back(qtbot: QtBot, window: MainWindow, page: LibraryPage) -> None:
    first = page.model.ids[0]
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_5)
    assert window.undo_action.text().startswith("Undo")
    qtbot.keyClick(page.grid, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert page.project.library.photo(first).marks.rating == 0
    window.redo_action.trigger()
    assert page.project.library.photo(first).marks.rating == 5


def test_the_trash_can_be_undone(qtbot: QtBot, window: MainWindow, page: LibraryPage) -> None:
    ids = list(page.model.ids)
    qtbot.keyClick(page.grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(page.grid, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.model.ids == [])
    assert page._stack.currentWidget() is page.empty
    window.undo_action.trigger()
    qtbot.waitUntil(lambda: page.model.ids == ids)


def test_shelves_without_anything_say_where_to_go(page: LibraryPage) -> None:
    page.tabs.setCurrentIndex(3)
    assert page._stack.currentWidget() is page.empty
    assert "No looks yet" in [label.text() for label in page.empty.findChildren(QLabel)]
    page.tabs.setCurrentIndex(4)
    assert "No scenes yet" in [label.text() for label in page.empty.findChildren(QLabel)]
