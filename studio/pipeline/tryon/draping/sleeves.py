"""How a sleeve lies on its arm: from the armhole to the cuff, round the arm and never through it.

A sleeve encloses its arm: it is never narrower than the arm is seen to be. Towards the body it has no more room than
the trunk leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64
from studio.domain.artefacts import Garment
from studio.pipeline.garments.template import coons
from studio.pipeline.tryon.draping.body import FOREARM, UPPER_ARM, Body
from studio.pipeline.tryon.draping.limbs import PLACES, Limb

SNUG, WORN_SHARE, INNER_EASE = 1.25, 0.3, 1.15
"""A sleeve up to `SNUG` times as wide as its arm looks as wide as it is cut; of the rest `WORN_SHARE` is seen.

`INNER_EASE`: how far, over the arm's half-width, a sleeve reaches towards the body.
"""
ROUND_ARM = 1.06
"""How much wider than its arm the tightest sleeve lies."""
OUTSIDE = (0.0, 0.5), (1.04, 1.1)
"""The same on the outer side, at places on the arm: a photo's rolled edges and soft hems end a little inside their
mesh; on the shoulder cloth lies flat.
"""
OVER_TRUNK = 0.05
"""How far an upper sleeve that hangs beside the trunk may lie over it, in half-widths of the arm."""
INNER_GIVES = 1.6
"""How much longer than cut a short sleeve's inner edge may look: it is seen stretched where it was folded."""
ROOTED = 0.8
"""Down to this place on the arm a sleeve still shows how its armhole lies."""
BELOW_ARMPIT, MOST_LOW = 0.08, 0.4
"""How far below the armpit, in places on the arm, a sleeve ends at the least, and the most it is lowered for that."""
LOOSE_FROM, RESTING = 0.75, 0.2
"""From this place on the arm on a loose sleeve is as loose as it is; at the shoulder this share of it shows."""
DROPPED_SEAM = 1.2
"""Distance of the seams over that of the shoulder joints from which on the seam is set down the arm."""


@dataclass(frozen=True, slots=True, eq=False)
class SleeveCut:
    """What the garment says of one sleeve, in pixels of the working raster; rows run from the armhole to the cuff.

    points: its vertices below the armhole; seam: the armhole's, from the shoulder's tip to the armpit. dropped: how far
    down the arm that lies. part, side: of the mesh. long: it ends at the wrist though its length was badly seen.
    """

    points: F64
    seam: F64
    dropped: float
    part: int
    side: int
    long: bool


def lay_sleeve(garment: Garment, cut: SleeveCut, body: Body, armhole: F64, limb: Limb | None) -> F64:
    """Lay a sleeve along the arm: as long and as wide as it is cut, never narrower than the arm.

    armhole: where the seam's vertices lie on the person. limb: the arm's edges; None: those of an ordinary arm.
    """
    mesh, side = garment.mesh, cut.side
    chosen = mesh.part == cut.part
    rows, index = np.unique(mesh.along[chosen], return_inverse=True)
    # A sleeve's first column is its outer edge, its last the inner one, on either side.
    across = mesh.across[chosen].astype(np.float64)
    joints = body.arms[0 if side < 0 else 1].points
    width, travelled = _measure(garment, cut, body)
    path, along_arm = _arm_path(joints, (armhole[0] + armhole[-1]) / 2)
    end = float(travelled[-1])
    # Where the armpit lies as low as the sleeve ends, the cuff goes down to it on the inner side.
    inner_length = float(np.hypot(*np.diff(_inner_edge(cut, rows, index, across), axis=0).T).sum())
    low = _low_cuff(armhole, joints, end, inner_length)
    places = travelled[index] + low * rows[index] * (1 + across) / 2
    outer, inner = _reaches(width, travelled, body, limb, _walk(path, along_arm, travelled, side), side)
    spots, normals = _walk(path, along_arm, places, side)
    tube = spots + (across * np.where(across > 0, inner[index], outer[index]))[:, None] * normals
    return _root(tube, (rows, index, across), travelled, armhole, INNER_GIVES * inner_length)


