"""What bare legs that nobody saw are shaded by, and how they are drawn."""

from __future__ import annotations

import numpy as np

from studio.pipeline.tryon.draping.compose import FAINTEST, fade_faintest
from studio.pipeline.tryon.draping.leg_forms import light_forms
from studio.pipeline.tryon.draping.leg_shape import LEG_AT, SIDES
from studio.pipeline.tryon.draping.lower_dress import fit_lower
from tests.pipeline.lower_figures import draw_standing


def _light(along: float, across: float, inner: float = 1.0) -> float:
    return float(light_forms(np.array([[along]]), np.array([[across]]), inner).mean())


def test_a_kneecap_stands_out_lit_from_above_and_throws_its_lower_edge_into_shade() -> None:
    upper, lower, beside = _light(0.91, 0.0), _light(1.03, 0.0), _light(0.96, -0.55)
    assert upper > 0.1
    assert lower < -0.1
    assert beside < -0.03


def test_forms_are_mirrored_on_the_other_leg_and_fade_on_the_thigh() -> None:
    assert np.isclose(_light(1.1, 0.4), _light(1.1, -0.4, inner=-1.0))
    assert not np.isclose(_light(0.8, 0.5), _light(0.8, -0.5))
    assert abs(_light(0.45, -0.2)) < 0.02


def test_the_inner_side_of_a_knee_and_the_outer_one_of_a_thigh_stand_out() -> None:
    outer, inner = SIDES
    knee, thigh = int(np.argmin(np.abs(LEG_AT - 1.0))), int(np.argmin(np.abs(LEG_AT - 0.5)))
    assert inner[knee] > 1 > outer[knee]
    assert outer[thigh] > 1 > inner[thigh]
    legs = fit_lower(draw_standing()).legs.legs
    for leg, side in zip(legs, (1, 0), strict=True):  # side: which edge faces the other leg
        assert leg.shape is not None
        edges = (-leg.shape.first[knee], leg.shape.second[knee])
        assert edges[side] > edges[1 - side]


def test_a_shadow_fades_out_without_a_step() -> None:
    shade = np.linspace(0, 0.2, 2001, dtype=np.float32)
    faded = fade_faintest(shade)
    assert not faded[shade < FAINTEST].any()
    assert np.allclose(faded[shade > 2 * FAINTEST], shade[shade > 2 * FAINTEST])
    assert np.diff(faded).max() < 2.1e-4
