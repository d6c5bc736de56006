"""Where each vertex of trousers, shorts or a skirt should lie on the person."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F64
from studio.domain.artefacts import Category, Garment
from studio.pipeline.garments.lower import HIPS, LEFT_LEG, RIGHT_LEG
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.leg_shape import fit_curve
from studio.pipeline.tryon.draping.legs import ANKLE, SHANK, THIGH, Legs
from studio.pipeline.tryon.draping.lower_measure import PaintedLegs
from studio.pipeline.tryon.draping.pockets import Pocket
from studio.pipeline.tryon.draping.relax import Relaxed, measure_distortion

Int = npt.NDArray[np.intp]

BODY_EASE = 1.03
"""No lower garment lies tighter in the picture than this over the body."""
LENGTH_SCALE = 1.12
"""A waistband laid flat is half its girth, worn it shows a third: lengths count more than widths by this."""
FULL_INSEAM = 1.3
"""Trousers whose inseam is this many waists long end at the ankle, however wide their waist was cut."""
FULL_HEM = (1.98, 2.1)
"""Between these places on the leg (1 knee, 2 ankle) the hem of full-length trousers may end."""
LOWEST_HEM = 2.1
SNUG, WORN_AT_THIGH, WORN_AT_HEM = 1.12, 0.5, 0.8
"""A trouser leg up to `SNUG` times as wide as the leg looks as wide as it is cut; of the rest these shares are seen."""
LEVEL_TO = (1.0, 1.6)
"""Down to the first place on a leg cloth hangs level, from the second on square to the leg."""
CURVE = 0.5
"""How much of the bow that waist and hem have when laid flat is kept."""
SKIRT_FLARE = 0.92
LEGS_FROM = 1.15
"""From this depth on, in shares of neck to hips, a flank lies on the leg."""
FLANK_WAVE, FLANK_STEP, FLANK_END = 0.55, 0.02, 30.0
"""The shortest wave that a flank keeps, and the steps in which it is read, in shoulder widths; how firmly the waist
holds its end."""
WIDEST_SEAT, LEG_OVERLAP = 1.4, 0.015
"""Width of the seat at the crotch over the body's, at most; how far, in shoulder widths, legs overlap that meet."""
WAIST_TELLS, WAIST_SLOPE = 0.3, 0.55
"""How far from the waist, in shares of neck to hips, a waist that is seen limits the body's width; how steeply hips may
widen from it."""
LOWEST_CROTCH = 0.3
"""How far below the body's a wide garment's crotch may hang, in shoulder widths."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedLower:
    """The garment on the person. vertices: `(V, 2)` on the working raster. scale: working pixels per garment pixel.

    waist: its depth below the shoulder line. hems: where it ends on the picture's left and right leg, 0 hip .. 2 ankle.
    painted: the legs that the photo does not show. waist_off: how far what is seen of the waist lies off the line drawn
    there, in shoulder widths; None where no line is seen. enlarged: native pixels per garment pixel.
    touch: how long hands lie against bare leg that the garment covers, in shoulder widths.
    """

    vertices: F64
    scale: float
    waist: float
    hems: tuple[float, float]
    relaxed: Relaxed
    painted: PaintedLegs = field(default_factory=PaintedLegs)
    waist_off: float | None = 0.0
    enlarged: float = 1.0
    touch: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class LowerPattern:
    """The garment in its own upright frame, photo pixels: y down from the middle of the waist.

    waist: its half-width. length: waist to hem. rise: waist to crotch, 0 for a skirt.
    """

    points: F64
    waist: float
    length: float
    rise: float

    @property
    def inseam(self) -> float:
        """Crotch to hem over the waist's width."""
        return (self.length - self.rise) / max(2 * self.waist, 1e-6)


def read_lower_pattern(garment: Garment) -> LowerPattern:
    """Turn the mesh into its own upright frame."""
    spot = {name: np.array(point, np.float64) for name, point in garment.landmarks.items()}
    left, right = spot["waist_left"], spot["waist_right"]
    origin, hem = (left + right) / 2, (spot["hem_left"] + spot["hem_right"]) / 2
    down = (hem - origin) / max(float(np.hypot(*(hem - origin))), 1e-6)
    across = np.array([down[1], -down[0]])
    offset = garment.mesh.vertices.astype(np.float64) - origin
    points = np.stack([offset @ across, offset @ down], -1)
    last = garment.mesh.along > 0.995
    legs = garment.mesh.part != HIPS
    ends = points[last & legs] if legs.any() else points[last]
    rise = float((spot["crotch"] - origin) @ down) if "crotch" in spot else 0.0
    return LowerPattern(points, float(np.hypot(*(right - left))) / 2, float(ends[:, 1].mean()), rise)


