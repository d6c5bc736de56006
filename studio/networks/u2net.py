"""U-2-Net and its small sibling U-2-Net-p: salient object segmentation.

The module and parameter names are those of the public checkpoints (`u2net.pth`, `u2netp.pth`,
`u2net_human_seg.pth`, `u2net_portrait.pth`), so their `state_dict` loads unchanged and strictly.

Source: Qin, Zhang, Huang, Dehghan, Zaiane, Jagersand, "U^2-Net: Going Deeper with Nested U-Structure
for Salient Object Detection", Pattern Recognition 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from studio.domain.arrays import F32, F64, U8

INPUT_SIZE = 320
"""Side of the square the published networks were trained on; the photo's aspect is ignored."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet statistics in RGB order."""


class ConvNormRelu(nn.Module):
    """3 x 3 convolution with bias, batch norm, ReLU; keeps the size at any dilation."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv_s1 = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn_s1(self.conv_s1(x)))


def pool_half(x: Tensor) -> Tensor:
    """Halve the size, rounding up."""
    return F.max_pool2d(x, 2, 2, ceil_mode=True)


def resize_like(x: Tensor, target: Tensor) -> Tensor:
    """Resize bilinearly to the target's height and width; pixel centres are half-integers."""
    return F.interpolate(x, size=target.shape[2:], mode="bilinear", align_corners=False)


