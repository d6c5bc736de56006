"""Trousers and skirts where the old top hid them: one piece with what is seen of them, as high as they are worn.

Their cloth is unrolled in rays that narrow with the body from hem to waist. What it shows just below the old hem goes
on along the rays (creases and seams rise to the waist, folds fade out), a film evens out what is left at the border,
and the weave comes from the cloth itself. The shadow that the old hem threw on it is read as one profile along the
hem, and taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64, Bool
from studio.domain.labels import Cihp
from studio.pipeline.planes import mix
from studio.pipeline.tryon.draping.beside import paint_beside
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body, Evidence, run_length
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.fill import draw_polygon, fill_smoothly, smooth_known

BELOW_WAIST = 0.15
"""How far a waistband may slant or sag, in shoulder widths: torso and trousers are drawn to beyond its line."""
REACH = 1.2
"""How far below the waist a lower garment is read, in shoulder widths."""
HIP_FADE = 0.3
"""Within which height, in shoulder widths, a lower garment that stands off the hips comes back to them."""
LEAST = 0.01
"""Of a lower garment smaller than this, in squared shoulder widths, nothing can be said."""
SHADOW, SHADOW_WIDE, FAR_WIDE, DARKEST = 0.14, 0.06, 4.0, 0.9
"""How far below it a hem's shadow reaches and how far it is averaged along it, in shoulder widths; how many times
farther what lies out of it is; the most (log) that a shadow takes."""
STRIP = 0.08
"""How much of the cloth below the hem says what it is like above, in shoulder widths."""
SEAM, FOLD, FADE, BORDER = 3.0, 0.1, 0.1, 3
"""What is narrower than `SEAM` pixels goes on to the waist, what is wider than `FOLD` shoulder widths is light; all
that the cloth's first `BORDER` rows show besides fades out within `FADE` shoulder widths."""
WEAVE, WEAVE_STRIP, MOST_WEAVE = 1.5, 0.2, 3.0
"""Detail finer than this is the cloth's weave; over how many shoulder widths it is read; how many times its usual
strength it may have."""
FILM = 2.0
"""How far (pixels) what is evened out at the border is averaged."""
CROTCH, SOFT = 1.1, 5.0
"""Down to here, in shares of neck to hips, a person has no gap between the flanks; a flank's soft edge, in pixels."""
HUNG, ON_HAND = 0.35, 1.9
"""What hung down over a lower garment is no wider, in shoulder widths; from this place on an arm is a hand."""
_RIM = 2


