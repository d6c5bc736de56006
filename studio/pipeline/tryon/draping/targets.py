"""Where each vertex of the garment's mesh should lie on the person: the template posed on the body."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64, Bool
from studio.domain.artefacts import Category, Garment, SleeveLength
from studio.pipeline.tryon.draping.body import FOREARM, UPPER_ARM, Body
from studio.pipeline.tryon.draping.hoods import lay_hood
from studio.pipeline.tryon.draping.relax import Relaxed, relax

TORSO, COLLAR, LEFT_SLEEVE, RIGHT_SLEEVE = range(4)

SHOULDER_SEAM = 1.13
"""Distance of set-in sleeve seams over that of the shoulder joints."""
WIDE = 2.4
"""Length over half-width up to which a garment is wide: its shoulders are dropped, its seams say little of its size."""
DROPPED_SEAM = 1.2
"""The same from which on the seam is set down the arm."""
SHORT_SEAM = 1.03
"""The same for the fitted template of short sleeves, whose corner lies a little down the sleeve."""
BARE_SHOULDER = 1.0
"""The same for sleeveless garments: their edge ends on the shoulder."""
CHEST_EASE = 1.0
"""Width of an ordinary top at the armpits over the body's."""
TOP_LENGTH, LENGTH_SHARE = 1.85, 0.35
"""Neck point to hem of an ordinary top, and how much that says against widths: wide cuts look small by width alone."""
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
BODY_EASE = 1.02
"""No garment lies tighter in the picture than this over the body."""
MOST_STRETCH = 1.22
"""A narrow garment gives way across by this at most."""
SNUG, WORN_SHARE, INNER_EASE = 1.25, 0.3, 1.3
"""A sleeve up to `SNUG` times as wide as its arm looks as wide as it is cut; of the rest `WORN_SHARE` is seen.

`INNER_EASE`: how far, over the arm's half-width, a sleeve reaches towards the body.
"""
UPRIGHT, MOST_SLANT = 0.5, 0.45
"""From this share of its length on a sleeve's rows stand square to the arm; how slanting the armhole may be at most."""
BELOW_ARMPIT, MOST_LOW = 0.08, 0.4
"""How far below the armpit, in places on the arm, a sleeve ends at the least, and the most it is lowered for that."""
STEP_LIMITS = 0.5, 1.4
"""How far a sleeve may be shortened or lengthened along the arm."""
LOOSE_FROM, RESTING = 0.75, 0.2
"""From this place on the arm on a loose sleeve is as loose as it is; at the shoulder this share of it shows."""
NECK_UP, NECK_SHARE = 0.275, 0.6
"""Where a garment's neck points sit above the shoulder joints, and how much of that even wide necklines keep."""
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
    def is_wide(self) -> bool:
        """Whether the garment is about as wide as it is long."""
        return bool(self.hem_y < WIDE * self.armpit[0])

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
    """

    vertices: F64
    scale: float
    hem_depth: float
    cuffs: tuple[float, float]
    relaxed: Relaxed


def estimate_scale(pattern: Pattern, body: Body, sleeve: SleeveLength, *, dress: bool = False) -> float:
    """Return working pixels per garment pixel, from shoulders, chest, length and sleeves together.

    dress: it may end anywhere, so that its length says nothing.
    """
    length_share = 0.0 if dress else LENGTH_SHARE
    chest_depth = np.array([0.24 * body.length])
    chest = float(body.half_width(chest_depth, -1)[0] + body.half_width(chest_depth, 1)[0]) * CHEST_EASE
    by_chest = np.log(chest / (2 * pattern.armpit[0]))
    by_length = np.log(TOP_LENGTH * body.size / pattern.hem_y)
    seam = BARE_SHOULDER if sleeve is SleeveLength.NONE else SHOULDER_SEAM
    by_shoulder = np.log(seam * body.size / (2 * pattern.shoulder[0]))
    if sleeve is SleeveLength.NONE:
        strappy = np.clip((pattern.shoulder[0] - pattern.neck_half) / pattern.armpit[0] / 0.25, 0.0, 1.0)
        by_width = by_chest + 0.4 * strappy * (by_shoulder - by_chest)
        # A short, wide, sleeveless piece is a crop top; a longer one is as long as tops are.
        whole = np.clip((pattern.hem_y / (2 * pattern.armpit[0]) - 1.15) / 0.3, 0.0, 1.0)
        return float(np.exp(by_width + length_share * whole * (by_length - by_width)))
    by_chest += np.log(pattern.ease)
    if sleeve is SleeveLength.LONG:
        # A long sleeve ends at the wrist, however wide the garment is cut or laid.
        by_wing = np.log(WING * body.size / pattern.wing)
        trust = WING_TRUST if pattern.is_wide else np.interp(pattern.wing / pattern.hem_y, *SHORTENED)
        by_width = 0.5 * (by_chest + by_shoulder)
        return float(np.exp(by_width + trust * (by_wing - by_width)))
    by_shoulder += np.log(SHORT_SEAM / SHOULDER_SEAM)
    by_width = 0.5 * (by_chest + by_shoulder)
    return float(np.exp(by_width + length_share * (by_length - by_width)))


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


def place_garment(garment: Garment, body: Body, tuck_depth: float | None) -> Placed:
    """Pose the garment's mesh on the body and relax it. tuck_depth: where a waistband swallows the hem, if it does."""
    pattern = read_pattern(garment)
    scale = estimate_scale(pattern, body, garment.sleeve, dress=garment.category is Category.DRESS)
    pattern = wear(garment, pattern)
    pattern = replace(pattern, points=lay_hood(garment, pattern.points, body.size / scale))
    part = garment.mesh.part
    targets = np.zeros_like(pattern.points)
    body_parts = (part == TORSO) | (part == COLLAR)
    torso = _torso_targets(garment, pattern, body, scale, tuck_depth)
    targets[body_parts] = torso[body_parts]
    weights = _torso_weights(garment)
    for sleeve_part, side in ((LEFT_SLEEVE, -1), (RIGHT_SLEEVE, 1)):
        chosen = part == sleeve_part
        if chosen.any():
            targets[chosen] = _sleeve_targets(garment, pattern, body, scale, (sleeve_part, side), torso)
            weights[chosen] = _sleeve_weights(garment.mesh.along[chosen], -garment.mesh.across[chosen])
    rest = _worn_rest(garment, pattern.points * scale, body, targets)
    relaxed = relax(rest, garment.mesh.faces, targets, weights)
    hem = float(body.locate(relaxed.vertices[_hem(garment)])[1].mean())
    cuffs = tuple(_cuff_place(garment, relaxed.vertices, body, number) for number in (0, 1))
    return Placed(relaxed.vertices, scale, hem, (cuffs[0], cuffs[1]), relaxed)


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


