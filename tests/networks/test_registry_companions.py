"""Checkpoints of the companion networks are known by their keys, whatever they are called and prefixed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from studio.networks.loading import load_network, recognise
from studio.networks.registry import NETWORKS, find_network

from . import golden

RECORDED = {
    "schp/schp_lip.keys.json": "schp.lip",
    "schp/schp_atr.keys.json": "schp.atr",
    "schp/schp_pascal.keys.json": "schp.pascal",
    "openpose/body_coco.keys.json": "openpose.coco",
    "openpose/body_coco.checkpoint_keys.json": "openpose.coco",
    "openpose/hand.keys.json": "openpose.hand",
    "openpose/hand.checkpoint_keys.json": "openpose.hand",
    "openpose/body_25.keys.json": "openpose.body25",
    "u2net/u2net.keys.json": "u2net.full",
    "u2net/u2netp.keys.json": "u2net.small",
    "stargan2/generator_64_hpf0.keys.json": "stargan2.generator",
    "stargan2/generator_256_hpf1.keys.json": "stargan2.generator",
    "stargan2/mapping_network_d3.keys.json": "stargan2.mapping",
    "stargan2/style_encoder_64_d2.keys.json": "stargan2.style",
    "stargan2/style_encoder_256_d3.keys.json": "stargan2.style",
    "stargan2/discriminator_64_d2.keys.json": "stargan2.discriminator",
    "stargan2/discriminator_256_d3.keys.json": "stargan2.discriminator",
    "stargan2/fan.keys.json": "fan",
}


@pytest.mark.parametrize("file", RECORDED)
def test_golden_layouts_load_strictly_however_disguised(golden_root: Path, file: str) -> None:
    entries = golden.entries(golden_root / file)
    state = {f"module.{key}": torch.zeros(shape, dtype=getattr(torch, dtype)) for key, shape, dtype in entries}
    assert [found.spec.id for found in recognise(state, source="renamed.bin")] == [RECORDED[file]]
    spec, network = load_network({"epoch": 3, "state_dict": state}, source="renamed.bin")
    assert spec.id == RECORDED[file]
    assert [tuple(value.shape) for value in network.state_dict().values()] == [shape for _, shape, _ in entries]


def test_golden_stargan_checkpoint_holds_several_networks(golden_root: Path) -> None:
    parts = {
        "generator": "generator_64_hpf1",
        "mapping_network": "mapping_network_d2",
        "style_encoder": "style_encoder_64_d2",
    }
    file = {}
    for part, name in parts.items():
        entries = golden.entries(golden_root / "stargan2" / f"{name}.keys.json")
        file[part] = {key: torch.zeros(shape) for key, shape, _ in entries}
    found = {part.part: part.spec.id for part in recognise(file, source="100000_nets_ema.ckpt")}
    assert found == {
        "generator": "stargan2.generator",
        "mapping_network": "stargan2.mapping",
        "style_encoder": "stargan2.style",
    }


def shrink(network: nn.Module) -> nn.Module:
    """Make an R-CNN quick: few small proposals."""
    network.transform.min_size, network.transform.max_size = (64,), 96
    network.rpn._post_nms_top_n = {"training": 8, "testing": 8}
    network.roi_heads.detections_per_img = 4
    return network


def as_published(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Name the layers as the public files do, which torchvision has wrapped since."""
    names = [
        (f"{block}_blocks.{level}.0.", f"{block}_blocks.{level}.") for block in ("inner", "layer") for level in range(4)
    ]
    names.append(("rpn.head.conv.0.0.", "rpn.head.conv."))
    published = {}
    for key, value in state.items():
        for new, old in names:
            key = key.replace(new, old)
        published[key] = value
    return published


@pytest.mark.parametrize("kind", ["keypoint", "mask"])
def test_an_r_cnn_equals_torchvisions_own(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import detection
    from torchvision.models.detection._utils import overwrite_eps
    from torchvision.ops import misc

    make, classes = {
        "keypoint": (detection.keypointrcnn_resnet50_fpn, 2),
        "mask": (detection.maskrcnn_resnet50_fpn, 91),
    }[kind]
    monkeypatch.setattr(torch.nn, "BatchNorm2d", misc.FrozenBatchNorm2d)  # what torchvision does for its own weights
    torch.manual_seed(7)
    theirs = shrink(make(weights=None, weights_backbone=None, num_classes=classes).eval())
    theirs.roi_heads.score_thresh = 0.0
    overwrite_eps(theirs, 0.0)
    monkeypatch.undo()
    published = as_published(theirs.state_dict())
    assert published.keys() != theirs.state_dict().keys()
    spec, ours = load_network(published, source="renamed.pth")
    assert spec.id == f"torchvision.{kind}_rcnn"
    assert load_network(theirs.state_dict(), source="saved_today.pth")[0] is spec
    shrink(ours).roi_heads.score_thresh = 0.0
    picture = torch.rand(3, 96, 64)
    with torch.inference_mode():
        mine, other = ours([picture])[0], theirs([picture])[0]
    assert mine.keys() == other.keys()
    assert len(mine["boxes"]) > 0
    for name in mine:
        torch.testing.assert_close(mine[name], other[name])


def test_ids_are_unique() -> None:
    ids = [spec.id for spec in NETWORKS]
    assert len(set(ids)) == len(ids)
    assert find_network("schp.lip").commercial is False
