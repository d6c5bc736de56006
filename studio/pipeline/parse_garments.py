"""What cloth is called: upper, trousers, skirt, dress, shoes, hat; what is no garment at all."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.parse_cloth import GarmentShares
from studio.pipeline.parse_colour import colour_codes, colour_histogram
from studio.pipeline.parse_limbs import (
    FOOT,
    HEAD,
    Bone,
    arm_bones,
    bone_distance,
    leg_bones,
    limb_distance,
    point,
    trunk_mask,
)
from studio.pipeline.parse_matter import Matter
from studio.pipeline.parse_refine import components_touching
from studio.pipeline.parse_split import Split, trunk_position
from studio.pipeline.parse_work import Work, extend_labels
from studio.pipeline.pose_body import Torso

_ON_HEAD_ABOVE = -0.1  # of the trunk's length above the neck: cloth wholly above this is worn on the head
_HAT_AREA = 0.03  # in squared shoulder widths: less is a hair clip
_SHOE_REACH = 1.5
_SHOE_RISE = 0.06  # of a shoulder width above the ankle: where a low shoe ends
_BOOT_SHARE = 0.5  # of "other": the network's word for shoes
_HEM_ROWS = 0.08  # of the lower garment's height: what counts as its hem
_SKIRT_SHARE = 0.5
_ONE_PIECE_SIMILARITY = 0.8
_ENCLOSED = 0.85
_ENCLOSED_AREA = 0.06  # in squared shoulder widths
_HAIR_REACH = 2.4  # in head sizes: hair has a piece within this of the nose
_LENS, _LENS_COVERED = 0.22, 0.6  # half a lens in eye distances; how much of it is not face
_FEW_FACE_PIXELS = 200
_OTHER_TONE = 13.0  # in CIELAB's a and b (8 bit): legs and face of one person differ by less
_TRUNK_EASE = 0.25  # of a shoulder width: how far clothes stand off the trunk
_OFF_BODY, _FAR_OFF_BODY = 1.3, 2.0  # in limb girths: where a bag may begin, and how far it must reach
_RARE_COLOUR = 1e-3
_BAG_AREA = 0.05


def find_headwear(work: Work, cloth: Bool, torso: Torso) -> tuple[Bool, Bool]:
    """Return cloth worn as a hat, and other things on the head (clips, earrings, headphones) that are no garment."""
    hat, things = np.zeros_like(cloth), np.zeros_like(cloth)
    position = trunk_position(work, torso)
    high = cloth & (position < 0.15)
    count, islands, stats, _ = cv2.connectedComponentsWithStats(high.astype(np.uint8), connectivity=4)
    eyes = [row for row in (point(work, "left_eye"), point(work, "right_eye")) if row is not None]
    for index in range(1, count):
        island = islands == index
        if np.quantile(position[island], 0.98) > _ON_HEAD_ABOVE:
            continue
        top_heavy = bool(eyes) and float(np.nonzero(island)[0].mean()) < float(np.mean(eyes, axis=0)[1])
        large = stats[index, cv2.CC_STAT_AREA] > _HAT_AREA * torso.size**2
        (hat if top_heavy and large else things)[island] = True
    return hat, things


def find_sunglasses(work: Work, labels: U8) -> Bool:
    """Return what covers both eyes and is not face: glasses that hide them (clear ones leave the face)."""
    glasses = np.zeros(labels.shape, bool)
    right, left = point(work, "right_eye"), point(work, "left_eye")
    if right is None or left is None:
        return glasses
    apart = float(np.hypot(*(left - right)))
    reach = max(2, int(_LENS * apart))
    lenses = []
    for eye in (right, left):
        x, y = int(eye[0]), int(eye[1])
        lens = labels[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        lenses.append(lens.size > 0 and float((lens != Cihp.FACE).mean()) > _LENS_COVERED)
    if not all(lenses):
        return glasses
    middle = (right + left) / 2
    top, bottom = int(middle[1] - 0.6 * apart), int(middle[1] + 0.6 * apart)
    band = np.s_[max(0, top) : bottom + 1, max(0, int(middle[0] - 1.1 * apart)) : int(middle[0] + 1.1 * apart) + 1]
    # Hair above the band and glasses in it are one region to the network: keep what lies among face pixels.
    below_forehead = np.maximum.accumulate(labels[band] == Cihp.FACE, axis=0)
    above_cheek = np.maximum.accumulate((labels[band] == Cihp.FACE)[::-1], axis=0)[::-1]
    dark = np.isin(labels[band], (Cihp.HAIR, Cihp.UPPER, Cihp.HAT, Cihp.BACKGROUND))
    glasses[band] = dark & work.hull[band] & below_forehead & above_cheek
    return glasses


def is_other_skin(work: Work, skin: U8, face: Bool) -> Bool:
    """Return "legs" in a colour that this person's face does not have: trousers in brick or nude tones."""
    other = np.zeros(skin.shape, bool)
    if face.sum() < _FEW_FACE_PIXELS:
        return other
    lab = cv2.cvtColor(work.image, cv2.COLOR_RGB2LAB).astype(np.float32)
    tone = np.median(lab[face], axis=0)
    for label in (Cihp.LEFT_LEG, Cihp.RIGHT_LEG):
        leg = skin == label
        if leg.any() and np.hypot(*(np.median(lab[leg], axis=0) - tone)[1:]) > _OTHER_TONE:
            other |= leg
    return other


