"""The main job through the door a user takes, on real photos: dress, look, compose, deliver."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.cli import run
from studio.domain.artefacts import Look
from studio.jobs.scenes import load_look
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.media.decode import open_photo
from tests.cli.conftest import Studio

MODEL = "persons/vitonhd_00641_00.jpg"
GARMENTS = ("garments/vitonhdtrain_00212.jpg", "garments/vitonhdtrain_00306.jpg")
ROOM = "backgrounds/meet_2.jpg"


@dataclass(frozen=True)
class Dressed:
    """A project with one model dressed in two garments, and how the runs ended."""

    folder: Path
    code: int
    photo: Path


@pytest.fixture(scope="module")
def dressed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dressed:
    """Dress once for all tests of this module."""
    folder = tmp_path_factory.mktemp("main") / "project"
    photos = shared / "photos"
    assert run(["project", "new", str(folder)]) == 0
    assert run(["import", "models", str(photos / MODEL), "-p", str(folder)]) == 0
    assert run(["import", "garments", *(str(photos / one) for one in GARMENTS), "-p", str(folder)]) == 0
    assert run(["import", "backgrounds", str(photos / ROOM), "-p", str(folder)]) == 0
    return Dressed(folder, run(["dress", "--all", "-p", str(folder)]), photos / MODEL)


def _looks(folder: Path) -> list[Look]:
    with Workspace.open(folder, read_only=True) as workspace:
        return [load_look(workspace, look_id) for look_id in workspace.library.look_ids(Filter())]


def test_every_pair_is_dressed(dressed: Dressed, studio: Studio) -> None:
    assert dressed.code == 0
    looks = studio("looks", "-p", dressed.folder, "--json").json()
    assert len(looks) == len(GARMENTS)
    assert all(look["commercial"] for look in looks)


def test_pixels_outside_the_edit_mask_are_the_photos_own(dressed: Dressed) -> None:
    photo = open_photo(dressed.photo)
    for look in _looks(dressed.folder):
        assert look.pixels.shape == photo.pixels.shape
        outside = look.edit_mask == 0
        np.testing.assert_array_equal(look.pixels[outside], photo.pixels[outside])
        assert 0.05 < 1 - outside.mean() < 0.6
        assert (look.pixels != photo.pixels).any(axis=2)[look.garment_mask > 0].mean() > 0.5


def test_the_next_garment_prepares_no_model_again(dressed: Dressed) -> None:
    with Workspace.open(dressed.folder, read_only=True) as workspace:
        records = [workspace.library.look_record(one) for one in workspace.library.look_ids(Filter())]
    steps = [{step.slot: step.record.key for step in record.steps} for record in records]
    for slot in ("edges", "pose", "parse", "densepose", "agnostic"):
        assert steps[0][slot] == steps[1][slot]
    assert steps[0]["tryon"] != steps[1]["tryon"]
    produced = {path.stem for path in (dressed.folder / "artefacts").glob("*/*.fsa")}
    person, garment, pair = 7, 3, 2
    assert len(produced) == person + len(GARMENTS) * (garment + pair)


def test_dressing_again_does_nothing(dressed: Dressed, studio: Studio) -> None:
    before = sorted((dressed.folder / "artefacts").rglob("*.fsa"))
    assert studio("dress", "--all", "-p", dressed.folder).code == 0
    assert sorted((dressed.folder / "artefacts").rglob("*.fsa")) == before
    assert len(studio("looks", "-p", dressed.folder, "--json").json()) == len(GARMENTS)


def test_sheet_scene_and_delivery(dressed: Dressed, studio: Studio, tmp_path: Path) -> None:
    look = studio("looks", "-p", dressed.folder, "--json").json()[0]["id"]
    said = studio("show", look, "-p", dressed.folder, "-o", tmp_path / "sheet.png")
    assert said.code == 0 and "drape, confidence" in said.out and "selfie_multiclass" in said.out
    assert "Traces of the old garment: 0." in said.out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert min(sheet.size) > 600
    studio("placement", "save", "by the window", "-b", "meet_2", "--y", "1.0", "-p", dressed.folder)
    said = studio("compose", "-b", "meet_2", "--at", "by the window", "-p", dressed.folder, "-o", tmp_path, "--json")
    assert said.code == 0
    written = [Path(path) for path in said.json()["written"]]
    assert len(written) == len(GARMENTS)
    room = dressed.photo.parents[1] / ROOM
    with Image.open(written[0]) as scene, Image.open(room) as original:
        assert scene.size == original.size
        assert np.abs(np.asarray(scene, np.int16) - np.asarray(original, np.int16)).max() > 60
    delivered = studio("export", "--preset", "Catalogue", "--to", tmp_path / "out", "-p", dressed.folder, "--json")
    assert delivered.code == 0
    assert all(file["passed"] for file in delivered.json()["delivered"])


def test_the_whole_project_is_sound(dressed: Dressed, studio: Studio) -> None:
    assert studio("project", "check", "-p", dressed.folder).code == 0


def test_a_failed_pair_says_why_and_stops_nothing(shared: Path, project: Path, studio: Studio, tmp_path: Path) -> None:
    empty_room = tmp_path / "room.jpg"
    shutil.copy(shared / "photos" / "backgrounds/meet_4.jpg", empty_room)
    studio("import", "models", empty_room, shared / "photos" / MODEL, "-p", project)
    studio("import", "garments", shared / "photos" / GARMENTS[0], "-p", project)
    said = studio("dress", "--all", "-p", project, "--json")
    assert said.code == 1
    result = said.json()
    assert len(result["looks"]) == 1
    assert len(result["failed"]) == 1
    assert "room.jpg" in result["failed"][0]["why"]


def test_an_unknown_name_in_a_pair_list_is_told(shared: Path, project: Path, studio: Studio, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("nobody.jpg nothing.jpg\n")
    said = studio("dress", "--pairs", pairs, "-p", project)
    assert said.code == 1
    assert "nobody.jpg" in said.err
