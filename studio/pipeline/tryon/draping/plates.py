"""What lies behind the garment: background, skin and lower garment where the old garment stood."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Arm, Body, Evidence, run_length
from studio.pipeline.tryon.draping.fields import BodyFields

OLD_GARMENT = (Cihp.UPPER, Cihp.COAT, Cihp.DRESS, Cihp.SCARF)
IN_FRONT = (0.3, 0.85)
"""Between these places on the arm (0 shoulder, 1 elbow) a painted arm comes out from behind the garment's side."""
MOTTLE = 0.018
_SKIN = (Cihp.NECK, Cihp.LEFT_ARM, Cihp.RIGHT_ARM)


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


def draw_arm(arm: Arm, body: Body, side: int, shape: tuple[int, int], first: float = 0.0, last: float = 2.2) -> F32:
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
    limb = draw_polygon(np.concatenate([spot + normal * half, (spot - normal * half)[::-1]]), shape)
    if first > 0.05:
        return limb
    around = np.linspace(0, 2 * np.pi, 32)
    cap = spot[0] + half[0] * np.stack([np.cos(around), np.sin(around)], -1)
    return np.maximum(limb, draw_polygon(cap, shape))


def draw_torso(body: Body, shape: tuple[int, int], bottom: float) -> F32:
    """Return the bare torso's coverage, shoulders to a depth below them, neck included."""
    depth = np.linspace(0.12 * body.length, bottom, 50)
    outline = []
    for side in (-1, 1):
        lateral = np.linspace(0.0, 0.56 * body.size * body.reach[0 if side < 0 else 1], 30)
        top = body.place(side * lateral, -body.shoulder_up(lateral, side))
        flank = body.place(side * body.half_width(depth, side), depth)
        outline.append(np.concatenate([top, flank]))
    polygon = np.concatenate([outline[0], outline[1][::-1]])
    neck = 0.185 * body.size
    column = [body.place(np.array([x]), np.array([y]))[0] for x, y in _neck_corners(neck, body.size)]
    return np.maximum(draw_polygon(polygon, shape), draw_polygon(np.array(column), shape))


