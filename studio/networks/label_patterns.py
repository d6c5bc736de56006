"""Where a parse map repeats itself: the distinct 5x5 neighbourhoods of labels, and which pixel has which.

SPADE's scale and shift at a pixel depend on nothing but the 5x5 labels around it (two 3x3
convolutions). Inside a region they are constants of its class, and along borders the same few
hundred to thousand neighbourhoods come again and again. Computing them once per neighbourhood
instead of once per pixel gives the same numbers with a fraction of the work.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 2
"""Two 3x3 convolutions look two pixels far."""

SIDE = 2 * REACH + 1
OUTSIDE, SOFT = 14, 15
"""Codes of what lies beyond the picture, and of pixels that are not exactly one class; classes are below."""

_BITS = 4
_UNIFORM_ROW = sum(1 << (_BITS * i) for i in range(SIDE))
WORTHWHILE = 0.6
"""Beyond this share of distinct neighbourhoods the ordinary convolution is as fast."""


class Patterns(NamedTuple):
    """row_of: which row each pixel uses, `(N, h * w)`; patches: one neighbourhood per row, `(K, L, 5, 5)`;

    inside: which of the 3x3 hidden positions lie within the picture, `(K, 1, 3, 3)`.
    """

    row_of: Tensor
    patches: Tensor
    inside: Tensor


def encode(parse: Tensor) -> Tensor:
    """Return each pixel's class of a one-hot map `(N, L, h, w)` as uint8 `(N, h, w)`, `SOFT` where it has none."""
    if parse.shape[1] >= OUTSIDE:
        raise ValueError(f"at most {OUTSIDE - 1} classes, got {parse.shape[1]}")
    ones, zeros = (torch.zeros_like(parse[:, 0], dtype=torch.uint8) for _ in range(2))
    codes = torch.zeros_like(ones)
    for label in range(parse.shape[1]):  # one plane at a time: argmax across planes is far slower
        is_one = parse[:, label] == 1
        ones += is_one
        zeros += parse[:, label] == 0
        codes += is_one.to(torch.uint8) * label
    exact = (ones == 1) & (zeros == parse.shape[1] - 1)
    return torch.where(exact, codes, torch.full_like(codes, SOFT))


def find_patterns(parse: Tensor, codes: Tensor) -> Patterns | None:
    """Find the distinct neighbourhoods of a parse map, or None when there are too many to be worth it.

    Args:
        parse: `(N, L, h, w)`, at the size it is used.
        codes: `encode(parse)`, or that of a larger map brought to this size by nearest neighbour.
    """
    samples, classes, height, width = parse.shape
    rows = _row_codes(codes, width)
    # int32: 20 bits of five neighbours each
    uniform = codes.to(torch.int32) * _UNIFORM_ROW
    interior = codes < OUTSIDE
    for j in range(SIDE):
        interior &= rows[:, j : j + height] == uniform
    border = (~interior).nonzero()
    if len(border) > WORTHWHILE * codes.numel() and codes.numel() <= classes:
        return None
    keys = _row_keys(rows, border)
    index = codes.to(torch.int64)
    inverse, representative = _distinct(keys, _has_soft(codes, border))
    if len(representative) > WORTHWHILE * codes.numel():
        return None
    index[border[:, 0], border[:, 1], border[:, 2]] = inverse + classes
    patches, inside = _cut_patches(parse, border[representative])
    whole = torch.eye(classes, device=parse.device, dtype=parse.dtype)[:, :, None, None].expand(-1, -1, SIDE, SIDE)
    everywhere = torch.ones(classes, 1, 3, 3, device=parse.device, dtype=parse.dtype)
    return Patterns(
        index.reshape(samples, height * width), torch.cat((whole, patches)), torch.cat((everywhere, inside))
    )


def _row_codes(codes: Tensor, width: int) -> Tensor:
    padded = F.pad(codes, (REACH, REACH, REACH, REACH), value=OUTSIDE).to(torch.int32)
    rows = padded[:, :, :width].clone()
    for i in range(1, SIDE):
        rows |= padded[:, :, i : i + width] << (_BITS * i)
    return rows


def _row_keys(rows: Tensor, border: Tensor) -> tuple[Tensor, Tensor]:
    """Return two integers that together hold all 25 codes around each border pixel."""
    n, y, x = border.unbind(1)
    lines = [rows[n, y + j, x].to(torch.int64) for j in range(SIDE)]
    step = _BITS * SIDE
    return lines[0] | lines[1] << step | lines[2] << (2 * step), lines[3] | lines[4] << step


def _has_soft(codes: Tensor, border: Tensor) -> Tensor:
    soft = codes == SOFT
    if not bool(soft.any()):
        return torch.zeros(len(border), dtype=torch.bool, device=codes.device)
    near = F.max_pool2d(soft.float(), SIDE, stride=1, padding=REACH) > 0
    return near[border[:, 0], border[:, 1], border[:, 2]]


def _distinct(keys: tuple[Tensor, Tensor], soft: Tensor) -> tuple[Tensor, Tensor]:
    """Return each border pixel's row and, per row, one border pixel that has it.

    Neighbourhoods with a soft pixel are not compared: each gets a row of its own.
    """
    upper, lower = keys
    first = torch.unique(upper, return_inverse=True)[1]
    joined = first << (2 * _BITS * SIDE) | lower
    own = torch.arange(len(joined), device=joined.device)
    joined = torch.where(soft, -1 - own, joined)
    rows, inverse = torch.unique(joined, return_inverse=True)
    representative = torch.empty(len(rows), dtype=torch.int64, device=joined.device)
    representative[inverse] = own
    return inverse, representative


def _cut_patches(parse: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    height, width = parse.shape[-2:]
    n, y, x = where.unbind(1)
    windows = F.pad(parse, (REACH, REACH, REACH, REACH)).unfold(2, SIDE, 1).unfold(3, SIDE, 1)
    near = torch.arange(-1, 2, device=parse.device)
    rows, columns = y[:, None] + near, x[:, None] + near
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    return windows[n, :, y, x], inside[:, None].to(parse.dtype)
