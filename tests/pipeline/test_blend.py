"""Native blend: what the patch says changes, everything else stays to the byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studio.domain.artefacts import Confidence, Cutout, NativePatch, ParseMap, Photo, TryOn
from studio.pipeline.blend import NATIVE_BLEND, blend_look
from studio.pipeline.residue import Residue
from studio.pipeline.stage import Inputs, NoParams
from tests.pipeline.tryon_figures import TEE, context, dressed_garment


def _tryon(patch: NativePatch) -> TryOn:
    canvas = np.zeros((1024, 768, 3), np.uint8)
    plane = np.zeros((1024, 768), np.float32)
    labels = np.zeros((1024, 768), np.uint8)
    return TryOn("drape", canvas, plane, labels, canvas.copy(), patch, Confidence(0.9))


def _patch(dtype: type[np.generic] = np.uint8) -> NativePatch:
    full = 255 if dtype is np.uint8 else 65535
    alpha = np.zeros((4, 6), np.float32)
    alpha[1:3, 1:5] = 1.0
    alpha[0, 0] = 0.5
    pixels = np.full((4, 6, 3), full, dtype)
    garment = np.full((4, 6), 255, np.uint8)
    return NativePatch(3, 2, pixels, alpha, np.full((4, 6), 0.75, np.float32), garment)  # type: ignore[arg-type]


def _photo(dtype: type[np.generic] = np.uint8) -> tuple[Photo, Cutout]:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 200, (12, 14, 3)).astype(dtype)
    photo = Photo(pixels, "0" * 64, "p.png", exif=b"exif", icc=b"icc")  # type: ignore[arg-type]
    return photo, Cutout(np.full((12, 14), 0.25, np.float32), photo.rgb8.copy())


def test_outside_the_edit_mask_every_byte_is_the_photo() -> None:
    photo, cutout = _photo()
    look = blend_look(photo, cutout, _tryon(_patch()))
    outside = look.edit_mask == 0
    assert np.array_equal(look.pixels[outside], photo.pixels[outside])
    assert (look.edit_mask > 0).sum() == 9
    assert (look.pixels[3:5, 4:8] == 255).all()


def test_partial_alpha_mixes_and_rounds() -> None:
    photo, cutout = _photo()
    look = blend_look(photo, cutout, _tryon(_patch()))
    wanted = np.round(photo.pixels[2, 3] * 0.5 + 255 * 0.5)
    assert np.abs(look.pixels[2, 3].astype(int) - wanted).max() <= 1


def test_sixteen_bits_stay_sixteen_bits() -> None:
    photo, cutout = _photo(np.uint16)
    look = blend_look(photo, cutout, _tryon(_patch(np.uint16)))
    assert look.pixels.dtype == np.uint16
    assert (look.pixels[3:5, 4:8] == 65535).all()
    assert (look.cutout.foreground[3:5, 4:8] == 255).all()


def test_silhouette_garment_and_metadata_follow() -> None:
    photo, cutout = _photo()
    look = blend_look(photo, cutout, _tryon(_patch()))
    changed = look.edit_mask > 0
    assert np.allclose(look.cutout.alpha[changed], 0.75)
    assert np.allclose(look.cutout.alpha[~changed], 0.25)
    assert (look.garment_mask[~changed] == 0).all()
    assert (look.garment_mask[changed] == 255).all()
    assert (look.exif, look.icc, look.engine, look.confidence.score) == (b"exif", b"icc", "drape", 0.9)


def test_the_stage_runs_from_its_slots_and_tells_of_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, cutout = _photo()
    slots: dict[str, Any] = {"photo": photo, "edges": cutout, "tryon": _tryon(_patch())}
    slots |= {"parse": ParseMap(np.full((12, 14), 5, np.uint8)), "garment_edges": cutout}
    slots["garment"] = dressed_garment(TEE).garment
    monkeypatch.setattr("studio.pipeline.blend.find_residue", lambda *given: Residue(0.0, 0.0, np.zeros((2, 2), bool)))
    look = NATIVE_BLEND.run(Inputs(slots), NoParams(), context())
    assert np.array_equal(look.pixels, blend_look(photo, cutout, slots["tryon"]).pixels)
    assert look.confidence == Confidence(0.9)
    monkeypatch.setattr("studio.pipeline.blend.find_residue", lambda *given: Residue(0.2, 0.1, np.zeros((2, 2), bool)))
    doubted = NATIVE_BLEND.run(Inputs(slots), NoParams(), context())
    assert [note.key for note in doubted.confidence.reasons] == ["look.residue"]
    assert np.array_equal(doubted.pixels, look.pixels)
