"""The cloth's upper edge on the shoulders: hollows are filled, openings cut into it are gone over."""

from __future__ import annotations

import numpy as np

from studio.pipeline.tryon.draping.settle import bridge_openings, keep_from_shearing

AT = np.linspace(0.0, 0.66, 133)


def test_an_opening_in_the_shoulder_is_gone_over() -> None:
    over = np.full(len(AT), 0.01)
    opening = (AT > 0.2) & (AT < 0.32)
    over[opening] = np.linspace(-0.1, -0.02, opening.sum())  # it falls at once, and comes up along the slit
    assert np.abs(bridge_openings(over, AT) - 0.01).max() < 1e-9


def test_banks_of_different_height_are_joined_evenly() -> None:
    over = np.where(AT < 0.27, 0.06, 0.02)
    opening = (AT > 0.2) & (AT < 0.32)
    over[opening] = np.linspace(-0.1, -0.02, opening.sum())
    bridged = bridge_openings(over, AT)
    assert np.diff(bridged).max() <= 1e-9
    assert np.abs(np.diff(bridged)).max() < 0.04 / opening.sum() + 1e-3


def test_a_hollow_of_the_cloth_is_one() -> None:
    over = 0.01 - 0.06 * np.exp(-(((AT - 0.26) / 0.04) ** 2))
    assert np.array_equal(bridge_openings(over, AT), over)


def test_a_shoulder_that_ends_is_no_opening() -> None:
    over = np.where(AT < 0.3, 0.02, -0.1)
    assert np.array_equal(bridge_openings(over, AT), over)


def test_cloth_beside_a_collar_goes_down_evenly() -> None:
    peak = 40  # at 0.2
    over = np.where(AT < 0.21, 0.01, 0.06)
    kept = keep_from_shearing(over, AT, peak)
    assert np.diff(kept).max() < 0.006
    assert np.array_equal(kept[AT > 0.31], over[AT > 0.31])
