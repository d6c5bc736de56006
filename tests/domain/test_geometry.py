"""Framing is exactly invertible; placements refuse nonsense."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.errors import ArtefactError
from studio.domain.geometry import Box, Framing, Placement


@given(
    scale=st.floats(0.05, 8.0),
    dx=st.floats(-4000, 4000),
    dy=st.floats(-4000, 4000),
    x=st.floats(0, 8000),
    y=st.floats(0, 8000),
)
def test_framing_maps_back_exactly(scale: float, dx: float, dy: float, x: float, y: float) -> None:
    framing = Framing(np.array([[scale, 0.0, dx], [0.0, scale, dy]]), (8000, 8000))
    back = framing.to_photo(framing.to_canvas(np.array([[x, y]])))
    np.testing.assert_allclose(back, [[x, y]], atol=1e-6)
    assert framing.scale == pytest.approx(scale)


def test_degenerate_framing_is_refused() -> None:
    with pytest.raises(ArtefactError):
        Framing(np.zeros((2, 3)), (10, 10))


def test_box_grows_inside_the_picture() -> None:
    assert Box(5, 5, 10, 10).grown(8, (12, 100)) == Box(0, 0, 12, 18)


@pytest.mark.parametrize("bad", [{"scale": 0.0}, {"x": float("nan")}, {"opacity": 1.5}])
def test_placement_refuses(bad: dict[str, float]) -> None:
    with pytest.raises(ArtefactError):
        Placement(**bad)  # type: ignore[arg-type]
