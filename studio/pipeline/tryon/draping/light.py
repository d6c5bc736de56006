"""Light on and around the new garment: the person's own light, folds, and contact shadows.

The product photo brings the garment's colours and texture, lit evenly; what makes it belong to the person is laid over
it as one factor per layer. Its median over the garment is 1: the colour stays the product's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from studio.domain.arrays import F32
from studio.pipeline.parallel import both
from studio.pipeline.planes import spread
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

HEAD_SHADOW, ARM_SHADOW, CLOTH_SHADOW = 0.32, 0.46, 0.30
"""Darkest a contact shadow gets: of hair and chin, of arms and sleeves, of the garment's own edge."""
INNER_SHADOW, TUCK_SHADOW = 0.16, 0.36
"""The same inside the back of the collar, and where a waistband swallows the cloth."""
GAMMA = 2.2
"""Factors are applied to sRGB values: a factor of linear light there is its 1/2.2nd power."""
DARKEST, BRIGHTEST = -1.0, 0.45
"""Bounds of light and folds together, log linear light."""
DEEPER, WHITE_SHADES = 1.3, 0.6
"""How strongly dark and white cloth take a shade: white cloth lights its own folds."""
SHEEN = 0.15
"""What a full stop of light adds to black cloth: its folds are seen by their sheen, not by its colour."""
EVEN, EVEN_SHARE = 0.30, 0.4
"""The product photo's own uneven light is evened out by this share, up to this much, log linear light."""
OWN_FOLDS = 0.22
"""Where the product photo shows folds of this depth, none are added."""


LOOK = 6
"""The product photo's light and folds are judged on every sixth working pixel."""


