"""Traces of the old garment in a look: colour left over where neither the new garment nor anything around explains it.

Everything happens on a reduced crop in CIELAB. A palette is what a region's colours are without their places; the old
garment's palette accuses a pixel, and the palettes of the new garment (in light and shade), of skin, hair, lower
garment and background, and mixtures of two of them at an edge, acquit it. Where old and new garment share a colour
nothing can be told, and nothing would be seen either.

Outlines are a trace too: where the person stood and stands no more, a line of sleeve or skin may have stayed that the
silhouette did not have before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from studio.domain.arrays import F32, U8, Bool
from studio.domain.artefacts import Category, Cutout, Look, ParseMap
from studio.domain.labels import Cihp, LabelScheme, convert_labels

SIDE = 448
"""Longest side of the crop that is looked at: a trace that cannot be seen at this size disturbs nobody."""

NEAR = 7.0
"""CIELAB distance within which a colour counts as the old garment's own."""

CLEARER = 6.0
"""How much farther every other explanation must be away."""

NOTABLE = 0.004
"""Share of the old garment's area from which a look says so; calibrated by eye on real looks, see tests."""

_BIN = 8.0
_MASS = 0.97
_SAMPLE = 20000
_RIM = 0.012
"""How far beyond the old garment traces are looked for, in sides of the crop: its soft edge and its shadow."""

_SPECK, _OWN_HAIR = 6, 200
_PURE = 0.95
_SEEN, _NEXT = 25, 2
"""Opacity, of 255, and reduced pixels beside it, from which a layer may explain a colour."""

_HAIR_REACH, _LOWER_REACH = 0.05, 0.12
_BETWEEN = 0.06
"""How far into the hair traces are looked for, and from where on its colours are its own, in sides of the crop."""
_LINE_SIDE, _LINE = 1024, 0.004
"""Longest side at which outlines are looked for, and half the width up to which a piece is a line, in such sides."""
_PRESENT = 0.15
_SEEN_LINE = 4.0
"""CIELAB distance from the background, beyond its own unevenness, at which a line is seen."""
_SHADES = {"garment": (0.55, 0.7, 0.85, 1.0, 1.12), "skin": (0.7, 0.85, 1.0, 1.1), "rest": (0.85, 1.0)}
_SKIN = (Cihp.FACE, Cihp.NECK, Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)
_UPPER = (Cihp.UPPER, Cihp.DRESS, Cihp.COAT)
_LOWER = (Cihp.TROUSERS, Cihp.SKIRT)
_BELOW = (*_LOWER, Cihp.SOCKS, Cihp.LEFT_SHOE, Cihp.RIGHT_SHOE)
_LOWER_CATEGORIES = (Category.TROUSERS, Category.SHORTS, Category.SKIRT)


@dataclass(frozen=True, slots=True, eq=False)
class Residue:
    """What was found. share: of the old garment's area. largest: the largest patch, likewise.

    mask: bool, the photo's size, where the traces lie; for looking at.
    """

    share: float
    largest: float
    mask: Bool

    @property
    def is_notable(self) -> bool:
        """True where an operator should look."""
        return self.share >= NOTABLE


@dataclass(frozen=True, slots=True, eq=False)
class Dressed:
    """A look as the check sees it.

    pixels: sRGB uint8 `(H, W, 3)`. edit: bool `(H, W)`, where it may differ from the photo. worn: uint8, 255 on the new
    garment. body: float32, the dressed person's alpha.
    """

    pixels: U8
    edit: Bool
    worn: U8
    body: F32

    @classmethod
    def of(cls, look: Look) -> Dressed:
        """Return a finished look."""
        return cls(look.rgb8, look.edit_mask > 0, look.garment_mask, look.cutout.alpha)


