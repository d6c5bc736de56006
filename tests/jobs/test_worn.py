"""What is said of garments and looks: the latest counts, only what depends on it is made again, all can be unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.domain.artefacts import Category, PhotoRole
from studio.domain.edits import GarmentOverride, HemStyle, LandmarkMove, LayerOrder
from studio.jobs.workspace import Workspace
from studio.jobs.worn import PARTS, analysed, garment_override, layer_order, say, say_again, unsay
from studio.library.records import Filter
from studio.pipeline.tryon.draping.layers import _labels_of
from tests.fakes import Bench, FakeModels, draw_photo


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    for number in range(2):
        draw_photo(tmp_path / "models" / f"m{number}.png", number)
        draw_photo(tmp_path / "garments" / f"g{number}.png", 4 + number)
    with Workspace.create(tmp_path / "project", models=FakeModels()) as made:
        made.import_photos([tmp_path / "models"], PhotoRole.MODEL)
        made.import_photos([tmp_path / "garments"], PhotoRole.GARMENT)
        yield made


def ids(workspace: Workspace, role: PhotoRole) -> list[str]:
    return workspace.library.photo_ids(Filter(role=role))


def skirt(before: GarmentOverride) -> GarmentOverride:
    return replace(before, category="skirt")


def test_a_category_renews_only_the_looks_with_that_garment(workspace: Workspace, bench: Bench) -> None:
    models, garments = ids(workspace, PhotoRole.MODEL), ids(workspace, PhotoRole.GARMENT)
    workspace.queue_all(models, garments)
    workspace.run_queue()
    said = say(workspace, garments[:1], GarmentOverride, skirt)
    assert len(said.changes.looks) == 2 and garment_override(workspace, garments[0]).category == "skirt"
    bench.counts.clear()
    workspace.redress()
    workspace.run_queue()
    assert bench.counts["garment"] == 1 and bench.counts["tryon"] == 2
    assert bench.counts["pose"] == bench.counts["parse"] == bench.counts["cutout"] == 0
    found = analysed(workspace, garments[0])
    assert found is not None and found.category is Category.SKIRT


def test_what_was_said_is_unsaid_and_said_again(workspace: Workspace) -> None:
    garment = ids(workspace, PhotoRole.GARMENT)[0]
    said = say(workspace, [garment], GarmentOverride, skirt)
    assert say(workspace, [garment], GarmentOverride, skirt).after == {}, "it is so already"
    unsay(workspace, said)
    assert workspace.library.edits(garment) == (), "as if it had never been said"
    say_again(workspace, said)
    assert garment_override(workspace, garment).category == "skirt"


def test_unsaying_spares_corrections_that_were_made_since(workspace: Workspace) -> None:
    garment, moved = ids(workspace, PhotoRole.GARMENT)[0], LandmarkMove("hem_left", 3.0, 4.0)
    said = say(workspace, [garment], GarmentOverride, skirt)
    workspace.library.add_edit(garment, moved)
    unsay(workspace, said)
    assert garment_override(workspace, garment) == GarmentOverride()
    assert moved in workspace.library.edits(garment)


def test_how_a_look_is_worn_belongs_to_its_pair(workspace: Workspace) -> None:
    models, garments = ids(workspace, PhotoRole.MODEL), ids(workspace, PhotoRole.GARMENT)
    workspace.queue_all(models, garments[:1])
    workspace.run_queue()
    look, other = workspace.library.look_ids()
    say(workspace, [look], LayerOrder, lambda before: replace(before, hem=HemStyle.TUCKED))
    assert layer_order(workspace, workspace.library.look(look).pair_id).hem is HemStyle.TUCKED
    assert layer_order(workspace, other) == LayerOrder()
    assert workspace.library.stale_look_ids() == [look]


def test_the_engine_knows_every_part_that_is_offered() -> None:
    assert len(_labels_of(PARTS)) == len(PARTS)
