"""How far a result can be trusted, and why not further: read off pose and garment before anyone wastes time."""

from __future__ import annotations

import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import Category, Confidence, Garment, GarmentArtefacts, PersonArtefacts, Pose, SleeveLength
from studio.domain.keys import Note
from studio.domain.labels import Cihp
from studio.pipeline.garments.lower import LOWER
from studio.pipeline.pose_body import TORSO_PER_SHOULDERS, Torso, read_torso
from studio.pipeline.tryon.draping.joins import Finished, Flaw, Found, compare_widths, find_flaws, name_limb
from studio.pipeline.tryon.draping.relax import STRETCH_LIMIT
from studio.pipeline.tryon.draping.targets import Placed

TURNED, SLIGHTLY_TURNED = 0.62, 0.78
"""Shoulder width over what the torso's length promises: below the first a turn of some 50 degrees, the second 40."""
_SEATED_THIGH = 0.62
"""Drop from hip to knee over the torso's length; standing people have about 1."""
SPREAD_DEG = 36.0
"""From this angle on a sleeve laid along the arm pulls the shoulder with it."""
_FOLDED_SHARE = 0.02
LEAST_HAND = 0.012
"""Area of an arm's seen skin, in squared shoulder widths, below which not even its hand is seen: a hand has 0.017."""
_BARE_ARM = 0.1
"""Area from which an arm is bare: then the old sleeves are short, and an arm that is not seen is behind the body."""
_ON_FOREARM = (0.2, 0.4, 0.6)
"""Places from elbow to wrist that are looked at for a sleeve."""
_AT_HAND, _HAND_NEAR = 1.25, 0.2
"""The hand's place on that way, and how near it its skin is, in shoulder widths."""
_CLOTH = (Cihp.UPPER, Cihp.DRESS, Cihp.COAT)
_ARMS = (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)
_COVERED_LEGS, _KNEE_LENGTH = 3.0, 1.7
"""Trousers over bare legs, in area, from which the legs are covered; length over waist of a skirt to the knee."""
_FOREARM_SHARE = 0.9
"""A forearm's length over its upper arm's, where the wrist is not known."""

TOLD = 0.7
"""Confidence in what is worth a sentence beforehand, while what may come of it is measured on the finished picture."""
SLIGHT, TRUSTED, BAD = 0.9, 0.65, 0.35
"""Confidence at which a flaw is first worth a sentence, of a look with a flaw that is plainly seen, of one beyond
mending by a touch."""
_LIMITS = {
    Flaw.FRAYED: (0.08, 0.6),
    Flaw.RAGGED: (0.05, 0.25),
    Flaw.WAIST: (0.05, 0.25),
    Flaw.TONE: (0.09, 0.4),
    Flaw.SPECK: (0.0006, 0.008),
    Flaw.HOLE: (0.003, 0.03),
}
"""Strengths of flaws at the last two of these; set on the first half of benchmarks/confidence_verdicts.toml."""
BARE_BELLY = 0.05
"""Area of painted belly, in squared shoulder widths, that is plainly seen: a hand's breadth from side to side."""
ROUGH_ALL_OVER, ROUGHER = 0.3, 1.4
"""From which strength on a product's own outline is rough all over, in shoulder widths: fur and ruffles lie otherwise
on a body, and are up to so many times as rough there."""
_SCATTERED = 0.75
"""What several short joins of tone count beside one of their whole length."""
_STEP = 0.6
"""Strength of a step per share of the limb's width: a tenth of an arm is plainly seen."""
_WIDER = 1.07
"""From this ratio on two widths of a limb are told as such."""


def judge(person: PersonArtefacts, garment: GarmentArtefacts, placed: Placed | None) -> Confidence:
    """Return confidence and reasons, worst first; `placed` adds what the warp itself says."""
    found = [(garment.garment.confidence, note) for note in garment.garment.reasons]
    found += judge_pose(person.pose, person.photo.name, garment.garment, person.parse.labels)
    found += _judge_hidden_arms(person, garment) + _judge_hidden_hands(person, garment)
    if placed is not None:
        faces = len(garment.garment.mesh.faces)
        if placed.relaxed.folded > _FOLDED_SHARE * faces:
            found.append((0.55, Note("tryon.folded", {"file": person.photo.name})))
        if placed.relaxed.stretch > STRETCH_LIMIT:
            percent = f"{100 * (placed.relaxed.stretch - 1):.0f}"
            found.append((0.7, Note("tryon.stretched", {"file": garment.photo.name, "percent": percent})))
    found.sort(key=lambda entry: entry[0])
    score = min([garment.garment.confidence, *(value for value, _ in found)])
    return Confidence(float(np.clip(score, 0.0, 1.0)), tuple(note for _, note in found))


