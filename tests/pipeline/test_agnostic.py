"""Agnostic: pixel-equal to the published rules, and clear where those rules would divide by zero."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.domain.artefacts import Agnostic, ParseMap, Photo
from studio.domain.geometry import Framing
from studio.domain.labels import Cihp
from studio.pipeline.agnostic import (
    GREY,
    HR_VITON,
    VITON_HD,
    guess_hips,
    make_parse_agnostic,
    paint_hr_viton,
    paint_viton_hd,
    widen_hips,
)
from studio.pipeline.pose_io import to_body25
from studio.pipeline.stage import Inputs, NoParams
from tests.pipeline.body_fakes import CATALOGUE_JOINTS, context, make_pose

CASES = ("full", "missing_rwrist_lelbow", "missing_rarm_bentleft", "close_hips_arm_over_torso")
RULES = {"hrviton": paint_hr_viton, "vitonhd": paint_viton_hd}


def _read(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rules", RULES)
def test_golden_agnostic_image(shared: Path, rules: str, case: str) -> None:
    folder = shared / "golden" / rules / "agnostic"
    points = np.array(json.loads((folder / "cases.json").read_text())[case]["pose_xy"])
    before = points.copy()
    painted = RULES[rules](_read(folder / "image_in.png"), _read(folder / "parse_in.png"), points)
    assert np.array_equal(painted, _read(folder / f"agnostic_{case}.png"))
    assert np.array_equal(points, before)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rules", RULES)
def test_golden_parse_agnostic(shared: Path, rules: str, case: str) -> None:
    folder = shared / "golden" / rules / "agnostic"
    points = np.array(json.loads((folder / "cases.json").read_text())[case]["pose_xy"])
    labels = make_parse_agnostic(_read(folder / "parse_in.png"), points)
    assert np.array_equal(labels, _read(folder / f"parse_agnostic_{case}.png"))


@pytest.mark.parametrize("case", CASES)
def test_golden_hips_are_widened_as_published(shared: Path, case: str) -> None:
    data = json.loads((shared / "golden/hrviton/agnostic/cases.json").read_text())[case]
    assert np.allclose(widen_hips(np.array(data["pose_xy"])), data["pose_xy_after_call"], atol=1e-9)


def _scene(joints: dict[str, tuple[float, float]]) -> Inputs:
    pixels = np.random.default_rng(0).integers(0, 256, (1024, 768, 3)).astype(np.uint8)
    labels = np.zeros((1024, 768), np.uint8)
    labels[340:800, 230:540] = Cihp.UPPER
    labels[800:, 250:520] = Cihp.TROUSERS
    labels[80:240, 310:460] = Cihp.FACE
    labels[340:780, 180:230] = Cihp.RIGHT_ARM
    return Inputs(
        {
            "photo": Photo(pixels, "x", "model.jpg"),
            "framing": Framing(np.eye(2, 3), (768, 1024)),
            "pose": make_pose(joints=joints),
            "parse": ParseMap(labels),
        }
    )


def _run(stage: object, joints: dict[str, tuple[float, float]]) -> tuple[Agnostic, list[str], Inputs]:
    ctx, inputs = context(), _scene(joints)
    result = stage.run(inputs, NoParams(), ctx)  # type: ignore[attr-defined]
    return result, [note.key for note in ctx.notes], inputs


@pytest.mark.parametrize("stage", [HR_VITON, VITON_HD])
def test_stage_follows_its_rules(stage: object) -> None:
    result, notes, inputs = _run(stage, dict(CATALOGUE_JOINTS))
    photo, labels = inputs.take("photo", Photo).rgb8, inputs.take("parse", ParseMap).labels
    points = to_body25(make_pose()).astype(np.float64)[:, :2]
    paint = paint_hr_viton if stage is HR_VITON else paint_viton_hd
    assert np.array_equal(result.image, paint(photo, labels, points))
    assert np.array_equal(result.labels, make_parse_agnostic(labels, points))
    assert notes == []
    kept = np.isin(labels, (Cihp.FACE, Cihp.TROUSERS))
    assert np.array_equal(result.image[kept], photo[kept])
    assert not np.isin(result.labels, (Cihp.UPPER, Cihp.NECK)).any()


@pytest.mark.parametrize("stage", [HR_VITON, VITON_HD])
def test_missing_hips_are_guessed_and_noted(stage: object) -> None:
    joints = {name: at for name, at in CATALOGUE_JOINTS.items() if "hip" not in name}
    result, notes, _ = _run(stage, joints)
    assert notes == ["agnostic.guessed_hips"]
    assert tuple(result.image[600, 384]) == GREY


def test_hips_on_one_spot_do_not_divide_by_zero() -> None:
    joints = {**CATALOGUE_JOINTS, "left_hip": (384.0, 790.0), "right_hip": (384.0, 790.0)}
    result, notes, _ = _run(HR_VITON, joints)
    assert notes == ["agnostic.guessed_hips"]
    assert tuple(result.image[600, 384]) == GREY


def test_without_shoulders_the_parse_map_decides() -> None:
    result, notes, inputs = _run(HR_VITON, {"nose": (384, 150)})
    labels = inputs.take("parse", ParseMap).labels
    assert notes == ["agnostic.no_shoulders"]
    assert (result.image[labels == Cihp.UPPER] == GREY[0]).all()
    assert np.array_equal(result.image[labels == 0], inputs.take("photo", Photo).rgb8[labels == 0])


def test_guessed_hips_keep_sides_of_a_back_view() -> None:
    points = np.zeros((25, 2))
    points[2], points[5] = (500, 300), (250, 300)
    guessed = guess_hips(points)
    assert guessed[9, 0] > guessed[12, 0]
