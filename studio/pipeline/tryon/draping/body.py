"""The person's body under the clothes, from skeleton, silhouette and parse map.

Lengths of the model are in shares of `size`, a shoulder-joint distance that turning does not narrow. The proportions
were measured on catalogue pictures; the old garment's outline only ever bounds them from above.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Pose
from studio.domain.labels import Cihp
from studio.pipeline.pose_body import read_torso
from studio.pipeline.tryon.draping.view import View
from studio.pipeline.tryon.draping.wrists import find_cut, lead_to_hand

PICTURE_LEFT, PICTURE_RIGHT = -1, 1

# Half-width of the torso over its own length, neck (0) to hip joints (1).
_TORSO_AT = np.array([0.0, 0.2, 0.36, 0.48, 0.64, 0.82, 1.0, 1.25, 1.6])
_TORSO_HALF = np.array([0.40, 0.455, 0.465, 0.44, 0.395, 0.46, 0.53, 0.56, 0.5])

# How high the shoulder's upper edge lies above the joints' line, over the distance from the axis.
_SHOULDER_AT = np.array([0.0, 0.17, 0.24, 0.32, 0.42, 0.5, 0.56, 0.60, 0.64, 0.68])
_SHOULDER_UP = np.array([0.30, 0.285, 0.235, 0.185, 0.135, 0.09, 0.04, -0.03, -0.14, -0.32])
_CLOTH_AT, _CLOTH_UP = np.array([0.2, 0.42, 0.5]), np.array([0.0, 0.024, 0.04])
NECK_HALF = 0.185

# Half-width of the bare arm over its length: shoulder 0, elbow 1, wrist 2.
_ARM_AT = np.array([0.0, 0.15, 0.35, 0.7, 1.0, 1.3, 1.7, 2.0])
_ARM_HALF = np.array([0.105, 0.13, 0.145, 0.133, 0.12, 0.118, 0.092, 0.078])
MOST_OFFSET = 0.12
"""A joint is moved by this share of the upper arm at most."""
UNSEEN_THICKNESS = 0.88
"""Thickness of arms that are not seen: the median of those that are, over people in catalogue pictures."""
BEND, MOST_BEND = 0.4, 0.2
"""How far the trunk's top tilts beyond the line of the joints, over that line's tilt against the axis; radians at most.
With it, silhouettes of both shoulders lie as high over the model's: measured on two dozen people.
"""
UPPER_ARM, FOREARM = 0.86, 0.76
"""Lengths of upper arm and forearm seen square on."""

UNSEEN_ARM, HIDDEN_SHARE = 0.004, 0.4
"""An arm of less skin than this (squared shoulder widths) may be hidden, and is where less than that share of its
place beside the trunk shows the person."""

LOCATING_STEPS = 4
WIDTHS, BARE_FROM = 65, 0.2
"""At how many depths the seen trunk's width is read, and from which one on: above lie armholes and shoulders."""
UNSEEN_WIDTH = 1.05
"""Width of a trunk that is not seen over what the person's build lets expect: about as wide as those are that are seen
in clothes, not as wide as they may be at most."""
MOST_BUILT = 1.4
"""A trunk that is seen is as wide as it is seen, up to so much beyond what the person's build lets expect."""

