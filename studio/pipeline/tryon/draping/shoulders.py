"""The line on which cloth lies between neck and shoulder, as the picture shows it.

Bare skin is the line itself; an old garment lies on it, and stands off where its collar begins. Where hair hides both
the model's line goes on, joined smoothly to what is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from scipy.ndimage import minimum_filter1d

from studio.domain.arrays import F32, F64, Bool
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Body, Evidence, ShoulderLine
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.plates import measure_neck
from studio.pipeline.tryon.draping.removal import distance_to
from studio.pipeline.tryon.draping.skin import OLD_GARMENT

SAMPLES = 133
HIGHEST, LOWEST = 0.5, -0.12
"""Between these heights over the joints' line, in shoulder widths, the line is looked for."""
BESIDE_AXIS, LAST_SEEN = 0.08, 0.54
"""From where to where, in shoulder widths from the axis, an outline is the shoulder's: not the arm's."""
SETTLED = 0.66
"""From here on the model's line is not doubted."""
MOST_MOVED = 0.12
"""The most that the line under an old garment may lie off the model's, in shoulder widths."""
MOST_COLLAR, COLLAR_REACH = 0.06, 0.08
"""The most that an old collar stands off the neck, and within what distance of its edge, in shoulder widths."""
COLLAR_ENDS = (0.35, 0.55)
"""Where an old collar's thickness is that of the cloth on the shoulder again."""
ROUND_IT = (0.48, 0.6)
"""From where to where a shoulder's outline goes over into the arm's, which stands above the line by what is seen."""
LABEL_RIM = 0.03
"""How far beside a label's border its matter may begin, in shoulder widths."""
COLLAR_STANDS, STANDS_OFF = 0.3, 0.02
"""Out to here a standing collar may reach, in shoulder widths from the axis; it is one if the outline lies so much
higher over the model's line than farther out."""
LEAST_SEEN = 0.06
"""A line seen on less than this, in shoulder widths, says nothing."""
GOES_ON = 0.3
"""Within this distance, in shoulder widths, what is seen says something of the line nearer to the axis."""
STRAP = 0.22
"""So narrow a piece of cloth between skin, in shoulder widths, hides no bend of the shoulder."""
SMOOTH, FINE = 0.015, 0.004
_ON_TOP = (*OLD_GARMENT, Cihp.NECK, Cihp.LEFT_ARM, Cihp.RIGHT_ARM)
_HAIRY = (Cihp.HAIR, Cihp.HAT)


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """The upper outline at distances `at` from the axis, in shoulder widths. up: its height.

    cloth: an old garment's. seen: against the background. hidden: hair goes on above it.
    """

    at: F64
    up: F64
    cloth: Bool
    seen: Bool
    hidden: Bool


def fit_shoulders(body: Body, evidence: Evidence, fields: BodyFields) -> Body:
    """Return the body with the neck's width and the shoulder line that the picture shows."""
    neck = measure_neck(body, fields, evidence.labels)
    body = replace(body, neck_half=(neck.left, neck.right))
    if evidence.leak_free:
        return body
    at = np.linspace(0.0, SETTLED, SAMPLES)
    outlines = [_trace(body, evidence, at, side) for side in (-1, 1)]
    off = [_fit_side(body, outline, side) for outline, side in zip(outlines, (-1, 1), strict=True)]
    # Beside hair an old garment's thickness is not taken off: a gap would open between hair and skin.
    wide = 2 * round(2 * SMOOTH / (at[1] - at[0])) + 1
    seen = [_smoothed(minimum_filter1d(outline.seen.astype(np.float64), wide), at) for outline in outlines]
    return replace(body, shoulders=ShoulderLine(at, np.stack(off), np.stack(seen)))


def bare_evidence(body: Body, evidence: Evidence, fields: BodyFields) -> Evidence:
    """Return the evidence with the silhouette that bare shoulders have: the old garment lies on them."""
    if evidence.leak_free:
        return evidence
    alpha = evidence.alpha.copy()
    cloth = np.isin(evidence.labels, OLD_GARMENT)
    # Of the soft outline what lies beside skin or hair is theirs.
    beside = distance_to(cloth) < distance_to(~cloth & (evidence.labels != Cihp.BACKGROUND))
    cloth |= (evidence.labels == Cihp.BACKGROUND) & beside
    lateral = np.abs(fields.lateral) / body.size
    near = cloth & (alpha > 0) & (lateral < ROUND_IT[1]) & (-fields.depth > LOWEST * body.size)
    for row, side in enumerate((-1, 1)):
        own = near & (fields.lateral * side > 0)
        above = -fields.depth[own] - body.shoulder_up(fields.lateral[own].astype(np.float64), side)
        round_it = np.interp(lateral[own], ROUND_IT, [0.0, 0.2]) * body.size
        bare = np.clip(0.5 + round_it - above, 0.0, 1.0)
        sure = np.interp(lateral[own], body.shoulders.at, body.shoulders.seen[row])
        alpha[own] *= (1 - sure * (1 - bare)).astype(np.float32)
    return replace(evidence, alpha=alpha)


