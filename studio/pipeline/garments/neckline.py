"""Find the front neckline: the edge between the garment's front and the inside of its back.

Product photos on a ghost mannequin show the inside of the back above the front's edge. The edge is sought as a
symmetric curve from collar point to collar point whose depth and roundness vary.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import Neckline
from studio.pipeline.garments.fitting import WORK_HEIGHT, Fit, Silhouette
from studio.pipeline.garments.outline import P, SleeveModel, to_picture

SAMPLES = 17
"""Points of the curve, ends included."""
_DEPTHS = np.linspace(0.02, 0.62, 41)
_WIDTHS = (0.95, 1.08, 1.22)
"""Half-width of the opening over the collar's: the front often begins a little outside the collar's highest points."""
_SHAPES = (1.0, 1.35, 1.8, 2.4, 3.2, 4.5)
_EDGE_CAP = 0.8
_CLEAR_EDGE = 0.08
"""Mean edge strength (in log luminance and chroma) that noise and weave do not reach."""
_INSIDE = 0.012
"""Edges nearer than this to the silhouette's own outline are the outline, not the neckline."""
_LABEL_CONTRAST = 45.0
_WRONG_WAY = 0.5
_LEAST_SEEN = 0.5
_UNSEEN_DEPTH = 0.55
"""Depth over half-width assumed where the back shows inside but its edge does not (black on black)."""
_FIRST_OF_EQUALS = 0.8
"""The topmost curve with this share of the best score is the neckline: ribs and yokes lie below it."""


@dataclass(frozen=True, slots=True)
class NecklineFit:
    """The front neckline as points `(SAMPLES, 2)` in garment photo pixels, left to right; `clear`: an edge was seen."""

    points: F64
    depth: float
    shape: float
    width: float
    clear: bool


def _edge_map(rgb: U8, silhouette: Silhouette) -> F32:
    """Return the vertical edge strength on the silhouette's raster, from log luminance and chroma."""
    height, width = silhouette.mask.shape
    scale = silhouette.photo_scale * silhouette.pixel
    left = silhouette.photo_origin[0] - silhouette.origin[0] * scale
    top = silhouette.photo_origin[1] - silhouette.origin[1] * scale
    matrix = np.array([[1 / scale, 0, -left / scale], [0, 1 / scale, -top / scale]])
    blurred = cv2.GaussianBlur(rgb, (0, 0), max(0.3, 0.45 * scale))
    small = cv2.warpAffine(blurred, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = silhouette.mask > 0
    linear = _continue_outwards(small, inside).astype(np.float32) / 255
    # Dark cloth shows its seams in small steps: the floor of the logarithm follows the garment's own tone.
    floor = float(np.clip(0.35 * np.median(linear.mean(axis=2)[inside]), 0.012, 0.06))
    light = np.log(floor + linear.mean(axis=2))
    planes = np.dstack([light, 1.5 * (linear[..., 0] - linear[..., 1]), 1.5 * (linear[..., 1] - linear[..., 2])])
    planes = cv2.GaussianBlur(planes, (0, 0), 0.8)
    dx, dy = cv2.Sobel(planes, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(planes, cv2.CV_32F, 0, 1, ksize=3)
    strength: F32 = np.minimum(np.sqrt((dx * dx + dy * dy).sum(axis=2)) / 4, _EDGE_CAP)
    # The inside of the back lies in shadow: going down, the front begins where it gets lighter.
    return np.where(dy[..., 0] > 0, strength, _WRONG_WAY * strength).astype(np.float32)


def _find_label(rgb: U8, silhouette: Silhouette, p: F64) -> tuple[float, float] | None:
    """Return a sewn-in label's lower edge below the collar's top and its reach from the axis (share of the collar)."""
    scale = silhouette.photo_scale
    centre = to_picture(np.array([[0.0, float(p[P.COLLAR_Y])]]), p, 1)[0]
    half = 0.7 * float(p[P.COLLAR_X])
    corners = silhouette.to_photo(centre + np.array([[-half, -0.01], [half, 0.22]])).round().astype(int)
    (x0, y0), (x1, y1) = np.maximum(corners, 0)
    window = rgb[y0:y1, x0:x1].astype(np.float32).mean(axis=2)
    if min(window.shape) < 12:
        return None
    beside = float(np.median(rgb[y0:y1, max(0, x0 - (x1 - x0)) : x1 + (x1 - x0)].mean(axis=2)))
    odd = (np.abs(window - np.median(window)) > _LABEL_CONTRAST) & (np.abs(window - beside) > 0.5 * _LABEL_CONTRAST)
    count, _, stats, centres = cv2.connectedComponentsWithStats(odd.astype(np.uint8))
    found: tuple[float, float] | None = None
    for number in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[number])
        free = x > 1 and x + w < window.shape[1] - 1 and y > 0.012 * scale and y + h < window.shape[0] - 1
        compact = area > 0.62 * w * h and 0.008 * scale < h < 0.1 * scale and 0.012 * scale < w
        if free and compact and abs(centres[number][0] / window.shape[1] - 0.5) < 0.3 and y < 0.12 * scale:
            edge = max(abs(x / window.shape[1] - 0.5), abs((x + w) / window.shape[1] - 0.5)) * 2 * 0.7
            if found is None or (y + h) / scale - 0.01 > found[0]:
                found = (y + h) / scale - 0.01, min(edge, 0.9)
    return found


def _continue_outwards(picture: U8, inside: Bool) -> U8:
    """Give the surroundings the garment's own nearest colour: its outline against the backdrop is not sought."""
    core = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8))
    _, nearest = cv2.distanceTransformWithLabels(1 - core, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[core > 0]] = picture[core > 0]
    continued: U8 = np.where(core[..., None] > 0, picture, colours[nearest])
    return continued


