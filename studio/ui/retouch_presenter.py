"""What the Retouch workspace does off the window's thread: load, compute, store, renew; and in which order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Signal

from studio.domain.artefacts import Photo
from studio.domain.edits import Edit, GarmentOverride, LayerOrder, MaskOp, MaskOpKind, Points
from studio.domain.geometry import Box
from studio.domain.progress import Progress
from studio.library.records import Changes
from studio.ui.context import StudioContext
from studio.ui.lanes import JobLane

if TYPE_CHECKING:
    from studio.domain.prompts import Prompt
    from studio.jobs.retouch import Flushed, LayerSpec, Moved, RetouchSession
    from studio.jobs.retouch_layers import Delta
    from studio.jobs.segment import ObjectFinder
    from studio.jobs.workspace import Workspace

OPEN_JOB = "retouch-open"
_WITHOUT_AMOUNT = (MaskOpKind.FILL_HOLES, MaskOpKind.INVERT)


@dataclass(frozen=True, slots=True, eq=False)
class _Computed:
    session: RetouchSession
    edit: Edit
    delta: Delta | None
    is_preview: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    session: RetouchSession
    flushed: Flushed
    stale: list[str]
    is_renewing: bool


class RetouchPresenter(QObject):
    """Holds the session. Edits are shown at once and stored in their order in a lane of their own.

    opened: a session is ready to be shown, or None while it loads. loading: how far that is, in [0, 1]; below 0 = it
    could not be loaded. changed: the box of the layer to show again. previewed: the Delta that the wand would make.
    locked: pixels are being computed, strokes have to wait. history_changed: undo and redo mean something else now.
    looks_found: looks that depend on the layer (None = as before), which of them are older than the latest
    correction, and whether those are being renewed. unchanged: an edit changed nothing. renewing: how many looks were
    queued. copied: to how many photos. objects_checked: whether objects can be found by clicking. looking: the network
    looks at a new photo, or is done with it. found: the outline of what was pointed at.
    """

    opened = Signal(object)
    changed = Signal(object)
    previewed = Signal(object)
    locked = Signal(bool)
    history_changed = Signal()
    looks_found = Signal(object, object, bool)
    unchanged = Signal()
    renewing = Signal(int)
    copied = Signal(int)
    loading = Signal(float)
    objects_checked = Signal(bool)
    looking = Signal(bool)
    found = Signal(object)

    def __init__(self, context: StudioContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._project: Workspace = cast("Workspace", context.project)
        self.lane = JobLane(1, self)
        self.finding = JobLane(1, self)  # looking at a photo takes seconds: strokes must not wait to be stored
        self.can_find_objects = False
        self._finder: ObjectFinder | None = None
        self.session: RetouchSession | None = None
        self.is_locked = False
        self._spec: LayerSpec | None = None
        self._numbers = itertools.count()
        self._holds = 0
        self.lane.failed.connect(self._on_failed)
        self.finding.failed.connect(self._on_finding_failed)
        context.work.failed.connect(self._on_open_failed)
        context.work.progressed.connect(self._on_open_progress)

    def _job(self, name: str) -> str:
        """A name of its own for every job: a newer one must not cancel an edit that is being stored."""
        return f"retouch-{name}-{next(self._numbers)}"

    # -- opening -----------------------------------------------------------------------------------------------------

    def open(self, spec: LayerSpec | None) -> None:
        """Store what is pending and load another layer; `opened` says None at once, then the session."""
        if self.session is not None and self.session.has_pending:
            self._store(self.session)
        self.session = None
        self._spec = spec
        self.opened.emit(None)
        self.history_changed.emit()
        if spec is None:
            return

        def work(progress: Progress) -> object:
            from studio.jobs.retouch import open_layer

            return open_layer(self._project, spec, progress)

        self.loading.emit(0.0)
        self._context.work.submit(OPEN_JOB, work, self._on_opened)

    def _on_open_progress(self, job_id: str, fraction: float, stage: str) -> None:
        del stage
        if job_id == OPEN_JOB:
            self.loading.emit(fraction)

    def _on_open_failed(self, job_id: str, error: object) -> None:
        del error  # the window shows it
        if job_id == OPEN_JOB:
            self.loading.emit(-1.0)

    def _on_opened(self, result: object) -> None:
        session = cast("RetouchSession", result)
        if session.spec == self._spec:
            self.session = session
            self.opened.emit(session)
            self.history_changed.emit()
            self.find_looks()

    # -- editing -----------------------------------------------------------------------------------------------------

    def commit(self, edit: object, delta: object) -> None:
        """Take a stroke that is on the screen already."""
        if self.session is not None:
            self.session.commit(cast(Edit, edit), cast("Delta | None", delta))
            self._store(self.session)

    def move_point(self, name: str, at: object) -> None:
        """Put a joint or landmark somewhere; None hides it."""
        from studio.jobs.retouch_layers import PointsLayer

        if self.session is not None and isinstance(self.session.layer, PointsLayer):
            self.session.commit(self.session.layer.edit(name, cast("tuple[float, float] | None", at)))
            self._rebuild()
            self._store(self.session)

    def operate(self, kind: MaskOpKind, amount: float) -> None:
        """Change the whole mask."""
        if self.session is None or not self.session.spec.layer.is_mask or self.is_locked:
            return
        from studio.jobs.retouch import mask_target

        used = 0.0 if kind in _WITHOUT_AMOUNT else amount
        self.compute(MaskOp(kind, used, mask_target(self.session.spec.layer)), is_preview=False)

    def compute(self, edit: object, is_preview: bool) -> None:
        """Find out what an edit changes, then show it; a preview is shown but not kept."""
        session, wanted = self.session, cast(Edit, edit)
        if session is None or (self.is_locked and is_preview):
            return
        self.lane.cancel("retouch-preview")
        if not is_preview:
            self._hold()

        def work(progress: Progress) -> object:
            progress.report(0.0, "retouch")
            return _Computed(session, wanted, session.compute(wanted), is_preview)

        job = "retouch-preview" if is_preview else self._job("compute")
        self.lane.submit(job, work, self._on_computed)

    def _on_computed(self, result: object) -> None:
        found = cast(_Computed, result)
        if found.is_preview:
            if found.session is self.session and not self.is_locked:
                self.previewed.emit(found.delta)
            return
        self._release()
        if found.session is not self.session:
            return
        if found.delta is None:
            self.unchanged.emit()
            return
        self.changed.emit(found.session.show(found.delta))
        self.commit(found.edit, found.delta)

    def say(self, edit: object) -> None:
        """Take an edit that steers the stage itself: what the garment is, how it is worn."""
        session = self.session
        if session is not None and not self.is_locked:
            session.commit(cast(Edit, edit))
            self._steered(session, cast(Edit, edit))

    def _steered(self, session: RetouchSession, edit: Edit) -> None:
        """What a garment is changes the stage's own output: the layer is loaded again. How it is worn shows later."""
        if isinstance(edit, GarmentOverride):
            self._store(session, reopens=True)
        else:
            self.changed.emit(Box(0, 0, *session.layer.photo.size))
            self._store(session)

    # -- finding objects ---------------------------------------------------------------------------------------------

    def check_objects(self) -> None:
        """Find out whether objects can be found by clicking; `objects_checked` follows."""

        def work(progress: Progress) -> object:
            from studio.jobs.segment import can_find_objects

            progress.report(0.0, "segment")
            return can_find_objects(self._project.models)

        self.finding.submit("retouch-objects-check", work, self._on_checked)

    def _on_checked(self, result: object) -> None:
        self.can_find_objects = bool(result)
        self.objects_checked.emit(self.can_find_objects)

    def _finder_for(self, photo: Photo) -> ObjectFinder:
        from studio.jobs.segment import ObjectFinder

        if self._finder is None or self._finder.photo.source_sha256 != photo.source_sha256:
            self._finder = ObjectFinder(photo, self._project.models)
        return self._finder

    def prepare_objects(self) -> None:
        """Let the network look at the photo before the first click."""
        if self.session is None or not self.can_find_objects:
            return
        finder = self._finder_for(self.session.layer.photo)
        if not finder.is_ready:
            self.looking.emit(True)
            self.finding.submit("retouch-object-look", lambda progress: finder.look(progress), self._on_looked)

    def _on_looked(self, result: object) -> None:
        del result
        self.looking.emit(False)

    def find_object(self, prompts: object) -> None:
        """Find what the prompts point at; `found` follows. The newest question wins."""
        if self.session is None or not self.can_find_objects:
            return
        finder, asked = self._finder_for(self.session.layer.photo), cast("tuple[Prompt, ...]", prompts)
        self.finding.submit("retouch-object", lambda progress: finder.find(asked, progress), self._on_found)

    def _on_found(self, result: object) -> None:
        self.found.emit(cast("tuple[Points, ...]", result))

    def _on_finding_failed(self, job_id: str, error: object) -> None:
        del job_id
        self.looking.emit(False)
        self._context.failed.emit(error)

    # -- history -----------------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the last edit of this layer back."""
        if self.session is not None and not self.is_locked:
            self._follow(self.session, self.session.undo())

    def redo(self) -> None:
        """Do the edit again that was undone last."""
        if self.session is not None and not self.is_locked:
            self._follow(self.session, self.session.redo())

    def reset(self) -> None:
        """Take all edits of this layer back; redo brings them back one by one."""
        session = self.session
        if session is not None and session.undo_step is not None and not self.is_locked:
            steered = any(isinstance(edit, GarmentOverride) for edit in session.edits)
            session.reset()
            if not steered:
                self._rebuild()
            self._store(session, reopens=steered)

    def _follow(self, session: RetouchSession, moved: Moved | None) -> None:
        if moved is None:
            return
        if isinstance(moved.step.edit, GarmentOverride | LayerOrder):
            self._steered(session, moved.step.edit)
            return
        if moved.box is not None:
            self.changed.emit(moved.box)
        else:
            self._rebuild()
        self._store(session)

    def _rebuild(self) -> None:
        """Apply all edits again to the stage's own output."""
        session = self.session
        if session is None:
            return
        self._hold()

        def work(progress: Progress) -> object:
            progress.report(0.0, "retouch")
            return session, session.adopt(session.rebuild())

        self.lane.submit(self._job("rebuild"), work, self._on_rebuilt)

    def _on_rebuilt(self, result: object) -> None:
        session, box = cast("tuple[RetouchSession, Box]", result)
        self._release()
        if session is self.session:
            self.changed.emit(box)

    def _hold(self) -> None:
        self._holds += 1
        self._set_locked(True)

    def _release(self) -> None:
        self._holds = max(0, self._holds - 1)
        self._set_locked(self._holds > 0)

    def _set_locked(self, is_locked: bool) -> None:
        if is_locked != self.is_locked:
            self.is_locked = is_locked
            self.locked.emit(is_locked)

    # -- storing and renewing ----------------------------------------------------------------------------------------

    def _store(self, session: RetouchSession, *, reopens: bool = False) -> None:
        """Write what is pending into the library; `reopens`: then load the layer again, for its stage has changed."""

        def work(progress: Progress) -> object:
            del progress  # stored whole, whatever else happens
            from studio.jobs.retouch import is_renewing, stale_looks

            flushed = session.flush()
            stale = stale_looks(self._project, session.spec)
            return _Stored(session, flushed, stale, is_renewing(self._project, stale))

        self.lane.submit(self._job("store"), work, self._on_steered if reopens else self._on_stored)
        self.history_changed.emit()

    def _on_steered(self, result: object) -> None:
        self._on_stored(result)
        if cast(_Stored, result).session is self.session:
            self.open(self._spec)

    def _on_stored(self, result: object) -> None:
        stored = cast(_Stored, result)
        stored.session.set_redo(stored.flushed.redo)
        if stored.session is self.session:
            self.history_changed.emit()
            self.looks_found.emit(None, stored.stale, stored.is_renewing)

    def flush(self) -> None:
        """Store everything now: the project is about to be closed."""
        if self.session is not None and self.session.has_pending:
            self.session.flush()
        self.lane.close()
        self.finding.close()

    def renew(self) -> None:
        """Dress those looks again that depend on what was corrected, in the background."""
        session = self.session
        if session is None:
            return

        def work(progress: Progress) -> object:
            from studio.jobs.retouch import renew

            progress.report(0.0, "queue")
            return len(renew(self._project, session).jobs)

        self.lane.submit(self._job("renew"), work, self._on_renewing)

    def _on_renewing(self, result: object) -> None:
        self.renewing.emit(cast(int, result))

    def find_looks(self) -> None:
        """Find out which looks depend on the layer; `looks_found` follows."""
        session = self.session
        if session is None:
            return

        def work(progress: Progress) -> object:
            from studio.jobs.retouch import is_renewing, looks_of, stale_looks

            progress.report(0.0, "retouch")
            stale = stale_looks(self._project, session.spec)
            return session, looks_of(self._project, session.spec), stale, is_renewing(self._project, stale)

        self.lane.submit("retouch-looks", work, self._on_looks)

    def _on_looks(self, result: object) -> None:
        session, looks, stale, is_renewing = cast("tuple[RetouchSession, list[str], list[str], bool]", result)
        if session is self.session:
            self.looks_found.emit(looks, stale, is_renewing)

    def copy(self, targets: Sequence[str]) -> None:
        """Copy this layer's corrections to other photos."""
        session = self.session
        if session is None or not targets:
            return

        def work(progress: Progress) -> object:
            from studio.jobs.retouch import copy_corrections

            progress.report(0.0, "retouch")
            changes: Changes = copy_corrections(self._project, session, targets)
            return len(changes.edits)

        self.lane.submit(self._job("copy"), work, self._on_copied)

    def _on_copied(self, result: object) -> None:
        self.copied.emit(cast(int, result))

    def _on_failed(self, job_id: str, error: object) -> None:
        if job_id.startswith(("retouch-compute", "retouch-rebuild")):
            self._release()
        self._context.failed.emit(error)
