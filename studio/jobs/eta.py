"""How long the queue will take, from this project's own history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.domain.recipe import Recipe
from studio.library.records import JobRow
from studio.pipeline.parallel import thread_count

MODEL_STAGES = ("cutout", "edges", "pose", "framing", "parse", "densepose", "agnostic")
GARMENT_STAGES = ("cutout", "edges", "garment")
PAIR_STAGES = ("tryon", "look")


@dataclass(frozen=True, slots=True)
class History:
    """Median seconds by (stage, implementation), and which photos have been through their own steps already."""

    seconds: Mapping[tuple[str, str], float]
    prepared: frozenset[str] = frozenset()


def estimate_seconds(jobs: Sequence[JobRow], history: History) -> float | None:
    """Return how long these jobs will take, one after the other; None where a stage was never measured.

    The steps of a photo count once, with the first job that needs them: N models and M garments cost N + M
    preparations, not N x M. A person's and a garment's steps run side by side: of both the longer counts.
    """
    prepared = set(history.prepared)
    known: dict[tuple[int, tuple[str, ...]], float | None] = {}

    def measure(stages: tuple[str, ...], role: str, recipe: Recipe) -> float | None:
        part = (id(recipe), stages)
        if part not in known:
            known[part] = _seconds_of(stages, role, recipe, history)
        return known[part]

    total = 0.0
    for job in jobs:
        own: list[float | None] = []
        for photo_id, stages, role in (
            (job.model_id, MODEL_STAGES, "model"), (job.garment_id, GARMENT_STAGES, "garment"),
        ):  # fmt: skip
            if photo_id not in prepared:
                prepared.add(photo_id)
                own.append(measure(stages, role, job.recipe))
        pair = measure(PAIR_STAGES, "model", job.recipe)
        known_own = [seconds for seconds in own if seconds is not None]
        if pair is None or len(known_own) < len(own):
            return None
        total += pair + (sum(known_own) if thread_count() == 1 else max(known_own, default=0.0))
    return total


def _seconds_of(stages: Sequence[str], role: str, recipe: Recipe, history: History) -> float | None:
    known = [history.seconds.get((stage, recipe.choice(stage, role).implementation)) for stage in stages]
    return None if any(seconds is None for seconds in known) else sum(seconds for seconds in known if seconds)