def _neck_corners(half: float, size: float) -> tuple[tuple[float, float], ...]:
    return (-half, -0.5 * size), (half, -0.5 * size), (half, 0.0), (-half, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """Part of the photo that stays in front: coverage and its own clean colours (float32 0..255)."""

    alpha: F32
    rgb: F32


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """The picture without its old garment. rgb: float32 0..255. body: coverage of the bare body with lower garment.

    arms: the painted arms alone, from where they may hang before the garment. skin: the trunk's skin everywhere.
    """

    rgb: F32
    body: F32
    arms: Occluder
    skin: F32


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
    torso = draw_torso(body, (shape[0], shape[1]), waist + 0.02 * body.size)
    torso = torso * _open_depths(body, fields, bare.hem)
    if bare.cuffs is not None:  # a sleeved garment covers the shoulders: skin beside it would be a leftover
        torso = torso * _inside_seams(body, (shape[0], shape[1]))
    if not evidence.leak_free:  # bare skin lies within what was clothed
        torso = torso * np.clip(evidence.alpha * 1.5, 0, 1)
    plate = background
    plate = plate + (lower[0] - plate) * lower[1][..., None]
    torso_skin, known = _torso_skin(rgb, (body, fields), evidence, removed)
    plate = plate + (torso_skin - plate) * torso[..., None]
    covered = np.maximum(lower[1], torso)
    limbs, limbs_rgb = np.zeros(shape, np.float32), plate
    for number, (side, label) in enumerate(((-1, Cihp.RIGHT_ARM), (1, Cihp.LEFT_ARM))):
        arm = body.arms[number]
        first = 0.0 if bare.cuffs is None else max(0.0, bare.cuffs[number] - 0.12)
        coverage = draw_arm(arm, body, side, (shape[0], shape[1]), min(first, 2.1))
        colours = _arm_skin(rgb, (body, fields, number), evidence, (removed, label), known)
        plate = plate + (colours - plate) * coverage[..., None]
        covered = np.maximum(covered, coverage)
        hanging = coverage * _before_garment(arm, body, fields, number)
        limbs, limbs_rgb = np.maximum(limbs, hanging), plate
    return Plate(plate, covered, Occluder(limbs, limbs_rgb), torso_skin)


def _open_depths(body: Body, fields: BodyFields, hem: float) -> F32:
    """Return where a top leaves the trunk bare: above the armpits and below its hem; beside it is background."""
    lateral, depth = fields.lateral, fields.depth
    soft = 0.03 * body.size
    chest, end = 0.30 * body.size, hem - 0.06 * body.size
    covered = np.clip((depth - chest) / soft, 0, 1) * np.clip((end - depth) / soft, 0, 1)
    half = np.where(lateral < 0, body.half_width(depth, -1), body.half_width(depth, 1))
    covered = covered * np.clip((np.abs(lateral) / half - 0.6) / 0.1, 0, 1)  # a deep neckline is open in the middle
    result: F32 = (1 - covered).astype(np.float32)
    return result


def _before_garment(arm: Arm, body: Body, fields: BodyFields, number: int) -> F32:
    """Return where a painted arm hangs before the garment: along a slanting line from shoulder to armpit to elbow."""
    along, across = fields.along[number], fields.across[number]
    # Which side of the limb is the body's: the sign of `across` at the trunk's middle.
    middle = body.place(np.array([0.0]), np.array([0.5 * body.length]))[0]
    step = arm.points[1] - arm.points[0]
    inner = np.sign(-(middle[0] - arm.points[0][0]) * step[1] + (middle[1] - arm.points[0][1]) * step[0]) or 1.0
    limit = np.interp(along, IN_FRONT, [-1.3, 1.3])
    front: F32 = np.clip((limit - across * inner) / 0.08, 0.0, 1.0).astype(np.float32)
    return front


def _inside_seams(body: Body, shape: tuple[int, int]) -> F32:
    """Return where the trunk lies well inside the armholes."""
    depth = np.linspace(-0.7 * body.size, 1.6 * body.length, 40)
    share = np.interp(depth / body.length, [0.0, 0.2, 0.5], [0.74, 0.8, 1.0])
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
        return np.array([196.0, 154.0, 132.0], np.float32)
    tone: F32 = np.median(pixels, axis=0).astype(np.float32)
    return tone


def _torso_skin(rgb: F32, where: tuple[Body, BodyFields], evidence: Evidence, removed: F32) -> tuple[F32, F32]:
    """Continue the neck's skin over the chest; the tone comes from neck and arms, not from the made-up face."""
    body, fields = where
    free = removed < 0.01
    skin = np.isin(evidence.labels, _SKIN) & free
    if skin.sum() < 0.01 * body.size**2:
        skin |= (evidence.labels == Cihp.FACE) & free
    tone = skin_tone(rgb, skin)
    near = _shrunk((evidence.labels == Cihp.NECK) & free, 3)
    luminance = rgb.mean(axis=2)
    near = near * (luminance > 0.45 * tone.mean())
    filled = fill_smoothly(np.dstack([rgb, np.ones(rgb.shape[:2], np.float32)]), near + 1e-6)
    # Far from any seen skin the fill drifts to the tone: the pyramid alone would carry a chin's shadow downwards.
    distance = cv2.distanceTransform((near < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    trust = np.exp(-distance / (0.22 * body.size))[..., None]
    smooth = filled[..., :3] * trust + tone * (1 - trust)
    shaded = smooth * _roundness(body, fields)[..., None] * mottle(rgb.shape[:2], 0.07 * body.size)[..., None]
    return _with_grain(shaded, rgb, near), tone


def _roundness(body: Body, fields: BodyFields) -> F32:
    """Return the torso's own shading: a little darker towards the flanks."""
    lateral, depth = fields.lateral, fields.depth
    left, right = body.half_width(depth, -1), body.half_width(depth, 1)
    share = np.abs(lateral) / np.where(lateral < 0, left, right)
    shade = 1.0 - 0.22 * np.clip(share, 0, 1.1) ** 3
    result: F32 = shade.astype(np.float32)
    return result


def _arm_skin(
    rgb: F32, which: tuple[Body, BodyFields, int], evidence: Evidence, seen: tuple[F32, Cihp], tone: F32
) -> F32:
    """Paint an arm: its own seen skin continued along the limb, rounded like a cylinder."""
    body, fields, number = which
    removed, label = seen
    own = (evidence.labels == label) & (removed < 0.01)
    known = _shrunk(own, 2)
    along, across = fields.along[number], fields.across[number]
    round_shade = (1.0 - 0.30 * np.clip(np.abs(across), 0, 1.15) ** 2.5).astype(np.float32)
    if known.sum() < 0.004 * body.size**2:
        flat = np.broadcast_to(tone, rgb.shape).astype(np.float32)
        return _with_grain(flat * (1.08 * round_shade)[..., None], rgb, known)
    flattened = (rgb / np.maximum(round_shade, np.float32(0.5))[..., None]).astype(np.float32)
    filled = _along_limb(flattened, (along, across), known, tone)
    shaded = filled * round_shade[..., None] * mottle(rgb.shape[:2], 0.06 * body.size)[..., None]
    distance = cv2.distanceTransform((known < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    local = fill_smoothly(rgb, known + 1e-6)
    trust = np.exp(-distance / (0.03 * body.size))[..., None]
    return _with_grain(local * trust + shaded * (1 - trust), rgb, known)


_STRIP = (48, 16)


def _along_limb(flattened: F32, coordinates: tuple[F32, F32], known: F32, tone: F32) -> F32:
    """Average the seen skin in the limb's own coordinates, continue it along the limb, and lay it back."""
    along, across = coordinates
    chosen = (known > 0.5) & (np.abs(across) < 1.0)
    rows = np.clip((along[chosen] / 2 * _STRIP[0]).astype(int), 0, _STRIP[0] - 1)
    columns = np.clip(((across[chosen] + 1) / 2 * _STRIP[1]).astype(int), 0, _STRIP[1] - 1)
    cell = rows * _STRIP[1] + columns
    count = np.bincount(cell, minlength=_STRIP[0] * _STRIP[1]).astype(np.float32)
    strip = np.stack(
        [np.bincount(cell, flattened[..., c][chosen], _STRIP[0] * _STRIP[1]) for c in range(3)], -1
    ).astype(np.float32)
    mean = strip / np.maximum(count, 1)[:, None]
    weight = (count > 0).astype(np.float32).reshape(_STRIP)
    filled = fill_smoothly(mean.reshape(*_STRIP, 3).astype(np.float32), weight)
    seen_rows = np.flatnonzero(weight.any(axis=1))
    gap = np.abs(np.arange(_STRIP[0])[:, None] - seen_rows[None]).min(axis=1) if seen_rows.size else np.ones(_STRIP[0])
    average = mean[count > 0].mean(axis=0) if (count > 0).any() else tone
    trust = np.exp(-gap / 14.0)[:, None, None].astype(np.float32)
    filled = filled * trust + (0.7 * average + 0.3 * tone) * (1 - trust)
    filled = cv2.GaussianBlur(filled, (0, 0), 1.0)
    row = np.clip(along / 2 * _STRIP[0] - 0.5, 0, _STRIP[0] - 1).astype(np.float32)
    column = np.clip((across + 1) / 2 * _STRIP[1] - 0.5, 0, _STRIP[1] - 1).astype(np.float32)
    laid: F32 = cv2.remap(filled, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return laid


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
    """Return the lower garment's half-width: as seen where its edge is seen, above that no wider than there.

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
    bounded: F64 = np.clip(limit, 0.85 * half, half)
    return bounded


def smooth_known(rgb: F32, known: F32) -> F32:
    """Return a blur of the known pixels that does not see the others."""
    total = cv2.GaussianBlur(rgb * known[..., None], (0, 0), 6)
    share = cv2.GaussianBlur(known, (0, 0), 6)[..., None]
    blurred: F32 = total / np.maximum(share, 1e-4)
    return blurred
