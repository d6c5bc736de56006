"""What lies behind the garment: background, skin and lower garment where the old garment stood."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Arm, Body, Evidence, run_length
from studio.pipeline.tryon.draping.fields import BodyFields, before_back
from studio.pipeline.tryon.draping.skin import DEFAULT_TONE, find_hem, find_sleeve, paint_skin

IN_FRONT = (0.3, 0.85)
"""Between these places on the arm (0 shoulder, 1 elbow) a painted arm comes out from behind the garment's side."""
MOTTLE = 0.018
ARM_INSET = 0.06
"""How much thinner, on each side, an arm is than the tightest sleeve, in shares of the arm's half-width."""
LEAK_FREE_END = 2.5
"""Where a painted arm ends (2 is the wrist) when masks reach over the hand's root."""
LONG_HEM = 1.5
"""From this place on the arm a sleeve is long: nothing tells its cloth from the trunk's."""
HIP_FADE = 0.3
"""Within which height, in shoulder widths, a lower garment that stands off the hips comes back to them."""
SLEEVELESS_CHEST = 0.52
"""Down to this depth, in shoulder widths, an armhole shows the chest's side."""


def fill_smoothly(rgb: F32, known: F32) -> F32:
    """Continue known pixels smoothly over the unknown ones, by a pyramid of weighted means ("pull, push").

    rgb: `(h, w, c)`; known: `(h, w)` weights, 0 = unknown.
    Source: Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    levels = [(rgb * known[..., None], known)]
    while min(levels[-1][1].shape) > 4:
        colour, weight = levels[-1]
        levels.append((cv2.pyrDown(colour), cv2.pyrDown(weight)))
    colour, weight = levels[-1]
    mean = colour.sum(axis=(0, 1)) / np.float32(max(float(weight.sum()), 1e-9))
    filled: F32 = ((colour + 1e-4 * mean) / (weight + 1e-4)[..., None]).astype(np.float32)
    for colour, weight in reversed(levels[:-1]):
        size = (weight.shape[1], weight.shape[0])
        coarse = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
        share = np.clip(weight * 1.0, 0.0, 1.0)[..., None]
        filled = colour + coarse * (1 - share)
    result: F32 = filled.astype(np.float32)
    return result


def draw_polygon(points: F64, shape: tuple[int, int]) -> F32:
    """Return the polygon's coverage with smooth edges, float32 in [0, 1]."""
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    covered: F32 = canvas.astype(np.float32) / np.float32(255)
    return covered


@dataclass(frozen=True, slots=True, eq=False)
class ArmEdges:
    """Where an arm's two edges lie across it (the standard's are -1 and 1), over places on the arm."""

    at: F64
    first: F64
    second: F64


STANDARD_ARM = ArmEdges(np.arange(0.0, 2.2, 0.05), -np.ones(44), np.ones(44))
MOST_INWARD = 1.3
"""How far an edge may lie inside the standard arm's: the trunk's cloth may cover half of it."""
_EDGE_FADE = 0.4
"""Places on the arm over which a seen edge goes over into the standard arm's."""


def find_edges(fields: BodyFields, number: int, bare: Bool, hides: Bool) -> ArmEdges:
    """Return an arm's edges as far as they are seen, carried on towards the shoulder.

    bare: its skin. hides: sleeve and hair, at which skin ends though the arm does not.
    """
    along, across = fields.along[number], fields.across[number]
    chosen = bare & (np.abs(across) < 1.9) & (along > 0.1) & (along < 1.6)
    free = cv2.dilate(hides.astype(np.uint8), np.ones((9, 9), np.uint8))[chosen] == 0
    values, index = across[chosen], ((along[chosen] - 0.1) / 0.05).astype(np.intp)
    found = []
    for place in range(30):
        row, open_row = values[index == place], free[index == place]
        if row.size < 8:
            continue
        ends = np.percentile(row, (1.5, 98.5))
        seen = [bool(open_row[np.abs(row - end) < 0.15].mean() > 0.7) for end in ends]
        if any(seen):
            found.append(
                (0.125 + 0.05 * place, *(end if is_seen else np.nan for end, is_seen in zip(ends, seen, strict=True)))
            )
    if len(found) < 3:
        return STANDARD_ARM
    table = np.array(found)
    at = table[:, 0]
    sides = [_carry_up(at, side) for side in (table[:, 1], table[:, 2])]
    if sides[0] is None and sides[1] is None:
        return STANDARD_ARM
    places = np.arange(0.0, 2.2, 0.05)
    first = -1 + np.interp(places, *sides[0]) if sides[0] is not None else None
    second = 1 + np.interp(places, *sides[1]) if sides[1] is not None else None
    # Of an arm seen on one side the other side keeps the standard width.
    first = second - 2 if first is None and second is not None else first
    second = first + 2 if second is None and first is not None else second
    assert first is not None and second is not None
    return ArmEdges(places, np.minimum(first, second - 0.6), second)


