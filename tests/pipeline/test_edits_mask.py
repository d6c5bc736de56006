"""Mask edits: strokes, wand, operations; the interactive painter against the pure functions; its time budget."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.domain.artefacts import Cutout, Photo
from studio.domain.edits import (
    KeypointMove,
    MaskFill,
    MaskOp,
    MaskOpKind,
    MaskStroke,
    StrokeMode,
    StrokeShape,
)
from studio.domain.errors import ArtefactError, PipelineError
from studio.pipeline.edits_mask import apply_mask_edits, apply_operation, edit_cutout, edit_mask, edit_mask8
from studio.pipeline.matting.brush import StrokePainter, brush_stamp, paint_stroke
from studio.pipeline.matting.wand import wand_region

RED, GREY = (200, 30, 40), (180, 180, 182)


def make_photo(size: int = 160) -> np.ndarray:
    """A red disc on grey."""
    y, x = np.mgrid[0:size, 0:size]
    disc = np.hypot(x - size / 2, y - size / 2) < size / 4
    return np.where(disc[..., None], np.uint8(RED), np.uint8(GREY))


def disc(size: int = 160, radius: float = 40.0) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size]
    return np.clip(radius + 0.5 - np.hypot(x - size / 2, y - size / 2), 0, 1).astype(np.float32)


def test_a_hard_stamp_has_the_area_of_its_disc() -> None:
    stamp = brush_stamp(50.0, 1.0)
    assert abs(float(stamp.sum()) / 255 - np.pi * 50**2) < 0.02 * np.pi * 50**2


def test_a_soft_stamp_falls_from_the_centre_to_nothing() -> None:
    stamp = brush_stamp(40.0, 0.2).astype(int)
    profile = stamp[stamp.shape[0] // 2, stamp.shape[0] // 2 :]
    assert profile[0] == 255 and profile[-1] == 0 and (np.diff(profile) <= 0).all()


def test_adding_and_subtracting_the_same_stroke_clears_it() -> None:
    mask = np.zeros((120, 120), np.float32)
    points = ((20.0, 60.0), (100.0, 62.5))
    add = MaskStroke(points, StrokeMode.ADD, radius=10, hardness=1.0)
    added = edit_mask(mask, make_photo(120), [add])
    assert added[60, 60] == 1.0 and added[20, 60] == 0.0
    cleared = edit_mask(added, make_photo(120), [add, MaskStroke(points, StrokeMode.SUBTRACT, 10, 1.0)])
    assert cleared[60, 60] == 0.0


def test_passing_twice_over_a_place_does_not_paint_it_twice() -> None:
    stroke = MaskStroke(((30.0, 30.0), (60.0, 30.0), (30.0, 30.0)), StrokeMode.ADD, radius=8, opacity=0.5)
    mask = edit_mask(np.zeros((64, 96), np.float32), make_photo(96)[:64], [stroke])
    assert mask.max() == pytest.approx(0.5, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-30, 130), st.floats(-30, 130)), min_size=1, max_size=5),
    st.floats(0.5, 40),
    st.sampled_from([StrokeMode.ADD, StrokeMode.SUBTRACT]),
    st.floats(0.1, 1.0),
)
def test_the_painter_and_the_pure_function_agree(points: list, radius: float, mode: StrokeMode, opacity: float) -> None:
    before = (disc(100, 30) * 255).astype(np.uint8)
    mask = before.copy()
    painter = StrokePainter(mask, mode, radius, 0.6, opacity)
    touched = np.zeros(mask.shape, bool)
    for x, y in points:
        box = painter.extend(x, y)
        if box is not None:
            touched[box.slices] = True
    assert np.array_equal(mask[~touched], before[~touched])
    stroke = MaskStroke(tuple(points), mode, radius, 0.6, opacity)
    again = before.copy()
    paint_stroke(again, stroke)
    assert np.array_equal(again, mask)
    pure = edit_mask8(before, make_photo(100), [stroke])
    assert np.abs(pure.astype(int) - mask).max() <= 1
    painter.restore()
    assert np.array_equal(mask, before)


def test_a_polygon_fills_its_inside() -> None:
    square = MaskStroke(
        ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0)), StrokeMode.ADD, shape=StrokeShape.POLYGON
    )
    mask = edit_mask(np.zeros((64, 64), np.float32), make_photo(64), [square])
    assert mask[30, 30] == 1.0 and mask[5, 30] == 0.0
    assert mask.sum() == pytest.approx(41 * 41, rel=0.06)


def test_a_stroke_outside_the_picture_changes_nothing() -> None:
    far = MaskStroke(((-500.0, -500.0),), StrokeMode.ADD, radius=20)
    mask = disc()
    assert np.array_equal(edit_mask(mask, make_photo(), [far]), mask)


def test_the_wand_takes_the_connected_region_of_like_colour() -> None:
    photo = make_photo()
    photo[5:15, 5:15] = RED  # like, but not connected
    cover, box = wand_region(photo, 80, 80, 10.0) or pytest.fail("nothing found")
    full = np.zeros(photo.shape[:2], np.uint8)
    full[box.slices] = cover
    assert np.array_equal(full > 127, disc() > 0.5) or np.mean((full > 127) != (disc() > 0.5)) < 0.01
    assert full[10, 10] == 0
    assert wand_region(photo, -5, 80, 10.0) is None


def test_the_wand_follows_a_region_beyond_its_first_window() -> None:
    photo = np.full((900, 2000, 3), 200, np.uint8)
    photo[400:420, 100:1900] = RED
    found = wand_region(photo, 150, 410, 8.0)
    assert found is not None
    assert (found[1].x0, found[1].x1) == (100, 1900)


def test_subtracting_with_the_wand_opens_a_hole() -> None:
    mask = edit_mask(np.ones((160, 160), np.float32), make_photo(), [MaskFill(80, 80, 10.0, StrokeMode.SUBTRACT)])
    assert mask[80, 80] == 0.0 and mask[5, 5] == 1.0


@pytest.mark.parametrize(("kind", "radius"), [(MaskOpKind.GROW, 46.0), (MaskOpKind.SHRINK, 34.0)])
def test_growing_moves_the_contour_by_the_amount(kind: MaskOpKind, radius: float) -> None:
    moved = apply_operation(disc(), kind, 6.0)
    assert np.sqrt(moved.sum() / np.pi) == pytest.approx(radius, abs=1.0)


def test_half_a_pixel_of_growth_lies_between() -> None:
    areas = [float(apply_operation(disc(), MaskOpKind.GROW, amount).sum()) for amount in (2.0, 2.5, 3.0)]
    assert areas[0] < areas[1] < areas[2]


def test_holes_are_filled_and_the_outside_is_not() -> None:
    mask = disc()
    mask[75:85, 75:85] = 0
    filled = apply_operation(mask, MaskOpKind.FILL_HOLES, 0)
    assert filled[80, 80] == 1.0 and filled[2, 2] == 0.0


def test_smoothing_removes_a_spike_and_keeps_the_size() -> None:
    mask = disc()
    mask[80, 120:150] = 1.0
    smooth = apply_operation(mask, MaskOpKind.SMOOTH, 6.0)
    assert smooth[80, 140] == 0.0
    assert smooth.sum() == pytest.approx(disc().sum(), rel=0.02)


def test_inverting_twice_is_nothing() -> None:
    mask = disc()
    twice = apply_operation(apply_operation(mask, MaskOpKind.INVERT, 0), MaskOpKind.INVERT, 0)
    assert np.allclose(twice, mask, atol=1e-6)


def test_feathering_softens_the_edge_alone() -> None:
    soft = apply_operation(disc(), MaskOpKind.FEATHER, 6.0)
    assert soft[80, 80] == pytest.approx(1.0, abs=1e-4) and 0.3 < soft[80, 120] < 0.7


def test_a_negative_amount_is_refused() -> None:
    with pytest.raises(ArtefactError):
        apply_operation(disc(), MaskOpKind.GROW, -1.0)


def test_refining_finds_the_edge_again() -> None:
    """A sloppy disc, 6 pixels too large on one side, snaps to the photo's edge under the stroke."""
    truth, photo = disc(), make_photo()
    sloppy = np.maximum(truth, np.where(np.mgrid[0:160, 0:160][1] > 80, disc(160, 46.0), 0)).astype(np.float32)
    arc = tuple((80 + 43 * np.cos(t), 80 + 43 * np.sin(t)) for t in np.linspace(-1.5, 1.5, 30))
    refined = edit_mask(sloppy, photo, [MaskStroke(arc, StrokeMode.REFINE, radius=9, hardness=1.0)])
    assert np.abs(refined - truth).sum() < 0.15 * np.abs(sloppy - truth).sum()


