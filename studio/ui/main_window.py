"""The one window: a rail of workspaces, the menus, the status line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from PySide6.QtCore import QByteArray, QEvent, QSettings, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio import __version__
from studio.domain.errors import StudioError, UnexpectedError
from studio.domain.progress import Progress
from studio.library.records import JobState
from studio.ui import icons
from studio.ui.context import RECENT_LIMIT, StudioContext
from studio.ui.paths import samples_folder
from studio.ui.start_page import StartPage
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import Banner, frame, set_text

RAIL_WIDTH = 84
ROOMY = QSize(1600, 960)
SMALLEST = QSize(1200, 640)
"""Every page fits into this with all its words, in both languages; a laptop's screen has more."""


@dataclass(frozen=True, slots=True)
class Place:
    """One workspace of the rail; its module is imported when it is first shown."""

    name: str
    icon: str
    module: str
    factory: str


PLACES = (
    Place("library", "library", "studio.ui.workspaces.library", "LibraryPage"),
    Place("dress", "dress", "studio.ui.workspaces.dress", "DressPage"),
    Place("retouch", "retouch", "studio.ui.workspaces.retouch", "RetouchPage"),
    Place("compose", "compose", "studio.ui.workspaces.compose", "ComposePage"),
    Place("review", "review", "studio.ui.workspaces.review", "ReviewPage"),
    Place("deliver", "deliver", "studio.ui.workspaces.deliver", "DeliverPage"),
    Place("settings", "settings", "studio.ui.workspaces.settings", "SettingsPage"),
)

WITHOUT_PROJECT = ("settings",)
"""Places that need no open project; without one, Library leads back to the start page."""


def _load_places(progress: Progress) -> object:
    for number, place in enumerate(PLACES):
        progress.report(number / len(PLACES), "places")
        import_module(place.module)
    return None


class Page(Protocol):
    """What a workspace offers the window, beside being a QWidget."""

    def enter(self) -> None:
        """It is shown now: refresh what changed meanwhile, take the keyboard focus."""

    def fill_menu(self, menu: QMenu) -> None:
        """Add the workspace's actions to the menu that bears its name."""


