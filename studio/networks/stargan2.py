"""StarGAN v2: generator, mapping network, style encoder and discriminator for diverse image synthesis.

A domain is a category (for garments: sleeve length, neckline, ...); a style is a vector of that domain, drawn
from noise by the mapping network or taken from a reference picture by the style encoder. The public checkpoint
is a dict with `generator`, `mapping_network` and `style_encoder` (and `fan`, see `studio.networks.fan`).

Source: Choi, Uh, Yoo, Ha, "StarGAN v2: Diverse Image Synthesis for Multiple Domains", CVPR 2020.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STYLE_DIM = 64
LATENT_DIM = 16
MAX_CHANNELS = 512
LEAKY_SLOPE = 0.2
MAPPING_WIDTH = 512

COARSE_SKIP = 32
SKIP_SIZES = (COARSE_SKIP, 64, 128)
"""Map sizes at which high-passed encoder features are added back inside the masks."""


def base_channels(image_size: int) -> int:
    """Return the width at full size: wider for smaller pictures."""
    return 2**14 // image_size


def _halvings(image_size: int) -> int:
    return round(math.log2(image_size))


class ResidualBlock(nn.Module):
    """Pre-activation residual block of the encoders; halves the size when asked.

    The shortcut pools after its 1 x 1 convolution; the sum is scaled to keep unit variance.
    """

    def __init__(self, in_channels: int, out_channels: int, *, normalised: bool = False, halve: bool = False) -> None:
        super().__init__()
        self.halve = halve
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm1: nn.Module | None = None
        self.norm2: nn.Module | None = None
        if normalised:
            self.norm1 = nn.InstanceNorm2d(in_channels, affine=True)
            self.norm2 = nn.InstanceNorm2d(in_channels, affine=True)
        self.conv1x1: nn.Module | None = None
        if in_channels != out_channels:
            self.conv1x1 = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.conv1x1 is None else self.conv1x1(x)
        y = x if self.norm1 is None else self.norm1(x)
        y = self.conv1(F.leaky_relu(y, LEAKY_SLOPE))
        if self.halve:
            shortcut, y = F.avg_pool2d(shortcut, 2), F.avg_pool2d(y, 2)
        if self.norm2 is not None:
            y = self.norm2(y)
        y = self.conv2(F.leaky_relu(y, LEAKY_SLOPE))
        out: Tensor = (shortcut + y) / math.sqrt(2)
        return out


class AdaptiveInstanceNorm(nn.Module):
    """Instance norm whose scale (around 1) and shift come from the style."""

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(channels)
        self.fc = nn.Linear(style_dim, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        gamma, beta = self.fc(style)[:, :, None, None].chunk(2, dim=1)
        out: Tensor = (1 + gamma) * self.norm(x) + beta
        return out


class StyledBlock(nn.Module):
    """Residual block of the decoder, steered by the style; doubles the size when asked.

    with_shortcut: False where masked skips carry the source's content instead; the 1 x 1 convolution of the
    shortcut then stays in the state_dict unused.
    """

    def __init__(
        self, in_channels: int, out_channels: int, style_dim: int, *, with_shortcut: bool, doubled: bool = False
    ) -> None:
        super().__init__()
        self.with_shortcut = with_shortcut
        self.doubled = doubled
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.norm1 = AdaptiveInstanceNorm(style_dim, in_channels)
        self.norm2 = AdaptiveInstanceNorm(style_dim, out_channels)
        self.conv1x1: nn.Module | None = None
        if in_channels != out_channels:
            self.conv1x1 = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def _enlarge(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.doubled else x

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        y = self._enlarge(F.leaky_relu(self.norm1(x, style), LEAKY_SLOPE))
        y = F.leaky_relu(self.norm2(self.conv1(y), style), LEAKY_SLOPE)
        residual: Tensor = self.conv2(y)
        if not self.with_shortcut:
            return residual
        shortcut = self._enlarge(x)
        if self.conv1x1 is not None:
            shortcut = self.conv1x1(shortcut)
        return (shortcut + residual) / math.sqrt(2)


class HighPass(nn.Module):
    """Depthwise 3 x 3 Laplacian, its strength divided by `weakness`."""

    filter: Tensor

    def __init__(self, weakness: float) -> None:
        super().__init__()
        kernel = torch.full((3, 3), -1.0)
        kernel[1, 1] = 8.0
        self.register_buffer("filter", kernel / weakness)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.filter.expand(channels, 1, 3, 3)
        return F.conv2d(x, kernel, padding=1, groups=channels)


class StarGenerator(nn.Module):
    """Turns a picture into another of the same content in a given style.

    w_hpf: 0 for domains of differing shape (AFHQ); above 0, edges inside given masks are carried over from the
    source at several sizes (faces), and the decoder has no shortcuts.
    """

    def __init__(
        self,
        image_size: int = 256,
        style_dim: int = STYLE_DIM,
        w_hpf: float = 1.0,
        max_channels: int = MAX_CHANNELS,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        width = base_channels(image_size)
        self.from_rgb = nn.Conv2d(3, width, 3, padding=1)
        self.encode = nn.ModuleList()
        decode: list[StyledBlock] = []
        with_shortcut = w_hpf == 0
        channels = width
        for _ in range(_halvings(image_size) - 4 + (w_hpf > 0)):
            wider = min(2 * channels, max_channels)
            self.encode.append(ResidualBlock(channels, wider, normalised=True, halve=True))
            decode.append(StyledBlock(wider, channels, style_dim, with_shortcut=with_shortcut, doubled=True))
            channels = wider
        for _ in range(2):
            self.encode.append(ResidualBlock(channels, channels, normalised=True))
            decode.append(StyledBlock(channels, channels, style_dim, with_shortcut=with_shortcut))
        self.decode = nn.ModuleList(reversed(decode))
        self.to_rgb = nn.Sequential(
            nn.InstanceNorm2d(width, affine=True), nn.LeakyReLU(LEAKY_SLOPE), nn.Conv2d(width, 3, 1)
        )
        self.hpf: HighPass | None = HighPass(w_hpf) if w_hpf > 0 else None

    def forward(self, image: Tensor, style: Tensor, masks: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Return the picture in the style.

        Args:
            image: `(B, 3, S, S)`, RGB in `[-1, 1]`.
            style: `(B, style_dim)`.
            masks: coarse and fine mask of what keeps its edges, `(B, 1, s, s)` in `[0, 1]`; only with `w_hpf > 0`.

        Returns:
            `(B, 3, S, S)`, RGB, around `[-1, 1]` but not clipped.
        """
        x = self.from_rgb(image)
        skips: dict[int, Tensor] = {}
        for block in self.encode:
            if masks is not None and x.shape[2] in SKIP_SIZES:
                skips[x.shape[2]] = x
            x = block(x)
        for block in self.decode:
            x = block(x, style)
            if masks is not None and self.hpf is not None and x.shape[2] in skips:
                mask = masks[0] if x.shape[2] == COARSE_SKIP else masks[1]
                fitted = F.interpolate(mask, size=x.shape[2:], mode="bilinear", align_corners=False)
                x = x + self.hpf(fitted * skips[x.shape[2]])
        out: Tensor = self.to_rgb(x)
        return out


