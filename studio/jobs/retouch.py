"""Correcting by hand: which layers a photo or look has, one layer under correction, and what must be made again.

A session shows edits at once and stores them in order through `flush`; undo and redo move the library's own cursor,
so both survive a restart. Free of Qt. Showing belongs to one thread; `flush`, `rebuild` and `compute` may be called in
another.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from studio.domain.artefacts import Artefact, Photo, PhotoRole
from studio.domain.edits import (
    Edit,
    GarmentOverride,
    KeypointMove,
    LandmarkMove,
    LayerOrder,
    MaskFill,
    MaskOp,
    MaskRegion,
    MaskStroke,
    MaskTarget,
    ParseStroke,
    StrokeMode,
    StrokeShape,
)
from studio.domain.errors import JobError
from studio.domain.geometry import Box
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.jobs.retouch_layers import Delta, MaskLayer, ParseLayer, PointsLayer
from studio.library.records import Changes, EditRow, Filter, JobState

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

AnyLayer = MaskLayer | ParseLayer | PointsLayer


class Layer(StrEnum):
    """What can be corrected by hand."""

    ALPHA = "alpha"
    PARSE = "parse"
    POSE = "pose"
    EDIT = "edit"
    GARMENT_ALPHA = "garment_alpha"
    LANDMARKS = "landmarks"

    @property
    def slot(self) -> str:
        """The stage whose output is corrected."""
        return _SLOTS[self]

    @property
    def is_mask(self) -> bool:
        return self in (Layer.ALPHA, Layer.GARMENT_ALPHA, Layer.EDIT)

    @property
    def is_points(self) -> bool:
        return self in (Layer.POSE, Layer.LANDMARKS)


_SLOTS = {
    Layer.ALPHA: "edges",
    Layer.PARSE: "parse",
    Layer.POSE: "pose",
    Layer.EDIT: "tryon",
    Layer.GARMENT_ALPHA: "edges",
    Layer.LANDMARKS: "garment",
}


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """One layer of a subject. target_id: the photo or look that its edits belong to."""

    layer: Layer
    target_id: str
    name: str
    recipe: Recipe | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What was opened: a photo with its layers, or a look with its own and those of the photos it is made from."""

    target_id: str
    name: str
    is_look: bool
    role: PhotoRole | None
    layers: tuple[LayerSpec, ...]


def subject_of(workspace: Workspace, target_id: str) -> Subject:
    """Return what can be corrected on a photo or look.

    Raises:
        LibraryError: there is no such thing.
    """
    library = workspace.library
    looks = library.looks([target_id])
    if not looks:
        photo = library.photo(target_id)
        return Subject(photo.id, photo.name, False, photo.role, _photo_layers(photo.id, photo.name, photo.role, None))
    look = looks[0]
    recipe = library.look_record(look.id).recipe
    names = {photo.id: photo.name for photo in library.photos([look.model_id, look.garment_id])}
    layers = (
        LayerSpec(Layer.EDIT, look.id, look.name),
        *_photo_layers(look.model_id, names.get(look.model_id, ""), PhotoRole.MODEL, recipe),
        *_photo_layers(look.garment_id, names.get(look.garment_id, ""), PhotoRole.GARMENT, recipe),
    )
    return Subject(look.id, look.name, True, None, layers)