def _sleeve_weights(along: F32, outward: F32) -> F64:
    """Return each target's pull; outward: 1 on the sleeve's outer edge, which lies on the shoulder from its root."""
    inside = np.interp(along, [0.0, 0.15, 0.5], [0.01, 0.05, 0.5])
    outside = np.interp(along, [0.0, 0.1, 0.3], [0.02, 0.3, 0.5])
    weights: F64 = np.where(outward > 0.9, outside, inside)
    return weights


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


def _sleeve_targets(
    garment: Garment, pattern: Pattern, body: Body, scale: float, which: tuple[int, int], torso: F64
) -> F64:
    """Lay a sleeve along the arm: as long as it is cut, as wide as it is cut, never narrower than the arm."""
    part, side = which
    mesh = garment.mesh
    chosen = mesh.part == part
    seam = (mesh.part == TORSO) & (np.abs(mesh.across - side) < 1e-3)
    order = np.argsort(mesh.along[seam])
    along_rows, index = np.unique(mesh.along[chosen], return_inverse=True)
    across = mesh.across[chosen]
    points = pattern.points[chosen]
    width, centre = _sleeve_rows(points, across, index, len(along_rows))
    # Near the armhole the rows are as wide as that is deep: the sleeve itself begins a little lower.
    width = np.minimum(width, 1.1 * float(np.interp(0.35, along_rows, width)))
    root = _seam_middle(pattern.points[seam][order], len(np.unique(across)))
    length = np.cumsum(np.hypot(*np.diff(np.concatenate([root[None], centre]), axis=0).T)) * scale
    length += _dropped(pattern, body, scale)
    arm = body.arms[0 if side < 0 else 1]
    start = _seam_middle(torso[seam][order], len(np.unique(across)))
    path, along_arm = _arm_path(arm.points, start, body)
    travelled = _travel(length, body, garment.sleeve is SleeveLength.LONG and pattern.is_wide)
    arm_half = body.arm_half(travelled, side)
    half = np.maximum(worn_sleeve_half(width * scale, arm_half), arm_half * 1.04)
    # Cloth lies on the shoulder and on the arm below it; what is loose hangs farther down.
    loose = np.interp(travelled, [0.0, LOOSE_FROM], [RESTING, 1.0])
    half = np.minimum(half, arm_half * (1.06 + loose * np.maximum(half / arm_half - 1.06, 0.0)))
    # Towards the body there is no room: a wide sleeve may not be laid over the chest.
    inner = np.minimum(half, arm_half * INNER_EASE)
    # A sleeve's first column is its outer edge, its last the inner one, on either side.
    inward = across
    reach = np.where(inward > 0, inner[index], half[index])
    # An armhole stands slanting on the arm: its lower end, the armpit, lies farther down than the shoulder's tip.
    slant = _armhole_slant(torso[seam][order][: len(np.unique(across))], arm.points)
    places = travelled[index] + slant * inward * np.clip(1 - along_rows[index] / UPRIGHT, 0.0, 1.0)
    low = _low_cuff(torso[seam][order][: len(np.unique(across))], arm.points, float(travelled[-1]))
    # Where the armpit lies as low as the sleeve ends, the cuff goes down to it on the inner side: no edge runs upwards.
    lower = low * along_rows[index] * (1 + inward) / 2
    places = np.minimum(places, max(float(travelled[-1]), 0.1)) + lower
    spots, normals, _ = _walk(path, along_arm, places, side)
    placed: F64 = spots + (across * reach)[:, None] * normals
    return placed


