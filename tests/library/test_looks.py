"""Pairs, looks, their provenance, scenes, placements, exports, jobs as rows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from studio.domain.edits import LayerOrder
from studio.domain.errors import LibraryError
from studio.domain.geometry import Placement, Shadow
from studio.domain.keys import ArtefactKey
from studio.domain.recipe import Recipe
from studio.library.records import (
    CellRow,
    Coverage,
    Filter,
    JobState,
    Kind,
    LookState,
    SceneItem,
    StageTiming,
)
from tests.library.conftest import Project
from tests.library.helpers import add_look, make_record


def test_a_record_comes_back_as_it_was(project: Project) -> None:
    library = project.library
    pair = library.add_pairs([(project.models[0], project.garments[0])]).created[0]
    library.add_edit(pair, LayerOrder(over=("hair",)))
    record = make_record(library, pair, "one")
    look_id = library.record_look(pair, record).created[0]
    assert library.look_record(look_id) == replace(record, steps=tuple(sorted(record.steps, key=lambda s: s.slot)))
    look = library.look(look_id)
    assert (look.state, look.engine, look.confidence) == (LookState.CORRECTED, "drape", record.confidence)
    assert look.commercial
    assert record.fallbacks[0].key == "parse.no_cloth_seg"


def test_a_row_never_refers_to_a_blob_that_is_not_there(project: Project) -> None:
    library = project.library
    pair = library.add_pairs([(project.models[0], project.garments[0])]).created[0]
    record = replace(make_record(library, pair, "one"), key=ArtefactKey("look", "0" * 64))
    with pytest.raises(LibraryError, match="blob_missing"):
        library.record_look(pair, record)
    assert library.look_ids() == []


def test_recording_twice_changes_nothing(project: Project) -> None:
    library = project.library
    first = add_look(library, project.models[0], project.garments[0])
    assert add_look(library, project.models[0], project.garments[0]) == first
    assert library.look_ids() == [first]


def test_a_new_look_takes_over_and_the_old_one_stays(project: Project) -> None:
    library, (model, _), (garment, _) = project.library, project.models, project.garments
    old = add_look(library, model, garment, "old")
    library.rate([old], 4, Kind.LOOK)
    library.tag([old], "hero", Kind.LOOK)
    collection = library.create_collection("Autumn").created[0]
    library.collect(collection, [old], Kind.LOOK)
    scene = library.create_scene("Shop", project.background, [SceneItem(old, Placement())]).created[0]
    pair = library.look(old).pair_id
    changes = library.record_look(pair, make_record(library, pair, "new"))
    new = changes.created[0]
    assert changes.scenes == {scene}
    assert library.look_ids() == [new]
    assert set(library.look_ids(Filter(current_only=False))) == {old, new}
    assert (library.look(new).marks.rating, library.look(new).marks.tags) == (4, ("hero",))
    assert library.look_ids(Filter(collection_id=collection)) == [new]
    assert [item.look_id for item in library.scene(scene).items] == [new]
    assert library.collections()[0].count == 1
    assert [look.id for look in library.looks_of_pair(pair)] == [new, old]


def test_non_commercial_models_mark_a_look(project: Project) -> None:
    look = add_look(project.library, project.models[0], project.garments[0], commercial=False)
    assert not project.library.look(look).commercial
    assert not project.library.look_record(look).commercial


def test_the_board_and_the_coverage(project: Project) -> None:
    library, models, garments = project.library, project.models, project.garments
    look = add_look(library, models[0], garments[0])
    approved = add_look(library, models[1], garments[0])
    library.set_look_state([approved], LookState.APPROVED)
    pair = library.add_pairs([(models[0], garments[1])]).created[0]
    job = library.add_jobs([pair], Recipe()).created[0]
    library.start_job(job)
    library.finish_job(job, JobState.FAILED, error=LibraryError("pose.no_person", file="m.jpg"), stage="pose")
    cells = library.cells(models, garments)
    assert [(cell.model_id, cell.garment_id) for cell in cells] == [(m, g) for m in models for g in garments]
    assert (cells[0].look_id, cells[0].look_state) == (look, LookState.DRESSED)
    assert cells[1].job_state is JobState.FAILED
    assert cells[1].error is not None
    assert cells[1].error.values == {"file": "m.jpg"}
    assert cells[3] == CellRow(models[1], garments[1], "", "", None, False, "", None, None)
    assert library.coverage() == Coverage(pairs=3, dressed=2, corrected=0, approved=1, exported=0, failed=1)
    library.undo()
    assert library.look(approved).state is LookState.DRESSED


def test_look_filters(project: Project) -> None:
    library, models, garments = project.library, project.models, project.garments
    looks = {(m, g): add_look(library, m, g) for m in models for g in garments}
    library.set_look_state([looks[models[0], garments[0]]], LookState.APPROVED)
    assert library.look_ids(Filter(states=frozenset([LookState.APPROVED]))) == [looks[models[0], garments[0]]]
    assert set(library.look_ids(Filter(model_id=models[1]))) == {looks[models[1], g] for g in garments}
    assert set(library.look_ids(Filter(garment_id=garments[1]))) == {looks[m, garments[1]] for m in models}
    assert set(library.look_ids(Filter(text="model_2"))) == {looks[models[1], g] for g in garments}


def test_placements_and_scenes(project: Project) -> None:
    library, room = project.library, project.background
    sofa = Placement(x=0.2, y=0.9, scale=0.5, shadow=Shadow(contact=0.1))
    library.save_placement(room, "left of the sofa", Placement())
    library.save_placement(room, "door", Placement())
    library.save_placement(room, "left of the sofa", sofa)
    assert [(row.name, row.placement) for row in library.placements(room)] == [
        ("left of the sofa", sofa),
        ("door", Placement()),
    ]
    look = add_look(library, project.models[0], project.garments[0])
    scene = library.create_scene("Shop", room, [SceneItem(look, sofa)]).created[0]
    library.update_scene(scene, items=[SceneItem(look, sofa, is_visible=False), SceneItem(look, Placement(z=2))])
    row = library.scene(scene)
    assert [(item.placement, item.is_visible) for item in row.items] == [(sofa, False), (Placement(z=2), True)]
    library.update_scene(scene, background_id="", colour=(10, 20, 30))
    library.rename_scene(scene, "Counter")
    row = library.scene(scene)
    assert (row.background_id, row.colour, row.name) == ("", (10, 20, 30), "Counter")
    library.trash([scene], Kind.SCENE)
    assert library.scene_ids() == []
    library.remove_placement(library.placements(room)[0].id)
    assert [row.name for row in library.placements(room)] == ["door"]


def test_exports_are_hashed_and_mark_their_looks(project: Project, tmp_path: Path) -> None:
    library = project.library
    look = add_look(library, project.models[0], project.garments[0])
    inside = library.export_folder / "a.jpg"
    inside.write_bytes(b"inside")
    outside = tmp_path / "delivery" / "b.jpg"
    outside.parent.mkdir()
    outside.write_bytes(b"outside")
    library.record_export(inside, look_id=look, preset={"width": 1200}, report={"passes": True})
    scene = library.create_scene("Shop", project.background, [SceneItem(look, Placement())]).created[0]
    library.record_export(outside, scene_id=scene)
    rows = library.exports()
    assert [row.file for row in rows] == [outside, inside]
    assert rows[1].sha256 == hashlib.sha256(b"inside").hexdigest()
    assert (rows[1].preset, rows[1].report) == ({"width": 1200}, {"passes": True})
    assert library.look(look).state is LookState.EXPORTED
    assert [row.file for row in library.exports(scene_id=scene)] == [outside]


def test_timings_keep_a_recent_median(project: Project) -> None:
    library = project.library
    library.add_timings([StageTiming("parse", "fusion", float(second), 1.0) for second in range(100)])
    library.add_timings([StageTiming("parse", "schp", 7.0, 1.0)])
    assert library.typical_seconds() == {("parse", "fusion"): 79.5, ("parse", "schp"): 7.0}


def test_jobs_that_are_over_can_be_cleared(project: Project) -> None:
    library = project.library
    pairs = library.add_pairs([(model, project.garments[0]) for model in project.models]).created
    first, second = library.add_jobs(pairs, Recipe()).created
    library.start_job(first)
    library.finish_job(first, JobState.CANCELLED)
    library.forget_jobs([first, second])
    assert library.job_ids() == [second], "a waiting job is not cleared"
    counts = library.job_counts()
    assert (counts[JobState.QUEUED], counts[JobState.CANCELLED]) == (1, 0)
