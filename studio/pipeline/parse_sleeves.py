"""Sleeves are cut alike: what of one arm's sleeve is plain to see says how far the other one goes.

Where locks fall on a sleeve of nearly the skin's colour, the selfie network doubts whether cloth or skin lies between
and below them. The other arm does not hide its hem; about as far from the shoulder this one is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.pipeline.parse_limbs import arm_bones, bone_distance, point
from studio.pipeline.parse_matter import Matter
from studio.pipeline.parse_work import Work
from studio.pipeline.pose_body import Torso

BINS = 24
_PULL = 2.5
"""A sleeve multiplies the odds cloth : skin by e to twice this where the network doubts."""
_DOUBT = (0.05, 0.15)
"""From and up to which share of cloth an arm is doubted to be bare: where the network is sure, it stays so."""
_PLAIN = (0.85, 0.15)
"""From and up to which share of cloth an arm is plainly dressed above its hem and bare below it."""
_ENDS = (0.2, 0.95)
"""Between these places on the upper arm (0 shoulder, 1 elbow) a hem says something."""
_MIXED_ROWS = 4
_UNEVEN = (0.15, 0.25)
"""How much nearer to the shoulder and farther from it than the other hem, in upper arms, this one may lie."""
_BESIDE = 0.06
"""Over which length on both sides of a hem, in upper arms, colours are compared."""
_STEP = 4.0
"""The least difference of cloth and skin (CIELAB) at a hem."""
_SEEN, _HAIRLESS = 0.3, 0.1
"""Of a row at least so much is cloth or skin: hair or a hand may hide it; less hair than this is none."""
_FEW = 40


@dataclass(frozen=True, slots=True, eq=False)
class _Arm:
    """An upper arm: where it is, the distance of every pixel from the shoulder along it and off its bone outwards."""

    inside: Bool
    down: F64
    outward: F64
    length: float


def even_sleeves(matter: F32, work: Work, torso: Torso) -> F32:
    """Return class shares in which a sleeve that is doubted goes as far as the other arm's lets expect."""
    arms = {side: _locate(work, torso, side) for side in ("left", "right")}
    hems = {side: None if arm is None else _read_hem(matter, arm) for side, arm in arms.items()}
    for side, other in (("left", "right"), ("right", "left")):
        arm, model, hem = arms[side], arms[other], hems[other]
        if arm is None or model is None or hem is None or hems[side] is not None:
            continue
        end = _find_hem(matter, work, arm, (hem, model.length))
        if end is None:
            continue
        doubt = np.interp(matter[Matter.CLOTHES], _DOUBT, (0.0, 1.0))
        pull = (_PULL * doubt * (arm.inside & (arm.down > 0) & (arm.down < end))).astype(np.float32)
        matter = matter.copy()
        matter[Matter.CLOTHES] *= np.exp(pull)
        matter[Matter.SKIN] *= np.exp(-pull)
        matter /= np.maximum(matter.sum(axis=0), 1e-6)
    return matter


def _read_hem(matter: F32, arm: _Arm) -> float | None:
    """Return how far from the shoulder a sleeve plainly ends, or None."""
    # The other half may lie before the trunk.
    inside = arm.inside & (arm.down > 0) & (arm.down < arm.length) & (arm.outward > 0)
    if not inside.any():
        return None
    rows = np.minimum(arm.down[inside] / arm.length * BINS, BINS - 1).astype(int)
    cloth, skin = matter[Matter.CLOTHES][inside], (matter[Matter.SKIN] + matter[Matter.FACE])[inside]
    known = np.bincount(rows, cloth + skin, BINS)
    share = np.bincount(rows, cloth, BINS) / np.maximum(known, 1e-6)
    seen = known > _SEEN * np.maximum(np.bincount(rows, minlength=BINS), 1)
    # A hem is a step: cloth, at the most a few mixed rows, skin.
    below, above = share <= _PLAIN[1], share >= _PLAIN[0]
    if not below.any() or not above[0]:
        return None
    first, last = int(below.argmax()), int(above.argmin())
    if first - last > _MIXED_ROWS or not seen[: first + 1].all() or (share[first:] > 0.5).any():
        return None
    place = (first + last) / 2 / BINS
    return place * arm.length if _ENDS[0] < place < _ENDS[1] else None


def _find_hem(matter: F32, work: Work, arm: _Arm, model: tuple[float, float]) -> float | None:
    """Return where the colours of an arm change, near where its hem is expected; None where they do not.

    model: the other hem's distance from its shoulder, and that arm's length: one may be bent, and seem shorter.
    """
    hem, length = model
    free = arm.inside & (matter[Matter.HAIR] < _HAIRLESS)  # where locks end, colours change, too
    lab = cv2.cvtColor(work.image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    colours, down = lab[free], arm.down[free]
    best, found = 0.0, None
    for end in np.arange(hem - _UNEVEN[0] * length, hem + _UNEVEN[1] * length, 2.0):
        beside = _BESIDE * length
        sides = [colours[(down > start) & (down <= start + beside)] for start in (end - beside, end)]
        if min(map(len, sides)) < _FEW:
            continue
        step = float(np.linalg.norm(np.median(sides[0], axis=0) - np.median(sides[1], axis=0)))
        likely = step * np.exp(-0.5 * ((end - hem) / (_UNEVEN[1] * length / 2)) ** 2)
        if step > _STEP and likely > best:
            best, found = likely, float(end)
    return found


def _locate(work: Work, torso: Torso, side: str) -> _Arm | None:
    shoulder, elbow = point(work, f"{side}_shoulder"), point(work, f"{side}_elbow")
    if shoulder is None or elbow is None:
        return None
    shape = (work.alpha.shape[0], work.alpha.shape[1])
    bone = arm_bones(work, side, torso.size)[0]
    step = (elbow - shoulder) / max(float(np.hypot(*(elbow - shoulder))), 1e-6)
    y, x = np.ogrid[0 : shape[0], 0 : shape[1]]
    dx, dy = x - shoulder[0], y - shoulder[1]
    middle = (torso.neck + torso.mid_hip) / 2 - shoulder
    outward = -(dx * step[1] - dy * step[0]) * np.sign(middle[0] * step[1] - middle[1] * step[0])
    inside = (bone_distance(shape, bone) < 1.0) & work.hull
    return _Arm(inside, dx * step[0] + dy * step[1], outward, float(np.hypot(*(elbow - shoulder))))