def test_edits_change_colours_near_changed_alpha_only() -> None:
    photo = make_photo()
    marker = np.full_like(photo, 7)
    cutout = Cutout(disc(), marker.copy())
    edited = edit_cutout(cutout, photo, [MaskStroke(((80.0, 30.0),), StrokeMode.ADD, radius=6, hardness=1.0)])
    assert edited.alpha[30, 80] == 1.0
    assert np.array_equal(edited.foreground[30, 80], photo[30, 80])
    assert np.array_equal(edited.foreground[120:], marker[120:])


def test_edits_without_effect_return_the_same_cutout() -> None:
    cutout = Cutout(disc(), make_photo())
    assert edit_cutout(cutout, make_photo(), [MaskOp(MaskOpKind.GROW, 0.0)]) is cutout


def test_an_edit_of_another_stage_is_refused() -> None:
    photo = Photo(make_photo(), "x")
    with pytest.raises(PipelineError):
        apply_mask_edits(Cutout(disc(), make_photo()), [KeypointMove("nose", 1, 2)], photo)


def test_the_input_mask_is_left_alone() -> None:
    mask = disc()
    before = mask.copy()
    edit_mask(
        mask, make_photo(), [MaskStroke(((80.0, 80.0),), StrokeMode.SUBTRACT, radius=30), MaskOp(MaskOpKind.INVERT)]
    )
    assert np.array_equal(mask, before)


