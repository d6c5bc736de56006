"""Find the front neckline: the edge between the garment's front and the inside of its back.

Product photos on a ghost mannequin show the inside of the back above the front's edge. The edge is sought as a
symmetric curve from collar point to collar point whose depth and roundness vary.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import Neckline
from studio.pipeline.garments.fitting import WORK_HEIGHT, Fit, Silhouette
from studio.pipeline.garments.outline import P, SleeveModel, to_picture

SAMPLES = 17
"""Points of the curve, ends included."""
_DEPTHS = np.linspace(0.02, 0.5, 49)
_SHAPES = (1.0, 1.35, 1.8, 2.4, 3.2, 4.5)
_EDGE_CAP = 0.5
_CLEAR_EDGE = 0.10
"""Mean edge strength (in log luminance and chroma) that noise and weave do not reach."""
_FIRST_OF_EQUALS = 0.72
"""The topmost curve with this share of the best score is the neckline: ribs and yokes lie below it."""


@dataclass(frozen=True, slots=True)
class NecklineFit:
    """The front neckline as points `(SAMPLES, 2)` in garment photo pixels, left to right; `clear`: an edge was seen."""

    points: F64
    depth: float
    shape: float
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
    linear = small.astype(np.float32) / 255
    light = np.log(0.04 + linear.mean(axis=2))
    planes = np.dstack([light, 1.5 * (linear[..., 0] - linear[..., 1]), 1.5 * (linear[..., 1] - linear[..., 2])])
    planes = cv2.GaussianBlur(planes, (0, 0), 0.8)
    dx, dy = cv2.Sobel(planes, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(planes, cv2.CV_32F, 0, 1, ksize=3)
    strength: F32 = np.sqrt((dx * dx + dy * dy).sum(axis=2)) / 4
    return np.minimum(strength, _EDGE_CAP)


def curve(p: F64, depth: float, shape: float, samples: int = SAMPLES) -> F64:
    """Return the neckline's points in normalised picture coordinates, left to right."""
    x = np.linspace(-1, 1, samples)
    y = p[P.COLLAR_Y] + depth * (1 - np.abs(x) ** shape)
    outward = np.abs(x) * p[P.COLLAR_X]
    points = np.stack([outward, y], axis=-1)
    left, right = to_picture(points, p, -1), to_picture(points, p, 1)
    return np.where((x < 0)[:, None], left, right)


def find_neckline(rgb: U8, silhouette: Silhouette, fit: Fit) -> NecklineFit:
    """Return the front neckline of a top."""
    p = fit.params
    edges = _edge_map(rgb, silhouette)
    hole = max(0.0, float(p[P.BACK_Y] - p[P.COLLAR_Y]))
    deepest = min(0.5, float(p[P.ARMPIT_Y] - p[P.COLLAR_Y]) + 0.1)
    scores: list[tuple[float, float, float]] = []
    for depth in _DEPTHS:
        if depth > deepest or depth < hole - 0.02:
            continue
        for shape in _SHAPES:
            points = curve(p, float(depth), shape, 33)[2:-2]
            x = np.clip(points[:, 0] * WORK_HEIGHT + silhouette.origin[0], 0, edges.shape[1] - 1).round().astype(int)
            y = np.clip(points[:, 1] * WORK_HEIGHT + silhouette.origin[1], 1, edges.shape[0] - 2).round().astype(int)
            values = np.maximum(edges[y, x], 0.85 * np.maximum(edges[y - 1, x], edges[y + 1, x]))
            scores.append((float(values.mean() * 0.5 + np.percentile(values, 25) * 0.5), float(depth), shape))
    if not scores:
        return _pack(p, silhouette, hole + 0.02, 1.8, clear=False)
    best = max(score for score, _, _ in scores)
    if best < _CLEAR_EDGE:
        return _pack(p, silhouette, max(hole, 0.02), 1.8, clear=hole > 0.06)
    first = min(depth for score, depth, _ in scores if score >= _FIRST_OF_EQUALS * best)
    near = [entry for entry in scores if entry[1] <= first + 0.02]
    _, depth, shape = max(near)
    return _pack(p, silhouette, depth, shape, clear=True)


def _pack(p: F64, silhouette: Silhouette, depth: float, shape: float, *, clear: bool) -> NecklineFit:
    return NecklineFit(silhouette.to_photo(curve(p, depth, shape)), depth, shape, clear)


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
