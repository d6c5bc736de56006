"""Framing: catalogue pictures stay as they are, others are brought to the catalogue's scale; warps are exact."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.artefacts import Photo
from studio.domain.errors import PipelineError
from studio.domain.geometry import Box, Framing
from studio.pipeline.framing import (
    CATALOGUE,
    Focus,
    FramingParams,
    Interpolation,
    canvas_alpha,
    warp_labels_to_canvas,
    warp_labels_to_photo,
    warp_to_canvas,
    warp_to_photo,
)
from studio.pipeline.stage import Inputs
from tests.pipeline.body_fakes import CATALOGUE_JOINTS, context, make_cutout, make_pose

FILL = (210, 215, 220)


def _scene(scale: float = 1.0, shift: tuple[float, float] = (0, 0), size: tuple[int, int] = (768, 1024)) -> Inputs:
    """A catalogue person drawn `scale` times as large and moved, on a plain backdrop."""
    joints = {name: (x * scale + shift[0], y * scale + shift[1]) for name, (x, y) in CATALOGUE_JOINTS.items()}
    alpha = np.zeros((size[1], size[0]), np.float32)
    top, left, right = (int(value) for value in (20 * scale + shift[1], 150 * scale + shift[0], 620 * scale + shift[0]))
    alpha[max(top, 0) :, max(left, 0) : right] = 1
    pixels = np.full((size[1], size[0], 3), FILL, np.uint8)
    pixels[alpha > 0] = (90, 40, 40)
    photo = Photo(pixels, "x", "model.jpg")
    seen = {name: at for name, at in joints.items() if 0 <= at[0] < size[0] and 0 <= at[1] < size[1]}
    return Inputs({"photo": photo, "edges": make_cutout(photo, alpha), "pose": make_pose(size, seen)})


def _frame(inputs: Inputs, focus: Focus = Focus.UPPER) -> Framing:
    return CATALOGUE.run(inputs, FramingParams(focus), context())


def _neck(framing: Framing, scale: float, shift: tuple[float, float]) -> np.ndarray:
    return framing.to_canvas(np.array([384 * scale + shift[0], 340 * scale + shift[1]]))


def test_catalogue_picture_is_the_identity() -> None:
    framing = _frame(_scene())
    assert np.array_equal(framing.matrix, np.eye(2, 3))
    assert framing.fill == FILL
    image = _scene().take("photo", Photo).rgb8
    assert np.array_equal(warp_to_canvas(image, framing), image)


def test_catalogue_picture_at_another_size_is_only_scaled() -> None:
    framing = _frame(_scene(2.0, size=(1536, 2048)))
    assert framing.scale == pytest.approx(0.5)
    assert np.allclose(framing.to_canvas(np.array([[-0.5, -0.5], [1535.5, 2047.5]])), [[-0.5, -0.5], [767.5, 1023.5]])


@pytest.mark.parametrize(
    ("scale", "shift", "size"),
    [(0.4, (300, 40), (900, 1200)), (3.0, (1500, 300), (5000, 3400)), (1.0, (600, 0), (1800, 1024))],
)
def test_other_pictures_get_the_catalogue_scale(
    scale: float, shift: tuple[float, float], size: tuple[int, int]
) -> None:
    framing = _frame(_scene(scale, shift, size))
    assert framing.scale * scale == pytest.approx(1.0, rel=0.15)
    x, y = _neck(framing, scale, shift)
    assert 300 < x < 460
    assert 300 < y < 420
    assert np.allclose(framing.matrix[0, 1], 0) and np.allclose(framing.matrix[1, 0], 0)


def test_letterbox_has_the_background_colour() -> None:
    inputs = _scene(0.5, (50, 10), (500, 420))
    framing = _frame(inputs)
    canvas = warp_to_canvas(inputs.take("photo", Photo).rgb8, framing)
    assert canvas.shape == (1024, 768, 3)
    assert tuple(canvas[-1, 0]) == FILL


def test_full_focus_holds_the_whole_person() -> None:
    inputs = _scene(0.6, (700, 100), (2000, 1500))
    framing = _frame(inputs, Focus.FULL)
    corners = framing.to_canvas(np.array([[700 + 150 * 0.6, 112.0], [700 + 620 * 0.6, 1499.0]]))
    assert (corners >= 0).all() and (corners <= [767, 1023]).all()


def test_without_shoulders_the_whole_person_is_framed_and_noted() -> None:
    inputs = _scene()
    bare = Inputs({**inputs.slots, "pose": make_pose(joints={"nose": (384, 150)})})
    ctx = context()
    framing = CATALOGUE.run(bare, FramingParams(), ctx)
    assert framing.scale < 1
    assert [note.key for note in ctx.notes] == ["framing.whole_person"]


def test_empty_cutout_is_refused() -> None:
    inputs = _scene()
    photo = inputs.take("photo", Photo)
    nobody = Inputs({**inputs.slots, "edges": make_cutout(photo, np.zeros((1024, 768), np.float32))})
    with pytest.raises(PipelineError, match=r"framing\.no_person"):
        _frame(nobody)


def test_points_come_back_exactly() -> None:
    framing = _frame(_scene(3.0, (1500, 300), (5000, 3400)))
    points = np.random.default_rng(1).random((50, 2)) * 3000
    assert np.abs(framing.to_photo(framing.to_canvas(points)) - points).max() < 1e-8


def test_pictures_come_back_where_they_were() -> None:
    framing = Framing(np.array([[1.7, 0, -80.25], [0, 1.7, -40.5]]), (640, 700))
    y, x = np.mgrid[0:700, 0:640].astype(np.float32)
    plane = np.sin(x / 40) + np.cos(y / 55)
    back = warp_to_photo(warp_to_canvas(plane, framing), framing)
    corners = framing.to_photo(np.array([[4.0, 4.0], [763.0, 1019.0]]))
    (x0, y0), (x1, y1) = np.ceil(corners[0]).astype(int).clip(0), np.floor(corners[1]).astype(int)
    assert np.abs(back - plane)[y0:y1, x0:x1].max() < 0.01
    box = Box(x0 + 5, y0 + 7, x0 + 105, y0 + 87)
    part = warp_to_photo(warp_to_canvas(plane, framing), framing, box=box)
    assert np.abs(part - back[box.slices]).max() < 1e-4


def test_shrinking_averages_and_keeps_place() -> None:
    stripes = np.zeros((2048, 1536), np.float32)
    stripes[:, ::2] = 1
    framing = _frame(_scene(2.0, size=(1536, 2048)))
    assert np.abs(warp_to_canvas(stripes, framing)[5:-5, 5:-5] - 0.5).max() < 1e-3
    ramp = np.tile(np.arange(1536, dtype=np.float32), (2048, 1))
    shown = warp_to_canvas(ramp, framing, Interpolation.LINEAR)
    assert np.allclose(shown[500, 300:302], [600.5, 602.5], atol=1e-2)


def test_labels_stay_labels_both_ways() -> None:
    framing = Framing(np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]]), (384, 512))
    labels = np.random.default_rng(2).integers(0, 20, (512, 384)).astype(np.uint8)
    canvas = warp_labels_to_canvas(labels, framing)
    assert set(np.unique(canvas)) <= set(range(20))
    assert np.array_equal(warp_labels_to_photo(canvas, framing), labels)


def test_alpha_stays_in_range() -> None:
    inputs = _scene(0.5, (50, 10), (500, 420))
    photo = inputs.take("photo", Photo)
    cutout = make_cutout(photo, np.ones((420, 500), np.float32))
    alpha = canvas_alpha(cutout, _frame(inputs))
    assert alpha.min() >= 0 and alpha.max() <= 1 and alpha[-1, 0] == 0
