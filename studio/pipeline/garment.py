"""Garment stage: what the product photo shows, by fitting a parametric template to its silhouette (design section 5).

The outline is fitted first (`garments.fitting`), then the mesh is built on it (`garments.template`); category, sleeve
length and neckline are read off the fit, and landmarks are vertices of the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Category, Cutout, Garment, GarmentMesh, Neckline, Photo, SleeveLength
from studio.domain.edits import GarmentOverride
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.pipeline.garments import worn
from studio.pipeline.garments.bareline import follow_outline
from studio.pipeline.garments.bodysuit import Briefs, find_briefs, without_briefs
from studio.pipeline.garments.category import Recognition, classify_sleeve, recognise
from studio.pipeline.garments.closure import Layering, judge_layering
from studio.pipeline.garments.cues import read_cues
from studio.pipeline.garments.fitting import MESH_HEIGHT, Fit, Silhouette, fit_outline, prepare_silhouette
from studio.pipeline.garments.fronts import EDGE_SEEN, Opening, close_gap, find_opening, trace_opening
from studio.pipeline.garments.hood import find_hood, seam_line, without_hood
from studio.pipeline.garments.lower import LOWER, build_lower
from studio.pipeline.garments.neckline import SURE, NecklineFit, find_neckline, name_neckline
from studio.pipeline.garments.purge import reduce_cutout
from studio.pipeline.garments.setting import is_restless
from studio.pipeline.garments.straps import hang_on_straps, strap_line, thicken_straps
from studio.pipeline.garments.template import Template, build_template, landmark_points
from studio.pipeline.parallel import both
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

LONGEST_SIDE = 1200
"""Analysis sees at most this many pixels a side: the fit works on far fewer."""
SMALLEST_SIDE = 24
GOOD_OVERLAP, POOR_OVERLAP = 0.9, 0.75
WORN_CONFIDENCE = 0.3
"""What a garment photographed on somebody is worth: head and arms of the wearer come along."""
RESTLESS_CONFIDENCE = 0.65
"""What one is worth that lies on a floor or a bed: its creases, shadows and labels are worn too."""
NOT_CLOTHING_CONFIDENCE = 0.1
HIGH_NECKLINE = 0.25
"""Depth of a neckline, in shares of the garment's height, down to which it crosses a front that cannot be open."""
UNSURE = 0.7
"""What a garment is worth whose neckline may be a print's edge or a seam, whose sleeves lie on it without a gap, or
whose kind is not plain: one look at it tells, and the folds and frays of a wrong guess are measured on the look."""
PARTED = 0.12
"""Depth of a neckline, in shares of the garment's height, from which a front with long sleeves parts there."""


@dataclass(frozen=True, slots=True)
class GarmentParams:
    """Settings of the garment stage. override: what the operator says the garment is."""

    override: GarmentOverride = field(default_factory=GarmentOverride)


