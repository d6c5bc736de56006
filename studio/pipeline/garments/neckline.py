"""Find the front neckline: the edge between the garment's front and the inside of its back.

Product photos on a ghost mannequin show the inside of the back above the front's edge. The edge is sought as a
symmetric curve between two points of the silhouette's upper outline. What speaks for a curve is an edge that crosses
it squarely nearly everywhere on its way, and the same step of colour all along it: a print's edges are stronger, but
they run any way and change their colours, a collar's do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Neckline
from studio.pipeline.garments.fitting import Fit, Silhouette
from studio.pipeline.garments.neckedge import move_inwards, snap_neckline
from studio.pipeline.garments.neckraster import Label, Raster, find_label, prepare_raster
from studio.pipeline.garments.outline import P, SleeveModel, to_picture
from studio.pipeline.planes import summed

SAMPLES = 17
"""Points of the curve, ends included."""
_PROBES = 33
_PIECES = 9
_DEPTHS = np.linspace(0.02, 0.62, 41)
_SHAPES = (1.0, 1.35, 1.8, 2.4, 3.2, 4.5)
_ENDS = (0.8, 0.9, 1.0, 1.1, 1.22, 1.36)
"""Half-width of the opening over the collar's: the front often begins a little outside the collar's highest points."""
_STEP_CAP = 0.30
"""A step of brightness or chroma (log) beyond this says no more: prints are always more contrasty than collars."""
_CLEAR_EDGE = 0.20
"""Score that noise, weave and folds do not reach."""
_INSIDE = 0.014
"""Edges nearer than this to the silhouette's own outline are the outline, not the neckline."""
_ON_LABEL = 0.5
"""What an edge on a label is worth: mostly its own, though some hang down behind the neckline."""
_LEAST_SEEN = 0.45
_UNSEEN_DEPTH = 0.55
"""Depth over half-width assumed where the back shows inside but its edge does not (black on black)."""
TALL_COLLAR = 0.055
"""Height of a collar, in shares of the garment's, from which it stands round the neck."""
_FIRST_OF_EQUALS = 0.85
"""The topmost curve with this share of the best score is the neckline: ribs and yokes lie below it."""
_SECOND_BEST = 0.6
"""A deeper curve needs this share of the best score to make the topmost one the edge of the back's inside."""
_BACK_BAND = 0.075
"""A band inside the back lies no deeper than this below the back's own outline."""
_FRONT_LIGHTER = 0.3
_RIGHT_WAY = 0.3
"""An edge at which the cloth gets lighter downwards by this share of the cap all along."""
_INSIDE_DARKER, _INSIDE_TINTED = 0.10, 0.12
"""How much darker (log), or otherwise coloured, the back's inside is than the front beside it."""
_BUSY = 0.16
"""Spread of a front's light (log) from which it is a pattern."""
_POINTS, _MORE_POINTED = (0.35, 0.5), 1.1
"""How pointed a deep neckline with steep ends is tried, and how much more clearly it must then be seen."""
_CUT_OUT, _ABOVE_NOTHING = 0.06, 0.015
"""From this depth of the silhouette's notch on nothing of the back is seen in it. Above a front that ends less below a
shallower notch no back is seen either: its outline alone was found.
"""
_PLAINLY = 1.5
"""How many times as clearly as an ordinary other edge a neckline is seen that is beyond doubt."""
_SUNK = 0.75
"""The front beside a neckline's ends is read down to this share of its depth."""
_TONES = (10.0, 30.0, 60.0, 90.0)
_LINING_TINTED = 0.3
"""A lining paler than a plain front is another cloth: its chroma differs by this share of its lightness."""
_LINING_PALER = 0.10
"""A pale lining is paler than a pattern by this (log) at each of these percentiles."""
_CRESCENT = 0.15
"""How much wider, over how much deeper, a front edge begins than the back's band; a rib runs beside it evenly."""
_WIDEST_RIB, _TWO_RIBS = 0.035, 1.8
"""A rib is no wider than this; a front edge lies lower than the back's rib by so many widths: its own and some more."""
_MOST_PEAKS, _PEAK_GAP = 7, 0.04
_RIVAL_GAP = 0.09
"""A second candidate at least this much deeper or shallower is another neckline, not the same one seen worse."""
_ON_BORDER = 0.012
"""A collar that begins this near to the photo's upper border, in shares of the garment's height, is cut off by it."""
_NOT_FOLLOWED = 0.45
"""Trust in a curve that crosses edges, but beside which none goes all the way."""
SURE = 0.5
"""A neckline trusted less than this is announced."""


