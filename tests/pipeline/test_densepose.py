"""DensePose: the geometric parts against two pictures of the data set, and their plain properties."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from studio.domain.artefacts import DensePoseMap, ParseMap, Photo
from studio.domain.geometry import Framing
from studio.domain.labels import Cihp
from studio.pipeline.densepose import GEOMETRIC, Part, render_densepose
from studio.pipeline.pose_io import read_openpose_json
from studio.pipeline.stage import Inputs, NoParams
from tests.pipeline.body_fakes import CATALOGUE_JOINTS, context, make_cutout, make_pose


def _figure(joints: dict[str, tuple[float, float]] | None = None, shift: int = 0) -> Inputs:
    """A frontal figure in a long-sleeved top, hands bare, in a silhouette a little wider than the body."""
    labels = np.zeros((1024, 768), np.uint8)
    cv2.rectangle(labels, (215, 310), (553, 800), int(Cihp.UPPER), -1)
    cv2.rectangle(labels, (215, 800), (553, 1023), int(Cihp.TROUSERS), -1)
    for x, label in ((195, Cihp.RIGHT_ARM), (573, Cihp.LEFT_ARM)):
        cv2.rectangle(labels, (x - 45, 330), (x + 45, 760), int(Cihp.UPPER), -1)
        cv2.rectangle(labels, (x - 30, 760), (x + 30, 880), int(label), -1)
    cv2.rectangle(labels, (350, 200), (418, 310), int(Cihp.NECK), -1)
    cv2.ellipse(labels, (384, 140), (80, 115), 0, 0, 360, int(Cihp.FACE), -1)
    photo = Photo(np.full((1024, 768, 3), 200, np.uint8), "x", "model.jpg")
    return Inputs(
        {
            "edges": make_cutout(photo, (labels > 0).astype(np.float32)),
            "pose": make_pose(joints=joints or CATALOGUE_JOINTS),
            "framing": Framing(np.array([[1.0, 0, shift], [0, 1, 0]]), (768, 1024)),
            "parse": ParseMap(labels),
        }
    )


def _run(inputs: Inputs) -> DensePoseMap:
    return GEOMETRIC.run(inputs, NoParams(), context())


def _nearest_part(picture: np.ndarray) -> np.ndarray:
    colours = render_densepose(np.arange(25, dtype=np.uint8)[None])[0].astype(np.int32)
    distance = ((picture[:, :, None].astype(np.int32) - colours) ** 2).sum(axis=-1)
    return cv2.medianBlur(distance.argmin(axis=-1).astype(np.uint8), 7)


@pytest.mark.parametrize(("number", "least"), [("00017", 0.88)])
def test_agrees_with_the_networks_picture(shared: Path, number: str, least: float) -> None:
    folder = shared / "photos/pairs"
    wanted = _nearest_part(cv2.imread(str(folder / f"{number}_00_densepose.jpg"))[:, :, ::-1])
    labels = np.array(Image.open(folder / f"{number}_00_parse.png"))
    pose = read_openpose_json((folder / f"{number}_00_openpose.json").read_text(), (768, 1024))
    photo = Photo(np.zeros((1024, 768, 3), np.uint8), "x")
    inputs = Inputs(
        {
            "edges": make_cutout(photo, (labels > 0).astype(np.float32)),
            "pose": pose,
            "framing": Framing(np.eye(2, 3), (768, 1024)),
            "parse": ParseMap(labels),
        }
    )
    index = _run(inputs).index
    body = ((index > 0) & (wanted > 0)).sum() / ((index > 0) | (wanted > 0)).sum()
    assert body > least
    torso = ((index == 2) & (wanted == 2)).sum() / ((index == 2) | (wanted == 2)).sum()
    assert torso > 0.7
    both = (index > 0) & (wanted > 0)
    sides = {3: 0, 9: 0, 16: 0, 18: 0, 20: 0, 22: 0, 23: 0, 4: 1, 10: 1, 15: 1, 17: 1, 19: 1, 21: 1, 24: 1}
    ours, theirs = (np.array([sides.get(part, -1) for part in range(25)])[plane[both]] for plane in (index, wanted))
    sided = (ours >= 0) & (theirs >= 0)
    assert (ours[sided] == theirs[sided]).mean() > 0.95


def test_every_part_of_a_frontal_figure_is_there_on_its_side() -> None:
    index = _run(_figure()).index
    columns = {part: np.nonzero(index == part)[1].mean() for part in np.unique(index[index > 0])}
    assert {Part.TORSO_FRONT, Part.RIGHT_HAND, Part.LEFT_HAND, Part.HEAD_LEFT, Part.HEAD_RIGHT} <= set(columns)
    assert Part.TORSO_BACK not in columns
    for right, left in ((3, 4), (9, 10), (16, 15), (18, 17), (20, 19), (22, 21), (23, 24)):
        assert columns[right] < columns[left]
    assert columns[Part.RIGHT_UPPER_ARM_OUTER] < columns[Part.RIGHT_UPPER_ARM_INNER]
    assert columns[Part.LEFT_UPPER_ARM_OUTER] > columns[Part.LEFT_UPPER_ARM_INNER]


def test_nothing_lies_outside_the_silhouette_and_coordinates_are_shares() -> None:
    inputs = _figure()
    body = _run(inputs)
    assert not body.index[inputs.take("parse", ParseMap).labels == 0].any()
    for plane in (body.u, body.v):
        assert plane.min() >= 0 and plane.max() <= 1
        assert not plane[body.index == 0].any()
    trunk = body.index == Part.TORSO_FRONT
    assert (
        body.v[trunk & (np.arange(1024)[:, None] > 700)].mean()
        > body.v[trunk & (np.arange(1024)[:, None] < 400)].mean()
    )


def test_the_framing_moves_the_body() -> None:
    plain, moved = _run(_figure()).index, _run(_figure(shift=40)).index
    assert (moved[:, 40:] == plain[:, :-40]).mean() > 0.999


def test_hidden_hands_have_no_part() -> None:
    inputs = _figure()
    labels = inputs.take("parse", ParseMap).labels.copy()
    labels[labels == Cihp.LEFT_ARM] = Cihp.TROUSERS
    index = _run(Inputs({**inputs.slots, "parse": ParseMap(labels)})).index
    assert Part.LEFT_HAND not in index
    assert Part.RIGHT_HAND in index


def test_a_back_view_shows_back_parts() -> None:
    face = ("nose", "right_eye", "left_eye")
    joints = {name: (767 - x, y) for name, (x, y) in CATALOGUE_JOINTS.items() if name not in face}
    index = _run(_figure(joints)).index
    assert Part.TORSO_BACK in index and Part.TORSO_FRONT not in index
    assert Part.RIGHT_THIGH_BACK in index


def test_without_shoulders_the_map_is_empty_and_noted() -> None:
    ctx = context()
    body = GEOMETRIC.run(_figure({"nose": (384, 150)}), NoParams(), ctx)
    assert not body.index.any()
    assert [note.key for note in ctx.notes] == ["densepose.no_shoulders"]


def test_colours_are_those_of_the_training_set(shared: Path) -> None:
    facts = json.loads((shared / "golden/densepose_graphonomy_cihp/meta.json").read_text())
    wanted = facts["densepose"]["parula_palette_rgb_labels_0_24"]
    shown = render_densepose(np.arange(25, dtype=np.uint8)[None])[0].tolist()
    assert shown[1:] == wanted[1:]
    assert shown[0] == [0, 0, 0]
