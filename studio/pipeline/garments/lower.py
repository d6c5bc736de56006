"""The mesh of trousers, shorts and skirts: corners found on the silhouette, grids between its own edges.

Unlike a top, a lower garment shows all its corners: waist, crotch and hems. No template need be fitted; the grids are
Coons patches whose boundaries are the photo's own outline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8, U16
from studio.domain.artefacts import Category, GarmentMesh
from studio.pipeline.garments.cues import find_notch, find_turn, without_thin_parts
from studio.pipeline.garments.fitting import WORK_HEIGHT, Silhouette
from studio.pipeline.garments.template import coons, resample, snap

Int = npt.NDArray[np.intp]

HIPS, LEFT_LEG, RIGHT_LEG = range(3)
LOWER_PARTS = ("hips", "left_leg", "right_leg")
LOWER = (Category.TROUSERS, Category.SHORTS, Category.SKIRT)
HALF_COLUMNS = 8
HIP_ROWS, SKIRT_ROWS = 12, 26
LEG_ROWS_PER_LENGTH, LEAST_LEG_ROWS = 40, 3
WAIST_DOWN, HEM_DOWN = 2.0, 1.0
"""How much farther up (down) counts than farther out when a corner of the waist (of the hem) is sought."""
CORNER, CORNER_TELLS, MOST_CORNER = 0.02, 0.05, 0.03
"""How far from it, in heights of the garment, an outline may round a hem's corner, how far beyond that it says where
the corner is, and how far out that may be."""
GUESSED_RISE = 0.75
"""Waist to crotch over the waist's width, where legs lie closed and no crotch is seen."""


@dataclass(frozen=True, slots=True)
class LowerTemplate:
    """The mesh in garment photo pixels with its named vertices. guessed: the crotch was not seen. overlap: of areas."""

    mesh: GarmentMesh
    landmarks: Mapping[str, int]
    guessed: bool
    overlap: float


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """The outline clockwise from the waist's left corner, `(n, 2)`, normalised; corners: index of each by name."""

    ring: F64
    corners: Mapping[str, int]

    def arc(self, start: str, end: str) -> F64:
        """Return the outline from one corner clockwise to another, both included."""
        first, last = self.corners[start], self.corners[end]
        return (
            self.ring[first : last + 1] if first <= last else np.concatenate([self.ring[first:], self.ring[: last + 1]])
        )

    def point(self, name: str) -> F64:
        point: F64 = self.ring[self.corners[name]]
        return point


def build_lower(silhouette: Silhouette, category: Category) -> LowerTemplate:
    """Build the mesh of trousers, shorts or a skirt from its silhouette."""
    outline, guessed = _read_outline(silhouette, has_legs=category is not Category.SKIRT)
    grids = _skirt_grids(outline, silhouette) if category is Category.SKIRT else _leg_grids(outline, silhouette)
    points, faces, columns, index = _join(grids)
    vertices = silhouette.to_photo(points).astype(np.float32)
    part, along, across = columns
    mesh = GarmentMesh(
        vertices, _face_up(vertices, faces), part.astype(np.uint8), along, across,
        np.zeros(len(part), np.float32), LOWER_PARTS,
    )  # fmt: skip
    return LowerTemplate(mesh, _name_vertices(index, category), guessed, _overlap(silhouette, points, faces))


