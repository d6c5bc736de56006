"""SPADE normalisation with noise, its residual block, and the generator both HR-VITON and VITON-HD build on it.

Sources: Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", CVPR 2019
(arXiv:1903.07291); Choi et al., "VITON-HD", CVPR 2021 (arXiv:2103.16874) for the noise and the
mask-aware ALIAS normalisation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.networks.blocks import INSTANCE_EPS, SpectralConv2d, resize_nearest
from studio.networks.registry import Shapes, agreed

HIDDEN = 128
"""Width of the hidden layer between the parse map and its scale and shift."""

LEAK = 0.2
SIDE_MULTIPLE = 128
"""The coarsest level is 1/128 of the picture."""


class InstanceNorm(nn.Module):
    """Zero mean and unit variance per sample and channel, without parameters."""

    def forward(self, x: Tensor, region: Tensor | None) -> Tensor:
        return F.instance_norm(x, eps=INSTANCE_EPS)


class MaskNorm(nn.Module):
    """Normalise inside a region and outside it each by its own statistics.

    Each half is filled with its own mean beyond its border, normalised over the whole map, and
    scaled back by the root of its share of the area. A soft region stays soft.
    """

    def forward(self, x: Tensor, region: Tensor | None) -> Tensor:
        if region is None:
            raise ValueError("mask normalisation needs the misalignment region")
        return _normalise_region(x, region) + _normalise_region(x, 1 - region)


def _normalise_region(x: Tensor, region: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    part = x * region
    area = region.sum(dim=(2, 3), keepdim=True)
    area = torch.where(area == 0, torch.ones_like(area), area)
    mean = part.sum(dim=(2, 3), keepdim=True) / area
    filled = part + (1 - region) * mean
    return F.instance_norm(filled, eps=INSTANCE_EPS) * torch.sqrt(area / (height * width))


class SpadeNorm(nn.Module):
    """Normalise, then scale and shift every pixel by what the parse map says there."""

    def __init__(self, channels: int, labels: int, *, masked: bool) -> None:
        super().__init__()
        self.noise_scale = nn.Parameter(torch.zeros(channels))
        self.param_free_norm = MaskNorm() if masked else InstanceNorm()
        self.conv_shared = nn.Sequential(nn.Conv2d(labels, HIDDEN, 3, padding=1), nn.ReLU())
        self.conv_gamma = nn.Conv2d(HIDDEN, channels, 3, padding=1)
        self.conv_beta = nn.Conv2d(HIDDEN, channels, 3, padding=1)

    def forward(self, x: Tensor, parse: Tensor, region: Tensor | None, noise: Tensor | None) -> Tensor:
        """Normalise features `(N, C, h, w)` by a parse map of the same size."""
        if noise is not None:
            x = x + noise * self.noise_scale[:, None, None]
        hidden = self.conv_shared(parse)
        out: Tensor = self.param_free_norm(x, region) * (1 + self.conv_gamma(hidden)) + self.conv_beta(hidden)
        return out


class SpadeBlock(nn.Module):
    """Two normalised convolutions around a shortcut that is itself normalised when the width changes."""

    def __init__(self, inputs: int, outputs: int, labels: int, *, masked: bool) -> None:
        super().__init__()
        self.changes_width = inputs != outputs
        middle = min(inputs, outputs)
        self.conv_0 = SpectralConv2d(inputs, middle, 3, padding=1)
        self.conv_1 = SpectralConv2d(middle, outputs, 3, padding=1)
        if self.changes_width:
            self.conv_s = SpectralConv2d(inputs, outputs, 1, bias=False)
        self.norm_0 = SpadeNorm(inputs, labels, masked=masked)
        self.norm_1 = SpadeNorm(middle, labels, masked=masked)
        if self.changes_width:
            self.norm_s = SpadeNorm(inputs, labels, masked=masked)

    def forward(self, x: Tensor, parse: Tensor, region: Tensor | None, noise: list[Tensor] | None) -> Tensor:
        """Return `(N, outputs, h, w)`; `noise` holds one map per norm, the shortcut's first."""
        parse = resize_nearest(parse, (x.shape[-2], x.shape[-1]))
        if region is not None:
            region = resize_nearest(region, (x.shape[-2], x.shape[-1]))
        maps: list[Tensor | None] = list(noise) if noise else [None] * self.norms
        shortcut = x
        if self.changes_width:
            shortcut = self.conv_s(self.norm_s(x, parse, region, maps[0]))
        inner: Tensor = self.conv_0(F.leaky_relu(self.norm_0(x, parse, region, maps[-2]), LEAK))
        inner = self.conv_1(F.leaky_relu(self.norm_1(inner, parse, region, maps[-1]), LEAK))
        return shortcut + inner

    @property
    def norms(self) -> int:
        """How many noise maps one call takes."""
        return 3 if self.changes_width else 2


