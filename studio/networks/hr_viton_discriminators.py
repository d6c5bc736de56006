"""HR-VITON's two discriminators, and the rejection score that is made from the first.

Sources: Lee et al., HR-VITON, ECCV 2022, section 3.3 (discriminator rejection); Wang et al.,
"High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", CVPR 2018
(multi-scale patch discriminator); Azadi et al., "Discriminator Rejection Sampling", ICLR 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from studio.networks.blocks import SpectralConv2d, half_size_average
from studio.networks.registry import Shapes, agreed

_KERNEL, _PADDING = 4, 2
_LEAK = 0.2
_SCALES = 2


class ConditionDiscriminator(nn.Module):
    """Judge a predicted segmentation together with what it was predicted from, on two scales.

    Takes garment and mask (4), parse and DensePose (16) and the soft-maxed composed
    segmentation (13), 33 channels in all. The published training options change the layout:
    `dropout` shifts the numbering, `spectral` renames weights, `halve` shrinks the input first.
    """

    def __init__(
        self, inputs: int = 33, width: int = 64, *, dropout: bool = True, spectral: bool = False, halve: bool = True
    ) -> None:
        super().__init__()
        self.halve = halve
        for index in range(_SCALES):
            self.add_module(f"layer{index}", _patch_judge(inputs, width, dropout=dropout, spectral=spectral))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return one patch map per scale, `(N, 1, h, w)`, the finer first."""
        if self.halve:
            x = half_size_average(x)
        maps = []
        for index in reversed(range(_SCALES)):
            maps.append(self.get_submodule(f"layer{index}")(x))
            x = half_size_average(x)
        return maps


def _patch_judge(inputs: int, width: int, *, dropout: bool, spectral: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, width, _KERNEL, 2, _PADDING), nn.LeakyReLU(_LEAK, inplace=True)]
    for a, b in ((width, width * 2), (width * 2, width * 4)):
        layers.append(
            SpectralConv2d(a, b, _KERNEL, stride=2, padding=_PADDING)
            if spectral
            else nn.Conv2d(a, b, _KERNEL, 2, _PADDING)
        )
        layers += [nn.InstanceNorm2d(b), nn.LeakyReLU(_LEAK, inplace=True)]
        if dropout:
            layers.append(nn.Dropout(0.5))
    layers += [nn.Conv2d(width * 4, width * 8, _KERNEL, 1, _PADDING), nn.InstanceNorm2d(width * 8)]
    layers += [nn.LeakyReLU(_LEAK, inplace=True), nn.Conv2d(width * 8, 1, _KERNEL, 1, _PADDING)]
    return nn.Sequential(*layers)


def discriminator_logit(maps: list[Tensor]) -> Tensor:
    """Return one number per sample: the mean over scales of each patch map's mean."""
    return torch.stack([patches.mean(dim=(1, 2, 3)) for patches in maps]).sum(0) / len(maps)


def rejection_score(logit: Tensor, norm_constant: float = 1.0) -> Tensor:
    """Return how plausible a predicted segmentation is; higher is better.

    The odds D / (1 - D), divided by the largest odds seen on the training set. The public
    discriminator is trained with least squares and has no sigmoid, so D may leave (0, 1): the
    odds of a sample judged better than real (D >= 1) come out negative or infinite.
    """
    return logit / (1 - logit) / norm_constant


class _ImageJudge(nn.Module):
    """One scale: three strided convolutions, the inner two spectral and normalised, then the patch map."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        leak = nn.LeakyReLU(_LEAK, inplace=False)
        self.model0 = nn.Sequential(nn.Conv2d(inputs, width, _KERNEL, 2, _PADDING), leak)
        for index, (a, b) in enumerate(((width, width * 2), (width * 2, width * 4)), start=1):
            conv = SpectralConv2d(a, b, _KERNEL, stride=2, padding=_PADDING, bias=False)
            self.add_module(f"model{index}", nn.Sequential(nn.Sequential(conv, nn.InstanceNorm2d(b)), leak))
        self.model3 = nn.Sequential(nn.Conv2d(width * 4, 1, _KERNEL, 1, _PADDING))

    def forward(self, x: Tensor) -> list[Tensor]:
        layers = []
        for index in range(4):
            x = self.get_submodule(f"model{index}")(x)
            layers.append(x)
        return layers


class ImageDiscriminator(nn.Module):
    """Judge a generated picture together with its 7-class parse, on two scales."""

    def __init__(self, inputs: int = 10, width: int = 64) -> None:
        super().__init__()
        for index in range(_SCALES):
            self.add_module(f"discriminator_{index}", _ImageJudge(inputs, width))

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """Return the four layers' outputs per scale, full size first; the last is the patch map."""
        scales = []
        for index in range(_SCALES):
            scales.append(self.get_submodule(f"discriminator_{index}")(x))
            x = half_size_average(x)
        return scales


def build_condition_discriminator(shapes: Shapes, *, halve: bool = True) -> ConditionDiscriminator:
    """Make the variant that these shapes belong to.

    Whether the input is halved first cannot be read off the weights. The published training
    command halves (`--Ddownx2`), so that is taken unless the caller knows better.
    """
    inputs = shapes["layer0.0.weight"][1]
    width = agreed(shapes["layer0.0.bias"][0], shapes["layer0.0.weight"][0], shapes["layer1.0.weight"][0])
    return ConditionDiscriminator(
        inputs,
        width,
        dropout="layer0.13.bias" in shapes,
        spectral="layer0.2.weight_orig" in shapes,
        halve=halve,
    )


def build_image_discriminator(shapes: Shapes) -> ImageDiscriminator:
    """Make the image discriminator that these shapes belong to."""
    first = "discriminator_0.model0.0.weight", "discriminator_0.model0.0.bias", "discriminator_1.model0.0.weight"
    inputs, width = shapes[first[0]][1], agreed(*(shapes[key][0] for key in first))
    return ImageDiscriminator(inputs, width)