def _perceptron(widths: list[int], *, open_end: bool) -> nn.Sequential:
    """Return linear layers, each followed by a ReLU; the last one not, if `open_end`."""
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        layers += [nn.Linear(narrow, wide), nn.ReLU()]
    return nn.Sequential(*(layers[:-1] if open_end else layers))


def _pick_domain(per_domain: Tensor, domain: Tensor) -> Tensor:
    """Return row `domain[b]` of each item: `(B, D, ...)` to `(B, ...)`."""
    return per_domain[torch.arange(len(domain), device=domain.device), domain]


class MappingNetwork(nn.Module):
    """Draws a style of a domain from noise."""

    def __init__(self, latent_dim: int = LATENT_DIM, style_dim: int = STYLE_DIM, domains: int = 2) -> None:
        super().__init__()
        width = MAPPING_WIDTH
        self.shared = _perceptron([latent_dim, *[width] * 4], open_end=False)
        self.unshared = nn.ModuleList(_perceptron([*[width] * 4, style_dim], open_end=True) for _ in range(domains))

    def forward(self, latent: Tensor, domain: Tensor) -> Tensor:
        """Return styles `(B, style_dim)` for noise `(B, latent_dim)` and domain numbers `(B,)`."""
        shared = self.shared(latent)
        return _pick_domain(torch.stack([head(shared) for head in self.unshared], 1), domain)


