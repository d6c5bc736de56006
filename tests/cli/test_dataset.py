"""The field's own folders, there and back: through the command line with fake stages, and the parts one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.artefacts import COCO18, Agnostic, Artefact, DensePoseMap, ParseMap, PhotoRole, Pose
from studio.domain.edits import ParseStroke
from studio.domain.errors import ArtefactError
from studio.domain.geometry import Framing, Placement
from studio.domain.labels import LabelScheme, palette
from studio.jobs.workspace import Workspace
from studio.library.library import Library
from studio.library.records import Filter
from studio.pipeline.densepose import render_densepose
from studio.pipeline.edits_body import paint_labels
from studio.pipeline.interchange.corrections import label_strokes, pose_moves
from studio.pipeline.interchange.viton_hd import Layout, read_densepose_picture, read_labels, read_person, write_labels
from studio.pipeline.stage import Inputs, StageContext
from tests.cli.conftest import Studio
from tests.fakes import STAGES, FakeModels, draw_photo, installed

KINDS = (
    "image", "cloth", "cloth-mask", "image-parse-v3", "image-parse-agnostic-v3.2", "agnostic-v3.2", "image-densepose",
    "openpose_img", "openpose_json",
)  # fmt: skip


CANVAS = (24, 32)
"""As large as the fake photos; the fake stages' own canvas is too small to be a photo."""


def _give(artefact: Artefact, inputs: Inputs, params: object, ctx: StageContext) -> Artefact:
    return artefact


@pytest.fixture
def fake_stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shape = CANVAS[::-1]
    made: dict[str, Artefact] = {
        "framing": Framing(np.array([[1.0, 0, 0], [0, 1.0, 0]]), CANVAS, canvas_size=CANVAS),
        "densepose": DensePoseMap(
            np.full(shape, 2, np.uint8), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        ),
        "agnostic": Agnostic(np.full((*shape, 3), 128, np.uint8), np.full(shape, 13, np.uint8)),
    }
    for name, artefact in made.items():
        monkeypatch.setitem(STAGES, name, replace(STAGES[name], make=partial(_give, artefact)))
    monkeypatch.setattr("studio.models.provider.LocalModels", FakeModels)
    with installed():
        yield


@pytest.fixture
def filled(project: Path, tmp_path: Path, fake_stages: None) -> Path:
    """A project of two models and two garments, three pairs, one of them dressed, and a background with a place."""
    shelf = tmp_path / "shelf"
    for number in range(2):
        draw_photo(shelf / "models" / f"anna {number}.png", 10 + number)
        draw_photo(shelf / "garments" / f"tee-{number}.png", 20 + number)
    room = draw_photo(shelf / "room.png", 30, (60, 40))
    with Workspace.open(project) as workspace:
        workspace.import_photos([shelf / "models"], PhotoRole.MODEL)
        workspace.import_photos([shelf / "garments"], PhotoRole.GARMENT)
        background = workspace.import_photos([room], PhotoRole.BACKGROUND).imported[0]
        workspace.library.save_placement(background, "middle", Placement(0.5, 0.9, 0.6))
        models, garments = _ids(workspace.library)
        workspace.queue_pairs([(models["anna 0"], garments["tee-1"])])
        assert workspace.run_queue().succeeded == 1
        workspace.library.add_pairs([(models["anna 0"], garments["tee-0"]), (models["anna 1"], garments["tee-1"])])
    return project


def _ids(library: Library) -> tuple[dict[str, str], dict[str, str]]:
    models, garments = (
        {Path(row.name).stem: row.id for row in library.photos(library.photo_ids(Filter(role=role)))}
        for role in (PhotoRole.MODEL, PhotoRole.GARMENT)
    )
    return models, garments


def _pairs(project: Path) -> set[tuple[str, str]]:
    with Library.open(project, read_only=True) as library:
        names = {photo: name for ids in _ids(library) for name, photo in ids.items()}
        return {(names[pair.model_id], names[pair.garment_id]) for pair in library.pairs(library.pair_ids())}


