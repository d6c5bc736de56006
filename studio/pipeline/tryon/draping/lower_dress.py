"""Dress a person in trousers, shorts or a skirt: everything that the last step of the engine needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Category, Garment, GarmentArtefacts, PersonArtefacts
from studio.domain.edits import LayerOrder
from studio.domain.errors import PipelineError
from studio.pipeline.garments.lower import HIPS, LEFT_LEG, RIGHT_LEG
from studio.pipeline.pose_body import read_torso
from studio.pipeline.tryon.draping.body import Evidence, estimate_body
from studio.pipeline.tryon.draping.cloths import part_cloths
from studio.pipeline.tryon.draping.compose import Dressing
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.folds import read_folds
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.legs import (
    LegFields,
    Legs,
    choose_lower_view,
    estimate_legs,
    measure_leg_fields,
)
from studio.pipeline.tryon.draping.light import GAMMA, Light
from studio.pipeline.tryon.draping.lower import PlacedLower, WornAt, place_lower
from studio.pipeline.tryon.draping.lower_layers import (
    add_boots,
    find_front,
    find_removed,
    find_shown,
    measure_waist_halves,
    paint_behind,
    read_wearing,
    reclaim_labels,
)
from studio.pipeline.tryon.draping.lower_measure import measure_painted, measure_touch
from studio.pipeline.tryon.draping.plates import Occluder
from studio.pipeline.tryon.draping.pockets import find_pockets
from studio.pipeline.tryon.draping.raster import (
    ClothSource,
    LayerMap,
    dense_map,
    prepare_source,
    sample_coverage,
    soften,
    split_source,
)
from studio.pipeline.tryon.draping.seam import find_seam
from studio.pipeline.tryon.draping.view import View

OVERLAP_COLUMNS = 0.3
"""How far, in shares of the seat's half-width, the near leg's layer reaches over the seat to hide the seam."""
FRONT_SHADOW, CLOTH_SHADOW = 0.30, 0.30
"""Darkest a contact shadow gets: of hands and a top's hem on the garment, of the garment on legs."""
OLD_FOLDS = 0.8
"""How much of the folds that the old cloth shows is laid on the new: they are the body's."""
ROUND_SHADE, BETWEEN_SHADE = 0.10, 0.10
"""How much darker a leg's cloth gets towards its sides, and between the thighs."""


@dataclass(frozen=True, slots=True, eq=False)
class LowerFitting:
    """A person seen for a lower garment, with what was found of it. clean: the photo, without the backdrop in it.

    evidence: with belt and hems given to the garment they are of.
    """

    view: View
    evidence: Evidence
    legs: Legs
    clean: U8
    fields: BodyFields


def fit_lower(person: PersonArtefacts) -> LowerFitting:
    """Look at a person from neck to feet.

    Raises:
        PipelineError: the photo shows no shoulders to measure the body by.
    """
    torso = read_torso(person.pose)
    if torso is None:
        raise PipelineError("tryon.no_shoulders", file=person.photo.name)
    view = choose_lower_view(person.photo, person.pose, torso)
    evidence = Evidence(
        rgb=np.asarray(view.reduce(person.photo.rgb8), np.uint8),
        alpha=np.asarray(view.reduce(person.cutout.alpha), np.float32),
        labels=np.asarray(view.reduce(person.parse.labels, nearest=True), np.uint8),
        leak_free=False,
    )
    body = estimate_body(person.pose, view, evidence)
    if body is None:
        raise PipelineError("tryon.no_shoulders", file=person.photo.name)
    clean = np.where(evidence.alpha[..., None] < 0.99, view.reduce(person.cutout.foreground), evidence.rgb)
    legs = estimate_legs(body, person.pose, view, torso, evidence)
    shape = (evidence.alpha.shape[0], evidence.alpha.shape[1])
    fields, leg_fields = measure_fields(body, shape), measure_leg_fields(legs, shape)
    evidence = replace(evidence, labels=part_cloths(evidence, fields, body.size))
    evidence = reclaim_labels(evidence, body, fields, leg_fields)
    return LowerFitting(view, evidence, replace(legs, fields=leg_fields), clean.astype(np.uint8), fields)


def dress_lower(fitting: LowerFitting, garment: GarmentArtefacts, order: LayerOrder) -> tuple[Dressing, PlacedLower]:
    """Place the garment, take the person apart, paint what was hidden, and light it."""
    view, evidence, legs = fitting.view, fitting.evidence, fitting.legs
    body = legs.body
    shape = (evidence.alpha.shape[0], evidence.alpha.shape[1])
    fields, leg_fields = fitting.fields, measure_leg_fields(legs, shape)
    wearing = read_wearing(body, evidence, order)
    halves = measure_waist_halves(body, evidence, wearing)
    worn = WornAt(wearing.waist, wearing.slope, halves, find_pockets(body, evidence))
    placed = place_lower(garment.garment, legs, worn)
    removed, old = find_removed(evidence, wearing, placed, (body, fields, leg_fields))
    seam = None if wearing.tucked else find_seam(body, evidence.labels, fields, hangs=wearing.seen is not None)
    placed = replace(
        placed,
        painted=measure_painted(removed, evidence, (legs, leg_fields), placed.hems),
        waist_off=None if seam is None else seam.roughness,
        enlarged=placed.scale / view.scale,
        touch=measure_touch(removed, evidence.labels, body.size),
    )
    front = find_front(replace(evidence, rgb=fitting.clean), wearing, old, (body, fields, seam), order)
    front = add_boots(front, evidence, legs, leg_fields, placed)
    plate, removed = paint_behind(evidence, removed, wearing, placed, (legs, fields, leg_fields))
    shown = find_shown(evidence, wearing, body, fields, seam)
    maps = tuple(
        replace(layer, weight=layer.weight * shown)
        for layer in build_lower_layers(garment.garment, placed, legs, view.size)
    )
    source = prepare_source(garment.photo.rgb8, garment.cutout, view.scale / placed.scale)
    none = Occluder(np.zeros(shape, np.float32), plate.rgb)
    layers = Layers(removed, front, none, none, wearing.waist, None)
    light = _light(fitting, leg_fields, (front, removed), maps, source)
    dressing = Dressing(
        view=view, plate=plate, layers=layers, maps=maps, source=source, light=light,
        neck=np.zeros(shape, np.float32), person=evidence.alpha, shows_inside=False,
    )  # fmt: skip
    return dressing, placed


