"""Rests of the old garment beside it that the parse map calls skin, or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Evidence
from studio.pipeline.tryon.draping.rests import claim_rests

SIZE = 300.0
TOP, SKIN, WALL = (30, 60, 140), (205, 160, 135), (225, 226, 228)


@pytest.fixture(name="evidence")
def _evidence() -> Evidence:
    """Return a sleeve above a bare arm before a wall."""
    labels = np.zeros((300, 300), np.uint8)
    labels[:150, 100:200] = Cihp.UPPER
    labels[150:, 100:200] = Cihp.RIGHT_ARM
    rgb = np.full((300, 300, 3), WALL, np.uint8)
    rgb[labels == Cihp.UPPER], rgb[labels == Cihp.RIGHT_ARM] = TOP, SKIN
    return Evidence(rgb, (labels > 0).astype(np.float32), labels, leak_free=False)


def test_a_hem_called_skin_is_the_sleeves(evidence: Evidence) -> None:
    rgb = evidence.rgb.copy()
    rgb[150:156, 110:140] = TOP

    found = claim_rests(replace(evidence, rgb=rgb), SIZE)

    assert (found[150:155, 112:138] == Cihp.UPPER).all()
    assert (found[160:] == evidence.labels[160:]).all()


def test_an_edge_that_no_label_owns_is_the_sleeves(evidence: Evidence) -> None:
    rgb, alpha = evidence.rgb.copy(), evidence.alpha.copy()
    rgb[100:150, 200:205], alpha[100:150, 200:205] = TOP, 0.6

    found = claim_rests(replace(evidence, rgb=rgb, alpha=alpha), SIZE)

    assert (found[102:148, 200:204] == Cihp.UPPER).all()
    assert (found[:, 206:] == 0).all()


def test_skin_beside_a_garment_of_its_own_tone_stays_skin(evidence: Evidence) -> None:
    rgb = np.where((evidence.labels > 0)[..., None], np.array(SKIN, np.uint8), evidence.rgb)

    assert (claim_rests(replace(evidence, rgb=rgb), SIZE) == evidence.labels).all()


def test_a_mole_far_from_the_sleeve_stays(evidence: Evidence) -> None:
    rgb = evidence.rgb.copy()
    rgb[220:226, 140:150] = TOP

    assert (claim_rests(replace(evidence, rgb=rgb), SIZE) == evidence.labels).all()
