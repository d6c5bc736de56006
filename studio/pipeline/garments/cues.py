"""What a garment's silhouette tells about its kind: a waistband, legs, shoulders, a hem far below the waist."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.pipeline.garments.fitting import WORK_HEIGHT, Silhouette

THIN = 0.035
"""Straps, hanger hooks and spikes narrower than twice this share of the garment's size are not looked at."""
VERY_TOP, TOP_ROW, BELOW_TOP = 0.02, 0.05, 0.16
"""Rows, in shares of the height, between which shoulders widen and waistbands hardly do."""
PIECE, OFF_MIDDLE, OTHER_THING = 0.35, 0.15, 24.0
"""A second thing of this share of the first, where the first stands this far off the middle: shoes come in pairs.
`OTHER_THING`: levels by which it differs from the backdrop."""
TURNS, LEAST_GAIN = (-12.0, -9.0, -6.0, -3.0, 3.0, 6.0, 9.0, 12.0), 0.015
"""Degrees by which a garment may lie turned in its photo, and how much more symmetric a turn must make it."""
LEAST_NOTCH = 0.03
"""A dent of the hem shallower than this share of the garment's size is a wave of the cloth, not a crotch."""
NARROW_NOTCH = (0.75, 1.2)
"""A crotch is narrow a little below its top: against the legs beside it, and against its own depth."""
OFF_CENTRE = 0.17


@dataclass(frozen=True, slots=True)
class Legs:
    """Two legs. crotch: how far down, as a share of the height. inseam: its length over the waist's width."""

    crotch: float
    inseam: float


@dataclass(frozen=True, slots=True)
class Cues:
    """Measures of a silhouette; lengths are shares of its height.

    waistband: width near the top over the width a little below it; shoulders make it small, a waistband about 1.
    corners: width at the very top over that near it: a waistband has corners, a collar rises out of shoulders.
    bulge: how much wider it is there than the straight line from the top to the middle: shoulders bulge.
    filled: how much of the width just below the top is cloth: straps leave a gap.
    narrowing: how much the garment gets narrower below its shoulders or sleeves.
    armholes: how much it narrows again between its top and its middle: cut-out armholes do, hips do not.
    single, single_below: share of rows that are one run of cloth, in all and near the hem, where sleeves may hang.
    legs: None without a crotch. slenderness: height over width.
    waist, below_waist: the narrowest width of the trunk, and the length from there to the hem over it.
    roundness: overlap with the ellipse of the same moments. hull: area over that of the convex hull.
    pieces: how many things of about this size the photo shows.
    """

    waistband: float
    corners: float
    bulge: float
    filled: float
    narrowing: float
    armholes: float
    single: float
    single_below: float
    legs: Legs | None
    slenderness: float
    waist: float
    below_waist: float
    roundness: float
    hull: float
    pieces: int


def read_cues(silhouette: Silhouette, rgb: U8, alpha: F32) -> Cues:
    """Measure a silhouette. rgb, alpha: the photo it was made from, where other things may be seen beside it."""
    mask = without_thin_parts(silhouette.mask)
    turn = find_turn(mask)
    mask = _turn(mask, turn) if turn else mask
    rows = np.flatnonzero(mask.any(axis=1))
    box = mask[rows[0] : rows[-1] + 1]
    height = len(box)
    spans, runs = _spans(box) / height, _run_counts(box)
    symmetric = _symmetric_spans(box)
    middle = slice(int(0.25 * height), int(0.85 * height))
    waist, below = _waist(box)
    upper = spans[int(0.08 * height) : int(0.35 * height)]
    lower = spans[int(0.35 * height) : int(0.65 * height)]
    return Cues(
        waistband=_at(symmetric, TOP_ROW) / max(_at(symmetric, BELOW_TOP), 1e-6),
        corners=_at(symmetric, VERY_TOP) / max(_at(symmetric, TOP_ROW), 1e-6),
        bulge=_bulge(symmetric),
        filled=float(box[int(0.1 * height)].sum() / max(_at(spans, 0.1) * height, 1.0)),
        narrowing=float(upper.max() / max(lower.min(), 1e-6)),
        armholes=_dip(symmetric),
        single=float((runs[middle] == 1).mean()),
        single_below=float((runs[int(0.7 * height) : int(0.95 * height)] == 1).mean()),
        legs=_find_legs(box, spans),
        slenderness=1.0 / max(float(spans.max()), 1e-6),
        waist=waist,
        below_waist=below,
        roundness=_roundness(silhouette.mask),
        hull=_hull_share(silhouette.mask),
        pieces=_count_pieces(rgb, alpha),
    )


