"""What the Library does: list, mark, import, find missing files, say things of garments and looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from studio.domain.artefacts import PhotoRole
from studio.domain.edits import GarmentOverride, LayerOrder
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.library.records import Changes, CollectionRow, Filter, Kind, Order
from studio.media.messages import render
from studio.ui.context import StudioContext
from studio.ui.lanes import JobLane
from studio.ui.photo_model import places_of
from studio.ui.widgets.photo_details import Said

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace
    from studio.jobs.worn import Saying


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What the left side and the grid show. counts: of everything, of what is missing, of the trash."""

    ids: list[str]
    places: dict[str, int]
    collections: list[CollectionRow]
    counts: tuple[int, int, int]


LARGE = 5000
"""A list that was this long is read off the window's thread: 100,000 ids take a tenth of a second."""
MANY = 200
"""Marking more than this takes longer than a frame."""


class SayingStep(QUndoCommand):
    """Something said of garments or looks, in the window's undo list."""

    def __init__(self, project: Workspace, said: Saying, name: str) -> None:
        super().__init__(name)
        self._project = project
        self._said = said
        self._is_done = True

    def undo(self) -> None:
        from studio.jobs.worn import unsay

        unsay(self._project, self._said)
        self._is_done = False

    def redo(self) -> None:
        if not self._is_done:
            from studio.jobs.worn import say_again

            say_again(self._project, self._said)
            self._is_done = True


class LibraryPresenter(QObject):
    """listed: a `Listing`. imported: an `ImportReport`. relinked: a `RelinkReport`. said: a `Said` of the selection.

    outdated: how many looks are older than what was just said.
    """

    listed = Signal(object)
    imported = Signal(object)
    relinked = Signal(object)
    said = Signal(object)
    outdated = Signal(object)

    def __init__(self, context: StudioContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._project = cast("Workspace", context.project)
        self._lane = JobLane(1, self)
        self._slow = JobLane(1, self)  # looking for 100,000 files: lists must not wait for it
        for lane in (self._lane, self._slow):
            lane.failed.connect(self._on_failed)
        self._imports = 0
        self._longest = self._project.library.count(Filter())

    def close(self) -> None:
        """Stop what runs: the project is about to be closed."""
        self._lane.close()
        self._slow.close()

    # -- listing -----------------------------------------------------------------------------------------------------

    def list_items(self, kind: Kind, wanted: Filter, order: Order) -> None:
        """Find out which items are wanted; `listed` follows, at once where the list is short."""
        if self._longest < LARGE:
            self._on_listed(self._list(kind, wanted, order))
            return

        def work(progress: Progress) -> object:
            progress.report(0.0, "list")
            return self._list(kind, wanted, order)

        self._lane.submit("list", work, self._on_listed)

    def _list(self, kind: Kind, wanted: Filter, order: Order) -> Listing:
        library, role = self._project.library, wanted.role
        read = {Kind.PHOTO: library.photo_ids, Kind.LOOK: library.look_ids, Kind.SCENE: library.scene_ids}[kind]
        ids = read(wanted, order)
        rows = [
            replace(one, count=library.count(Filter(role=role, collection_id=one.id), kind))
            for one in library.collections()
        ]
        missing = library.count(Filter(role=role, missing_only=True), kind) if kind is Kind.PHOTO else 0
        everything = library.count(Filter(role=role), kind)
        return Listing(ids, places_of(ids), rows, (everything, missing, library.count(_trash(role), kind)))

    def _on_listed(self, result: object) -> None:
        listing = cast(Listing, result)
        self._longest = max(self._longest, len(listing.ids))
        self.listed.emit(listing)

    # -- marking -----------------------------------------------------------------------------------------------------

    def mark(self, ids: Sequence[str], change: Callable[[Sequence[str]], Changes]) -> None:
        """Change something of items, undoably; many of them off the window's thread."""
        if len(ids) <= MANY:
            change(ids)
            return

        def work(progress: Progress) -> object:
            progress.report(0.0, "mark")
            return change(ids)

        self._imports += 1
        self._context.bulk.submit(f"mark {self._imports}", work)

    # -- importing ---------------------------------------------------------------------------------------------------

    def import_paths(self, paths: Sequence[Path], role: PhotoRole, collection_id: str = "") -> None:
        """Take files and folders in; what is new goes into the collection that is shown."""
        copy = self._context.preferences.flag("copy_originals")
        project = self._project

        def work(progress: Progress) -> object:
            report = project.import_photos(paths, role, copy=copy, progress=progress)
            if collection_id and report.imported:
                project.library.collect(collection_id, report.imported)
            return report

        # Every import has an id of its own: garments dropped while models are still coming in wait their turn.
        self._imports += 1
        self._context.bulk.submit(f"import {self._imports}", work, self.imported.emit)

    def find_missing(self) -> None:
        """Look whether all files are where they were; lists hear of what changed."""
        if self._project.library.is_read_only:
            return

        def work(progress: Progress) -> object:
            return self._project.library.find_missing(progress=progress)

        self._slow.submit("missing", work)

    def relink(self, folder: Path) -> None:
        """Search a folder for the files of missing photos."""

        def work(progress: Progress) -> object:
            return self._project.library.relink(folder, progress)

        self._context.bulk.submit("relink", work, self.relinked.emit)

    # -- saying ------------------------------------------------------------------------------------------------------

    def read_said(self, ids: Sequence[str], kind: Kind, role: PhotoRole | None) -> None:
        """Find out what is said of the selection; `said` follows."""
        if role is not PhotoRole.GARMENT and kind is not Kind.LOOK:
            self._lane.cancel("said")
            self.said.emit(Said())
            return
        project, chosen = self._project, list(ids)[:MANY]

        def work(progress: Progress) -> object:
            from studio.jobs.worn import analysed, garment_override, layer_order

            progress.report(0.0, "details")
            if kind is Kind.LOOK:
                orders = {layer_order(project, one) for one in chosen}
                return Said(order=orders.pop() if len(orders) == 1 else None, is_look=bool(chosen))
            overrides = {garment_override(project, one) for one in chosen}
            found = analysed(project, chosen[0]) if len(chosen) == 1 else None
            return Said(overrides.pop() if len(overrides) == 1 else None, found, is_garment=bool(chosen))

        self._lane.submit("said", work, self.said.emit)

    def say_garment(self, ids: Sequence[str], field: str, value: str) -> None:
        """Say what garments are; "" = as analysed."""
        self._say(ids, GarmentOverride, lambda before: replace(before, **{field: value}))

    def say_worn(self, ids: Sequence[str], change: Callable[[LayerOrder], LayerOrder]) -> None:
        """Say how looks are to be worn."""
        self._say(ids, LayerOrder, change)

    def _say(self, ids: Sequence[str], kind: type, change: Callable[..., object]) -> None:
        from studio.jobs.worn import say

        said = say(self._project, ids, kind, change)
        if said.after:
            self._context.undo.push(SayingStep(self._project, said, render(Note(said.title), self._context.language)))
            if said.changes.looks:
                self.outdated.emit(sorted(said.changes.looks))

    def renew(self, look_ids: Sequence[str]) -> None:
        """Dress looks again in the background; steps that do not depend on what was said are not run."""
        stale = set(self._project.library.stale_look_ids())
        self._project.redress([one for one in look_ids if one in stale])
        self._project.queue.start()

    def _on_failed(self, job_id: str, error: object) -> None:
        del job_id
        self._context.failed.emit(error)


def _trash(role: PhotoRole | None) -> Filter:
    return Filter(role=role, in_trash=True)
