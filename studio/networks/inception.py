"""The Inception network of FID and KID, to be filled with the weights everybody measures with.

It is the network that the 2015-12-05 graph of TensorFlow holds, and differs from the published v3 in three things:
average pooling does not count the padding, the last block pools by maximum, and it speaks of 1008 classes.

Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016; Heusel et al., "GANs
Trained by a Two Time-Scale Update Rule", NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 299
"""Pictures are brought to this square, bilinear, without antialiasing, as for all published figures."""

FEATURES = 2048
CLASSES = 1008
_EPSILON = 0.001

Kernel = int | tuple[int, int]


class ConvNormRelu(nn.Module):
    """A convolution without bias, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1, *, same: bool = True) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if same else 0
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, outputs, h, w)`."""
        return F.relu(self.bn(self.conv(x)))


def _mean_pool(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _Block(nn.Module):
    """Named convolutions; `chain` runs some of them one after the other."""

    def _add(self, name: str, inputs: int, outputs: int, kernel: Kernel = 1, stride: int = 1) -> None:
        self.add_module(name, ConvNormRelu(inputs, outputs, kernel, stride, same=stride == 1))

    def _chain(self, x: Tensor, *names: str) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x


class BlockA(_Block):
    """35 x 35: 1x1, 5x5, two 3x3, pooling."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self._add("branch1x1", inputs, 64)
        self._add("branch5x5_1", inputs, 48)
        self._add("branch5x5_2", 48, 64, 5)
        self._add("branch3x3dbl_1", inputs, 64)
        self._add("branch3x3dbl_2", 64, 96, 3)
        self._add("branch3x3dbl_3", 96, 96, 3)
        self._add("branch_pool", inputs, pooled)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, 224 + pooled, h, w)`."""
        return torch.cat(
            (
                self._chain(x, "branch1x1"),
                self._chain(x, "branch5x5_1", "branch5x5_2"),
                self._chain(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
                self._chain(_mean_pool(x), "branch_pool"),
            ),
            1,
        )


class BlockB(_Block):
    """35 x 35 to 17 x 17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self._add("branch3x3", inputs, 384, 3, 2)
        self._add("branch3x3dbl_1", inputs, 64)
        self._add("branch3x3dbl_2", 64, 96, 3)
        self._add("branch3x3dbl_3", 96, 96, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, 480 + inputs, h / 2, w / 2)`."""
        double = self._chain(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
        return torch.cat((self._chain(x, "branch3x3"), double, F.max_pool2d(x, 3, 2)), 1)


class BlockC(_Block):
    """17 x 17: convolutions of 7, one direction after the other."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self._add("branch1x1", inputs, 192)
        self._add("branch7x7_1", inputs, width)
        self._add("branch7x7_2", width, width, (1, 7))
        self._add("branch7x7_3", width, 192, (7, 1))
        self._add("branch7x7dbl_1", inputs, width)
        self._add("branch7x7dbl_2", width, width, (7, 1))
        self._add("branch7x7dbl_3", width, width, (1, 7))
        self._add("branch7x7dbl_4", width, width, (7, 1))
        self._add("branch7x7dbl_5", width, 192, (1, 7))
        self._add("branch_pool", inputs, 192)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, 768, h, w)`."""
        return torch.cat(
            (
                self._chain(x, "branch1x1"),
                self._chain(x, *(f"branch7x7_{step}" for step in range(1, 4))),
                self._chain(x, *(f"branch7x7dbl_{step}" for step in range(1, 6))),
                self._chain(_mean_pool(x), "branch_pool"),
            ),
            1,
        )


class BlockD(_Block):
    """17 x 17 to 8 x 8."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self._add("branch3x3_1", inputs, 192)
        self._add("branch3x3_2", 192, 320, 3, 2)
        self._add("branch7x7x3_1", inputs, 192)
        self._add("branch7x7x3_2", 192, 192, (1, 7))
        self._add("branch7x7x3_3", 192, 192, (7, 1))
        self._add("branch7x7x3_4", 192, 192, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, 512 + inputs, h / 2, w / 2)`."""
        seven = self._chain(x, *(f"branch7x7x3_{step}" for step in range(1, 5)))
        return torch.cat((self._chain(x, "branch3x3_1", "branch3x3_2"), seven, F.max_pool2d(x, 3, 2)), 1)


class BlockE(_Block):
    """8 x 8: convolutions of 3, both directions side by side. by_maximum: how the last branch pools."""

    def __init__(self, inputs: int, *, by_maximum: bool) -> None:
        super().__init__()
        self._by_maximum = by_maximum
        self._add("branch1x1", inputs, 320)
        self._add("branch3x3_1", inputs, 384)
        self._add("branch3x3_2a", 384, 384, (1, 3))
        self._add("branch3x3_2b", 384, 384, (3, 1))
        self._add("branch3x3dbl_1", inputs, 448)
        self._add("branch3x3dbl_2", 448, 384, 3)
        self._add("branch3x3dbl_3a", 384, 384, (1, 3))
        self._add("branch3x3dbl_3b", 384, 384, (3, 1))
        self._add("branch_pool", inputs, 192)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, 2048, h, w)`."""
        single = self._chain(x, "branch3x3_1")
        double = self._chain(x, "branch3x3dbl_1", "branch3x3dbl_2")
        pooled = F.max_pool2d(x, 3, 1, 1) if self._by_maximum else _mean_pool(x)
        return torch.cat(
            (
                self._chain(x, "branch1x1"),
                *(self._chain(single, f"branch3x3_2{way}") for way in "ab"),
                *(self._chain(double, f"branch3x3dbl_3{way}") for way in "ab"),
                self._chain(pooled, "branch_pool"),
            ),
            1,
        )


class FidInception(nn.Module):
    """Pictures to the features that FID and KID compare."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvNormRelu(3, 32, 3, 2, same=False)
        self.Conv2d_2a_3x3 = ConvNormRelu(32, 32, 3, same=False)
        self.Conv2d_2b_3x3 = ConvNormRelu(32, 64, 3)
        self.Conv2d_3b_1x1 = ConvNormRelu(64, 80)
        self.Conv2d_4a_3x3 = ConvNormRelu(80, 192, 3, same=False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(768, 128), BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, by_maximum=False), BlockE(FEATURES, by_maximum=True)
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return `(N, 2048)` features of `(N, 3, H, W)` pictures in [-1, 1]."""
        x = F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", align_corners=False)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, 2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        features: Tensor = x.mean(dim=(2, 3))
        return features

    def classify(self, features: Tensor) -> Tensor:
        """Return `(N, 1008)` logits of `(N, 2048)` features; no measure of ours needs them."""
        logits: Tensor = self.fc(features)
        return logits


def build_fid_inception(shapes: Mapping[str, tuple[int, ...]]) -> FidInception:
    """Return the network, not yet filled; there is one variant."""
    del shapes
    return FidInception()
