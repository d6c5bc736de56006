"""What the networks see of arrays, against the published data loaders' items (`dataset_item/`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.networks import glue_hr_viton, glue_viton_hd
from studio.networks.preprocess import (
    join_batch,
    mask_tensor,
    merge_to_13,
    move_batch,
    parse_tensor,
    photo_tensor,
    picture_u8,
    resize_to_width,
)
from studio.pipeline.agnostic import make_parse_agnostic, paint_hr_viton, paint_viton_hd

from . import golden

Painter = Callable[[golden.U8, golden.U8, golden.F64], golden.U8]

ITEM_OUTPUTS = {
    "hrviton": {"agnostic", "cloth", "cloth_mask", "densepose", "image", "parse_13", "parse_agnostic_13"}
    | {"parse_agnostic_channel_sum_minmax", "parse_onehot_index", "pcm", "pose"},
    "vitonhd": {"agnostic", "cloth", "cloth_mask", "image", "parse_agnostic_13", "pose"},
}


def read(folder: Path, name: str) -> golden.U8:
    with Image.open(folder / f"in_{name}.png") as picture:
        return np.asarray(picture)


def reference(folder: Path) -> golden.Recorded:
    outputs = json.loads((folder / "meta.json").read_text())["outputs"]
    return golden.recorded(folder / "item.npz", outputs)


@pytest.mark.parametrize("network", ["hrviton", "vitonhd"])
def test_golden_dataset_item_photos_and_masks(golden_root: Path, network: str) -> None:
    folder = golden_root / network / "dataset_item"
    item = reference(folder)
    assert set(item.names()) == ITEM_OUTPUTS[network]
    photos = {"cloth": "cloth_b", "image": "image_a", "pose": "openpose_img_a_rendered"}
    if network == "hrviton":
        photos["densepose"] = "image-densepose_a"
    for name, file in photos.items():
        photo = resize_to_width(read(folder, file), 768, nearest=False)
        item.assert_close(name, photo_tensor(photo)[0], largest=1e-6)
    mask = resize_to_width(read(folder, "cloth-mask_b"), 768, nearest=True)
    item.assert_labels("cloth_mask", mask_tensor(mask)[0], fraction=0)


def test_golden_dataset_item_parse(golden_root: Path) -> None:
    folder = golden_root / "hrviton" / "dataset_item"
    item = reference(folder)
    parse, agnostic = read(folder, "image-parse-v3_a"), read(folder, "image-parse-agnostic-v3.2_a")
    item.assert_labels("parse_13", merge_to_13(parse), fraction=0)
    item.assert_labels("parse_agnostic_13", merge_to_13(agnostic), fraction=0)
    planes = parse_tensor(parse)[0]
    item.assert_labels("parse_onehot_index", planes.argmax(0)[None], fraction=0)
    item.assert_labels("pcm", planes[3:4], fraction=0)
    sums = parse_tensor(agnostic)[0].sum(0)
    item.assert_close("parse_agnostic_channel_sum_minmax", torch.stack((sums.min(), sums.max())), largest=0)


def test_golden_dataset_item_through_read_inputs(golden_root: Path) -> None:
    folder = golden_root / "hrviton" / "dataset_item"
    item = reference(folder)
    inputs = glue_hr_viton.read_inputs(
        agnostic=read(folder, "image_a"),
        densepose=read(folder, "image-densepose_a"),
        parse_agnostic=read(folder, "image-parse-agnostic-v3.2_a"),
        garment=read(folder, "cloth_b"),
        garment_mask=read(folder, "cloth-mask_b"),
    )
    assert inputs.size == (1024, 768)
    item.assert_close("cloth", inputs.cloth[0], largest=1e-6)
    item.assert_close("densepose", inputs.densepose[0], largest=1e-6)
    item.assert_labels("cloth_mask", inputs.cloth_mask[0], fraction=0)
    item.assert_labels("parse_agnostic_13", inputs.parse_agnostic[0].argmax(0), fraction=0)


def test_resize_keeps_what_already_fits_and_scales_the_shorter_side() -> None:
    array = np.zeros((40, 30, 3), np.uint8)
    assert resize_to_width(array, 30, nearest=False) is array
    assert resize_to_width(array, 60, nearest=False).shape == (80, 60, 3)
    assert resize_to_width(array.transpose(1, 0, 2)[..., 0], 60, nearest=True).shape == (60, 80)


def test_pictures_are_truncated_and_clamped() -> None:
    values = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 3.0]).view(1, 1, 1, 6).expand(1, 3, 1, 6)
    assert picture_u8(values)[0, 0, :, 0].tolist() == [0, 0, 127, 254, 255, 255]


def test_batches_join_and_move() -> None:
    arrays = {"agnostic": (8, 6, 3), "pose": (8, 6, 3), "garment": (8, 6, 3), "parse_agnostic": (8, 6)}
    rng = np.random.default_rng(0)
    items = [
        glue_viton_hd.read_inputs(
            **{name: rng.integers(0, 20, shape, dtype=np.uint8) for name, shape in arrays.items()},
            garment_mask=rng.integers(0, 256, (8, 6), dtype=np.uint8),
            width=6,
        )
        for _ in range(2)
    ]
    batch = move_batch(join_batch(items), "cpu", torch.float64)
    assert batch.cloth.shape == (2, 3, 8, 6)
    assert batch.pose.dtype == torch.float64
    assert torch.equal(batch.parse_agnostic[1:].float(), items[1].parse_agnostic)


@pytest.mark.parametrize(("network", "paint"), [("hrviton", paint_hr_viton), ("vitonhd", paint_viton_hd)])
def test_golden_dataset_item_agnostic(golden_root: Path, network: str, paint: Painter) -> None:
    folder = golden_root / network / "dataset_item"
    item = reference(folder)
    people = json.loads((folder / "in_keypoints.json").read_text())["people"]
    points = np.array(people[0]["pose_keypoints_2d"]).reshape(-1, 3)[:, :2]
    photo, labels = read(folder, "image_a"), read(folder, "image-parse-v3_a")
    item.assert_close("agnostic", photo_tensor(paint(photo, labels, points))[0], largest=1e-6)
    if network == "vitonhd":  # its loader makes the agnostic parse itself
        agnostic = merge_to_13(make_parse_agnostic(labels, points))
        item.assert_labels("parse_agnostic_13", agnostic, fraction=0)
