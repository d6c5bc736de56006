"""Thumbnails and the grid: 100,000 ids open at once, and only what is looked at is fetched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.domain.arrays import U8
from studio.domain.errors import PhotoError
from studio.library.records import Marks
from studio.ui.photo_model import PAGE, GridModel, GridRole
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets.check_grid import CheckGrid, CheckModel, box_of
from studio.ui.widgets.grid import Grid, ids_of_mime, ids_to_mime

MANY = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    name: str
    marks: Marks = field(default_factory=Marks)


@dataclass(slots=True)
class Shop:
    """Counts what it is asked for."""

    rows: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def fetch_rows(self, ids: Sequence[str]) -> list[Row]:
        self.rows.extend(ids)
        return [Row(one, f"photo {one}") for one in ids]

    def fetch_picture(self, key: str, size: int) -> U8:
        self.pictures.append(key)
        if key == "broken":
            raise PhotoError("photo.truncated", file=key)
        return np.full((8, 6, 3), 90, np.uint8)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def thumbnails(qtbot: QtBot, shop: Shop) -> Iterator[Thumbnails]:
    made = Thumbnails(shop.fetch_picture, 64)
    yield made
    made.close()


def test_a_hundred_thousand_photos_open_in_under_a_second(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    ids = [str(number) for number in range(MANY)]
    model = GridModel(shop.fetch_rows, thumbnails)
    grid = Grid(model, 120)
    qtbot.addWidget(grid)
    grid.resize(900, 600)
    started = time.perf_counter()
    model.set_ids(ids)
    with qtbot.waitExposed(grid):
        grid.show()
    grid.grab()
    assert time.perf_counter() - started < 1.0
    assert model.rowCount() == MANY
    assert 0 < len(shop.rows) <= 2 * PAGE
    started = time.perf_counter()
    grid.focus_id(ids[-1])
    grid.grab()
    assert time.perf_counter() - started < 1.0
    assert grid.focused_id == ids[-1]
    assert len(shop.rows) <= 4 * PAGE
    qtbot.waitUntil(lambda: ids[-1] in shop.pictures)
    assert len(set(shop.pictures)) < 400
    thumbnails.close()


def test_a_thumbnail_arrives_once_and_repaints_its_cell(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    model = GridModel(shop.fetch_rows, thumbnails)
    model.set_ids(["a", "b"])
    assert model.data(model.index(1), GridRole.PIXMAP) is None
    with qtbot.waitSignal(model.dataChanged) as caught:
        pass
    assert caught.args[0].row() == 1
    assert not model.data(model.index(1), GridRole.PIXMAP).isNull()
    assert shop.pictures == ["b"]


def test_a_broken_picture_is_marked_and_not_asked_for_again(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.get("broken")
    assert thumbnails.is_broken("broken")
    assert thumbnails.get("broken") is None
    thumbnails.close()
    assert shop.pictures == ["broken"]


def test_changed_rows_are_fetched_again(shop: Shop, thumbnails: Thumbnails) -> None:
    model = GridModel(shop.fetch_rows, thumbnails)
    model.set_ids(["a", "b", "c"])
    model.row(model.index(0))
    shop.rows.clear()
    model.refresh(frozenset(["b", "elsewhere"]))
    model.row(model.index(1))
    assert shop.rows == ["b"]


def test_ticks_by_space_and_by_the_corner(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    model = CheckModel(shop.fetch_rows, thumbnails)
    model.set_ids(["a", "b", "c"])
    grid = CheckGrid(model, 120)
    qtbot.addWidget(grid)
    grid.resize(700, 400)
    with qtbot.waitExposed(grid):
        grid.show()
    box = box_of(grid.visualRect(model.index(1))).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=box)
    assert model.checked_ids == ["b"]
    assert not grid.selectionModel().selectedIndexes()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=box + QPoint(60, 60))
    assert model.checked_ids == ["b"]
    qtbot.keyClick(grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert model.checked_ids == ["a", "b", "c"]
    qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert model.checked_ids == []
    thumbnails.close()


# -- tiles -----------------------------------------------------------------------------------------------------------


def many(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> Grid:
    model = GridModel(shop.fetch_rows, thumbnails)
    model.set_ids([str(number) for number in range(MANY)])
    grid = Grid(model, 120)
    model.setParent(grid)
    qtbot.addWidget(grid)
    grid.resize(900, 600)
    with qtbot.waitExposed(grid):
        grid.show()
    grid.grab()
    return grid


def best(work: Callable[[int], object]) -> float:
    seconds = []
    for number in range(5):
        started = time.perf_counter()
        work(number)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def test_a_hundred_thousand_tiles_are_resized_selected_and_scrolled_within_a_frame_or_two(
    qtbot: QtBot, shop: Shop, thumbnails: Thumbnails
) -> None:
    grid = many(qtbot, shop, thumbnails)
    thumbnails.close()
    assert best(lambda number: grid.resize(900 + number, 600)) < 0.03
    assert best(lambda number: grid.set_size(120 + number)) < 0.03
    assert best(lambda number: grid.verticalScrollBar().setValue(number * 90_000)) < 0.016
    assert best(lambda number: grid.selectAll()) < 0.03
    assert best(lambda number: grid.selected_ids()) < 0.03
    assert len(grid.selected_ids()) == MANY


def test_every_tile_is_found_where_it_is_painted(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    grid = many(qtbot, shop, thumbnails)
    for number in (0, 1, grid.columns - 1, grid.columns, 7 * grid.columns + 1, MANY - 1):
        index = grid.model().index(number, 0)
        grid.scrollTo(index)
        place = grid.visualRect(index)
        assert grid.viewport().rect().contains(place)
        assert grid.indexAt(place.center()).row() == grid.indexAt(place.topLeft()).row() == number
    assert not grid.indexAt(QPoint(2, 2)).isValid()


def test_keys_move_by_tile_line_and_page(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    grid = many(qtbot, shop, thumbnails)
    grid.focus_id("0")
    wide = grid.columns
    for key, want in (
        (Qt.Key.Key_Right, 1), (Qt.Key.Key_Down, 1 + wide), (Qt.Key.Key_Left, wide), (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_Up, 0), (Qt.Key.Key_End, MANY - 1), (Qt.Key.Key_Down, MANY - 1), (Qt.Key.Key_Home, 0),
    ):  # fmt: skip
        qtbot.keyClick(grid, key)
        assert grid.focused_id == str(want)
    qtbot.keyClick(grid, Qt.Key.Key_PageDown)
    assert int(grid.focused_id) % wide == 0 and int(grid.focused_id) > wide
    assert grid.viewport().rect().contains(grid.visualRect(grid.currentIndex()))


def test_shift_takes_all_between_and_control_single_ones(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    grid = many(qtbot, shop, thumbnails)

    def click(number: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        place = grid.visualRect(grid.model().index(number, 0)).center()
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, keys, place)

    wide = grid.columns
    click(1)
    click(wide + 2, Qt.KeyboardModifier.ShiftModifier)
    assert grid.selected_ids() == [str(number) for number in range(1, wide + 3)]
    click(wide + 1, Qt.KeyboardModifier.ShiftModifier)
    assert grid.selected_ids() == [str(number) for number in range(1, wide + 2)]
    click(2, Qt.KeyboardModifier.ControlModifier)
    assert "2" not in grid.selected_ids() and "3" in grid.selected_ids()
    click(4)
    qtbot.keyClick(grid, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert grid.selected_ids() == [str(number) for number in range(4, 4 + wide + 1)]


def test_a_band_drawn_from_empty_room_takes_what_it_touches(qtbot: QtBot, shop: Shop, thumbnails: Thumbnails) -> None:
    model = GridModel(shop.fetch_rows, thumbnails)
    grid = Grid(model, 120)
    qtbot.addWidget(grid)
    grid.resize(700, 500)
    model.set_ids(["a", "b", "c"])
    with qtbot.waitExposed(grid):
        grid.show()
    view, start = grid.viewport(), QPoint(500, 400)
    end = grid.visualRect(model.index(1)).center()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for at in (QPoint(480, 300), end):
        event = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(at), QPointF(view.mapToGlobal(at)), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(view, event)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    assert grid.selected_ids() == ["b", "c"]
    thumbnails.close()


def test_dragged_ids_travel_as_they_are() -> None:
    assert ids_of_mime(ids_to_mime(["a", "b"])) == ["a", "b"] and ids_of_mime(QMimeData()) == []


def test_another_size_shows_the_old_picture_until_the_new_one_is_here(
    qtbot: QtBot, shop: Shop, thumbnails: Thumbnails
) -> None:
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.get("a")
    thumbnails.set_size(128)
    with qtbot.waitSignal(thumbnails.ready):
        assert thumbnails.get("a") is not None
    assert shop.pictures == ["a", "a"] and thumbnails.get("a") is not None
    thumbnails.close()
    assert shop.pictures == ["a", "a"]
