"""The person's legs under the clothes: joints, silhouette, and where every pixel lies on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from studio.domain.arrays import F32, F64, Bool
from studio.domain.artefacts import Photo, Pose
from studio.domain.geometry import Box
from studio.domain.labels import Cihp
from studio.pipeline.pose_body import Torso
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.leg_shape import LEG_AT, LegShape, fit_shape, join_thighs
from studio.pipeline.tryon.draping.view import SHOULDERS_PX, View

ANKLE = 2.0
"""The ankle's place on a leg: 0 hip, 1 knee."""
THIGH, SHANK = 1.22, 1.12
"""Lengths of thigh and shank seen square on, in shoulder widths."""
CROTCH = 1.14
"""How far down the crotch lies, in shares of neck to hip joints."""
# Half-width of the bare leg, in shoulder widths, over its length: hip joint 0, knee 1, ankle 2.
_LEG_AT = np.array([0.0, 0.25, 0.5, 0.8, 1.0, 1.15, 1.35, 1.6, 1.85, 2.0, 2.2])
_LEG_HALF = np.array([0.27, 0.25, 0.215, 0.17, 0.15, 0.148, 0.157, 0.13, 0.092, 0.086, 0.09])
_LEG_CURVE = PchipInterpolator(_LEG_AT, _LEG_HALF)
_MARGIN_UP, _MARGIN_SIDE, _MARGIN_DOWN = 0.75, 1.0, 0.6
"""What belongs to the view around the joints, in shoulder widths."""
_LEAST_SEEN, _NEAR_JOINT = 3, 0.5
COVERS = (Cihp.TROUSERS, Cihp.SOCKS)
"""What lies so close to a leg that it says where the leg is."""


def standard_half(places: F64) -> F64:
    """Return the standard leg's half-width in shoulder widths, a smooth curve."""
    half: F64 = np.asarray(_LEG_CURVE(np.clip(places, 0.0, 2.2)), np.float64)
    return half


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One leg on the working raster: hip, knee, ankle; what the picture does not show is guessed.

    thickness: factor on the standard half-width. seen: the lowest joint that was seen, 0..2. shape: its silhouette off
    the line of the joints; None before it is measured.
    """

    points: F64
    thickness: float
    seen: int
    shape: LegShape | None = None

    def spot(self, places: F64) -> F64:
        """Return points of the leg's middle at places, a little beyond the ankle too, `(n, 2)`."""
        spots = self.line(places)
        if self.shape is not None:
            shift = np.interp(places, LEG_AT, (self.shape.first + self.shape.second) / 2)
            spots = spots + shift[:, None] * self.square(places)
        return spots

    def line(self, places: F64) -> F64:
        """Return points of the smoothed line through the joints."""
        beyond = self.points[2] + 0.4 * (self.points[2] - self.points[1])
        joints = np.concatenate([self.points, beyond[None]])
        path = np.linspace(0.0, 2.4, 73)
        dense = np.stack([np.interp(path, [0.0, 1.0, 2.0, 2.4], joints[:, axis]) for axis in (0, 1)], -1)
        kernel = np.hanning(13)[1:-1] / np.hanning(13)[1:-1].sum()
        padded = np.concatenate([dense[:1].repeat(5, 0), dense, dense[-1:].repeat(5, 0)])
        smooth = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], -1)
        smooth[:6], smooth[-6:] = dense[:6], dense[-6:]
        spots: F64 = np.stack([np.interp(places, path, smooth[:, axis]) for axis in (0, 1)], -1)
        return spots

    def square(self, places: F64) -> F64:
        """Return unit vectors square to that line."""
        step = self.line(places + 0.04) - self.line(places - 0.04)
        unit = step / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)[:, None]
        return np.stack([unit[:, 1], -unit[:, 0]], -1)

    def normal(self, places: F64) -> F64:
        """Return unit vectors square to the leg, towards the picture's right for a leg that points down."""
        step = self.spot(places + 0.04) - self.spot(places - 0.04)
        unit = step / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)[:, None]
        return np.stack([unit[:, 1], -unit[:, 0]], -1)