def find_residue(
    photo: U8, look: Dressed, parse: ParseMap, garment: Cutout, category: Category = Category.TOP
) -> Residue:
    """Look for the old garment in a look.

    Args:
        photo: sRGB uint8 `(H, W, 3)`, before dressing.
        parse: of the photo.
        garment: the new garment's cutout, of its own photo.
        category: of the new garment: it says which of the old ones it replaces.
    """
    edit = look.edit
    labels = convert_labels(parse.labels, parse.scheme, LabelScheme.CIHP)
    old = np.isin(labels, replaced_classes(category))
    if category is Category.OUTERWEAR:
        old &= _beside(look.worn > _SEEN)
    nothing = Residue(0.0, 0.0, np.zeros(old.shape, bool))
    if not (old & edit).any():
        return nothing
    crop = _Crop(old | edit)
    scene = _Scene(crop, photo, look, labels, old)
    if scene.old.sum() < _SPECK:
        return nothing
    found = scene.accused(garment)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    kept = np.isin(pieces, 1 + np.flatnonzero(sizes >= _SPECK)) if count > 1 else np.zeros(found.shape, bool)
    area = float(scene.old.sum())
    largest = float(sizes.max()) if count > 1 and sizes.max() >= _SPECK else 0.0
    lines = find_lines(look, labels, crop)
    share = float(kept.sum()) / area + float((lines & ~crop.enlarge(kept, old.shape)).sum()) / float(old.sum())
    return Residue(share, largest / area, crop.enlarge(kept, old.shape) | lines)


