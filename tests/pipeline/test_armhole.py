"""The seam between a patterned front and a plain sleeve is where the pattern ends, not where the outline guesses it."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.arrays import F64, U8
from studio.pipeline.garments.armhole import follow_seam, outside_of
from studio.pipeline.garments.fitting import MESH_HEIGHT, Silhouette, prepare_silhouette
from tests.pipeline.tryon_figures import draw_garment

SIZE = (480, 640)
LAID = ((-0.10, 0.0), (-0.26, 0.05), (-0.36, 0.4), (-0.38, 0.97), (-0.235, 0.97), (-0.235, 1.0))
"""Sleeves laid on the flanks: no gap shows where they begin."""
PLAIN, PATTERN = (60, 66, 52), ((220, 60, 80), (40, 44, 36), (225, 225, 230), (40, 120, 70))


def _picture(seam: float, shaded: bool = False) -> tuple[Silhouette, U8, F64]:
    """Return a garment whose front's squares end so far from the axis (pixels), and the side line guessed for it."""
    photo, cutout = draw_garment(LAID, PLAIN, SIZE)
    rgb = photo.rgb8.copy()
    ys, xs = np.nonzero(cutout.alpha > 0.5)
    middle = SIZE[0] / 2
    on_front = np.abs(xs + 0.5 - middle) < seam
    rgb[ys[on_front], xs[on_front]] = np.array(PATTERN, np.uint8)[(ys[on_front] // 9 * 3 + xs[on_front] // 7) % 4]
    if shaded:  # a fold of the sleeve along the guess
        dark = ~on_front & (np.abs(xs - middle) < seam + 14)
        rgb[ys[dark], xs[dark]] = (np.array(PLAIN) * 0.6).astype(np.uint8)
    silhouette = prepare_silhouette(cutout.alpha, MESH_HEIGHT)
    pixels = np.stack([np.full(20, middle + 118.0), np.linspace(110.0, 330.0, 20)], -1)
    line = (pixels - np.array(silhouette.photo_origin)) / silhouette.photo_scale
    return silhouette, rgb, line


def _across(line: F64, silhouette: Silhouette) -> F64:
    away: F64 = silhouette.to_photo(line)[:, 0] - SIZE[0] / 2
    return away


@pytest.mark.parametrize("shaded", [False, True])
def test_the_seam_goes_out_to_where_the_pattern_ends(shaded: bool) -> None:
    silhouette, rgb, line = _picture(132.0, shaded)
    moved = _across(follow_seam(line, 1, silhouette, rgb), silhouette)
    assert np.abs(moved[4:-4] - 132).max() < 3
    assert moved[[0, -1]] == pytest.approx([118, 118])


def test_both_sides_are_alike() -> None:
    silhouette, rgb, line = _picture(132.0)
    other = line.copy()
    other[:, 0] = 2 * (SIZE[0] / 2 - silhouette.photo_origin[0]) / silhouette.photo_scale - line[:, 0]
    moved = _across(follow_seam(other, -1, silhouette, rgb), silhouette)
    assert np.abs(moved[4:-4] + 132).max() < 3


def test_without_a_pattern_or_with_it_ending_farther_in_nothing_moves() -> None:
    for seam in (0.0, 100.0):
        silhouette, rgb, line = _picture(seam)
        assert np.abs(follow_seam(line, 1, silhouette, rgb) - line).max() < 1e-9


def test_a_sleeve_does_not_begin_on_the_front() -> None:
    line = np.stack([np.full(5, 0.3), np.linspace(0.2, 0.6, 5)], -1)
    edge = np.array([[0.28, 0.1], [0.28, 0.3], [0.33, 0.5], [0.2, 0.7]])
    assert outside_of(edge, line, 1)[:, 0] == pytest.approx([0.28, 0.3, 0.33, 0.2])
