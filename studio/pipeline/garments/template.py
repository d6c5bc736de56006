"""Turn a fitted outline into the garment's mesh: one grid per part, sharing its seams with its neighbours.

The torso is a grid from the shoulder line down to the hem; sleeves hang on the armhole's vertices, the collar on the
torso's top row. An open front is two such grids, one for each panel, held together behind the neck. Grids are Coons
patches of their boundary curves, and the boundary follows the photo's own silhouette.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8, U16
from studio.domain.artefacts import GarmentMesh
from studio.pipeline.garments.armhole import follow_seam, outside_of
from studio.pipeline.garments.fitting import Fit, Silhouette
from studio.pipeline.garments.fronts import Opening
from studio.pipeline.garments.hood import Hood
from studio.pipeline.garments.outline import Key, SleeveModel, corners, to_picture, to_template

Int = npt.NDArray[np.intp]

TORSO, COLLAR, LEFT_SLEEVE, RIGHT_SLEEVE = range(4)
PART_NAMES = ("torso", "collar", "left_sleeve", "right_sleeve")
DEPTH = (0.0, 0.5, 1.0, 1.0)

COLUMNS = 20  # of the torso; even, so that a column lies on the axis
NECK_COLUMNS = 8  # of these, between the neck points
ARMHOLE_ROWS = 7
TORSO_ROWS = 24
SLEEVE_ROWS_PER_LENGTH = 26  # rows of a sleeve as long as the garment
COLLAR_ROWS = 4
PANEL_COLUMNS = 10
BACK_ROWS = 4  # of a panel's, down to which the back holds both panels
INNER_ACROSS = 0.3  # what `across` counts at a panel's inner edge, wherever that lies
MIN_COLLAR = 0.035
"""A collar lower than this share of the garment's height is part of the neckline."""
SNAP_LIMIT = 0.05
"""How far the silhouette may pull the template's edge, in shares of the height."""
MOST_FLARE = 0.1
"""How much wider than fitted a side may be where a sleeve lies on it, in heights."""
APEX_REACH, APEX_EDGE, APEX_CLOTH = 0.06, 0.9, 0.015
"""How far from the fitted armpit its gap's top is looked for, in heights, and the share of that where it may lie; how
much cloth is about such an armpit, and above that top.
"""
CUFF_REACH, CUFF_INSET = 0.05, 0.08
"""How far along the sleeve its end is looked for, in shares of the height, and where its corners are read, in shares
of the cuff: on the corner itself one looks along the sleeve's edge."""
GAP_REACH = 0.06
"""How far a gap between a flank and the sleeve that lies on it is looked for, in shares of the height."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The vertex indices of one part, `(rows, columns)`; row 0 is the top or the armhole."""

    part: int
    index: Int


@dataclass(frozen=True, slots=True)
class Template:
    """The mesh in garment photo pixels with its grids and named vertices."""

    mesh: GarmentMesh
    landmarks: Mapping[str, int]


class _Builder:
    """Collects vertices and faces of the parts."""

    def __init__(self) -> None:
        self.points: list[F64] = []
        self.part: list[int] = []
        self.along: list[float] = []
        self.across: list[float] = []
        self.faces: list[tuple[int, int, int]] = []

    def add(self, point: F64, part: int, along: float, across: float) -> int:
        self.points.append(point)
        self.part.append(part)
        self.along.append(along)
        self.across.append(across)
        return len(self.points) - 1

    def add_grid(
        self, part: int, points: F64, known: Mapping[tuple[int, int], int], span: tuple[float, float] = (-1.0, 1.0)
    ) -> Grid:
        """Add a grid of points `(rows, columns, 2)`; `known` names vertices that exist already.

        span: what `across` counts at the first and the last column.
        """
        rows, columns = points.shape[:2]
        index = np.zeros((rows, columns), np.intp)
        for row in range(rows):
            for column in range(columns):
                if (row, column) in known:
                    index[row, column] = known[row, column]
                else:
                    across = span[0] + (span[1] - span[0]) * column / (columns - 1)
                    index[row, column] = self.add(points[row, column], part, row / (rows - 1), across)
        for row in range(rows - 1):
            for column in range(columns - 1):
                a, b = int(index[row, column]), int(index[row, column + 1])
                c, d = int(index[row + 1, column]), int(index[row + 1, column + 1])
                mirrored = column < (columns - 1) / 2
                self.faces += [(a, b, d), (a, d, c)] if mirrored else [(a, b, c), (b, d, c)]
        return Grid(part, index)