def _read_outline(silhouette: Silhouette, *, has_legs: bool) -> tuple[_Outline, bool]:
    mask = without_thin_parts(silhouette.mask)
    turn = np.radians(find_turn(mask))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = max(contours, key=len)[:, 0].astype(np.float64)
    if _signed_area(pixels) < 0:
        pixels = pixels[::-1]
    centre = pixels.mean(axis=0)
    offset = (pixels - centre) / WORK_HEIGHT
    upright = np.stack(
        [offset[:, 0] * np.cos(turn) + offset[:, 1] * np.sin(turn),
         offset[:, 1] * np.cos(turn) - offset[:, 0] * np.sin(turn)], -1
    )  # fmt: skip
    x, y = upright[:, 0], upright[:, 1]
    start = int(np.argmin(x + WAIST_DOWN * y))
    pixels, upright = np.roll(pixels, -start, axis=0), np.roll(upright, -start, axis=0)
    x, y = upright[:, 0], upright[:, 1]
    corners = {
        "waist_left": 0,
        "waist_right": int(np.argmax(x - WAIST_DOWN * y)),
        "hem_right": int(np.argmax(x + HEM_DOWN * y)),
        "hem_left": int(np.argmax(HEM_DOWN * y - x)),
    }
    ring = (pixels - np.array(silhouette.origin)) * silhouette.pixel
    guessed = False
    if has_legs:
        ring, corners, guessed = _add_crotch(mask, pixels, ring, corners)
    for name, corner in corners.items():
        if name.startswith("hem") and not (guessed and name.endswith("inner")):
            ring = _sharpen(ring, corner)
    return _Outline(ring, corners), guessed


