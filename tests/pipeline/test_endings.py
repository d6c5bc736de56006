"""Skin beside the new garment: it begins at the garment's own lines, as light and smooth as the skin that is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.domain.arrays import F64
from studio.domain.artefacts import Photo
from studio.domain.labels import Cihp
from studio.pipeline.tryon.drape import _fit
from studio.pipeline.tryon.draping.arms import find_sleeve_insides, join_arm_skin
from studio.pipeline.tryon.draping.endings import Endings, close_hollows, draw_below_cuff, read_endings, trunk_beside
from studio.pipeline.tryon.draping.fields import measure_fields
from studio.pipeline.tryon.draping.limb_light import carry_on_light
from studio.pipeline.tryon.draping.limbs import before_garment, draw_limb, trace_limb
from studio.pipeline.tryon.draping.plates import Bareness, paint_plate, undress
from tests.pipeline.test_limbs import HALF, _axis, _limbs, _person
from tests.pipeline.tryon_figures import LONG, SKIN, TANK, dressed_garment

SHAPE = (512, 384)
NECK = np.array([[160.0, 150.0], [224.0, 150.0]])


def _side(half: float, side: int) -> F64:
    return np.array([[192 + side * half, 210.0], [192 + side * half, 300.0]])


def test_a_garments_endings_are_its_sides_below_the_armholes_and_its_cuffs() -> None:
    for cut, is_sleeved in ((TANK, False), (LONG, True)):
        garment = dressed_garment(cut).garment
        endings = read_endings(garment, garment.mesh.vertices.astype(np.float64))
        assert (endings.cuffs is not None) is is_sleeved
        for name, line in zip(("left", "right"), endings.sides, strict=True):
            assert np.hypot(*(line[0] - np.array(garment.landmarks[f"armpit_{name}"]))) < 2.0
            assert np.hypot(*(line[-1] - np.array(garment.landmarks[f"hem_{name}"]))) < 2.0


def test_a_necklines_ends_are_where_its_line_was_laid() -> None:
    garment = dressed_garment(LONG).garment
    corner = np.array(garment.landmarks["collar_left"])
    spots = {f"neckline_{index}": (corner[0] + 9.0 * index, corner[1] + 4.0) for index in range(3)}
    lined = replace(garment, landmarks={**garment.landmarks, **spots})
    laid = garment.mesh.vertices * 0.5 + [40.0, 30.0]
    wanted = np.array([spots["neckline_0"], spots["neckline_2"]]) * 0.5 + [40.0, 30.0]
    assert np.allclose(read_endings(lined, laid).neck, wanted, atol=0.1)


def test_a_wide_neckline_bares_the_shoulders_up_to_its_ends() -> None:
    fitting = _fit(_person(sleeve=225), False)
    body, evidence = fitting.body, fitting.evidence
    fields = measure_fields(body, (evidence.alpha.shape[0], evidence.alpha.shape[1]))
    limbs = (trace_limb(body, evidence, 0), trace_limb(body, evidence, 1))
    removed = (evidence.labels == Cihp.UPPER).astype(np.float32)
    undressed = undress((body, evidence, fields), removed, 0.8 * body.length, limbs)
    lateral = np.abs(fields.lateral) / body.size
    tip = (lateral > 0.45) & (lateral < 0.49) & (undressed.torso > 0.9) & (fields.depth < -2)
    assert tip.sum() > 10
    for half, is_bare in ((0.2, False), (0.5, True)):
        neck = body.place(np.array([-half, half]) * body.size, np.full(2, -0.15 * body.size))
        endings = Endings((_side(80, -1), _side(80, 1)), None, neck)
        plate = paint_plate((body, evidence, fields), undressed, Bareness((1.9, 1.9), endings), limbs)
        assert (plate.body[tip] > 0.5).mean() == pytest.approx(float(is_bare), abs=0.1)


def test_no_skin_of_the_trunk_lies_beside_a_garment_below_its_armholes() -> None:
    fitting = _fit(_person(sleeve=225), False)
    fields = measure_fields(fitting.body, SHAPE)
    shown = trunk_beside(Endings((_side(40, -1), _side(40, 1)), None, NECK), fitting.body, fields)
    x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]][1]
    off = np.abs(x - 192)
    assert shown[215:272][off[215:272] > 41].max() == 0.0
    assert shown[215:272][off[215:272] < 27].min() == 1.0
    assert shown[240:272][off[240:272] > 36].max() == 0.0, "cloth may end inside its mesh"
    assert shown[160][off[160] < 60].min() == 1.0
    own = float(fitting.body.half_width(fields.depth[345, 192], 1))
    assert shown[345][off[345] < own - 4].min() == 1.0, "below its hem a belly comes to its own width"
    assert shown[345][off[345] > own + 4].max() == 0.0, "and not beyond it"
    for rows in (range(260, 184, -1), range(265, 330)):  # up to the armhole, down over the hem: tangentially
        edge = np.array([(shown[y, 192:] > 0.5).sum() for y in rows])
        assert (np.diff(edge) >= 0).all() and np.diff(edge).max() <= 4


def test_the_hollow_above_a_shoulder_is_closed_and_the_gap_beside_the_trunk_is_not() -> None:
    fitting = _fit(_person(sleeve=225), False)
    fields = measure_fields(fitting.body, SHAPE)
    trunk, arm = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
    trunk[150:300, 140:244], arm[150:300, 100:134] = 1.0, 1.0
    closed = close_hollows(trunk, arm, np.zeros(SHAPE, bool), (fitting.body, fields, 0))
    assert closed[160, 134:140].min() > 0.9 and closed[260, 134:140].max() == 0.0
    assert np.array_equal(closed[:, :134], trunk[:, :134]), "the arm keeps its own skin"


@pytest.mark.parametrize("narrower", [5.0, 10.0])
def test_an_arm_wider_than_its_sleeve_shows_none_of_itself_beside_it(narrower: float) -> None:
    limb = _limbs(_person(sleeve=225))[0]
    row = 215
    middle = float(_axis(np.array(row, float), -1))
    cuff = np.array([[middle - HALF + narrower, row], [middle + HALF, row]], np.float64)
    place = (row - 150) / 100
    drawn = draw_below_cuff(limb, cuff, place, (place - 0.12, 1.8), SHAPE, 120.0)
    whole = draw_limb(limb, SHAPE, place - 0.12, 1.8)
    beside = np.s_[: row - 1, : int(cuff[0, 0]) - 1]
    assert whole[beside].max() == 1.0 and drawn[beside].max() == 0.0
    assert np.abs(drawn - whole)[row + 45 :].max() < 0.1
    left = np.array([np.argmax(drawn[y] > 0.5) for y in range(row + 2, row + 60)])
    assert np.abs(np.diff(left)).max() <= 2, "a corner"


def test_an_upper_arm_never_seen_stays_behind_the_garments_side_and_its_forearm_hangs_before_it() -> None:
    person = _person(sleeve=225)
    fitting = _fit(person, False)
    fields = measure_fields(fitting.body, SHAPE)
    limb = replace(_limbs(person)[0], shown=(0.0, 0.0))
    before = before_garment(limb, (fitting.body, fields), 0)
    along, across = fields.along[0], fields.across[0]
    upper, fore = (along > 0.1) & (along < 0.7), (along > 1.2) & (along < 1.9)
    assert before[upper & (np.abs(across) < 1)].max() == 0.0
    assert before[fore & (np.abs(across) < 1)].min() == 1.0


def test_a_painted_upper_arm_is_as_round_as_the_forearm_that_is_seen() -> None:
    person = _person(sleeve=225)
    fitting = _fit(person, False)
    fields = measure_fields(fitting.body, SHAPE)
    limb = _limbs(person)[0]
    along, across = fields.along[0], fields.across[0]
    known = ((along > 0.85) & (along < 1.8) & (np.abs(across) < 1)).astype(np.float32)
    rest = np.repeat((-0.3 * across**2 * known).astype(np.float32)[..., None], 3, axis=2)
    nothing = np.zeros_like(rest)
    carried = carry_on_light(nothing, (rest, known), limb, (fitting.body, fields, 0), 0.35)
    level = np.abs(along - 0.5) < 0.03
    middle, edge = (carried[level & (np.abs(np.abs(across) - at) < 0.1)].mean() for at in (0.0, 0.8))
    assert abs(float(edge - middle) + 0.3 * 0.64) < 0.05
    assert np.array_equal(carried[known > 0], nothing[known > 0])
    unseen = replace(limb, shown=(0.0, 0.0))
    assert carry_on_light(nothing, (rest, known), unseen, (fitting.body, fields, 0), 0.35) is nothing


def test_the_inside_of_an_old_sleeve_is_no_arm() -> None:
    person = _person(sleeve=225, flare=10.0)
    labels, rgb = np.asarray(person.parse.labels).copy(), person.photo.rgb8.copy()
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(np.float64)
    off = x - _axis(y, -1)
    inside = (off < -HALF) & (off > -HALF - 9 + (y - 225)) & (y > 225) & (y < 236)
    labels[inside], rgb[inside] = Cihp.RIGHT_ARM, np.array(SKIN) // 3
    alpha = np.maximum(person.cutout.alpha, inside.astype(np.float32))
    person = replace(
        person,
        photo=Photo(rgb, "9" * 64, "p.png"),
        parse=replace(person.parse, labels=labels),
        cutout=replace(person.cutout, alpha=alpha),
    )
    fitting = _fit(person, False)
    shape = (fitting.evidence.labels.shape[0], fitting.evidence.labels.shape[1])
    inside, labels = inside[: shape[0]], labels[: shape[0]]
    found = find_sleeve_insides(fitting.body, fitting.evidence, measure_fields(fitting.body, shape), _limbs(person))
    assert found[inside].mean() > 0.3
    assert not found[labels == Cihp.LEFT_ARM].any() and not found[(labels == Cihp.RIGHT_ARM) & ~inside].any()


def test_before_the_trunk_no_skin_lies_above_a_cuff_on_its_inner_side() -> None:
    limb = _limbs(_person(sleeve=225))[0]
    row = 215
    middle = float(_axis(np.array(row, float), -1))
    cuff = np.array([[middle - HALF, row], [middle + HALF - 8, row]], np.float64)
    place = (row - 150) / 100
    behind, before = (
        draw_below_cuff(limb, cuff, place, (place - 0.12, 1.8), SHAPE, 120.0, before=flag) for flag in (False, True)
    )
    nook = np.s_[row - 8 : row, int(cuff[1, 0]) - 6 : int(cuff[1, 0]) + 8]
    assert before[nook].max() < 0.6 and before[: row - 1][:, int(cuff[1, 0]) - 6 :].max() == 0.0
    assert behind[row - 8 : row - 1, int(middle)].min() == 1.0
    assert np.abs(before - behind)[row + 45 :].max() < 0.1


def test_skin_that_hangs_on_an_arm_alone_is_that_arms() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[5:30, 5:15], labels[30:40, 5:15] = Cihp.RIGHT_ARM, Cihp.NECK
    labels[5:20, 30:50], labels[20:50, 30:50], labels[20:50, 50:56] = Cihp.UPPER, Cihp.NECK, Cihp.LEFT_ARM
    joined = join_arm_skin(labels)
    assert (joined[30:40, 5:15] == Cihp.RIGHT_ARM).all()
    assert (joined[20:50, 30:50] == Cihp.NECK).all(), "a bare midriff is the trunk's"
