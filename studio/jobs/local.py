"""Runs in threads of this process: for the command line, for tests, and where a second process is not wanted."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio.domain.errors import Cancelled, StudioError, UnexpectedError
from studio.domain.keys import ArtefactKey, Note
from studio.domain.progress import Progress
from studio.jobs.dress import perform
from studio.jobs.run import EventKind, OnEvent, Run, RunEvent
from studio.jobs.together import AHEAD_SHARE, Gatherer, batch_limit, make_ahead

if TYPE_CHECKING:
    from studio.pipeline.runner import Runner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalHandle:
    """A run in a thread."""

    token: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        self.token.set()


class LocalExecutor:
    """Worker threads over one runner. One is the rule: a run keeps both of the runner's lanes busy by itself.

    Runs of one model whose engine works in batches are taken together, as many as the device has the memory for.
    """

    def __init__(self, runner: Runner, workers: int = 1) -> None:
        self._runner = runner
        self._tasks: queue.SimpleQueue[tuple[Run, OnEvent, LocalHandle] | None] = queue.SimpleQueue()
        self._handles: list[LocalHandle] = []
        self._at_once = 1
        self._threads = [
            threading.Thread(target=self._work, name=f"dress-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def slots(self) -> int:
        return len(self._threads) - 1 + self._at_once

    def submit(self, run: Run, on_event: OnEvent) -> LocalHandle:
        """Queue a run for the next free thread."""
        handle = LocalHandle()
        self._handles.append(handle)
        self._tasks.put((run, on_event, handle))
        return handle

    def unavailable(self) -> Note | None:
        return None

    def close(self, timeout_s: float = 5.0) -> None:
        """Cancel what runs and end the threads; one that is stuck in native code is left to die with the process."""
        for handle in self._handles:
            handle.cancel()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join(timeout_s)

    def _work(self) -> None:
        gatherer = Gatherer(self._tasks, _run_of)
        while (first := gatherer.first()) is not None:
            self._at_once = batch_limit(first[0], self._runner.models)  # from the next feeding on
            batch = gatherer.rest(first, self._at_once)
            made: Collection[ArtefactKey] = ()
            if len(batch) > 1:
                runs, tokens = [run for run, _, _ in batch], [handle.token for _, _, handle in batch]
                made = make_ahead(runs, self._runner, tokens, first[1])
            for run, on_event, handle in batch:
                on_event(perform_reporting(run, self._runner, handle.token, on_event, made))
                self._handles.remove(handle)


def _run_of(task: tuple[Run, OnEvent, LocalHandle]) -> Run:
    return task[0]


def perform_reporting(
    run: Run, runner: Runner, token: threading.Event, on_event: OnEvent, made_ahead: Collection[ArtefactKey] = ()
) -> RunEvent:
    """Perform a run and return how it ended; every error becomes part of that, so that no job stops the others."""

    at = ""

    def report(fraction: float, stage: str) -> None:
        nonlocal at
        at = stage
        on_event(RunEvent(EventKind.PROGRESS, run.job_id, stage, fraction))

    progress = Progress(token, report)
    if made_ahead:
        progress = progress.part(AHEAD_SHARE, 1.0 - AHEAD_SHARE)
    try:
        performed = perform(run, runner, progress, made_ahead)
    except Cancelled:
        return RunEvent(EventKind.CANCELLED, run.job_id, at)
    except StudioError as error:
        return RunEvent(EventKind.FAILED, run.job_id, at, error=error)
    except Exception as error:
        log.exception("job %s crashed", run.job_id)
        return RunEvent(EventKind.FAILED, run.job_id, at, error=UnexpectedError.from_exception(error))
    return RunEvent(EventKind.SUCCEEDED, run.job_id, fraction=1.0, performed=performed)