@dataclass(frozen=True, slots=True, eq=False)
class Continued:
    """A lower garment without the old top, float32 on the working raster.

    rgb: `(h, w, 3)` in 0..255, coverage: `(h, w)` in [0, 1], everywhere it lies, to above the waist. gain: `(h, w, 3)`,
    factor on the photo that takes the old hem's shadow off it; None where none is seen.
    """

    rgb: F32
    coverage: F32
    gain: F32 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Rays:
    """The lower garment's coordinates. across: -1..1 between its flanks, per pixel; depth: per pixel.

    shares: of the rays. border: the depth at which each ray comes out below the old top.
    """

    body: Body
    across: F32
    depth: F32
    shares: F64
    border: F64
    depths: F64
    halves: tuple[F64, F64]

    def points(self, depth: F64) -> F32:
        """Return the picture points `(rays, n, 2)` at depths `(rays, n)`."""
        share = np.broadcast_to(self.shares[:, None], depth.shape)
        half = np.where(share < 0, *(np.interp(depth, self.depths, row) for row in self.halves))
        points = self.body.place((share * half).reshape(-1), depth.reshape(-1)).reshape(*depth.shape, 2)
        picture: F32 = points.astype(np.float32)
        return picture

    def read(self, plane: F32, deeper: F64) -> F32:
        """Return a plane along the rays, at these depths below the border, `(rays, n)` or `(rays, n, 3)`."""
        points = self.points(self.border[:, None] + deeper[None])
        values: F32 = cv2.remap(plane, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return values

    def below(self) -> F32:
        """Return how far each pixel lies below the border."""
        border = np.interp(self.across, self.shares, self.border)
        below: F32 = (self.depth - border).astype(np.float32)
        return below

    def spread(self, table: F32, row: F32) -> F32:
        """Return a table `(rays, n[, 3])` at each pixel's ray and at a row of it."""
        ray = (self.across - self.shares[0]) / (self.shares[1] - self.shares[0])
        spread: F32 = cv2.remap(
            table, row.astype(np.float32), ray.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return spread


def continue_lower(person: tuple[Body, Evidence, BodyFields], removed: F32, waist: float, *, hangs: bool) -> Continued:
    """Continue trousers or a skirt upwards to above the waist.

    removed: where the old top (and its bleed) stood, `(h, w)`. waist: depth at which they begin, in pixels. hangs: the
    old top hung over them, and its shadow is seen on them.
    """
    body, evidence, fields = person
    shape = fields.shape
    lower = np.isin(evidence.labels, LOWER_BODY) & (removed < 0.01)
    if lower.sum() < LEAST * body.size**2:
        return Continued(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32))
    depth = np.linspace(waist - BELOW_WAIST * body.size, waist + REACH * body.size, 44)
    left, right = (_lower_half(body, (lower, evidence.alpha), depth, side) for side in (-1, 1))
    halves = (left, right)
    if not evidence.leak_free and (between := _find_between(person, lower, removed)).any():
        halves = (
            _widened(body, lower | between, depth, (left, -1)),
            _widened(body, lower | between, depth, (right, 1)),
        )
    outline = [body.place(side * half, depth) for side, half in zip((-1, 1), halves, strict=True)]
    coverage = draw_polygon(np.concatenate([outline[0], outline[1][::-1]]), shape)
    if not evidence.leak_free:
        inner = [np.interp(fields.depth, depth, half) - SOFT for half in halves]
        solid = (-inner[0] < fields.lateral) & (fields.lateral < inner[1]) & (fields.depth < CROTCH * body.length)
        coverage = coverage * np.where(solid, 1, np.clip(evidence.alpha * 1.5, 0, 1)).astype(np.float32)
    known = cv2.erode(lower.astype(np.uint8), np.ones((2 * _RIM + 1,) * 2, np.uint8), borderValue=1).astype(np.float32)
    rays = _cast_rays(body, fields, known, (depth, halves))
    rgb = evidence.rgb.astype(np.float32)
    gain = (
        _hem_shadow(rays, rgb, lower, np.isin(evidence.labels, LOWER_BODY))
        if hangs and not evidence.leak_free
        else None
    )
    if gain is not None:
        rgb = np.minimum(rgb * gain[..., None], 255.0)
    painted = _paint_above(rays, rgb, known, (body.size, removed > 0))
    return Continued(painted, coverage, None if gain is None else np.repeat(gain[..., None], 3, axis=2))


def _find_between(person: tuple[Body, Evidence, BodyFields], lower: Bool, removed: F32) -> Bool:
    """Return where the lower garment lies under what hung down over it: an end of a bow, a tie, a scarf.

    It goes on from one side to the other, and up to a hand that lies on it.
    """
    body, evidence, fields = person
    hands = np.isin(evidence.labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM)) & (np.maximum(*fields.along) > ON_HAND)
    hidden = removed > 0.5
    column = np.broadcast_to(np.arange(hidden.shape[1]), hidden.shape)
    first = np.maximum.accumulate(np.where(hidden, -1, column), axis=1)
    last = np.minimum.accumulate(np.where(hidden, hidden.shape[1], column)[:, ::-1], axis=1)[:, ::-1]
    beside = []
    for place in (first - _RIM, last + _RIM):
        at = np.clip(place, 0, hidden.shape[1] - 1)
        beside.append([np.take_along_axis(part, at, axis=1) for part in (lower, lower | hands)])
    held = (beside[0][0] & beside[1][1]) | (beside[0][1] & beside[1][0])
    found = hidden & held & (last - first < HUNG * body.size)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * _RIM + 1, 4 * _RIM + 1))
    calm = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    between: Bool = cv2.dilate(calm, np.ones((1, 4 * _RIM + 1), np.uint8)) > 0
    return between


def _widened(body: Body, lower: Bool, depth: F64, half: tuple[F64, int]) -> F64:
    """Return a half-width that reaches as far as the lower garment does, above and below going over into what it was.

    half: with the side it is on.
    """
    own, side = half
    reach = np.array([run_length(body, lower, float(at), side) or 0.0 for at in depth])
    more = np.maximum(reach - own, 0.0)
    away = np.abs(depth[:, None] - depth[None]) / (HIP_FADE * body.size)
    widened: F64 = own + (more[None] * np.clip(1 - away, 0.0, 1.0)).max(axis=1)
    return widened


