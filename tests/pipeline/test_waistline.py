"""Where trousers begin below a bare belly: a smooth line, whatever a hem left to be seen of the waistband."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.arrays import Bool
from studio.pipeline.tryon.drape import _fit
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.waistline import bare_waistline
from tests.pipeline.tryon_figures import draw_person


@pytest.fixture(scope="module")
def body() -> Body:
    return _fit(draw_person(), leak_free=False).body


def _torn_trousers(body: Body, waist: float) -> Bool:
    """Return trousers whose upper edge a hem has torn by some pixels."""
    row = int(body.axis(np.array([waist]))[0][1])
    lower = np.zeros((row + 200, 2 * round(float(body.axis(np.array([waist]))[0][0]))), bool)
    torn = np.random.default_rng(1).integers(0, 7, lower.shape[1] // 8 + 1).repeat(8)[: lower.shape[1]]
    for column, shift in enumerate(torn):
        lower[row + shift :, column] = True
    return lower


def test_torn_trousers_begin_at_a_smooth_line_above_all_that_is_seen(body: Body) -> None:
    waist = 0.8 * body.length
    lower = _torn_trousers(body, waist)
    edge = bare_waistline(body, lower, waist)
    assert np.abs(np.diff(edge)).max() < 0.5
    first = lower.argmax(axis=0)
    middle = slice(len(edge) // 2 - 40, len(edge) // 2 + 40)
    assert (edge[middle] <= first[middle] + 1).mean() > 0.9
    assert (first[middle] - edge[middle]).max() < 14


def test_under_a_hem_that_hung_over_them_trousers_go_on_to_the_waist(body: Body) -> None:
    waist = 0.8 * body.length
    lower = _torn_trousers(body, waist)
    higher = 0.7 * body.length
    edge = bare_waistline(body, lower, higher)
    wanted = body.axis(np.array([higher]))[0]
    assert abs(edge[int(wanted[0])] - wanted[1]) < 3


def test_a_waistband_that_an_old_top_hides_at_both_sides_is_level_not_a_dome(body: Body) -> None:
    waist = 0.8 * body.length
    middle, row = body.axis(np.array([waist]))[0]
    lower = np.zeros((int(row) + 200, 2 * round(float(middle))), bool)
    for column in range(lower.shape[1]):
        lower[int(row + 30 * min(1.0, abs(column - middle) / (0.3 * body.size)) ** 2) :, column] = True
    edge = bare_waistline(body, lower, waist)
    near = edge[round(middle - 0.3 * body.size) : round(middle + 0.3 * body.size)]
    assert np.abs(np.diff(near, 2)).max() < 1e-6
    assert np.ptp(near) < 4
