"""Library: photos come in by drop and by dialog, are found, marked, taken back, and empty shelves say what to do."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import Category, PhotoRole
from studio.domain.edits import GarmentOverride, HemStyle, LayerOrder
from studio.jobs.workspace import Workspace
from studio.jobs.worn import layer_order
from studio.library.records import ColourLabel, Filter, Flag
from studio.ui import hot_folder
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.widgets.grid import ids_to_mime
from studio.ui.widgets.marks import STEP
from studio.ui.workspaces.library import LibraryPage
from tests.fakes import FakeModels
from tests.ui.conftest import Dialogs, draw_figure

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier

# PySide wraps only the constructor that Qt 6 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Function. .QDrag(Enter|Move)Event")


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


def drop_ids(page: LibraryPage, line: int, ids: list[str]) -> bool:
    """Drop dragged items on a line of the left side."""
    view = page.collections.viewport()
    at = page.collections.visualItemRect(page.collections.item(line)).center()
    data = ids_to_mime(ids)
    action, buttons, keys = Qt.DropAction.CopyAction, LEFT, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(view, QDragEnterEvent(at, action, data, buttons, keys))
    over = QDragMoveEvent(at, action, data, buttons, keys)
    QApplication.sendEvent(view, over)
    assert page.collections._lines.target_row == (line if over.isAccepted() else -1), "where it would go is seen"
    if over.isAccepted():
        QApplication.sendEvent(view, QDropEvent(QPointF(at), action, data, buttons, keys))
    return over.isAccepted()


def star(number: int) -> QPoint:
    """Where the n-th star of a `StarBar` is."""
    return QPoint(2 + STEP * (number - 1) + STEP // 2, 13)


def lines(page: LibraryPage) -> list[str]:
    return [page.collections.item(number).text() for number in range(page.collections.count())]


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
    qtbot.keyClick(page.grid, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(page.filters.search, "model 1")
    qtbot.waitUntil(lambda: names(page) == ["model 1.png"])
    qtbot.keyClicks(page.filters.search, "xyz")
    qtbot.waitUntil(lambda: page._stack.currentWidget() is page.empty)
    assert "Nothing matches" in [label.text() for label in page.empty.findChildren(QLabel)]
    qtbot.mouseClick(page.filters.clear_button, LEFT)
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
    qtbot.mouseClick(page.filters.stars, LEFT, pos=star(3))
    assert page.model.ids == [first]
    qtbot.mouseClick(page.filters.stars, LEFT, pos=star(3))
    qtbot.mouseClick(page.filters.flag_buttons[Flag.REJECT], LEFT)
    assert page.model.ids == [second]
    qtbot.mouseClick(page.filters.colour_buttons[ColourLabel.BLUE], LEFT)
    assert page.model.ids == [] and page._stack.currentWidget() is page.empty


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


# -- collections -----------------------------------------------------------------------------------------------------


def test_a_collection_is_made_named_filled_by_dropping_and_shown(qtbot: QtBot, page: LibraryPage) -> None:
    first, second = page.model.ids
    qtbot.mouseClick(page.add_collection, LEFT)
    editor = page.collections.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "Autumn")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: lines(page) == ["Everything", "Autumn"])
    assert not drop_ids(page, 0, [first]), "Everything holds it already"
    assert drop_ids(page, 1, [first])
    page.collections.choose(page.project.library.collections()[0].id)
    qtbot.waitUntil(lambda: page.model.ids == [first])
    page.tabs.setCurrentIndex(1)
    assert page._stack.currentWidget() is page.empty, "no garment is in it"
    page.tabs.setCurrentIndex(0)
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_K, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: page.model.ids == [])
    qtbot.keyClick(page.collections, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: lines(page) == ["Everything"])
    qtbot.waitUntil(lambda: page.model.ids == [first, second])


def test_collections_are_undone_and_redone(qtbot: QtBot, window: MainWindow, page: LibraryPage) -> None:
    qtbot.keyClick(page.grid, Qt.Key.Key_A, CONTROL)
    qtbot.keyClick(page.grid, Qt.Key.Key_N, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    made = page.project.library.collections()
    assert [one.count for one in made] == [2], "what was selected is in it"
    page.collections.renamed.emit(made[0].id, "Spring")
    assert page.project.library.collections()[0].name == "Spring"
    for _ in range(3):
        window.undo_action.trigger()
    qtbot.waitUntil(lambda: lines(page) == ["Everything"])
    for _ in range(3):
        window.redo_action.trigger()
    qtbot.waitUntil(lambda: lines(page) == ["Everything", "Spring"])


def test_the_trash_is_listed_and_gives_back(qtbot: QtBot, page: LibraryPage) -> None:
    first = page.model.ids[0]
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: lines(page) == ["Everything", "Trash"])
    page.collections.choose("trash")
    qtbot.waitUntil(lambda: page.model.ids == [first])
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_Delete, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: lines(page) == ["Everything"] and len(page.model.ids) == 2)


# -- details ---------------------------------------------------------------------------------------------------------


def test_tags_are_typed_completed_filtered_and_taken_away(qtbot: QtBot, page: LibraryPage) -> None:
    first, second = page.model.ids
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_T, CONTROL)
    qtbot.keyClicks(page.details.tags.line, "autumn, linen")
    qtbot.keyClick(page.details.tags.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.details.tags.tags == ["autumn", "linen"])
    page.grid.focus_id(second)
    qtbot.waitUntil(lambda: page.details.tags.tags == [])
    completer = page.details.tags.line.completer()
    completer.setCompletionPrefix("aut")
    assert completer.currentCompletion() == "autumn"
    linen = next(action for action in page.filters.tag_menu.actions() if action.data() == "linen")
    linen.trigger()
    assert page.model.ids == [first]
    page.grid.focus_id(first)
    qtbot.waitUntil(lambda: page.details.tags.tags == ["autumn", "linen"])
    qtbot.mouseClick(page.details.tags._chips[1], LEFT)
    qtbot.waitUntil(lambda: len(page.model.ids) == 2)
    assert not page.filters.is_active, "a tag that is gone filters nothing"
    assert page.project.library.photo(first).marks.tags == ("autumn",)


def test_details_change_all_that_is_selected(qtbot: QtBot, page: LibraryPage) -> None:
    qtbot.keyClick(page.grid, Qt.Key.Key_A, CONTROL)
    qtbot.waitUntil(lambda: page.details.name.text() == "2 selected")
    qtbot.mouseClick(page.details.stars, LEFT, pos=star(3))
    qtbot.mouseClick(page.details.colour_buttons[ColourLabel.GREEN], LEFT)
    qtbot.mouseClick(page.details.flag_buttons[Flag.PICK], LEFT)
    marks = [row.marks for row in page.project.library.photos(page.model.ids)]
    assert {(one.rating, one.label, one.flag) for one in marks} == {(3, ColourLabel.GREEN, Flag.PICK)}


def test_a_photo_is_renamed_in_the_details(qtbot: QtBot, window: MainWindow, page: LibraryPage) -> None:
    first = page.model.ids[0]
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_F2)
    qtbot.keyClicks(page.details.name, "Anna, standing")
    qtbot.keyClick(page.details.name, Qt.Key.Key_Return)
    assert page.project.library.photo(first).name == "Anna, standing"
    window.undo_action.trigger()
    assert page.project.library.photo(first).name == "model 0.png"
    qtbot.waitUntil(lambda: page.details.name.text() == "model 0.png")


def test_what_a_garment_is_can_be_said_and_only_its_looks_are_outdated(
    qtbot: QtBot, window: MainWindow, page: LibraryPage, models: list[str], garments: list[str]
) -> None:
    project = page.project
    project.queue_all(models[:1], garments)
    project.run_queue()
    looks = {look.garment_id: look.id for look in project.library.looks(project.library.look_ids())}
    page.tabs.setCurrentIndex(1)
    page.grid.focus_id(garments[0])
    qtbot.waitUntil(lambda: page.details.garment.isVisible())
    box = page.details.garment.boxes["category"]
    assert [str(box.itemData(number)) for number in range(box.count())] == ["", *(one.value for one in Category)]
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert project.library.edits(garments[0]) == (GarmentOverride(category=list(Category)[-1].value),)
    assert project.library.stale_look_ids() == [looks[garments[0]]]
    assert page.banner.text.startswith("1 look")
    assert "garment" in window.undo_action.text()
    window.undo_action.trigger()
    assert project.library.edits(garments[0]) == () and project.library.stale_look_ids() == []
    window.redo_action.trigger()
    qtbot.mouseClick(page.banner._details, LEFT)
    qtbot.waitUntil(lambda: not project.library.stale_look_ids())
    qtbot.waitUntil(lambda: not project.queue.is_running)


def test_how_a_look_is_worn_can_be_said_and_undone(
    qtbot: QtBot, window: MainWindow, page: LibraryPage, dressed: Workspace
) -> None:
    page.tabs.setCurrentIndex(3)
    look = page.model.ids[0]
    page.grid.focus_id(look)
    qtbot.waitUntil(page.details.worn.isVisible)
    worn = page.details.worn
    worn.hem.activated.emit(worn.hem.findData("tucked"))
    next(action for action in worn.over.menu().actions() if action.data() == "hair").trigger()
    qtbot.waitUntil(lambda: worn.over.text().strip().startswith("Hair"))
    next(action for action in worn.under.menu().actions() if action.data() == "hair").trigger()
    assert layer_order(dressed, look) == LayerOrder(HemStyle.TUCKED, (), ("hair",))
    for _ in range(3):
        window.undo_action.trigger()
    assert layer_order(dressed, look) == LayerOrder() and dressed.library.stale_look_ids() == []


# -- files -----------------------------------------------------------------------------------------------------------


def test_missing_files_are_seen_and_found_by_content(
    qtbot: QtBot, page: LibraryPage, dialogs: Dialogs, tmp_path: Path
) -> None:
    first = page.model.ids[0]
    row = page.project.library.photo(first)
    archive = tmp_path / "archive"
    archive.mkdir()
    row.file.rename(archive / "quite another name")
    page.presenter.find_missing()
    qtbot.waitUntil(lambda: lines(page) == ["Everything", "Missing files"])
    page.collections.choose("missing")
    qtbot.waitUntil(lambda: page.model.ids == [first])
    page.grid.focus_id(first)
    qtbot.waitUntil(page.details.relink_button.isVisible)
    dialogs.files = [str(archive)]
    qtbot.mouseClick(page.details.relink_button, LEFT)
    qtbot.waitUntil(lambda: page.banner.text == "All 1 missing files were found.")
    assert page.project.library.photo(first).file.is_file()
    qtbot.waitUntil(lambda: lines(page) == ["Everything"])


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEBOUNCE_MS", "SETTLE_MS", "IDLE_MS"):
        monkeypatch.setattr(hot_folder, name, 30)


@pytest.mark.usefixtures("hasty")
def test_a_watched_folder_is_imported_from_and_shows_that_it_is_on(
    qtbot: QtBot, window: MainWindow, page: LibraryPage, dialogs: Dialogs, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    draw_figure(card / "IMG_1.png", 20)
    assert not page.watching.isVisible(), "off until somebody asks for it"
    dialogs.files = [str(card)]
    qtbot.keyClick(page.grid, Qt.Key.Key_I, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert page.watching.isVisible() and page.watching.text() == "Watching card"
    qtbot.waitUntil(lambda: "IMG_1.png" in names(page))
    whole = draw_figure(tmp_path / "IMG_2.png", 21).read_bytes()
    (card / "IMG_2.png").write_bytes(whole[: len(whole) // 2])  # half of it, for longer than it takes to be noticed
    qtbot.waitUntil(lambda: "IMG_2" in window.banner.text)
    assert "IMG_2.png" not in names(page)
    (card / "IMG_2.png").write_bytes(whole)
    qtbot.waitUntil(lambda: "IMG_2.png" in names(page))
    window.banner.hide()
    card.rename(tmp_path / "gone")
    qtbot.waitUntil(lambda: page.watching.text() == "Waiting for card")
    assert "card" in window.banner.text
    (tmp_path / "gone").rename(card)
    qtbot.waitUntil(lambda: page.watching.text() == "Watching card")
    qtbot.mouseClick(page.watching, LEFT)
    assert page.context.hot_folder.folder is None and not page.watching.isVisible()


@pytest.mark.usefixtures("hasty")
def test_a_watched_folder_is_remembered_and_leaves_the_trash_alone(
    qtbot: QtBot, context: StudioContext, page: LibraryPage, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    draw_figure(card / "IMG_1.png", 20)
    library = page.project.library
    context.hot_folder.watch(card, PhotoRole.GARMENT)
    qtbot.waitUntil(lambda: library.count(Filter(role=PhotoRole.GARMENT)) == 3)
    library.trash(library.photo_ids(Filter(text="IMG_1")))
    context.hot_folder._on_project(None)
    context.hot_folder._rest()  # as when the project is closed
    assert context.hot_folder.folder is None
    context.hot_folder._on_project(page.project)
    assert context.hot_folder.folder == card and context.hot_folder.role is PhotoRole.GARMENT
    draw_figure(card / "IMG_2.png", 23)
    qtbot.waitUntil(lambda: library.count(Filter(text="IMG_2")) == 1)
    assert library.count(Filter(text="IMG_1")) == 0
    context.hot_folder.stop()


def test_a_folder_inside_the_project_is_not_watched(qtbot: QtBot, page: LibraryPage, dialogs: Dialogs) -> None:
    dialogs.files = [str(page.project.library.folder / "exports")]
    page.commands.watch.trigger()
    assert page.context.hot_folder.folder is None
    assert "inside this project" in page.banner.text


# -- room ------------------------------------------------------------------------------------------------------------


def test_a_narrow_window_leaves_the_filters_their_room(qtbot: QtBot, window: MainWindow, page: LibraryPage) -> None:
    window.resize(1366, 768)
    qtbot.waitUntil(page.sidebar.isVisible)
    window.resize(1200, 640)
    qtbot.waitUntil(lambda: not page.sidebar.isVisible())
    qtbot.waitUntil(lambda: page.filters.width() > 500)  # the room that the collections left
    places = [widget.geometry() for widget in (page.filters.search, page.filters.stars, page.filters.tag_button)]
    assert not any(first.intersects(second) for first, second in pairwise(places))
    assert page.filters.tag_button.width() >= page.filters.tag_button.sizeHint().width()
    page.commands.show_collections.trigger()
    assert page.sidebar.isVisible(), "who asks for it gets it"


def test_panels_stay_hidden_after_a_restart(qtbot: QtBot, window: MainWindow, page: LibraryPage) -> None:
    window.resize(1366, 768)
    qtbot.keyClick(page.grid, Qt.Key.Key_2, CONTROL | Qt.KeyboardModifier.AltModifier)
    assert not page.details.isVisible()
    again = LibraryPage(page.context)
    qtbot.addWidget(again)
    assert again.details.isHidden() and not again.sidebar.isHidden()
    again._on_closing()


# -- history ---------------------------------------------------------------------------------------------------------


def test_an_import_is_taken_back_before_what_was_done_before_it(
    qtbot: QtBot, window: MainWindow, page: LibraryPage, tmp_path: Path
) -> None:
    library, first = page.project.library, page.model.ids[0]
    page.grid.focus_id(first)
    qtbot.keyClick(page.grid, Qt.Key.Key_5)
    drop(page, draw_figure(tmp_path / "new.png", 9))
    qtbot.waitUntil(lambda: len(page.model.ids) == 3)
    qtbot.waitUntil(lambda: "Import" in window.undo_action.text())
    window.undo_action.trigger()
    qtbot.waitUntil(lambda: len(page.model.ids) == 2)
    assert library.photo(first).marks.rating == 5
    window.undo_action.trigger()
    assert library.photo(first).marks.rating == 0
    window.redo_action.trigger()
    window.redo_action.trigger()
    qtbot.waitUntil(lambda: len(page.model.ids) == 3)
    assert library.photo(first).marks.rating == 5


def test_undo_and_redo_survive_a_restart(
    qtbot: QtBot, context: StudioContext, window: MainWindow, page: LibraryPage
) -> None:
    first, folder = page.model.ids[0], page.project.library.folder
    for stars in (1, 2, 3):
        page.grid.focus_id(first)
        page.rate(stars)
    window.undo_action.trigger()
    context.close_project()
    assert not window.undo_action.isEnabled()
    again = Workspace.open(folder, models=FakeModels())
    context.use_project(again)
    assert window.undo_action.isEnabled() and window.redo_action.isEnabled()
    window.redo_action.trigger()
    assert again.library.photo(first).marks.rating == 3
    window.undo_action.trigger()
    window.undo_action.trigger()
    assert again.library.photo(first).marks.rating == 1