@pytest.mark.benchmark
def test_a_brush_event_at_8000_pixels_stays_within_16_ms() -> None:
    mask = np.zeros((8000, 8000), np.uint8)
    painter = StrokePainter(mask, StrokeMode.ADD, 1000.0, 0.7)
    painter.extend(3000, 3000)
    best = 1.0
    for step in range(12):
        start = time.perf_counter()
        painter.extend(3000 + 130.0 * (step + 1), 3000 + 20.0 * step)
        best = min(best, time.perf_counter() - start)
    assert best <= 0.016


def test_pressure_narrows_a_stroke_and_is_stored_exactly() -> None:
    points = ((20.0, 60.0), (60.0, 60.0), (100.0, 60.0))
    stroke = MaskStroke(points, StrokeMode.ADD, radius=16, hardness=1.0, pressures=(0.25, 0.5, 1.0))
    painted = np.zeros((120, 120), np.uint8)
    painter = StrokePainter(painted, StrokeMode.ADD, 16, 1.0)
    for (x, y), pressure in zip(points, stroke.pressures, strict=True):
        painter.extend(x, y, pressure)
    stored = edit_mask8(np.zeros((120, 120), np.uint8), make_photo(120), [stroke])
    assert np.abs(painted.astype(int) - stored).max() <= 1
    widths = [(painted[:, x] > 127).sum() for x in (20, 60, 100)]
    assert widths[0] == 9 and widths[0] < widths[1] < widths[2] <= 33