def judge_look(look: Finished, file: str, garment: str) -> list[tuple[float, Note]]:
    """Return what is wrong with a finished look, each with the confidence that remains and one sentence.

    file, garment: names of the two photos.
    """
    found: dict[Flaw, list[Found]] = {}
    for one in find_flaws(look):
        found.setdefault(one.flaw, []).append(one)
    doubts = []
    for flaw, places in found.items():
        worst = max(places, key=lambda one: one.strength)
        total = sum(one.strength for one in places)
        if flaw is Flaw.TONE:  # one long join is seen first; many short ones are seen too
            total = max(worst.strength, _SCATTERED * total)
        ratio = 1.0
        if flaw is Flaw.FRAYED:
            total -= look.natural * float(np.interp(look.natural, [0.0, ROUGH_ALL_OVER], [1.0, ROUGHER]))
        elif flaw is Flaw.RAGGED:
            ratio = compare_widths(look, worst.at)
            total = max(total, _STEP * min(abs(ratio - 1), 1.0) if total > 0.2 * _LIMITS[flaw][0] else 0.0)
        score = float(np.interp(total, [_LIMITS[flaw][0] / 2, *_LIMITS[flaw]], [1.0, TRUSTED, BAD]))
        if score < SLIGHT:
            doubts.append((score, _word_flaw(worst, ratio, look, (file, garment))))
    if look.belly > BARE_BELLY:
        doubts.append((TRUSTED, Note("tryon.belly_painted", {"file": file})))
    return doubts


def _word_flaw(worst: Found, ratio: float, look: Finished, files: tuple[str, str]) -> Note:
    """Return the sentence about a flaw, with its remedy; ratio: of a painted limb's width to the seen one's."""
    flaw, (file, garment) = worst.flaw, files
    if flaw is Flaw.FRAYED:
        return Note("tryon.frayed", {"file": file, "garment": garment})
    if flaw not in (Flaw.TONE, Flaw.RAGGED):
        return Note(f"tryon.{flaw.value}", {"file": file})
    limb = name_limb(look, worst.at)
    if flaw is Flaw.TONE:
        return Note(f"tryon.{limb or 'neck'}_tone", {"file": file})
    if not limb or 1 / _WIDER < ratio < _WIDER:
        return Note(f"tryon.{limb or 'skin'}_ragged", {"file": file})
    percent = f"{100 * abs(ratio - 1):.0f}"
    return Note(f"tryon.{limb}_{'wider' if ratio > 1 else 'narrower'}", {"file": file, "percent": percent})


def _judge_hidden_arms(person: PersonArtefacts, garment: GarmentArtefacts) -> list[tuple[float, Note]]:
    """Tell forearms that the garment bares though no skin of them is seen: painted, they end without a hand."""
    torso = read_torso(person.pose)
    if torso is None or garment.garment.sleeve is SleeveLength.LONG:
        return []
    labels, (width, height) = person.parse.labels, person.photo.size
    skin = {label: float((labels == label).sum()) / torso.size**2 for label in (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)}
    if max(skin.values()) > _BARE_ARM:
        return []
    for name, label in (("right", Cihp.RIGHT_ARM), ("left", Cihp.LEFT_ARM)):
        wrist, elbow, shoulder = (person.pose.point(f"{name}_{joint}") for joint in ("wrist", "elbow", "shoulder"))
        if wrist is None and elbow is not None and shoulder is not None:
            wrist = elbow + _FOREARM_SHARE * (elbow - shoulder)
        # An arm that leaves the picture needs no hand, nor does one that goes on into a pocket.
        if wrist is None or not (0 <= wrist[0] < width and 0 <= wrist[1] < height):
            continue
        if elbow is not None and _labels_along(labels, elbow, wrist, (_AT_HAND,))[0] in (Cihp.TROUSERS, Cihp.SKIRT):
            continue
        if skin[label] < LEAST_HAND:
            return [(0.45, Note("tryon.arms_hidden", {"file": person.photo.name}))]
    return []


