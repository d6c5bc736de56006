"""The persistent queue: rows first, then runs. After a kill it goes on where it was."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from studio.domain.errors import Cancelled, StorageError, StudioError
from studio.domain.recipe import Recipe
from studio.jobs.dress import plan_run, record_run
from studio.jobs.eta import History, estimate_seconds
from studio.jobs.run import EventKind, Executor, Handle, OnEvent, Run, RunEvent
from studio.library.library import Library
from studio.library.records import Changes, JobRow, JobState

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 1 / 30
LOOK_AHEAD_SHARE = 10
"""The estimate may cost a tenth of the time at most."""

_HALTING = frozenset(["storage.full", "storage.read_only"])
"""Errors that every further job would meet too: the queue stops and waits for the operator."""

_WAITING = (JobState.QUEUED, JobState.PAUSED, JobState.INTERRUPTED, JobState.RUNNING)


@dataclass(slots=True)
class _InFlight:
    """A run that an executor has. wish: what its cancellation means, None while nobody asked for it."""

    run: Run
    handle: Handle | None = None
    wish: JobState | None = None
    fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is left to do. alone: the seconds of each run in flight by itself."""

    jobs: int = 0
    seconds: float | None = None
    alone: Mapping[str, float] = field(default_factory=dict)


class JobQueue:
    """Feeds queued jobs to an executor and writes down how they end.

    Events arrive in the executor's threads (style.md section 5: a window forwards them with signals). Opening a queue
    turns what is still "running" into "interrupted"; `resume` queues that again.
    """

    def __init__(self, library: Library, executor: Executor, on_event: OnEvent | None = None) -> None:
        self._library = library
        self._executor = executor
        self._on_event = on_event
        self._in_flight: dict[str, _InFlight] = {}
        self._lock = threading.RLock()
        self._idle = threading.Event()
        self._idle.set()
        self._is_feeding = False
        self._last_progress_s = 0.0
        self._ahead = _Ahead()
        self._next_look_s = 0.0
        if not library.is_read_only:
            library.interrupt_running()

    @property
    def is_running(self) -> bool:
        """True while jobs are being fed or are in flight."""
        return not self._idle.is_set()

    def listen(self, on_event: OnEvent | None) -> None:
        """Send events there from now on."""
        self._on_event = on_event

    def add(self, pair_ids: Sequence[str], recipe: Recipe, *, behind_running: bool = False) -> Changes:
        """Queue pairs, grouped by model so that a model's own steps are still warm when its next garment comes.

        Paused and interrupted jobs of these pairs go on; see `Library.add_jobs`.
        """
        pairs = {pair.id: pair for pair in self._library.pairs(pair_ids)}
        rank: dict[str, int] = {}
        for pair_id in pair_ids:
            rank.setdefault(pairs[pair_id].model_id, len(rank))
        ordered = sorted(pair_ids, key=lambda pair_id: rank[pairs[pair_id].model_id])
        changes = self._library.add_jobs(ordered, recipe, behind_running=behind_running)
        if self._is_feeding:
            self._feed()
        return changes

    def interrupted(self) -> list[str]:
        """Return the jobs that a crash or a closed window cut off."""
        return self._library.job_ids([JobState.INTERRUPTED])

    def resume(self, ids: Sequence[str] | None = None) -> Changes:
        """Queue interrupted and paused jobs again; None = all of them. Finished steps are not run again."""
        wanted = self._library.job_ids([JobState.INTERRUPTED, JobState.PAUSED]) if ids is None else ids
        changes = self._library.move_to_state(wanted, JobState.QUEUED, [JobState.INTERRUPTED, JobState.PAUSED])
        if self._is_feeding:
            self._feed()
        return changes

    def retry(self, ids: Sequence[str]) -> Changes:
        """Queue failed or cancelled jobs again."""
        changes = self._library.move_to_state(ids, JobState.QUEUED, [JobState.FAILED, JobState.CANCELLED])
        if self._is_feeding:
            self._feed()
        return changes

    def cancel(self, ids: Sequence[str] | None = None) -> Changes:
        """Cancel jobs, the running ones within one step; None = all that wait or run."""
        return self._stop(ids, JobState.CANCELLED)

    def pause(self, ids: Sequence[str] | None = None) -> Changes:
        """Set jobs aside, the running ones within one step; what they have finished is kept. None = all."""
        return self._stop(ids, JobState.PAUSED)

    def _stop(self, ids: Sequence[str] | None, wish: JobState) -> Changes:
        wanted = self._library.job_ids(_WAITING) if ids is None else list(ids)
        with self._lock:
            changes = self._library.move_to_state(
                wanted, wish, [JobState.QUEUED, JobState.INTERRUPTED, JobState.PAUSED]
            )
            for job_id in wanted:
                flying = self._in_flight.get(job_id)
                if flying is not None:
                    flying.wish = wish
                    if flying.handle is not None:
                        flying.handle.cancel()
        return changes

    def move(self, ids: Sequence[str], before_id: str = "") -> Changes:
        """Reorder waiting jobs: before another one, or behind all."""
        return self._library.move_jobs(ids, before_id)

    def start(self) -> None:
        """Feed the executor until nothing is queued; returns at once."""
        with self._lock:
            self._is_feeding = True
            self._idle.clear()
        self._feed()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is queued or in flight; False when the time is over first."""
        return self._idle.wait(timeout_s)

    def run(self, progress_token: threading.Event | None = None) -> None:
        """Run everything that is queued and return when it is done.

        Raises:
            Cancelled: the token was set; what was running is interrupted, and `resume` goes on there.
        """
        self.start()
        while not self.wait(0.1):
            if progress_token is not None and progress_token.is_set():
                self.halt()
                self.wait(None)
                raise Cancelled

    def halt(self) -> None:
        """Feed no more jobs and interrupt what runs; queued jobs stay queued."""
        with self._lock:
            self._is_feeding = False
            for flying in self._in_flight.values():
                flying.wish = flying.wish or JobState.INTERRUPTED
                if flying.handle is not None:
                    flying.handle.cancel()
        self._rest_if_done()

    def close(self, timeout_s: float = 5.0) -> None:
        """Interrupt what runs, wait, and leave the rest "interrupted"; then close the executor."""
        self.halt()
        if not self.wait(timeout_s):
            log.warning("%d runs did not stop in time", len(self._in_flight))
        self._executor.close(timeout_s)
        with self._lock:
            left, self._in_flight = list(self._in_flight), {}
        if left and not self._library.is_read_only:
            self._library.move_to_state(left, JobState.INTERRUPTED, [JobState.RUNNING])
        self._idle.set()

    def eta_s(self) -> float | None:
        """Return the seconds until the queue is empty, None before there is a history."""
        with self._lock:
            if self._ahead.seconds is None:
                return None
            flying = sum(self._ahead.alone.get(job_id, 0.0) * run.fraction for job_id, run in self._in_flight.items())
            return max(0.0, self._ahead.seconds - flying)

    def _look_ahead(self) -> None:
        """Work the estimate out again, after a start and after every end; for a queue of thousands not every time."""
        counts = self._library.job_counts()
        left = counts[JobState.RUNNING] + counts[JobState.QUEUED]
        started = time.monotonic()
        if started < self._next_look_s:
            self._ahead = replace(self._ahead, jobs=left)
            return
        history = History(self._library.typical_seconds(), self._library.dressed_photo_ids())
        jobs = self._library.jobs(self._library.job_ids([JobState.RUNNING, JobState.QUEUED]))
        alone = {job.id: estimate_seconds([job], history) or 0.0 for job in jobs if job.id in self._in_flight}
        self._ahead = _Ahead(left, estimate_seconds(jobs, history), alone)
        ended = time.monotonic()
        self._next_look_s = ended + LOOK_AHEAD_SHARE * (ended - started)

    def _feed(self) -> None:
        """Give the executor as many runs as it takes."""
        while True:
            with self._lock:
                if not self._is_feeding or len(self._in_flight) >= self._executor.slots:
                    break
                try:
                    job = self._claim()
                except StudioError as error:  # the library cannot be written: nothing more can be done
                    self._stop_feeding(error)
                    break
                if job is None:
                    break
                try:
                    flying = _InFlight(plan_run(self._library, job.pair_id, job.recipe, job.id))
                except StudioError as error:
                    self._finish(job.id, JobState.FAILED, RunEvent(EventKind.FAILED, job.id, error=error))
                    continue
                self._in_flight[job.id] = flying
                self._emit(RunEvent(EventKind.STARTED, job.id))
                try:
                    flying.handle = self._executor.submit(flying.run, self._on_run_event)
                except StudioError as error:  # the executor itself cannot work: no use in trying the next job
                    del self._in_flight[job.id]
                    self._finish(job.id, JobState.FAILED, RunEvent(EventKind.FAILED, job.id, error=error))
                    self._stop_feeding(error)
                    break
                if flying.wish is not None:  # asked for by whoever heard that it started
                    flying.handle.cancel()
        self._rest_if_done()

    def _claim(self) -> JobRow | None:
        for job_id in self._library.job_ids([JobState.QUEUED]):
            if self._library.start_job(job_id):
                return self._library.jobs([job_id])[0]
        return None

    def _on_run_event(self, event: RunEvent) -> None:
        with self._lock:
            flying = self._in_flight.get(event.job_id)
            if flying is None:  # closed meanwhile
                return
            if not event.kind.is_end:
                flying.fraction = event.fraction
                self._emit_throttled(event)
                return
            self._end(flying, event)
            del self._in_flight[event.job_id]
        self._feed()

    def _end(self, flying: _InFlight, event: RunEvent) -> None:
        job_id = event.job_id
        if event.performed is not None:
            try:
                changes = record_run(self._library, flying.run, event.performed)
            except StudioError as error:
                event = RunEvent(EventKind.FAILED, job_id, "record", error=error)
            else:
                done = replace(event, changes=changes, look_id=changes.created[0], performed=None)
                self._finish(job_id, JobState.SUCCEEDED, done)
                return
        if event.kind is EventKind.CANCELLED:
            state = flying.wish or JobState.CANCELLED
            self._finish(job_id, state, replace(event, kind=EventKind(state.value)))
            return
        self._finish(job_id, JobState.FAILED, event)
        if isinstance(event.error, StorageError) and event.error.key in _HALTING:
            self._stop_feeding(event.error)

    def _finish(self, job_id: str, state: JobState, event: RunEvent) -> None:
        try:
            told = self._library.finish_job(
                job_id, state, look_id=event.look_id, error=event.error, stage="" if event.look_id else event.stage
            )
        except StudioError as error:
            # The row stays "running" and becomes "interrupted" at the next start: nothing is lost.
            log.error("job %s ended as %s, but that could not be written down: %s", job_id, state, error)
            self._stop_feeding(error)
        else:
            event = replace(event, changes=told if event.changes is None else event.changes | told)
        self._emit(event)

    def _stop_feeding(self, error: StudioError) -> None:
        self._is_feeding = False
        log.error("the queue stops: %s", error)
        self._emit(RunEvent(EventKind.HALTED, error=error))

    def _rest_if_done(self) -> None:
        with self._lock:
            if self._in_flight or self._idle.is_set():
                return
            if self._is_feeding and self._has_queued():
                return
            self._is_feeding = False
        self._emit(RunEvent(EventKind.IDLE))
        with self._lock:  # after the event, so that who waits has heard it; unless its listener started us again
            if not self._is_feeding and not self._in_flight:
                self._idle.set()

    def _has_queued(self) -> bool:
        try:
            return bool(self._library.job_ids([JobState.QUEUED]))
        except StudioError as error:  # the project itself is gone: nobody shall wait for it
            log.error("the queue cannot be read: %s", error)
            return False

    def _emit_throttled(self, event: RunEvent) -> None:
        moment = time.monotonic()
        if moment - self._last_progress_s >= PROGRESS_EVERY_S:
            self._last_progress_s = moment
            self._emit(event)

    def _emit(self, event: RunEvent) -> None:
        if self._on_event is None:
            return
        if event.kind is not EventKind.PROGRESS:
            try:
                self._look_ahead()
            except StudioError as error:
                log.error("no estimate: %s", error)
        try:
            self._on_event(replace(event, left=self._ahead.jobs, eta_s=self.eta_s()))
        except Exception:
            # We are in an executor's thread, and it must live on: the listener's bug is not the job's.
            log.exception("a listener failed at %s of job %s", event.kind, event.job_id)