def resample(line: F64, count: int) -> F64:
    """Return `count` points evenly spread along a polyline, ends included."""
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    wanted = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(wanted, lengths, line[:, axis]) for axis in (0, 1)], axis=-1)


def coons(top: F64, bottom: F64, left: F64, right: F64, shares: F64 | None = None) -> F64:
    """Fill a grid `(rows, columns, 2)` from its four boundary curves (which share their corners).

    shares: where its rows lie, 0 top .. 1 bottom; evenly without.
    Source: Coons, "Surfaces for computer-aided design of space forms", 1967.
    """
    rows, columns = len(left), len(top)
    v = (np.linspace(0, 1, rows) if shares is None else shares)[:, None, None]
    u = np.linspace(0, 1, columns)[None, :, None]
    ruled = (1 - v) * top[None] + v * bottom[None] + (1 - u) * left[:, None] + u * right[:, None]
    plane = (1 - u) * ((1 - v) * top[0] + v * bottom[0]) + u * ((1 - v) * top[-1] + v * bottom[-1])
    grid: F64 = ruled - plane
    return grid


def snap(points: F64, silhouette: Silhouette, *, fixed_ends: bool = False) -> F64:
    """Pull a boundary curve `(n, 2)` onto the photo's silhouette, evenly along the curve."""
    step = 2 * silhouette.pixel
    right, down = np.array([step, 0.0]), np.array([0.0, step])
    moved = points.copy()
    for _ in range(3):
        distance = silhouette.sample(moved)
        gradient = np.stack(
            [
                silhouette.sample(moved + right) - silhouette.sample(moved - right),
                silhouette.sample(moved + down) - silhouette.sample(moved - down),
            ],
            axis=-1,
        )
        norm = np.hypot(gradient[:, 0], gradient[:, 1])
        near = (np.abs(distance) < SNAP_LIMIT) & (norm > step)
        direction = np.where(near[:, None], gradient / np.maximum(norm, 1e-9)[:, None], 0.0)
        moved = moved - direction * distance[:, None]
    shift = moved - points
    if len(points) > 4:  # neighbours agree, so that the curve neither bunches nor zigzags
        padded = np.pad(shift, ((1, 1), (0, 0)), mode="edge")
        shift = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    if fixed_ends:
        shift[0] = shift[-1] = 0.0
    return points + shift


def snap_across(points: F64, silhouette: Silhouette, facing: float) -> F64:
    """Pull an edge onto its own side of a narrow gap, where there is one; elsewhere it stays where it is.

    facing: +1 where the part ends towards larger x, -1 towards smaller. `snap` alone would take the nearer bank.
    """
    tangent = np.gradient(points, axis=0)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=-1)
    normal /= np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-9)[:, None]
    normal *= np.where(normal[:, :1] * facing < 0, -1.0, 1.0)
    steps = np.linspace(GAP_REACH, -GAP_REACH, 41)
    outside = silhouette.sample(points[:, None] + steps[None, :, None] * normal[:, None]) > 0
    # From outside to inside of the part: the first bank behind a gap.
    bank = outside[:, :-1] & ~outside[:, 1:]
    distance = np.where(bank, np.abs(steps[1:]), np.inf)
    chosen = distance.argmin(axis=1)
    found = np.isfinite(distance.min(axis=1))
    shift = np.where(found, steps[1:][chosen], 0.0)
    if len(points) > 4:
        padded = np.pad(shift, 1, mode="edge")
        shift = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    moved: F64 = points + shift[:, None] * normal
    return moved


