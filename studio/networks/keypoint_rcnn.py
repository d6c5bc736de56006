"""Keypoint R-CNN with a ResNet-50 FPN, as torchvision publishes it; built to fit its public checkpoint.

Source: He, Gkioxari, Dollar, Girshick, "Mask R-CNN", ICCV 2017, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import nn

COCO17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""The keypoints in the order of the network's output."""

ANCHOR_SIZES = ((32,), (64,), (128,), (256,), (512,))
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
"""One anchor size for each level of the pyramid, in the detector's input pixels; ratios are height to width."""

CLASSES = 2
"""Background and person."""

FROZEN_NORM_EPS = 0.0
"""The public checkpoint was trained with batch norms frozen without an epsilon."""


def build_keypoint_rcnn(shapes: Mapping[str, tuple[int, ...]]) -> nn.Module:
    """Return the detector that torchvision's public checkpoint fits strictly, not yet filled.

    In eval mode it takes a list of float RGB pictures `(3, H, W)` in `[0, 1]` and returns per picture a dict with
    `boxes`, `scores`, `keypoints` `(N, 17, 3)` and `keypoints_scores` `(N, 17)` (heat map logits).
    """
    from torchvision.models.detection import KeypointRCNN

    backbone, anchors = detector_parts()
    keypoints = shapes["roi_heads.keypoint_predictor.kps_score_lowres.weight"][1]
    network = KeypointRCNN(backbone, CLASSES, num_keypoints=keypoints, rpn_anchor_generator=anchors)
    freeze_epsilon(network)
    return cast(nn.Module, network)


def detector_parts() -> tuple[nn.Module, nn.Module]:
    """Return what torchvision's R-CNNs share: backbone with pyramid, and the anchors."""
    import torch
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops.misc import FrozenBatchNorm2d

    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=5
    )
    with torch.device("cpu"):  # the anchors are no part of the state_dict: on the meta device they would stay empty
        anchors = AnchorGenerator(ANCHOR_SIZES, (ANCHOR_RATIOS,) * len(ANCHOR_SIZES))
    return backbone, anchors


def freeze_epsilon(network: nn.Module) -> None:
    """Set the frozen norms as the public weights were trained."""
    from torchvision.ops.misc import FrozenBatchNorm2d

    for module in network.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = FROZEN_NORM_EPS