@dataclass(frozen=True, slots=True, eq=False)
class LegFields:
    """Coordinates of the working raster on each leg: along 0 hip .. 2 ankle, across -1..1 is the bare leg."""

    along: tuple[F32, F32]
    across: tuple[F32, F32]


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Both legs, picture's left and right, below a body. crotch: on the axis. fields: once they are measured."""

    body: Body
    legs: tuple[Leg, Leg]
    crotch: F64
    fields: LegFields | None = None

    def half(self, places: F64, number: int) -> F64:
        """Return the bare leg's half-width at places."""
        leg = self.legs[number]
        if leg.shape is not None:
            seen: F64 = np.interp(places, LEG_AT, (leg.shape.second - leg.shape.first) / 2)
            return seen
        return standard_half(places) * self.body.size * leg.thickness

    def edges(self, places: F64, number: int) -> tuple[F64, F64]:
        """Return points of the silhouette at places, on the picture's left and right of a leg that points down."""
        leg = self.legs[number]
        if leg.shape is None:
            beside = leg.normal(places) * self.half(places, number)[:, None]
            return leg.spot(places) - beside, leg.spot(places) + beside
        line, square = leg.line(places), leg.square(places)
        first, second = (np.interp(places, LEG_AT, edge)[:, None] for edge in (leg.shape.first, leg.shape.second))
        return line + first * square, line + second * square

    def depth_of(self, place: float) -> float:
        """Return how far below the shoulder line a place on the legs lies, the mean of both."""
        spots = np.stack([leg.spot(np.array([place]))[0] for leg in self.legs])
        return float(self.body.locate(spots)[1].mean())


def choose_lower_view(photo: Photo, pose: Pose, torso: Torso) -> View:
    """Return the view of a person from the neck to below the feet, or to the photo's edge."""
    size = torso.size
    names = [
        f"{side}_{joint}" for side in ("right", "left") for joint in ("hip", "knee", "ankle", "heel", "foot_index")
    ]
    found = [point.astype(np.float64) for name in names if (point := _named(pose, name)) is not None]
    points = np.array([torso.neck, torso.right_shoulder, torso.left_shoulder, torso.mid_hip, *found])
    if _named(pose, "right_ankle") is None or _named(pose, "left_ankle") is None:
        floor = torso.mid_hip + torso.down * size * (THIGH + SHANK)
        points = np.concatenate([points, floor[None]])
    low, high = points.min(axis=0), points.max(axis=0)
    box = Box(
        max(0, int(low[0] - _MARGIN_SIDE * size)),
        max(0, int(low[1] - _MARGIN_UP * size)),
        min(photo.size[0], int(high[0] + _MARGIN_SIDE * size) + 1),
        min(photo.size[1], int(high[1] + _MARGIN_DOWN * size) + 1),
    )
    return View(min(1.0, SHOULDERS_PX / max(size, 1.0)), box)


def _named(pose: Pose, name: str) -> F32 | None:
    try:
        return pose.point(name)
    except ValueError:  # a pose format without this extra point
        return None


def estimate_legs(body: Body, pose: Pose, view: View, torso: Torso, evidence: Evidence) -> Legs:
    """Return the legs below a body."""
    sides = (("right", torso.right_hip), ("left", torso.left_hip))
    read = [_read_leg(pose, view, side, view.to_work(hip), body) for side, hip in sides]
    crotch = body.place(np.zeros(1), np.array([CROTCH * body.length]))[0]
    labels = (Cihp.RIGHT_LEG, Cihp.LEFT_LEG)
    measured = [_measured(leg, evidence, label, body) for leg, label in zip(read, labels, strict=True)]
    left, right = (leg.shape for leg in measured)
    if left is not None and right is not None:
        lines = (measured[0].line(LEG_AT), measured[1].line(LEG_AT))
        joined = join_thighs((left, right), lines, body.size)
        measured = [replace(leg, shape=one) for leg, one in zip(measured, joined, strict=True)]
    return Legs(body, (measured[0], measured[1]), crotch)


def _read_leg(pose: Pose, view: View, side: str, hip: F64, body: Body) -> Leg:
    points, seen = [hip], 0
    for place, (joint, length) in enumerate((("knee", THIGH), ("ankle", SHANK)), start=1):
        found = pose.point(f"{side}_{joint}")
        if found is not None:
            points.append(view.to_work(found.astype(np.float64)))
            seen = place
            continue
        # Legs stand under the body, however it leans.
        step = points[-1] - points[-2] if len(points) > 1 else 0.3 * body.down + np.array([0.0, 0.7])
        points.append(points[-1] + step / max(float(np.hypot(*step)), 1e-6) * length * body.size)
    return Leg(np.array(points), 1.0, seen)


