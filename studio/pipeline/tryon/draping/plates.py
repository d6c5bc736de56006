"""What lies behind the garment: background, skin and lower garment where the old garment stood."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.parallel import both
from studio.pipeline.planes import mix, paint
from studio.pipeline.tryon.draping.backdrop import paint_backdrop
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body, Evidence
from studio.pipeline.tryon.draping.continued import BELOW_WAIST, Continued, continue_lower
from studio.pipeline.tryon.draping.endings import UNDER_NECK, Endings, close_hollows, draw_below_cuff, trunk_beside
from studio.pipeline.tryon.draping.fields import BodyFields, before_back
from studio.pipeline.tryon.draping.fill import draw_polygon
from studio.pipeline.tryon.draping.limb_light import carry_on_light, place_on_limb
from studio.pipeline.tryon.draping.limbs import Limb, draw_limb, under_sleeve
from studio.pipeline.tryon.draping.skin import (
    DEFAULT_TONE,
    OLD_GARMENT,
    WRIST,
    Skin,
    find_chest,
    find_sleeve,
    paint_skin,
    spread_film,
)
from studio.pipeline.tryon.draping.waistline import bare_waistline

LEAK_FREE_END = 2.5
"""Where a painted arm ends (2 is the wrist) when masks reach over the hand's root."""
EDGE_BLEED = 0.013
"""How far the old garment's colour reaches into its neighbours (blur, compression), in shoulder widths."""
KEPT_ARM, KEPT_HEM, KEPT_NECK = (0.8, 1.8), (3.0, 4.0), (2.0, 3.0)
"""From where and to where, in widths of the old garment's bleed, seen skin comes to be the photo's own: beside cloth
that an arm hangs before, below a sleeve's hem, beside a collar."""
FOLLOW, FOLLOW_NECK, CALM = 0.35, 0.12, 2.0
"""Distance in shoulder widths at which painted skin follows half of what seen limbs differ by, and a neck, which glows
in its own shade, or a hand, which is redder; how far it is averaged along the border."""
CALM_HUE = 10.0
"""The same for its colour: a sleeve's reflection on the border does not spread."""
MOST_STEP, MOST_HUE_STEP = 0.8, 0.3
"""What differs by more (log, in light and in colour) from skin is none; skin in the shade is redder."""
FRINGE, FRINGE_DEPTH = (1.8, 2.6), (0.25, 0.5)
"""From where to where, in bleeds, the old garment's contact shadow ends, and how deep (log) it is."""
NARROW, NARROW_TRUST = 0.3, 0.1
"""From this share of a bleed on skin counts a little: beside a loose shirt nothing else may be left of an arm."""
EDGE_PX = 2
"""A seen limb's outermost pixels hold its background's colour."""
MASK_RIM = 1.5
"""So many pixels beside a mask may be half of its grey."""
_SKIN = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.GLOVE, Cihp.NECK)
UNDER_CUFF = 0.12
"""How far skin goes on under a sleeve, in places on the arm."""
UNDER_HAIR = 0.12
"""How far below the hair that ends on it an old garment surely lies on the shoulder, in shoulder widths."""


@dataclass(frozen=True, slots=True)
class NeckShape:
    """The neck in shoulder widths: half-widths towards the picture's left and right, how far it leans half a width up,
    and how far up it goes, behind the jaw.
    """

    left: float = 0.185
    right: float = 0.185
    lean: float = 0.0
    top: float = 0.5


def draw_torso(body: Body, shape: tuple[int, int], bottom: float, neck: NeckShape | None = None) -> F32:
    """Return the bare torso's coverage, shoulders to a depth below them, neck included."""
    neck = neck or NeckShape()
    depth = np.linspace(0.12 * body.length, bottom, 50)
    outline = []
    for side, half in ((-1, neck.left), (1, neck.right)):
        lateral = np.linspace(0.0, 0.56 * body.size * body.reach[0 if side < 0 else 1], 60)
        slimmer = (body.neck_half[0 if side < 0 else 1] - half) * body.size
        inward = slimmer * np.interp(lateral / body.size, [0.2, 0.45], [1.0, 0.0])
        top = body.place(side * lateral, -body.shoulder_up(lateral + inward, side))
        flank = body.place(side * body.half_width(depth, side), depth)
        outline.append(np.concatenate([top, flank]))
    polygon = np.concatenate([outline[0], outline[1][::-1]])
    tip = neck.lean * neck.top / 0.5
    corners = ((tip - neck.left, -neck.top), (tip + neck.right, -neck.top), (neck.right, 0.0), (-neck.left, 0.0))
    column = [body.place(np.array([x * body.size]), np.array([y * body.size]))[0] for x, y in corners]
    return np.maximum(draw_polygon(polygon, shape), draw_polygon(np.array(column), shape))