def begin_at(cut: SleeveCut, body: Body, armhole: F64) -> SleeveCut:
    """Return the sleeve as one that begins where its armhole lies, however the garment was cut.

    Half of that: the shoulder's joint lies below the seam's tip. (Sleeves of the pairs 00055 and 00013 end at .55 and
    .64 of the upper arm where they are worn.)
    """
    joints = body.arms[0 if cut.side < 0 else 1].points
    step = joints[1] - joints[0]
    begun = float(((armhole[0] + armhole[-1]) / 2 - joints[0]) @ step) / max(float(np.hypot(*step)), 1e-6)
    return replace(cut, dropped=max(cut.dropped, begun / 2))


def cuff_place(garment: Garment, cut: SleeveCut, body: Body) -> float:
    """Return where a sleeve ends on the arm: 0 shoulder, 1 elbow, 2 wrist."""
    return float(_measure(garment, cut, body)[1][-1])


def _measure(garment: Garment, cut: SleeveCut, body: Body) -> tuple[F64, F64]:
    """Return the half-width of a sleeve's rows, and their places on the arm."""
    mesh = garment.mesh
    chosen = mesh.part == cut.part
    rows, index = np.unique(mesh.along[chosen], return_inverse=True)
    width, centre = _sleeve_rows(cut.points, mesh.across[chosen], index, len(rows))
    # Near the armhole the rows are as wide as that is deep: the sleeve itself begins a little lower.
    width = np.minimum(width, 1.1 * float(np.interp(0.35, rows, width)))
    root = (cut.seam[0] + cut.seam[-1]) / 2
    length = np.cumsum(np.hypot(*np.diff(np.concatenate([root[None], centre]), axis=0).T))
    return width, _travel(cut.dropped + length, body, cut.long)


def _root(
    tube: F64, grid_of: tuple[F32, npt.NDArray[np.intp], F64], places: F64, armhole: F64, most_inner: float
) -> F64:
    """Return a sleeve's rows with those at its root spread between the armhole and the arm: none may cross another.

    grid_of: the rows' shares, and of each vertex its row and its place across. most_inner: the inner edge's length.
    """
    rows, index, across = grid_of
    end = int(np.argmax(places >= min(ROOTED, float(places[-1]))))
    grid = np.stack([tube[index == row][np.argsort(across[index == row])] for row in range(end + 1)])
    if end == len(rows) - 1:  # a cap sleeve's cuff ends at the armpit
        inner = grid[-1, -1] - armhole[-1]
        length = max(float(np.hypot(*inner)), 1e-6)
        grid[-1] += min(most_inner / length - 1, 0.0) * inner * np.linspace(0, 1, grid.shape[1])[:, None]
    share = (rows[: end + 1] / rows[end]).astype(np.float64)
    outer = _evenly(np.concatenate([armhole[:1], grid[:, 0]]), share)
    inner = armhole[-1] + share[:, None] * (grid[-1, -1] - armhole[-1])
    patch = coons(armhole, grid[-1], outer, inner, share)
    placed = tube.copy()
    for row in range(end + 1):
        chosen = np.flatnonzero(index == row)
        placed[chosen[np.argsort(across[chosen])]] = patch[row]
    return placed


def _evenly(line: F64, share: F64) -> F64:
    """Return points at shares of a line's length, on the line with its kinks rounded off."""
    round_line = line.copy()
    for _ in range(2):
        round_line[1:-1] = 0.25 * round_line[:-2] + 0.5 * round_line[1:-1] + 0.25 * round_line[2:]
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(round_line, axis=0).T))])
    return np.stack([np.interp(share * length[-1], length, round_line[:, axis]) for axis in (0, 1)], -1)


