"""The shoulder line is the one that is seen, and cloth lies on it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F32, F64
from studio.domain.artefacts import Garment, Neckline, SleeveLength
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Arm, Body, Evidence
from studio.pipeline.tryon.draping.fields import measure_fields
from studio.pipeline.tryon.draping.limbs import trace_limb
from studio.pipeline.tryon.draping.plates import undress
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, rounded, sample_coverage
from studio.pipeline.tryon.draping.settle import settle_on_shoulders
from studio.pipeline.tryon.draping.shoulders import bare_evidence, fit_shoulders
from studio.pipeline.tryon.draping.straps import end_on_shoulders
from studio.pipeline.tryon.draping.targets import COLLAR
from tests.pipeline.test_hood import COLLARED
from tests.pipeline.tryon_figures import TANK, TEE, dressed_garment

SHAPE = (420, 420)
SIZE, NECK_X, NECK_Y = 200.0, 210.0, 170.0
COLLAR_AT = 0.27
"""Where, in shoulder widths from the axis, the drawn person's old collar begins."""


def make_body() -> Body:
    arms = [Arm(np.array([[NECK_X + s * 100, 175.0], [NECK_X + s * 115, 300], [NECK_X + s * 120, 400]]), 1.0, 2)
            for s in (-1, 1)]  # fmt: skip
    at = np.array([0.0, 1.0, 1.6])
    return Body(
        np.array([NECK_X, NECK_Y]), np.array([0.0, 1.0]), np.array([1.0, 0.0]), np.array([1.0, 0.0]), SIZE, 220.0,
        (1.0, 1.0), 1.0, (arms[0], arms[1]), at, np.full((2, 3), 0.45 * SIZE), False,
    )  # fmt: skip


def draw_evidence(up: F64, cloth: F64) -> Evidence:
    """Return a person whose upper outline is `up` (pixels over the joints) per column of either side; cloth: > 0.5."""
    lateral = np.abs(np.arange(SHAPE[1]) - NECK_X)
    height = np.interp(lateral, np.arange(len(up)), up)
    above = (NECK_Y - np.arange(SHAPE[0])[:, None]) - height[None]
    alpha = np.clip(0.5 - above, 0.0, 1.0).astype(np.float32)
    dressed = np.interp(lateral, np.arange(len(up)), cloth) > 0.5
    labels = np.where(dressed[None], np.uint8(Cihp.UPPER), np.uint8(Cihp.NECK)) * (alpha > 0.5)
    return Evidence(np.full((*SHAPE, 3), 180, np.uint8), alpha, labels.astype(np.uint8), False)


def slope(rise: float = 0.0) -> tuple[F64, F64]:
    """Return an outline that falls evenly from a neck, and its cloth: an old collar that stands `rise` pixels off."""
    at = np.arange(210) / SIZE
    up = np.interp(at, [0.0, 0.13, 0.17, 0.5, 0.62, 0.8], [0.5, 0.5, 0.24, 0.1, -0.1, -0.7]) * SIZE
    collar = (at >= COLLAR_AT).astype(np.float64)
    return up + rise * collar * np.interp(at, [0.35, 0.5], [1.0, 0.0]), collar


def line_of(body: Body, side: int) -> F64:
    return body.shoulder_up(np.arange(0.2, 0.46, 0.01) * SIZE, side)


def wanted_line() -> F64:
    return np.interp(np.arange(0.2, 0.46, 0.01) * SIZE, np.arange(210), slope()[0])


@pytest.mark.parametrize("side", [-1, 1])
def test_bare_skin_is_the_line_and_an_old_garment_lies_on_it(side: int) -> None:
    body, evidence = make_body(), draw_evidence(*slope())
    found = fit_shoulders(body, evidence, measure_fields(body, SHAPE))
    assert np.abs(line_of(body, side) - wanted_line()).max() > 6  # the model's line is another
    at = np.arange(0.2, 0.46, 0.01) * SIZE
    under = found.cloth_up(at, side) - np.interp(at, np.arange(210), slope()[0])
    assert np.abs(under).max() < 2.0


def test_what_an_old_collar_stands_off_is_not_the_bodys() -> None:
    body, evidence = make_body(), draw_evidence(*slope(rise=9.0))
    fields = measure_fields(body, SHAPE)
    found = fit_shoulders(body, evidence, fields)
    assert (line_of(found, 1) - wanted_line()).max() < 2.0
    bare = bare_evidence(found, evidence, fields).alpha
    column = round(NECK_X + 0.31 * SIZE)
    lost = evidence.alpha[:, column].sum() - bare[:, column].sum()
    assert 6.0 < lost < 15.0
    assert np.array_equal(bare[round(NECK_Y) + 30 :], evidence.alpha[round(NECK_Y) + 30 :])