MOST_SHIFT = 0.06
"""How far the product's median may move all factors beyond their own, for the garment's visible part."""
TWO_TONES = 0.25
"""Garments whose tones lie this far apart in sRGB luminance are balanced by the commoner one."""
LEAST_SHOWN = 0.1
"""Of that tone at least this share of the garment must be seen."""
_GREY = np.array([0.2126, 0.7152, 0.0722], np.float32) / np.float32(255)


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
    """

    layers: tuple[F32, ...]
    below: F32
    arms: F32


def shade_cloth(rgb: F32, factor: F32) -> F32:
    """Return cloth (0..255) under a logarithmic factor: white stays below white, black shows its folds.

    Mid tones are multiplied. Towards white, light is held back and shade softened; towards black a little is added or
    taken away that does not depend on the colour.
    """
    gain = np.expm1(factor)
    up, down = spread(np.maximum(gain, 0)), spread(np.minimum(gain, 0))
    value = rgb * np.float32(1 / 255)
    square = value * value
    change = 1 - np.minimum(value, 1)
    np.square(change, out=change)
    np.square(change, out=change)
    change *= np.float32(SHEEN)
    change += value * np.float32(DEEPER)
    change *= spread(gain)
    square *= value
    change -= square * (np.float32(DEEPER - WHITE_SHADES) * down)
    change -= square * value * value * (np.float32(DEEPER) * up)
    value += change
    value *= np.float32(255)
    return np.clip(value, 0, 255, out=value)


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """The new garment as it lies on the person: its layers, its pixels, and how it hangs."""

    maps: tuple[LayerMap, ...]
    source: ClothSource
    tuck: float | None
    hem: float
    cuffs: tuple[float, float] | None


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

    (made, looks), shadows = both(read_cloth, lambda: _shadows(body, fields, layers, (trunk, sleeves)))
    size = fields.shape[::-1]
    lit = {part: _light_on(part, seen, made, looks[part]) / np.float32(GAMMA) for part in looks}
    whole = {part: cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for part, plane in lit.items()}
    planes = [whole[part_of(layer)] + shadows.on(layer) for layer in worn.maps]
    return Light(_balanced(planes, layers, worn, looks), shadows.below, shadows.arms)


def _seed(body: Body, hem: float) -> int:
    """Return a number that differs from person to person, from pose to pose and from garment to garment."""
    place = 7 * body.neck[0] + 13 * body.neck[1] + 17 * body.length + 5 * hem
    return 100 * (round(float(place)) % 997)


@dataclass(frozen=True, slots=True, eq=False)
class _Cloth:
    """What the garment's own pixels show on every `LOOK`-th working pixel.

    uneven: slow light, folds: depth of its folds, both log linear light. grey: sRGB luminance, 0..1, -1 where no cloth.
    """

    uneven: F32
    folds: F32
    grey: F32


def _look_at(source: ClothSource, maps: Sequence[LayerMap], part: Part, body: Body) -> _Cloth:
    """Read how the product photo is lit and folded on one part, where it is plain."""
    own = [layer for layer in maps if part_of(layer) is part and layer.name != "inner"]
    cut = np.s_[::LOOK, ::LOOK]
    nothing = np.zeros_like(maps[0].weight[cut])
    if not own:
        return _Cloth(nothing, nothing, nothing - 1)
    rgb, alpha = sample_layer(source, (own[0].x[cut], own[0].y[cut], own[0].weight[cut]), own[0].source)
    linear = to_linear(rgb)
    luminance = log_luminance(linear)
    mask = alpha > 0.9
    grey = np.where(mask, rgb @ _GREY, -1).astype(np.float32)
    plain = find_plain(luminance, chroma(linear), mask, round(0.10 * body.size / LOOK))
    if plain.share < 0.3:
        return _Cloth(nothing, nothing, grey)
    size = body.size / LOOK
    folds = band(luminance, plain.sure + 1e-4, size)
    depth = np.sqrt(cv2.GaussianBlur(folds * folds * plain.sure, (0, 0), 0.05 * size))
    known = plain.sure > 0.3
    middle = float(np.median(luminance[known])) if known.any() else 0.0
    total = cv2.GaussianBlur((luminance - middle) * plain.sure, (0, 0), 0.10 * size)
    slow = total / (cv2.GaussianBlur(plain.sure, (0, 0), 0.10 * size) + np.float32(0.1))
    share = EVEN_SHARE * float(np.clip((plain.share - 0.55) / 0.3, 0, 1))
    return _Cloth((share * EVEN * np.tanh(slow / EVEN)).astype(np.float32), depth.astype(np.float32), grey)


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


def _balanced(planes: Sequence[F32], layers: Layers, worn: Worn, looks: dict[Part, _Cloth]) -> tuple[F32, ...]:
    """Shift all factors so that the visible garment's median is as light as the product's, and bound them."""
    visible = (1 - layers.head.alpha) * (1 - layers.arms.alpha)
    if layers.tuck is not None:
        visible = visible * (1 - layers.lower.alpha)
    cut = np.s_[::LOOK, ::LOOK]
    shown = visible[cut] > 0.5
    factors, greys = [], []
    for plane, layer in zip(reversed(planes), reversed(worn.maps), strict=True):
        grey = looks[part_of(layer)].grey
        seen = shown & (grey >= 0)
        if layer.name != "inner":
            factors.append(plane[cut][seen])
            greys.append(grey[seen])
            shown = shown & ~seen
    middle = _middle(np.concatenate(factors), np.concatenate(greys), worn.source)
    low, high = np.float32(DARKEST / GAMMA), np.float32(BRIGHTEST / GAMMA)
    return tuple(np.clip(plane - np.float32(middle), low, high) for plane in planes)


def _middle(factor: F32, grey: F32, source: ClothSource) -> float:
    """Return what to take from all factors so that cloth of these luminances has the product's median."""
    if factor.size == 0:
        return 0.0
    step = max(1, min(source.alpha.shape) // 200)
    product = (source.rgb[::step, ::step] @ _GREY)[source.alpha[::step, ::step] > 0.9]
    darkest, brightest = main_tone(product)
    product = product[(product >= darkest) & (product <= brightest)]
    shown = (grey >= darkest) & (grey <= brightest)
    if shown.mean() > LEAST_SHOWN:
        factor, grey = factor[shown], grey[shown]
    wanted = float(np.median(product)) if product.size else float(np.median(grey))
    plain = float(np.median(factor))
    low, high = plain - MOST_SHIFT, plain + MOST_SHIFT
    for _ in range(7):
        middle = (low + high) / 2
        shaded = shade_cloth(np.repeat(grey[:, None, None] * 255, 3, axis=2), (factor - middle)[:, None])
        low, high = (middle, high) if float(np.median(shaded)) > wanted * 255 else (low, middle)
    return (low + high) / 2


def main_tone(grey: F32) -> tuple[float, float]:
    """Return the bounds of a garment's commonest tone: of stripes, sleeves of another colour or a print each shows as
    much of itself as the pose allows, so that a median over all of them says nothing of the light.

    Source: Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Trans. SMC 1979.
    """
    if grey.size == 0:
        return 0.0, 1.0
    levels = np.clip(grey * 255, 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels[None], 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dark = levels <= threshold
    if dark.all() or not dark.any() or np.median(grey[~dark]) - np.median(grey[dark]) < TWO_TONES:
        return 0.0, 1.0
    between = (threshold + 1) / 255  # levels are rounded down
    return (0.0, between) if dark.mean() > 0.5 else (between, 1.0)


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


def _shadows(body: Body, fields: BodyFields, layers: Layers, cloth: tuple[F32, F32]) -> _Shadows:
    """Return what hair, chin, arms and the garment itself shade. cloth: coverage of trunk and sleeves."""
    trunk, sleeves = cloth
    near, wide = 0.018 * body.size, 0.06 * body.size
    head = np.log(1 - HEAD_SHADOW * _contact(layers.head.alpha, near, wide))
    # At the shoulder a sleeve is sewn on: it lies in front of the side only below.
    hanging = np.clip((fields.depth / body.length - 0.02) / 0.22, 0.25, 1)
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
