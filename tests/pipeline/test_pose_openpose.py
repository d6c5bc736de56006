"""OpenPose as a pose stage: maps in the network's grid, joints in the photo's pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.domain.artefacts import COCO18 as JOINTS
from studio.domain.artefacts import Cutout, Photo, Pose
from studio.domain.errors import PipelineError
from studio.networks import openpose_decode
from studio.networks.openpose import BodyMaps, OpenPoseBody25
from studio.networks.openpose_decode import Skeleton
from studio.pipeline.pose_openpose import BODY25, COCO18, OpenPose, OpenPoseParams
from studio.pipeline.stage import Inputs
from tests.pipeline.network_fakes import GivenNetworks, context

# Joints of a person in a photo of 600 x 800, by our names; feet only in BODY_25.
PERSON = {
    "nose": (300, 120), "neck": (300, 220), "right_shoulder": (220, 225), "right_elbow": (190, 340),
    "right_wrist": (180, 450), "left_shoulder": (380, 225), "left_elbow": (410, 340), "left_wrist": (420, 450),
    "right_hip": (255, 460), "right_knee": (250, 590), "right_ankle": (248, 700), "left_hip": (345, 460),
    "left_knee": (350, 590), "left_ankle": (352, 700), "right_eye": (280, 100), "left_eye": (320, 100),
    "right_ear": (260, 110), "left_ear": (340, 110), "mid_hip": (300, 460), "left_bigtoe": (372, 730),
    "left_smalltoe": (390, 728), "left_heel": (345, 722), "right_bigtoe": (228, 730), "right_smalltoe": (210, 728),
    "right_heel": (255, 722),
}  # fmt: skip
SIZE = (600, 800)
CROP = (120, 60, 480, 760)
"""x0, y0, x1, y1 of the cutout."""


def theirs(name: str) -> str:
    """Return OpenPose's name of a joint."""
    side, _, rest = name.partition("_")
    return f"{side[0]}_{rest}" if side in ("left", "right") else name


class PaintedMaps(torch.nn.Module):
    """Stands in for a body network: draws people's joints and limbs as ideal maps of the input's grid."""

    def __init__(self, skeleton: Skeleton, shifts: tuple[float, ...], to_input: tuple[float, float, float]) -> None:
        super().__init__()
        self._skeleton = skeleton
        self._shifts = shifts
        self._offset, self._scale = np.array(to_input[:2]), to_input[2]

    def forward(self, image: Tensor) -> BodyMaps:
        height, width = image.shape[2] // 8, image.shape[3] // 8
        y, x = np.mgrid[:height, :width].astype(np.float64)
        centres = np.stack([x, y], axis=-1) * 8 + 3.5  # of the grid's cells, in input pixels
        heat = np.zeros((self._skeleton.keypoint_count + 1, height, width), np.float32)
        channels = max(limb.channels[1] for limb in self._skeleton.limbs) + 1
        paf = np.zeros((channels, height, width), np.float32)
        for shift in self._shifts:
            joints = self._joints(shift)
            for number, joint in enumerate(joints):
                heat[number] += np.exp(-((centres - joint) ** 2).sum(-1) / (2 * 7.0**2))
            for limb in self._skeleton.limbs:
                start, end = joints[limb.start], joints[limb.end]
                length = np.hypot(*(end - start))
                along = (centres - start) @ (end - start) / length
                across = np.abs((centres - start) @ np.array([-(end - start)[1], (end - start)[0]]) / length)
                on = (along > -8) & (along < length + 8) & (across < 8)
                for channel, value in zip(limb.channels, (end - start) / length, strict=True):
                    paf[channel][on] = value
        return BodyMaps(torch.from_numpy(paf)[None], torch.from_numpy(heat)[None])

    def _joints(self, shift: float) -> list[np.ndarray]:
        by_name = {theirs(name): np.array(point) + np.array([shift, 0.0]) for name, point in PERSON.items()}
        return [(by_name[name] + 0.5 - self._offset) * self._scale - 0.5 for name in self._skeleton.keypoints]


def crop_to_input(scale: float) -> tuple[float, float, float]:
    """Return what the stage does to the photo: crop with its margin, then bring the height to 368 * scale."""
    margin = round(0.12 * max(CROP[2] - CROP[0], CROP[3] - CROP[1]))
    top, bottom = max(0, CROP[1] - margin), min(SIZE[1], CROP[3] + margin)
    return float(max(0, CROP[0] - margin)), float(top), 368 * scale / (bottom - top)


