"""Fit the parametric outline to a garment's mask, silhouette against silhouette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from studio.domain.arrays import F32, F64, U8
from studio.pipeline.garments.laid import CAPE_TORSO, Hint, free_slit, hint_from_rows, laid_prior, start_params
from studio.pipeline.garments.outline import (
    COUNT,
    P,
    SleeveModel,
    corners,
    sampling,
    slit_samples,
    to_picture,
    to_template,
)

WORK_HEIGHT = 200
"""Rows of the mask that the fit sees: a pixel is half a percent of the garment's length."""
MESH_HEIGHT = 800
"""Rows of the mask on which the mesh is laid: its edges are the cloth's."""
FAR, FAR_AT_FIRST = 0.08, 0.25
"""Distances beyond this share of the height stop growing: they belong to something the template does not have.
The coarse search looks farther, so that a poor start still feels the pull."""
_STEP = 2e-3


@dataclass(frozen=True, slots=True)
class Silhouette:
    """A mask prepared for fitting, in normalised coordinates (box height = 1, x about the box's middle).

    distance: float32, signed distance to the outline, positive outside. contour: `(n, 2)`.
    origin, pixel: array position = origin + normalised / pixel. photo_origin, photo_scale: back to photo pixels.
    """

    mask: U8
    distance: F32
    contour: F64
    origin: tuple[float, float]
    pixel: float
    photo_origin: tuple[float, float]
    photo_scale: float
    width: float

    def sample(self, points: F64) -> F64:
        """Return the signed distance at normalised points `(..., 2)`, bilinear, edges continued."""
        x = np.clip(points[..., 0] / self.pixel + self.origin[0], 0, self.distance.shape[1] - 1.001)
        y = np.clip(points[..., 1] / self.pixel + self.origin[1], 0, self.distance.shape[0] - 1.001)
        x0, y0 = x.astype(np.intp), y.astype(np.intp)
        fx, fy = x - x0, y - y0
        d = self.distance
        top = d[y0, x0] * (1 - fx) + d[y0, x0 + 1] * fx
        bottom = d[y0 + 1, x0] * (1 - fx) + d[y0 + 1, x0 + 1] * fx
        value: F64 = top * (1 - fy) + bottom * fy
        return value

    def to_photo(self, points: F64) -> F64:
        """Map normalised points to garment photo pixels."""
        mapped: F64 = points * self.photo_scale + np.array(self.photo_origin)
        return mapped