@pytest.mark.parametrize("side", [-1, 1])
def test_under_a_strap_the_line_goes_on_as_the_skin_beside_it(side: int) -> None:
    body, at = make_body(), np.arange(210) / SIZE
    strap = ((at > 0.33) & (at < 0.44)).astype(np.float64)
    evidence = draw_evidence(slope()[0] + 2.0 * strap, strap)
    fields = measure_fields(body, SHAPE)
    found = fit_shoulders(body, evidence, fields)
    assert np.abs(line_of(found, side) - wanted_line()).max() < 0.8
    bare = bare_evidence(found, evidence, fields).alpha
    column = round(NECK_X + side * 0.38 * SIZE)
    assert 1.0 < evidence.alpha[:, column].sum() - bare[:, column].sum() < 3.0


@pytest.mark.parametrize("side", [-1, 1])
def test_a_strap_between_hair_and_bare_skin_lies_on_the_shoulder(side: int) -> None:
    body, at = make_body(), np.arange(210) / SIZE
    strap = ((at > 0.27) & (at < 0.42)).astype(np.float64)
    evidence = draw_evidence(slope()[0] + strap, strap)
    x, y = np.abs(np.arange(SHAPE[1]) - NECK_X) / SIZE, NECK_Y - np.arange(SHAPE[0])
    locks = (x < 0.3)[None] & (y[:, None] > np.interp(x, at, slope()[0])[None] - 3)
    evidence = replace(evidence, labels=np.where(locks, np.uint8(Cihp.HAIR), evidence.labels))
    found = fit_shoulders(body, evidence, measure_fields(body, SHAPE))
    beyond = np.arange(0.32, 0.47, 0.01) * SIZE
    assert np.abs(found.shoulder_up(beyond, side) - np.interp(beyond, at * SIZE, slope()[0])).max() < 2.0


def test_seen_skin_keeps_its_soft_outline() -> None:
    body, evidence = make_body(), draw_evidence(*slope())
    soft = replace(evidence, alpha=cv2.GaussianBlur(evidence.alpha, (0, 0), 2.0))
    fields = measure_fields(body, SHAPE)
    bare = bare_evidence(fit_shoulders(body, soft, fields), soft, fields).alpha
    skin = np.s_[:, round(NECK_X + 0.18 * SIZE) : round(NECK_X + 0.24 * SIZE)]
    assert np.array_equal(bare[skin], soft.alpha[skin])


def test_a_collar_that_stands_up_to_the_jaw_is_no_neck() -> None:
    body, at = make_body(), np.arange(210) / SIZE
    up, cloth = slope()[0], (at > 0.15).astype(np.float64)
    stands = up + 0.12 * SIZE * (at > 0.15) * (at < 0.26)
    found = fit_shoulders(body, draw_evidence(stands, cloth), measure_fields(body, SHAPE))
    assert (line_of(found, 1) - wanted_line()).max() < 0.035 * SIZE
    assert (line_of(found, 1) - wanted_line()).min() > -0.06 * SIZE  # less the cloth's thickness on the shoulder


def test_under_hair_the_line_lies_no_lower_than_the_cloth_seen_below_it() -> None:
    body, evidence = make_body(), draw_evidence(*slope(rise=9.0))
    labels = evidence.labels.copy()
    hair = np.s_[: round(NECK_Y - 0.19 * SIZE), round(NECK_X + 0.1 * SIZE) :]
    labels[hair] = Cihp.HAIR
    hidden = replace(
        evidence, labels=labels, alpha=np.maximum(evidence.alpha, (labels == Cihp.HAIR).astype(np.float32))
    )
    found = fit_shoulders(replace(body, neck=body.neck), hidden, measure_fields(body, SHAPE))
    at = np.array([0.3 * SIZE])
    assert found.shoulder_up(at, 1)[0] > body.shoulder_up(at, 1)[0] - 2.0
    assert np.interp(0.3, found.shoulders.at, found.shoulders.seen[1]) < 0.05


def test_between_hair_and_the_shoulder_that_it_falls_on_is_skin() -> None:
    body, evidence = make_body(), draw_evidence(*slope(rise=9.0))
    fields = measure_fields(body, SHAPE)
    labels = evidence.labels.copy()
    # A strand hangs beside the neck and ends on the old collar.
    strand = np.s_[: round(NECK_Y - 0.2 * SIZE), round(NECK_X + 0.26 * SIZE) : round(NECK_X + 0.4 * SIZE)]
    labels[strand] = np.where(evidence.alpha[strand] > 0.5, labels[strand], np.uint8(Cihp.HAIR))
    alpha = np.maximum(evidence.alpha, (labels == Cihp.HAIR).astype(np.float32))
    hidden = replace(evidence, labels=labels, alpha=alpha)
    found = fit_shoulders(body, hidden, fields)
    bare = bare_evidence(found, hidden, fields)
    assert np.interp(0.26, found.shoulders.at, found.shoulders.seen[1]) < 0.05  # nothing is taken off beside hair
    limbs = (trace_limb(found, bare, 0), trace_limb(found, bare, 1))
    removed = (labels == Cihp.UPPER).astype(np.float32)
    torso = undress((found, bare, fields), removed, 0.8 * body.length, limbs).torso
    columns = slice(round(NECK_X + 0.29 * SIZE), round(NECK_X + 0.37 * SIZE))
    below = (labels[:, columns] == Cihp.UPPER) & (np.arange(SHAPE[0])[:, None] < NECK_Y - 5)
    assert below.any() and torso[:, columns][below].min() > 0.4


