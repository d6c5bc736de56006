"""DensePose R50-FPN through detectron2's own Python source, and its charts on a picture.

Unlike the other networks this one is not written anew: detectron2 and its DensePose project (Apache-2.0) are used
where the operator has their source tree. Their compiled operators are not needed: everything this network computes
is in torch and torchvision.

Source: Guler, Neverova, Kokkinos, "DensePose: Dense Human Pose Estimation In The Wild", CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from studio.domain.arrays import F32, U8
from studio.domain.errors import ModelError
from studio.networks.detectron2_tree import TREE_VARIABLE, add_tree, do_without_compiled_operators

SHORT_SIDE, LONG_SIDE = 800, 1333
"""Size of the network's input: the shorter side, unless the longer one would exceed its own."""

PARTS = 24

_CONFIG: tuple[object, ...] = (
    "MODEL.META_ARCHITECTURE", "GeneralizedRCNN",
    "MODEL.BACKBONE.NAME", "build_resnet_fpn_backbone",
    "MODEL.RESNETS.DEPTH", 50,
    "MODEL.RESNETS.OUT_FEATURES", ["res2", "res3", "res4", "res5"],
    "MODEL.FPN.IN_FEATURES", ["res2", "res3", "res4", "res5"],
    "MODEL.ANCHOR_GENERATOR.SIZES", [[32], [64], [128], [256], [512]],
    "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS", [[0.5, 1.0, 2.0]],
    "MODEL.RPN.IN_FEATURES", ["p2", "p3", "p4", "p5", "p6"],
    "MODEL.RPN.PRE_NMS_TOPK_TEST", 1000,
    "MODEL.RPN.POST_NMS_TOPK_TEST", 1000,
    "MODEL.DENSEPOSE_ON", True,
    "MODEL.ROI_HEADS.NAME", "DensePoseROIHeads",
    "MODEL.ROI_HEADS.IN_FEATURES", ["p2", "p3", "p4", "p5"],
    "MODEL.ROI_HEADS.NUM_CLASSES", 1,
    "MODEL.ROI_BOX_HEAD.NAME", "FastRCNNConvFCHead",
    "MODEL.ROI_BOX_HEAD.NUM_FC", 2,
    "MODEL.ROI_BOX_HEAD.POOLER_RESOLUTION", 7,
    "MODEL.ROI_BOX_HEAD.POOLER_SAMPLING_RATIO", 2,
    "MODEL.ROI_BOX_HEAD.POOLER_TYPE", "ROIAlign",
    "MODEL.ROI_DENSEPOSE_HEAD.NAME", "DensePoseV1ConvXHead",
    "MODEL.ROI_DENSEPOSE_HEAD.POOLER_TYPE", "ROIAlign",
    "MODEL.DEVICE", "cpu",
)  # fmt: skip
"""What `densepose_rcnn_R_50_FPN_s1x` sets; the rest is detectron2's default."""


def build_densepose(shapes: Mapping[str, tuple[int, ...]]) -> nn.Module:
    """Return the network that the public checkpoint fits, not yet filled.

    Raises:
        ModelError: `densepose.no_detectron2`, detectron2 or something it needs cannot be imported.
    """
    add_tree()
    try:
        do_without_compiled_operators()
        from densepose import add_densepose_config
        from detectron2.config import get_cfg
        from detectron2.modeling import build_model
    except ImportError as error:
        raise ModelError("densepose.no_detectron2", reason=str(error), variable=TREE_VARIABLE) from error
    config = get_cfg()
    add_densepose_config(config)
    config.merge_from_list(list(_CONFIG))
    network = cast(nn.Module, build_model(config))
    keep_buffers_of(network, shapes)
    return network


def keep_buffers_of(network: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Make exactly those buffers part of the state_dict that the checkpoint holds.

    Versions of detectron2 differ in whether anchors and pixel means are saved.
    """
    for prefix, module in network.named_modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            module.register_buffer(name, buffer, persistent=f"{prefix}.{name}".lstrip(".") in shapes)


def resized_size(width: int, height: int) -> tuple[int, int]:
    """Return `(width, height)` of the network's input for a picture of this size."""
    scale = SHORT_SIDE / min(width, height)
    scale = min(scale, LONG_SIDE / max(width, height))
    return int(width * scale + 0.5), int(height * scale + 0.5)


def preprocess(image: U8) -> Tensor:
    """Return the network's input for an RGB picture: float `(3, h, w)`, BGR, 0 to 255."""
    from PIL import Image

    size = resized_size(image.shape[1], image.shape[0])
    resized = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    bgr = np.ascontiguousarray(resized[..., ::-1].transpose(2, 0, 1))
    return torch.from_numpy(bgr).float()


@dataclass(frozen=True, slots=True)
class Charts:
    """One person's output of the DensePose head.

    coarse: `(2, S, S)`, background and body. fine, u, v: `(25, S, S)`, background and 24 parts.
    box: x0, y0, x1, y1 in the picture.
    """

    coarse: Tensor
    fine: Tensor
    u: Tensor
    v: Tensor
    box: tuple[float, float, float, float]


def _fit(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize `(C, S, S)` to `(C, height, width)`."""
    return F.interpolate(planes[None], size=(size[1], size[0]), mode="bilinear", align_corners=False)[0]


def paint_charts(charts: Charts, size: tuple[int, int]) -> tuple[U8, F32, F32]:
    """Return part index, u and v on a picture of `(width, height)`; 0 outside the body.

    A pixel's part is the greatest fine score where the coarse one says body; its u and v are that part's own.
    """
    x0, y0 = int(charts.box[0]), int(charts.box[1])
    inner = (max(1, int(charts.box[2] - charts.box[0])), max(1, int(charts.box[3] - charts.box[1])))
    part = _fit(charts.fine, inner).argmax(0) * (_fit(charts.coarse, inner).argmax(0) > 0)
    planes = [torch.zeros(part.shape), torch.zeros(part.shape)]
    for number in np.unique(part.numpy()).tolist():
        if number > 0:
            here = part == number
            for plane, chart in zip(planes, (charts.u, charts.v), strict=True):
                plane[here] = _fit(chart[number : number + 1], inner)[0][here].clamp(0, 1)
    index = np.zeros((size[1], size[0]), np.uint8)
    uv = np.zeros((2, size[1], size[0]), np.float32)
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(size[0], x0 + inner[0]), min(size[1], y0 + inner[1])
    if right > left and bottom > top:
        source = np.s_[top - y0 : bottom - y0, left - x0 : right - x0]
        target = np.s_[top:bottom, left:right]
        index[target] = part.numpy().astype(np.uint8)[source]
        for channel in (0, 1):
            uv[channel][target] = planes[channel].numpy()[source]
    return index, uv[0], uv[1]