def _from_far_bank(points: F64, silhouette: Silhouette, outward: float) -> F64:
    """Bring a sleeve's inner edge back over a narrow gap, where it has come to lie on the flank's side of it.

    outward: +1 where the sleeve lies towards larger x, -1 towards smaller.
    """
    step = 2 * silhouette.pixel
    right = np.array([step, 0.0])
    slope = (silhouette.sample(points + right) - silhouette.sample(points - right)) * outward
    lost = (silhouette.sample(points) < step) & (slope > 0)
    steps = np.linspace(-GAP_REACH / 4, 1.5 * GAP_REACH, 71)
    ray = points[:, None] + (outward * steps)[None, :, None] * np.array([1.0, 0.0])
    outside = silhouette.sample(ray) > 0
    bank = outside[:, :-1] & ~outside[:, 1:]
    found = np.flatnonzero(lost & bank.any(axis=1))
    if not lost[-2:].any() or found.size < 2:
        return points
    last, before = found[-1], found[-2]
    shift = np.where(lost & bank.any(axis=1), steps[1:][bank.argmax(axis=1)], 0.0)
    # Beside its corner no bank is met any more: the edge goes on as it went.
    rest = np.arange(last + 1, len(points))
    shift[rest] = shift[last] + (rest - last) * max(0.0, shift[last] - shift[before]) / (last - before)
    moved = points.copy()
    moved[:, 0] += outward * np.maximum(shift, 0.0)
    return moved


def _at_apex(key: Key, p: F64, side: int, silhouette: Silhouette) -> Key:
    """Return the corners with an armpit that lies within the cloth brought to the top of the gap beside it, if any."""
    near = to_picture(key.armpit[None], p, side)[0]
    if float(silhouette.sample(near[None])[0]) > -APEX_CLOTH:
        return key
    steps = np.arange(-APEX_REACH, APEX_REACH, silhouette.pixel)
    x, y = np.meshgrid(near[0] + steps, near[1] + steps)
    outside = silhouette.sample(np.stack([x, y], -1)) > 0
    # Cloth lies above the gap: over a shoulder there is none.
    cloth = round(APEX_CLOTH / silhouette.pixel)
    inside = np.cumsum(np.pad(~outside, ((1, 0), (0, 0))), axis=0)
    tops = outside[cloth:] & (inside[cloth:-1] - inside[: -cloth - 1] == cloth)
    tops &= (x[cloth:] - near[0]) ** 2 + (y[cloth:] - near[1]) ** 2 < APEX_REACH**2
    if not tops.any():
        return key
    rows, columns = np.nonzero(tops)
    first = rows == rows.min()
    if (
        np.hypot(columns[first].mean() - len(steps) / 2, cloth + rows.min() - len(steps) / 2)
        > APEX_EDGE * len(steps) / 2
    ):
        return key  # an edge that goes on upwards is no gap
    apex = np.array([x[0, round(float(columns[first].mean()))], y[cloth + rows.min(), 0]])
    return replace(key, armpit=to_template(apex[None], p)[0])


def _side_curve(key: Key, p: F64, side: int, silhouette: Silhouette, laid: bool) -> tuple[F64, F64]:
    """Return the armhole `(ARMHOLE_ROWS + 1, 2)` and the torso's side below it, in picture coordinates."""
    tip = to_template(snap(to_picture(key.shoulder[None], p, side), silhouette), p)[0]
    armhole = np.linspace(tip, key.armpit, ARMHOLE_ROWS + 1)
    bow = np.sin(np.linspace(0, np.pi, ARMHOLE_ROWS + 1))
    # A set-in sleeve's seam curves towards the body.
    armhole[:, 0] -= bow * 0.06 * float(np.hypot(*(key.armpit - key.shoulder)))
    side_line = resample(np.array([key.armpit, key.waist, key.hip, key.hem]), TORSO_ROWS - ARMHOLE_ROWS + 1)
    smooth = side_line.copy()
    smooth[1:-1] = 0.25 * side_line[:-2] + 0.5 * side_line[1:-1] + 0.25 * side_line[2:]
    return to_picture(armhole, p, side), _snap_flank(to_picture(smooth, p, side), silhouette, side, laid)


def _snap_flank(points: F64, silhouette: Silhouette, side: int, laid: bool) -> F64:
    return snap_across(points, silhouette, side) if laid else snap(points, silhouette)