LOWER_BODY = (Cihp.TROUSERS, Cihp.SKIRT)
_TORSO_LABELS = (Cihp.UPPER, Cihp.DRESS, Cihp.COAT, Cihp.NECK, *LOWER_BODY, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One arm on the working raster: shoulder, elbow, wrist; missing joints are guessed.

    thickness: factor on the standard arm's half-width. seen: the lowest joint that was seen, 0..2. hidden: it goes
    behind the back.
    """

    points: F64
    thickness: float
    seen: int
    hidden: bool = False

    @property
    def lengths(self) -> tuple[float, float]:
        """Upper arm and forearm."""
        steps = np.hypot(*np.diff(self.points, axis=0).T)
        return float(steps[0]), float(steps[1])


@dataclass(frozen=True, slots=True, eq=False)
class ShoulderLine:
    """What the picture says of the shoulder line beside the model's, `(2, n)` at distances `at` from the axis.

    off: how much higher it lies; seen: 0..1, it is seen there. All in shoulder widths.
    """

    at: F64 = field(default_factory=lambda: np.zeros(1))
    off: F64 = field(default_factory=lambda: np.zeros((2, 1)))
    seen: F64 = field(default_factory=lambda: np.zeros((2, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The body on the working raster.

    neck: where the axis meets the shoulder line. down: along the axis. across_top, across_hip: unit vectors to the
    picture's right at shoulders and hips. size: shoulder width seen square on. length: neck to hips.
    reach: for the picture's left and right, how far that side's shoulder joint lies from the axis, over size / 2.
    build: width of hips and waist over the standard. arms: picture's left and right.
    half: `(2, n)` half-widths at `half_at` (shares of length) for the picture's left and right.
    neck_half: the neck's half-widths in shoulder widths, likewise. shoulders: where the picture shows their
    line.
    """

    neck: F64
    down: F64
    across_top: F64
    across_hip: F64
    size: float
    length: float
    reach: tuple[float, float]
    build: float
    arms: tuple[Arm, Arm]
    half_at: F64
    half: F64
    guessed_hips: bool
    neck_half: tuple[float, float] = (NECK_HALF, NECK_HALF)
    shoulders: ShoulderLine = field(default_factory=ShoulderLine)

    def axis(self, depth: F64) -> F64:
        """Return points of the axis at distances below the shoulder line, `(n, 2)`."""
        points: F64 = self.neck + depth[..., None] * self.down
        return points

    def across(self, depth: F64) -> F64:
        """Return the unit vectors to the picture's right at these depths."""
        share = np.clip(depth / self.length, 0.0, 1.0)[..., None]
        mixed = (1 - share) * self.across_top + share * self.across_hip
        unit: F64 = mixed / np.hypot(mixed[..., 0], mixed[..., 1])[..., None]
        return unit

    def place(self, lateral: F64, depth: F64) -> F64:
        """Return picture points at a signed distance from the axis and a depth below the shoulder line."""
        points: F64 = self.axis(depth) + lateral[..., None] * self.across(depth)
        return points

    def locate(self, points: F64) -> tuple[F64, F64]:
        """Return (lateral, depth) of picture points `(..., 2)`: the inverse of `place`, to a small part of a pixel."""
        offset = points - self.neck
        depth: F64 = offset @ self.down
        for _ in range(LOCATING_STEPS):  # a leaning trunk's rows are not square to its axis, and turn along it
            across = self.across(depth)
            askew = self.down[0] * across[..., 1] - self.down[1] * across[..., 0]
            lateral: F64 = (self.down[0] * offset[..., 1] - self.down[1] * offset[..., 0]) / askew
            depth = (offset[..., 0] * across[..., 1] - offset[..., 1] * across[..., 0]) / askew
        return lateral, depth

    def half_width(self, depth: F64 | F32, side: int) -> F64:
        """Return the torso's half-width at depths below the shoulder line, picture's left (-1) or right (+1)."""
        row = self.half[0 if side < 0 else 1]
        half: F64 = np.interp(depth / self.length, self.half_at, row)
        return half

    def shoulder_up(self, lateral: F64, side: int) -> F64:
        """Return how far above the shoulder line the body's upper edge lies, at distances from the axis (>= 0)."""
        row = 0 if side < 0 else 1
        at = np.abs(lateral) / self.size
        # A slender neck's shoulder line begins farther in.
        inner = at + (NECK_HALF - self.neck_half[row]) * np.interp(at, [0.2, 0.45], [1.0, 0.0])
        # The neck keeps its width when the body turns; the shoulder beyond it shortens.
        beyond = np.where(inner > NECK_HALF, NECK_HALF + (inner - NECK_HALF) / self.reach[row], inner)
        off = np.interp(at, self.shoulders.at, self.shoulders.off[row])
        up: F64 = (np.interp(beyond, _SHOULDER_AT, _SHOULDER_UP) + off) * self.size
        return up

    def cloth_up(self, lateral: F64, side: int) -> F64:
        """Return how far above the shoulder line sleeved cloth lies: it stands off the shoulder's round."""
        off = np.interp(np.abs(lateral) / self.size, _CLOTH_AT, _CLOTH_UP) * self.size
        up: F64 = self.shoulder_up(lateral, side) + off
        return up

    def arm_half(self, along: F64, side: int) -> F64:
        """Return the bare arm's half-width; along: 0 shoulder, 1 elbow, 2 wrist."""
        arm = self.arms[0 if side < 0 else 1]
        half: F64 = np.interp(along, _ARM_AT, _ARM_HALF) * self.size * arm.thickness
        return half


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What may be looked at on the working raster. labels: CIHP; alpha: the person; leak_free: see the engine."""

    rgb: U8
    alpha: F32
    labels: U8
    leak_free: bool


def estimate_body(pose: Pose, view: View, evidence: Evidence) -> Body | None:
    """Return the body model, or None where the shoulders are not seen."""
    torso = read_torso(pose)
    if torso is None:
        return None
    left, right = torso.right_shoulder, torso.left_shoulder  # as seen in the picture
    hip_left, hip_right = torso.right_hip, torso.left_hip
    left, right, hip_left, hip_right = (view.to_work(point) for point in (left, right, hip_left, hip_right))
    size = torso.size * view.scale
    middle, mid_hip = (left + right) / 2, (hip_left + hip_right) / 2
    across_top = (right - left) / max(float(np.hypot(*(right - left))), 1e-6)
    neck = middle + across_top * _neck_shift(middle, across_top, size, evidence)
    length = float(np.hypot(*(mid_hip - neck)))
    down = (mid_hip - neck) / max(length, 1e-6)
    reach = tuple(float(np.clip(abs((joint - neck) @ across_top) / (size / 2), 0.35, 1.25)) for joint in (left, right))
    hip_line = (hip_right - hip_left) / max(float(np.hypot(*(hip_right - hip_left))), 1e-6)
    square = np.array([-down[1], down[0]])
    square = square if square @ across_top > 0 else -square
    hip_line = hip_line if hip_line @ square > 0.85 else square
    arms = (_read_arm(pose, view, "right", left, size), _read_arm(pose, view, "left", right, size))
    bare = Body(
        neck, down, shoulder_direction(across_top, square), _between(hip_line, square), size, length,
        (reach[0], reach[1]), 1.0, arms, _TORSO_AT, np.zeros((2, len(_TORSO_AT))), torso.guessed_hips,
    )  # fmt: skip
    return _with_widths(bare, evidence)


def shoulder_direction(line: F64, square: F64) -> F64:
    """Return the unit vector across the trunk's top; line: through the joints, square: at right angles to the axis.

    A spine bends: a trunk that leans below carries its shoulders the other way, and more so than hanging arms let
    their joints show.
    """
    tilt, upright = np.arctan2(line[1], line[0]), np.arctan2(square[1], square[0])
    bend = np.clip(BEND * (tilt - upright), -MOST_BEND, MOST_BEND)
    unit: F64 = np.array([np.cos(tilt + bend), np.sin(tilt + bend)])
    return unit


def _between(first: F64, second: F64) -> F64:
    mixed = first + second
    unit: F64 = mixed / max(float(np.hypot(*mixed)), 1e-6)
    return unit


def _neck_shift(middle: F64, across: F64, size: float, evidence: Evidence) -> float:
    """Return how far the neck stands off the joints' middle: the sign of a turned body."""
    height, width = evidence.labels.shape
    x0, x1 = (int(np.clip(middle[0] + d * size, 0, width)) for d in (-0.45, 0.45))
    y0, y1 = (int(np.clip(middle[1] + d * size, 0, height)) for d in (-0.42, -0.12))
    window = evidence.labels[y0:y1, x0:x1]
    ys, xs = np.nonzero(window == Cihp.NECK)
    if xs.size < 0.02 * size * size:
        return 0.0
    offset = np.array([xs.mean() + x0, ys.mean() + y0]) - middle
    return float(np.clip(0.7 * (offset @ across), -0.16 * size, 0.16 * size))


def _read_arm(pose: Pose, view: View, side: str, shoulder: F64, size: float) -> Arm:
    points, seen = [shoulder], 0
    for place, (joint, length) in enumerate((("elbow", UPPER_ARM), ("wrist", FOREARM)), start=1):
        found = pose.point(f"{side}_{joint}")
        if found is not None:
            points.append(view.to_work(found.astype(np.float64)))
            seen = place
        else:
            previous = points[-1] - points[-2] if len(points) > 1 else np.array([0.0, 1.0])
            direction = previous / max(float(np.hypot(*previous)), 1e-6)
            points.append(points[-1] + direction * length * size)
    return Arm(np.array(points), 1.0, seen)


def _with_widths(body: Body, evidence: Evidence) -> Body:
    """Fit the standard torso's width to what the picture shows of it."""
    prior = _TORSO_HALF * body.size
    seen = np.full((2, len(_TORSO_AT)), np.nan)
    allowed = _torso_mask(evidence)
    lower = np.isin(evidence.labels, LOWER_BODY)
    lower_ratio = []
    for place, share in enumerate(_TORSO_AT):
        depth = share * body.length
        for row, side in enumerate((PICTURE_LEFT, PICTURE_RIGHT)):
            width = run_length(body, allowed, depth, side)
            if width is None:
                continue
            seen[row, place] = width
            if share >= 0.8 and _is_lower(body, lower, depth, side, width):
                lower_ratio.append(width / prior[place])
    build = float(np.clip(np.median(lower_ratio), 0.85, 1.4)) if len(lower_ratio) >= 2 else _build_from(seen, prior)
    turned = np.array(body.reach)[:, None]
    fade = np.interp(_TORSO_AT, [0.0, 0.3, 0.9], [1.0, 0.8, 0.25])
    expected = prior * (1 + (build - 1) * np.interp(_TORSO_AT, [0.2, 0.8], [0.5, 1.0]))
    expected = expected * (1 + fade * (np.clip(turned, 0.7, 1.1) - 1))
    bounded = np.where(np.isnan(seen), expected * UNSEEN_WIDTH, np.fmin(expected * 1.1, seen))
    half = np.maximum(bounded, expected * 0.85)
    half[:, _TORSO_AT < 0.15] = expected[:, _TORSO_AT < 0.15]
    clothed = Body(
        body.neck, body.down, body.across_top, body.across_hip, body.size, body.length, body.reach, build,
        _with_thickness(body, evidence), body.half_at, half, body.guessed_hips,
    )  # fmt: skip
    if evidence.leak_free:
        return clothed
    clothed = _as_wide_as_seen(clothed, allowed, evidence.labels)
    left, right = (_told_hidden(clothed, evidence, number) for number in (0, 1))
    return replace(clothed, arms=(left, right))


def _told_hidden(body: Body, evidence: Evidence, number: int) -> Arm:
    """Mark an arm that goes behind the back: no skin of it is seen, and nobody beside the trunk where it would hang."""
    arm, side = body.arms[number], (PICTURE_LEFT, PICTURE_RIGHT)[number]
    label = (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)[number]
    if (evidence.labels == label).sum() > UNSEEN_ARM * body.size**2:
        return arm
    places = np.linspace(0.8, 1.9, 12)
    spots = np.stack([np.interp(places, [0, 1, 2], arm.points[:, axis]) for axis in (0, 1)], axis=-1)
    steps = np.repeat(np.diff(arm.points, axis=0), [4, 8], axis=0)
    across = np.stack([_normal(step) for step in steps])
    half = body.arm_half(places, side)
    probes = (spots[:, None] + np.linspace(-1, 1, 9)[None, :, None] * (half[:, None] * across)[:, None]).reshape(-1, 2)
    lateral, depth = body.locate(probes)
    beside = lateral * side > 1.03 * body.half_width(depth, side)
    spot = probes[beside].round().astype(int)
    height, width = evidence.alpha.shape
    spot = spot[((spot >= 0) & (spot < [width, height])).all(axis=1)]
    if len(spot) < 12:
        return arm
    return replace(arm, hidden=bool(evidence.alpha[spot[:, 1], spot[:, 0]].mean() < HIDDEN_SHARE))


def _torso_mask(evidence: Evidence) -> Bool:
    labels = LOWER_BODY if evidence.leak_free else _TORSO_LABELS
    mask: Bool = np.isin(evidence.labels, labels)
    return mask


def run_length(body: Body, allowed: Bool, depth: float, side: int) -> float | None:
    """Walk outwards from the axis and return where the torso ends; None where it is not seen."""
    steps = np.arange(0.0, 0.95 * body.size, 1.0)
    points = body.place(side * steps, np.full(len(steps), depth)).round().astype(int)
    height, width = allowed.shape
    inside = (points[:, 0] >= 0) & (points[:, 0] < width) & (points[:, 1] >= 0) & (points[:, 1] < height)
    if not inside[0]:
        return None
    values = np.zeros(len(steps), bool)
    values[inside] = allowed[points[inside, 1], points[inside, 0]]
    start = int(np.argmax(values))
    if not values[start] or start > 0.25 * body.size:
        return None
    stop = np.flatnonzero(~values[start:])
    return float(steps[start + stop[0]]) if stop.size else None


def _is_lower(body: Body, lower: Bool, depth: float, side: int, width: float) -> bool:
    probes = body.place(side * np.linspace(0.5, 0.95, 5) * width, np.full(5, depth)).round().astype(int)
    height, wide = lower.shape
    x, y = np.clip(probes[:, 0], 0, wide - 1), np.clip(probes[:, 1], 0, height - 1)
    return bool(lower[y, x].mean() > 0.7)


def _as_wide_as_seen(body: Body, trunk: Bool, labels: U8) -> Body:
    """Return the body with the width that is seen where its own skin or close trousers end: no standard bounds that."""
    at = np.linspace(0.0, body.half_at[-1], WIDTHS)
    half = np.stack([np.interp(at, body.half_at, row) for row in body.half])
    for place in np.flatnonzero(at >= BARE_FROM):
        for row, side in enumerate((PICTURE_LEFT, PICTURE_RIGHT)):
            width = run_length(body, trunk, at[place] * body.length, side)
            if width is not None and _ends_bare(body, labels, at[place] * body.length, side, width):
                half[row, place] = max(half[row, place], min(width, MOST_BUILT * half[row, place]))
    return replace(body, half_at=at, half=half)


def _ends_bare(body: Body, labels: U8, depth: float, side: int, width: float) -> bool:
    """Tell whether the trunk ends with its own skin, or with trousers above the hip joints, which lie close to it."""
    probes = body.place(side * (width - np.array([2.0, 4.0, 6.0])), np.full(3, depth)).round().astype(int)
    x, y = np.clip(probes[:, 0], 0, labels.shape[1] - 1), np.clip(probes[:, 1], 0, labels.shape[0] - 1)
    close = (Cihp.NECK, Cihp.TROUSERS) if depth <= body.length else (Cihp.NECK,)
    return bool(np.isin(labels[y, x], close).all())


def _build_from(seen: F64, prior: F64) -> float:
    ratios = (seen / prior)[:, 3:7]
    known = ratios[~np.isnan(ratios)]
    return float(np.clip(np.percentile(known, 25), 0.85, 1.15)) if known.size else 1.0


def _with_thickness(body: Body, evidence: Evidence) -> tuple[Arm, Arm]:
    arms = []
    for arm, label in zip(body.arms, (Cihp.RIGHT_ARM, Cihp.LEFT_ARM), strict=True):
        places, ratios, offsets = _measure_arm(arm, evidence.labels == label, body.size)
        if len(places) < 4:
            half = _ARM_HALF[-1] * body.size * UNSEEN_THICKNESS
            cut = find_cut(arm.points, half, evidence.labels, label) if arm.seen == 2 else None
            joints = arm.points if cut is None else lead_to_hand(arm.points, cut)
            arms.append(replace(arm, points=joints, thickness=UNSEEN_THICKNESS))
            continue
        # The first seen place may be cut by the sleeve's slanting edge; the next ones say how the arm goes on above.
        thickness = float(np.clip(np.median(ratios[1:5]), 0.75, 1.45))
        arms.append(Arm(_centred(arm.points, places, offsets), thickness, arm.seen))
    return arms[0], arms[1]


def _measure_arm(arm: Arm, bare: Bool, size: float) -> tuple[F64, F64, F64]:
    """Return (place, width over the standard's, middle's distance from the axis) where skin is seen on both sides."""
    found = []
    for along in np.arange(0.3, 1.75, 0.1):
        segment = int(along)
        start, stop = arm.points[segment], arm.points[segment + 1]
        step = stop - start
        centre = start + (along - segment) * step
        normal = _normal(step)
        reach = np.arange(-0.3 * size, 0.3 * size)
        probes = (centre + reach[:, None] * normal).round().astype(int)
        inside = (probes >= 0).all(axis=1) & (probes[:, 0] < bare.shape[1]) & (probes[:, 1] < bare.shape[0])
        values = np.zeros(len(reach), bool)
        values[inside] = bare[probes[inside, 1], probes[inside, 0]]
        if values[len(reach) // 2 - 2 : len(reach) // 2 + 3].all():
            ratio = values.sum() / 2 / (np.interp(along, _ARM_AT, _ARM_HALF) * size)
            found.append((along, ratio, float(reach[values].mean())))
    table = np.array(found, np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _normal(step: F64) -> F64:
    normal: F64 = np.array([-step[1], step[0]]) / max(float(np.hypot(*step)), 1e-6)
    return normal


def _centred(points: F64, places: F64, offsets: F64) -> F64:
    """Move elbow and wrist into the middle of the arm that is seen: a pose's joints lie a little beside it."""
    moved = points.copy()
    for joint, start, stop in ((1, 0.5, 1.35), (2, 1.35, 1.8)):
        near = (places >= start) & (places <= stop)
        if near.sum() >= 3:
            most = MOST_OFFSET * float(np.hypot(*(points[1] - points[0])))
            shift = float(np.clip(np.median(offsets[near]), -most, most))
            moved[joint] = points[joint] + shift * _normal(points[joint] - points[joint - 1])
    return moved
