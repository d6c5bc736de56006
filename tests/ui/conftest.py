"""A small real project over fake stages, with a window's context around it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QSettings, Qt, QThreadPool, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMessageBox
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from studio.domain.artefacts import PhotoRole
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
from studio.ui.start import make_application
from studio.ui.theme import Scheme, apply_theme
from tests.fakes import Bench, FakeModels, installed

PHOTO_SIZE = (120, 160)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform says for every window that it cannot pass size hints on; nothing of ours."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    app = make_application([])
    apply_theme(app, Scheme.LIGHT)
    return app


PATIENCE_MS = 30_000
"""A wait ends when what it waits for happens; only a hang, or a very busy machine, reaches this."""


@pytest.fixture
def qtbot(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> QtBot:
    """The bot with more patience than pytest-qt's five seconds."""
    for name in ("waitUntil", "waitSignal"):
        monkeypatch.setattr(qtbot, name, partial(getattr(qtbot, name), timeout=PATIENCE_MS))
    return qtbot


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication) -> Iterator[None]:
    """A test that leaves a window, a running timer or a busy thread fails."""
    threads = set(threading.enumerate())
    yield
    # pytest still holds them: left to the garbage collector, a worker's thread could delete their timers and watchers.
    for context in [one for one in gc.get_objects() if type(one) is StudioContext and isValid(one)]:
        context.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    left = [thread for thread in threading.enumerate() if thread not in threads and not _is_pooled(thread)]
    assert not left, "threads are left"
    # By type, not isinstance: torch keeps stand-ins alive that warn when they are asked for their class.
    alive = [one for one in gc.get_objects() if issubclass(type(one), QTimer | QThreadPool) and isValid(one)]
    assert not [one for one in alive if isinstance(one, QTimer) and one.isActive()], "timers are left"
    assert not [one for one in alive if isinstance(one, QThreadPool) and one.activeThreadCount()], "jobs are left"
    shown = [one for one in qapp.topLevelWidgets() if one.isVisible()]
    assert not shown, "windows are left"


def _is_pooled(thread: threading.Thread) -> bool:
    """Qt's pool threads are known to Python as dummies for as long as the process lives."""
    return isinstance(thread, threading._DummyThread)


@dataclass(slots=True)
class Dialogs:
    """Stands in for modal dialogs, which would wait for ever. asked: titles in order; the rest are the answers."""

    asked: list[str] = field(default_factory=list)
    agrees: bool = False
    text: str = ""
    files: list[str] = field(default_factory=list)

    def question(self, parent: object, title: str, *rest: object) -> QMessageBox.StandardButton:
        self.asked.append(title)
        return QMessageBox.StandardButton.Yes if self.agrees else QMessageBox.StandardButton.No

    def ask_text(self, parent: object, title: str, *rest: object) -> tuple[str, bool]:
        self.asked.append(title)
        return self.text, bool(self.text)

    def ask_files(self, parent: object, title: str, *rest: object) -> tuple[list[str], str]:
        self.asked.append(title)
        return self.files, ""

    def ask_file(self, parent: object, title: str, *rest: object) -> tuple[str, str]:
        self.asked.append(title)
        return (self.files[0] if self.files else ""), ""

    def ask_folder(self, parent: object, title: str, *rest: object) -> str:
        self.asked.append(title)
        return self.files[0] if self.files else ""


@pytest.fixture(autouse=True)
def dialogs(monkeypatch: pytest.MonkeyPatch) -> Dialogs:
    made = Dialogs()
    for name in ("question", "warning", "about"):
        monkeypatch.setattr(QMessageBox, name, made.question)
    monkeypatch.setattr(QInputDialog, "getText", made.ask_text)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", made.ask_files)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", made.ask_file)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", made.ask_file)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", made.ask_folder)
    return made


@pytest.fixture
def bench() -> Iterator[Bench]:
    with installed() as counts:
        yield counts


def draw_figure(file: Path, seed: int) -> Path:
    """Write a white photo with a coloured figure in its middle; the fake cut-out takes what is not white."""
    width, height = PHOTO_SIZE
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[30:140, 40:80] = ((40 + 20 * seed) % 256, 90, (160 - 20 * seed) % 256)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


@pytest.fixture
def project(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    """Two models, two garments, a background; nothing is dressed yet."""
    for number in range(2):
        draw_figure(tmp_path / "models" / f"model {number}.png", number)
        draw_figure(tmp_path / "garments" / f"garment {number}.png", 3 + number)
    draw_figure(tmp_path / "backgrounds" / "wall.png", 6)
    made = Workspace.create(tmp_path / "project", models=FakeModels())
    for role in PhotoRole:
        made.import_photos([tmp_path / f"{role.value}s"], role)
    yield made
    made.close()


@pytest.fixture
def context(qapp: QApplication, project: Workspace, tmp_path: Path) -> Iterator[StudioContext]:
    """The window's context with the project open in it."""
    made = StudioContext(Preferences(tmp_path / "preferences.json"))
    made.use_project(project)  # as the window does when a project has been opened
    yield made
    made.close_project()


@pytest.fixture
def dressed(project: Workspace) -> Workspace:
    """Every model in every garment."""
    library = project.library
    garments = library.photo_ids(Filter(role=PhotoRole.GARMENT))
    project.queue_all(library.photo_ids(Filter(role=PhotoRole.MODEL)), garments)
    project.run_queue()
    return project


@pytest.fixture
def window(qtbot: QtBot, context: StudioContext, tmp_path: Path) -> MainWindow:
    """The main window with the project open, shown and active."""
    made = MainWindow(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(made)
    made.setWindowState(Qt.WindowState.WindowNoState)  # the offscreen screen is small, and the first size fits it
    made.resize(1366, 768)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    return made


@pytest.fixture
def models(project: Workspace) -> list[str]:
    return project.library.photo_ids(Filter(role=PhotoRole.MODEL))


@pytest.fixture
def garments(project: Workspace) -> list[str]:
    return project.library.photo_ids(Filter(role=PhotoRole.GARMENT))
