"""Trousers under an old sleeve: what is seen beside it goes on."""

from __future__ import annotations

import numpy as np

from studio.domain.arrays import F32, Bool
from studio.pipeline.tryon.draping.beside import paint_beside

SIZE = 300.0
BAND = np.s_[60:80]


def _trousers() -> tuple[F32, Bool]:
    """Return grey cloth with a dark band around it, and where a sleeve leaves it to be seen."""
    rgb = np.full((200, 260, 3), 180, np.float32)
    rgb[BAND] = 60
    known = np.zeros((200, 260), bool)
    known[50:, 60:200] = True
    known[170:] = True
    rgb[~known] = 0
    return rgb, known


def test_a_waistband_goes_on_to_the_side() -> None:
    rgb, known = _trousers()

    painted, share = paint_beside(rgb, known, SIZE)

    assert np.abs(painted[64:76, 30:60] - 60).max() < 1
    assert np.abs(painted[95:160, 30:60] - 180).max() < 1
    assert share[64:76, 30:60].min() > 0.99


def test_what_lies_above_the_seen_cloth_comes_up_from_below() -> None:
    rgb, known = _trousers()

    share = paint_beside(rgb, known, SIZE)[1]

    assert share[:50, 60:200].max() == 0
    assert share[166:170, 10:40].max() == 0  # nearer to what is seen below the hand


def test_cloth_is_not_carried_on_from_a_level_end() -> None:
    rgb, known = _trousers()
    known[:] = False
    for row in range(200):  # a hem draped over the hip
        known[row, max(0, 200 - 3 * row) :] = True

    assert paint_beside(rgb, known, SIZE)[1].max() == 0
