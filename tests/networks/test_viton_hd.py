"""VITON-HD's networks against the outputs of the authors' code (`../shared/golden/vitonhd`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.networks.spade import MaskNorm
from studio.networks.viton_hd import (
    AliasGenerator,
    GeometricMatching,
    SegmentationGenerator,
    correlate,
    spline_grid,
    spline_inverse,
)

from . import golden
from .tryon_fakes import filled, noise_scales, pictures, recorded_noise

SIZE = 256, 128
TOLERANCE = 1e-4
# Instance norm over maps of 2x1 to 8x4 pixels amplifies rounding (golden README, section 5).
PICTURE_MAX, PICTURE_MEAN = 2e-2, 1e-4


@pytest.fixture(scope="module")
def folder(golden_root: Path) -> Path:
    return golden_root / "vitonhd"


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = golden.meta(folder)["files"]
    return parsed


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def parse() -> torch.Tensor:
    return golden.onehot(golden.labels_u8("alias.parse7", 7, *SIZE), 7)


@pytest.fixture(scope="module")
def misalign(parse: torch.Tensor) -> torch.Tensor:
    where = golden.smooth("alias.misalign", 1, *SIZE) > 0.3
    soft = 1 / (1 + np.exp(-2 * golden.smooth("alias.misalign_soft", 1, *SIZE)))
    return torch.from_numpy(where * soft)[None].float() * parse[:, 2:3]


@pytest.fixture(scope="module")
def matching(folder: Path) -> GeometricMatching:
    return filled(GeometricMatching, folder, "gmm", gain=2**0.5)


def paint(
    generator: AliasGenerator, parse: torch.Tensor, misalign: torch.Tensor, noise: list[torch.Tensor] | None = None
) -> torch.Tensor:
    divided = torch.cat((parse, misalign), 1)
    divided[:, 2:3] -= misalign
    x = pictures("alias", ("agnostic", "pose", "warped_cloth"), *SIZE)
    picture: torch.Tensor = generator(x, parse, divided, misalign, noise)
    return picture


def test_golden_segmentation_generator(folder: Path, files: dict[str, Any]) -> None:
    reference = golden.recorded(folder / "seg.npz", files["seg"]["outputs"])
    generator = filled(SegmentationGenerator, folder, "seg")
    noise = (golden.rng("seg.noise").random((1, 1, 256, 192)) < 0.16).astype(np.float32)
    parts = (
        golden.mask("seg.cm", 256, 192),
        golden.img("seg.c_masked", 3, 256, 192),
        golden.onehot(golden.labels_u8("seg.parse_agnostic", 13, 256, 192), 13),
        golden.img("seg.pose", 3, 256, 192),
        torch.from_numpy(noise),
    )
    scores = generator(torch.cat(parts, 1))
    reference.assert_close("out_sigmoid", scores, largest=TOLERANCE)
    reference.assert_labels("argmax", scores.argmax(1), fraction=1e-3)
    assert reference.names() == ["argmax", "out_sigmoid"]
    assert sum(p.numel() for p in generator.parameters()) == files["seg"]["params"]


def test_golden_geometric_matching(folder: Path, files: dict[str, Any], matching: GeometricMatching) -> None:
    reference = golden.recorded(folder / "gmm.npz", files["gmm"]["outputs"])
    person = torch.cat((golden.mask("gmm.parse_cloth", 256, 192), pictures("gmm", ("pose", "agnostic"), 256, 192)), 1)
    garment = golden.img("gmm.cloth", 3, 256, 192)
    features = matching.extractionA(person), matching.extractionB(garment)
    match = matching(person, garment)
    outputs = {
        "featureA": features[0],
        "featureB": features[1],
        "correlation": correlate(*features),
        "theta": match.theta,
        "warped_grid": match.grid,
    }
    for name, output in outputs.items():
        reference.assert_close(name, output, largest=TOLERANCE)
    spline = {"tps_Li", "tps_synthetic_grid", "tps_synthetic_theta", "tps_zero_theta_grid"}
    assert sorted(spline | set(outputs)) == reference.names()
    assert sum(p.numel() for p in matching.parameters()) == files["gmm"]["params"]


def test_golden_thin_plate_spline(folder: Path, files: dict[str, Any]) -> None:
    reference = golden.recorded(folder / "gmm.npz", files["gmm"]["outputs"])
    theta = torch.from_numpy(0.15 * golden.smooth("gmm.theta", 1, 5, 10).reshape(1, 50)).float()
    reference.assert_close("tps_synthetic_theta", theta, largest=1e-7)
    reference.assert_close("tps_Li", spline_inverse(5, torch.float32)[None], largest=TOLERANCE)
    reference.assert_close("tps_synthetic_grid", spline_grid(theta, (1024, 768)), largest=2e-5)
    reference.assert_close("tps_zero_theta_grid", spline_grid(theta * 0, (1024, 768)), largest=2e-5)


@pytest.mark.timeout(900)  # full size, half a minute of a quiet processor
def test_golden_alias_generator(
    folder: Path, files: dict[str, Any], alias_generator: AliasGenerator, parse: torch.Tensor, misalign: torch.Tensor
) -> None:
    reference = golden.recorded(folder / "alias.npz", files["alias"]["outputs"])
    reference.assert_close("misalign_mask", misalign, largest=TOLERANCE)
    regions = {
        "output": misalign,
        "output_binary_misalign": (misalign > 0).float(),
        "output_empty_misalign": torch.zeros_like(misalign),
    }
    for name, region in regions.items():
        picture = paint(alias_generator, parse, region)
        reference.assert_close(name, picture, largest=PICTURE_MAX, mean=PICTURE_MEAN * 3)
    others = {"misalign_mask", "masknorm", "masknorm_mask", "output_noise_variant"}
    assert sorted(others | set(regions)) == reference.names()
    assert sum(p.numel() for p in alias_generator.parameters()) == files["alias"]["params"]


def test_golden_alias_generator_noise_variant(
    folder: Path, files: dict[str, Any], alias_generator: AliasGenerator, parse: torch.Tensor, misalign: torch.Tensor
) -> None:
    shapes = files["alias"]["randn_call_shapes_in_order"]
    assert [[1, w, h, 1] for h, w in alias_generator.noise_shapes(*SIZE)] == shapes
    reference = golden.recorded(folder / "alias.npz", files["alias"]["outputs"])
    with noise_scales(alias_generator, 0.1):
        picture = paint(alias_generator, parse, misalign, recorded_noise(alias_generator, *SIZE))
    reference.assert_close("output_noise_variant", picture, largest=PICTURE_MAX, mean=PICTURE_MEAN * 3)


def test_golden_mask_norm(folder: Path, files: dict[str, Any]) -> None:
    reference = golden.recorded(folder / "alias.npz", files["alias"]["outputs"])
    region = torch.from_numpy(reference.arrays["masknorm_mask"].copy())
    assert not region[1].any()
    output = MaskNorm()(golden.normal("masknorm.x", (2, 8, 16, 12)), region)
    reference.assert_close("masknorm", output, largest=TOLERANCE)


def test_spline_is_the_same_at_every_resolution() -> None:
    theta = torch.linspace(-0.1, 0.1, 50, dtype=torch.float64)[None]
    fine, coarse = spline_grid(theta, (129, 97)), spline_grid(theta, (65, 49))
    assert torch.allclose(fine[:, ::2, ::2], coarse, atol=1e-12)


def test_mask_norm_needs_its_region() -> None:
    with pytest.raises(ValueError, match="region"):
        MaskNorm()(torch.zeros(1, 2, 4, 4), None)