def curve(p: F64, depth: float, shape: float, width: float = 1.0, samples: int = SAMPLES) -> F64:
    """Return the neckline's points in normalised picture coordinates, left to right."""
    x = np.linspace(-1, 1, samples)
    y = p[P.COLLAR_Y] + depth * (1 - np.abs(x) ** shape)
    outward = np.abs(x) * p[P.COLLAR_X] * width
    points = np.stack([outward, y], axis=-1)
    left, right = to_picture(points, p, -1), to_picture(points, p, 1)
    return np.where((x < 0)[:, None], left, right)


def find_neckline(rgb: U8, silhouette: Silhouette, fit: Fit) -> NecklineFit:
    """Return the front neckline of a top."""
    p = fit.params
    edges = _edge_map(rgb, silhouette)
    hole = max(0.0, float(p[P.BACK_Y] - p[P.COLLAR_Y]))
    deepest = float(p[P.ARMPIT_Y] - p[P.COLLAR_Y]) + 0.12
    scores: list[tuple[float, float, float, float]] = []
    for depth in _DEPTHS:
        if depth > deepest or depth < hole - 0.02:
            continue
        for shape, width in product(_SHAPES, _WIDTHS):
            score = _score(curve(p, float(depth), shape, width, 25), edges, silhouette)
            if score is not None:
                likely = _prior(float(depth), shape, float(p[P.COLLAR_X]))
                scores.append((score * likely, float(depth), shape, width))
    label = _find_label(rgb, silhouette, p)
    if label is not None:  # a label is sewn to the inside of the back: the front begins below all of it
        bottom, reach = label
        scores = [entry for entry in scores if entry[1] * (1 - reach ** entry[2]) > bottom + 0.004]
        hole = max(hole, bottom + 0.02)
    best = max((entry[0] for entry in scores), default=0.0)
    if best < _CLEAR_EDGE:
        depth = hole if hole > 0.06 else max(hole, _UNSEEN_DEPTH * float(p[P.COLLAR_X]))
        return _pack(p, silhouette, (depth, 2.0, 1.0), clear=hole > 0.06)
    first = min(entry[1] for entry in scores if entry[0] >= max(_CLEAR_EDGE, _FIRST_OF_EQUALS * best))
    near = [entry for entry in scores if entry[1] <= first + 0.03]
    return _pack(p, silhouette, max(near)[1:], clear=True)


def _score(points: F64, edges: F32, silhouette: Silhouette) -> float | None:
    """Return how clearly the picture shows an edge along a curve; None where most of it leaves the garment."""
    inside = silhouette.sample(points) < -_INSIDE
    if inside.mean() < _LEAST_SEEN:
        return None
    x = np.clip(points[inside, 0] * WORK_HEIGHT + silhouette.origin[0], 0, edges.shape[1] - 1).round().astype(int)
    y = np.clip(points[inside, 1] * WORK_HEIGHT + silhouette.origin[1], 1, edges.shape[0] - 2).round().astype(int)
    values = np.full(len(points), np.nan)
    values[inside] = np.maximum(edges[y, x], 0.85 * np.maximum(edges[y - 1, x], edges[y + 1, x]))
    left, centre, right = (part[~np.isnan(part)] for part in np.array_split(values, 3))
    if min(len(left), len(right)) < 3 or centre.size == 0:
        return None
    # Both flanks must agree: a label in the middle has edges of its own.
    flanks = min(float(left.mean()), float(right.mean()))
    return 0.65 * flanks + 0.35 * float(centre.mean())


def _prior(depth: float, shape: float, half: float) -> float:
    """Return how likely a neckline is: deep ones are V-shaped or round, hardly ever square."""
    if depth < 1.1 * half:
        return 1.0
    return 1.0 if shape < 2.0 else 0.9 if shape < 3.0 else 0.78


def _pack(p: F64, silhouette: Silhouette, found: tuple[float, float, float], *, clear: bool) -> NecklineFit:
    depth, shape, width = found
    return NecklineFit(silhouette.to_photo(curve(p, depth, shape, width)), depth, shape, width, clear)


def name_neckline(fit: Fit, neckline: NecklineFit, has_collar: bool) -> Neckline:
    """Return the neckline's kind."""
    p = fit.params
    half = float(p[P.COLLAR_X])
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