def _cast_rays(body: Body, fields: BodyFields, known: F32, outline: tuple[F64, tuple[F64, F64]]) -> _Rays:
    depth, halves = outline
    side = [np.interp(fields.depth, depth, row) for row in halves]
    across = fields.lateral / np.maximum(np.where(fields.lateral < 0, *side), 1.0)
    shares = np.linspace(-1.1, 1.1, 2 * max(16, round(1.1 * float(max(row.max() for row in halves)))) + 1)
    steps = np.arange(depth[0], depth[-1], 1.0)
    rays = _Rays(body, across.astype(np.float32), fields.depth, shares, np.full(len(shares), depth[0]), depth, halves)
    seen = rays.read(known, steps - depth[0]) > 0.5
    run = np.asarray(cv2.erode(seen.astype(np.uint8), np.ones((1, 5), np.uint8), anchor=(0, 0))) > 0
    border = np.where(run.any(axis=1), steps[run.argmax(axis=1)], np.nan)
    found = ~np.isnan(border)
    if not found.any():
        return rays
    border = np.interp(shares, shares[found], border[found])
    return _Rays(body, rays.across, rays.depth, shares, border, depth, halves)


def _hem_shadow(rays: _Rays, rgb: F32, shown: Bool, lower: Bool) -> F32:
    """Return the factor that takes the old hem's shadow off the cloth below it.

    What grows darker towards the hem all along it is a shadow; what is dark in one place alone is a fold or a pocket.
    lower: the garment; shown: what of it is not painted anew.
    """
    size = rays.body.size
    steps = np.arange(-_RIM, 1.6 * SHADOW * size, 1.0)
    light = np.log(np.maximum(rays.read(rgb, steps).mean(axis=2), 4.0))
    sure = rays.read(shown.astype(np.float32), steps)
    sure = np.minimum.accumulate(sure, axis=1)  # beyond a hand or the gap between legs is another place
    wide = SHADOW_WIDE * size * len(rays.shares) / (2.2 * float(np.mean([row.mean() for row in rays.halves])))
    share = gaussian_filter1d(sure, wide, axis=0)
    calm = gaussian_filter1d(light * sure, wide, axis=0) / np.maximum(share, 1e-3)
    far = steps > SHADOW * size
    plain, seen = (gaussian_filter1d(part[:, far].sum(axis=1), FAR_WIDE * wide) for part in (light * sure, sure))
    plain = plain / np.maximum(seen, 1e-3)
    fall = np.clip(np.maximum.accumulate(calm - plain[:, None], axis=1), -DARKEST, 0.0)
    fall = np.where(share > 0.05, fall, 0.0)
    fall *= np.clip(2 - 2 * steps / (SHADOW * size), 0, 1)[None]
    below = np.maximum(rays.below() + _RIM, 0)
    taken = rays.spread(np.exp(-fall).astype(np.float32), below)
    # Cloth that lies out of the shadow is none the brighter for it.
    bright = rays.spread(np.exp(plain)[:, None].astype(np.float32), 0 * below)
    own = smooth_known(rgb, lower.astype(np.float32), WEAVE).mean(axis=2)
    taken = np.clip(bright / np.maximum(own, 4.0), 1.0, taken)
    inside = cv2.GaussianBlur((lower & (np.abs(rays.across) < 1.1)).astype(np.float32), (0, 0), 1.0)
    gain: F32 = (1 + (taken - 1) * inside).astype(np.float32)
    return gain


