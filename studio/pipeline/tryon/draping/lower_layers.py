"""The person taken apart for a lower garment: what must go, what stands in front, and what was behind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.backdrop import paint_backdrop
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.fill import add_grain, draw_polygon, fill_smoothly
from studio.pipeline.tryon.draping.hands import part_hands
from studio.pipeline.tryon.draping.layers import measure_waist
from studio.pipeline.tryon.draping.leg_skin import paint_legs
from studio.pipeline.tryon.draping.legs import LegFields, Legs
from studio.pipeline.tryon.draping.lower import PlacedLower
from studio.pipeline.tryon.draping.plates import Occluder, Plate
from studio.pipeline.tryon.draping.removal import own_outline
from studio.pipeline.tryon.draping.seam import TOPS as _TOPS
from studio.pipeline.tryon.draping.seam import Seam, end_tops, show_below

EDGE_BLEED = 0.013
"""How far a garment's colour reaches into its neighbours (blur, compression), in shoulder widths."""
DEFAULT_WAIST, HIGHEST_WAIST, LOWEST_WAIST = 0.76, 0.52, 0.98
"""Where trousers begin, in shares of neck to hips: when nothing shows it, and at most."""
ABOVE_OLD = 0.04
"""How far above the old waistband the new one begins, in shoulder widths, so that nothing of it is left."""
STEEPEST = 0.3
"""How steeply a waistband may lie across the body."""
BELT_REACH, OTHER_CLOTH = 0.22, 32.0
"""How far above the old garment its belt may be hidden under the top's label, in shoulder widths, and how much (steps
of lightness, 0..256) it differs from the top's own colours."""
FEATHER = 0.08
"""Over this distance beside the old garment, in shoulder widths, the painted backdrop goes over into the photo's."""
FRAYED = 0.012
"""So far up, in shoulder widths, old cloth may be seen between a hem's threads."""
WAIST_ROWS = (0.07, 0.2)
"""So far below the waist, in shoulder widths, its width is read: cloth lies on the body, no top billows over it."""
LOOP = 0.12
"""How far from the belt's solid part a loop of it may reach, in shoulder widths."""
FLAT_WAIST = 0.03
"""Loops, pockets and gaps narrower than twice this, in shoulder widths, are no part of the waist's outline."""
HEM_REACH = 0.45
"""How far down the shank a trouser's hem may be hidden under the shoe's label, from the ankle upwards."""
BOOT = 0.3
"""Shoes that reach up the shank by this share of it are boots: trousers narrower than they are end in them."""
WIDE = 8
"""From this radius on a distance transform is cheaper than a dilation."""
FAR_FROM_LEG = 3.2
"""So many half-widths of the leg beside it there are no trousers any more: a bag that the parse map calls so."""
_LIMBS = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.GLOVE, Cihp.HAIR, Cihp.FACE, Cihp.HAT)
_LEGS = (Cihp.RIGHT_LEG, Cihp.LEFT_LEG)
_SHOES = (Cihp.RIGHT_SHOE, Cihp.LEFT_SHOE)


@dataclass(frozen=True, slots=True, eq=False)
class Wearing:
    """How the lower garment is worn.

    waist: depth below the shoulder line, on the axis. slope: how much deeper it lies per pixel to the picture's right.
    seen: where the top's hem first shows the lower garment; None where the waistband itself is seen. tucked: the top
    must be put inside it. in_dress: the person's one garment is a dress.
    """

    waist: float
    slope: float
    seen: float | None
    tucked: bool
    in_dress: bool


def read_wearing(body: Body, evidence: Evidence, order: LayerOrder) -> Wearing:
    """Say where the waistband sits, and whether the top must be put inside it."""
    dressed = is_in_dress(evidence)
    line = None if dressed else _upper_edge(body, evidence)
    tucked = dressed or order.hem is HemStyle.TUCKED
    default = DEFAULT_WAIST * body.length
    if line is None:
        return Wearing(default, 0.0, None, tucked, dressed)
    waist, slope = line[0] - ABOVE_OLD * body.size, line[1]
    # A top that hangs over it, or is to be tucked in, says nothing of where it begins: somewhere above its hem.
    if tucked or not measure_waist(body, evidence)[1]:
        seen = None if tucked else waist
        waist, slope = min(waist, default), 0.0
    else:
        seen = None
    waist = float(np.clip(waist, HIGHEST_WAIST * body.length, LOWEST_WAIST * body.length))
    return Wearing(waist, slope, seen, tucked, dressed)


