"""Snap a neckline to the edge it was found by: the family's curve is a shape, the cloth's edge is cut and worn.

The picture is read along the curve's normals at the photo's own resolution. Through this strip runs the smoothest path
at which the colour steps as it does nearly everywhere else on the way: from the inside of the back to the front. Sewn
labels and folds have edges too, but step otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.garments.fitting import Silhouette
from studio.pipeline.planes import largest, summed

_Places = npt.NDArray[np.intp]

_ALONG = 145
"""Samples along the curve; with the extensions about one per cent of the collar's width."""
_PER_WIDTH = 240
"""Offsets per collar width: less than a pixel of a photo of a thousand."""
_REACH = 20
"""Offsets searched to each side: eight per cent of the collar's width."""
_EXTENSION = 0.1
"""How far the curve goes on beyond its ends, in shares of the collar's width: to meet the outline farther out."""
_SIDE = 4
"""Offsets over which the cloth beside the edge is averaged."""
_STRONG, _WEAK = 0.25, 0.02
"""Steps (log light, chroma) that count in full, and such as noise makes."""
_LEAST_SEEN = 0.6
"""Share of the curve that must lie on the garment."""
_ABOVE_NOISE, _EVERYWHERE = 2.2, 0.75
"""An edge steps this many times more than the cloth around it, and more than it on this share of the way, or it is
not followed: in a pattern some edge is always near."""
_BEND, _HOLD = 0.035, 0.0012
"""Cost of a change of one offset between neighbours, and of one offset away from where the curve is expected."""
_WRONG_WAY = 0.6
"""What an edge is worth at which the cloth gets darker downwards."""
_ODD = 0.5
"""Cloth beside the edge that differs so much from all other is a label."""
_LIKE_FRONT = 0.3
"""Cloth that differs less than this from the front below the rest of the edge is the front."""
_FAR = 0.46
"""An edge farther off than this share of the reach, all along, is hardly the one the curve was found by."""
_LABEL_WORTH, _STIFF = 0.5, 6.0
"""A label's end is worth less than the edge beside it, and bends the line less: some are folded over it."""
_OUTLINE = 0.004, 0.014
"""Nearer to the silhouette's outline than this the backdrop is seen, not the neckline; beyond, the cloth alone."""
_END = 0.15
"""Share of the line that may be cut off at either end, the extension included."""
_TURN = 0.15
"""A radian's turn takes as many of the line's points as this share of its length."""
_BIAS_PX = 1.8
"""The line is laid so many pixels of the photo into the front, which is how soft edges are: no inside shows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """The picture along a curve's normals. points, normals: `(n, 2)`, normalised. step: `(n, offsets, 3)`.

    seen: 0..1, the point lies on the garment. pixel: of one offset, normalised.
    """

    points: F64
    normals: F64
    above: F32
    below: F32
    seen: F64
    pixel: float


@dataclass(frozen=True, slots=True)
class Snapped:
    """A neckline's points, `(samples, 2)`, normalised. agrees: the cloth does not speak against the curve."""

    points: F64
    agrees: bool


