"""Progress that nests and doubles as the cancellation point."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from studio.domain.errors import Cancelled


@dataclass(slots=True)
class Progress:
    """Reports a fraction in [0, 1] and raises Cancelled when asked to stop."""

    token: threading.Event
    emit: Callable[[float, str], None]
    offset: float = 0.0
    length: float = 1.0

    def report(self, fraction: float, stage: str) -> None:
        """Tell where the work stands; call it at least every 200 ms of work.

        Raises:
            Cancelled: the token was set.
        """
        if self.token.is_set():
            raise Cancelled
        self.emit(self.offset + self.length * min(max(fraction, 0.0), 1.0), stage)

    def part(self, offset: float, length: float) -> Progress:
        """Return the share of this progress that belongs to one step."""
        return Progress(self.token, self.emit, self.offset + self.length * offset, self.length * length)

    @classmethod
    def silent(cls) -> Progress:
        """Return a progress nobody listens to and nobody cancels."""
        return cls(threading.Event(), _ignore)

    @classmethod
    def together(cls, parts: Sequence[Progress]) -> Progress:
        """Return the progress of work done for several at once; it stops when all were cancelled."""

        def tell(fraction: float, stage: str) -> None:
            for part in parts:
                with suppress(Cancelled):  # the others want it still
                    part.report(fraction, stage)

        return cls(_AllSet([part.token for part in parts]), tell)


class _AllSet(threading.Event):
    """Set once all of the given events are."""

    def __init__(self, events: Sequence[threading.Event]) -> None:
        super().__init__()
        self._events = tuple(events)

    def is_set(self) -> bool:
        return all(event.is_set() for event in self._events)


def _ignore(fraction: float, stage: str) -> None:
    del fraction, stage
