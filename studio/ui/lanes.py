"""Background work for the window: lanes of threads whose signals arrive on the UI thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from studio.domain.errors import Cancelled, StudioError, UnexpectedError
from studio.domain.progress import Progress

log = logging.getLogger(__name__)

UPDATES_PER_SECOND = 20
CLOSE_TIMEOUT_MS = 5000


class _Runnable(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        self._work()


class _Ended(StrEnum):
    """How a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobLane(QObject):
    """Runs jobs at most `threads` at a time off the UI thread; all signals arrive on the UI thread.

    Every job that was submitted ends with exactly one of `succeeded`, `failed` and `cancelled`, unless a newer job
    took its id: then nothing more is heard of it.
    """

    progressed = Signal(str, float, str)
    succeeded = Signal(str, object)
    failed = Signal(str, object)
    cancelled = Signal(str)
    idle = Signal()
    _ended = Signal(str, object, object, object)

    def __init__(self, threads: int = 1, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._tokens: dict[str, threading.Event] = {}
        self._handlers: dict[str, Callable[[object], None]] = {}
        self._ended.connect(self._on_ended)

    @property
    def is_busy(self) -> bool:
        return bool(self._tokens)

    def submit(
        self,
        job_id: str,
        work: Callable[[Progress], object],
        on_success: Callable[[object], None] | None = None,
    ) -> None:
        """Queue work; a job with the same id that still runs is cancelled first: the newest request wins."""
        self.cancel(job_id)
        token = self._tokens[job_id] = threading.Event()
        if on_success is not None:
            self._handlers[job_id] = on_success
        else:
            self._handlers.pop(job_id, None)
        progress = Progress(token, _Throttled(self, job_id))
        self._pool.start(_Runnable(lambda: self._run(job_id, work, progress)))

    def cancel(self, job_id: str) -> None:
        """Ask one job to stop; it does at its next report."""
        token = self._tokens.get(job_id)
        if token is not None:
            token.set()

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for token in self._tokens.values():
            token.set()

    def close(self) -> bool:
        """Cancel everything and wait; False when something did not stop within five seconds.

        Nothing is heard of these jobs any more; the lane takes new ones.
        """
        self.cancel_all()
        self._pool.clear()
        self._tokens.clear()
        self._handlers.clear()
        return bool(self._pool.waitForDone(CLOSE_TIMEOUT_MS))

    def _run(self, job_id: str, work: Callable[[Progress], object], progress: Progress) -> None:
        token = progress.token
        try:
            if token.is_set():
                raise Cancelled
            result = work(progress)
        except Cancelled:
            self._ended.emit(job_id, token, _Ended.CANCELLED, None)
        except StudioError as error:
            self._ended.emit(job_id, token, _Ended.FAILED, error)
        except Exception as error:
            log.exception("job %s crashed", job_id)
            self._ended.emit(job_id, token, _Ended.FAILED, UnexpectedError.from_exception(error))
        else:
            self._ended.emit(job_id, token, _Ended.CANCELLED if token.is_set() else _Ended.SUCCEEDED, result)

    def _on_ended(self, job_id: str, token: object, how: object, result: object) -> None:
        """Tell how a job ended, on the UI thread, where no newer job can slip in between."""
        if self._tokens.get(job_id) is not token:
            return
        del self._tokens[job_id]
        handler = self._handlers.pop(job_id, None)
        if how is _Ended.SUCCEEDED:
            if handler is not None:
                handler(result)
            self.succeeded.emit(job_id, result)
        elif how is _Ended.FAILED:
            self.failed.emit(job_id, result)
        else:
            self.cancelled.emit(job_id)
        if not self._tokens:
            self.idle.emit()


class _Throttled:
    """Passes on at most 20 progress reports a second; the last of a job arrives by its closing signal."""

    def __init__(self, lane: JobLane, job_id: str) -> None:
        self._lane = lane
        self._job_id = job_id
        self._last = 0.0

    def __call__(self, fraction: float, stage: str) -> None:
        now = time.monotonic()
        if now - self._last >= 1 / UPDATES_PER_SECOND:
            self._last = now
            self._lane.progressed.emit(self._job_id, fraction, stage)