@dataclass(frozen=True, slots=True)
class TemplateGarment:
    """The embedded garment analysis."""

    name: str = "garment"
    implementation: str = "template"
    version: int = 16
    params_type: type[GarmentParams] = GarmentParams
    inputs: tuple[str, ...] = ("photo", "edges")
    output: type[Garment] = Garment

    def models(self, params: GarmentParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return the network that sees whether somebody wears the garment; the fit itself is geometry."""
        return (worn.MODEL,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return None: always available."""
        return None

    def run(self, inputs: Inputs, params: GarmentParams, ctx: StageContext) -> Garment:
        """Analyse a garment photo."""
        ctx.progress.report(0.0, "garment")
        photo, cutout = inputs.take("photo", Photo), inputs.take("edges", Cutout)
        session = ctx.models.session(worn.MODEL)
        # Hardly ever somebody wears it: what is found meanwhile is almost always what is wanted.
        garment, is_worn = both(
            lambda: analyse_garment(photo, cutout, params.override), lambda: worn.is_worn(photo.rgb8, session)
        )
        if is_worn:
            garment = analyse_garment(photo, cutout, params.override, alone=False)
            garment = _doubted(garment, WORN_CONFIDENCE, Note("garment.worn", {"file": photo.name}))
        elif is_restless(photo.rgb8, cutout.alpha):
            garment = _doubted(garment, RESTLESS_CONFIDENCE, Note("garment.restless", {"file": photo.name}))
        ctx.progress.report(1.0, "garment")
        return garment


TEMPLATE = TemplateGarment()


def _doubted(garment: Garment, most: float, doubt: Note) -> Garment:
    """Return a garment that is worth no more than `most`, for this reason first."""
    return replace(garment, confidence=min(garment.confidence, most), reasons=(doubt, *garment.reasons))


def analyse_garment(
    photo: Photo, cutout: Cutout, override: GarmentOverride | None = None, *, alone: bool = True
) -> Garment:
    """Return category, sleeve length, neckline, landmarks and mesh of a garment photo.

    alone: nobody wears it; a person's outline says nothing of what they wear, which is taken for a top.

    Raises:
        PipelineError: the cut-out holds no garment.
    """
    scale = min(1.0, LONGEST_SIDE / max(photo.size))
    size = (max(1, round(photo.size[0] * scale)), max(1, round(photo.size[1] * scale)))
    rgb, reduced = reduce_cutout(photo.rgb8, cutout, size)
    alpha = reduced.alpha
    solid = alpha >= 0.5
    if min(np.ptp(np.nonzero(solid), axis=1), default=0) < SMALLEST_SIDE if solid.any() else True:
        raise PipelineError("garment.empty", file=photo.name)
    silhouette = prepare_silhouette(alpha)
    override = override or GarmentOverride()
    kind = _recognise((rgb, alpha), silhouette, override, alone)
    if kind.category in LOWER:
        return _analyse_lower(photo, silhouette, kind, scale)
    filled, gap = close_gap(alpha)
    briefs = find_briefs(silhouette) if alone and kind.category is Category.TOP else None
    filled = filled if briefs is None else without_briefs(filled, briefs)
    thickened = thicken_straps(filled)
    is_mended = gap.any() or briefs is not None or thickened is not filled
    shape = thickened if is_mended else alpha
    silhouette = prepare_silhouette(shape) if is_mended else silhouette
    hood = find_hood(silhouette) if alone and kind.category in (Category.TOP, Category.OUTERWEAR) else None
    if hood is not None:
        shape = without_hood(filled, hood)
        silhouette = prepare_silhouette(shape)
    fit = fit_outline(silhouette)
    if thickened is not filled:
        fit = hang_on_straps(fit, silhouette)
        neckline = NecklineFit(silhouette.to_photo(strap_line(fit)), 0.0, 0.0, 1.0, clear=True)
    else:
        neckline = follow_outline(find_neckline(rgb, silhouette, fit), silhouette)
    opening = None
    if alone and kind.category in (Category.TOP, Category.OUTERWEAR) and override.neckline in ("", Neckline.OPEN):
        is_said = override.neckline == Neckline.OPEN
        opening = find_opening(rgb, gap, silhouette, fit, crossed=_is_crossing(neckline), sure=is_said)
    layering = Layering(is_outer=opening is not None)
    if kind.category is Category.TOP and not override.category:
        if opening is None:
            layering = judge_layering(rgb, silhouette, fit, parted=_is_parted(neckline))
        kind = replace(kind, category=Category.OUTERWEAR) if layering.is_outer else kind
    template = build_template(fit, prepare_silhouette(shape, MESH_HEIGHT), opening, hood, rgb)
    if hood is not None:
        neckline = NecklineFit(seam_line(hood), 0.0, 0.0, 0.0, clear=True)
    if opening is not None:
        neckline = NecklineFit(silhouette.to_photo(trace_opening(opening)), 0.0, 0.0, 0.0, clear=True)
    garment = _assemble(photo, (fit, template, neckline), scale, (kind, override, opening))
    if not layering.is_sure and alone:
        doubt = Note("garment.layer_unsure", {"file": photo.name})
        garment = replace(garment, confidence=min(garment.confidence, UNSURE), reasons=(*garment.reasons, doubt))
    return garment if briefs is None else _with_crotch(garment, briefs, 1.0 / scale)


def _with_crotch(garment: Garment, briefs: Briefs, back: float) -> Garment:
    """Return a bodysuit: a top with a crotch, by which it is known."""
    x, y = briefs.crotch
    return replace(garment, landmarks={**garment.landmarks, "crotch": (x * back, y * back)})


def _analyse_lower(photo: Photo, silhouette: Silhouette, kind: Recognition, scale: float) -> Garment:
    """Return what trousers, shorts or a skirt are: their corners are seen, so the mesh is built on them directly."""
    template = build_lower(silhouette, kind.category)
    reasons: list[Note] = []
    score = _overlap_score(template.overlap)
    if template.overlap < POOR_OVERLAP:
        percent = f"{100 * template.overlap:.0f}"
        reasons.append(Note("garment.poor_fit", {"file": photo.name, "overlap": percent}))
    if template.guessed:
        score = min(score, 0.6)
        reasons.append(Note("garment.crotch_guessed", {"file": photo.name}))
    back = 1.0 / scale
    landmarks = landmark_points(template.mesh.vertices * np.float32(back), template.landmarks)
    return Garment(
        kind.category, SleeveLength.NONE, Neckline.NONE, landmarks, _scaled(template.mesh, back), photo.size,
        score, tuple(reasons),
    )  # fmt: skip


def _recognise(picture: tuple[U8, F32], silhouette: Silhouette, override: GarmentOverride, alone: bool) -> Recognition:
    """Say what the garment is: what the operator says, else what its shape says."""
    if override.category:
        return Recognition(Category(override.category))
    return recognise(read_cues(silhouette, *picture)) if alone else Recognition(Category.TOP)


def _assemble(
    photo: Photo,
    parts: tuple[Fit, Template, NecklineFit],
    scale: float,
    said: tuple[Recognition, GarmentOverride, Opening | None],
) -> Garment:
    kind, override, opening = said
    fit, template, neckline = parts
    mesh = template.mesh
    landmarks = landmark_points(mesh.vertices, template.landmarks)
    last = len(neckline.points) - 1
    for place, (x, y) in enumerate(neckline.points):
        if 0 < place < last or opening is not None:
            landmarks[f"neckline_{place:02d}"] = (float(x), float(y))
    if opening is None:
        landmarks["collar_front"] = (float(neckline.points[last // 2, 0]), float(neckline.points[last // 2, 1]))
    named = name_neckline(fit, neckline, "collar_back" in template.landmarks) if opening is None else Neckline.OPEN
    confidence, reasons = _judge(fit, kind, photo.name)
    if neckline.trust < SURE and not override.neckline:
        confidence = min(confidence, UNSURE)
        reasons = (*reasons, Note("garment.neckline_unsure", {"file": photo.name}))
    if opening is not None and opening.seen < EDGE_SEEN:
        confidence = min(confidence, UNSURE)
        reasons = (*reasons, Note("garment.front_unsure", {"file": photo.name}))
    back = 1.0 / scale
    return Garment(
        category=kind.category,
        sleeve=SleeveLength(override.sleeve) if override.sleeve else classify_sleeve(fit),
        neckline=Neckline(override.neckline) if override.neckline else named,
        landmarks={name: (x * back, y * back) for name, (x, y) in landmarks.items()},
        mesh=_scaled(template.mesh, back),
        photo_size=photo.size,
        confidence=confidence,
        reasons=reasons,
    )


def _scaled(mesh: GarmentMesh, factor: float) -> GarmentMesh:
    vertices = (mesh.vertices * factor).astype(np.float32)
    return GarmentMesh(vertices, mesh.faces, mesh.part, mesh.along, mesh.across, mesh.depth, mesh.part_names)


def _is_crossing(neckline: NecklineFit) -> bool:
    """Tell a neckline that runs across the front high up, as a pullover's does."""
    return neckline.clear and neckline.trust >= SURE and neckline.depth < HIGH_NECKLINE


def _is_parted(neckline: NecklineFit) -> bool:
    """Tell a neckline that surely dips at the front from a collar that is closed all round."""
    return neckline.clear and neckline.trust >= SURE and neckline.depth >= PARTED


def _overlap_score(overlap: float) -> float:
    return float(np.clip((overlap - POOR_OVERLAP + 0.1) / (GOOD_OVERLAP - POOR_OVERLAP + 0.1), 0.1, 1.0))


def _judge(fit: Fit, kind: Recognition, file: str) -> tuple[float, tuple[Note, ...]]:
    reasons: list[Note] = []
    score = _overlap_score(fit.iou)
    if fit.iou < POOR_OVERLAP:
        reasons.append(Note("garment.poor_fit", {"file": file, "overlap": f"{100 * fit.iou:.0f}"}))
    if fit.guessed:
        score = min(score, UNSURE)
        reasons.append(Note("garment.sleeves_guessed", {"file": file}))
    if not kind.is_clothing:
        score = min(score, NOT_CLOTHING_CONFIDENCE)
        reasons.insert(0, Note("garment.not_clothing", {"file": file}))
    return score, tuple(reasons)
