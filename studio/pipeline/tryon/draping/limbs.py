"""An arm as one limb: two smooth edges through what is seen of it, over what the old garment hid.

All of it is read from the person alone (body, fields and evidence): no new garment changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Arm, Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.relief import shape_arm
from studio.pipeline.tryon.draping.rows import End, Rows, read_rows
from studio.pipeline.tryon.draping.skin import OLD_GARMENT, find_hem
from studio.pipeline.tryon.draping.wrists import find_cut

PLACES = np.linspace(0.0, 2.5, 101)
"""Places on the arm (shoulder 0, elbow 1, wrist 2) at which its edges are known."""
ELBOW_ROUND = 2.0
"""How softly, in steps of `PLACES`, the axis turns at the elbow."""
REACH = 0.42
"""Half a row's length, in shoulder widths."""
SMOOTH = 30.0
"""Weight of an edge's bending against one seen place: features shorter than a third of an upper arm are noise."""
WIDTH_WEIGHT, PLACE_WEIGHT = 0.01, 0.002
"""What the limb's usual width and its axis weigh against one seen place: they say what nothing else does."""
ON_CLOTH, ON_BODY = 0.5, 0.7
"""What an end against cloth or trousers weighs against one that is free: the parse map drew it."""
COVERED = (0.12, 0.3)
"""A row ending at cloth is believed if it is as wide as usual; narrower by these shares, cloth lies over the arm."""
OUTLIER = 3.0
"""Ends this many pixels off the curve count half."""
SLEEVE_INSET = 0.06
"""How much thinner, on each side, an arm is than the tightest sleeve, in shares of the arm's half-width."""
LYING = 0.05
"""What the end of a sleeve that lies on the arm weighs: it lies there at the shoulder."""
UNSEEN_END = 2.15
"""Down to there at least an arm goes of which no more than the hand is seen."""
HAND_HOLDS, HAND_FREE = 20.0, 8
"""What a hand's edge weighs where it comes out, and over so many steps of `PLACES` above no sleeve bounds the arm."""
LAST_ROW = 2.0
"""Beyond the wrist the hand is no tube."""
BENT = 40.0
"""From this angle (degrees) between upper arm and forearm on the elbow is no tube."""
ARMPIT = 0.4
"""From this place on the arm on it hangs clear of the trunk."""
IN_FRONT, SLANT = (0.5, 1.15), 0.4
"""From these places on an arm that is seen, and one never seen, hangs before the garment with its whole width; over
which length above it comes out from behind its side."""
FOREARM_WIDTH = 1.4
"""How wide a forearm is looked for, in widths of it."""
CREASE = 0.2, 1.3
"""From and to these places on an arm its inner edge may lie at the trunk."""
BESIDE = 0.97
"""Where the trunk's side begins for an arm, in shares of the trunk's half-width."""
LONG_HEM = 1.5
"""From this place on the arm a sleeve is long: nothing tells its cloth from the trunk's."""
_OVER = 4
"""Oversampling of a drawn limb."""


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """spots, normals: the axis at `PLACES` and unit vectors square to it, `(n, 2)`. first, second: signed distances
    of its two edges from the axis along the normal. end: down to this place the limb is as its edges say. shown: from
    and to this place its skin is seen, zeros where none is. behind: the old garment lay over the upper arm's side.
    """

    spots: F64
    normals: F64
    first: F64
    second: F64
    end: float
    shown: tuple[float, float]
    behind: bool

    def spot(self, place: float) -> F64:
        """Return the axis's point at a place on it."""
        return np.array([np.interp(place, PLACES, self.spots[:, axis]) for axis in (0, 1)])

    def direction(self, place: float) -> F64:
        """Return the unit vector down the arm at a place on it."""
        normal = np.array([np.interp(place, PLACES, self.normals[:, axis]) for axis in (0, 1)])
        down: F64 = np.array([normal[1], -normal[0]]) / max(float(np.hypot(*normal)), 1e-6)
        return down

    @property
    def is_bent(self) -> bool:
        """Its elbow is bent: forearm and hand may lie before the upper arm."""
        return self.end < 1.0

    def inner_edge(self, body: Body, side: int) -> tuple[F64, F64]:
        """Return (distance from the trunk's axis, depth) of the upper arm's edge towards the trunk, down the arm as far
        as it hangs.
        """
        first, last = CREASE
        upper = (first <= PLACES) & (min(self.end, last) >= PLACES)
        edges = [(self.spots + self.normals * edge[:, None])[upper] for edge in (self.first, self.second)]
        found = [body.locate(edge) for edge in edges]
        lateral, depth = min(found, key=lambda place: float((place[0] * side).mean())) if upper.any() else found[0]
        falling = np.flatnonzero(np.diff(depth) <= 0)
        end = int(falling[0]) + 1 if len(falling) else len(depth)
        return lateral[:end] * side, depth[:end]

    @property
    def is_handless(self) -> bool:
        """Nothing of it is seen, not even the hand: that is in a pocket or behind the body."""
        return self.shown[1] <= self.shown[0]

    @property
    def is_unseen(self) -> bool:
        """Of it a hand is seen at most."""
        return self.shown[0] > 1.0 or self.is_handless


