"""Hands in pockets: no hand is seen that could stand beside a narrower garment, so the new cloth hides it, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F64, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Arm, Body, Evidence
from studio.pipeline.tryon.draping.seam import TOPS

FOREARM_SEEN, HAND_END = 1.75, 2.5
"""Places on an arm (1 elbow, 2 wrist): so far down its middle must be seen, and so far the pocket must hide it."""
STEP = 0.02
"""Steps in which an arm is read, in places on it."""
ABOVE_MOUTH, BELOW_HAND = 0.35, 0.6
"""How far above the place where the arm goes in the mouth may begin, and how far below the fingers the cloth may still
stand off. In shoulder widths."""
FALLS = 0.12
"""Cloth that knuckles hold off the leg falls back to it at this slope, not around each of them."""
UNDER_ARM, SMOOTH = 0.03, 0.02
"""How far cloth goes on under the arm before it, and how far its line is smoothed, in shoulder widths."""
MOST_REACH = 0.95
"""Cloth is looked for this far off the body's axis, in shoulder widths."""
_LIMB = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.GLOVE, *TOPS)


@dataclass(frozen=True, slots=True, eq=False)
class Pocket:
    """How far out cloth with a hand in it reaches at least.

    depth: below the shoulder line, rising; reach: from the body's axis, outwards positive. Working pixels.
    """

    depth: F64
    reach: F64

    def push(self, depth: F64, edge: F64) -> F64:
        """Return how far an edge (outwards positive) moves outwards at depths, so that it hides the hand."""
        reach = np.interp(depth, self.depth, self.reach, left=-np.inf, right=-np.inf)
        pushed: F64 = np.maximum(reach - edge, 0.0)
        return pushed


def find_pockets(body: Body, evidence: Evidence) -> tuple[Pocket | None, Pocket | None]:
    """Return the pockets that hide the hands on the picture's left and right; None where a hand is not in one."""
    lower = np.isin(evidence.labels, LOWER_BODY)
    limb = np.isin(evidence.labels, _LIMB)
    left, right = (_find(body, side, (limb, lower)) for side in (-1, 1))
    return left, right


def _find(body: Body, side: int, masks: tuple[Bool, Bool]) -> Pocket | None:
    limb, lower = masks
    arm = body.arms[0 if side < 0 else 1]
    places = np.arange(1.0, HAND_END + STEP, STEP)
    seen, hidden = (_on_axis(arm, places, mask) for mask in masks)
    first = int(np.argmax(hidden)) if hidden.any() else 0
    # The arm goes into the cloth without a gap, not behind the hip or before it, and does not come out again.
    if places[first] < FOREARM_SEEN or not seen[:first].all() or not hidden[first:].all():
        return None
    mouth, tips = body.locate(_spots(arm, places[[first, -1]]))[1]
    depth = np.arange(mouth - ABOVE_MOUTH * body.size, tips + BELOW_HAND * body.size)
    lateral = np.arange(0.0, MOST_REACH * body.size)
    spots = body.place(np.tile(side * lateral, len(depth)), np.repeat(depth, len(lateral)))
    own, arms = (_sample(mask, spots).reshape(len(depth), len(lateral)) for mask in (lower, limb))
    own[depth > tips] = False
    known = np.flatnonzero(own.any(axis=1))
    if not known.size:
        return None
    last = len(lateral) - 1 - own[:, ::-1].argmax(axis=1)
    beside = arms[np.arange(len(depth)), np.minimum(last + 2, len(lateral) - 1)]
    reach = np.where(own.any(axis=1), last + UNDER_ARM * body.size * beside, -np.inf)[known[0] :]
    deepest = max(1, int(np.searchsorted(depth[known[0] :], mouth)))
    reach[:deepest] = np.minimum.accumulate(reach[:deepest][::-1])[::-1]  # a mouth narrows upwards
    for row in range(1, len(reach)):
        reach[row] = max(reach[row], reach[row - 1] - FALLS)
    return Pocket(depth[known[0] :], gaussian_filter1d(reach, SMOOTH * body.size, mode="nearest"))


def _spots(arm: Arm, places: F64) -> F64:
    """Return points of the forearm's line, and of the hand's beyond it."""
    elbow, wrist = arm.points[1], arm.points[2]
    spots: F64 = elbow + (places - 1.0)[:, None] * (wrist - elbow)
    return spots


def _on_axis(arm: Arm, places: F64, mask: Bool) -> Bool:
    return _sample(mask, _spots(arm, places))


def _sample(mask: Bool, spots: F64) -> Bool:
    x, y = spots.round().astype(np.intp).T
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    found = np.zeros(len(spots), bool)
    found[inside] = mask[y[inside], x[inside]]
    return found