class ResidualU(nn.Module):
    """Residual U-block: a U-Net of its own height whose input features are added to its output.

    height: number of levels (RSU-7 has 7); the lowest is reached by dilation, not by pooling.
    """

    def __init__(self, height: int, in_channels: int, mid_channels: int, out_channels: int) -> None:
        super().__init__()
        self.height = height
        self.rebnconvin = ConvNormRelu(in_channels, out_channels)
        self.rebnconv1 = ConvNormRelu(out_channels, mid_channels)
        for level in range(2, height):
            self.add_module(f"rebnconv{level}", ConvNormRelu(mid_channels, mid_channels))
        self.add_module(f"rebnconv{height}", ConvNormRelu(mid_channels, mid_channels, dilation=2))
        for level in range(height - 1, 1, -1):
            self.add_module(f"rebnconv{level}d", ConvNormRelu(2 * mid_channels, mid_channels))
        self.rebnconv1d = ConvNormRelu(2 * mid_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        entry = self.rebnconvin(x)
        skips = [self.rebnconv1(entry)]
        for level in range(2, self.height):
            skips.append(self.get_submodule(f"rebnconv{level}")(pool_half(skips[-1])))
        y = self.get_submodule(f"rebnconv{self.height}")(skips[-1])
        for level in range(self.height - 1, 0, -1):
            skip = skips[level - 1]
            if y.shape[2:] != skip.shape[2:]:
                y = resize_like(y, skip)
            y = self.get_submodule(f"rebnconv{level}d")(torch.cat([y, skip], 1))
        out: Tensor = y + entry
        return out


class DilatedResidualU(nn.Module):
    """RSU-4F: the residual U-block for maps too small to pool; dilations 1, 2, 4, 8 stand in for the levels."""

    def __init__(self, in_channels: int, mid_channels: int, out_channels: int) -> None:
        super().__init__()
        self.rebnconvin = ConvNormRelu(in_channels, out_channels)
        self.rebnconv1 = ConvNormRelu(out_channels, mid_channels, dilation=1)
        self.rebnconv2 = ConvNormRelu(mid_channels, mid_channels, dilation=2)
        self.rebnconv3 = ConvNormRelu(mid_channels, mid_channels, dilation=4)
        self.rebnconv4 = ConvNormRelu(mid_channels, mid_channels, dilation=8)
        self.rebnconv3d = ConvNormRelu(2 * mid_channels, mid_channels, dilation=4)
        self.rebnconv2d = ConvNormRelu(2 * mid_channels, mid_channels, dilation=2)
        self.rebnconv1d = ConvNormRelu(2 * mid_channels, out_channels, dilation=1)

    def forward(self, x: Tensor) -> Tensor:
        entry = self.rebnconvin(x)
        first = self.rebnconv1(entry)
        second = self.rebnconv2(first)
        third = self.rebnconv3(second)
        y = self.rebnconv4(third)
        y = self.rebnconv3d(torch.cat([y, third], 1))
        y = self.rebnconv2d(torch.cat([y, second], 1))
        y = self.rebnconv1d(torch.cat([y, first], 1))
        out: Tensor = y + entry
        return out


@dataclass(frozen=True, slots=True)
class U2NetWidths:
    """Channels of every stage, from the finest (1) to the coarsest (6)."""

    encoder_mid: tuple[int, int, int, int, int, int]
    encoder_out: tuple[int, int, int, int, int, int]
    decoder_mid: tuple[int, int, int, int, int]
    decoder_out: tuple[int, int, int, int, int]


FULL = U2NetWidths(
    encoder_mid=(32, 32, 64, 128, 256, 256),
    encoder_out=(64, 128, 256, 512, 512, 512),
    decoder_mid=(16, 32, 64, 128, 256),
    decoder_out=(64, 64, 128, 256, 512),
)
SMALL = U2NetWidths(
    encoder_mid=(16,) * 6,
    encoder_out=(64,) * 6,
    decoder_mid=(16,) * 5,
    decoder_out=(64,) * 5,
)


def _stage(number: int, in_channels: int, mid: int, out: int) -> nn.Module:
    """Stages 1 to 4 are RSU-7 to RSU-4; below them maps are dilated instead of pooled."""
    if number <= 4:
        return ResidualU(8 - number, in_channels, mid, out)
    return DilatedResidualU(in_channels, mid, out)


class U2Net(nn.Module):
    """U-2-Net: six encoder stages, five decoder stages, a saliency map from each level and their fusion."""

    def __init__(self, widths: U2NetWidths = FULL) -> None:
        super().__init__()
        channels = 3
        for number in range(1, 7):
            out = widths.encoder_out[number - 1]
            self.add_module(f"stage{number}", _stage(number, channels, widths.encoder_mid[number - 1], out))
            channels = out
        for number in range(5, 0, -1):
            joined = channels + widths.encoder_out[number - 1]
            channels = widths.decoder_out[number - 1]
            self.add_module(f"stage{number}d", _stage(number, joined, widths.decoder_mid[number - 1], channels))
        for number, width in enumerate((*widths.decoder_out, widths.encoder_out[5]), start=1):
            self.add_module(f"side{number}", nn.Conv2d(width, 1, 3, padding=1))
        self.outconv = nn.Conv2d(6, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return seven saliency maps.

        Args:
            image: `(B, 3, H, W)`, RGB, ImageNet-normalised; any size.

        Returns:
            Seven `(B, 1, H, W)` in `[0, 1]`: the fused map, then those of levels 1 (finest) to 6.
        """
        x = image
        encoded: list[Tensor] = []
        for number in range(1, 7):
            x = self.get_submodule(f"stage{number}")(x if number == 1 else pool_half(x))
            encoded.append(x)
        decoded = [x]
        for number in range(5, 0, -1):
            skip = encoded[number - 1]
            x = self.get_submodule(f"stage{number}d")(torch.cat([resize_like(x, skip), skip], 1))
            decoded.append(x)
        sides = [self.get_submodule(f"side{number}")(decoded[6 - number]) for number in range(1, 7)]
        maps = [sides[0], *(resize_like(side, sides[0]) for side in sides[1:])]
        fused = self.outconv(torch.cat(maps, 1))
        return tuple(torch.sigmoid(saliency) for saliency in (fused, *maps))


def build_u2net(shapes: Mapping[str, tuple[int, ...]]) -> U2Net:
    """Return the variant that a state_dict of these shapes fits, not yet filled."""
    mid = shapes["stage1.rebnconv1.conv_s1.weight"][0]
    return U2Net(FULL if mid == FULL.encoder_mid[0] else SMALL)


def resize_photo(photo: U8, size: int = INPUT_SIZE) -> F32:
    """Resize a photo to the network's square as the published networks were trained.

    First order with black outside the photo, so that an enlarged photo's outermost pixels are blended with
    black; smoothed beforehand along each axis that shrinks.

    Args:
        photo: RGB uint8 `(H, W, 3)`.
        size: side of the square.

    Returns:
        float32 `(size, size, 3)` in `[0, 1]`.
    """
    from scipy import ndimage

    image = photo.astype(np.float64) / 255.0
    shrink = [photo.shape[axis] / size for axis in (0, 1)]
    if max(shrink) > 1.0:
        sigma = [max(0.0, (factor - 1.0) / 2.0) for factor in shrink]
        image = ndimage.gaussian_filter(image, (*sigma, 0.0), mode="constant", cval=0.0)
    zoom = (1.0 / shrink[0], 1.0 / shrink[1], 1.0)
    resized: F64 = ndimage.zoom(image, zoom, order=1, mode="grid-constant", cval=0.0, grid_mode=True, prefilter=False)
    return resized.astype(np.float32)


def normalise(resized: F32) -> F32:
    """Divide by the picture's own maximum, then apply ImageNet mean and deviation.

    Returns:
        float32 `(3, H, W)`.
    """
    peak = float(resized.max())
    scaled = resized.astype(np.float64) / peak if peak > 1e-6 else resized.astype(np.float64)
    tensor = (scaled - np.asarray(MEAN)) / np.asarray(STD)
    return np.ascontiguousarray(tensor.transpose(2, 0, 1), dtype=np.float32)


def preprocess(photo: U8, size: int = INPUT_SIZE) -> F32:
    """Return the network's input for a photo, float32 `(3, size, size)`."""
    return normalise(resize_photo(photo, size))


def stretch_saliency(saliency: Tensor) -> Tensor:
    """Stretch a saliency tensor to `[0, 1]` by its own extremes; a constant map becomes zero."""
    low, high = saliency.min(), saliency.max()
    span = high - low
    return torch.zeros_like(saliency) if float(span) == 0.0 else (saliency - low) / span


def mask_from_saliency(saliency: F32, size: tuple[int, int]) -> U8:
    """Return the mask at the photo's size as the published test script saves it.

    Args:
        saliency: float32 `(h, w)` in `[0, 1]`, already stretched.
        size: `(width, height)` of the photo.

    Returns:
        uint8 `(height, width)`: 8-bit truncation first, then bilinear resizing.
    """
    from PIL import Image

    small = Image.fromarray((saliency * 255).astype(np.uint8))
    return np.asarray(small.resize(size, Image.Resampling.BILINEAR))
