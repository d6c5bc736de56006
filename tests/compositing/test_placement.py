"""Placement: exact inverses, anchors, hit tests, cut persons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.compositing.placement import (
    apply,
    ground_line,
    invert,
    is_hit,
    measure_stand,
    person_outline,
    place_native,
    placement_matrix,
    settle,
)
from studio.domain.errors import CompositingError
from studio.domain.geometry import Placement
from tests.compositing.looks import make_look

BACKGROUND = (1000, 800)


def test_the_anchor_is_the_middle_of_the_lowest_edge() -> None:
    stand = measure_stand(make_look().cutout.alpha)
    assert stand.anchor == (39.5, 109.5)
    assert not stand.cut_below


@given(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5), st.floats(0.05, 3), st.floats(-180, 180), st.booleans())
def test_the_inverse_brings_every_point_back(x: float, y: float, scale: float, turn: float, flip: bool) -> None:
    stand = measure_stand(make_look().cutout.alpha)
    matrix = placement_matrix(stand, Placement(x, y, scale, turn, flip), BACKGROUND)
    points = np.array([[0.0, 0.0], [79.0, 119.0], [39.5, 109.5]])
    assert np.allclose(apply(invert(matrix), apply(matrix, points)), points, atol=1e-6)


@given(st.floats(0, 1), st.floats(0.1, 1), st.floats(-90, 90), st.booleans())
def test_the_anchor_stays_where_it_was_placed(x: float, scale: float, turn: float, flip: bool) -> None:
    stand = measure_stand(make_look().cutout.alpha)
    placement = Placement(x, 0.9, scale, turn, flip)
    mapped = apply(placement_matrix(stand, placement, BACKGROUND), np.array(stand.anchor))
    assert mapped == pytest.approx([x * 1000 - 0.5, ground_line(placement, BACKGROUND)])


def test_scale_is_the_height_of_the_person_in_the_background() -> None:
    stand = measure_stand(make_look().cutout.alpha)
    outline = person_outline(stand, Placement(scale=0.5), BACKGROUND)
    assert outline[:, 1].max() - outline[:, 1].min() == pytest.approx(400)


def test_rotation_is_clockwise() -> None:
    stand = measure_stand(make_look().cutout.alpha)
    head = apply(placement_matrix(stand, Placement(0.5, 0.9, 0.5, 90), BACKGROUND), np.array([39.5, 10.0]))
    assert head[0] > 500 + 100


def test_the_pointer_hits_the_person_not_its_box() -> None:
    look = make_look()
    alpha = look.cutout.alpha.copy()
    alpha[10:60, 20:30] = 0
    stand = measure_stand(alpha)
    placement = place_native(stand, BACKGROUND, 500, 700)
    dx, dy = 500 - stand.anchor[0], 700 - stand.anchor[1]
    assert is_hit(alpha, stand, placement, BACKGROUND, 45 + dx, 50 + dy)
    assert not is_hit(alpha, stand, placement, BACKGROUND, 25 + dx, 30 + dy)
    assert not is_hit(alpha, stand, placement, BACKGROUND, -900, 0)


def test_a_person_cut_by_the_photo_is_set_on_the_lower_edge_with_a_note() -> None:
    stand = measure_stand(make_look(box=(20, 10, 60, 120)).cutout.alpha)
    assert stand.cut_below
    settled = settle(stand, Placement(y=0.8))
    assert settled.placement.y == 1.0
    assert [note.key for note in settled.notes] == ["compositing.cut_below"]
    assert settle(stand, Placement(y=1.05)).notes == ()


def test_a_person_with_feet_stays_where_placed() -> None:
    stand = measure_stand(make_look().cutout.alpha)
    assert settle(stand, Placement(y=0.8)).placement.y == 0.8


def test_an_empty_look_is_refused() -> None:
    with pytest.raises(CompositingError, match="empty_look"):
        measure_stand(np.zeros((5, 5), np.float32))
