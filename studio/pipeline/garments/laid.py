"""Sleeves that a product photo lays against the torso: no gap shows where one ends and the other begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F64
from studio.pipeline.garments.outline import P, SleeveModel, corners, slit_samples

STEP_ROWS, STEP = 7, 0.035
"""A cuff lying on the flank ends in a step of the outline: so much narrower (shares of the height) in so few rows."""
CLEAR_STEP = 0.06
"""One such step is enough if it is this high."""
STEP_FIRST, STEP_LAST = 0.22, 0.9
"""Where such a step may lie, in shares of the height."""
ARMHOLE = 0.78
"""Depth of an armhole below the shoulder's tip over the torso's half-width."""
LONG_END = 0.72
"""Sleeves that end below this share of the height are fitted with an elbow."""
CHEST = 1.12
"""Width at the armpits over the width at the waist."""
CAPE_TORSO = 0.66
"""The torso's share of the whole width where nothing shows where it ends."""
SHORT_GAP = 0.12
"""A gap of fewer rows than this share may be a slanting hem's."""
LOW_GAP = 0.08
"""A gap that begins so much below the place of an ordinary armpit (shares of the height) says nothing of the armpit."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What the rows say of sleeves laid on the flanks, normalised: widths of the torso, and where sleeves end.

    torso: half-width. hem: its depth. sleeve: outer half-width and row of the cuff; width: the cuff's half-width.
    """

    torso: float
    hem: float
    sleeve: tuple[float, float]
    width: float
    long: bool


def find_step(outer: F64, hem: int) -> tuple[int, float] | None:
    """Return (row, drop in normalised width) of the strongest sudden narrowing of one side above the hem, if any."""
    height = len(outer)
    first, last = int(STEP_FIRST * height), int(STEP_LAST * height)
    last = min(last, hem - 2 * STEP_ROWS)
    if last - STEP_ROWS <= first:
        return None
    drop = outer[first : last - STEP_ROWS] - outer[first + STEP_ROWS : last]
    drop = np.where(np.isnan(drop), 0.0, drop)
    if drop.size == 0 or drop.max() < STEP:
        return None
    row = first + int(np.argmax(drop))
    return row, float(drop.max())


def hint_from_rows(inner: F64, outer: F64, gap: F64, sides: F64) -> Hint | None:
    """Read rows of a silhouette (normalised, one value per row); `sides` is `outer` of both sides, `(rows, 2)`."""
    height = len(outer)
    gaps = np.flatnonzero(~np.isnan(gap) & (outer - np.nan_to_num(gap) > 0.015))
    gaps = gaps[gaps > STEP_FIRST * height]
    body = np.flatnonzero(~np.isnan(inner))
    if body.size == 0:
        return None
    hem = float(body[-1] + 1) / height
    if gaps.size > 0.03 * height:
        hint = _hint_from_gap(inner, outer, gap, (gaps, hem))
        if hint is not None or gaps.size > SHORT_GAP * height:
            return hint
    steps = [find_step(sides[:, side], round(hem * height)) for side in (0, 1)]
    clear = max((step[1] for step in steps if step is not None), default=0.0)
    return _hint_from_steps(sides, steps, hem) if clear > CLEAR_STEP or None not in steps else None


def _hint_from_gap(inner: F64, outer: F64, gap: F64, found: tuple[npt.NDArray[np.intp], float]) -> Hint | None:
    gaps, hem = found
    height = len(outer)
    beside = inner[gaps[gaps < hem * height - 2]]
    beside = beside[~np.isnan(beside)]
    last_rows = inner[max(0, int(hem * height) - 12) : int(hem * height) - 2]
    torso = float(np.median(beside)) if beside.size > 3 else float(np.nanmedian(last_rows))
    if gaps[0] / height < 0.1 + ARMHOLE * torso + LOW_GAP:
        return None
    low = gaps[-8:]
    middle = float(np.median((gap[low] + outer[low]) / 2))
    width = float(np.median((outer[low] - gap[low]) / 2))
    if middle + width < 1.1 * torso:  # a slanting hem, not a sleeve
        return None
    end = float(gaps[-1]) / height
    return Hint(torso, hem, (middle + width, end), width, end > LONG_END)