def _upper_edge(body: Body, evidence: Evidence) -> tuple[float, float] | None:
    """Return the line at which the old lower garment first shows: depth on the axis, slope; None where it does not."""
    lower = np.isin(evidence.labels, LOWER_BODY)
    steps = np.arange(0.35 * body.length, 1.5 * body.length)
    found = []
    for share in np.linspace(-0.8, 0.8, 17):
        half = body.half_width(steps, -1 if share < 0 else 1)
        points = body.place(share * half, steps).round().astype(int)
        inside = (points >= 0).all(axis=1) & (points[:, 0] < lower.shape[1]) & (points[:, 1] < lower.shape[0])
        hit = np.zeros(len(steps), bool)
        hit[inside] = lower[points[inside, 1], points[inside, 0]]
        if hit.sum() > 0.06 * body.length:
            first = int(np.argmax(hit))
            found.append((float(share * half[first]), float(steps[first])))
    if len(found) < 4:
        return None
    lateral, depth = np.array(found).T
    pairs = [(i, j) for i in range(len(found)) for j in range(i + 1, len(found)) if lateral[j] - lateral[i] > 1]
    slope = float(np.median([(depth[j] - depth[i]) / (lateral[j] - lateral[i]) for i, j in pairs])) if pairs else 0.0
    slope = float(np.clip(slope, -STEEPEST, STEEPEST))
    return float(np.percentile(depth - slope * lateral, 25)), slope


def measure_waist_halves(body: Body, evidence: Evidence, wearing: Wearing) -> tuple[float | None, float | None]:
    """Return how far the old lower garment reaches to both sides of the axis just below the waist, next to nothing."""
    found: list[float | None] = []
    lower = np.isin(evidence.labels, LOWER_BODY)
    reach = np.arange(0.15 * body.size, 0.8 * body.size)
    for side in (-1, 1):
        ends = []
        for below in np.linspace(*WAIST_ROWS, 7) * body.size:
            depth = wearing.waist + below + wearing.slope * side * 0.4 * body.size
            points = body.place(side * reach, np.full(len(reach), depth)).round().astype(int)
            inside = (points >= 0).all(axis=1) & (points[:, 0] < lower.shape[1]) & (points[:, 1] < lower.shape[0])
            x, y = points[inside].T
            own = lower[y, x]
            last = len(own) - 1 - int(np.argmax(own[::-1]))
            if own.any() and last + 4 < len(own) and (evidence.alpha[y, x][last + 3 : last + 5] < 0.5).all():
                ends.append(float(reach[inside][last]) - 0.25 * below)
        found.append(float(np.median(ends)) if len(ends) >= 4 else None)
    return found[0], found[1]


def is_in_dress(evidence: Evidence) -> bool:
    """Tell a person whose one garment is a dress."""
    dress = int((evidence.labels == Cihp.DRESS).sum())
    return dress > 2 * int(np.isin(evidence.labels, (*LOWER_BODY, Cihp.UPPER)).sum())


