"""Self-Correction Human Parsing against the outputs of the authors' code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.networks import schp
from studio.networks.schp import InPlaceNorm, Schp, SchpDataset

from . import golden

TOLERANCE = 1e-5
SIZES = ((97, 97), (129, 97), (473, 473))


@pytest.fixture(scope="module")
def network(golden_root: Path) -> Schp:
    """Return the LIP network with the deterministic weights."""
    entries = golden.entries(golden_root / "schp" / "schp_lip.keys.json")
    built = schp.build_schp({key: shape for key, shape, _ in entries})
    built.load_state_dict(golden.filled_state(entries), strict=True)
    return built.eval()


def net_input(height: int, width: int) -> Tensor:
    pixels = golden.image_u8(f"schp.{height}x{width}", 3, height, width) / 255
    mean, std = (np.asarray(v)[:, None, None] for v in (schp.BGR_MEAN, schp.BGR_STD))
    return torch.from_numpy(((pixels - mean) / std).astype(np.float32))[None]


def fusion(network: Schp, image: Tensor) -> Tensor:
    with torch.inference_mode():
        return network(image).fusion


def recorded(root: Path, height: int, width: int) -> golden.Recorded:
    outputs = golden.meta(root / "schp")["files"][f"lip_{height}x{width}"]["outputs"]
    return golden.recorded(root / "schp" / f"schp_lip_{height}x{width}.npz", outputs)


@pytest.mark.parametrize("dataset", list(SchpDataset))
def test_golden_layout(golden_root: Path, dataset: SchpDataset) -> None:
    entries = golden.entries(golden_root / "schp" / f"schp_{dataset.value}.keys.json")
    with torch.device("meta"):
        assert golden.layout(Schp(schp.CLASS_COUNT[dataset])) == entries
        assert golden.layout(schp.build_schp({key: shape for key, shape, _ in entries})) == entries


def test_golden_fill(golden_root: Path, network: Schp) -> None:
    assert golden.wrong_hashes(network.state_dict(), golden_root / "schp" / "schp_lip.fill_sha256_16.json") == []


def test_golden_labels_and_palettes(golden_root: Path) -> None:
    meta = golden.meta(golden_root / "schp")
    for dataset, name in ((SchpDataset.LIP, "lip20"), (SchpDataset.ATR, "atr18"), (SchpDataset.PASCAL, "pascal7")):
        assert schp.palette(dataset).ravel().tolist() == meta["files"]["palettes"][name]
        assert [label.lower() for label in meta["labels"][dataset.value]] == list(schp.label_names(dataset))
        assert schp.INPUT_SIZE[dataset] == meta["constructor"]["input_size"][dataset.value]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_golden_logits(golden_root: Path, network: Schp, height: int, width: int) -> None:
    reference = recorded(golden_root, height, width)
    with torch.inference_mode():
        output = network(net_input(height, width))
    for name in ("parsing", "fusion", "edge"):
        reference.assert_close(name, getattr(output, name), largest=TOLERANCE)
    whole = schp.crop_geometry((width, height), (width, height))
    labels = schp.labels_from_logits(schp.upsample_logits(output.fusion, whole))
    reference.assert_labels("fusion_upsampled_argmax", labels[None], fraction=0.0)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_golden_logits_with_plain_batch_norm(
    golden_root: Path, network: Schp, monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    monkeypatch.setattr(InPlaceNorm, "scale", lambda self: self.weight)
    plain = fusion(network, net_input(height, width))
    recorded(golden_root, height, width).assert_close("fusion_plain_bn_no_abs", plain, largest=TOLERANCE)


@pytest.mark.parametrize(("height", "width"), SIZES[:2])
def test_golden_logits_with_negative_scales(
    golden_root: Path, network: Schp, monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    reference = recorded(golden_root, height, width)
    norms = [module for module in network.modules() if isinstance(module, InPlaceNorm)]
    assert not schp.has_negative_scales(network)
    try:
        for norm in norms:
            norm.weight.data[::7] *= -1
        assert schp.has_negative_scales(network)
        image = net_input(height, width)
        reference.assert_close("neg_gamma.fusion_abs_semantics", fusion(network, image), largest=TOLERANCE)
        monkeypatch.setattr(InPlaceNorm, "scale", lambda self: self.weight)
        reference.assert_close("neg_gamma.fusion_plain_bn", fusion(network, image), largest=TOLERANCE)
    finally:
        for norm in norms:
            norm.weight.data[::7] *= -1


def test_golden_logits_cover_everything_recorded(golden_root: Path) -> None:
    everywhere = {"parsing", "fusion", "edge", "fusion_upsampled_argmax", "fusion_plain_bn_no_abs"}
    negative = {"neg_gamma.fusion_abs_semantics", "neg_gamma.fusion_plain_bn"}
    for size in SIZES:
        assert set(recorded(golden_root, *size).names()) == everywhere | (negative if size in SIZES[:2] else set())


@pytest.mark.parametrize("side", [473, 512])
def test_golden_crop_and_warp_back(golden_root: Path, side: int) -> None:
    prepost = golden.meta(golden_root / "schp")["files"]["prepost"]
    reference = golden.recorded(golden_root / "schp" / "prepost.npz", prepost["outputs"])
    geometry = schp.crop_geometry((80, 120), (side, side))
    np.testing.assert_allclose(geometry.forward, prepost["geometry"][str(side)]["affine_fwd"], atol=1e-12)
    np.testing.assert_allclose(geometry.inverse, prepost["geometry"][str(side)]["affine_inv"], atol=1e-12)

    rgb = np.ascontiguousarray(golden.image_u8("schp.photo", 3, 120, 80).transpose(1, 2, 0)[..., ::-1])
    reference.assert_close(f"net_input_{side}", schp.preprocess(rgb, geometry), largest=1e-6)

    logits = golden.smooth("schp.logits", 20, side, side).transpose(1, 2, 0).astype(np.float32)
    back = schp.warp_logits_back(logits, geometry)
    reference.assert_close(f"logits_back_{side}", back, largest=1e-5)
    reference.assert_labels(f"argmax_back_{side}", schp.labels_from_logits(back), fraction=1e-3)
    assert np.array_equal(schp.labels_on_photo(logits, geometry), schp.labels_from_logits(back))


def test_crop_of_a_wide_photo_keeps_aspect_and_inverts() -> None:
    geometry = schp.crop_geometry((300, 100), (64, 128))
    linear = geometry.forward[:, :2]
    assert linear[0, 0] == linear[1, 1]
    corners = np.array([[0.0, 299.0], [0.0, 99.0], [1.0, 1.0]])
    there = geometry.forward @ corners
    np.testing.assert_allclose(there[0], [0.0, 63.0], atol=1e-9)
    back = geometry.inverse @ np.vstack([there, np.ones(2)])
    np.testing.assert_allclose(back, corners[:2], atol=1e-9)