@dataclass(frozen=True, slots=True)
class WornAt:
    """Where a lower garment is worn. waist: its depth below the shoulder line. slope: how much deeper per pixel to the
    right. halves: the body's half-width there on the picture's left and right, None where it is not seen.
    pockets: those that hide the hands on these sides.
    """

    waist: float
    slope: float
    halves: tuple[float | None, float | None] = (None, None)
    pockets: tuple[Pocket | None, Pocket | None] = (None, None)


def place_lower(garment: Garment, legs: Legs, worn: WornAt) -> PlacedLower:
    """Pose the garment's mesh on the body."""
    pattern = read_lower_pattern(garment)
    legs = replace(legs, body=_with_waist(legs.body, worn))
    body, waist = legs.body, worn.waist
    depth = np.array([waist])
    half = float(body.half_width(depth, -1)[0] + body.half_width(depth, 1)[0]) / 2 * BODY_EASE
    scale = half / max(pattern.waist, 1e-6)
    if garment.category is Category.SKIRT:
        vertices, hems = _place_skirt(garment, pattern, legs, (waist, scale))
    else:
        vertices, hems = _place_trousers(garment, pattern, legs, (waist, scale))
    vertices += _fair_flanks(garment, vertices, legs)
    vertices += _fill_pockets(garment, vertices, legs.body, worn.pockets)
    vertices += _tilt(garment, vertices, legs, worn.slope)
    rest = pattern.points * (scale * np.array([1.0, LENGTH_SCALE]))
    folded, stretch = measure_distortion(rest, vertices, garment.mesh.faces)
    return PlacedLower(vertices, scale, waist, hems, Relaxed(vertices, folded, stretch))


def _with_waist(body: Body, worn: WornAt) -> Body:
    """Return the body with its waist as wide as it is seen in the old garment; a top that billows over it is wider."""
    places = np.linspace(worn.waist, worn.waist + WAIST_TELLS * body.length, 7)
    depth = np.unique(np.concatenate([body.half_at * body.length, places]))
    rows = []
    for side, seen in zip((-1, 1), worn.halves, strict=True):
        row = body.half_width(depth, side)
        if seen is not None:
            below = depth - worn.waist
            allowed = seen + np.where(below > 0, WAIST_SLOPE * below, -WAIST_SLOPE * below)
            near = np.abs(below) < WAIST_TELLS * body.length
            row = np.where(near, np.minimum(row, allowed), row)
        rows.append(row)
    return replace(body, half_at=depth / body.length, half=np.stack(rows))


def _tilt(garment: Garment, vertices: F64, legs: Legs, slope: float) -> F64:
    """Return how far each vertex moves when the waistband slants; the crotch, or a skirt's hem, stays."""
    lateral, _ = legs.body.locate(vertices)
    share = np.where(garment.mesh.part == HIPS, 1 - garment.mesh.along, 0.0)
    shift: F64 = (slope * lateral * share)[:, None] * legs.body.down
    return shift


def _fair_flanks(garment: Garment, vertices: F64, legs: Legs) -> F64:
    """Return how far each vertex moves so that each flank, waist to hem, is one fair curve; the waist stays.

    Cloth hangs from the hip in a long line: it does not follow the joint between hip and thigh.
    """
    body, mesh = legs.body, garment.mesh
    shift = np.zeros_like(vertices)
    lateral, depth = body.locate(vertices)
    for side in (-1, 1):
        edge = np.flatnonzero((np.abs(mesh.across - side) < 1e-3) & np.isin(mesh.part, (HIPS, _leg_part(side))))
        edge = edge[np.argsort(depth[edge], kind="stable")]
        at = np.maximum.accumulate(depth[edge]) + np.arange(len(edge)) * 1e-6
        even = np.arange(at[0], at[-1], FLANK_STEP * body.size)
        if len(even) < 8:
            continue
        own = np.interp(even, at, lateral[edge])
        straight = np.interp(even, [even[0], even[-1]], [own[0], own[-1]])
        weight = np.ones(len(even))
        weight[0] = FLANK_END
        stiff = (FLANK_WAVE / FLANK_STEP) ** 4 / 16
        fair = fit_curve(own - straight, weight, body.size, stiff=stiff, drawn_back=1e-7) + straight
        # Cloth lies outside the legs it covers; the hips may look wider than they are, with a hand in a pocket.
        middle = _middle_line(legs, even)
        body_edge = middle + side * outer_half(legs, even, middle, side) * BODY_EASE
        held = (side * (body_edge - fair) > 0) & (even > LEGS_FROM * body.length)
        if held.any():
            wanted, weight = np.where(held, body_edge, own) - straight, np.where(held, FLANK_END, weight)
            fair = fit_curve(wanted, weight, body.size, stiff=stiff, drawn_back=1e-7) + straight
        moved = _share_of_flank(garment, side) * np.interp(depth, even, fair - own)
        shift += moved[:, None] * body.across(depth)
    return shift


