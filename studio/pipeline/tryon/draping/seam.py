"""The line on which a top ends and a lower garment begins: read from the labels, drawn as one smooth curve."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.leg_shape import fit_curve

TOPS = (Cihp.UPPER, Cihp.COAT, Cihp.SCARF)
HIGHEST, LOWEST = 0.35, 1.5
"""Between these shares of neck to hips a top may end."""
BESIDE = 0.75
"""How far to both sides of the axis it is looked for, in shoulder widths."""
GAP, LEAST_CLOTH = 0.03, 0.06
"""What may lie between the top and the cloth below it (a shadow, a rim), in shoulder widths; how much cloth follows."""
HEM_WAVE, BLOUSE_WAVE = 0.035, 0.10
"""The shortest waves, in shoulder widths, that a hem may have that hangs, and one that billows over a waistband."""
WHOLE_WAVE, OFF_WHOLE = 0.5, 0.06
"""The same on the whole, and how far off that a place may lie that belongs to the line."""
ROBUST, ROUGH = 0.01, 0.006
UNDER_TOP = 0.03
SLEEVE_FROM, SLEEVE_WIDE = 0.7, 1.7
"""From this place on an arm (1 elbow) cloth this many half-widths about it is its sleeve."""
BAND = 0.10
"""So far above and below the line, in shoulder widths, labels give way to it."""
LEAST_SEEN = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Seam:
    """The curve in the body's coordinates, working pixels.

    roughness: how far the labels lie off it, the mean, in shoulder widths.
    """

    lateral: F64
    depth: F64
    roughness: float

    def above(self, fields: BodyFields) -> F32:
        """Return how far every pixel lies above the line; beside its ends the line goes on level."""
        line = np.interp(fields.lateral.ravel(), self.lateral, self.depth).reshape(fields.lateral.shape)
        above: F32 = (line - fields.depth).astype(np.float32)
        return above


def find_sleeves(labels: U8, fields: BodyFields) -> Bool:
    """Return the sleeves that hang beside or before the trunk, though they bear the top's label."""
    sleeves = np.zeros(labels.shape, bool)
    for along, across in zip(fields.along, fields.across, strict=True):
        low = along > SLEEVE_FROM
        core = low & (np.abs(across) < 0.6)
        if core.any() and np.isin(labels[core], TOPS).mean() > 0.5:
            sleeves |= low & (np.abs(across) < SLEEVE_WIDE) & np.isin(labels, TOPS)
    return sleeves


def find_seam(body: Body, labels: U8, fields: BodyFields, *, hangs: bool) -> Seam | None:
    """Return the line at which a top ends above a lower garment; None where too little of it is seen.

    hangs: the top hangs over the waistband and has a hem of its own; otherwise it is put inside it.
    """
    labels = np.where(find_sleeves(labels, fields), np.uint8(Cihp.LEFT_ARM), labels).astype(np.uint8)
    size = body.size
    lateral = np.arange(-BESIDE * size, BESIDE * size)
    depth = np.arange(HIGHEST * body.length, LOWEST * body.length)
    spots = body.place(np.tile(lateral, len(depth)), np.repeat(depth, len(lateral)))
    x, y = (spots[:, k].reshape(len(depth), len(lateral)).astype(np.float32) for k in (0, 1))
    seen = cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderValue=0)
    top, cloth = np.isin(seen, TOPS), np.isin(seen, LOWER_BODY)
    first = cloth.argmax(axis=0)
    row = np.arange(len(depth))[:, None]
    below = (cloth & (row >= first) & (row < first + 2 * LEAST_CLOTH * size)).sum(axis=0) > LEAST_CLOTH * size
    ended = np.where(top & (row < first), row, -1).max(axis=0)
    known = cloth.any(axis=0) & below & (ended >= 0) & (first - ended <= max(2.0, GAP * size))
    if known.sum() < LEAST_SEEN * size:
        return None
    columns = np.flatnonzero(known)
    cut = slice(columns[0], columns[-1] + 1)
    at = (first + ended + 1) / 2 + depth[0] - 0.5
    middle = float(np.median(at[known]))
    wanted, weight = np.where(known, at - middle, 0.0)[cut], known[cut].astype(np.float64)
    # First what it is like on the whole: an open front, a pocket or a belt's end is no part of it.
    whole = _smooth(wanted, weight, WHOLE_WAVE * size, size)
    weight *= np.abs(wanted - whole) < OFF_WHOLE * size
    curve = whole
    for wave in (HEM_WAVE, BLOUSE_WAVE) if hangs else (BLOUSE_WAVE,):
        curve = _smooth(wanted, weight, wave * size, size)
        off = np.minimum(np.abs(curve - wanted)[known[cut]], BAND * size)
        roughness = float(np.mean(off)) / size
        if roughness < ROUGH:  # a hem that was cut is followed closely; one that billows has no shape to follow
            break
    return Seam(lateral[cut], curve + middle, roughness)


def _smooth(wanted: F64, weight: F64, wave: float, size: float) -> F64:
    return fit_curve(wanted, weight, ROBUST * size, stiff=wave**4 / 16, drawn_back=1e-7)


def show_below(seam: Seam, fields: BodyFields, size: float) -> F32:
    """Return where a lower garment may be seen: below the line, and a little way up under the top that hides it."""
    inside = np.minimum(fields.lateral - seam.lateral[0], seam.lateral[-1] - fields.lateral)
    under = UNDER_TOP * size * np.clip(inside / (UNDER_TOP * size), 0, 1)
    shown: F32 = np.clip(under - seam.above(fields) + 0.5, 0, 1).astype(np.float32)
    return shown


def end_tops(tops: Bool, labels: U8, seam: Seam | None, fields: BodyFields, size: float) -> F32:
    """Return the tops' coverage ended on the seam: neither the labels' steps nor the old cloth's rim are in it."""
    if seam is None:
        return tops.astype(np.float32)
    above = seam.above(fields)
    between = (fields.lateral >= seam.lateral[0]) & (fields.lateral <= seam.lateral[-1])
    band = between & (np.abs(above) < BAND * size) & np.isin(labels, (*TOPS, *LOWER_BODY))
    band &= ~find_sleeves(labels, fields)
    ended: F32 = np.where(band, np.clip(above - 0.5, 0, 1), tops).astype(np.float32)
    return ended
