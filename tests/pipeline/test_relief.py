"""The body's relief: where its charts lie on a person, and which way they face."""

from __future__ import annotations

import numpy as np
import pytest

from studio.pipeline.tryon.draping.relief import limb_surface, load_relief

HANGING = np.array([[0.0, 0.0], [0.0, 100.0], [0.0, 180.0]])


def test_the_trunk_is_the_same_on_both_sides() -> None:
    trunk = load_relief().trunk
    mirrored = trunk[:, ::-1] * np.array([-1, 1, 1], np.float32)
    assert np.abs(trunk - mirrored).max() < 0.02


@pytest.mark.parametrize(("number", "inner"), [(0, 1.0), (1, -1.0)])
def test_an_arms_inner_side_faces_the_trunk_and_lies_in_its_shade(number: int, inner: float) -> None:
    along = np.full((1, 2), 0.7)
    across = np.array([[-0.85 * inner, 0.85 * inner]])  # grows towards the picture's left
    surface = limb_surface(load_relief().arm, (along, across), HANGING, number)
    towards_trunk, outwards = surface[0, 0, 0], surface[0, 1, 0]
    assert towards_trunk * inner > 0.4
    assert outwards * inner < -0.4
    assert surface[0, 0, 4] < surface[0, 1, 4] - 0.15


def test_light_stays_where_it_is_when_a_limb_turns() -> None:
    along, across = np.full((1, 1), 0.5), np.array([[0.8]])
    lying = np.array([[0.0, 0.0], [-100.0, 0.0], [-180.0, 0.0]])  # towards the picture's left
    hangs, lies = (limb_surface(load_relief().arm, (along, across), joints, 0)[0, 0] for joints in (HANGING, lying))
    assert hangs[0] < -0.3  # its outer side faces the picture's left
    assert lies[1] < -0.3  # and now up
    assert np.isclose(hangs[2], lies[2])
