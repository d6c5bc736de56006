"""The SPADE generators of HR-VITON and VITON-HD in a form made for inference: the same function, far less work.

What is saved, and why the result is the same:

* Scale and shift are computed once per distinct label neighbourhood, not per pixel
  (`label_patterns`). At 1024x768 they are four fifths of the published forward's arithmetic.
* Instance normalisation is a scale and shift too, so it is folded into those rows; two passes
  over the features (statistics, application) remain, and the shortcut shares them.
* Spectral normalisation is divided out once. Scale and shift come from one convolution.
* Everything is channels-last, walked in pieces that stay in the processor's cache; the 1x1
  shortcut convolution is applied to each piece while it is there.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.networks.blocks import INSTANCE_EPS, resize_nearest
from studio.networks.label_patterns import Patterns, encode, find_patterns
from studio.networks.spade import LEAK, MaskNorm, SpadeBlock, SpadeGenerator, SpadeNorm

PIECE_BYTES = 8 << 20
"""Size of one piece of features on the CPU: within third-level caches, yet few enough pieces that the threads
seldom wait for each other (with 1 MB a busy machine took three times as long)."""


class Lead(NamedTuple):
    """A map that leads blocks: the parse itself, its codes, and the region it normalises apart, if any."""

    parse: Tensor
    codes: Tensor
    region: Tensor | None


class _Level(NamedTuple):
    """One size of a lead. patterns is None where the plain convolution is taken."""

    parse: Tensor
    patterns: Patterns | None
    region: Tensor | None


class FastNorm(nn.Module):
    """Scale and shift of one SPADE norm, per distinct neighbourhood or, failing that, per pixel."""

    shared: Tensor
    shared_bias: Tensor
    both: Tensor
    both_bias: Tensor
    noise_scale: Tensor

    def __init__(self, norm: SpadeNorm) -> None:
        super().__init__()
        shared = norm.conv_shared[0]
        assert isinstance(shared, nn.Conv2d)
        self.masked = isinstance(norm.param_free_norm, MaskNorm)
        self.has_noise = bool(norm.noise_scale.detach().any())
        scale, shift = norm.conv_gamma, norm.conv_beta
        assert shared.bias is not None and scale.bias is not None and shift.bias is not None
        tensors = {
            "shared": shared.weight,
            "shared_bias": shared.bias,
            "both": torch.cat((scale.weight, shift.weight)),
            "both_bias": torch.cat((scale.bias + 1, shift.bias)),  # the 1 of (1 + gamma)
            "noise_scale": norm.noise_scale,
        }
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.detach().clone(), persistent=False)

    def rows(self, level: _Level) -> Tensor:
        """Return scale and shift side by side: `(1, K, 2C)` per neighbourhood, or `(N, h * w, 2C)` per pixel."""
        if level.patterns is None:
            hidden = F.relu(F.conv2d(level.parse, self.shared, self.shared_bias, padding=1))
            return _pixels(F.conv2d(hidden, self.both, self.both_bias, padding=1))
        hidden = F.relu(F.conv2d(level.patterns.patches, self.shared, self.shared_bias)) * level.patterns.inside
        return torch.addmm(self.both_bias, hidden.flatten(1), self.both.flatten(1).t())[None]


class _Folded(NamedTuple):
    """One norm made ready for a batch of features `(pixels of all samples, C)`.

    rows: scale and shift `(R, 2C)`; row_of: which row each pixel takes, None where each has its own;
    noise: one value per pixel, added first times its channel's scale.
    """

    features: Tensor
    rows: Tensor
    row_of: Tensor | None
    noise: Tensor | None
    noise_scale: Tensor

    def piece(self, start: int, stop: int, out: Tensor | None = None) -> Tensor:
        """Normalise pixels start..stop."""
        x = self.features[start:stop]
        rows = self.rows[start:stop] if self.row_of is None else self.rows.index_select(0, self.row_of[start:stop])
        channels = x.shape[1]
        if self.noise is not None:
            x = torch.addcmul(x, self.noise[start:stop, None], self.noise_scale)
        return torch.addcmul(rows[:, channels:], x, rows[:, :channels], out=out)


class FastBlock(nn.Module):
    """Inference form of a `SpadeBlock`; features are channels-last."""

    shortcut: Tensor | None

    def __init__(self, block: SpadeBlock, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm_0, self.norm_1 = FastNorm(block.norm_0), FastNorm(block.norm_1)
        self.conv_0, self.conv_1 = (_frozen(conv.plain(), dtype) for conv in (block.conv_0, block.conv_1))
        self.norm_s = FastNorm(block.norm_s) if block.changes_width else None
        weight = None
        if self.norm_s is not None:
            weight = block.conv_s.normalised_weight().detach()[:, :, 0, 0].t().contiguous().to(dtype)
        self.register_buffer("shortcut", weight, persistent=False)

    def forward(self, x: Tensor, level: _Level, noise: list[Tensor] | None) -> Tensor:
        """Return `(N, outputs, h, w)`; `noise` as for `SpadeBlock`."""
        maps: list[Tensor | None] = list(noise) if noise else [None] * 3
        norms = [n for n in (self.norm_s, self.norm_0) if n is not None]
        inner, shortcut = _walk(x, level, norms, maps[: len(norms)], self.shortcut)
        inner = self.conv_0(inner)
        inner, _ = _walk(inner, level, [self.norm_1], maps[-1:], None)
        out: Tensor = self.conv_1(inner)
        return out.add_(x if shortcut is None else shortcut)


def _walk(
    x: Tensor, level: _Level, norms: list[FastNorm], noise: list[Tensor | None], shortcut: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Normalise features by the last norm, with its activation, and the shortcut's by the first, in one walk.

    Returns the activated features and, when there is one, the finished shortcut.
    """
    samples, channels, height, width = x.shape
    total = samples * height * width
    inner = x.new_empty(total, channels)
    side = None if shortcut is None else x.new_empty(total, shortcut.shape[1])
    folded = [_fold(x, level, norm, one) for norm, one in zip(norms, noise, strict=True)]
    step = total if x.is_cuda else max(256, PIECE_BYTES // (4 * channels))
    for start in range(0, total, step):
        stop = min(start + step, total)
        F.leaky_relu_(folded[-1].piece(start, stop, inner[start:stop]), LEAK)
        if side is not None and shortcut is not None:
            torch.mm(folded[0].piece(start, stop), shortcut, out=side[start:stop])
    shape = samples, height, width
    return _picture(inner, shape), None if side is None else _picture(side, shape)


def _fold(x: Tensor, level: _Level, norm: FastNorm, noise: Tensor | None) -> _Folded:
    """Fold a norm's statistics into its scales and shifts."""
    samples, channels = x.shape[:2]
    rows = norm.rows(level)
    row_of = None if level.patterns is None else level.patterns.row_of
    noise = None if noise is None or not norm.has_noise else noise.to(x.device, torch.float32)
    if norm.masked:
        assert level.region is not None
        noisy = x.float() if noise is None else x + noise * norm.noise_scale[:, None, None]
        normal = MaskNorm()(noisy, level.region).to(x.dtype)
        flat = None if row_of is None else row_of.flatten()
        return _Folded(_pixels(normal).flatten(0, 1), rows.flatten(0, 1).to(x.dtype), flat, None, norm.noise_scale)
    flat_noise = None if noise is None else noise.flatten(1)
    mean, deviation = _statistics(x, flat_noise, norm.noise_scale)
    scale = rows[..., :channels] / deviation[:, None]
    folded = torch.cat((scale, rows[..., channels:] - scale * mean[:, None]), -1)
    if row_of is not None:
        starts = torch.arange(samples, device=x.device)[:, None] * folded.shape[1]
        row_of = (row_of + starts).flatten()
    return _Folded(
        _pixels(x).flatten(0, 1),
        folded.flatten(0, 1).to(x.dtype),
        row_of,
        None if flat_noise is None else flat_noise.flatten().to(x.dtype),
        norm.noise_scale.to(x.dtype),
    )


def _statistics(x: Tensor, noise: Tensor | None, noise_scale: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation `(N, C)` of features plus their scaled noise, without adding it."""
    if x.is_cuda or x.dtype != torch.float32:
        variance, mean = torch.var_mean(_pixels(x).float(), dim=1, correction=0)
    else:  # by far the fastest reduction torch has for channels-last on the CPU
        both = [torch.batch_norm_update_stats(x[n : n + 1], None, None, 0.0) for n in range(len(x))]
        mean, variance = (torch.stack(of) for of in zip(*both, strict=True))
    if noise is not None:
        # var(x + s n) = var x + 2 s cov(x, n) + s^2 var n
        noise_mean = noise.mean(dim=1, keepdim=True)
        centred = (noise - noise_mean).to(x.dtype)
        covariance = torch.bmm(centred[:, None], _pixels(x))[:, 0].float() / noise.shape[1]
        variance = variance + 2 * noise_scale * covariance + noise_scale**2 * noise.var(1, keepdim=True, correction=0)
        mean = mean + noise_scale * noise_mean
    return mean, torch.sqrt(variance.clamp(min=0) + INSTANCE_EPS)


class FastSpadeGenerator(nn.Module):
    """Inference form of a `SpadeGenerator`, made from a filled one.

    dtype is that of features and convolutions; statistics, scales and shifts stay in float32.
    """

    def __init__(self, generator: SpadeGenerator, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        levels = range(len(generator.BLOCKS))
        self.dtype, self.early = dtype, generator.EARLY
        self.level_sizes, self.noise_shapes = generator.level_sizes, generator.noise_shapes
        self.norms = [generator.block(i).norms for i in levels]
        self.blocks = nn.ModuleList(FastBlock(generator.block(i), dtype) for i in levels)
        self.entries = nn.ModuleList(_frozen(generator.get_submodule(f"conv_{i}"), dtype) for i in levels)
        self.conv_img = _frozen(generator.conv_img, dtype)

    def paint(self, x: Tensor, early: Lead, late: Lead, noise: list[Tensor] | None) -> Tensor:
        """Do what `SpadeGenerator.paint` does."""
        x = x.to(self.dtype, memory_format=torch.channels_last)
        remaining = list(noise) if noise else []
        features: Tensor | None = None
        for i, size in enumerate(self.level_sizes(x.shape[-2], x.shape[-1])):
            entry = self.entries[i](resize_nearest(x, size))
            features = entry if features is None else _double_and_join(features, entry)
            level = _at_size(early if i < self.early else late, size)
            maps, remaining = remaining[: self.norms[i]], remaining[self.norms[i] :]
            features = self.blocks[i](features, level, maps or None)
        assert features is not None
        return torch.tanh(self.conv_img(F.leaky_relu(features, LEAK, inplace=True)).float()).contiguous()


class FastImageGenerator(FastSpadeGenerator):
    """HR-VITON's image generator; called as `hr_viton.ImageGenerator` is."""

    def forward(self, x: Tensor, parse: Tensor, noise: list[Tensor] | None = None) -> Tensor:
        lead = Lead(parse, encode(parse), None)
        return self.paint(x, lead, lead, noise)


class FastAliasGenerator(FastSpadeGenerator):
    """VITON-HD's ALIAS generator; called as `viton_hd.AliasGenerator` is."""

    def forward(
        self, x: Tensor, parse: Tensor, divided: Tensor, misalign: Tensor, noise: list[Tensor] | None = None
    ) -> Tensor:
        early, late = Lead(divided, encode(divided), misalign), Lead(parse, encode(parse), None)
        return self.paint(x, early, late, noise)


def _at_size(lead: Lead, size: tuple[int, int]) -> _Level:
    parse = resize_nearest(lead.parse, size)
    # interpolate has no nearest for integers of every width; strides do the same for exact divisors
    codes = lead.codes[:, :: lead.codes.shape[1] // size[0], :: lead.codes.shape[2] // size[1]]
    region = None if lead.region is None else resize_nearest(lead.region, size)
    return _Level(parse, find_patterns(parse, codes.contiguous()), region)


def _double_and_join(features: Tensor, entry: Tensor) -> Tensor:
    """Double features by repeating pixels and put the entry's channels behind them, in one write."""
    samples, channels, height, width = features.shape
    total = channels + entry.shape[1]
    joined = features.new_empty(samples, height, 2, width, 2, total)
    joined[..., :channels] = features.permute(0, 2, 3, 1)[:, :, None, :, None]
    flat = joined.view(samples, 2 * height, 2 * width, total)
    flat[..., channels:] = entry.permute(0, 2, 3, 1)
    return flat.permute(0, 3, 1, 2)


def _pixels(x: Tensor) -> Tensor:
    """Return `(N, C, h, w)` as `(N, h * w, C)`; free when it is channels-last."""
    return x.permute(0, 2, 3, 1).contiguous().flatten(1, 2)


def _picture(flat: Tensor, shape: tuple[int, int, int]) -> Tensor:
    return flat.view(*shape, -1).permute(0, 3, 1, 2)


def _frozen(conv: nn.Module, dtype: torch.dtype) -> nn.Conv2d:
    """Return a 3x3 convolution with its weight laid out channels-last."""
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    copy = nn.Conv2d(conv.in_channels, conv.out_channels, 3, padding=1, device="meta")
    weight = conv.weight.detach().to(dtype, memory_format=torch.channels_last, copy=True)
    copy.weight = nn.Parameter(weight, requires_grad=False)
    copy.bias = nn.Parameter(conv.bias.detach().to(dtype, copy=True), requires_grad=False)
    return copy