def _judge_hidden_hands(person: PersonArtefacts, garment: GarmentArtefacts) -> list[tuple[float, Note]]:
    """Tell a hand that a long sleeve should end at and nobody sees: in a pocket, behind the back or the hips."""
    torso = read_torso(person.pose)
    if torso is None or garment.garment.sleeve is not SleeveLength.LONG:
        return []
    labels, (width, height) = person.parse.labels, person.photo.size
    for name, label in (("right", Cihp.RIGHT_ARM), ("left", Cihp.LEFT_ARM)):
        wrist, elbow = (person.pose.point(f"{name}_{joint}") for joint in ("wrist", "elbow"))
        if wrist is None or elbow is None:
            continue
        x, y = elbow + _AT_HAND * (wrist - elbow)
        if not (0 <= x < width and 0 <= y < height):
            continue
        reach = _HAND_NEAR * torso.size
        near = np.s_[max(0, round(y - reach)) : round(y + reach) + 1, max(0, round(x - reach)) : round(x + reach) + 1]
        if float((labels[near] == label).sum()) / torso.size**2 < LEAST_HAND:
            return [(0.6, Note("tryon.hand_hidden", {"file": person.photo.name}))]
    return []


def judge_bared(person: PersonArtefacts, garment: GarmentArtefacts) -> list[tuple[float, Note]]:
    """Tell limbs that the new garment bares and the old one hides, from parse map and pose alone.

    Painted forearms are told, not doubted: how they meet the seen hand is measured on the look. Painted legs are
    longer and meet the knee. Forearms that lie under cloth are sleeved; legs are covered where trousers take far more
    room than skin.
    """
    labels, worn = person.parse.labels, garment.garment
    file = {"file": person.photo.name}
    if worn.category in LOWER:
        legs = int(np.isin(labels, (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)).sum())
        covered = int((labels == Cihp.TROUSERS).sum()) > _COVERED_LEGS * legs
        return [(0.65, Note("tryon.legs_painted", file))] if covered and _is_short(worn) else []
    if worn.sleeve is SleeveLength.LONG:
        return []
    sleeved = any(_is_sleeved(person.pose, labels, side) for side in ("right", "left"))
    return [(TOLD, Note("tryon.arms_painted", file))] if sleeved else []


def _is_sleeved(pose: Pose, labels: U8, side: str) -> bool:
    """Tell a forearm that lies under cloth."""
    return _forearm_is(pose, labels, side, _CLOTH)


def _forearm_is(pose: Pose, labels: U8, side: str, wanted: tuple[Cihp, ...]) -> bool:
    """Tell a forearm that has some of these labels all along."""
    elbow, wrist = pose.point(f"{side}_elbow"), pose.point(f"{side}_wrist")
    if elbow is None or wrist is None:
        return False
    return bool(np.isin(_labels_along(labels, elbow, wrist, _ON_FOREARM), wanted).all())


def _labels_along(labels: U8, start: F32, end: F32, shares: tuple[float, ...]) -> U8:
    """Return the labels at some shares of a way."""
    spots = np.round(start + np.array(shares)[:, None] * (end - start)).astype(np.intp)
    spots = np.clip(spots, 0, (labels.shape[1] - 1, labels.shape[0] - 1))
    found: U8 = labels[spots[:, 1], spots[:, 0]]
    return found


def _is_short(garment: Garment) -> bool:
    """Tell shorts and skirts that end about the knee or above it, by their length over their waist."""
    marks = garment.landmarks
    if garment.category is not Category.SKIRT:
        return garment.category is Category.SHORTS
    if not {"waist_left", "waist_right", "hem_left", "hem_right"} <= set(marks):
        return False
    top, bottom = (np.array([marks[f"{name}_left"], marks[f"{name}_right"]]) for name in ("waist", "hem"))
    return float((bottom - top)[:, 1].mean()) < _KNEE_LENGTH * float(np.hypot(*(top[1] - top[0])))


