"""Brings the window up: application, theme, language, crash reports. Nothing heavy is imported before it shows."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QSettings, Qt
from PySide6.QtWidgets import QApplication

from studio.domain.errors import StudioError, UnexpectedError
from studio.ui import icons
from studio.ui.context import StudioContext
from studio.ui.i18n import Language, install_language
from studio.ui.main_window import MainWindow
from studio.ui.paths import config_folder, log_file
from studio.ui.settings import Preferences
from studio.ui.theme import Scheme, apply_theme, load_fonts

log = logging.getLogger(__name__)


class Appearance(QObject):
    """Applies theme and language when the preferences change."""

    def __init__(self, app: QApplication, preferences: Preferences) -> None:
        super().__init__(app)
        self._app = app
        self._preferences = preferences
        self._translator = install_language(Language(preferences.text("language")))
        self.apply_scheme()
        preferences.changed.connect(self._on_changed)
        app.styleHints().colorSchemeChanged.connect(self.apply_scheme)

    def apply_scheme(self) -> None:
        """Dress the application again: the choice or the desktop's scheme changed."""
        apply_theme(self._app, Scheme(self._preferences.text("scheme")))
        for window in self._app.topLevelWidgets():
            icons.renew(window)

    def _on_changed(self, key: str, value: object) -> None:
        if key == "language":
            self._translator = install_language(Language(str(value)), self._translator)
        elif key == "scheme":
            self.apply_scheme()


def start_logging(file: Path) -> None:
    """Write the program's story to a rotating file; no pixels, no customer names above DEBUG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=2_000_000, backupCount=4)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def install_crash_hook(context: StudioContext) -> None:
    """Show unhandled exceptions in the window instead of closing it silently."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("unhandled exception", exc_info=(kind, error, trace))
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        context.failed.emit(error if isinstance(error, StudioError) else UnexpectedError.from_exception(error))

    sys.excepthook = hook


def make_application(arguments: list[str]) -> QApplication:
    """Return the application with its fonts; there is one a process."""
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(["studio", *arguments])
    app.setApplicationName("Fitting Studio")
    app.setOrganizationName("FittingStudio")
    load_fonts()
    return app


def open_window(arguments: list[str]) -> int:
    """Open the window, with the project given as the first argument if any, and run until it closes."""
    app = make_application(arguments)
    start_logging(log_file())
    preferences = Preferences(config_folder() / "preferences.json", app)
    Appearance(app, preferences)
    context = StudioContext(preferences, app)
    state = QSettings(str(config_folder() / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(context, state)
    install_crash_hook(context)
    window.show()
    folders = [argument for argument in arguments if not argument.startswith("-")]
    if folders:
        context.open_project(Path(folders[0]))
    return app.exec()
