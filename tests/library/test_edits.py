"""Corrections: append-only, undone by a cursor, surviving restarts, and making looks stale."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.edits import (
    Edit,
    GarmentOverride,
    HemStyle,
    KeypointMove,
    LandmarkMove,
    LayerOrder,
    MaskFill,
    MaskOp,
    MaskOpKind,
    MaskStroke,
    MaskTarget,
    ParseStroke,
    PlacementEdit,
    StrokeMode,
    StrokeShape,
)
from studio.domain.errors import LibraryError
from studio.domain.geometry import Placement
from studio.library.library import Library
from tests.library.conftest import Project
from tests.library.helpers import add_look

EVERY_KIND: tuple[Edit, ...] = (
    MaskStroke(((1.5, 2.0), (3.0, 4.25)), StrokeMode.REFINE, radius=12.5, shape=StrokeShape.POLYGON),
    MaskFill(4.0, 5.0, 12.0, StrokeMode.SUBTRACT),
    MaskOp(MaskOpKind.FEATHER, 2.5),
    MaskOp(MaskOpKind.GROW, 2.0, MaskTarget.EDIT),
    ParseStroke(((0.0, 0.0),), 5, locked=(1, 2)),
    KeypointMove("left_wrist", 10.0, 20.0, visible=False),
    LandmarkMove("hem_left", 1.0, 2.0),
    GarmentOverride(sleeve="long"),
    LayerOrder(HemStyle.TUCKED, over=("hair",)),
    PlacementEdit("room", Placement(x=0.25, flip=True)),
)
ERASE, BRUSH = (MaskOp(MaskOpKind.SHRINK, 1.0), MaskOp(MaskOpKind.GROW, 1.0))
MOVE = KeypointMove("nose", 1.0, 1.0)


def test_every_kind_of_edit_comes_back_as_it_was(project: Project) -> None:
    library, photo = project.library, project.models[0]
    library.add_edits(photo, EVERY_KIND, "edit.test")
    assert library.edits(photo) == EVERY_KIND
    assert [row.name for row in library.edit_rows(photo)] == ["edit.test"] * len(EVERY_KIND)
    assert library.edits(photo, "edges") == EVERY_KIND[:3]
    assert library.edits(photo, "tryon") == (EVERY_KIND[3], EVERY_KIND[8])
    assert library.edited_ids() == {photo}


def test_undo_and_redo_survive_a_restart(project: Project) -> None:
    folder, photo = project.library.folder, project.models[0]
    project.library.add_edits(photo, [BRUSH, ERASE])
    project.library.undo_edit(photo)
    project.library.close()
    with Library.open(folder) as library:
        assert library.edits(photo) == (BRUSH,)
        redo = library.next_redo_edit(photo)
        assert redo is not None
        assert redo.edit == ERASE
        library.redo_edit(photo)
        assert library.edits(photo) == (BRUSH, ERASE)
        assert library.redo_edit(photo).is_empty
        assert library.next_redo_edit(photo) is None


def test_a_new_edit_after_undo_starts_a_branch_and_loses_nothing(project: Project) -> None:
    library, photo = project.library, project.models[0]
    library.add_edits(photo, [BRUSH, ERASE])
    library.undo_edit(photo)
    library.add_edit(photo, MaskOp(MaskOpKind.INVERT))
    assert library.edits(photo) == (BRUSH, MaskOp(MaskOpKind.INVERT))
    assert library.next_redo_edit(photo) is None
    every = library.edit_rows(photo, all_branches=True)
    assert [(row.edit, row.is_active) for row in every] == [
        (BRUSH, True),
        (ERASE, False),
        (MaskOp(MaskOpKind.INVERT), True),
    ]


def test_stages_have_cursors_of_their_own_and_a_common_order(project: Project) -> None:
    library, photo = project.library, project.models[0]
    library.add_edits(photo, [BRUSH, MOVE, ERASE])
    library.undo_edit(photo, "pose")
    assert library.edits(photo) == (BRUSH, ERASE)
    library.redo_edit(photo, "pose")
    for left in ((BRUSH, MOVE), (BRUSH,), ()):
        library.undo_edit(photo)
        assert library.edits(photo) == left
    assert library.undo_edit(photo).is_empty
    for back in ((BRUSH,), (BRUSH, MOVE), (BRUSH, MOVE, ERASE)):
        library.redo_edit(photo)
        assert library.edits(photo) == back


def test_reset_takes_all_back_and_redo_brings_it_again(project: Project) -> None:
    library, photo = project.library, project.models[0]
    library.add_edits(photo, [BRUSH, MOVE])
    library.reset_edits(photo, "edges")
    assert library.edits(photo) == (MOVE,)
    library.redo_edit(photo)
    assert library.edits(photo) == (BRUSH, MOVE)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["mask", "pose", "undo", "redo"]), max_size=14))
def test_undoing_everything_leaves_no_edits_and_redoing_restores_them(project: Project, steps: list[str]) -> None:
    library = project.library
    photo = project.models[0]
    library.reset_edits(photo)
    for number, step in enumerate(steps):
        if step == "mask":
            library.add_edit(photo, MaskOp(MaskOpKind.GROW, float(number)))
        elif step == "pose":
            library.add_edit(photo, KeypointMove("nose", float(number), 0.0))
        else:
            library.undo_edit(photo) if step == "undo" else library.redo_edit(photo)
    before = library.edits(photo)
    undone = 0
    while not library.undo_edit(photo).is_empty:
        undone += 1
    assert library.edits(photo) == ()
    assert undone == len(before)
    for stage in ("edges", "pose"):
        for _ in [edit for edit in before if isinstance(edit, MaskOp) == (stage == "edges")]:
            library.redo_edit(photo, stage)
    assert library.edits(photo) == before


def test_edits_make_exactly_the_looks_stale_that_depend_on_them(project: Project) -> None:
    library, (first, second), (shirt, polo) = project.library, project.models, project.garments
    looks = {(m, g): add_look(library, m, g) for m in (first, second) for g in (shirt, polo)}
    assert library.add_edit(first, BRUSH).looks == {looks[first, shirt], looks[first, polo]}
    assert library.add_edit(polo, LandmarkMove("hem_left", 1, 2)).looks == {looks[second, polo]}
    library.undo_edit(first)
    assert set(library.stale_look_ids()) == {looks[first, polo], looks[second, polo]}
    assert library.add_edit(looks[second, shirt], LayerOrder()).looks == {looks[second, shirt]}
    placed = library.add_edit(looks[first, shirt], PlacementEdit("room", Placement()))
    assert placed.looks == frozenset(), "where a look stands does not change the look"


def test_copying_corrections_to_the_same_set_up(project: Project) -> None:
    library, (first, second) = project.library, project.models
    library.add_edits(first, [BRUSH, MOVE])
    library.copy_edits(first, [second], ["edges"])
    assert library.edits(second) == (BRUSH,)


def test_an_unknown_target_is_refused(project: Project) -> None:
    with pytest.raises(LibraryError, match="unknown_id"):
        project.library.add_edit("nobody", BRUSH)


def test_a_thousand_strokes_are_quick_to_read(project: Project) -> None:
    library, photo = project.library, project.models[0]
    library.add_edits(photo, [MaskOp(MaskOpKind.GROW, float(number)) for number in range(1000)])
    assert len(library.edits(photo)) == 1000
    library.undo_edit(photo)
    assert len(library.edits(photo)) == 999