class MainWindow(QMainWindow):
    """Holds the workspaces; owns what belongs to none of them."""

    def __init__(self, context: StudioContext, state: QSettings) -> None:
        super().__init__()
        self.context = context
        self._state = state
        self._pages: dict[str, QWidget] = {}
        self._place_actions: dict[str, QAction] = {}
        self.banner = Banner()
        self.start = StartPage()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.start)
        self._status = QLabel()
        self._last_error: StudioError | None = None
        self._lay_out()
        self._make_actions()
        self._fill_menus()
        self._write_texts()
        self._connect()
        self._restore()

    # -- places ------------------------------------------------------------------------------------------------------

    def go_to(self, name: str) -> None:
        """Show a workspace, making it when it is first asked for."""
        if self.context.project is None and name not in WITHOUT_PROJECT:
            self._show_start()
            return
        if name not in self._pages:
            place = next(place for place in PLACES if place.name == name)
            factory = cast(Callable[[StudioContext], QWidget], getattr(import_module(place.module), place.factory))
            page = factory(self.context)
            self._pages[name] = page
            self.stack.addWidget(page)
        page = self._pages[name]
        self.stack.setCurrentWidget(page)
        self._place_actions[name].setChecked(True)
        self._place_menu.clear()
        cast(Page, page).fill_menu(self._place_menu)
        cast(Page, page).enter()
        self._offer_undo(page)
        self._place_menu.setTitle(self._place_actions[name].text())
        self._place_menu.menuAction().setVisible(not self._place_menu.isEmpty())

    def _show_start(self) -> None:
        for action in self._place_actions.values():
            action.setChecked(False)
        self._place_menu.menuAction().setVisible(False)
        self.stack.setCurrentWidget(self.start)
        self.start.new_button.setFocus()

    def retouch(self, target_id: str) -> None:
        """Correct a photo or look by hand."""
        self.go_to("retouch")
        page = self._pages.get("retouch")
        if page is not None:
            cast(Callable[[str], None], page.open_target)(target_id)  # type: ignore[attr-defined]  # made lazily

    def review(self, look_id: str) -> None:
        """Show a look in Review."""
        self.go_to("review")
        page = self._pages.get("review")
        if page is not None:
            cast(Callable[[str], None], page.open_look)(look_id)  # type: ignore[attr-defined]  # made lazily

    def _offer_undo(self, page: QWidget) -> None:
        """Show a workspace's own undo in place of the library's: strokes are a history of their own."""
        own = cast("tuple[QAction, ...]", getattr(page, "undo_actions", ()))
        for action in self._edit_menu.actions():
            self._edit_menu.removeAction(action)
        self._edit_menu.addActions(own or (self.undo_action, self.redo_action))
        for action in (self.undo_action, self.redo_action):
            action.setVisible(not own)

    @property
    def place(self) -> str:
        """The name of the workspace shown, "" on the start page."""
        return next((name for name, page in self._pages.items() if page is self.stack.currentWidget()), "")

    # -- making ------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._rail_layout = QVBoxLayout()
        self._rail_layout.setSpacing(SPACE // 2)
        self._rail = frame("rail", self._rail_layout, SPACE)
        self._rail.setFixedWidth(RAIL_WIDTH)
        body = QVBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        banner_row = QHBoxLayout()
        banner_row.setContentsMargins(SPACE, 0, SPACE, 0)
        banner_row.addWidget(self.banner)
        body.addLayout(banner_row)
        body.addWidget(self.stack, 1)
        central = QWidget()
        central.setObjectName("page")
        outer = QHBoxLayout(central)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._rail)
        outer.addLayout(body, 1)
        self.setCentralWidget(central)
        self._status.setContentsMargins(SPACE, 0, SPACE, 0)
        self.statusBar().addWidget(self._status, 1)
        self.statusBar().setSizeGripEnabled(False)
        self.setMinimumSize(SMALLEST)

    def _make_actions(self) -> None:
        group = QActionGroup(self)
        for number, place in enumerate(PLACES, start=1):
            action = QAction(self)
            action.setCheckable(True)
            action.setShortcut(QKeySequence(f"Ctrl+{number}"))
            action.setData(place.name)
            action.setIcon(icons.icon(place.icon, 24))
            group.addAction(action)
            self._place_actions[place.name] = action
            tool = QToolButton()
            tool.setDefaultAction(action)
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            tool.setIconSize(QSize(24, 24))
            tool.setFixedSize(QSize(RAIL_WIDTH - 2 * SPACE, 60))
            tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            if place.name == "settings":
                self._rail_layout.addStretch(1)
            self._rail_layout.addWidget(tool)
        group.triggered.connect(self._on_place)
        self.new_action = self._action("Ctrl+N", self.start.choose_new)
        self.open_action = self._action("Ctrl+O", self.start.choose_existing)
        self.close_action = self._action("Ctrl+W", self.context.close_project)
        self.quit_action = self._action("Ctrl+Q", self.close)
        self.about_action = self._action("Shift+F1", self._show_about)
        self.full_screen_action = self._action("F11", self._toggle_full_screen)
        self.undo_action = self.context.undo.createUndoAction(self)
        self.undo_action.setShortcut(QKeySequence.StandardKey.Undo)
        self.redo_action = self.context.undo.createRedoAction(self)
        self.redo_action.setShortcut(QKeySequence.StandardKey.Redo)

    def _action(self, shortcut: str, slot: Callable[[], object]) -> QAction:
        action = QAction(self)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(slot)
        return action

    def _fill_menus(self) -> None:
        bar = self.menuBar()
        self._file_menu, self._edit_menu, self._view_menu = bar.addMenu(""), bar.addMenu(""), bar.addMenu("")
        self._place_menu, self._help_menu = bar.addMenu(""), bar.addMenu("")
        self._file_menu.addActions([self.new_action, self.open_action])
        self._file_menu.addSeparator()
        self._file_menu.addActions([self.close_action, self.quit_action])
        self._edit_menu.addActions([self.undo_action, self.redo_action])
        self._view_menu.addActions(list(self._place_actions.values()))
        self._view_menu.addSeparator()
        self._view_menu.addAction(self.full_screen_action)
        self._help_menu.addAction(self.about_action)
        self._place_menu.menuAction().setVisible(False)

    def _connect(self) -> None:
        self.start.create_wanted.connect(self._on_create)
        self.start.open_wanted.connect(self._on_open)
        self.start.demo_wanted.connect(self._on_demo)
        self.context.project_changed.connect(self._on_project)
        self.context.failed.connect(self.show_error)
        self.context.retouch_wanted.connect(self.retouch)
        self.context.look_wanted.connect(self.review)
        for lane in (self.context.work, self.context.bulk):
            lane.progressed.connect(self._on_progress)
            lane.idle.connect(self._on_idle)
        self.banner.details_wanted.connect(self._copy_details)

    # -- events ------------------------------------------------------------------------------------------------------

    def show_error(self, error: StudioError) -> None:
        """Show an error above the workspace; unexpected ones offer their details for a report."""
        if error.key == "library.locked" and self._agrees_to_read_only():
            self.context.open_project(self.context.last_asked, read_only=True)
            return
        self._last_error = error
        details = self.tr("Copy details") if isinstance(error, UnexpectedError) else ""
        self.banner.show_message(self.context.message(error), details=details)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._write_texts()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if (self.context.is_busy or self._is_dressing()) and not self._agrees_to_stop():
            event.ignore()
            return
        self._state.setValue("geometry", self.saveGeometry())
        self._state.setValue("place", self.place)
        self.context.close_project()
        super().closeEvent(event)

    def _is_dressing(self) -> bool:
        project = self.context.project
        return project is not None and bool(project.library.job_ids([JobState.RUNNING]))

    def _on_progress(self, job_id: str, fraction: float, stage: str) -> None:
        """Say in the status line what runs and how far it is."""
        del job_id
        names = {
            "import": self.tr("Importing photos"),
            "export": self.tr("Delivering"),
            "open": self.tr("Opening the project"),
        }
        if stage in names:
            self._status.setText(f"{names[stage]}  {100 * fraction:.0f} %")

    def _on_idle(self) -> None:
        if not self.context.is_busy:
            self._status.clear()

    def _agrees_to_stop(self) -> bool:
        answer = QMessageBox.question(
            self,
            self.tr("Work is still running"),
            self.tr("Stop it and close? What is finished is kept; the rest goes on when the project is opened again."),
        )
        return answer == QMessageBox.StandardButton.Yes

    def _agrees_to_read_only(self) -> bool:
        answer = QMessageBox.question(
            self,
            self.tr("The project is open in another window"),
            self.tr("Open it here for looking only? Nothing can be changed then."),
        )
        return answer == QMessageBox.StandardButton.Yes

    def _on_place(self, action: QAction) -> None:
        self.go_to(str(action.data()))

    def _on_create(self, folder: Path) -> None:
        self.context.open_project(folder, create=True)

    def _on_demo(self) -> None:
        self.context.open_samples(samples_folder())

    def _on_open(self, folder: Path) -> None:
        self.context.open_project(folder)

    def _on_project(self, project: object) -> None:
        for page in self._pages.values():
            self.stack.removeWidget(page)
            page.deleteLater()
        self._pages.clear()
        self.banner.hide()
        for action in self._place_actions.values():
            action.setEnabled(project is not None or action.data() in (*WITHOUT_PROJECT, "library"))
            action.setChecked(False)
        self.close_action.setEnabled(project is not None)
        if self.context.project is None:
            self._offer_undo(self.start)
            self._show_start()
        else:
            self._remember(self.context.project.library.folder)
            last = str(self._state.value("place", "library"))
            self.go_to(last if last in self._place_actions else "library")
            # The other places' modules load while nobody waits for them.
            self.context.thumbnails.submit("places", _load_places)
        self._write_texts()

    def _remember(self, folder: Path) -> None:
        recent = [folder, *(path for path in self._recent() if path != folder)][:RECENT_LIMIT]
        self._state.setValue("recent", [str(path) for path in recent])
        self.start.set_recent(recent)

    def _recent(self) -> list[Path]:
        value = self._state.value("recent", [])
        names = [value] if isinstance(value, str) else list(cast(list[str], value or []))
        return [Path(name) for name in names if Path(name).is_dir()]

    def _restore(self) -> None:
        geometry = self._state.value("geometry")
        if not isinstance(geometry, QByteArray) or not self.restoreGeometry(geometry):
            self._fit_screen()
        self.start.set_recent(self._recent())
        self._on_project(self.context.project)

    def _fit_screen(self) -> None:
        """The first size: roomy on a large screen, all of a small one, never reaching beyond it."""
        room = self.screen().availableSize()
        if room.width() <= ROOMY.width() or room.height() <= ROOMY.height():
            self.resize(QSize(1366, 768).boundedTo(room))
            self.setWindowState(Qt.WindowState.WindowMaximized)
        else:
            self.resize(ROOMY)

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _copy_details(self) -> None:
        if self._last_error is not None:
            QApplication.clipboard().setText(self._last_error.values.get("details", str(self._last_error)))

    def _show_about(self) -> None:
        QMessageBox.about(
            self,
            self.tr("About Fitting Studio"),
            self.tr("Fitting Studio %1. Licences of models and libraries: see Models & settings.").replace(
                "%1", __version__
            ),
        )

    def _write_texts(self) -> None:
        names = {
            "library": self.tr("Library"),
            "dress": self.tr("Dress"),
            "retouch": self.tr("Retouch"),
            "compose": self.tr("Compose"),
            "review": self.tr("Review"),
            "deliver": self.tr("Deliver"),
            "settings": self.tr("Settings"),
        }
        for name, action in self._place_actions.items():
            set_text(action, names[name])
        self._file_menu.setTitle(self.tr("&File"))
        self._edit_menu.setTitle(self.tr("&Edit"))
        self._view_menu.setTitle(self.tr("&View"))
        self._help_menu.setTitle(self.tr("&Help"))
        set_text(self.new_action, self.tr("New project…"))
        set_text(self.open_action, self.tr("Open a project…"))
        set_text(self.close_action, self.tr("Close the project"))
        set_text(self.quit_action, self.tr("Quit"))
        set_text(self.about_action, self.tr("About Fitting Studio"))
        set_text(self.full_screen_action, self.tr("Full screen"))
        project = self.context.project
        title = self.tr("Fitting Studio")
        if project is not None:
            name = project.library.info().name
            mark = self.tr("%1 (for looking only)") if project.library.is_read_only else "%1"
            title = f"{mark.replace('%1', name)} - {title}"
        self.setWindowTitle(title)
