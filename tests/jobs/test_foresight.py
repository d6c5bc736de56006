"""What is to be expected of pairs before they are dressed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoRole
from studio.domain.progress import Progress
from studio.jobs.foresight import Foreseer
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from tests import fakes
from tests.fakes import REFUSED_COLOUR, Bench, FakeModels, assessing_engine, draw_photo


def ids(workspace: Workspace, role: PhotoRole) -> list[str]:
    return workspace.library.photo_ids(Filter(role=role))


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    for number in range(2):
        draw_photo(tmp_path / "models" / f"m{number}.png", 10 + number)
        draw_photo(tmp_path / "garments" / f"g{number}.png", 20 + number)
    made = Workspace.create(tmp_path / "project", models=FakeModels())
    made.import_photos([tmp_path / "models"], PhotoRole.MODEL)
    made.import_photos([tmp_path / "garments"], PhotoRole.GARMENT)
    yield made
    made.close()


@pytest.fixture
def pair(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    garment = ids(workspace, PhotoRole.GARMENT)[0]
    doubted = workspace.library.photo(garment).name
    monkeypatch.setitem(fakes.STAGES, "tryon", assessing_engine(doubted))
    return ids(workspace, PhotoRole.MODEL)[0], garment


def test_the_engine_is_asked_and_nothing_is_dressed(workspace: Workspace, pair: tuple[str, str], bench: Bench) -> None:
    expected = Foreseer(workspace).foresee(*pair, Progress.silent())
    assert expected is not None
    assert expected.score == 0.4
    assert expected.reasons[0].key == "tryon.arms_crossed"
    assert bench.counts["tryon"] == 0
    before = bench.counts["cutout"]
    workspace.queue_pairs([pair])
    workspace.run_queue()
    assert bench.counts["cutout"] == before  # what was made to look at is the run's


def test_while_the_queue_waits_only_what_is_made_is_looked_at(
    workspace: Workspace, pair: tuple[str, str], bench: Bench
) -> None:
    workspace.queue_pairs([pair])
    foreseer = Foreseer(workspace)
    assert foreseer.foresee(*pair, Progress.silent()) is None
    assert not bench.counts
    workspace.run_queue()
    workspace.queue_pairs([(pair[0], ids(workspace, PhotoRole.GARMENT)[1])])
    assert foreseer.foresee(*pair, Progress.silent()) is not None


def test_what_a_step_refuses_is_foreseen(workspace: Workspace, pair: tuple[str, str], tmp_path: Path) -> None:
    nobody = draw_photo(tmp_path / "nobody.png", 30, corner=REFUSED_COLOUR)
    workspace.import_photos([nobody], PhotoRole.MODEL)
    model = next(one for one in ids(workspace, PhotoRole.MODEL) if workspace.library.photo(one).name == "nobody.png")
    expected = Foreseer(workspace).foresee(model, pair[1], Progress.silent())
    assert expected is not None
    assert expected.score == 0.0
    assert expected.reasons[0].key == "pose.no_person"


def test_an_engine_that_cannot_tell_costs_nothing(workspace: Workspace, bench: Bench) -> None:
    model, garment = ids(workspace, PhotoRole.MODEL)[0], ids(workspace, PhotoRole.GARMENT)[0]
    assert Foreseer(workspace).foresee(model, garment, Progress.silent()) is None
    assert not bench.counts
