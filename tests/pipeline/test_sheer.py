"""Lace lets skin through; white prints, stripes, dots and spots do not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.arrays import U8
from studio.domain.artefacts import Cutout
from studio.domain.edits import LayerOrder
from studio.pipeline.garments.sheer import find_sheer
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.raster import prepare_source, sample_sheer
from tests.pipeline.tryon_figures import LONG, context, draw_person, dressed_garment

WHITE, BLACK = 246, 40
SIDE = 600
GARMENT = np.s_[50:550, 150:450]
INSET = np.s_[120:240, 220:380]


def _photo(backdrop: int = WHITE, cloth: int = BLACK) -> U8:
    photo = np.full((SIDE, SIDE, 3), backdrop, np.uint8)
    photo[GARMENT] = cloth
    return photo


def _cutout(photo: U8) -> Cutout:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[GARMENT] = 1
    return Cutout(alpha, photo)


def _net(thread: int = BLACK, hole: int = WHITE) -> int:
    return round(0.4 * thread + 0.6 * hole)


def _lace(photo: U8, thread: int = BLACK, hole: int = WHITE, where: tuple[slice, slice] = INSET) -> U8:
    """Put a mesh into the garment: net of half tone, with holes and veins in it."""
    laced = photo.copy()
    inset = laced[where]
    inset[:] = _net(thread, hole)
    inset[::10], inset[:, ::10] = thread, thread
    for y in range(3, inset.shape[0] - 4, 20):
        for x in range(3, inset.shape[1] - 4, 20):
            inset[y : y + 4, x : x + 4] = hole
    return laced


def test_lace_shows_in_the_mix_of_its_threads_and_the_backdrop() -> None:
    photo = _lace(_photo())
    sheer = find_sheer(photo, _cutout(photo))
    assert sheer is not None
    clear, threads = sheer.clear[INSET][20:-20, 20:-20], sheer.cutout.foreground[INSET][20:-20, 20:-20]
    holes, net = photo[INSET][20:-20, 20:-20, 0] == WHITE, photo[INSET][20:-20, 20:-20, 0] == _net()
    assert clear[holes].min() > 0.95 and abs(float(clear[net].mean()) - 0.55) < 0.1
    assert threads[holes].max() < BLACK + 30  # no pale rim is left to be sampled
    assert clear[photo[INSET][20:-20, 20:-20, 0] == BLACK].max() < 0.05
    assert np.array_equal(sheer.cutout.alpha, _cutout(photo).alpha)
    assert (sheer.clear[300:] == 0).all() and np.array_equal(sheer.cutout.foreground[300:], photo[300:])


@pytest.mark.parametrize("kind", ["plain", "stripes", "dots", "label", "lettering", "net in a print's white"])
def test_what_is_white_itself_stays_opaque(kind: str) -> None:
    photo = _photo()
    if kind == "stripes":
        photo[60:540:24, 150:450] = photo[61:540:24, 150:450] = WHITE
        for first in range(60, 540, 24):
            photo[first : first + 10, 150:450] = WHITE
    if kind == "dots":
        for y in range(70, 530, 16):
            for x in range(170, 430, 16):
                cv2.circle(photo, (x, y), 2, (WHITE,) * 3, -1)
    if kind == "label":
        photo[80:120, 270:330] = WHITE
    if kind == "lettering":
        for row in range(120, 400, 24):
            cv2.putText(photo, "wear it well", (170, row), 0, 0.7, (WHITE,) * 3, 2)
    if kind == "net in a print's white":  # light lies on a print, on the backdrop it does not
        photo = _lace(photo, hole=WHITE - 20)
    assert find_sheer(photo, _cutout(photo)) is None


def test_pale_cloth_and_cloth_on_a_restless_floor_stay_opaque() -> None:
    pale = _lace(_photo(cloth=200), thread=200)
    assert find_sheer(pale, _cutout(pale)) is None
    floor = _lace(_photo())
    noise = np.random.default_rng(1).integers(0, 60, floor.shape, np.uint8)
    floor = np.where(_cutout(floor).alpha[..., None] > 0, floor, floor - noise)
    assert find_sheer(floor, _cutout(floor)) is None


def test_spots_of_a_third_colour_are_no_mesh() -> None:
    photo = _lace(_photo())
    inset = photo[INSET]
    inset[inset[..., 0] == _net()] = (190, 120, 60)
    assert find_sheer(photo, _cutout(photo)) is None


def test_the_source_carries_what_is_seen_through_at_its_own_density() -> None:
    photo = _lace(_photo())
    sheer = find_sheer(photo, _cutout(photo))
    rows, columns = np.mgrid[120:240, 220:380].astype(np.float32)
    for density in (1.0, 2.0):
        source = prepare_source(photo, _cutout(photo), density, sheer)
        seen = sample_sheer(source, columns, rows)
        assert seen is not None and abs(float(seen.mean()) - float(sheer.clear[INSET].mean())) < 0.03  # type: ignore[union-attr]
        assert sample_sheer(source, columns, rows + 250) is None
    assert sample_sheer(prepare_source(photo, _cutout(photo), 1.0), columns, rows) is None


def test_through_lace_skin_is_seen_and_the_rest_of_the_look_stays() -> None:
    person = draw_person()
    plain = dressed_garment(LONG, (BLACK,) * 3)
    chest = np.s_[220:380, 170:310]
    laced = _lace(plain.photo.rgb8, hole=226, where=chest)
    worn = replace(plain, photo=replace(plain.photo, pixels=laced), cutout=Cutout(plain.cutout.alpha, laced))
    before, after = (DRAPE.dress(person, garment, context(), layers=LayerOrder()) for garment in (plain, worn))
    assert before.patch is not None and after.patch is not None
    pixels, opaque = after.patch.pixels.astype(int), before.patch.pixels.astype(int)
    assert np.array_equal(before.patch.alpha, after.patch.alpha)
    changed = np.abs(pixels - opaque).max(axis=2) > 40
    assert changed.sum() > 300
    # The backdrop is grey, skin is not: what shows through is as warm as skin, and nowhere as pale as the backdrop.
    warmth = (pixels[..., 0] - pixels[..., 2])[changed]
    assert warmth.min() > 8 and pixels[changed].max() < 226 - 10
