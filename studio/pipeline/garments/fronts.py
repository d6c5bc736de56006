"""Find an open front: two panels of a jacket or cardigan, and between them the inside of the back or the backdrop.

What speaks for an opening is one cloth between two edges that run all the way from the neck to the hem, and another
cloth on both sides of them. A placket is too narrow for one, a print does not reach from the neck to the hem, and
across a pullover its neckline runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.garments.fitting import Fit, Silhouette
from studio.pipeline.garments.outline import HIP_SHARE, WAIST_SHARE, P, to_picture

_ROWS, _COLUMNS = 150, 241
_REACH = 0.86
"""How far from the axis panels are looked at, in shares of the torso's half-width: beyond begins its own edge."""
_PANEL = 0.58
"""From here outwards the cloth is surely a panel's."""
_CORE = 0.07
"""So near the axis the cloth is surely the opening's, if there is one."""
_STEPS = 3
"""Columns by which an edge may move from one row to the next."""
_BEND = 0.05
"""Cost of such a step, in what one column of the wrong cloth costs."""
UNTOLD = 0.5
"""What a pixel beyond the garment is like."""
_LEAST_CONTRAST = 0.09
"""How much inside and panels differ (log light, chroma): folds and seams make less."""
_PURE_INSIDE, _PURE_PANEL = 0.85, 0.8
"""Share of the opening that must be of one cloth, and of the panels that must be of another: open fronts have 0.95 and
0.85, closed ones with the nearest to it 0.87 and 0.66, or 0.76 and 0.98."""
EDGE_SEEN = 0.75
"""Share of the rows on which each edge must be a step; closed fronts that are as pure have 0.6."""
_NARROWEST = 0.14
"""Width of an opening halfway down over the torso's; plackets with their trim have 0.1 and less."""
_CLEAR = 0.5
"""A row on which inside and panel differ by this share of what they differ elsewhere says where the edge is."""
_CLEAR_ROWS = 0.45
"""Share of such rows: near the neck a yoke of the outer cloth may lie inside."""
_EDGE_WORTH, _EDGE_CAP = 0.35, 0.30
"""What an edge is worth against one column of the wrong cloth, and the step that counts in full."""
_FARTHER = 0.6
"""What it costs an edge to lie a half-width farther out where only edges tell: trims and collars have two."""
_DARKER = 0.10
"""By how much (log) an inside that lies in shadow is darker than the panels."""
_HEM_STEP = 0.008
"""By how much, in shares of the height, the back's hem ends beside the panels': a closed front's hem goes on."""
_AT_COLLAR = 0.6
"""Where a yoke like the panels lies inside, edges begin so far apart, over the collar: labels have edges, too."""
_TOP = 0.10
"""Depth below the neck points, in shares of the height, down to which a pullover's neckline would show."""
_WINDOW = 8
"""Rows to either side over which a row's colours are smoothed."""
_GAP_TOP, _GAP_LENGTH = 0.45, 0.35
"""A gap between panels begins above this share of the height and is at least so long: lower ones are slits."""
_GAP_JUMP = 1.35
"""Where the gap is suddenly so much wider the panels have ended."""
_LEAST_PANEL = 0.08
"""Width of a panel beside a gap, in shares of the height."""
POINTS = 15
"""Points of each edge; the last one lies below the hem."""
_BELOW = 0.1
"""How far below the hem the edges go on, in shares of the height: what the back shows there is inside, too."""
_INTO = 0.0022
"""Edges are laid this share of the garment's height into the panels: nothing of the inside shows along them."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An open front. left, right: the panels' inner edges `(POINTS, 2)`, normalised picture coordinates, top to hem.

    contrast: between inside and panels. seen: share of the worse edge's length on which it is a step.
    """

    left: F64
    right: F64
    contrast: float
    seen: float


