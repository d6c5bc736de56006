"""Runs on other machines through Ray: the same stage calls; only the library's process writes SQLite.

The project folder (originals and artefacts) must be reachable under the same path on every machine.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.domain.errors import JobError
from studio.domain.keys import Note
from studio.jobs.local import perform_reporting
from studio.jobs.run import EventKind, OnEvent, Run, RunEvent
from studio.jobs.worker import MakeModels, local_models

POLL_S = 0.2
"""How often events are fetched and cancellations looked up: well within the second that a cancel may take."""


class Board:
    """The actor that runs and library meet at: events one way, cancellations the other."""

    def __init__(self) -> None:
        self._events: list[RunEvent] = []
        self._cancelled: set[str] = set()

    def post(self, event: RunEvent) -> bool:
        """Leave an event; returns whether its run was cancelled."""
        self._events.append(event)
        return event.job_id in self._cancelled

    def cancel(self, job_id: str) -> None:
        self._cancelled.add(job_id)

    def take(self) -> list[RunEvent]:
        """Return the events that came since the last time."""
        events, self._events = self._events, []
        return events


def perform_far(run: Run, artefacts: Path, make_models: MakeModels, board: Any) -> None:  # Any: Ray's actor handle
    """Perform a run in a Ray worker; everything it has to say goes to the board."""
    from studio.library.source import FilePhotos
    from studio.pipeline.cache import FolderStore
    from studio.pipeline.runner import Runner

    ray = importlib.import_module("ray")
    token = threading.Event()
    files = {
        run.model.sha256: (run.model_file, run.model.name),
        run.garment.sha256: (run.garment_file, run.garment.name),
    }

    def post(event: RunEvent) -> None:
        if ray.get(board.post.remote(event)):
            token.set()

    runner = Runner(FolderStore(artefacts), FilePhotos(files), make_models())
    post(perform_reporting(run, runner, token, post))


@dataclass(frozen=True, slots=True)
class RayHandle:
    """A run somewhere in the cluster."""

    job_id: str
    board: Any  # Any: Ray's actor handle

    def cancel(self) -> None:
        self.board.cancel.remote(self.job_id)


class RayExecutor:
    """Sends runs to a Ray cluster; without Ray it is listed as unavailable."""

    def __init__(
        self, artefacts: Path, make_models: MakeModels = local_models, *, address: str | None = None, slots: int = 4
    ) -> None:
        self._artefacts = artefacts
        self._make_models = make_models
        self._address = address
        self._slots = slots
        self._ray: Any = None  # Any: the module, imported when first needed
        self._board: Any = None  # Any: as above
        self._far: Any = None  # Any: as above
        self._runs: dict[str, tuple[Run, OnEvent, Any]] = {}  # Any: Ray's reference to the task
        self._closing = threading.Event()
        self._poller: threading.Thread | None = None

    @property
    def slots(self) -> int:
        return self._slots

    def unavailable(self) -> Note | None:
        """Say how to get Ray where it is not installed."""
        return None if importlib.util.find_spec("ray") else Note("executor.ray_missing")

    def submit(self, run: Run, on_event: OnEvent) -> RayHandle:
        """Send a run to the cluster.

        Raises:
            JobError: Ray is not installed, or refuses.
        """
        self._connect()
        task = self._far.remote(run, self._artefacts, self._make_models, self._board)
        self._runs[run.job_id] = (run, on_event, task)
        return RayHandle(run.job_id, self._board)

    def _connect(self) -> None:
        if self._ray is not None:
            return
        missing = self.unavailable()
        if missing is not None:
            raise JobError(missing.key)
        ray = importlib.import_module("ray")
        try:
            if not ray.is_initialized():
                ray.init(address=self._address, include_dashboard=False, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise JobError("executor.ray_failed", reason=str(error)) from error
        self._ray = ray
        self._board = ray.remote(Board).remote()
        self._far = ray.remote(perform_far)
        self._poller = threading.Thread(target=self._poll, name="ray-poller", daemon=True)
        self._poller.start()

    def _poll(self) -> None:
        while not self._closing.wait(POLL_S):
            for event in self._ray.get(self._board.take.remote()):
                self._pass_on(event)
            self._report_dead()

    def _pass_on(self, event: RunEvent) -> None:
        if event.job_id in self._runs:
            _, on_event, _ = self._runs[event.job_id]
            if event.kind.is_end:
                del self._runs[event.job_id]
            on_event(event)

    def _report_dead(self) -> None:
        """A run whose task is over without a last word died with its worker or its machine."""
        tasks = {job_id: task for job_id, (_, _, task) in self._runs.items()}
        if not tasks:
            return
        over, _ = self._ray.wait(list(tasks.values()), num_returns=len(tasks), timeout=0)
        dead = [job_id for job_id, task in tasks.items() if task in over]
        if not dead:
            return
        for event in self._ray.get(self._board.take.remote()):  # its last word may have come meanwhile
            self._pass_on(event)
        for job_id in dead:
            if job_id in self._runs:
                run = self._runs[job_id][0]
                values = {"reason": "Ray", "model": run.model.name, "garment": run.garment.name}
                self._pass_on(RunEvent(EventKind.FAILED, job_id, error=JobError("job.worker_died", **values)))

    def close(self, timeout_s: float = 5.0) -> None:
        """Cancel what runs and leave the cluster."""
        if self._ray is None:
            return
        for job_id in list(self._runs):
            self._board.cancel.remote(job_id)
        self._closing.set()
        if self._poller is not None:
            self._poller.join(timeout_s)
        self._ray.shutdown()
        self._ray = None