@dataclass(frozen=True, slots=True)
class NecklineFit:
    """The front neckline as points `(SAMPLES, 2)` in garment photo pixels, left to right.

    depth: of its lowest point below its ends; width: half of it, over the collar's. clear: an edge was seen.
    trust: 0..1, how surely it is the neckline and not a fold, a seam or a print.
    """

    points: F64
    depth: float
    shape: float
    width: float
    clear: bool
    trust: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What all candidates share. top: heights of the silhouette's upper outline at `at` (half-widths), left, right."""

    params: F64
    at: F64
    top: F64
    silhouette: Silhouette
    raster: Raster
    label: Label | None

    def draw(self, family: F64, samples: int = _PROBES) -> F64:
        """Return the curves of candidates `(n, 4)` (half-width, depth, shape, lean) as `(n, samples, 2)`.

        A fifth number says how pointed a curve is that sinks steeply at its ends.
        """
        half, depth, shape, lean = (family[:, place, None] for place in range(4))
        point = family[:, 4:5] if family.shape[1] > 4 else 0.0
        x = np.linspace(-1, 1, samples)[None]
        ends = np.stack([np.interp(family[:, 0], self.at, row) for row in self.top], axis=-1)
        base = ends[:, :1] * (1 - x) / 2 + ends[:, 1:] * (1 + x) / 2
        hang = 1 - (1 - point) * np.abs(x) ** shape - point * np.abs(x)
        y = base + depth * hang
        tilt = self.params[P.TILT]
        lateral = (x + lean * hang) * half  # wrapped fronts meet beside the middle
        return np.stack([self.params[P.CENTRE] + tilt * y + lateral, y - tilt * lateral], axis=-1)


def _trace_top(silhouette: Silhouette, p: F64) -> tuple[F64, F64]:
    """Return half-widths and, left and right, the upper outline's height there, in template coordinates."""
    at = np.linspace(0.0, float(p[P.SHOULDER_X]) * 1.05, 60)
    y = np.linspace(-0.03, float(p[P.ARMPIT_Y]) + 0.35, 320)
    top = np.zeros((2, len(at)))
    for row, side in enumerate((-1, 1)):
        points = to_picture(np.stack(np.broadcast_arrays(at[:, None], y[None]), -1), p, side)
        inside = silhouette.sample(points) < 0
        first = np.where(inside.any(axis=1), inside.argmax(axis=1), len(y) - 1)
        top[row] = y[first]
    smooth = np.apply_along_axis(lambda row: np.convolve(np.pad(row, 2, mode="edge"), np.ones(5) / 5, "valid"), 1, top)
    return at, smooth


def find_neckline(rgb: U8, silhouette: Silhouette, fit: Fit) -> NecklineFit:
    """Return the front neckline of a top."""
    found = _find(rgb, silhouette, fit)
    is_cut_off = found.points[:, 1].min() < _ON_BORDER * silhouette.photo_scale
    return replace(found, trust=min(found.trust, _NOT_FOLLOWED)) if is_cut_off else found


