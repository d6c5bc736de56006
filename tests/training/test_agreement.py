"""A data set's files against ours: the measures one by one, and the whole on the real pairs that have such files."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from studio.domain.artefacts import COCO18, EXTRA_POINTS, Pose
from studio.domain.errors import JobError
from studio.domain.labels import Cihp
from studio.domain.recipe import Recipe
from studio.models.provider import LocalModels
from studio.pipeline.interchange.viton_hd import Layout
from studio.training.agreement import (
    Agreement,
    Row,
    check_dataset,
    compare_labels,
    compare_masks,
    compare_parts,
    compare_poses,
)
from tests.cli.conftest import Studio, studio
from tests.pipeline.tryon_figures import make_pose

__all__ = ["studio"]

PAIRS = ("00006_00", "00017_00")


def test_masks_and_labels() -> None:
    one, two = np.zeros((10, 10), bool), np.zeros((10, 10), bool)
    one[:, :4], two[:, 2:6] = True, True
    assert compare_masks(one, two) == {"iou": pytest.approx(1 / 3)}
    assert compare_masks(one, one) == {"iou": 1.0}
    theirs, ours = (np.where(mask, int(Cihp.UPPER), 0).astype(np.uint8) for mask in (one, two))
    found = compare_labels(theirs, ours)
    assert found["equal"] == pytest.approx(0.6)
    assert found["iou upper"] == pytest.approx(1 / 3) and set(found) == {
        "equal", "mean iou", "iou background", "iou upper",
    }  # fmt: skip


def test_poses_are_compared_where_both_see_the_joint() -> None:
    theirs = make_pose()
    moved = theirs.keypoints.copy()
    seen = moved[:, 2] > 0
    moved[seen, 0] += 3
    moved[COCO18.index("nose")] = 0
    moved[COCO18.index("left_ankle")] = (100, 500, 1)
    found = compare_poses(theirs, Pose(moved, np.zeros((len(EXTRA_POINTS), 3), np.float32), theirs.photo_size))
    assert found["mean px"] == pytest.approx(3) and found["within a tenth"] == 1
    assert found["only theirs"] == 1 and found["only ours"] == 1
    moved = moved + np.where(seen[:, None], np.float32([40, 0, 0]), np.float32(0))
    far = compare_poses(theirs, Pose(moved, np.zeros((len(EXTRA_POINTS), 3), np.float32), theirs.photo_size))
    assert far["within a tenth"] == 0


def test_parts_are_compared_on_the_body_of_both() -> None:
    theirs, ours = np.zeros((4, 8), np.uint8), np.zeros((4, 8), np.uint8)
    theirs[:, :4], ours[:, :4] = 2, 2
    ours[:2, :4] = 3
    assert compare_parts(theirs, ours) == {"iou body": 1.0, "equal parts": 0.5}
    assert compare_parts(theirs, np.zeros_like(ours)) == {"iou body": 0.0, "equal parts": 0.0}


def test_the_summary_names_the_worst_file(tmp_path: Path) -> None:
    found = Agreement(
        [Row("cloth-mask", "a.jpg", "iou", 0.9), Row("cloth-mask", "b.jpg", "iou", 0.5)]
        + [Row("openpose_json", name, "mean px", value) for name, value in (("a.jpg", 2.0), ("b.jpg", 9.0))]
    )
    assert found.summary() == [
        ("cloth-mask", "iou", pytest.approx(0.7), 0.5, "b.jpg", 2),
        ("openpose_json", "mean px", pytest.approx(5.5), 9.0, "b.jpg", 2),
    ]
    found.write_csv(tmp_path / "all.csv")
    rows = list(csv.reader((tmp_path / "all.csv").read_text("utf-8").splitlines()))
    assert rows[0] == ["kind", "file", "measure", "value"] and len(rows) == 5


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "test" / "image").mkdir(parents=True)
    with pytest.raises(JobError) as caught:
        check_dataset(Layout(tmp_path), LocalModels(), Recipe())
    assert caught.value.key == "dataset.nothing_to_check"


@pytest.fixture
def dataset(shared: Path, tmp_path: Path) -> Path:
    """The two pairs that have intermediates, in the data set's layout."""
    source, layout = shared / "photos" / "pairs", Layout(tmp_path / "set")
    (tmp_path / "set" / "test").mkdir(parents=True)
    kinds = {
        "image": "person.jpg", "cloth": "garment.jpg", "cloth-mask": "garment_mask.jpg", "image-parse-v3": "parse.png",
        "openpose_json": "openpose.json", "image-densepose": "densepose.jpg",
    }  # fmt: skip
    for name in PAIRS:
        for kind, ending in kinds.items():
            path = layout.file(kind, name)
            path.parent.mkdir(exist_ok=True)
            shutil.copyfile(source / f"{name}_{ending}", path)
    return tmp_path / "set"


def test_our_stages_agree_with_the_real_sets(dataset: Path, studio: Studio, tmp_path: Path) -> None:
    """The floors are far below what is measured: they hold that the right things are compared, in the right place."""
    said = studio("dataset", "check", dataset, "--out", tmp_path / "all.csv", "--json")
    assert said.code == 0, said.err
    found = {(row["kind"], row["measure"]): row for row in said.json()["measures"]}
    assert {kind for kind, _ in found} == {"cloth-mask", "image-parse-v3", "openpose_json", "image-densepose"}
    assert found["cloth-mask", "iou"]["mean"] > 0.95 and found["cloth-mask", "iou"]["files"] == 2
    assert found["image-parse-v3", "equal"]["mean"] > 0.9 and found["image-parse-v3", "iou upper"]["mean"] > 0.8
    assert found["openpose_json", "mean px"]["mean"] < 50 and found["openpose_json", "within a tenth"]["mean"] > 0.6
    assert found["image-densepose", "iou body"]["mean"] > 0.75
    assert (tmp_path / "all.csv").is_file()


def test_kinds_can_be_chosen_and_unknown_ones_are_told(dataset: Path, studio: Studio) -> None:
    said = studio("dataset", "check", dataset, "--kind", "cloth-mask", "--limit", 1)
    assert said.code == 0 and "cloth-mask" in said.out and "openpose" not in said.out
    assert "kinds are" in studio("dataset", "check", dataset, "--kind", "clothmask").err
