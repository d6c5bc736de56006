"""Skin where there was cloth: the person's own tone, light and grain, continued from the skin that is seen.

The light is read first: how the seen skin's brightness follows the body's roundness and the chin's shadow. What the
light does not explain is the tone, which goes on as a membrane from everything seen and settles to the person's mean.
All of it is smooth and made on a coarse raster; the grain comes from a patch of the person's own skin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.relief import arm_surface, reduce_plane, smoothstep, trunk_surface

OLD_GARMENT = (Cihp.UPPER, Cihp.COAT, Cihp.DRESS, Cihp.SCARF)
COARSE_SHARE = 1 / 72
"""The coarse raster's pixel, in shoulder widths."""
SHADOW_REACH, COLLAR_SHADOW = 0.075, 0.035
"""How far below an old sleeve and collar their shadow (of a white collar: its shine) lies on the skin, in shoulder
widths."""
CUFF_SHADOW, HAND_SHARE = 0.03, 0.25
"""The same below a cuff, where so little of an arm would be left that only its hand is seen."""
ARM_JOIN, NECK_JOIN = 0.20, 0.07
"""How far from an old sleeve and collar the seen skin is brought to what is painted beside it, fading out."""
JOIN_WIDTHS = (0.03, 0.012)
"""How broad, in shoulder widths, the differences are that are evened out on arms and neck: a collar shines narrowly."""
OWN_LIGHT = 0.15
"""How broadly, likewise, an arm's own light is read beyond that."""
MOST_GAIN, MOST_TINT = 0.3, 0.06
"""The most (log) that seen skin is changed in light and colour: an old sleeve's shadow is not deeper."""
SETTLE = 0.55
"""Distance, in shoulder widths, at which half of a tone seen has gone over into the person's mean."""
HUES = np.array([0.93, 1.0, 1.07])
"""What a shadow is worth per channel, in exposure: on skin it is redder than the light. Measured on bare arms of a
dozen people, fair and dark; in exposure they agree."""
PRIOR = np.array([0.08, -0.2, 0.75, -0.55, 0.5])[:, None] * HUES
"""Light before any skin is looked at: what (across, down, towards us, chin, sky) are worth in exposure per channel.
Measured likewise, but for the second: light comes from above."""
PRIOR_WEIGHT = np.array([0.03, 0.10, 0.06, 0.05, 0.03])
"""How many shares of all seen skin the prior is worth, per feature."""
BOUND = np.array([0.5, 0.4, 0.5, 0.5, 0.5])
"""How far the light read may be from the prior."""
SHEEN, SHEEN_WIDTH, SHEEN_MEAN = 0.1, 6, 0.5
"""How much light skin's surface throws back, how narrowly, and what of it is in a person's tone already."""
TOWARDS_LAMP = np.array([0.1, -0.4, 0.91])
"""Where the gloss lies: above."""
FULL_WELL, EXPOSED = 256.0, (4.0, 252.0)
"""The value that no light reaches, and between which values an exposure can be told."""
BLOTCH_SIZES, BLOTCH_SHARES = (0.009, 0.02, 0.045), (0.5, 0.9, 0.7)
"""Over which lengths, in shoulder widths, skin's tone wavers, and how much over each: measured on bare arms."""
BLOTCHES = (0.01, 0.026)
"""The least and most that it does, in exposure."""
LEAST_BLOTCHES = 200
"""From so many cells of seen skin its unevenness is known."""
CHEST = -0.05
"""Below this depth, in shoulder widths, a neck's skin is the chest's."""
WRIST = 1.9
"""Below this place on an arm is its hand."""
LIMBS_ENOUGH, HEAD_DOUBT = 0.4, (15.0, 15.0, 15.0, 1.0, 15.0)
"""From this share of limbs in the seen skin on the light is read as it is. A head alone is curved by nose and cheeks,
not as a trunk is: then the prior counts this often, but for the chin's shadow."""
CHROMA_FREEDOM = (0.02, 0.12)
"""How far (log ratio of channels) painted skin may lie from the middle of all seen skin: by a head alone, by limbs."""
_PART_COUNTS = (1.0, 0.25, 1.0)
"""What face, neck and limbs count for the middle: the throat lies in the chin's shadow, lit by skin, and is more
saturated than any other part."""
LIGHT_RANGE = ((10.0, 85.0), (1.0, 99.5))
"""Between these percentiles of the seen skin's light the painted skin's lies: by a head alone, by limbs."""
FACING = 0.02
"""How much lighter (exposure) than the middle of a head's skin the arms' may be: measured on a dozen people."""
DEFAULT_TONE = (196.0, 154.0, 132.0)
_FILM_STEPS = 10
FACE_WEIGHT = 0.3
"""A face is made up and lit by itself: it counts for less than the body's skin while there is some."""
HAND_WEIGHT = 0.05
"""What hands count for the tone of the rest: of a dozen people's arms the face told the colour, the fingers did not."""
NAVEL = 0.74
"""The navel's depth in shares of neck to hips."""
_CHROMA_LIMITS = (0.06, 0.14)
"""How far (log ratio of channels) skin may be from the person's usual colour: hair and cloth are farther."""
_NOWHERE_NEAR = 10.0
_ARM_LABELS = (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)
_BODY_SKIN = (Cihp.NECK, *_ARM_LABELS)
PlacesOnArms = Callable[[tuple[int, int]], list[tuple[F32, F64]]]


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """Painted skin on the working raster, float32 0..255. trunk: neck to hips; arms: the picture's left and right.

    gain: factor `(h, w, 3)` on the photo that brings the skin seen beside the old garment to what is painted there.
    """

    trunk: F32
    arms: tuple[F32, F32]
    gain: F32


