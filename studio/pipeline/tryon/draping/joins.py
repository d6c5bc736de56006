"""What went wrong where a look was joined: rags and steps of outlines, edges of tone, holes and specks.

Everything is read off the finished pixels and planes on the working raster, in shoulder widths, so that it means the
same at every size. An outline is judged by how much it turns to and fro: a straight edge, a curve and a corner turn
one way only, a fray or a step turns there and back again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import GarmentArtefacts, NativePatch, PersonArtefacts
from studio.domain.geometry import Box
from studio.domain.labels import Cihp
from studio.pipeline.garments.lower import LOWER
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.compose import Dressing
from studio.pipeline.tryon.draping.outlines import NOWHERE, Outline, read_contrast, trace_outlines
from studio.pipeline.tryon.draping.plates import Plate

STEPPED, FRAYED = 1.2, 0.5
"""Radians from which an outline is seen to be rough: of turning to and fro, and of bends beyond the two sharpest."""
HAND = 0.34
"""Radius about the hand's middle in which fingers may turn as they like, in shoulder widths."""
NEAR = 0.02
"""How near a painted place an outline must be to be ours, in shoulder widths."""
JOIN = 0.012
"""Width of the bands on both sides of a painted join whose tones are compared, in shoulder widths."""
RIM = 0.02
"""Half-width of a seen limb's painted rim, in shoulder widths."""
TONES, OTHER_MATTER = 5.0, 30.0
"""CIELAB steps from which a join is seen, and from which the two sides were never meant to be one skin."""
OFF_RED, OFF_YELLOW = 10.0, 14.0
"""How far the two sides of a join of skin may differ in hue; what differs more is cloth or background."""
LEAST_SPECK, SPECK = 0.0003, 0.02
"""Least and largest area of a speck, in squared shoulder widths: more is a limb, which is meant."""
TRUNK_CORE, ARM_CORE = 0.7, 0.5
"""Shares of the half-width of trunk and arm within which no background may be seen: the body's model is no tighter."""
ARM_REACH, WIDTHS_APART = 0.24, 0.07
"""How near its middle a flaw is an arm's; how far above and below a join the widths are compared. Shoulder widths."""

BELLY = 0.4
"""Where the belly begins, in shares of neck to hips: above that open necklines and armholes show the chest."""
_SPARSE = 4
_STILL = (Cihp.HAIR, Cihp.FACE, Cihp.HAT, Cihp.SUNGLASSES, Cihp.GLOVE)
_ARMS = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM)
_LIMBS = (*_ARMS, Cihp.LEFT_LEG, Cihp.RIGHT_LEG, Cihp.NECK)


class Flaw(StrEnum):
    """What can be wrong with a join."""

    FRAYED = "frayed"  # the garment's outline
    RAGGED = "ragged"  # the outline of painted skin, steps against seen skin included
    WAIST = "waist"  # the upper edge of the lower garment
    TONE = "tone"  # painted skin beside seen skin
    HOLE = "hole"  # background where the body is
    SPECK = "speck"  # a bit of the photo's skin that the garment should cover