def build_lower_layers(
    garment: Garment, placed: PlacedLower, legs: Legs, size: tuple[int, int]
) -> tuple[LayerMap, ...]:
    """Return the layers back to front: seat with the far leg, then the near leg."""
    mesh = garment.mesh
    face_part = mesh.part[mesh.faces].max(axis=1)
    source = split_source(garment, face_part)
    if garment.category is Category.SKIRT:
        planes = dense_map(mesh.vertices, placed.vertices, mesh.faces, np.ones(len(mesh.part)), size)
        return (LayerMap("front", *planes, soften(np.ones(source.shape, np.float32))),)
    near = _near_leg(legs)
    far_part, near_part = (LEFT_LEG, RIGHT_LEG) if near == 1 else (RIGHT_LEG, LEFT_LEG)
    side = 1 if near == 1 else -1
    back = (face_part == HIPS) | (face_part == far_part)
    planes = dense_map(mesh.vertices, placed.vertices, mesh.faces[back], np.ones(len(mesh.part)), size)
    reach = np.where(mesh.part == HIPS, np.clip((mesh.across * side + OVERLAP_COLUMNS) / OVERLAP_COLUMNS, 0, 1), 0.0)
    reach = reach * np.where(mesh.part == HIPS, np.clip((mesh.along - 0.3) / 0.4, 0, 1), 1.0)
    reach[mesh.part == near_part] = 1.0
    chosen = (face_part == near_part) | ((face_part == HIPS) & (reach[mesh.faces] > 0).any(axis=1))
    over = dense_map(mesh.vertices, placed.vertices, mesh.faces[chosen], reach, size)
    return (
        LayerMap("front", *planes, soften((source != near_part).astype(np.float32))),
        LayerMap("near_leg", *over, soften((source != far_part).astype(np.float32))),
    )


def _near_leg(legs: Legs) -> int:
    """Return the leg that stands before the other, 0 or 1: the one whose foot is lower in the picture."""
    ends = [float(leg.points[2][1]) for leg in legs.legs]
    return int(ends[1] > ends[0])


def _light(
    fitting: LowerFitting,
    fields: LegFields,
    taken: tuple[Occluder, F32],
    maps: tuple[LayerMap, ...],
    source: ClothSource,
) -> Light:
    """Return contact shadows, the roundness that flat cloth does not have, and the folds that the old cloth shows."""
    legs, (front, removed) = fitting.legs, taken
    size = legs.body.size
    cloth = np.zeros_like(front.alpha)
    for layer in maps:
        cloth = np.maximum(cloth, sample_coverage(source, layer))
    cast = 1 - FRONT_SHADOW * _contact(front.alpha, 0.02 * size, 0.06 * size)
    folds, _ = read_folds(legs.body, fitting.evidence, removed)
    folds = cv2.resize(folds, cloth.shape[::-1], interpolation=cv2.INTER_LINEAR) * np.float32(OLD_FOLDS / GAMMA)
    shade = np.log(cast * (_roundness(legs, fields) if len(maps) > 1 else 1.0)).astype(np.float32) + folds
    below = 1 - CLOTH_SHADOW * _contact(cloth, 0.012 * size, 0.04 * size)
    return Light((shade,) * len(maps), below.astype(np.float32), np.ones_like(cloth))


def _roundness(legs: Legs, fields: LegFields) -> F32:
    """Return how light falls off round each leg and into the gap between them."""
    shade = np.ones_like(fields.along[0])
    for number, side in enumerate((-1, 1)):
        along, across = fields.along[number], fields.across[number]
        on = np.clip((along - 0.15) / 0.3, 0, 1) * np.clip((2.3 - np.abs(across)) / 0.5, 0, 1)
        inner = np.clip(-across * side, 0, 1.3) * np.exp(-np.clip(along - 0.35, 0, 3) / 0.5)
        fall = ROUND_SHADE * np.clip(np.abs(across), 0, 1.4) ** 2 + BETWEEN_SHADE * inner**2
        shade = np.minimum(shade, 1 - on * fall)
    smooth: F32 = cv2.GaussianBlur(shade.astype(np.float32), (0, 0), max(1.0, 0.02 * legs.body.size))
    return smooth


def _contact(plane: F32, near: float, wide: float) -> F32:
    """Return a contact shadow: tight at the edge, faint farther away, falling a little downwards."""
    shift = np.array([[1, 0, 0], [0, 1, 0.5 * wide]], np.float32)
    fallen = cv2.warpAffine(plane, shift, (plane.shape[1], plane.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    shadow: F32 = 0.5 * cv2.GaussianBlur(plane, (0, 0), near) + 0.5 * cv2.GaussianBlur(fallen, (0, 0), wide)
    return shadow
