"""Measures how long the UI thread is busy in one go; tests run with it, the log tells of the worst."""

from __future__ import annotations

import logging
import time

from PySide6.QtCore import QAbstractEventDispatcher, QObject

log = logging.getLogger(__name__)

LIMIT_MS = 16.0


class Watchdog(QObject):
    """Times every turn of the event loop between waking up and going back to sleep.

    stalls: milliseconds of each turn over the limit, oldest first, at most a thousand.
    """

    def __init__(self, limit_ms: float = LIMIT_MS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.limit_ms = limit_ms
        self.stalls: list[float] = []
        self._awake_at: float | None = None
        dispatcher = QAbstractEventDispatcher.instance()
        dispatcher.awake.connect(self._on_awake)
        dispatcher.aboutToBlock.connect(self._on_about_to_block)

    @property
    def worst_ms(self) -> float:
        return max(self.stalls, default=0.0)

    def reset(self) -> None:
        """Forget what was measured so far."""
        self.stalls.clear()
        self._awake_at = None

    def _on_awake(self) -> None:
        self._awake_at = time.perf_counter()

    def _on_about_to_block(self) -> None:
        if self._awake_at is None:
            return
        busy_ms = (time.perf_counter() - self._awake_at) * 1000
        self._awake_at = None
        if busy_ms > self.limit_ms and len(self.stalls) < 1000:
            self.stalls.append(busy_ms)
            log.debug("the UI thread was busy for %.0f ms", busy_ms)
