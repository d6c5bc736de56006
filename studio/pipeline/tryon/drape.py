"""The `drape` engine: a geometric try-on without learned weights (design section 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.artefacts import (
    Category,
    Confidence,
    Garment,
    GarmentArtefacts,
    NativePatch,
    PersonArtefacts,
    SleeveLength,
    TryOn,
)
from studio.domain.edits import LayerOrder
from studio.domain.errors import PipelineError
from studio.domain.geometry import Framing
from studio.domain.keys import ModelUse, Note
from studio.domain.labels import Cihp
from studio.pipeline.garments.lower import LOWER
from studio.pipeline.garments.sheer import find_sheer
from studio.pipeline.parallel import both
from studio.pipeline.planes import paint
from studio.pipeline.pose_body import read_torso
from studio.pipeline.stage import Inputs, ModelProvider, StageContext
from studio.pipeline.tryon.draping.arms import (
    find_sleeve_insides,
    join_arm_skin,
    lay_behind_forearms,
    unite_arms,
)
from studio.pipeline.tryon.draping.body import Body, Evidence, estimate_body
from studio.pipeline.tryon.draping.cloths import part_cloths
from studio.pipeline.tryon.draping.collars import lean_on_neck
from studio.pipeline.tryon.draping.compose import Dressing, read_plane, render_patch
from studio.pipeline.tryon.draping.dress import add_legs, fit_dress, judge_dress, keep_skirt
from studio.pipeline.tryon.draping.endings import read_endings
from studio.pipeline.tryon.draping.fields import BodyFields, measure_fields
from studio.pipeline.tryon.draping.fill import draw_polygon
from studio.pipeline.tryon.draping.fronts import judge_over, keep_worn, order_over
from studio.pipeline.tryon.draping.hoods import before_hood, has_hood
from studio.pipeline.tryon.draping.joins import Finished, finish
from studio.pipeline.tryon.draping.judge import judge, judge_bared, judge_look
from studio.pipeline.tryon.draping.labels import label_dressed
from studio.pipeline.tryon.draping.layers import Layers, hide_sleeved_skin, take_apart
from studio.pipeline.tryon.draping.leakfree import agnostic_person, patch_to_photo
from studio.pipeline.tryon.draping.legs import Legs
from studio.pipeline.tryon.draping.light import SeenLight, Worn, light_garment, read_photo_light
from studio.pipeline.tryon.draping.limbs import Limb, trace_limb
from studio.pipeline.tryon.draping.lower_dress import dress_lower, fit_lower
from studio.pipeline.tryon.draping.lower_judge import judge_lower
from studio.pipeline.tryon.draping.parting import part_cloth
from studio.pipeline.tryon.draping.plates import Bareness, Undressed, draw_torso, paint_plate, undress
from studio.pipeline.tryon.draping.raster import (
    ClothSource,
    LayerMap,
    build_layers,
    end_at_waist,
    end_behind_back,
    find_squeezed,
    prepare_source,
)
from studio.pipeline.tryon.draping.rests import claim_rests
from studio.pipeline.tryon.draping.seams import tidy_seams
from studio.pipeline.tryon.draping.settle import settle_on_shoulders
from studio.pipeline.tryon.draping.shoulders import bare_evidence, fit_shoulders
from studio.pipeline.tryon.draping.straps import end_on_shoulders
from studio.pipeline.tryon.draping.targets import Placed, place_garment
from studio.pipeline.tryon.draping.tones import tone_picture
from studio.pipeline.tryon.draping.view import View, choose_view
from studio.pipeline.tryon.slots import GARMENT, PERSON, read_garment, read_person


@dataclass(frozen=True, slots=True)
class DrapeParams:
    """Settings of the engine. layers: how the garment is worn. leak_free: for paired evaluation, see the engine."""

    layers: LayerOrder = field(default_factory=LayerOrder)
    leak_free: bool = False


@dataclass(frozen=True, slots=True)
class Drape:
    """The embedded try-on stage and engine."""

    name: str = "tryon"
    implementation: str = "drape"
    version: int = 20
    params_type: type[DrapeParams] = DrapeParams
    inputs: tuple[str, ...] = (*PERSON, *GARMENT)
    output: type[TryOn] = TryOn

    @property
    def id(self) -> str:
        """The engine's name in a `TryOn`."""
        return "drape"

    @property
    def licences(self) -> tuple[ModelUse, ...]:
        """Empty: no learned weights."""
        return ()

    def models(self, params: DrapeParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return no models."""
        return ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return None: always available."""
        return None

    def run(self, inputs: Inputs, params: DrapeParams, ctx: StageContext) -> TryOn:
        """Dress a person in a garment."""
        return self.dress(
            read_person(inputs), read_garment(inputs), ctx, layers=params.layers, leak_free=params.leak_free
        )

    def assess(self, person: PersonArtefacts, garment: GarmentArtefacts) -> Confidence:
        """Say how far a result could be trusted, from pose and garment alone."""
        if garment.garment.category in LOWER:
            return _doubted(judge_lower(person, garment, None), judge_bared(person, garment))
        return _doubted(judge(person, garment, None), _judge_worn(person, garment))

    def dress(
        self,
        person: PersonArtefacts,
        garment: GarmentArtefacts,
        ctx: StageContext,
        *,
        layers: LayerOrder,
        leak_free: bool = False,
    ) -> TryOn:
        """Dress a person in a garment.

        Raises:
            PipelineError: the photo shows no shoulders to hang a garment on.
        """
        ctx.progress.report(0.0, "tryon")
        if garment.garment.category in LOWER:
            return _dress_lower(person, garment, ctx, layers, leak_free=leak_free)
        seen = agnostic_person(person) if leak_free else person
        is_dress = garment.garment.category is Category.DRESS
        order = order_over(garment.garment, layers)
        taken = ctx.once(
            PERSON,
            f"drape {order} {leak_free=} {is_dress=}",
            lambda: _take_apart(_fit_dress(seen, leak_free) if is_dress else _fit(seen, leak_free), order),
        )
        ctx.progress.report(0.2, "tryon")
        dressing, placed, kept = _prepare(taken, garment)
        ctx.progress.report(0.5, "tryon")
        patch = render_patch(dressing, seen.photo.pixels, seen.cutout.alpha)
        ctx.progress.report(0.9, "tryon")

        def trust() -> Confidence:
            confidence = _doubted(judge(person, garment, placed), _judge_worn(person, garment))
            if leak_free:
                return confidence
            seen_body = (taken.fitting.evidence.labels, taken.fitting.body)
            return _look_at(
                confidence, finish(dressing, patch, person, garment, seen_body, placed.armpits), person, garment
            )

        stays = read_plane(taken.fitting.view, kept, patch.box) > 0.5
        tryon = _pack(seen, garment.garment.category, patch, trust, stays)
        return replace(tryon, patch=patch_to_photo(patch, person)) if leak_free else tryon


DRAPE = Drape()


@dataclass(frozen=True, slots=True, eq=False)
class _Fitting:
    """legs: for a dress only."""

    view: View
    evidence: Evidence
    body: Body
    legs: Legs | None = None


def _fit(person: PersonArtefacts, leak_free: bool) -> _Fitting:
    torso = read_torso(person.pose)
    if torso is None:
        raise PipelineError("tryon.no_shoulders", file=person.photo.name)
    view = choose_view(person.photo, torso, 0.0)
    evidence = Evidence(
        rgb=np.asarray(view.reduce(person.photo.rgb8), np.uint8),
        alpha=np.asarray(view.reduce(person.cutout.alpha), np.float32),
        labels=np.asarray(view.reduce(person.parse.labels, nearest=True), np.uint8),
        leak_free=leak_free,
    )
    body = estimate_body(person.pose, view, evidence)
    if body is None:
        raise PipelineError("tryon.no_shoulders", file=person.photo.name)
    return _Fitting(view, evidence, body)


def _fit_dress(person: PersonArtefacts, leak_free: bool) -> _Fitting:
    view, evidence, legs = fit_dress(person, leak_free=leak_free)
    return _Fitting(view, evidence, legs.body, legs)


@dataclass(frozen=True, slots=True, eq=False)
class _TakenApart:
    """A person ready for any garment. evidence: a worn dress's lower part is a skirt; bare: the same with the
    silhouette of bare shoulders.
    """

    fitting: _Fitting
    evidence: Evidence
    bare: Evidence
    fields: BodyFields
    layers: Layers
    neck: F32
    limbs: tuple[Limb, Limb]
    undressed: Undressed
    light: SeenLight


def _take_apart(fitting: _Fitting, order: LayerOrder) -> _TakenApart:
    body, evidence = fitting.body, fitting.evidence
    fields = measure_fields(body, (evidence.alpha.shape[0], evidence.alpha.shape[1]))
    if not evidence.leak_free:
        evidence = replace(evidence, labels=part_cloths(evidence, fields, body.size))
        evidence = replace(evidence, labels=claim_rests(evidence, body.size))
        fitting = replace(fitting, evidence=evidence)
    body = fit_shoulders(body, evidence, fields)
    fitting = replace(fitting, body=body)
    if fitting.legs is None:
        evidence = keep_skirt(evidence, body, fields)
    if not evidence.leak_free:
        evidence = replace(evidence, labels=join_arm_skin(evidence.labels))
    bare = bare_evidence(body, evidence, fields)
    limbs = (trace_limb(body, bare, 0), trace_limb(body, bare, 1))
    if not evidence.leak_free:
        labels = np.where(find_sleeve_insides(body, evidence, fields, limbs), np.uint8(Cihp.UPPER), evidence.labels)
        evidence, bare = replace(evidence, labels=labels), replace(bare, labels=labels)
    layers = take_apart(body, evidence, order, fields)
    undressed = undress((body, bare, fields), layers.removed, layers.waist, limbs, hangs=layers.hangs)
    light = read_photo_light(body, evidence, fields, layers.removed)
    return _TakenApart(fitting, evidence, bare, fields, layers, _neck(body, evidence), limbs, undressed, light)


def _prepare(taken: _TakenApart, garment: GarmentArtefacts) -> tuple[Dressing, Placed, F32]:
    """Return all layers, where the garment lies, and where the old one stays on under it."""
    fitting, evidence, fields, layers = taken.fitting, taken.evidence, taken.fields, taken.layers
    view, body = fitting.view, fitting.body
    placed = place_garment(garment.garment, body, layers.tuck, taken.limbs)
    cuffs = None if garment.garment.sleeve is SleeveLength.NONE else placed.cuffs
    bareness = Bareness(cuffs, read_endings(garment.garment, placed.vertices))
    if cuffs is not None:
        layers = hide_sleeved_skin(layers, (body, evidence, fields), cuffs, bareness.endings)
    plate, (source, maps) = both(
        lambda: paint_plate((body, taken.bare, fields), taken.undressed, bareness, taken.limbs),
        lambda: _lay_cloth(taken, garment, placed, layers.removed),
    )
    kept = keep_worn(layers, garment.garment, placed, (maps, source), (body, evidence, fields))
    layers = kept.layers
    if fitting.legs is not None:
        plate, layers = add_legs(plate, layers, evidence, fitting.legs, placed.hem_depth)
    layers = unite_arms(layers, plate, (body, evidence, fields), taken.limbs, bareness)
    maps = lay_behind_forearms(maps, layers, (body, fields), taken.limbs)
    worn = Worn(maps, source, layers.tuck, placed.hem_depth, cuffs, placed.armpits)
    light = light_garment(body, fields, taken.light, layers, worn)
    source = replace(source, rgb=tone_picture(source.rgb, light.toning))
    dressing = Dressing(
        view=view, plate=plate, layers=layers, maps=maps, source=source,
        light=light, neck=_before_back(taken, kept.garment, garment.garment), person=evidence.alpha,
        shows_inside="collar_back" in garment.garment.landmarks,
    )  # fmt: skip
    return dressing, placed, kept.garment


def _lay_cloth(
    taken: _TakenApart, garment: GarmentArtefacts, placed: Placed, removed: F32
) -> tuple[ClothSource, tuple[LayerMap, ...]]:
    """Return the garment photo ready for sampling, and where each working pixel of its layers comes from."""
    view = taken.fitting.view
    source, layers = both(
        lambda: _prepare_cloth(garment, view.scale / placed.scale),
        lambda: build_layers(garment.garment, placed.vertices, view.size),
    )
    body = taken.fitting.body
    worn = (garment.garment, placed.vertices)
    laid = settle_on_shoulders(part_cloth(layers, source), source, worn, body, taken.fields)
    laid = lean_on_neck(laid, source, garment.garment, (body, taken.evidence, taken.fields))
    maps = end_behind_back(laid, body, taken.fields)
    maps = end_on_shoulders(maps, garment.garment, body, taken.fields)
    maps = end_at_waist(tidy_seams(maps, source, removed, body.size, placed.armpits), taken.layers.swallowed)
    return source, find_squeezed(maps, source, view.scale)


def _prepare_cloth(garment: GarmentArtefacts, density: float) -> ClothSource:
    """Return the garment photo ready for sampling, with what of it skin is seen through. See `prepare_source`."""
    photo, cutout = garment.photo.rgb8, garment.cutout
    return prepare_source(photo, cutout, density, find_sheer(photo, cutout))


def _doubted(confidence: Confidence, found: list[tuple[float, Note]]) -> Confidence:
    """Return a confidence with further reasons; the worst of them come first."""
    reasons = list(confidence.reasons)
    for score, note in sorted(found, key=lambda entry: -entry[0]):
        reasons.insert(0 if score < confidence.score else len(reasons), note)
    return Confidence(min([confidence.score, *(score for score, _ in found)]), tuple(reasons))


def _judge_worn(person: PersonArtefacts, garment: GarmentArtefacts) -> list[tuple[float, Note]]:
    """Return what speaks against this garment with what the person has on."""
    return [*judge_dress(person, garment), *judge_over(person, garment.garment), *judge_bared(person, garment)]


def _before_back(taken: _TakenApart, kept: F32, garment: Garment) -> F32:
    """Return what stands before the inside of the garment's back: the neck, and the old garment where it stays on."""
    if not has_hood(garment) or taken.evidence.leak_free:
        return np.maximum(taken.neck, kept)
    # A hood comes close to the neck on both sides, and over an old collar beside it.
    return np.maximum(
        before_hood(taken.fitting.body, taken.evidence, taken.layers.removed), np.minimum(kept, taken.neck)
    )


def _neck(body: Body, evidence: Evidence) -> F32:
    """Return the neck's coverage: what stands before the inside of a back collar."""
    seen = np.isin(evidence.labels, (Cihp.NECK, Cihp.FACE, Cihp.HAIR)).astype(np.float32)
    half = 0.19 * body.size
    corners = [(-half, -0.6), (half, -0.6), (half * 1.05, 0.0), (-half * 1.05, 0.0)]
    points = [body.place(np.array([x]), np.array([y * body.size]))[0] for x, y in corners]
    column = draw_polygon(np.array(points), (evidence.alpha.shape[0], evidence.alpha.shape[1]))
    trunk = draw_torso(body, (evidence.alpha.shape[0], evidence.alpha.shape[1]), 0.5 * body.length)
    neck: F32 = np.maximum(np.maximum(cv2.GaussianBlur(seen, (0, 0), 0.8), column), trunk).astype(np.float32)
    return neck


def _dress_lower(
    person: PersonArtefacts, garment: GarmentArtefacts, ctx: StageContext, layers: LayerOrder, *, leak_free: bool
) -> TryOn:
    """Dress a person in trousers, shorts or a skirt."""
    if leak_free:  # the agnostic image shows the lower body as it is: there is nothing to measure
        raise PipelineError("tryon.leak_free_lower", file=garment.photo.name)
    fitting = ctx.once(PERSON, "drape lower", lambda: fit_lower(person))
    ctx.progress.report(0.2, "tryon")
    dressing, placed = dress_lower(fitting, garment, layers)
    ctx.progress.report(0.5, "tryon")
    patch = render_patch(dressing, person.photo.pixels, person.cutout.alpha)
    ctx.progress.report(0.9, "tryon")

    def trust() -> Confidence:
        look = finish(dressing, patch, person, garment, (fitting.evidence.labels, fitting.legs.body))
        return _look_at(judge_lower(person, garment, placed), look, person, garment)

    return _pack(person, garment.garment.category, patch, trust)


def _look_at(confidence: Confidence, look: Finished, person: PersonArtefacts, garment: GarmentArtefacts) -> Confidence:
    """Return a confidence with what is wrong with the finished look."""
    return _doubted(confidence, judge_look(look, person.photo.name, garment.photo.name))


def _pack(
    person: PersonArtefacts,
    category: Category,
    patch: NativePatch,
    trust: Callable[[], Confidence],
    kept: Bool | None = None,
) -> TryOn:
    """Return the patch with its picture on the canvas, made while `trust` looks at it."""
    framing = person.framing
    box = patch.box

    def lay_on_canvas() -> tuple[U8, F32, U8]:
        full = person.photo.rgb8.copy()
        pixels = patch.pixels if patch.pixels.dtype == np.uint8 else (patch.pixels // 257).astype(np.uint8)
        changed = patch.alpha > 0
        paint(full[box.slices], pixels, changed)
        garment = np.zeros(full.shape[:2], np.uint8)
        garment[box.slices] = patch.garment
        image = _to_canvas(full, framing)
        mask = (_to_canvas(garment, framing, 0) / np.float32(255)).astype(np.float32)
        labels = label_dressed(person, patch, category, kept)
        return image, mask, cv2.warpAffine(labels, framing.matrix, framing.canvas_size, flags=cv2.INTER_NEAREST)

    (image, mask, labels), confidence = both(lay_on_canvas, trust)
    warped = np.where(mask[..., None] > 0.02, image, 255).astype(np.uint8)
    return TryOn("drape", warped, mask, labels, image, patch, confidence)


def _to_canvas(picture: U8, framing: Framing, fill: int | None = None) -> U8:
    scale = framing.scale
    if scale < 0.6:
        size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        reduced = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        back = np.array([[picture.shape[1] / size[0], 0, 0], [0, picture.shape[0] / size[1], 0], [0, 0, 1]])
        back[0, 2], back[1, 2] = (back[0, 0] - 1) / 2, (back[1, 1] - 1) / 2
        matrix = np.vstack([framing.matrix, [0, 0, 1]]) @ back
        return _warp(reduced, matrix[:2], framing, fill)
    return _warp(picture, framing.matrix, framing, fill)


def _warp(
    picture: U8, matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]], framing: Framing, fill: int | None
) -> U8:
    border = framing.fill if fill is None else (fill, fill, fill)
    warped: U8 = cv2.warpAffine(
        picture, matrix, framing.canvas_size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border
    )
    return warped
