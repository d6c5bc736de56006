"""FAN: the face alignment network with coordinate convolutions, and the masks StarGAN v2 makes of its heat maps.

98 landmarks in the WFLW order; a 99th heat map is the face's boundary. The public file `wing.ckpt` is a dict with
`state_dict`.

Sources: Bulat, Tzimiropoulos, "How far are we from solving the 2D & 3D Face Alignment problem?", ICCV 2017;
Wang, Bo, Fuxin, "Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression", ICCV 2019; Choi, Uh,
Yoo, Ha, "StarGAN v2", CVPR 2020, appendix (masks).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUT_SIZE = 256
LANDMARKS = 98
HOURGLASS_DEPTH = 4
WIDTH = 256


def add_coordinates(x: Tensor) -> Tensor:
    """Append three channels: row and column in `[-1, 1]`, and distance from the centre in `[0, 1]`."""
    height, width = x.shape[2:]
    rows = torch.linspace(-1, 1, height, device=x.device, dtype=x.dtype)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width, device=x.device, dtype=x.dtype).expand(height, width)
    radius = torch.sqrt(rows**2 + columns**2)
    coordinates = torch.stack([rows, columns, radius / radius.max()])
    return torch.cat([x, coordinates.expand(len(x), -1, -1, -1)], 1)


class CoordConv(nn.Module):
    """Convolution that sees where it is."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels + 3, out_channels, kernel, stride, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(add_coordinates(x))
        return out


class HierarchicalBlock(nn.Module):
    """Pre-activation block whose three convolutions' outputs (1/2, 1/4, 1/4 of the width) are joined."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half, quarter = out_channels // 2, out_channels // 4
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(quarter)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.downsample: nn.Module | None = None
        if in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.BatchNorm2d(in_channels), nn.ReLU(), nn.Conv2d(in_channels, out_channels, 1, bias=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv1(F.relu(self.bn1(x)))
        second = self.conv2(F.relu(self.bn2(first)))
        third = self.conv3(F.relu(self.bn3(second)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.cat([first, second, third], 1) + shortcut


class Hourglass(nn.Module):
    """Four levels down and up again; at each level a branch keeps the level's own size."""

    def __init__(self, channels: int, depth: int = HOURGLASS_DEPTH) -> None:
        super().__init__()
        self.depth = depth
        self.coordconv = CoordConv(channels, channels, 1)
        for level in range(depth, 0, -1):
            self.add_module(f"b1_{level}", HierarchicalBlock(channels, channels))
            self.add_module(f"b2_{level}", HierarchicalBlock(channels, channels))
        self.b2_plus_1 = HierarchicalBlock(channels, channels)
        for level in range(1, depth + 1):
            self.add_module(f"b3_{level}", HierarchicalBlock(channels, channels))

    def _descend(self, x: Tensor, level: int) -> Tensor:
        kept: Tensor = self.get_submodule(f"b1_{level}")(x)
        low = self.get_submodule(f"b2_{level}")(F.avg_pool2d(x, 2))
        low = self.b2_plus_1(low) if level == 1 else self._descend(low, level - 1)
        low = self.get_submodule(f"b3_{level}")(low)
        return kept + F.interpolate(low, scale_factor=2, mode="nearest")

    def forward(self, x: Tensor) -> Tensor:
        return self._descend(self.coordconv(x), self.depth)


