"""One open project with everything that works on it: what the window and the command line both talk to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from studio.domain.arrays import U8, U16
from studio.domain.artefacts import Artefact, PhotoRole
from studio.domain.edits import Edit
from studio.domain.errors import JobError
from studio.domain.geometry import Placement
from studio.domain.progress import Progress
from studio.domain.recipe import Recipe
from studio.jobs.dress import plan_run
from studio.jobs.pairlist import PairList, read_pair_list
from studio.jobs.queue import JobQueue
from studio.jobs.run import Executor, OnEvent
from studio.library.library import Library
from studio.library.records import Changes, ImportReport, JobState
from studio.library.source import LibraryPhotos
from studio.pipeline.graph import EditNode, GraphBuilder, Node, PhotoSpec
from studio.pipeline.stage import ModelProvider

if TYPE_CHECKING:
    from studio.compositing.export import ExportPreset
    from studio.jobs.deliver import DeliveryReport
    from studio.pipeline.runner import Runner

MakeExecutor = Callable[["Workspace"], Executor]


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """How a queue's jobs stand after a run."""

    succeeded: int
    failed: int
    left: int


def in_threads(workspace: Workspace) -> Executor:
    """Dress in a thread of this process."""
    from studio.jobs.local import LocalExecutor

    return LocalExecutor(workspace.runner)


def in_process(workspace: Workspace) -> Executor:
    """Dress in a process of its own: the window stays fluid and outlives it."""
    from studio.jobs.process import ProcessExecutor

    return ProcessExecutor(workspace.library.store.root)


