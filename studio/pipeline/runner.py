"""Runs what is missing below a node, and only that: the one place that asks the cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
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
from studio.pipeline.stage import Inputs, ModelProvider, StageContext, TellsFallbacks

WARM_BUDGET_BYTES = 1 << 30

# Rough shares of a run's time, for progress only; the jobs room measures the real ones.
_COST = {"cutout": 3.0, "edges": 3.0, "parse": 4.0, "garment": 4.0, "tryon": 8.0, "look": 1.0}


@dataclass(slots=True)
class Runner:
    """Returns artefacts, running only the missing steps below them; edits are inputs like any other."""

    store: ArtefactStore
    photos: PhotoSource
    models: ModelProvider
    warm: WarmCache = field(default_factory=lambda: WarmCache(WARM_BUDGET_BYTES))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, node: Node, progress: Progress | None = None) -> Artefact:
        """Return a node's artefact.

        Raises:
            StudioError: a stage below it refused its input.
            Cancelled: the operator asked to stop; everything finished so far is kept.
        """
        told = progress or Progress.silent()
        plan = self.plan(node)
        total = sum(_COST.get(step.key.stage, 1.0) for step in plan) or 1.0
        done = 0.0
        for step in plan:
            share = _COST.get(step.key.stage, 1.0) / total
            told.report(done, step.key.stage)
            with self._lock:  # one heavy step at a time; what is already made can be read meanwhile
                if not self.store.has(step.key):
                    self._make(step, told.part(done, share))
            done += share
        return self._fetch(node)

    def plan(self, node: Node) -> list[StageNode | EditNode]:
        """Return the steps still to run for a node, in order."""
        steps: list[StageNode | EditNode] = []
        self._collect(node, steps, set())
        return steps

    def record(self, node: Node) -> ArtefactRecord | None:
        """Return how a node's artefact was made, or None while it is not."""
        return self.store.record(node.key)

    def _collect(self, node: Node, steps: list[StageNode | EditNode], seen: set[ArtefactKey]) -> None:
        if node.key in seen or isinstance(node, PhotoNode):
            return
        seen.add(node.key)
        if self.store.has(node.key):
            return
        for below in inputs_of(node):
            self._collect(below, steps, seen)
        steps.append(node)

    def _fetch(self, node: Node) -> Artefact:
        found = self.warm.get(node.key)
        if found is None:
            found = self.photos.load(node.sha256) if isinstance(node, PhotoNode) else self.store.get(node.key)
            if found is None:  # its file was lost or damaged since the plan was made
                for step in self.plan(node):
                    self._make(step, Progress.silent())
                return cast(Artefact, self.warm.get(node.key) or self.store.get(node.key))
            self.warm.put(node.key, found)
        return found

    def _make(self, node: StageNode | EditNode, progress: Progress) -> None:
        started = time.perf_counter()
        notes: list[Note] = []
        if isinstance(node, EditNode):
            photo = cast(Photo, self._fetch(node.photo))
            made = apply_edits(node.key.stage, self._fetch(node.base), node.edits, photo)
        else:
            inputs = Inputs({slot: self._fetch(below) for slot, below in node.inputs.items()})
            made = node.stage.run(inputs, node.params, StageContext(self.models, progress, notes))
            if isinstance(self.models, TellsFallbacks):
                notes += self.models.fallbacks_of(use.id for use in node.models)
        record = _record(node, notes, time.perf_counter() - started)
        self.store.put(node.key, made, record)
        self.warm.put(node.key, made)


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