def _out_to_sleeve(flank: F64, inner: F64, silhouette: Silhouette, side: int) -> F64:
    """Return a flank that goes on up to the sleeve lying on it, as far as no gap is seen between the two, and never
    into the sleeve.
    """
    order = np.argsort(inner[:, 1])
    there = (flank[:, 1] > inner[order[0], 1]) & (flank[:, 1] < inner[order[-1], 1])
    edge = np.interp(flank[:, 1], inner[order, 1], inner[order, 0])
    room = (edge - flank[:, 0]) * side
    across = np.stack([edge - flank[:, 0], 0 * edge], -1)
    steps = flank[:, None] + np.linspace(0, 1, 25)[None, :, None] * across[:, None]
    closed = there & (room > 0) & (room < MOST_FLARE) & (silhouette.sample(steps) < 0).all(axis=1)
    closed[0] = False
    shift = np.where(closed, room, 0.0)
    padded = np.pad(shift, 1, mode="edge")
    moved = flank.copy()
    moved[:, 0] += side * np.minimum(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:], shift)
    moved[there, 0] += side * np.minimum((edge - moved[:, 0]) * side, 0.0)[there]
    return moved


def _sleeve_curves(key: Key, p: F64, side: int, silhouette: Silhouette, laid: bool) -> tuple[F64, F64, int]:
    """Return a sleeve's outer and inner edge from armhole to cuff, and the number of rows."""
    outer = np.array([key.shoulder, *key.outer])
    inner = np.array([key.armpit, *key.inner[::-1]])
    length = float(np.hypot(*np.diff((outer + inner) / 2, axis=0).T).sum())
    rows = max(4, round(length * SLEEVE_ROWS_PER_LENGTH)) + 1
    curves = []
    for line, is_outer in ((outer, True), (inner, False)):
        curve = resample(line, rows)
        for _ in range(2):
            curve[1:-1] = 0.25 * curve[:-2] + 0.5 * curve[1:-1] + 0.25 * curve[2:]
        picture = to_picture(curve, p, side)
        snapped = snap_across(picture, silhouette, -side) if laid and not is_outer else snap(picture, silhouette)
        if not is_outer and not laid:
            snapped = _from_far_bank(snapped, silhouette, side)
        snapped[0] = picture[0]
        curves.append(snapped)
    return curves[0], curves[1], rows


def _end_at_cuff(outer: F64, inner: F64, silhouette: Silhouette) -> tuple[F64, F64, F64]:
    """Return a sleeve's edges and its cuff with the cuff on the silhouette: it is a curve, rolled or hanging."""
    down = outer[-1] + inner[-1] - outer[-2] - inner[-2]
    down /= max(float(np.hypot(*down)), 1e-9)
    shares = np.linspace(0, 1, ARMHOLE_ROWS + 1)
    shift = _to_outline(
        outer[-1] + np.clip(shares, CUFF_INSET, 1 - CUFF_INSET)[:, None] * (inner[-1] - outer[-1]), down, silhouette
    )
    edges = []
    for line, end in ((outer, shift[0]), (inner, shift[-1])):
        tangent = np.gradient(line, axis=0)
        tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
        tangent[-1] = down
        edges.append(line + end * np.linspace(0, 1, len(line))[:, None] * tangent)
    chord = np.linspace(outer[-1], inner[-1], ARMHOLE_ROWS + 1)
    return edges[0], edges[1], chord + shift[:, None] * down


def _to_outline(points: F64, down: F64, silhouette: Silhouette) -> F64:
    """Return how far along `down` the silhouette ends from each of a row of points; neighbours agree."""
    steps = np.linspace(-CUFF_REACH, CUFF_REACH, 101)
    ray = silhouette.sample(points[:, None] + steps[None, :, None] * down)
    ends = (ray[:, :-1] < 0) & (ray[:, 1:] >= 0)
    away = np.where(ends, np.abs(steps[1:]), np.inf)
    found = np.isfinite(away.min(axis=1))
    if not found.any():
        return np.zeros(len(points))
    places = np.arange(len(points))
    shift = np.interp(places, places[found], steps[1:][away.argmin(axis=1)][found])
    padded = np.pad(shift, 1, mode="edge")
    smooth: F64 = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return smooth