def _fill_pockets(garment: Garment, vertices: F64, body: Body, pockets: tuple[Pocket | None, Pocket | None]) -> F64:
    """Return how far each vertex moves so that the flanks hide the hands that are in pockets."""
    mesh = garment.mesh
    shift = np.zeros_like(vertices)
    lateral, depth = body.locate(vertices)
    for side, pocket in zip((-1, 1), pockets, strict=True):
        if pocket is None:
            continue
        edge = np.flatnonzero((np.abs(mesh.across - side) < 1e-3) & np.isin(mesh.part, (HIPS, _leg_part(side))))
        edge = edge[np.argsort(depth[edge], kind="stable")]
        even = np.arange(depth[edge[0]], depth[edge[-1]])
        pushed = pocket.push(even, side * np.interp(even, depth[edge], lateral[edge]))
        moved = side * _share_of_flank(garment, side) * np.interp(depth, even, pushed)
        shift += moved[:, None] * body.across(depth)
    return shift


def _leg_part(side: int) -> int:
    return LEFT_LEG if side < 0 else RIGHT_LEG


def _share_of_flank(garment: Garment, side: int) -> F64:
    """Return how far each vertex goes with the flank on one side: the leg's inner edge and the middle stay."""
    mesh = garment.mesh
    share = np.where(mesh.part == _leg_part(side), (mesh.across * side + 1) / 2, 0.0)
    found: F64 = np.where(mesh.part == HIPS, np.clip(mesh.across * side, 0, 1), share)
    return found


def _rows(garment: Garment, part: int) -> tuple[F64, Int, F64]:
    """Return, of a part's vertices: the rows' shares, each vertex's row, and its place across -1..1."""
    chosen = garment.mesh.part == part
    rows, index = np.unique(garment.mesh.along[chosen], return_inverse=True)
    return rows.astype(np.float64), np.asarray(index, np.intp), garment.mesh.across[chosen].astype(np.float64)


def _place_skirt(
    garment: Garment, pattern: LowerPattern, legs: Legs, fit: tuple[float, float]
) -> tuple[F64, tuple[float, float]]:
    waist, scale = fit
    body = legs.body
    rows, index, across = _rows(garment, HIPS)
    own_y = np.array([pattern.points[index == row, 1].mean() for row in range(len(rows))])
    last = min(waist + pattern.length * scale * LENGTH_SCALE, legs.depth_of(LOWEST_HEM))
    share = (own_y - own_y[0]) / max(own_y[-1] - own_y[0], 1e-6)
    depth = waist + share * (last - waist)
    middle = _middle_line(legs, depth)
    vertices = np.zeros_like(pattern.points)
    bow = (pattern.points[:, 1] - own_y[index]) * scale * CURVE * np.interp(rows[index], [0, 0.1, 0.9, 1], [1, 1, 1, 1])
    for side in (-1, 1):
        own = _own_half(pattern.points[:, 0], index, across, side) * scale * SKIRT_FLARE
        own *= np.interp(depth - waist, [0.0, 0.5 * body.size], [_waist_share(body, waist, side), 1.0])
        inside = outer_half(legs, depth, middle, side)
        half = np.maximum(own, inside * BODY_EASE)
        half[0] = max(half[0], 0.0)
        half = gaussian_filter1d(half, 1.0, mode="nearest")
        chosen = across * side >= 0
        lateral = middle[index] + across * half[index]
        placed = body.place(lateral, depth[index] + bow)
        vertices[chosen] = placed[chosen]
    places = np.array([place_of(legs, number, float(depth[-1])) for number in (0, 1)])
    return vertices, (float(places[0]), float(places[1]))


