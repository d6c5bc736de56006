"""Where each vertex of the garment's mesh should lie on the person: the template posed on the body."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F64, Bool
from studio.domain.artefacts import Category, Garment, SleeveLength
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.flanks import BODY_EASE, hold_on_trunk
from studio.pipeline.tryon.draping.hoods import lay_hood
from studio.pipeline.tryon.draping.limbs import Limb
from studio.pipeline.tryon.draping.relax import Relaxed, relax
from studio.pipeline.tryon.draping.sleeves import (
    BELOW_ARMPIT,
    DROPPED_SEAM,
    SleeveCut,
    begin_at,
    cuff_place,
    lay_sleeve,
)

TORSO, COLLAR, LEFT_SLEEVE, RIGHT_SLEEVE = range(4)

SHOULDER_SEAM = 1.13
"""Distance of set-in sleeve seams over that of the shoulder joints."""
WIDE = 2.35, 2.65
"""Length over half-width up to which a garment is wide: its shoulders are dropped, its seams say little of its size."""
SHORT_SEAM = 1.03
"""The same for the fitted template of short sleeves, whose corner lies a little down the sleeve."""
BARE_SHOULDER = 1.0
"""The same for sleeveless garments: their edge ends on the shoulder."""
CHEST_EASE = 1.0
"""Width of an ordinary top at the armpits over the body's."""
TOP_LENGTH, LENGTH_SHARE, LONG_SHARE = 1.8, 0.7, 0.4
"""Neck point to hem of an ordinary top, and how much that says against widths, and against widths and long sleeves:
tops differ less in length than in how loose they are, and wide cuts look small by width alone.
"""
CROPPED = 1.3, 1.9
"""Length over worn width up to which a top is cropped, and from which on it is as long as tops are."""
WING = 1.94
"""Neck point over the shoulder down to the wrist: what a long sleeve spans, wherever its seam is set."""
WING_TRUST = 0.6
"""How much that says of the scale, against widths."""
SHORTENED = (0.75, 0.95), (0.15, 0.6)
"""The same by that span over the garment's length: below about one the sleeve may be a three-quarter one."""
FLAT_RATIO, FLAT_EASE = (2.5, 3.4), (1.28, 1.0)
"""Length over half-width of tops laid flat and of tops photographed on a form, and how much wider than worn each is:
half the girth of a body is that much wider than its front view.
"""
MOST_STRETCH = 1.36
"""A narrow garment gives way across by this at most."""
HELD, ROOT_FREE = 100.0, ((0.0, 0.4, 0.6), (0.05, 0.05, 2.0))
"""Pull of a laid sleeve's edges, and of what lies between them, by its share of the sleeve's length."""
ROOT_PULL = (0.0, 0.15, 0.4), (0.01, 0.1, 0.5)
"""Pull of a sleeve's first rows, by their share of its length, while its armhole finds its place."""
COMES_OUT = 0.5
"""Over which length below the armpit a wide garment comes out from under the arm, in shoulder widths."""
RAISED, MOST_RAISED = 0.7, 0.25
"""How much of the way from a hanging armpit up to its sleeve's end the armpit is raised: the rest goes to the cuff; at
the most so many shoulder widths.
"""
NECK_UP, NECK_SHARE = 0.275, 0.6
"""Where a garment's neck points sit above the shoulder joints, and how much of that even wide necklines keep."""
UNDER_ARM = 0.025
"""How far a flank goes on under the arm beyond the crease, in shoulder widths: what only touches leaves a slit."""
FORWARD, LEAST_FALL = 0.13, 0.5
"""How far the pit of the neck lies before the neck points, in shoulder widths, and how much of its cut depth even a
neckline falls that lies round the neck.
"""
BUST, BELOW_NECKLINE = 0.5, 1.2
"""How far below the neck points all cloth has come forward, in shoulder widths; at least that far over the neckline."""
BESIDE_NECKLINE, FLANK = (1.0, 1.5), 0.35
"""From where to where, over the neckline's half-width, the front goes over into what lies beside it; the share of the
front's half-width that goes round its sides.
"""
TUCK_BLOUSE = 0.05
"""How far beyond the lower garment's width a tucked top may billow, in shoulder widths."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The garment in its own upright frame, photo pixels: x outwards from the axis, y down from the neck points.

    points: all vertices. neck_half, shoulder, armpit, hem: mean of both sides as (x, y).
    """

    points: F64
    origin: F64
    down: F64
    neck_half: float
    shoulder: F64
    armpit: F64
    hem_y: float
    cuff_length: float

    @property
    def wing(self) -> float:
        """How far a sleeve reaches from the neck point."""
        return float(self.shoulder[0] - self.neck_half + self.cuff_length)

    @property
    def wide(self) -> float:
        """How far the garment is about as wide as it is long, 0..1."""
        return float(np.interp(self.hem_y / self.armpit[0], WIDE, (1.0, 0.0)))

    @property
    def ease(self) -> float:
        """How much wider than worn the photo shows the garment."""
        return float(np.interp(self.hem_y / self.armpit[0], FLAT_RATIO, FLAT_EASE))

    @property
    def right(self) -> F64:
        """The unit vector to the picture's right."""
        return np.array([self.down[1], -self.down[0]])