def trace_limb(body: Body, evidence: Evidence, number: int) -> Limb:
    """Return an arm's smooth edges: through all that is seen, and of its usual width where cloth or hair hides it."""
    arm, side = body.arms[number], (-1, 1)[number]
    spots, normals = _axis(arm.points)
    half = gaussian_filter1d(body.arm_half(PLACES, side), ELBOW_ROUND, mode="nearest")
    label = (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)[number]
    rows = read_rows((spots, normals), evidence.labels, evidence.alpha, label, REACH * body.size)
    ends, weight = _believed(rows, half)
    limit = _sleeve_limits(rows, half)
    limit = np.minimum(limit, _trunk_limits(body, (spots, normals), rows, side))
    seen = PLACES[(rows.kinds != End.NONE).any(axis=1)]
    # A stray row is no arm.
    shown = tuple(np.percentile(seen, (3, 97)).tolist()) if seen.size >= 4 else (0.0, 0.0)
    cut = find_cut(arm.points, float(half[-1]), evidence.labels, label) if shown[0] > 1.0 and arm.seen == 2 else None
    if cut is not None:
        _hold_to_hand((ends, weight, limit), (spots, normals), arm.points, cut)
    outer, inner = (shape_arm(PLACES) * half[:, None]).T
    usual = (inner, outer) if number == 0 else (outer, inner)
    first, second = _fit_edges(ends, weight, usual, limit)
    sleeve_end = _sleeve_end((spots, normals), half, evidence.labels)
    end = _ends(arm, shown, sleeve_end)
    return Limb(spots, normals, first, second, end, shown, _lies_behind(rows, (first, second)))


def _hold_to_hand(edges: tuple[F64, F64, F64], lines: tuple[F64, F64], joints: F64, cut: F64) -> None:
    """Let an arm's edges end where its hand begins, in place. edges: their ends, weights and limits, `(n, 2)`."""
    ends, weight, limit = edges
    spots, normals = lines
    step = joints[2] - joints[1]
    for side, point in enumerate(cut):
        place = 1 + float((point - joints[1]) @ step) / max(float(step @ step), 1e-6)
        row = int(np.clip(np.searchsorted(PLACES, place), 0, len(PLACES) - 1))
        ends[row:, side], weight[row:, side] = float((point - spots[row]) @ normals[row]), 0.0
        weight[row : row + 3, side] = HAND_HOLDS
        limit[row - HAND_FREE :, side] = np.inf


def _sleeve_end(lines: tuple[F64, F64], half: F64, labels: U8) -> float:
    """Return down to where the arm is in the old garment: there the hand begins, seen or not."""
    spots, normals = lines
    points = spots[:, None] + np.array([-0.5, 0.0, 0.5])[None, :, None] * (half[:, None] * normals)[:, None]
    found = cv2.remap(labels, points.astype(np.float32), None, cv2.INTER_NEAREST, borderValue=0.0)
    inside = np.flatnonzero(np.isin(found, OLD_GARMENT).sum(axis=1) >= 2)
    return float(PLACES[inside[-1]]) if inside.size else 0.0