def expose(rgb: F32 | F64) -> F64:
    """Return the logarithm of the light behind values 0..255, as film records it: the brighter, the flatter.

    Equal steps of light are equal steps of it on fair and on dark skin and in all channels. On values they are not: a
    fair skin's red hardly falls where its blue does, so its shadows are redder, and a dark skin's contrast is twice as
    large.
    """
    light: F64 = np.log(-np.log1p(-np.clip(np.asarray(rgb, np.float64), *EXPOSED) / FULL_WELL))
    return light


def develop(light: F32 | F64) -> F64:
    """Return the values 0..255 of exposures; the inverse of `expose`."""
    values: F64 = -FULL_WELL * np.expm1(-np.exp(np.asarray(light, np.float64)))
    return values


def paint_skin(
    body: Body, fields: BodyFields, evidence: Evidence, removed: F32, waist: float, places: PlacesOnArms
) -> Skin:
    """Paint the whole body's skin. removed: where the old garment stood. waist: depth of the lower garment's edge.

    places: of a raster `(h, w)`, along each arm and between its edges.
    """
    shape = fields.shape
    step = max(1, round(COARSE_SHARE * body.size))
    size = (-(-shape[1] // step), -(-shape[0] // step))
    rgb = evidence.rgb.astype(np.float32)
    gap = measure_gap(body, fields, evidence.labels, shadow=not evidence.leak_free)
    core = find_believable(body, evidence, gap, removed) * _trust_hands(fields, evidence.labels)
    weight = np.asarray(cv2.resize(core, size, interpolation=cv2.INTER_AREA), np.float32)
    total = cv2.resize(rgb * core[..., None], size, interpolation=cv2.INTER_AREA)
    labels = np.asarray(cv2.resize(evidence.labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    trunk = trunk_surface(body, fields, labels, size)
    on_arms = places((size[1], size[0]))
    arms = [arm_surface(body, place, number, trunk) for number, place in enumerate(on_arms)]
    own = trunk
    for arm, label in zip(arms, _ARM_LABELS, strict=True):
        own = np.where((labels == label)[..., None], arm, own)
    mean = add_sheen(expose(total / np.maximum(weight, 1e-4)[..., None]), own, -1.0)
    known = weight > 0.25
    # A hand is no tube: what it says of the light is no more than what a head says.
    forearms = [(labels == label) & (place[0] < WRIST) for place, label in zip(on_arms, _ARM_LABELS, strict=True)]
    chest = find_chest(body, fields, evidence.labels)
    bare_chest = cv2.resize(chest.astype(np.uint8), size) > 0
    limbs = (forearms[0] | forearms[1] | bare_chest)[known] * weight[known]
    share = min(1.0, float(limbs.sum() / max(weight[known].sum(), 1e-6)) / LIMBS_ENOUGH)
    tone, light = read_light(mean[known].astype(np.float32), own[known], weight[known], share)
    seen = read_range(rgb, evidence.labels, chest, removed, share)
    # Skin that is seen is skin in its light, not as it were facing us: ranges are of that. A head is no limb: arms are,
    # on average, as light as it is.
    on_limbs = np.concatenate([arm[np.abs(place[1]) < 1] for arm, place in zip(arms, on_arms, strict=True)])
    usual = (1 - share) * (on_limbs @ light).mean(axis=0) if len(on_limbs) else np.zeros(3)
    if share > 0:
        usual = usual + share * np.average(own[known] @ light, axis=0, weights=weight[known])
    if seen is not None:
        above = float((tone + usual).mean() - expose(np.exp(seen.middle)))
        tone = tone - max(0.0, above - FACING) * (1 - share)
    rest = np.where((weight > 0.05)[..., None], mean - tone - own @ light, 0.0).astype(np.float32)
    base = spread_film(rest, weight, SETTLE * body.size / step) + tone
    if seen is not None:  # its own tone is within what is seen, whatever light falls on it
        base = expose(np.exp(seen.limit(np.log(develop(base + usual)).astype(np.float32)))) - usual
    grain = make_grain(rgb, core, shape)
    wavering = measure_blotches(mean, weight, body.size / step)
    blotches = make_blotches(shape, body.size, wavering)
    hints = _body_hints(body, fields, size, waist)[..., None] * HUES
    smooth, planes = [], []
    # No cell of the coarse raster that the chin ends in is painted as the lit face.
    throat = trunk_surface(body, fields, labels, size, behind_face=True)
    for surface, extra in ((throat, hints), (arms[0], 0.0), (arms[1], 0.0)):
        matt = base + surface @ light + extra
        lit: F32 = develop(add_sheen(matt, surface)).astype(np.float32)
        smooth.append(np.log(np.maximum(lit, 4.0)).astype(np.float32))
        planes.append(lay_texture(lit, blotches, grain))
    gain = _join(evidence, gap, removed, (smooth, labels), body.size / step)
    return Skin(planes[0], (planes[1], planes[2]), gain)


def add_sheen(light: F64, features: F64, share: float = 1.0) -> F64:
    """Return skin's exposures with the gloss of its surface: white, and as bright on dark skin as on fair.

    share: -1 takes it off again, of skin that is seen.
    """
    facing = np.clip(features[..., :3] @ TOWARDS_LAMP + TOWARDS_LAMP[2], 0.0, 1.0)
    gloss = share * SHEEN * (facing**SHEEN_WIDTH - SHEEN_MEAN)
    shining: F64 = np.log(np.maximum(np.exp(light) + gloss[..., None], 0.5 * np.exp(light)))
    return shining


def measure_blotches(light: F64, weight: F32, scale: float) -> float:
    """Return how much a person's skin wavers in tone, in exposure. scale: the raster's shoulder width."""
    plain = np.where(weight[..., None] > 0.9, light, 0.0).astype(np.float32)
    sure = (weight > 0.9).astype(np.float32)
    near, wide = (weighted_blur(plain, sure, share * scale) for share in BLOTCH_SIZES[1:])
    wavering = (near - wide).mean(axis=2)[sure > 0]
    if len(wavering) < LEAST_BLOTCHES:
        return BLOTCHES[1]
    return float(np.clip(np.median(np.abs(wavering)), *BLOTCHES))


def make_blotches(shape: tuple[int, int], size: float, depth: float) -> F32:
    """Return the faint unevenness of skin's tone, in exposure. size: the shoulder width on the raster."""
    rng = np.random.default_rng(11)
    half = (-(-shape[0] // 2), -(-shape[1] // 2))
    total = np.zeros(half, np.float32)
    for length, share in zip(BLOTCH_SIZES, BLOTCH_SHARES, strict=True):
        noise = rng.standard_normal(half).astype(np.float32)
        soft = cv2.GaussianBlur(noise, (0, 0), max(0.6, length * size / 2))
        total += np.float32(depth * share / max(float(soft.std()), 1e-6)) * soft
    return np.asarray(cv2.resize(total, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def lay_texture(lit: F32, blotches: F32, grain: F32) -> F32:
    """Return smooth skin, 0..255 on a coarse raster, with its unevenness (exposure) and grain (log) at full size."""
    size = (grain.shape[1], grain.shape[0])
    left = 1 - np.clip(lit, *EXPOSED) / np.float32(FULL_WELL)
    # By how much values follow a small step of light.
    slope = (-np.float32(FULL_WELL) * left * np.log(left)).astype(np.float32)
    plain, follows = (cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC) for plane in (lit, slope))
    textured: F32 = plain * (1 + grain)[..., None] + follows * blotches[..., None]
    return np.clip(textured, 0.0, 255.0, out=textured)


def _join(evidence: Evidence, hem: F32, removed: F32, painted: tuple[list[F32], U8], scale: float) -> F32:
    """Return the factor that takes the old garment's shadow and bleed off the skin beside it.

    Only broad differences are evened out: pores, moles and hairs stay the photo's own. hem: see `measure_gap`.
    scale: shoulder width on the coarse raster.
    """
    smooth, coarse_labels = painted
    size = (coarse_labels.shape[1], coarse_labels.shape[0])
    labels = evidence.labels
    skin = np.isin(labels, _BODY_SKIN)
    # The rim bleeds: what is broad is measured a little away from it, and carried on under the rim's soft edge.
    inner = erode(skin & (removed < 0.02), 1).astype(np.float32)
    share = cv2.resize(inner, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(evidence.rgb.astype(np.float32) * inner[..., None], size, interpolation=cv2.INTER_AREA)
    log = np.log(np.maximum(total / np.maximum(share, 1e-4)[..., None], 4.0))
    model = smooth[0]
    for plane, label in zip(smooth[1:], _ARM_LABELS, strict=True):
        model = np.where((coarse_labels == label)[..., None], plane, model)
    on_arm, on_neck = (weighted_blur(model - log, share, max(0.8, width * scale)) for width in JOIN_WIDTHS)
    away = share * (cv2.resize(hem, size, interpolation=cv2.INTER_AREA) > NECK_JOIN)
    gap = on_neck - find_own_light(model - log, away * (coarse_labels == Cihp.NECK))
    far = share * (cv2.resize(hem, size, interpolation=cv2.INTER_AREA) > ARM_JOIN)
    for label in _ARM_LABELS:  # what an arm differs by far from its sleeve too is its own light, and no shadow
        own = coarse_labels == label
        rest = weighted_blur(model - log, far * own, OWN_LIGHT * scale).mean(axis=2, keepdims=True)
        shade = np.clip(rest, 0.0, np.maximum(on_arm.mean(axis=2, keepdims=True), 0.0))
        gap = np.where(own[..., None], on_arm - shade, gap)
    gap = np.clip(gap, -MOST_GAIN, MOST_GAIN)
    middle = gap.mean(axis=2, keepdims=True)
    gap = middle + np.clip(gap - middle, -MOST_TINT, MOST_TINT)
    arm = np.isin(labels, _ARM_LABELS)
    reach = np.where(arm, ARM_JOIN, NECK_JOIN)
    ramp = 1 - smoothstep(hem / reach, 0.35, 1.0)
    ramp = (cv2.GaussianBlur(skin.astype(np.float32), (0, 0), 0.7) * ramp).astype(np.float32)
    whole = cv2.resize(gap.astype(np.float32), (labels.shape[1], labels.shape[0]), interpolation=cv2.INTER_LINEAR)
    gain: F32 = np.exp(whole * ramp[..., None]).astype(np.float32)
    return gain


def find_own_light(rest: F32, away: F32) -> F32:
    """Return what skin beside a collar differs by (log, one channel, at most 0) from painted skin without its doing.

    rest: painted less seen skin. away: how far each cell is skin beyond the collar's reach. Where skin is lighter than
    painted there too, that is its own light, no collar's shine: painted skin goes out from it.
    """
    own: F32 = np.minimum(spread_film(rest, away, np.inf).mean(axis=2, keepdims=True), 0.0)
    return own


def weighted_blur(values: F32, weight: F32, sigma: float) -> F32:
    """Return a Gaussian mean in which every pixel counts by its weight."""
    total = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma)
    blurred: F32 = (total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)[..., None]).astype(np.float32)
    return blurred


def find_believable(body: Body, evidence: Evidence, gap: F32, removed: F32) -> F32:
    """Return how far each pixel is skin as it is: no rim, no shadow of the old garment, no jewel, no strand of hair."""
    labels, rgb = evidence.labels, evidence.rgb.astype(np.float32)
    free = removed < 0.01
    arms = np.zeros(labels.shape, bool)
    for label in _ARM_LABELS:
        arm = (labels == label) & free
        below = arm & (gap > SHADOW_REACH)
        arms |= below if below.sum() > HAND_SHARE * arm.sum() else arm & (gap > CUFF_SHADOW)
    neck = (labels == Cihp.NECK) & free & (gap > COLLAR_SHADOW)
    skin = keep_own_colour(rgb, erode(arms | neck, 2))
    face = erode((labels == Cihp.FACE) & free, 4)
    enough = skin.sum() > 0.015 * body.size**2
    if not enough:
        skin = keep_own_colour(rgb, erode((arms | neck) & free, 1))
    core = np.where(face, FACE_WEIGHT if enough else 1.0, 0.0)
    core = np.where(keep_own_colour(rgb, face | skin), core, 0.0)
    return np.maximum(core, skin.astype(np.float64)).astype(np.float32)


def _trust_hands(fields: BodyFields, labels: U8) -> F32:
    """Return what seen skin counts for beyond its own place: fingers are redder than the arms, of which hardly more is
    seen; if there is a face, that says more.
    """
    arms = np.isin(labels, _ARM_LABELS)
    hands = arms & (np.maximum(*fields.along) > WRIST)
    if 2 * hands.sum() < arms.sum() or (labels == Cihp.FACE).sum() < hands.sum():
        return np.ones(labels.shape, np.float32)
    return np.where(hands, np.float32(HAND_WEIGHT), np.float32(1.0))


def find_hem(fields: BodyFields, labels: U8, number: int) -> float | None:
    """Return where on an arm its seen skin begins (0 shoulder .. 2 wrist); None where none is seen."""
    arm = (labels == _ARM_LABELS[number]) & (np.abs(fields.across[number]) < 1.5)
    return float(np.percentile(fields.along[number][arm], 5)) if arm.sum() >= 20 else None


def find_sleeve(fields: BodyFields, labels: U8, number: int) -> Bool:
    """Return the old sleeve above an arm's seen skin; cloth of the trunk beside the arm is not part of it."""
    along, across = fields.along[number], fields.across[number]
    hem = find_hem(fields, labels, number)
    if hem is None:
        return np.zeros(labels.shape, bool)
    sleeve: Bool = np.isin(labels, OLD_GARMENT) & (along < hem + 0.12) & (np.abs(across) < 1.6)
    return sleeve


def measure_gap(body: Body, fields: BodyFields, labels: U8, *, shadow: bool = True) -> F32:
    """Return how far seen skin lies from the hem that ends it, in shoulder widths: the old sleeve's, the collar's.

    shadow: what ends it throws one; a mask does not, and lies nowhere near.
    """
    if not shadow:
        return np.full(labels.shape, np.float32(_NOWHERE_NEAR))
    gap = cv2.distanceTransform((~np.isin(labels, OLD_GARMENT)).astype(np.uint8), cv2.DIST_L2, 3)
    for number, label in enumerate(_ARM_LABELS):
        sleeve = find_sleeve(fields, labels, number)
        distance = cv2.distanceTransform((~sleeve).astype(np.uint8), cv2.DIST_L2, 3) if sleeve.any() else 10 * body.size
        gap = np.where(labels == label, distance, gap)
    measured: F32 = (gap / body.size).astype(np.float32)
    return measured


def erode(mask: Bool, radius: int) -> Bool:
    """Return a mask less a rim; the picture's edge is no rim."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    eroded: Bool = cv2.erode(mask.astype(np.uint8), kernel, borderValue=1) > 0
    return eroded


def keep_own_colour(rgb: F32, mask: Bool) -> Bool:
    """Return the part of a mask whose colour is its usual one."""
    pixels = rgb[mask]
    if len(pixels) < 30:
        return mask
    chroma = _chroma(pixels)
    middle = np.median(chroma, axis=0)
    spread = 1.48 * np.median(np.abs(chroma - middle), axis=0)
    tone = float(np.median(pixels.mean(axis=1)))
    light = pixels.mean(axis=1)
    limit = np.clip(2.7 * spread, *_CHROMA_LIMITS)
    good = (np.abs(chroma - middle) < limit).all(axis=1) & (light > 0.45 * tone) & (light < 1.6 * tone)
    chosen = mask.copy()
    chosen[mask] = good
    return chosen


def _chroma(pixels: F32) -> F32:
    log = np.log(np.maximum(pixels, 4.0))
    chroma: F32 = np.stack([log[..., 0] - log[..., 1], log[..., 1] - log[..., 2]], -1)
    return chroma


@dataclass(frozen=True, slots=True, eq=False)
class SkinRange:
    """What the person's seen skin is like, logarithmic. chroma: the middle of (red over green, green over blue), and
    how far painted skin may be from it. light: least and most. middle: the middle light.
    """

    chroma: F64
    freedom: float
    light: tuple[float, float]
    middle: float

    def limit(self, plane: F32) -> F32:
        """Return painted colours (logarithmic) brought into the range."""
        away = np.stack([plane[..., 0] - plane[..., 1], plane[..., 1] - plane[..., 2]], -1) - self.chroma
        # Bent, not cut: a gradient stays one.
        near = self.chroma + self.freedom * np.tanh(away / self.freedom)
        light = np.clip(plane.mean(axis=2), *self.light)
        red, blue = near[..., 0], near[..., 1]
        limited: F32 = np.stack(
            [light + (2 * red + blue) / 3, light + (blue - red) / 3, light - (red + 2 * blue) / 3], -1
        ).astype(np.float32)
        return limited


def find_chest(body: Body, fields: BodyFields, labels: U8) -> Bool:
    """Return the trunk's skin that is seen, below the throat: its tone is the arms', as a face's and throat's are not.

    Of a dozen people's arms the chest told the hue twice as well as the face did.
    """
    chest: Bool = (labels == Cihp.NECK) & (fields.depth > CHEST * body.size)
    return chest


def read_range(rgb: F32, labels: U8, chest: Bool, removed: F32, limbs: float) -> SkinRange | None:
    """Return the range of all skin that is seen, highlights and make-up included; None where hardly any is.

    limbs: 0..1, how much the limbs say. Parts count by the root of their area: two hands are as good as a throat.
    """
    free = removed < 0.01
    masks = (labels == Cihp.FACE, (labels == Cihp.NECK) & ~chest, np.isin(labels, _ARM_LABELS) | chest)
    parts = [erode(mask & free, 2) for mask in masks]
    pixels = [np.maximum(rgb[part], 4.0) for part in parts]
    if sum(map(len, pixels)) < 200:
        return None
    shares = [
        np.full(len(part), count / max(len(part), 1) ** 0.5) for part, count in zip(pixels, _PART_COUNTS, strict=True)
    ]
    values, weight = np.concatenate(pixels), np.concatenate(shares)
    chroma, light = _chroma(values), np.log(values).mean(axis=1)
    middle = np.array([_percentile(row, weight, 50) for row in chroma.T])
    ends = np.array(LIGHT_RANGE[0]) * (1 - limbs) + np.array(LIGHT_RANGE[1]) * limbs
    least, most = (_percentile(light, weight, float(at)) for at in ends)
    freedom = float(np.interp(limbs, [0, 1], CHROMA_FREEDOM))
    return SkinRange(middle, freedom, (least, most), _percentile(light, weight, 50))


def _percentile(values: F32, weight: F64, at: float) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order[int(np.searchsorted(total, at / 100 * total[-1]))]])


def read_light(seen: F32, features: F64, weight: F32, limbs: float = 1.0) -> tuple[F64, F64]:
    """Return tone (3) and light (features, 3), both in exposure, from cells of seen skin.

    seen: exposure of their colour `(n, 3)`. limbs: 0 for a head alone, 1 where limbs are seen. Robust least squares
    with a prior; a few cells leave the prior as it is.
    """
    if weight.sum() < 6:
        return expose(np.array(DEFAULT_TONE)), PRIOR.copy()
    trust = weight.astype(np.float64)
    prior_weight = PRIOR_WEIGHT * np.array(HEAD_DOUBT) ** (1 - limbs)
    tone, light = expose(np.array(DEFAULT_TONE)), PRIOR.copy()
    for _ in range(4):
        total = trust.sum()
        design = np.concatenate([np.ones((len(features), 1)), features], axis=1)
        normal = design.T @ (design * trust[:, None])
        right = design.T @ (seen * trust[:, None])
        pull = np.concatenate([[0.0], prior_weight * total])
        normal += np.diag(pull)
        right += pull[:, None] * np.concatenate([np.zeros((1, 3)), PRIOR])
        solved = np.linalg.solve(normal, right)
        light = np.clip(solved[1:], PRIOR - BOUND[:, None], PRIOR + BOUND[:, None])
        tone = (trust[:, None] * (seen - features @ light)).sum(axis=0) / total
        error = (seen - tone - features @ light).mean(axis=1)
        trust = weight / (1 + (error / 0.2) ** 2)
    return tone, light


def spread_film(rest: F32, weight: F32, settle: float) -> F32:
    """Continue what is known as a soap film would, coarse to fine; far from all of it nothing is left."""
    known = np.clip(weight * 2, 0, 1).astype(np.float32)
    total = cv2.GaussianBlur(rest * known[..., None], (0, 0), 1.5)
    share = cv2.GaussianBlur(known, (0, 0), 1.5)[..., None]
    calm = (total / np.maximum(share, 1e-4)).astype(np.float32)
    levels = [(calm, known)]
    while min(levels[-1][1].shape) > 8:
        value, trust = levels[-1]
        size = ((trust.shape[1] + 1) // 2, (trust.shape[0] + 1) // 2)
        less = cv2.resize(trust, size, interpolation=cv2.INTER_AREA)
        mixed = cv2.resize(value * trust[..., None], size, interpolation=cv2.INTER_AREA)
        levels.append(((mixed / np.maximum(less, 1e-4)[..., None]).astype(np.float32), np.minimum(less * 2, 1)))
    film = np.zeros_like(levels[-1][0])
    for value, trust in reversed(levels):
        film = cv2.resize(film, (trust.shape[1], trust.shape[0]), interpolation=cv2.INTER_LINEAR)
        for _ in range(_FILM_STEPS):
            film = trust[..., None] * value + (1 - trust[..., None]) * cv2.GaussianBlur(film, (5, 5), 1.2)
    distance = cv2.distanceTransform((known < 0.3).astype(np.uint8), cv2.DIST_L2, 5)
    left: F32 = (film / (1 + (distance / settle) ** 2)[..., None]).astype(np.float32)
    return left


def _body_hints(body: Body, fields: BodyFields, size: tuple[int, int], waist: float) -> F64:
    """Return what collarbones, throat, the trunk's middle line and the navel do to the light, in exposure."""
    x = np.abs(reduce_plane(fields.lateral, size)) / body.size
    y = reduce_plane(fields.depth, size) / body.size

    def ridge(offset: F64, width: float) -> F64:
        line: F64 = np.exp(-0.5 * (offset / width) ** 2)
        return line

    bone = y + 0.03 + 0.16 * (x - 0.04)
    reach = smoothstep(x, 0.02, 0.09) * (1 - smoothstep(x, 0.28, 0.40))
    collar = reach * (0.05 * ridge(bone, 0.02) - 0.09 * ridge(bone + 0.05, 0.028) - 0.05 * ridge(bone - 0.04, 0.022))
    throat = -0.12 * ridge(x, 0.038) * ridge(y + 0.04, 0.034)
    middle = -0.04 * ridge(x, 0.04) * smoothstep(y, 0.03, 0.15) * (1 - smoothstep(y, 0.4, 0.7))
    # The belly: its middle line, and the navel where it stands clear of the waistband.
    length = body.length / body.size
    belly = -0.07 * ridge(x, 0.04) * smoothstep(y / length, 0.42, 0.56) * (1 - smoothstep(y / length, 0.7, 0.85))
    if waist / body.size > NAVEL * length + 0.1:
        below = y - NAVEL * length
        hollow = -0.45 * ridge(x, 0.012) * ridge(below, 0.022) - 0.1 * ridge(x, 0.035) * ridge(below, 0.04)
        belly = belly + hollow + 0.08 * ridge(x, 0.03) * ridge(below - 0.05, 0.016)
    hints: F64 = collar + throat + middle + belly
    return hints


GRAIN_TILE, GRAIN_LIMIT = 384, 0.010
"""Side of the synthesised tile, and the most that grain may deviate (log)."""
_COARSEST_GRAIN = 16
"""Below this ring of the spectrum (96 to the sampling rate, waves longer than six pixels) grain fades out."""
_PATCHES = (48, 32, 20)


def make_grain(rgb: F32, core: F32, shape: tuple[int, int]) -> F32:
    """Return grain (log) with the look of the person's own skin: noise with a flat patch's own spectrum.

    Source: Galerne, Gousseau, Morel, "Random Phase Textures: Theory and Synthesis", IEEE TIP 2011.
    """
    light = np.log(np.maximum(rgb.mean(axis=2), 4.0))
    patch = _flat_patch(light - cv2.GaussianBlur(light, (0, 0), 2.0), core)
    noise = np.random.default_rng(7).standard_normal((GRAIN_TILE, GRAIN_TILE))
    if patch is None:
        tile = 0.008 * noise
    else:
        window = np.outer(np.hanning(len(patch)), np.hanning(len(patch)))
        spot = np.zeros_like(noise)
        spot[: len(patch), : len(patch)] = (patch - patch.mean()) * window
        # Folds and hairs lie one way in the patch; grain lies no way: only the spectrum's radius counts.
        frequency = np.fft.fftfreq(GRAIN_TILE)
        ring = np.minimum(np.hypot(frequency[:, None], frequency[None]) * 96, 47).astype(np.intp)
        power = np.bincount(ring.ravel(), (np.abs(np.fft.fft2(spot)) ** 2).ravel()) / np.bincount(ring.ravel())
        whole = float(power[ring].sum())
        # Blotches of a patch are its own; pores are everywhere.
        power = power * np.clip(np.arange(len(power)) / _COARSEST_GRAIN, 0, 1) ** 2
        kept = float(np.sqrt(power[ring].sum() / max(whole, 1e-12)))
        tile = np.fft.ifft2(np.fft.fft2(noise) * np.sqrt(power[ring])).real
        tile *= kept * min(float(patch.std()), GRAIN_LIMIT) / max(float(tile.std()), 1e-9)
    rows, columns = -(-shape[0] // GRAIN_TILE), -(-shape[1] // GRAIN_TILE)
    grain: F32 = np.tile(tile.astype(np.float32), (rows, columns))[: shape[0], : shape[1]]
    return grain


def _flat_patch(detail: F32, core: F32) -> F64 | None:
    """Return the detail of an ordinary square of skin: not its smoothest, not its most wrinkled."""
    inside = (core > 0.05).astype(np.float32)
    for side in _PATCHES:
        whole = cv2.boxFilter(inside, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT) > 0.995
        if not whole.any():
            continue
        energy = cv2.boxFilter(detail * detail, -1, (side, side), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
        ys, xs = np.nonzero(whole)
        order = np.argsort(energy[ys, xs], kind="stable")
        place = int(order[int(0.15 * len(order))])
        y, x = int(ys[place]), int(xs[place])
        return detail[y : y + side, x : x + side].astype(np.float64)
    return None
