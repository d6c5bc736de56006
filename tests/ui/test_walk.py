"""The walk of a new user, whole, through real mouse, keyboard and drop events.

Start a project, drop models and garments in, dress all pairs, correct one mask and see only its looks renew
themselves, place the looks on a background at the saved position, deliver a folder. What is not ours (the desktop's
own file dialogs) is answered by the `dialogs` fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.jobs import workspace as workspace_module
from studio.jobs.samples import shipped_samples
from studio.jobs.workspace import in_threads
from studio.library.library import Library
from studio.library.records import JobState
from studio.models import provider as provider_module
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
from studio.ui.widgets.grid import Grid
from studio.ui.workspaces.compose import ComposePage
from studio.ui.workspaces.deliver import DeliverPage
from studio.ui.workspaces.dress import DressPage
from studio.ui.workspaces.library import LibraryPage
from studio.ui.workspaces.retouch import RetouchPage
from tests.fakes import FakeModels, installed
from tests.ui.conftest import Dialogs, draw_figure

# PySide wraps only the constructor that Qt 6 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Function. 'QDragEnterEvent")

LEFT, NONE, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
PATIENCE_MS = 240_000
"""Real stages on a machine that does other things as well."""


@dataclass(frozen=True, slots=True)
class Shooting:
    """What the new user has on the desktop. is_real: dressed by the real stages."""

    models: list[Path]
    garments: list[Path]
    background: Path
    is_real: bool


def _drawn(folder: Path) -> Shooting:
    models = [draw_figure(folder / f"model {number}.png", number) for number in range(5)]
    garments = [draw_figure(folder / f"garment {number}.png", 8 + number) for number in range(2)]
    return Shooting(models, garments, draw_figure(folder / "wall.png", 12), False)


def _samples() -> Shooting:
    files = {role: [one.file for one in shipped_samples() if one.role is role] for role in PhotoRole}
    return Shooting(files[PhotoRole.MODEL][:1], files[PhotoRole.GARMENT][:2], files[PhotoRole.BACKGROUND][0], True)


def _shared(shared: Path) -> Shooting:
    photos = shared / "photos"
    models = [photos / "persons" / f"{name}.jpg" for name in ("vitonhd_00599_00", "vitonhd_11240_00")]
    garments = [photos / "garments" / "vitonhdtrain_00134.jpg"]
    return Shooting(models, garments, photos / "backgrounds" / "meet_2.jpg", True)


@pytest.fixture(params=["drawn", "samples", "shared"])
def shooting(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shooting]:
    if request.param == "drawn":
        made = _drawn(tmp_path / "desktop")
        monkeypatch.setattr(provider_module, "LocalModels", FakeModels)
    else:
        made = _samples() if request.param == "samples" else _shared(request.getfixturevalue("shared"))
    with nullcontext() if made.is_real else installed():
        yield made


@pytest.fixture
def window(qtbot: QtBot, shooting: Shooting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window that opens for the first time."""
    monkeypatch.setattr(workspace_module, "in_process", in_threads)
    context = StudioContext(Preferences(tmp_path / "config" / "preferences.json"))
    made = MainWindow(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(made)
    made.setWindowState(Qt.WindowState.WindowNoState)
    made.resize(1366, 768)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    context.close_project()


# -- hands ---------------------------------------------------------------------------------------------------------


def drop(target: QWidget, files: list[Path]) -> None:
    """Let files go over the middle of a widget: Qt finds who takes them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    place = target.rect().center()
    action, keys = Qt.DropAction.CopyAction, NONE
    enter = QDragEnterEvent(place, action, data, LEFT, keys)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPointF(place), action, data, LEFT, keys))


def click_tab(tabs: QTabBar, number: int) -> None:
    QTest.mouseClick(tabs, LEFT, NONE, tabs.tabRect(number).center())


def double_click(grid: Grid, number: int) -> None:
    grid.scrollTo(grid.model().index(number, 0))
    place = grid.visualRect(grid.model().index(number, 0)).center()
    QTest.mouseClick(grid.viewport(), LEFT, NONE, place)
    QTest.mouseDClick(grid.viewport(), LEFT, NONE, place)


def drag(target: QWidget, places: list[QPoint]) -> None:
    """Press, move with the button down, let go. QTest's own mouseMove says that no button is down."""
    QTest.mousePress(target, LEFT, NONE, places[0])
    for place in places[1:]:
        where = QPointF(target.mapToGlobal(place))
        move = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), where, Qt.MouseButton.NoButton, LEFT, NONE)
        QApplication.sendEvent(target, move)
    QTest.mouseRelease(target, LEFT, NONE, places[-1])


def page_by_key(qtbot: QtBot, window: MainWindow, number: int, name: str) -> QWidget:
    qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), CTRL)
    qtbot.waitUntil(lambda: window.place == name)
    return window._pages[name]


# -- the walk ------------------------------------------------------------------------------------------------------


def test_a_new_user_gets_from_photos_to_a_delivery(
    qtbot: QtBot, window: MainWindow, shooting: Shooting, dialogs: Dialogs, tmp_path: Path
) -> None:
    library = start_project(qtbot, window, dialogs, tmp_path)
    bring_photos_in(qtbot, window, shooting)
    count = len(shooting.models) * len(shooting.garments)
    dress_all(qtbot, window, count)
    correct_one_mask(qtbot, window, library, len(shooting.garments))
    place_all(qtbot, window, library, dialogs, count)
    deliver(qtbot, window, tmp_path / "delivery", count)
    assert not window.banner.isVisible()
    qtbot.waitUntil(lambda: not window.context.is_busy)


