"""Self-Correction Human Parsing: the context-embedding parser with edge perception (CE2P) on a ResNet-101.

Module and parameter names are those of the public checkpoints (LIP 20, ATR 18 and Pascal-Person-Part
7 classes); a checkpoint is a dict with `state_dict`, its keys prefixed `module.`.

Sources: Li, Xu, Wei, Yang, "Self-Correction for Human Parsing", TPAMI 2020; Ruan, Liu, Huang, Wei, Wei, Zhao,
"Devil in the Details: Towards Accurate Single and Multiple Human Parsing", AAAI 2019 (CE2P); Rota Bulo,
Porzi, Kontschieder, "In-Place Activated BatchNorm", CVPR 2018 (the norm's semantics).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from studio.domain.arrays import F32, F64, U8
from studio.domain.labels import NAMES, LabelScheme
from studio.domain.labels import palette as scheme_palette

BGR_MEAN = (0.406, 0.456, 0.485)
BGR_STD = (0.225, 0.224, 0.229)
"""ImageNet statistics in the network's channel order, which is BGR."""

NORM_EPS = 1e-5
LEAKY_SLOPE = 0.01
PYRAMID_SIZES = (1, 2, 3, 6)


class SchpDataset(StrEnum):
    """The data set a public checkpoint was trained on; it decides classes and input size."""

    LIP = "lip"
    ATR = "atr"
    PASCAL = "pascal"


CLASS_COUNT = {SchpDataset.LIP: 20, SchpDataset.ATR: 18, SchpDataset.PASCAL: 7}
INPUT_SIZE = {SchpDataset.LIP: 473, SchpDataset.ATR: 512, SchpDataset.PASCAL: 512}
"""Side of the square input of each public checkpoint."""

SCHEME = {SchpDataset.LIP: LabelScheme.LIP, SchpDataset.ATR: LabelScheme.ATR}
PASCAL_LABELS = ("background", "head", "torso", "upper arms", "lower arms", "upper legs", "lower legs")


def label_names(dataset: SchpDataset) -> tuple[str, ...]:
    """Return the names of the classes in label order."""
    return PASCAL_LABELS if dataset is SchpDataset.PASCAL else NAMES[SCHEME[dataset]]


def palette(dataset: SchpDataset) -> U8:
    """Return the colours the published parser paints its classes in, RGB uint8 `(classes, 3)`.

    All three are beginnings of the Pascal VOC colour map.
    """
    return scheme_palette(LabelScheme.LIP)[: CLASS_COUNT[dataset]]


class InPlaceNorm(nn.Module):
    """Batch norm whose scale is `|weight| + eps`, followed by a leaky ReLU or by nothing.

    The absolute value is what the in-place norm of the checkpoints computes; ordinary batch norm agrees with it
    only while every weight is positive. There is no `num_batches_tracked`.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, activated: bool = True) -> None:
        super().__init__()
        self.activated = activated
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def scale(self) -> Tensor:
        """Return what the normalised values are multiplied by."""
        return self.weight.abs() + NORM_EPS

    def forward(self, x: Tensor) -> Tensor:
        scale = self.scale()
        y = F.batch_norm(x, self.running_mean, self.running_var, scale, self.bias, self.training, 0.1, NORM_EPS)
        return F.leaky_relu(y, LEAKY_SLOPE) if self.activated else y


def resize_aligned(x: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Resize bilinearly with the corner pixels' centres aligned, as every resizing in this network is."""
    return F.interpolate(x, size=(int(size[0]), int(size[1])), mode="bilinear", align_corners=True)


def conv_norm(in_channels: int, out_channels: int, kernel: int = 1) -> list[nn.Module]:
    """Return a convolution without bias that keeps the size, and its activated norm."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    return [conv, InPlaceNorm(out_channels)]


class Bottleneck(nn.Module):
    """Residual bottleneck; stride and dilation sit in the 3 x 3 convolution."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = InPlaceNorm(width, activated=False)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = InPlaceNorm(width, activated=False)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = InPlaceNorm(out_channels, activated=False)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                InPlaceNorm(out_channels, activated=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(y + shortcut)


def _layer(in_channels: int, width: int, blocks: int, stride: int, dilation: int = 1) -> nn.Sequential:
    out_channels = width * Bottleneck.expansion
    first = Bottleneck(in_channels, width, stride, dilation)
    rest = [Bottleneck(out_channels, width, 1, dilation) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)


