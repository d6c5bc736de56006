"""OpenPose networks and keypoint assembly against the outputs of the published conversions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from studio.networks import openpose, openpose_decode
from studio.networks.openpose_decode import BODY25, COCO18, People

from . import golden

TOLERANCE = 1e-5
CASES = ("one", "two", "missing")
FLAT_GAIN = 2**0.5
BODY25_GAIN = 1.35


def load_flat(root: Path, name: str, network: nn.Module) -> None:
    """Fill a network that carries the public file's flat names; these names seed the values."""
    entries = golden.entries(root / "openpose" / f"{name}.checkpoint_keys.json")
    network.load_state_dict(golden.filled_state(entries, gain=FLAT_GAIN), strict=True)
    network.eval()


def prelu_slope(key: str, shape: tuple[int, ...], value: golden.F64) -> golden.F64 | None:
    if len(shape) == 1 and key.endswith(".weight"):
        return np.asarray(0.25 + 0.05 * golden.rng(key).standard_normal(shape))
    return None


def net_input(name: str, height: int, width: int) -> Tensor:
    pixels = golden.image_u8(f"op.{name}", 3, height, width)
    return torch.from_numpy((pixels / 256 - 0.5).astype(np.float32))[None]


def outputs_of(root: Path, name: str) -> golden.Recorded:
    folder = root / "openpose"
    return golden.recorded(folder / f"{name}.npz", golden.meta(folder)["files"][name]["outputs"])


def case_meta(root: Path, tag: str) -> dict[str, Any]:  # Any: parsed JSON
    case: dict[str, Any] = golden.meta(root / "openpose")["files"]["decode"]["cases"][tag]
    return case


@pytest.mark.parametrize(
    ("name", "network"), [("body_coco", openpose.OpenPoseCoco()), ("hand", openpose.OpenPoseHand())]
)
def test_golden_flat_layout_and_fill(golden_root: Path, name: str, network: nn.Module) -> None:
    folder = golden_root / "openpose"
    flat = golden.entries(folder / f"{name}.checkpoint_keys.json")
    assert golden.layout(network) == flat
    with_block = golden.entries(folder / f"{name}.keys.json")
    assert [(key.split(".", 1)[1], shape, dtype) for key, shape, dtype in with_block] == flat
    load_flat(golden_root, name, network)
    prefixed = {key: network.state_dict()[key.split(".", 1)[1]] for key, _, _ in with_block}
    assert golden.wrong_hashes(prefixed, folder / f"{name}.fill_sha256_16.json") == []


def test_golden_coco_maps(golden_root: Path) -> None:
    reference = outputs_of(golden_root, "body_coco")
    network = openpose.OpenPoseCoco()
    load_flat(golden_root, "body_coco", network)
    image = net_input("body_coco", 128, 96)
    with torch.inference_mode():
        trunk = network.trunk(image)
        stages = network.stages(trunk)
        published = network(image)
    outputs = {
        "trunk": trunk,
        "stage1_paf": stages[0].paf,
        "stage1_heatmap": stages[0].heatmap,
        "paf_L1": published.paf,
        "heatmap_L2_before_trailing_relu": stages[-1].heatmap,
        "heatmap_L2_as_original_with_trailing_relu": published.heatmap,
    }
    assert sorted(outputs) == reference.names()
    for name, value in outputs.items():
        reference.assert_close(name, value, largest=TOLERANCE)
    clipped = float((stages[-1].heatmap < 0).double().mean())
    recorded_share = golden.meta(golden_root / "openpose")["files"]["body_coco"]
    assert clipped == pytest.approx(recorded_share["fraction_of_heatmap_values_clipped_by_relu"], abs=1e-3)


def test_golden_hand_maps(golden_root: Path) -> None:
    reference = outputs_of(golden_root, "hand")
    network = openpose.OpenPoseHand()
    load_flat(golden_root, "hand", network)
    with torch.inference_mode():
        reference.assert_close("heatmap_22", network(net_input("hand", 96, 96)), largest=TOLERANCE)
    assert reference.names() == ["heatmap_22"]


def test_golden_body25_maps(golden_root: Path) -> None:
    folder = golden_root / "openpose"
    entries = golden.entries(folder / "body_25.keys.json")
    network = openpose.build_body25({})
    assert golden.layout(network) == entries
    network.load_state_dict(golden.filled_state(entries, gain=BODY25_GAIN, override=prelu_slope), strict=True)
    network.eval()
    assert golden.wrong_hashes(network.state_dict(), folder / "body_25.fill_sha256_16.json") == []
    reference = outputs_of(golden_root, "body_25")
    with torch.inference_mode():
        trunk = network.trunk(net_input("body_25", 128, 96))
        paf = network.paf_stages(trunk)
        heatmap = network.heatmap_stages(trunk, paf[-1])
        whole = network(net_input("body_25", 128, 96))
    outputs = {
        "trunk": trunk,
        "stage0_paf_L2": paf[0],
        "stage0_heatmap_L1": heatmap[0],
        "heatmap_26_L1": whole.heatmap,
        "paf_52_L2": whole.paf,
    }
    assert sorted(outputs) == reference.names()
    for name, value in outputs.items():
        reference.assert_close(name, value, largest=TOLERANCE)


def test_golden_skeletons(golden_root: Path) -> None:
    meta = golden.meta(golden_root / "openpose")
    assert list(COCO18.keypoints) == meta["coco18_keypoints"]
    assert list(BODY25.keypoints) == meta["body25_keypoints"]
    assert [[limb.start + 1, limb.end + 1] for limb in COCO18.limbs] == meta["coco_limbs_1based"]
    assert [[limb.start, limb.end] for limb in BODY25.limbs] == meta["body25_limbs_0based"]
    assert [list(limb.channels) for limb in COCO18.limbs] == meta["coco_paf_channels"]
    assert [list(limb.channels) for limb in BODY25.limbs] == meta["body25_paf_channels"]
    assert [list(reversed(colour)) for colour in openpose_decode.COLOURS] == meta["skeleton_colours_bgr_as_given"]