@dataclass(frozen=True, slots=True)
class Found:
    """One flaw. strength: see the measure; at: (x, y) on the working raster, where it is worst."""

    flaw: Flaw
    strength: float
    at: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A look on the working raster, or the part of it that changed.

    rgb: dressed. alpha: the new silhouette; before: the old one. garment: its coverage. painted: how far the photo's
    own pixels were painted over by skin or background. lower: the lower garment beside a top. labels: of the photo.
    natural: how rough the garment's outline is on its own photo, like the strength of FRAYED. armpits: of its
    sleeves, on the raster. origin: (x, y) of the first pixel on it.
    """

    rgb: U8
    alpha: F32
    before: F32
    garment: F32
    painted: F32
    lower: F32
    labels: U8
    body: Body
    natural: float = 0.0
    belly: float = 0.0
    armpits: F64 = field(default_factory=lambda: NOWHERE)
    origin: tuple[int, int] = (0, 0)


def finish(
    dressing: Dressing,
    patch: NativePatch,
    person: PersonArtefacts,
    garment: GarmentArtefacts,
    seen: tuple[U8, Body],
    armpits: F64 = NOWHERE,
) -> Finished:
    """Return a rendered look as it is judged. seen: the photo's labels on the raster, and the body."""
    view, box = dressing.view, patch.box
    at = Box(box.x0 - view.box.x0, box.y0 - view.box.y0, box.x1 - view.box.x0, box.y1 - view.box.y0).slices
    rgb = person.photo.rgb8[view.box.slices].copy()
    alpha = person.cutout.alpha[view.box.slices].copy()
    worn = np.zeros(alpha.shape, np.uint8)
    pixels = patch.pixels if patch.pixels.dtype == np.uint8 else (patch.pixels // 257).astype(np.uint8)
    cv2.copyTo(pixels, (patch.alpha > 0).view(np.uint8), rgb[at])
    alpha[at], worn[at] = patch.body_alpha, patch.garment
    planes = [
        plane if view.scale == 1.0 else cv2.resize(plane, view.size, interpolation=cv2.INTER_AREA)
        for plane in (rgb, alpha, worn)
    ]
    coverage: F32 = planes[2].astype(np.float32) / np.float32(255)
    look = Finished(
        np.asarray(planes[0], np.uint8), np.asarray(planes[1], np.float32), dressing.person, coverage,
        dressing.layers.removed, dressing.layers.lower.alpha, *seen,
    )  # fmt: skip
    belly = 0.0 if garment.garment.category in LOWER else measure_belly(look, dressing.plate)
    natural = measure_nature(dressing, garment, seen[1].size)
    return replace(_cropped(look), natural=natural, belly=belly, armpits=armpits)


def _cropped(look: Finished) -> Finished:
    """Return the part of a look that was touched, and a rim of it."""
    touched = (look.painted > 0.3) | (look.garment > 0.1)
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    if not rows.size:
        return look
    rim = round(0.15 * look.body.size)
    x, y = max(0, int(columns[0]) - rim), max(0, int(rows[0]) - rim)
    cut = np.s_[y : int(rows[-1]) + rim, x : int(columns[-1]) + rim]
    return replace(
        look, rgb=look.rgb[cut], alpha=look.alpha[cut], before=look.before[cut], garment=look.garment[cut],
        painted=look.painted[cut], lower=look.lower[cut], labels=look.labels[cut], origin=(x, y),
    )  # fmt: skip


def measure_belly(look: Finished, plate: Plate) -> float:
    """Return the area, in squared shoulder widths, of painted skin below the chest: no photo shows its like."""
    cut = np.s_[::_SPARSE, ::_SPARSE]
    shown = (look.painted[cut] > 0.7) & (look.garment[cut] < 0.1) & (look.alpha[cut] > 0.9)
    skin = shown & (np.abs(plate.rgb[cut] - plate.skin[cut]).max(axis=2) < 1)
    y, x = np.nonzero(skin)
    if not x.size:
        return 0.0
    body = look.body
    lateral, depth = body.locate(np.stack([x, y], -1).astype(np.float64) * _SPARSE)
    inside = (depth > BELLY * body.length) & (np.abs(lateral) < 0.5 * body.size)
    return float(inside.sum()) * _SPARSE**2 / body.size**2


def measure_nature(dressing: Dressing, garment: GarmentArtefacts, size: float) -> float:
    """Return how rough the product's own outline is where its photo shows that clearly, seen as large as it is worn.

    Fur, fringes and ruffles are; a cut-out that lost its edge on a backdrop of the garment's own colour is not.
    """
    alpha, scale = dressing.source.alpha, dressing.view.scale
    if scale < 1.0:
        around = (max(8, round(alpha.shape[1] * scale)), max(8, round(alpha.shape[0] * scale)))
        alpha = np.asarray(cv2.resize(alpha, around, interpolation=cv2.INTER_AREA), np.float32)
    photo = garment.photo.rgb8
    grain = photo.shape[1] / alpha.shape[1]
    strength = 0.0
    for outline in trace_outlines(np.pad(alpha, 8), size):
        if outline.fraying.any():
            points = (outline.points - 8 + 0.5) * grain - 0.5
            weight = _weigh(outline.fraying, FRAYED) * read_contrast(points, photo, 0.012 * size * grain)
            strength += float(weight.sum()) / size
    return strength


def find_flaws(look: Finished) -> list[Found]:
    """Return every flaw that is seen."""
    still = find_still(look)
    ours = _grown((look.painted > 0.3) | (look.garment > 0.1), max(2, round(NEAR * look.body.size)))
    found = [
        *find_rags(look, ours, still),
        *find_tones(look, still),
        *find_bits(look, ours & ~still),
    ]
    x, y = look.origin
    return [replace(one, at=(one.at[0] + x, one.at[1] + y)) for one in found]


def find_rags(look: Finished, ours: Bool, still: Bool) -> list[Found]:
    """Return where outlines are rough. strength: rough length in shoulder widths, counted by how rough it is."""
    worn = _grown(look.garment > 0.3, 3)
    planes = [(Flaw.RAGGED, look.alpha, ours & ~worn & ~still), (Flaw.FRAYED, look.garment, ~still)]
    if look.lower.max(initial=0.0) > 0.5:
        bare = _grown((look.painted > 0.5) & (look.alpha > 0.5), 3)
        planes.append((Flaw.WAIST, look.lower * (1 - look.garment), bare & ~worn & ~still))
    found = []
    armpits = look.armpits - np.array(look.origin, np.float64)
    for flaw, plane, watched in planes:
        for outline in trace_outlines(plane, look.body.size, watched, armpits):
            found += _gather(flaw, outline, look)
    return found


def find_still(look: Finished) -> Bool:
    """Return where outlines are the photo's own and may be as they like: hair, heads, hands, the picture's rim."""
    kept = look.painted < 0.5
    size, origin = look.body.size, np.array(look.origin)
    still = _grown(_any_of(look.labels, _STILL) & kept, max(2, round(0.015 * size)))
    hands = np.zeros(still.shape, np.uint8)
    for arm in look.body.arms:
        middle = arm.points[2] + 0.25 * (arm.points[2] - arm.points[1]) - origin
        cv2.circle(hands, (round(middle[0]), round(middle[1])), round(HAND * size), 1, -1)
    still |= (hands > 0) & _grown(_any_of(look.labels, _ARMS) & kept, 3)
    still[:3], still[-3:], still[:, :3], still[:, -3:] = True, True, True, True
    return still


def _weigh(turning: F64, least: float) -> F64:
    """Return, 0..1, how rough an outline is at its points: from `least` on, wholly at twice that."""
    weight: F64 = np.clip(turning / least - 1, 0.0, 1.0)
    return weight


def _gather(flaw: Flaw, outline: Outline, look: Finished) -> list[Found]:
    """Return the rough stretches of an outline."""
    turning, least = (outline.fraying, FRAYED) if flaw is Flaw.FRAYED else (outline.turning, STEPPED)
    rough = turning > least
    if not rough.any():
        return []
    size = look.body.size
    weight = _weigh(turning, least) * read_contrast(outline.points, look.rgb, 0.012 * size)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], rough.astype(np.int8), [0]])))
    found = []
    for first, last in ends.reshape(-1, 2):
        strength = float(weight[first:last].sum()) / size
        worst = outline.points[first + int(np.argmax(weight[first:last]))]
        found.append(Found(flaw, strength, (float(worst[0]), float(worst[1]))))
    return [one for one in found if one.strength > 0]


