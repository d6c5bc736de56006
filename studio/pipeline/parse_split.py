"""Where the upper garment ends and the lower one begins, when no garment network is installed.

Colours of the chest and of the legs vote pixel by pixel; how far down the trunk a pixel lies votes with them, gently
where hems and waistbands are found and firmly elsewhere; the sum is smoothed along the photo's edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.parse_colour import SIMILAR, colour_codes, colour_ratio
from studio.pipeline.parse_hem import settle_hem
from studio.pipeline.parse_limbs import arm_bones, bone_distance, leg_bones, limb_distance
from studio.pipeline.parse_refine import EdgeSnapper, RegionSmoother, components_touching
from studio.pipeline.parse_work import Work
from studio.pipeline.pose_body import Torso

_EM_ROUNDS = 3
_LOW_SIZE = 384  # longest side at which votes are spread through regions
# Vote for "upper" by position down the trunk (0 = neck, 1 = hip joints).
_PRIOR_AT = (0.0, 0.42, 0.58, 0.8, 1.05, 1.3, 1.8)
_PRIOR = (5.0, 5.0, 0.9, 0.2, -0.3, -1.2, -2.2)
_SLEEVE_PRIOR = 1.5  # of cloth within a clothed arm's girth, wherever the arm hangs
_SLEEVE_REACH = 1.25
_BARE_SHARE = 0.35  # a bone with more skin than this along it has no sleeve
_UPPER_SEEDS, _LOWER_SEEDS_FROM = (0.08, 0.45), 1.3
_LEG_CORE = 0.7  # share of a leg's girth that is surely leg
_FEW = 0.02  # of all cloth: less is no garment
_SPIKE = 0.07  # of a shoulder width: thinner parts reaching into the other garment are no garment
_BELLY_FROM = 0.4
_GENTLE = 1.6  # votes by position below this give way to clear colours


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
    position: F32 = ((x - torso.neck[0]) * down[0] + (y - torso.neck[1]) * down[1]).astype(np.float32)
    return position


def sleeve_area(work: Work, skin: Bool, torso: Torso) -> Bool:
    """Return where a sleeve may be: along the bones of the arms that are not bare."""
    area = np.zeros(skin.shape, bool)
    for side in ("left", "right"):
        for bone in arm_bones(work, side, torso.size):
            distance = bone_distance(skin.shape, bone)
            core = (distance < 0.6) & work.hull
            if core.any() and skin[core].mean() < _BARE_SHARE:
                area |= distance < _SLEEVE_REACH
    return area


def split_cloth(
    work: Work, cloth: Bool, skin: U8, torso: Torso, snapper: EdgeSnapper, hint: F32 | None = None
) -> Split:
    """Divide all cloth into upper and lower garment.

    skin: the labels of bare skin, 0 elsewhere: they tell of bare bellies, arms and legs. hint: float32 `(H, W)`, a
    garment network's log ratio upper : lower, 0 where it says nothing.
    """
    position = trunk_position(work, torso)
    sleeve = sleeve_area(work, skin > 0, torso)
    prior = np.interp(position, _PRIOR_AT, _PRIOR).astype(np.float32)
    prior = np.where(sleeve, np.maximum(prior, _SLEEVE_PRIOR), prior)
    upper_seeds = cloth & (position > _UPPER_SEEDS[0]) & (position < _UPPER_SEEDS[1])
    belly = (skin == Cihp.NECK) & (position > _BELLY_FROM)
    parted = _parted_cloth(cloth, position, sleeve, upper_seeds, belly) | (_below(belly) & cloth & ~sleeve)
    lower_seeds = _leg_cloth(work, cloth, position, sleeve, torso) | parted
    prior[parted] = _PRIOR[-1]
    if not upper_seeds.any() or not lower_seeds.any():
        upper = cloth if upper_seeds.any() else np.zeros_like(cloth)
        return Split(upper, cloth & ~upper, 0.0)
    vote, similarity = _vote(work.image, cloth, prior, position, upper_seeds, lower_seeds, hint)
    upper = cloth & (snapper.snap(np.clip(vote, -3, 3)) > 0)
    upper, lower = _tidy(upper, cloth & ~upper, upper_seeds, lower_seeds)
    upper, lower = _trim_spikes(*settle_hem(work.image, upper, lower, torso.size), torso.size)
    return Split(upper, lower, similarity)


def _leg_cloth(work: Work, cloth: Bool, position: F32, sleeve: Bool, torso: Torso) -> Bool:
    """Return cloth that is the lower garment's as surely as can be told: on the legs, else far down the picture."""
    bones = [bone for side in ("left", "right") for bone in leg_bones(work, side, torso.size)]
    on_legs = cloth & (limb_distance(work, bones) < _LEG_CORE) & (position > _LOWER_SEEDS_FROM) & ~sleeve
    if on_legs.sum() > _FEW * cloth.sum():
        return on_legs
    lowest = float(np.quantile(position[cloth], 0.995)) if cloth.any() else 0.0
    start = min(_LOWER_SEEDS_FROM, max(lowest - 0.12, 1.0))
    seeds: Bool = cloth & (position > start) & ~sleeve
    return seeds