def reclaim_labels(evidence: Evidence, body: Body, fields: BodyFields, leg_fields: LegFields) -> Evidence:
    """Return the evidence with belt and turned-up hems given to the garment they belong to, and skin to the skin.

    Hands before bare legs end where they are seen to end (`part_hands`). A parse map likes to call a belt a top, a
    turned-up hem a shoe, and a piece of midriff either: what is coloured unlike the top (the shoe) and touches the old
    garment is the old garment's.
    """
    labels = part_hands(evidence.labels, evidence.rgb, body, fields)
    rgb = evidence.rgb.astype(np.float32)
    if np.isin(labels, LOWER_BODY).sum() < 0.02 * body.size**2:
        return Evidence(evidence.rgb, evidence.alpha, labels, evidence.leak_free)
    bag = (labels == Cihp.TROUSERS) & (np.abs(fields.lateral) > 0.6 * body.size)
    for across in leg_fields.across:
        bag &= np.abs(across) > FAR_FROM_LEG
    cloth = _palette(rgb[_shrink((labels == Cihp.TROUSERS) & ~bag, 2)]) if bag.any() else None
    if cloth is not None:  # cloth of the trousers' own colours is a leg seen past a hand
        bag[bag] = _distance(rgb[bag], cloth) > OTHER_CLOTH
    labels[_open(bag, 3)] = Cihp.BACKGROUND
    _give_skin_back(labels, rgb, body, fields)
    _reclaim_belt(labels, rgb, body, fields)
    for number in (0, 1):
        _reclaim_hem(labels, rgb, leg_fields.along[number], leg_fields.across[number])
    return Evidence(evidence.rgb, evidence.alpha, labels, evidence.leak_free)


def _skin_palette(labels: U8, rgb: F32) -> F32 | None:
    return _palette(rgb[_shrink(np.isin(labels, (Cihp.NECK, Cihp.LEFT_ARM, Cihp.RIGHT_ARM)), 2)])


def _give_skin_back(labels: U8, rgb: F32, body: Body, fields: BodyFields) -> None:
    lower = np.isin(labels, LOWER_BODY)
    high = lower & (fields.depth < body.length)
    cloth, skin = _palette(rgb[_shrink(lower & (fields.depth > 0.9 * body.length), 2)]), _skin_palette(labels, rgb)
    if cloth is None or skin is None or not high.any():
        return
    bare = np.zeros(labels.shape, bool)
    bare[high] = (_distance(rgb[high], skin) < 0.7 * OTHER_CLOTH) & (_distance(rgb[high], cloth) > OTHER_CLOTH)
    labels[_open(bare, 2)] = Cihp.NECK


def _reclaim_belt(labels: U8, rgb: F32, body: Body, fields: BodyFields) -> None:
    lower = np.isin(labels, LOWER_BODY)
    reach = round(BELT_REACH * body.size)
    near = _grow(lower, reach)
    band = near & np.isin(labels, _TOPS) & (np.abs(fields.lateral) < 0.7 * body.size)
    # Only the cloth just above says what the top looks like there: a print on the chest may be as black as a belt.
    own = _palette(rgb[np.isin(labels, _TOPS) & _grow(lower, 2 * reach) & ~near])
    if own is None or not band.any():
        return
    odd, bare = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    unlike = _distance(rgb[band], own)
    odd[band] = unlike > OTHER_CLOTH
    skin = _skin_palette(labels, rgb)
    if skin is not None:  # a bare midriff that the parse map calls a top is not a belt
        bare[band] = _distance(rgb[band], skin) < np.minimum(unlike, OTHER_CLOTH)
    labels[_open(bare & odd, 1)] = Cihp.NECK
    belt = _touching(_open(odd & ~bare, 1), lower)
    # A loop that stands off is thin: what hangs together with the belt and with the background is the belt's.
    loops = _touching(odd & ~bare, belt) & _grow(belt, round(LOOP * body.size))
    labels[belt | _touching(loops, labels == Cihp.BACKGROUND) & loops] = Cihp.TROUSERS


def _reclaim_hem(labels: U8, rgb: F32, along: F32, across: F32) -> None:
    lower = np.isin(labels, LOWER_BODY)
    near = np.abs(across) < 3.0
    shoe = np.isin(labels, (*_SHOES, Cihp.SOCKS)) & near
    cloth = _palette(rgb[lower & near & (along > 2.0 - 2 * HEM_REACH) & (along < 2.1)])
    sole = _palette(rgb[shoe & (along > 2.12)])
    hem = shoe & (along > 2.0 - HEM_REACH) & (along < 2.15)
    if cloth is None or sole is None or not hem.any():
        return
    alike = np.zeros(labels.shape, bool)
    alike[hem] = _distance(rgb[hem], cloth) < np.minimum(0.6 * _distance(rgb[hem], sole), 48.0)
    labels[_touching(_open(alike, 1), lower)] = Cihp.TROUSERS