class SpadeGenerator(nn.Module):
    """Eight SPADE blocks from 1/128 of the picture up to full size; each sees the input at its own size.

    The first five blocks and the last three may be led by different maps (VITON-HD's misalignment-
    aware ones); HR-VITON leads all by one.
    """

    BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4")
    EARLY = 5

    def __init__(self, input_channels: int, width: int, *, early_labels: int, late_labels: int, masked: bool) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(input_channels, width * 16, 3, padding=1)
        for level in range(1, 8):
            self.add_module(f"conv_{level}", nn.Conv2d(input_channels, 16, 3, padding=1))
        outputs = [width * factor for factor in (16, 16, 16, 8, 4, 2, 1)] + [width // 2]
        inputs = [width * 16] + [channels + 16 for channels in outputs[:-1]]
        for level, name in enumerate(self.BLOCKS):
            early = level < self.EARLY
            labels = early_labels if early else late_labels
            self.add_module(name, SpadeBlock(inputs[level], outputs[level], labels, masked=masked and early))
        self.conv_img = nn.Conv2d(width // 2, 3, 3, padding=1)

    def block(self, level: int) -> SpadeBlock:
        """Return the residual block of a level, coarsest first."""
        block = self.get_submodule(self.BLOCKS[level])
        assert isinstance(block, SpadeBlock)
        return block

    def level_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Return the size of each level for a picture of this size.

        Raises:
            ValueError: a side is not a multiple of 128, or the coarsest level would be one pixel,
                which has no variance to normalise by.
        """
        if height % SIDE_MULTIPLE or width % SIDE_MULTIPLE or height * width <= SIDE_MULTIPLE**2:
            raise ValueError(
                f"sides must be multiples of {SIDE_MULTIPLE}, not both {SIDE_MULTIPLE}: {height} x {width}"
            )
        sides = height // SIDE_MULTIPLE, width // SIDE_MULTIPLE
        return [(sides[0] << level, sides[1] << level) for level in range(8)]

    def noise_shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Return the sizes of the noise maps of one call, in the order in which they are used."""
        sizes = self.level_sizes(height, width)
        return [size for level, size in enumerate(sizes) for _ in range(self.block(level).norms)]

    def uses_noise(self) -> bool:
        """Say whether noise would change the picture at all."""
        return any(bool(m.noise_scale.any()) for m in self.modules() if isinstance(m, SpadeNorm))

    def paint(
        self, x: Tensor, early: Tensor, late: Tensor, region: Tensor | None, noise: list[Tensor] | None
    ) -> Tensor:
        """Run all levels; see the subclasses for what they are led by."""
        remaining = list(noise) if noise else []
        features: Tensor | None = None
        for level, size in enumerate(self.level_sizes(x.shape[-2], x.shape[-1])):
            entry = self.get_submodule(f"conv_{level}")(resize_nearest(x, size))
            features = entry if features is None else torch.cat((resize_nearest(features, size), entry), 1)
            block = self.block(level)
            maps, remaining = remaining[: block.norms], remaining[block.norms :]
            leads = early if level < self.EARLY else late
            features = block(features, leads, region if level < self.EARLY else None, maps or None)
        assert features is not None
        return torch.tanh(self.conv_img(F.leaky_relu(features, LEAK)))


def read_generator_sizes(shapes: Shapes) -> tuple[int, int, int]:
    """Read input channels, classes (without VITON-HD's misalignment) and width off a checkpoint's shapes."""
    width = agreed(shapes["conv_0.weight"][0] // 16, shapes["conv_img.weight"][1] * 2, shapes["up_3.conv_1.bias"][0])
    inputs = agreed(*(shapes[f"conv_{level}.weight"][1] for level in (0, 1, 2)))
    labels = agreed(*(shapes[f"up_4.norm_{norm}.conv_shared.0.weight"][1] for norm in ("0", "1", "s")))
    return inputs, labels, width