def _below(belly: Bool) -> Bool:
    """Return what lies below a broad bare belly, column by column."""
    kernel = np.ones((5, 9), np.uint8)
    broad = cv2.morphologyEx(belly.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    below: Bool = np.maximum.accumulate(broad, axis=0).astype(bool) & ~belly
    # The last belly pixel of a column counts: cloth between two bare stretches is a strap or a knot.
    rest = np.maximum.accumulate(broad[::-1], axis=0)[::-1].astype(bool)
    last: Bool = below & ~rest
    return last


def _parted_cloth(cloth: Bool, position: F32, sleeve: Bool, upper_seeds: Bool, belly: Bool) -> Bool:
    """Return pieces of cloth that a bare belly parts from the chest's."""
    parted = np.zeros_like(cloth)
    if not belly.any():
        return parted
    solid = cv2.erode(cloth.astype(np.uint8), np.ones((5, 5), np.uint8))
    beside = cv2.dilate(belly.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    count, islands, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    for index in range(1, count):
        if stats[index, cv2.CC_STAT_AREA] < _FEW * cloth.sum():
            continue
        island = islands == index
        below = np.quantile(position[island], 0.1) > _BELLY_FROM and sleeve[island].mean() < 0.5
        if below and (island & beside).any() and not (island & upper_seeds).any():
            parted |= island
    return parted


def _vote(
    image: U8,
    cloth: Bool,
    prior: F32,
    position: F32,
    upper_seeds: Bool,
    lower_seeds: Bool,
    hint: F32 | None,
) -> tuple[F32, float]:
    """Return float32 `(H, W)`, positive for "upper", and how alike the colours are."""
    height, width = cloth.shape
    shrink = min(1.0, _LOW_SIZE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    low = [cv2.resize(plane.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
           for plane in (cloth, upper_seeds, lower_seeds)]  # fmt: skip
    inside, upper, lower = low
    low_prior = cv2.resize(prior, size, interpolation=cv2.INTER_AREA)
    smoother = RegionSmoother(small, inside)
    codes = colour_codes(small)
    low_hint = 0.0 if hint is None else cv2.resize(hint, size, interpolation=cv2.INTER_AREA)
    vote, similarity = low_prior, 0.0
    # A logo on the chest says nothing about the hem: colours count more the nearer they are to it.
    weight = np.clip((cv2.resize(position, size, interpolation=cv2.INTER_AREA) - 0.2) / 0.3, 0.02, 1.0)
    for _ in range(_EM_ROUNDS):
        ratio, similarity = colour_ratio(codes, upper * weight, lower.astype(np.float32))
        strength = 1.0 if similarity < SIMILAR else 0.4
        # Where colours tell the garments apart, position need not.
        gentle = np.where(np.abs(low_prior) < _GENTLE, low_prior * (0.4 + 0.6 * similarity), low_prior)
        vote = smoother.spread(np.where(inside, strength * ratio + gentle + low_hint, 0))
        upper = inside & ((vote > 1.0) | low[1])
        lower = inside & ((vote < -1.0) | low[2])
    return cv2.resize(vote, (width, height), interpolation=cv2.INTER_LINEAR), similarity


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


def _trim_spikes(upper: Bool, lower: Bool, size: float) -> tuple[Bool, Bool]:
    """Give thin spikes of one garment that reach into the other to that other: stripes of a like colour."""
    width = max(3, 2 * int(_SPIKE * size / 2) + 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    both = upper | lower
    for _ in range(2):
        body = cv2.morphologyEx(lower.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)
        spikes = _mostly_beside(lower & ~body, upper)
        lower, upper = lower & ~spikes, upper | spikes
        upper, lower = lower, upper  # the second round trims the other garment
    return both & ~lower, lower


def _mostly_beside(pieces: Bool, other: Bool) -> Bool:
    """Return the pieces whose surroundings are mostly `other`."""
    count, islands = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=4)
    if count < 2:
        return pieces
    ring = cv2.dilate(islands.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32)
    ring[pieces] = 0
    around = np.bincount(ring.reshape(-1), minlength=count).astype(np.float64)
    beside = np.bincount(ring[other], minlength=count)
    chosen = beside > 0.5 * np.maximum(around, 1)
    chosen[0] = False
    mostly: Bool = chosen[islands]
    return mostly