def _sharpen(ring: F64, corner: int) -> F64:
    """Return the outline with the corner where the lines beside it meet: a mask rounds what cloth does not.

    What lay outside the mesh would be drawn where nothing says, as ears beside the hem.
    """
    height = float(np.ptp(ring[:, 1]))
    lines = []
    for step in (-1, 1):
        order = (corner + step * np.arange(len(ring) // 4)) % len(ring)
        away = np.hypot(*(ring[order] - ring[corner]).T) / height
        rounded = int(np.argmax(away > CORNER))
        last = int(np.argmax(away > CORNER + CORNER_TELLS))
        if rounded < 1 or last < rounded + 4:
            return ring
        points = ring[order[rounded:last]]
        centre = points.mean(axis=0)
        lines.append((centre, np.linalg.svd(points - centre)[2][0], order[: rounded + 1]))
    (first, along, _), (second, other, _) = lines
    turn = along[0] * other[1] - along[1] * other[0]
    if abs(turn) < 0.3:  # no corner
        return ring
    gap = second - first
    tip = first + along * (gap[0] * other[1] - gap[1] * other[0]) / turn
    if np.hypot(*(tip - ring[corner])) > MOST_CORNER * height:
        return ring
    sharp = ring.copy()
    for _, _, order in lines:
        share = np.linspace(0.0, 1.0, len(order))[:, None]
        sharp[order] = (1 - share) * tip + share * ring[order[-1]]
    return sharp


def _signed_area(ring: F64) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _add_crotch(mask: U8, pixels: F64, ring: F64, corners: dict[str, int]) -> tuple[F64, dict[str, int], bool]:
    """Name the crotch and the inner corners of both hems; where no notch is seen, cut one down the middle."""
    notch = find_notch(mask)
    bottom = slice(corners["hem_right"], corners["hem_left"] + 1)
    if notch is None:
        left, right = ring[corners["waist_left"]], ring[corners["waist_right"]]
        down = (ring[corners["hem_left"]] + ring[corners["hem_right"]] - left - right) / 2
        width, length = float(np.hypot(*(right - left))), max(float(np.hypot(*down)), 1e-6)
        crotch = (left + right) / 2 + down * min(GUESSED_RISE * width / length, 0.9)
        middle = corners["hem_right"] + (corners["hem_left"] - corners["hem_right"]) // 2
        cut = np.array([ring[middle], crotch, ring[middle]])
        ring = np.concatenate([ring[: middle + 1], cut, ring[middle + 1 :]])
        named = {**corners, "hem_right_inner": middle + 1, "crotch": middle + 2, "hem_left_inner": middle + 3}
        named["hem_left"] += 3
        return ring, named, True
    gaps = np.hypot(*(pixels[bottom] - np.array(notch[0])).T)
    crotch_at = corners["hem_right"] + int(np.argmin(gaps))
    named = dict(corners)
    named["crotch"] = crotch_at
    named["hem_right_inner"] = _farthest(ring, corners["hem_right"], crotch_at)
    named["hem_left_inner"] = _farthest(ring, crotch_at, corners["hem_left"])
    return ring, named, False


def _farthest(ring: F64, start: int, end: int) -> int:
    """Return the point of an arc that lies farthest from its chord: the corner between."""
    chord = ring[end] - ring[start]
    offset = ring[start : end + 1] - ring[start]
    away = np.abs(offset[:, 0] * chord[1] - offset[:, 1] * chord[0])
    return start + int(np.argmax(away))


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Points of one part, `(rows, columns, 2)`; joins: the part whose last row is this one's first, and its columns."""

    part: int
    points: F64
    joins: slice | None = None


def _smooth(line: F64, rounds: int = 3) -> F64:
    """Round off the pixel steps of an outline; its ends stay."""
    smoothed = line.copy()
    for _ in range(rounds):
        smoothed[1:-1] = 0.25 * smoothed[:-2] + 0.5 * smoothed[1:-1] + 0.25 * smoothed[2:]
    return smoothed


def _edge(line: F64, count: int, silhouette: Silhouette) -> F64:
    return snap(resample(_smooth(line), count), silhouette, fixed_ends=True)


def _skirt_grids(outline: _Outline, silhouette: Silhouette) -> list[_Grid]:
    columns = 2 * HALF_COLUMNS + 1
    top = _edge(outline.arc("waist_left", "waist_right"), columns, silhouette)
    right = _edge(outline.arc("waist_right", "hem_right"), SKIRT_ROWS + 1, silhouette)
    bottom = _edge(outline.arc("hem_right", "hem_left")[::-1], columns, silhouette)
    left = _edge(outline.arc("hem_left", "waist_left")[::-1], SKIRT_ROWS + 1, silhouette)
    return [_Grid(HIPS, coons(top, bottom, left, right))]


def _leg_grids(outline: _Outline, silhouette: Silhouette) -> list[_Grid]:
    crotch = outline.point("crotch")
    top = _edge(outline.arc("waist_left", "waist_right"), 2 * HALF_COLUMNS + 1, silhouette)
    outer = {
        -1: _smooth(outline.arc("hem_left", "waist_left")[::-1]),
        1: _smooth(outline.arc("waist_right", "hem_right")),
    }
    inner = {-1: outline.arc("crotch", "hem_left_inner"), 1: outline.arc("hem_right_inner", "crotch")[::-1]}
    hems = {-1: outline.arc("hem_left_inner", "hem_left")[::-1], 1: outline.arc("hem_right", "hem_right_inner")}
    # The seat ends on a line through the crotch, square to the garment's own axis.
    middle = (top[0] + top[-1]) / 2
    down = (crotch - middle) / max(float(np.hypot(*(crotch - middle))), 1e-6)
    depth = float((crotch - middle) @ down)
    split = {}
    for side, line in outer.items():  # the hem of short shorts rises outwards: their seat ends above it
        lowest = float((line[-1] - middle) @ down)
        split[side] = _split_at(line, middle, down, min(0.96 * depth, 0.8 * lowest))
    flank = {side: snap(resample(line[: split[side] + 1], HIP_ROWS + 1), silhouette) for side, line in outer.items()}
    for side, corner in ((-1, top[0]), (1, top[-1])):
        flank[side][0] = corner
    seat = np.concatenate([
        np.linspace(flank[-1][-1], crotch, HALF_COLUMNS + 1), np.linspace(crotch, flank[1][-1], HALF_COLUMNS + 1)[1:]
    ])  # fmt: skip
    grids = [_Grid(HIPS, coons(top, seat, flank[-1], flank[1]))]
    for side, part in ((-1, LEFT_LEG), (1, RIGHT_LEG)):
        rest = np.concatenate([flank[side][-1:], outer[side][split[side] + 1 :]])
        length = float(np.hypot(*np.diff(rest, axis=0).T).sum())
        rows = max(LEAST_LEG_ROWS, round(length * LEG_ROWS_PER_LENGTH)) + 1
        outside, inside = _edge(rest, rows, silhouette), _edge(inner[side], rows, silhouette)
        hem = _edge(hems[side], HALF_COLUMNS + 1, silhouette)
        hem[0], hem[-1] = outside[-1], inside[-1]
        if side < 0:
            columns = slice(0, HALF_COLUMNS + 1)
            grids.append(_Grid(part, coons(seat[columns], hem, outside, inside), columns))
        else:
            columns = slice(HALF_COLUMNS, 2 * HALF_COLUMNS + 1)
            grids.append(_Grid(part, coons(seat[columns], hem[::-1], inside, outside), columns))
    return grids


def _split_at(line: F64, origin: F64, down: F64, depth: float) -> int:
    """Return where a flank, waist to hem, first reaches a depth; never its very ends."""
    reached = np.flatnonzero((line - origin) @ down >= depth)
    return int(np.clip(reached[0] if reached.size else len(line) // 2, 2, len(line) - 3))


def _join(grids: list[_Grid]) -> tuple[F64, U16, tuple[Int, F32, F32], dict[int, Int]]:
    """Return vertices, faces, (part, along, across) of each vertex, and each part's grid of vertex indices."""
    points: list[F64] = []
    part: list[int] = []
    along: list[float] = []
    across: list[float] = []
    faces: list[tuple[int, int, int]] = []
    index: dict[int, Int] = {}
    for grid in grids:
        rows, columns = grid.points.shape[:2]
        table = np.zeros((rows, columns), np.intp)
        for row in range(rows):
            for column in range(columns):
                if row == 0 and grid.joins is not None:
                    table[row, column] = index[HIPS][-1, grid.joins][column]
                    continue
                table[row, column] = len(points)
                points.append(grid.points[row, column])
                part.append(grid.part)
                along.append(row / (rows - 1))
                across.append(2 * column / (columns - 1) - 1)
        index[grid.part] = table
        for row in range(rows - 1):
            for column in range(columns - 1):
                a, b, c, d = (int(table[row + i, column + j]) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)))
                faces += [(a, b, d), (a, d, c)] if column < columns // 2 else [(a, b, c), (b, d, c)]
    columns_of = np.array(part), np.array(along, np.float32), np.array(across, np.float32)
    return np.array(points), np.array(faces, np.uint16), columns_of, index


def _face_up(vertices: F32, faces: U16) -> U16:
    """Turn all faces the same way round, so that a fold shows as a negative area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    turned: U16 = np.where((area < 0)[:, None], faces[:, [0, 2, 1]], faces)
    return turned


def _name_vertices(index: dict[int, Int], category: Category) -> dict[str, int]:
    hips = index[HIPS]
    names = {
        "waist_left": hips[0, 0],
        "waist_centre": hips[0, HALF_COLUMNS],
        "waist_right": hips[0, -1],
    }
    if category is Category.SKIRT:
        middle = len(hips) // 3
        names |= {"hip_left": hips[middle, 0], "hip_right": hips[middle, -1]}
        names |= {"hem_left": hips[-1, 0], "hem_centre": hips[-1, HALF_COLUMNS], "hem_right": hips[-1, -1]}
        return {name: int(vertex) for name, vertex in names.items()}
    names |= {"hip_left": hips[-1, 0], "crotch": hips[-1, HALF_COLUMNS], "hip_right": hips[-1, -1]}
    for name, part, outer in (("left", LEFT_LEG, 0), ("right", RIGHT_LEG, -1)):
        leg = index[part]
        knee = leg[len(leg) // 2]
        names |= {f"knee_{name}": knee[outer], f"hem_{name}": leg[-1, outer], f"hem_{name}_inner": leg[-1, -1 - outer]}
    return {name: int(vertex) for name, vertex in names.items()}


def _overlap(silhouette: Silhouette, points: F64, faces: U16) -> float:
    """Return intersection over union of the mesh and the silhouette."""
    pixels = np.round((points / silhouette.pixel + np.array(silhouette.origin)) * 16).astype(np.int32)
    drawn = np.zeros_like(silhouette.mask)
    for face in faces:
        cv2.fillConvexPoly(drawn, pixels[face], 1, shift=4)
    both = int((drawn & silhouette.mask).sum())
    return both / max(1, int((drawn | silhouette.mask).sum()))