def start_project(qtbot: QtBot, window: MainWindow, dialogs: Dialogs, folder: Path) -> Library:
    dialogs.files = [str(folder / "Autumn")]
    with qtbot.waitSignal(window.context.project_changed):
        qtbot.mouseClick(window.start.new_button, LEFT)
    assert window.place == "library"
    assert window.context.project is not None
    return window.context.project.library


def bring_photos_in(qtbot: QtBot, window: MainWindow, shooting: Shooting) -> None:
    page = cast(LibraryPage, window._pages["library"])
    for shelf, files in enumerate((shooting.models, shooting.garments, [shooting.background])):
        click_tab(page.tabs, shelf)
        assert page._stack.currentWidget() is page.empty  # it says what to drop here
        drop(page.empty, files)
        qtbot.waitUntil(lambda wanted=files: len(page.model.ids) == len(wanted))
    assert not page.banner.isVisible()


def dress_all(qtbot: QtBot, window: MainWindow, count: int) -> None:
    page = cast(DressPage, page_by_key(qtbot, window, 2, "dress"))
    qtbot.mouseClick(page.all_button, LEFT)
    qtbot.waitUntil(lambda: page.coverage.text().startswith(f"{count} of {count} dressed"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: page.queue.now.text() == "The queue is empty.")
    assert not page.banner.isVisible()


def correct_one_mask(qtbot: QtBot, window: MainWindow, library: Library, garments: int) -> None:
    """A stroke on the first model's cut-out: its looks are made anew, nobody else's."""
    shelf = cast(LibraryPage, page_by_key(qtbot, window, 1, "library"))
    click_tab(shelf.tabs, 0)
    model = shelf.model.ids[0]
    before = {look: library.look_record(look).key for look in library.look_ids()}
    double_click(shelf.grid, 0)
    assert window.place == "retouch"
    page = cast(RetouchPage, window._pages["retouch"])
    qtbot.waitUntil(lambda: page.session is not None and not page.presenter.lane.is_busy, timeout=PATIENCE_MS)
    with Image.open(library.photo(model).file) as photo:
        width, height = photo.size
    qtbot.keyClick(page.canvas, Qt.Key.Key_E)
    while page.state.held.radius > width / 30:
        qtbot.keyClick(page.canvas, Qt.Key.Key_BracketLeft)
    path = [QPointF(0.48 * width, share * height) for share in (0.55, 0.57, 0.6)]
    drag(page.canvas, [page.canvas.to_widget(point).toPoint() for point in path])
    qtbot.waitUntil(lambda: len(library.stale_look_ids()) == garments)
    qtbot.keyClick(page.canvas, Qt.Key.Key_S, CTRL)

    def is_renewed() -> bool:
        counts = library.job_counts()
        return not library.stale_look_ids() and not counts[JobState.QUEUED] and not counts[JobState.RUNNING]

    qtbot.waitUntil(is_renewed, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not page.presenter.lane.is_busy and not window.context.is_busy)
    after = {look: library.look_record(look).key for look in library.look_ids()}
    renewed = {library.look(look).model_id for look in after if after[look] != before.get(look)}
    assert renewed == {model}
    assert sum(after[look] != before.get(look) for look in after) == garments


def place_all(qtbot: QtBot, window: MainWindow, library: Library, dialogs: Dialogs, count: int) -> None:
    """One look by hand, its place saved by name, then all looks at that place."""
    page = cast(ComposePage, page_by_key(qtbot, window, 4, "compose"))
    qtbot.waitUntil(lambda: page.canvas.composer is not None, timeout=PATIENCE_MS)
    double_click(page.strip, 0)
    qtbot.waitUntil(lambda: len(page.canvas.items) == 1 and not window.context.is_busy, timeout=PATIENCE_MS)
    composer, (look, first) = page.canvas.composer, page.canvas.items[0]
    assert composer is not None
    middle = page.canvas.view.to_screen(QPointF(*composer.outline(look, first).mean(axis=0))).toPoint()
    drag(page.canvas, [middle, middle + QPoint(20, 0), middle + QPoint(45, 0), middle + QPoint(60, 2)])
    moved = page.canvas.items[0][1]
    assert moved.x > first.x
    dialogs.text = "left of the door"
    qtbot.mouseClick(page.save_place, LEFT)
    assert page.places.currentText() == "left of the door"
    page.strip.setFocus()
    qtbot.keyClick(page.strip, Qt.Key.Key_A, CTRL)
    assert page.batch.text() == f"Place {count} looks" or count == 1
    before = set(library.scene_ids())
    qtbot.mouseClick(page.batch, LEFT)
    qtbot.waitUntil(lambda: len(library.scene_ids()) == len(before) + count, timeout=PATIENCE_MS)
    places = [library.scene(scene).items[0].placement for scene in library.scene_ids() if scene not in before]
    assert all(abs(place.x - moved.x) < 1e-6 and abs(place.y - moved.y) < 1e-6 for place in places)


def deliver(qtbot: QtBot, window: MainWindow, folder: Path, count: int) -> None:
    """Every scene into a folder, each file read back and proven."""
    page = cast(DeliverPage, page_by_key(qtbot, window, 6, "deliver"))
    qtbot.waitUntil(lambda: page.form.preset is not None)
    click_tab(page.tabs, 1)
    qtbot.mouseClick(page.all_button, LEFT)
    total = len(page.model.ids)
    assert total >= count
    page.folder.setFocus()
    qtbot.keyClicks(page.folder, str(folder))
    qtbot.mouseClick(page.deliver_button, LEFT)
    qtbot.waitUntil(lambda: page._stack.currentWidget() is page.report, timeout=PATIENCE_MS)
    files = sorted(folder.iterdir())
    assert len(files) == total
    assert page.report.headline.text().startswith(f"{total} files delivered. Each was read back")
    preset = page.form.preset
    assert preset is not None
    with Image.open(files[0]) as picture:
        assert picture.size == preset.size