_NECK_BETWEEN = (0.12, 0.2)
_NECK_OF_FACE, _NECK_HIDDEN = 0.78, 0.17
RAGS = 0.02
"""Over so many shoulder widths DensePose's outline is evened out."""
_BEHIND_JAW = 0.3
"""So far above the chin's end, in shoulder widths, a neck goes on behind the jaw."""


def measure_neck(body: Body, fields: BodyFields, labels: U8) -> NeckShape:
    """Return the neck's shape as far as it is seen, else what the face says of it."""
    depth = fields.depth / body.size
    face = (labels == Cihp.FACE) & (depth < -0.3)
    lean, widest, top = 0.0, 0.0, 0.5
    if face.sum() > 0.02 * body.size**2:
        top = float(np.clip(_BEHIND_JAW - np.percentile(depth[face], 97), 0.5, 1.0))
        lateral = fields.lateral[face] / body.size
        # The neck joins the head behind the chin: it leans less than the face stands aside.
        lean = float(np.clip(0.6 * np.median(lateral), -0.14, 0.14))
        widest = float(np.clip(_NECK_OF_FACE * np.ptp(np.percentile(lateral, (3, 97))) / 2, *_NECK_BETWEEN))
    seen = (labels == Cihp.NECK) & (depth > -0.5) & (depth < -0.17)
    if seen.sum() < 0.012 * body.size**2:
        return NeckShape(widest, widest, lean, top) if widest else NeckShape()
    lateral = fields.lateral[seen] / body.size
    lean = float(np.clip(0.5 * np.median(lateral) / max(-float(np.median(depth[seen])), 0.2), -0.14, 0.14))
    free = cv2.dilate((labels == Cihp.BACKGROUND).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    edges = fields.lateral[seen & free] / body.size
    found = []
    for side in (-1, 1):
        reach = edges[edges * side > 0.05] * side
        hidden = len(reach) < 0.05 * body.size  # by hair, a collar, the jaw
        half = max(_NECK_HIDDEN, float((lateral * side).max())) if hidden else float(np.percentile(reach, 70))
        found.append(float(np.clip(half, *_NECK_BETWEEN)))
    return NeckShape(found[0], found[1], lean, top)


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """Part of the photo that stays in front: coverage and its own clean colours (float32 0..255)."""

    alpha: F32
    rgb: F32


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """The picture without its old garment. rgb: float32 0..255. body: coverage of the bare body with lower garment.

    skin, limbs: the trunk's and the arms' skin everywhere. gain: factor `(h, w, 3)` on the photo itself: the old
    garment's shadow on the skin beside it, taken off; None: nothing to take off. kept: 1 on skin that is the photo's
    own, 0 where the old garment may reach; None: nowhere.
    """

    rgb: F32
    body: F32
    skin: F32
    limbs: F32
    gain: F32 | None = None
    kept: F32 | None = None


@dataclass(frozen=True, slots=True)
class Bareness:
    """Which skin may show. cuffs: where the new sleeves end on the picture's left and right arm (0 shoulder .. 2
    wrist); None without sleeves: then shoulders and arms are bare. endings: the new garment's lines beside skin.
    """

    cuffs: tuple[float, float] | None
    endings: Endings


@dataclass(frozen=True, slots=True, eq=False)
class Undressed:
    """What the old garment hid, whatever is worn next.

    torso: the bare trunk's coverage. under: of each arm 1 where it comes before the trunk. kept: see `Plate`.
    waist: depth at which the lower garment begins.
    """

    background: F32
    lower: Continued
    torso: F32
    skin: Skin
    under: tuple[F32, F32]
    kept: F32
    waist: float


def undress(
    person: tuple[Body, Evidence, BodyFields],
    removed: F32,
    waist: float,
    limbs: tuple[Limb, Limb],
    *,
    hangs: bool = False,
) -> Undressed:
    """Paint what the old garment hid. removed: where it stood. waist: depth at which the lower garment begins.

    limbs: see `trace_limb`. hangs: it hung over the lower garment.
    """
    body, evidence, fields = person
    shape = (evidence.alpha.shape[0], evidence.alpha.shape[1])

    def paint_rest() -> tuple[F32, Continued, F32]:
        rgb = evidence.rgb.astype(np.float32)
        rows, edge = np.arange(shape[0])[:, None], _waist_edge(body, evidence, waist)
        lower = continue_lower(person, removed, waist, hangs=hangs)
        lower = replace(lower, coverage=lower.coverage * np.clip(rows - edge + 1.5, 0, 1).astype(np.float32))
        bottom = waist + BELOW_WAIST * body.size
        torso = draw_torso(body, shape, bottom, measure_neck(body, fields, evidence.labels))
        torso = torso * np.clip(edge - rows + 0.5, 0, 1).astype(np.float32)
        torso = _with_nape(torso, body, fields, evidence.labels)
        # Arms may vanish within new sleeves, and the backdrop be seen where they were.
        bared = (removed > 0) | np.isin(evidence.labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
        bared = _shrunk(~bared, EDGE_PX + 2) < 0.5
        return paint_backdrop(rgb, evidence, removed, bared, body.size), lower, torso

    def place_arms(raster: tuple[int, int]) -> list[tuple[F32, F64]]:
        return [place_on_limb(limb, (body, fields, number), raster) for number, limb in enumerate(limbs)]

    def paint_seen() -> tuple[Skin, F32]:
        found = find_kept(body, fields, evidence)
        skin = paint_skin(body, fields, evidence, removed, waist, place_arms)
        return follow_seen(skin, (body, fields, limbs), evidence, found)

    (background, lower, torso), (skin, kept) = both(paint_rest, paint_seen)
    torso = torso * _within_clothed(evidence, body.size)
    under = [under_sleeve(body.arms[number], body, fields, evidence.labels, number) for number in (0, 1)]
    return Undressed(background, lower, torso, skin, (under[0], under[1]), kept, waist)


def paint_plate(
    person: tuple[Body, Evidence, BodyFields], undressed: Undressed, bare: Bareness, limbs: tuple[Limb, Limb]
) -> Plate:
    """Lay together what may show beside a new garment. limbs: see `trace_limb`."""
    body, evidence, fields = person
    skin = undressed.skin
    torso = undressed.torso * trunk_beside(bare.endings, body, fields, undressed.waist)
    if bare.cuffs is not None:  # a sleeved garment covers the shoulders: skin beside it would be a leftover
        torso = torso * _inside_seams(body, fields.shape, bare.endings)
    drawn = [_limb_coverage(person, bare, limbs, number) for number in (0, 1)]
    if bare.cuffs is None:
        for number, label in enumerate((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)):
            torso = close_hollows(torso, drawn[number], evidence.labels == label, (body, fields, number))
        torso = torso * _within_clothed(evidence, body.size)
    # What an arm leaves free of trunk and trousers lies behind them; what was under a sleeve, before them.
    plate = undressed.background
    for number in (0, 1):
        plate = mix(plate, skin.arms[number], drawn[number])
    plate = mix(plate, undressed.lower.rgb, undressed.lower.coverage)
    plate = mix(plate, skin.trunk, torso)
    for number in (0, 1):
        plate = mix(plate, skin.arms[number], drawn[number] * undressed.under[number])
    covered = np.maximum(np.maximum(undressed.lower.coverage, torso), np.maximum(drawn[0], drawn[1]))
    nearer = np.abs(fields.across[0]) < np.abs(fields.across[1])
    arms = skin.arms[1].copy()
    paint(arms, skin.arms[0], nearer)
    gain = skin.gain if undressed.lower.gain is None else skin.gain * undressed.lower.gain
    return Plate(plate, covered, skin.trunk, arms, gain, undressed.kept)


def _within_clothed(evidence: Evidence, size: float) -> F32:
    """Return where bare skin may lie: within what was clothed. size: the shoulder width."""
    alpha = evidence.alpha
    if evidence.leak_free:  # DensePose is ragged; skin is not
        calm = RAGS * size
        alpha = np.clip((cv2.GaussianBlur(alpha, (0, 0), calm) - 0.5) * 2 * calm + 0.5, 0, 1)
    within: F32 = np.clip(alpha * 1.5, 0, 1).astype(np.float32)
    return within


def draw_bare_arm(
    limb: Limb,
    person: tuple[Body, BodyFields],
    bare: Bareness,
    number: int,
    span: tuple[float, float],
    *,
    before: bool = False,
) -> F32:
    """Return an arm's coverage from under its new sleeve on. span: how far up under it, and down to which place.

    before: see `draw_below_cuff`.
    """
    body, fields = person
    if bare.cuffs is None:
        return draw_limb(limb, fields.shape, 0.0, span[1])
    first = min(max(0.0, bare.cuffs[number] - span[0]), 2.1)
    if bare.endings.cuffs is None:
        return draw_limb(limb, fields.shape, first, span[1])
    cuff, place, between = bare.endings.cuffs[number], bare.cuffs[number], (first, span[1])
    return draw_below_cuff(limb, cuff, place, between, fields.shape, body.size, before=before)


def _limb_coverage(
    person: tuple[Body, Evidence, BodyFields], bare: Bareness, limbs: tuple[Limb, Limb], number: int
) -> F32:
    body, evidence, fields = person
    last = LEAK_FREE_END if evidence.leak_free else max(2.2, limbs[number].end)
    coverage = draw_bare_arm(limbs[number], (body, fields), bare, number, (UNDER_CUFF, last))
    if body.arms[number].hidden:
        coverage = coverage * before_back(body, fields, number) * np.clip(evidence.alpha * 1.5, 0, 1)
    return coverage


def find_kept(body: Body, fields: BodyFields, evidence: Evidence) -> tuple[F32, F32]:
    """Return (1 on seen skin that stays as it is, fading out towards the old garment; how far it is to be believed)."""
    labels, bleed = evidence.labels, np.float32(bleed_of(body))
    gap = _distance(np.isin(labels, OLD_GARMENT)) / bleed
    if evidence.leak_free:  # a mask neither bleeds nor throws a shadow
        seen = (np.isin(labels, _SKIN) & (gap * bleed > MASK_RIM)).astype(np.float32)
        return seen, seen
    arms = np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.GLOVE))
    kept = arms * _ramp(gap, KEPT_ARM) + (labels == Cihp.NECK) * _ramp(gap, KEPT_NECK)
    scarce = 1 - np.clip(3 * cv2.GaussianBlur(kept.astype(np.float32), (0, 0), 3 * float(bleed)), 0, 1)
    trust = np.maximum(kept, NARROW_TRUST * scarce * arms * _ramp(gap, (NARROW, KEPT_ARM[1])))
    for number, label in enumerate((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)):
        sleeve = find_sleeve(fields, labels, number)
        if sleeve.any():  # its hem slants, and the parse map draws it straight
            away = np.where(labels == label, _ramp(_distance(sleeve) / bleed, KEPT_HEM), 1)
            kept, trust = np.minimum(kept, away), np.minimum(trust, away)
    return kept.astype(np.float32), trust.astype(np.float32)


