"""VITON-HD: segmentation generator, geometric matching with thin-plate splines, ALIAS generator.

Source: Choi, Park, Lee, Choo, "VITON-HD: High-Resolution Virtual Try-On via Misalignment-Aware
Normalization", CVPR 2021 (arXiv:2103.16874). Module names are those of the public checkpoints.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.networks.registry import Shapes, agreed
from studio.networks.spade import SpadeGenerator, read_generator_sizes

MATCHING_SIZE = (256, 192)
"""Height and width of the inputs to segmentation and matching."""

WARP_SIZE = (1024, 768)
"""Height and width the public matching weights warp at."""

SPLINE_EXTENT = 0.9
"""Control points and sampling grid span [-0.9, 0.9]; theta 0 is the identity on that range only."""

SPLINE_SIDE = 5


class SegmentationGenerator(nn.Module):
    """U-Net that predicts the parse of the dressed person, `(N, 13, H, W)`, each class in (0, 1).

    Input, 21 channels: garment mask, masked garment (3), agnostic parse (13), pose picture (3), noise.
    """

    def __init__(self, inputs: int = 21, classes: int = 13, width: int = 64) -> None:
        super().__init__()
        widths = [width << step for step in range(5)]
        self.conv1 = _double(inputs, widths[0])
        for step in range(1, 5):
            self.add_module(f"conv{step + 1}", _double(widths[step - 1], widths[step]))
        for step, target in enumerate(reversed(widths[:-1]), start=6):
            up = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), *_convolution(target * 2, target))
            self.add_module(f"up{step}", up)
            self.add_module(f"conv{step}", _double(target * 2, target))
        self.get_submodule("conv9").append(nn.Conv2d(width, classes, 3, padding=1))  # type: ignore[operator]
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for step in range(1, 5):
            x = self.get_submodule(f"conv{step}")(x)
            x = self.drop(x) if step == 4 else x
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.drop(self.get_submodule("conv5")(x))
        for step in range(6, 10):
            x = torch.cat((skips.pop(), self.get_submodule(f"up{step}")(x)), 1)
            x = self.get_submodule(f"conv{step}")(x)
        return torch.sigmoid(x)


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.InstanceNorm2d(outputs), nn.ReLU()]


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_convolution(inputs, outputs), *_convolution(outputs, outputs))


class FeatureExtraction(nn.Module):
    """Reduce a picture to 1/16 and 512 unit-length channels; normalisation comes after each activation."""

    def __init__(self, inputs: int, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        widths = [inputs] + [min(width << step, 512) for step in range(layers + 1)]
        modules: list[nn.Module] = []
        for a, b in pairwise(widths):
            modules += [nn.Conv2d(a, b, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(b)]
        last = widths[-1]
        modules += [nn.Conv2d(last, 512, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(512)]
        modules += [nn.Conv2d(512, 512, 3, padding=1), nn.ReLU()]
        self.model = nn.Sequential(*modules)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.model(x))


def correlate(person: Tensor, garment: Tensor) -> Tensor:
    """Return how well every garment cell matches every person cell, `(N, w*h, h, w)`.

    Channels enumerate the person's cells column by column, the map is laid out as the garment's.
    """
    n, channels, height, width = person.shape
    rows = person.permute(0, 3, 2, 1).reshape(n, width * height, channels)
    return torch.bmm(rows, garment.flatten(2)).reshape(n, width * height, height, width)


class FeatureRegression(nn.Module):
    """Turn the correlation into offsets of the spline's control points, in [-1, 1]."""

    def __init__(self, inputs: int, outputs: int, cells: int = 12) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        for a, b, kernel, stride in ((inputs, 512, 4, 2), (512, 256, 4, 2), (256, 128, 3, 1), (128, 64, 3, 1)):
            modules += [nn.Conv2d(a, b, kernel, stride, 1), nn.BatchNorm2d(b), nn.ReLU()]
        self.conv = nn.Sequential(*modules)
        self.linear = nn.Linear(64 * cells, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.linear(self.conv(x).flatten(1)))


@lru_cache(maxsize=4)
def spline_points(side: int) -> npt.NDArray[np.float64]:
    """Return the control points `(side * side, 2)`, (x, y), enumerated column by column."""
    axis = np.linspace(-SPLINE_EXTENT, SPLINE_EXTENT, side)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    return np.stack((x.ravel(), y.ravel()), axis=1)


@lru_cache(maxsize=4)
def spline_inverse(side: int, dtype: torch.dtype) -> Tensor:
    """Return the inverse of the thin-plate spline system, `(n + 3, n + 3)` for n control points.

    Inverted in the precision asked for: the public weights were trained with the rounding of
    the single-precision inverse in their spline.

    Source: Bookstein, "Principal Warps", TPAMI 1989.
    """
    points = torch.from_numpy(spline_points(side)).to(dtype)
    n = len(points)
    system = torch.zeros(n + 3, n + 3, dtype=dtype)
    system[:n, :n] = _spline_kernel(points[:, :1], points[:, 1:], points)
    system[:n, n] = system[n, :n] = 1
    system[:n, n + 1 :] = points
    system[n + 1 :, :n] = points.t()
    inverse: Tensor = torch.linalg.inv(system)
    return inverse