def find_tones(look: Finished, still: Bool) -> list[Found]:
    """Return where painted skin is seen to end beside seen skin. strength: length of the join in shoulder widths."""
    size = look.body.size / 2  # half the raster does: bands are several pixels wide
    bare = (look.alpha > 0.9) & (look.garment < 0.05) & ~still
    bare = cv2.erode(bare.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    made = np.ascontiguousarray((bare & (look.painted > 0.7))[::2, ::2])
    seen = np.ascontiguousarray((bare & (look.painted < 0.03) & _any_of(look.labels, _LIMBS))[::2, ::2])
    # A seen limb's rim is painted anew, and a limb is darker there by nature: that is no join.
    rim = np.ones((2 * max(1, round(RIM * size)) + 1,) * 2, np.uint8)
    made = cv2.morphologyEx(made.astype(np.uint8), cv2.MORPH_OPEN, rim) > 0
    reach = max(1, round(2.5 * JOIN * size))
    both = _grown(made, reach) & _grown(seen, reach)
    if not both.any():
        return []
    rows, columns = np.flatnonzero(both.any(axis=1)), np.flatnonzero(both.any(axis=0))
    cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    rgb = cv2.resize(look.rgb, (made.shape[1], made.shape[0]), interpolation=cv2.INTER_AREA)[cut]
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32) * np.array([100 / 255, 1, 1], np.float32)
    (first, near), (second, far) = (_mean_of(lab, side[cut], JOIN * size) for side in (made, seen))
    step = first - second
    apart = np.sqrt((step**2).sum(axis=2))
    skin = (np.abs(step[..., 1]) < OFF_RED) & (np.abs(step[..., 2]) < OFF_YELLOW) & (apart < OTHER_MATTER)
    seam = (near > 0.15) & (far > 0.15) & skin & (apart > TONES)
    count, _, stats, middles = cv2.connectedComponentsWithStats(seam.astype(np.uint8))
    corner = np.array([columns[0], rows[0]])
    found = []
    for number in range(1, count):
        length = float(stats[number, cv2.CC_STAT_AREA]) / (2 * JOIN * size) / size
        x, y = 2 * (middles[number] + corner) + 0.5
        found.append(Found(Flaw.TONE, length, (float(x), float(y))))
    return found


