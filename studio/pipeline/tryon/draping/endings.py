"""Where the new garment ends beside bare skin: at its sides below the armholes, and at its cuffs.

Skin begins at these lines as the garment was laid, not at a place on the arm: a sleeve that slants or is narrower than
its arm, or a side that lies inside the trunk's, would leave corners of skin beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.domain.artefacts import Garment
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.limbs import Limb, draw_limb
from studio.pipeline.tryon.draping.relief import smoothstep

_TORSO, _SLEEVES = 0, (2, 3)
INSET = 0.012
"""How far inside the garment's edge skin under it ends, in shoulder widths: cloth may end a little inside its mesh."""
NOOK = 0.08
"""How far from a sleeve's inner edge no skin lies before the trunk above its cuff, in shoulder widths."""
UNDER_SIDE = (0.1, 0.1)
"""The same between armhole and hem, where nothing of the trunk shows beside its garment."""
SWELL = 0.22, 0.2
"""Over which height above an armhole's lowest point the trunk comes out from under the garment's side, and how far it
may lie outside of it there, in shoulder widths."""
LEAST_BELLY, BELLY = 0.15, 0.5
"""Over which height below the hem it does, at least and at most: down to the waistband."""
PRESSED, TAPER = 0.15, 2.0
"""How an arm swells out from under a sleeve narrower than it: radius of its outline, in shoulder widths, and how far
down the arm, at first, for each pixel outwards."""
BELOW_CUFF = 0.3
"""Down to so far below its cuff, in places on the arm, a sleeve says where skin begins."""
UNDER_NECK = 0.04
"""How far beyond the neckline's ends shoulders go on under the cloth that lies on them, in shoulder widths."""
AROUND = 9
"""So many of the mesh's vertices about a point say where it was laid."""
HOLLOW, HOLLOW_ENDS = 0.08, (0.2, 0.5)
"""Radius, in shoulder widths, of the hollow between trunk and arm above the shoulder; between which depths below the
joints' line it falls to nothing: there the arm hangs clear of the trunk."""


@dataclass(frozen=True, slots=True, eq=False)
class Endings:
    """On the working raster, for the picture's left and right. sides: `(n, 2)` from the armhole's lowest point to the
    hem. cuffs: `(n, 2)` from a sleeve's outer to its inner edge; None without sleeves. neck: `(2, 2)`, where the
    neckline meets the shoulders.
    """

    sides: tuple[F64, F64]
    cuffs: tuple[F64, F64] | None
    neck: F64


def read_endings(garment: Garment, vertices: F64) -> Endings:
    """Return where a garment ends, from where its mesh was laid."""
    mesh = garment.mesh
    sides, cuffs = [], []
    for name, side, part in (("left", -1, _SLEEVES[0]), ("right", 1, _SLEEVES[1])):
        edge = np.flatnonzero((mesh.part == _TORSO) & (np.abs(mesh.across - side) < 1e-3))
        edge = edge[np.argsort(mesh.along[edge])]
        armpit = np.array(garment.landmarks[f"armpit_{name}"])
        lowest = int(np.hypot(*(mesh.vertices[edge] - armpit).T).argmin())
        sides.append(vertices[edge[min(lowest, edge.size - 2) :]])
        end = np.flatnonzero((mesh.part == part) & (mesh.along > 0.995))
        cuffs.append(vertices[end[np.argsort(mesh.across[end])]])
    worn = min(map(len, cuffs)) >= 2
    return Endings((sides[0], sides[1]), (cuffs[0], cuffs[1]) if worn else None, _read_neck(garment, vertices))


def neckline_points(garment: Garment) -> F64:
    """Return the front neckline from the left collar point to the right one, garment photo pixels."""
    names = sorted(name for name in garment.landmarks if name.startswith("neckline_"))
    points = [garment.landmarks[name] for name in names]
    return np.array(points, np.float64)


def _read_neck(garment: Garment, vertices: F64) -> F64:
    """Return where the neckline's line ends, left and right; the mesh's own neck points where none was read."""
    line = neckline_points(garment)
    if len(line) < 2:
        line = np.array([garment.landmarks["collar_left"], garment.landmarks["collar_right"]])
    mesh, ends = garment.mesh.vertices, []
    for point in (line[0], line[-1]):
        nearest = np.argsort(np.hypot(*(mesh - point).T))[:AROUND]
        rows = np.column_stack([mesh[nearest] - point, np.ones(AROUND)])
        ends.append(np.linalg.lstsq(rows, vertices[nearest], rcond=None)[0][2])
    return np.array(ends)


