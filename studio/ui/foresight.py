"""Looks at chosen pairs in the background, before anybody dresses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from studio.domain.artefacts import Confidence
from studio.ui.lanes import JobLane

if TYPE_CHECKING:
    from studio.jobs.foresight import Foreseer
    from studio.jobs.workspace import Workspace

Pair = tuple[str, str]

DOUBTFUL = 0.6
"""Up to this confidence one should know why before one dresses; what is surer comes out well more often than not."""
SETTLE_MS = 400
"""A choice that stands this long is looked at: who walks over the board starts nothing."""
MOST_PAIRS = 24
"""Of a large choice the first ones are looked at: a screen's worth, and more would take minutes."""


class Foresight(QObject):
    """Remembers what is to be expected of pairs; the pairs wanted last come first."""

    changed = Signal(str, str)

    def __init__(self, project: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._foreseer: Foreseer | None = None
        self._known: dict[Pair, Confidence] = {}
        self._untold: set[Pair] = set()
        self._wanted: list[Pair] = []
        self._running: Pair | None = None
        self._lane = JobLane(1, self)
        self._lane.idle.connect(self._look_at_next)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._begin)

    def of(self, pair: Pair) -> Confidence | None:
        """Return what is to be expected of a pair, as far as it was looked at."""
        return self._known.get(pair)

    def look_at(self, pairs: Sequence[Pair]) -> None:
        """Look at these pairs soon, and no more at others."""
        self._wanted = list(pairs[:MOST_PAIRS])
        if self._running is not None and self._running not in self._wanted:
            self._lane.cancel_all()
        self._timer.start()

    def stop(self) -> None:
        """Look at nothing until something is chosen again: the run has the machine."""
        self._wanted = []
        self._timer.stop()
        self._lane.cancel_all()

    def forget(self) -> None:
        """Drop what is known: a photo, or what was corrected on it, is another one now."""
        self._known.clear()
        self._untold.clear()

    def close(self) -> None:
        """Stop, and wait for what runs."""
        self.stop()
        self._lane.close()
        self._running = None

    def _begin(self) -> None:
        self._untold.clear()  # the queue may have come to rest meanwhile
        self._look_at_next()

    def _look_at_next(self) -> None:
        if self._lane.is_busy:
            return
        todo = [pair for pair in self._wanted if pair not in self._known and pair not in self._untold]
        self._running = todo[0] if todo else None
        if self._running is None:
            return
        if self._foreseer is None:
            from studio.jobs.foresight import Foreseer  # the pipeline loads with the first look, not with the window

            self._foreseer = Foreseer(self._project)
        foreseer, pair = self._foreseer, self._running
        self._untold.add(pair)  # until it is told: what fails is not tried for ever
        self._lane.submit("foresee", lambda progress: (pair, foreseer.foresee(*pair, progress)), self._on_told)

    def _on_told(self, result: object) -> None:
        assert isinstance(result, tuple)
        pair, confidence = result
        if isinstance(confidence, Confidence):
            self._known[pair] = confidence
            self.changed.emit(*pair)
