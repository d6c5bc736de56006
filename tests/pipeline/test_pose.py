"""Pose: BlazePose on real photos, its exact geometry, and the OpenPose formats."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import COCO18, Cutout, Photo, Pose
from studio.domain.errors import ArtefactError, PipelineError
from studio.pipeline.blazepose import Body, Region, crop_region
from studio.pipeline.pose import BLAZEPOSE, PoseParams, _is_crossed_without_face, _swap_sides
from studio.pipeline.pose_body import read_torso
from studio.pipeline.pose_io import (
    BODY25,
    from_body25,
    read_openpose_json,
    render_pose,
    to_body25,
    write_openpose_json,
)
from studio.pipeline.stage import Inputs
from tests.pipeline.body_fakes import (
    CATALOGUE_JOINTS,
    NoModels,
    SharedModels,
    context,
    make_cutout,
    make_pose,
    read_photo,
    rough_alpha,
)


def _run(photo: Photo, cutout: Cutout, shared: Path, params: PoseParams | None = None) -> Pose:
    inputs = Inputs({"photo": photo, "edges": cutout})
    return BLAZEPOSE.run(inputs, params or PoseParams(), context(SharedModels(shared / "models")))


def _whole(photo: Photo) -> Cutout:
    return make_cutout(photo, np.ones(photo.pixels.shape[:2], np.float32))


def test_joints_lie_where_openpose_found_them(shared: Path) -> None:
    photo = read_photo(shared / "photos/pairs/00017_00_person.jpg")
    pose = _run(photo, _whole(photo), shared)
    text = (shared / "photos/pairs/00017_00_openpose.json").read_text()
    reference = read_openpose_json(text, photo.size)
    for name in ("nose", "neck", "right_shoulder", "left_shoulder", "right_elbow", "right_hip", "left_hip"):
        found, wanted = pose.point(name), reference.point(name)
        assert found is not None and wanted is not None
        assert np.hypot(*(found - wanted)) < 45, name
    assert pose.point("left_ankle") is None
    assert pose.people == 1


def test_the_cutout_says_which_of_two_people(shared: Path) -> None:
    first = read_photo(shared / "photos/pairs/00013_00_person.jpg").rgb8
    second = read_photo(shared / "photos/persons/vitonhd_00599_00.jpg").rgb8
    both = Photo(np.ascontiguousarray(np.hstack([first, second])), "x", "two.jpg")
    centres = []
    for side in (0, 1):
        alpha = np.zeros(both.pixels.shape[:2], np.float32)
        alpha[:, side * 768 : (side + 1) * 768] = 1
        ctx = context(SharedModels(shared / "models"))
        pose = BLAZEPOSE.run(Inputs({"photo": both, "edges": make_cutout(both, alpha)}), PoseParams(), ctx)
        neck = pose.point("neck")
        assert neck is not None
        centres.append(float(neck[0]))
        assert pose.people == 2
        assert [note.key for note in ctx.notes] == ["pose.several"]
    assert centres[0] < 768 < centres[1]


def test_no_person_names_the_file(shared: Path) -> None:
    grey = Photo(np.full((400, 300, 3), 128, np.uint8), "x", "wall.jpg")
    with pytest.raises(PipelineError) as caught:
        _run(grey, _whole(grey), shared)
    assert caught.value.key == "pose.no_person"
    assert caught.value.values == {"file": "wall.jpg"}


def test_sixteen_bit_and_large_photos_give_the_same_joints(shared: Path) -> None:
    photo = read_photo(shared / "photos/persons/vitonhd_00641_00.jpg")
    pose = _run(photo, _whole(photo), shared)
    large = cv2.resize(photo.rgb8, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC).astype(np.uint16) * 257
    big = Photo(large, "x", "big.tif")
    big_pose = _run(big, _whole(big), shared)
    for name in ("left_shoulder", "right_elbow", "left_wrist"):
        small_point, big_point = pose.point(name), big_pose.point(name)
        assert small_point is not None and big_point is not None
        assert np.hypot(*((big_point + 0.5) / 3 - 0.5 - small_point)) < 6, name


def test_headless_person_faces_the_camera(shared: Path) -> None:
    photo = read_photo(shared / "photos/persons/fitdit_0274.jpg")
    alpha = rough_alpha(photo, SharedModels(shared / "models"))
    pose = _run(photo, make_cutout(photo, alpha), shared)
    right, left = pose.point("right_shoulder"), pose.point("left_shoulder")
    assert right is not None and left is not None
    assert right[0] < left[0]


def test_swapping_sides_twice_changes_nothing() -> None:
    points = np.random.default_rng(3).random((33, 2))
    body = Body(points, points[:, 0], points[:, 1], 1.0)
    swapped = _swap_sides(body)
    assert np.array_equal(swapped.points[11], points[12])
    assert np.array_equal(swapped.points[31], points[32])
    assert np.array_equal(_swap_sides(swapped).points, points)


def test_a_back_view_with_toes_away_is_believed() -> None:
    points = np.full((33, 2), 100.0)
    points[:11, 1] = -5  # the face is above the picture
    points[[11, 23], 0], points[[12, 24], 0] = 50, 150  # left on the left: a back
    points[[29, 30], 1], points[[31, 32], 1] = 190, 180
    body = Body(points, np.ones(33), np.ones(33), 1.0)
    assert not _is_crossed_without_face(body, 200)
    points[[31, 32], 1] = 198
    assert _is_crossed_without_face(body, 200)


def test_region_is_upright_for_a_point_above_and_turns_with_it() -> None:
    upright = Region.around((100, 100), (100, 60))
    assert upright.angle == pytest.approx(0)
    assert upright.side == pytest.approx(100)
    assert np.allclose(upright.to_picture(np.array([[0.5, 0.5], [1.0, 0.5]])), [[100, 100], [150, 100]])
    turned = Region.around((100, 100), (140, 100))  # the head points right
    assert np.allclose(turned.to_picture(np.array([[0.5, 0.1]])), [[140, 100]])


def test_crop_copies_pixels_of_an_unscaled_region() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 320, 3)).astype(np.uint8)
    crop = crop_region(image, Region(160, 150, 256, 0.0))
    assert np.abs(crop.astype(int) - image[22:278, 32:288]).max() <= 1


def test_body25_round_trip_keeps_the_joints() -> None:
    pose = make_pose(joints={**CATALOGUE_JOINTS, "left_heel": (450, 1000), "left_foot_index": (460, 1010)})
    rows = to_body25(pose)
    assert np.allclose(rows[BODY25.index("mid_hip")], [384, 790, 0.9])
    assert np.allclose(rows[BODY25.index("left_small_toe")][:2], [460, 1010])
    again = from_body25(rows, pose.photo_size)
    assert np.allclose(again.keypoints, pose.keypoints)
    assert again.point("left_heel") is not None


def test_openpose_json_round_trip() -> None:
    pose = make_pose()
    again = read_openpose_json(write_openpose_json(pose), pose.photo_size)
    assert np.allclose(again.keypoints, pose.keypoints, atol=1e-3)


def test_coco18_json_is_read() -> None:
    flat = [value for index in range(18) for value in (10.0 * index, 5.0, 0.0 if index == 4 else 0.8)]
    text = json.dumps({"people": [{"pose_keypoints_2d": flat}, {"pose_keypoints_2d": flat}]})
    pose = read_openpose_json(text, (200, 100))
    assert pose.people == 2
    assert pose.point("right_wrist") is None
    assert np.allclose(pose.keypoints[COCO18.index("left_ear")], [170, 5, 0.8])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{", "pose.json_broken"),
        ("[]", "pose.json_broken"),
        ('{"people": []}', "pose.json_nobody"),
        ('{"people": [7]}', "pose.json_broken"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "pose.json_format"),
    ],
)
def test_broken_json_is_refused(text: str, key: str) -> None:
    with pytest.raises(ArtefactError) as caught:
        read_openpose_json(text, (10, 10), "bad.json")
    assert caught.value.key == key
    assert caught.value.values["file"] == "bad.json"


def test_rendering_draws_only_seen_joints() -> None:
    rows = to_body25(make_pose())
    picture = render_pose(rows, (768, 1024))
    assert picture.shape == (1024, 768, 3)
    assert picture[340, 240, 0] > 150  # the right shoulder is orange
    assert not picture[900:].any()  # nothing is known below the hips
    assert not render_pose(np.zeros((25, 3), np.float32), (64, 64)).any()


def test_hidden_hips_are_hung_below_the_shoulders() -> None:
    joints = {name: at for name, at in CATALOGUE_JOINTS.items() if "hip" not in name}
    torso = read_torso(make_pose(joints=joints))
    assert torso is not None and torso.guessed_hips
    assert torso.mid_hip[0] == pytest.approx(384)
    assert 700 < torso.mid_hip[1] < 820
    one = read_torso(make_pose(joints={**joints, "left_hip": (460, 800)}))
    assert one is not None and np.allclose(one.left_hip, [460, 800]) and one.right_hip[0] < 320
    assert read_torso(make_pose(joints={"nose": (3, 4)})) is None


def test_missing_models_are_named() -> None:
    note = BLAZEPOSE.unavailable(NoModels())
    assert note is not None and note.values["model"] == "blazepose_detector"
