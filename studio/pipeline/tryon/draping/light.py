"""Light on and around the new garment: the person's own light, folds, and contact shadows.

The product photo brings the garment's colours and texture, lit evenly; what makes it belong to the person is laid over
it as one factor per layer. Over the garment it leaves each tone as the product has it (`find_middle`, `find_toning`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.pipeline.parallel import both
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.folds import (
    Drape,
    Folds,
    band,
    lay_ground,
    make_folds,
    measure_loose,
    read_folds,
)
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, reduce_source, sample_coverage, sample_layer
from studio.pipeline.tryon.draping.shading import (
    COARSE,
    PersonLight,
    chroma,
    estimate_light,
    find_plain,
    log_luminance,
    to_linear,
)
from studio.pipeline.tryon.draping.tones import Toning, find_middle, find_toning

HEAD_SHADOW, ARM_SHADOW, CLOTH_SHADOW = 0.32, 0.46, 0.30
"""Darkest a contact shadow gets: of hair and chin, of arms and sleeves, of the garment's own edge."""
INNER_SHADOW, TUCK_SHADOW = 0.16, 0.36
"""The same inside the back of the collar, and where a waistband swallows the cloth."""
SEWN_ON, COMES_FREE = 0.25, 0.16
"""The share of an arm's shadow that falls where a sleeve is sewn on; how far below the armpit it is whole, in shoulder
widths."""
GAMMA = 2.2
"""Factors are applied to sRGB values: a factor of linear light there is its 1/2.2nd power."""
DARKEST, BRIGHTEST = -1.0, 0.45
"""Bounds of light and folds together, log linear light."""
EVEN, EVEN_SHARE = 0.30, 0.4
"""The product photo's own uneven light is evened out by this share, up to this much, log linear light."""
OWN_FOLDS = 0.22
"""Where the product photo shows folds of this depth, none are added."""
LOOK = 6
"""The product photo's light and folds are judged on every sixth working pixel."""
SEEN = 2
"""Colours are compared as they are seen: over so many working pixels a weave is one colour, stripes are not yet."""


class Part(Enum):
    """What of the body a layer of cloth lies on."""

    TRUNK = -1
    LEFT_ARM = 0
    RIGHT_ARM = 1


def part_of(layer: LayerMap) -> Part:
    """Return the part of the body, as seen in the picture, under a layer."""
    if layer.name.endswith("sleeve"):
        return Part.LEFT_ARM if layer.name.startswith("left") else Part.RIGHT_ARM
    return Part.TRUNK


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """On the working raster. layers: for each layer of cloth, the logarithm of the factor on sRGB values.

    below, arms: factors in (0, 1] on skin and trousers below the garment, and on bare arms under its sleeves.
    toning: what the cloth's own colours need so that in this light they are the product's.
    """

    layers: tuple[F32, ...]
    below: F32
    arms: F32
    toning: Toning | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """The new garment as it lies on the person: its layers, its pixels, and how it hangs.

    armpits: of its sleeves, `(n, 2)` on the working raster.
    """

    maps: tuple[LayerMap, ...]
    source: ClothSource
    tuck: float | None
    hem: float
    cuffs: tuple[float, float] | None
    armpits: F64


@dataclass(frozen=True, slots=True, eq=False)
class SeenLight:
    """What a photo tells of its light, whatever is worn next. folds: see `read_folds`."""

    person: PersonLight
    folds: tuple[F32, F32]


def read_photo_light(body: Body, evidence: Evidence, fields: BodyFields, removed: F32) -> SeenLight:
    """Read the light on a person. removed: where the old garment stands."""
    return SeenLight(estimate_light(body, evidence, fields, removed), read_folds(body, evidence, removed))


def light_garment(body: Body, fields: BodyFields, seen: SeenLight, layers: Layers, worn: Worn) -> Light:
    """Return the light on every layer of the garment and the shadows that it casts."""
    coverage = [sample_coverage(worn.source, layer) for layer in worn.maps]
    sleeves = _united(coverage, worn.maps, (Part.LEFT_ARM, Part.RIGHT_ARM))
    trunk = _united(coverage, worn.maps, (Part.TRUNK,))

    def read_cloth() -> tuple[Folds, dict[Part, _Cloth]]:
        drape = Drape(measure_loose(trunk, body, fields), worn.tuck, worn.hem, worn.cuffs, _seed(body, worn.hem))
        made = make_folds(body, lay_ground(fields), drape, seen.person.direction)
        source = reduce_source(worn.source, worn.maps, LOOK)
        return made, {part: _look_at(source, worn.maps, part, body) for part in Part}

    (made, looks), shadows = both(read_cloth, lambda: _shadows((body, fields), layers, (trunk, sleeves), worn.armpits))
    size = fields.shape[::-1]
    lit = {part: _light_on(part, seen, made, looks[part]) / np.float32(GAMMA) for part in looks}
    whole = {part: cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for part, plane in lit.items()}
    planes = [whole[part_of(layer)] + shadows.on(layer) for layer in worn.maps]
    factors, toning = _balanced(planes, layers, worn)
    return Light(factors, shadows.below, shadows.arms, toning)


