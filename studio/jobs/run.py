"""One run: what is to be dressed with what, told to an executor; and what the executor tells back.

A run is complete in itself: whoever performs it needs the photos' files and the artefact folder, never the library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from studio.domain.errors import StudioError
from studio.domain.keys import Note
from studio.domain.recipe import Recipe
from studio.library.records import Changes, LookEdits, LookRecord, StageTiming
from studio.pipeline.graph import PhotoSpec


@dataclass(frozen=True, slots=True)
class Run:
    """One pair to be dressed."""

    job_id: str
    pair_id: str
    model: PhotoSpec
    garment: PhotoSpec
    model_file: Path
    garment_file: Path
    recipe: Recipe
    edits: LookEdits


@dataclass(frozen=True, slots=True)
class Performed:
    """A finished run: the look's provenance, and how long the steps took that had to be made."""

    look: LookRecord
    timings: tuple[StageTiming, ...]


class EventKind(StrEnum):
    """What a run event says."""

    STARTED = "started"
    PROGRESS = "progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    HALTED = "halted"  # the disk is full or read-only: the queue stops until somebody starts it; job_id is ""
    IDLE = "idle"  # nothing is queued any more; job_id is ""

    @property
    def is_end(self) -> bool:
        """True when the run is over."""
        return self in _ENDS


_ENDS = frozenset([EventKind.SUCCEEDED, EventKind.FAILED, EventKind.CANCELLED, EventKind.PAUSED, EventKind.INTERRUPTED])


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What happened to a run. Arrives in a worker's thread.

    stage: the step at work. fraction: of this run, in [0, 1]. eta_s: seconds until the queue is empty, None before
    there is a history. left: jobs still to do, this one included. look_id, changes: once the library has the look.
    performed: from executors to the queue only.
    """

    kind: EventKind
    job_id: str = ""
    stage: str = ""
    fraction: float = 0.0
    eta_s: float | None = None
    left: int = 0
    look_id: str = ""
    error: StudioError | None = None
    changes: Changes | None = None
    performed: Performed | None = None


OnEvent = Callable[[RunEvent], None]


class Handle(Protocol):
    """A submitted run."""

    def cancel(self) -> None:
        """Ask it to stop; it ends with a CANCELLED event within one step, or with how it ended before that."""
        ...


class Executor(Protocol):
    """Where runs are performed. Sends PROGRESS events and exactly one ending event per run."""

    @property
    def slots(self) -> int:
        """How many runs it takes at a time."""
        ...

    def submit(self, run: Run, on_event: OnEvent) -> Handle: ...

    def unavailable(self) -> Note | None:
        """Say how to get what it needs, or None when it can run."""
        ...

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop everything; what does not stop in time is left behind."""
        ...