def prepare_silhouette(alpha: F32, rows: int = WORK_HEIGHT) -> Silhouette:
    """Reduce a garment's alpha to a silhouette of so many rows: the few that the fit sees, or the many of its mesh."""
    solid = (alpha >= 0.5).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(solid)
    scale = rows / max(h, 1)
    size = (max(8, round(w * scale)), rows)
    crop = cv2.resize(alpha[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA)
    pad = rows // 4
    mask = np.pad((crop >= 0.5).astype(np.uint8), pad)
    mask = _keep_largest(mask)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    pixel = 1.0 / rows
    distance = ((outside - inside) * pixel).astype(np.float32)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = max(contours, key=len)[:, 0].astype(np.float64)
    ring = ring[:: max(1, len(ring) // 220)]
    origin = (pad + size[0] / 2 - 0.5, pad - 0.5)
    contour = (ring - np.array(origin)) * pixel
    return Silhouette(
        mask=mask,
        distance=distance,
        contour=contour,
        origin=origin,
        pixel=pixel,
        photo_origin=(x + w / 2 - 0.5, y - 0.5),
        photo_scale=float(h),
        width=size[0] * pixel,
    )


def _keep_largest(mask: U8) -> U8:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count <= 2:
        return mask
    largest: U8 = (labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    return largest


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted outline: parameters, sleeve model, mean distance between outlines and overlap of areas.

    guessed: the sleeves' inner seams were not seen. laid: see `Start`. sides: parameters of the picture's left and
    right half, where a garment lies unevenly.
    """

    params: F64
    sleeve: SleeveModel
    cost: float
    iou: float
    guessed: bool = False
    laid: float = 0.0
    sides: tuple[F64, F64] | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """One hypothesis to begin from.

    laid: 0, or the torso's half-width where the sleeves lie on the flanks, so that the slit between them is hidden.
    """

    sleeve: SleeveModel
    params: F64
    laid: float = 0.0


_LOWER = np.array(
    [-0.5, -0.25, 0.02, -0.05, 0.03, -0.05, 0.06, -0.02, 0.06, 0.05, 0.04, 0.04, 0.04, 0.3, 0.3, -0.05,
     -0.5, 0.03, 0.0, 0.03, 0.02, 0.015]
)  # fmt: skip
_UPPER = np.array(
    [0.5, 0.25, 0.6, 0.4, 0.9, 0.5, 1.5, 0.6, 1.5, 0.9, 1.5, 1.5, 1.5, 1.1, 1.1, 0.7,
     1.62, 1.4, 1.75, 1.4, 0.4, 0.4]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """What each row of the mask shows, both sides averaged, normalised; NaN where a side shows nothing.

    inner: half-width of the run that holds the axis. outer: half-width of everything. gap: where the sleeve begins
    beyond the gap beside the torso; NaN without a gap. sides: `(rows, 2)`, `outer` of each side.
    """

    inner: F64
    outer: F64
    gap: F64
    sides: F64


def measure_rows(silhouette: Silhouette) -> Rows:
    """Measure runs row by row, over the rows of the garment's box."""
    mask, pixel = silhouette.mask, silhouette.pixel
    first = int(silhouette.origin[1] + 0.5)
    _, xs = np.nonzero(mask)
    centre = round(float(xs.mean()))
    table = np.full((3, WORK_HEIGHT, 2), np.nan)
    for row in range(WORK_HEIGHT):
        for side in (0, 1):
            line = mask[first + row, centre:] if side == 0 else mask[first + row, centre::-1]
            edges = np.flatnonzero(np.diff(np.concatenate([[0], line, [0]])))
            if edges.size == 0:
                continue
            table[1, row, side] = edges[-1]
            if line[0]:
                table[0, row, side] = edges[1]
                if edges.size > 2:
                    table[2, row, side] = edges[2]
            elif row > WORK_HEIGHT // 3:  # below the hem: only sleeves are left
                table[2, row, side] = edges[0]
    shown = ~np.isnan(table[2])
    table[0][shown[:, ::-1] & ~shown] = np.nan  # a side without the other's gap has its sleeve on the torso
    inner, outer, gap = (_mean_of_sides(plane) * pixel for plane in table)
    return Rows(inner, outer, gap, table[1] * pixel)


def _mean_of_sides(plane: F64) -> F64:
    known = ~np.isnan(plane)
    total = np.where(known, plane, 0.0).sum(axis=1)
    mean: F64 = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
    return mean


def _median(values: F64, otherwise: float) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else otherwise


def list_starts(silhouette: Silhouette) -> list[Start]:
    """Return the hypotheses worth trying: without sleeves, with short ones, with long ones hanging or spread."""
    rows = measure_rows(silhouette)
    half = silhouette.width / 2
    torso = _median(rows.inner[int(WORK_HEIGHT * 0.45) : int(WORK_HEIGHT * 0.85)], half * 0.6)
    gaps = np.flatnonzero(~np.isnan(rows.gap) & (rows.outer - np.nan_to_num(rows.gap) > 0.015))
    gaps = gaps[gaps > WORK_HEIGHT // 8]
    armpit = max(0.2, gaps[0] / WORK_HEIGHT) if gaps.size else 0.3
    body = np.flatnonzero(~np.isnan(rows.inner))
    hem = float(body[-1] + 1) / WORK_HEIGHT if body.size else 1.0
    none, one, two = SleeveModel.NONE, SleeveModel.ONE, SleeveModel.TWO
    starts = [
        _start(none, half * 0.85, 0.3, half * 0.97, 1.0, ()),
        _start(one, torso * 0.85, armpit, torso, hem, (0.75, half * 0.55, 0.09)),
        _start(one, torso * 0.85, armpit, torso, hem, (1.2, 0.35, 0.1)),
        _start(two, min(torso * 0.85, half * 0.6), 0.25, min(torso, half * 0.65), 0.85, (1.4, 0.4, 0.07)),
        _start(two, torso * 0.8, armpit, torso, hem, (0.7, half * 0.4, 0.08)),
    ]
    if gaps.size > 0.12 * WORK_HEIGHT:
        starts.append(_measured_start(rows, gaps, torso, hem))
    hint = hint_from_rows(rows.inner, rows.outer, rows.gap, rows.sides)
    return [*starts, _laid_start(hint, 0.1)] if hint is not None else starts


def _laid_start(hint: Hint, shoulder_y: float) -> Start:
    """Begin from sleeves that lie on the flanks."""
    blank = _start(SleeveModel.NONE, 0.92 * hint.torso, 0.3, hint.torso, hint.hem, ())
    sleeve, params = start_params(hint, shoulder_y, blank.params)
    return Start(sleeve, np.clip(params, _LOWER + 1e-3, _UPPER - 1e-3), laid=hint.torso)


def _measured_start(rows: Rows, gaps: npt.NDArray[np.intp], torso: float, hem: float) -> Start:
    """Begin from sleeves whose axis and width the rows beside the torso already show."""
    middle = (rows.gap[gaps] + rows.outer[gaps]) / 2
    width = _median((rows.outer[gaps] - rows.gap[gaps]) / 2, 0.08)
    ys = gaps / WORK_HEIGHT
    armpit = float(max(0.18, ys[0]))
    torso = min(torso, float(np.nanmedian(rows.inner[gaps])) if not np.isnan(rows.inner[gaps]).all() else torso)
    root = np.array([torso * 0.88, (0.1 + armpit) / 2])
    cuff = np.array([float(np.median(middle[-5:])), float(ys[-1])])
    half = len(ys) // 2
    elbow = np.array([float(np.median(middle[max(0, half - 4) : half + 5])), float(ys[half])])
    elbow = (elbow + (root + cuff) / 2) / 2
    upper, lower = elbow - root, cuff - elbow
    start = _start(SleeveModel.TWO, torso * 0.9, armpit, torso, hem, (1.2, 0.4, width))
    p = start.params.copy()
    p[P.UPPER_ANGLE], p[P.UPPER_LENGTH] = np.arctan2(upper[1], upper[0]), np.hypot(*upper)
    p[P.LOWER_ANGLE], p[P.LOWER_LENGTH] = np.arctan2(lower[1], lower[0]), np.hypot(*lower)
    return Start(SleeveModel.TWO, np.clip(p, _LOWER + 1e-3, _UPPER - 1e-3))


def _start(
    sleeve: SleeveModel, shoulder: float, armpit_y: float, torso: float, hem_y: float, arm: tuple[float, ...]
) -> Start:
    p = np.zeros(COUNT)
    p[P.COLLAR_X], p[P.COLLAR_Y] = 0.4 * shoulder, 0.0
    p[P.NECK_X], p[P.NECK_Y] = 0.45 * shoulder, 0.02
    p[P.SHOULDER_X], p[P.SHOULDER_Y] = shoulder, 0.09
    p[P.ARMPIT_X], p[P.ARMPIT_Y] = torso, armpit_y
    p[P.WAIST_X] = p[P.HIP_X] = p[P.HEM_X] = torso
    p[P.HEM_Y] = p[P.HEM_CENTRE_Y] = hem_y
    p[P.BACK_Y] = 0.02
    if arm:
        p[P.UPPER_ANGLE], p[P.UPPER_LENGTH], p[P.CUFF_WIDTH] = arm
        p[P.LOWER_ANGLE], p[P.LOWER_LENGTH] = min(arm[0] + 0.15, 1.6), arm[1]
        p[P.ELBOW_WIDTH] = arm[2]
    return Start(sleeve, np.clip(p, _LOWER + 1e-3, _UPPER - 1e-3))


def free_params(sleeve: SleeveModel) -> list[int]:
    """Return the indices of the parameters that a sleeve model uses."""
    if sleeve is SleeveModel.NONE:
        return list(range(P.UPPER_ANGLE))
    if sleeve is SleeveModel.ONE:
        return [*range(P.UPPER_ANGLE), P.UPPER_ANGLE, P.UPPER_LENGTH, P.CUFF_WIDTH]
    return list(range(COUNT))


def segment_distances(points: F64, line: F64) -> F64:
    """Return the distance of each of `(..., n, 2)` points to an open polyline `(..., m, 2)`."""
    px, py = points[..., :, None, 0], points[..., :, None, 1]
    ax, ay = line[..., None, :-1, 0], line[..., None, :-1, 1]
    dx, dy = line[..., None, 1:, 0] - ax, line[..., None, 1:, 1] - ay
    ox, oy = px - ax, py - ay
    share = np.clip((ox * dx + oy * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
    gap_x, gap_y = ox - share * dx, oy - share * dy
    distance: F64 = np.sqrt((gap_x * gap_x + gap_y * gap_y).min(axis=-1))
    return distance


def _residuals(p: F64, model: tuple[SleeveModel, float], silhouette: Silhouette, contour: F64, far: float) -> F64:
    """Return the residuals of one or many parameter vectors, `(..., COUNT)` to `(..., residuals)`.

    model: sleeves, and `Start.laid`.
    """
    sleeve, laid = model
    line = corners(p, sleeve).polyline()
    samples = sampling(sleeve) @ line
    both = np.concatenate([to_picture(samples, p, 1), to_picture(samples, p, -1)], axis=-2)
    distance = silhouette.sample(both)
    if laid:
        distance = free_slit(distance, sleeve)
    outward = far * np.tanh(distance / far) / np.sqrt(both.shape[-2])
    inward = far * np.tanh(segment_distances(to_template(contour, p), line) / far) / np.sqrt(len(contour))
    return np.concatenate([outward, 1.3 * inward, 0.02 * _shape_prior(p, sleeve, laid)], axis=-1)


def _shape_prior(p: F64, sleeve: SleeveModel, laid: float) -> F64:
    """Return soft preferences: seams where tailors put them, in units of about one tolerance each."""
    q = np.moveaxis(p, -1, 0)
    wanted = [
        (q[P.NECK_X] - q[P.COLLAR_X] - 0.02) / 0.2,
        (q[P.NECK_Y] - q[P.COLLAR_Y] - 0.02) / 0.2,
        (q[P.BACK_Y] - q[P.COLLAR_Y] - 0.02) / 0.4,
        (q[P.SHOULDER_Y] - q[P.NECK_Y] - 0.35 * (q[P.SHOULDER_X] - q[P.NECK_X])) / 0.2,
        (q[P.HEM_CENTRE_Y] - q[P.HEM_Y]) / 0.3,
        (q[P.WAIST_X] - 0.5 * (q[P.ARMPIT_X] + q[P.HIP_X])) / 0.3,
        q[P.TILT] / 0.3,
    ]
    if laid:
        wanted += laid_prior(p, sleeve, laid)
    elif sleeve is not SleeveModel.NONE:
        armhole = q[P.ARMPIT_Y] - q[P.SHOULDER_Y]
        wanted += [
            # A set-in sleeve's seam stands nearly upright, a little inside the chest's width.
            (q[P.SHOULDER_X] - 0.92 * q[P.ARMPIT_X]) / 0.08,
            (armhole - 0.72 * q[P.ARMPIT_X]) / 0.35,
        ]
    if sleeve is SleeveModel.TWO:
        wanted += [
            (q[P.UPPER_LENGTH] - q[P.LOWER_LENGTH]) / 0.15,
            (q[P.LOWER_ANGLE] - q[P.UPPER_ANGLE] - 0.1) / 0.4,
            (q[P.ELBOW_WIDTH] - q[P.CUFF_WIDTH] - 0.03) / 0.15,
        ]
    return np.stack(wanted, axis=-1)


def solve(silhouette: Silhouette, start: Start, evaluations: int, stride: int, far: float) -> Fit:
    """Run one hypothesis for some evaluations of the Jacobian and return where it got to."""
    free = free_params(start.sleeve)
    contour = silhouette.contour[::stride]
    model = (start.sleeve, start.laid)
    base = start.params.copy()
    nudges = _nudges(free)

    def expand(q: F64) -> F64:
        full = base.copy()
        full[free] = q
        return full

    def residuals(q: F64) -> F64:
        return _residuals(expand(q), model, silhouette, contour, far)

    def jacobian(q: F64) -> F64:
        return _slopes(_residuals(expand(q) + nudges, model, silhouette, contour, far))

    solution: Any = least_squares(  # Any: scipy's OptimizeResult
        residuals,
        np.clip(start.params[free], _LOWER[free] + 1e-4, _UPPER[free] - 1e-4),
        jac=jacobian,
        bounds=(_LOWER[free], _UPPER[free]),
        max_nfev=evaluations,
        x_scale=0.1,
        ftol=1e-3,
    )
    params = expand(solution.x)
    return Fit(
        params, start.sleeve, float(solution.cost), measure_overlap(silhouette, params, start.sleeve), laid=start.laid
    )


def _nudges(free: Sequence[int]) -> F64:
    """Return a step ahead along each free parameter, then one back: all of a Jacobian is computed at once."""
    nudges = np.zeros((2 * len(free), COUNT))
    nudges[np.arange(len(nudges)), [*free, *free]] = np.repeat((_STEP, -_STEP), len(free))
    return nudges


def _slopes(moved: F64) -> F64:
    """Return the Jacobian from the residuals after each nudge."""
    ahead, behind = np.split(moved, 2)
    slopes: F64 = (ahead - behind).T / (2 * _STEP)
    return slopes


def outline_polygon(p: F64, sleeve: SleeveModel) -> F64:
    """Return the whole closed outline `(n, 2)`, normalised picture coordinates."""
    line = corners(p, sleeve).polyline()
    return np.concatenate([to_picture(line, p, 1), to_picture(line, p, -1)[::-1]])


def measure_overlap(silhouette: Silhouette, p: F64, sleeve: SleeveModel) -> float:
    """Return intersection over union of the template's area and the mask."""
    return _overlap(silhouette, outline_polygon(p, sleeve))


def _overlap(silhouette: Silhouette, outline: F64) -> float:
    polygon = outline / silhouette.pixel + np.array(silhouette.origin)
    drawn = np.zeros_like(silhouette.mask)
    cv2.fillPoly(drawn, [np.round(polygon * 16).astype(np.int32)], 1, shift=4)
    both = int((drawn & silhouette.mask).sum())
    return both / max(1, int((drawn | silhouette.mask).sum()))


SIMPLER = 1.1
"""A model with more sleeve segments must cost less by this factor for each: a sleeve is not made of noise."""


DEEP_ARMHOLE = 2.0
"""How much dearer an outline with armholes of unlikely depth is, where another explains them."""
LEAST_CUFF, CLOSED_CUFF = 0.05, 2.0
"""A cuff narrower than this share of the chest's width lets no wrist through (a wrist is a seventh of it); how much
dearer an outline with such sleeves is."""
HIDDEN_SLIT = 1.1
"""How much dearer an outline is that does not show where sleeve and torso part."""
CAPE_WIDTH = 0.345
"""Half-width over height from which a sleeveless outline must hold sleeves."""
HIDDEN_SLEEVE = 2.0
"""How much dearer an outline is whose torso hides a sleeve."""


def fit_outline(silhouette: Silhouette) -> Fit:
    """Return the best outline over all hypotheses: all coarsely first, then the two best in full."""
    starts = list_starts(silhouette)
    coarse = [solve(silhouette, start, 7, 4, FAR_AT_FIRST) for start in starts]
    coarse += [solve(silhouette, start, 10, 4, FAR) for start in _stubby_starts(coarse)]
    laid = [start.sleeve for start in starts if start.laid]

    def rank(fit: Fit) -> float:
        deep = bool(laid) and not fit.laid and _is_deep(fit)
        closed = CLOSED_CUFF if _is_closed(fit) else 1.0
        return _rank(fit, SleeveModel.ONE in laid) * (DEEP_ARMHOLE if deep else 1.0) * closed

    coarse.sort(key=rank)
    fine = [solve(silhouette, Start(fit.sleeve, fit.params, fit.laid), 18, 2, FAR) for fit in coarse[:2]]
    best = min(fine, key=rank)
    best = _with_laid_sleeves(best, silhouette) if _is_cape(best) else best
    if best.iou < FITS:  # what looked worse at first sight may have been only farther from its best
        more = [solve(silhouette, Start(fit.sleeve, fit.params, fit.laid), 18, 2, FAR) for fit in coarse[2:4]]
        best = min([best, *(_with_laid_sleeves(fit, silhouette) if _is_cape(fit) else fit for fit in more)], key=rank)
    return best if best.iou > EVEN and not best.laid else _with_sides(best, silhouette)


def _is_closed(fit: Fit) -> bool:
    """Tell sleeves that no hand would come out of: an armhole's edge or a strap's end, taken for a sleeve."""
    open_for = float(fit.params[P.CUFF_WIDTH]) / max(2 * float(fit.params[P.ARMPIT_X]), 1e-6)
    return fit.sleeve is not SleeveModel.NONE and open_for < LEAST_CUFF


FITS = 0.9
"""Overlap below which the two best hypotheses were perhaps not the right ones."""
EVEN = 0.96
"""Overlap from which a symmetric outline is good enough."""
WORTH = 0.01
"""What two halves of their own must add to it, unless laid sleeves make every hem's corner matter."""
_UNEVEN = [
    place for place in P if place not in (P.CENTRE, P.TILT, P.COLLAR_X, P.COLLAR_Y, P.NECK_X, P.NECK_Y, P.BACK_Y)
]
_UNEVEN_TOLERANCE = 0.08
"""How far a side's parameters may stray from the symmetric ones, about."""


def _with_sides(fit: Fit, silhouette: Silhouette) -> Fit:
    sides = fit_sides(silhouette, fit)
    halves = [to_picture(corners(p, fit.sleeve).polyline(), p, side) for p, side in zip(sides, (-1, 1), strict=True)]
    iou = _overlap(silhouette, np.concatenate([halves[1], halves[0][::-1]]))
    return replace(fit, sides=sides, iou=iou) if iou > fit.iou + (0.0 if fit.laid else WORTH) else fit


def fit_sides(silhouette: Silhouette, fit: Fit) -> tuple[F64, F64]:
    """Return each half's own parameters, picture's left first: a garment laid by hand is not symmetric."""
    left, right = (_fit_side(silhouette, fit, side) for side in (-1, 1))
    return left, right


def _fit_side(silhouette: Silhouette, fit: Fit, side: int) -> F64:
    base, centre = fit.params, fit.params[P.CENTRE]
    outward = silhouette.contour[:, 0] - fit.params[P.TILT] * silhouette.contour[:, 1] - centre
    contour = silhouette.contour[outward * side > 0][::2]
    free = [place for place in _UNEVEN if place in free_params(fit.sleeve)]
    nudges = _nudges(free)

    def residuals(p: F64) -> F64:
        line = corners(p, fit.sleeve).polyline()
        samples = to_picture(sampling(fit.sleeve) @ line, p, side)
        distance = silhouette.sample(samples)
        if fit.laid:
            distance = np.where(slit_samples(fit.sleeve), np.maximum(distance, 0.0), distance)
        out = FAR * np.tanh(distance / FAR) / np.sqrt(samples.shape[-2])
        inward = FAR * np.tanh(segment_distances(to_template(contour, p), line) / FAR) / np.sqrt(len(contour))
        stray = 0.02 * (p[..., free] - base[free]) / _UNEVEN_TOLERANCE
        return np.concatenate([out, 1.3 * inward, stray], axis=-1)

    def expand(q: F64) -> F64:
        full = base.copy()
        full[free] = q
        return full

    def jacobian(q: F64) -> F64:
        full = expand(q)
        return _slopes(residuals(full + nudges))

    low, high = _LOWER[free], _UPPER[free]
    solution: Any = least_squares(  # Any: scipy's OptimizeResult
        lambda q: residuals(expand(q)),
        np.clip(base[free], low + 1e-4, high - 1e-4),
        jac=jacobian,
        bounds=(low, high),
        max_nfev=8,
        x_scale=0.1,
        ftol=1e-3,
    )
    return expand(solution.x)


def _is_cape(fit: Fit) -> bool:
    """Tell an outline without sleeves that is as wide as a body with its arms: sleeves lie on the torso's flanks."""
    p = fit.params
    return bool(
        fit.sleeve is SleeveModel.NONE
        and p[P.WAIST_X] > CAPE_WIDTH
        and p[P.WAIST_X] > 1.15 * p[P.SHOULDER_X]
        and p[P.SHOULDER_X] - p[P.NECK_X] > 0.08
        and p[P.HEM_X] > 0.9 * p[P.WAIST_X]
    )


def _with_laid_sleeves(fit: Fit, silhouette: Silhouette) -> Fit:
    """Cut such an outline into torso and sleeves by a tailor's proportions: the silhouette does not show the seam."""
    p = fit.params
    outer = float(max(p[P.WAIST_X], p[P.HEM_X]))
    torso, width = CAPE_TORSO * outer, 0.5 * (1 - CAPE_TORSO) * outer
    hint = Hint(torso, min(float(p[P.HEM_Y]), 1.0), (outer, 0.97), width, long=True)
    start = _laid_start(hint, float(p[P.SHOULDER_Y]))
    q = start.params
    for place in (P.CENTRE, P.TILT, P.COLLAR_X, P.COLLAR_Y, P.NECK_X, P.NECK_Y, P.BACK_Y):
        q[place] = p[place]
    solved = solve(silhouette, Start(start.sleeve, q, torso), 18, 2, FAR)
    return replace(solved, guessed=True)


def _is_deep(fit: Fit) -> bool:
    """Tell an armhole deeper than a torso is wide on one side: the sleeve lies on the flank and shows its gap late."""
    p = fit.params
    return bool(fit.sleeve is not SleeveModel.NONE and p[P.ARMPIT_Y] - p[P.SHOULDER_Y] > 1.1 * p[P.ARMPIT_X])


def _rank(fit: Fit, stepped: bool) -> float:
    """Return the fit's cost with all doubts. stepped: the outline shows cuffs lying on the flanks."""
    doubt = HIDDEN_SLEEVE if _hides_sleeve(fit, stepped) else HIDDEN_SLIT if fit.laid else 1.0
    return float(fit.cost / max(fit.iou, 0.1) ** 4 * SIMPLER ** int(fit.sleeve) * doubt)


def _hides_sleeve(fit: Fit, stepped: bool) -> bool:
    """Tell whether a torso has bent its shoulder, armpit or flank outwards to take in a sleeve."""
    p = fit.params
    if fit.sleeve is SleeveModel.NONE and (
        p[P.SHOULDER_X] > 1.22 * p[P.ARMPIT_X] or p[P.ARMPIT_X] > 1.22 * p[P.WAIST_X]
    ):
        return True
    widest = max(p[P.ARMPIT_X], p[P.WAIST_X])
    return bool(stepped and (p[P.ARMPIT_X] > 1.2 * p[P.WAIST_X] or widest > 1.2 * p[P.HIP_X]))


def _stubby_starts(coarse: list[Fit]) -> list[Start]:
    """Begin from what a sleeveless outline took for a shoulder or an armpit: the outer corner of a short sleeve."""
    starts = []
    for fit in coarse:
        if fit.sleeve is not SleeveModel.NONE or not _hides_sleeve(fit, stepped=False):
            continue
        p = fit.params
        wide = p[P.SHOULDER_X] > 1.22 * p[P.ARMPIT_X]
        corner = np.array([p[P.SHOULDER_X], p[P.SHOULDER_Y]] if wide else [p[P.ARMPIT_X], p[P.ARMPIT_Y]])
        torso = float(min(p[P.ARMPIT_X], p[P.WAIST_X]) * 1.03)
        armpit = float(max(p[P.ARMPIT_Y] if wide else p[P.ARMPIT_Y] + 0.08, 0.26))
        root = np.array([0.95 * torso, (0.08 + armpit) / 2])
        cuff = (corner + np.array([torso * 1.1, armpit + 0.02])) / 2
        arm = (float(np.arctan2(cuff[1] - root[1], cuff[0] - root[0])), float(np.hypot(*(cuff - root))), 0.09)
        start = _start(SleeveModel.ONE, 0.92 * torso, armpit, torso, float(p[P.HEM_Y]), arm)
        q = start.params.copy()
        kept = [
            P.CENTRE,
            P.TILT,
            P.COLLAR_X,
            P.COLLAR_Y,
            P.NECK_X,
            P.NECK_Y,
            P.BACK_Y,
            P.HEM_X,
            P.HEM_CENTRE_Y,
            P.HIP_X,
        ]
        q[kept] = p[kept]
        starts.append(Start(SleeveModel.ONE, np.clip(q, _LOWER + 1e-3, _UPPER - 1e-3)))
    return starts