def _mean_of(lab: F32, side: Bool, sigma: float) -> tuple[F32, F32]:
    """Return the mean colour of one side about each pixel, and how much of it is there."""
    inside = side.astype(np.float32)
    weight: F32 = cv2.GaussianBlur(inside, (0, 0), sigma)
    mean: F32 = cv2.GaussianBlur(lab * inside[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
    return mean, weight


def find_bits(look: Finished, watched: Bool) -> list[Found]:
    """Return specks and holes. strength: their area in squared shoulder widths."""
    # Half the raster does: what is smaller than its pixels is no piece of anything.
    size, half = look.body.size / 2, np.s_[::2, ::2]
    alpha, painted, watched = look.alpha[half], look.painted[half], watched[half]
    bare = (alpha > 0.5) & (look.garment[half] < 0.3)
    arms = _any_of(np.ascontiguousarray(look.labels[half]), _ARMS) & (painted < 0.3) & bare
    # Seen skin that painted skin goes on is a limb, however little of it is seen.
    skin = arms | (bare & (painted >= 0.3) & (look.lower[half] < 0.3))
    hole = _inside_body(look, (alpha < 0.3) & (look.before[half] > 0.7) & (painted > 0.5))
    specks = [(area, at) for area, at in _pieces(skin, watched & arms, size) if LEAST_SPECK < area < SPECK]
    holes = [(area, at) for area, at in _pieces(hole, hole, size) if area > LEAST_SPECK]
    return [
        Found(flaw, area, (2 * x + 0.5, 2 * y + 0.5))
        for flaw, pieces in ((Flaw.SPECK, specks), (Flaw.HOLE, holes))
        for area, (x, y) in pieces
    ]


def _inside_body(look: Finished, asked: Bool) -> Bool:
    """Return the pixels of `asked`, on half the raster, that lie well inside the body's trunk or arms."""
    inside = np.zeros_like(asked)
    y, x = np.nonzero(asked)
    points = 2.0 * np.stack([x, y], -1) + 0.5 + np.array(look.origin)
    body = look.body
    lateral, depth = body.locate(points)
    half = np.where(lateral < 0, body.half_width(depth, -1), body.half_width(depth, 1))
    core = (np.abs(lateral) < TRUNK_CORE * half) & (depth > 0.1 * body.size) & (depth < body.length)
    for arm, side in zip(body.arms, (-1, 1), strict=True):
        if arm.hidden:
            continue
        for segment in (0, 1):
            start, step = arm.points[segment], arm.points[segment + 1] - arm.points[segment]
            along = ((points - start) @ step) / max(float(step @ step), 1e-6)
            off = np.hypot(*(points - start - np.clip(along, 0, 1)[:, None] * step).T)
            on_limb = (along > (0.25 if segment == 0 else 0.0)) & (along < 0.95)
            core |= on_limb & (off < ARM_CORE * body.arm_half(np.clip(along, 0, 1) + segment, side))
    inside[y[core], x[core]] = True
    return inside


def _pieces(mask: Bool, counted: Bool, size: float) -> list[tuple[float, tuple[float, float]]]:
    """Return (area, middle) of a mask's pieces most of which is counted."""
    count, pieces, stats, middles = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    share = np.bincount(pieces[counted], minlength=count)
    return [
        (stats[number, cv2.CC_STAT_AREA] / size**2, (float(middles[number][0]), float(middles[number][1])))
        for number in range(1, count)
        if share[number] > 0.6 * stats[number, cv2.CC_STAT_AREA]
    ]


def name_limb(look: Finished, at: tuple[float, float]) -> str:
    """Return the limb beside a place of the raster: "left_arm", "right_arm" (the person's own), "leg" or ""."""
    point, body = np.array(at, np.float64), look.body
    for arm, name in zip(body.arms, ("right_arm", "left_arm"), strict=True):
        for start, end in zip(arm.points[:-1], arm.points[1:], strict=True):
            step = end - start
            share = np.clip((point - start) @ step / max(float(step @ step), 1e-6), 0.0, 1.0)
            if np.hypot(*(point - start - share * step)) < ARM_REACH * body.size:
                return name
    return "leg" if float(body.locate(point[None])[1][0]) > body.length else ""


def compare_widths(look: Finished, at: tuple[float, float]) -> float:
    """Return how much wider a painted limb is than the seen one that it joins at a place; 1.0 where that is unclear."""
    body, limb = look.body, name_limb(look, at)
    down = body.down
    if limb.endswith("arm"):
        points = body.arms[0 if limb.startswith("right") else 1].points
        lower = np.hypot(*(points[2] - at)) + np.hypot(*(points[1] - at)) < np.hypot(*(points[2] - points[1])) * 1.3
        down = points[2] - points[1] if lower else points[1] - points[0]
        down = down / max(float(np.hypot(*down)), 1e-6)
    ends = [_read_width(look, np.array(at) + sign * WIDTHS_APART * body.size * down, down) for sign in (-1, 1)]
    painted = [end[0] for end in ends if end is not None and end[1] > 0.5]
    seen = [end[0] for end in ends if end is not None and end[1] < 0.2]
    return painted[0] / seen[0] if painted and seen else 1.0


def _read_width(look: Finished, at: F64, down: F64) -> tuple[float, float] | None:
    """Return the width of the bare limb nearest to a place, square to `down`, and how much of it is painted."""
    reach = np.arange(-0.35 * look.body.size, 0.35 * look.body.size)
    spots = np.round(at + reach[:, None] * np.array([-down[1], down[0]]) - look.origin).astype(np.intp)
    spots = np.clip(spots, 0, (look.alpha.shape[1] - 1, look.alpha.shape[0] - 1))
    row = spots[:, 1], spots[:, 0]
    bare = (look.alpha[row] > 0.5) & (look.garment[row] < 0.3)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], bare.astype(np.int8), [0]]))).reshape(-1, 2)
    if not len(ends):
        return None
    middle = len(reach) // 2
    first, last = min(ends, key=lambda pair: max(pair[0] - middle, middle - pair[1], 0))
    return float(last - first), float(look.painted[row][first:last].mean())


def _any_of(labels: U8, wanted: Iterable[Cihp]) -> Bool:
    table = np.zeros(256, np.uint8)
    table[list(wanted)] = 1
    chosen: Bool = cv2.LUT(labels, table).view(bool)
    return chosen


def _grown(mask: Bool, radius: int) -> Bool:
    side = 2 * radius + 1
    grown: Bool = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return grown
