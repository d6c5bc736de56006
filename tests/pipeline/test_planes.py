"""Fast arithmetic of pictures and planes is numpy's to the last bit."""

from __future__ import annotations

import numpy as np

from studio.pipeline.planes import largest, magnitude, mix, paint, spread, summed, window_around


def test_results_are_those_of_broadcasting() -> None:
    random = np.random.default_rng(3)
    below, above = (random.normal(0, 90, (37, 53, 3)).astype(np.float32) for _ in range(2))
    alpha = random.random((37, 53)).astype(np.float32)
    assert np.array_equal(mix(below, above, alpha), below + (above - below) * alpha[..., None])
    assert np.array_equal(below * spread(alpha), below * alpha[..., None])
    assert np.array_equal(largest(below), below.max(axis=2))
    assert np.array_equal(summed(below), below.sum(axis=2))
    assert np.allclose(magnitude(below[..., 0], below[..., 1]), np.hypot(below[..., 0], below[..., 1]))


def test_pixels_are_painted_into_a_view() -> None:
    target, source = np.zeros((20, 30, 3), np.uint16), np.full((8, 9, 3), 7, np.uint16)
    where = np.eye(8, 9, dtype=bool)
    paint(target[4:12, 5:14], source, where)
    assert target.sum() == 7 * 3 * where.sum()
    assert (target[4:12, 5:14][where] == 7).all()


def test_a_window_holds_all_of_a_mask_and_stays_in_the_picture() -> None:
    mask = np.zeros((20, 30), bool)
    mask[3:5, 10:12] = True
    window = window_around(mask, 4)
    assert mask[window].sum() == mask.sum()
    assert mask[window].shape == (9, 10)  # the picture ends above
    assert mask[window_around(mask & False, 0)].size == 0
