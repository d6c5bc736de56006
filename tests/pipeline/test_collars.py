"""A collar that stands off the neck leans on it; what lies on the body stays where it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F32
from studio.pipeline.tryon.draping.collars import MOST, lean_on_neck
from studio.pipeline.tryon.draping.fields import measure_fields
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_coverage
from tests.pipeline.test_hood import HOODED
from tests.pipeline.test_shoulders import NECK_X, NECK_Y, SHAPE, SIZE, draw_evidence, make_body, slope
from tests.pipeline.tryon_figures import TEE, dressed_garment

NECK = 0.13
"""How far from the axis the drawn person's neck reaches, in shoulder widths."""
LEAF, FOOT, TOP = 0.12, 0.2, 0.42
"""How wide a collar's leaf is, and between which heights it stands, in shoulder widths."""


def draw_collar(stands_off: float) -> F32:
    """Return the coverage of two leaves beside the neck, and of the trunk below them."""
    cover = np.zeros(SHAPE, np.float32)
    for side in (-1, 1):
        leaf = [(NECK, FOOT), (NECK + stands_off, TOP), (NECK + stands_off + LEAF, TOP), (NECK + LEAF, FOOT)]
        points = [(NECK_X + side * x * SIZE, NECK_Y - y * SIZE) for x, y in leaf]
        cv2.fillPoly(cover, [np.round(points).astype(np.int32)], 1.0)
    cover[round(NECK_Y - 0.1 * SIZE) :] = 1.0
    return cover


def lean(cover: F32, shape: tuple[tuple[float, float], ...] = TEE) -> F32:
    """Return the coverage after leaning; `shape` is the garment's outline."""
    body = make_body()
    source = ClothSource(np.zeros((*SHAPE, 3), np.uint8), cover, 1.0, (SHAPE[1], SHAPE[0]))
    grid, ones = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float32), np.ones(SHAPE, np.float32)
    seen = (body, draw_evidence(*slope()), measure_fields(body, SHAPE))
    (front,) = lean_on_neck(
        (LayerMap("front", grid[1], grid[0], ones, ones),), source, dressed_garment(shape).garment, seen
    )
    return sample_coverage(source, front)


def gap(cover: F32, height: float, side: int) -> float:
    """Return how far beside the neck cloth begins at a height, in pixels."""
    row = cover[round(NECK_Y - height * SIZE)]
    out = row[round(NECK_X) :] if side > 0 else row[round(NECK_X) :: -1]
    return float((out > 0.5).argmax()) - NECK * SIZE


@pytest.mark.parametrize("side", [-1, 1])
def test_what_stands_off_comes_in_until_it_touches(side: int) -> None:
    cover = draw_collar(stands_off=0.1)
    assert gap(cover, 0.38, side) > 12.0
    leant = lean(cover)
    assert -3.0 < gap(leant, 0.38, side) < 2.0
    assert all(-3.0 < gap(leant, height, side) < 5.0 for height in (0.28, 0.33))  # the drawn neck widens there
    trunk = round(NECK_Y - 0.09 * SIZE)
    assert np.array_equal(leant[trunk:], cover[trunk:])


def test_a_leaf_keeps_its_width() -> None:
    cover = draw_collar(stands_off=0.1)
    row = round(NECK_Y - 0.38 * SIZE)
    assert abs(lean(cover)[row].sum() - cover[row].sum()) < 0.15 * cover[row].sum()


def test_what_touches_stays() -> None:
    cover = draw_collar(stands_off=0.0)
    assert np.abs(lean(cover) - cover).sum() < 0.02 * cover.sum()


def test_what_cannot_come_to_touch_stays() -> None:
    cover = draw_collar(stands_off=MOST + 0.1)
    assert np.array_equal(lean(cover), cover)


def test_a_tip_that_bends_away_at_once_is_not_drawn_out() -> None:
    cover = draw_collar(stands_off=0.0)
    tip = slice(round(NECK_Y - TOP * SIZE), round(NECK_Y - (TOP - 0.06) * SIZE))
    shift = round(0.12 * SIZE)
    middle = round(NECK_X)
    cover[tip, middle:] = np.roll(cover[tip, middle:], shift, axis=1)
    cover[tip, :middle] = np.roll(cover[tip, :middle], -shift, axis=1)
    assert np.array_equal(lean(cover), cover)


def test_a_hood_lies_as_it_is_laid() -> None:
    cover = draw_collar(stands_off=0.1)
    assert np.array_equal(lean(cover, HOODED), cover)
