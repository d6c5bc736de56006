"""Cloth in light: white and black, and how much of it leaves each tone as the product has it."""

from __future__ import annotations

import numpy as np
import pytest

from studio.media.colour_difference import to_lab
from studio.pipeline.tryon.draping.light import BRIGHTEST, DARKEST, GAMMA
from studio.pipeline.tryon.draping.tones import (
    MOST_SHIFT,
    MOST_TONED,
    Toning,
    find_middle,
    find_toning,
    shade_cloth,
    tone_picture,
)

DARK, PALE, RED, GREY = (20, 20, 22), (236, 234, 230), (176, 60, 52), (150, 152, 156)
FACTOR = np.random.default_rng(2).normal(0.15, 0.05, 2000).astype(np.float32)
MEDIAN = float(np.median(FACTOR))


def cloth(*tones: tuple[tuple[int, int, int], float]) -> np.ndarray:
    """Return 2000 pixels of these tones, in these shares, in no order."""
    pixels = np.concatenate(
        [np.tile(np.array(colour, np.float32), (round(2000 * share), 1)) for colour, share in tones]
    )
    noisy = pixels + np.random.default_rng(1).normal(0, 2, pixels.shape)
    return np.random.default_rng(0).permutation(noisy).clip(0, 255).astype(np.float32)


def tone_after(pixels: np.ndarray, middle: float, near: tuple[int, int, int]) -> np.ndarray:
    """Return the median of what was near a colour, in the light that is left, CIELAB."""
    chosen = np.abs(pixels - near).max(axis=1) < 30
    lit = shade_cloth(pixels[chosen][:, None], (FACTOR[chosen] - np.float32(middle))[:, None])
    return np.median(to_lab(np.round(lit).astype(np.uint8)).reshape(-1, 3), axis=0)


def colour_of(colour: tuple[int, int, int]) -> np.ndarray:
    return to_lab(np.uint8([[colour]]))[0, 0]


def test_white_stays_white_and_black_is_not_greyed() -> None:
    darkest, brightest = DARKEST / GAMMA, BRIGHTEST / GAMMA
    factor = np.linspace(darkest, brightest, 60, dtype=np.float32)[None].repeat(256, axis=0)
    grey = np.arange(256, dtype=np.float32)[:, None, None] * np.ones((256, 60, 3), np.float32)
    shaded = shade_cloth(grey, factor)
    assert shaded.min() >= 0
    assert shaded.max() <= 255
    assert shaded[255].min() > 0.75 * 255  # the deepest shade on white
    assert shaded[255, -1].min() > 254  # a highlight on white
    assert shaded[8].max() < 24  # the strongest sheen on black
    assert (np.diff(shaded[..., 0], axis=1) >= -1e-3).all()  # more light is never darker
    assert (np.diff(shaded[..., 0], axis=0) >= -1e-3).all()  # and never turns tones over


@pytest.mark.parametrize("colour", [(250, 215, 120), (120, 190, 245), (245, 120, 150)], ids=["yellow", "blue", "pink"])
def test_light_turns_no_hue(colour: tuple[int, int, int]) -> None:
    lit = shade_cloth(np.full((1, 1, 3), colour, np.float32), np.full((1, 1), 0.15, np.float32))
    (_, *before), (_, *after) = (
        to_lab(np.round(pixels).astype(np.uint8))[0, 0] for pixels in (np.float32([[colour]]), lit)
    )
    turned = np.degrees(np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0]))
    assert abs(turned) < 1.5
    assert lit.sum() > sum(colour)


@pytest.mark.parametrize("dark", [0.3, 0.45, 0.55, 0.7])
def test_another_share_of_two_tones_is_no_other_light(dark: float) -> None:
    shown = cloth((DARK, dark), (PALE, 1 - dark))
    middle = find_middle(FACTOR, shown, cloth((DARK, 0.5), (PALE, 0.5)))
    assert middle == pytest.approx(MEDIAN, abs=0.011)


def test_every_tone_of_a_print_keeps_its_colour() -> None:
    product = cloth((DARK, 0.4), (RED, 0.35), (PALE, 0.25))
    shown = cloth((DARK, 0.6), (RED, 0.3), (PALE, 0.1))
    middle = find_middle(FACTOR, shown, product)
    for tone in (RED, PALE):
        assert np.abs(tone_after(shown, middle, tone) - colour_of(tone)).max() < 1.5


