"""What every workspace of the window shares: the open project, the lanes, the preferences, the undo stack."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from studio.domain.errors import StudioError, UnexpectedError
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.library.records import Changes
from studio.media.messages import render
from studio.ui.hot_folder import HotFolderWatcher
from studio.ui.i18n import Language, resolve
from studio.ui.lanes import JobLane
from studio.ui.remembered import Remembered
from studio.ui.settings import Preferences

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace
    from studio.library.library import Library

log = logging.getLogger(__name__)

RECENT_LIMIT = 8


class LibraryStep(QUndoCommand):
    """One library operation in the window's undo list; the library itself keeps what it takes to go back."""

    def __init__(self, context: StudioContext, name: str) -> None:
        super().__init__(name)
        self._context = context
        self._is_done = True

    def undo(self) -> None:
        self._context.step_library(undo=True)
        self._is_done = False

    def redo(self) -> None:
        if not self._is_done:
            self._context.step_library(undo=False)
            self._is_done = True


class StudioContext(QObject):
    """The window's seam to the rooms below.

    project_changed: another project was opened, or none. library_changed: a `Changes` record of the library.
    failed: a StudioError that nobody showed closer to where it happened. project_closing: store what is pending and
    stop your own threads, now. retouch_wanted: the id of a photo or look to be corrected by hand. look_wanted: the id
    of a look to be reviewed.
    """

    project_changed = Signal(object)
    library_changed = Signal(object)
    failed = Signal(object)
    project_closing = Signal()
    retouch_wanted = Signal(str)
    look_wanted = Signal(str)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.remembered = Remembered(preferences.folder / "remembered.json")
        self.work = JobLane(1, self)  # what somebody waits for: opening, artefacts, previews
        self.bulk = JobLane(1, self)  # what takes minutes: importing, delivering
        self.thumbnails = JobLane(2, self)
        self.undo = QUndoStack(self)
        self._is_stepping = False
        self.library_changed.connect(self._on_library_changed)
        self._project: Workspace | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self.last_asked = Path()
        for lane in (self.work, self.bulk, self.thumbnails):
            lane.failed.connect(self._on_failed)
        self.hot_folder = HotFolderWatcher(self)

    @property
    def project(self) -> Workspace | None:
        """The open project, or None on the start page."""
        return self._project

    @property
    def language(self) -> str:
        """The language, en or ko, in which messages of the rooms below are shown."""
        return resolve(Language(self.preferences.text("language"))).value

    def message(self, error: StudioError) -> str:
        """Return the sentence of an error in the operator's language."""
        return render(error, self.language)

    def message_of(self, note: Note) -> str:
        """Return the sentence of a note in the operator's language."""
        return render(note, self.language)

    def open_project(self, folder: Path, *, create: bool = False, read_only: bool = False) -> None:
        """Open or create a project off the UI thread; `project_changed` follows, or `failed`."""

        def work(progress: Progress) -> object:
            from studio.jobs.workspace import Workspace, in_process  # heavy rooms load here, after the window shows

            progress.report(0.0, "open")
            if create:
                return Workspace.create(folder, make_executor=in_process)
            return Workspace.open(folder, read_only=read_only, make_executor=in_process)

        self.last_asked = folder
        self.work.submit("open", work, self.use_project)

    def open_samples(self, folder: Path) -> None:
        """Open the project of the shipped samples; the first time it is made."""
        if folder.is_dir() and any(folder.iterdir()):
            self.open_project(folder)
            return

        def work(progress: Progress) -> object:
            from studio.jobs.samples import import_samples  # as above
            from studio.jobs.workspace import Workspace, in_process

            made = Workspace.create(folder, make_executor=in_process)
            try:
                import_samples(made, progress)
            except BaseException:
                made.close()  # else the project stays locked
                raise
            return made

        self.last_asked = folder
        self.work.submit("open", work, self.use_project)

    @property
    def is_busy(self) -> bool:
        """True while something runs that closing would stop."""
        return self.work.is_busy or self.bulk.is_busy

    def close_project(self) -> None:
        """Close the open project; nothing is lost, everything was saved when it happened."""
        if self._project is not None:
            self.project_closing.emit()
            for lane in (self.work, self.bulk, self.thumbnails):
                lane.close()
            if self._unsubscribe is not None:
                self._unsubscribe()
            self._project.close()
            self._project = None
            self.undo.clear()
            self.project_changed.emit(None)

    def _on_library_changed(self, changes: Changes) -> None:
        """Put every operation that the library can take back on the undo list, whoever made it and in whatever lane."""
        if changes.undo and not self._is_stepping:
            self.undo.push(LibraryStep(self, render(Note(changes.undo), self.language)))

    def step_library(self, *, undo: bool) -> None:
        """Take the library's last operation back, or do it again."""
        if self._project is None or self._is_stepping:
            return
        library = self._project.library
        self._is_stepping = True
        try:
            _ = library.undo() if undo else library.redo()
        finally:
            self._is_stepping = False

    def _recall_history(self, library: Library) -> None:
        """Offer to take back what was done before the project was last closed: the library remembers how."""
        names, done = library.history()
        self._is_stepping = True  # the steps are only listed
        try:
            for name in names:
                self.undo.push(LibraryStep(self, render(Note(name), self.language)))
            self.undo.setIndex(done)
        finally:
            self._is_stepping = False

    def use_project(self, opened: object) -> None:
        """Work with a `Workspace` from now on; the one before is closed."""
        self.close_project()
        self._project = cast("Workspace", opened)
        # Mutations made by workers arrive here from their threads; Qt queues them for the window's.
        self._unsubscribe = self._project.library.subscribe(self.library_changed.emit)
        if not self._project.library.is_read_only:
            self._recall_history(self._project.library)
        self.project_changed.emit(opened)

    def _on_failed(self, job_id: str, error: object) -> None:
        log.info("job %s failed: %s", job_id, error)
        known = error if isinstance(error, StudioError) else UnexpectedError("unexpected", error=str(error), details="")
        self.failed.emit(known)
