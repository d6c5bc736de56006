"""How long jobs will take, from measured steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.domain.recipe import Recipe
from studio.jobs.eta import GARMENT_STAGES, MODEL_STAGES, PAIR_STAGES, History, estimate_seconds
from studio.library.records import JobRow, JobState
from studio.pipeline.parallel import limit_threads

RECIPE = Recipe()
STAGES = sorted({*MODEL_STAGES, *GARMENT_STAGES, *PAIR_STAGES})


@pytest.fixture
def history() -> History:
    """Every step takes a second: seven for a person, three for a garment, two for a pair."""
    roles = ("model", "garment")
    return History({(stage, RECIPE.choice(stage, role).implementation): 1.0 for stage in STAGES for role in roles})


def job(model: str, garment: str) -> JobRow:
    return JobRow(
        "job", "batch", "pair", model, garment, RECIPE, JobState.QUEUED, 0.0, 0, "", None, "", "", "", ""
    )  # fmt: skip


def test_a_person_and_a_garment_are_prepared_side_by_side(history: History) -> None:
    with limit_threads(2):
        assert estimate_seconds([job("m", "g")], history) == 7 + 2
        assert estimate_seconds([job("m", "g"), job("m", "h"), job("m", "g")], history) == 7 + 2 + 3 + 2 + 2
    with limit_threads(1):
        assert estimate_seconds([job("m", "g")], history) == 7 + 3 + 2


def test_prepared_photos_cost_nothing_and_what_was_never_measured_is_not_guessed(history: History) -> None:
    assert estimate_seconds([job("m", "g")], replace(history, prepared=frozenset({"m", "g"}))) == 2
    assert estimate_seconds([job("m", "g")], History({})) is None