def _find(rgb: U8, silhouette: Silhouette, fit: Fit) -> NecklineFit:
    p = fit.params
    at, top = _trace_top(silhouette, p)
    label = find_label(rgb, silhouette, p)
    search = _Search(p, at, top, silhouette, prepare_raster(rgb, silhouette, p), label)
    collar = max(float(p[P.COLLAR_X]), 0.03)
    family = _list_candidates(collar)
    family = family[_possible(search, family)]
    hole = float(top[:, :3].mean()) - _end_height(search, collar)
    scores = _score(search, family, coarse=True)[0] if len(family) else np.zeros(0)
    peaks = [_refine(search, family[place]) for place in _peaks(family[:, 1], scores)]
    if max((peak.score for peak in peaks), default=0.0) < _CLEAR_EDGE:
        return _fall_back(search, collar, hole)
    found = _pointed(search, _choose(search, peaks, hole))
    # All over a knitted collar's ribs there are such edges; worn, its own upper edge is the one before the neck.
    if float(p[P.NECK_Y] - p[P.COLLAR_Y]) > TALL_COLLAR and _over_others(found, peaks) < _PLAINLY:
        return _fall_back(search, collar, hole)
    rib = _find_rib(search, found, peaks)
    followed = found if rib is None else rib.outer
    curve = search.draw(followed.family[None], 4 * SAMPLES + 1)[0]
    edge = snap_neckline(rgb, silhouette, curve, SAMPLES, is_paler=followed.lighter < -_FRONT_LIGHTER)
    is_outline = 0 < hole < _CUT_OUT and found.depth < hole + _ABOVE_NOTHING
    trust = min(_trust(followed, peaks), 1.0 if edge.agrees and not is_outline else _NOT_FOLLOWED)
    family, points = (found.family, edge.points) if rib is None else (rib.inner, move_inwards(edge.points, rib.width))
    neckline = _pack(search, family, collar, clear=True, trust=trust)
    return replace(neckline, points=silhouette.to_photo(_let_fall(points, silhouette)))


@dataclass(frozen=True, slots=True, eq=False)
class _Rib:
    """A collar's rib at the front. outer: the clear edge where the front begins; inner: the family of its other one."""

    outer: _Peak
    inner: F64
    width: float


def _find_rib(search: _Search, found: _Peak, peaks: list[_Peak]) -> _Rib | None:
    """Return the front's rib where what was found only edges the back's: a rib goes all round, and as wide.

    Dark on dark, the edge between the front's rib and the back's inside is hardly seen.
    """
    shares = np.linspace(-0.4, 0.4, 9)
    back = np.stack([np.interp(np.abs(shares) * found.half, search.at, row) for row in search.top]).mean(axis=0)
    ends = float(np.mean([np.interp(found.half, search.at, row) for row in search.top]))
    width = float(np.mean(ends + found.depth * (1 - np.abs(shares) ** found.family[2]) - back))
    if not 0.0 < width < _WIDEST_RIB:
        return None
    for outer in peaks:
        if outer.score < _FIRST_OF_EQUALS * found.score or outer.lighter < _FRONT_LIGHTER:
            continue
        far = float(np.diff(search.draw(np.stack([found.family, outer.family]), 3)[:, 1, 1])[0])
        inner = outer.family - [width, width, 0.0, 0.0]
        inner[1] += _end_height(search, outer.half) - _end_height(search, float(inner[0]))
        if far > _TWO_RIBS * width and _is_inside(search, found.family, replace(outer, family=inner)):
            return _Rib(outer, inner, width)
    return None


def _let_fall(points: F64, silhouette: Silhouette) -> F64:
    """Return a neckline that nowhere runs through the air: where it does, the cloth's own outline is its edge."""
    falls = np.arange(0.0, 0.4, silhouette.pixel)
    below = np.stack(np.broadcast_arrays(points[:, None, 0], points[:, None, 1] + falls), -1)
    inside = silhouette.sample(below) < 0
    fall = np.where(inside.any(axis=1), falls[inside.argmax(axis=1)], 0.0)
    fallen: F64 = points + np.stack([np.zeros_like(fall), fall], -1)
    return fallen


def _trust(found: _Peak, peaks: list[_Peak]) -> float:
    """Return how surely a candidate is the neckline: clear by itself, and no other as good below it."""
    below = [peak for peak in peaks if peak.depth > found.depth + _RIVAL_GAP]
    rival = max((peak.score for peak in below if peak.lighter > _FRONT_LIGHTER), default=0.0)
    clear = np.clip((found.score - _CLEAR_EDGE) / 0.2, 0.0, 1.0)
    alone = np.clip((1.2 - rival / found.score) / 0.4, 0.2, 1.0)
    # A band inside the back that nothing below answers to: the front's edge was not seen.
    # In leopard and stripes any curve crosses edges: the neckline must stand out from them.
    stands_out = np.clip((_over_others(found, peaks) - 1) / (_PLAINLY - 1), 0.2, 1.0)
    turned = found.lighter < 0.1 and any(peak.score > _SECOND_BEST * found.score for peak in below)
    return float(min(clear * alone, stands_out, 0.4 if turned else 1.0))


