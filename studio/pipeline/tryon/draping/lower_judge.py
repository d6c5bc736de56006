"""How far trousers, shorts or a skirt on a person can be trusted, and why not further."""

from __future__ import annotations

import numpy as np

from studio.domain.arrays import F64
from studio.domain.artefacts import Confidence, GarmentArtefacts, PersonArtefacts, Pose
from studio.domain.keys import Note
from studio.pipeline.pose_body import TORSO_PER_SHOULDERS, Torso, read_torso
from studio.pipeline.tryon.draping.judge import SLIGHTLY_TURNED, TURNED
from studio.pipeline.tryon.draping.lower import PlacedLower
from studio.pipeline.tryon.draping.relax import STRETCH_LIMIT

_SEATED_THIGH = 0.7
"""Drop from hip to knee over the torso's length; standing people have about 0.85 and more."""
_STRIDE = 0.85
"""Distance of the ankles over the shoulder width from which a step pulls the cloth."""
_LEAST_LOWER = 0.25
"""How much of the way from hip to knee must be in the picture before a lower garment can be judged at all."""
_FOLDED_SHARE = 0.02
WRAPPED = 2.0
"""Wide legs laid flat are seen narrower when worn, for the rest of them goes round: less than this is no distortion."""
LITTLE_PAINTED, MUCH_PAINTED = 0.02, 0.25
"""Area of painted leg, in squared shoulder widths, from which it is worth a look (the width of a hem), and from which a
leg is more painted than seen (both thighs)."""
LED, LED_FAR, ALONE = 0.9, 0.75, 0.6
"""Confidence in legs that continue seen skin a little way and far, and in legs painted with no skin of theirs seen."""
MOST_MISFIT = 0.4
"""A painted thigh so much (log) wider or narrower than the knee leads to is not believed."""
WAIST_ROUGH = 0.012
"""How far off its line a waist may be seen, in shoulder widths, before that line is a guess."""
LONG_TOUCH = 0.1
"""Hands that lie so far along bare skin that goes, in shoulder widths, may take some of it along."""
ENLARGED, TOO_ENLARGED = 1.3, 2.0
"""Pixels of the look per pixel of the garment's photo from which it looks soft, and smeared."""


def judge_lower(person: PersonArtefacts, garment: GarmentArtefacts, placed: PlacedLower | None) -> Confidence:
    """Return confidence and reasons, worst first; `placed` adds what the warp itself says."""
    file = person.photo.name
    found = [(garment.garment.confidence, note) for note in garment.garment.reasons]
    torso = read_torso(person.pose)
    if torso is None:
        return Confidence(0.0, (Note("tryon.no_shoulders", {"file": file}),))
    keys = _judge_turn(person.pose, torso) + judge_stance(person.pose) + _judge_picture(person, torso)
    if placed is not None:
        keys += _judge_placed(garment, placed)
    found += [(score, Note(key, {"file": file})) for score, key in keys]
    if placed is not None and placed.relaxed.stretch > WRAPPED * STRETCH_LIMIT:
        percent = f"{100 * (placed.relaxed.stretch - 1):.0f}"
        found.append((0.7, Note("tryon.stretched", {"file": garment.photo.name, "percent": percent})))
    if placed is not None and placed.enlarged > ENLARGED:
        percent = f"{100 * placed.enlarged:.0f}"
        doubt = 0.8 if placed.enlarged < TOO_ENLARGED else 0.65
        found.append((doubt, Note("tryon.enlarged", {"file": garment.photo.name, "percent": percent})))
    found.sort(key=lambda entry: entry[0])
    score = min([garment.garment.confidence, *(value for value, _ in found)])
    return Confidence(float(np.clip(score, 0.0, 1.0)), tuple(note for _, note in found))


def _judge_turn(pose: Pose, torso: Torso) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    if pose.people > 1:
        found.append((0.6, "tryon.people"))
    if torso.right_shoulder[0] > torso.left_shoulder[0]:
        found.append((0.15, "tryon.from_behind"))
    share = torso.shoulder_width * TORSO_PER_SHOULDERS / max(torso.length, 1e-6)
    if share < TURNED and not torso.guessed_hips:
        found.append((0.3, "tryon.turned"))
    elif share < SLIGHTLY_TURNED and not torso.guessed_hips:
        found.append((0.65, "tryon.lower_turned"))
    return found


def judge_stance(pose: Pose) -> list[tuple[float, str]]:
    """Return what the legs' pose makes hard, each with the confidence that remains."""
    torso = read_torso(pose)
    if torso is None:
        return []
    knees = [_point(pose, f"{side}_knee") for side in ("right", "left")]
    ankles = [_point(pose, f"{side}_ankle") for side in ("right", "left")]
    drops = [
        float((knee - hip) @ torso.down) / max(torso.length, 1e-6)
        for hip, knee in zip((torso.right_hip, torso.left_hip), knees, strict=True)
        if knee is not None
    ]
    if drops and min(drops) < _SEATED_THIGH:
        return [(0.25, "tryon.lower_seated")]
    if _cross(knees) or _cross(ankles):
        return [(0.4, "tryon.legs_crossed")]
    if ankles[0] is not None and ankles[1] is not None:
        step = float(np.hypot(*(ankles[0] - ankles[1])))
        return [(0.6, "tryon.stride")] if step > _STRIDE * torso.size else []
    return []


def _point(pose: Pose, name: str) -> F64 | None:
    found = pose.point(name)
    return None if found is None else found.astype(np.float64)


def _cross(pair: list[F64 | None]) -> bool:
    """Tell legs whose right joint lies on the left: the person faces the camera."""
    right, left = pair
    return right is not None and left is not None and bool(right[0] > left[0])


def _judge_picture(person: PersonArtefacts, torso: Torso) -> list[tuple[float, str]]:
    """Tell how much of the legs the photo shows."""
    bottom = float(person.photo.size[1])
    if torso.guessed_hips or torso.mid_hip[1] >= bottom:
        return [(0.1, "tryon.no_hips")]
    shown = (bottom - float(torso.mid_hip[1])) / max(torso.length, 1e-6)
    return [(0.3, "tryon.no_legs")] if shown < _LEAST_LOWER else []


def _judge_placed(garment: GarmentArtefacts, placed: PlacedLower) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    if placed.relaxed.folded > _FOLDED_SHARE * len(garment.garment.mesh.faces):
        found.append((0.55, "tryon.folded"))
    painted = placed.painted
    if painted.area > LITTLE_PAINTED:
        share = np.interp(painted.area, [LITTLE_PAINTED, MUCH_PAINTED], [LED, LED_FAR])
        sure = float(share) if painted.led else ALONE
        found.append((ALONE if painted.misfit > MOST_MISFIT else sure, "tryon.legs_painted"))
    if placed.touch > LONG_TOUCH:
        found.append((0.6, "tryon.hand_on_leg"))
    if placed.waist_off is not None and placed.waist_off > WAIST_ROUGH:
        found.append((0.8, "tryon.waist_unsure"))
    return found
