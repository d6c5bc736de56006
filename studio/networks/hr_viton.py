"""HR-VITON: try-on condition generator and try-on image generator.

Source: Lee, Gu, Park, Choi, Choo, "High-Resolution Virtual Try-On with Misalignment and
Occlusion-Handled Conditions", ECCV 2022 (arXiv:2206.14180). Module names are those of the
public checkpoints, so their state_dicts load as they are. The discriminators are in
`hr_viton_discriminators`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from studio.networks.blocks import corner_grid, resize_bilinear, sample
from studio.networks.registry import Shapes, agreed
from studio.networks.spade import SpadeGenerator, read_generator_sizes

CONDITION_SIZE = (256, 192)
"""Height and width the condition generator was trained at."""


class Condition(NamedTuple):
    """What the condition generator predicts.

    flows: five appearance flows, coarse to fine, `(N, h, w, 2)`, (x, y) offsets; the finest is half size.
    segmap: `(N, 13, H, W)`, non-negative scores, not yet composed with the mask.
    warped_cloth, warped_mask: the condition-size garment and its mask after the warp.
    """

    flows: tuple[Tensor, ...]
    segmap: Tensor
    warped_cloth: Tensor
    warped_mask: Tensor


class ResidualBlock(nn.Module):
    """Scale change, then two normalised convolutions around a shortcut."""

    def __init__(self, inputs: int, outputs: int, scale: str) -> None:
        super().__init__()
        self.scale: nn.Module
        if scale == "down":
            self.scale = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        elif scale == "up":
            self.scale = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(inputs, outputs, 1)
            )
        else:
            self.scale = nn.Conv2d(inputs, outputs, 1)
        self.block = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = self.scale(x)
        return torch.relu(shortcut + self.block(shortcut))


class ConditionGenerator(nn.Module):
    """Predict the appearance flow and the segmentation of the dressed person together.

    Two feature pyramids (garment, person) exchange through the decoder: each level refines
    the flow by what the segmentation decoder knows, and the decoder sees the garment features
    already warped.
    """

    def __init__(self, cloth_channels: int = 4, person_channels: int = 16, classes: int = 13, width: int = 96) -> None:
        super().__init__()
        c1, c2, c4 = width, width * 2, width * 4
        self.ClothEncoder = _encoder(cloth_channels, c1)
        self.PoseEncoder = _encoder(person_channels, c1)
        self.conv = ResidualBlock(c4, c4 * 2, "same")
        self.SegDecoder = nn.Sequential(
            ResidualBlock(c4 * 2, c4, "up"),
            ResidualBlock(c4 * 2 + c4, c4, "up"),
            ResidualBlock(c4 * 2 + c4, c2, "up"),
            ResidualBlock(c2 * 2 + c4, c1, "up"),
            ResidualBlock(c1 * 2 + c4, c1, "up"),
        )
        self.out_layer = ResidualBlock(c1 + cloth_channels + person_channels, classes, "same")
        levels = (c1, c2, c4, c4)
        self.conv1 = nn.Sequential(*(nn.Conv2d(c, c4, 1) for c in levels))
        # In the checkpoints, but the published forward never uses what it computes.
        self.conv2 = nn.Sequential(*(nn.Conv2d(c, c4, 1) for c in levels))
        self.flow_conv = nn.ModuleList(nn.Conv2d(c4 * 2, 2, 3, padding=1) for _ in range(5))
        self.bottleneck = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(c, c4, 3, padding=1), nn.ReLU()) for c in (c4, c4, c2, c1))
        )

    def forward(self, cloth: Tensor, person: Tensor) -> Condition:
        """Predict from garment and mask `(N, 4, H, W)` and parse and DensePose `(N, 16, H, W)`."""
        cloth_levels = _pyramid(self.ClothEncoder, cloth)
        person_levels = _pyramid(self.PoseEncoder, person)
        garment = cloth_levels[4]
        flow = self.flow_conv[0](torch.cat((garment, person_levels[4]), 1))
        flows = [flow.permute(0, 2, 3, 1)]
        x = self.SegDecoder[0](self.conv(person_levels[4]))
        for level in range(1, 5):
            skip = 4 - level
            size = _size(cloth_levels[skip])
            garment = resize_bilinear(garment, size) + self.conv1[skip](cloth_levels[skip])
            flow = resize_bilinear(flow, size)
            warped = warp_by_flow(garment, flow.permute(0, 2, 3, 1))
            flow = flow + self.flow_conv[level](torch.cat((warped, self.bottleneck[level - 1](x)), 1))
            flows.append(flow.permute(0, 2, 3, 1))
            x = self.SegDecoder[level](torch.cat((x, person_levels[skip], warped), 1))
        warped_input = warp_by_flow(cloth, resize_bilinear(flow, _size(cloth)).permute(0, 2, 3, 1))
        segmap = self.out_layer(torch.cat((x, person, warped_input), 1))
        return Condition(tuple(flows), segmap, warped_input[:, :-1], warped_input[:, -1:])


def warp_by_flow(image: Tensor, flow: Tensor) -> Tensor:
    """Warp an image `(N, C, H, W)` by a flow `(N, H, W, 2)` given in pixels of the level below (half size)."""
    height, width = _size(image)
    scale = flow.new_tensor(((width / 2 - 1) / 2, (height / 2 - 1) / 2))
    return sample(image, corner_grid(height, width, image) + flow / scale)


class ImageGenerator(SpadeGenerator):
    """Paint the dressed person: agnostic image, DensePose and warped garment, led by the 7-class parse.

    Takes any size whose sides are multiples of 128.
    """

    def __init__(self, input_channels: int = 9, classes: int = 7, width: int = 64) -> None:
        super().__init__(input_channels, width, early_labels=classes, late_labels=classes, masked=False)

    def forward(self, x: Tensor, parse: Tensor, noise: list[Tensor] | None = None) -> Tensor:
        """Return the picture `(N, 3, H, W)` in [-1, 1].

        Args:
            x: agnostic image, DensePose, warped garment, `(N, 9, H, W)`.
            parse: one-hot `(N, 7, H, W)`.
            noise: maps in the order of `noise_shapes`; None leaves the noise out.
        """
        return self.paint(x, parse, parse, None, noise)


def build_condition_generator(shapes: Shapes) -> ConditionGenerator:
    """Make the condition generator that these shapes belong to."""
    encoders = [shapes[f"{side}Encoder.0.scale.weight"] for side in ("Cloth", "Pose")]
    width = agreed(encoders[0][0], encoders[1][0], shapes["conv1.0.weight"][1])
    classes = agreed(*(shapes[f"out_layer.{part}"][0] for part in ("scale.bias", "block.1.weight", "block.4.weight")))
    return ConditionGenerator(encoders[0][1], encoders[1][1], classes, width)


def build_image_generator(shapes: Shapes) -> ImageGenerator:
    """Make the image generator that these shapes belong to."""
    return ImageGenerator(*read_generator_sizes(shapes))


def _encoder(channels: int, width: int) -> nn.Sequential:
    sizes = (channels, width, width * 2, width * 4, width * 4, width * 4)
    return nn.Sequential(*(ResidualBlock(a, b, "down") for a, b in pairwise(sizes)))


def _pyramid(encoder: nn.Sequential, x: Tensor) -> list[Tensor]:
    levels: list[Tensor] = []
    for block in encoder:
        x = block(x)
        levels.append(x)
    return levels


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]