class PyramidPooling(nn.Module):
    """Context at 1, 2, 3 and 6 cells a side, resized back and joined to the features."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), *conv_norm(in_channels, out_channels)) for size in PYRAMID_SIZES
        )
        joined = in_channels + len(PYRAMID_SIZES) * out_channels
        self.bottleneck = nn.Sequential(*conv_norm(joined, out_channels, kernel=3))

    def forward(self, features: Tensor) -> Tensor:
        context = [resize_aligned(stage(features), features.shape[2:]) for stage in self.stages]
        out: Tensor = self.bottleneck(torch.cat([*context, features], 1))
        return out


class EdgePerception(nn.Module):
    """Edges between parts, from the first three residual layers."""

    def __init__(self, in_channels: tuple[int, int, int], mid_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*conv_norm(in_channels[0], mid_channels))
        self.conv2 = nn.Sequential(*conv_norm(in_channels[1], mid_channels))
        self.conv3 = nn.Sequential(*conv_norm(in_channels[2], mid_channels))
        self.conv4 = nn.Conv2d(mid_channels, 2, 3, padding=1)
        self.conv5 = nn.Conv2d(6, 2, 1)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Return edge logits `(B, 2, h, w)` and edge features `(B, 3 * mid, h, w)` at the finest size."""
        size = fine.shape[2:]
        features = [self.conv1(fine), self.conv2(middle), self.conv3(coarse)]
        edges = [resize_aligned(self.conv4(feature), size) for feature in features]
        features = [resize_aligned(feature, size) for feature in features]
        return self.conv5(torch.cat(edges, 1)), torch.cat(features, 1)


class ParsingDecoder(nn.Module):
    """Joins the pyramid's context with the finest residual layer."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*conv_norm(512, 256))
        self.conv2 = nn.Sequential(*conv_norm(256, 48))
        self.conv3 = nn.Sequential(*conv_norm(256 + 48, 256), *conv_norm(256, 256))
        self.conv4 = nn.Conv2d(256, class_count, 1)

    def forward(self, context: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Return parsing logits `(B, K, h, w)` and features `(B, 256, h, w)` at the fine size."""
        coarse = resize_aligned(self.conv1(context), fine.shape[2:])
        features = self.conv3(torch.cat([coarse, self.conv2(fine)], 1))
        return self.conv4(features), features


@dataclass(frozen=True, slots=True)
class SchpOutput:
    """Logits at a quarter of the input size.

    parsing: `(B, K, h, w)`, the decoder's own. fusion: `(B, K, h, w)`, after the edges joined in; the one to use.
    edge: `(B, 2, h, w)`.
    """

    parsing: Tensor
    fusion: Tensor
    edge: Tensor


