"""Straps: too narrow for the outline's template to find its shoulders by, yet it is they that hang there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, AnyArray
from studio.pipeline.garments.fitting import WORK_HEIGHT, Fit, Silhouette
from studio.pipeline.garments.outline import P, to_picture

_THIN, _BROAD = 0.03, 0.09
"""Straps are narrower than twice this; this and what follows in shares of the square root of the garment's area."""
_LEAST_LENGTH = {_THIN: 0.1, _BROAD: 0.25}
"""Length of a strap: shorter ones are loops and hooks, shorter broad ones a vest's shoulders."""
_HIGHEST = 0.06
"""How far below the garment's top a strap may end."""
_OFF_AXIS, _EVEN = 0.06, 0.12
"""How far off the axis straps are at the least, and how unequally far at the most: a hanger's hook is on it."""
_ONE_OFF_AXIS, _MOST_TAKEN = 0.25, 0.1
"""How far off the axis a single strap is at the least; how much cloth may stand in its mirror image's place."""
_INNER, _POINTS = 0.8, 17
"""Where the neck begins on a strap's end, over the shoulder's tip; points of the line between the straps."""
_END_AT = 0.02
"""How far below the top, in shares of the height, a strap has its full width."""
_ARMPIT_TO = 0.6
"""Above this share of the height lie the armpits."""
_AS_WIDE = 0.02
"""Half-width to which straps are thickened for the fit."""
_TIE_FROM, _TIE_TO = 0.75, 1.1
"""Ties begin at the hem and end below it: places down the trunk, 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class _Parted:
    """A garment's solid, its trunk, what is narrower than that, and the narrow pieces one by one.

    pieces: labels; stats, centres: of each piece, as OpenCV gives them. size: square root of the area.
    """

    solid: U8
    trunk: U8
    pieces: AnyArray
    stats: AnyArray
    centres: F64
    size: float


def _part(solid: U8, half_width: float) -> _Parted | None:
    """Part a garment into its trunk and what is narrower than twice `half_width`; None where nothing is wider."""
    size = float(np.sqrt(solid.sum()))
    trunk = _open(solid, max(2, round(half_width * size)))
    if not trunk.any():
        return None
    near_trunk = cv2.dilate(trunk, _disc(max(1, round(0.2 * _THIN * size))))
    narrow = cv2.morphologyEx(solid & (1 - near_trunk), cv2.MORPH_OPEN, np.ones((3, 1), np.uint8))
    _, pieces, stats, centres = cv2.connectedComponentsWithStats(narrow)
    return _Parted(solid, trunk, pieces, stats, centres, size)


def _open(solid: U8, radius: int) -> U8:
    """Open a mask as if it went on beyond nothing: what touches the picture's border is no wider for it."""
    # By distances: of a disc this wide OpenCV's own opening looks at every row for every pixel.
    inside = cv2.distanceTransform(np.pad(solid, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1] > radius
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    opened: U8 = ((away <= radius) & inside.any()).astype(np.uint8)
    return opened


def thicken_straps(alpha: F32) -> F32:
    """Return a garment's alpha with two straps as a vest of one piece, thin ones made wide enough for the fit.

    Without its ties, which nothing but sleeves would explain to the fit; the same alpha where there are no straps. For
    fitting only: what is cloth stays what the alpha given says.
    """
    solid = (alpha >= 0.5).astype(np.uint8)
    for half_width in (_THIN, _BROAD):
        parted = _part(solid, half_width)
        straps = None if parted is None else _find_straps(parted, half_width)
        if parted is not None and straps is not None:
            return _as_vest(alpha, parted, straps, half_width)
    return alpha


def _find_straps(parted: _Parted, half_width: float) -> U8 | None:
    """Return the mask of two straps that stand on the trunk, one on each side; None where there are none.

    Of a top on one shoulder the other strap is the mirror image: it hangs as straight as on two.
    """
    size, trunk = parted.size, parted.trunk
    top, middle = int(np.flatnonzero(parted.solid.any(axis=1))[0]), float(np.nonzero(trunk)[1].mean())
    offsets: dict[int, float] = {}
    for number in range(1, len(parted.stats)):
        y, width, height = (int(parted.stats[number, place]) for place in (1, 2, 3))
        hangs = height > _LEAST_LENGTH[half_width] * size and y - top < _HIGHEST * size and width < 1.2 * height
        reaches = trunk[min(y + height + round(half_width * size), len(trunk) - 1)].any()
        offset = float(parted.centres[number][0]) - middle
        if hangs and reaches and abs(offset) > _OFF_AXIS * size:
            offsets[number] = offset
    left, right = ([abs(value) for value in offsets.values() if value * side > 0] for side in (-1, 1))
    straps: U8 = np.isin(parted.pieces, list(offsets)).astype(np.uint8)
    if left and right:
        return straps if abs(np.mean(left) - np.mean(right)) <= _EVEN * size else None
    is_aside = bool(offsets) and min(map(abs, offsets.values())) > _ONE_OFF_AXIS * size
    return _with_mirrored(straps, parted.solid, middle) if is_aside else None


def _with_mirrored(straps: U8, solid: U8, middle: float) -> U8 | None:
    """Return straps of one side with their mirror image; None where other cloth stands there."""
    across = np.array([[-1, 0, 2 * middle], [0, 1, 0]])
    mirrored = cv2.warpAffine(straps, across, straps.shape[::-1], flags=cv2.INTER_NEAREST)
    taken = float(solid[mirrored > 0].mean()) if mirrored.any() else 1.0
    both: U8 = np.maximum(straps, mirrored)
    return both if taken < _MOST_TAKEN else None


def _as_vest(alpha: F32, parted: _Parted, straps: U8, half_width: float) -> F32:
    """Return alpha with all filled between the straps' outer sides, and without ties."""
    ties = _find_ties(parted.solid)
    solid, trunk = parted.solid & (1 - ties), parted.trunk & (1 - ties)
    rows = np.flatnonzero(straps.any(axis=1))
    more = max(1, round(_AS_WIDE * parted.size)) if half_width == _THIN else 0
    shown = np.maximum(cv2.dilate(straps, np.ones((1, 2 * more + 1), np.uint8)), trunk)
    last = int(rows[-1])
    vest: F32 = (alpha * (1 - ties)).astype(np.float32)
    for row in range(int(rows[0]), min(last + round(half_width * parted.size), len(solid))):
        columns = np.flatnonzero(shown[min(row, last)] | (solid[row] & (row > last)))
        if columns.size:
            vest[row, columns[0] : columns[-1] + 1] = 1.0
    return vest


def _find_ties(solid: U8) -> U8:
    """Return the mask of the ties that hang from the hem of a garment without sleeves."""
    ties = np.zeros_like(solid)
    parted = _part(solid, _BROAD)
    if parted is None:
        return ties
    rows = np.flatnonzero(parted.trunk.any(axis=1))
    first, length = int(rows[0]), max(1, int(rows[-1]) - int(rows[0]))
    for number in range(1, len(parted.stats)):
        y, height = (int(parted.stats[number, place]) for place in (1, 3))
        if (y - first) / length > _TIE_FROM and (y + height - first) / length > _TIE_TO:
            ties |= (parted.pieces == number).astype(np.uint8)
    grown: U8 = cv2.dilate(ties, _disc(max(1, round(0.2 * _THIN * parted.size)) + 1)) & solid & (1 - parted.trunk)
    return grown


def hang_on_straps(fit: Fit, silhouette: Silhouette) -> Fit:
    """Return the fit of a thickened outline with shoulders where the straps end: nothing stands above them.

    Its armpits are where the sides reach the chest, the widest place above the middle: at the straps' feet, where the
    fit may see a corner, nothing goes round the body yet.
    """
    halves = _half_widths(fit.params, silhouette)
    chest = halves[: round(_ARMPIT_TO * WORK_HEIGHT)].argmax(axis=0)

    def hung(p: F64, half: float, armpit: tuple[float, float]) -> F64:
        q = p.copy()
        q[P.NECK_Y], q[P.SHOULDER_Y] = p[P.COLLAR_Y], p[P.COLLAR_Y] + 0.004
        q[P.SHOULDER_X] = half
        q[P.NECK_X] = q[P.COLLAR_X] = _INNER * half
        q[P.ARMPIT_X], q[P.ARMPIT_Y] = armpit
        return q

    ends = halves[round(_END_AT * WORK_HEIGHT)]
    armpits = np.stack([halves[chest, [0, 1]], chest / WORK_HEIGHT], axis=-1)
    sides = None
    if fit.sides is not None:
        left, right = (hung(p, float(end), tuple(at)) for p, end, at in zip(fit.sides, ends, armpits, strict=True))
        sides = (left, right)
    return replace(fit, params=hung(fit.params, float(ends.mean()), tuple(armpits.mean(axis=0))), sides=sides)


def _half_widths(p: F64, silhouette: Silhouette) -> F64:
    """Return how far either side reaches from the axis row by row, `(rows, 2)`, the picture's left first; 0 if not."""
    first = int(silhouette.origin[1] + 0.5)
    rows = silhouette.mask[first : first + WORK_HEIGHT] > 0
    y = np.arange(len(rows)) / WORK_HEIGHT
    axis = p[P.CENTRE] + p[P.TILT] * y
    edges = np.stack([rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)], axis=-1)
    reach: F64 = np.abs((edges - silhouette.origin[0]) * silhouette.pixel - axis[:, None])
    reach[~rows.any(axis=1)] = 0.0
    return reach


def strap_line(fit: Fit) -> F64:
    """Return the line between the straps' upper ends, normalised: no inside of a back shows above it."""
    p = fit.params
    ends = [to_picture(np.array([[p[P.NECK_X], p[P.NECK_Y]]]), p, side)[0] for side in (-1, 1)]
    line: F64 = np.linspace(ends[0], ends[1], _POINTS)
    return line


def _disc(radius: int) -> U8:
    kernel: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)
    return kernel