def test_a_project_goes_out_in_the_data_sets_layout_and_comes_back(
    studio: Studio, filled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    said = studio("dataset", "export", out, "-p", filled, "--json")
    assert said.code == 0, said.err
    assert [said.json()[key] for key in ("models", "garments", "pairs")] == [2, 2, 3]
    assert {folder.name for folder in (out / "test").iterdir()} == set(KINDS)
    assert sorted((out / "test_pairs.txt").read_text().splitlines()) == [
        "anna_0.jpg tee-0.jpg", "anna_0.jpg tee-1.jpg", "anna_1.jpg tee-1.jpg"
    ]  # fmt: skip
    item = read_person(Layout(out), "anna_0")
    assert item.image.shape == (32, 24, 3)
    assert (item.labels == 5).all()
    assert (item.agnostic.labels == 13).all()
    assert (item.densepose == 2).all()
    assert item.pose.point("nose") is not None
    with Image.open(out / "test" / "cloth-mask" / "tee-0.jpg") as mask:
        assert mask.size == (768, 1024)

    drawn = np.zeros((32, 24), np.uint8)
    drawn[3:22, 2:19], drawn[5:12, 4:9] = 9, 13
    write_labels(out / "test" / "image-parse-v3" / "anna_0.png", drawn)
    studio("project", "new", tmp_path / "back")
    said = studio("dataset", "import", out, "-p", tmp_path / "back", "--json")
    assert said.code == 0, said.err
    assert (said.json()["pairs"], said.json()["corrected"]) == (3, 2)
    assert _pairs(tmp_path / "back") == {(m.replace(" ", "_"), g) for m, g in _pairs(filled)}
    with Workspace.open(tmp_path / "back") as workspace:
        anna = _ids(workspace.library)[0]["anna_0"]
        parse, pose = (workspace.artefact(anna, slot) for slot in ("parse", "pose"))
    assert isinstance(parse, ParseMap)
    assert np.array_equal(parse.labels, drawn)
    assert isinstance(pose, Pose)
    assert np.allclose(pose.keypoints[:, :2], item.pose.keypoints[:, :2], atol=1e-3)


def test_the_data_sets_stages_can_be_left_behind(studio: Studio, filled: Path, tmp_path: Path) -> None:
    studio("dataset", "export", tmp_path / "out", "-p", filled)
    studio("project", "new", tmp_path / "back")
    said = studio("dataset", "import", tmp_path / "out", "--no-corrections", "-p", tmp_path / "back", "--json")
    assert (said.json()["models"], said.json()["corrected"]) == (2, 0)


def test_a_damaged_parse_map_does_not_stop_the_import(studio: Studio, filled: Path, tmp_path: Path) -> None:
    studio("dataset", "export", tmp_path / "out", "-p", filled)
    Image.new("RGB", CANVAS, (10, 200, 30)).save(tmp_path / "out" / "test" / "image-parse-v3" / "anna_1.png")
    studio("project", "new", tmp_path / "back")
    said = studio("dataset", "import", tmp_path / "out", "-p", tmp_path / "back")
    assert said.code == 1
    assert "anna_1.png" in said.err
    assert len(_pairs(tmp_path / "back")) == 3


def test_the_forerunners_folders_go_out_and_come_back(studio: Studio, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "old"
    said = studio("dataset", "export", out, "--layout", "forerunner", "-p", filled, "--json")
    assert said.code == 0, said.err
    assert said.json()["looks"] == 1
    assert [file.name for file in (out / "output").iterdir()] == ["anna_0_tee-1.png"]
    assert sorted(file.name for file in (out / "inputs" / "models").iterdir()) == ["anna_0.png", "anna_1.png"]
    assert "room.png" in (out / "inputs" / "backgrounds" / "backgrounds.txt").read_text()
    stray = out / "output" / "somebody.png"
    draw_photo(stray, 99)
    studio("project", "new", tmp_path / "back")
    said = studio("dataset", "import", out, "-p", tmp_path / "back", "--json")
    assert said.code == 1
    assert str(stray) in said.json()["problems"][0]
    assert {key: said.json()[key] for key in ("models", "garments", "backgrounds", "pairs")} == {
        "models": 2, "garments": 2, "backgrounds": 1, "pairs": 1
    }  # fmt: skip
    assert _pairs(tmp_path / "back") == {("anna_0", "tee-1")}
    with Library.open(tmp_path / "back", read_only=True) as library:
        (room,) = library.photos(library.photo_ids(Filter(role=PhotoRole.BACKGROUND)))
        (place,) = library.placements(room.id)
    assert (place.placement.x, place.placement.y, place.placement.scale) == pytest.approx((0.5, 0.9, 0.6))


def test_other_folders_are_refused_with_one_sentence(studio: Studio, project: Path, tmp_path: Path) -> None:
    said = studio("dataset", "import", tmp_path, "-p", project)
    assert said.code == 7
    assert str(tmp_path) in said.err
    said = studio("dataset", "export", tmp_path / "out", "-p", project)
    assert said.code == 7
    assert "no pairs" in said.err


def test_a_parse_map_keeps_labels_and_palette(tmp_path: Path) -> None:
    labels = np.arange(320, dtype=np.uint8).reshape(16, 20) % 20
    write_labels(tmp_path / "a.png", labels)
    assert np.array_equal(read_labels(tmp_path / "a.png"), labels)
    seen = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert np.array_equal(seen, palette(LabelScheme.CIHP)[labels])
    Image.fromarray(labels + 30).save(tmp_path / "b.png")
    with pytest.raises(ArtefactError) as caught:
        read_labels(tmp_path / "b.png")
    assert caught.value.key == "dataset.not_labels"


def test_strokes_paint_a_whole_parse_map_exactly() -> None:
    rng = np.random.default_rng(4)
    labels = np.kron(rng.integers(0, 20, (12, 9)), np.ones((5, 5), int)).astype(np.uint8)
    noisy = rng.random(labels.shape) < 0.2
    labels[noisy] = rng.integers(0, 20, int(noisy.sum()))
    parse = ParseMap(np.full(labels.shape, 7, np.uint8))
    for stroke in label_strokes(labels, (labels.shape[1], labels.shape[0])):
        assert isinstance(stroke, ParseStroke)
        parse = paint_labels(parse, stroke)
    assert np.array_equal(parse.labels, labels)
    twice = label_strokes(labels, (labels.shape[1] * 2, labels.shape[0] * 2))
    large = ParseMap(np.zeros((labels.shape[0] * 2, labels.shape[1] * 2), np.uint8))
    for stroke in twice:
        large = paint_labels(large, stroke)
    assert np.array_equal(large.labels[::2, ::2], labels)


def test_moves_put_the_neck_last_and_hide_what_was_not_seen() -> None:
    rows = np.zeros((18, 3), np.float32)
    rows[:10] = (4.0, 5.0, 0.9)
    moves = pose_moves(Pose(rows, np.zeros((10, 3), np.float32), (20, 30)))
    assert [move.name for move in moves][-1] == "neck"
    assert {move.name for move in moves if move.visible} == set(COCO18[:10])


def test_densepose_pictures_are_read_through_jpeg(tmp_path: Path) -> None:
    index = np.kron(np.arange(25).reshape(5, 5), np.ones((32, 32), int)).astype(np.uint8)
    Image.fromarray(render_densepose(index)).save(tmp_path / "d.jpg", quality=90, subsampling=0)
    found = read_densepose_picture(np.asarray(Image.open(tmp_path / "d.jpg")))
    assert (found == index).mean() > 0.95
    assert np.array_equal(found[16::32, 16::32], index[16::32, 16::32])


def test_the_published_items_are_read(shared: Path) -> None:
    folder = shared / "golden" / "hrviton" / "dataset_item"
    labels = read_labels(folder / "in_image-parse-v3_a.png")
    assert labels.shape == (1024, 768)
    assert set(np.unique(labels)) <= set(range(20))
    assert json.loads((folder / "in_keypoints.json").read_text())["people"]
