"""Watches a folder for what a tethered camera drops, and imports it as soon as it is whole. One folder a project."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from studio.domain.artefacts import PhotoRole
from studio.domain.progress import Progress
from studio.library.hot_folder import Arrivals, HotFolder
from studio.library.records import ImportReport
from studio.ui.lanes import JobLane

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace
    from studio.ui.context import StudioContext

DEBOUNCE_MS = 300
"""A camera tells of one photo several times."""
SETTLE_MS = 1200
"""Between two looks at a file that may still be written to."""
IDLE_MS = 4000
"""Network drives tell nothing: look now and then all the same."""


class HotFolderWatcher(QObject):
    """Off until the operator chooses a folder; the choice is kept for the project on this computer.

    changed: it was switched on or off, or the folder vanished or came back. arrived: an `ImportReport`.
    """

    changed = Signal()
    arrived = Signal(object)

    def __init__(self, context: StudioContext) -> None:
        super().__init__(context)
        self._context = context
        self._lane = JobLane(1, self)
        self._hot: HotFolder | None = None
        self._numbers = itertools.count()
        self.role = PhotoRole.MODEL
        self.is_reachable = True
        self._told = QFileSystemWatcher(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._told.directoryChanged.connect(self._on_told)
        self._lane.failed.connect(self._on_lost)
        context.project_changed.connect(self._on_project)
        context.project_closing.connect(self._rest)

    @property
    def folder(self) -> Path | None:
        """The folder that is watched, None while it is off."""
        return None if self._hot is None else self._hot.folder

    def watch(self, folder: Path, role: PhotoRole) -> None:
        """Import what is in the folder, and what comes into it, as models, garments or backgrounds.

        Raises:
            StorageError: it lies inside the project, which would swallow its own deliveries.
        """
        project = self._context.project
        if project is None:
            return
        hot = HotFolder.of(folder, project.library.folder)
        self._rest()
        self._begin(hot, role)
        self._context.remembered.set(self._key(project), {"folder": str(folder), "role": role.value})

    def stop(self) -> None:
        """Watch no more; what was imported stays."""
        self._rest()
        if self._context.project is not None:
            self._context.remembered.set(self._key(self._context.project), None)

    # -- watching ----------------------------------------------------------------------------------------------------

    def _key(self, project: Workspace) -> str:
        return f"hot_folder:{project.library.info().id}"

    def _begin(self, hot: HotFolder, role: PhotoRole) -> None:
        self._hot, self.role, self.is_reachable = hot, role, True
        self._look()
        self.changed.emit()

    def _rest(self) -> None:
        was_on = self._hot is not None
        self._hot = None
        self._timer.stop()
        self._lane.close()
        if folders := self._told.directories():
            self._told.removePaths(folders)
        if was_on:
            self.changed.emit()

    def _on_project(self, project: object) -> None:
        """Go on with the project's folder, as it was when the project was closed."""
        opened = cast("Workspace | None", project)
        if opened is None or opened.library.is_read_only:
            return
        kept = self._context.remembered.get(self._key(opened))
        if isinstance(kept, dict) and kept.get("role") in [role.value for role in PhotoRole]:
            self._begin(HotFolder(Path(str(kept.get("folder")))), PhotoRole(str(kept["role"])))

    def _on_told(self, path: str) -> None:
        del path
        self._timer.start(DEBOUNCE_MS)

    def _look(self) -> None:
        hot = self._hot
        if hot is None:
            return

        def work(progress: Progress) -> object:
            progress.report(0.0, "hot folder")
            return hot.look()

        self._lane.submit("look", work, self._on_looked)

    def _on_looked(self, result: object) -> None:
        hot, found = self._hot, cast(Arrivals, result)
        if hot is None:
            return
        if not self._told.directories():
            self._told.addPath(str(hot.folder))
        if not self.is_reachable:
            self.is_reachable = True
            self.changed.emit()
        if found.ready:
            hot.take(found.ready)
            self._import(found.ready)
        self._timer.start(SETTLE_MS if found.growing else IDLE_MS)

    def _on_lost(self, job_id: str, error: object) -> None:
        """The folder vanished: say so once, and look whether it is back."""
        del job_id
        if self._hot is None:
            return
        if self.is_reachable:
            self.is_reachable = False
            self._context.failed.emit(error)
            self.changed.emit()
        if folders := self._told.directories():
            self._told.removePaths(folders)
        self._timer.start(IDLE_MS)

    def _import(self, files: tuple[Path, ...]) -> None:
        project, role = self._context.project, self.role
        copy = self._context.preferences.flag("copy_originals")
        if project is None:
            return

        def work(progress: Progress) -> object:
            # What the operator threw away stays away, however often the folder is searched.
            return project.import_photos(files, role, copy=copy, progress=progress, revives=False)

        self._context.bulk.submit(f"hot import {next(self._numbers)}", work, self._on_imported)

    def _on_imported(self, result: object) -> None:
        report = cast(ImportReport, result)
        if report.failed:
            self._context.failed.emit(report.failed[0].error)
        if report.imported:
            self.arrived.emit(report)
