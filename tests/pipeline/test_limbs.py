"""Arms, seen and painted, as one limb: smooth edges without a step or rag, one skin without a seam."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import PersonArtefacts, Photo
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE, _fit
from studio.pipeline.tryon.draping.arms import lay_behind_forearms, unite_arms
from studio.pipeline.tryon.draping.endings import Endings
from studio.pipeline.tryon.draping.fields import measure_fields
from studio.pipeline.tryon.draping.layers import take_apart
from studio.pipeline.tryon.draping.limbs import PLACES, Limb, _ends, draw_limb, trace_limb
from studio.pipeline.tryon.draping.plates import Bareness, Occluder, Plate
from studio.pipeline.tryon.draping.raster import LayerMap
from tests.pipeline.tryon_figures import BACKDROP, OLD_TOP, SKIN, TANK, context, draw_person, dressed_garment

HALF = 15.0
"""The drawn arms' half-width."""
SIDES = (-1, 1)


def _axis(y: F64, side: int) -> F64:
    axis: F64 = 192 + side * np.interp(y, [150, 250, 340], [62, 80, 88])
    return axis


def _person(*, sleeve: int, flare: float = 6.0, rag: int = 0, covered: int = 0) -> PersonArtefacts:
    """Return the drawn person with round bare arms below flaring sleeves.

    sleeve: the row its hem is at. rag: how far the parse map's border of arm and trunk jumps. covered: by how much a
    loose top lies over the inner side of the picture's left arm.
    """
    person = draw_person()
    labels, rgb = np.asarray(person.parse.labels).copy(), person.photo.rgb8.copy()
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]].astype(np.float64)
    arms = np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM)) | ((labels == Cihp.UPPER) & (np.abs(x - 192) > 62))
    labels[arms], rgb[arms] = Cihp.BACKGROUND, BACKDROP
    for side, label in ((-1, Cihp.RIGHT_ARM), (1, Cihp.LEFT_ARM)):
        off = (x - _axis(y, side)) * side
        wide = HALF + flare * np.clip((y - 150) / (sleeve - 150), 0, 1)
        cloth = (np.abs(off) < wide) & (y > 146) & (y <= sleeve)
        bare = (np.abs(off) < HALF) & (y > sleeve) & (y < 372)
        jump = rag * ((y // 9) % 2) * (np.abs(off + HALF) < 2 * rag)
        seen = bare & (off > -HALF + jump)
        if covered and side < 0:
            hidden = bare & (off < -HALF + covered) & (y < 320)
            seen &= ~hidden
            labels[hidden], rgb[hidden] = Cihp.UPPER, OLD_TOP
        labels[bare & ~seen & (labels == 0)] = Cihp.UPPER
        rgb[bare & ~(labels == Cihp.UPPER)] = SKIN
        labels[cloth], rgb[cloth] = Cihp.UPPER, OLD_TOP
        labels[seen], rgb[seen] = label, SKIN
    alpha = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), 0.7)
    return replace(
        person,
        photo=Photo(rgb, "8" * 64, "p.png"),
        parse=replace(person.parse, labels=labels),
        cutout=replace(person.cutout, alpha=alpha),
    )


def _limbs(person: PersonArtefacts) -> tuple[Limb, Limb]:
    fitting = _fit(person, False)
    return trace_limb(fitting.body, fitting.evidence, 0), trace_limb(fitting.body, fitting.evidence, 1)


def _roughness(edge: F64, first: float, last: float) -> float:
    """Return how far an edge bends from one place to the next, in pixels."""
    part = edge[(first <= PLACES) & (last >= PLACES)]
    return float(np.abs(np.diff(part, 2)).max())


def test_a_limbs_width_is_that_of_what_is_seen_and_goes_on_without_a_step() -> None:
    for limb in _limbs(_person(sleeve=225)):
        width = limb.second - limb.first
        seen = (PLACES > 0.9) & (PLACES < 1.7)
        assert np.abs(width[seen] - 2 * HALF).max() < 2.0
        # From the seen forearm up under the sleeve: no step, and no flare of the sleeve's.
        above = (PLACES > 0.45) & (PLACES < 0.9)
        assert np.abs(width[above] - 2 * HALF).max() < 6.0  # an upper arm is a little thicker
        assert max(_roughness(limb.first, 0.3, 1.7), _roughness(limb.second, 0.3, 1.7)) < 0.25