def _fit_side(body: Body, outline: _Outline, side: int) -> F64:
    """Return how far above the model's line, in shoulder widths, the body's lies."""
    outline = _without_straps(outline)
    at, seen, cloth = outline.at, outline.seen, outline.cloth
    lateral = at * body.size
    model = body.shoulder_up(lateral, side) / body.size
    stands = body.cloth_up(lateral, side) / body.size - model
    if seen.sum() * (at[1] - at[0]) < LEAST_SEEN:
        off = np.zeros_like(at)
    else:
        collar = _collar_height(outline) * np.interp(at, COLLAR_ENDS, [1.0, 0.0])
        thick = np.where(_find_straps(outline), 0.0, np.maximum(stands, collar))
        bare = np.where(cloth, outline.up - thick, outline.up)
        places = np.flatnonzero(seen)
        # Where a collar begins, a few pixels before its label does, nothing rises outwards but the collar.
        begins = at[places] > at[places[np.argmax(cloth[places])]] - LABEL_RIM
        begins &= np.cumsum(cloth[places][::-1])[::-1] > 0  # beyond it skin is where it is
        bare[places] = np.where(cloth[places].any() & begins, np.minimum.accumulate(bare[places]), bare[places])
        off = np.where(cloth, np.clip(bare - model, -MOST_MOVED, MOST_MOVED), bare - model)
        off = _without_standing(off, outline)
        knots = np.concatenate([[0.0], at[places], [SETTLED]])
        inward = off[places[0]] * max(0.0, 1 - at[places[0]] / GOES_ON)
        off = np.interp(at, knots, np.concatenate([[inward], off[places], [0.0]]))
    # The old garment went on under the hair.
    least = np.where(outline.hidden & cloth, outline.up - stands - model, -1.0)
    off = np.maximum(off, np.minimum(least, MOST_MOVED))
    # Cloth is creased, skin is where it is: each is smoothed by itself.
    first = np.flatnonzero(seen & cloth)[:1]
    skin = np.flatnonzero(seen[: first[0]] if first.size else seen)
    if not skin.size:
        return _smoothed(off, at)
    inside = np.arange(len(at)) <= skin[-1]
    clothed, bare = _smoothed(np.where(inside, off[skin[-1]], off), at), _smoothed(off, at, FINE)
    line: F64 = clothed + (bare - clothed) * _smoothed(inside.astype(np.float64), at, FINE)
    return line


def _without_straps(outline: _Outline) -> _Outline:
    """Return the outline with nothing said by a strap: the skin on both its sides tells the line better."""
    at, skin = outline.at, np.flatnonzero(outline.seen & ~outline.cloth)
    under = np.zeros(len(at), bool)
    for inner, outer in pairwise(skin):
        if outer - inner > 1 and outline.seen[inner:outer].all() and at[outer] - at[inner] < STRAP:
            # Its edge lies a little beside its label's.
            under |= (at > at[inner] - LABEL_RIM / 2) & (at < at[outer] + LABEL_RIM / 2)
    return replace(outline, cloth=outline.cloth & ~under, seen=outline.seen & ~under)


def _find_straps(outline: _Outline) -> Bool:
    """Return the narrow cloth that bare skin goes on beyond: it lies on the shoulder by its own thickness only."""
    straps = np.zeros(len(outline.at), bool)
    known = np.flatnonzero(outline.seen | outline.hidden)
    steps = np.diff(outline.cloth[known].astype(np.int8), prepend=0)
    for begin, end in zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=False):
        first, beyond = known[begin], known[end]
        straps[first:beyond] = outline.seen[beyond] and outline.at[beyond] - outline.at[first] < STRAP
    return straps & outline.cloth


def _without_standing(off: F64, outline: _Outline) -> F64:
    """Return the offsets with a collar that stands up to the jaw left out: beyond it the shoulder tells their level."""
    at = outline.at
    level = off[outline.seen & (at >= COLLAR_STANDS) & (at < COLLAR_ENDS[1])]
    if not level.size:
        return off
    stands = outline.cloth & (at < COLLAR_STANDS)
    lower: F64 = np.where(stands, np.minimum(off, float(np.median(level)) + STANDS_OFF), off)
    return lower


def _smoothed(values: F64, at: F64, width: float = SMOOTH) -> F64:
    sigma = width / (at[1] - at[0])
    smooth: F64 = cv2.GaussianBlur(values[None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
    return smooth


def _collar_height(outline: _Outline) -> float:
    """Return by how much the outline rises where an old collar begins beside the neck, in shoulder widths."""
    places = np.flatnonzero(outline.seen)
    first = np.flatnonzero(outline.cloth[places])
    if not first.size or first[0] < 2:  # no neck is seen beside it
        return 0.0
    start = outline.at[places[first[0]]]
    near = places[(outline.at[places] >= start) & (outline.at[places] < start + COLLAR_REACH)]
    neck = float(outline.up[places[: first[0]]].min())
    return float(np.clip((outline.up[near] - neck).max(), 0.0, MOST_COLLAR))


def _trace(body: Body, evidence: Evidence, at: F64, side: int) -> _Outline:
    """Walk up from the trunk at distances from the axis to where the person ends, or hair begins."""
    heights = np.arange(LOWEST * body.size, HIGHEST * body.size, 0.5)
    points = body.place(*np.broadcast_arrays(side * at[:, None] * body.size, -heights[None]))
    x, y = points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)
    alpha: F32 = cv2.remap(evidence.alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    labels = cv2.remap(evidence.labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    ends = (alpha < 0.5) | np.isin(labels, _HAIRY)
    last = np.where(ends.any(axis=1), ends.argmax(axis=1), 0)
    rows = np.arange(len(at))
    # The matte's edge and the parse map's lie a pixel or two apart.
    below = np.stack([labels[rows, np.maximum(last - step, 0)] for step in (2, 4, 6)], -1)
    above = np.stack([labels[rows, np.minimum(last + step, len(heights) - 1)] for step in (0, 3, 6)], -1)
    there: Bool = np.all(np.isin(below[:, 1:], _ON_TOP), axis=1) & (last > 6) & (at > BESIDE_AXIS) & (at < LAST_SEEN)
    hair: Bool = np.any(np.isin(above, _HAIRY), axis=1)
    cloth: Bool = np.any(np.isin(below, OLD_GARMENT), axis=1)
    return _Outline(at, heights[last] / body.size, cloth, there & ~hair, there & hair)