def _over_others(found: _Peak, peaks: list[_Peak]) -> float:
    """Return how much more clearly a candidate is seen than those elsewhere."""
    others = [peak.score for peak in peaks if abs(peak.depth - found.depth) > 0.5 * _PEAK_GAP]
    return found.score / max(float(np.median(others or [0.0])), 0.05)


def _list_candidates(collar: float) -> F64:
    """Return the coarse grid of curves: (half-width, depth, shape, lean); only pointed ones may lean."""
    upright = [(collar * end, depth, shape, 0.0) for end, depth, shape in product(_ENDS, _DEPTHS, _SHAPES)]
    leaning = [
        (collar * end, depth, shape, lean)
        for end, depth, shape, lean in product(_ENDS[1::2], _DEPTHS[6::2], _SHAPES[:2], (-0.35, 0.35))
    ]
    return np.array(upright + leaning, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Peak:
    """One candidate at its best. family: see `_Search.draw`. lighter: see `_score`."""

    family: F64
    score: float
    lighter: float

    @property
    def half(self) -> float:
        return float(self.family[0])

    @property
    def depth(self) -> float:
        return float(self.family[1])


def _choose(search: _Search, peaks: list[_Peak], hole: float) -> _Peak:
    """Return the neckline among candidates: the topmost good one, unless it only edges the back's inside."""
    best = max(peak.score for peak in peaks)
    good = [peak for peak in peaks if peak.score >= max(_CLEAR_EDGE, _FIRST_OF_EQUALS * best)]
    top = min(good, key=lambda peak: peak.depth)
    tall = float(search.params[P.NECK_Y] - search.params[P.COLLAR_Y])
    if tall > TALL_COLLAR:
        return top
    if top.depth > max(hole, 0.0) + _BACK_BAND:
        return _explain(search, top, [peak for peak in peaks if peak.score >= _SECOND_BEST * best], hole)
    for peak in sorted(peaks, key=lambda peak: -peak.score):
        deeper = peak.depth - top.depth
        if deeper < 0.05 or peak.score < max(_CLEAR_EDGE, _SECOND_BEST * best) or abs(peak.lighter) < _FRONT_LIGHTER:
            continue
        # A rib runs beside the edge that it belongs to.
        is_rib = top.lighter > _RIGHT_WAY and peak.half - top.half > _CRESCENT * deeper
        if not is_rib and _is_inside(search, top.family, peak):
            return peak if peak.lighter > 0 else _refine_lining(search, peak)
    return top


def _explain(search: _Search, top: _Peak, peaks: list[_Peak], hole: float) -> _Peak:
    """Return the neckline above which the inside of the back shows: in a pattern a tie's ends make edges, too."""
    outline = np.array([top.half, max(hole, 0.0) + 0.012, 2.0, 0.0])
    if _is_plain(search, top) or _is_inside(search, outline, top):
        return top
    higher = [peak for peak in peaks if peak.depth < top.depth - _PEAK_GAP and peak.score >= _CLEAR_EDGE]
    inside = [peak for peak in higher if abs(peak.lighter) > _FRONT_LIGHTER and _is_inside(search, outline, peak)]
    found = max(inside, key=lambda peak: peak.score, default=top)
    return found if found.lighter > 0 else _refine_lining(search, found)


def _peaks(depth: F64, scores: F64) -> list[int]:
    """Return the best candidates of some depths apart from each other, best first."""
    found: list[int] = []
    for place in np.argsort(-scores):
        if scores[place] <= 0 or len(found) == _MOST_PEAKS:
            break
        if all(abs(depth[place] - depth[other]) > _PEAK_GAP for other in found):
            found.append(int(place))
    return found


def _is_inside(search: _Search, upper: F64, lower: _Peak) -> bool:
    """Tell whether the cloth between two curves is the back's inside: not the cloth beside the lower one's ends."""
    lines = search.draw(np.array([upper, lower.family]), 25)
    shares = np.linspace(0.15, 0.85, 9)[:, None, None]
    inside = _read_cloth(search, (lines[0] + (lines[1] - lines[0]) * shares)[:, 6:19])
    front = _read_cloth(search, points_beside(lines[1]))
    if min(len(inside), len(front)) < 12:
        return False
    # In a pattern any two places differ: shadow darkens its pale parts too, a lining is paler than all of it.
    tones = np.percentile(front[:, 0], _TONES) - np.percentile(inside[:, 0], _TONES)
    is_busy = float(front[:, 0].std()) > _BUSY
    if lower.lighter < 0:
        threads = _read_cloth(search, (lines[0] + (lines[1] - lines[0]) * shares)[:, 6:19], search.raster.threads)
        # Lace is pale by what is seen through it; its threads are as dark as the front.
        is_cloth = float(np.median(threads)) > float(np.percentile(front[:, 0], _TONES[0])) + _LINING_PALER
        is_paler = is_busy and bool((tones < -_LINING_PALER).all())
        return is_cloth and (
            is_paler or (not is_busy and bool((tones < 0).all()) and _tint_step(front, inside) > _LINING_TINTED)
        )
    if is_busy and min(tones[-1], tones[-2]) < _INSIDE_DARKER:
        return False
    step = front.mean(axis=0) - inside.mean(axis=0)
    return bool(step[0] > _INSIDE_DARKER or (step[0] > -0.05 and np.hypot(step[1], step[2]) > _INSIDE_TINTED))


def _tint_step(front: F32, inside: F32) -> float:
    """Return how much two cloths differ in chroma, over their lightness: of dark cloth the chroma is small too."""
    step = front[:, 1:].mean(axis=0) - inside[:, 1:].mean(axis=0)
    return float(np.hypot(*step) / np.exp(0.5 * (front[:, 0].mean() + inside[:, 0].mean())))


def _is_plain(search: _Search, peak: _Peak) -> bool:
    """Tell whether the front beside a candidate has no pattern."""
    front = _read_cloth(search, points_beside(search.draw(peak.family[None], 25)[0]))
    return len(front) < 12 or float(front[:, 0].std()) <= _BUSY


def points_beside(line: F64) -> F64:
    """Return points on the front beside the ends of a curve of 25 points: a print lies below its middle."""
    reach = np.linspace(0.015, 0.06, 6)[:, None, None]
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1)
    normal /= np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-9)[:, None]
    # Where it has sunk by half a curve is beside the shoulders no more.
    chord = np.linspace(line[0, 1], line[-1, 1], len(line))
    sunk = (line[:, 1] - chord) / max(float((line[:, 1] - chord).max()), 1e-9)
    ends = [place for place in (*range(1, 8), *range(17, 24)) if sunk[place] < _SUNK]
    points: F64 = line[ends] + reach * normal[ends]
    return points


