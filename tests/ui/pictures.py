"""Compares what the window shows with a reference picture: a clipped label or a widget that moved must be seen.

The rule is local. A share of all pixels would let a whole label vanish: it has a thousandth of the page's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from studio.domain.arrays import U8

FAINT = 2
"""Differences up to this much are nobody's business."""
STRONG = 32
"""From this difference on a pixel says something else."""
TILE = 16
STRONG_PIXELS = 12
"""As many of a tile's 256 pixels may differ strongly; the foot of a few letters has more."""
FAINT_SHARE = 0.005
"""This share of all pixels may differ by more than FAINT (style.md section 10)."""
COLOURS = 256


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found. places: (x, y) of the tiles that differ; share: of pixels that differ faintly."""

    places: tuple[tuple[int, int], ...]
    share: float

    @property
    def is_same(self) -> bool:
        return not self.places and self.share <= FAINT_SHARE


def compare(was: U8, now: U8) -> Verdict:
    """Compare two pictures `(h, w, 3)` of one size, tile by tile."""
    apart = np.abs(was.astype(np.int16) - now.astype(np.int16)).max(axis=2)
    strong = apart >= STRONG
    height, width = strong.shape
    padded = np.pad(strong, ((0, -height % TILE), (0, -width % TILE)))
    places: set[tuple[int, int]] = set()
    for shift in (0, TILE // 2):  # tiles twice, the second time over the borders of the first
        shifted = np.roll(padded, (-shift, -shift), (0, 1))
        rows, columns = shifted.shape[0] // TILE, shifted.shape[1] // TILE
        counts = shifted.reshape(rows, TILE, columns, TILE).sum(axis=(1, 3))
        ys, xs = np.nonzero(counts > STRONG_PIXELS)
        places |= {(int(x) * TILE + shift, int(y) * TILE + shift) for y, x in zip(ys, xs, strict=True)}
    share = float((apart > FAINT).mean())
    return Verdict(tuple(sorted(places, key=lambda place: (place[1], place[0]))), share)


def difference(was: U8, now: U8) -> U8:
    """Return both pictures and, below, the new one greyed with what differs in red."""
    apart = np.abs(was.astype(np.int16) - now.astype(np.int16)).max(axis=2) > FAINT
    grey = (now.mean(axis=2, keepdims=True) / 2 + 100).repeat(3, axis=2).astype(np.uint8)
    grey[apart] = (220, 0, 0)
    return np.concatenate([was, now, grey])


def save(file: Path, pixels: U8) -> None:
    """Write a reference, every channel rounded to a multiple of 4: within FAINT, and few colours make small files."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rounded = np.minimum((pixels.astype(np.int16) + 2) // 4 * 4, 255).astype(np.uint8)
    picture = Image.fromarray(rounded)
    if picture.getcolors(COLOURS) is not None:
        picture = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=COLOURS)
    picture.save(file, optimize=True)


def load(file: Path) -> U8:
    """Read a reference."""
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))
