"""The silhouette of a person's legs: where it is seen, as it is seen; elsewhere one smooth curve goes on from there.

Each edge of a leg is a deviation from the standard leg's. What is measured of it pulls a curve that resists bending and
is drawn, faintly, back to the standard: near seen skin the painted leg has its place and its slope, far away its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.linalg import solveh_banded

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Evidence

LEG_AT = np.linspace(0.0, 2.4, 121)
"""Places on a leg at which its edges are kept: 0 hip, 1 knee, 2 ankle."""
_SIDES_AT = np.array([0.0, 0.25, 0.5, 0.8, 0.92, 1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.0])
_OUTER = np.array([1.02, 1.04, 1.05, 1.02, 0.98, 0.96, 0.97, 1.03, 1.06, 1.0, 0.96, 0.96])
_INNER = np.array([1.0, 0.98, 0.97, 0.98, 1.05, 1.07, 1.0, 0.99, 1.04, 1.07, 1.03, 1.04])
SIDES = tuple(PchipInterpolator(_SIDES_AT, side)(np.clip(LEG_AT, 0.0, 2.0)) for side in (_OUTER, _INNER))
"""How far a standing leg's outer and inner edge lie off its axis, over half its width: thigh and calf swell outwards
higher up than inwards, and the knee stands out on its inside."""
STIFF, DRAWN_BACK = 12.0, 4e-4
"""What bending, and being off the standard, cost against a measured place. Their ratio's fourth root, in steps of
`LEG_AT`, is how far what is seen reaches: a quarter of a thigh."""
ROBUST = 0.02
"""Deviations from the curve from which a measured place counts for less, in shoulder widths."""
HEM_GAP = 0.02
"""So near to cloth that ends it, in places on the leg, an edge of skin is not measured: shade and frays lie there."""
INSIDE_CLOTH = 0.015
"""How far a leg's edge lies inside the cloth that covers it, at least, in shoulder widths."""
CLOTH_COUNTS = 0.3
THIGHS_MEET, THIGHS_PART, THIGH_OVERLAP, MOST_MISSING = 0.34, 0.95, 0.01, 0.12
"""Down to the first place thighs touch, by so much; by the second they have their own width. A gap wider than
`MOST_MISSING` shoulder widths belongs to legs that stand apart."""
REACH, STEP_PX = 0.55, 0.5
"""How far to both sides of the axis a leg is looked for, in shoulder widths, and in which steps."""
NARROWEST, WIDEST = 0.45, 1.7
"""A run of skin this many times as wide as the standard leg is a leg, no strip of it and no two of them."""
FARTHEST = 2.0
"""So many half-widths off its joints' line a leg may be found: the label says already whose leg it is."""
EDGE_PX = 2.5
"""Within this distance of a run's end the person must end too, or the run was ended by something before the leg."""


@dataclass(frozen=True, slots=True, eq=False)
class LegShape:
    """Both edges of a leg off its axis at `LEG_AT`, working pixels: first < 0 < second for the picture's left, right.

    seen: where either of them was measured on bare skin.
    """

    first: F64
    second: F64
    seen: Bool


def fit_shape(
    evidence: Evidence, label: Cihp, axis: tuple[F64, F64], standard: F64, cloth: tuple[Cihp, ...], size: float
) -> LegShape:
    """Return the silhouette of one leg.

    axis: points and unit normals at `LEG_AT`. standard: the half-width expected there. cloth: the labels that cover it.
    """
    probes = _Probes(evidence, axis, size)
    bare = probes.find_edges(evidence.labels == label, standard)
    covered = probes.find_edges(np.isin(evidence.labels, (label, *cloth)), standard * 2.5)
    edges, seen = [], np.zeros(len(LEG_AT), bool)
    for side in (0, 1):
        sign = -1.0 if side == 0 else 1.0
        at, sure = bare[side], _away_from_ends(~np.isnan(bare[side]))
        seen |= sure
        expected = sign * standard * SIDES[int((side == 1) == (label is Cihp.RIGHT_LEG))]
        curve = fit_curve(np.where(sure, at - expected, 0.0), sure.astype(np.float64), ROBUST * size)
        # Where the cloth is narrower than the leg would be, it holds the leg in.
        limit = covered[side] - sign * INSIDE_CLOTH * size
        held = ~sure & ~np.isnan(limit) & (sign * (expected + curve - np.nan_to_num(limit)) > 0)
        if held.any():
            wanted = np.where(sure, at, np.where(held, np.nan_to_num(limit), expected)) - expected
            weight = sure + CLOTH_COUNTS * held
            curve = fit_curve(np.where(weight > 0, wanted, 0.0), weight.astype(np.float64), ROBUST * size)
        edges.append(expected + curve)
    least = 0.3 * standard
    middle = (edges[0] + edges[1]) / 2
    half = np.maximum((edges[1] - edges[0]) / 2, least)
    return LegShape(middle - half, middle + half, seen)


