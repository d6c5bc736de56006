"""The facade that the window and the command line share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.domain.artefacts import Cutout, Garment, Look, Photo, PhotoRole, Pose, TryOn
from studio.domain.edits import LayerOrder, MaskOp, MaskOpKind
from studio.domain.errors import JobError, LibraryError
from studio.domain.recipe import Recipe, StageChoice
from studio.jobs.run import EventKind, RunEvent
from studio.jobs.workspace import QueueSummary, Workspace
from studio.library.compare import Cause
from studio.library.integrity import check_project
from studio.library.records import Filter, Kind, LookState, Marks
from studio.library.space import clear_intermediates, measure_space
from studio.pipeline.cache import WarmCache
from tests.fakes import Bench, FakeModels, draw_photo


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Workspace:
    for number in range(2):
        draw_photo(tmp_path / "shelf" / f"m{number}.png", 10 + number)
        draw_photo(tmp_path / "rail" / f"g{number}.png", 20 + number)
    made = Workspace.create(tmp_path / "project", models=FakeModels())
    made.import_photos([tmp_path / "shelf"], PhotoRole.MODEL)
    made.import_photos([tmp_path / "rail"], PhotoRole.GARMENT)
    return made


def ids(workspace: Workspace, role: PhotoRole) -> list[str]:
    return workspace.library.photo_ids(Filter(role=role))


def dress(workspace: Workspace) -> list[str]:
    workspace.queue_all(ids(workspace, PhotoRole.MODEL), ids(workspace, PhotoRole.GARMENT))
    workspace.run_queue()
    return workspace.library.look_ids()


def test_a_batch_from_folders_to_looks(workspace: Workspace) -> None:
    events: list[RunEvent] = []
    changes = workspace.queue_all(ids(workspace, PhotoRole.MODEL), ids(workspace, PhotoRole.GARMENT))
    assert len(changes.created) == 4
    summary = workspace.run_queue(events.append)
    assert summary == QueueSummary(succeeded=4, failed=0, left=0)
    assert [event.kind for event in events if event.kind is not EventKind.PROGRESS] == [
        *[EventKind.STARTED, EventKind.SUCCEEDED] * 4,
        EventKind.IDLE,
    ]
    succeeded = [event for event in events if event.kind is EventKind.SUCCEEDED]
    assert {event.look_id for event in succeeded} == set(workspace.library.look_ids())
    assert all(event.changes is not None and event.look_id in event.changes.looks for event in succeeded)
    assert workspace.library.coverage().dressed == 4
    workspace.close()


def test_every_intermediate_can_be_shown(workspace: Workspace, bench: Bench) -> None:
    model, garment = ids(workspace, PhotoRole.MODEL)[0], ids(workspace, PhotoRole.GARMENT)[0]
    assert workspace.made(model, "edges") is None
    assert isinstance(workspace.artefact(model, "edges"), Cutout)
    assert isinstance(workspace.made(model, "edges"), Cutout)
    assert bench.counts["pose"] == 0, "only what is below is made"
    assert isinstance(workspace.artefact(garment, "garment"), Garment)
    look = dress(workspace)[0]
    for slot, kind in (("look", Look), ("tryon", TryOn), ("garment_photo", Photo), ("garment_edges", Cutout)):
        assert isinstance(workspace.artefact(look, slot), kind)
    with pytest.raises(JobError, match=r"job\.slot"):
        workspace.artefact(model, "tryon")
    with pytest.raises(LibraryError, match="unknown_id"):
        workspace.artefact("nobody", "edges")
    workspace.close()


def test_a_look_is_made_again_bit_for_bit_from_its_record(workspace: Workspace) -> None:
    look = workspace.library.look(dress(workspace)[0])
    before = workspace.artefact(look.id, "look")
    assert isinstance(before, Look)
    for digest in list(workspace.library.store.keys_on_disk()):
        (workspace.library.store.root / digest[:2] / f"{digest}.fsa").unlink()
    folder = workspace.library.folder
    workspace.close()
    with Workspace.open(folder, models=FakeModels()) as again:
        assert again.nodes(look.id)["look"].key == look.key
        after = again.artefact(look.id, "look")
        assert isinstance(after, Look)
        assert np.array_equal(before.pixels, after.pixels)
        assert np.array_equal(before.edit_mask, after.edit_mask)


def test_correcting_one_mask_renews_its_looks_and_nothing_else(
    workspace: Workspace, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import studio.pipeline.runner as runner_module

    def grow(stage: str, artefact: object, edits: object, photo: object) -> Cutout:
        assert isinstance(artefact, Cutout)
        return Cutout(np.clip(artefact.alpha + 0.5, 0, 1).astype(np.float32), artefact.foreground.copy())

    monkeypatch.setattr(runner_module, "apply_edits", grow)
    dress(workspace)
    library, model = workspace.library, ids(workspace, PhotoRole.MODEL)[0]
    old = library.look_ids(Filter(model_id=model))
    library.rate(old, 5, Kind.LOOK)
    library.tag(old, "hero", Kind.LOOK)
    library.set_look_state(old, LookState.APPROVED)
    bench.counts.clear()

    changes = workspace.apply_edit(model, MaskOp(MaskOpKind.GROW, 3.0))
    assert changes.looks == set(old)
    assert len(workspace.redress().created) == 2
    assert workspace.run_queue() == QueueSummary(2, 0, 0), workspace.library.jobs(workspace.library.job_ids())[-1].error

    assert bench.counts["cutout"] == 0
    assert bench.counts["pose"] == 1
    assert bench.counts["look"] == 2
    new = library.look_ids(Filter(model_id=model))
    assert set(new).isdisjoint(old)
    for look in library.looks(new):
        assert look.state is LookState.CORRECTED
        assert look.marks == Marks(rating=5, tags=("hero",))
        assert not look.is_stale
    slots = {step.slot for step in library.look_record(new[0]).steps}
    assert {"edges", "edges.base"} <= slots
    assert isinstance(workspace.artefact(model, "edges", with_edits=False), Cutout)

    difference = library.why_different(old[0], new[0])
    assert {(item.cause, item.where, item.what) for item in difference} == {(Cause.EDIT, "model", "MaskOp")}

    library.undo_edit(model)
    assert set(library.stale_look_ids()) == set(new)
    bench.counts.clear()
    workspace.redress()
    workspace.run_queue()
    assert library.look_ids(Filter(model_id=model)) == old, "the old looks are current again"
    assert not bench.counts, "and nothing had to be made"
    assert library.look(old[0]).state is LookState.APPROVED
    workspace.close()


def test_why_different_names_settings(workspace: Workspace) -> None:
    model, garment = ids(workspace, PhotoRole.MODEL)[0], ids(workspace, PhotoRole.GARMENT)[0]
    library = workspace.library
    looks = []
    for strength in (1.0, 0.5):
        recipe = Recipe("Standard", {"edges": StageChoice("fake", {"strength": strength})})
        workspace.queue_pairs([(model, garment)], recipe)
        workspace.run_queue()
        looks.append(library.look_ids()[0])
    found = library.why_different(*looks)
    assert [(item.cause, item.where, item.what, item.first, item.second) for item in found] == [
        (Cause.SETTING, "edges", "strength", "1.0", "0.5"),
        (Cause.SETTING, "garment_edges", "strength", "1.0", "0.5"),
    ]
    assert library.why_different(looks[0], looks[0]) == ()
    assert len(library.looks_of_pair(library.look(looks[0]).pair_id)) == 2
    workspace.close()


def test_edits_on_a_look_belong_to_its_pair(workspace: Workspace) -> None:
    look = workspace.library.look(dress(workspace)[0])
    changes = workspace.apply_edit(look.id, LayerOrder(over=("hair",)))
    assert changes.edits == {look.pair_id}
    assert workspace.library.edits(look.pair_id) == (LayerOrder(over=("hair",)),)
    assert changes.looks == {look.id}
    workspace.close()


def test_the_newest_standard_recipe_is_the_default(workspace: Workspace) -> None:
    recipe = Recipe("Standard", {"edges": StageChoice("fake", {"strength": 0.25})})
    assert workspace.default_recipe() == Recipe()
    first = workspace.library.save_recipe(recipe)
    assert workspace.library.save_recipe(recipe).created == first.created
    assert workspace.default_recipe() == recipe
    workspace.library.save_recipe(Recipe("Standard", {"edges": StageChoice("fake", {"strength": 0.5})}))
    assert [row.version for row in workspace.library.recipes()] == [2]
    workspace.close()


def test_intermediates_can_be_cleared_and_come_back(workspace: Workspace, bench: Bench) -> None:
    look = workspace.library.look(dress(workspace)[0])
    before = measure_space(workspace.library)
    freed = clear_intermediates(workspace.library)
    after = measure_space(workspace.library)
    assert freed == before.intermediates > 0
    assert after.intermediates == 0
    assert (after.looks, after.originals) == (before.looks, before.originals)
    assert after.total == before.total - freed
    assert check_project(workspace.library).findings == ()
    bench.counts.clear()
    workspace.runner.warm = WarmCache(1)
    assert isinstance(workspace.artefact(look.id, "look"), Look)
    assert not bench.counts, "the look itself is still there"
    assert isinstance(workspace.artefact(look.id, "pose"), Pose)
    assert bench.counts["pose"] == 1
    workspace.close()
