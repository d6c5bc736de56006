"""Thumbnails and the grid: 100,000 ids open at once, and only what is looked at is fetched."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from studio.domain.arrays import U8
from studio.domain.errors import PhotoError
from studio.library.records import Marks
from studio.ui.photo_model import PAGE, GridModel, GridRole
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets.check_grid import CheckGrid, CheckModel, box_of
from studio.ui.widgets.grid import Grid

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
