"""What a drawn front says about layering: a zip is a jacket's, a slanting line is asked about."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Category, Cutout, Garment, Photo
from studio.domain.edits import GarmentOverride
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.closure import Layering, judge_layering
from studio.pipeline.garments.fitting import fit_outline, prepare_silhouette
from tests.pipeline.tryon_figures import draw_garment

SIZE = (480, 640)
WIDE = (
    (-0.08, 0.0), (-0.24, 0.05), (-0.42, 0.70), (-0.32, 0.73), (-0.235, 0.30), (-0.235, 1.0),
)  # fmt: skip
NARROW = (
    (-0.08, 0.0), (-0.24, 0.05), (-0.40, 0.72), (-0.355, 0.73), (-0.235, 0.28), (-0.235, 1.0),
)  # fmt: skip
"""Long sleeves whose cuffs are as wide as a jacket's, and as narrow as a shirt's."""


def _draw(half: tuple[tuple[float, float], ...], slant: float | None) -> tuple[Photo, Cutout]:
    """Return a garment with a dark neckline and a line down its front. slant: how far to the sides; None for none."""
    photo, cutout = draw_garment(half, size=SIZE)
    rgb = photo.pixels.copy()
    top, height, middle = 0.1 * SIZE[1], 0.8 * SIZE[1], SIZE[0] / 2
    along = np.linspace(0.0, 1.0, 200)
    cloth = cutout.alpha > 0.5
    neck = np.zeros(cloth.shape, np.uint8)
    corners = [(-0.075, 0.0), (0.075, 0.0), (0.0, 0.05)]
    cv2.fillPoly(neck, [np.round(np.array(corners) * height + (middle, top)).astype(np.int32)], 1)
    rgb[(neck > 0) & cloth] = (40, 40, 60)
    if slant is not None:
        across = middle + slant * height * (0.5 - along)
        line = np.zeros(cloth.shape, np.uint8)
        points = np.stack([across, top + along * height], -1).astype(np.int32)
        cv2.polylines(line, [points], False, 1, 2)
        rgb[(line > 0) & cloth] = (130, 30, 44)
    foreground = cutout.foreground.copy()
    foreground[cloth] = rgb[cloth]
    return Photo(rgb, "4" * 64, "front.png"), Cutout(cutout.alpha, foreground)


def _is_unsure(garment: Garment) -> bool:
    return "garment.layer_unsure" in [note.key for note in garment.reasons]


def test_a_straight_closure_down_long_sleeved_cloth_is_a_jackets() -> None:
    garment = analyse_garment(*_draw(WIDE, slant=0.0))
    assert garment.category is Category.OUTERWEAR
    assert not _is_unsure(garment)


def test_a_slanting_line_with_wide_cuffs_is_asked_about_and_the_operator_settles_it() -> None:
    picture = _draw(WIDE, slant=0.085)
    garment = analyse_garment(*picture)
    assert _is_unsure(garment) and garment.confidence <= 0.7
    for said in (Category.TOP, Category.OUTERWEAR):
        told = analyse_garment(*picture, GarmentOverride(category=said.value))
        assert told.category is said
        assert not _is_unsure(told)


def test_a_neckline_that_dips_makes_such_a_front_outerwear_though_not_surely() -> None:
    photo, cutout = _draw(WIDE, slant=0.085)
    silhouette = prepare_silhouette(cutout.alpha)
    fit = fit_outline(silhouette)
    for parted in (False, True):
        assert judge_layering(photo.rgb8, silhouette, fit, parted=parted) == Layering(parted, is_sure=False)


@pytest.mark.parametrize(("half", "slant"), [(NARROW, 0.085), (WIDE, None)])
def test_narrow_cuffs_or_a_whole_front_are_a_tops(half: tuple[tuple[float, float], ...], slant: float | None) -> None:
    garment = analyse_garment(*_draw(half, slant))
    assert garment.category is Category.TOP
    assert not _is_unsure(garment)
