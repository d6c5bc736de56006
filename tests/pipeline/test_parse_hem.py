"""The border between upper and lower garment, found as a line."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import U8, Bool
from studio.pipeline.parse_colour import colour_ratio
from studio.pipeline.parse_hem import OWN, RARE, UNSEEN, settle_hem

SHAPE, HEM, SIZE = (300, 200), 160, 200.0
NAVY, DENIM, FADED, BELT = (24, 28, 84), (70, 110, 180), (150, 180, 215), (20, 20, 20)


def _person(band: tuple[int, int, int], top: tuple[int, int, int] = NAVY) -> tuple[U8, Bool, Bool]:
    """Return a picture of a top over trousers with a band, and votes that give half of the band to the top."""
    rng = np.random.default_rng(2)
    image = np.full((*SHAPE, 3), 220, np.uint8)
    image[40:HEM, 40:160], image[HEM : HEM + 18, 40:160], image[HEM + 18 :, 40:160] = top, band, DENIM
    image[50:HEM:24, 44:160:12] = 250  # a fine print
    image = np.clip(image.astype(int) + rng.integers(-6, 7, image.shape), 0, 255).astype(np.uint8)
    upper = np.zeros(SHAPE, bool)
    upper[40:HEM, 40:160] = True
    upper[HEM : HEM + 16, 40:95] = True
    lower = np.zeros(SHAPE, bool)
    lower[HEM:, 40:160] = True
    return image, upper, lower & ~upper


def _hem_of(upper: Bool) -> npt.NDArray[np.intp]:
    rows: npt.NDArray[np.intp] = upper[:, 44:156].sum(axis=0) + 40
    return rows


def test_a_waistband_taken_for_the_top_goes_back_to_the_trousers() -> None:
    image, upper, lower = _person(DENIM)
    settled, rest = settle_hem(image, upper, lower, SIZE)
    assert np.abs(_hem_of(settled) - HEM).max() <= 2
    assert not (settled & rest).any()
    assert np.array_equal(settled | rest, upper | lower)


def test_a_belt_in_a_colour_of_neither_is_the_trousers() -> None:
    image, upper, lower = _person(BELT, top=(240, 240, 240))
    assert np.abs(_hem_of(settle_hem(image, upper, lower, SIZE)[0]) - HEM).max() <= 2


def test_garments_of_one_colour_stay_as_they_are() -> None:
    image, upper, lower = _person(DENIM, top=DENIM)
    assert np.array_equal(settle_hem(image, upper, lower, SIZE)[0], upper)


def test_garments_that_do_not_meet_stay_as_they_are() -> None:
    image, upper, lower = _person(FADED)
    upper[HEM - 30 :], lower[: HEM + 30] = False, False
    assert np.array_equal(settle_hem(image, upper, lower, SIZE)[0], upper)


def test_a_rare_colour_of_a_print_is_the_tops_if_the_trousers_have_none() -> None:
    codes = np.full((100, 100), 9 * 256 + 40, np.int32)
    codes[:50], codes[0, :8] = 5 * 256 + 200, 12 * 256 + 100  # 8 of 5000 pixels
    upper = np.zeros((100, 100), np.float32)
    upper[:50] = 1
    ratio, _ = colour_ratio(codes, upper, 1 - upper, OWN, unseen=UNSEEN, rare=RARE)
    assert ratio[0, 0] > 0
    codes[60, 60] = 2 * 256 + 10
    ratio, _ = colour_ratio(codes, upper, np.where(codes == 2 * 256 + 10, 0, 1 - upper), OWN, unseen=UNSEEN, rare=RARE)
    assert ratio[60, 60] == np.float32(UNSEEN)
