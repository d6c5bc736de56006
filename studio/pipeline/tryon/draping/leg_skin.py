"""Bare legs where there was cloth: their silhouette continues the seen leg's, and so do their light, tone and grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Evidence
from studio.pipeline.tryon.draping.fill import draw_polygon
from studio.pipeline.tryon.draping.leg_forms import light_forms
from studio.pipeline.tryon.draping.legs import LegFields, Legs
from studio.pipeline.tryon.draping.plates import skin_tone
from studio.pipeline.tryon.draping.relief import LAST_LEG, limb_surface, load_relief, smoothstep
from studio.pipeline.tryon.draping.skin import (
    COARSE_SHARE,
    MOST_GAIN,
    MOST_TINT,
    PRIOR,
    SHADOW_REACH,
    add_sheen,
    develop,
    erode,
    expose,
    keep_own_colour,
    lay_texture,
    make_blotches,
    make_grain,
    measure_blotches,
    read_light,
    spread_film,
    weighted_blur,
)

LEG_LABELS = (Cihp.RIGHT_LEG, Cihp.LEFT_LEG)
LEAST_CELLS = 40
ENOUGH_LEG = 0.02
"""Seen skin of legs, in squared shoulder widths, from which on it says how they are lit."""
LEG_JOIN, JOIN_WIDTH = 0.22, 0.03
"""How far from an old hem the seen leg is brought to what is painted above it; how broad the differences evened out
are. In shoulder widths."""
BESIDE_LEG = 4
HEM_FADE = (0.015, 0.075)
"""Over this distance below an old hem, in shoulder widths, what is painted goes over into what is seen."""
LEG_SETTLE = 0.8
"""Distance, in shoulder widths, at which half of what the light does not explain is left."""
LIGHT_BOUNDS = (1.0, 99.0)
"""Painted legs are neither darker nor lighter than these percentiles of the seen ones."""
BRIGHTEST_SKIN = 226.0
MOST_OFF_HUE, MOST_OFF_LIGHT = 0.28, 0.75
"""How far, as logarithms, a limb's colour may be from the face's: in hue, and in light."""
ABOVE_HEM = 0.15
"""So far above the hem, in places on the leg, bare leg is painted too: a hem may be ragged or slit."""
_OLD = (*LOWER_BODY, Cihp.DRESS, Cihp.UPPER, Cihp.COAT, Cihp.SOCKS)


@dataclass(frozen=True, slots=True, eq=False)
class PaintedLegs:
    """A plate with both legs painted below the hems. coverage: of the legs. gain: factor on the photo beside them.

    removed: where the plate replaces the photo; next to an old hem it fades out over the seen skin, so that the two are
    one limb.
    """

    rgb: F32
    coverage: F32
    gain: F32 | None
    removed: F32


def paint_legs(
    plate: F32, evidence: Evidence, removed: F32, hems: tuple[float, float], where: tuple[Legs, LegFields]
) -> PaintedLegs:
    """Paint both legs below the hems into a plate, the far one first."""
    legs, fields = where
    shape = (evidence.alpha.shape[0], evidence.alpha.shape[1])
    drawn = [draw_leg(legs, number, hems[number] - ABOVE_HEM, shape) for number in (0, 1)]
    both = np.maximum(*drawn).astype(np.float32)
    box = _box((both * removed > 0.02) | np.isin(evidence.labels, LEG_LABELS), round(0.15 * legs.body.size))
    if box is None:
        return PaintedLegs(plate, both, None, removed)
    part = Evidence(evidence.rgb[box], evidence.alpha[box], evidence.labels[box], evidence.leak_free)
    own = LegFields(
        (fields.along[0][box], fields.along[1][box]), (fields.across[0][box], fields.across[1][box])
    )  # fmt: skip
    fade = _fade_at_hems(part, removed[box], (own, hems), legs.body.size)
    coverage = np.zeros(shape, np.float32)
    # Bare legs lie within what was clothed, but for the width of its own outline.
    beside = cv2.dilate(part.alpha, np.ones((2 * BESIDE_LEG + 1,) * 2, np.uint8))
    inside = np.float32(1.0) if evidence.leak_free else np.clip(beside * 1.5, 0, 1)
    for number in (0, 1):
        drawn[number] = drawn[number][box]
        drawn[number] = drawn[number] * inside
    coverage[box] = np.maximum(*drawn)
    if (coverage * removed).max() <= 0.02:
        return PaintedLegs(plate, coverage, None, removed)
    planes, gain = _paint_skin(part, removed[box], (legs, own), _leg_tone(evidence, removed < 0.01))
    rgb = plate.copy()
    near = 1 if legs.legs[1].points[2][1] > legs.legs[0].points[2][1] else 0
    for number in (1 - near, near):
        rgb[box] += (planes[number] - rgb[box]) * drawn[number][..., None]
    whole, joined = np.ones_like(plate), removed.copy()
    whole[box], joined[box] = gain, np.maximum(removed[box], fade)
    return PaintedLegs(rgb, coverage, whole, joined)


def _fade_at_hems(evidence: Evidence, removed: F32, which: tuple[LegFields, tuple[float, float]], size: float) -> F32:
    """Return, on seen skin, 1 next to an old hem that went higher, fading out below it."""
    fields, hems = which
    fade = np.zeros(evidence.labels.shape, np.float32)
    gap = _measure_gap(evidence.labels, size)
    ramp = (1 - smoothstep(gap, *HEM_FADE)).astype(np.float32)
    for number, label in enumerate(LEG_LABELS):
        bared = np.clip((fields.along[number] - hems[number]) / 0.05, 0, 1)
        # Beside the leg too, so that its outline goes over with it.
        leg = (evidence.labels == label) & (removed < 0.5)
        near = cv2.dilate(leg.astype(np.uint8), np.ones((2 * BESIDE_LEG + 1,) * 2, np.uint8)) > 0
        near &= (evidence.labels == label) | (evidence.labels == Cihp.BACKGROUND)
        fade = np.where(near, ramp * bared, fade)
    softened: F32 = cv2.GaussianBlur(fade.astype(np.float32), (0, 0), 0.8)
    return softened


def draw_leg(legs: Legs, number: int, first: float, shape: tuple[int, int]) -> F32:
    """Return the bare leg's coverage from a place on it down to the ankle."""
    left, right = legs.edges(np.linspace(max(0.0, first), 2.12, 90), number)
    return draw_polygon(np.concatenate([left, right[::-1]]), shape)


