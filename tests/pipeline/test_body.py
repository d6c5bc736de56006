"""The body's upper trunk: how it stands on the line of the shoulder joints."""

from __future__ import annotations

import numpy as np
import pytest

from studio.pipeline.tryon.draping.body import MOST_BEND, shoulder_direction


def _unit(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _tilt(unit: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(unit[1], unit[0])))


def test_an_upright_body_keeps_its_shoulder_line() -> None:
    assert _tilt(shoulder_direction(_unit(3.0), _unit(3.0))) == pytest.approx(3.0)


@pytest.mark.parametrize("turned", [-1.0, 1.0])
def test_a_leaning_trunk_carries_its_shoulders_the_other_way(turned: float) -> None:
    tilt = _tilt(shoulder_direction(_unit(4.0 * turned), _unit(-4.0 * turned)))
    assert 4.0 < tilt * turned < 9.0


def test_a_wrong_joint_cannot_overturn_the_trunk() -> None:
    assert _tilt(shoulder_direction(_unit(45.0), _unit(-20.0))) <= 45.0 + np.degrees(MOST_BEND) + 1e-6