@pytest.mark.parametrize("rag", [3, 5])
def test_a_ragged_border_of_the_parse_map_leaves_no_rag(rag: int) -> None:
    for limb in _limbs(_person(sleeve=225, rag=rag)):
        assert max(_roughness(limb.first, 0.3, 1.7), _roughness(limb.second, 0.3, 1.7)) < 0.3


def test_an_arm_partly_under_a_loose_top_keeps_the_other_arms_width() -> None:
    limb, other = _limbs(_person(sleeve=200, covered=16))
    places = (PLACES > 0.6) & (PLACES < 1.5)
    assert (limb.second - limb.first)[places].min() > 0.75 * (other.second - other.first)[places].min()
    assert limb.behind and not other.behind


def test_the_old_garment_says_nothing_where_it_may_not_be_looked_at() -> None:
    """Beyond what the silhouette bounds, a wider sleeve changes nothing of the arm under it."""
    narrow, wide = (_limbs(_person(sleeve=225, flare=flare))[1] for flare in (5.0, 12.0))
    places = (PLACES > 0.5) & (PLACES < 1.6)
    assert np.abs(narrow.second - wide.second)[places].max() < 2.5


def test_a_drawn_limb_is_exact_and_has_no_hole_where_it_folds() -> None:
    limb = _limbs(_person(sleeve=225))[0]
    drawn = draw_limb(limb, (512, 384), 0.6, 1.6)
    width = (limb.second - limb.first)[(PLACES >= 0.6) & (PLACES <= 1.6)]
    length = np.hypot(*np.diff(limb.spots[(PLACES >= 0.6) & (PLACES <= 1.6)], axis=0).T).sum()
    assert abs(float(drawn.sum()) / (float(width.mean()) * length) - 1) < 0.02
    turned = limb.spots.copy()
    turned[PLACES > 1] = turned[PLACES > 1][:1] + (turned[PLACES > 1][:1] - turned[PLACES > 1]) @ _turn(150)
    folded = draw_limb(replace(limb, spots=turned), (512, 384), 0.5, 1.5)
    holes = cv2.morphologyEx((folded > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    assert int((holes > 0).sum() - (folded > 0.5).sum()) < 25


@pytest.mark.parametrize(("shown", "is_whole"), [((2.0, 2.3), True), ((0.4, 2.3), False), ((0.0, 0.0), False)])
def test_a_bent_forearm_that_was_in_the_old_sleeve_is_drawn_down_to_its_hand(
    shown: tuple[float, float], is_whole: bool
) -> None:
    person = _person(sleeve=0)
    arm = _fit(person, False).body.arms[0]
    down, forward = arm.points[1] - arm.points[0], np.array([80.0, 20.0])
    bent = replace(arm, points=np.array([arm.points[0], arm.points[0] + down, arm.points[0] + down + forward]), seen=2)
    assert (_ends(bent, shown, 1.9) > 2.0) is is_whole


def _turn(degrees: float) -> F64:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def _dressed(person: PersonArtefacts) -> U8:
    tryon = DRAPE.dress(person, dressed_garment(TANK), context(), layers=LayerOrder())
    return blend_look(person.photo, person.cutout, tryon).rgb8


def _outer_edge(look: U8, side: int, rows: range) -> F64:
    """Return where skin ends on the arm's outer side, row by row, to a pixel's share."""
    off = np.abs(look.astype(np.float32) - BACKDROP).mean(axis=2) / np.abs(np.array(SKIN) - BACKDROP).mean()
    share = np.clip(off, 0, 1)
    return np.array([_beyond(share[y], float(_axis(np.array(y, float), side)), side) for y in rows])


def _beyond(row: F32, axis: float, side: int) -> float:
    outer = row[round(axis) :: side][:40]
    return float(outer.sum())


@pytest.mark.parametrize("rag", [0, 4])
def test_a_bared_arm_has_one_outline_from_shoulder_to_wrist(rag: int) -> None:
    look = _dressed(_person(sleeve=225, rag=rag))
    for side in SIDES:
        edge = _outer_edge(look, side, range(185, 300))
        assert np.abs(np.diff(edge)).max() < 1.6
        assert np.ptp(edge[30:60]) < 3.0, "a step where the sleeve's hem was"


def test_no_background_shows_between_seen_and_painted_skin() -> None:
    look = _dressed(_person(sleeve=225)).astype(np.float32)
    for side in SIDES:
        rows = range(195, 300)
        outer = [round(float(_axis(np.array(y, float), side))) + 4 * side for y in rows]
        strip = np.array([look[y, x - 3 : x + 4] for y, x in zip(rows, outer, strict=True)])
        assert np.abs(strip - np.array(SKIN)).max() < 40
        tone = cv2.GaussianBlur(strip.mean(axis=(1, 2))[:, None], (1, 5), 1.0)[:, 0]
        assert np.abs(np.diff(tone)).max() < 3.0  # skin wavers a little


def test_a_sleeve_lies_behind_the_bare_forearm_raised_before_it() -> None:
    fitting = _fit(_person(sleeve=225), False)
    body, fields = fitting.body, measure_fields(fitting.body, fitting.evidence.alpha.shape[:2])
    shoulder, elbow = body.arms[0].points[:2]
    bent = replace(body.arms[0], points=np.array([shoulder, elbow, shoulder + np.array([40.0, -10.0])]))
    raised = replace(body, arms=(bent, body.arms[1]))
    limbs = (trace_limb(raised, fitting.evidence, 0), trace_limb(raised, fitting.evidence, 1))
    assert limbs[0].is_bent and not limbs[1].is_bent
    ones = np.ones(fields.shape, np.float32)
    maps = tuple(LayerMap(name, ones, ones, ones, ones) for name in ("front", "left_sleeve"))
    layers = take_apart(body, fitting.evidence, LayerOrder(), fields)
    layers = replace(layers, arms=Occluder(ones, layers.arms.rgb))
    front, sleeve = lay_behind_forearms(maps, layers, (raised, fields), limbs)
    x, y = np.round((elbow + bent.points[2]) / 2).astype(int)
    assert sleeve.weight[y, x] < 0.02 and sleeve.weight[y, x - 60] == 1.0 and (front.weight == 1.0).all()
    clothed = replace(layers, arms=Occluder(0 * ones, layers.arms.rgb))
    assert (lay_behind_forearms(maps, clothed, (raised, fields), limbs)[1].weight == 1.0).all()
    straight = (trace_limb(body, fitting.evidence, 0), limbs[1])
    assert lay_behind_forearms(maps, layers, (body, fields), straight) is maps


def test_a_bare_arm_that_went_behind_trousers_stays_behind_them() -> None:
    whole = _person(sleeve=200)
    labels = np.asarray(whole.parse.labels).copy()
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]]
    # Below them the hand comes out again.
    hips = (y > 280) & (y < 345) & (x > 192) & (x < 192 + 100) & (labels != Cihp.BACKGROUND)
    labels[hips] = Cihp.TROUSERS
    hidden = replace(whole, parse=replace(whole.parse, labels=labels))
    nowhere = np.zeros((2, 2))
    bareness = Bareness(None, Endings((nowhere, nowhere), None, nowhere))
    shown = []
    for person in (whole, hidden):
        fitting = _fit(person, leak_free=False)
        body, evidence = fitting.body, fitting.evidence
        fields = measure_fields(body, (evidence.alpha.shape[0], evidence.alpha.shape[1]))
        limbs = (trace_limb(body, evidence, 0), trace_limb(body, evidence, 1))
        layers = take_apart(body, evidence, LayerOrder(), fields)
        shape = (*fields.shape, 3)
        plain = np.zeros(shape, np.float32)
        plate = Plate(plain, np.zeros(fields.shape, np.float32), plain, plain)
        arms = unite_arms(layers, plate, (body, evidence, fields), limbs, bareness).arms.alpha
        at = fitting.view.to_work(np.array([[float(_axis(np.array(320.0), 1)), 320.0]]))[0].astype(int)
        shown.append(float(arms[at[1], at[0]]))
    assert shown[0] > 0.9
    assert shown[1] < 0.1