def keep_inside(edges: ArmEdges, fields: BodyFields, number: int, alpha: F32, hem: float | None) -> ArmEdges:
    """Draw an arm's edges in where the sleeve it had on was tighter: evenly, not along every fold of it.

    hem: where the skin begins that is seen; from there on its own edges are known.
    """
    along, across = fields.along[number], fields.across[number]
    band = (np.abs(across) < 2.2) & (along > 0.02) & (along < 1.98)
    index = (along[band] / 0.05).astype(np.intp)
    values, solid = across[band], alpha[band] > 0.5
    limits = []
    for side in (-1.0, 1.0):
        # The silhouette's end on this side: the nearest place of the background, if there is any before the band ends.
        gap = np.where((values * side > 0.3) & ~solid, values * side, 3.0)
        nearest = np.full(40, 3.0)
        np.minimum.at(nearest, np.minimum(index, 39), gap)
        padded = np.pad(nearest, 4, mode="edge")
        calm = np.array([np.percentile(padded[place : place + 9], 35) for place in range(40)])
        calm = np.convolve(np.pad(calm, 2, mode="edge"), np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9, "valid")
        limit = np.interp(edges.at, np.arange(40) * 0.05 + 0.025, np.maximum(calm - ARM_INSET, 0.6))
        limits.append(limit if hem is None else limit + 20 * np.maximum(edges.at - hem + 0.1, 0))
    return ArmEdges(edges.at, np.maximum(edges.first, -limits[0]), np.minimum(edges.second, limits[1]))


def _carry_up(at: F64, edge: F64) -> tuple[F64, F64] | None:
    """Return (places, offset from the standard edge), as seen and fading out towards the shoulder."""
    known = ~np.isnan(edge)
    if known.sum() < 3:
        return None
    outward = -1.0 if np.nanmedian(edge) < 0 else 1.0
    places = at[known]
    offset = outward * np.clip(outward * edge[known] - 1, -MOST_INWARD, 0.5)
    offset = np.convolve(np.pad(offset, 1, mode="edge"), np.ones(3) / 3, "valid")
    above = np.arange(0.0, places[0] - 0.02, 0.05)
    fade = np.exp(-(places[0] - above) / _EDGE_FADE) * float(np.median(offset[:4]))
    return np.concatenate([above, places]), np.concatenate([fade, offset])


def draw_arm(
    arm: Arm,
    body: Body,
    side: int,
    shape: tuple[int, int],
    first: float = 0.0,
    last: float = 2.2,
    edges: ArmEdges = STANDARD_ARM,
) -> F32:
    """Return the bare arm's coverage between two places on it (shoulder 0, elbow 1, wrist 2)."""
    places = np.linspace(first, last, 40)
    beyond = arm.points[2] + (arm.points[2] - arm.points[1])
    joints = np.concatenate([arm.points, beyond[None]])
    spot = np.stack([np.interp(places, [0, 1, 2, 3], joints[:, axis]) for axis in (0, 1)], -1)
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
    padded = np.concatenate([spot[:1].repeat(2, 0), spot, spot[-1:].repeat(2, 0)])
    spot = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], -1)
    tangent = np.gradient(spot, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-6)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1)
    half = body.arm_half(places, side)[:, None]
    near, far = (np.interp(places, edges.at, row)[:, None] for row in (edges.first, edges.second))
    limb = draw_polygon(np.concatenate([spot + normal * half * far, (spot + normal * half * near)[::-1]]), shape)
    if first > 0.05:
        return limb
    around = np.linspace(0, 2 * np.pi, 32)
    cap = spot[0] + half[0] * np.stack([np.cos(around), np.sin(around)], -1)
    return np.maximum(limb, draw_polygon(cap, shape))


