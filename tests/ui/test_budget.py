"""No call over 16 ms on the UI thread in ordinary use; the window shows without the heavy libraries.

Measured in processor time of the UI thread, so that a busy machine does not make a slow window of a quick one. Each
use gets three tries: caches of the processor belong to the neighbours as well, a slow call is slow every time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.ui.main_window import PLACES, MainWindow
from studio.ui.watchdog import LIMIT_MS, Watchdog
from studio.ui.workspaces.compose import ComposePage
from studio.ui.workspaces.deliver import DeliverPage
from studio.ui.workspaces.dress import DressPage
from studio.ui.workspaces.library import LibraryPage
from studio.ui.workspaces.retouch import RetouchPage
from studio.ui.workspaces.review import ReviewPage
from tests.ui.conftest import draw_figure

FIRST_OPENING_MS = 400.0
"""A workspace is made once a session, when it is first asked for: some two hundred widgets and their style take 30 to
80 ms (Retouch) on a quiet machine. Once means one try: the limit leaves room for what the neighbours do."""
TRIES = 3
REST_MS = 60
MODELS, GARMENTS = 10, 6
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier

Do = Callable[[], object]


@pytest.fixture
def crowd(project: Workspace, tmp_path: Path) -> Workspace:
    """Some dozens of looks."""
    for number in range(MODELS):
        draw_figure(tmp_path / "more models" / f"m {number}.png", 20 + number)
    for number in range(GARMENTS):
        draw_figure(tmp_path / "more garments" / f"g {number}.png", 40 + number)
    project.import_photos([tmp_path / "more models"], PhotoRole.MODEL)
    project.import_photos([tmp_path / "more garments"], PhotoRole.GARMENT)
    library = project.library
    models, garments = (library.photo_ids(Filter(role=role)) for role in (PhotoRole.MODEL, PhotoRole.GARMENT))
    project.queue_all(models, garments)
    project.run_queue()
    return project


class Stopwatch:
    """Lets something happen and says what it cost the UI thread, up to the moment when everything rests again."""

    def __init__(self, qtbot: QtBot, window: MainWindow, dog: Watchdog) -> None:
        self._qtbot, self._window, self._dog = qtbot, window, dog
        self.costs: dict[str, float] = {}

    def cost(self, name: str, do: Do, undo: Do | None = None, *, tries: int = TRIES) -> float:
        found = []
        for _ in range(tries):
            self._rest()
            self._dog.reset()
            do()
            self._rest()
            found.append(self._dog.worst_burnt_ms)
            if found[-1] <= LIMIT_MS:
                break
            if undo is not None:
                undo()
        self.costs[name] = min(found)
        return self.costs[name]

    def _rest(self) -> None:
        self._qtbot.waitUntil(lambda: not self._window.context.is_busy)
        self._qtbot.wait(REST_MS)

    @property
    def too_slow(self) -> dict[str, int]:
        return {name: round(cost) for name, cost in self.costs.items() if cost > LIMIT_MS}


@pytest.fixture
def watch(qtbot: QtBot, crowd: Workspace, window: MainWindow) -> Iterator[Stopwatch]:
    dog = Watchdog(limit_ms=1.0)
    if not dog.can_tell:
        dog.stop()
        pytest.skip("this system does not tell a thread's processor time to another thread")
    yield Stopwatch(qtbot, window, dog)
    dog.stop()


def _page(window: MainWindow, name: str) -> QWidget:
    window.go_to(name)
    return window._pages[name]


def _drag(target: QWidget, start: QPoint, by: QPoint, steps: int = 8) -> None:
    press = QMouseEvent(QEvent.Type.MouseButtonPress, QPointF(start), QPointF(start), LEFT, LEFT, NONE)
    QApplication.sendEvent(target, press)
    for step in range(1, steps + 1):
        place = QPointF(start) + QPointF(by) * step / steps
        move = QMouseEvent(QEvent.Type.MouseMove, place, place, Qt.MouseButton.NoButton, LEFT, NONE)
        QApplication.postEvent(target, move)  # one turn of the loop each, as a hand does it
    end = QPointF(start + by)
    release = QMouseEvent(QEvent.Type.MouseButtonRelease, end, end, LEFT, Qt.MouseButton.NoButton, NONE)
    QApplication.postEvent(target, release)


def test_places_open_at_once(watch: Stopwatch, window: MainWindow) -> None:
    firsts = {}
    for place in PLACES:
        firsts[place.name] = watch.cost(f"first {place.name}", lambda name=place.name: window.go_to(name), tries=1)
        watch.costs.clear()
    for place in PLACES:
        watch.cost(place.name, lambda name=place.name: window.go_to(name))
    assert not watch.too_slow
    assert not {name: round(cost) for name, cost in firsts.items() if cost > FIRST_OPENING_MS}


def test_ordinary_use_of_the_grids(qtbot: QtBot, watch: Stopwatch, window: MainWindow) -> None:
    page = cast(LibraryPage, _page(window, "library"))
    watch.cost("type in search", lambda: qtbot.keyClicks(page.filters.search, "m"))
    watch.cost("clear the search", page.filters.search.clear)
    watch.cost("scroll", lambda: page.grid.verticalScrollBar().setValue(300))
    watch.cost("select all", page.grid.selectAll)
    watch.cost("give stars", lambda: qtbot.keyClick(page.grid, Qt.Key.Key_3))
    watch.cost("another shelf", lambda: page.tabs.setCurrentIndex(3), lambda: page.tabs.setCurrentIndex(0))
    watch.cost("size of thumbnails", lambda: page.zoom.setValue(200), lambda: page.zoom.setValue(160))
    review = cast(ReviewPage, _page(window, "review"))
    watch.cost("next look", lambda: qtbot.keyClick(review.strip, Qt.Key.Key_Down))
    watch.cost("approve", lambda: qtbot.keyClick(review.strip, Qt.Key.Key_A))
    deliver = cast(DeliverPage, _page(window, "deliver"))
    watch.cost("tick all", deliver.check_all)
    watch.cost("type a folder", lambda: qtbot.keyClicks(deliver.folder, "d"))
    assert not watch.too_slow


def test_ordinary_use_of_the_board(qtbot: QtBot, watch: Stopwatch, window: MainWindow) -> None:
    page = cast(DressPage, _page(window, "dress"))
    watch.cost("choose a cell", lambda: page.board.setCurrentIndex(page.model.index(3, 3)))
    watch.cost("scroll", lambda: page.board.verticalScrollBar().setValue(300))
    watch.cost("choose all", page.board.selectAll)
    watch.cost("dress all again", page.dress_selected)
    assert not watch.too_slow


def test_dragging_a_look(watch: Stopwatch, window: MainWindow, qtbot: QtBot) -> None:
    page = cast(ComposePage, _page(window, "compose"))
    qtbot.waitUntil(lambda: page.canvas.composer is not None)
    page.add_look(page.model.ids[0])
    qtbot.waitUntil(lambda: bool(page.canvas.items) and not page._preview_timer.isActive())
    middle = page.canvas.rect().center()
    watch.cost("drag", lambda: _drag(page.canvas, middle, QPoint(50, 10)), lambda: page.canvas.fit())
    watch.cost("a slider", lambda: page.form.changed.emit(page.canvas.placement()))
    assert not watch.too_slow


def test_brushing(watch: Stopwatch, window: MainWindow, qtbot: QtBot, models: list[str]) -> None:
    page = cast(RetouchPage, _page(window, "retouch"))
    page.open_target(models[0])
    qtbot.waitUntil(lambda: page.session is not None and not page.presenter.lane.is_busy)
    middle = page.canvas.rect().center()
    watch.cost("brush", lambda: _drag(page.canvas, middle - QPoint(60, 0), QPoint(120, 30)))
    watch.cost("view", lambda: qtbot.keyClick(page.canvas, Qt.Key.Key_F))
    qtbot.waitUntil(lambda: not page.presenter.lane.is_busy)
    assert not watch.too_slow


_HEAVY = ("torch", "torchvision", "onnxruntime", "cv2", "rembg", "pymatting", "scipy", "skimage", "sqlite_utils")
_PROGRAM = f"""
import sys, tempfile
from pathlib import Path
from PySide6.QtCore import QSettings
from studio.ui import start
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
app = start.make_application([])
folder = Path(tempfile.mkdtemp())
preferences = Preferences(folder / "preferences.json", app)
start.Appearance(app, preferences)
window = MainWindow(StudioContext(preferences, app), QSettings(str(folder / "w.ini"), QSettings.Format.IniFormat))
window.show()
app.processEvents()
print("loaded:", *sorted(set({_HEAVY!r}) & set(sys.modules)))
print("processor seconds:", sum(__import__("os").times()[:2]))
"""
START_S = 2.0


def test_the_window_shows_without_the_heavy_libraries() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-800:]
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    assert lines["loaded"].strip() == ""
    assert float(lines["processor seconds"]) < START_S