def _reaches(
    width: F64, places: F64, body: Body, limb: Limb | None, lines: tuple[F64, F64], side: int
) -> tuple[F64, F64]:
    """Return how far a sleeve's rows reach outwards and inwards from the arm's line."""
    spots = lines[0]
    usual = body.arm_half(places, side)
    arm_out, arm_in = _arm_edges(limb, places, usual, lines)
    half = np.maximum(worn_sleeve_half(width, usual), usual * 1.04)
    # Cloth lies on the shoulder and on the arm below it; what is loose hangs farther down.
    loose = np.interp(places, [0.0, LOOSE_FROM], [RESTING, 1.0])
    half = np.minimum(half, usual * (ROUND_ARM + loose * np.maximum(half / usual - ROUND_ARM, 0.0)))
    outer = np.maximum(half, arm_out * np.interp(places, *OUTSIDE))
    # Towards the body there is no room: a wide sleeve may not be laid over the chest.
    inner = np.maximum(np.minimum(half, usual * INNER_EASE), arm_in * ROUND_ARM)
    lateral, depth = body.locate(spots)
    room = lateral * side - body.half_width(depth, side) + OVER_TRUNK * usual
    hanging = np.interp(places, [0.7, 1.1], [1.0, 0.0])
    limit = np.maximum(room, np.minimum(arm_in, usual) * ROUND_ARM)
    return outer, inner + hanging * np.minimum(limit - inner, 0.0)


def _arm_edges(limb: Limb | None, places: F64, usual: F64, lines: tuple[F64, F64]) -> tuple[F64, F64]:
    """Return how far the arm itself reaches outwards and inwards from a sleeve's line."""
    if limb is None:
        return usual, usual
    spots, normals = lines
    found = []
    for edge in (limb.first, limb.second):
        line = limb.spots + limb.normals * edge[:, None]
        at = np.stack([np.interp(places, PLACES, line[:, axis]) for axis in (0, 1)], -1)
        found.append(((at - spots) * normals).sum(axis=1))
    outward, inward = -np.minimum(*found), np.maximum(*found)
    believed = np.interp(places, [limb.end - 0.1, limb.end], [1.0, 0.0])
    outer, inner = (usual + believed * (np.clip(seen, 0.7 * usual, 1.5 * usual) - usual) for seen in (outward, inward))
    return outer, inner


def worn_sleeve_half(flat: F64, arm_half: F64) -> F64:
    """Return how wide a sleeve looks on its arm: laid flat it is half its girth, worn it goes round."""
    snug = arm_half * SNUG
    worn: F64 = np.where(flat > snug, snug + WORN_SHARE * (flat - snug), flat)
    return worn


def _inner_edge(cut: SleeveCut, rows: F64 | F32, index: npt.NDArray[np.intp], across: F64) -> F64:
    """Return a sleeve's inner edge, from the armpit to the cuff."""
    last = across > across.max() - 1e-3
    edge: F64 = np.concatenate([cut.seam[-1:], cut.points[last][np.argsort(index[last])]])
    return edge


def _low_cuff(armhole: F64, joints: F64, end: float, inner_length: float) -> float:
    """Return how much farther down the arm a short sleeve's inner edge ends than its middle, in places on the arm."""
    step = joints[1] - joints[0]
    armpit = float((armhole[-1] - joints[0]) @ step) / max(float(step @ step), 1e-6)
    below = min(BELOW_ARMPIT, 0.5 * inner_length / max(float(np.hypot(*step)), 1e-6))
    return float(np.clip(armpit + below - end, 0.0, MOST_LOW)) if end < 1.0 else 0.0


def _sleeve_rows(points: F64, across: F32, index: npt.NDArray[np.intp], rows: int) -> tuple[F64, F64]:
    width, centre = np.zeros(rows), np.zeros((rows, 2))
    for row in range(rows):
        line = points[index == row]
        order = np.argsort(across[index == row])
        first, last = line[order[0]], line[order[-1]]
        width[row] = float(np.hypot(*(last - first))) / 2
        centre[row] = (first + last) / 2
    return width, centre


def _arm_path(joints: F64, start: F64) -> tuple[F64, F64]:
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


def _walk(path: F64, along_arm: F64, places: F64, side: int) -> tuple[F64, F64]:
    """Return points and unit normals (towards the inner side of the sleeve's grid) at places on the arm."""
    spot = np.stack([np.interp(places, along_arm, path[:, axis]) for axis in (0, 1)], axis=-1)
    tangent = np.gradient(path, axis=0)
    tangent = np.stack([np.interp(places, along_arm, tangent[:, axis]) for axis in (0, 1)], axis=-1)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-6)[:, None]
    # Outer (-1) to inner (+1): for an arm that hangs, from the outside towards the body.
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=-1) * (1 if side < 0 else -1)
    return spot, normal
