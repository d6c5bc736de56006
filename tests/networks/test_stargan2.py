"""StarGAN v2 and its face alignment network against the outputs of the authors' code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from studio.networks import fan, stargan2

from . import golden

Shapes = Mapping[str, tuple[int, ...]]
TOLERANCE = 1e-4
"""Of numbers up to 5; rounding alone was seen to make 2.3e-5."""

ENCODER_GAIN = 2**0.5
GENERATORS = [(64, 0), (64, 1), (256, 0), (256, 1)]


def filled(
    root: Path, name: str, build: Callable[[Shapes], nn.Module], gain: float, kept: tuple[str, ...] = ()
) -> nn.Module:
    """Build by the recorded shapes, check the layout, fill, check the fill; `kept` buffers stay as constructed."""
    folder = root / "stargan2"
    entries = golden.entries(folder / f"{name}.keys.json")
    network = build({key: shape for key, shape, _ in entries})
    assert golden.layout(network) == entries
    state = golden.filled_state(entries, gain=gain)
    state.update({key: network.state_dict()[key] for key in kept if key in state})
    network.load_state_dict(state, strict=True)
    assert golden.wrong_hashes(network.state_dict(), folder / f"{name}.fill_sha256_16.json") == []
    return network.eval()


def recorded(root: Path, name: str) -> golden.Recorded:
    folder = root / "stargan2"
    return golden.recorded(folder / f"{name}.npz", golden.meta(folder)["files"][name]["outputs"])


def pictures(size: int) -> Tensor:
    return torch.cat([golden.img(f"sg.x{size}", 3, size, size), golden.img(f"sg.x2_{size}", 3, size, size)])


def masks(size: int) -> tuple[Tensor, Tensor]:
    made = []
    for number in (0, 1):
        values = np.clip(0.5 + golden.smooth(f"sg.mask{number}_{size}", 1, 256, 256), 0, 1)
        made.append(torch.from_numpy(values.astype(np.float32))[None].expand(2, -1, -1, -1))
    return made[0], made[1]


@pytest.mark.parametrize(("size", "w_hpf"), GENERATORS)
def test_golden_generator(golden_root: Path, size: int, w_hpf: int) -> None:
    name = f"generator_{size}_hpf{w_hpf}"
    network = filled(golden_root, name, stargan2.build_generator, 1.0, kept=("hpf.filter",))
    reference = recorded(golden_root, name)
    style = golden.normal("sg.s", (2, 64))
    with torch.inference_mode():
        reference.assert_close("out_no_masks", network(pictures(size), style), largest=TOLERANCE)
        if w_hpf:
            reference.assert_close("out_masks", network(pictures(size), style, masks(size)), largest=TOLERANCE)
    assert reference.names() == (["out_masks", "out_no_masks"] if w_hpf else ["out_no_masks"])


@pytest.mark.parametrize(("size", "domains"), [(64, 2), (256, 2), (256, 3)])
def test_golden_encoders(golden_root: Path, size: int, domains: int) -> None:
    group = f"encoders_{size}_d{domains}"
    reference = recorded(golden_root, group)
    domain = torch.tensor(golden.meta(golden_root / "stargan2")["files"][group]["y"])
    builders: dict[str, tuple[Callable[[Shapes], nn.Module], Tensor]] = {
        f"style_encoder_{size}_d{domains}": (stargan2.build_style_encoder, pictures(size)),
        f"discriminator_{size}_d{domains}": (stargan2.build_discriminator, pictures(size)),
    }
    if size == 256:
        latent = golden.normal("sg.z", (2, 16))
        builders[f"mapping_network_d{domains}"] = (stargan2.build_mapping_network, latent)
    assert sorted(builders) == reference.names()
    for name, (build, source) in builders.items():
        network = filled(golden_root, name, build, ENCODER_GAIN)
        with torch.inference_mode():
            reference.assert_close(name, network(source, domain), largest=1e-5)


def test_golden_face_alignment(golden_root: Path) -> None:
    network = filled(golden_root, "fan", fan.build_fan, 1.0)
    assert isinstance(network, fan.FaceAlignment)
    reference = recorded(golden_root, "fan")
    picture = golden.img("sg.x256", 3, 256, 256)
    with torch.inference_mode():
        coarse, fine = fan.face_masks(network, picture)
        reference.assert_close("heatmap98", network(picture), largest=TOLERANCE)
        reference.assert_close("get_heatmap_raw", fan.landmark_heatmaps(network, picture), largest=TOLERANCE)
    reference.assert_close("mask0", coarse, largest=1e-6)
    reference.assert_close("mask1", fine, largest=1e-6)
    assert reference.names() == ["get_heatmap_raw", "heatmap98", "mask0", "mask1"]


def synthetic_heatmaps(landmarks: golden.F64) -> Tensor:
    """Return 98 Gaussians of peak 1 and deviation 6 at 256 x 256."""
    y, x = np.mgrid[:256, :256]
    squared = (x - landmarks[:, 0, None, None]) ** 2 + (y - landmarks[:, 1, None, None]) ** 2
    return torch.from_numpy(np.exp(-squared / (2 * 6**2)).astype(np.float32))[None]


def test_golden_masks_of_face_parts(golden_root: Path) -> None:
    reference = recorded(golden_root, "fan_preprocess")
    landmarks = 40 + 176 * golden.rng("fan.lm").random((98, 2))
    reference.assert_close("landmarks_xy", landmarks, largest=1e-4)
    coarse, fine = fan.masks_from_heatmaps(synthetic_heatmaps(landmarks))
    reference.assert_close("mask0", coarse, largest=1e-5)
    reference.assert_close("mask1", fine, largest=1e-5)
    assert reference.names() == ["landmarks_xy", "mask0", "mask1"]


def test_fine_mask_leaves_the_mouth_out() -> None:
    landmarks = np.full((98, 2), 20.0)
    landmarks[88:96] = (120.0, 180.0)
    coarse, fine = fan.masks_from_heatmaps(synthetic_heatmaps(landmarks))
    assert coarse[0, 0, 182, 120] > 0.9
    assert fine[0, 0, 182, 120] == 0.0


def test_domains_are_picked_per_item() -> None:
    network = stargan2.MappingNetwork(latent_dim=4, style_dim=3, domains=3).eval()
    latent = torch.ones(2, 4)
    with torch.inference_mode():
        mixed = network(latent, torch.tensor([2, 0]))
        second = network(latent, torch.tensor([2, 2]))
    assert torch.equal(mixed[0], second[0])
    assert not torch.equal(mixed[1], second[1])