def _armhole_slant(armhole: F64, joints: F64) -> float:
    """Return how far tip and armpit lie from the armhole's middle along the upper arm, in places on the arm."""
    step = joints[1] - joints[0]
    reach = float((armhole[-1] - armhole[0]) @ step) / max(float(step @ step), 1e-6) / 2
    return float(np.clip(reach, 0.0, MOST_SLANT))


def _low_cuff(armhole: F64, joints: F64, end: float) -> float:
    """Return how much farther down the arm a short sleeve's inner edge ends than its middle, in places on the arm."""
    step = joints[1] - joints[0]
    armpit = float((armhole[-1] - joints[0]) @ step) / max(float(step @ step), 1e-6)
    return float(np.clip(armpit + BELOW_ARMPIT - end, 0.0, MOST_LOW)) if end < 1.0 else 0.0


def _dropped(pattern: Pattern, body: Body, scale: float) -> float:
    """Return how far down the arm a dropped shoulder's seam lies."""
    return max(0.0, float(pattern.shoulder[0]) * scale - DROPPED_SEAM * body.size / 2)


def worn_sleeve_half(flat: F64, arm_half: F64) -> F64:
    """Return how wide a sleeve looks on its arm: laid flat it is half its girth, worn it goes round."""
    snug = arm_half * SNUG
    worn: F64 = np.where(flat > snug, snug + WORN_SHARE * (flat - snug), flat)
    return worn


def _worn_rest(garment: Garment, rest: F64, body: Body, targets: F64) -> F64:
    """Return the rest shape with sleeves as narrow and as long as they look worn; at the armhole they stay as cut."""
    mesh = garment.mesh
    narrowed = rest.copy()
    for part, side in ((LEFT_SLEEVE, -1), (RIGHT_SLEEVE, 1)):
        chosen = mesh.part == part
        if not chosen.any():
            continue
        rows, index = np.unique(mesh.along[chosen], return_inverse=True)
        width, centre = _sleeve_rows(rest[chosen], mesh.across[chosen], index, len(rows))
        worn = worn_sleeve_half(width, body.arm_half(np.full(len(rows), 0.35), side))
        share = 1 + (worn / np.maximum(width, 1e-6) - 1) * np.clip(rows / 0.5, 0, 1)
        _, wanted = _sleeve_rows(targets[chosen], mesh.across[chosen], index, len(rows))
        moved = _with_steps(centre, wanted, rows)
        narrowed[chosen] = moved[index] + (rest[chosen] - centre[index]) * share[index][:, None]
    return narrowed


