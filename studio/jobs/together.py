"""Several runs of one model at once, where the try-on engine gains by it: batches of a graphics card.

A batch is made ahead: what its pairs need is made for each, the engine dresses all in one go, and then every pair ends
by itself as if it had been alone, finding its try-on there. So a pair that fails or is cancelled stops no other, and
a batch that fails as a whole is simply done pair by pair.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from studio.domain.errors import Cancelled, StudioError
from studio.domain.keys import ArtefactKey
from studio.domain.progress import Progress
from studio.jobs.run import EventKind, Run, RunEvent
from studio.pipeline.graph import GraphBuilder, Node, StageNode, chosen_stage
from studio.pipeline.stage import BatchStage

if TYPE_CHECKING:
    from studio.pipeline.runner import Runner
    from studio.pipeline.stage import ModelProvider

log = logging.getLogger(__name__)

Task = TypeVar("Task")
OnEvent = Callable[[RunEvent], None]

_READY = 0.4
"""Share of a pair's progress by which what the engine needs is made."""

AHEAD_SHARE = 0.9
"""Share of a pair's progress that the batch is."""

WAIT_S = 0.05
"""How long a worker waits for more pairs of a batch; they are sent one after the other."""


def batch_limit(run: Run, models: ModelProvider) -> int:
    """Return how many runs like this one are dressed at once; 1 where its engine does one after the other.

    The engine's networks may be loaded for the answer: ask where they are to be used.
    """
    try:
        stage, params = chosen_stage(run.recipe, "tryon")
        return stage.most_at_once(params, models) if isinstance(stage, BatchStage) else 1
    except StudioError:
        return 1  # the run itself will say what is wrong


@dataclass(slots=True)
class Gatherer(Generic[Task]):
    """Takes tasks from a queue, those of one batch together; others wait their turn. None ends the queue."""

    tasks: queue.SimpleQueue[Task | None]
    run_of: Callable[[Task], Run]
    _held: deque[Task | None] = field(default_factory=deque)

    def first(self) -> Task | None:
        """Wait for the next task."""
        return self._held.popleft() if self._held else self.tasks.get()

    def rest(self, first: Task, limit: int) -> list[Task]:
        """Return a task with those that follow it and share its model and recipe, at most `limit` in all."""
        batch, skipped = [first], deque[Task | None]()
        while len(batch) < limit:
            task = self._next()
            if task is None:
                break
            if _fits(self.run_of(first), self.run_of(task)):
                batch.append(task)
            else:
                skipped.append(task)
        self._held = skipped + self._held
        return batch

    def _next(self) -> Task | None:
        if self._held:
            if self._held[0] is None:
                return None
            return self._held.popleft()
        try:
            task = self.tasks.get(timeout=WAIT_S)
        except queue.Empty:
            return None
        if task is None:  # the end is for later
            self._held.append(None)
        return task


def _fits(one: Run, other: Run) -> bool:
    same_model = (one.model.sha256, one.model.edits) == (other.model.sha256, other.model.edits)
    return same_model and one.recipe.digest == other.recipe.digest


def make_ahead(
    runs: Sequence[Run], runner: Runner, tokens: Sequence[threading.Event], on_event: OnEvent
) -> Collection[ArtefactKey]:
    """Dress runs of one model in one batch, as far as they can be; return the try-ons that were made.

    Nothing is raised but bugs: who fails or was cancelled here does so again, alone, and says why.
    """
    nodes: list[StageNode] = []
    told: list[Progress] = []
    for run, token in zip(runs, tokens, strict=True):
        progress = Progress(token, _teller(run, on_event), 0.0, AHEAD_SHARE)
        node = _ready_tryon(run, runner, progress)
        if node is not None:
            nodes.append(node)
            told.append(progress.part(_READY, 1.0 - _READY))
    made: list[ArtefactKey] = []
    for group in _groups(nodes):
        try:
            made += runner.make_together([nodes[at] for at in group], [told[at] for at in group])
        except (StudioError, Cancelled) as error:
            log.info("a batch of %d pairs is done one by one: %s", len(group), error)
    return made


def _teller(run: Run, on_event: OnEvent) -> Callable[[float, str], None]:
    def report(fraction: float, stage: str) -> None:
        on_event(RunEvent(EventKind.PROGRESS, run.job_id, stage, fraction))

    return report


def _ready_tryon(run: Run, runner: Runner, progress: Progress) -> StageNode | None:
    """Return a run's try-on with everything below it made; None where that fails or the engine works alone."""
    try:
        node: Node = GraphBuilder(run.recipe, runner.models).look(run.model, run.garment, run.edits.pair)["tryon"]
        if not isinstance(node, StageNode) or not isinstance(node.stage, BatchStage):
            return None
        for number, below in enumerate(node.inputs.values()):
            runner.get(below, progress.part(_READY * number / len(node.inputs), _READY / len(node.inputs)))
    except (StudioError, Cancelled):
        return None
    return node


def _groups(nodes: Sequence[StageNode]) -> list[list[int]]:
    """Return which nodes one call can make: the same engine, settings and person."""
    groups: dict[object, list[int]] = {}
    for at, node in enumerate(nodes):
        assert isinstance(node.stage, BatchStage)
        person = tuple(node.inputs[slot].key for slot in node.stage.shared)
        groups.setdefault((node.stage.implementation, repr(node.params), person), []).append(at)
    return list(groups.values())
