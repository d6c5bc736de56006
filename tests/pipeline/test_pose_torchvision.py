"""Keypoint R-CNN as a pose stage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.domain.artefacts import Cutout, Photo, Pose
from studio.domain.errors import PipelineError
from studio.networks.keypoint_rcnn import COCO17, build_keypoint_rcnn
from studio.pipeline.pose_torchvision import KEYPOINT_RCNN, KeypointRcnnParams
from studio.pipeline.stage import Inputs
from tests.pipeline.network_fakes import GivenNetworks, context

POINTS = torch.stack([torch.linspace(20, 60, 17), torch.linspace(10, 90, 17)], dim=1)


class TwoPeople(torch.nn.Module):
    """Finds one person at `POINTS`, the same again to the right, and a doubtful one."""

    def __init__(self, scores: tuple[float, ...] = (0.9, 0.95, 0.2)) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self._scores = scores

    def forward(self, pictures: list[Tensor]) -> list[dict[str, Tensor]]:
        self.seen += pictures
        shift = torch.tensor([100.0, 0.0])
        people = torch.stack([POINTS, POINTS + shift, POINTS])[: len(self._scores)]
        logits = torch.full(people.shape[:2], 8.0)
        logits[:, COCO17.index("left_ankle")] = -5.0
        visible = torch.ones(*people.shape[:2], 1)
        return [
            {
                "scores": torch.tensor(self._scores),
                "keypoints": torch.cat([people, visible], dim=2),
                "keypoints_scores": logits,
            }
        ]


def run(network: torch.nn.Module, columns: slice) -> tuple[Pose, list[str]]:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[..., 0] = 255
    photo = Photo(pixels, "0" * 64, "two.jpg")
    alpha = np.zeros((100, 200), np.float32)
    alpha[:, columns] = 1
    ctx = context({"keypoint_rcnn": network})
    pose = KEYPOINT_RCNN.run(Inputs({"photo": photo, "edges": Cutout(alpha, pixels.copy())}), KeypointRcnnParams(), ctx)
    return pose, [note.key for note in ctx.notes]


def test_joints_come_back_in_photo_pixels_of_the_right_person() -> None:
    network = TwoPeople()
    pose, notes = run(network, np.s_[:200])
    assert notes == ["pose.several"] and pose.people == 2
    assert network.seen[0].shape == (3, 100, 200)
    assert network.seen[0][0].min() == 1.0 and network.seen[0][1:].max() == 0.0
    left, _ = run(TwoPeople(), np.s_[:90])
    wrist = left.point("left_wrist")
    assert wrist is not None
    np.testing.assert_allclose(wrist, POINTS[COCO17.index("left_wrist")].numpy() - 0.5, atol=1e-4)


def test_the_neck_lies_between_the_shoulders_and_doubtful_joints_are_unseen() -> None:
    pose, _ = run(TwoPeople((0.9,)), np.s_[:200])
    right, left, neck = (pose.point(name) for name in ("right_shoulder", "left_shoulder", "neck"))
    assert right is not None and left is not None and neck is not None
    np.testing.assert_allclose(neck, (right + left) / 2, atol=1e-4)
    assert pose.point("left_ankle") is None
    assert pose.people == 1


def test_nobody_is_told_with_the_file() -> None:
    with pytest.raises(PipelineError) as caught:
        run(TwoPeople((0.3,)), np.s_[:200])
    assert caught.value.key == "pose.no_person" and caught.value.values["file"] == "two.jpg"


def test_the_real_network_runs_through_the_stage() -> None:
    torch.manual_seed(3)
    network = build_keypoint_rcnn({"roi_heads.keypoint_predictor.kps_score_lowres.weight": (512, 17, 4, 4)}).eval()
    network.transform.min_size, network.transform.max_size = (64,), 96
    network.roi_heads.detections_per_img = 2
    network.rpn._post_nms_top_n = {"training": 8, "testing": 8}
    noise = np.random.default_rng(0).integers(0, 255, (90, 60, 3)).astype(np.uint8)
    inputs = Inputs({"photo": Photo(noise, "0" * 64, "n"), "edges": Cutout(np.ones((90, 60), np.float32), noise)})
    pose = KEYPOINT_RCNN.run(inputs, KeypointRcnnParams(min_person_score=0.0), context({"keypoint_rcnn": network}))
    assert pose.keypoints.shape == (18, 3)


def test_it_says_what_is_missing() -> None:
    note = KEYPOINT_RCNN.unavailable(GivenNetworks())
    assert note is not None and note.key == "alternative.checkpoint_missing"
    assert KEYPOINT_RCNN.unavailable(GivenNetworks({"keypoint_rcnn": object()})) is None