def _photo_layers(photo_id: str, name: str, role: PhotoRole, recipe: Recipe | None) -> tuple[LayerSpec, ...]:
    layers = {
        PhotoRole.MODEL: (Layer.ALPHA, Layer.PARSE, Layer.POSE),
        PhotoRole.GARMENT: (Layer.GARMENT_ALPHA, Layer.LANDMARKS),
    }.get(role, ())
    return tuple(LayerSpec(layer, photo_id, name, recipe) for layer in layers)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One edit in the order of undo. delta: what it changed, None where that is not known any more."""

    edit: Edit
    name: str
    delta: Delta | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """What undo or redo did on the screen: the box that changed, or None where the layer must be rebuilt."""

    step: Step
    box: Box | None


@dataclass(frozen=True, slots=True, eq=False)
class Flushed:
    """What was stored, and which edit of an earlier session could be redone next."""

    changes: Changes
    redo: Step | None


def open_layer(workspace: Workspace, spec: LayerSpec, progress: Progress | None = None) -> RetouchSession:
    """Load a layer with its corrections so far; what is missing below it is made first.

    Raises:
        StudioError: the photo is gone, or a stage refuses it.
    """
    import studio.pipeline.edits_body
    import studio.pipeline.edits_mask  # noqa: F401 - heavy: loaded here, so that the first stroke does not wait

    told = progress or Progress.silent()
    slot = spec.layer.slot
    photo = workspace.artefact(spec.target_id, "photo", recipe=spec.recipe, progress=told.part(0.0, 0.1))
    base = workspace.artefact(spec.target_id, slot, recipe=spec.recipe, with_edits=False, progress=told.part(0.1, 0.7))
    if not isinstance(photo, Photo):
        raise JobError("job.slot", slot="photo", known=type(photo).__name__)
    told.report(0.8, slot)
    kind = MaskLayer if spec.layer.is_mask else PointsLayer if spec.layer.is_points else ParseLayer
    layer = kind(photo, base, slot)
    rows = [row for row in workspace.library.edit_rows(spec.target_id) if row.stage == slot]
    session = RetouchSession(workspace, spec, layer, rows)
    session.adopt(session.rebuild())
    told.report(1.0, slot)
    return session


class RetouchSession:
    """One layer of one photo or look under correction."""

    def __init__(self, workspace: Workspace, spec: LayerSpec, layer: AnyLayer, rows: Sequence[EditRow]) -> None:
        self.spec = spec
        self.layer = layer
        self._workspace = workspace
        self._done = [Step(row.edit, row.name) for row in rows]
        self._undone: list[Step] = []
        self._pending: deque[Callable[[], Changes]] = deque()
        self._storing = threading.Lock()
        self.set_redo(self._next_redo())

    # -- history -----------------------------------------------------------------------------------------------------

    @property
    def stage(self) -> str:
        return self.spec.layer.slot

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The active edits of this layer in order."""
        return tuple(step.edit for step in self._done)

    @property
    def undo_step(self) -> Step | None:
        """What undo would take back."""
        return self._done[-1] if self._done else None

    @property
    def redo_step(self) -> Step | None:
        """What redo would bring back."""
        return self._undone[-1] if self._undone else None

    @property
    def has_pending(self) -> bool:
        """True while something is not stored yet: `flush`."""
        return bool(self._pending)

    def commit(self, edit: Edit, delta: Delta | None = None) -> None:
        """Take an edit into the history; what it shows is on the layer already. `flush` stores it."""
        name = edit_name(edit)
        self._done.append(Step(edit, name, delta))
        self._undone.clear()
        self._pending.append(lambda: self._workspace.apply_edit(self.spec.target_id, edit, name))

    def undo(self) -> Moved | None:
        """Step back over the last edit; None where there is none."""
        if not self._done:
            return None
        step = self._done.pop()
        self._undone.append(step)
        self._pending.append(lambda: self._workspace.library.undo_edit(self.spec.target_id, self.stage))
        return Moved(step, self._show(step, forward=False))

    def redo(self) -> Moved | None:
        """Step forward again over the edit that was undone last; None where there is none."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        self._pending.append(lambda: self._workspace.library.redo_edit(self.spec.target_id, self.stage))
        return Moved(step, self._show(step, forward=True))

    def reset(self) -> None:
        """Step back over all edits of this layer; redo brings them back one by one. Needs a `rebuild`."""
        self._undone.extend(reversed(self._done))
        self._done.clear()
        self._pending.append(lambda: self._workspace.library.reset_edits(self.spec.target_id, self.stage))

    def _show(self, step: Step, *, forward: bool) -> Box | None:
        if step.delta is None or isinstance(self.layer, PointsLayer):
            return None
        return self.layer.show(step.delta, forward=forward)

    # -- storing -----------------------------------------------------------------------------------------------------

    def flush(self) -> Flushed:
        """Store what is pending, in order. What could not be stored stays pending.

        Raises:
            StorageError: the disk is full or read-only.
        """
        changes = Changes()
        with self._storing:
            while self._pending:
                changes |= self._pending[0]()
                self._pending.popleft()
            return Flushed(changes, self._next_redo())

    def set_redo(self, step: Step | None) -> None:
        """Offer to redo an edit of an earlier session; those of this one come first."""
        if not self._undone and not self._pending and step is not None:
            self._undone.append(step)

    def _next_redo(self) -> Step | None:
        row = self._workspace.library.next_redo_edit(self.spec.target_id, self.stage)
        return None if row is None else Step(row.edit, row.name)

    # -- showing -----------------------------------------------------------------------------------------------------

    def rebuild(self) -> Artefact:
        """Return the layer's artefact with all active edits. Slow: off the window's thread."""
        shown = tuple(edit for edit in self.edits if not isinstance(edit, LayerOrder | GarmentOverride))
        return self.layer.rebuilt(shown)

    def compute(self, edit: Edit) -> Delta | None:
        """Return what an edit would change on a layer of pixels; nothing is changed yet. Slow, as `rebuild`."""
        return None if isinstance(self.layer, PointsLayer) else self.layer.compute(edit)

    def show(self, delta: Delta) -> Box:
        """Show what `compute` found; return the box that changed. `commit` keeps it."""
        if isinstance(self.layer, PointsLayer):
            raise JobError("job.slot", slot=self.stage, known="points")
        return self.layer.show(delta, forward=True)

    def adopt(self, artefact: Artefact) -> Box:
        """Show what `rebuild` returned; the box that changed."""
        return self.layer.adopt(artefact)


_NAMES = {
    StrokeMode.ADD: "retouch.brush",
    StrokeMode.SUBTRACT: "retouch.erase",
    StrokeMode.REFINE: "retouch.refine",
}


def edit_name(edit: Edit) -> str:
    """Return the message key that names an edit in the undo menu."""
    match edit:
        case MaskStroke(shape=StrokeShape.POLYGON, mode=mode):
            return "retouch.area_subtract" if mode is StrokeMode.SUBTRACT else "retouch.area_add"
        case MaskStroke(mode=mode):
            return _NAMES[mode]
        case MaskFill():
            return "retouch.wand"
        case MaskRegion():
            return "retouch.object"
        case MaskOp(kind=kind):
            return f"retouch.{kind.value}"
        case ParseStroke():
            return "retouch.label"
        case KeypointMove(visible=visible):
            return "retouch.joint" if visible else "retouch.joint_hidden"
        case LandmarkMove():
            return "retouch.landmark"
        case GarmentOverride():
            return "retouch.garment"
        case LayerOrder():
            return "retouch.worn"
        case _:
            return "retouch.other"


def mask_target(layer: Layer) -> MaskTarget:
    """Return which mask the strokes of a layer correct."""
    return MaskTarget.EDIT if layer is Layer.EDIT else MaskTarget.ALPHA


# -- what depends on it ----------------------------------------------------------------------------------------------


def looks_of(workspace: Workspace, spec: LayerSpec) -> list[str]:
    """Return the current looks that a layer's edits take part in."""
    library = workspace.library
    looks = library.looks([spec.target_id])
    if looks:
        pair = library.pair(looks[0].pair_id)
        return [pair.look_id] if pair.look_id else []
    by_model = library.photo(spec.target_id).role is PhotoRole.MODEL
    wanted = Filter(model_id=spec.target_id) if by_model else Filter(garment_id=spec.target_id)
    return library.look_ids(wanted)


