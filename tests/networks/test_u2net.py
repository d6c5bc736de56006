"""U-2-Net against the outputs of the authors' code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.networks import u2net

from . import golden

VARIANTS = ("u2net", "u2netp")
GAIN = 1.25
TOLERANCE = 1e-5


@cache
def filled(root: Path, variant: str) -> u2net.U2Net:
    """Return the network of the recorded layout with the deterministic weights."""
    entries = golden.entries(root / "u2net" / f"{variant}.keys.json")
    network = u2net.build_u2net({key: shape for key, shape, _ in entries})
    network.load_state_dict(golden.filled_state(entries, gain=GAIN), strict=True)
    return network.eval()


def net_input(height: int, width: int) -> Tensor:
    pixels = golden.image_u8(f"u2.{height}x{width}", 3, height, width) / 255
    mean, std = (np.asarray(v)[:, None, None] for v in (u2net.MEAN, u2net.STD))
    return torch.from_numpy(((pixels - mean) / std).astype(np.float32))[None]


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden_layout_and_fill(golden_root: Path, variant: str) -> None:
    folder = golden_root / "u2net"
    network = filled(golden_root, variant)
    assert golden.layout(network) == golden.entries(folder / f"{variant}.keys.json")
    assert golden.wrong_hashes(network.state_dict(), folder / f"{variant}.fill_sha256_16.json") == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden_saliency(golden_root: Path, variant: str) -> None:
    folder = golden_root / "u2net"
    reference = golden.recorded(folder / f"{variant}.npz", golden.meta(folder)["files"][variant]["outputs"])
    network = filled(golden_root, variant)
    coarsest: list[Tensor] = []
    network.get_submodule("stage6").register_forward_hook(lambda _module, _inputs, output: coarsest.append(output))
    compared = set()
    for height, width in ((96, 64), (75, 101), (320, 320)):
        with torch.inference_mode():
            maps = network(net_input(height, width))
        outputs = {f"d{number}": saliency for number, saliency in enumerate(maps)}
        outputs["stage6"] = coarsest[-1]
        outputs["normPRED_d1"] = u2net.stretch_saliency(maps[0])
        for name, value in outputs.items():
            recorded_as = f"{height}x{width}.{name}"
            if recorded_as in reference.arrays:
                scale = max(1.0, float(np.abs(reference.stored(recorded_as)).max()))
                reference.assert_close(recorded_as, value, largest=TOLERANCE * scale)
                compared.add(recorded_as)
    assert sorted(compared) == reference.names()


def test_golden_preprocessing(golden_root: Path) -> None:
    folder = golden_root / "u2net"
    reference = golden.recorded(folder / "preprocess.npz", golden.meta(folder)["files"]["preprocess"]["outputs"])
    photo = np.ascontiguousarray(golden.image_u8("u2.photo", 3, 150, 90).transpose(1, 2, 0))
    resized = u2net.resize_photo(photo)
    reference.assert_close("rescaled", resized, largest=1e-6)
    reference.assert_close("tensor", u2net.normalise(resized), largest=2e-6)
    assert reference.names() == ["rescaled", "tensor"]
    assert np.array_equal(u2net.preprocess(photo), u2net.normalise(resized))


def test_shrinking_smooths_first() -> None:
    stripes = np.zeros((1280, 640, 3), np.uint8)
    stripes[::2] = 255
    inner = u2net.resize_photo(stripes)[20:-20, 20:-20]
    assert np.abs(inner - 0.5).max() < 0.02


def test_black_photo_and_flat_saliency_stay_finite() -> None:
    tensor = u2net.preprocess(np.zeros((40, 30, 3), np.uint8), size=32)
    assert np.isfinite(tensor).all()
    assert not u2net.stretch_saliency(torch.full((1, 1, 4, 4), 0.3)).any()


def test_mask_has_the_photo_size_and_truncates() -> None:
    mask = u2net.mask_from_saliency(np.full((8, 8), 0.999, np.float32), (30, 20))
    assert mask.shape == (20, 30)
    assert mask.dtype == np.uint8
    assert (mask == 254).all()