def close_gap(alpha: F32) -> tuple[F32, Bool]:
    """Return a garment's alpha with a gap between two panels filled, and the gap; all False where there is none."""
    solid = (alpha >= 0.5).astype(np.uint8)
    nothing = np.zeros(solid.shape, bool)
    rows = np.flatnonzero(solid.any(axis=1))
    first, height = int(rows[0]), int(np.ptp(rows)) + 1
    centre = round(float(np.nonzero(solid)[1].mean()))
    runs: dict[int, tuple[int, int]] = {}
    least = _LEAST_PANEL * height
    for row in range(first, first + height):
        run = _gap_at(solid[row], centre, least)
        if run is not None:
            runs[row] = run
    best = _longest_gap(runs)
    is_gap = len(best) >= _GAP_LENGTH * height and bool(best) and best[0] - first < _GAP_TOP * height
    if not is_gap or _closed_below(solid, best, runs, centre):
        return alpha, nothing
    for row in best:
        nothing[row, runs[row][0] : runs[row][1]] = True
    filled = np.where(nothing, np.float32(1.0), alpha).astype(np.float32)
    return filled, nothing


def _gap_at(row: U8, centre: int, least: float) -> tuple[int, int] | None:
    """Return the run of backdrop about a column, where cloth of at least some width stands on both sides of it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    for number in range(len(starts) - 1):
        if ends[number] <= centre < starts[number + 1]:
            wide = min(ends[number] - starts[number], ends[number + 1] - starts[number + 1]) >= least
            return (int(ends[number]), int(starts[number + 1])) if wide else None
    return None


def _longest_gap(runs: dict[int, tuple[int, int]]) -> list[int]:
    """Return the rows of the longest gap that widens steadily."""
    best: list[int] = []
    present: list[int] = []
    for row in sorted(runs):
        start, end = runs[row]
        before = runs.get(row - 1)
        jumps = before is not None and end - start > _GAP_JUMP * (before[1] - before[0]) + 4
        if before is None or jumps:
            present = []
        present.append(row)
        best = list(present) if len(present) > len(best) else best
    return best


def _closed_below(solid: U8, gap: list[int], runs: dict[int, tuple[int, int]], centre: int) -> bool:
    """Tell a hole from a gap: below a neckline's hole the front goes on."""
    below = solid[gap[-1] + 1 :, centre]
    return bool(below[: max(3, len(gap) // 6)].any()) and runs.get(gap[-1] + 1) is None


@dataclass(frozen=True, slots=True, eq=False)
class _Front:
    """The torso straightened, `(rows, columns)`. share: how like the inside each pixel is, 0 panel .. 1 inside.

    edge: how strong a step to the sides is, 0..1. clear: per row, how far inside and panels differ there at all, 0..1.
    least: how far from the axis each row's edges are at the least. x: of the columns, in half-widths, y: of the rows,
    template coordinates. darker: by how much the inside is (log light).
    """

    share: F32
    edge: F32
    clear: F64
    least: F64
    x: F64
    y: F64
    contrast: float
    darker: float
    is_gap: bool


def find_opening(
    rgb: U8, gap: Bool, silhouette: Silhouette, fit: Fit, *, crossed: bool = False, sure: bool = False
) -> Opening | None:
    """Return the open front of a top, or None where it is closed.

    gap: backdrop between the panels, see `close_gap`. crossed: a neckline was seen where only the back's would be.
    sure: somebody said that the front is open; the best edges are taken, whatever speaks against them.
    """
    front = _straighten(rgb, gap, silhouette, fit)
    if front.contrast < _LEAST_CONTRAST and not sure:
        return None
    middle = len(front.x) // 2
    left = middle - _trace(front, slice(middle, None, -1))
    right = middle + _trace(front, slice(middle, None))
    seen = min(_steps_along(front, left, -1), _steps_along(front, right, 1))
    found = seen >= EDGE_SEEN and _is_opening(front, left, right)
    if not sure and not (found and (front.is_gap or _is_inside(front, (left, right), silhouette, fit, crossed))):
        return None
    edges = [_pack(front, columns, fit.params, side) for columns, side in ((left, -1), (right, 1))]
    return Opening(edges[0], edges[1], front.contrast, seen)


def _straighten(rgb: U8, gap: Bool, silhouette: Silhouette, fit: Fit) -> _Front:
    p = fit.params
    y = np.linspace(float(p[P.NECK_Y]) + 0.01, float(max(p[P.HEM_Y], p[P.HEM_CENTRE_Y])) - 0.015, _ROWS)
    half = _half_width(p, y)
    x = np.linspace(-1.0, 1.0, _COLUMNS) * _REACH
    grid = np.stack([x[None] * half[:, None], np.broadcast_to(y[:, None], (_ROWS, _COLUMNS))], -1)
    photo = silhouette.to_photo(to_picture(grid.reshape(-1, 2), p, 1)).reshape(_ROWS, _COLUMNS, 2).astype(np.float32)
    step = float(np.median(half)) * 2 * _REACH / _COLUMNS * silhouette.photo_scale
    planes = cv2.remap(_planes(rgb, max(0.5, 0.6 * step)), photo[..., 0], photo[..., 1], cv2.INTER_LINEAR)
    bare = cv2.remap(gap.astype(np.float32), photo[..., 0], photo[..., 1], cv2.INTER_LINEAR) > 0.5
    beyond = silhouette.sample(to_picture(grid.reshape(-1, 2), p, 1)).reshape(_ROWS, _COLUMNS) > -silhouette.pixel
    cloth = ~bare & ~beyond
    inside, panels = _medians(planes, cloth, np.abs(x) < _CORE), _medians(planes, cloth, np.abs(x) > _PANEL)
    difference = inside - panels
    known = np.isfinite(difference[:, 0])
    apart = np.sqrt(np.nansum(difference**2, axis=1))
    contrast = float(np.median(apart[known])) if known.any() else 0.0
    usual = np.median(difference[known], axis=0) if known.any() else np.zeros(3)
    # A label in the neck differs from the panels, too, but otherwise than the inside does.
    clear = np.clip(np.nan_to_num(difference) @ usual / max(float(usual @ usual), 1e-9), 0.0, 1.0)
    offset = planes - np.nan_to_num(panels)[:, None]
    share = np.einsum("yxc,yc->yx", offset, np.nan_to_num(difference)) / np.maximum(apart, 1e-6)[:, None] ** 2
    share = np.where(bare, 1.0, np.clip(share, -0.5, 1.5))
    share[beyond] = UNTOLD
    is_gap = bool(bare.mean() > 0.1)
    gone = bare.any(axis=1)
    share[gone], clear[gone] = bare[gone], 1.0
    clear[beyond.mean(axis=1) > 0.5] = 0.0
    ahead, behind = np.roll(planes, -2, axis=1), np.roll(planes, 2, axis=1)
    edge = np.clip(np.sqrt(((ahead - behind) ** 2).sum(axis=2)) / _EDGE_CAP, 0.0, 1.0)
    edge = np.where(cv2.dilate(bare.astype(np.uint8), np.ones((1, 5), np.uint8)) > 0, share, edge)
    darker = -float(np.median(difference[known, 0])) if known.any() else 0.0
    collar = np.interp(y - float(p[P.NECK_Y]), [0.0, _TOP], [_AT_COLLAR * float(p[P.COLLAR_X]), 0.0])
    least = np.where(clear < _CLEAR, collar / half, 0.0)
    planes_of = share.astype(np.float32), edge.astype(np.float32)
    return _Front(*planes_of, clear, least, x, y, 1.0 if is_gap else contrast, darker, is_gap)


def _half_width(p: F64, y: F64) -> F64:
    """Return the torso's half-width at depths `y`; above the armpits that of the armpits."""
    rows = [p[P.ARMPIT_Y] + share * (p[P.HEM_Y] - p[P.ARMPIT_Y]) for share in (0.0, WAIST_SHARE, HIP_SHARE, 1.0)]
    return np.asarray(np.interp(y, rows, [p[P.ARMPIT_X], p[P.WAIST_X], p[P.HIP_X], p[P.HEM_X]]), np.float64)


def _planes(rgb: U8, blur: float) -> F32:
    """Return light (log) and two chroma differences."""
    linear = cv2.GaussianBlur(rgb, (0, 0), blur).astype(np.float32) / 255
    light = np.log(0.05 + linear.mean(axis=2))
    chroma = (1.5 * (linear[..., 0] - linear[..., 1]), 1.5 * (linear[..., 1] - linear[..., 2]))
    planes: F32 = np.dstack([light, *chroma]).astype(np.float32)
    return planes


def _medians(planes: F32, cloth: Bool, columns: Bool) -> F64:
    """Return each row's median of some columns, smoothed down the rows; NaN where they show no cloth."""
    medians = np.full((len(planes), 3), np.nan)
    for row in range(len(planes)):
        chosen = planes[row, columns & cloth[row]]
        if len(chosen) > 3:
            medians[row] = np.median(chosen, axis=0)
    return np.where(np.isfinite(medians), _running_median(medians, _WINDOW), medians)


def _running_median(rows: F64, reach: int) -> F64:
    """Return each row's median with the rows up to `reach` above and below it; NaN counts for nothing."""
    padded = np.pad(rows, ((reach, reach), (0, 0)), constant_values=np.nan)
    # NaN is sorted behind all numbers.
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0), axis=-1)
    known = np.maximum(np.isfinite(ordered).sum(axis=-1, keepdims=True), 1)
    middle = [np.take_along_axis(ordered, place, axis=-1)[..., 0] for place in ((known - 1) // 2, known // 2)]
    medians: F64 = (middle[0] + middle[1]) / 2
    return medians


def _trace(front: _Front, columns: slice) -> F64:
    """Return, per row, how many columns from the axis the inside ends, on one side of it."""
    share, edge = front.share[:, columns], front.edge[:, columns]
    # What lies before the edge should be inside; what lies behind it should not: that sum is a constant less the same.
    wrong = -np.cumsum(np.clip(share, -0.25, 1.25) - 0.5, axis=1) * front.clear[:, None]
    cost = wrong.astype(np.float64) - _EDGE_WORTH * edge
    from_axis = np.abs(front.x[columns])[None]
    cost[from_axis < front.least[:, None]] += 1.0
    cost += _FARTHER * from_axis * (front.clear < _CLEAR)[:, None]
    rows, width = cost.shape
    total, came = cost[0].copy(), np.zeros((rows, width), np.intp)
    steps = range(-_STEPS, _STEPS + 1)
    for row in range(1, rows):
        padded = np.pad(total, _STEPS, constant_values=np.inf)
        options = np.stack([padded[_STEPS - step : _STEPS - step + width] + _BEND * step * step for step in steps])
        came[row] = options.argmin(axis=0) - _STEPS
        total = options.min(axis=0) + cost[row]
    path, place = np.zeros(rows), int(total.argmin())
    for row in range(rows - 1, -1, -1):
        path[row] = place
        place -= int(came[row, place])
    return path


def _steps_along(front: _Front, columns: F64, outward: int) -> float:
    """Return the share of the clear rows on which the cloth turns from inside to panel at the edge."""
    rows = np.arange(len(columns))

    def beside(first: int, last: int) -> F64:
        places = [np.clip(columns + outward * step, 0, len(front.x) - 1).astype(np.intp) for step in range(first, last)]
        return np.asarray(np.mean([front.share[rows, place] for place in places], axis=0), np.float64)

    clear = front.clear > _CLEAR
    steps = beside(-6, -1) - beside(2, 7) > 0.4
    return float(steps[clear].mean()) if clear.mean() > _CLEAR_ROWS else 0.0


def _is_opening(front: _Front, left: F64, right: F64) -> bool:
    """Tell whether one cloth lies between the edges and another beside them, and whether it is wide enough."""
    columns, clear = np.arange(len(front.x))[None], (front.clear > _CLEAR)[:, None]
    told = clear & (front.share != UNTOLD)
    inside = (columns > left[:, None] + 2) & (columns < right[:, None] - 2) & told
    panels = ((columns < left[:, None] - 2) | (columns > right[:, None] + 2)) & told
    if not inside.any() or not panels.any():
        return False
    like = front.share > 0.5
    width = (front.x[right.astype(np.intp)] - front.x[left.astype(np.intp)]) / 2
    wide = float(np.median(width[len(width) // 3 :])) >= _NARROWEST
    return bool(like[inside].mean() >= _PURE_INSIDE and (~like)[panels].mean() >= _PURE_PANEL and wide)


def _is_inside(front: _Front, edges: tuple[F64, F64], silhouette: Silhouette, fit: Fit, crossed: bool) -> bool:
    """Tell the inside of a back from a front of two colours: by its own hem, or by its shadow up to the neck."""
    if _ends_apart(front, edges, silhouette, fit):
        return True
    top = (front.y < float(fit.params[P.NECK_Y]) + _TOP) & (front.clear > _CLEAR)
    whole = top.any() and float((front.share[top][:, np.abs(front.x) < _CORE] > 0.5).mean()) > 0.5
    return bool(whole and not crossed and front.darker > _DARKER)


def _ends_apart(front: _Front, edges: tuple[F64, F64], silhouette: Silhouette, fit: Fit) -> bool:
    """Tell whether the back's hem ends higher or lower than a panel's beside the edge."""
    p = fit.params
    y = np.linspace(float(p[P.HEM_Y]) - 0.15, float(p[P.HEM_Y]) + 0.12, 200)
    half = float(_half_width(p, front.y[-1:])[0])
    for columns, side in zip(edges, (-1, 1), strict=True):
        at = float(np.interp(columns[-8], np.arange(len(front.x)), front.x)) * half
        ends = []
        for first, last in ((-0.05, -0.015), (0.015, 0.05)):
            x = at + side * np.linspace(first, last, 5)
            points = to_picture(np.stack(np.broadcast_arrays(x[:, None], y[None]), -1).reshape(-1, 2), p, 1)
            inside = (silhouette.sample(points) < 0).reshape(5, len(y))
            ends.append(float(np.median(y[len(y) - 1 - inside[:, ::-1].argmax(axis=1)])))
        if abs(ends[0] - ends[1]) > _HEM_STEP:
            return True
    return False


def _pack(front: _Front, columns: F64, p: F64, side: int) -> F64:
    """Return one edge as `POINTS` points, smooth, a little into its panel, and on below the hem."""
    padded = np.pad(columns, 6, mode="reflect", reflect_type="odd")
    kernel = np.hanning(13)
    smooth = np.convolve(padded, kernel / kernel.sum(), "valid")
    places = np.linspace(0, len(front.y) - 1, POINTS - 1)
    y = np.interp(places, np.arange(len(front.y)), front.y)
    x = np.interp(np.interp(places, np.arange(len(smooth)), smooth), np.arange(len(front.x)), front.x)
    lateral = x * _half_width(p, y) + side * _INTO
    slope = (lateral[-1] - lateral[-4]) / max(y[-1] - y[-4], 1e-6)
    edge = np.stack([np.append(lateral, lateral[-1] + slope * _BELOW), np.append(y, y[-1] + _BELOW)], -1)
    return to_picture(edge, p, 1)


def trace_opening(opening: Opening) -> F64:
    """Return the line between the front and the inside: down the left panel's edge, up the right one's."""
    line: F64 = np.concatenate([opening.left, opening.right[::-1]])
    return line