def _distance(mask: Bool) -> F32:
    distance: F32 = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return distance


def bleed_of(body: Body) -> int:
    """Return how many working pixels the old garment's colour reaches into its neighbours."""
    return max(2, round(EDGE_BLEED * body.size))


def _ramp(value: F32, between: tuple[float, float]) -> F32:
    ramp: F32 = np.clip((value - between[0]) / (between[1] - between[0]), 0, 1).astype(np.float32)
    return ramp


def follow_seen(
    skin: Skin, person: tuple[Body, BodyFields, tuple[Limb, Limb]], evidence: Evidence, found: tuple[F32, F32]
) -> tuple[Skin, F32]:
    """Bring painted skin to the seen skin that it joins, fading out with the distance: no edge lies between them.

    found: see `find_kept`. Return with it what is kept of the seen skin: the old garment's contact shadow is not.

    The membrane of Poisson cloning: painted detail, seen values at the border.
    Source: Farbman et al., "Coordinates for Instant Image Cloning", SIGGRAPH 2009.
    """
    body, fields, limbs = person
    labels, shape = evidence.labels, (evidence.labels.shape[1], evidence.labels.shape[0])
    model = skin.trunk
    for plane, label in zip(skin.arms, (Cihp.RIGHT_ARM, Cihp.LEFT_ARM), strict=True):
        model = np.where((labels == label)[..., None], plane, model)
    photo = np.minimum(evidence.rgb.astype(np.float32) * skin.gain, 255.0)
    rest = np.log(np.maximum(photo, 4.0)) - np.log(np.maximum(model, 4.0))
    middle = rest.mean(axis=2, keepdims=True)
    # A strand of hair, a strap, a rest of cloth: what differs by more is no skin.
    plain = (np.abs(middle[..., 0]) < MOST_STEP) & (np.abs(rest - middle).max(axis=2) < MOST_HUE_STEP)
    kept, trust = found
    bleed = np.float32(bleed_of(body))
    gap = _distance(np.isin(labels, OLD_GARMENT)) / bleed
    known = (plain * trust).astype(np.float32)
    fringe = _find_fringe(middle[..., 0], known, bleed) * (1 - _ramp(gap, FRINGE)) * (not evidence.leak_free)
    known, kept = known * (1 - fringe) ** 4, kept * (1 - fringe)
    if known.sum() < 50:
        return skin, kept
    size = (-(-shape[0] // 2), -(-shape[1] // 2))
    less = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(rest * known[..., None], size, interpolation=cv2.INTER_AREA)
    # Pores and hairs are not carried on: a stripe would be left of each.
    light, hue = (
        cv2.GaussianBlur(total, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(less, (0, 0), sigma), 1e-4)[..., None]
        for sigma in (CALM, CALM_HUE)
    )
    calm = light.mean(axis=2, keepdims=True) + hue - hue.mean(axis=2, keepdims=True)
    spread = spread_film(calm.astype(np.float32), less, np.inf)
    throat = (labels == Cihp.NECK) & ~find_chest(body, fields, labels)
    hands = np.isin(labels, (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)) & (np.maximum(*fields.along) > WRIST)
    spread = spread * _reach(throat | hands, known, body, size)[..., None]
    planes = [skin.trunk, *skin.arms]
    changes = [spread * leave_hands(hands, known, size)[..., None], spread, spread]
    for number, (limb, label) in enumerate(zip(limbs, (Cihp.RIGHT_ARM, Cihp.LEFT_ARM), strict=True)):
        # Of the rim the background's colour is not carried on.
        own = cv2.resize(known * _shrunk(labels == label, EDGE_PX), size, interpolation=cv2.INTER_AREA)
        changes[1 + number] = carry_on_light(spread, (calm, own), limb, (body, fields, number), FOLLOW)
    for index, (plane, change) in enumerate(zip(planes, changes, strict=True)):
        factor = np.exp(cv2.resize(change, shape, interpolation=cv2.INTER_LINEAR))
        planes[index] = np.minimum(plane * factor, 255.0).astype(np.float32)
    return replace(skin, trunk=planes[0], arms=(planes[1], planes[2])), kept


def leave_hands(hands: Bool, known: F32, size: tuple[int, int]) -> F32:
    """Return how far, 1..0, the trunk of the coarse raster follows what is seen: no hand before it, lit by itself."""
    seen = [cv2.resize(known * part, size, interpolation=cv2.INTER_AREA) > NARROW_TRUST / 2 for part in (hands, ~hands)]
    if not seen[0].any():
        return np.ones((size[1], size[0]), np.float32)
    if not seen[1].any():
        return np.zeros((size[1], size[0]), np.float32)
    hand, own = (np.square(_distance(part)) for part in seen)
    share: F32 = (hand / np.maximum(hand + own, 1.0)).astype(np.float32)
    return share


def _reach(own: Bool, known: F32, body: Body, size: tuple[int, int]) -> F32:
    """Return how far, 1..0, painted skin of the coarse raster follows what is seen. own: what has its own tone."""
    share = np.zeros((size[1], size[0]), np.float32)
    for part, reach in ((~own, FOLLOW), (own, FOLLOW_NECK)):
        there = cv2.resize(known * part, size, interpolation=cv2.INTER_AREA) > NARROW_TRUST / 2
        if there.any():
            away = _distance(there) * np.float32(2 / (reach * body.size))
            share = np.maximum(share, 1 / (1 + away * away))
    return share.astype(np.float32)


def _find_fringe(rest: F32, known: F32, bleed: np.float32) -> F32:
    """Return where skin is much darker than the skin about it: the old garment's contact shadow goes with it."""
    near = [cv2.GaussianBlur(plane, (0, 0), 3 * float(bleed)) for plane in (rest * known, known)]
    fallen = cv2.GaussianBlur(near[0] / np.maximum(near[1], 1e-3) - rest, (0, 0), 0.8)
    return _ramp(fallen, FRINGE_DEPTH)


def _with_nape(torso: F32, body: Body, fields: BodyFields, labels: U8) -> F32:
    """Close the gaps that a leaning neck leaves between the painted neck, jaw and hair."""
    lateral, depth = np.abs(fields.lateral) / body.size, fields.depth / body.size
    near = (lateral < 0.3) & (depth < 0.0) & (depth > -0.5)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(0.06 * body.size) + 1,) * 2)
    hair = labels == Cihp.HAIR
    solid = ((torso > 0.5) | hair | np.isin(labels, (Cihp.FACE, Cihp.NECK))) & near
    closed = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    # The hollow of neck and shoulder is a hollow: only beside hair is a gap what cloth has left.
    beside = cv2.distanceTransform((~hair).astype(np.uint8), cv2.DIST_L2, 3) < 0.12 * body.size
    filled = np.maximum(torso, cv2.GaussianBlur((closed & beside).astype(np.float32), (0, 0), 1.0) * near)
    # Cloth that hair falls on lies on a shoulder: the background is never seen between the two.
    fall = np.ones((round(UNDER_HAIR * body.size), 1), np.uint8)
    strands = cv2.erode(hair.astype(np.uint8), np.ones((1, 2 * bleed_of(body) + 1), np.uint8))
    under = cv2.dilate(strands, fall, anchor=(0, len(fall) - 1)) > 0
    under &= np.isin(labels, OLD_GARMENT) & (lateral < 0.5) & (depth < 0.0) & (depth > -0.5)
    covered: F32 = np.maximum(filled, cv2.GaussianBlur(under.astype(np.float32), (0, 0), 1.0)).astype(np.float32)
    return covered


