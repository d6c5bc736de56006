"""The upper edge of trousers or a skirt: a smooth line, whatever the old top's hem left to be seen of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.domain.arrays import F64, Bool
from studio.pipeline.tryon.draping.body import Body

Int = npt.NDArray[np.intp]

HIDDEN_BAND = 0.3
"""How much a row counts on which the waistband seems to begin low, against one on which it begins high."""
FEWEST = 8
"""Columns of a waistband that must be seen."""
NEARLY_ALL, MOST_RAISED = 97, 0.08
"""A waistband's line lies above this percentage of what is seen, raised by this share of a shoulder width at most."""


def fit_waistline(body: Body, lower: Bool, waist: float) -> F64:
    """Return the waistband's row per column: a smooth curve through what is seen of it, continued beside the hips."""
    seen = _read_edge(body, lower, waist)
    if seen is None:
        return np.full(lower.shape[1], body.axis(np.array([waist]))[0][1])
    columns, row, (middle, half) = seen
    at = (columns - middle) / half
    weight, curve = np.ones(len(at)), np.zeros(3)
    for _ in range(5):
        # An old top that billows over the band hides its top: what is seen higher is nearer to the truth.
        curve = np.polyfit(at, row, 2, w=np.sqrt(weight)).astype(np.float64)
        if curve[0] > 0:  # a waistband sags or is level: where it seems to fall off to both sides, the old top hides it
            curve = np.append(0.0, np.polyfit(at, row, 1, w=np.sqrt(weight)))
        over = row - np.polyval(curve, at)
        weight = np.where(over > 0, HIDDEN_BAND, 1.0) / (1.0 + np.abs(over) / (0.02 * body.size))
    everywhere = np.arange(lower.shape[1], dtype=np.float64)
    at_all = np.clip((everywhere - middle) / half, at.min(), at.max())
    return np.asarray(np.polyval(curve, at_all), np.float64)


def bare_waistline(body: Body, lower: Bool, waist: float) -> F64:
    """Return the row per column at which trousers begin below a bare belly: above all that is seen of them.

    waist: depth at which they begin at the lowest; under a top that hung over them that is higher than they are seen.
    """
    edge = fit_waistline(body, lower, waist)
    seen = _read_edge(body, lower, waist)
    if seen is None:
        return edge
    columns, row, (middle, _) = seen
    raised = float(np.clip(np.percentile(edge[columns] - row, NEARLY_ALL), 0.0, MOST_RAISED * body.size))
    wanted = float(body.axis(np.array([waist]))[0][1])
    at = int(np.clip(round(middle), 0, len(edge) - 1))
    raised_edge: F64 = edge - max(raised, float(edge[at]) - wanted)
    return raised_edge


def _read_edge(body: Body, lower: Bool, waist: float) -> tuple[Int, F64, tuple[float, float]] | None:
    """Return columns, the first row of the lower garment in each, and the trunk's middle and half-width there."""
    columns = np.flatnonzero(lower.any(axis=0))
    middle = body.axis(np.array([waist]))[0]
    half = float(body.half_width(np.array([waist]), -1)[0] + body.half_width(np.array([waist]), 1)[0]) / 2
    first = lower[:, columns].argmax(axis=0).astype(np.float64)
    # Beside the waist the hip begins, and with it trousers begin lower.
    seen = np.abs(columns - middle[0]) < 0.9 * half
    seen &= np.abs(first - np.median(first[seen]) if seen.any() else first) < 0.25 * body.size
    if seen.sum() < FEWEST:
        return None
    return columns[seen], first[seen], (float(middle[0]), half)