def _read_cloth(search: _Search, points: F64, planes: F32 | None = None) -> F32:
    """Return the (fine) planes at those of some points that lie on the garment, `(n, planes)`."""
    spots = points.reshape(-1, 2)
    kept = spots[search.silhouette.sample(spots) < -0.006]
    planes = search.raster.fine if planes is None else planes
    cloth: F32 = search.raster.read(planes, kept[None])[0] if len(kept) else np.zeros((0, 3), np.float32)
    return cloth


def _end_height(search: _Search, half: float) -> float:
    return float(np.mean([np.interp(half, search.at, row) for row in search.top]))


def _possible(search: _Search, family: F64) -> Bool:
    """Tell the candidates that can be: below the outline in the middle, above the armpits' line, below a label."""
    p = search.params
    half, depth, shape = family[:, 0], family[:, 1], family[:, 2]
    ends = np.stack([np.interp(half, search.at, row) for row in search.top], -1).mean(axis=1)
    hole = float(search.top[:, :3].mean()) - ends
    deepest = float(p[P.ARMPIT_Y]) + 0.13 - ends
    allowed = (depth < deepest) & (depth > hole - 0.02) & (half < 0.95 * p[P.SHOULDER_X])
    label = search.label
    if label is not None:  # a label is sewn to the inside of the back: the front begins below all of it
        allowed &= depth * (1 - label.reach**shape) > label.bottom + 0.004 + float(p[P.COLLAR_Y]) - ends
    possible: Bool = allowed
    return possible


