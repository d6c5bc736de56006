"""The shell: start page, places, languages, schemes, errors, a second window, closing while busy."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import PhotoError
from studio.domain.geometry import Placement
from studio.domain.progress import Progress
from studio.jobs import samples as samples_module
from studio.jobs import workspace as workspace_module
from studio.jobs.workspace import Workspace, in_threads
from studio.library.records import Filter
from studio.ui import main_window as main_window_module
from studio.ui.context import StudioContext
from studio.ui.main_window import PLACES, MainWindow
from studio.ui.settings import Preferences
from studio.ui.start import Appearance, install_crash_hook
from studio.ui.theme import DARK, LIGHT
from tests.ui.conftest import Dialogs, draw_figure


@pytest.fixture
def bare(qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window without a project."""
    monkeypatch.setattr(workspace_module, "in_process", in_threads)
    context = StudioContext(Preferences(tmp_path / "config" / "preferences.json"))
    made = MainWindow(context, QSettings(str(tmp_path / "bare.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    context.close_project()


@pytest.fixture
def appearance(qapp: QApplication, context: StudioContext) -> Iterator[Appearance]:
    made = Appearance(qapp, context.preferences)
    yield made
    context.preferences.set("language", "en")
    context.preferences.set("scheme", "light")
    made.deleteLater()


def test_the_start_page_shows_first_and_places_wait_for_a_project(bare: MainWindow) -> None:
    assert bare.stack.currentWidget() is bare.start
    assert bare.place == ""
    bare.go_to("library")
    assert bare.stack.currentWidget() is bare.start
    assert not bare.close_action.isEnabled()


def test_a_new_project_opens_in_the_library_and_is_remembered(
    qtbot: QtBot, bare: MainWindow, dialogs: Dialogs, tmp_path: Path
) -> None:
    dialogs.files = [str(tmp_path / "Autumn")]
    with qtbot.waitSignal(bare.context.project_changed):
        qtbot.mouseClick(bare.start.new_button, Qt.MouseButton.LeftButton)
    assert bare.place == "library"
    assert bare.windowTitle().startswith("Autumn")
    qtbot.waitUntil(lambda: not bare.context.is_busy)
    bare.close_action.trigger()
    assert bare.stack.currentWidget() is bare.start
    assert bare.start.recent.count() == 1
    with qtbot.waitSignal(bare.context.project_changed):
        bare.start.recent.itemClicked.emit(bare.start.recent.item(0))
    assert bare.context.project is not None


def test_the_samples_are_one_click_away(
    qtbot: QtBot, bare: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn = [
        samples_module.Sample(draw_figure(tmp_path / "model.png", 1), PhotoRole.MODEL),
        samples_module.Sample(
            draw_figure(tmp_path / "room.png", 2), PhotoRole.BACKGROUND, places={"full": Placement()}
        ),
    ]
    monkeypatch.setattr(samples_module, "shipped_samples", lambda: drawn)
    monkeypatch.setattr(main_window_module, "samples_folder", lambda: tmp_path / "samples")
    with qtbot.waitSignal(bare.context.project_changed, timeout=30_000):
        qtbot.mouseClick(bare.start.demo_button, Qt.MouseButton.LeftButton)
    assert bare.context.project is not None
    library = bare.context.project.library
    assert len(library.photo_ids()) == 2
    room = library.photo_ids(Filter(role=PhotoRole.BACKGROUND))[0]
    assert [place.name for place in library.placements(room)] == ["full"]


def test_a_damaged_sample_is_told_and_the_project_is_not_left_locked(
    qtbot: QtBot, bare: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = [samples_module.Sample(tmp_path / "gone.jpg", PhotoRole.MODEL)]
    monkeypatch.setattr(samples_module, "shipped_samples", lambda: gone)
    with qtbot.waitSignal(bare.context.failed):
        bare.context.open_samples(tmp_path / "samples")
    assert "gone.jpg" in bare.banner.text
    with qtbot.waitSignal(bare.context.project_changed):
        bare.context.open_samples(tmp_path / "samples")


def test_opening_nothing_says_so_in_the_banner(qtbot: QtBot, bare: MainWindow, tmp_path: Path) -> None:
    with qtbot.waitSignal(bare.context.failed):
        bare.context.open_project(tmp_path / "nowhere")
    assert bare.banner.isVisible()
    assert "nowhere" in bare.banner.text
    assert bare.stack.currentWidget() is bare.start


def test_every_place_opens_by_its_shortcut(qtbot: QtBot, window: MainWindow) -> None:
    for number, place in enumerate(PLACES, start=1):
        key = Qt.Key(Qt.Key.Key_0 + number)
        qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda name=place.name: window.place == name)
    qtbot.waitUntil(lambda: not window.context.is_busy)


def test_every_action_of_every_place_has_a_text_and_a_menu_entry(qtbot: QtBot, window: MainWindow) -> None:
    for place in PLACES:
        window.go_to(place.name)
        in_menu = window._place_menu.actions()
        assert all(action.text() for action in in_menu if not action.isSeparator())
        loose = [one.shortcut().toString() for one in window._pages[place.name].actions() if one not in in_menu]
        assert place.name == "retouch" or not loose, place.name
    qtbot.waitUntil(lambda: not window.context.is_busy)


def test_the_language_switches_while_it_runs(qtbot: QtBot, window: MainWindow, appearance: Appearance) -> None:
    for place in PLACES:
        window.go_to(place.name)
    window.go_to("deliver")
    window.context.preferences.set("language", "ko")
    qtbot.waitUntil(lambda: window._place_actions["library"].text() == "라이브러리")
    page = window._pages["deliver"]
    qtbot.waitUntil(lambda: page.deliver_action.text() == "표시한 항목 납품")
    window.context.preferences.set("language", "en")
    qtbot.waitUntil(lambda: page.deliver_action.text() == "Deliver what is ticked")
    qtbot.waitUntil(lambda: not window.context.is_busy)


def _ink(button: QToolButton) -> str:
    picture = button.icon().pixmap(QSize(24, 24)).toImage()
    shades = [picture.pixelColor(x, y) for x in range(24) for y in range(24)]
    return max(shades, key=lambda shade: shade.alpha()).name()


def test_the_scheme_switches_while_it_runs_and_the_icons_follow(window: MainWindow, appearance: Appearance) -> None:
    button = window._rail.findChildren(QToolButton)[1]
    window.context.preferences.set("scheme", "dark")
    assert window.palette().window().color().name() == DARK.surface
    assert _ink(button) == DARK.text_soft
    window.context.preferences.set("scheme", "light")
    assert window.palette().window().color().name() == LIGHT.surface
    assert _ink(button) == LIGHT.text_soft


def test_an_error_is_shown_until_it_is_closed(qtbot: QtBot, window: MainWindow) -> None:
    window.context.failed.emit(PhotoError("photo.truncated", file="IMG_0042.jpg"))
    assert "IMG_0042.jpg" in window.banner.text
    assert not window.banner._details.isVisible()
    qtbot.mouseClick(window.banner._close, Qt.MouseButton.LeftButton)
    assert not window.banner.isVisible()


def test_an_unhandled_exception_is_shown_with_its_details(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    install_crash_hook(window.context)
    try:
        raise KeyError("a bug of ours")
    except KeyError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert window.isVisible()
    assert "a bug of ours" in window.banner.text
    qtbot.mouseClick(window.banner._details, Qt.MouseButton.LeftButton)
    assert "test_shell.py" in QApplication.clipboard().text()


def test_a_refusal_that_nobody_caught_keeps_its_own_sentence(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    install_crash_hook(window.context)
    error = PhotoError("photo.truncated", file="IMG_7.jpg")
    sys.excepthook(type(error), error, None)
    assert "IMG_7.jpg" in window.banner.text
    assert not window.banner._details.isVisible()


@pytest.mark.parametrize("agrees", [True, False])
def test_a_second_window_may_look_but_not_touch(
    qtbot: QtBot, bare: MainWindow, dialogs: Dialogs, project: Workspace, agrees: bool
) -> None:
    dialogs.agrees = agrees
    bare.context.open_project(project.library.folder)
    if not agrees:
        qtbot.waitUntil(lambda: bare.banner.isVisible())
        assert bare.context.project is None
        return
    qtbot.waitUntil(lambda: bare.context.project is not None)
    assert dialogs.asked == ["The project is open in another window"]
    assert bare.context.project.library.is_read_only
    for place in PLACES:
        bare.go_to(place.name)
    qtbot.waitUntil(lambda: not bare.context.is_busy)


def test_closing_while_busy_asks_and_may_be_refused(qtbot: QtBot, window: MainWindow, dialogs: Dialogs) -> None:
    gate = threading.Event()

    def work(progress: Progress) -> object:
        while not gate.wait(0.005):
            progress.report(0.1, "import")
        return None

    window.context.bulk.submit("import 1", work)
    qtbot.waitUntil(lambda: "Importing photos" in window._status.text())
    assert not window.close()
    assert window.isVisible()
    dialogs.agrees = True
    assert window.close()
    assert dialogs.asked == ["Work is still running"] * 2
    assert window.context.project is None