def find_false_hair(work: Work, hair: Bool, torso: Torso) -> Bool:
    """Return "hair" that lies wholly away from the head: dark, shiny or furry things."""
    nose = point(work, "nose")
    if nose is None or not hair.any():
        return np.zeros_like(hair)
    y, x = np.ogrid[0 : hair.shape[0], 0 : hair.shape[1]]
    near = np.hypot(x - nose[0], y - nose[1]) < _HAIR_REACH * HEAD * torso.size
    false: Bool = hair & ~components_touching(hair, near & hair)
    return false


def find_shoes(work: Work, cloth: Bool, matter: F32, torso: Torso) -> U8:
    """Return labels of shoes: cloth around the feet, and boots as far up as the network sees shoe."""
    shoes, nearest = np.zeros(cloth.shape, np.uint8), np.full(cloth.shape, np.inf, np.float32)
    rows = np.arange(cloth.shape[0])[:, None]
    for side, label in (("left", Cihp.LEFT_SHOE), ("right", Cihp.RIGHT_SHOE)):
        ankle = point(work, f"{side}_ankle")
        if ankle is None:
            continue
        distance = limb_distance(work, _foot_bones(work, side, ankle, torso.size))
        foot = (distance < _SHOE_REACH) & (rows > ankle[1] - _SHOE_RISE * torso.size)
        knee = point(work, f"{side}_knee")
        if knee is not None:
            shank = bone_distance(cloth.shape, Bone(knee, ankle, FOOT * torso.size, FOOT * torso.size))
            foot |= (shank < 1.0) & (matter[Matter.OTHER] > _BOOT_SHARE) & (rows > (knee[1] + ankle[1]) / 2)
        mine = cloth & foot & (distance < nearest)
        shoes[mine] = label
        nearest = np.where(mine, distance, nearest)
    return shoes


def _foot_bones(work: Work, side: str, ankle: F64, size: float) -> list[Bone]:
    tips = [point(work, f"{side}_{name}") for name in ("foot_index", "heel")]
    radius = FOOT * size
    bones = [Bone(ankle, tip, radius, radius) for tip in tips if tip is not None]
    return bones or [Bone(ankle, ankle + np.array([0.0, 0.25 * size]), radius, radius)]


def name_garments(work: Work, split: Split, skin: U8, torso: Torso, garments: GarmentShares | None) -> U8:
    """Return labels of all cloth; the garment network knows dresses and skirts better than the outline does."""
    cloth = split.upper | split.lower
    labels = np.zeros(cloth.shape, np.uint8)
    labels[split.upper] = Cihp.UPPER
    skirt = hangs_in_one(work, split.lower)
    if garments is not None and split.lower.any():
        skirt |= bool(garments.full[split.lower].mean() > _SKIRT_SHARE and not legs_part(work, split.lower))
    labels[split.lower] = Cihp.SKIRT if skirt else Cihp.TROUSERS
    if garments is not None:
        if garments.is_dress(cloth & chest_area(work, torso)):
            labels[cloth & (garments.full > np.maximum(garments.upper, garments.lower))] = Cihp.DRESS
        return labels
    bare_belly = ((skin == Cihp.NECK) & (trunk_position(work, torso) > 0.5)).any()
    if skirt and split.similarity > _ONE_PIECE_SIMILARITY and not bare_belly:
        labels[cloth] = Cihp.DRESS
    return labels


def chest_area(work: Work, torso: Torso) -> Bool:
    """Return the trunk between the collar and the lowest ribs."""
    position = trunk_position(work, torso)
    chest: Bool = trunk_mask(work, torso) & (position > 0.1) & (position < 0.5)
    return chest