def trunk_beside(endings: Endings, body: Body, fields: BodyFields, waist: float = np.inf) -> F32:
    """Return where the trunk may show beside a garment: at its armholes, and below its hem. waist: see `undress`."""
    shown = np.zeros(fields.shape, np.float32)
    depth, size = fields.depth, body.size
    for side, line in zip((-1, 1), endings.sides, strict=True):
        lateral, at = body.locate(line)
        at = np.maximum.accumulate(at)
        # Cloth may end inside its mesh: only at armhole and hem skin comes up to it.
        middle = min(SWELL[0] * size, 0.4 * float(at[-1] - at[0]))
        under = np.interp(depth, [at[0], at[0] + middle, at[-1] - middle, at[-1]], [INSET, *UNDER_SIDE, INSET]) * size
        limit = np.interp(depth, at, lateral * side) - under
        # Above the trunk comes out tangentially: no corner of it stands beside the cloth.
        reach = limit + SWELL[1] * size * (np.maximum(at[0] - depth, 0.0) / (SWELL[0] * size)) ** 2
        # Below, a belly goes over into its own outline down to the waistband: held in by the hem, it does not swell.
        over = float(np.clip(waist - at[-1], LEAST_BELLY * size, BELLY * size))
        own = np.maximum(body.half_width(depth, side) + INSET * size - limit, 0.0)
        reach = reach + own * smoothstep(np.maximum(depth - at[-1], 0.0), 0.0, over)
        inside = np.clip(reach - side * fields.lateral + 0.5, 0.0, 1.0)
        shown = np.where(fields.lateral * side >= 0, inside, shown)
    return shown.astype(np.float32)


def draw_below_cuff(
    limb: Limb,
    cuff: F64,
    place: float,
    between: tuple[float, float],
    shape: tuple[int, int],
    size: float,
    *,
    before: bool = False,
) -> F32:
    """Return the coverage of an arm from under its sleeve on. place: of the cuff on the arm. between: see `draw_limb`.

    Under the sleeve it goes up to `between[0]`; beside it none of it lies above the cuff's line. before: what of it
    hangs before the garment, and comes out of the cuff on the trunk's side, too.
    """
    first, last = between
    middle = min(place + BELOW_CUFF, last)
    if middle <= first:
        return draw_limb(limb, shape, first, last)
    upper = draw_limb(limb, shape, first, middle)
    rows, columns = np.nonzero(upper)
    if rows.size:
        cut = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        grid = np.stack(np.meshgrid(np.arange(cut[1].start, cut[1].stop), np.arange(cut[0].start, cut[0].stop)), -1)
        # A slanting cuff is nearer to the piece's end on one side.
        over = 0.75 * float(np.hypot(*(limb.spot(middle) - limb.spot(place))))
        upper[cut] *= _below_line(grid.astype(np.float64), cuff, limb.direction(place), (size, over), before)
    return np.maximum(upper, draw_limb(limb, shape, middle - 0.02, last)) if middle < last else upper


def _below_line(points: F64, cuff: F64, down: F64, lengths: tuple[float, float], before: bool) -> F32:
    """Return 1 where points lie under a sleeve or below the line of its cuff. down: along the arm.

    lengths: the shoulder width; over which length of the arm it comes out at the most.
    """
    size, over = lengths
    along = cuff[-1] - cuff[0]
    width = max(float(np.hypot(*along)), 1e-6)
    along = along / width
    square = np.array([-along[1], along[0]])
    square = square if square @ down > 0 else -square
    offset = points - cuff[0]
    place, below = offset @ along, offset @ square
    outer, inner = -place + INSET * size, place - width + INSET * size
    # An arm comes out of a tight cuff in a slanting line, not with a corner; behind the trunk it meets that.
    beside = np.maximum(outer, inner if before else 0.0)
    slanting = over * np.tanh((TAPER * beside + beside**2 / (PRESSED * size)) / max(over, 1.0))
    # Before the trunk none shows in the nook between it and the sleeve.
    over_line = np.maximum(outer, inner + (NOOK * size if before else 0.0)) > 0
    kept: F32 = np.where(over_line, np.clip(below - np.maximum(slanting, 0.0) + 0.5, 0.0, 1.0), 1.0).astype(np.float32)
    return kept


def close_hollows(trunk: F32, arm: F32, seen: Bool, person: tuple[Body, BodyFields, int]) -> F32:
    """Return the trunk's coverage with the hollows between it and a bare arm closed.

    arm: as painted. seen: its skin in the photo. person: with the arm's number.
    """
    body, fields, number = person
    shoulder, reach = body.arms[number].points[0], (0.6 + 2 * HOLLOW) * body.size
    low = np.maximum(np.floor(shoulder - reach).astype(int), 0)
    high = np.maximum(np.ceil(shoulder + reach).astype(int), 0)
    cut = np.s_[low[1] : high[1], low[0] : high[0]]
    solid = (np.maximum(trunk[cut], arm[cut]) > 0.5) | seen[cut]
    if not solid.any() or solid.all():
        return trunk
    radius = HOLLOW * body.size * np.interp(fields.depth[cut] / body.size, HOLLOW_ENDS, (1.0, 0.0))
    outside = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    grown = np.pad((outside <= radius).astype(np.uint8), 1, constant_values=1)
    inner = cv2.distanceTransform(grown, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    closed = np.where(radius > 1, np.clip(inner - radius - 0.5, 0.0, 1.0), 0.0)
    # The arm itself keeps its own skin.
    closed = closed * np.clip(2 - 2 * arm[cut], 0.0, 1.0)
    result = trunk.copy()
    result[cut] = np.maximum(result[cut], closed)
    return result