@pytest.mark.parametrize("darker", [0.97, 1.03])
def test_what_shows_of_one_tone_gets_the_product_s_own_light(darker: float) -> None:
    product = cloth((RED, 1.0))
    middle = find_middle(FACTOR, product * np.float32(darker), product)
    assert (middle - MEDIAN) * (darker - 1) > 0, "paler cloth than the product's gets less light"
    assert np.abs(tone_after(product * np.float32(darker), middle, RED) - colour_of(RED)).max() < 1.2
    assert abs(find_middle(FACTOR, product * np.float32(darker**5), product) - MEDIAN) <= MOST_SHIFT + 1e-6


def test_a_lining_that_does_not_show_asks_for_no_light() -> None:
    product = cloth((PALE, 0.6), (GREY, 0.4))
    shown = cloth((PALE, 0.8), ((110, 60, 150), 0.2))  # a print, nearer to the lining's grey than to the white
    assert find_middle(FACTOR, shown, product) == pytest.approx(MEDIAN, abs=0.011)


def tones_in_the_look(shown: np.ndarray, product: np.ndarray, *tones: tuple[int, int, int]) -> np.ndarray:
    """Return how far each tone's median in the look's light is from the product's, CIELAB, without and with toning."""
    factor = FACTOR - np.float32(find_middle(FACTOR, shown, product))
    missed = []
    for toning in (
        Toning(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)),
        find_toning(factor, shown, product),
    ):
        lit = shade_cloth(toning.apply(shown)[:, None], factor[:, None])[:, 0]
        medians = [
            [
                np.median(to_lab(pixels[np.abs(near - tone).max(axis=1) < 30][None])[0], axis=0)
                for pixels, near in ((lit, shown), (product, product))
            ]
            for tone in tones
        ]
        missed.append([float(np.linalg.norm(one - two)) for one, two in medians])
    return np.array(missed)


def test_what_one_light_cannot_give_to_all_tones_each_gets_for_itself() -> None:
    product = cloth((DARK, 0.4), (RED, 0.35), (PALE, 0.25))
    shown = cloth(
        ((25, 25, 27), 0.4), (RED, 0.35), ((231, 229, 225), 0.25)
    )  # its dark parts paler, its pale ones darker
    without, toned = tones_in_the_look(shown, product, DARK, RED, PALE)
    assert without.max() > 1.0
    assert toned.max() < 0.35


def test_a_greyer_part_of_the_product_gets_its_colour() -> None:
    product, shown = cloth((RED, 1.0)), cloth(((174, 63, 55), 1.0))
    without, toned = tones_in_the_look(shown, product, RED)
    assert without[0] > 1.0 and toned[0] < 0.2


def test_toning_is_bounded_and_leaves_foreign_colours_alone() -> None:
    product = cloth((PALE, 1.0))
    toning = find_toning(np.full(2000, -0.2, np.float32), product, product)
    moved = toning.apply(np.float32([[PALE, (0, 90, 40)]]))
    before = to_lab(np.float32([[PALE]]))[0, 0]
    assert 1.0 < np.linalg.norm(to_lab(moved[:, :1])[0, 0] - before) < MOST_TONED + 0.1
    assert np.abs(moved[0, 1] - (0, 90, 40)).max() < 1.0
    photo = np.random.default_rng(3).integers(0, 255, (300, 20, 3)).astype(np.uint8)
    assert np.abs(tone_picture(photo, toning) - toning.apply(photo.astype(np.float32))).max() <= 0.5 + 1e-4
    assert tone_picture(photo, None) is photo


def test_no_cloth_at_all_needs_no_light() -> None:
    nothing = np.zeros((0, 3), np.float32)
    assert find_middle(np.zeros(0, np.float32), nothing, nothing) == 0.0
    assert find_middle(FACTOR, cloth((RED, 1.0)), nothing) == pytest.approx(MEDIAN)
    assert not len(find_toning(np.zeros(0, np.float32), nothing, nothing).centres)