def _seed(body: Body, hem: float) -> int:
    """Return a number that differs from person to person, from pose to pose and from garment to garment."""
    place = 7 * body.neck[0] + 13 * body.neck[1] + 17 * body.length + 5 * hem
    return 100 * (round(float(place)) % 997)


@dataclass(frozen=True, slots=True, eq=False)
class _Cloth:
    """What the garment's own pixels show on every `LOOK`-th working pixel.

    uneven: slow light, folds: depth of its folds, both log linear light.
    """

    uneven: F32
    folds: F32


def _look_at(source: ClothSource, maps: Sequence[LayerMap], part: Part, body: Body) -> _Cloth:
    """Read how the product photo is lit and folded on one part, where it is plain."""
    own = [layer for layer in maps if part_of(layer) is part and layer.name != "inner"]
    cut = np.s_[::LOOK, ::LOOK]
    nothing = np.zeros_like(maps[0].weight[cut])
    if not own:
        return _Cloth(nothing, nothing)
    rgb, alpha = sample_layer(source, (own[0].x[cut], own[0].y[cut], own[0].weight[cut]), own[0].source)
    linear = to_linear(rgb)
    luminance = log_luminance(linear)
    mask = alpha > 0.9
    plain = find_plain(luminance, chroma(linear), mask, round(0.10 * body.size / LOOK))
    if plain.share < 0.3:
        return _Cloth(nothing, nothing)
    size = body.size / LOOK
    folds = band(luminance, plain.sure + 1e-4, size)
    depth = np.sqrt(cv2.GaussianBlur(folds * folds * plain.sure, (0, 0), 0.05 * size))
    known = plain.sure > 0.3
    middle = float(np.median(luminance[known])) if known.any() else 0.0
    total = cv2.GaussianBlur((luminance - middle) * plain.sure, (0, 0), 0.10 * size)
    slow = total / (cv2.GaussianBlur(plain.sure, (0, 0), 0.10 * size) + np.float32(0.1))
    share = EVEN_SHARE * float(np.clip((plain.share - 0.55) / 0.3, 0, 1))
    return _Cloth((share * EVEN * np.tanh(slow / EVEN)).astype(np.float32), depth.astype(np.float32))


def _light_on(part: Part, photo: SeenLight, made: Folds, cloth: _Cloth) -> F32:
    """Return shading and folds of one part on the fold raster, log linear light."""
    person, (seen, sure) = photo.person, photo.folds
    size = seen.shape[::-1]
    slow = (person.trunk if part is Part.TRUNK else person.arms[part.value]) + person.remainder
    shade = cv2.resize(slow, size, interpolation=cv2.INTER_CUBIC)
    shade -= cv2.resize(cloth.uneven, size, interpolation=cv2.INTER_CUBIC)
    own = np.clip(1 - cv2.resize(cloth.folds, size, interpolation=cv2.INTER_LINEAR) / OWN_FOLDS, 0, 1)
    added = made.trunk if part is Part.TRUNK else made.arms[part.value]
    lit: F32 = shade + own * (1.5 * seen + added * (1 - np.clip(sure, 0, 1)))
    return lit


def _balanced(planes: Sequence[F32], layers: Layers, worn: Worn) -> tuple[tuple[F32, ...], Toning]:
    """Shift all factors so that the visible garment has the product's colours, and bound them; return what is left."""
    visible = (1 - layers.head.alpha) * (1 - layers.arms.alpha)
    if layers.tuck is not None:
        visible = visible * (1 - layers.lower.alpha)
    cut = np.s_[::LOOK, ::LOOK]
    shown = visible[cut] > 0.5
    source = reduce_source(worn.source, worn.maps, SEEN)
    found = []
    for plane, layer in zip(reversed(planes), reversed(worn.maps), strict=True):
        if layer.name != "inner":
            rgb, alpha = sample_layer(source, (layer.x[cut], layer.y[cut], layer.weight[cut]), layer.source)
            front = shown & (alpha > 0.9)
            seen = _away_from_rims(front)
            found.append((plane[cut][seen], rgb[seen]))
            shown = shown & ~front
    factor, colours = (np.concatenate(samples) for samples in zip(*found, strict=True))
    product = _product(source, worn.maps)
    middle = np.float32(find_middle(factor, colours, product))
    low, high = np.float32(DARKEST / GAMMA), np.float32(BRIGHTEST / GAMMA)
    toning = find_toning(np.clip(factor - middle, low, high), colours, product)
    return tuple(np.clip(plane - middle, low, high) for plane in planes), toning


def _away_from_rims(mask: Bool) -> Bool:
    """Return a mask without its rim: there cloth turns away into its own shade, or into that of what lies on it."""
    inner: Bool = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    return inner