def test_without_leaks_the_line_is_the_models() -> None:
    body, evidence = make_body(), replace(draw_evidence(*slope()), leak_free=True)
    fields = measure_fields(body, SHAPE)
    found = fit_shoulders(body, evidence, fields)
    assert not found.shoulders.off.any()
    assert bare_evidence(found, evidence, fields) is evidence


def lay(body: Body, garment: Garment, over: F64) -> tuple[F32, F64]:
    """Return the coverage of settled cloth that stood `over` pixels above the line, and the line's height it is for."""
    lateral = np.abs(np.arange(SHAPE[1]) - NECK_X)
    line = body.cloth_up(lateral, 1)
    height = np.where(lateral < 0.27 * SIZE, -30.0, line + np.interp(lateral, np.arange(len(over)), over))
    alpha = np.clip(height[None] - (NECK_Y - np.arange(SHAPE[0])[:, None]) + 0.5, 0.0, 1.0).astype(np.float32)
    grid = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float32)
    ones = np.ones(SHAPE, np.float32)
    front = LayerMap("front", grid[1], grid[0], ones, ones)
    source = ClothSource(np.zeros((*SHAPE, 3), np.uint8), alpha, 1.0, (SHAPE[1], SHAPE[0]))
    vertices = np.full((len(garment.mesh.part), 2), NECK_X)
    vertices[garment.mesh.part == COLLAR, 0] += 0.3 * SIZE
    worn = (garment, vertices)
    settled = settle_on_shoulders((front,), source, worn, body, measure_fields(body, SHAPE))
    return sample_coverage(source, settled[0]), line


def above_line(cover: F32, line: F64, first: float, last: float) -> F64:
    """Return by how many pixels cloth stands above the line, per column between distances from the axis."""
    columns = slice(round(NECK_X + first * SIZE), round(NECK_X + last * SIZE))
    tops = NECK_Y - (cover[:, columns] > 0.5).argmax(axis=0).astype(np.float64)
    over: F64 = tops - line[columns]
    return over


def test_a_collars_peak_comes_down_on_the_shoulder() -> None:
    at = np.arange(210)
    peak = 14.0 * np.interp(at, [0.27 * SIZE, 0.33 * SIZE], [1.0, 0.0])
    cover, line = lay(make_body(), dressed_garment(TEE).garment, peak)
    assert np.abs(above_line(cover, line, 0.275, 0.42)).max() < 3.0


def test_a_collar_that_stands_round_the_neck_goes_on_standing() -> None:
    garment = dressed_garment(COLLARED).garment
    assert (garment.mesh.part == COLLAR).any()
    at = np.arange(210)
    peak = 30.0 * np.interp(at, [0.27 * SIZE, 0.33 * SIZE], [1.0, 0.0])
    cover, line = lay(make_body(), garment, peak)
    assert above_line(cover, line, 0.275, 0.285).min() > 20.0


def test_a_neckline_is_drawn_round_and_not_by_its_chords() -> None:
    at = np.linspace(0.0, np.pi, 9)
    points = np.stack([np.cos(at), np.sin(at)], -1) * -100
    away = np.abs(np.hypot(*rounded(points).T) - 100)
    assert away.max() < 0.7  # the chords' middles lie 1.9 off


@pytest.mark.parametrize("shape", [TANK, TEE])
def test_what_hangs_on_the_shoulders_without_sleeves_ends_on_them(shape: tuple[tuple[float, float], ...]) -> None:
    body, fields = make_body(), measure_fields(make_body(), SHAPE)
    garment = replace(dressed_garment(shape).garment, neckline=Neckline.V)
    grid, ones = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float32), np.ones(SHAPE, np.float32)
    (front,) = end_on_shoulders((LayerMap("front", grid[1], grid[0], ones, ones),), garment, body, fields)
    above = NECK_Y - body.shoulder_up(np.array([0.35 * SIZE]), 1)[0] - 8
    spike = front.weight[: int(above), round(NECK_X + 0.35 * SIZE)]
    assert (spike == (0.0 if garment.sleeve is SleeveLength.NONE else 1.0)).all()
    assert (front.weight[int(NECK_Y) + 5 :] == 1.0).all()
