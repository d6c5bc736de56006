"""Hand corrections of poses and parse maps: exactly what was drawn, nothing beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.domain.artefacts import COCO18, ParseMap, Photo
from studio.domain.edits import KeypointMove, MaskFill, ParseStroke, StrokeMode, StrokeShape
from studio.domain.errors import ArtefactError, PipelineError
from studio.domain.labels import Cihp
from studio.pipeline.edits_body import (
    apply_keypoint_moves,
    apply_parse_strokes,
    move_keypoint,
    paint_labels,
    paint_labels_into,
    stroke_box,
)
from tests.pipeline.body_fakes import make_pose

PHOTO = Photo(np.zeros((4, 4, 3), np.uint8), "x")


def _parse() -> ParseMap:
    labels = np.zeros((60, 80), np.uint8)
    labels[20:, :] = Cihp.UPPER
    labels[:, 60:] = Cihp.LEFT_ARM
    return ParseMap(labels)


def test_a_moved_joint_is_certain_and_alone() -> None:
    pose = make_pose()
    moved = move_keypoint(pose, KeypointMove("left_wrist", 600, 700))
    assert moved.keypoints[COCO18.index("left_wrist")].tolist() == [600, 700, 1]
    others = [index for index, name in enumerate(COCO18) if name != "left_wrist"]
    assert np.array_equal(moved.keypoints[others], pose.keypoints[others])
    assert np.array_equal(moved.extra, pose.extra)
    assert pose.keypoints[COCO18.index("left_wrist"), 0] != 600


def test_the_neck_follows_the_shoulders() -> None:
    moved = move_keypoint(make_pose(), KeypointMove("left_shoulder", 540, 360))
    neck = moved.point("neck")
    assert neck is not None
    assert neck.tolist() == [390, 350]
    hidden = move_keypoint(moved, KeypointMove("left_shoulder", 0, 0, visible=False))
    assert hidden.point("left_shoulder") is None
    assert hidden.point("neck") is None


def test_extra_points_move_and_unknown_ones_are_refused() -> None:
    assert move_keypoint(make_pose(), KeypointMove("left_heel", 5, 6)).point("left_heel") is not None
    with pytest.raises(ArtefactError, match=r"edit\.keypoint"):
        move_keypoint(make_pose(), KeypointMove("tail", 5, 6))


def test_a_brush_paints_a_disc() -> None:
    parse = _parse()
    painted = paint_labels(parse, ParseStroke(((40.0, 40.0),), int(Cihp.TROUSERS), radius=5))
    y, x = np.mgrid[0:60, 0:80]
    disc = (x - 40) ** 2 + (y - 40) ** 2 <= 25
    assert (painted.labels[disc] == Cihp.TROUSERS).all()
    assert np.array_equal(painted.labels[~disc], parse.labels[~disc])
    assert (parse.labels[disc] == Cihp.UPPER).all()


def test_a_stroke_is_as_wide_along_its_way_as_at_its_ends() -> None:
    painted = paint_labels(_parse(), ParseStroke(((10.0, 45.0), (50.0, 45.0)), int(Cihp.SKIRT), radius=3)).labels
    assert (painted[42:49, 10:51] == Cihp.SKIRT).all()
    assert (painted == Cihp.SKIRT).sum() < 7 * 48


def test_a_polygon_is_filled_and_ignores_the_radius() -> None:
    corners = ((30.0, 30.0), (50.0, 30.0), (50.0, 50.0), (30.0, 50.0))
    stroke = ParseStroke(corners, int(Cihp.SKIRT), radius=30, shape=StrokeShape.POLYGON)
    painted = paint_labels(_parse(), stroke).labels
    assert (painted[31:50, 31:50] == Cihp.SKIRT).all()
    assert (painted == Cihp.SKIRT).sum() <= 21 * 21


def test_locked_labels_stay() -> None:
    stroke = ParseStroke(((60.0, 40.0),), int(Cihp.SKIRT), radius=8, locked=(int(Cihp.LEFT_ARM),))
    painted = paint_labels(_parse(), stroke).labels
    assert (painted[:, 60:][30:50] == Cihp.LEFT_ARM).all()
    assert painted[40, 58] == Cihp.SKIRT


def test_only_the_dirty_rectangle_is_reported_and_changed() -> None:
    labels = _parse().labels.copy()
    before = labels.copy()
    box = paint_labels_into(labels, ParseStroke(((20.0, 30.0), (25.0, 33.0)), int(Cihp.SKIRT), radius=4), 20)
    assert box is not None
    changed = np.argwhere(labels != before)
    assert (changed >= (box.y0, box.x0)).all() and (changed < (box.y1, box.x1)).all()
    assert box.width <= 5 + 2 * 4 + 2


def test_a_stroke_beside_the_picture_changes_nothing() -> None:
    labels = _parse().labels.copy()
    assert paint_labels_into(labels, ParseStroke(((-50.0, 10.0),), 3, radius=5), 20) is None
    assert stroke_box((), 5, StrokeShape.BRUSH, (10, 10)) is None


def test_a_label_outside_the_scheme_is_refused() -> None:
    with pytest.raises(ArtefactError, match=r"labels\.range"):
        paint_labels(_parse(), ParseStroke(((5.0, 5.0),), 20))


def test_edits_apply_in_order_and_of_their_kind_only() -> None:
    strokes = [ParseStroke(((30.0, 40.0),), label, radius=4) for label in (int(Cihp.SKIRT), int(Cihp.DRESS))]
    painted = apply_parse_strokes(_parse(), strokes, PHOTO)
    assert painted.labels[40, 30] == Cihp.DRESS
    moved = apply_keypoint_moves(make_pose(), [KeypointMove("nose", 1, 2), KeypointMove("nose", 3, 4)], PHOTO)
    assert moved.keypoints[0].tolist() == [3, 4, 1]
    with pytest.raises(PipelineError, match=r"edit\.kind"):
        apply_keypoint_moves(make_pose(), strokes, PHOTO)
    with pytest.raises(PipelineError, match=r"edit\.kind"):
        apply_parse_strokes(_parse(), [MaskFill(1, 1, 2, StrokeMode.ADD)], PHOTO)


_coordinate = st.floats(-30, 110, allow_nan=False, width=32)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(_coordinate, _coordinate), min_size=1, max_size=5),
    st.floats(0.5, 20),
    st.sampled_from(StrokeShape),
)
def test_any_stroke_stays_in_its_box(points: list[tuple[float, float]], radius: float, shape: StrokeShape) -> None:
    labels = _parse().labels.copy()
    before = labels.copy()
    box = paint_labels_into(labels, ParseStroke(tuple(points), int(Cihp.SCARF), radius, shape), 20)
    outside = np.ones(labels.shape, bool)
    if box is not None:
        outside[box.slices] = False
    assert np.array_equal(labels[outside], before[outside])