def _with_steps(centre: F64, wanted: F64, rows: F64 | F32) -> F64:
    """Return a sleeve's middle line with the steps of the line it is to follow: an arm coming forward shortens it."""
    own, seen = (np.hypot(*np.diff(line, axis=0).T) for line in (centre, wanted))
    ratio = np.clip(seen / np.maximum(own, 1e-6), *STEP_LIMITS)
    ratio = 1 + (ratio - 1) * np.clip((rows[1:] - 0.1) / 0.2, 0.0, 1.0)
    moved: F64 = centre[0] + np.concatenate(
        [np.zeros((1, 2)), np.cumsum(np.diff(centre, axis=0) * ratio[:, None], axis=0)]
    )
    return moved


def _sleeve_rows(points: F64, across: F32, index: npt.NDArray[np.intp], rows: int) -> tuple[F64, F64]:
    width, centre = np.zeros(rows), np.zeros((rows, 2))
    for row in range(rows):
        line = points[index == row]
        order = np.argsort(across[index == row])
        first, last = line[order[0]], line[order[-1]]
        width[row] = float(np.hypot(*(last - first))) / 2
        centre[row] = (first + last) / 2
    return width, centre


def _seam_middle(side_line: F64, rows: int) -> F64:
    middle: F64 = (side_line[0] + side_line[rows - 1]) / 2
    return middle


def _arm_path(joints: F64, start: F64, body: Body) -> tuple[F64, F64]:
    """Return a smooth path from the armhole down the arm, with each point's place on it (shoulder 0 ... wrist 2)."""
    shoulder, elbow, wrist = joints
    first = shoulder + 0.5 * (start - shoulder)
    knots = [first - (elbow - first) * 0.3]
    knots += [first + (elbow - first) * share for share in np.linspace(0, 1, 12)[:-1]]
    knots += [elbow + (wrist - elbow) * share for share in np.linspace(0, 1.35, 15)]
    path = np.array(knots)
    smooth = np.stack([gaussian_filter1d(path[:, axis], 1.6, mode="nearest") for axis in (0, 1)], axis=-1)
    smooth[0], smooth[-1] = path[0], path[-1]
    places = np.concatenate([[-0.3], np.linspace(0, 1, 12)[:-1], 1 + np.linspace(0, 1.35, 15)])
    return smooth, places


def _travel(length: F64, body: Body, surely_long: bool) -> F64:
    """Turn lengths of cloth into places on the arm (0 shoulder, 1 elbow, 2 wrist).

    surely_long: the sleeve ends at the wrist even where its length was badly seen. Places are shares of the limb as
    seen: an arm that comes forward shortens its sleeve with it.
    """
    upper, fore = UPPER_ARM * body.size * 0.97, FOREARM * body.size
    place: F64 = np.where(length <= upper, length / upper, 1 + (length - upper) / fore)
    end = place[-1]
    if end > (1.3 if surely_long else 1.7):  # a long sleeve ends at the wrist, whatever the scale's last percent says
        wanted = float(np.clip(end, 1.98, 2.12))
        place = np.where(place > 1, 1 + (place - 1) * (wanted - 1) / (end - 1), place)
    return place


def _walk(path: F64, along_arm: F64, places: F64, side: int) -> tuple[F64, F64, F64]:
    """Return points and unit normals (towards the inner side of the sleeve's grid) at places on the arm."""
    spot = np.stack([np.interp(places, along_arm, path[:, axis]) for axis in (0, 1)], axis=-1)
    tangent = np.gradient(path, axis=0)
    tangent = np.stack([np.interp(places, along_arm, tangent[:, axis]) for axis in (0, 1)], axis=-1)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-6)[:, None]
    # Outer (-1) to inner (+1): for an arm that hangs, from the outside towards the body.
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=-1) * (1 if side < 0 else -1)
    return spot, normal, places
