"""Where rows of a leaning trunk lie, how wide a seen trunk is, and cloth that goes round it; on the drawn person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.domain.artefacts import ParseMap, PersonArtefacts
from studio.domain.labels import Cihp
from studio.pipeline.garment import analyse_garment
from studio.pipeline.tryon.drape import _fit
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import before_back, measure_fields
from studio.pipeline.tryon.draping.flanks import hold_on_trunk
from studio.pipeline.tryon.draping.targets import place_garment
from tests.pipeline.tryon_figures import TEE, draw_garment, draw_person


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


@pytest.fixture(scope="module")
def body(person: PersonArtefacts) -> Body:
    return _fit(person, leak_free=False).body


def _leaning(body: Body, tilt: float) -> Body:
    return replace(body, across_top=np.array([np.cos(tilt), np.sin(tilt)]))


@pytest.mark.parametrize("tilt", [0.0, 0.3, -0.45])
def test_a_leaning_trunks_points_are_found_where_they_were_placed(body: Body, tilt: float) -> None:
    leaning = _leaning(body, tilt)
    lateral, depth = np.meshgrid(np.linspace(-0.5, 0.5, 9) * body.size, np.linspace(0.0, 1.3, 9) * body.length)
    found = leaning.locate(leaning.place(lateral, depth))
    assert np.abs(found[0] - lateral).max() < 0.5
    assert np.abs(found[1] - depth).max() < 0.5


def test_a_bare_trunk_is_as_wide_as_it_is_seen(person: PersonArtefacts, body: Body) -> None:
    labels = person.parse.labels
    rows = (np.arange(labels.shape[0])[:, None] > 215) & (np.arange(labels.shape[0])[:, None] < 280)
    seen = round(1.25 * float(body.half_width(np.array([0.55 * body.length]), 1)[0]))
    middle = round(float(body.axis(np.array([0.55 * body.length]))[0, 0]))
    wide = rows & (np.abs(np.arange(labels.shape[1])[None] - middle) <= seen)
    around = np.where(rows, np.uint8(Cihp.BACKGROUND), labels)
    cloth, bare = (
        replace(person, parse=ParseMap(np.where(wide, np.uint8(label), around))) for label in (Cihp.UPPER, Cihp.NECK)
    )
    depth = np.array([0.55 * body.length])
    widths = [_fit(one, leak_free=False).body.half_width(depth, 1)[0] for one in (cloth, bare)]
    assert widths[0] < 0.95 * seen
    assert widths[1] == pytest.approx(seen, abs=2.5)


@pytest.mark.parametrize("tilt", [0.0, 0.4])
def test_cloth_below_the_armpits_is_nowhere_inside_the_trunk(body: Body, tilt: float) -> None:
    wide = replace(_leaning(body, tilt), half=body.half * np.array([[1.0], [1.25]]))
    garment = analyse_garment(*draw_garment(TEE))
    mesh = garment.mesh
    vertices = place_garment(garment, wide, None).vertices
    for side in (-1, 1):
        edge = (mesh.part == 0) & (np.abs(mesh.across - side) < 1e-3) & (mesh.along > 0.4)
        lateral, depth = wide.locate(vertices[edge])
        assert (lateral * side - wide.half_width(depth, side)).min() > -1.0


def test_cloth_with_room_is_left_as_it_hangs(body: Body) -> None:
    garment = analyse_garment(*draw_garment(TEE))
    vertices = place_garment(garment, body, None).vertices
    slim = replace(body, half=0.7 * body.half)
    held = hold_on_trunk(garment, vertices, slim, garment.mesh.part <= 1)
    assert np.abs(held - vertices).max() < 0.5


def test_a_round_hem_is_cut_and_not_tight(body: Body) -> None:
    wide = replace(body, half=1.15 * body.half)
    garment = analyse_garment(*draw_garment((*TEE[:-1], (-0.24, 0.86), (-0.2, 0.95), (-0.12, 1.0))))
    mesh = garment.mesh
    lateral, depth = wide.locate(place_garment(garment, wide, None).vertices)
    for side in (-1, 1):
        edge = np.flatnonzero((mesh.part == 0) & (np.abs(mesh.across - side) < 1e-3))
        room = (lateral * side - wide.half_width(depth, side))[edge[np.argsort(mesh.along[edge])]]
        assert room[-1] < -0.05 * body.size
        assert room[-6] > 0


def test_an_arm_behind_the_back_comes_in_with_a_slant(body: Body) -> None:
    fields = measure_fields(body, (512, 384))
    seen = before_back(body, fields, 0) > 0.5
    stands_off = np.where(seen, -fields.lateral - body.half_width(fields.depth, -1), -np.inf)
    along = fields.along[0]
    reach = [stands_off[(along > place - 0.03) & (along < place + 0.03)].max() for place in (0.6, 0.75, 0.9, 0.97)]
    assert (np.diff(reach) < 0).all()
    assert reach[-1] < 0.05 * body.size