def _waist_share(body: Body, waist: float, side: int) -> float:
    """Return one side's share of the waist's width, 1 on a straight body: the garment's middle lies on the axis."""
    left, right = (float(body.half_width(np.array([waist]), one)[0]) for one in (-1, 1))
    return 2 * (left if side < 0 else right) / max(left + right, 1e-6)


def _own_half(x: F64, index: Int, across: F64, side: int) -> F64:
    """Return the garment's own half-width on one side, row by row."""
    edge = np.abs(across - side) < 1e-3
    half = np.zeros(int(index.max()) + 1)
    half[index[edge]] = np.abs(x[edge])
    return half


def _middle_line(legs: Legs, depth: F64) -> F64:
    """Return how far the middle between the legs lies off the body's axis, by depth; 0 down to the hips."""
    places = np.linspace(0.3, 2.2, 20)
    spots = (legs.legs[0].spot(places) + legs.legs[1].spot(places)) / 2
    lateral, at = legs.body.locate(spots)
    at = np.maximum.accumulate(at)
    start = legs.body.length
    middle: F64 = np.interp(depth, np.concatenate([[start], at]), np.concatenate([[0.0], lateral]), left=0.0)
    return middle


def outer_half(legs: Legs, depth: F64, middle: F64, side: int) -> F64:
    """Return how far the body reaches on one side of the middle line: the trunk, below it the leg's outer edge."""
    body, number = legs.body, 0 if side < 0 else 1
    trunk = body.half_width(depth, side) - side * middle
    places = np.linspace(0.0, 2.2, 45)
    edge = legs.legs[number].spot(places) + side * legs.legs[number].normal(places) * legs.half(places, number)[:, None]
    lateral, at = body.locate(edge)
    at = np.maximum.accumulate(at) + np.arange(len(at)) * 1e-6
    leg = side * (np.interp(depth, at, lateral) - middle)
    below = np.interp(depth / body.length, [0.95, 1.2], [0.0, 1.0])
    half: F64 = (1 - below) * trunk + below * leg
    return np.maximum(half, 0.05 * body.size)


def place_of(legs: Legs, number: int, depth: float) -> float:
    """Return the place on a leg that lies at a depth below the shoulder line."""
    places = np.linspace(0.0, 2.3, 47)
    at = np.maximum.accumulate(legs.body.locate(legs.legs[number].spot(places))[1])
    return float(np.interp(depth, at + np.arange(len(at)) * 1e-6, places))


