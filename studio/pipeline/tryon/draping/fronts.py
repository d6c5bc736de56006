"""Outerwear over what is worn already: the old garment stays where the new one shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.domain.artefacts import Category, Garment, Neckline, PersonArtefacts
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.keys import Note
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.fill import draw_polygon
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_coverage
from studio.pipeline.tryon.draping.skin import OLD_GARMENT
from studio.pipeline.tryon.draping.targets import TORSO, Placed

NECK_REACH = 0.33
"""How far from the axis, in shoulder widths, an old collar beside the neck stays on."""
UNDER_EDGE = 0.035
"""How far the new garment's edge must reach over the old one for that to stay there, in shoulder widths: its own soft
edge shows what is behind it, and beside the body that is no longer the old garment."""
FLARE = 1.0
"""How much wider than the outerwear's hem the old garment may get below it, per length."""

MUCH_COAT = 0.2
"""Share of what the person wears above from which a coat under a coat is worth telling."""
ROOM_ON_ARM = 2.0
"""An old sleeve lies within so many half-widths of its arm."""


def is_open(garment: Garment) -> bool:
    """Tell a garment with two front panels."""
    return garment.neckline is Neckline.OPEN


def goes_over(garment: Garment) -> bool:
    """Tell a garment that is worn over another one."""
    return garment.category is Category.OUTERWEAR


def is_bodysuit(garment: Garment) -> bool:
    """Tell a top that ends in briefs."""
    return garment.category is Category.TOP and "crotch" in garment.landmarks


def order_over(garment: Garment, order: LayerOrder) -> LayerOrder:
    """Return the order with the hem of outerwear hanging and a bodysuit tucked in, unless somebody said otherwise."""
    if order.hem is not HemStyle.AUTO:
        return order
    if is_bodysuit(garment):
        return replace(order, hem=HemStyle.TUCKED)
    return replace(order, hem=HemStyle.UNTUCKED) if goes_over(garment) else order


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The person with what stays on under outerwear. garment: float32, where the old garment does."""

    layers: Layers
    garment: F32


def keep_worn(
    layers: Layers,
    garment: Garment,
    placed: Placed,
    cloth: tuple[tuple[LayerMap, ...], ClothSource],
    person: tuple[Body, Evidence, BodyFields],
) -> Kept:
    """Leave on what outerwear does not hide, and take off only what would stick out beside it."""
    body, evidence, fields = person
    maps, source = cloth
    nothing = np.zeros(evidence.alpha.shape, np.float32)
    old = np.isin(evidence.labels, OLD_GARMENT)
    if not goes_over(garment) or evidence.leak_free or not old.any():
        return Kept(layers, nothing)
    enclosed = _neck_opening(body, fields) | _below_hem(garment, placed, body, fields)
    for layer in maps:
        if layer.name == "front" or (layer.name == "inner" and not is_open(garment)):
            enclosed |= sample_coverage(source, layer) > 0.5
    if is_open(garment):
        enclosed |= draw_polygon(_between_panels(garment, placed), fields.shape) > 0.5
    # A panel's soft edge leaves a line between it and what it frames.
    closed = cv2.morphologyEx(enclosed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    inside = cv2.copyMakeBorder(closed, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1] > UNDER_EDGE * body.size
    where = cv2.GaussianBlur(deep.astype(np.float32), (0, 0), 0.8)
    removed = (layers.removed * (1 - where)).astype(np.float32)
    kept = where * cv2.GaussianBlur(old.astype(np.float32), (0, 0), 0.8)
    return Kept(replace(layers, removed=removed), kept.astype(np.float32))


def judge_over(person: PersonArtefacts, garment: Garment) -> list[tuple[float, Note]]:
    """Return what makes outerwear over this person less sure, each with the confidence that remains."""
    labels = person.parse.labels
    coat, worn = int((labels == Cihp.COAT).sum()), int(np.isin(labels, OLD_GARMENT).sum())
    if goes_over(garment) and coat > MUCH_COAT * max(worn, 1):
        return [(0.6, Note("tryon.over_coat", {"file": person.photo.name}))]
    return []


def inner_edges(garment: Garment) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], ...]:
    """Return the vertices of the left and the right panel's inner edge, neck to hem."""
    mesh = garment.mesh
    edges = []
    for side in (-1, 1):
        own = (mesh.part == TORSO) & (mesh.across * side > 0)
        nearest = float(np.abs(mesh.across[own]).min())
        chosen = np.flatnonzero(own & (np.abs(mesh.across) < nearest + 1e-4))
        edges.append(chosen[np.argsort(mesh.along[chosen])])
    return tuple(edges)


def _between_panels(garment: Garment, placed: Placed) -> F64:
    left, right = (placed.vertices[edge] for edge in inner_edges(garment))
    up = np.array([0.0, -2.0 * float(np.abs(right[0] - left[0]).max())])
    polygon: F64 = np.concatenate([left[:1] + up, left, right[::-1], right[:1] + up])
    return polygon


def _neck_opening(body: Body, fields: BodyFields) -> Bool:
    opening: Bool = (np.abs(fields.lateral) < NECK_REACH * body.size) & (fields.depth < 0.1 * body.size)
    return opening


def _below_hem(garment: Garment, placed: Placed, body: Body, fields: BodyFields) -> Bool:
    """Return all below the hem, a little wider the farther down: what hangs out under a short jacket."""
    mesh = garment.mesh
    hem = placed.vertices[(mesh.part == TORSO) & (mesh.along > 0.995)]
    lateral, depth = body.locate(hem)
    order = np.argsort(lateral)
    below = fields.depth - np.interp(fields.lateral, lateral[order], depth[order])
    left, right = float(lateral.min()), float(lateral.max())
    room = FLARE * np.maximum(below, 0.0)
    within = (fields.lateral > left - room) & (fields.lateral < right + room)
    on_arm = np.zeros(fields.shape, bool)
    for side, along, across in zip((-1, 1), fields.along, fields.across, strict=True):
        beside = fields.lateral * side > 0.7 * body.half_width(fields.depth, side)
        on_arm |= beside & (np.abs(across) < ROOM_ON_ARM) & (along > 0.3)
    hanging: Bool = (below > -0.02 * body.size) & within & ~on_arm
    return hanging
