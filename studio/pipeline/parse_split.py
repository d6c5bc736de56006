"""Where the upper garment ends and the lower one begins, when no garment network is installed.

Colours of the chest and of the legs vote pixel by pixel; how far down the trunk a pixel lies votes with them, gently
where hems and waistbands are found and firmly elsewhere; the sum is smoothed along the photo's edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.pipeline.parse_limbs import arm_bones, limb_distance
from studio.pipeline.parse_refine import EdgeSnapper, components_touching
from studio.pipeline.parse_work import Work
from studio.pipeline.pose_body import Torso

_BINS = 16
_LLR_LIMIT = 3.0
_EM_ROUNDS = 3
# Vote for "upper" by position down the trunk (0 = neck, 1 = hip joints).
_PRIOR_AT = (0.0, 0.55, 0.75, 1.0, 1.25, 1.6)
_PRIOR = (8.0, 8.0, 1.2, -0.2, -1.5, -8.0)
_SLEEVE_PRIOR = 1.5  # of cloth within an arm's girth, wherever the arm hangs
_SLEEVE_REACH = 1.25
_UPPER_SEEDS, _LOWER_SEEDS_FROM = (0.08, 0.55), 1.25
_UNSEEN_COLOUR = -0.8  # a colour of neither garment below the chest is a belt more often than a print
_SIMILAR = 0.75
"""Overlap of the two colour models (Bhattacharyya) above which colour says little."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """upper, lower: bool `(H, W)`, together all cloth. similarity: of their colours, in [0, 1]."""

    upper: Bool
    lower: Bool
    similarity: float


def trunk_position(work: Work, torso: Torso) -> F32:
    """Return float32 `(H, W)`: 0 at the height of the neck, 1 at the hip joints, along the trunk."""
    y, x = np.ogrid[0 : work.alpha.shape[0], 0 : work.alpha.shape[1]]
    down = torso.down / max(torso.length, 1e-6)
    return ((x - torso.neck[0]) * down[0] + (y - torso.neck[1]) * down[1]).astype(np.float32)


def split_cloth(work: Work, cloth: Bool, torso: Torso, snapper: EdgeSnapper) -> Split:
    """Divide all cloth into upper and lower garment."""
    position = trunk_position(work, torso)
    arms = [bone for side in ("left", "right") for bone in arm_bones(work, side, torso.size)]
    sleeve = limb_distance(work, arms) < _SLEEVE_REACH
    prior = np.interp(position, _PRIOR_AT, _PRIOR).astype(np.float32)
    prior = np.where(sleeve, np.maximum(prior, _SLEEVE_PRIOR), prior)
    upper_seeds = cloth & (position > _UPPER_SEEDS[0]) & (position < _UPPER_SEEDS[1])
    lowest = float(position[cloth].max()) if cloth.any() else 0.0
    start = min(_LOWER_SEEDS_FROM, max(lowest - 0.15, 0.95))
    lower_seeds = cloth & (position > start) & ~sleeve
    if not upper_seeds.any() or not lower_seeds.any():
        upper = cloth & (prior > 0) if upper_seeds.any() else np.zeros_like(cloth)
        return Split(upper, cloth & ~upper, 0.0)
    codes = _colour_codes(work.image)
    vote = prior.copy()
    upper, lower, similarity = upper_seeds, lower_seeds, 0.0
    for round_ in range(_EM_ROUNDS):
        ratio, similarity = _colour_vote(codes, upper, lower)
        strength = 1.0 if similarity < _SIMILAR else 0.3
        vote = snapper.snap(strength * ratio * cloth) + prior
        inside = np.abs(prior) < 8.0
        upper = cloth & ((vote > 0.5) & inside | upper_seeds)
        lower = cloth & ((vote < -0.5) & inside | lower_seeds)
        del round_
    upper = cloth & (vote > 0)
    return Split(*_tidy(upper, cloth & ~upper, upper_seeds, lower_seeds), similarity)


def _colour_codes(image: U8) -> np.ndarray:
    """Return each pixel's colour bin in CIELAB."""
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.int32)
    # a and b of cloth span a third of their range: finer bins there.
    tone = np.clip((lab[..., 1:] - 128) // 5 + _BINS // 2, 0, _BINS - 1)
    return (lab[..., 0] * _BINS // 256) * _BINS * _BINS + tone[..., 0] * _BINS + tone[..., 1]


def _histogram(codes: np.ndarray, mask: Bool) -> F32:
    counts = np.bincount(codes[mask], minlength=_BINS**3).astype(np.float32).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        # One bin's blur to each side: light and folds move colours to neighbouring bins.
        counts = 0.5 * counts + 0.25 * (np.roll(counts, 1, axis) + np.roll(counts, -1, axis))
    return counts.reshape(-1) / max(float(counts.sum()), 1.0)


def _colour_vote(codes: np.ndarray, upper: Bool, lower: Bool) -> tuple[F32, float]:
    """Return the log likelihood ratio upper : lower of each pixel's colour, and how alike the two models are."""
    ours, theirs = _histogram(codes, upper), _histogram(codes, lower)
    floor = 2e-4
    ratio = np.clip(np.log((ours + floor) / (theirs + floor)), -_LLR_LIMIT, _LLR_LIMIT)
    ratio[(ours < floor) & (theirs < floor)] = _UNSEEN_COLOUR
    return ratio.astype(np.float32)[codes], float(np.sqrt(ours * theirs).sum())


def _tidy(upper: Bool, lower: Bool, upper_seeds: Bool, lower_seeds: Bool) -> tuple[Bool, Bool]:
    """Give islands that hang on nothing of their own garment to the other one."""
    both = upper | lower
    lower_kept = components_touching(lower, lower_seeds)
    upper = both & ~lower_kept
    upper_kept = components_touching(upper, upper_seeds)
    islands = upper & ~upper_kept
    # Islands of upper away from the chest: sleeves cut off by hair or skin stay, pockets in the trousers go.
    count, labels = cv2.connectedComponents(islands.astype(np.uint8), connectivity=4)
    for index in range(1, count):
        island = labels == index
        ring = cv2.dilate(island.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~island
        if (ring & lower_kept).sum() > 0.5 * ring.sum():
            lower_kept |= island
    return both & ~lower_kept, lower_kept