def _palette(pixels: F32) -> F32 | None:
    """Return up to five colours that stand for some pixels; None where there are too few."""
    if len(pixels) < 60:
        return None
    step = max(1, len(pixels) // 4000)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    cv2.setRNGSeed(5)
    _, groups, centres = cv2.kmeans(pixels[::step], 5, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    share = np.bincount(groups.ravel(), minlength=5) / len(groups)
    kept: F32 = centres[share > 0.03].astype(np.float32)
    return kept


def _distance(pixels: F32, palette: F32) -> F32:
    """Return how far pixels are from the nearest colour: equal steps look equal, in the dark too."""
    seen, own = 16 * np.sqrt(pixels), 16 * np.sqrt(palette)
    gaps: F32 = np.abs(seen[:, None] - own[None]).max(axis=2).min(axis=1)
    return gaps


def _open(mask: Bool, radius: int) -> Bool:
    opened: Bool = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disc(radius)) > 0
    return opened


def _touching(mask: Bool, other: Bool) -> Bool:
    """Return the pieces of a mask that touch another, closed against small gaps."""
    count, pieces = cv2.connectedComponents(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, _disc(2)))
    wanted = np.zeros(count, bool)
    wanted[pieces[_grow(other, 3)]] = True
    wanted[0] = False
    touching: Bool = wanted[pieces]
    return touching


def find_removed(
    evidence: Evidence, wearing: Wearing, placed: PlacedLower, where: tuple[Body, BodyFields, LegFields]
) -> tuple[F32, Bool]:
    """Return where old cloth and hidden skin must go, soft, and the old cloth itself."""
    body, fields, leg_fields = where
    labels = evidence.labels
    below = fields.depth > waistline(wearing, fields) - 0.02 * body.size
    old = np.isin(labels, LOWER_BODY)
    if wearing.in_dress:
        old |= (labels == Cihp.DRESS) & below
    if wearing.tucked:
        old |= np.isin(labels, _TOPS) & (fields.depth > waistline(wearing, fields) + 0.04 * body.size)
    bleed = max(2, round(EDGE_BLEED * body.size))
    skin = np.isin(labels, _LEGS)
    hidden = np.zeros(labels.shape, bool)
    for number in (0, 1):
        along, across = leg_fields.along[number], leg_fields.across[number]
        hidden |= skin & (along < placed.hems[number] - 0.03) & (np.abs(across) < 2.2)
    # Straps, belts and rims that no label owns lie between old cloth and background.
    kept = np.isin(labels, (*_TOPS, *_LIMBS, *_SHOES)) & ~old
    stays = kept | (skin & ~hidden)
    strip = own_outline(_grow(old | hidden, bleed) & ~stays, stays, evidence.alpha, body.size)
    gone = (_grow(old | hidden, bleed) | strip) & ~_shrink(kept, bleed)
    return np.maximum(_soft(gone, 0.8), _feather(gone, evidence, body.size)), old


def _feather(gone: Bool, evidence: Evidence, size: float) -> F32:
    """Return how the painted backdrop goes over into the photo's: a person's shine and shade lie around them on it."""
    away = cv2.distanceTransform((~gone).astype(np.uint8), cv2.DIST_L2, 5) / np.float32(FEATHER * size)
    clear = (evidence.labels == Cihp.BACKGROUND) & (evidence.alpha < 0.02)
    near = _soft(_shrink(clear | gone, 3) & clear, 1.5)
    feather: F32 = (np.clip(1 - away, 0, 1) ** 2 * near).astype(np.float32)
    return feather


def waistline(wearing: Wearing, fields: BodyFields) -> F32:
    """Return, for every pixel, the depth of the waistband at its place across the body."""
    line: F32 = (wearing.waist + wearing.slope * fields.lateral).astype(np.float32)
    return line


