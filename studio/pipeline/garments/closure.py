"""Tell a front that is done up from one that is whole: jackets, cardigans and shirts from pullovers.

A zip, a placket or a panel's edge is a line from the neck to the hem. A straight one that stands out from all beside it
is a jacket's. One that wavers may as well be a fold or a rib of knitting; then nobody can know from a photo alone what
goes over what, and the operator is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import SleeveLength
from studio.pipeline.garments.category import classify_sleeve
from studio.pipeline.garments.fitting import Fit, Silhouette
from studio.pipeline.garments.outline import P, to_picture

CLOSURE = 0.4
"""How much clearer than elsewhere a straight line runs down the front: open and zipped fronts 0.47 and more, shirts
0.33."""
LINE = 0.9
"""Share of the way from neck to hem on which a line that wavers is an edge: shirts and jackets 0.92 and more, prints
and plain pullovers 0.87 and less, ribbed knitting up to 0.99."""
WIDE_CUFF = 0.18
"""A cuff's width over the chest's: a jacket's goes over another sleeve (0.19 and more), a shirt's is buttoned about the
wrist (0.16 and less)."""
_ROWS, _COLUMNS, _REACH = 160, 201, 0.8
_MIDDLE, _BESIDE = (0.375, 0.625), ((0.08, 0.33), (0.67, 0.92))
"""Where across the straightened front the line is looked for, and what it is compared with."""
_STEP, _BEND = 2, 0.06
"""Columns by which a line may move from one row to the next, and what that costs in rows without an edge."""
_USUAL, _NOISE, _WINDOW = 3.0, 4.0, 21
"""An edge counts in full from so many times the usual step of the rows about it, in Lab units, and this much more."""


@dataclass(frozen=True, slots=True)
class Layering:
    """Whether a garment goes over another one, and whether that can be told."""

    is_outer: bool
    is_sure: bool = True


def judge_layering(rgb: U8, silhouette: Silhouette, fit: Fit, *, parted: bool) -> Layering:
    """Tell a jacket, coat or cardigan from a pullover or shirt by its sleeves, cuffs and the front's closure.

    parted: the neckline surely dips at the front, as between two panels; a collar closed all round goes over the head.
    """
    if classify_sleeve(fit) not in (SleeveLength.LONG, SleeveLength.ELBOW):
        return Layering(is_outer=False)
    if measure_closure(rgb, silhouette, fit) > CLOSURE:
        return Layering(is_outer=True)
    p = fit.params
    has_wide_cuffs = classify_sleeve(fit) is SleeveLength.LONG and p[P.CUFF_WIDTH] > WIDE_CUFF * p[P.ARMPIT_X]
    if not has_wide_cuffs or not has_front_line(rgb, silhouette, fit):
        return Layering(is_outer=False)
    return Layering(is_outer=parted, is_sure=False)


def measure_closure(rgb: U8, silhouette: Silhouette, fit: Fit) -> float:
    """Return how much more of its length a straight line near the axis shows than lines beside it, -1..1."""
    p = fit.params
    y = np.linspace(p[P.NECK_Y] + 0.15, p[P.HEM_CENTRE_Y] - 0.05, 120)
    x = np.linspace(-0.6, 0.6, 121)
    cloth = _straighten(cv2.GaussianBlur(rgb, (0, 0), 1.5), silhouette, p, (x, y))
    light = np.log(0.06 + cloth / 255)
    step = np.abs(light[:, 2:] - light[:, :-2]).max(axis=2)
    step = cv2.dilate(step, np.ones((1, 5), np.float32))  # a zip wavers by a column or two
    share = (step > max(0.05, 1.6 * float(np.median(step)))).mean(axis=0)
    near = np.abs(x[1:-1]) < 0.26
    return float(share[near].max() - np.percentile(share[~near], 75))


def has_front_line(rgb: U8, silhouette: Silhouette, fit: Fit) -> bool:
    """Tell whether a line, which may waver or slant, runs down the front from neck to hem as none does beside it."""
    p = fit.params
    x = np.linspace(-_REACH, _REACH, _COLUMNS)
    y = np.linspace(p[P.NECK_Y] + 0.08, p[P.HEM_CENTRE_Y] - 0.02, _ROWS)
    pixels = 2 * _REACH * p[P.ARMPIT_X] / _COLUMNS * silhouette.photo_scale
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), max(0.7, 0.5 * pixels)), cv2.COLOR_RGB2LAB)
    cloth = _straighten(lab, silhouette, p, (x, y))
    step = np.pad(np.abs(cloth[:, 4:] - cloth[:, :-4]).max(axis=2), ((0, 0), (2, 2)))
    usual = cv2.blur(np.median(step, axis=1)[:, None], (1, _WINDOW))
    edge = np.clip(step / (_USUAL * usual + _NOISE), 0.0, 1.0)
    seen = _follow(edge, _MIDDLE)
    return seen >= LINE and seen >= max(_follow(edge, span) for span in _BESIDE)


def _straighten(picture: U8, silhouette: Silhouette, p: F64, grid: tuple[F64, F64]) -> F32:
    """Return a picture along and across the garment's axis. grid: columns in chest half-widths, rows normalised."""
    x, y = np.meshgrid(grid[0] * p[P.ARMPIT_X], grid[1])
    points = silhouette.to_photo(to_picture(np.stack([x.ravel(), y.ravel()], -1), p, 1))
    where = points.reshape(*x.shape, 2).astype(np.float32)
    straight: F32 = cv2.remap(picture, where[..., 0], where[..., 1], cv2.INTER_LINEAR).astype(np.float32)
    return straight


def _follow(edge: F64, span: tuple[float, float]) -> float:
    """Return the share of rows on which the best line down a span of columns is an edge."""
    own = edge[:, round(span[0] * edge.shape[1]) : round(span[1] * edge.shape[1])]
    width = own.shape[1]
    total, came = 1 - own[0], np.zeros(own.shape, np.intp)
    steps = range(-_STEP, _STEP + 1)
    for row in range(1, len(own)):
        padded = np.pad(total, _STEP, constant_values=np.inf)
        options = np.stack([padded[_STEP - step : _STEP - step + width] + _BEND * step * step for step in steps])
        came[row] = options.argmin(axis=0) - _STEP
        total = options.min(axis=0) + 1 - own[row]
    place, seen = int(total.argmin()), 0
    for row in range(len(own) - 1, -1, -1):
        seen += int(own[row, place] > 0.5)
        place -= int(came[row, place])
    return seen / len(own)