def without_thin_parts(mask: U8) -> U8:
    """Return the mask without straps, cords, belt loops and hanger hooks."""
    radius = max(1, round(THIN * float(np.sqrt(mask.sum()))))
    opened: U8 = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(radius))
    return opened if opened.any() else mask


def find_turn(mask: U8) -> float:
    """Return the angle in degrees, anticlockwise, that makes a mask most symmetric; 0 if that gains little."""
    best, gain = 0.0, _mirror_overlap(mask) + LEAST_GAIN
    for angle in TURNS:
        overlap = _mirror_overlap(_turn(mask, angle))
        if overlap > gain:
            best, gain = angle, overlap
    return best


def _turn(mask: U8, angle: float) -> U8:
    ys, xs = np.nonzero(mask)
    side = int(1.5 * max(np.ptp(xs), np.ptp(ys))) + 8
    matrix = cv2.getRotationMatrix2D((float(xs.mean()), float(ys.mean())), angle, 1.0)
    matrix[:, 2] += side / 2 - np.array([xs.mean(), ys.mean()])
    turned: U8 = cv2.warpAffine(mask * 255, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return (turned > 127).astype(np.uint8)


def _mirror_overlap(mask: U8) -> float:
    axis = 2 * float(np.nonzero(mask)[1].mean())
    matrix = np.array([[-1.0, 0.0, axis], [0.0, 1.0, 0.0]])
    flipped = cv2.warpAffine(mask, matrix, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_NEAREST)
    return float((mask & flipped).sum() / max(1, (mask | flipped).sum()))


def _disc(radius: int) -> U8:
    kernel: U8 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)
    return kernel


def _symmetric_spans(box: U8) -> F64:
    """Return the widths of what the mask has on both sides of its axis: a hanger or a folded corner is on one."""
    xs = np.nonzero(box)[1]
    axis = 2 * float(xs.mean())
    matrix = np.array([[-1.0, 0.0, axis], [0.0, 1.0, 0.0]])
    flipped: U8 = cv2.warpAffine(box, matrix, (box.shape[1], box.shape[0]), flags=cv2.INTER_NEAREST)
    both = _spans(box & flipped)
    both = both[np.flatnonzero(both)[0] :] if both.any() else both
    return both / max(len(both), 1)


def _spans(box: U8) -> F64:
    """Return each row's width from its first to its last pixel."""
    any_row = box.any(axis=1)
    first, last = box.argmax(axis=1), box.shape[1] - 1 - box[:, ::-1].argmax(axis=1)
    return np.where(any_row, last - first + 1, 0).astype(np.float64)


def _run_counts(box: U8) -> F64:
    padded = np.pad(box.astype(np.int8), ((0, 0), (1, 1)))
    counts: F64 = (np.diff(padded, axis=1) == 1).sum(axis=1).astype(np.float64)
    return counts


def _at(spans: F64, share: float) -> float:
    """Return the width at a height, the median of a few rows."""
    row = int(share * len(spans))
    return float(np.median(spans[max(0, row - 2) : row + 3]))


def _bulge(spans: F64) -> float:
    top, below, middle = _at(spans, TOP_ROW), _at(spans, BELOW_TOP), _at(spans, 0.45)
    share = (BELOW_TOP - TOP_ROW) / (0.45 - TOP_ROW)
    return (below - (1 - share) * top - share * middle) / max(middle, 1e-6)


def _dip(spans: F64) -> float:
    """Return by which share the upper part gets narrower than it was above."""
    upper = spans[: int(0.45 * len(spans))]
    widest = np.maximum.accumulate(upper)
    return float((1 - upper / np.maximum(widest, 1e-6)).max(initial=0.0))


def _waist(box: U8) -> tuple[float, float]:
    """Return the trunk's narrowest width over the height, and the length from there to the hem over that width.

    The trunk is the run about the middle column, from below the neckline to the hem; sleeves may hang lower.
    """
    height = len(box)
    centre = round(float(np.nonzero(box)[1].mean()))
    column = np.flatnonzero(box[:, centre])
    holes = np.flatnonzero(box[: int(0.5 * height), centre] == 0)
    first = max(int(0.25 * height), int(holes[-1]) + 2 if holes.size else 0)
    widths = np.array([_run_at(box[row], centre) for row in range(first, int(0.65 * height))], np.float64)
    if not widths.any() or not column.size:
        return 1.0, 0.0
    widths[widths == 0] = np.inf
    place = int(np.argmin(widths))
    width = float(widths[place])
    return width / height, max(0.0, float(column[-1] + 1 - first - place)) / width


