"""A filled backdrop meets what is seen of it without a step."""

from __future__ import annotations

import numpy as np
import pytest

from studio.pipeline.tryon.draping.fill import fill_evenly


@pytest.fixture(scope="module")
def slope() -> tuple[np.ndarray, np.ndarray]:
    """Return a backdrop whose light falls off, and where a person hides it."""
    y, x = np.mgrid[0:300, 0:240].astype(np.float32)
    rgb = np.stack([230 - 0.1 * x, 220 - 0.05 * y, 190 - 0.06 * (x + y)], -1).astype(np.float32)
    known = np.ones((300, 240), np.float32)
    known[60:260, 70:170] = 0
    return rgb, known


def test_a_slope_goes_on_as_it_is(slope: tuple[np.ndarray, np.ndarray]) -> None:
    rgb, known = slope
    filled = fill_evenly(np.where(known[..., None] > 0, rgb, np.float32(0)), known)
    assert np.abs(filled - rgb)[known > 0].max() < 1e-3
    assert np.abs(filled - rgb).max() < 0.7


@pytest.mark.parametrize("share", [0.0, 1e-3, 1.0])
def test_any_weights_give_finite_colours(slope: tuple[np.ndarray, np.ndarray], share: float) -> None:
    rgb, known = slope
    filled = fill_evenly(rgb, np.full_like(known, share))
    assert np.isfinite(filled).all()
    assert share == 0 or np.abs(filled - rgb).mean() < 12
