"""Brings the queue's events from its worker threads to the window, at most 30 progress reports a second."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal

from studio.jobs.run import EventKind, RunEvent

REPORTS_PER_SECOND = 30


class QueueBridge(QObject):
    """`happened` carries a RunEvent and arrives on the UI thread."""

    happened = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._last = 0.0

    def on_event(self, event: RunEvent) -> None:
        """Hear the queue; called in its threads. Only progress may be dropped, never how a job ended."""
        if event.kind is EventKind.PROGRESS:
            now = time.monotonic()
            if now - self._last < 1 / REPORTS_PER_SECOND:
                return
            self._last = now
        self.happened.emit(event)