def _encoder(image_size: int, max_channels: int) -> Iterator[nn.Module]:
    """Yield the layers that bring a picture down to one vector of `max_channels` (or fewer) numbers."""
    channels = base_channels(image_size)
    yield nn.Conv2d(3, channels, 3, padding=1)
    for _ in range(_halvings(image_size) - 2):
        wider = min(2 * channels, max_channels)
        yield ResidualBlock(channels, wider, halve=True)
        channels = wider
    yield nn.LeakyReLU(LEAKY_SLOPE)
    yield nn.Conv2d(channels, channels, 4)
    yield nn.LeakyReLU(LEAKY_SLOPE)


def _encoder_width(image_size: int, max_channels: int) -> int:
    return min(base_channels(image_size) << (_halvings(image_size) - 2), max_channels)


class StyleEncoder(nn.Module):
    """Takes the style of a domain from a reference picture."""

    def __init__(
        self,
        image_size: int = 256,
        style_dim: int = STYLE_DIM,
        domains: int = 2,
        max_channels: int = MAX_CHANNELS,
    ) -> None:
        super().__init__()
        self.shared = nn.Sequential(*_encoder(image_size, max_channels))
        width = _encoder_width(image_size, max_channels)
        self.unshared = nn.ModuleList(nn.Linear(width, style_dim) for _ in range(domains))

    def forward(self, image: Tensor, domain: Tensor) -> Tensor:
        """Return styles `(B, style_dim)` of pictures `(B, 3, S, S)` in `[-1, 1]` and domain numbers `(B,)`."""
        shared = self.shared(image).flatten(1)
        return _pick_domain(torch.stack([head(shared) for head in self.unshared], 1), domain)


class StarDiscriminator(nn.Module):
    """Tells real pictures of a domain from made ones; one logit per domain."""

    def __init__(self, image_size: int = 256, domains: int = 2, max_channels: int = MAX_CHANNELS) -> None:
        super().__init__()
        width = _encoder_width(image_size, max_channels)
        self.main = nn.Sequential(*_encoder(image_size, max_channels), nn.Conv2d(width, domains, 1))

    def forward(self, image: Tensor, domain: Tensor) -> Tensor:
        """Return logits `(B,)` of pictures `(B, 3, S, S)` in `[-1, 1]` for domain numbers `(B,)`."""
        return _pick_domain(self.main(image).flatten(1), domain)


Shapes = Mapping[str, tuple[int, ...]]


def _image_size(width: int) -> int:
    return 2**14 // width


def build_generator(shapes: Shapes) -> StarGenerator:
    """Return the generator that a state_dict of these shapes fits, not yet filled.

    How strong its high-pass filter is comes with the state_dict.
    """
    bottleneck, style_dim = shapes["decode.0.norm1.fc.weight"]
    return StarGenerator(
        image_size=_image_size(shapes["from_rgb.weight"][0]),
        style_dim=style_dim,
        w_hpf=1.0 if "hpf.filter" in shapes else 0.0,
        max_channels=bottleneck // 2,
    )


def _domain_count(shapes: Shapes, suffix: str) -> int:
    return sum(key.startswith("unshared.") and key.endswith(suffix) for key in shapes)


def build_mapping_network(shapes: Shapes) -> MappingNetwork:
    """Return the mapping network that a state_dict of these shapes fits, not yet filled."""
    return MappingNetwork(
        latent_dim=shapes["shared.0.weight"][1],
        style_dim=shapes["unshared.0.6.weight"][0],
        domains=_domain_count(shapes, ".6.weight"),
    )


def build_style_encoder(shapes: Shapes) -> StyleEncoder:
    """Return the style encoder that a state_dict of these shapes fits, not yet filled."""
    style_dim, width = shapes["unshared.0.weight"]
    return StyleEncoder(
        image_size=_image_size(shapes["shared.0.weight"][0]),
        style_dim=style_dim,
        domains=_domain_count(shapes, ".weight"),
        max_channels=width,
    )


def build_discriminator(shapes: Shapes) -> StarDiscriminator:
    """Return the discriminator that a state_dict of these shapes fits, not yet filled."""
    last = max((int(key.split(".")[1]) for key in shapes), default=0)
    domains, width = shapes[f"main.{last}.weight"][:2]
    return StarDiscriminator(_image_size(shapes["main.0.weight"][0]), domains, max_channels=width)
