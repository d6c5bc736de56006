"""VITON-HD's whole inference against the authors' test run, end to end and between the networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.networks import glue_viton_hd as glue
from studio.networks.preprocess import picture_u8
from studio.networks.runtime import default_plan, prepare
from studio.networks.viton_hd import (
    AliasGenerator,
    GeometricMatching,
    Matching,
    SegmentationGenerator,
    spline_grid,
)

from . import golden
from .tryon_fakes import filled

SIZE = 1024, 768
TOLERANCE = 1e-4
# The spline is solved in single precision; 1e-6 of the grid is 5e-4 pixel on noise of full contrast.
WARP_TOLERANCE = 2e-3
PICTURE_MAX, PICTURE_MEAN = 2e-2, 3e-4


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def inputs() -> glue.VitonHdInputs:
    labels = golden.labels_u8("vhdglue.parse_agnostic", 13, *SIZE)
    return glue.VitonHdInputs(
        cloth=golden.img("vhdglue.cloth", 3, *SIZE),
        cloth_mask=golden.mask("vhdglue.cloth_mask", *SIZE),
        parse_agnostic=golden.onehot(labels, 13),
        agnostic=golden.img("vhdglue.agnostic", 3, *SIZE),
        pose=golden.img("vhdglue.pose", 3, *SIZE),
    )


@pytest.fixture(scope="module")
def noise() -> torch.Tensor:
    drawn = golden.rng("vhdglue.noise").random((1, 1, 256, 192)) < 0.16
    return torch.from_numpy(drawn.astype(np.float32))


def check_between_networks(
    reference: golden.Recorded, about: dict[str, Any], inputs: glue.VitonHdInputs, result: glue.VitonHdResult
) -> set[str]:
    """Compare everything between the networks and return the names that were compared."""
    person, garment = glue.matching_inputs(inputs, result.prediction.parse)
    misalign, divided = result.misalignment
    close = {
        "gauss_out": (result.prediction.blurred, TOLERANCE),
        "gmm_inputB": (garment, TOLERANCE),
        "theta": (result.matching.theta, TOLERANCE),
        "warped_grid": (result.matching.grid, 2e-5),
        "warped_cloth": (result.garment.cloth, WARP_TOLERANCE),
    }
    for name, (value, largest) in close.items():
        reference.assert_close(name, value, largest=largest)
    # A pixel on the border between two classes may fall to either, with all that follows from it there.
    ties = 5 * about["fraction_pixels_with_top2_margin_below_1e_4"]
    labels = {
        "parse_argmax13": result.prediction.labels13,
        "parse7_labels": result.prediction.labels7,
        "gmm_inputA_parse_cloth": person[:, :1],
    }
    for name, value in labels.items():
        reference.assert_labels(name, value, fraction=ties)
    border = {
        "gmm_inputA": person,
        "misalign_mask": misalign,
        "parse_div_ch2": divided[:, 2:3],
        "parse_div_ch7": divided[:, 7:],
    }
    for name, value in border.items():
        off = np.abs(reference.subsample(name, value) - reference.stored(name)) > WARP_TOLERANCE
        assert off.mean() <= ties, f"{name}: {off.mean():.3g}"
    counts = torch.bincount(result.prediction.labels13.flatten(), minlength=13)
    assert int((counts - torch.tensor(about["hist13"])).abs().max()) <= ties * SIZE[0] * SIZE[1]
    return set(close) | set(labels) | set(border)


@pytest.mark.timeout(900)  # full size, half a minute of a quiet processor
def test_golden_glue_end_to_end(
    golden_root: Path, inputs: glue.VitonHdInputs, noise: torch.Tensor, alias_generator: AliasGenerator
) -> None:
    folder = golden_root / "vitonhd"
    about = golden.meta(folder)["files"]["glue_1024x768"]
    reference = golden.recorded(folder / "glue_1024x768.npz", about["outputs"])
    segmentation = filled(SegmentationGenerator, folder, "seg")
    matching = filled(GeometricMatching, folder, "gmm", gain=2**0.5)
    wanted = torch.from_numpy(reference.arrays["gmm_inputA_parse_cloth"].copy()).float()
    ties = 5 * about["fraction_pixels_with_top2_margin_below_1e_4"]

    def match_as_recorded(person: torch.Tensor, garment: torch.Tensor, size: tuple[int, int]) -> Matching:
        # One label that rounding decides moves the whole spline, so it goes on with the recorded labels.
        assert float((person[:, :1] != wanted).float().mean()) <= ties
        match: Matching = matching(torch.cat((wanted, person[:, 1:]), 1), garment, size)
        return match

    # what production runs; test_viton_hd has the published form
    painter = prepare(alias_generator, default_plan("cpu"))
    result = glue.dress(inputs, segmentation, match_as_recorded, painter, segmentation_noise=noise)
    compared = check_between_networks(reference, about, inputs, result)
    reference.assert_close("seg_input", glue.segmentation_input(inputs, noise), largest=TOLERANCE)
    reference.assert_close("seg_out", result.scores, largest=TOLERANCE)
    reference.assert_close("output", result.picture, largest=PICTURE_MAX, mean=PICTURE_MEAN, outliers=ties)
    reference.assert_close("saved_uint8_hwc", picture_u8(result.picture)[0], largest=3, mean=0.05, outliers=ties)
    assert sorted(compared | {"seg_input", "seg_out", "output", "saved_uint8_hwc"}) == reference.names()


def test_golden_glue_b_with_every_class(golden_root: Path, inputs: glue.VitonHdInputs, noise: torch.Tensor) -> None:
    folder = golden_root / "vitonhd"
    about = golden.meta(folder)["files"]["glue_B_1024x768"]
    reference = golden.recorded(folder / "glue_B_1024x768.npz", about["outputs"])
    scores = 1 / (1 + np.exp(-golden.smooth("vhdglue.fake_seg", 13, 256, 192)))
    theta = torch.from_numpy(0.15 * golden.smooth("vhdglue.fake_theta", 1, 5, 10).reshape(1, 50)).float()
    result = glue.dress(
        inputs,
        lambda x: torch.from_numpy(scores).float()[None],
        lambda person, garment, size: Matching(theta, spline_grid(theta, size)),
        lambda x, parse, divided, misalign, maps: x[:, :3],
        segmentation_noise=noise,
    )
    assert sorted(check_between_networks(reference, about, inputs, result)) == reference.names()
    assert all(about["hist13"])


def test_golden_segmentation_noise_has_the_published_share_of_ones(golden_root: Path) -> None:
    drawn = glue.segmentation_noise([1, 2, 3, 4])
    assert drawn.shape == (4, 1, 256, 192)
    assert torch.equal(drawn[1:2], glue.segmentation_noise([2]))
    want = golden.meta(golden_root / "vitonhd")["files"]["gen_noise"]
    assert sorted(torch.unique(drawn).tolist()) == want["values"]
    assert abs(float(drawn.mean()) - want["fraction_of_ones"]) < 0.005


def test_misalignment_is_split_off_softly() -> None:
    parse = torch.zeros(1, 7, 1, 3)
    parse[:, 2] = 1
    found = glue.find_misalignment(parse, torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3))
    assert found.misalign.flatten().tolist() == [1.0, 0.75, 0.0]
    assert found.divided[:, 2].flatten().tolist() == [0.0, 0.25, 1.0]
    assert found.divided.shape[1] == 8