def _inside_seams(body: Body, shape: tuple[int, int], endings: Endings) -> F32:
    """Return where the trunk lies well inside the armholes, or within a wide neckline."""
    depth = np.linspace(-0.7 * body.size, 1.6 * body.length, 40)
    share = np.interp(depth / body.length, [0.0, 0.2, 0.5], [0.86, 0.84, 1.0])
    corners = body.locate(endings.neck)[0]
    edges = []
    for side, corner in zip((-1, 1), corners, strict=True):
        half = np.maximum(body.half_width(np.maximum(depth, 0.2 * body.length), side), 0.2 * body.size)
        # Up to where the neckline meets it the shoulder is bare.
        bare = (side * corner + UNDER_NECK * body.size) * np.interp(depth / body.length, [0.0, 0.2], [1.0, 0.0])
        edges.append(body.place(side * np.maximum(share * half, bare), depth))
    return draw_polygon(np.concatenate([edges[0], edges[1][::-1]]), shape)


def _shrunk(mask: Bool, radius: int) -> F32:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    eroded: F32 = cv2.erode(mask.astype(np.uint8), kernel, borderValue=1).astype(np.float32)
    return eroded


def skin_tone(rgb: F32, labels: Bool) -> F32:
    """Return the median colour of the person's skin; a mid tone where none is seen."""
    pixels = rgb[labels]
    if len(pixels) < 30:
        return np.array(DEFAULT_TONE, np.float32)
    tone: F32 = np.median(pixels, axis=0).astype(np.float32)
    return tone


def _waist_edge(body: Body, evidence: Evidence, waist: float) -> F64:
    """Return the row per column at which trousers or a skirt begin below bare skin."""
    if evidence.leak_free:  # a level line square to the trunk
        columns = np.arange(evidence.alpha.shape[1], dtype=np.float64)
        ends = body.place(np.array([-body.size, body.size]), np.full(2, waist + 0.02 * body.size))
        return np.asarray(np.polyval(np.polyfit(ends[:, 0], ends[:, 1], 1), columns), np.float64)
    return bare_waistline(body, np.isin(evidence.labels, LOWER_BODY), waist)