def _score(search: _Search, family: F64, *, coarse: bool, way: int = 1) -> tuple[F64, F64]:
    """Return how clearly the picture shows an edge along each candidate, and how much lighter the cloth below it is.

    The score is 0 where most of a curve leaves the garment. coarse: forgives a curve that runs a little beside.
    way: 1 where the front is expected to be lighter than the inside, -1 where a pale lining shows.
    """
    points = search.draw(family)
    tangent = np.gradient(points, axis=1)
    tangent /= np.maximum(np.hypot(tangent[..., 0], tangent[..., 1]), 1e-9)[..., None]
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], -1)  # downwards: from the inside of the back to the front
    visible = search.silhouette.sample(points) < -_INSIDE
    pixel, raster = search.raster.pixel, search.raster
    planes, reach = (raster.coarse, 3.0) if coarse else (raster.fine, 1.5)
    near = _step(raster, planes, points, reach * pixel * normal)
    far = _step(raster, raster.coarse, points, 4.5 * pixel * normal)
    strength = np.minimum(np.sqrt(summed(near**2)) / _STEP_CAP, 1.0)
    # The inside of the back lies in shadow: going down, the front begins where it gets lighter.
    strength = np.sqrt(strength) * np.where(way * near[..., 0] > -0.02, 1.0, 0.75)
    if search.label is not None:
        strength = np.where(search.label.covers(points), _ON_LABEL * strength, strength)
    pieces = np.sort(_piecewise(strength, visible), axis=1)
    edge = 0.5 * _mean_known(pieces) + 0.5 * _mean_known(pieces[:, :3])
    count = np.maximum(visible.sum(axis=1), 1)
    step = far / np.maximum(np.sqrt(summed(far**2))[..., None], _STEP_CAP)
    agreed = (step * visible[..., None]).sum(axis=1) / count[:, None]
    constancy = np.sqrt((agreed**2).sum(axis=-1)) * np.where(way * agreed[:, 0] < -0.15, 0.5, 1.0)
    score = edge * (0.45 + 0.55 * np.sqrt(constancy)) * _prior(search, family)
    return np.where(visible.mean(axis=1) >= _LEAST_SEEN, score, 0.0), agreed[:, 0].astype(np.float64)


def _step(raster: Raster, planes: F32, points: F64, reach: F64) -> F32:
    """Return how the planes change across each point."""
    step: F32 = raster.read(planes, points + reach) - raster.read(planes, points - reach)
    return step


def _piecewise(strength: npt.NDArray[np.floating], seen: Bool) -> F64:
    """Return the mean strength on each of some pieces of the curves; NaN sorts last, where a piece is not seen."""
    pieces = np.array_split(np.arange(_PROBES), _PIECES)
    table = np.full((len(strength), _PIECES), np.nan)
    for place, piece in enumerate(pieces):
        count = seen[:, piece].sum(axis=1)
        total = (strength[:, piece] * seen[:, piece]).sum(axis=1)
        table[:, place] = np.where(count >= 2, total / np.maximum(count, 1), np.nan)
    return table