def legs_part(work: Work, lower: Bool) -> bool:
    """Tell whether the lower garment leaves a gap between the knees, as trousers do and no skirt does."""
    left, right = point(work, "left_knee"), point(work, "right_knee")
    if left is None or right is None:
        return False
    row = min(int((left[1] + right[1]) / 2), lower.shape[0] - 1)
    x0, x1 = sorted((int(left[0]), int(right[0])))
    beside = lower[row, max(0, x0 - 2) : x0 + 3].any() and lower[row, max(0, x1 - 2) : x1 + 3].any()
    return bool(beside and x1 - x0 > 4 and not lower[row, x0 : x1 + 1].all())


def hangs_in_one(work: Work, lower: Bool) -> bool:
    """Tell a skirt from trousers: its hem is in the picture, and there it spans both legs without a gap."""
    knees = [point(work, f"{side}_knee") for side in ("left", "right")]
    hips = [point(work, f"{side}_hip") for side in ("left", "right")]
    if any(row is None for row in (*knees, *hips)) or not lower.any():
        return False
    left_knee, right_knee, left_hip, right_hip = (np.asarray(row) for row in (*knees, *hips))
    rows = np.flatnonzero(lower.any(axis=1))
    bottom = int(rows[-1])
    if bottom >= work.hull.shape[0] - 2:
        return False
    hem = _hem_row(lower)
    above = max(2, int(_HEM_ROWS * (hem - rows[0])))
    band = lower[max(0, hem - above) : hem].any(axis=0)
    columns = np.flatnonzero(band)
    if not columns.size:
        return False
    share = float(np.clip((hem - left_hip[1]) / max(left_knee[1] - left_hip[1], 1.0), 0, 1.5))
    outer = sorted(
        float(hip[0] + share * (knee[0] - hip[0])) for hip, knee in ((left_hip, left_knee), (right_hip, right_knee))
    )
    hip_row = int(np.clip((left_hip[1] + right_hip[1]) / 2, 0, lower.shape[0] - 1))
    if columns[-1] - columns[0] < 0.9 * lower[hip_row].sum():
        return False  # narrower at the hem than at the hips: two trouser legs side by side
    spans = columns[0] < outer[0] and columns[-1] > outer[1]
    between = lower[max(0, hem - above) : hem, int(outer[0]) : int(outer[1]) + 1]
    return bool(spans and between.size and between.mean() > 0.9)


def _hem_row(lower: Bool) -> int:
    """Return the row where the lower garment's width falls to half of its widest, or its last row."""
    widths = lower.sum(axis=1)
    return int(np.flatnonzero(widths > 0.5 * widths.max())[-1])


def fill_enclosed_skin(labels: U8, hull: Bool, size: float) -> U8:
    """Give small patches of "skin" that cloth encloses on all sides to the cloth: prints and shadows."""
    skin = np.isin(labels, (Cihp.NECK, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)) & hull
    count, islands, stats, _ = cv2.connectedComponentsWithStats(skin.astype(np.uint8), connectivity=4)
    wrong = np.zeros_like(hull)
    for index in range(1, count):
        if stats[index, cv2.CC_STAT_AREA] > _ENCLOSED_AREA * size**2:
            continue
        island = islands == index
        ring = cv2.dilate(island.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~island
        around = np.isin(labels[ring], (Cihp.UPPER, Cihp.DRESS, Cihp.TROUSERS, Cihp.SKIRT)) & hull[ring]
        if ring.any() and around.mean() > _ENCLOSED:
            wrong |= island
    if not wrong.any():
        return labels
    return np.where(wrong, extend_labels(labels, hull & ~wrong), labels).astype(np.uint8)


def find_carried(work: Work, cloth: Bool, torso: Torso) -> Bool:
    """Return bags and the like: things off the body in a colour that the clothes on it do not have."""
    size = torso.size
    bones = [bone for side in ("left", "right") for bone in arm_bones(work, side, size) + leg_bones(work, side, size)]
    trunk = cv2.distanceTransform((~trunk_mask(work, torso)).astype(np.uint8), cv2.DIST_L2, 3) / (_TRUNK_EASE * size)
    away = np.minimum(limb_distance(work, bones), trunk)
    codes = colour_codes(work.image)
    near = (cloth & (away < 1.0)).astype(np.float32)
    if not near.any():
        return np.zeros_like(cloth)
    odd = cloth & (away > _OFF_BODY) & (colour_histogram(codes, near)[codes] < _RARE_COLOUR)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    odd_solid = cv2.morphologyEx(
        cv2.morphologyEx(odd.astype(np.uint8), cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel
    )
    count, islands, stats, _ = cv2.connectedComponentsWithStats(odd_solid, connectivity=4)
    carried = np.zeros_like(cloth)
    for index in range(1, count):
        island = islands == index
        if stats[index, cv2.CC_STAT_AREA] > _BAG_AREA * size**2 and away[island].max() > _FAR_OFF_BODY:
            carried |= island
    return carried & cloth
