"""Steps of one plan in two lanes: what a garment needs is made while the person's steps run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from studio.domain.errors import Cancelled, StudioError
from studio.domain.keys import ArtefactKey
from studio.domain.progress import Progress
from studio.pipeline.graph import EditNode, StageNode, inputs_of
from studio.pipeline.parallel import thread_count

LANES = 2
"""A pair has two independent chains, its person's and its garment's; each of their steps has threads of its own."""

Step = StageNode | EditNode
Make = Callable[[Step, Progress], None]


@dataclass(slots=True)
class SharedProgress:
    """Adds up the progress of steps that run at the same time. shares: of each step, 1 in all."""

    told: Progress
    shares: Sequence[float]
    _done: list[float] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._done = [0.0] * len(self.shares)

    def of(self, step: int) -> Progress:
        """Return the progress that one step reports to."""
        return Progress(self.told.token, lambda fraction, stage: self._tell(step, fraction, stage))

    def point_at(self, stage: str) -> None:
        """Name the stage that the work ended in, whatever was reported last."""
        self.told.emit(self.told.offset + self.told.length * self._sum(), stage)

    def _sum(self) -> float:
        return sum(done * share for done, share in zip(self._done, self.shares, strict=True))

    def _tell(self, step: int, fraction: float, stage: str) -> None:
        with self._lock:  # listeners hear of one thing at a time
            self._done[step] = fraction
            self.told.report(self._sum(), stage)


def uses_network(step: Step) -> bool:
    """Say whether a step runs a network: those take memory, on a card above all, and run one at a time."""
    return isinstance(step, StageNode) and bool(step.models)


def run_steps(plan: Sequence[Step], told: SharedProgress, prepare: Callable[[Step], None], make: Make) -> None:
    """Make the steps of a plan, given in an order in which they can be made, as many at a time as there are lanes.

    prepare: called in the caller's own thread before a step starts. make: makes one step.

    Raises what the first step of the plan that failed raised, as if they had been made one after the other.
    """
    if thread_count() == 1 or len(plan) < 2:
        for place, step in enumerate(plan):
            told.of(place).report(0.0, step.key.stage)
            prepare(step)
            make(step, told.of(place))
        return
    _Lanes(plan, told, prepare, make).run()


class _Lanes:
    """The state of one `run_steps`."""

    def __init__(self, plan: Sequence[Step], told: SharedProgress, prepare: Callable[[Step], None], make: Make) -> None:
        self._plan, self._told, self._prepare, self._make = plan, told, prepare, make
        self._open: set[ArtefactKey] = {step.key for step in plan}
        self._waiting = list(range(len(plan)))
        self._running: dict[Future[None], int] = {}
        self._errors: dict[int, BaseException] = {}

    def run(self) -> None:
        with ThreadPoolExecutor(LANES, "lane") as pool:
            while True:
                while len(self._running) < LANES and (place := self._next()) is not None:
                    self._start(pool, place)
                if not self._running:
                    break
                for future in wait(self._running, return_when=FIRST_COMPLETED).done:
                    self._finish(future)
        if self._errors:
            first = min(self._errors)
            self._told.point_at(self._plan[first].key.stage)
            raise self._errors[first]

    def _next(self) -> int | None:
        """Return a step that can be made now; after a failure only those before it in the plan go on."""
        end = min(self._errors, default=len(self._plan))
        network_runs = any(uses_network(self._plan[place]) for place in self._running.values())
        for place in self._waiting:
            step = self._plan[place]
            is_ready = not any(below.key in self._open for below in inputs_of(step))
            if place < end and is_ready and not (network_runs and uses_network(step)):
                return place
        return None

    def _start(self, pool: ThreadPoolExecutor, place: int) -> None:
        self._waiting.remove(place)
        step, told = self._plan[place], self._told.of(place)
        try:
            told.report(0.0, step.key.stage)
            self._prepare(step)
        except (StudioError, Cancelled) as error:  # told by `run`, in the plan's order
            self._errors[place] = error
            return
        self._running[pool.submit(self._make, step, told)] = place

    def _finish(self, future: Future[None]) -> None:
        place = self._running.pop(future)
        error = future.exception()
        if error is None:
            self._open.remove(self._plan[place].key)
        else:
            self._errors[place] = error