def snap_neckline(rgb: U8, silhouette: Silhouette, curve: F64, samples: int, *, is_paler: bool = False) -> Snapped:
    """Return a neckline on the edge beside a curve `(n, 2)`, normalised, and joined to the outline.

    is_paler: the back's inside is paler than the front, a lining's; else it lies in shadow.
    The curve itself comes back where no edge is seen along it, as where an opening is cut out of the silhouette.
    """
    strip = _read_strip(rgb, silhouette, curve)
    is_on_cloth = bool(np.mean(strip.seen > 0.5) >= _LEAST_SEEN)
    offset = _trace(strip, -1 if is_paler else 1) if is_on_cloth else None
    if offset is None:
        return Snapped(curve[np.linspace(0, len(curve) - 1, samples).round().astype(int)], not is_on_cloth)
    line = strip.points + (offset * strip.pixel + _BIAS_PX / silhouette.photo_scale)[:, None] * strip.normals
    first, last = _find_ends(line, silhouette)
    middle = int(np.argmin(np.hypot(*(strip.points - curve[len(curve) // 2]).T)))
    is_near = bool(np.sqrt(np.mean(offset**2)) < _FAR * _REACH)
    return Snapped(_resample(line[first:last], middle - first, samples), is_near)


def move_inwards(line: F64, width: float) -> F64:
    """Return a neckline `(n, 2)`, left to right, moved towards the neck."""
    tangent = np.gradient(line, axis=0)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], -1) / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    moved: F64 = line + width * normal
    return moved


def _read_strip(rgb: U8, silhouette: Silhouette, curve: F64) -> _Strip:
    width = max(float(np.hypot(*(curve[-1] - curve[0]))), 1e-3)
    points = _extend(curve, _EXTENSION * width)
    tangent = cv2.GaussianBlur(np.gradient(points, axis=0), (1, 0), 1e-3, sigmaY=3.0, borderType=cv2.BORDER_REPLICATE)
    normals = np.stack([-tangent[:, 1], tangent[:, 0]], -1)
    normals /= np.maximum(np.hypot(normals[:, 0], normals[:, 1]), 1e-9)[:, None]
    pixel = width / _PER_WIDTH
    offsets = np.arange(-_REACH - _SIDE - 1, _REACH + _SIDE + 2) * pixel
    spots = points[:, None] + offsets[None, :, None] * normals[:, None]
    photo = silhouette.to_photo(spots)
    x0, y0 = np.maximum(np.floor(photo.min(axis=(0, 1))).astype(int) - 4, 0)
    x1, y1 = np.ceil(photo.max(axis=(0, 1))).astype(int) + 5
    window = rgb[y0:y1, x0:x1]
    spread = max(0.4, 0.35 * pixel * silhouette.photo_scale)
    window = cv2.GaussianBlur(window, (0, 0), spread)
    x, y = (photo[..., 0] - x0).astype(np.float32), (photo[..., 1] - y0).astype(np.float32)
    strip = np.asarray(cv2.remap(window, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    planes = _planes(strip)
    # Ribs, knit and lettering cross the edge; the edge itself runs on.
    planes = cv2.GaussianBlur(planes, (0, 0), sigmaX=0.7, sigmaY=1.6, borderType=cv2.BORDER_REPLICATE)
    total = np.cumsum(np.pad(planes, ((0, 0), (1, 0), (0, 0))), axis=1)
    count = 2 * _REACH + 1
    first = 1  # offsets around the middle one are left out: the edge itself is a slope
    above = total[:, first + _SIDE : first + _SIDE + count] - total[:, first : first + count]
    start = first + _SIDE + 1
    below = total[:, start + _SIDE : start + _SIDE + count] - total[:, start : start + count]
    seen = np.clip((-silhouette.sample(points) - _OUTLINE[0]) / (_OUTLINE[1] - _OUTLINE[0]), 0.0, 1.0)
    above, below = (above / _SIDE).astype(np.float32), (below / _SIDE).astype(np.float32)
    return _Strip(points, normals, above, below, seen, pixel)


def _planes(strip: U8) -> F32:
    """Return light (log) and two chroma differences; the logarithm's floor follows the cloth's own tone."""
    linear = strip.astype(np.float32) / 255
    grey = summed(linear) / np.float32(3)
    floor = float(np.clip(0.35 * np.median(grey), 0.012, 0.06))
    red, blue = linear[..., 0] - linear[..., 1], linear[..., 1] - linear[..., 2]
    planes: F32 = np.dstack([np.log(floor + grey), 1.5 * red, 1.5 * blue]).astype(np.float32)
    return planes


def _extend(curve: F64, length: float) -> F64:
    """Return a curve evenly sampled, going on straight at both ends."""
    ends = []
    for end, inner in ((curve[0], curve[2]), (curve[-1], curve[-3])):
        away = (end - inner) / max(float(np.hypot(*(end - inner))), 1e-9)
        ends.append(end + length * away)
    return _even(np.concatenate([ends[:1], curve, ends[1:]]), _ALONG)


def _even(line: F64, samples: int) -> F64:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], samples)
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], -1)


def _trace(strip: _Strip, way: int) -> F64 | None:
    """Return the edge's offset at every sample, or None where none is seen."""
    step = strip.below - strip.above
    size = np.sqrt(summed(step**2))
    seen, rows = strip.seen > 0.5, np.arange(_ALONG)
    noise = max(float(np.median(size[seen])), _WEAK / 2)
    strong = float(np.clip(1.2 * np.median(size[seen].max(axis=1)), 2 * _WEAK, _STRONG))
    strength = np.sqrt(np.minimum(size / strong, 1.0)) * strip.seen[:, None]
    evidence = strength * np.where(way * step[..., 0] > -0.01, 1.0, _WRONG_WAY)
    expected = np.zeros(_ALONG)
    path = _best_path(evidence, expected, np.ones(_ALONG))
    for _ in range(2):
        label = _find_label(strip, path, seen)
        typical = _typical(step[rows, path] * strip.seen[:, None], seen & ~label)
        agreed = summed(step * typical[:, None]) / np.maximum(size, noise)
        cloth = strength * np.clip(0.15 + 0.85 * agreed, 0.0, 1.0)
        evidence = np.where(label[:, None], _below_label(strip, path, seen & ~label), cloth)
        expected = _even_shape((path - _REACH).astype(np.float64), evidence[rows, path] * ~label)
        path = _best_path(evidence, expected, np.where(label, _STIFF, 1.0))
    along_edge = (step[rows, path] * typical).sum(axis=-1)[seen & ~label]
    if np.median(along_edge) < max(_ABOVE_NOISE * noise, _WEAK) or np.mean(along_edge > noise) < _EVERYWHERE:
        return None
    return _smooth(evidence, path)


def _find_label(strip: _Strip, path: _Places, seen: Bool) -> Bool:
    """Tell the samples at which a label hangs down to the edge: the steps there are the label's and its lettering's."""
    beside = strip.above[np.arange(_ALONG), path]
    odd = (largest(np.abs(strip.above - np.median(beside[seen], axis=0))) > _ODD).astype(np.uint8)
    odd = np.asarray(cv2.dilate(odd, np.ones((7, 1), np.uint8)), np.uint8)
    near = np.clip(path[:, None] + np.arange(-5, 3), 0, odd.shape[1] - 1)
    label: Bool = np.take_along_axis(odd, near, axis=1).mean(axis=1) > 0.4
    return label if (seen & ~label).sum() > 0.5 * seen.sum() else np.zeros_like(label)


def _below_label(strip: _Strip, path: _Places, known: Bool) -> F64:
    """Return how clearly the cloth below an offset is the front's and the cloth above it is not: a label ends there."""
    usual = np.median(strip.below[np.arange(_ALONG), path][known], axis=0)
    is_front = largest(np.abs(strip.below - usual)) < _LIKE_FRONT
    is_other = largest(np.abs(strip.above - usual)) > _ODD
    size = summed(np.abs(strip.below - strip.above)) * is_front * is_other
    ends: F64 = _LABEL_WORTH * (size / np.maximum(size.max(axis=1, keepdims=True), _ODD)).astype(np.float64) ** 2
    return ends


def _typical(taken: F64, seen: Bool) -> F64:
    """Return the direction of the step that most of the path around a sample agrees in."""
    spread = 0.12 * _ALONG
    near = cv2.GaussianBlur(taken, (1, 0), 1e-3, sigmaY=spread, borderType=cv2.BORDER_REPLICATE)
    overall = np.median(taken[seen], axis=0)
    direction = near + overall
    typical: F64 = direction / np.maximum(np.hypot(np.hypot(*direction.T[:2]), direction.T[2]), 1e-9)[:, None]
    return typical


def _even_shape(offset: F64, weight: F64) -> F64:
    """Return a low-order curve through offsets: where no edge is seen, the neckline goes on as it does elsewhere."""
    x = np.linspace(-1, 1, _ALONG)
    terms = np.stack([np.ones_like(x), x, x**2, x**4], -1)
    ridge = np.diag([0.01, 0.3, 0.05, 0.2]) * _ALONG * 0.1
    for _ in range(2):
        weighted = terms * weight[:, None]
        fitted = terms @ np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ offset)
        weight = weight / (1 + ((offset - fitted) / 3.0) ** 2)
    expected: F64 = np.clip(fitted, -_REACH, _REACH)
    return expected


