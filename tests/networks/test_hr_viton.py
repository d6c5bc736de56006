"""HR-VITON's networks against the outputs of the authors' code (`../shared/golden/hrviton`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.networks.blocks import draw_noise
from studio.networks.glue_hr_viton import compose, discriminator_input
from studio.networks.hr_viton import Condition, ConditionGenerator, ImageGenerator
from studio.networks.hr_viton_discriminators import (
    ConditionDiscriminator,
    ImageDiscriminator,
    build_condition_discriminator,
    discriminator_logit,
    rejection_score,
)

from . import golden
from .tryon_fakes import filled, noise_scales, pictures, recorded_noise

SIZE = 256, 128
TOLERANCE = 1e-4
# Instance norm over maps of 2x1 to 8x4 pixels amplifies rounding (golden README, section 5).
PICTURE_MAX, PICTURE_MEAN = 2e-2, 1e-4
BLOCK_TOLERANCE = 2e-2


@pytest.fixture(scope="module")
def folder(golden_root: Path) -> Path:
    return golden_root / "hrviton"


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = golden.meta(folder)["files"]
    return parsed


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def condition_input(golden_root: Path) -> tuple[torch.Tensor, torch.Tensor]:
    cloth = torch.cat((golden.img("tocg.cloth", 3, 256, 192), golden.mask("tocg.cloth_mask", 256, 192)), 1)
    parse = golden.onehot(golden.labels_u8("tocg.parse_agnostic", 13, 256, 192), 13)
    return cloth, torch.cat((parse, golden.img("tocg.densepose", 3, 256, 192)), 1)


@pytest.fixture(scope="module")
def condition(condition_generator: ConditionGenerator, condition_input: tuple[torch.Tensor, torch.Tensor]) -> Condition:
    with torch.inference_mode():
        result: Condition = condition_generator(*condition_input)
    return result


@pytest.fixture(scope="module")
def generator_input() -> tuple[torch.Tensor, torch.Tensor]:
    parse = golden.onehot(golden.labels_u8("gen.parse7", 7, *SIZE), 7)
    return pictures("gen", ("agnostic", "densepose", "warped_cloth"), *SIZE), parse


def test_golden_condition_generator(folder: Path, files: dict[str, Any], condition: Condition) -> None:
    reference = golden.recorded(folder / "tocg.npz", files["tocg"]["outputs"])
    outputs = {f"flow_{level}": flow for level, flow in enumerate(condition.flows)}
    outputs |= {"segmap_raw": condition.segmap, "warped_cloth": condition.warped_cloth}
    for name, output in outputs.items():
        reference.assert_close(name, output, largest=TOLERANCE)
    # recorded in float16, so only to its step near 1
    reference.assert_close("warped_clothmask", condition.warped_mask, largest=2**-11 + TOLERANCE)
    reference.assert_labels("segmap_raw_argmax", condition.segmap.argmax(1), fraction=1e-4)
    assert sorted([*outputs, "warped_clothmask", "segmap_raw_argmax"]) == reference.names()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("default", {}),
        ("spectral", {"spectral": True}),
        ("nodown", {"dropout": False, "halve": False}),
    ],
)
def test_golden_condition_discriminator_and_rejection(
    folder: Path,
    files: dict[str, Any],
    condition: Condition,
    condition_input: tuple[torch.Tensor, torch.Tensor],
    name: str,
    options: dict[str, bool],
) -> None:
    reference = golden.recorded(folder / "tocg_D.npz", files["tocg_D"]["outputs"])
    judge = filled(partial(ConditionDiscriminator, **options), folder, f"tocg_D_{name}")
    judged = discriminator_input(*condition_input, compose(condition))
    reference.assert_close("D_input_softmax", judged[:, 20:], largest=TOLERANCE)
    maps = judge(judged)
    logit = discriminator_logit(maps)
    outputs = {"scale0": maps[0], "scale1": maps[1], "D_logit": logit, "odds": rejection_score(logit)}
    for output, value in outputs.items():
        reference.assert_close(f"{name}.{output}", value, largest=TOLERANCE)
    assert {f"{name}.{output}" for output in outputs} == {n for n in reference.names() if n.startswith(name)}


@pytest.mark.parametrize("name", ["default", "spectral", "nodown"])
def test_golden_condition_discriminator_variant_is_read_off_the_keys(folder: Path, name: str) -> None:
    keys = golden.entries(folder / f"tocg_D_{name}.keys.json")
    judge = build_condition_discriminator({key: shape for key, shape, _ in keys})
    assert golden.layout(judge) == keys


def test_golden_image_generator_and_blocks(
    folder: Path,
    files: dict[str, Any],
    image_generator: ImageGenerator,
    generator_input: tuple[torch.Tensor, torch.Tensor],
) -> None:
    reference = golden.recorded(folder / "gen.npz", files["gen"]["outputs"])
    seen: dict[str, torch.Tensor] = {}
    hooks = [
        image_generator.get_submodule(name).register_forward_hook(
            lambda module, args, output, name=name: seen.__setitem__(f"block.{name}", output)
        )
        for name in image_generator.BLOCKS
    ]
    picture = image_generator(*generator_input)
    for hook in hooks:
        hook.remove()
    for name, output in seen.items():
        reference.assert_close(name, output, largest=BLOCK_TOLERANCE, mean=PICTURE_MEAN * 5)
    reference.assert_close("output", picture, largest=PICTURE_MAX, mean=PICTURE_MEAN)
    assert sorted([*seen, "output", "output_noise_variant"]) == reference.names()
    _judge_picture(folder, files, torch.cat((generator_input[1], picture), 1))


def _judge_picture(folder: Path, files: dict[str, Any], judged: torch.Tensor) -> None:
    reference = golden.recorded(folder / "gen_D.npz", files["gen_D"]["outputs"])
    scales = filled(ImageDiscriminator, folder, "gen_D")(judged)
    outputs = {f"scale{s}.layer{i}": layer for s, layers in enumerate(scales) for i, layer in enumerate(layers)}
    for name, output in outputs.items():
        reference.assert_close(name, output, largest=5e-3, mean=1e-4)
    assert sorted(outputs) == reference.names()


def test_golden_image_generator_noise_variant(
    folder: Path,
    files: dict[str, Any],
    image_generator: ImageGenerator,
    generator_input: tuple[torch.Tensor, torch.Tensor],
) -> None:
    shapes = files["gen"]["randn_call_shapes_in_order"]
    assert [[1, w, h, 1] for h, w in image_generator.noise_shapes(*SIZE)] == shapes
    reference = golden.recorded(folder / "gen.npz", files["gen"]["outputs"])
    assert not image_generator.uses_noise()
    with noise_scales(image_generator, 0.1):
        assert image_generator.uses_noise()
        picture = image_generator(*generator_input, recorded_noise(image_generator, *SIZE))
    reference.assert_close("output_noise_variant", picture, largest=PICTURE_MAX, mean=PICTURE_MEAN)


def test_golden_parameter_counts(files: dict[str, Any]) -> None:
    def count(module: torch.nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    with torch.device("meta"):
        assert count(ConditionGenerator()) == files["tocg"]["params"]
        assert count(ImageGenerator()) == files["gen"]["params"]
        assert count(ImageDiscriminator()) == files["gen_D"]["params"]
        assert count(ConditionDiscriminator()) == files["tocg_D"]["default"]["params"]


def test_batch_gives_what_its_samples_give() -> None:
    torch.manual_seed(0)
    generator = ImageGenerator(width=4).eval()
    for key, parameter in generator.named_parameters():
        if key.endswith("noise_scale"):
            parameter.data.fill_(0.1)
    x, parse = torch.randn(2, 9, *SIZE), torch.rand(2, 7, *SIZE)
    shapes = generator.noise_shapes(*SIZE)
    together = generator(x, parse, draw_noise(shapes, [3, 4]))
    for index, seed in enumerate((3, 4)):
        alone = generator(x[index : index + 1], parse[index : index + 1], draw_noise(shapes, [seed]))
        assert float((together[index] - alone[0]).abs().mean()) < 1e-5


def test_generator_refuses_sides_that_are_not_multiples_of_128() -> None:
    generator = ImageGenerator(width=4)
    with pytest.raises(ValueError, match="multiples of 128"):
        generator(torch.zeros(1, 9, 200, 128), torch.zeros(1, 7, 200, 128))


def test_rejection_prefers_the_more_plausible() -> None:
    scores = rejection_score(torch.tensor([0.1, 0.5, 0.9]), norm_constant=9.0)
    assert torch.allclose(scores, torch.tensor([1 / 81, 1 / 9, 1.0]))