@dataclass(frozen=True, slots=True)
class NeckShape:
    """The neck in shoulder widths: half-widths towards the picture's left and right, and how far its top leans."""

    left: float = 0.185
    right: float = 0.185
    lean: float = 0.0


def draw_torso(body: Body, shape: tuple[int, int], bottom: float, neck: NeckShape | None = None) -> F32:
    """Return the bare torso's coverage, shoulders to a depth below them, neck included."""
    neck = neck or NeckShape()
    depth = np.linspace(0.12 * body.length, bottom, 50)
    outline = []
    for side, half in ((-1, neck.left), (1, neck.right)):
        lateral = np.linspace(0.0, 0.56 * body.size * body.reach[0 if side < 0 else 1], 30)
        # A slender neck's shoulder line begins farther in.
        inward = (0.185 - half) * body.size * np.interp(lateral / body.size, [0.2, 0.45], [1.0, 0.0])
        top = body.place(side * lateral, -body.shoulder_up(lateral + inward, side))
        flank = body.place(side * body.half_width(depth, side), depth)
        outline.append(np.concatenate([top, flank]))
    polygon = np.concatenate([outline[0], outline[1][::-1]])
    tip = neck.lean
    corners = ((tip - neck.left, -0.5), (tip + neck.right, -0.5), (neck.right, 0.0), (-neck.left, 0.0))
    column = [body.place(np.array([x * body.size]), np.array([y * body.size]))[0] for x, y in corners]
    return np.maximum(draw_polygon(polygon, shape), draw_polygon(np.array(column), shape))


_NECK_BETWEEN = (0.12, 0.2)
_NECK_OF_FACE, _NECK_HIDDEN = 0.78, 0.17


def measure_neck(body: Body, fields: BodyFields, labels: U8) -> NeckShape:
    """Return the neck's shape as far as it is seen, else what the face says of it."""
    depth = fields.depth / body.size
    face = (labels == Cihp.FACE) & (depth < -0.3)
    lean, widest = 0.0, 0.0
    if face.sum() > 0.02 * body.size**2:
        lateral = fields.lateral[face] / body.size
        # The neck joins the head behind the chin: it leans less than the face stands aside.
        lean = float(np.clip(0.6 * np.median(lateral), -0.14, 0.14))
        widest = float(np.clip(_NECK_OF_FACE * np.ptp(np.percentile(lateral, (3, 97))) / 2, *_NECK_BETWEEN))
    seen = (labels == Cihp.NECK) & (depth > -0.5) & (depth < -0.17)
    if seen.sum() < 0.012 * body.size**2:
        return NeckShape(widest, widest, lean) if widest else NeckShape()
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
    return NeckShape(found[0], found[1], lean)


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """Part of the photo that stays in front: coverage and its own clean colours (float32 0..255)."""

    alpha: F32
    rgb: F32


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """The picture without its old garment. rgb: float32 0..255. body: coverage of the bare body with lower garment.

    arms: the painted arms alone, from where they may hang before the garment. skin: the trunk's skin everywhere.
    gain: factor `(h, w, 3)` on the photo itself: the old garment's shadow on the skin beside it, taken off;
    None: nothing to take off. hems: 1 on the arms' skin next to the old sleeves, fading out down the arm.
    """

    rgb: F32
    body: F32
    arms: Occluder
    skin: F32
    gain: F32 | None = None
    hems: F32 | None = None


