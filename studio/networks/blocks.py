"""Parts that several of the published try-on networks share: spectral convolution, grids, warps, noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INSTANCE_EPS = 1e-5
"""torch's own default, which all of these networks were trained with."""


class SpectralConv2d(nn.Module):
    """Convolution whose weight is divided by its largest singular value.

    The parameters are named as the published checkpoints name them: `weight_orig`, `weight_u`,
    `weight_v`. In evaluation the stored vectors are used as they are; in training one power
    iteration refines them at every call.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.
    """

    bias: nn.Parameter | None
    weight_u: Tensor
    weight_v: Tensor

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, bias: bool = True
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        if bias:
            self.bias = nn.Parameter(torch.zeros(outputs))
        else:
            self.register_parameter("bias", None)
        self.weight_orig = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.xavier_normal_(self.weight_orig, gain=0.02)
        self.register_buffer("weight_u", F.normalize(torch.randn(outputs), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.randn(inputs * kernel * kernel), dim=0))

    def normalised_weight(self) -> Tensor:
        """Return the weight that the convolution really uses."""
        matrix = self.weight_orig.flatten(1)
        if self.training:
            with torch.no_grad():
                self.weight_v.copy_(F.normalize(matrix.t() @ self.weight_u, dim=0))
                self.weight_u.copy_(F.normalize(matrix @ self.weight_v, dim=0))
        # clone: the vectors change in place at the next call, which may come before backward
        sigma = torch.dot(self.weight_u.clone(), matrix @ self.weight_v.clone())
        return self.weight_orig / sigma

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.normalised_weight(), self.bias, self.stride, self.padding)

    def plain(self) -> nn.Conv2d:
        """Return an ordinary convolution with the normalised weight, for inference."""
        weight = self.normalised_weight().detach()
        outputs, inputs, kernel, _ = weight.shape
        conv = nn.Conv2d(inputs, outputs, kernel, self.stride, self.padding, bias=self.bias is not None, device="meta")
        conv.weight = nn.Parameter(weight, requires_grad=False)
        if self.bias is not None:
            conv.bias = nn.Parameter(self.bias.detach(), requires_grad=False)
        return conv


def corner_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return a sampling grid `(1, H, W, 2)`, (x, y), that runs from -1 to 1.

    The outermost pixel centres get the extremes, as if corners were aligned; the networks
    nevertheless sample with `align_corners=False`, and were trained so.
    """
    dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
    x = torch.linspace(-1, 1, width, device=like.device, dtype=dtype)
    y = torch.linspace(-1, 1, height, device=like.device, dtype=dtype)
    return torch.stack((x.expand(height, width), y[:, None].expand(height, width)), dim=-1)[None]


def sample(image: Tensor, grid: Tensor) -> Tensor:
    """Sample an image `(N, C, h, w)` at a grid `(N, H, W, 2)`, bilinear, border repeated.

    The grid stays in single precision at least: half precision would move the samples by
    whole pixels. The result has the image's dtype.
    """
    if image.dtype == grid.dtype:
        return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    wide = F.grid_sample(image.to(grid.dtype), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return wide.to(image.dtype)


def resize_bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize to `(height, width)`, bilinear without antialiasing, pixel areas aligned."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def resize_nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize to `(height, width)` by taking the pixel at floor(i * old / new)."""
    return x if tuple(x.shape[-2:]) == tuple(size) else F.interpolate(x, size=size, mode="nearest")


def half_size_average(x: Tensor) -> Tensor:
    """Halve by a 3x3 average that does not count the padding, as the discriminators do."""
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)


def draw_noise(shapes: Sequence[tuple[int, int]], seeds: Sequence[int]) -> list[Tensor]:
    """Draw one noise map per shape and seed, `(N, 1, H, W)`, the same on every device.

    One seed per sample, so that a batch gives what its samples give one by one.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return [torch.stack([torch.randn(1, h, w, generator=g) for g in generators]) for h, w in shapes]