def build_template(
    fit: Fit, silhouette: Silhouette, opening: Opening | None = None, hood: Hood | None = None, photo: U8 | None = None
) -> Template:
    """Build the mesh of a top from its fitted outline; with an opening it has two panels.

    photo: what the silhouette was made of; without it no seam is looked for.
    """
    p = fit.params
    key = corners(p, fit.sleeve)
    builder = _Builder()
    own = dict(zip((-1, 1), fit.sides or (p, p), strict=True))
    keys = {side: corners(own[side], fit.sleeve) for side in (-1, 1)}
    if fit.sleeve is not SleeveModel.NONE:
        keys = {side: _at_apex(keys[side], own[side], side, silhouette) for side in (-1, 1)}
    sides: dict[int, F64] = {}
    for side in (-1, 1):
        armhole, flank = _side_curve(keys[side], own[side], side, silhouette, bool(fit.laid))
        if fit.sleeve is SleeveModel.NONE:
            armhole = snap(armhole, silhouette)
        flank[0] = armhole[-1]
        if fit.sleeve is not SleeveModel.NONE:
            _, inner, _ = _sleeve_curves(keys[side], own[side], side, silhouette, bool(fit.laid))
            flank = _out_to_sleeve(flank, inner, silhouette, side)
        sides[side] = np.concatenate([armhole, flank[1:]])
        if photo is not None and fit.laid:  # an armhole beside a gap is where the outline says
            sides[side] = follow_seam(sides[side], side, silhouette, photo)
    if opening is None:
        torso = _torso_grid(builder, key, p, sides, silhouette)
        names, base = _torso_names(torso), torso.index[0, slice(neck_columns()[0], neck_columns()[1] + 1)]
    else:
        torso, names, base = _panel_grids(builder, key, p, (sides, silhouette), opening)
    has_collar = float(key.neck[1] - key.collar[1]) > MIN_COLLAR and float(key.collar[0]) > 0.02
    if hood is not None:
        names |= _add_hood(builder, hood, silhouette)
    elif has_collar:
        names |= _add_collar(builder, base, key, p, silhouette)
    if fit.sleeve is not SleeveModel.NONE:
        for which in ((-1, LEFT_SLEEVE, "left"), (1, RIGHT_SLEEVE, "right")):
            names |= _add_sleeve(builder, torso, keys[which[0]], own[which[0]], silhouette, which, bool(fit.laid))
    vertices = silhouette.to_photo(np.array(builder.points)).astype(np.float32)
    part = np.array(builder.part, np.uint8)
    mesh = GarmentMesh(
        vertices=vertices,
        faces=_face_up(vertices, np.array(builder.faces, np.uint16)),
        part=part,
        along=np.array(builder.along, np.float32),
        across=np.array(builder.across, np.float32),
        depth=np.array(DEPTH, np.float32)[part],
        part_names=PART_NAMES,
    )
    return Template(mesh, names)


