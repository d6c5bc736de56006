"""Recognising checkpoints by their keys and saying what is off in them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from studio.domain.errors import CheckpointError
from studio.networks.blocks import SpectralConv2d
from studio.networks.hr_viton import ConditionGenerator, ImageGenerator
from studio.networks.hr_viton_discriminators import ConditionDiscriminator, ImageDiscriminator
from studio.networks.loading import State, load_network, recognise, without_prefix
from studio.networks.registry import NETWORKS, find_network
from studio.networks.viton_hd import AliasGenerator, GeometricMatching, SegmentationGenerator

SMALL: dict[str, Callable[[], nn.Module]] = {
    "hr_viton.condition": lambda: ConditionGenerator(width=4),
    "hr_viton.generator": lambda: ImageGenerator(width=2),
    "hr_viton.condition_discriminator": lambda: ConditionDiscriminator(width=4),
    "hr_viton.generator_discriminator": lambda: ImageDiscriminator(width=4),
    "viton_hd.segmentation": lambda: SegmentationGenerator(width=4),
    "viton_hd.matching": lambda: GeometricMatching(),
    "viton_hd.generator": lambda: AliasGenerator(width=2),
}
MESSAGES = Path(__file__).resolve().parents[2] / "resources" / "messages" / "networks.toml"


def state_of(network: str) -> State:
    torch.manual_seed(0)
    return dict(SMALL[network]().state_dict())


def sentence(error: CheckpointError) -> str:
    entry = tomllib.loads(MESSAGES.read_text())[error.key]
    assert entry["ko"].format(**error.values)
    return str(entry["en"].format(**error.values))


@pytest.mark.parametrize("network", SMALL)
def test_recognised_by_keys_and_loaded_unchanged(network: str) -> None:
    state = state_of(network)
    spec, module = load_network({"epoch": 3, "state_dict": state}, source="renamed.bin")
    assert spec.id == network
    assert list(module.state_dict()) == list(state)
    assert all(torch.equal(module.state_dict()[key], value) for key, value in state.items())
    assert not module.training


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: spec.id)
def test_every_builder_can_be_found(spec: object) -> None:
    assert callable(spec.load_builder())  # type: ignore[attr-defined]


def test_parallel_prefix_and_published_renames_are_undone() -> None:
    state = state_of("hr_viton.generator")
    disguised = {
        "module." + key.replace("norm_0.conv_shared", "norm_0.Spade.conv_shared"): v for key, v in state.items()
    }
    spec, module = load_network(disguised, source="gen.pth")
    assert spec.id == "hr_viton.generator"
    assert list(module.state_dict()) == list(state)


def test_prefix_stays_when_only_some_keys_have_it() -> None:
    state: dict[str, Tensor] = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert set(without_prefix(state)) == {"module.a", "b"}


def test_several_networks_in_one_file() -> None:
    both = {"tocg": state_of("hr_viton.condition"), "gen": state_of("hr_viton.generator"), "step": 4}
    assert [(r.part, r.spec.id) for r in recognise(both, source="all.pth")] == [
        ("tocg", "hr_viton.condition"),
        ("gen", "hr_viton.generator"),
    ]
    spec, _ = load_network(both, source="all.pth", network="hr_viton.generator")
    assert spec.id == "hr_viton.generator"
    with pytest.raises(CheckpointError) as caught:
        load_network(both, source="all.pth")
    assert "several networks" in sentence(caught.value)


@pytest.mark.parametrize("network", SMALL)
def test_any_missing_key_is_named(network: str) -> None:
    state = state_of(network)
    keys = [key for key in state if not key.endswith("num_batches_tracked")]
    for key in (keys[0], keys[len(keys) // 2], keys[-1]):
        broken = {k: v for k, v in state.items() if k != key}
        with pytest.raises(CheckpointError) as caught:
            load_network(broken, source="cut.pth")
        assert caught.value.key == "checkpoint.key_missing"
        assert caught.value.values["entry"] == key
        assert "cut.pth" in sentence(caught.value)


@pytest.mark.parametrize("network", SMALL)
def test_any_wrong_size_is_named(network: str) -> None:
    state = state_of(network)
    for key in ([k for k, v in state.items() if v.ndim][i] for i in (1, -1)):
        broken = {**state, key: torch.cat((state[key], state[key]))}
        with pytest.raises(CheckpointError) as caught:
            load_network(broken, source="odd.pth")
        assert caught.value.key == "checkpoint.shape"
        assert caught.value.values["entry"] == key
        assert caught.value.values["got"] == "x".join(map(str, broken[key].shape))
        assert "odd.pth" in sentence(caught.value)


def test_extra_key_is_named() -> None:
    state = {**state_of("viton_hd.segmentation"), "conv12.weight": torch.zeros(1)}
    with pytest.raises(CheckpointError) as caught:
        load_network(state, source="seg.pth")
    assert caught.value.key == "checkpoint.key_unknown"
    assert "conv12.weight" in sentence(caught.value)


def test_strangers_are_refused() -> None:
    with pytest.raises(CheckpointError) as caught:
        load_network({"fc.weight": torch.zeros(2, 2)}, source="x.pth")
    assert "x.pth" in sentence(caught.value)
    with pytest.raises(CheckpointError) as caught:
        load_network([1, 2], source="y.pth")
    assert caught.value.key == "checkpoint.no_weights"


def test_another_network_than_asked_for_is_refused() -> None:
    with pytest.raises(CheckpointError) as caught:
        load_network(state_of("hr_viton.condition"), source="mtviton.pth", network="hr_viton.generator")
    assert "hr_viton.condition" in sentence(caught.value)


def test_batch_norm_counters_of_old_files_may_be_missing() -> None:
    state = {k: v for k, v in state_of("hr_viton.condition").items() if not k.endswith("num_batches_tracked")}
    _, module = load_network(state, source="old.pth")
    assert not module.state_dict()["conv.block.1.num_batches_tracked"]


def test_half_precision_files_are_widened() -> None:
    state = {k: v.half() if v.is_floating_point() else v for k, v in state_of("viton_hd.segmentation").items()}
    _, module = load_network(state, source="half.pth")
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_spectral_convolution_is_the_plain_one_it_gives() -> None:
    torch.manual_seed(1)
    conv = SpectralConv2d(3, 5, 3, padding=1).eval()
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(conv(x), conv.plain()(x), atol=1e-6)


def test_spectral_convolution_learns_its_largest_singular_value() -> None:
    torch.manual_seed(1)
    conv = SpectralConv2d(3, 5, 3, padding=1).train()
    for _ in range(60):
        conv.normalised_weight()
    largest = torch.linalg.matrix_norm(conv.eval().normalised_weight().flatten(1), ord=2)
    assert abs(float(largest.detach()) - 1) < 1e-3


def test_licences_are_stated() -> None:
    for spec in NETWORKS:
        assert spec.licence and spec.paper
    assert not find_network("hr_viton.generator").commercial