def _spline_kernel(x: Tensor, y: Tensor, points: Tensor) -> Tensor:
    """Return r^2 log r^2 from every position to every control point; its limit at 0 is 0."""
    squared = (x - points[:, 0]) ** 2 + (y - points[:, 1]) ** 2
    squared = torch.where(squared == 0, torch.ones_like(squared), squared)
    return squared * torch.log(squared)


def spline_grid(theta: Tensor, size: tuple[int, int], side: int = SPLINE_SIDE) -> Tensor:
    """Return the sampling grid `(N, H, W, 2)` of a thin-plate spline.

    Args:
        theta: `(N, 2 * side * side)`, x offsets of all control points, then y offsets.
        size: height and width of the grid; any, the spline has no resolution.
    """
    dtype = torch.float64 if theta.dtype == torch.float64 else torch.float32
    n = side * side
    points = torch.from_numpy(spline_points(side)).to(theta.device, dtype)
    inverse = spline_inverse(side, dtype).to(theta.device)
    targets = theta.to(dtype).reshape(-1, 2, n).transpose(1, 2) + points
    bend, flat = (inverse[:n, :n] @ targets).mT, (inverse[n:, :n] @ targets).mT
    axes = (torch.from_numpy(np.linspace(-SPLINE_EXTENT, SPLINE_EXTENT, k)).to(theta.device, dtype) for k in size)
    y, x = (axis.reshape(shape) for axis, shape in zip(axes, ((-1, 1), (1, -1)), strict=True))
    kernel = _spline_kernel(x[..., None], y[..., None], points)
    coordinates = [
        flat[i, axis, 0] + flat[i, axis, 1] * x + flat[i, axis, 2] * y + (kernel * bend[i, axis]).sum(-1)
        for i in range(len(theta))
        for axis in (0, 1)
    ]
    return torch.stack(coordinates).reshape(-1, 2, *size).permute(0, 2, 3, 1)


class Matching(NamedTuple):
    """theta: `(N, 50)`; grid: where each pixel of the warped garment is taken from, `(N, H, W, 2)`."""

    theta: Tensor
    grid: Tensor


class GeometricMatching(nn.Module):
    """Find the thin-plate spline that lays the garment onto the person."""

    def __init__(self, person_channels: int = 7, garment_channels: int = 3, side: int = SPLINE_SIDE) -> None:
        super().__init__()
        cells = math.prod(MATCHING_SIZE) // 256
        self.side = side
        self.extractionA = FeatureExtraction(person_channels)
        self.extractionB = FeatureExtraction(garment_channels)
        self.regression = FeatureRegression(cells, 2 * side * side, cells // 16)

    def forward(self, person: Tensor, garment: Tensor, size: tuple[int, int] = WARP_SIZE) -> Matching:
        """Match at 256x192: parse of the garment, pose, agnostic `(N, 7, ...)` against the garment `(N, 3, ...)`."""
        theta = self.regression(correlate(self.extractionA(person), self.extractionB(garment)))
        return Matching(theta, spline_grid(theta, size, self.side))


class AliasGenerator(SpadeGenerator):
    """Paint the dressed person; where the warped garment misses its target, normalise that region apart.

    Takes any size whose sides are multiples of 128.
    """

    def __init__(self, input_channels: int = 9, classes: int = 7, width: int = 64) -> None:
        super().__init__(input_channels, width, early_labels=classes + 1, late_labels=classes, masked=True)

    def forward(
        self, x: Tensor, parse: Tensor, divided: Tensor, misalign: Tensor, noise: list[Tensor] | None = None
    ) -> Tensor:
        """Return the picture `(N, 3, H, W)` in [-1, 1].

        Args:
            x: agnostic image, pose picture, warped garment, `(N, 9, H, W)`.
            parse: one-hot `(N, 7, H, W)`, leads the last three blocks.
            divided: `(N, 8, H, W)`, the same with the misaligned part of the garment as a class of its own.
            misalign: that part, `(N, 1, H, W)`, soft values allowed.
            noise: maps in the order of `noise_shapes`; None leaves the noise out.
        """
        return self.paint(x, divided, parse, misalign, noise)


def build_segmentation_generator(shapes: Shapes) -> SegmentationGenerator:
    """Make the segmentation generator that these shapes belong to."""
    width = agreed(shapes["conv1.0.weight"][0], shapes["conv1.3.weight"][0], shapes["conv9.3.weight"][0])
    return SegmentationGenerator(shapes["conv1.0.weight"][1], classes=13, width=width)


def build_matching_module(shapes: Shapes) -> GeometricMatching:
    """Make the matching module that these shapes belong to."""
    return GeometricMatching(shapes["extractionA.model.0.weight"][1], shapes["extractionB.model.0.weight"][1])


def build_alias_generator(shapes: Shapes) -> AliasGenerator:
    """Make the ALIAS generator that these shapes belong to."""
    return AliasGenerator(*read_generator_sizes(shapes))
