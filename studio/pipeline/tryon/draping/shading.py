"""The person's light: which way it falls on torso and arms, fitted to what the photo shows of skin and plain cloth.

Shading is handled as a logarithm of linear light, so that a material's own colour is a constant that drops out.
The body gives the normals (rounded trunk, limbs as cylinders); skin and plain old cloth give the light on them; what
plain old cloth shows beyond the model (a bust, a turned hip, the shade of hair) is kept as a smooth remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, AnyArray, Bool
from studio.domain.labels import Cihp
from studio.pipeline.planes import largest, summed
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.fill import fill_smoothly

COARSE = 4
"""Light varies slowly: it is estimated on every fourth working pixel."""
FLOOR = 0.015
"""Added to linear luminance before the logarithm: below it a camera sees noise and compression, not light."""
PRIOR = np.array([0.0, 0.10, 0.34])
"""Usual studio light: as much from both sides, a little from above, most from the front."""
PRIOR_SHARE = 0.015
"""Weight of the usual light against all that was seen."""
LEAST, MOST = np.array([-0.45, -0.05, 0.10]), np.array([0.45, 0.30, 0.55])
"""What a fitted light may be: beyond it something else than light was measured."""
REMAINDER = 0.22
"""The remainder beyond the model is bounded by this."""
ON_CLOTH = np.float32(1.25)
"""Matt cloth shades more than skin, whose own gleam brightens what turns away."""
SLEEVE_WIDER = 1.25
"""A sleeve is rounded over more than the bare arm."""

# How far the trunk's surface looks up, over depth below the shoulder line in shares of neck to hips.
_UP_AT = np.array([-0.35, -0.1, 0.05, 0.25, 0.40, 0.55, 0.75, 1.0, 1.3])
_UP = np.array([0.65, 0.55, 0.35, 0.22, 0.02, -0.16, -0.04, 0.04, -0.04])

_CLOTHES = ((Cihp.UPPER, Cihp.DRESS), (Cihp.COAT,), (Cihp.TROUSERS, Cihp.SKIRT))
_ARMS = (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)  # as the picture's left and right


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Unit normals on the coarse raster: right, up and towards the camera."""

    right: F32
    up: F32
    front: F32

    def lit(self, light: F64) -> F32:
        """Return the logarithm of the shading under a light `(right, up, front)`."""
        shading: F32 = (self.right * light[0] + self.up * light[1] + self.front * light[2]).astype(np.float32)
        return shading


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Pixels of one stuff (coarse raster): log luminance, where and how surely it is that stuff, its normals."""

    luminance: F32
    weight: F32
    surface: Surface


@dataclass(frozen=True, slots=True, eq=False)
class PersonLight:
    """The light on a person, coarse raster, logarithms of linear light.

    direction: fitted light. trunk, arms (picture's left, right): shading. remainder: smooth, 0 where nothing is known.
    """

    direction: F64
    trunk: F32
    arms: tuple[F32, F32]
    remainder: F32


def coarse(plane: F32) -> F32:
    """Return a plane of the working raster at the raster on which light is estimated."""
    height, width = plane.shape[:2]
    size = (max(2, -(-width // COARSE)), max(2, -(-height // COARSE)))
    reduced: F32 = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return reduced


def to_linear(rgb: F32) -> F32:
    """Return linear light 0..1 of sRGB 0..255, by the power that approximates the curve."""
    linear: F32 = np.power(np.clip(rgb, 0, 255) / np.float32(255), np.float32(2.2))
    return linear


def log_luminance(linear: F32) -> F32:
    """Return the logarithm of luminance, damped in the dark."""
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    logged: F32 = np.log(luminance + np.float32(FLOOR))
    return logged


def chroma(linear: F32) -> F32:
    """Return colour without brightness, `(h, w, 2)`, steady in the dark."""
    light = summed(linear) + np.float32(4 * FLOOR)
    shares: F32 = np.stack([linear[..., 0] / light, linear[..., 1] / light], axis=-1)
    return shares


def trunk_surface(body: Body, lateral: F32, depth: F32) -> Surface:
    """Return the normals of a rounded trunk at body coordinates."""
    half = np.where(lateral < 0, body.half_width(depth, -1), body.half_width(depth, 1)).astype(np.float32)
    share = np.clip(lateral / half, -1, 1)
    # Flatter in front than a circle: the chest turns away near the flanks.
    sideways = 0.97 * np.sign(share) * np.abs(share) ** 1.8
    up = np.interp(depth / body.length, _UP_AT, _UP).astype(np.float32)
    across = (body.across_top + body.across_hip) / 2
    return _surface(sideways * across[0], up - sideways * across[1])


def arm_surface(body: Body, number: int, along: F32, across: F32, wider: float = 1.0) -> Surface:
    """Return the normals of one arm, a bent cylinder."""
    steps = np.diff(body.arms[number].points, axis=0)
    steps = steps / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-6)[:, None]
    fore = np.clip((along - 0.85) / 0.3, 0, 1)
    right = -(steps[0, 1] * (1 - fore) + steps[1, 1] * fore)
    down = steps[0, 0] * (1 - fore) + steps[1, 0] * fore
    length = np.maximum(np.hypot(right, down), 1e-3)
    sideways = np.clip(across / wider, -0.97, 0.97)
    return _surface(sideways * right / length, -sideways * down / length)


def _surface(right: AnyArray, up: AnyArray) -> Surface:
    right, up = right.astype(np.float32), up.astype(np.float32)
    front = np.sqrt(np.maximum(1 - right * right - up * up, np.float32(0.04)))
    return Surface(right, up, front.astype(np.float32))


def fit_light(materials: Sequence[Material]) -> F64:
    """Return the light (right, up, front) that explains the materials' luminance; the usual one where none is seen.

    Robust least squares in logarithms: every material has a constant of its own, pixels that fit no light (a print, a
    fold, a wrong label) lose their weight.
    """
    rows, values, weights = [], [], []
    for number, material in enumerate(materials):
        chosen = material.weight > 0.3
        if chosen.sum() < 12:
            continue
        own = np.zeros((int(chosen.sum()), 3 + len(materials)))
        surface = material.surface
        own[:, 0], own[:, 1], own[:, 2] = surface.right[chosen], surface.up[chosen], surface.front[chosen]
        own[:, 3 + number] = 1.0
        rows.append(own)
        values.append(material.luminance[chosen].astype(np.float64))
        # A large piece of cloth may not outvote an arm: each says where its light comes from.
        own_weight = material.weight[chosen].astype(np.float64)
        weights.append(own_weight / np.sqrt(own_weight.sum()))
    if not rows:
        return PRIOR.copy()
    design, value, weight = np.concatenate(rows), np.concatenate(values), np.concatenate(weights)
    trust = np.ones_like(weight)
    solution = np.zeros(design.shape[1])
    for _ in range(5):
        solution = _ridge(design, value, weight * trust)
        miss = value - design @ solution
        spread = max(1.48 * float(np.median(np.abs(miss))), 0.03)
        trust = 1 / (1 + (miss / (1.5 * spread)) ** 2) ** 2
    bounded: F64 = np.clip(solution[:3], LEAST, MOST)
    return bounded


def _ridge(design: F64, value: F64, weight: F64) -> F64:
    prior = np.zeros(design.shape[1])
    prior[:3] = PRIOR
    pull = np.full(design.shape[1], 1e-6 * float(weight.sum()))
    pull[:3] = PRIOR_SHARE * float(weight.sum())
    normal = (design * weight[:, None]).T @ design + np.diag(pull)
    wanted = (design * weight[:, None]).T @ value + pull * prior
    solution: F64 = np.asarray(np.linalg.solve(normal, wanted), np.float64)
    return solution


@dataclass(frozen=True, slots=True, eq=False)
class Plainness:
    """Where a stretch of cloth is its own plain self. sure: 0..1 by pixel; share: of all its pixels, 0..1."""

    sure: F32
    share: float


def find_plain(luminance: F32, colour: F32, mask: Bool, reach: int) -> Plainness:
    """Tell plain cloth from its print, seams and buttons, and say how plain it is as a whole.

    luminance: logarithm. colour: see `chroma`. reach: pixels over which a fold's shade may change it.
    """
    if mask.sum() < 40:
        return Plainness(np.zeros_like(luminance), 0.0)
    centre = np.median(colour[mask], axis=0)
    off = largest(np.abs(colour - centre)) / 0.035
    # A print differs from what is around it by more than folds do.
    low, high = float(luminance[mask].min()), float(luminance[mask].max())
    levels = np.clip((luminance - low) / max(high - low, 1e-3) * 255, 0, 255)
    levels = np.where(mask, levels, np.median(levels[mask])).astype(np.uint8)
    around = cv2.medianBlur(levels, 2 * max(1, reach) + 1).astype(np.float32) / 255 * (high - low) + low
    step = np.abs(luminance - around) / 0.32
    whole = np.abs(luminance - np.median(luminance[mask])) / 0.95
    sure = np.clip(1.6 - np.maximum(np.maximum(off, step), whole), 0, 1) * mask
    return Plainness(sure.astype(np.float32), float(sure[mask].mean()))


def estimate_light(body: Body, evidence: Evidence, fields: BodyFields, removed: F32) -> PersonLight:
    """Return the light on torso and arms. removed: where the old garment stands and is replaced."""
    linear = to_linear(coarse(evidence.rgb.astype(np.float32)))
    luminance, colour = log_luminance(linear), chroma(linear)
    lateral, depth = coarse(fields.lateral), coarse(fields.depth)
    places = [(coarse(fields.along[n]), coarse(fields.across[n])) for n in (0, 1)]
    trunk = trunk_surface(body, lateral, depth)
    labels = evidence.labels[COARSE // 2 :: COARSE, COARSE // 2 :: COARSE]
    labels = cv2.copyMakeBorder(
        labels, 0, lateral.shape[0] - labels.shape[0], 0, lateral.shape[1] - labels.shape[1], cv2.BORDER_REPLICATE
    )
    skin = [
        Material(luminance, _skin(labels == label, colour, places[n]), arm_surface(body, n, *places[n]))
        for n, label in enumerate(_ARMS)
    ]
    cloth: list[Material] = []
    if not evidence.leak_free:
        cloth = _clothes(body, luminance, colour, labels, (lateral, depth), places)
    direction = fit_light([*skin, *cloth])
    arms = [ON_CLOTH * arm_surface(body, n, *places[n], SLEEVE_WIDER).lit(direction) for n in (0, 1)]
    rest = _remainder(cloth, direction, coarse(removed), body.size / COARSE)
    return PersonLight(direction, ON_CLOTH * trunk.lit(direction), (arms[0], arms[1]), rest)


def _skin(mask: Bool, colour: F32, place: tuple[F32, F32]) -> F32:
    """Return how surely a pixel is plain skin of an arm: not its rim, no hand, no sleeve's shadow."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inner &= (np.abs(place[1]) < 0.95) & (place[0] > 0.1) & (place[0] < 1.9)
    if inner.sum() < 12:
        return np.zeros(mask.shape, np.float32)
    off = largest(np.abs(colour - np.median(colour[inner], axis=0))) / 0.05
    sure: F32 = (np.clip(1.5 - off, 0, 1) * inner).astype(np.float32)
    return sure


def _clothes(
    body: Body, luminance: F32, colour: F32, labels: U8, trunk: tuple[F32, F32], places: list[tuple[F32, F32]]
) -> list[Material]:
    """Return the plain clothes that are worn in the photo, each on the trunk and on both arms."""
    surfaces = [trunk_surface(body, *trunk)]
    surfaces += [arm_surface(body, n, *places[n], SLEEVE_WIDER) for n in (0, 1)]
    on_arm = [_on_arm(body, trunk, places[n]) for n in (0, 1)]
    areas = [~on_arm[0] & ~on_arm[1], on_arm[0], on_arm[1] & ~on_arm[0]]
    found = []
    for group in _CLOTHES:
        worn = cv2.erode(np.isin(labels, group).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        plain = find_plain(luminance, colour, worn, round(0.14 * body.size / COARSE))
        trust = float(np.clip((plain.share - 0.55) / 0.25, 0, 1))
        if trust == 0:
            continue
        surface = Surface(*(np.select(areas, planes) for planes in _planes(surfaces)))
        found.append(Material(luminance, plain.sure * trust, surface))
    return found


def _planes(surfaces: list[Surface]) -> list[list[F32]]:
    return [[s.right for s in surfaces], [s.up for s in surfaces], [s.front for s in surfaces]]


def _on_arm(body: Body, trunk: tuple[F32, F32], place: tuple[F32, F32]) -> Bool:
    """Return where cloth lies on an arm rather than on the trunk."""
    half = np.where(trunk[0] < 0, body.half_width(trunk[1], -1), body.half_width(trunk[1], 1))
    beside: Bool = (np.abs(place[1]) < 1.6) & (place[0] > 0.1)
    return beside & (np.abs(place[1]) < 1.6 * np.abs(trunk[0]) / np.maximum(half, 1.0))


def _remainder(cloth: list[Material], direction: F64, removed: F32, size: float) -> F32:
    """Return what plain cloth shows beyond the model, smooth, fading out where nothing is known."""
    if not cloth:
        return np.zeros_like(removed)
    total, known = np.zeros_like(removed), np.zeros_like(removed)
    for material in cloth:
        weight = material.weight * (removed > 0.5)
        if weight.sum() < 20:
            continue
        beyond = material.luminance - material.surface.lit(direction)
        beyond = beyond - np.float32(np.median(beyond[weight > 0.3])) if (weight > 0.3).any() else beyond * 0
        total += np.clip(beyond, -0.7, 0.7) * weight
        known += weight
    if not known.any():
        return np.zeros_like(removed)
    mean = total / np.maximum(known, 1e-4)
    filled = fill_smoothly(np.dstack([mean, np.ones_like(mean)]).astype(np.float32), np.clip(known, 0, 1) + 1e-6)
    smooth = cv2.GaussianBlur(filled[..., 0], (0, 0), 0.07 * size)
    away = cv2.distanceTransform((known < 0.2).astype(np.uint8), cv2.DIST_L2, 5)
    trust = cv2.GaussianBlur(np.exp(-away / (0.12 * size)).astype(np.float32), (0, 0), 0.05 * size)
    bounded: F32 = (REMAINDER * np.tanh(smooth / REMAINDER) * trust).astype(np.float32)
    return bounded