def _best_path(evidence: F64, expected: F64, stiff: F64) -> _Places:
    """Return the offset's place at each sample on the path with most evidence, few bends, near what is expected.

    stiff: how many times a bend costs more than usual.
    """
    offsets = np.arange(-_REACH, _REACH + 1)
    cost = 1 - evidence + _HOLD * (offsets[None] - expected[:, None]) ** 2
    change = np.arange(-3, 4)
    came = np.zeros(cost.shape, np.intp)
    total = cost[0]
    for place in range(1, len(cost)):
        padded = np.pad(total, 3, constant_values=1e9)
        choices = (
            np.stack([padded[3 + c : 3 + c + len(offsets)] for c in change])
            + _BEND * stiff[place] * change[:, None] ** 2
        )
        best = choices.argmin(axis=0)
        came[place] = np.arange(len(offsets)) + change[best]
        total = choices[best, np.arange(len(offsets))] + cost[place]
    path = np.zeros(len(cost), np.intp)
    path[-1] = int(total.argmin())
    for place in range(len(cost) - 1, 0, -1):
        path[place - 1] = came[place, path[place]]
    return path


def _smooth(evidence: F64, path: _Places) -> F64:
    """Return a path's offsets between the raster's places, without its steps."""
    rows = np.arange(len(path))
    inner = np.clip(path, 1, evidence.shape[1] - 2)
    before, here, after = (evidence[rows, inner + side] for side in (-1, 0, 1))
    curved = before - 2 * here + after
    shift = np.where(curved < -1e-3, 0.5 * (before - after) / np.minimum(curved, -1e-3), 0.0)
    offset = path - _REACH + np.clip(shift, -0.5, 0.5)
    blurred = cv2.GaussianBlur(offset[:, None], (1, 0), 1e-3, sigmaY=2.0, borderType=cv2.BORDER_REPLICATE)
    smooth: F64 = blurred[:, 0]
    return smooth


def _find_ends(line: F64, silhouette: Silhouette) -> tuple[int, int]:
    """Return the part of a line without what lies beyond the garment at its ends."""
    outside = silhouette.sample(line) > 0
    end = round(_END * len(line))
    left = np.flatnonzero(outside[:end])
    right = np.flatnonzero(outside[-end:])
    first = int(left[-1]) if left.size else 0
    last = len(line) - end + int(right[0]) if right.size else len(line) - 1
    return first, last + 1


def _resample(line: F64, middle: int, samples: int) -> F64:
    """Return points of a line, as many on either side of its middle one, closer together where it bends."""
    step = np.diff(line, axis=0)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    turn = np.abs(np.diff(heading, prepend=heading[:1]))
    length = np.hypot(step[:, 0], step[:, 1])
    effort = np.concatenate([[0.0], np.cumsum(length / length.sum() + _TURN * turn)])
    half = samples // 2
    at = np.concatenate(
        [np.linspace(0, effort[middle], half + 1)[:-1], np.linspace(effort[middle], effort[-1], half + 1)]
    )
    return np.stack([np.interp(at, effort, line[:, axis]) for axis in (0, 1)], -1)
