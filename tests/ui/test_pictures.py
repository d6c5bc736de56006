"""What every page shows, in both languages and both schemes, against reference pictures.

Drawn photos and fake stages: the pictures depend on the window alone, not on the pipeline's pixels nor on a decoder.
After a change that is meant: `python -m pytest tests/ui/test_pictures.py --update-screenshots`, then look at the
pictures that changed, as one reads a diff.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt, qVersion
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from studio.domain.arrays import U8
from studio.domain.geometry import Placement
from studio.jobs.workspace import Workspace
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
from studio.ui.start import Appearance
from studio.ui.workspaces.compose import ComposePage
from studio.ui.workspaces.deliver import DeliverPage
from studio.ui.workspaces.dress import DressPage
from studio.ui.workspaces.library import LibraryPage
from tests.ui import pictures

REFERENCES = Path(__file__).parent / "pictures"
SIZE = (1366, 768)
QUIET_MS = 120
KINDS = [(language, scheme) for language in ("en", "ko") for scheme in ("light", "dark")]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="text is drawn a little differently elsewhere")


@pytest.fixture
def still(qapp: QApplication) -> Iterator[None]:
    """No caret blinks."""
    flash = qapp.cursorFlashTime()
    qapp.setCursorFlashTime(0)
    yield
    qapp.setCursorFlashTime(flash)


@pytest.fixture(params=KINDS, ids=["-".join(kind) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    return cast("tuple[str, str]", request.param)


@pytest.fixture
def shown(qtbot: QtBot, qapp: QApplication, still: None, kind: tuple[str, str], tmp_path: Path) -> Iterator[MainWindow]:
    """A window without a project, in a language and a scheme."""
    preferences = Preferences(tmp_path / "preferences.json")
    for key, value in zip(("language", "scheme"), kind, strict=True):
        preferences.set(key, value)
    appearance = Appearance(qapp, preferences)
    context = StudioContext(preferences)
    window = MainWindow(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(*SIZE)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    yield window
    context.close_project()
    preferences.set("language", "en")
    preferences.set("scheme", "light")
    appearance.deleteLater()


def pixels_of(widget: QWidget) -> U8:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def settled(qtbot: QtBot, window: MainWindow) -> U8:
    """Wait until nothing changes any more: lanes, thumbnails and timers have come to rest."""
    last = [pixels_of(window)]

    def is_still() -> bool:
        qtbot.wait(QUIET_MS)
        now = pixels_of(window)
        same = not window.context.is_busy and np.array_equal(now, last[0])
        last[0] = now
        return same

    qtbot.waitUntil(is_still)
    return last[0]


class Album:
    """Takes pictures and compares them; says at the end everything that differs."""

    def __init__(self, qtbot: QtBot, window: MainWindow, kind: tuple[str, str], out: Path, *, renews: bool) -> None:
        self._qtbot, self._window, self._out, self._renews = qtbot, window, out, renews
        self._suffix = "-".join(kind)
        self.problems: list[str] = []

    def take(self, name: str) -> None:
        """Compare what is shown now with its reference, or write the reference."""
        now = settled(self._qtbot, self._window)
        file = REFERENCES / f"{name}-{self._suffix}.png"
        if self._renews:
            if not file.is_file() or not pictures.compare(pictures.load(file), now).is_same:
                pictures.save(file, now)
            return
        if not file.is_file():
            self.problems.append(f"{file.name} is missing: run with --update-screenshots")
            return
        was = pictures.load(file)
        if was.shape != now.shape:
            self.problems.append(f"{file.name}: {was.shape[1]} x {was.shape[0]}, now {now.shape[1]} x {now.shape[0]}")
            return
        found = pictures.compare(was, now)
        if not found.is_same:
            seen = self._out / f"{name}-{self._suffix}-was-is-difference.png"
            pictures.save(seen, pictures.difference(was, now))
            first = found.places[0] if found.places else "everywhere"
            self.problems.append(
                f"{name}-{self._suffix}: {len(found.places)} places differ, the first at {first}; see {seen}"
            )


def test_every_page_looks_as_it_did(
    qtbot: QtBot,
    shown: MainWindow,
    dressed: Workspace,
    kind: tuple[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    album = Album(qtbot, shown, kind, tmp_path, renews=bool(request.config.getoption("--update-screenshots")))
    album.take("start")
    room = dressed.library.photo_ids()[-1]
    dressed.library.save_placement(room, "left of the door", Placement(x=0.3))
    shown.context.use_project(dressed)
    for name, prepare in PAGES:
        prepare(qtbot, shown)
        album.take(name)
    assert not album.problems, "\n".join([f"Qt {qVersion()}", *album.problems])


# -- the pages, each as one sees it in use ---------------------------------------------------------------------------


def library(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("library")
    page = cast(LibraryPage, window._pages["library"])
    qtbot.waitUntil(lambda: len(page.model.ids) == 2)
    page.project.library.rate(page.model.ids[:1], 4)
    page.grid.focus_id(page.model.ids[0])


def empty_library(qtbot: QtBot, window: MainWindow) -> None:
    page = cast(LibraryPage, window._pages["library"])
    page.tabs.setCurrentIndex(4)


def dress(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("dress")
    page = cast(DressPage, window._pages["dress"])
    page.project.queue_pairs([page.model.pair_at(page.model.index(1, 0))])
    page.project.queue.pause()
    page.queue.show_idle()
    page.board.setCurrentIndex(page.model.index(0, 1))


def retouch(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("retouch")


def compose(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("compose")
    page = cast(ComposePage, window._pages["compose"])
    qtbot.waitUntil(lambda: page.canvas.composer is not None)
    qtbot.waitUntil(lambda: len(page.model.ids) == 4)
    page.add_look(page.model.ids[0])
    qtbot.waitUntil(lambda: bool(page.canvas.items) and not page._preview_timer.isActive())


def review(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("review")


def deliver(qtbot: QtBot, window: MainWindow) -> None:
    window.go_to("deliver")
    page = cast(DeliverPage, window._pages["deliver"])
    qtbot.waitUntil(lambda: page.form.preset is not None)
    qtbot.waitUntil(lambda: len(page.model.ids) == 4)
    page.folder.setText("/deliveries/autumn")  # the project's own folder has another name every time
    page.check_all()


def settings(qtbot: QtBot, window: MainWindow) -> None:
    """The preferences: which models are installed, and where, differs from machine to machine."""
    window.go_to("settings")
    cast(QTabWidget, window._pages["settings"].tabs).setCurrentIndex(1)  # type: ignore[attr-defined]  # made lazily


PAGES: tuple[tuple[str, Callable[[QtBot, MainWindow], None]], ...] = (
    ("library", library),
    ("library-empty", empty_library),
    ("dress", dress),
    ("retouch", retouch),
    ("compose", compose),
    ("review", review),
    ("deliver", deliver),
    ("preferences", settings),
)


# -- the rule itself -------------------------------------------------------------------------------------------------


def _label(text: str, shift: int = 0, clip: int = 0) -> U8:
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QPainter, QPixmap

    page = QPixmap(400, 200)
    page.fill(Qt.GlobalColor.white)
    painter = QPainter(page)
    if clip:
        painter.setClipRect(0, 0, 400, 100 - clip)
    painter.drawText(QPoint(40 + shift, 100), text)
    painter.end()
    image = page.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, :1200].reshape(200, 400, 3).copy()


def test_the_rule_sees_a_clipped_label_a_moved_widget_and_another_word(qapp: QApplication) -> None:
    was = _label("Dress the chosen pairs")
    assert pictures.compare(was, was).is_same
    assert not pictures.compare(was, _label("Dress the chosen pairs", clip=4)).is_same
    assert not pictures.compare(was, _label("Dress the chosen pairs", shift=1)).is_same
    assert not pictures.compare(was, _label("Dress the chosen pair…")).is_same


def test_the_rule_forgives_noise(qapp: QApplication) -> None:
    was = _label("Dress the chosen pairs")
    noise = np.random.default_rng(1).integers(-2, 3, was.shape)
    assert pictures.compare(was, np.clip(was + noise, 0, 255).astype(np.uint8)).is_same