def _hint_from_steps(sides: F64, steps: list[tuple[int, float] | None], hem: float) -> Hint:
    height = len(sides)
    torso, cuff, row = [], [], []
    for side, step in enumerate(steps):
        if step is None:
            continue
        place = step[0]
        below = sides[place + STEP_ROWS : min(height, place + STEP_ROWS + 25), side]
        torso.append(float(np.nanmedian(below)))
        cuff.append(float(np.nanmax(sides[max(0, place - 6) : place + 1, side])))
        row.append((place + 0.5 * STEP_ROWS) / height)
    half, outer, end = float(np.mean(torso)), float(np.mean(cuff)), float(np.mean(row))
    return Hint(half, hem, (outer, end), max(0.04, (outer - half) / 2), end > LONG_END)


def start_params(hint: Hint, shoulder_y: float, blank: F64) -> tuple[SleeveModel, F64]:
    """Return the hypothesis that a hint describes; `blank`: parameters of a torso of that width without sleeves."""
    q = blank.copy()
    torso = hint.torso
    armpit = shoulder_y + ARMHOLE * torso
    q[P.ARMPIT_X] = q[P.WAIST_X] = q[P.HIP_X] = q[P.HEM_X] = torso
    q[P.ARMPIT_Y] = armpit
    q[P.SHOULDER_X], q[P.SHOULDER_Y] = 0.92 * torso, shoulder_y
    root = np.array([0.96 * torso, (shoulder_y + armpit) / 2])
    cuff = np.array([hint.sleeve[0] - hint.width, hint.sleeve[1]])
    sleeve = SleeveModel.TWO if hint.long else SleeveModel.ONE
    elbow = cuff
    if sleeve is SleeveModel.TWO:
        elbow = 0.5 * (root + cuff) + np.array([0.03, 0.0])
        lower = cuff - elbow
        q[P.LOWER_ANGLE], q[P.LOWER_LENGTH] = np.arctan2(lower[1], lower[0]), np.hypot(*lower)
    upper = elbow - root
    q[P.UPPER_ANGLE], q[P.UPPER_LENGTH] = np.arctan2(upper[1], upper[0]), np.hypot(*upper)
    q[P.CUFF_WIDTH] = hint.width
    q[P.ELBOW_WIDTH] = max(hint.width, 0.07)
    return sleeve, q


def free_slit(outward: F64, sleeve: SleeveModel) -> F64:
    """Return the outline's signed distances with those of the hidden slit set free wherever they lie inside."""
    hidden = slit_samples(sleeve)
    both = np.concatenate([hidden, hidden])
    freed: F64 = np.where(both, np.maximum(outward, 0.0), outward)
    return freed


def laid_prior(p: F64, sleeve: SleeveModel, torso: float) -> list[F64]:
    """Return what holds the hidden seams where tailors put them, in units of about one tolerance each.

    torso: the half-width that the rows show.
    """
    q = np.moveaxis(p, -1, 0)
    key = corners(p, sleeve)
    wanted = [
        (q[P.WAIST_X] - torso) / 0.02,
        (q[P.ARMPIT_X] - CHEST * q[P.WAIST_X]) / 0.03,
        (q[P.WAIST_X] - q[P.HIP_X]) / 0.03,
        (q[P.HIP_X] - q[P.HEM_X]) / 0.12,
        (q[P.ARMPIT_Y] - q[P.SHOULDER_Y] - ARMHOLE * q[P.ARMPIT_X]) / 0.05,
        (q[P.SHOULDER_X] - 0.94 * q[P.ARMPIT_X]) / 0.04,
    ]
    for corner in key.inner:
        # Where the sleeve lies on the flank its inner edge is the flank; below the hem it is free.
        above = np.clip((q[P.HEM_Y] - 0.04 - corner[..., 1]) / 0.05, 0.0, 1.0)
        wanted.append(above * np.minimum(corner[..., 0] - q[P.WAIST_X], 0.0) / 0.02)
    if sleeve is SleeveModel.TWO:
        wanted.append((key.inner[-1][..., 0] - q[P.WAIST_X]) / 0.06)
    return wanted