def _ends(arm: Arm, shown: tuple[float, float], sleeve_end: float) -> float:
    """Return down to which place an arm is as its edges say: a bent elbow, a hand, a guessed wrist are not."""
    steps = np.diff(arm.points, axis=0)
    sleeved = shown[0] > 1.0 and arm.seen == 2  # a hand is seen, and the forearm was in the old sleeve
    if np.degrees(np.arccos(np.clip(_cosine(steps[0], steps[1]), -1, 1))) >= BENT and not sleeved:
        return 0.85
    if arm.seen < 2:
        return 1.2
    if 0 < shown[0] <= 1.0:
        return 1.8
    if shown[1] <= shown[0]:  # its hand is in a pocket, behind the hip, out of the picture: it goes on to there
        return float(PLACES[-1])
    return float(np.clip(max(shown[0] + 0.12, sleeve_end + 0.05), UNSEEN_END, PLACES[-1]))


def _lies_behind(rows: Rows, edges: tuple[F64, F64]) -> bool:
    """Tell an upper arm whose side is under the old garment's from one that hangs before it."""
    beside = (rows.kinds == End.CLOTH) & (PLACES > ARMPIT)[:, None] & (PLACES < 1.0)[:, None]
    upper = (PLACES > ARMPIT) & (PLACES < 1.0) & (rows.kinds != End.NONE).any(axis=1)
    width = edges[1] - edges[0]
    inside = np.stack([rows.ends[:, 0] - edges[0], edges[1] - rows.ends[:, 1]], 1) > COVERED[0] * width[:, None]
    return bool((beside & inside).any(axis=1).sum() > 0.5 * max(int(upper.sum()), 1))


def _cosine(one: F64, other: F64) -> float:
    return float(one @ other) / max(float(np.hypot(*one) * np.hypot(*other)), 1e-6)


def _axis(joints: F64) -> tuple[F64, F64]:
    beyond = joints[2] + (joints[2] - joints[1])
    whole = np.concatenate([joints, beyond[None]])
    spots = np.stack([np.interp(PLACES, [0, 1, 2, 3], whole[:, axis]) for axis in (0, 1)], -1)
    round_at = int(np.searchsorted(PLACES, 1.0))
    smooth = np.stack([gaussian_filter1d(spots[:, axis], ELBOW_ROUND, mode="nearest") for axis in (0, 1)], -1)
    near = np.s_[round_at - 12 : round_at + 13]
    spots[near] = smooth[near]
    tangent = np.gradient(spots, axis=0)
    tangent = np.stack([gaussian_filter1d(tangent[:, axis], ELBOW_ROUND, mode="nearest") for axis in (0, 1)], -1)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-6)[:, None]
    return spots, np.stack([-tangent[:, 1], tangent[:, 0]], -1)


def _believed(rows: Rows, half: F64) -> tuple[F64, F64]:
    """Return the ends of all rows and what each weighs, `(n, 2)`."""
    worth = np.array([0.0, 1.0, ON_BODY, ON_CLOTH, 0.0])
    weight = worth[rows.kinds]
    width = (rows.ends[:, 1] - rows.ends[:, 0]) / (2 * half)
    covered = np.clip((1 - width - COVERED[0]) / (COVERED[1] - COVERED[0]), 0, 1)
    hiding = (rows.kinds == End.CLOTH) | (rows.kinds == End.BODY)
    weight = np.where(hiding, weight * (1 - np.nan_to_num(covered, nan=1.0))[:, None], weight)
    # Two arms that touch, a hand on the hip: a row far wider than an arm is more than the arm.
    weight = np.where((width > 1.6)[:, None] | (PLACES > LAST_ROW)[:, None], 0.0, weight)
    return np.nan_to_num(rows.ends), np.where(np.isnan(rows.ends), 0.0, weight)


def _sleeve_limits(rows: Rows, half: F64) -> F64:
    """Return how far the arm can reach on either side where a sleeve is on it; inf where its skin is seen."""
    limits = np.full(rows.ends.shape, np.inf)
    for side in (0, 1):
        far = np.minimum(rows.bounds[:, side], 3 * half)
        padded = np.pad(far, 8, mode="edge")
        # Evenly, not along every fold of it.
        calm = np.array([np.percentile(padded[place : place + 17], 35) for place in range(len(far))])
        calm = np.maximum(calm - SLEEVE_INSET * half, 0.6 * half)
        limits[:, side] = np.where(rows.kinds[:, side] == End.OPEN, np.inf, calm)
    return limits