def read_pattern(garment: Garment) -> Pattern:
    """Turn the fitted mesh into its own upright frame."""
    spot = {name: np.array(point, np.float64) for name, point in garment.landmarks.items()}
    origin = (spot["collar_left"] + spot["collar_right"]) / 2
    hem = (spot["hem_left"] + spot["hem_right"]) / 2
    down = (hem - origin) / max(float(np.hypot(*(hem - origin))), 1e-6)
    right = np.array([down[1], -down[0]])

    def upright(points: F64) -> F64:
        offset = points - origin
        return np.stack([offset @ right, offset @ down], axis=-1)

    def mean(name: str) -> F64:
        pair = upright(np.array([spot[f"{name}_left"], spot[f"{name}_right"]]))
        return np.array([np.abs(pair[:, 0]).mean(), pair[:, 1].mean()])

    cuff = 0.0
    if "cuff_left_outer" in spot:
        for side in ("left", "right"):
            root = (spot[f"shoulder_{side}"] + spot[f"armpit_{side}"]) / 2
            end = (spot[f"cuff_{side}_outer"] + spot[f"cuff_{side}_inner"]) / 2
            cuff += float(np.hypot(*(end - root))) / 2
    shoulder, armpit = mean("shoulder"), mean("armpit")
    return Pattern(
        points=upright(garment.mesh.vertices.astype(np.float64)),
        origin=origin,
        down=down,
        neck_half=float(mean("collar")[0]),
        shoulder=shoulder,
        armpit=armpit,
        hem_y=float(upright(hem[None])[0, 1]),
        cuff_length=cuff,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The garment on the person. vertices: `(V, 2)` on the working raster. scale: working pixels per garment pixel.

    hem_depth: of the hem below the shoulder line. cuffs: where the sleeves end on the picture's left and right arm.
    armpits: of its sleeves, `(n, 2)`.
    """

    vertices: F64
    scale: float
    hem_depth: float
    cuffs: tuple[float, float]
    armpits: F64
    relaxed: Relaxed


def estimate_scale(pattern: Pattern, body: Body, sleeve: SleeveLength, *, ends_anywhere: bool = False) -> float:
    """Return working pixels per garment pixel, from shoulders, chest, length and sleeves together.

    ends_anywhere: as a dress or a bodysuit does, so that its length says nothing.
    """
    cropped = pattern.hem_y / (2 * pattern.armpit[0]) * (1.0 if sleeve is SleeveLength.NONE else pattern.ease)
    whole = 0.0 if ends_anywhere else float(np.interp(cropped, CROPPED, (0.0, 1.0)))
    chest_depth = np.array([0.24 * body.length])
    chest = float(body.half_width(chest_depth, -1)[0] + body.half_width(chest_depth, 1)[0]) * CHEST_EASE
    by_chest = np.log(chest / (2 * pattern.armpit[0]))
    by_length = np.log(TOP_LENGTH * body.size / pattern.hem_y)
    seam = BARE_SHOULDER if sleeve is SleeveLength.NONE else SHOULDER_SEAM
    by_shoulder = np.log(seam * body.size / (2 * pattern.shoulder[0]))
    if sleeve is SleeveLength.NONE:
        strappy = np.clip((pattern.shoulder[0] - pattern.neck_half) / pattern.armpit[0] / 0.25, 0.0, 1.0)
        by_width = by_chest + 0.4 * strappy * (by_shoulder - by_chest)
        return float(np.exp(by_width + LENGTH_SHARE * whole * (by_length - by_width)))
    by_chest += np.log(pattern.ease)
    if sleeve is SleeveLength.LONG:
        # A long sleeve ends at the wrist, however wide the garment is cut or laid.
        by_wing = np.log(WING * body.size / pattern.wing)
        shortened = np.interp(pattern.wing / pattern.hem_y, *SHORTENED)
        trust = shortened + pattern.wide * (WING_TRUST - shortened)
        by_width = 0.5 * (by_chest + by_shoulder)
        by_reach = by_width + trust * (by_wing - by_width)
        return float(np.exp(by_reach + LONG_SHARE * whole * (by_length - by_reach)))
    by_shoulder += np.log(SHORT_SEAM / SHOULDER_SEAM)
    by_width = 0.5 * (by_chest + by_shoulder)
    return float(np.exp(by_width + LENGTH_SHARE * whole * (by_length - by_width)))


def wear(garment: Garment, pattern: Pattern) -> Pattern:
    """Return the pattern as it looks when worn: below the shoulders a flat garment's sides go round the body."""
    if pattern.ease < 1.005 or garment.sleeve is SleeveLength.NONE:
        return pattern
    points = pattern.points.copy()
    for side in (-1, 1):
        chosen = points[:, 0] * side > 0
        y, edge = _profile(garment, pattern.points, side)
        x, half = np.abs(points[chosen, 0]), np.interp(points[chosen, 1], y, edge)
        round_it = np.interp(points[chosen, 1] / max(pattern.armpit[1], 1e-6), [0.15, 1.0], [0.0, 1 - 1 / pattern.ease])
        # The flat of the chest keeps its size and its print; what goes round is seen ever more from the side.
        share = np.minimum(x / np.maximum(half, 1e-6), 1.0)
        points[chosen, 0] = side * (x - round_it * half * share**3)
    return replace(pattern, points=points)


def lean_over_chest(garment: Garment, pattern: Pattern, size: float) -> Pattern:
    """Return the pattern as it looks when worn: below the neck points cloth goes forward before it hangs down.

    A front cut deep comes forward on its way to the pit of the neck, one beside it on its way to the bust: in the
    picture each ends higher than it was cut. size: shoulder width, in the pattern's units.
    """
    front = garment.landmarks.get("collar_front")
    cut = 0.0 if front is None else float((np.array(front) - pattern.origin) @ pattern.down)
    if cut <= 0:
        return pattern
    rise = cut - np.sqrt(max(cut**2 - (FORWARD * size) ** 2, (LEAST_FALL * cut) ** 2))
    x, y = np.abs(pattern.points[:, 0]), pattern.points[:, 1]
    bust = max(BUST * size, BELOW_NECKLINE * cut)
    beside = _ramp(x / max(pattern.neck_half, 1e-6), *BESIDE_NECKLINE)
    share = (1 - beside) * np.clip(y / cut, 0.0, 1.0) + beside * np.clip(y / bust, 0.0, 1.0)
    # What the hem and the sides are given elsewhere they keep.
    share *= np.clip((pattern.hem_y - y) / max(pattern.hem_y - bust, 1e-6), 0.0, 1.0)
    share *= np.clip((1 - np.abs(garment.mesh.across)) / FLANK, 0.0, 1.0)
    points = pattern.points.copy()
    trunk = (garment.mesh.part == TORSO) | (garment.mesh.part == COLLAR)
    points[trunk, 1] -= (rise * share)[trunk]
    return replace(pattern, points=points)


def _ramp(values: F64, start: float, stop: float) -> F64:
    share = np.clip((values - start) / (stop - start), 0.0, 1.0)
    smooth: F64 = share * share * (3 - 2 * share)
    return smooth


def place_garment(
    garment: Garment, body: Body, tuck_depth: float | None, limbs: tuple[Limb, Limb] | None = None
) -> Placed:
    """Pose the garment's mesh on the body and relax it. tuck_depth: where a waistband swallows the hem, if it does."""
    pattern = read_pattern(garment)
    ends_anywhere = garment.category is Category.DRESS or "crotch" in garment.landmarks
    scale = estimate_scale(pattern, body, garment.sleeve, ends_anywhere=ends_anywhere)
    pattern = wear(garment, pattern)
    pattern = lean_over_chest(garment, pattern, body.size / scale)
    pattern = replace(pattern, points=lay_hood(garment, pattern.points, body.size / scale))
    part = garment.mesh.part
    targets = _torso_targets(garment, pattern, body, scale, tuck_depth)
    sleeves = []
    for sleeve_part, side in ((LEFT_SLEEVE, -1), (RIGHT_SLEEVE, 1)):
        if (part == sleeve_part).any():
            limb = None if limbs is None else limbs[0 if side < 0 else 1]
            sleeves.append((_cut_sleeve(garment, pattern, body, scale, (sleeve_part, side)), limb))
    for number, (cut, limb) in enumerate(sleeves):
        targets = _seat_armpit(garment, targets, body, limb, (cut.side, cuff_place(garment, cut, body)))
        sleeves[number] = (begin_at(cut, body, targets[find_armhole(garment, cut.side)]), limb)
    weights = _torso_weights(garment)
    for cut, limb in sleeves:
        chosen = part == cut.part
        targets[chosen] = lay_sleeve(garment, cut, body, targets[find_armhole(garment, cut.side)], limb)
        weights[chosen] = np.interp(garment.mesh.along[chosen], *ROOT_PULL)
    # A sleeve's root moves its armhole: where it is slim, the torso's cloth goes on over the shoulder.
    root = ((part == TORSO) | (part == COLLAR) | (garment.mesh.along < ROOT_PULL[0][-1]))[garment.mesh.faces]
    relaxed = relax(pattern.points * scale, garment.mesh.faces[root.all(axis=1)], targets, weights)
    held = hold_on_trunk(garment, relaxed.vertices, body, (part == TORSO) | (part == COLLAR))
    relaxed = replace(relaxed, vertices=held)
    for cut, limb in sleeves:
        armhole = relaxed.vertices[find_armhole(garment, cut.side)]
        relaxed.vertices[part == cut.part] = lay_sleeve(garment, cut, body, armhole, limb)
        _ease_root(garment, pattern.points * scale, relaxed.vertices, cut)
    hem = float(body.locate(relaxed.vertices[_hem(garment)])[1].mean())
    cuffs = tuple(_cuff_place(garment, relaxed.vertices, body, number) for number in (0, 1))
    armpits = np.array([relaxed.vertices[find_armhole(garment, cut.side)[-1]] for cut, _ in sleeves]).reshape(-1, 2)
    return Placed(relaxed.vertices, scale, hem, (cuffs[0], cuffs[1]), armpits, relaxed)


def _ease_root(garment: Garment, rest: F64, vertices: F64, cut: SleeveCut) -> None:
    """Spread the cloth at a sleeve's root within its laid edges as evenly as it was cut."""
    mesh = garment.mesh
    own = mesh.part == cut.part
    faces = mesh.faces[own[mesh.faces].any(axis=1)]
    used = np.unique(faces)
    place = np.zeros(len(rest), np.uint16)
    place[used] = np.arange(len(used))
    held = ~own[used] | (np.abs(mesh.across[used]) > 0.99) | (mesh.along[used] > 0.995)
    weights = np.where(held, HELD, np.interp(mesh.along[used], *ROOT_FREE))
    eased = relax(rest[used], place[faces], vertices[used], weights).vertices
    vertices[used] = np.where(held[:, None], vertices[used], eased)


def _seat_armpit(garment: Garment, targets: F64, body: Body, limb: Limb | None, end: tuple[int, float]) -> F64:
    """Return the targets with the armpit in the crease between trunk and arm, and above where its sleeve ends.

    What a wide garment has more there goes under the arm; it comes out again below. end: side, and the cuff's place.
    """
    side, cuff = end
    armhole = find_armhole(garment, side)
    joints = body.arms[0 if side < 0 else 1].points
    step = joints[1] - joints[0]
    armpit = targets[armhole[-1]]
    lateral, depth = (float(value[0]) for value in body.locate(armpit[None]))
    low = float((armpit - joints[0]) @ step) / max(float(step @ step), 1e-6) + BELOW_ARMPIT - cuff
    fall = max(0.0, float(np.diff(body.locate(joints[:2])[1])[0]))
    rise = min(RAISED * max(low, 0.0) * fall, MOST_RAISED * body.size) if cuff < 1.0 else 0.0
    over = 0.0
    if limb is not None:
        crease, at = limb.inner_edge(body, side)
        if len(at) and at[0] <= depth <= at[-1]:  # not where an arm is raised
            seat = max(float(np.interp(depth, at, crease)), float(body.half_width(np.array([depth]), side)[0]))
            over = max(0.0, lateral * side - seat)
    seated = targets.copy()
    beside, down = body.locate(targets[armhole])
    share = np.linspace(0.0, 1.0, len(armhole))
    seated[armhole] += body.place(beside - side * over * share, down - rise * share) - body.place(beside, down)
    flank = np.flatnonzero((garment.mesh.part == TORSO) & (np.abs(garment.mesh.across - side) < 1e-3))
    flank = flank[np.argsort(garment.mesh.along[flank])][len(armhole) :]
    beside, down = body.locate(targets[flank])
    share = np.clip(1 - (down - depth) / (COMES_OUT * body.size), 0.0, 1.0)
    moved = share > 0
    # Raised, it slides along the outline that it had; none of it goes farther in than the crease.
    slid = np.interp(down - rise * share, np.maximum.accumulate(down), beside)
    if over > 0 and limb is not None:
        seats = np.maximum(np.interp(down - rise * share, at, crease), body.half_width(down - rise * share, side))
        slid -= side * np.clip(slid * side - seats - UNDER_ARM * body.size, 0.0, over) * share
    seated[flank] += np.where(moved[:, None], body.place(slid, down - rise * share) - body.place(beside, down), 0.0)
    return seated


def find_armhole(garment: Garment, side: int) -> npt.NDArray[np.intp]:
    """Return the vertices of an armhole's seam, from the shoulder's tip to the armpit."""
    mesh = garment.mesh
    edge = np.flatnonzero((mesh.part == TORSO) & (np.abs(mesh.across - side) < 1e-3))
    edge = edge[np.argsort(mesh.along[edge])]
    sleeve = mesh.part == (LEFT_SLEEVE if side < 0 else RIGHT_SLEEVE)
    return edge[: len(np.unique(mesh.across[sleeve]))]


def _cut_sleeve(garment: Garment, pattern: Pattern, body: Body, scale: float, which: tuple[int, int]) -> SleeveCut:
    part, side = which
    return SleeveCut(
        points=pattern.points[garment.mesh.part == part] * scale,
        seam=pattern.points[find_armhole(garment, side)] * scale,
        dropped=max(0.0, float(pattern.shoulder[0]) * scale - DROPPED_SEAM * body.size / 2),
        part=part,
        side=side,
        long=garment.sleeve is SleeveLength.LONG and pattern.wide > 0.5,
    )


def _cuff_place(garment: Garment, vertices: F64, body: Body, number: int) -> float:
    """Return where a sleeve ends on the arm (0 shoulder .. 2 wrist): what it does not cover stays bare."""
    mesh = garment.mesh
    end = (mesh.part == (LEFT_SLEEVE, RIGHT_SLEEVE)[number]) & (mesh.along > 0.995)
    if not end.any():
        return 0.0
    cuff, joints = vertices[end].mean(axis=0), body.arms[number].points
    found = []
    for segment in (0, 1):
        step = joints[segment + 1] - joints[segment]
        share = float(np.clip((cuff - joints[segment]) @ step / max(float(step @ step), 1e-6), 0.0, 1.3))
        share = share if segment else min(share, 1.0)
        found.append((float(np.hypot(*(cuff - joints[segment] - share * step))), segment + share))
    return min(found)[1]


def _hem(garment: Garment) -> Bool:
    mesh = garment.mesh
    rows: Bool = (mesh.part == TORSO) & (mesh.along > 0.995)
    return rows


def _profile(garment: Garment, points: F64, side: int) -> tuple[F64, F64]:
    """Return (y, half-width) of the torso's edge on one side, from shoulder tip to hem, increasing in y."""
    mesh = garment.mesh
    edge = (mesh.part == TORSO) & (np.abs(mesh.across - side) < 1e-3)
    order = np.argsort(mesh.along[edge])
    y = np.maximum.accumulate(points[edge][order, 1])
    return y + np.arange(len(y)) * 1e-6, np.abs(points[edge][order, 0])


def _torso_targets(garment: Garment, pattern: Pattern, body: Body, scale: float, tuck_depth: float | None) -> F64:
    """Place torso and collar: own proportions, at least the body's width, top edge on the body's shoulders."""
    x, y = pattern.points[:, 0] * scale, pattern.points[:, 1] * scale
    collar_up = float(np.mean([_neck_height(body, side, pattern.neck_half * scale) for side in (-1, 1)]))
    depth = y - collar_up
    lateral = np.zeros_like(x)
    lift = np.zeros_like(y)
    along = garment.mesh.along
    for side in (-1, 1):
        chosen = (x * side >= 0) if side > 0 else (x < 0)
        edge_y, edge_x = _profile(garment, pattern.points * scale, side)
        ratio = _width_ratio(garment, body, (edge_y - collar_up, edge_x), side, tuck_depth)
        factor = np.interp(depth, edge_y - collar_up, ratio)
        outward = np.abs(x) * _neck_keeping(np.abs(x), factor, pattern.neck_half * scale)
        lateral[chosen] = side * outward[chosen]
        fall = _shoulder_fall(garment, pattern, body, scale, side)
        lift[chosen] = np.interp(np.abs(x), *fall)[chosen]
    fade = np.interp(along, [0.0, 0.08, 0.42], [1.0, 1.0, 0.0])
    fade[garment.mesh.part == COLLAR] = 0.0
    return body.place(lateral, depth + fade * lift)


def _neck_height(body: Body, side: int, half: float) -> float:
    on_shoulder = float(body.shoulder_up(np.array([max(half, 0.9 * body.size * 0.185)]), side)[0])
    return NECK_SHARE * NECK_UP * body.size + (1 - NECK_SHARE) * on_shoulder


def _neck_keeping(x: F64, factor: F64, neck: float) -> F64:
    """Apply a width factor outside the collar only: a turned body does not narrow the neck's opening as much."""
    share = np.clip(x / max(neck * 2.0, 1e-6), 0.0, 1.0)
    kept: F64 = 1 + (factor - 1) * (0.4 + 0.6 * share)
    return kept


def _width_ratio(garment: Garment, body: Body, edge: tuple[F64, F64], side: int, tuck_depth: float | None) -> F64:
    """Return, per row of the edge, wanted half-width over the garment's own."""
    depth, own = edge
    reach = body.reach[0 if side < 0 else 1]
    flank = np.interp(depth, [0.1 * body.size, 0.35 * body.size], [0.0, 1.0])
    body_half = body.half_width(depth, side)
    turned = 1 + (np.clip(reach, 0.6, 1.12) - 1) * np.interp(depth / body.length, [0.1, 0.9], [1.0, 0.4])
    wanted = np.maximum(own * turned, body_half * BODY_EASE)
    wanted = np.minimum(wanted, own * MOST_STRETCH)
    seam = BARE_SHOULDER if garment.sleeve is SleeveLength.NONE else SHOULDER_SEAM
    tip = max(seam * body.size / 2 * reach, _over_shoulder(own[0], body, side))
    fit = float(np.clip(tip / max(own[0], 1e-6), 0.7 * min(reach, 1.0), 1.14))
    ratio = (1 - flank) * fit + flank * wanted / np.maximum(own, 1e-6)
    if tuck_depth is not None:
        limit = body.half_width(depth, side) + TUCK_BLOUSE * body.size
        near = np.interp(depth - tuck_depth, [-0.35 * body.size, 0.0], [0.0, 1.0])
        ratio = np.minimum(ratio, (1 - near) * ratio + near * np.minimum(ratio, limit / np.maximum(own, 1e-6)))
    smoothed: F64 = gaussian_filter1d(ratio, 1.5, mode="nearest")
    return smoothed


def _over_shoulder(cloth: float, body: Body, side: int) -> float:
    """Return how far from the axis a dropped shoulder's seam comes to lie: cloth beyond the joint goes down the arm."""
    at = np.linspace(0.3, 0.66, 37) * body.size * body.reach[0 if side < 0 else 1]
    steps = np.hypot(np.diff(at), np.diff(body.shoulder_up(at, side)))
    laid = at[0] + np.concatenate([[0.0], np.cumsum(steps)])
    return float(np.interp(cloth, laid, at))


def _shoulder_fall(garment: Garment, pattern: Pattern, body: Body, scale: float, side: int) -> tuple[F64, F64]:
    """Return (|x|, shift down): what brings the garment's shoulder line onto the body's."""
    mesh = garment.mesh
    top = (mesh.part == TORSO) & (mesh.along < 1e-3) & (pattern.points[:, 0] * side >= 0)
    order = np.argsort(np.abs(pattern.points[top, 0]))
    x = np.abs(pattern.points[top, 0][order]) * scale
    own = pattern.points[top, 1][order] * scale
    neck = pattern.neck_half * scale
    collar_up = _neck_height(body, side, neck)
    tip = x[-1] if len(x) else 1.0
    reach = body.reach[0 if side < 0 else 1]
    seam = BARE_SHOULDER if garment.sleeve is SleeveLength.NONE else SHOULDER_SEAM
    reached = max(seam * body.size / 2 * reach, _over_shoulder(float(tip), body, side))
    factor = np.clip(reached / max(tip, 1e-6), 0.7, 1.14)
    surface = body.shoulder_up if garment.sleeve is SleeveLength.NONE else body.cloth_up
    wanted = collar_up - surface(x * np.interp(x, [neck, tip], [1.0, factor]), side)
    shift = np.where(x < neck * 0.98, 0.0, np.clip(wanted - own, -0.16 * body.size, 0.3 * body.size))
    return x, shift


def _torso_weights(garment: Garment) -> F64:
    """Return each target's pull: silhouette and shoulders strongly, the flat of the chest hardly."""
    mesh = garment.mesh
    weights = np.full(len(mesh.part), 0.02)
    torso = mesh.part == TORSO
    weights[torso & (np.abs(mesh.across) > 0.99)] = 1.0
    weights[torso & (np.abs(mesh.across) < 0.01)] = 0.15
    weights[torso & (mesh.along < 1e-3)] = 1.0
    weights[torso & (mesh.along > 0.99)] = 0.2
    weights[mesh.part == COLLAR] = 0.3
    if garment.sleeve is not SleeveLength.NONE:
        seam = torso & (np.abs(mesh.across) > 0.99) & (mesh.along > 0.01) & (mesh.along < 0.25)
        weights[seam] = 0.08
    return weights
