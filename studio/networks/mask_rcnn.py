"""Mask R-CNN with a ResNet-50 FPN, as torchvision publishes it; built to fit its public checkpoint.

Source: He, Gkioxari, Dollar, Girshick, "Mask R-CNN", ICCV 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import nn

from studio.networks.keypoint_rcnn import detector_parts, freeze_epsilon

PERSON = 1
"""The number of the class "person" in COCO, which the public weights were trained on; 0 is the background."""


def build_mask_rcnn(shapes: Mapping[str, tuple[int, ...]]) -> nn.Module:
    """Return the detector that torchvision's public checkpoint fits strictly, not yet filled.

    In eval mode it takes a list of float RGB pictures `(3, H, W)` in `[0, 1]` and returns per picture a dict with
    `boxes`, `labels`, `scores` and `masks` `(N, 1, H, W)`: the probability of each pixel, pasted into the picture.
    """
    from torchvision.models.detection import MaskRCNN

    backbone, anchors = detector_parts()
    classes = shapes["roi_heads.mask_predictor.mask_fcn_logits.weight"][0]
    network = MaskRCNN(backbone, classes, rpn_anchor_generator=anchors)
    freeze_epsilon(network)
    return cast(nn.Module, network)
