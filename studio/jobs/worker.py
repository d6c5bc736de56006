"""What a worker process does: perform runs over a folder of artefacts, never seeing the library."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from studio.jobs.local import perform_reporting
from studio.jobs.run import Run, RunEvent
from studio.jobs.together import Gatherer, batch_limit, make_ahead
from studio.pipeline.stage import ModelProvider

MakeModels = Callable[[], ModelProvider]

NICENESS = 5
"""The window must stay fluid while both cores dress."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Asks the worker to stop a run."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Room:
    """Tells how many runs this worker takes at once: those of one model, where its engine works in batches."""

    runs: int


def _itself(run: Run) -> Run:
    return run


def local_models() -> ModelProvider:
    """Return the installed models; made in the worker, since warm sessions cannot travel."""
    from studio.models.provider import LocalModels

    return LocalModels()


def work(connection: Connection, artefacts: Path, make_models: MakeModels) -> None:
    """Be a worker process: runs come in, events go out, until the connection closes.

    The parent may die at any time: then the connection ends, the run at work is cancelled, and so do we.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what it means
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    Worker(connection, artefacts, make_models).serve()


class Worker:
    """One worker's state: the runner stays warm from run to run."""

    def __init__(self, connection: Connection, artefacts: Path, make_models: MakeModels) -> None:
        self._connection = connection
        self._artefacts = artefacts
        self._make_models = make_models
        self._tokens: dict[str, threading.Event] = {}
        self._tasks: queue.SimpleQueue[Run | None] = queue.SimpleQueue()

    def serve(self) -> None:
        """Perform runs until there are no more."""
        from studio.library.source import FilePhotos
        from studio.pipeline.cache import FolderStore
        from studio.pipeline.runner import Runner

        files: dict[str, tuple[Path, str]] = {}
        runner = Runner(FolderStore(self._artefacts), FilePhotos(files), self._make_models())
        threading.Thread(target=self._listen, daemon=True).start()
        gatherer = Gatherer(self._tasks, _itself)
        while (first := gatherer.first()) is not None:
            at_once = batch_limit(first, runner.models)
            self._send(Room(at_once))
            batch = gatherer.rest(first, at_once)
            for run in batch:
                files[run.model.sha256] = (run.model_file, run.model.name)
                files[run.garment.sha256] = (run.garment_file, run.garment.name)
            tokens = [self._tokens[run.job_id] for run in batch]
            made = make_ahead(batch, runner, tokens, self._send) if len(batch) > 1 else ()
            for run, token in zip(batch, tokens, strict=True):
                self._send(perform_reporting(run, runner, token, self._send, made))
                del self._tokens[run.job_id]

    def _listen(self) -> None:
        try:
            while (message := self._connection.recv()) is not None:
                if isinstance(message, Run):
                    self._tokens[message.job_id] = threading.Event()
                    self._tasks.put(message)
                elif isinstance(message, Cancel) and (token := self._tokens.get(message.job_id)) is not None:
                    token.set()
        except (EOFError, OSError):
            pass  # the parent is gone
        for token in list(self._tokens.values()):
            token.set()
        self._tasks.put(None)

    def _send(self, event: RunEvent | Room) -> None:
        try:
            self._connection.send(event)
        except OSError:
            for token in list(self._tokens.values()):  # nobody listens any more: stop at the next report
                token.set()