def run(stage: OpenPose, shifts: tuple[float, ...], scale: float = 1.0) -> tuple[Pose, list[str]]:
    photo = Photo(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), "0" * 64, "person.jpg")
    alpha = np.zeros((SIZE[1], SIZE[0]), np.float32)
    alpha[CROP[1] : CROP[3], CROP[0] : CROP[2]] = 1
    skeleton = openpose_decode.BODY25 if stage.has_feet else openpose_decode.COCO18
    ctx = context({stage.implementation: PaintedMaps(skeleton, shifts, crop_to_input(scale))})
    inputs = Inputs({"photo": photo, "edges": Cutout(alpha, photo.rgb8.copy())})
    return stage.run(inputs, OpenPoseParams(scale), ctx), [note.key for note in ctx.notes]


@pytest.mark.parametrize("stage", [BODY25, COCO18], ids=lambda stage: stage.implementation)
def test_joints_come_back_in_photo_pixels(stage: OpenPose) -> None:
    pose, notes = run(stage, (0.0,))
    assert notes == [] and pose.people == 1 and pose.photo_size == SIZE
    for number, name in enumerate(JOINTS):
        assert pose.keypoints[number, 2] > 0.5, name
        assert np.hypot(*(pose.keypoints[number, :2] - PERSON[name])) < 4, name
    heel = pose.point("left_heel")
    if stage.has_feet:
        assert heel is not None and np.hypot(*(heel - PERSON["left_heel"])) < 4
    else:
        assert heel is None


def test_the_cutout_says_which_of_two_people() -> None:
    pose, notes = run(COCO18, (-215.0, 0.0))
    assert notes == ["pose.several"] and pose.people == 2
    neck = pose.point("neck")
    assert neck is not None and abs(neck[0] - 300) < 4


def test_nobody_is_told_with_the_file() -> None:
    with pytest.raises(PipelineError) as caught:
        run(BODY25, ())
    assert caught.value.key == "pose.no_person" and caught.value.values["file"] == "person.jpg"


class OneFinger(torch.nn.Module):
    """Stands in for the hand network: every keypoint lies where the picture is brightest."""

    def forward(self, image: Tensor) -> Tensor:
        bright = torch.nn.functional.avg_pool2d(image.mean(1, keepdim=True) + 0.5, 8)
        return bright.expand(-1, 22, -1, -1)


def test_the_hand_network_adds_fingers_in_photo_pixels() -> None:
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    tips = {"left_index": (428, 490), "right_index": (172, 490)}
    for x, y in tips.values():
        pixels[y - 8 : y + 9, x - 8 : x + 9] = 255
    photo = Photo(pixels, "0" * 64, "person.jpg")
    alpha = np.zeros((SIZE[1], SIZE[0]), np.float32)
    alpha[CROP[1] : CROP[3], CROP[0] : CROP[2]] = 1
    body = PaintedMaps(openpose_decode.COCO18, (0.0,), crop_to_input(1.0))
    ctx = context({COCO18.implementation: body, "openpose_hand": OneFinger()})
    inputs = Inputs({"photo": photo, "edges": Cutout(alpha, pixels.copy())})
    pose = COCO18.run(inputs, OpenPoseParams(), ctx)
    for name, tip in tips.items():
        point = pose.point(name)
        assert point is not None and np.hypot(*(point - tip)) < 6, name
    assert pose.point("left_heel") is None
    without = COCO18.run(inputs, OpenPoseParams(hands=False), ctx)
    assert without.point("left_index") is None
    assert COCO18.models(OpenPoseParams(), ctx.models) == ("openpose_coco", "openpose_hand")
    assert COCO18.models(OpenPoseParams(hands=False), ctx.models) == ("openpose_coco",)


def test_the_real_network_runs_through_the_stage() -> None:
    torch.manual_seed(1)
    network = OpenPoseBody25().eval()
    for parameter in network.parameters():
        parameter.data *= 0.1  # maps below every threshold: nobody is found, whatever the noise
    photo = Photo(np.full((160, 120, 3), 90, np.uint8), "0" * 64, "noise.jpg")
    inputs = Inputs({"photo": photo, "edges": Cutout(np.ones((160, 120), np.float32), photo.rgb8.copy())})
    with pytest.raises(PipelineError) as caught:
        BODY25.run(inputs, OpenPoseParams(0.25), context({BODY25.implementation: network}))
    assert caught.value.key == "pose.no_person"


def test_it_says_what_is_missing() -> None:
    note = BODY25.unavailable(GivenNetworks())
    assert note is not None and note.key == "alternative.checkpoint_missing"
    assert BODY25.unavailable(GivenNetworks({"openpose_body25": object()})) is None