def _run_at(row: U8, centre: int) -> int:
    """Return the length of the run that holds the column, 0 where there is none."""
    if not row[centre]:
        return 0
    gaps = np.flatnonzero(row == 0)
    left, right = gaps[gaps < centre], gaps[gaps > centre]
    return int((right[0] if right.size else len(row)) - (left[-1] if left.size else -1) - 1)


def _find_legs(box: U8, spans: F64) -> Legs | None:
    """Return the legs where a notch that narrows upwards parts the lower edge in the middle.

    The notch is a defect of the convex hull, so that legs of different height or a tilted photo do not matter.
    """
    height = len(box)
    found = find_notch(box)
    if found is None:
        return None
    (x, y), depth = found
    gap, leg = _width_of_notch(box[min(height - 1, y + max(2, round(0.15 * depth)))], x)
    across = np.flatnonzero(box[: y + 1].any(axis=0))
    share = (x - across[0]) / max(int(np.ptp(across)), 1)
    if gap > NARROW_NOTCH[0] * leg or gap > NARROW_NOTCH[1] * depth or abs(share - 0.5) > OFF_CENTRE:
        return None
    waist = max(_at(spans, 0.08) * height, 1.0)
    return Legs(y / height, depth / waist)


def find_notch(box: U8) -> tuple[tuple[int, int], float] | None:
    """Return the deepest dent of the lower edge, (x, y), and its depth in rows."""
    contours, _ = cv2.findContours(np.pad(box, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = max(contours, key=len)
    defects = cv2.convexityDefects(ring, cv2.convexHull(ring, returnPoints=False))
    best: tuple[tuple[int, int], float] | None = None
    least = LEAST_NOTCH * float(np.sqrt(box.sum()))
    for start, end, far, _ in [] if defects is None else defects.reshape(-1, 4):
        (x0, y0), (x1, y1), (x, y) = (ring[int(place)].ravel().astype(float) - 1 for place in (start, end, far))
        low = min(y0, y1) > 0.55 * len(box) and abs(y1 - y0) < 0.6 * abs(x1 - x0)
        if not low or not min(x0, x1) < x < max(x0, x1):
            continue
        depth = y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y
        if depth > max(least, 0.0 if best is None else best[1]):
            best = ((int(x), int(y)), float(depth))
    return best


def _width_of_notch(row: U8, x: int) -> tuple[float, float]:
    """Return the width of the gap about a column, and that of the narrower run beside it."""
    filled = np.flatnonzero(row)
    left, right = filled[filled < x], filled[filled > x]
    if row[x] or not left.size or not right.size:
        return 0.0, float(len(row)) if row[x] else 0.0
    gap = float(right[0] - left[-1] - 1)
    return gap, float(min(_run_at(row, int(left[-1])), _run_at(row, int(right[0]))))


def _roundness(mask: U8) -> float:
    ys, xs = np.nonzero(mask)
    spread = np.cov(np.stack([xs, ys]))
    if np.linalg.det(spread) < 1e-6:
        return 0.0
    grid_y, grid_x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]]
    offset = np.stack([grid_x - xs.mean(), grid_y - ys.mean()], -1)
    ellipse = np.einsum("...i,ij,...j", offset, np.linalg.inv(spread), offset) < 4.0
    return float((ellipse & (mask > 0)).sum() / max(1, (ellipse | (mask > 0)).sum()))


def _hull_share(mask: U8) -> float:
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)
    drawn = np.zeros_like(mask)
    cv2.fillConvexPoly(drawn, cv2.convexHull(points), 1)
    return float(mask.sum() / max(1, drawn.sum()))


def _count_pieces(rgb: U8, alpha: F32) -> int:
    """Return 2 where the photo shows another thing as large as the garment beside it, 1 otherwise.

    A cut-out keeps one subject: of a pair it keeps one, which then stands off the middle of its photo.
    """
    scale = WORK_HEIGHT / max(alpha.shape)
    size = (max(8, round(alpha.shape[1] * scale)), max(8, round(alpha.shape[0] * scale)))
    solid = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) >= 0.5).astype(np.uint8)
    xs = np.nonzero(solid)[1]
    if not xs.size or abs(float(xs.min() + xs.max()) / 2 / solid.shape[1] - 0.5) < OFF_MIDDLE:
        return 1
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    backdrop = cv2.dilate(solid, _disc(4)) == 0
    away = np.abs(small - np.median(small[backdrop], axis=0)).max(axis=2)
    spread = float(np.median(away[backdrop]))
    other = (backdrop & (away > max(OTHER_THING, 3.0 * spread))).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(other, cv2.MORPH_CLOSE, _disc(2)))
    largest = int(stats[1:, cv2.CC_STAT_AREA].max()) if len(stats) > 1 else 0
    return 2 if largest > PIECE * solid.sum() else 1
