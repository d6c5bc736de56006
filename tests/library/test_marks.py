"""Stars, flags, tags, collections, the trash, and taking it all back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import LibraryError
from studio.library.library import Library
from studio.library.records import Changes, CollectionKind, ColourLabel, Filter, Flag, Kind
from tests.library.conftest import Project


def test_marks_filter_and_say_what_changed(project: Project) -> None:
    library, first = project.library, project.models[0]
    assert library.rate([first], 4).photos == {first}
    assert library.rate([first], 4).is_empty, "what was so already is no change"
    library.flag([first], Flag.PICK)
    library.label([first], ColourLabel.GREEN)
    library.annotate([first], "hair")
    library.tag([first], "  new   season ")
    marks = library.photo(first).marks
    assert (marks.rating, marks.flag, marks.label, marks.note) == (4, Flag.PICK, ColourLabel.GREEN, "hair")
    assert marks.tags == ("new season",)
    for wanted in (
        Filter(min_rating=4),
        Filter(flags=frozenset([Flag.PICK])),
        Filter(labels=frozenset([ColourLabel.GREEN])),
        Filter(tags=frozenset(["new season"])),
        Filter(text="season"),
    ):
        assert library.photo_ids(wanted) == [first], wanted
    assert library.tags() == {"new season": 1}


def test_undo_and_redo_walk_the_history(project: Project) -> None:
    library, ids = project.library, project.models
    library.rate(ids, 2)
    library.rate(ids[:1], 5)
    assert library.undo_name() == "undo.rating"
    assert library.undo().photos == {ids[0]}
    assert [row.marks.rating for row in library.photos(ids)] == [2, 2]
    assert library.redo_name() == "undo.rating"
    library.redo()
    assert [row.marks.rating for row in library.photos(ids)] == [5, 2]
    library.undo()
    library.flag(ids, Flag.REJECT)
    assert library.redo_name() == "", "a new operation ends the redo branch"
    assert library.redo().is_empty


def test_history_survives_a_restart(project: Project) -> None:
    folder = project.library.folder
    project.library.rate(project.models, 3)
    project.library.close()
    with Library.open(folder) as again:
        again.undo()
        assert [row.marks.rating for row in again.photos(project.models)] == [0, 0]


def test_trash_hides_and_restore_brings_back(project: Project) -> None:
    library, first = project.library, project.models[0]
    file = library.photo(first).file
    library.trash([first])
    assert first not in library.photo_ids()
    assert file.is_file(), "the trash deletes nothing"
    trashed_at = library.photo(first).marks.trashed_at
    assert library.trash([first]).is_empty
    assert library.photo(first).marks.trashed_at == trashed_at
    library.restore([first])
    assert first in library.photo_ids()


def test_collections(project: Project) -> None:
    library = project.library
    collection = library.create_collection("Set-up 1", CollectionKind.SET).created[0]
    library.collect(collection, project.models)
    library.collect(collection, project.models)
    assert [(row.name, row.kind, row.count) for row in library.collections()] == [("Set-up 1", CollectionKind.SET, 2)]
    assert set(library.photo_ids(Filter(collection_id=collection))) == set(project.models)
    library.uncollect(collection, project.models[:1])
    assert library.collections_of(project.models[1]) == [collection]
    assert library.collections_of(project.models[0]) == []
    library.undo()
    assert library.collections_of(project.models[0]) == [collection]
    library.trash_collection(collection)
    assert library.collections() == []
    library.undo()
    assert library.collections()[0].count == 2
    library.rename_collection(collection, "Window light")
    assert library.collections()[0].name == "Window light"


@pytest.mark.parametrize("rating", [-1, 6])
def test_ratings_out_of_range_are_refused(project: Project, rating: int) -> None:
    with pytest.raises(LibraryError, match="rating"):
        project.library.rate(project.models, rating)


def test_listeners_hear_after_the_transaction(project: Project) -> None:
    library, heard = project.library, list[tuple[Changes, int]]()
    stop = library.subscribe(lambda changes: heard.append((changes, library.photo(project.models[0]).marks.rating)))
    library.rate(project.models[:1], 3)
    assert [(changes.photos, rating) for changes, rating in heard] == [({project.models[0]}, 3)]
    stop()
    library.rate(project.models[:1], 1)
    assert len(heard) == 1


OPERATIONS: list[Callable[[Library, list[str]], Changes]] = [
    lambda library, ids: library.rate(ids, 3),
    lambda library, ids: library.rate(ids[:1], 1),
    lambda library, ids: library.flag(ids[1:], Flag.PICK),
    lambda library, ids: library.tag(ids, "a"),
    lambda library, ids: library.untag(ids[:1], "a"),
    lambda library, ids: library.trash(ids[:1]),
    lambda library, ids: library.restore(ids),
    lambda library, ids: library.annotate(ids[:1], "note"),
    lambda library, ids: library.create_collection("c"),
    lambda library, ids: library.undo(),
    lambda library, ids: library.redo(),
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(range(len(OPERATIONS))), max_size=8))
def test_undoing_everything_restores_every_mark(project: Project, steps: list[int]) -> None:
    library = project.library
    while library.undo_name() not in ("", "undo.import"):
        library.undo()
    before = [library.photos(project.models), library.collections(), library.tags(Kind.PHOTO)]
    for step in steps:
        if step != 9 or library.undo_name() != "undo.import":
            OPERATIONS[step](library, project.models)
    after = [library.photos(project.models), library.collections(), library.tags(Kind.PHOTO)]
    undone = 0
    while library.undo_name() != "undo.import":
        library.undo()
        undone += 1
    assert [library.photos(project.models), library.collections(), library.tags(Kind.PHOTO)] == before
    for _ in range(undone):
        library.redo()
    assert [library.photos(project.models), library.collections(), library.tags(Kind.PHOTO)] == after


def test_filter_by_role_and_trash(project: Project) -> None:
    library = project.library
    assert len(library.photo_ids(Filter(role=PhotoRole.GARMENT))) == 2
    library.trash(project.garments)
    assert library.photo_ids(Filter(role=PhotoRole.GARMENT)) == []
    assert len(library.photo_ids(Filter(role=PhotoRole.GARMENT, in_trash=True))) == 2