def _paint_above(rays: _Rays, rgb: F32, known: F32, wanted: tuple[float, Bool]) -> F32:
    """Return the cloth everywhere: as it is seen, and where it was hidden, as it goes on from there.

    wanted: the shoulder width, and what was hidden.
    """
    size, hidden = wanted
    below = rays.below()
    height = np.maximum(-below, 0)
    steps = np.arange(0.0, STRIP * size, 1.0)
    sure = np.minimum.accumulate(rays.read(known, steps), axis=1)
    weight = sure.sum(axis=1)
    if weight.sum() < 1.0:  # seen too far down for the rays: nothing of the old top may be left all the same
        return fill_smoothly(rgb, known + np.float32(1e-6))
    strip = rays.read(rgb, steps) * sure[..., None]
    total, first = strip.sum(axis=1), strip[:, :BORDER].sum(axis=1)
    seams, folds, light = (_average(total, weight, sigma) for sigma in (1.0, SEAM, FOLD * size))
    border = _average(first, sure[:, :BORDER].sum(axis=1), 1.0)
    lasting = seams - folds + light
    fading = np.exp(-np.arange(0.0, 2.0 * size) / (FADE * size))[None, :, None]
    table = (lasting[:, None] + (border - lasting)[:, None] * fading).astype(np.float32)
    going_on = rays.spread(table, height)
    near = known * (below < WEAVE_STRIP * size)
    film = fill_smoothly(smooth_known(rgb - going_on, near, FILM), near + np.float32(1e-6))
    weave = np.where(known[..., None] > 0.5, rgb - smooth_known(rgb, known, WEAVE), 0.0).astype(np.float32)
    most = MOST_WEAVE * np.median(np.abs(weave[near > 0.5]), axis=0) if (near > 0.5).any() else np.float32(0)
    weave = np.clip(weave, -most, most)  # a stitched line is not woven
    deep = np.arange(0.0, WEAVE_STRIP * size, 1.0)
    woven = rays.read(weave, deep) * (rays.read(known, deep) > 0.99)[..., None]
    there_and_back = np.abs((height + len(deep)) % (2 * len(deep)) - len(deep))
    mirrored = len(deep) - there_and_back
    painted = going_on + film + rays.spread(woven.astype(np.float32), mirrored.astype(np.float32))
    painted = np.clip(painted, 0, 255).astype(np.float32)
    beside, share = paint_beside(rgb, known > 0.5, size, hidden)
    beside = np.where(share[..., None] > 0, beside, painted)  # where there is none no black runs into the soft border
    painted = mix(painted, beside, cv2.GaussianBlur(share, (0, 0), FILM))
    result: F32 = np.where(known[..., None] > 0.5, rgb, painted).astype(np.float32)
    return result


def _average(total: F32, weight: F32, sigma: float) -> F64:
    """Return the mean colour of each ray's neighbourhood; rays without any take their neighbours'."""
    least = 1e-4 * float(weight.mean())
    mean = total.sum(axis=0) / float(weight.sum())
    averaged: F64 = (gaussian_filter1d(total, sigma, axis=0) + least * mean) / (
        gaussian_filter1d(weight, sigma)[:, None] + least
    )
    return averaged


def _lower_half(body: Body, seen_in: tuple[Bool, F32], depth: F64, side: int) -> F64:
    """Return the lower garment's half-width: as seen where its edge is seen, above that going over into the body's.

    seen_in: the lower garment, the person's alpha. An end against a hand or the old top says only what it is at least.
    """
    lower, alpha = seen_in
    half = body.half_width(depth, side)
    least = np.array([run_length(body, lower, float(at), side) or np.nan for at in depth])
    seen = least.copy()
    probes = body.place(side * (np.nan_to_num(seen) + 0.025 * body.size), depth).round().astype(int)
    x, y = np.clip(probes[:, 0], 0, alpha.shape[1] - 1), np.clip(probes[:, 1], 0, alpha.shape[0] - 1)
    seen[alpha[y, x] > 0.3] = np.nan
    known = np.flatnonzero(~np.isnan(seen))
    bounded = half
    if known.size >= 4:
        first = float(np.median(seen[known[:5]]))
        limit = np.interp(np.arange(len(depth)), known, seen[known])
        limit[: known[0]] = first
        # Wide trousers and skirts stand off the hips: what the old hem hid of them narrows towards the waist.
        standing_off = np.clip(first - half[known[0]], 0.0, 0.3 * body.size) * _fade(body, depth, known[0])
        bounded = np.clip(limit, 0.85 * half, half + standing_off)
    rows = np.flatnonzero(~np.isnan(least))
    if not rows.size:
        return bounded
    more = np.zeros(len(depth))
    more[rows] = np.maximum(least[rows] - bounded[rows], 0.0)
    widest: F64 = bounded + np.maximum(more, more[rows[0]] * _fade(body, depth, rows[0]) * (depth < depth[rows[0]]))
    return widest


def _fade(body: Body, depth: F64, first: int) -> F64:
    """Return how much of a width that stands off the hips is left above the first of these depths that shows it."""
    fade: F64 = np.exp(-np.maximum(depth[first] - depth, 0.0) / (HIP_FADE * body.size))
    return fade
