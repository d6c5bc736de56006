"""Say what a garment is from its silhouette."""

from __future__ import annotations

import numpy as np

from studio.domain.artefacts import Category, SleeveLength
from studio.pipeline.garments.fitting import WORK_HEIGHT, Fit, Silhouette
from studio.pipeline.garments.outline import P, SleeveModel

DRESS_RATIO = 2.3
"""Length over chest width from which a garment with shoulders is a dress; tops of 60 product photos stay below."""
TROUSERS_RATIO = 1.35
_ELBOW, _LONG = (0.67, 0.47), (0.99, 0.6)
"""Sleeve length, from the armhole's middle, over chest width and over the garment's length: either is enough."""


def classify_category(silhouette: Silhouette, fit: Fit) -> Category:
    """Return the category that the silhouette's shape suggests."""
    if _has_legs(silhouette):
        return Category.TROUSERS if 1.0 / max(silhouette.width, 1e-6) > TROUSERS_RATIO else Category.SHORTS
    if _has_waistband(silhouette):
        return Category.SKIRT
    p = fit.params
    ratio = float((p[P.HEM_CENTRE_Y] - p[P.NECK_Y]) / (2 * p[P.ARMPIT_X]))
    return Category.DRESS if ratio > DRESS_RATIO else Category.TOP


def _rows(silhouette: Silhouette) -> tuple[int, int]:
    first = int(silhouette.origin[1] + 0.5)
    return first, first + WORK_HEIGHT


def _has_legs(silhouette: Silhouette) -> bool:
    """Tell whether the lower part splits into two runs that still fill most of the width."""
    first, last = _rows(silhouette)
    mask = silhouette.mask
    split = 0
    lower = range(first + int(0.62 * WORK_HEIGHT), first + int(0.97 * WORK_HEIGHT))
    for y in lower:
        filled = np.flatnonzero(mask[y])
        if filled.size == 0:
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[y], [0]])))
        span = filled[-1] - filled[0] + 1
        middle = (filled[0] + filled[-1]) / 2
        if len(edges) == 4 and edges[1] <= middle + 0.12 * span and edges[2] >= middle - 0.12 * span:
            split += int(filled.size > 0.5 * span)
    # A top's long sleeves also hang below its hem as two runs, but the torso between them ends lower than a crotch.
    upper = mask[first : first + WORK_HEIGHT // 20].sum(axis=1)
    return split > 0.4 * len(lower) and float(upper.mean()) > 0.3 * mask[first:last].sum(axis=1).max()


def _has_waistband(silhouette: Silhouette) -> bool:
    """Tell whether the garment begins at nearly its full width: a waistband, not a collar between shoulders."""
    first, _ = _rows(silhouette)
    mask = silhouette.mask
    top = mask[first + int(0.03 * WORK_HEIGHT)]
    rows = [np.flatnonzero(mask[first + int(share * WORK_HEIGHT)]) for share in (0.14, 0.3)]
    spans = [int(np.ptp(row)) if row.size else 0 for row in rows]
    return bool(top.sum() > 0.8 * spans[0] and top.sum() > 0.55 * spans[1])


def classify_sleeve(fit: Fit) -> SleeveLength:
    """Return how long the sleeves are, against the torso's length."""
    if fit.sleeve is SleeveModel.NONE:
        return SleeveLength.NONE
    p = fit.params
    length = p[P.UPPER_LENGTH] + (p[P.LOWER_LENGTH] if fit.sleeve is SleeveModel.TWO else 0.0)
    over_width = float(length / max(p[P.ARMPIT_X] * 2, 1e-6))
    over_length = float(length / max(p[P.HEM_Y] - p[P.NECK_Y], 1e-6))
    if over_width >= _LONG[0] or over_length >= _LONG[1]:
        return SleeveLength.LONG
    return SleeveLength.ELBOW if over_width >= _ELBOW[0] or over_length >= _ELBOW[1] else SleeveLength.SHORT