def _mean_known(table: F64) -> F64:
    """Return each row's mean over what is not NaN, 0 where nothing is known."""
    known = ~np.isnan(table)
    mean: F64 = np.where(known, table, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean


def _prior(search: _Search, family: F64) -> F64:
    """Return how likely necklines are: they begin at the collar's highest points, and deep ones are hardly square."""
    half, depth, shape = family[:, 0], family[:, 1], family[:, 2]
    ends = np.stack([np.interp(half, search.at, row) for row in search.top], -1).mean(axis=1)
    highest = float(np.min(search.top.mean(axis=0)))
    fallen = np.exp(-np.maximum(ends - highest - 0.015, 0) / 0.08)
    deep = depth > 1.1 * half
    square = np.where(deep, np.interp(shape, [1.8, 2.4, 3.2, 4.5], [1.0, 0.9, 0.8, 0.7]), 1.0)
    # A hand's breadth and more below the collar a front is open as a V.
    pointed = np.where(depth > 1.8 * half, np.interp(shape, [1.4, 1.8], [1.0, 0.75]), 1.0)
    likely: F64 = fallen * square * pointed
    return likely


def _refine_lining(search: _Search, peak: _Peak) -> _Peak:
    """Return the best front edge under a pale lining near one that was found as if the lining were in shadow."""
    around = product((0.9, 1.0, 1.1), np.linspace(-0.05, 0.02, 8), (1.2, 1.6, 2.0, 2.4))
    family = np.array([(peak.half * wide, peak.depth + more, shape, 0.0) for wide, more, shape in around])
    scores = _score(search, family, coarse=True, way=-1)[0]
    return _refine(search, family[int(np.argmax(scores))], way=-1)


def _pointed(search: _Search, found: _Peak) -> _Peak:
    """Return a deep neckline that sinks steeply at its ends and still meets in a point, as wrapped fronts do, if it is
    one.
    """
    if found.depth < found.half:
        return found
    way = -1 if found.lighter < -_FRONT_LIGHTER else 1
    half, depth, _, lean = found.family[:4]
    around = product(np.linspace(0.9, 1.3, 5), (2.4, 3.2), (-0.05, 0.0, 0.05), _POINTS)
    family = np.array([(half, depth * deep, shape, lean + more, point) for deep, shape, more, point in around])
    scores = _score(search, family, coarse=True, way=way)[0]
    pointed = _refine(search, family[int(np.argmax(scores))], way=way)
    return pointed if pointed.score > _MORE_POINTED * found.score else found


def _refine(search: _Search, chosen: F64, *, way: int = 1) -> _Peak:
    """Return the best candidate in the neighbourhood of a coarse one. way: see `_score`."""
    steps = np.pad(np.array([0.05 * chosen[0], 0.008, 0.2 * chosen[2], 0.04]), (0, len(chosen) - 4))
    moves = np.pad(np.array(list(product((-1.0, 0.0, 1.0), repeat=4))), ((0, 0), (0, len(chosen) - 4)))
    for round_number in range(4):
        family = chosen + moves * steps
        family[:, 2] = np.clip(family[:, 2], 1.0, 5.0)
        family[:, 1] = np.maximum(family[:, 1], 0.012)
        scores, lighter = _score(search, family, coarse=round_number == 0, way=way)
        best = int(np.argmax(scores))
        chosen, steps = family[best], steps * 0.6
    return _Peak(chosen, float(scores[best]), float(lighter[best]))


def _fall_back(search: _Search, collar: float, hole: float) -> NecklineFit:
    """Say where the neckline must be though no edge was seen: the outline itself, or an ordinary depth."""
    if hole > _CUT_OUT:  # the opening is cut out of the silhouette: nothing of the back is seen
        lateral = np.linspace(-1, 1, SAMPLES) * collar
        y = np.where(lateral < 0, *(np.interp(np.abs(lateral), search.at, row) for row in search.top)) - 0.004
        p = search.params
        left, right = (to_picture(np.stack([np.abs(lateral), y], -1), p, side) for side in (-1, 1))
        points = _let_fall(np.where((lateral < 0)[:, None], left, right), search.silhouette)
        return NecklineFit(search.silhouette.to_photo(points), hole, 2.0, 1.0, clear=True)
    tall = float(search.params[P.NECK_Y] - search.params[P.COLLAR_Y])
    # A rolled collar shows no more of its back than its upper edge.
    depth = max(hole, 0.02) if tall > TALL_COLLAR else max(hole, _UNSEEN_DEPTH * collar)
    return _pack(search, np.array([collar, depth, 2.0, 0.0]), collar, clear=False, trust=0.3)


def _pack(search: _Search, found: F64, collar: float, *, clear: bool, trust: float) -> NecklineFit:
    half, depth, shape = (float(value) for value in found[:3])
    shape = 1.0 if len(found) > 4 else shape  # it meets in a point, however steep its ends
    points = search.silhouette.to_photo(_let_fall(search.draw(found[None], SAMPLES)[0], search.silhouette))
    return NecklineFit(points, depth, shape, half / collar, clear, trust)


def name_neckline(fit: Fit, neckline: NecklineFit, has_collar: bool) -> Neckline:
    """Return the neckline's kind."""
    p = fit.params
    half = float(p[P.COLLAR_X]) * neckline.width
    strap = float(p[P.SHOULDER_X] - p[P.NECK_X])
    if fit.sleeve is SleeveModel.NONE and strap < 0.25 * float(p[P.ARMPIT_X]):
        return Neckline.STRAPS
    if has_collar:
        return Neckline.HIGH
    if neckline.shape < 1.5 and neckline.depth > 0.8 * half:
        return Neckline.V
    if neckline.depth > 0.95 * half:
        return Neckline.SCOOP
    if half > 0.55 * float(p[P.SHOULDER_X]):
        return Neckline.BOAT
    return Neckline.CREW