def _measured(leg: Leg, evidence: Evidence, label: Cihp, body: Body) -> Leg:
    """Fit middle, girth and silhouette of a leg to bare skin, or its middle only where it is clothed."""
    bare = evidence.labels == label
    clothed = bare | np.isin(evidence.labels, COVERS)
    ratios: list[float] = []
    found: list[tuple[float, float, bool]] = []
    for place in np.arange(0.3, 1.9, 0.08):
        run = _run_across(leg, clothed, float(place), body.size)
        if run is None:
            continue
        width, middle, spot = run
        standard = float(standard_half(np.array([place]))[0]) * body.size
        is_bare = bool(bare[int(spot[1]), int(spot[0])])
        if width / 2 < 2.1 * standard:
            found.append((float(place), middle, is_bare))
        if is_bare:
            ratios.append(width / 2 / standard)
    points = leg.points.copy()
    for joint, near in ((1, (0.3, 1.45)), (2, (1.45, 1.9))):
        own = [entry for entry in found if near[0] <= entry[0] < near[1]]
        # Cloth hangs where it likes: while there is skin near a joint, only skin says where the leg is.
        skin = [entry for entry in own if entry[2] and abs(entry[0] - joint) < _NEAR_JOINT]
        shifts = [middle for _, middle, _ in (skin if len(skin) >= _LEAST_SEEN else own)]
        if len(shifts) >= _LEAST_SEEN:
            shift = float(np.clip(np.median(shifts), -0.12 * body.size, 0.12 * body.size))
            points[joint] += shift * leg.normal(np.array([float(joint)]))[0]
    thickness = float(np.clip(np.median(ratios), 0.72, 1.4)) if len(ratios) >= _LEAST_SEEN else leg.thickness
    placed = replace(leg, points=points, thickness=thickness)
    axis = (placed.line(LEG_AT), placed.square(LEG_AT))
    standard_edge = standard_half(LEG_AT) * body.size * thickness
    return replace(placed, shape=fit_shape(evidence, label, axis, standard_edge, COVERS, body.size))


def _run_across(leg: Leg, mask: Bool, place: float, size: float) -> tuple[float, float, F64] | None:
    """Return width, middle's distance from the axis and centre of the run about the axis; None where legs merge."""
    centre, normal = leg.spot(np.array([place]))[0], leg.normal(np.array([place]))[0]
    reach = np.arange(-0.5 * size, 0.5 * size)
    probes = (centre + reach[:, None] * normal).round().astype(int)
    inside = (probes >= 0).all(axis=1) & (probes[:, 0] < mask.shape[1]) & (probes[:, 1] < mask.shape[0])
    values = np.zeros(len(reach), bool)
    values[inside] = mask[probes[inside, 1], probes[inside, 0]]
    middle = len(reach) // 2
    if not inside[middle] or not values[middle]:
        return None
    gaps = np.flatnonzero(~values)
    left, right = gaps[gaps < middle], gaps[gaps > middle]
    if not left.size or not right.size:
        return None
    return float(right[0] - left[-1] - 1), float(reach[left[-1]] + reach[right[0]]) / 2, probes[middle]


def measure_leg_fields(legs: Legs, shape: tuple[int, int]) -> LegFields:
    """Return the fields for a raster of `shape`, (rows, columns): those of the legs where they have them."""
    if legs.fields is not None:
        return legs.fields
    left, right = (_locate(legs, number, shape) for number in (0, 1))
    return LegFields((left[0], right[0]), (left[1], right[1]))


def _locate(legs: Legs, number: int, shape: tuple[int, int]) -> tuple[F32, F32]:
    joints = legs.legs[number].points.astype(np.float32)
    # Both fields are smooth but for the knee's bend: every second pixel says enough.
    size = ((shape[1] + 1) // 2, (shape[0] + 1) // 2)
    grid_x = (np.arange(size[0], dtype=np.float32)[None] + np.float32(0.5)) * np.float32(shape[1] / size[0])
    grid_y = (np.arange(size[1], dtype=np.float32)[:, None] + np.float32(0.5)) * np.float32(shape[0] / size[1])
    grid_x, grid_y = grid_x - np.float32(0.5), grid_y - np.float32(0.5)
    found = []
    for segment in (0, 1):
        step = joints[segment + 1] - joints[segment]
        length = max(float(np.hypot(*step)), 1e-6)
        unit = step / np.float32(length)
        x, y = grid_x - joints[segment, 0], grid_y - joints[segment, 1]
        forward = (x * unit[0] + y * unit[1]) / np.float32(length)
        sideways = x * unit[1] - y * unit[0]
        last = 1.0 if segment == 0 else 1.25
        clipped = np.clip(forward, 0.0, last)
        gap = sideways**2 + ((forward - clipped) * np.float32(length)) ** 2
        found.append((gap, forward if segment else np.minimum(forward, 1.0), sideways, segment))
    nearer = found[1][0] < found[0][0]
    along = np.where(nearer, np.maximum(found[1][1], 0.0) + 1, found[0][1])
    across = np.where(nearer, found[1][2], found[0][2])
    places = np.linspace(0, 2.2, 221)
    index = np.clip(along * 100, 0, 220).astype(np.intp)
    outline = legs.legs[number].shape
    if outline is not None:
        middle = np.interp(places, LEG_AT, (outline.first + outline.second) / 2).astype(np.float32)
        across = across - middle[index]
    half = legs.half(places, number).astype(np.float32)[index]
    planes = (along.astype(np.float32), (across / np.maximum(half, np.float32(1.0))).astype(np.float32))
    whole = [cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) for plane in planes]
    return np.asarray(whole[0], np.float32), np.asarray(whole[1], np.float32)