def photo_of(tag: str, height: int, width: int) -> golden.U8:
    bgr = golden.image_u8(f"op.dec.{tag}", 3, height, width).transpose(1, 2, 0)
    return np.ascontiguousarray(bgr[..., ::-1])


def decode_coco(reference: golden.Recorded, photo: golden.U8) -> People:
    _, padding = openpose_decode.preprocess(photo)
    size = (photo.shape[1], photo.shape[0])
    return openpose_decode.decode(reference.arrays["heatmap_in"], reference.arrays["paf_in"], padding, size, COCO18)


@pytest.mark.parametrize("tag", CASES)
def test_golden_coco_decoding(golden_root: Path, tag: str) -> None:
    case = case_meta(golden_root, tag)
    height, width = case["image_hw"]
    reference = golden.recorded(golden_root / "openpose" / f"decode_{tag}.npz", case["outputs"])
    photo = photo_of(tag, height, width)

    tensor, padding = openpose_decode.preprocess(photo)
    assert [1, *tensor.shape] == reference.arrays["net_input_shape"].tolist()
    reference.assert_close("net_input", tensor[None], largest=1e-6)

    resized = openpose_decode.resize_maps(reference.arrays["heatmap_in"], padding, (width, height))[..., :4]
    reference.assert_close("heatmap_resized_first4", resized.transpose(2, 0, 1), largest=2e-6)
    smoothed = np.stack([openpose_decode.smooth_heatmap(resized[..., k]) for k in range(4)])
    reference.assert_close("heatmap_smoothed_first4", smoothed, largest=2e-6)

    people = decode_coco(reference, photo)
    reference.assert_close("candidate", people.candidates, largest=2e-6)
    reference.assert_close("subset", people.subsets, largest=1e-5)
    boxes = openpose_decode.find_hand_boxes(people, (width, height))
    assert [[box.x, box.y, box.side, box.is_left] for box in boxes] == case["hands"]
    assert set(reference.names()) == {
        "net_input_shape",
        "net_input",
        "heatmap_in",
        "paf_in",
        "heatmap_resized_first4",
        "heatmap_smoothed_first4",
        "candidate",
        "subset",
    }


@pytest.mark.parametrize("tag", CASES)
def test_golden_stick_figure(golden_root: Path, tag: str) -> None:
    from PIL import Image

    case = case_meta(golden_root, tag)
    reference = golden.recorded(golden_root / "openpose" / f"decode_{tag}.npz", case["outputs"])
    photo = photo_of(tag, *case["image_hw"])
    drawn = openpose_decode.draw_people(photo, decode_coco(reference, photo))
    with Image.open(golden_root / "openpose" / f"decode_{tag}_render.png") as render:
        assert np.array_equal(drawn, np.asarray(render.convert("RGB")))


@pytest.mark.parametrize("tag", CASES)
def test_golden_body25_decoding(golden_root: Path, tag: str) -> None:
    case = golden.meta(golden_root / "openpose")["files"]["decode25"][tag]
    height, width = case["image_hw"]
    reference = golden.recorded(golden_root / "openpose" / f"decode25_{tag}.npz", case["outputs"])
    _, padding = openpose_decode.preprocess(np.zeros((height, width, 3), np.uint8))
    people = openpose_decode.decode(
        reference.arrays["heatmap_in"], reference.arrays["paf_in"], padding, (width, height), BODY25
    )
    reference.assert_close("poses", people.keypoints(), largest=2e-6)
    assert reference.names() == ["heatmap_in", "paf_in", "poses"]


def test_empty_maps_hold_nobody() -> None:
    heatmaps = np.zeros((40, 30, COCO18.keypoint_count + 1), np.float32)
    people = openpose_decode.assemble(heatmaps, np.zeros((40, 30, 38), np.float32), COCO18)
    assert people.keypoints().shape == (0, 18, 3)
    canvas = np.full((40, 30, 3), 9, np.uint8)
    assert np.array_equal(openpose_decode.draw_people(canvas, people), canvas)
    assert openpose_decode.find_hand_boxes(people, (30, 40)) == []


def test_coincident_peaks_make_no_body25_limb() -> None:
    field = np.ones((20, 20, 2), np.float32)
    peak = np.array([[5.0, 5.0, 1.0, 0.0]])
    assert openpose_decode.connect_limb(peak, peak, field, 20, BODY25.min_length) == []


def test_plateau_gives_several_peaks_row_by_row() -> None:
    heatmap = np.ones((6, 8), np.float32)
    peaks = openpose_decode.find_peaks(heatmap)
    assert len(peaks) == 48
    assert peaks[:9, :2].tolist() == [*([float(x), 0.0] for x in range(8)), [0.0, 1.0]]


def test_hand_keypoints_lie_at_the_warmest_place() -> None:
    heatmaps = np.zeros((22, 12, 12), np.float32)
    y, x = np.mgrid[:12, :12]
    for number in range(20):
        heatmaps[number] = np.exp(-((x - 3 - number % 6) ** 2 + (y - 5) ** 2) / 4)
    hand = openpose_decode.decode_hand(heatmaps, openpose_decode.Padding(0, 0), (96, 96))
    np.testing.assert_allclose(hand[:20, 0], [8 * (3 + n % 6) + 3.5 for n in range(20)], atol=1.01)
    np.testing.assert_allclose(hand[:20, 1], 43.5, atol=1.01)
    assert (hand[:20, 2] > 0.8).all()
    assert not hand[20].any()