def _trunk_limits(body: Body, lines: tuple[F64, F64], rows: Rows, side: int) -> F64:
    """Return how far an upper arm can reach inwards where no skin of it is seen: it hangs beside the trunk."""
    spots, normals = lines
    half = body.arm_half(PLACES, side)
    lateral, depth = body.locate(spots)
    step = (body.locate(spots + normals)[0] - lateral) * side
    room = lateral * side - BESIDE * body.half_width(depth, side)
    limits = np.full(rows.ends.shape, np.inf)
    hanging = (PLACES > ARMPIT) & (PLACES < 1.0) & (np.abs(step) > 0.5) & (room > 0.3 * half)
    for column, sign in enumerate((-1.0, 1.0)):
        chosen = hanging & (rows.kinds[:, column] == End.NONE) & (step * sign < 0)
        limits[chosen, column] = np.maximum(room / np.maximum(np.abs(step), 0.5), 0.6 * half)[chosen]
    return limits


def _fit_edges(ends: F64, weight: F64, halves: tuple[F64, F64], limit: F64) -> tuple[F64, F64]:
    """Return two smooth edges by penalised least squares over their offsets from the usual arm's.

    Source: Eilers, "A Perfect Smoother", Analytical Chemistry 2003.
    """
    count, half = len(halves[0]), (halves[0] + halves[1]) / 2
    usual = np.concatenate([-halves[0], halves[1]])
    wanted = np.concatenate([ends[:, 0], ends[:, 1]]) - usual
    given = np.concatenate([weight[:, 0], weight[:, 1]])
    bend = np.diff(np.eye(count), 2, axis=0)
    one = SMOOTH * bend.T @ bend
    # Width and middle of the usual arm: their weights act on difference and sum of both offsets.
    same, cross = WIDTH_WEIGHT + PLACE_WEIGHT, PLACE_WEIGHT - WIDTH_WEIGHT
    eye = np.eye(count)
    fixed = np.block([[one + same * eye, cross * eye], [cross * eye, one + same * eye]])
    sign = np.repeat([-1.0, 1.0], count)
    bound = limit.T.ravel()
    lying = np.isfinite(bound) & (np.abs(bound - sign * usual) < 0.3 * np.abs(usual))
    lying &= np.tile(PLACES < 0.45, 2)
    held_at = sign * np.where(np.isfinite(bound), bound, 0.0) - usual
    trust, offset = given.copy(), np.zeros(2 * count)
    for _ in range(6):
        held = sign * (usual + offset) > bound
        hold = np.where(held, 1.0, np.where(lying, LYING, 0.0))
        pull = trust + hold
        target = (trust * wanted + hold * held_at) / np.maximum(pull, 1e-9)
        offset = np.linalg.solve(fixed + np.diag(pull), pull * target)
        trust = given / (1 + ((wanted - offset) / OUTLIER) ** 2)
    edges = usual + offset
    first, second = edges[:count], edges[count:]
    return np.minimum(first, second - 0.5 * half), second


def draw_limb(limb: Limb, shape: tuple[int, int], first: float = 0.0, last: float = 2.2, grown: float = 0.0) -> F32:
    """Return the limb's coverage between two places on it, exact to a pixel's share; from the shoulder with its cap."""
    at = np.linspace(first, last, max(2, int((last - first) / 0.02)))
    spots, normals = (np.stack([np.interp(at, PLACES, rows[:, axis]) for axis in (0, 1)], -1) for rows in
                      (limb.spots, limb.normals))  # fmt: skip
    near, far = np.interp(at, PLACES, limb.first) - grown, np.interp(at, PLACES, limb.second) + grown
    lines = np.stack([spots + normals * near[:, None], spots + normals * far[:, None]], 1)
    cap = None
    if first <= 0.05:
        middle, radius = lines[0].mean(axis=0), float(far[0] - near[0]) / 2
        around = np.linspace(0, 2 * np.pi, 48)
        cap = middle + radius * np.stack([np.cos(around), np.sin(around)], -1)
    return _fill(lines, cap, shape)