def judge_pose(
    pose: Pose, file: str, worn: Garment | None = None, labels: U8 | None = None
) -> list[tuple[float, Note]]:
    """Return what a pose makes hard, each with the confidence that remains.

    worn, labels: of an engine that lays the photo's own arms over the garment: a forearm that is bare and stays so is
    none of its work, nor is the lap that a top ends on.
    """
    torso = read_torso(pose)
    if torso is None:
        return [(0.0, Note("tryon.no_shoulders", {"file": file}))]
    found: list[tuple[float, str]] = []
    if pose.people > 1:
        found.append((0.6, "tryon.people"))
    if torso.right_shoulder[0] > torso.left_shoulder[0]:
        found.append((0.15, "tryon.from_behind"))
    found += _judge_turn(torso)
    kept = () if worn is None or labels is None else _find_kept_forearms(pose, labels, worn)
    found += _judge_arms(pose, torso, kept)
    if _is_seated(pose, torso):
        is_top = worn is not None and worn.category in (Category.TOP, Category.OUTERWEAR)
        found.append((TOLD if is_top else 0.35, "tryon.seated"))
    return [(score, Note(key, {"file": file})) for score, key in found]


def _find_kept_forearms(pose: Pose, labels: U8, worn: Garment) -> tuple[str, ...]:
    """Return the sides whose forearms are bare and stay bare."""
    if worn.sleeve is SleeveLength.LONG:
        return ()
    return tuple(side for side in ("right", "left") if _forearm_is(pose, labels, side, _ARMS))


def _judge_turn(torso: Torso) -> list[tuple[float, str]]:
    if torso.guessed_hips:
        return [(0.6, "tryon.half_body")]
    share = torso.shoulder_width * TORSO_PER_SHOULDERS / max(torso.length, 1e-6)
    if share < TURNED:
        return [(0.25, "tryon.turned")]
    return [(0.6, "tryon.slightly_turned")] if share < SLIGHTLY_TURNED else []


def _trunk_place(torso: Torso, point: F64) -> tuple[float, float]:
    """Return a point's place on the trunk: across in half shoulder widths, down in torso lengths."""
    offset = point - torso.neck
    depth = float(offset @ torso.down) / max(torso.length, 1e-6)
    side = np.array([-torso.down[1], torso.down[0]])
    lateral = -float(offset @ side) / max(torso.size / 2, 1e-6)
    return lateral, depth


def _judge_arms(pose: Pose, torso: Torso, kept: tuple[str, ...]) -> list[tuple[float, str]]:
    """Tell arms that cross, cover or leave the torso. Lateral is positive towards the picture's right.

    kept: sides whose forearms are laid over the garment as the photo has them.
    """
    crossing, dressed, covering, raised, spread = 0, 0, 0, 0, 0
    for name, outward in (("right", -1.0), ("left", 1.0)):
        wrist, elbow = pose.point(f"{name}_wrist"), pose.point(f"{name}_elbow")
        if elbow is not None and _trunk_place(torso, elbow.astype(np.float64))[1] < -0.02:
            raised += 1
        elif elbow is not None and _arm_angle(pose, torso, name, elbow.astype(np.float64)) > SPREAD_DEG:
            spread += 1
        if wrist is None:
            continue
        lateral, depth = _trunk_place(torso, wrist.astype(np.float64))
        if depth < 0.0:
            raised += 1
        elif lateral * outward < 0.1 and depth < 0.85:
            crossing += 1
            dressed += name not in kept
        elif abs(lateral) < 0.75 and depth < 0.8:
            covering += 1
    if crossing >= 2 or (crossing and raised):
        return [(0.25, "tryon.arms_crossed")]
    found = []
    if crossing:
        found.append((0.5 if dressed else TOLD, "tryon.arm_across"))
    if covering:
        found.append((0.7, "tryon.hand_on_garment"))
    if raised:
        found.append((0.5, "tryon.arm_raised"))
    elif spread:
        found.append((0.7, "tryon.arm_spread"))
    return found


def _arm_angle(pose: Pose, torso: Torso, side: str, elbow: F64) -> float:
    """Return the upper arm's angle away from the trunk, in degrees."""
    shoulder = pose.point(f"{side}_shoulder")
    step = elbow - (torso.neck if shoulder is None else shoulder.astype(np.float64))
    return float(np.degrees(np.arccos(np.clip(step @ torso.down / max(float(np.hypot(*step)), 1e-6), -1.0, 1.0))))


def _is_seated(pose: Pose, torso: Torso) -> bool:
    drops = []
    for side in ("right", "left"):
        hip, knee = pose.point(f"{side}_hip"), pose.point(f"{side}_knee")
        if hip is not None and knee is not None:
            drops.append(float((knee - hip) @ torso.down) / max(torso.length, 1e-6))
    return bool(drops) and min(drops) < _SEATED_THIGH
