"""Layers that meet on the person: slits close, gaps with a view stay, scraps go; drawn layers."""

from __future__ import annotations

import numpy as np

from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_coverage
from studio.pipeline.tryon.draping.seams import tidy_seams

SHAPE = (300, 240)
SOURCE = ClothSource(np.full((*SHAPE, 3), 90, np.uint8), np.ones(SHAPE, np.float32), 1.0, (SHAPE[1], SHAPE[0]))


def _layer(name: str, covered: np.ndarray) -> LayerMap:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    return LayerMap(name, x, y, covered.astype(np.float32), np.ones(SHAPE, np.float32))


def _parts() -> tuple[np.ndarray, np.ndarray]:
    """A trunk and a sleeve that meet at the armpit and stand ever farther apart below it; a scrap beside the cuff."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    trunk = (columns >= 120) & (rows >= 20) & (rows < 260)
    inner = 122 - np.maximum(rows - 60, 0) // 6
    sleeve = (columns >= 60) & (columns < inner) & (rows >= 20) & (rows < 280)
    scrap = (rows >= 240) & (rows < 270) & (columns >= 100) & (columns < 105)
    return trunk, sleeve | scrap


NOWHERE = np.zeros((0, 2))


def _tidy(removed: float, armpits: np.ndarray = NOWHERE) -> dict[str, np.ndarray]:
    trunk, sleeve = _parts()
    maps = (_layer("front", trunk), _layer("left_sleeve", sleeve))
    tidied = tidy_seams(maps, SOURCE, np.full(SHAPE, removed, np.float32), 200.0, armpits)
    return {layer.name: sample_coverage(SOURCE, layer) for layer in tidied}


def test_a_slit_below_the_armpit_is_closed_by_the_trunk_and_a_gap_stays_open() -> None:
    cover = _tidy(1.0)
    union = np.maximum(cover["front"], cover["left_sleeve"])
    assert union[61:100, 100:140].min() > 0.9  # up to a few pixels wide
    assert union[230, 96:116].max() < 0.1  # far wider than a slit
    trunk = _parts()[0]
    assert (cover["front"][trunk] > 0.99).all()


def test_a_gap_that_shows_the_photos_background_stays() -> None:
    front = _tidy(0.0)["front"]
    assert (front[~_parts()[0]] == 0).all()


def test_at_an_armpit_a_slit_closes_whatever_the_photo_shows() -> None:
    front = _tidy(0.0, np.array([[121.0, 62.0]]))["front"]
    assert front[61:90, 112:120].max() > 0.9
    assert (front[160:, :120] == 0).all()


def test_a_scrap_beside_the_sleeve_goes() -> None:
    cover = _tidy(1.0)["left_sleeve"]
    assert cover[240:270, 98:108].max() == 0 and cover[40:270, 62:80].min() == 1


def test_two_soft_edges_side_by_side_let_nothing_through() -> None:
    trunk, sleeve = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    trunk[20:260, 121:200], trunk[20:260, 120] = 1.0, 0.6
    sleeve[20:260, 60:119], sleeve[20:260, 119] = 1.0, 0.6
    maps = (_layer("front", trunk), _layer("left_sleeve", sleeve))
    tidied = tidy_seams(maps, SOURCE, np.ones(SHAPE, np.float32), 200.0, NOWHERE)
    front, left = (sample_coverage(SOURCE, layer) for layer in tidied)
    through = (1 - front) * (1 - left)
    assert ((1 - trunk) * (1 - sleeve))[100:200, 118:122].max() > 0.3
    assert through[40:240, 100:140].max() < 0.05


def test_a_hole_that_a_closed_slit_encloses_is_closed_and_an_arm_on_the_hip_keeps_its_gap() -> None:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    trunk = (columns >= 120) & (columns < 200) & (rows >= 20) & (rows < 260)
    inner = np.where((rows >= 80) & (rows < 100), 107, 117)
    inner = np.where((rows < 60) | ((rows >= 120) & (rows < 150)), 122, inner)
    inner = np.where(rows >= 150, 90, inner)  # far apart, and together again below
    sleeve = (columns >= 60) & (columns < np.where(rows >= 240, 122, inner)) & (rows >= 20) & (rows < 260)
    maps = (_layer("front", trunk), _layer("left_sleeve", sleeve))
    tidied = tidy_seams(maps, SOURCE, np.ones(SHAPE, np.float32), 200.0, NOWHERE)
    union = np.max([sample_coverage(SOURCE, layer) for layer in tidied], axis=0)
    assert union[30:140, 100:130].min() > 0.9
    assert union[180:220, 95:115].max() < 0.1


def test_cloth_goes_on_over_a_slit_as_in_a_mirror_and_not_in_streaks() -> None:
    trunk, sleeve = _parts()
    maps = (_layer("front", trunk), _layer("left_sleeve", sleeve))
    front = tidy_seams(maps, SOURCE, np.ones(SHAPE, np.float32), 200.0, NOWHERE)[0]
    assert front.x[95, 117:120].tolist() == [125.0, 124.0, 123.0]
