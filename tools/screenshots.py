"""Make the pictures of docs/window.md: walk through the window as a new user would, on the shipped samples.

Usage: python tools/screenshots.py [OUT] [--language ko] [--scheme dark]

Offscreen, 1366 x 768, bundled font; real stages, so a run takes about a minute on two cores.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QWidget

from studio.jobs.samples import import_samples
from studio.jobs.workspace import Workspace
from studio.library.records import JobState
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
from studio.ui.start import Appearance, make_application
from studio.ui.workspaces.compose import ComposePage
from studio.ui.workspaces.deliver import DeliverPage
from studio.ui.workspaces.dress import DressPage

WIDTH, HEIGHT = 1366, 768
COLOURS = 256
"""A palette of this many shades makes the PNGs a third as large; nobody sees it at their size."""
PATIENCE_S = 240
SETTLE_MS = 700


class Walk:
    """A window, a folder for pictures, and patience."""

    def __init__(self, out: Path, language: str, scheme: str, scratch: Path) -> None:
        self.app = make_application([])
        preferences = Preferences(scratch / "config" / "preferences.json")
        preferences.set("language", language)
        preferences.set("scheme", scheme)
        self.appearance = Appearance(self.app, preferences)
        self.context = StudioContext(preferences)
        state = QSettings(str(scratch / "window.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(self.context, state)
        self.window.setWindowState(Qt.WindowState.WindowNoState)
        self.window.resize(WIDTH, HEIGHT)
        self.window.show()
        self.out = out

    def wait(self, is_done: Callable[[], bool], what: str) -> None:
        """Let the window live until something is so."""
        loop, left = QEventLoop(), [PATIENCE_S * 10]
        timer = QTimer()
        timer.setInterval(100)

        def look() -> None:
            left[0] -= 1
            if is_done() or left[0] <= 0:
                loop.quit()

        timer.timeout.connect(look)
        timer.start()
        loop.exec()
        timer.stop()
        if left[0] <= 0:
            raise SystemExit(f"gave up waiting for {what}")

    def settle(self) -> None:
        """Let thumbnails and previews arrive."""
        loop = QEventLoop()
        QTimer.singleShot(SETTLE_MS, loop.quit)
        loop.exec()
        self.wait(lambda: not self.context.is_busy, "the lanes")

    def shoot(self, name: str) -> None:
        """Write what the window shows."""
        self.settle()
        self.window.banner.hide()
        file = self.out / f"{name}.png"
        self.window.grab().save(str(file))
        with Image.open(file) as picture:
            small = picture.convert("RGB").quantize(
                COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG
            )
        small.save(file, optimize=True)
        print(f"{file.name}: {file.stat().st_size // 1000} kB")

    def page(self, name: str) -> QWidget:
        self.window.go_to(name)
        self.settle()
        return self.window._pages[name]


def walk(it: Walk, folder: Path) -> None:
    """The walk of docs/window.md, one picture a step."""
    it.shoot("start")
    project = Workspace.create(folder / "Autumn")
    import_samples(project)
    it.context.use_project(project)
    it.page("library")
    it.shoot("library")
    dress = cast(DressPage, it.page("dress"))
    dress.dress_all()

    def is_dressed() -> bool:
        counts = project.library.job_counts()
        return not any(counts[state] for state in (JobState.QUEUED, JobState.RUNNING)) and not it.context.is_busy

    it.wait(lambda: bool(project.library.look_ids()) or is_dressed(), "the first look")
    it.shoot("dress-running")
    it.wait(is_dressed, "the looks")
    dress.board.setCurrentIndex(dress.model.index(0, dress.model.columnCount() - 1))
    it.shoot("dress")
    looks = project.library.look_ids()[::-1]
    it.window.retouch(looks[0])
    it.wait(lambda: not it.context.is_busy, "the canvas")
    it.settle()
    it.shoot("retouch")
    compose = cast(ComposePage, it.page("compose"))
    it.wait(lambda: compose.canvas.composer is not None, "the scene")
    compose.places.setCurrentIndex(max(0, compose.places.findText("half")))
    compose.add_look(looks[0])
    it.wait(lambda: bool(compose.canvas.items), "the look on its background")
    it.shoot("compose")
    it.window.review(looks[0])
    it.shoot("review")
    deliver = cast(DeliverPage, it.page("deliver"))
    it.wait(lambda: deliver.form.preset is not None, "the presets")
    deliver.check_all()
    it.shoot("deliver")
    deliver.deliver()
    it.wait(lambda: deliver._stack.currentWidget() is deliver.report, "the report")
    it.shoot("deliver-report")
    it.page("settings")
    it.shoot("settings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path(__file__).resolve().parents[1] / "docs" / "images")
    parser.add_argument("--language", choices=("en", "ko"), default="en")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        it = Walk(asked.out, asked.language, asked.scheme, Path(scratch))
        walk(it, Path(scratch))
        it.context.close_project()
        it.window.close()


if __name__ == "__main__":
    main()