def _product(source: ClothSource, maps: Sequence[LayerMap]) -> F32:
    """Return the colours of the product's outside, `(n, 3)`."""
    step = max(1, min(source.alpha.shape) // 200)
    cut = np.s_[::step, ::step]
    solid = source.alpha[cut] > 0.9
    for layer in maps:
        if layer.name == "inner":
            inside = cv2.resize(layer.source, solid.shape[::-1], interpolation=cv2.INTER_LINEAR)
            solid &= inside < 0.5
    colours: F32 = source.rgb[cut][_away_from_rims(solid)].astype(np.float32)
    return colours


def _united(coverage: Sequence[F32], maps: Sequence[LayerMap], parts: Sequence[Part]) -> F32:
    """Return the coverage of all layers on these parts but the inside of the back."""
    united = np.zeros_like(coverage[0])
    for cover, layer in zip(coverage, maps, strict=True):
        if part_of(layer) in parts and layer.name != "inner":
            united = np.maximum(united, cover)
    return united


@dataclass(frozen=True, slots=True, eq=False)
class _Shadows:
    """Contact shadows: logarithms on cloth, factors elsewhere."""

    trunk: F32
    sleeves: F32
    inner: F32
    below: F32
    arms: F32

    def on(self, layer: LayerMap) -> F32:
        """Return the shadow that falls on a layer."""
        if layer.name == "inner":
            return self.inner
        return self.trunk if part_of(layer) is Part.TRUNK else self.sleeves


def _shadows(where: tuple[Body, BodyFields], layers: Layers, cloth: tuple[F32, F32], armpits: F64) -> _Shadows:
    """Return what hair, chin, arms and the garment itself shade. cloth: coverage of trunk and sleeves."""
    (body, fields), (trunk, sleeves) = where, cloth
    near, wide = 0.018 * body.size, 0.06 * body.size
    head = np.log(1 - HEAD_SHADOW * _contact(layers.head.alpha, near, wide))
    hanging = _hanging(body, fields, armpits)
    arms = np.maximum(layers.arms.alpha, sleeves)
    beside = np.log(1 - ARM_SHADOW * hanging * _contact(arms, near, wide))
    # An arm that comes out of its own sleeve lies under it; only one that crosses it casts a shadow there.
    crossing = (layers.arms.alpha * sleeves).astype(np.float32)
    on_sleeves = np.log(1 - ARM_SHADOW * _contact(crossing, near, wide))
    if layers.tuck is not None:  # cloth dives behind the waistband
        beside = beside + np.log(1 - TUCK_SHADOW * cv2.GaussianBlur(layers.lower.alpha, (0, 0), 1.2 * near))
    every = np.maximum(trunk, sleeves)
    edge = (0.012 * body.size, 0.04 * body.size)
    return _Shadows(
        trunk=(head + beside).astype(np.float32),
        sleeves=(head + on_sleeves).astype(np.float32),
        inner=(head + np.log(1 - np.float32(INNER_SHADOW))).astype(np.float32),
        below=(1 - CLOTH_SHADOW * _contact(every, *edge)).astype(np.float32),
        arms=(1 - CLOTH_SHADOW * _contact(sleeves, *edge)).astype(np.float32),
    )


def _hanging(body: Body, fields: BodyFields, armpits: F64) -> F32:
    """Return how far what hangs beside the trunk stands before it, 0..1: down to its armpit a sleeve is sewn on."""
    hanging = np.clip((fields.depth / body.length - 0.02) / 0.22, SEWN_ON, 1)
    for lateral, depth in zip(*body.locate(armpits), strict=True):
        own = fields.lateral * np.sign(lateral) > 0
        below = np.clip((fields.depth - depth) / (COMES_FREE * body.size), SEWN_ON, 1)
        hanging = np.where(own, np.minimum(hanging, below), hanging)
    freed: F32 = hanging.astype(np.float32)
    return freed


def _contact(plane: F32, near: float, wide: float) -> F32:
    """Return a contact shadow: tight at the edge, faint farther away, both fallen a little downwards."""
    tight = cv2.GaussianBlur(_fallen(plane, 0.7 * near), (0, 0), near)
    far = _wide_blur(_fallen(plane, 0.6 * wide), wide)
    shadow: F32 = 0.5 * tight + 0.5 * far
    return shadow


def _fallen(plane: F32, distance: float) -> F32:
    shift = np.array([[1, 0, 0], [0, 1, distance]], np.float32)
    moved: F32 = cv2.warpAffine(plane, shift, (plane.shape[1], plane.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return moved


def _wide_blur(plane: F32, sigma: float) -> F32:
    """Blur widely at a quarter of the size: nothing fine is left to lose."""
    size = (max(1, plane.shape[1] // COARSE), max(1, plane.shape[0] // COARSE))
    small = cv2.GaussianBlur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / COARSE)
    blurred: F32 = cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return blurred
