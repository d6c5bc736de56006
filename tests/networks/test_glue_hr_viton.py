"""HR-VITON's whole inference against the authors' test run, end to end and between the networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.networks import glue_hr_viton as glue
from studio.networks.blocks import resize_bilinear
from studio.networks.hr_viton import Condition, ConditionGenerator, ImageGenerator
from studio.networks.preprocess import join_batch, picture_u8
from studio.networks.runtime import default_plan, prepare

from . import golden

SIZES = {"512x384": (512, 384), "1024x768": (1024, 768)}
TOLERANCE = 1e-4
PICTURE_MAX, PICTURE_MEAN = 2e-2, 1e-4


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def inputs() -> dict[str, glue.HrVitonInputs]:
    return {name: make_inputs(f"glue{name.split('x')[0]}", *size) for name, size in SIZES.items()}


def make_inputs(prefix: str, height: int, width: int) -> glue.HrVitonInputs:
    labels = golden.labels_u8(f"{prefix}.parse_agnostic", 13, height, width)
    return glue.HrVitonInputs(
        cloth=golden.img(f"{prefix}.cloth", 3, height, width),
        cloth_mask=golden.mask(f"{prefix}.cloth_mask", height, width),
        parse_agnostic=golden.onehot(labels, 13),
        agnostic=golden.img(f"{prefix}.agnostic", 3, height, width),
        densepose=golden.img(f"{prefix}.densepose", 3, height, width),
    )


@pytest.mark.timeout(900)  # full size, half a minute of a quiet processor
@pytest.mark.parametrize("name", SIZES)
def test_golden_glue_end_to_end(
    golden_root: Path,
    inputs: dict[str, glue.HrVitonInputs],
    condition_generator: ConditionGenerator,
    image_generator: ImageGenerator,
    name: str,
) -> None:
    folder = golden_root / "hrviton"
    about = golden.meta(folder)["files"][f"glue_{name}"]
    reference = golden.recorded(folder / f"glue_{name}.npz", about["outputs"])
    # The large size goes through what production runs, the small one through the published form.
    painter = prepare(image_generator, default_plan("cpu")) if name == "1024x768" else image_generator
    result = glue.dress(inputs[name], condition_generator, painter)
    close = _between_networks(inputs[name], result)
    for output, value in close.items():
        reference.assert_close(output, value, largest=TOLERANCE)
    ties = 5 * about["fraction_pixels_with_top2_margin_below_1e_4"]
    reference.assert_labels("parse7_labels", result.parse.labels7, fraction=ties)
    reference.assert_labels("fake_parse13_argmax", result.parse.labels13, fraction=ties)
    reference.assert_close("output", result.picture, largest=PICTURE_MAX, mean=PICTURE_MEAN, outliers=ties)
    reference.assert_close("saved_uint8_hwc", picture_u8(result.picture)[0], largest=3, mean=0.05, outliers=ties)
    others = {"parse7_labels", "fake_parse13_argmax", "output", "saved_uint8_hwc"}
    assert sorted(others | set(close)) == reference.names()
    _check_histograms(result.parse, about, ties)


def _between_networks(inputs: glue.HrVitonInputs, result: glue.HrVitonResult) -> dict[str, torch.Tensor]:
    garment, person = glue.condition_inputs(inputs)
    weights = glue.gaussian_weights(garment)
    flows = {f"flow_{level}": flow for level, flow in enumerate(result.condition.flows)}
    return flows | {
        "tocg_input1": garment,
        "tocg_input2": person,
        "segmap_raw": result.condition.segmap,
        "warped_cloth_256": result.condition.warped_cloth,
        "warped_clothmask_256": result.condition.warped_mask,
        "segmap_composed_upsampled": resize_bilinear(result.parse.composed, inputs.size),
        "segmap_gauss": result.parse.blurred,
        "gauss_kernel_2d": torch.outer(weights, weights),
        "clothmask_warped_before_occlusion": result.garment.mask_uncovered,
        "clothmask_after_occlusion": result.garment.mask,
        "warped_cloth_final": result.garment.cloth,
    }


def _check_histograms(parse: glue.ParsePrediction, about: dict[str, list[int]], ties: float) -> None:
    for labels, name in ((parse.labels13, "hist13"), (parse.labels7, "hist7")):
        counts = torch.bincount(labels.flatten(), minlength=len(about[name]))
        assert int((counts - torch.tensor(about[name])).abs().max()) <= ties * labels.numel(), name


@pytest.mark.parametrize("name", SIZES)
def test_golden_glue_b_with_every_class(golden_root: Path, inputs: dict[str, glue.HrVitonInputs], name: str) -> None:
    folder = golden_root / "hrviton"
    about = golden.meta(folder)["files"][f"glue_{name}_B"]
    reference = golden.recorded(folder / f"glue_B_{name}.npz", about["outputs"])
    parse, garment = glue.dress_layers(inputs[name], _fake_condition(f"glue{name.split('x')[0]}."))
    close = {
        "segmap_gauss": parse.blurred,
        "clothmask_warped_before_occlusion": garment.mask_uncovered,
        "clothmask_after_occlusion": garment.mask,
        "warped_cloth_final": garment.cloth,
    }
    for output, value in close.items():
        reference.assert_close(output, value, largest=TOLERANCE)
    ties = 5 * about["fraction_pixels_with_top2_margin_below_1e_4"]
    reference.assert_labels("parse7_labels", parse.labels7, fraction=ties)
    reference.assert_labels("fake_parse13_argmax", parse.labels13, fraction=ties)
    assert sorted({"parse7_labels", "fake_parse13_argmax"} | set(close)) == reference.names()
    assert all(about["hist13"]) and all(about["hist7"])
    _check_histograms(parse, about, ties)


def _fake_condition(prefix: str) -> Condition:
    scores = np.maximum(golden.smooth(prefix + "fake_segmap", 13, 256, 192) + 0.3, 0).astype(np.float32) * 3
    flow = (6 * golden.smooth(prefix + "fake_flow", 2, 128, 96)).astype(np.float32)
    mask = 1 / (1 + np.exp(-4 * golden.smooth(prefix + "fake_warped_mask", 1, 256, 192)))
    warped_mask = torch.from_numpy(mask.astype(np.float32))[None]
    flows = (torch.from_numpy(flow).permute(1, 2, 0)[None],)
    return Condition(flows, torch.from_numpy(scores)[None], warped_mask.expand(1, 3, 256, 192), warped_mask)


def test_a_batch_is_dressed_as_its_pairs_are(inputs: dict[str, glue.HrVitonInputs]) -> None:
    first = inputs["512x384"]
    second = glue.HrVitonInputs(*(getattr(first, f).flip(-1) for f in first.__slots__))
    conditions = [_fake_condition("glue512."), _fake_condition("glue1024.")]
    joined = Condition(
        (torch.cat([c.flows[0] for c in conditions]),),
        *(torch.cat([getattr(c, f) for c in conditions]) for f in ("segmap", "warped_cloth", "warped_mask")),
    )
    parse, garment = glue.dress_layers(join_batch([first, second]), joined)
    for index, (pair, condition) in enumerate(zip((first, second), conditions, strict=True)):
        alone_parse, alone_garment = glue.dress_layers(pair, condition)
        assert torch.equal(parse.labels7[index], alone_parse.labels7[0])
        assert torch.allclose(garment.cloth[index], alone_garment.cloth[0], atol=1e-5)


def test_the_grid_samples_the_same_place_at_every_resolution() -> None:
    flow = torch.full((1, 128, 96, 2), 3.0)
    coarse, fine = glue.garment_grid(flow, (128, 96)), glue.garment_grid(flow, (4 * 127 + 1, 4 * 95 + 1))
    assert torch.allclose(fine[:, ::4, ::4], coarse, atol=1e-5)


def test_still_garment_where_there_is_no_flow_and_nothing_in_front() -> None:
    size = 128, 96
    inputs = make_inputs("still", *size)
    scores = torch.zeros(1, 13, *size)
    scores[:, 3] = 60
    warped = glue.warp_garment(inputs, torch.zeros(1, 128, 96, 2), scores)
    inside = np.s_[:, :, 4:-4, 4:-4]
    solid = (warped.mask[inside] > 0.999).expand(-1, 3, -1, -1)
    assert bool(solid.any())
    assert float((warped.cloth[inside] - inputs.cloth[inside])[solid].abs().mean()) < 0.05