def find_shown(evidence: Evidence, wearing: Wearing, body: Body, fields: BodyFields, seam: Seam | None) -> F32:
    """Return where the new garment may be seen: on the body, and under a top that hangs over it only below its hem."""
    # At the waist cloth lies on the body: none of it stands out beyond the person; lower down it may.
    depth = (fields.depth - waistline(wearing, fields)) / np.float32(body.size)
    disc = _disc(max(2, round(FLAT_WAIST * body.size)))
    solid = cv2.morphologyEx((evidence.alpha >= 0.5).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    outline = cv2.GaussianBlur(cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc).astype(np.float32), (0, 0), 3.0)
    away = cv2.distanceTransform((outline < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    allowed = np.interp(depth, [0.0, 0.1, 0.25, 0.4], [0.01, 0.02, 0.08, 1.0]) * body.size
    on_body: F32 = np.clip(allowed - away + 0.5, 0, 1).astype(np.float32)
    if seam is not None:
        seen: F32 = on_body * show_below(seam, fields, body.size)
        return seen
    if wearing.seen is None:
        return on_body
    covered = _soft(_grow(np.isin(evidence.labels, (*_TOPS, *_LIMBS)), 2), 0.9)
    below = np.clip((fields.depth - wearing.seen) / max(1.0, 0.02 * body.size), 0, 1)
    shown: F32 = (np.maximum(covered, below) * on_body).astype(np.float32)
    return shown


def find_front(
    evidence: Evidence, wearing: Wearing, old: Bool, where: tuple[Body, BodyFields, Seam | None], order: LayerOrder
) -> Occluder:
    """Return what stands before the new garment: hands, hair, a top worn over it, shoes and boots."""
    body, fields, seam = where
    labels, rgb = evidence.labels, evidence.rgb.astype(np.float32)
    named = {label.name.lower(): label for label in Cihp}
    front = {*_LIMBS, *(named[part] for part in order.over if part in named)}
    if not wearing.tucked:
        front |= {*_TOPS, Cihp.DRESS} if not wearing.in_dress else set(_TOPS)
    front -= {named[part] for part in order.under if part in named}
    limbs = (np.isin(labels, sorted(front - set(_TOPS))) & ~old).astype(np.float32)
    cut = _cut_out(rgb, limbs, old, body)
    cut = replace(cut, alpha=_end_limbs(cut.alpha, evidence, sorted(front & set(_LIMBS)), old))
    shown = sorted(front & set(_TOPS))
    if not shown:
        return cut
    # A top's own hem is drawn in by the width of the bleed: the old cloth's colour is in it.
    tops = np.isin(labels, shown) & ~old
    rim = tops & _grow(old, max(2, round(EDGE_BLEED * body.size)))
    frayed = old if seam is None else old | (np.abs(seam.above(fields)) < FRAYED * body.size)
    top = _cut_out(rgb, end_tops(tops & ~rim, labels, seam, fields, body.size), frayed, body)
    rgb = np.where((top.alpha > np.maximum(cut.alpha, 0.02))[..., None], top.rgb, cut.rgb)
    # Where an arm lies on the top, both soft edges together are whole.
    return Occluder(np.minimum(cut.alpha + top.alpha, 1.0).astype(np.float32), rgb.astype(np.float32))


def _end_limbs(alpha: F32, evidence: Evidence, limbs: list[Cihp], old: Bool) -> F32:
    """Return the coverage of what stands in front with the matte's own edge where limbs end at the background."""
    limb, background = np.isin(evidence.labels, limbs) & ~old, evidence.labels == Cihp.BACKGROUND
    edge = (limb & _grow(background, 3)) | (background & _grow(limb, 3))
    edge &= ~_grow(~limb & ~background, 3)
    ended: F32 = np.where(edge, evidence.alpha, alpha).astype(np.float32)
    return ended


def add_boots(front: Occluder, evidence: Evidence, legs: Legs, leg_fields: LegFields, placed: PlacedLower) -> Occluder:
    """Put boots in front: a trouser leg that is not wider than the boot's shaft goes into it."""
    shoes = np.isin(evidence.labels, _SHOES)
    boots = np.zeros(shoes.shape, bool)
    for number in (0, 1):
        own = shoes & (np.abs(leg_fields.across[number]) < 2.5) & (leg_fields.along[number] > 1.0)
        shaft = own & (leg_fields.along[number] < 2.0 - BOOT)
        if shaft.sum() > 0.01 * legs.body.size**2 and placed.hems[number] > 1.5:
            boots |= own
    if not boots.any():
        return front
    cut = _cut_out(evidence.rgb.astype(np.float32), boots.astype(np.float32), np.zeros(boots.shape, bool), legs.body)
    share = cut.alpha[..., None]
    rgb = front.rgb * (1 - share) + cut.rgb * share
    return Occluder(np.maximum(front.alpha, cut.alpha), rgb.astype(np.float32))


def _cut_out(rgb: F32, coverage: F32, old: Bool, body: Body) -> Occluder:
    """Cut a part out of the photo; near the old garment its colours are taken from its own inside."""
    bleed = max(2, round(EDGE_BLEED * body.size))
    alpha, mask = _soft(coverage, 0.9), coverage > 0.5
    near = _grow(old, bleed)
    core = _shrink(mask, bleed)
    known = ((mask & ~near) | core).astype(np.float32)
    if known.sum() < 20:
        return Occluder(alpha, rgb)
    tainted = _soft(near & ~core, 1.0)[..., None]
    clean = fill_smoothly(rgb, known + np.float32(1e-7))
    return Occluder(alpha, (rgb * (1 - tainted) + clean * tainted).astype(np.float32))


def paint_behind(
    evidence: Evidence,
    removed: F32,
    wearing: Wearing,
    placed: PlacedLower,
    where: tuple[Legs, BodyFields, LegFields],
) -> tuple[Plate, F32]:
    """Paint what the old garment hid: background, waist, bare legs; and say where the photo goes for it."""
    legs, fields, leg_fields = where
    rgb = evidence.rgb.astype(np.float32)
    shape = (rgb.shape[0], rgb.shape[1])
    plate = paint_backdrop(rgb, evidence, removed, removed > 0, legs.body.size)
    trunk = _draw_hips(legs, shape, wearing.waist)
    plate = _mix(plate, _continue_trunk(rgb, evidence, removed, fields, wearing), trunk)
    painted = paint_legs(plate, evidence, removed, placed.hems, (legs, leg_fields))
    plate_body = np.maximum(trunk, painted.coverage)
    return Plate(painted.rgb, plate_body, painted.rgb, painted.rgb, painted.gain), painted.removed


def _continue_trunk(rgb: F32, evidence: Evidence, removed: F32, fields: BodyFields, wearing: Wearing) -> F32:
    """Continue whatever is above the waistband, cloth or skin, a little way down."""
    above = np.isin(evidence.labels, (*_TOPS, Cihp.NECK, Cihp.DRESS)) & (removed < 0.01)
    near = above & (fields.depth > wearing.waist - 0.5 * fields.depth.std())
    known = _shrink(near if near.sum() > 50 else above, 2).astype(np.float32)
    if known.sum() < 50:
        return rgb
    return add_grain(fill_smoothly(rgb, known + np.float32(1e-7)), rgb, known)


def _draw_hips(legs: Legs, shape: tuple[int, int], waist: float) -> F32:
    """Return the coverage of the trunk about the waist."""
    body = legs.body
    depth = np.linspace(waist - 0.3 * body.size, waist + 0.2 * body.size, 12)
    left, right = (body.place(side * 0.94 * body.half_width(depth, side), depth) for side in (-1, 1))
    return draw_polygon(np.concatenate([left, right[::-1]]), shape)


def _mix(below: F32, above: F32, alpha: F32) -> F32:
    mixed: F32 = (below + (above - below) * alpha[..., None]).astype(np.float32)
    return mixed


def _disc(radius: int) -> U8:
    kernel: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)
    return kernel


def _grow(mask: Bool, radius: int) -> Bool:
    if radius > WIDE:
        near: Bool = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3) <= radius
        return near if mask.any() else mask
    grown: Bool = cv2.dilate(mask.astype(np.uint8), _disc(radius)) > 0
    return grown


def _shrink(mask: Bool, radius: int) -> Bool:
    shrunk: Bool = cv2.erode(mask.astype(np.uint8), _disc(radius), borderValue=1) > 0
    return shrunk


def _soft(mask: Bool | F32, sigma: float) -> F32:
    softened: F32 = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    return softened
