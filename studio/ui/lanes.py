"""Background work for the window: lanes of threads whose signals arrive on the UI thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

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


class JobLane(QObject):
    """Runs jobs at most `threads` at a time off the UI thread; all signals arrive on the UI thread."""

    progressed = Signal(str, float, str)
    succeeded = Signal(str, object)
    failed = Signal(str, object)
    cancelled = Signal(str)
    idle = Signal()

    def __init__(self, threads: int = 1, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._tokens: dict[str, threading.Event] = {}
        self._handlers: dict[str, Callable[[object], None]] = {}
        self.succeeded.connect(self._on_succeeded)
        self.failed.connect(self._forget)
        self.cancelled.connect(self._forget)

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
        """Cancel everything and wait; False when something did not stop within five seconds."""
        self.cancel_all()
        self._pool.clear()
        return bool(self._pool.waitForDone(CLOSE_TIMEOUT_MS))

    def _run(self, job_id: str, work: Callable[[Progress], object], progress: Progress) -> None:
        try:
            if progress.token.is_set():
                raise Cancelled
            result = work(progress)
        except Cancelled:
            if self._tokens.get(job_id) is progress.token:
                self.cancelled.emit(job_id)
        except StudioError as error:
            self.failed.emit(job_id, error)
        except Exception as error:  # the edge of a job: reported, never swallowed
            log.exception("job %s crashed", job_id)
            self.failed.emit(job_id, UnexpectedError.from_exception(error))
        else:
            if not progress.token.is_set():
                self.succeeded.emit(job_id, result)

    def _on_succeeded(self, job_id: str, result: object) -> None:
        handler = self._handlers.get(job_id)
        self._forget(job_id)
        if handler is not None:
            handler(result)

    def _forget(self, job_id: str, error: object = None) -> None:
        del error
        self._tokens.pop(job_id, None)
        self._handlers.pop(job_id, None)
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