def join_thighs(shapes: tuple[LegShape, LegShape], lines: tuple[F64, F64], size: float) -> tuple[LegShape, LegShape]:
    """Return both legs' silhouettes with the thighs meeting below the crotch, as they do on everybody.

    lines: the points of both axes at `LEG_AT`. What is seen of the inner edges stays.
    """
    apart = np.hypot(*(lines[1] - lines[0]).T) - shapes[0].second + shapes[1].first
    top = int(np.argmin(np.abs(LEG_AT - THIGHS_MEET)))
    missing = float(apart[top]) + THIGH_OVERLAP * size
    inner = shapes[0].seen | shapes[1].seen
    first_seen = float(LEG_AT[np.argmax(inner)]) if inner.any() else THIGHS_PART
    stop = min(THIGHS_PART, first_seen)
    if not 0 < missing < MOST_MISSING * size or stop < THIGHS_MEET + 0.1:
        return shapes
    share = np.clip((stop - LEG_AT) / (stop - THIGHS_MEET), 0.0, 1.0)
    wider = missing / 2 * share * share * (3 - 2 * share)
    left, right = shapes
    return replace(left, second=left.second + wider), replace(right, first=right.first - wider)


def _away_from_ends(found: Bool) -> Bool:
    """Return the places found but for those next to where nothing is found: a hem, a shoe, the picture's end."""
    margin = round(HEM_GAP / (LEG_AT[1] - LEG_AT[0]))
    inner = cv2.erode(found.astype(np.uint8)[:, None], np.ones((2 * margin + 1, 1), np.uint8), borderValue=1)
    away: Bool = inner[:, 0] > 0
    return away


def fit_curve(wanted: F64, weight: F64, scale: float, *, stiff: float = STIFF, drawn_back: float = DRAWN_BACK) -> F64:
    """Return the curve nearest to what is wanted that bends little and, where nothing is known, falls to 0.

    scale: deviations from which a place counts for less. stiff, drawn_back: what bending, and not being 0, cost.

    Source: Eilers, "A Perfect Smoother", Analytical Chemistry 2003; the weights after Huber.
    """
    count = len(wanted)
    bands = np.zeros((3, count))
    second = np.array([1.0, -2.0, 1.0])
    for row in range(count - 2):
        for i in range(3):
            for j in range(i + 1):
                bands[2 - (i - j), row + i] += stiff * second[i] * second[j]
    trust = weight.copy()
    curve = np.zeros(count)
    for _ in range(4):
        system = bands.copy()
        system[2] += trust + drawn_back
        curve = np.asarray(solveh_banded(system, trust * wanted), np.float64)
        trust = weight / np.maximum(np.abs(wanted - curve) / scale, 1.0)
    return curve


class _Probes:
    """Reads the person's picture on lines square to a leg."""

    def __init__(self, evidence: Evidence, axis: tuple[F64, F64], size: float) -> None:
        points, normals = axis
        self._reach = np.arange(-REACH * size, REACH * size + STEP_PX, STEP_PX)
        spots = points[:, None] + self._reach[None, :, None] * normals[:, None]
        self._x, self._y = (spots[..., k].astype(np.float32) for k in (0, 1))
        height, width = evidence.labels.shape
        self._inside = (self._x >= 0) & (self._y >= 0) & (self._x <= width - 1) & (self._y <= height - 1)
        self._alpha = np.asarray(cv2.remap(evidence.alpha, self._x, self._y, cv2.INTER_LINEAR), np.float32)

    def find_edges(self, mask: Bool, standard: F64) -> tuple[F64, F64]:
        """Return where on each line the run of a mask about the axis begins and ends at the background; nan if not."""
        plane: U8 = mask.astype(np.uint8)
        values = cv2.remap(plane, self._x, self._y, cv2.INTER_NEAREST, borderValue=0) > 0
        found = np.full((2, len(values)), np.nan)
        for row, line in enumerate(values):
            run = self._run(line, standard[row])
            if run is None:
                continue
            for side, end in enumerate(run):
                edge = self._silhouette(row, end, -1 if side == 0 else 1)
                if edge is not None:
                    found[side, row] = edge
        return found[0], found[1]

    def _run(self, line: Bool, half: float) -> tuple[int, int] | None:
        steps = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
        best, nearest = None, np.inf
        for start, stop in zip(steps[::2], steps[1::2] - 1, strict=True):
            width = (stop - start + 1) * STEP_PX
            if not NARROWEST < width / (2 * half) < WIDEST:
                continue
            away = abs(float(self._reach[start] + self._reach[stop]) / 2)
            if away < min(nearest, FARTHEST * half):
                best, nearest = (int(start), int(stop)), away
        return best

    def _silhouette(self, row: int, end: int, step: int) -> float | None:
        """Return where the person ends next to a run's end, between pixels; None where something else stands there."""
        alpha: F32 = self._alpha[row]
        within = round(EDGE_PX / STEP_PX)
        for offset in range(-2 * within, within + 1):
            inner, outer = end + step * offset, end + step * (offset + 1)
            if not (min(inner, outer) >= 0 and max(inner, outer) < len(alpha)) or not self._inside[row, outer]:
                return None
            if alpha[inner] >= 0.5 > alpha[outer]:
                share = float((alpha[inner] - 0.5) / max(float(alpha[inner] - alpha[outer]), 1e-6))
                return float(self._reach[inner]) + step * share * STEP_PX
        return None