def find_lines(look: Dressed, labels: U8, crop: _Crop) -> Bool:
    """Return what still stands out where the dressed silhouette has ended: lines that hair does not explain."""
    found = np.zeros(labels.shape, bool)
    inner = look.body[crop.at]
    scale = min(1.0, _LINE_SIDE / max(inner.shape))
    size = max(1, round(inner.shape[1] * scale)), max(1, round(inner.shape[0] * scale))

    def reduced(plane: F32 | U8 | Bool) -> F32:
        numbers = plane.astype(np.uint8) * np.uint8(255) if plane.dtype == bool else plane
        small: F32 = cv2.resize(np.ascontiguousarray(numbers), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        return small

    radius = max(2, round(_LINE * max(size)))
    person = reduced(labels[crop.at] > 0) > 0
    body, worn = reduced(inner) > _PRESENT, reduced(look.worn[crop.at]) > 1
    edited = reduced(look.edit[crop.at]) > 0
    empty = _grown(edited, radius) & ~_grown(body & ~_thin(body, radius), 2) & ~_grown(worn, 3)
    empty &= ~_grown(_thin(person, radius) | (reduced(labels[crop.at] == Cihp.HAIR) > 0), 3 * radius)
    if not empty.any():
        return found
    lab = _lab(np.asarray(cv2.resize(np.ascontiguousarray(look.pixels[crop.at]), size, interpolation=cv2.INTER_AREA)))
    away = _from_around(lab, empty, 2 * radius)
    quiet = ~_grown(person | body | edited, 3)
    uneven = float(np.percentile(_from_around(lab, quiet, 2 * radius)[quiet], 98)) if quiet.any() else 0.0
    lines = empty & (away > _SEEN_LINE + uneven)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    long = np.isin(pieces, 1 + np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= 2 * _SPECK))
    long = _grown(long, 1)  # a line is seen by its length, be it ever so thin
    view = found[crop.at]
    view[...] = cv2.resize(long.astype(np.uint8), (view.shape[1], view.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
    return found


def _from_around(lab: F32, area: Bool, radius: int) -> F32:
    """Return each pixel's distance to the mean colour of an area around it."""
    inside = area.astype(np.float32)
    total = cv2.GaussianBlur(lab * inside[..., None], (0, 0), radius)
    mean = total / np.maximum(cv2.GaussianBlur(inside, (0, 0), radius), 1e-4)[..., None]
    away: F32 = np.linalg.norm(lab - mean, axis=2).astype(np.float32)
    return away


def _thin(area: Bool, radius: int) -> Bool:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    thin: Bool = area & (cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, kernel) == 0)
    return thin


def replaced_classes(category: Category) -> tuple[Cihp, ...]:
    """Return what of the person's clothes a garment of this category takes the place of."""
    if category is Category.DRESS:
        return (*_UPPER, *_LOWER)
    return _LOWER if category in _LOWER_CATEGORIES else _UPPER


def _beside(worn: Bool) -> Bool:
    """Return what lies beside an outer garment: what it frames, what hangs out below it or shows at the neck, stays."""
    shown = np.asarray(worn.any(axis=1), bool)
    columns = np.arange(worn.shape[1])[None]
    first, last = worn.argmax(axis=1)[:, None], worn.shape[1] - 1 - worn[:, ::-1].argmax(axis=1)[:, None]
    beside: Bool = shown[:, None] & ((columns < first) | (columns > last))
    return beside


class _Crop:
    """The part of the photo that is looked at, and its reduced size."""

    def __init__(self, area: Bool) -> None:
        rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
        room = round(0.06 * max(rows[-1] - rows[0], columns[-1] - columns[0]) + 2)
        height, width = area.shape
        self.at = np.s_[
            max(0, rows[0] - room) : min(height, rows[-1] + room + 1),
            max(0, columns[0] - room) : min(width, columns[-1] + room + 1),
        ]
        inner = area[self.at].shape
        scale = min(1.0, SIDE / max(inner))
        self.size = max(1, round(inner[1] * scale)), max(1, round(inner[0] * scale))

    def reduce(self, picture: U8) -> U8:
        small: U8 = cv2.resize(np.ascontiguousarray(picture[self.at]), self.size, interpolation=cv2.INTER_AREA)
        return small

    def share(self, area: Bool) -> F32:
        """Return how much of each reduced pixel an area takes."""
        inner = np.ascontiguousarray(area[self.at]).view(np.uint8) * np.uint8(255)
        shares: F32 = cv2.resize(inner, self.size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
        return shares

    def enlarge(self, small: Bool, shape: tuple[int, ...]) -> Bool:
        full = np.zeros(shape, bool)
        view = full[self.at]
        size = view.shape[1], view.shape[0]
        view[...] = cv2.resize(small.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        return full


class _Scene:
    """The reduced crop: photo and look in CIELAB, and who is where."""

    def __init__(self, crop: _Crop, photo: U8, look: Dressed, labels: U8, old: Bool) -> None:
        self.before, self.after = _lab(crop.reduce(photo)), _lab(crop.reduce(look.pixels))
        self.old = crop.share(old) > _PURE
        touched = crop.share(old) > 0.02
        rim = max(1, round(_RIM * max(crop.size)))
        self.searched = _grown(touched, rim) & _grown(crop.share(look.edit) > 0.02, rim)
        tops = old & (labels == Cihp.UPPER)  # nothing of these stays; of a dress the skirt may, of trousers the legs
        if tops.any():
            self.searched |= crop.share(tops) > _PURE
        hair = crop.share(np.isin(labels, (Cihp.HAIR, Cihp.HAT))) > 0.9
        between = _grown(touched, round(_BETWEEN * max(crop.size)))
        self.searched |= hair & between  # the old garment may show between strands
        self._kept = hair & ~self.old
        self._areas = {
            "skin": crop.share(np.isin(labels, _SKIN)) > _PURE,
            "hair": hair & ~between if (hair & ~between).sum() > _OWN_HAIR else hair,
            "lower": crop.share(np.isin(labels, _BELOW) & ~old) > _PURE,
            "background": crop.share(labels == 0) > 0.99,
        }
        self._reach = max(crop.size)
        # A colour of the product explains a pixel only on the product, one of the background only beside the person.
        self._may = {
            "garment": _grown(crop.share(look.worn > _SEEN) > 0.02, _NEXT),
            "background": _grown(crop.share(look.body < 1.0 - _SEEN / 255) > 0.02, _NEXT),
        }

    def accused(self, garment: Cutout) -> Bool:
        """Return the pixels that only the old garment explains."""
        accused = np.zeros(self.old.shape, bool)
        at = np.nonzero(self.searched)
        colours = self.after[at]
        away = _distance(colours, _palette(self.before[self.old]))
        own = self.old | self._kept
        unchanged = own[at] & (np.linalg.norm(colours - self.before[at], axis=1) < 3.0)
        away[unchanged & self.old[at]] = 0.0
        suspect = away < NEAR
        at, colours, away = (at[0][suspect], at[1][suspect]), colours[suspect], away[suspect]
        if not len(colours):
            return accused
        alibi = np.full(len(colours), np.inf)
        plain = {"garment": _palette(_garment_colours(garment))}
        near = self._may["garment"][at]
        alibi[near] = _distance(colours[near], _shaded(plain["garment"], _SHADES["garment"]))
        for name, area in self._areas.items():
            if area.sum() < _SPECK:
                continue
            plain[name] = _palette(self.before[area])
            near = self._may_reach(name, area)[at]
            shades = _SHADES.get(name, _SHADES["rest"])
            alibi[near] = np.minimum(alibi[near], _distance(colours[near], _shaded(plain[name], shades)))
        open_case = alibi < away + CLEARER
        mixed = np.full(len(colours), np.inf)
        still = unchanged[suspect]
        rest = ~open_case & ~still
        mixed[rest] = _mixture_distance(colours[rest], plain)
        # No mixture of new things made the photo's own pixels; in the hair what stays may have mixed.
        rest = ~open_case & still & self._kept[at]
        mixed[rest] = _mixture_distance(colours[rest], {name: plain[name] for name in plain if name != "garment"})
        accused[at[0], at[1]] = ~open_case & (mixed >= away + CLEARER / 2)
        return accused

    def _may_reach(self, name: str, area: Bool) -> Bool:
        """Return where a neighbour's colour is an explanation: bared skin may be anywhere."""
        if name in self._may:
            return self._may[name]
        reach = {"hair": _HAIR_REACH, "lower": _LOWER_REACH}.get(name)
        return np.ones(area.shape, bool) if reach is None else _grown(area, round(reach * self._reach))


def _lab(rgb: U8) -> F32:
    lab: F32 = cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return lab


def _grown(area: Bool, by: int) -> Bool:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    grown: Bool = cv2.dilate(area.astype(np.uint8), kernel) > 0
    return grown


def _garment_colours(garment: Cutout) -> F32:
    box = garment.box
    colours, alpha = garment.foreground[box.slices], garment.alpha[box.slices]
    step = max(1, round(max(alpha.shape) / 256))
    return _lab(np.ascontiguousarray(colours[::step, ::step]))[alpha[::step, ::step] > 0.95]


def _palette(colours: F32) -> F32:
    """Return the means of the fullest cells of colour space, `(N, 3)`, that together hold nearly everything."""
    if not len(colours):
        return np.zeros((0, 3), np.float32)
    colours = colours[:: max(1, len(colours) // _SAMPLE)]
    cells = np.floor(colours / _BIN).astype(np.int64) + 32  # a and b reach down to -128: 16 cells below zero
    _, member, counts = np.unique(cells @ np.array([1, 64, 4096]), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    enough = int(np.searchsorted(np.cumsum(counts[order]), _MASS * len(colours))) + 1
    sums = np.stack([np.bincount(member, colours[:, axis], len(counts)) for axis in range(3)], axis=1)
    means: F32 = (sums / counts[:, None])[order[:enough]].astype(np.float32)
    return means


def _shaded(palette: F32, shades: Sequence[float]) -> F32:
    """Return a palette in more and less light: lightness and chroma fall together."""
    return np.concatenate([palette * np.float32(shade) for shade in shades])


def _distance(colours: F32, palette: F32) -> F32:
    """Return each colour's distance to the nearest of a palette."""
    if not len(palette) or not len(colours):
        return np.full(len(colours), np.inf, np.float32)
    nearest: F32 = cKDTree(palette).query(colours)[0].astype(np.float32)
    return nearest


def _mixture_distance(colours: F32, known: dict[str, F32]) -> F32:
    """Return each colour's distance to the nearest mixture of two explanations' main colours: what edges show."""
    nearest = np.full(len(colours), np.inf, np.float32)
    names = list(known)
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            for one in known[first][:4]:
                for two in known[second][:4]:
                    way = two - one
                    length = float(way @ way)
                    if length < 1.0:
                        continue
                    along = np.clip((colours - one) @ way / length, 0.0, 1.0)[:, None]
                    off = np.sqrt(((colours - one - along * way) ** 2).sum(axis=1))
                    nearest = np.minimum(nearest, off)
    return nearest