def stale_looks(workspace: Workspace, spec: LayerSpec) -> list[str]:
    """Return those of `looks_of` that were made before the latest corrections."""
    stale = set(workspace.library.stale_look_ids())
    return [look for look in looks_of(workspace, spec) if look in stale]


def renew(workspace: Workspace, session: RetouchSession) -> Changes:
    """Store what is pending and queue the looks that depend on it; the queue runs in the background."""
    session.flush()
    stale = stale_looks(workspace, session.spec)
    if not stale:
        return Changes()
    changes = workspace.redress(stale)
    # A pair whose job was interrupted or paused is not queued twice: that job goes on, with the edits of now.
    library = workspace.library
    pairs = {look.pair_id for look in library.looks(stale)}
    resting = library.jobs(library.job_ids([JobState.INTERRUPTED, JobState.PAUSED]))
    if waiting := [job.id for job in resting if job.pair_id in pairs]:
        changes |= workspace.queue.resume(waiting)
    workspace.queue.start()
    return changes


def is_renewing(workspace: Workspace, look_ids: Sequence[str]) -> bool:
    """Tell whether one of these looks is queued or being dressed again."""
    library = workspace.library
    pairs = {look.pair_id for look in library.looks(look_ids)}
    jobs = library.jobs(library.job_ids([JobState.QUEUED, JobState.RUNNING]))
    return any(job.pair_id in pairs for job in jobs)


def copy_targets(workspace: Workspace, spec: LayerSpec) -> list[str]:
    """Return the photos that this layer's corrections could be copied to: those of the same role and size."""
    if spec.layer is Layer.EDIT:
        return []
    library = workspace.library
    photo = library.photo(spec.target_id)
    others = library.photos(library.photo_ids(Filter(role=photo.role)))
    return [other.id for other in others if other.id != photo.id and other.size == photo.size]


def copy_corrections(workspace: Workspace, session: RetouchSession, targets: Sequence[str]) -> Changes:
    """Copy this layer's corrections to other photos; each of them can undo them for itself."""
    session.flush()
    return workspace.library.copy_edits(session.spec.target_id, targets, [session.stage])
