"""The interchangeable implementations of each stage, found through entry points `studio.<stage>`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.domain.recipe import DEFAULT_CHOICES
from studio.pipeline.stage import ModelProvider, Stage

STAGES = tuple(DEFAULT_CHOICES)


@dataclass(frozen=True, slots=True)
class Availability:
    """One implementation as the operator may choose it; `missing` says how to get what it needs."""

    stage: str
    implementation: str
    missing: Note | None


def _found(stage: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"studio.{stage}")}


@cache
def load_stage(stage: str, implementation: str) -> Stage:
    """Import and return one implementation.

    Raises:
        PipelineError: nobody registered it.
    """
    found = _found(stage)
    if implementation not in found:
        raise PipelineError("stage.unknown", stage=stage, name=implementation, known=", ".join(sorted(found)))
    return cast(Stage, found[implementation].load())


def list_implementations(stage: str, provider: ModelProvider) -> list[Availability]:
    """Return all registered implementations, the embedded default first."""
    names = sorted(_found(stage), key=lambda name: (name != DEFAULT_CHOICES[stage], name))
    return [Availability(stage, name, load_stage(stage, name).unavailable(provider)) for name in names]