def join_arms(arms: Occluder, plate: Plate, evidence: Evidence, removed: F32) -> Occluder:
    """Bring the arms that are seen to the painted ones: near an old sleeve's hem both are one limb."""
    if plate.gain is None or plate.hems is None:
        return arms
    photo = evidence.rgb.astype(np.float32) * plate.gain
    limb = photo + (plate.rgb - photo) * removed[..., None]
    joined = arms.rgb * plate.gain
    joined = joined + (limb - joined) * plate.hems[..., None]
    return Occluder(arms.alpha, np.minimum(joined, 255.0).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Bareness:
    """Which skin may show. waist: depth at which the lower garment begins. cuffs: where the new sleeves end on the
    picture's left and right arm (0 shoulder .. 2 wrist); None without sleeves: then shoulders and arms are bare.
    hem: depth at which the new garment ends.
    """

    waist: float
    cuffs: tuple[float, float] | None
    hem: float


def paint_plate(body: Body, evidence: Evidence, removed: F32, bare: Bareness, fields: BodyFields) -> Plate:
    """Paint what the old garment hid. removed: where it stood."""
    waist = bare.waist
    rgb = evidence.rgb.astype(np.float32)
    shape = evidence.alpha.shape
    background = _background(rgb, evidence, removed)
    lower = _lower_garment(rgb, body, evidence, removed, waist)
    neck = measure_neck(body, fields, evidence.labels)
    torso = draw_torso(body, (shape[0], shape[1]), waist + 0.02 * body.size, neck)
    torso = _with_nape(torso, body, fields, evidence.labels)
    torso = torso * _open_depths(body, fields, bare)
    if bare.cuffs is not None:  # a sleeved garment covers the shoulders: skin beside it would be a leftover
        torso = torso * _inside_seams(body, (shape[0], shape[1]))
    torso = torso * np.clip(evidence.alpha * 1.5, 0, 1)  # bare skin lies within what was clothed
    plate = background
    plate = plate + (lower[0] - plate) * lower[1][..., None]
    skin = paint_skin(body, fields, evidence, removed, waist)
    plate = plate + (skin.trunk - plate) * torso[..., None]
    covered = np.maximum(lower[1], torso)
    last = LEAK_FREE_END if evidence.leak_free else 2.2
    limbs, limbs_rgb = np.zeros(shape, np.float32), plate
    for number, side in enumerate((-1, 1)):
        arm = body.arms[number]
        first = 0.0 if bare.cuffs is None else max(0.0, bare.cuffs[number] - 0.12)
        bare_arm = evidence.labels == (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)[number]
        hides = find_sleeve(fields, evidence.labels, number) | np.isin(evidence.labels, (Cihp.HAIR, Cihp.FACE))
        edges = find_edges(fields, number, bare_arm, hides)
        edges = keep_inside(edges, fields, number, evidence.alpha, find_hem(fields, evidence.labels, number))
        coverage = draw_arm(arm, body, side, (shape[0], shape[1]), min(first, 2.1), last, edges)
        if arm.hidden:
            coverage = coverage * before_back(body, fields, number) * np.clip(evidence.alpha * 1.5, 0, 1)
        under = _under_sleeve(arm, body, fields, evidence.labels, number)
        coverage = coverage * np.maximum(under, 1 - np.maximum(lower[1], torso))
        plate = plate + (skin.arms[number] - plate) * coverage[..., None]
        covered = np.maximum(covered, coverage)
        hanging = coverage * _before_garment(arm, body, fields, number) * under
        limbs, limbs_rgb = np.maximum(limbs, hanging), plate
    return Plate(plate, covered, Occluder(limbs, limbs_rgb), skin.trunk, skin.gain, skin.hems)


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
    gaps = (closed & beside).astype(np.float32)
    filled: F32 = np.maximum(torso, cv2.GaussianBlur(gaps, (0, 0), 1.0) * near).astype(np.float32)
    return filled


def _open_depths(body: Body, fields: BodyFields, bare: Bareness) -> F32:
    """Return where a top leaves the trunk bare: above the armpits and below its hem; beside it is background."""
    hem = bare.hem
    lateral, depth = fields.lateral, fields.depth
    soft = 0.03 * body.size
    chest, end = (0.30 if bare.cuffs else SLEEVELESS_CHEST) * body.size, hem - 0.06 * body.size
    covered = np.clip((depth - chest) / soft, 0, 1) * np.clip((end - depth) / soft, 0, 1)
    half = np.where(lateral < 0, body.half_width(depth, -1), body.half_width(depth, 1))
    covered = covered * np.clip((np.abs(lateral) / half - 0.6) / 0.1, 0, 1)  # a deep neckline is open in the middle
    result: F32 = (1 - covered).astype(np.float32)
    return result


def _under_sleeve(arm: Arm, body: Body, fields: BodyFields, labels: U8, number: int) -> F32:
    """Return where the old sleeve hid the arm: below it an arm that is not seen was, and stays, behind the trunk."""
    hems = [hem for hem in (find_hem(fields, labels, side) for side in (0, 1)) if hem is not None]
    if not hems or min(hems) > LONG_HEM:
        return np.ones(fields.shape, np.float32)
    along, inward = fields.along[number], fields.across[number] * _inner_sign(arm, body)
    # Slanting, so that the garment's side comes forward in a line and not in a step.
    under: F32 = np.clip((min(hems) + 0.1 - 0.12 * inward - along) / 0.08, 0, 1).astype(np.float32)
    return under


def _inner_sign(arm: Arm, body: Body) -> float:
    """Return which side of the limb is the body's: the sign of `across` at the trunk's middle."""
    middle = body.place(np.array([0.0]), np.array([0.5 * body.length]))[0]
    step = arm.points[1] - arm.points[0]
    side = -(middle[0] - arm.points[0][0]) * step[1] + (middle[1] - arm.points[0][1]) * step[0]
    return float(np.sign(side)) or 1.0


def _before_garment(arm: Arm, body: Body, fields: BodyFields, number: int) -> F32:
    """Return where a painted arm hangs before the garment: along a slanting line from shoulder to armpit to elbow."""
    along, across = fields.along[number], fields.across[number]
    inner = _inner_sign(arm, body)
    limit = np.interp(along, IN_FRONT, [-1.3, 1.3])
    front: F32 = np.clip((limit - across * inner) / 0.08, 0.0, 1.0).astype(np.float32)
    return front


def _inside_seams(body: Body, shape: tuple[int, int]) -> F32:
    """Return where the trunk lies well inside the armholes."""
    depth = np.linspace(-0.7 * body.size, 1.6 * body.length, 40)
    share = np.interp(depth / body.length, [0.0, 0.2, 0.5], [0.86, 0.84, 1.0])
    edges = []
    for side in (-1, 1):
        half = np.maximum(body.half_width(np.maximum(depth, 0.2 * body.length), side), 0.2 * body.size)
        edges.append(body.place(side * share * half, depth))
    return draw_polygon(np.concatenate([edges[0], edges[1][::-1]]), shape)


def _shrunk(mask: Bool, radius: int) -> F32:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    eroded: F32 = cv2.erode(mask.astype(np.uint8), kernel, borderValue=1).astype(np.float32)
    return eroded


def _background(rgb: F32, evidence: Evidence, removed: F32) -> F32:
    known = _shrunk((evidence.alpha < 0.02) & (removed < 0.01), 3)
    if known.sum() < 0.002 * known.size:
        known = np.maximum(known, 1e-3)
    return _with_grain(fill_smoothly(rgb, known), rgb, known)


def _with_grain(smooth: F32, rgb: F32, known: F32) -> F32:
    """Give filled areas the photo's own noise, so that they do not look airbrushed."""
    detail = rgb - cv2.GaussianBlur(rgb, (0, 0), 1.2)
    chosen = known > 0.5
    if chosen.sum() < 200:
        return smooth
    spread = np.minimum(1.48 * np.median(np.abs(detail[chosen]), axis=0), 4.0)
    noise = np.random.default_rng(7).standard_normal(rgb.shape[:2]).astype(np.float32)
    grain: F32 = smooth + noise[..., None] * spread.astype(np.float32)
    return grain


def mottle(shape: tuple[int, ...], size: float) -> F32:
    """Return the faint unevenness that real skin has, a factor about 1."""
    noise = np.random.default_rng(11).standard_normal((shape[0] // 4 + 1, shape[1] // 4 + 1)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), size / 4)
    soft = soft / max(float(soft.std()), 1e-6)
    factor: F32 = 1 + MOTTLE * cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return factor.astype(np.float32)


def skin_tone(rgb: F32, labels: Bool) -> F32:
    """Return the median colour of the person's skin; a mid tone where none is seen."""
    pixels = rgb[labels]
    if len(pixels) < 30:
        return np.array(DEFAULT_TONE, np.float32)
    tone: F32 = np.median(pixels, axis=0).astype(np.float32)
    return tone


def _lower_garment(rgb: F32, body: Body, evidence: Evidence, removed: F32, waist: float) -> tuple[F32, F32]:
    """Continue trousers or skirt upwards to the waist by mirroring their texture at its upper edge."""
    shape = evidence.alpha.shape
    lower = np.isin(evidence.labels, LOWER_BODY) & (removed < 0.01)
    depth = np.linspace(waist, waist + 1.2 * body.size, 40)
    outline = [body.place(side * _lower_half(body, (lower, evidence.alpha), depth, side), depth) for side in (-1, 1)]
    coverage = draw_polygon(np.concatenate([outline[0], outline[1][::-1]]), (shape[0], shape[1]))
    if not evidence.leak_free:
        coverage = coverage * np.clip(evidence.alpha * 1.5, 0, 1)
    if lower.sum() < 0.01 * body.size**2:
        return np.zeros_like(rgb), np.zeros(shape, np.float32)
    known = _shrunk(lower, 2)
    smooth = fill_smoothly(rgb, known + 1e-6)
    detail = np.where(known[..., None] > 0.5, rgb - smooth_known(rgb, known), 0.0)
    first = np.where(lower.any(axis=0), lower.argmax(axis=0), -1)
    grid_y, grid_x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    edge = np.where(first < 0, shape[0], first + 4).astype(np.float32)[None]
    mirrored = np.where(grid_y < edge, np.minimum(2 * edge - grid_y, shape[0] - 1), grid_y).astype(np.float32)
    texture = cv2.remap(detail.astype(np.float32), grid_x, mirrored, cv2.INTER_LINEAR)
    return (smooth + texture).astype(np.float32), coverage


def _lower_half(body: Body, seen_in: tuple[Bool, F32], depth: F64, side: int) -> F64:
    """Return the lower garment's half-width: as seen where its edge is seen, above that going over into the body's.

    seen_in: the lower garment, the person's alpha. An end against a hand or the old top says nothing of the width.
    """
    lower, alpha = seen_in
    half = body.half_width(depth, side)
    seen = np.array([run_length(body, lower, float(at), side) or np.nan for at in depth])
    probes = body.place(side * (np.nan_to_num(seen) + 0.025 * body.size), depth).round().astype(int)
    x, y = np.clip(probes[:, 0], 0, alpha.shape[1] - 1), np.clip(probes[:, 1], 0, alpha.shape[0] - 1)
    seen[alpha[y, x] > 0.3] = np.nan
    known = np.flatnonzero(~np.isnan(seen))
    if known.size < 4:
        return half
    first = float(np.median(seen[known[:5]]))
    limit = np.interp(np.arange(len(depth)), known, seen[known])
    limit[: known[0]] = first
    # Wide trousers and skirts stand off the hips: what the old hem hid of them narrows towards the waist.
    above = np.maximum(depth[known[0]] - depth, 0.0) / (HIP_FADE * body.size)
    standing_off = np.clip(first - half[known[0]], 0.0, 0.3 * body.size) * np.exp(-above)
    bounded: F64 = np.clip(limit, 0.85 * half, half + standing_off)
    return bounded


def smooth_known(rgb: F32, known: F32) -> F32:
    """Return a blur of the known pixels that does not see the others."""
    total = cv2.GaussianBlur(rgb * known[..., None], (0, 0), 6)
    share = cv2.GaussianBlur(known, (0, 0), 6)[..., None]
    blurred: F32 = total / np.maximum(share, 1e-4)
    return blurred