def _face_up(vertices: F32, faces: U16) -> U16:
    """Turn all faces the same way round, so that a fold shows as a negative area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    turned: U16 = np.where((area < 0)[:, None], faces[:, [0, 2, 1]], faces)
    return turned


def _torso_grid(builder: _Builder, key: Key, p: F64, sides: dict[int, F64], silhouette: Silhouette) -> Grid:
    shoulder_columns = (COLUMNS - NECK_COLUMNS) // 2
    neck = {side: to_picture(key.neck[None], p, side)[0] for side in (-1, 1)}
    left = np.linspace(sides[-1][0], neck[-1], shoulder_columns + 1)
    right = np.linspace(neck[1], sides[1][0], shoulder_columns + 1)
    middle = np.linspace(neck[-1], neck[1], NECK_COLUMNS + 1)
    left, right = snap(left, silhouette, fixed_ends=True), snap(right, silhouette, fixed_ends=True)
    top = np.concatenate([left[:-1], middle, right[1:]])
    centre = to_picture(key.hem_centre[None], p, 1)[0]
    bend = np.array([sides[-1][-1], (sides[-1][-1] + centre * 3) / 4, centre, (sides[1][-1] + centre * 3) / 4])
    bottom = resample(np.concatenate([bend, sides[1][-1:]]), COLUMNS + 1)
    bottom = snap(bottom, silhouette)
    bottom[0], bottom[-1] = sides[-1][-1], sides[1][-1]
    return builder.add_grid(TORSO, coons(top, bottom, sides[-1], sides[1]), {})


def _panel_grids(
    builder: _Builder, key: Key, p: F64, given: tuple[dict[int, F64], Silhouette], opening: Opening
) -> tuple[Grid, dict[str, int], Int]:
    """Add two panels and what of the back holds them; return both as one grid, names, and the collar's base."""
    sides, silhouette = given
    halves, necks = [], []
    for side, edge in ((-1, opening.left), (1, opening.right)):
        neck = to_picture(key.neck[None], p, side)[0]
        start = edge[0] if (neck[0] - edge[0, 0]) * side > 0 else neck
        inner = _inner_edge(start, edge, silhouette, side)
        shoulder = np.linspace(sides[side][0], neck, (COLUMNS - NECK_COLUMNS) // 2 + 1)
        shoulder = snap(shoulder, silhouette, fixed_ends=True)
        top = resample(np.concatenate([shoulder, start[None]]), PANEL_COLUMNS + 1)
        bottom = np.linspace(sides[side][-1], inner[-1], PANEL_COLUMNS + 1)
        bottom = snap(bottom, silhouette, fixed_ends=True)
        span = (-1.0, -INNER_ACROSS)
        outer = sides[side]
        if side > 0:
            top, bottom, outer, inner, span = top[::-1], bottom[::-1], inner, outer, (INNER_ACROSS, 1.0)
        half = builder.add_grid(TORSO, coons(top, bottom, outer, inner), {}, span)
        halves.append(half.index)
        necks.append(int(np.argmin(np.hypot(*(top - neck).T))))
    left, right = halves
    seams = left[: BACK_ROWS + 1, -1], right[: BACK_ROWS + 1, 0]
    ends = [np.array([builder.points[vertex] for vertex in seam]) for seam in seams]
    rows = [np.linspace(ends[0][row], ends[1][row], NECK_COLUMNS + 1) for row in (0, -1)]
    known = {(row, 0): int(vertex) for row, vertex in enumerate(seams[0])}
    known |= {(row, NECK_COLUMNS): int(vertex) for row, vertex in enumerate(seams[1])}
    back = builder.add_grid(COLLAR, coons(rows[0], rows[1], ends[0], ends[1]), known)
    base = np.concatenate([left[0, necks[0] : -1], back.index[0], right[0, 1 : necks[1] + 1]])
    return Grid(TORSO, np.hstack([left, right])), _panel_names(left, right, base), base


def _inner_edge(start: F64, edge: F64, silhouette: Silhouette, side: int) -> F64:
    """Return a panel's inner edge from the neck down to its own hem."""
    below = edge[-1] + (side * 0.015, 0.0)  # on the panel, where its hem is seen, not the back's
    ray = np.linspace(edge[-2] + (side * 0.015, -0.06), below, 80)
    inside = np.flatnonzero(silhouette.sample(ray) < 0)
    corner = ray[int(inside[-1])] - (side * 0.015, 0.0) if inside.size else edge[-2]
    line = edge[:-1]
    kept = line[(line[:, 1] > start[1] + 0.01) & (line[:, 1] < corner[1] - 0.01)]
    return resample(np.concatenate([start[None], kept, corner[None]]), TORSO_ROWS + 1)


def _panel_names(left: Int, right: Int, base: Int) -> dict[str, int]:
    names = _corner_names(np.hstack([left, right]))
    named = {"collar_left": base[0], "collar_right": base[-1], "collar_front": base[len(base) // 2]}
    return names | {name: int(vertex) for name, vertex in named.items()}


def neck_columns() -> tuple[int, int]:
    """Return the torso's columns at the two neck points."""
    first = (COLUMNS - NECK_COLUMNS) // 2
    return first, first + NECK_COLUMNS


def _torso_names(torso: Grid) -> dict[str, int]:
    index = torso.index
    first, last = neck_columns()
    named = {
        "collar_left": index[0, first],
        "collar_right": index[0, last],
        "collar_front": index[0, COLUMNS // 2],
        "hem_centre": index[-1, COLUMNS // 2],
    }
    return _corner_names(index) | {name: int(vertex) for name, vertex in named.items()}


def _corner_names(index: Int) -> dict[str, int]:
    waist = ARMHOLE_ROWS + round(0.45 * (TORSO_ROWS - ARMHOLE_ROWS))
    named = {
        "shoulder_left": index[0, 0],
        "shoulder_right": index[0, -1],
        "armpit_left": index[ARMHOLE_ROWS, 0],
        "armpit_right": index[ARMHOLE_ROWS, -1],
        "waist_left": index[waist, 0],
        "waist_right": index[waist, -1],
        "hem_left": index[-1, 0],
        "hem_right": index[-1, -1],
    }
    return {name: int(vertex) for name, vertex in named.items()}


def _add_collar(builder: _Builder, base: Int, key: Key, p: F64, silhouette: Silhouette) -> dict[str, int]:
    """Add a collar that stands on the vertices `base`, from one neck point to the other."""
    bottom = np.array([builder.points[vertex] for vertex in base])
    ends = [to_picture(key.collar[None], p, side)[0] for side in (-1, 1)]
    top = np.linspace(ends[0], ends[1], len(base))
    left = snap(np.linspace(ends[0], bottom[0], COLLAR_ROWS + 1), silhouette)
    right = snap(np.linspace(ends[1], bottom[-1], COLLAR_ROWS + 1), silhouette)
    left[-1], right[-1] = bottom[0], bottom[-1]
    top[0], top[-1] = left[0], right[0]
    known = {(COLLAR_ROWS, column): int(vertex) for column, vertex in enumerate(base)}
    grid = builder.add_grid(COLLAR, coons(top, bottom, left, right), known)
    return {"collar_back": int(grid.index[0, len(base) // 2])}


def _add_hood(builder: _Builder, hood: Hood, silhouette: Silhouette) -> dict[str, int]:
    """Add a hood, apart from everything else: folded down it lies otherwise than the photo spreads it out."""
    whole = (hood.left[:-1], hood.right[:-1])
    left, right = ((side - np.array(silhouette.photo_origin)) / silhouette.photo_scale for side in whole)
    top, bottom = (np.linspace(left[row], right[row], NECK_COLUMNS + 1) for row in (0, -1))
    grid = builder.add_grid(COLLAR, coons(top, bottom, left, right), {})
    middle = int(grid.index[0, NECK_COLUMNS // 2])
    return {"collar_back": middle, "hood_top": middle}


def _add_sleeve(
    builder: _Builder, torso: Grid, key: Key, p: F64, silhouette: Silhouette, which: tuple[int, int, str], laid: bool
) -> dict[str, int]:
    side, part, name = which
    outer, inner, rows = _sleeve_curves(key, p, side, silhouette, laid)
    column = 0 if side < 0 else -1
    seam = torso.index[: ARMHOLE_ROWS + 1, column]
    root = np.array([builder.points[vertex] for vertex in seam])
    if laid:
        flank = np.array([builder.points[vertex] for vertex in torso.index[ARMHOLE_ROWS:, column]])
        inner = outside_of(inner, flank, side)
    outer[0], inner[0] = root[0], root[-1]
    outer, inner, cuff = _end_at_cuff(outer, inner, silhouette)
    known = {(0, place): int(vertex) for place, vertex in enumerate(seam)}
    grid = builder.add_grid(part, coons(root, cuff, outer, inner), known)
    middle = rows // 2
    return {
        f"cuff_{name}_outer": int(grid.index[-1, 0]),
        f"cuff_{name}_inner": int(grid.index[-1, -1]),
        f"elbow_{name}": int(grid.index[middle, 0]),
    }


def landmark_points(vertices: F32, names: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    """Return the named vertices' positions."""
    return {name: (float(vertices[vertex, 0]), float(vertices[vertex, 1])) for name, vertex in names.items()}