class Schp(nn.Module):
    """Augmented CE2P: a dilated ResNet-101, pyramid context, edge perception and their fusion."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = InPlaceNorm(64, activated=False)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn2 = InPlaceNorm(64, activated=False)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1, bias=False)
        self.bn3 = InPlaceNorm(128, activated=False)
        self.layer1 = _layer(128, 64, blocks=3, stride=1)
        self.layer2 = _layer(256, 128, blocks=4, stride=2)
        self.layer3 = _layer(512, 256, blocks=23, stride=2)
        self.layer4 = _layer(1024, 512, blocks=3, stride=1, dilation=2)
        self.context_encoding = PyramidPooling(2048, 512)
        self.edge = EdgePerception((256, 512, 1024), 256)
        self.decoder = ParsingDecoder(class_count)
        # The misspelling is the checkpoints' own key.
        self.fushion = nn.Sequential(*conv_norm(1024, 256), nn.Dropout2d(0.1), nn.Conv2d(256, class_count, 1))

    def forward(self, image: Tensor) -> SchpOutput:
        """Return logits.

        Args:
            image: `(B, 3, H, W)`, BGR in `[0, 1]`, normalised by `BGR_MEAN` and `BGR_STD`; any size.
        """
        x = F.relu(self.bn1(self.conv1(image)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.max_pool2d(x, 3, 2, padding=1)
        first = self.layer1(x)
        second = self.layer2(first)
        third = self.layer3(second)
        context = self.context_encoding(self.layer4(third))
        parsing, parsing_features = self.decoder(context, first)
        edge, edge_features = self.edge(first, second, third)
        fusion = self.fushion(torch.cat([parsing_features, edge_features], 1))
        return SchpOutput(parsing=parsing, fusion=fusion, edge=edge)


def build_schp(shapes: Mapping[str, tuple[int, ...]]) -> Schp:
    """Return the network that a state_dict of these shapes fits, not yet filled."""
    return Schp(class_count=shapes["fushion.3.weight"][0])


def has_negative_scales(network: Schp) -> bool:
    """Whether any norm weight is negative, so that plain batch norm would compute something else."""
    return any(bool((m.weight < 0).any()) for m in network.modules() if isinstance(m, InPlaceNorm))


@dataclass(frozen=True, slots=True, eq=False)
class CropGeometry:
    """How a photo is laid into the network's input.

    forward: float64 `(2, 3)`, photo pixels to input pixels. inverse: the way back.
    """

    forward: F64
    inverse: F64
    photo_size: tuple[int, int]
    input_size: tuple[int, int]


def crop_geometry(photo_size: tuple[int, int], input_size: tuple[int, int]) -> CropGeometry:
    """Return the uniform scaling that centres the whole photo in the input.

    The box runs from the first pixel centre to the last; its shorter side is enlarged to the input's aspect, and
    box width meets `input width - 1`.

    Args:
        photo_size: `(width, height)`.
        input_size: `(width, height)`.
    """
    width, height = (max(side - 1, 1) for side in photo_size)
    aspect = input_size[0] / input_size[1]
    box_width = max(float(width), height * aspect)
    scale = (input_size[0] - 1) / box_width
    centre = ((photo_size[0] - 1) / 2, (photo_size[1] - 1) / 2)
    target = ((input_size[0] - 1) / 2, (input_size[1] - 1) / 2)
    forward = np.array([[scale, 0.0, target[0] - scale * centre[0]], [0.0, scale, target[1] - scale * centre[1]]])
    inverse = np.array(
        [[1 / scale, 0.0, centre[0] - target[0] / scale], [0.0, 1 / scale, centre[1] - target[1] / scale]]
    )
    return CropGeometry(forward, inverse, photo_size, input_size)


def preprocess(photo: U8, geometry: CropGeometry) -> F32:
    """Return the network's input for an RGB photo.

    Returns:
        float32 `(3, H, W)` in the network's own BGR order, black (before normalisation) outside the photo.
    """
    import cv2

    bgr = np.ascontiguousarray(photo[..., ::-1])
    flags = cv2.INTER_LINEAR
    laid = cv2.warpAffine(bgr, geometry.forward, geometry.input_size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
    scaled = np.divide(laid, np.float32(255.0), dtype=np.float32)
    normalised = (scaled - np.asarray(BGR_MEAN, np.float32)) / np.asarray(BGR_STD, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))


def upsample_logits(fusion: Tensor, geometry: CropGeometry) -> F32:
    """Return the first item's logits at the input size, float32 `(H, W, K)`."""
    width, height = geometry.input_size
    full = resize_aligned(fusion[:1].float(), (height, width))[0]
    return np.ascontiguousarray(full.permute(1, 2, 0).cpu().numpy())


def warp_logits_back(logits: F32, geometry: CropGeometry) -> F32:
    """Warp logits at the input size back onto the photo, class by class; zero outside the input.

    Args:
        logits: float32 `(h, w, K)` at the input size.

    Returns:
        float32 `(H, W, K)` at the photo's size.
    """
    import cv2

    planes = [
        cv2.warpAffine(
            np.ascontiguousarray(logits[..., k]),
            geometry.inverse,
            geometry.photo_size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
        )
        for k in range(logits.shape[2])
    ]
    return np.stack(planes, axis=2)


def labels_on_photo(logits: F32, geometry: CropGeometry, report: Callable[[float], None] | None = None) -> U8:
    """Return the class of the greatest logit of every photo pixel, uint8 `(H, W)`.

    The same as `labels_from_logits(warp_logits_back(...))`, one class at a time, so that a large photo needs the
    memory of two planes instead of twenty. `report` hears the share of classes done.
    """
    best = warp_logits_back(logits[..., :1], geometry)[..., 0]
    labels = np.zeros(best.shape, np.uint8)
    for k in range(1, logits.shape[2]):
        if report is not None:
            report(k / logits.shape[2])
        plane = warp_logits_back(logits[..., k : k + 1], geometry)[..., 0]
        greater = plane > best
        labels[greater] = k
        np.copyto(best, plane, where=greater)
    return labels


def labels_from_logits(logits: F32) -> U8:
    """Return the class of the greatest logit of every pixel, uint8 `(H, W)`."""
    labels: U8 = logits.argmax(axis=2).astype(np.uint8)
    return labels
