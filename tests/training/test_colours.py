"""A garment's colours against its product photo's: what nobody sees worn, and stripes that mix, count on no side."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import GarmentArtefacts
from studio.training.colours import compare_worn, inside_of_back, measure_colours
from tests.pipeline.tryon_figures import TEE, dressed_garment

SIZE = (384, 512)
EVERYWHERE = np.ones((SIZE[1], SIZE[0]), bool)


def with_photo(garment: GarmentArtefacts, rgb: np.ndarray) -> GarmentArtefacts:
    return replace(garment, photo=replace(garment.photo, pixels=rgb))


@pytest.fixture(scope="module")
def tee() -> GarmentArtefacts:
    """A tee with a deep neckline: a quarter of its cloth is the inside of the back."""
    garment = dressed_garment(TEE, (40, 60, 160))
    height, width = garment.cutout.alpha.shape
    line = {f"neckline_{n:02d}": (width * (0.2 + 0.06 * n), 0.4 * height) for n in range(11)}
    return replace(garment, garment=replace(garment.garment, landmarks=garment.garment.landmarks | line))


def test_a_lining_that_nobody_sees_is_no_tone_of_the_garment(tee: GarmentArtefacts) -> None:
    rgb = tee.photo.rgb8.copy()
    inside = inside_of_back(tee.garment, tee.cutout.alpha.shape) & (tee.cutout.alpha > 0.9)
    assert inside.sum() > 0.1 * (tee.cutout.alpha > 0.9).sum()
    rgb[inside] = (190, 190, 190)
    look = np.full((SIZE[1], SIZE[0], 3), (40, 60, 160), np.uint8)
    look[:60] = (225, 225, 225)  # a little backdrop where the garment is worn in the photo
    assert measure_colours(look, EVERYWHERE, with_photo(tee, rgb), SIZE)["delta_e"] < 0.2
    look[:] = (60, 80, 180)
    assert measure_colours(look, EVERYWHERE, with_photo(tee, rgb), SIZE)["delta_e"] > 5


def test_stripes_that_mix_in_a_small_picture_mix_on_both_sides(tee: GarmentArtefacts) -> None:
    height, width = tee.cutout.alpha.shape
    rgb = np.where((np.arange(width) // 2 % 2 == 0)[None, :, None], np.uint8(20), np.uint8(235))
    rgb = np.broadcast_to(rgb, (height, width, 3)).copy()
    size = (width // 4, height // 4)
    look = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    values = measure_colours(look, np.ones(look.shape[:2], bool), with_photo(tee, rgb), size)
    assert values["delta_e"] < 0.5
    assert np.isnan(values["delta_e_median"]), "the median of two tones is one of them, by their shares in the picture"


def test_the_plain_median_is_told_of_garments_of_one_tone(tee: GarmentArtefacts) -> None:
    look = np.full((SIZE[1], SIZE[0], 3), (40, 60, 160), np.uint8)
    rgb = np.full_like(tee.photo.rgb8, (40, 60, 160))
    assert measure_colours(look, EVERYWHERE, with_photo(tee, rgb), SIZE)["delta_e_median"] < 0.2
    rgb = rgb.copy()
    rgb[:, rgb.shape[1] // 2 :] = (235, 235, 235)
    assert np.isnan(measure_colours(look, EVERYWHERE, with_photo(tee, rgb), SIZE)["delta_e_median"])


def test_colours_in_the_wrong_place_are_told_from_the_photo_s() -> None:
    photo = np.full((60, 40, 3), (200, 60, 60), np.uint8)
    photo[30:] = (40, 60, 160)
    where = np.ones((60, 40), bool)
    assert compare_worn(photo, photo, where) == 0
    assert compare_worn(photo, photo[::-1].copy(), where) > 30, "both tones are there, each where the other belongs"
    where[30:] = False
    lower = photo.copy()
    lower[40:] = 0
    assert compare_worn(photo, lower, where) < 0.1, "what is not worn does not count"
    assert np.isnan(compare_worn(photo, photo, ~np.ones_like(where)))
