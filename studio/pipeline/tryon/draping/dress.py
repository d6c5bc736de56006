"""What a dress needs beyond a top: legs below its hem, the old lower garment gone, its skirt round the hips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.domain.artefacts import Category, GarmentArtefacts, PersonArtefacts, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.geometry import Box
from studio.domain.keys import Note
from studio.domain.labels import Cihp
from studio.pipeline.pose_body import Torso, read_torso
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body, Evidence, estimate_body
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.leg_skin import paint_legs
from studio.pipeline.tryon.draping.legs import Legs, choose_lower_view, estimate_legs, measure_leg_fields
from studio.pipeline.tryon.draping.lower import outer_half, place_of
from studio.pipeline.tryon.draping.lower_judge import judge_stance
from studio.pipeline.tryon.draping.lower_layers import is_in_dress, reclaim_labels
from studio.pipeline.tryon.draping.plates import Plate
from studio.pipeline.tryon.draping.view import View, choose_view

_SKIRT_ROWS = 18
DRESS_WAIST = 0.74
"""Where the skirt of a worn dress begins, in shares of neck to hips."""
_SKIRT_REASONS = ("tryon.lower_seated", "tryon.legs_crossed", "tryon.stride")


def choose_dress_view(photo: Photo, pose: Pose, torso: Torso) -> View:
    """Return the view of a whole person: a top's above the hips, a lower garment's below."""
    upper, lower = choose_view(photo, torso, 0.0), choose_lower_view(photo, pose, torso)
    box = Box(
        min(upper.box.x0, lower.box.x0), min(upper.box.y0, lower.box.y0),
        max(upper.box.x1, lower.box.x1), max(upper.box.y1, lower.box.y1),
    )  # fmt: skip
    return View(upper.scale, box)


def fit_dress(person: PersonArtefacts, *, leak_free: bool) -> tuple[View, Evidence, Legs]:
    """Look at a person from head to feet; what they wear on the legs counts as part of the garment that goes.

    Raises:
        PipelineError: the photo shows no shoulders to hang a garment on.
    """
    torso = read_torso(person.pose)
    if torso is None:
        raise PipelineError("tryon.no_shoulders", file=person.photo.name)
    view = choose_dress_view(person.photo, person.pose, torso)
    labels = np.asarray(view.reduce(person.parse.labels, nearest=True), np.uint8)
    evidence = Evidence(
        rgb=np.asarray(view.reduce(person.photo.rgb8), np.uint8),
        alpha=np.asarray(view.reduce(person.cutout.alpha), np.float32),
        labels=labels,
        leak_free=leak_free,
    )
    body = estimate_body(person.pose, view, evidence)
    if body is None:
        raise PipelineError("tryon.no_shoulders", file=person.photo.name)
    legs = estimate_legs(body, person.pose, view, torso, evidence)
    shape = (labels.shape[0], labels.shape[1])
    legs = replace(legs, fields=measure_leg_fields(legs, shape))
    labels = reclaim_labels(evidence, body, measure_fields(body, shape), measure_leg_fields(legs, shape)).labels
    gone = np.where(np.isin(labels, LOWER_BODY), np.uint8(Cihp.DRESS), labels).astype(np.uint8)
    return view, replace(evidence, labels=gone), replace(legs, body=_down_to_the_feet(body, legs))


def _down_to_the_feet(body: Body, legs: Legs) -> Body:
    """Return the body whose widths go on below the hips round both legs."""
    last = max(legs.depth_of(2.1), 1.7 * body.length)
    depth = np.linspace(1.0 * body.length, last, _SKIRT_ROWS)
    straight = np.zeros_like(depth)
    below = np.stack([outer_half(legs, depth, straight, side) for side in (-1, 1)])
    kept = body.half_at < 1.0 - 1e-6
    half_at = np.concatenate([body.half_at[kept], depth / body.length])
    return replace(body, half_at=half_at, half=np.concatenate([body.half[:, kept], below], axis=1))


def keep_skirt(evidence: Evidence, body: Body, fields: BodyFields) -> Evidence:
    """Return the evidence with the lower part of a worn dress called a skirt: a new top leaves it on."""
    if evidence.leak_free or not is_in_dress(evidence):
        return evidence
    below = (evidence.labels == Cihp.DRESS) & (fields.depth > DRESS_WAIST * body.length)
    labels = np.where(below, np.uint8(Cihp.SKIRT), evidence.labels).astype(np.uint8)
    return replace(evidence, labels=labels)


def judge_dress(person: PersonArtefacts, garment: GarmentArtefacts) -> list[tuple[float, Note]]:
    """Return what makes a dress, or a top over a dress, less sure, each with the confidence that remains."""
    labels, file = person.parse.labels, person.photo.name
    found: list[tuple[float, str]] = []
    if garment.garment.category is Category.DRESS:
        found = [entry for entry in judge_stance(person.pose) if entry[1] in _SKIRT_REASONS]
        trousers = int((labels == Cihp.TROUSERS).sum())
        if trousers > 3 * int(np.isin(labels, (Cihp.LEFT_LEG, Cihp.RIGHT_LEG)).sum()):
            found.append((0.65, "tryon.legs_painted"))
    elif int((labels == Cihp.DRESS).sum()) > 2 * int(np.isin(labels, (*LOWER_BODY, Cihp.UPPER)).sum()):
        found.append((0.6, "tryon.over_dress"))
    return [(score, Note(key, {"file": file})) for score, key in found]


def add_legs(plate: Plate, layers: Layers, evidence: Evidence, legs: Legs, hem_depth: float) -> tuple[Plate, Layers]:
    """Paint the legs that show below the hem where the old garment covered them."""
    shape = (evidence.alpha.shape[0], evidence.alpha.shape[1])
    hems = (place_of(legs, 0, hem_depth), place_of(legs, 1, hem_depth))
    painted = paint_legs(plate.rgb, evidence, layers.removed, hems, (legs, measure_leg_fields(legs, shape)))
    gain = painted.gain if plate.gain is None or painted.gain is None else plate.gain * painted.gain
    body = np.maximum(plate.body, painted.coverage)
    painted_plate = replace(plate, rgb=painted.rgb, body=body, gain=plate.gain if gain is None else gain)
    return painted_plate, replace(layers, removed=painted.removed)