def _box(mask: Bool, margin: int) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def _paint_skin(evidence: Evidence, removed: F32, where: tuple[Legs, LegFields], tone: F32) -> tuple[list[F32], F32]:
    """Return the skin of both legs, everywhere, and the gain that joins the seen skin to it."""
    legs, fields = where
    size = legs.body.size
    labels, rgb = evidence.labels, evidence.rgb.astype(np.float32)
    step = max(1, round(COARSE_SHARE * size))
    coarse = (-(-labels.shape[1] // step), -(-labels.shape[0] // step))
    gap = _measure_gap(labels, size)
    core = _find_believable(labels, rgb, removed, gap)
    surfaces = [_read_surface(legs, fields, number, coarse) for number in (0, 1)]
    features = [surface for surface, _ in surfaces]
    hints = [forms for _, forms in surfaces]
    reduced = [_reduce(rgb, core * (labels == label), coarse) for label in LEG_LABELS]
    matt = [add_sheen(expose(np.exp(log)), plane, -1.0) for (log, _), plane in zip(reduced, features, strict=True)]
    seen = [(light, share) for light, (_, share) in zip(matt, reduced, strict=True)]
    weight = np.concatenate([share[share > 0.25] for _, share in seen])
    mean = np.concatenate([(light - hint)[share > 0.25] for (light, share), hint in zip(seen, hints, strict=True)])
    design = np.concatenate([plane[share > 0.25] for plane, (_, share) in zip(features, seen, strict=True)])
    enough = weight.sum() * step * step > ENOUGH_LEG * size**2
    middle, lamp = read_light(mean, design, weight) if enough else (expose(tone), PRIOR)
    bounds: F64 = np.percentile(mean.mean(axis=1), LIGHT_BOUNDS) if enough else expose(np.array([4.0, 250.0]))
    if not enough:  # in its light, a leg is on average as light as the skin that it is painted after
        inside = [np.abs(plane) < 1 for plane in (cv2.resize(own, coarse) for own in fields.across)]
        fallen = [(plane @ lamp + hint)[there] for plane, hint, there in zip(features, hints, inside, strict=True)]
        middle = middle - np.concatenate(fallen).mean(axis=0)
    smooth = []
    for (seen_light, share), plane, hint in zip(seen, features, hints, strict=True):
        model = middle + plane @ lamp
        model = model + _own_tone(seen_light - hint - model, share)
        model += (np.clip(model.mean(axis=2), *bounds) - model.mean(axis=2))[..., None]
        model = model + hint
        rest = np.where((share > 0.05)[..., None], seen_light - model, 0.0).astype(np.float32)
        if (share > 0.25).any():
            model = model + spread_film(rest, share, LEG_SETTLE * size / step)
        model = add_sheen(model, plane)
        smooth.append(np.log(np.maximum(develop(model), 4.0)).astype(np.float32))
    shape = (labels.shape[0], labels.shape[1])
    wavering = max(measure_blotches(light, share, size / step) for light, share in seen)
    texture = make_blotches(shape, size, wavering), make_grain(rgb, core, shape)
    planes = [lay_texture(np.exp(plane), *texture) for plane in smooth]
    return planes, _join(evidence, removed, gap, smooth, size / step)


def _own_tone(rest: F64, share: F32) -> F64:
    """Return how one leg differs from both: one stands in the other's shade, or farther from the lamp."""
    known = share > 0.25
    if known.sum() < LEAST_CELLS:
        return np.zeros(3)
    own: F64 = np.median(rest[known], axis=0)
    return own


def _measure_gap(labels: U8, size: float) -> F32:
    """Return how far skin lies from the cloth that ends it, in shoulder widths."""
    distance = cv2.distanceTransform((~np.isin(labels, _OLD)).astype(np.uint8), cv2.DIST_L2, 3)
    gap: F32 = (distance / size).astype(np.float32)
    return gap


def _find_believable(labels: U8, rgb: F32, removed: F32, gap: F32) -> F32:
    """Return where a leg's skin is as it is: no rim, no shadow of the old hem, nothing that is not skin."""
    legs = np.isin(labels, LEG_LABELS) & (removed < 0.01)
    below = legs & (gap > SHADOW_REACH)
    core = keep_own_colour(rgb, erode(below if below.sum() > 0.3 * legs.sum() else legs, 2))
    believable: F32 = core.astype(np.float32)
    return believable


def _reduce(rgb: F32, weight: F32, size: tuple[int, int]) -> tuple[F32, F32]:
    """Return the weighted mean colour (logarithmic) of every coarse cell, and its weight."""
    share = np.asarray(cv2.resize(weight.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    total = cv2.resize(rgb * weight[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    log: F32 = np.log(np.maximum(total / np.maximum(share, 1e-4)[..., None], 4.0)).astype(np.float32)
    return log, share


def _read_surface(legs: Legs, fields: LegFields, number: int, size: tuple[int, int]) -> tuple[F64, F64]:
    """Return a leg's surface on the coarse raster, and what its knee and shin add to the light, in exposure."""
    along, across = (
        np.asarray(cv2.resize(plane[number], size, interpolation=cv2.INTER_LINEAR), np.float64)
        for plane in (fields.along, fields.across)
    )
    chart, joints = load_relief().leg, legs.legs[number].points
    surface = limb_surface(chart, (np.minimum(along, LAST_LEG), -across), joints, number)
    return surface, light_forms(along, across, 1.0 if number == 0 else -1.0)


def _join(evidence: Evidence, removed: F32, gap: F32, smooth: list[F32], scale: float) -> F32:
    """Return the factor that takes the old hem's shadow off the skin below it: only what is broad is evened out."""
    labels = evidence.labels
    skin = np.isin(labels, LEG_LABELS)
    size = (smooth[0].shape[1], smooth[0].shape[0])
    inner = erode(skin & (removed < 0.02), 1).astype(np.float32)
    log, share = _reduce(evidence.rgb.astype(np.float32), inner, size)
    left = cv2.resize((labels == LEG_LABELS[0]).astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None] > 0.5
    difference = weighted_blur(np.where(left, *smooth) - log, share, max(0.8, JOIN_WIDTH * scale))
    difference = np.clip(difference, -MOST_GAIN, MOST_GAIN)
    middle = difference.mean(axis=2, keepdims=True)
    difference = middle + np.clip(difference - middle, -MOST_TINT, MOST_TINT)
    ramp = (1 - smoothstep(gap / LEG_JOIN, 0.25, 1.0)).astype(np.float32)
    ramp *= cv2.GaussianBlur(skin.astype(np.float32), (0, 0), 0.7)
    whole = cv2.resize(
        difference.astype(np.float32), (labels.shape[1], labels.shape[0]), interpolation=cv2.INTER_LINEAR
    )
    gain: F32 = np.exp(whole * ramp[..., None]).astype(np.float32)
    return gain


def _leg_tone(evidence: Evidence, free: Bool) -> F32:
    """Return the colour of the person's legs: of seen legs, else of arms and neck, else of the face.

    What is far from the face's own colour is a glove, a cuff or tights, whatever the parse map says.
    """
    rgb = evidence.rgb.astype(np.float32)
    groups = (LEG_LABELS, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.NECK), (Cihp.FACE,))
    pixels = [erode(np.isin(evidence.labels, labels) & free, 2) for labels in groups]
    tones = [skin_tone(rgb, mask) if mask.sum() > 200 else None for mask in pixels]
    face = tones[-1]
    for tone in tones:
        if tone is not None and (face is None or _is_like(tone, face)):
            # A hand in full light is no measure for legs, which are to be rounded by it.
            softened: F32 = tone * np.float32(min(1.0, BRIGHTEST_SKIN / float(tone.max())))
            return softened
    return skin_tone(rgb, np.zeros(free.shape, bool))


def _is_like(tone: F32, face: F32) -> bool:
    """Tell whether two colours can be one person's skin: of one hue, in light that differs."""
    ratio = np.log(np.maximum(tone, 4.0) / np.maximum(face, 4.0))
    return bool(np.ptp(ratio) < MOST_OFF_HUE and abs(float(ratio.mean())) < MOST_OFF_LIGHT)
