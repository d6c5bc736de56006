"""Runs what is missing below a node, and only that: the one place that asks the cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from studio.domain.artefacts import Artefact, Photo
from studio.domain.edits import edit_digest
from studio.domain.jsonable import encode
from studio.domain.keys import ArtefactKey, ArtefactRecord, Json, Note
from studio.domain.progress import Progress
from studio.pipeline.cache import ArtefactStore, PhotoSource, WarmCache
from studio.pipeline.edits import apply_edits
from studio.pipeline.graph import EditNode, Node, PhotoNode, StageNode, inputs_of
from studio.pipeline.lanes import LANES, SharedProgress, run_steps, uses_network
from studio.pipeline.stage import BatchStage, Inputs, ModelProvider, StageContext, TellsFallbacks
from studio.pipeline.writer import BehindStore, Writer

WARM_BUDGET_BYTES = 1 << 30
KEPT_BUDGET_BYTES = 320 << 20
"""For what stages keep between runs: two persons taken apart, whatever the size of their photos."""

# Rough shares of a run's time, for progress only; the jobs room measures the real ones.
_COST = {"cutout": 3.0, "edges": 3.0, "parse": 4.0, "garment": 4.0, "tryon": 8.0, "look": 1.0}


@dataclass(slots=True)
class Runner:
    """Returns artefacts, running only the missing steps below them; edits are inputs like any other."""

    store: ArtefactStore
    photos: PhotoSource
    models: ModelProvider
    warm: WarmCache[Artefact] = field(default_factory=lambda: WarmCache(WARM_BUDGET_BYTES))
    _memory: WarmCache[object] = field(default_factory=lambda: WarmCache(KEPT_BUDGET_BYTES))
    _kept: BehindStore = field(init=False)
    # Few steps at a time, whoever asks, and one network; what is already made can be read meanwhile.
    _steps: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(LANES))
    _network: threading.Lock = field(default_factory=threading.Lock)
    _claims: dict[ArtefactKey, tuple[threading.Lock, int]] = field(default_factory=dict)
    _claims_lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._kept = BehindStore(self.store)

    def get(self, node: Node, progress: Progress | None = None) -> Artefact:
        """Return a node's artefact.

        Raises:
            StudioError: a stage below it refused its input.
            Cancelled: the operator asked to stop; everything finished so far is kept.
        """
        told = progress or Progress.silent()
        plan = self.plan(node)
        costs = [_COST.get(step.key.stage, 1.0) for step in plan]
        shared = SharedProgress(told, [cost / (sum(costs) or 1.0) for cost in costs])
        with Writer(self._kept) as writer:

            def make(step: StageNode | EditNode, part: Progress) -> None:
                with self._network if uses_network(step) else nullcontext(), self._steps, self._claim(step.key):
                    if not self._kept.has(step.key):
                        self._make(step, part, writer)

            run_steps(plan, shared, self._load_photos, make)
            return self._fetch(node, writer)

    def plan(self, node: Node) -> list[StageNode | EditNode]:
        """Return the steps still to run for a node, in order."""
        steps: list[StageNode | EditNode] = []
        self._collect(node, steps, set())
        return steps

    def record(self, node: Node) -> ArtefactRecord | None:
        """Return how a node's artefact was made, or None while it is not."""
        return self.store.record(node.key)

    def make_together(self, nodes: Sequence[StageNode], progresses: Sequence[Progress]) -> list[ArtefactKey]:
        """Make artefacts of one `BatchStage` in one go, their inputs being there; return the keys of what was made.

        Each is stored with its own notes and its share of the time, as if it had been made alone.

        Raises:
            StudioError: the batch failed; nothing of it is stored, and each may be tried alone.
            Cancelled: all were cancelled.
        """
        missing = {node.key: (node, told) for node, told in zip(nodes, progresses, strict=True)}
        todo = [pair for key, pair in missing.items() if not self._kept.has(key)]
        if len(todo) < 2:
            return []
        stage = todo[0][0].stage
        assert isinstance(stage, BatchStage)
        with self._network, self._steps, Writer(self._kept) as writer:
            started = time.perf_counter()
            inputs = [
                Inputs({slot: self._fetch(below, writer) for slot, below in node.inputs.items()}) for node, _ in todo
            ]
            contexts = [StageContext(self.models, told, []) for _, told in todo]
            made = stage.run_many(inputs, todo[0][0].params, contexts)
            share = (time.perf_counter() - started) / len(todo)
            for (node, _), context, artefact in zip(todo, contexts, made, strict=True):
                self._keep(node, artefact, (context.notes, share), writer)
        return [node.key for node, _ in todo]

    def _collect(self, node: Node, steps: list[StageNode | EditNode], seen: set[ArtefactKey]) -> None:
        if node.key in seen or isinstance(node, PhotoNode):
            return
        seen.add(node.key)
        if self._kept.has(node.key):
            return
        for below in inputs_of(node):
            self._collect(below, steps, seen)
        steps.append(node)

    @contextmanager
    def _claim(self, key: ArtefactKey) -> Iterator[None]:
        """Keep others from making the same artefact meanwhile."""
        with self._claims_lock:
            lock, users = self._claims.get(key, (threading.Lock(), 0))
            self._claims[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._claims_lock:
                _, users = self._claims.pop(key)
                if users > 1:
                    self._claims[key] = (lock, users - 1)

    def _load_photos(self, step: StageNode | EditNode) -> None:
        """Decode a step's photos in the caller's thread: to the library every thread is a reader of its own."""
        for below in inputs_of(step):
            if isinstance(below, PhotoNode) and self.warm.get(below.key) is None:
                self.warm.put(below.key, self.photos.load(below.sha256))

    def _fetch(self, node: Node, writer: Writer) -> Artefact:
        found = self.warm.get(node.key)
        if found is None:
            found = self.photos.load(node.sha256) if isinstance(node, PhotoNode) else self._kept.get(node.key)
            if found is None:  # its file was lost or damaged since the plan was made
                for step in self.plan(node):
                    self._make(step, Progress.silent(), writer)
                return cast(Artefact, self.warm.get(node.key) or self._kept.get(node.key))
            self.warm.put(node.key, found)
        return found

    def _make(self, node: StageNode | EditNode, progress: Progress, writer: Writer) -> None:
        started = time.perf_counter()
        notes: list[Note] = []
        if isinstance(node, EditNode):
            photo = cast(Photo, self._fetch(node.photo, writer))
            made = apply_edits(node.key.stage, self._fetch(node.base, writer), node.edits, photo)
        else:
            inputs = Inputs({slot: self._fetch(below, writer) for slot, below in node.inputs.items()})
            keys = {slot: below.key for slot, below in node.inputs.items()}
            made = node.stage.run(inputs, node.params, StageContext(self.models, progress, notes, self._memory, keys))
        self._keep(node, made, (notes, time.perf_counter() - started), writer)

    def _keep(self, node: StageNode | EditNode, made: Artefact, told: tuple[list[Note], float], writer: Writer) -> None:
        notes, duration_s = told
        if isinstance(node, StageNode) and isinstance(self.models, TellsFallbacks):
            notes = notes + self.models.fallbacks_of(use.id for use in node.models)
        self.warm.put(node.key, made)
        writer.put(node.key, made, _record(node, notes, duration_s))


def _record(node: StageNode | EditNode, notes: list[Note], duration_s: float) -> ArtefactRecord:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if isinstance(node, EditNode):
        return ArtefactRecord(
            node.key,
            implementation="edit",
            version=node.base.stage.version,
            params={},
            inputs={"base": node.base.key, "photo": node.photo.key},
            edits=tuple(edit_digest(edit) for edit in node.edits),
            duration_s=duration_s,
            created_at=created,
        )
    return ArtefactRecord(
        node.key,
        implementation=node.stage.implementation,
        version=node.stage.version,
        params=cast(Mapping[str, Json], encode(node.params)),
        inputs={slot: below.key for slot, below in node.inputs.items()},
        models=node.models,
        fallbacks=tuple(notes),
        duration_s=duration_s,
        created_at=created,
    )
