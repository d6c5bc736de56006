"""A forearm under an old sleeve, or under a mask, leads to the hand that is seen, and is as wide there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.domain.arrays import F64, U8
from studio.domain.labels import Cihp
from studio.pipeline.tryon.drape import _fit
from studio.pipeline.tryon.draping.limbs import PLACES, trace_limb
from studio.pipeline.tryon.draping.wrists import find_cut, lead_to_hand
from tests.pipeline.tryon_figures import draw_person

HALF = 8.0
JOINTS = np.array([[100.0, 20.0], [100.0, 120.0], [100.0, 200.0]])


def _hand(left: int, right: int, top: int = 220, slant: float = 0.0) -> U8:
    """Return labels of a sleeve down to a slanting line, and a hand below it."""
    y, x = np.mgrid[0:300, 0:200]
    labels = np.zeros((300, 200), np.uint8)
    cut = top + slant * (x - left)
    labels[(x > 80) & (x < 130) & (y > 20) & (y < cut)] = Cihp.UPPER
    labels[(x >= left) & (x < right) & (y >= cut) & (y < 260)] = Cihp.LEFT_ARM
    return labels


def _cut(labels: U8) -> F64 | None:
    return find_cut(JOINTS, HALF, labels, Cihp.LEFT_ARM)


def test_the_cut_goes_from_edge_to_edge() -> None:
    found = _cut(_hand(96, 120, slant=0.3))
    assert found is not None
    columns = sorted(found[:, 0].tolist())
    assert columns == pytest.approx([97, 118], abs=1.5)
    assert found[found[:, 0].argmax(), 1] > found[found[:, 0].argmin(), 1] + 4  # it slants as the sleeve does


def test_a_hand_that_nothing_covers_has_no_cut() -> None:
    bare = _hand(96, 120)
    bare[bare == Cihp.UPPER] = Cihp.BACKGROUND
    assert _cut(bare) is None
    assert _cut(np.zeros((300, 200), np.uint8)) is None


def test_a_wrist_is_led_to_its_hand_but_a_bent_hand_stays() -> None:
    aside = _cut(_hand(100, 122))
    assert aside is not None
    led = lead_to_hand(JOINTS, aside)
    assert 6 < led[2, 0] - 100 < 11
    assert np.hypot(*(led[2] - led[1])) == pytest.approx(80, abs=0.1)
    assert np.array_equal(lead_to_hand(JOINTS, aside + np.array([60.0, 0.0])), JOINTS)


@pytest.mark.parametrize("off", [-7.0, 7.0])
def test_a_sleeved_forearm_ends_as_wide_as_its_hand_and_beside_nothing(off: float) -> None:
    person = draw_person()
    labels = np.asarray(person.parse.labels).copy()
    fitting = _fit(person, False)
    arm = fitting.body.arms[0]
    view, (elbow, wrist) = fitting.view, arm.points[1:]
    down = (wrist - elbow) / np.hypot(*(wrist - elbow))
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]].astype(np.float64)
    start, size = np.array([view.box.x0, view.box.y0]), fitting.body.size / view.scale
    elbow, wrist = elbow / view.scale + start, wrist / view.scale + start
    across = (x - wrist[0]) * -down[1] + (y - wrist[1]) * down[0] - off
    along = (x - wrist[0]) * down[0] + (y - wrist[1]) * down[1]
    wide = 0.1 * size
    labels[(labels == Cihp.RIGHT_ARM) | ((along > -60) & (along < 60) & (np.abs(across) < 30))] = Cihp.BACKGROUND
    labels[(along > -60) & (along < 6) & (np.abs(across) < 2 * wide)] = Cihp.UPPER
    labels[(along >= 6) & (along < 46) & (np.abs(across) < wide)] = Cihp.RIGHT_ARM
    fitting = _fit(replace(person, parse=replace(person.parse, labels=labels)), False)
    limb = trace_limb(fitting.body, fitting.evidence, 0)
    assert limb.is_unseen
    place = 1 + float((wrist + 6 * down - elbow) @ down) / float(np.hypot(*(wrist - elbow)))
    row = int(np.searchsorted(PLACES, place))
    edges = [limb.spots[row] + limb.normals[row] * edge[row] for edge in (limb.first, limb.second)]
    seen = [float(((edge / view.scale + start) - wrist) @ [-down[1], down[0]]) - off for edge in edges]
    assert sorted(seen) == pytest.approx([-wide, wide], abs=2.5)