class Workspace:
    """A library with its artefacts, models, runner and queue. Free of Qt; safe to use from several threads."""

    def __init__(
        self, library: Library, models: ModelProvider | None = None, make_executor: MakeExecutor = in_threads
    ) -> None:
        self.library = library
        self._models = models
        self._make_executor = make_executor
        self._runner: Runner | None = None
        self._queue: JobQueue | None = None
        self._lock = threading.RLock()

    @classmethod
    def create(
        cls,
        folder: Path,
        name: str = "",
        *,
        models: ModelProvider | None = None,
        make_executor: MakeExecutor = in_threads,
    ) -> Workspace:
        """Make a project; see `Library.create`."""
        return cls(Library.create(folder, name), models, make_executor)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        read_only: bool = False,
        models: ModelProvider | None = None,
        make_executor: MakeExecutor = in_threads,
    ) -> Workspace:
        """Open a project; see `Library.open`."""
        return cls(Library.open(folder, read_only=read_only), models, make_executor)

    @property
    def models(self) -> ModelProvider:
        """The models that stages use."""
        with self._lock:
            if self._models is None:
                from studio.models.provider import LocalModels

                self._models = LocalModels()
            return self._models

    @property
    def runner(self) -> Runner:
        """Runs stages over this project's artefacts."""
        with self._lock:
            if self._runner is None:
                from studio.pipeline.runner import Runner

                self._runner = Runner(self.library.store, LibraryPhotos(self.library), self.models)
            return self._runner

    @property
    def queue(self) -> JobQueue:
        """The queue. The first use turns what a crash left "running" into "interrupted"."""
        with self._lock:
            if self._queue is None:
                self._queue = JobQueue(self.library, self._make_executor(self))
            return self._queue

    def import_photos(
        self,
        paths: Iterable[Path],
        role: PhotoRole,
        *,
        copy: bool | None = None,
        progress: Progress | None = None,
        revives: bool = True,
    ) -> ImportReport:
        """Take photos in; see `Library.import_photos`."""
        return self.library.import_photos(paths, role, copy=copy, progress=progress, revives=revives)

    def read_pairs(self, file: Path) -> PairList:
        """Match a pair list with the imported photos; see `read_pair_list`."""
        return read_pair_list(file, self.library)

    def default_recipe(self) -> Recipe:
        """Return the newest "Standard" recipe of this project, or the embedded defaults."""
        named = {row.recipe.name: row.recipe for row in self.library.recipes()}
        return named.get(Recipe().name, Recipe())

    def queue_pairs(self, pairs: Sequence[tuple[str, str]], recipe: Recipe | None = None) -> Changes:
        """Queue (model id, garment id) pairs; `created` holds the new jobs.

        `start_queue` or `run_queue` dresses them.
        """
        made = self.library.add_pairs(pairs)
        jobs = self.queue.add(made.created, recipe or self.default_recipe())
        return replace(made | jobs, created=jobs.created)

    def queue_all(self, models: Sequence[str], garments: Sequence[str], recipe: Recipe | None = None) -> Changes:
        """Queue every model in every garment."""
        return self.queue_pairs([(model, garment) for model in models for garment in garments], recipe)

    def redress(self, look_ids: Sequence[str] | None = None) -> Changes:
        """Queue looks again with the recipes they were made with; None = all that were edited since."""
        wanted = self.library.stale_look_ids() if look_ids is None else look_ids
        changes = Changes()
        for look in self.library.looks(wanted):
            recipe = self.library.look_record(look.id).recipe
            changes |= self.queue.add([look.pair_id], recipe, behind_running=True)
        return changes

    def start_queue(self, on_event: OnEvent | None = None) -> None:
        """Dress what is queued, in the background; events arrive in other threads."""
        self.queue.listen(on_event)
        self.queue.start()

    def run_queue(self, on_event: OnEvent | None = None, token: threading.Event | None = None) -> QueueSummary:
        """Dress what is queued and return when it is done.

        Raises:
            Cancelled: the token was set; what ran is interrupted and goes on with the next `resume`.
        """
        before = self.library.job_counts()
        self.queue.listen(on_event)
        self.queue.run(token)
        after = self.library.job_counts()
        waiting = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.INTERRUPTED)
        return QueueSummary(
            after[JobState.SUCCEEDED] - before[JobState.SUCCEEDED],
            after[JobState.FAILED] - before[JobState.FAILED],
            sum(after[state] for state in waiting),
        )

    def nodes(self, target_id: str, recipe: Recipe | None = None) -> dict[str, Node]:
        """Return the graph below a photo, pair or look by slot.

        A look's graph is the one it was made with, its edits at that time included; a photo's or pair's has the
        edits as they are now.

        Raises:
            LibraryError: there is no such thing.
            PhotoError: the file of a pair's photo is gone.
        """
        if self.library.looks([target_id]):
            return self._nodes_of_look(target_id)
        builder = GraphBuilder(recipe or self.default_recipe(), self.models)
        if self.library.pairs([target_id]):
            run = plan_run(self.library, target_id, builder.recipe)
            return builder.look(run.model, run.garment, run.edits.pair)
        photo = self.library.photo(target_id)
        spec = PhotoSpec(photo.sha256, photo.name, self.library.edits(photo.id))
        return builder.garment(spec) if photo.role is PhotoRole.GARMENT else builder.person(spec)

    def _nodes_of_look(self, look_id: str) -> dict[str, Node]:
        look, record = self.library.look(look_id), self.library.look_record(look_id)
        names = [photo.name for photo in self.library.photos([look.model_id, look.garment_id])]
        model = PhotoSpec(record.model_sha256, names[0], record.edits.model)
        garment = PhotoSpec(record.garment_sha256, names[-1], record.edits.garment)
        return GraphBuilder(record.recipe, self.models).look(model, garment, record.edits.pair)

    def artefact(
        self,
        target_id: str,
        slot: str,
        *,
        recipe: Recipe | None = None,
        with_edits: bool = True,
        progress: Progress | None = None,
    ) -> Artefact:
        """Return what is in a slot of a photo's, pair's or look's graph; what is missing below it is made first.

        Args:
            slot: "photo", "cutout", "edges", "pose", "framing", "parse", "densepose", "agnostic", "garment", "tryon",
                "look", and for pairs and looks "garment_photo", "garment_cutout", "garment_edges".
            with_edits: False = the stage's own output, for an editor that applies the strokes itself.

        Raises:
            JobError: the graph has no such slot.
            StudioError: a stage refuses its input.
        """
        kept = self._kept(target_id, slot) if with_edits else None
        if kept is not None:
            return kept
        return self.runner.get(self._node(target_id, slot, recipe, with_edits=with_edits), progress)

    def made(self, target_id: str, slot: str, recipe: Recipe | None = None) -> Artefact | None:
        """Return what is in a slot if it is there already; nothing is run."""
        kept = self._kept(target_id, slot)
        if kept is not None:
            return kept
        node = self._node(target_id, slot, recipe, with_edits=True)
        return self.runner.get(node) if not self.runner.plan(node) else None

    def _kept(self, target_id: str, slot: str) -> Artefact | None:
        """Return an artefact of a look as it was recorded, whatever has become of stages and models since."""
        if not self.library.looks([target_id]):
            return None
        for step in self.library.look_record(target_id).steps:
            if step.slot == slot:
                return self.runner.warm.get(step.record.key) or self.library.store.get(step.record.key)
        return None

    def _node(self, target_id: str, slot: str, recipe: Recipe | None, *, with_edits: bool) -> Node:
        nodes = self.nodes(target_id, recipe)
        if slot not in nodes:
            raise JobError("job.slot", slot=slot, known=", ".join(nodes))
        node = nodes[slot]
        return node.base if isinstance(node, EditNode) and not with_edits else node

    def apply_edit(self, target_id: str, edit: Edit, name: str = "") -> Changes:
        """Store a correction of a photo, pair or look; `looks` in the changes are stale now: `redress` them."""
        return self.library.add_edit(target_id, edit, name)

    def compose(
        self,
        scene_id: str,
        *,
        size: tuple[int, int] | None = None,
        transparent: bool = False,
        progress: Progress | None = None,
    ) -> U8 | U16:
        """Render a scene; see `studio.jobs.scenes.compose`."""
        from studio.jobs.scenes import compose

        return compose(self, scene_id, size=size, transparent=transparent, progress=progress)

    def place_batch(self, look_ids: Sequence[str], background_id: str, placement: Placement | str) -> Changes:
        """Make one scene for each look at one place of a background; see `studio.jobs.scenes.place_batch`."""
        from studio.jobs.scenes import place_batch

        return place_batch(self, look_ids, background_id, placement)

    def export_looks(
        self,
        look_ids: Sequence[str],
        preset: ExportPreset,
        folder: Path | None = None,
        *,
        subfolders: str = "",
        allow_noncommercial: bool = False,
        progress: Progress | None = None,
    ) -> DeliveryReport:
        """Write looks as a preset says and prove the files; see `studio.jobs.deliver.export_looks`."""
        from studio.jobs.deliver import export_looks

        return export_looks(
            self,
            look_ids,
            preset,
            folder,
            subfolders=subfolders,
            allow_noncommercial=allow_noncommercial,
            progress=progress,
        )

    def export_scenes(
        self,
        scene_ids: Sequence[str],
        preset: ExportPreset,
        folder: Path | None = None,
        *,
        subfolders: str = "",
        allow_noncommercial: bool = False,
        progress: Progress | None = None,
    ) -> DeliveryReport:
        """Write scenes as a preset says and prove the files; see `studio.jobs.deliver.export_scenes`."""
        from studio.jobs.deliver import export_scenes

        return export_scenes(
            self,
            scene_ids,
            preset,
            folder,
            subfolders=subfolders,
            allow_noncommercial=allow_noncommercial,
            progress=progress,
        )

    def contact_sheet(self, look_id: str) -> U8:
        """Return all intermediates of a look on one sheet; see `studio.jobs.sheet`."""
        from studio.jobs.sheet import contact_sheet

        return contact_sheet(self, look_id)

    def close(self) -> None:
        """Interrupt what runs, wait for it, and give the project back."""
        with self._lock:
            queue, self._queue = self._queue, None
        if queue is not None:
            queue.close()
        self.library.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