class FaceAlignment(nn.Module):
    """FAN with one hourglass."""

    def __init__(self, heatmaps: int = LANDMARKS + 1) -> None:
        super().__init__()
        self.conv1 = CoordConv(3, 64, 7, stride=2)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = HierarchicalBlock(64, 128)
        self.conv3 = HierarchicalBlock(128, 128)
        self.conv4 = HierarchicalBlock(128, WIDTH)
        self.m0 = Hourglass(WIDTH)
        self.top_m_0 = HierarchicalBlock(WIDTH, WIDTH)
        self.conv_last0 = nn.Conv2d(WIDTH, WIDTH, 1)
        self.bn_end0 = nn.BatchNorm2d(WIDTH)
        self.l0 = nn.Conv2d(WIDTH, heatmaps, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return heat maps.

        Args:
            image: `(B, 3, 256, 256)`, RGB in `[0, 1]`.

        Returns:
            `(B, 99, 64, 64)`: 98 landmarks, then the boundary.
        """
        x = F.relu(self.bn1(self.conv1(image)))
        x = F.avg_pool2d(self.conv2(x), 2)
        x = self.top_m_0(self.m0(self.conv4(self.conv3(x))))
        out: Tensor = self.l0(F.relu(self.bn_end0(self.conv_last0(x))))
        return out


def build_fan(shapes: Mapping[str, tuple[int, ...]]) -> FaceAlignment:
    """Return the network that a state_dict of these shapes fits, not yet filled."""
    return FaceAlignment(heatmaps=shapes["l0.weight"][0])


def landmark_heatmaps(network: FaceAlignment, image: Tensor) -> Tensor:
    """Return the 98 landmarks' heat maps `(B, 98, 64, 64)` of pictures `(B, 3, S, S)` in `[-1, 1]`."""
    fitted = F.interpolate(image, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
    heatmaps: Tensor = network(fitted * 0.5 + 0.5)
    return heatmaps[:, :LANDMARKS]


def face_masks(network: FaceAlignment, image: Tensor) -> tuple[Tensor, Tensor]:
    """Return the coarse and the fine mask of the faces in pictures `(B, 3, S, S)`, each `(B, 1, 256, 256)`."""
    heatmaps = landmark_heatmaps(network, image)
    large = F.interpolate(heatmaps, scale_factor=4, mode="bilinear", align_corners=True)
    return masks_from_heatmaps(large)


HEATMAP_FLOOR = 0.1
"""Heat below is noise and counts as nothing."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One way a part's heat enters the masks: moved, then sharpened.

    up_px: how far it moves up at 256 pixels; negative is down.
    exponent: of the heat; more than 1 narrows it.
    """

    up_px: int = 0
    exponent: int = 1


@dataclass(frozen=True, slots=True)
class FacePart:
    """Landmarks `[first, end)` in the WFLW order, and how their heat enters the masks.

    in_fine: whether the part is in the fine mask as well as in the coarse one.
    """

    first: int
    end: int
    spreads: tuple[Spread, ...]
    in_fine: bool = False


FACE_PARTS = (
    FacePart(8, 25, (Spread(0, 3),)),  # chin: the middle of the face's contour
    FacePart(34, 46, (Spread(-7, 2),)),  # eyebrows, without the outer end of the first ...
    FacePart(47, 51, (Spread(-7, 2),)),  # ... and one point of the second
    FacePart(51, 52, (Spread(),), in_fine=True),  # root of the nose
    FacePart(52, 55, (Spread(4),), in_fine=True),  # bridge of the nose
    FacePart(55, 60, (Spread(8, 4),), in_fine=True),  # nostrils
    FacePart(60, 76, (Spread(-8, 3), Spread(-24)), in_fine=True),  # eyes, and the skin below them
    FacePart(77, 82, (Spread(-8, 4),)),  # upper lip without its corners
    FacePart(83, 88, (Spread(8, 4),)),  # lower lip without its corners
    FacePart(88, 96, (Spread(-2, 3),)),  # inner edge of the lips
    FacePart(96, 98, (Spread(),), in_fine=True),  # pupils
)
"""Measured against the reference masks; landmarks that are in no part count for nothing."""


def _cleaned(heatmaps: Tensor) -> Tensor:
    """Drop the noise floor and stretch every map to `[0, 1]`."""
    kept = torch.where(heatmaps < HEATMAP_FLOOR, torch.zeros_like(heatmaps), heatmaps)
    raised = kept - kept.amin(dim=(2, 3), keepdim=True)
    return raised / (raised.amax(dim=(2, 3), keepdim=True) + 1e-6)


def masks_from_heatmaps(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the coarse and the fine mask of landmark heat maps at full size.

    Args:
        heatmaps: `(B, 98, H, W)`; at 256 pixels the distances of `FACE_PARTS` hold.

    Returns:
        Two `(B, 1, H, W)` in `[0, 1]`: the coarse one with chin, eyebrows and mouth, the fine one without.
    """
    heat = _cleaned(heatmaps)
    per_256 = heatmaps.shape[2] // INPUT_SIZE
    coarse = torch.zeros_like(heat[:, :1])
    fine = torch.zeros_like(coarse)
    for part in FACE_PARTS:
        for spread in part.spreads:
            moved = heat[:, part.first : part.end].roll(-spread.up_px * per_256, dims=2)
            share = (moved**spread.exponent).sum(dim=1, keepdim=True)
            coarse += share
            if part.in_fine:
                fine += share
    return coarse.clamp(0, 1), fine.clamp(0, 1)