def _place_trousers(
    garment: Garment, pattern: LowerPattern, legs: Legs, fit: tuple[float, float]
) -> tuple[F64, tuple[float, float]]:
    waist, scale = fit
    body = legs.body
    vertices = np.zeros_like(pattern.points)
    crotch = float(body.locate(legs.crotch[None])[1][0])
    hanging = waist + pattern.rise * scale * LENGTH_SCALE
    crotch = float(np.clip(hanging, crotch, crotch + LOWEST_CROTCH * body.size))
    hips = garment.mesh.part == HIPS
    rows, index, across = _rows(garment, HIPS)
    depth = waist + rows * (crotch - waist)
    # Every vertex keeps its own height: the seat of short shorts rises outwards, to where their legs begin.
    y, columns = pattern.points[hips][:, 1], np.unique(across, return_inverse=True)[1]
    bow = np.zeros(int(columns.max()) + 1)
    bow[columns[index == 0]] = y[index == 0]
    y = y - (1 - CURVE) * bow[columns] * (1 - rows[index])
    vertex_depth = waist + y / max(pattern.rise, 1e-6) * (crotch - waist)
    lateral = np.zeros(len(index))
    for side in (-1, 1):
        own = _own_half(pattern.points[hips][:, 0], index, across, side) * scale
        own *= np.interp(rows, [0.0, 1.0], [_waist_share(body, waist, side), 1.0])
        snug = outer_half(legs, depth, np.zeros_like(depth), side) * BODY_EASE
        # Legs laid apart widen the seat in the product photo; on the person they stand as they stand.
        own = np.minimum(own, snug * np.interp(rows, [0.0, 1.0], [1.6, WIDEST_SEAT]))
        share = np.interp(rows, [0.0, 1.0], [1.0, WORN_AT_THIGH])
        half = np.where(own > snug, snug + share * (own - snug), snug)
        half = gaussian_filter1d(half, 1.0, mode="nearest")
        chosen = across * side >= 0
        lateral[chosen] = (across * half[index])[chosen]
    vertices[hips] = body.place(lateral, vertex_depth)
    hems = []
    for part, number in ((LEFT_LEG, 0), (RIGHT_LEG, 1)):
        seat = vertices[hips][index == len(rows) - 1]
        order = np.argsort(across[index == len(rows) - 1])
        seat = seat[order]
        half_row = seat[: len(seat) // 2 + 1] if number == 0 else seat[len(seat) // 2 :]
        end = _hem_place(pattern, legs, (place_of(legs, number, crotch), scale))
        placed, hem = _place_leg(garment, pattern, legs, (part, number), (scale, end, half_row))
        vertices[garment.mesh.part == part] = placed
        hems.append(hem)
    return vertices, (hems[0], hems[1])


def _place_leg(
    garment: Garment, pattern: LowerPattern, legs: Legs, which: tuple[int, int], fit: tuple[float, float, F64]
) -> tuple[F64, float]:
    """Lay a trouser leg along the leg, from the seat's half row down to its hem."""
    part, number = which
    scale, last, seat = fit
    leg, side = legs.legs[number], -1 if number == 0 else 1
    rows, index, across = _rows(garment, part)
    points = pattern.points[garment.mesh.part == part]
    outer, inner = (np.array([points[(index == row) & (np.abs(across - end) < 1e-3)].mean(axis=0)
                              for row in range(len(rows))]) for end in (side, -side))  # fmt: skip
    first = place_of(legs, number, float(legs.body.locate(seat.mean(axis=0)[None])[1][0]))
    last = max(last, first + 0.04)
    # Row 0 is the seat's own; the first row below it comes with index 0 here.
    places = first + rows * (last - first)
    own = np.hypot(*(outer - inner).T) / 2 * scale
    bare = legs.half(places, number)
    snug = bare * SNUG
    share = np.interp(rows, [0.1, 0.9], [WORN_AT_THIGH, WORN_AT_HEM])
    worn = np.maximum(np.where(own > snug, snug + share * (own - snug), own), bare * BODY_EASE)
    spot, normal = leg.spot(places), _hang(legs, number, places)
    apart = np.hypot(*(legs.legs[0].spot(places) - legs.legs[1].spot(places)).T) / 2
    inside = np.minimum(worn, np.maximum(apart + LEG_OVERLAP * legs.body.size, bare))
    edges = {side: spot + side * normal * worn[:, None], -side: spot - side * normal * inside[:, None]}
    ends = {-1: seat[0], 1: seat[-1]}
    fade = np.clip(rows / min(0.35, 0.3 / max(last - first, 0.3)), 0.0, 1.0)[:, None]
    for end, edge in edges.items():
        start = ends[end] + (edge - edge[0])  # runs parallel to the edge, from the seat's corner
        edges[end] = gaussian_filter1d((1 - fade) * start + fade * edge, 1.0, axis=0, mode="nearest")
    t = ((across + 1) / 2)[:, None]
    placed: F64 = edges[-1][index] * (1 - t) + edges[1][index] * t
    return placed, last


def _hang(legs: Legs, number: int, places: F64) -> F64:
    """Return the directions of a trouser leg's rows: cloth about a thigh hangs level however the legs stand apart, on
    the shank it lies square to it.
    """
    normal = legs.legs[number].normal(places)
    level = legs.body.across(legs.body.locate(legs.legs[number].spot(places))[1])
    share = np.interp(places, LEVEL_TO, [1.0, 0.0])[:, None]
    mixed = share * level + (1 - share) * normal
    rows: F64 = mixed / np.maximum(np.hypot(mixed[:, 0], mixed[:, 1]), 1e-6)[:, None]
    return rows


def _hem_place(pattern: LowerPattern, legs: Legs, fit: tuple[float, float]) -> float:
    """Return where on a leg the hem ends: as far down as the inseam reaches; full-length trousers at the ankle."""
    first, scale = fit
    places = np.linspace(first, 2.4, 60)
    thigh, shank = THIGH * legs.body.size, SHANK * legs.body.size
    # Shares of the limb as seen: a leg that comes forward shortens its trousers with it.
    steps = np.where(places[1:] <= 1.0, thigh, shank) * np.diff(places)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    inseam = (pattern.length - pattern.rise) * scale * LENGTH_SCALE
    reached = float(np.interp(inseam, travelled, places))
    if pattern.inseam > FULL_INSEAM:
        return float(np.clip(reached, *FULL_HEM))
    return min(reached, ANKLE)
