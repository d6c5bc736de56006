"""Whose skin is it: left and right arms and legs, face, neck; by distance to the bones in units of the limb's girth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.artefacts import COCO18, EXTRA_POINTS
from studio.domain.labels import Cihp
from studio.pipeline.parse_work import Work, extend_labels
from studio.pipeline.pose_body import Torso

# Half-widths of bare limbs in shoulder widths, read off catalogue pictures.
UPPER_ARM, FOREARM, HAND = 0.17, 0.14, 0.15
THIGH, SHANK, FOOT = 0.30, 0.20, 0.20
HEAD = 0.42
_TORSO_COST = 0.8
"""Inside the trunk a limb takes a pixel only within this share of its girth: an arm crossing the body."""

_NECK_COST = 0.6
_LEG_HANDICAP = 0.6  # a hand on the thigh is nearer to the thigh's bone: arms come first
_FAR = 1e3
_COARSE = 2
_SIDES = (
    ("left", Cihp.LEFT_ARM, Cihp.LEFT_LEG),
    ("right", Cihp.RIGHT_ARM, Cihp.RIGHT_LEG),
)
_LIMB_LABELS = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)
_HIP_FLESH = 0.2  # of the hip joints' distance, on each side
_SLIVER = 0.12  # of a shoulder width
_DOUBT = 0.6  # how much further away a joint seems that is hardly seen
_PLAIN_VIEW, _IN_FRONT = 0.6, 0.95  # a wrist's confidence; how far around its bones hand and forearm cover the body
_CORE, _RIM = 0.6, 1.4  # of a hand's girth: certainly hand within, certainly not beyond
_MINE, _BEHIND, _ELSEWHERE = 1, 2, 3  # watershed markers
_ONE_HAND = 0.25  # in squared shoulder widths: bare skin smaller than this mostly belongs to one limb
_CLEAR_MAJORITY = 0.7
_LEG_CRUMB = 0.02  # even where the picture ends below
_LEG_BIT = 0.3  # in squared shoulder widths: less "leg" than this, ending on an arm above cloth, is part of the hand
_FACE_REACH = 1.9  # in head sizes: face-coloured skin further from the nose is not face
_HAND_LENGTH = 0.36  # of a shoulder width beyond the wrist, where the fingers are not seen


@dataclass(frozen=True, slots=True)
class Bone:
    """A limb segment with its half-widths at both ends, in working pixels."""

    start: F64
    end: F64
    start_radius: float
    end_radius: float


def point(work: Work, name: str) -> F64 | None:
    """Return a joint in working pixels, or None where it was not seen."""
    row = work.extra[EXTRA_POINTS.index(name)] if name in EXTRA_POINTS else work.joints[COCO18.index(name)]
    return row[:2] if row[2] > 0 else None


def bone_distance(shape: tuple[int, int], bone: Bone) -> F32:
    """Return float32 `(H, W)` distance to the bone over its half-width there: below 1 is inside."""
    # A smooth field: worked out on every second pixel and interpolated, at a quarter of the time.
    y = np.arange(0, shape[0] + _COARSE, _COARSE, dtype=np.float32)[:, None] - np.float32(bone.start[1])
    x = np.arange(0, shape[1] + _COARSE, _COARSE, dtype=np.float32)[None] - np.float32(bone.start[0])
    dx, dy = (np.float32(step) for step in (bone.end - bone.start))
    along = np.clip((x * dx + y * dy) / np.float32(max(float(dx * dx + dy * dy), 1e-6)), 0.0, 1.0)
    away = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2)
    radius = np.float32(bone.start_radius) + along * np.float32(bone.end_radius - bone.start_radius)
    return _upsample(away / np.maximum(radius, np.float32(1e-3)), shape)


def _upsample(coarse: F32 | F64, shape: tuple[int, int]) -> F32:
    """Return a field known on every `_COARSE`th pixel for all pixels of `(H, W)`."""
    size = ((coarse.shape[1] - 1) * _COARSE + 1, (coarse.shape[0] - 1) * _COARSE + 1)
    matrix = np.array([[_COARSE, 0, 0], [0, _COARSE, 0]], np.float64)
    full = cv2.warpAffine(
        coarse.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    field: F32 = full[: shape[0], : shape[1]]
    return field


def arm_bones(work: Work, side: str, size: float) -> list[Bone]:
    """Return the bones of one arm that were seen; a hand without fingers seen goes on from the forearm."""
    shoulder, elbow, wrist = (point(work, f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist"))
    bones = []
    if shoulder is not None and elbow is not None:
        bones.append(Bone(shoulder, elbow, UPPER_ARM * size, FOREARM * size))
    if elbow is not None and wrist is not None:
        bones.append(Bone(elbow, wrist, FOREARM * size, 0.8 * FOREARM * size))
        bones.append(Bone(wrist, _finger_tips(work, side, elbow, wrist, size), 0.8 * HAND * size, HAND * size))
    elif wrist is not None:
        bones.append(Bone(wrist, wrist, HAND * size, HAND * size))
    elif shoulder is not None and elbow is not None:
        # A forearm that leaves the picture goes on as the upper arm does.
        ahead = (elbow - shoulder) / max(float(np.hypot(*(elbow - shoulder))), 1e-6)
        bones.append(Bone(elbow, elbow + ahead * 0.8 * size, FOREARM * size, FOREARM * size))
    return bones


def _finger_tips(work: Work, side: str, elbow: F64, wrist: F64, size: float) -> F64:
    fingers = [point(work, f"{side}_{name}") for name in ("pinky", "index")]
    seen = [tip for tip in fingers if tip is not None]
    ahead: F64 = np.mean(seen, axis=0) - wrist if seen else wrist - elbow
    length = max(float(np.hypot(*ahead)), 1e-6)
    tips: F64 = wrist + ahead / length * _HAND_LENGTH * size
    return tips


def leg_bones(work: Work, side: str, size: float) -> list[Bone]:
    """Return the bones of one leg that were seen; a thigh whose knee is outside the picture hangs straight down."""
    hip, knee, ankle = (point(work, f"{side}_{joint}") for joint in ("hip", "knee", "ankle"))
    if hip is not None and knee is None:
        knee = hip + np.array([0.0, 1.5 * size])
    bones = []
    if hip is not None and knee is not None:
        bones.append(Bone(hip, knee, THIGH * size, SHANK * size))
    if knee is not None and ankle is not None:
        bones.append(Bone(knee, ankle, SHANK * size, 0.6 * SHANK * size))
    return bones


def limb_distance(work: Work, bones: list[Bone]) -> F32:
    """Return the least normalised distance to any of the bones; very far where there are none."""
    nearest = np.full(work.alpha.shape, _FAR, np.float32)
    for bone in bones:
        np.minimum(nearest, bone_distance(work.alpha.shape, bone), out=nearest)
    return nearest


def trunk_mask(work: Work, torso: Torso, *, lowest: float = 1.0) -> Bool:
    """Return the quadrangle of shoulders and hips; `lowest` 1 ends it at the hips."""
    bottom = torso.down * torso.length * (lowest - 1.0)
    # Hip joints lie inside the body: the trunk's outline is wider.
    out = (torso.left_hip - torso.right_hip) * _HIP_FLESH
    corners = np.array(
        [torso.right_shoulder, torso.left_shoulder, torso.left_hip + bottom + out, torso.right_hip + bottom - out]
    )
    mask = np.zeros(work.alpha.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
    return mask.astype(bool)


def _neck_cost(work: Work, torso: Torso, size: float) -> F32:
    """Return the cost of being neck or torso skin: low in the trunk and between chin and shoulders."""
    trunk = trunk_mask(work, torso)
    away = cv2.distanceTransform((~trunk).astype(np.uint8), cv2.DIST_L2, 3) / (UPPER_ARM * size)
    cost = np.where(trunk, _TORSO_COST, _TORSO_COST + away).astype(np.float32)
    nose = point(work, "nose")
    top = nose if nose is not None else torso.neck - torso.down * HEAD * size
    neck = bone_distance(work.alpha.shape, Bone(top, torso.neck, 0.25 * size, 0.45 * size))
    least: F32 = np.minimum(cost, _NECK_COST * neck).astype(np.float32)
    return least


def assign_skin(work: Work, skin: Bool, torso: Torso | None) -> U8:
    """Return labels of body skin: arms, legs and neck (CIHP class 10 takes the trunk's skin too); 0 elsewhere."""
    labels = np.zeros(work.alpha.shape, np.uint8)
    if torso is None or not skin.any():
        labels[skin] = Cihp.NECK
        return labels
    size = torso.size
    costs = {Cihp.NECK: _neck_cost(work, torso, size)}
    for side, arm, leg in _SIDES:
        costs[arm] = _arm_cost(work, side, size)
        costs[leg] = limb_distance(work, leg_bones(work, side, size)) + np.float32(_LEG_HANDICAP)
        hip = point(work, f"{side}_hip")
        if hip is not None:  # skin above the hips is never a leg
            costs[leg][: max(0, int(hip[1]))] = _FAR
    order = list(costs)
    stack = np.stack([costs[label] for label in order])
    nearest = np.array(order, np.uint8)[stack.argmin(axis=0)]
    labels[skin] = nearest[skin]
    labels = _absorb_slivers(labels, skin, size)
    labels = _outline_hands(work, labels, skin, size)
    return _settle_islands(labels, skin, size)


def _arm_cost(work: Work, side: str, size: float) -> F32:
    """Return the distance to one arm; a hand that is hardly seen seems further away than one in plain view."""
    wrist = float(work.joints[COCO18.index(f"{side}_wrist"), 2])
    doubt = 1.0 + _DOUBT * (1.0 - wrist) if wrist > 0 else 1.0
    bones = arm_bones(work, side, size)
    lower = limb_distance(work, bones[1:])
    if wrist > _PLAIN_VIEW:
        # A hand in plain view at the chin or on the chest is in front of the neck.
        lower = np.where(lower < _IN_FRONT, lower - 2.0, lower).astype(np.float32)
    cost: F32 = np.minimum(limb_distance(work, bones[:1]), lower * np.float32(doubt))
    return cost


def _absorb_slivers(labels: U8, skin: Bool, size: float) -> U8:
    """Give thin strips of "neck" along an arm, where the arm is wider than its girth here, to the arm."""
    neck, arms = labels == Cihp.NECK, np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    if not neck.any() or not arms.any():
        return labels
    reach = max(3, 2 * int(_SLIVER * size / 2) + 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    slivers = neck & ~cv2.morphologyEx(neck.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)
    slivers &= cv2.dilate(arms.astype(np.uint8), kernel).astype(bool)
    filled = extend_labels(labels, skin & ~slivers)
    return np.where(slivers, filled, labels).astype(np.uint8)


def _outline_hands(work: Work, labels: U8, skin: Bool, size: float) -> U8:
    """Move the border between a forearm or hand and the neck or chest behind it onto the photo's edges."""
    neck = labels == Cihp.NECK
    outlined = labels.copy()
    for side, arm in (("left", Cihp.LEFT_ARM), ("right", Cihp.RIGHT_ARM)):
        mine = labels == arm
        distance = limb_distance(work, arm_bones(work, side, size)[1:])
        ring = skin & (mine | neck) & (distance > _CORE) & (distance < _RIM)
        if not (ring & neck).any() or not (ring & mine).any():
            continue
        markers = np.zeros(labels.shape, np.int32)
        markers[~skin | ~(mine | neck)] = _ELSEWHERE
        markers[mine & ~ring], markers[neck & ~ring] = _MINE, _BEHIND
        x, y, width, height = cv2.boundingRect((ring & skin).astype(np.uint8))
        window = np.s_[max(0, y - 2) : y + height + 2, max(0, x - 2) : x + width + 2]
        grown = cv2.watershed(np.ascontiguousarray(work.image[window]), np.ascontiguousarray(markers[window]))
        settled = ring[window]
        outlined[window][settled & (grown == _MINE)] = arm
        outlined[window][settled & (grown == _BEHIND)] = Cihp.NECK
    return outlined


def _settle_islands(labels: U8, skin: Bool, size: float) -> U8:
    """Give each small piece of bare skin one owner, and bits of "leg" that hang on an arm to that arm."""
    settled = labels.copy()
    small = _ONE_HAND * size**2
    bottom = labels.shape[0] - 3
    count, islands, stats, _ = cv2.connectedComponentsWithStats(skin.astype(np.uint8), connectivity=4)
    for index in range(1, count):
        area = int(stats[index, cv2.CC_STAT_AREA])
        x, y, w, h = (int(value) for value in stats[index, :4])
        window = np.s_[y : y + h, x : x + w]
        island = islands[window] == index
        votes = np.bincount(labels[window][island], minlength=20)
        limbs = [int(label) for label in _LIMB_LABELS if votes[label]]
        if area < small and limbs and votes[limbs].max() > _CLEAR_MAJORITY * area:
            settled[window][island] = limbs[int(votes[limbs].argmax())]
            continue
        arms = [int(label) for label in (Cihp.LEFT_ARM, Cihp.RIGHT_ARM) if votes[label]]
        legs = island & np.isin(labels[window], (Cihp.LEFT_LEG, Cihp.RIGHT_LEG))
        ends_above = legs.any() and y + int(np.nonzero(legs)[0].max()) < bottom
        limit = _LEG_BIT if ends_above else _LEG_CRUMB
        if arms and legs.any() and legs.sum() < limit * size**2:
            known = island & ~legs
            settled[window] = np.where(legs, extend_labels(settled[window], known), settled[window])
    return settled


def face_reach(work: Work, torso: Torso | None) -> Bool:
    """Return where a face may be: around the nose, or everywhere where no nose is seen."""
    nose = point(work, "nose")
    if nose is None or torso is None:
        return np.ones(work.alpha.shape, bool)
    reach = _FACE_REACH * HEAD * torso.size
    y, x = np.ogrid[0 : work.alpha.shape[0], 0 : work.alpha.shape[1]]
    near: Bool = np.hypot(x - nose[0], y - nose[1]) < reach
    return near
