"""A look taken as the model of the next look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.domain.artefacts import Look, Photo, PhotoRole
from studio.domain.errors import LibraryError
from studio.jobs.outfits import take_as_model
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from tests.fakes import Bench, FakeModels, draw_photo


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    draw_photo(tmp_path / "models" / "m.png", 0)
    draw_photo(tmp_path / "garments" / "g.png", 4)
    with Workspace.create(tmp_path / "project", models=FakeModels()) as made:
        made.import_photos([tmp_path / "models"], PhotoRole.MODEL)
        made.import_photos([tmp_path / "garments"], PhotoRole.GARMENT)
        made.queue_all(made.library.photo_ids(Filter(role=PhotoRole.MODEL)),
                       made.library.photo_ids(Filter(role=PhotoRole.GARMENT)))  # fmt: skip
        made.run_queue()
        yield made


def test_a_look_becomes_a_model_with_its_own_pixels(workspace: Workspace) -> None:
    look_id = workspace.library.look_ids()[0]
    model = take_as_model(workspace, look_id)
    photo, look = workspace.artefact(model, "photo"), workspace.artefact(look_id, "look")
    assert isinstance(photo, Photo)
    assert isinstance(look, Look)
    assert np.array_equal(photo.pixels, look.pixels)
    row = workspace.library.photo(model)
    assert row.role is PhotoRole.MODEL
    assert row.name.endswith(".png")


def test_the_same_look_gives_the_same_model_and_can_be_dressed_further(workspace: Workspace) -> None:
    look_id = workspace.library.look_ids()[0]
    model = take_as_model(workspace, look_id)
    assert take_as_model(workspace, look_id) == model
    garment = workspace.library.photo_ids(Filter(role=PhotoRole.GARMENT))[0]
    workspace.queue_pairs([(model, garment)])
    workspace.run_queue()
    assert len(workspace.library.look_ids()) == 2


def test_an_unknown_look_is_refused(workspace: Workspace) -> None:
    with pytest.raises(LibraryError):
        take_as_model(workspace, "nothing")