def _fill(lines: F64, cap: F64 | None, shape: tuple[int, int]) -> F32:
    """Fill a strip between pairs of points, one quadrilateral at a time: a strip that folds has no hole."""
    drawn = np.zeros(shape, np.float32)
    everything = lines.reshape(-1, 2) if cap is None else np.concatenate([lines.reshape(-1, 2), cap])
    low = np.clip(np.floor(everything.min(axis=0)).astype(int) - 2, 0, [shape[1], shape[0]])
    high = np.clip(np.ceil(everything.max(axis=0)).astype(int) + 3, 0, [shape[1], shape[0]])
    width, height = (high - low).tolist()
    if min(width, height) < 1:
        return drawn
    canvas = np.zeros((height * _OVER, width * _OVER), np.uint8)
    shapes = [np.concatenate([one, other[::-1]]) for one, other in pairwise(lines)]
    for points in shapes + ([cap] if cap is not None else []):
        fine = (points - low + 0.5) * _OVER - 0.5
        cv2.fillConvexPoly(canvas, np.round(fine * 16).astype(np.int32), 255, cv2.LINE_8, shift=4)
    cut = np.s_[low[1] : high[1], low[0] : high[0]]
    drawn[cut] = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return drawn


def under_sleeve(arm: Arm, body: Body, fields: BodyFields, labels: U8, number: int) -> F32:
    """Return where the old sleeve hid the arm: below it an arm that is not seen was, and stays, behind the trunk."""
    hems = [hem for hem in (find_hem(fields, labels, side) for side in (0, 1)) if hem is not None]
    if not hems or min(hems) > LONG_HEM:
        return np.ones(fields.shape, np.float32)
    along, inward = fields.along[number], fields.across[number] * _inner_sign(arm, body)
    # Slanting, so that the garment's side comes forward in a line and not in a step.
    under: F32 = np.clip((min(hems) + 0.1 - 0.12 * inward - along) / 0.08, 0, 1).astype(np.float32)
    return under


def before_garment(limb: Limb, person: tuple[Body, BodyFields], number: int) -> F32:
    """Return where an arm hangs before the garment: beyond a slanting line from shoulder to armpit to elbow.

    Where its skin was seen it hung before the old garment. An upper arm never seen stays behind the garment's side:
    where it lies is guessed, and it would cut into the print.
    """
    body, fields = person
    along, across = fields.along[number], fields.across[number]
    end = IN_FRONT[1] if limb.is_unseen else max(limb.shown[0] + 0.1, IN_FRONT[0])
    limit = np.interp(along, [end - SLANT, end], [-1.3, 1.3])
    front = np.clip((limit - across * _inner_sign(body.arms[number], body)) / 0.08, 0.0, 1.0)
    return np.where(along >= end, 1.0, front).astype(np.float32)


def find_forearm(body: Body, shape: tuple[int, int], number: int) -> Bool:
    """Return the forearm with the hand's root, also where it is raised before the upper arm."""
    arm, drawn = body.arms[number], np.zeros(shape, np.uint8)
    if arm.seen < 2:
        return drawn > 0
    start, stop = arm.points[1], arm.points[2] + 0.5 * (arm.points[2] - arm.points[1])
    wide = 2 * float(body.arm_half(np.array([1.2]), (-1, 1)[number])[0])
    ends = [tuple(np.round(point).astype(int).tolist()) for point in (start, stop)]
    cv2.line(drawn, ends[0], ends[1], 1, max(1, round(FOREARM_WIDTH * wide)))
    return drawn > 0


def _inner_sign(arm: Arm, body: Body) -> float:
    """Return which side of the limb is the body's: the sign of `across` at the trunk's middle."""
    middle = body.place(np.array([0.0]), np.array([0.5 * body.length]))[0]
    step = arm.points[1] - arm.points[0]
    side = -(middle[0] - arm.points[0][0]) * step[1] + (middle[1] - arm.points[0][1]) * step[0]
    return float(np.sign(side)) or 1.0
