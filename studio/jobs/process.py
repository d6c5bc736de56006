"""Runs in a process of their own: the window stays fluid, and outlives a worker that is killed or out of memory."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from studio.domain.errors import JobError
from studio.domain.keys import Note
from studio.jobs.run import EventKind, OnEvent, Run, RunEvent
from studio.jobs.worker import Cancel, MakeModels, Room, local_models, work

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProcessHandle:
    """A run in the worker process."""

    job_id: str
    link: _Link

    def cancel(self) -> None:
        self.link.send(Cancel(self.job_id))


class _Link:
    """One worker process and the thread that hears it."""

    def __init__(self, artefacts: Path, make_models: MakeModels) -> None:
        # Spawn everywhere: a forked child would inherit the project's lock, threads and half of Qt.
        context = multiprocessing.get_context("spawn")
        self._connection, far = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=work, args=(far, artefacts, make_models), name="dress-worker", daemon=True
        )
        self.process.start()
        far.close()  # so that the end of the worker ends the connection
        self._runs: dict[str, tuple[Run, OnEvent]] = {}
        self.room = 1
        self._is_over = False
        self._lock = threading.Lock()
        self._ear = threading.Thread(target=self._hear, name="dress-worker-ear", daemon=True)
        self._ear.start()

    def begin(self, run: Run, on_event: OnEvent) -> bool:
        """Send a run; False when this worker is gone and another one is needed."""
        with self._lock:
            if self._is_over:
                return False
            self._runs[run.job_id] = (run, on_event)
        self.send(run)  # should the worker die right now, the ear reports every run it had
        return True

    def send(self, message: Run | Cancel | None) -> None:
        """Tell the worker something; if it is gone, the ear has noticed."""
        with self._lock, suppress(OSError):
            self._connection.send(message)

    def _hear(self) -> None:
        while (event := _receive(self._connection)) is not None:
            if isinstance(event, Room):
                self.room = event.runs
                continue
            run, on_event = self._runs[event.job_id]
            if event.kind.is_end:
                del self._runs[event.job_id]
            on_event(event)
        self.process.join()
        with self._lock:
            self._is_over = True
            orphans, self._runs = list(self._runs.values()), {}
        for run, on_event in orphans:
            log.error("the worker died with %s while dressing job %s", self.process.exitcode, run.job_id)
            on_event(RunEvent(EventKind.FAILED, run.job_id, error=_death(run, self.process.exitcode)))

    def close(self, timeout_s: float) -> None:
        self.send(None)
        self.process.join(timeout_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self._ear.join(timeout_s)
        self._connection.close()
        self.process.close()


def _receive(connection: Connection) -> RunEvent | Room | None:
    try:
        event = connection.recv()
    except (EOFError, OSError):
        return None
    return event if isinstance(event, RunEvent | Room) else None


def _death(run: Run, exit_code: int | None) -> JobError:
    reason = f"exit code {exit_code}"
    if exit_code is not None and exit_code < 0:
        reason = signal.Signals(-exit_code).name
    return JobError("job.worker_died", reason=reason, model=run.model.name, garment=run.garment.name)


class ProcessExecutor:
    """One worker process, started when the first run comes and again after it died."""

    def __init__(self, artefacts: Path, make_models: MakeModels = local_models) -> None:
        self._artefacts = artefacts
        self._make_models = make_models
        self._link: _Link | None = None
        self._lock = threading.Lock()

    @property
    def slots(self) -> int:
        return 1 if self._link is None else self._link.room

    @property
    def pid(self) -> int | None:
        """The worker's process id, None before the first run."""
        return None if self._link is None else self._link.process.pid

    def submit(self, run: Run, on_event: OnEvent) -> ProcessHandle:
        """Send a run to the worker."""
        with self._lock:
            while self._link is None or not self._link.begin(run, on_event):
                self._link = _Link(self._artefacts, self._make_models)
            return ProcessHandle(run.job_id, self._link)

    def unavailable(self) -> Note | None:
        return None

    def close(self, timeout_s: float = 5.0) -> None:
        """End the worker; one that does not stop in time is killed: what it was writing stays invisible."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close(timeout_s)
