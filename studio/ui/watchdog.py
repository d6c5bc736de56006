"""Measures how long the UI thread keeps an event waiting; tests run with it, the log tells of the worst.

The event dispatcher's own `awake` and `aboutToBlock` do not frame timers and window events on every platform, so a
thread of ours asks "are you there?" every few milliseconds and measures how long the answer takes.
"""

from __future__ import annotations

import logging
import threading
import time

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)

LIMIT_MS = 16.0
EVERY_S = 0.004
KEPT = 1000


class Watchdog(QObject):
    """Asks the UI thread for a sign of life, one question at a time. Make it on the UI thread.

    stalls: milliseconds of each answer that took longer than the limit, oldest first, at most a thousand.
    burnt: the same in milliseconds of processor time that the UI thread itself spent while the question waited: what
    the window's code costs, whatever else the machine does. Empty where the system cannot tell.
    """

    _asked = Signal(float, float)

    def __init__(self, limit_ms: float = LIMIT_MS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.limit_ms = limit_ms
        self.stalls: list[float] = []
        self.burnt: list[float] = []
        self._clock = _thread_clock()
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._asked.connect(self._on_asked)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    @property
    def worst_ms(self) -> float:
        return max(self.stalls, default=0.0)

    @property
    def can_tell(self) -> bool:
        """True where `burnt` is measured."""
        return self._clock is not None

    @property
    def worst_burnt_ms(self) -> float:
        return max(self.burnt, default=0.0)

    def reset(self) -> None:
        """Forget what was measured so far."""
        self.stalls.clear()
        self.burnt.clear()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        self._answered.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self._answered.clear()
            self._asked.emit(time.perf_counter(), self._spent())
            while not self._answered.wait(0.05):
                if self._stopped.is_set():
                    return

    def _spent(self) -> float:
        """Processor seconds of the UI thread so far."""
        return time.clock_gettime(self._clock) if self._clock is not None else 0.0

    def _on_asked(self, asked_at: float, spent_at: float) -> None:
        waited_ms = (time.perf_counter() - asked_at) * 1000
        burnt_ms = (self._spent() - spent_at) * 1000
        if burnt_ms > self.limit_ms and len(self.burnt) < KEPT:
            self.burnt.append(burnt_ms)
        if waited_ms > self.limit_ms and len(self.stalls) < KEPT:
            self.stalls.append(waited_ms)
            log.debug("the UI thread kept an event waiting for %.0f ms", waited_ms)
        self._answered.set()


def _thread_clock() -> int | None:
    """The processor clock of the calling thread, which another thread may read; None where there is none."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    return None if clock_of is None else int(clock_of(threading.get_ident()))
