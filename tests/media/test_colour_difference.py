"""Colour differences agree with the published test data."""

from __future__ import annotations

import numpy as np
import pytest

from studio.media.colour_difference import delta_e2000, garment_delta_e, has_one_tone, tones_delta_e

# Pairs 1, 7, 17, 20 and 25 of the test data that Sharma et al. publish with the formula.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (50.0, 3.1736, 0.5854), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
]


@pytest.mark.parametrize(("first", "second", "wanted"), SHARMA)
def test_delta_e2000_gives_the_published_values(first: tuple, second: tuple, wanted: float) -> None:
    got = delta_e2000(np.array(first), np.array(second))
    assert float(got) == pytest.approx(wanted, abs=1e-4)


def test_garment_delta_e_compares_medians_under_masks() -> None:
    product = np.full((8, 8, 3), 200, np.uint8)
    look = product.copy()
    look[:4] = (180, 40, 40)
    everywhere, below = np.ones((8, 8), bool), np.zeros((8, 8), bool)
    below[4:] = True
    assert garment_delta_e(product, everywhere, look, below) == pytest.approx(0, abs=1e-3)
    assert garment_delta_e(product, everywhere, look, ~below) > 20
    assert np.isnan(garment_delta_e(product, everywhere, look, np.zeros((8, 8), bool)))


def test_stripes_are_compared_tone_by_tone() -> None:
    product = np.full((20, 20, 3), 240, np.uint8)
    product[:, :8] = 20
    look = np.full((20, 20, 3), 240, np.uint8)
    look[:, :12] = 20  # more of the dark stripes is seen, no colour has changed
    everywhere = np.ones((20, 20), bool)
    assert garment_delta_e(product, everywhere, look, everywhere) > 20
    assert tones_delta_e(product, everywhere, look, everywhere) == pytest.approx(0, abs=1e-3)
    look[:, 12:] = (200, 240, 200)
    assert tones_delta_e(product, everywhere, look, everywhere) > 3
    assert np.isnan(tones_delta_e(product, everywhere, look, ~everywhere))


def test_a_plain_garment_has_one_tone() -> None:
    product = np.random.default_rng(1).normal((180, 60, 60), 6, (30, 30, 3)).clip(0, 255).astype(np.uint8)
    everywhere = np.ones((30, 30), bool)
    look = (product * 0.9).astype(np.uint8)
    plain = garment_delta_e(product, everywhere, look, everywhere)
    assert tones_delta_e(product, everywhere, look, everywhere) == pytest.approx(plain, abs=0.3)


def test_skin_and_backdrop_beside_the_garment_are_no_tones_of_it() -> None:
    product = np.full((20, 20, 3), (30, 30, 90), np.uint8)
    product[:, :4] = (40, 110, 190)
    look, everywhere = product.copy(), np.ones((20, 20), bool)
    look[:6] = (236, 236, 234)  # nearer to the paler tone than to the other
    assert tones_delta_e(product, everywhere, look, everywhere) == pytest.approx(0, abs=1e-3)
    look[:] = (236, 236, 234)
    assert tones_delta_e(product, everywhere, look, everywhere) > 40, "nothing of the garment is there"


def test_what_shows_of_a_small_print_is_no_tone() -> None:
    """Of a figure in red, black and yellow a look shows a part: its colours are right, its median is another."""
    product = np.full((40, 40, 3), (246, 246, 244), np.uint8)
    product[10:12, 10:30], product[12:14, 10:30], product[14:16, 10:30] = (200, 40, 50), (25, 25, 25), (230, 180, 40)
    product[16:20, 10:30:2], product[16:20, 11:30:2] = (200, 40, 50), (25, 25, 25)
    everywhere = np.ones((40, 40), bool)
    look = product.copy()
    look[14:20] = product[10:11]  # more of the red, nothing of the yellow
    assert tones_delta_e(product, everywhere, look, everywhere) == pytest.approx(0, abs=1e-3)
    assert has_one_tone(product, everywhere), "a white shirt, its print aside"
    look[look == 246] = 226
    assert tones_delta_e(product, everywhere, look, everywhere) > 3
