"""Artefacts survive their container bit for bit; damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.artefacts import (
    COCO18,
    EXTRA_POINTS,
    Artefact,
    Category,
    Confidence,
    Cutout,
    Garment,
    GarmentMesh,
    Look,
    Neckline,
    ParseMap,
    Photo,
    Pose,
    SleeveLength,
)
from studio.domain.errors import StorageError
from studio.domain.geometry import Framing
from studio.domain.keys import ArtefactKey, ArtefactRecord, Note
from studio.pipeline.codec import dump_artefact, load_artefact, load_record

RECORD = ArtefactRecord(ArtefactKey("x", "00"), "fake", 1, {"a": 1}, {}, fallbacks=(Note("n", {"v": "1"}),))


def _picture(height: int = 90, width: int = 70, dtype: type[np.generic] = np.uint8) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(3).integers(0, top, (height, width, 3)).astype(dtype)


def _look() -> Look:
    pixels = _picture()
    foreground = pixels.copy()
    foreground[:5] = 7
    alpha = np.linspace(0, 1, 90 * 70, dtype=np.float32).reshape(90, 70)
    mask = np.zeros((90, 70), np.uint8)
    return Look(pixels, mask, mask.copy(), Cutout(alpha, foreground), Confidence(0.5, (Note("why", {"a": "b"}),)))


def _garment() -> Garment:
    column = np.zeros(3, np.float32)
    mesh = GarmentMesh(
        np.eye(3, 2, dtype=np.float32),
        np.array([[0, 1, 2]], np.uint16),
        np.zeros(3, np.uint8),
        column,
        column.copy(),
        column.copy(),
        ("torso",),
    )
    marks = {"hem_left": (1.5, 2.5)}
    return Garment(Category.TOP, SleeveLength.LONG, Neckline.V, marks, mesh, (70, 90), 0.5, (Note("n"),))


def _pose() -> Pose:
    return Pose(np.ones((len(COCO18), 3), np.float32), np.zeros((len(EXTRA_POINTS), 3), np.float32), (70, 90))


ARTEFACTS: list[Artefact] = [
    Photo(_picture(), "aa", "one.jpg", b"exif", b"icc"),
    Photo(_picture(dtype=np.uint16), "bb"),
    ParseMap(np.random.default_rng(1).integers(0, 20, (90, 70)).astype(np.uint8)),
    Framing(np.array([[0.5, 0, 1 / 3], [0, 0.5, 2]]), (70, 90), (1, 2, 3)),
    _pose(),
    _garment(),
    _look(),
]


def _assert_same(first: object, second: object) -> None:
    assert type(first) is type(second)
    for name in first.__slots__:  # type: ignore[attr-defined]  # artefacts are slotted dataclasses
        one, two = getattr(first, name), getattr(second, name)
        if isinstance(one, np.ndarray):
            assert one.dtype == two.dtype
            np.testing.assert_array_equal(one, two)
            assert not two.flags.writeable
        elif hasattr(one, "__slots__") and not isinstance(one, tuple | str | bytes) and hasattr(type(one), "__eq__"):
            _assert_same(one, two)
        else:
            assert one == two, name


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=lambda artefact: type(artefact).__name__)
def test_artefact_comes_back_bit_for_bit(artefact: Artefact) -> None:
    data = dump_artefact(artefact, RECORD)
    _assert_same(load_artefact(data), artefact)
    assert load_record(data) == RECORD
    assert dump_artefact(artefact, RECORD) == data


def test_a_look_stores_its_repeated_picture_once() -> None:
    look = _look()
    alone = Look(look.pixels, look.edit_mask, look.garment_mask, Cutout(look.cutout.alpha, look.pixels), Confidence(1))
    picture = len(dump_artefact(Photo(look.pixels, ""), RECORD))
    assert len(dump_artefact(alone, RECORD)) < 1.5 * picture + look.cutout.alpha.nbytes


@pytest.mark.parametrize("cut", [3, 20, -1], ids=["magic", "header", "blob"])
def test_truncated_container_is_noticed(cut: int) -> None:
    with pytest.raises(StorageError):
        load_artefact(dump_artefact(_look(), RECORD)[:cut])


def test_strangers_bytes_are_refused() -> None:
    with pytest.raises(StorageError):
        load_artefact(b"PK\x03\x04 not one of ours")
