"""Scenes of a project rendered, batches placed, and the contact sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import CompositingError, JobError, LibraryError
from studio.domain.geometry import Placement
from studio.jobs.scenes import load_scene
from studio.jobs.sheet import COLUMNS, SHEET
from studio.jobs.workspace import Workspace
from studio.library.records import Filter, SceneItem
from tests.fakes import Bench, FakeModels, draw_photo

ROOM = (90, 60)


@pytest.fixture
def workspace(tmp_path: Path, bench: Bench) -> Iterator[Workspace]:
    draw_photo(tmp_path / "shelf" / "anna.png", 1, size=(48, 64))
    draw_photo(tmp_path / "shelf" / "bea.png", 2, size=(48, 64))
    draw_photo(tmp_path / "shirt.png", 3)
    Image.new("RGB", ROOM, (200, 210, 220)).save(tmp_path / "room.png")
    with Workspace.create(tmp_path / "project", models=FakeModels()) as made:
        made.import_photos([tmp_path / "shelf"], PhotoRole.MODEL)
        made.import_photos([tmp_path / "shirt.png"], PhotoRole.GARMENT)
        made.import_photos([tmp_path / "room.png"], PhotoRole.BACKGROUND)
        models = made.library.photo_ids(Filter(role=PhotoRole.MODEL))
        made.queue_all(models, made.library.photo_ids(Filter(role=PhotoRole.GARMENT)))
        made.run_queue()
        yield made


def room(workspace: Workspace) -> str:
    return workspace.library.photo_ids(Filter(role=PhotoRole.BACKGROUND))[0]


def test_a_scene_is_rendered_at_the_backgrounds_size(workspace: Workspace) -> None:
    look = workspace.library.look_ids()[0]
    items = [SceneItem(look, Placement(x=0.3, scale=0.6)), SceneItem(look, Placement(), is_visible=False)]
    scene = workspace.library.create_scene("Shop", room(workspace), items).created[0]
    picture = workspace.compose(scene)
    assert picture.shape == (ROOM[1], ROOM[0], 3)
    covered = (picture != np.array((200, 210, 220), np.uint8)).any(axis=2)
    assert covered[:, : ROOM[0] // 2].any()
    assert not covered[:, -10:].any(), "what is hidden is not drawn"
    alone = workspace.compose(scene, transparent=True)
    assert alone.shape == (ROOM[1], ROOM[0], 4)
    assert workspace.compose(scene, size=(45, 30)).shape == (30, 45, 3)
    with pytest.raises(CompositingError):
        workspace.compose(scene, size=(0, 30))
    with pytest.raises(LibraryError):
        workspace.compose("nothing")


def test_without_a_background_the_canvas_counts(workspace: Workspace) -> None:
    library, look = workspace.library, workspace.library.look_ids()[0]
    plain = library.create_scene("Plain", items=[SceneItem(look, Placement(scale=0.5))], canvas=(60, 80)).created[0]
    picture = workspace.compose(plain)
    assert picture.shape == (80, 60, 3)
    assert tuple(picture[0, 0]) == (255, 255, 255)
    library.update_scene(plain, colour=None, canvas=(0, 0))
    assert workspace.compose(plain).shape == (64, 48, 4), "no colour is transparent; no canvas is the look's size"
    library.update_scene(plain, items=[])
    assert library.scene(plain).colour is None, "what is not given stays"


def test_the_canvas_gets_small_looks_with_the_same_placement(workspace: Workspace) -> None:
    library, look = workspace.library, workspace.library.look_ids()[0]
    scene = library.create_scene("Shop", room(workspace), [SceneItem(look, Placement(z=3))]).created[0]
    small = load_scene(workspace, library.scene(scene), longest=30)
    assert small.background is not None
    assert max(small.background.size) == 30
    assert max(small.looks[0].look.edit_mask.shape) == 30
    assert small.looks[0].placement == Placement(z=3)
    assert small.looks[0].name == library.look(look).name


def test_a_batch_stands_at_the_saved_place(workspace: Workspace) -> None:
    library = workspace.library
    place = Placement(x=0.25, scale=0.4)
    library.save_placement(room(workspace), "left of the sofa", place)
    changes = workspace.place_batch(library.look_ids(), room(workspace), "left of the sofa")
    scenes = library.scenes(changes.created)
    assert [scene.items[0].placement for scene in scenes] == [place, place]
    assert [scene.name for scene in scenes] == ["anna – shirt – room", "bea – shirt – room"]
    with pytest.raises(JobError) as caught:
        workspace.place_batch(library.look_ids(), room(workspace), "door")
    assert caught.value.values["known"] == "left of the sofa"


def test_the_contact_sheet_shows_every_intermediate(workspace: Workspace) -> None:
    sheet = workspace.contact_sheet(workspace.library.look_ids()[0])
    assert sheet.dtype == np.uint8
    rows = -(-len(SHEET) // COLUMNS)
    assert sheet.shape[0] > rows * 64
    assert sheet.shape[1] > COLUMNS * 48
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 100
