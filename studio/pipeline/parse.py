"""Parse: a CIHP-20 map of the person, fused from the selfie network, a garment network, the pose and the cutout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.artefacts import Cutout, ParseMap, Photo, Pose
from studio.domain.errors import PipelineError
from studio.domain.keys import Note
from studio.domain.labels import Cihp
from studio.pipeline.parse_cloth import GarmentShares, join_matter, read_garments
from studio.pipeline.parse_colour import colour_codes
from studio.pipeline.parse_garments import (
    chest_area,
    fill_enclosed_skin,
    find_carried,
    find_false_hair,
    find_headwear,
    find_shoes,
    find_sunglasses,
    is_other_skin,
    name_garments,
)
from studio.pipeline.parse_limbs import assign_skin, face_reach
from studio.pipeline.parse_matter import Matter, lean_on_skin_colour, read_matter
from studio.pipeline.parse_refine import EdgeSnapper, remove_specks
from studio.pipeline.parse_sleeves import even_sleeves
from studio.pipeline.parse_split import split_cloth
from studio.pipeline.parse_work import Work, extend_labels, make_work, to_native
from studio.pipeline.pose_body import Torso, read_torso_rows
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

MATTER_MODEL, GARMENT_MODEL = "selfie_multiclass", "u2net_cloth_seg"
_SPECK_SHARE = 1e-3  # of the hull's area
_SMALL_PARTS = frozenset(
    int(label) for label in (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.FACE, Cihp.NECK, Cihp.LEFT_SHOE, Cihp.RIGHT_SHOE)
)


@dataclass(frozen=True, slots=True)
class ParseParams:
    """Settings of the parse stage. use_garment_model: take garments from u2net_cloth_seg where it is installed."""

    use_garment_model: bool = True


@dataclass(frozen=True, slots=True)
class FusionParse:
    """The embedded parse stage."""

    name: str = "parse"
    implementation: str = "fusion"
    version: int = 4
    params_type: type[ParseParams] = ParseParams
    inputs: tuple[str, ...] = ("photo", "edges", "pose", "framing")
    output: type[ParseMap] = ParseMap

    def models(self, params: ParseParams, provider: ModelProvider) -> tuple[str, ...]:
        if params.use_garment_model and provider.is_installed(GARMENT_MODEL):
            return (MATTER_MODEL, GARMENT_MODEL)
        return (MATTER_MODEL,)

    def unavailable(self, provider: ModelProvider) -> Note | None:
        if provider.is_installed(MATTER_MODEL):
            return None
        return Note("stage.model_missing", {"model": MATTER_MODEL})

    def run(self, inputs: Inputs, params: ParseParams, ctx: StageContext) -> ParseMap:
        """Return the parse map.

        Raises:
            PipelineError: `parse.no_person`, the cutout is empty.
        """
        photo, cutout = inputs.take("photo", Photo), inputs.take("edges", Cutout)
        work = make_work(photo, cutout, inputs.take("pose", Pose))
        if not work.hull.any():
            raise PipelineError("parse.no_person", file=photo.name)
        torso = read_torso_rows(work.joints)
        if torso is None:
            ctx.note_fallback("parse.no_shoulders", file=photo.name)
        matter = read_matter(ctx.models.session(MATTER_MODEL), work, torso)
        ctx.progress.report(0.3, self.name)
        garments = None
        if GARMENT_MODEL in self.models(params, ctx.models):
            garments = read_garments(ctx.models.session(GARMENT_MODEL), work.image)
            matter = join_matter(matter, garments)
        ctx.progress.report(0.7, self.name)
        labels = label_person(work, matter, torso, garments)
        ctx.progress.report(0.9, self.name)
        return ParseMap(to_native(labels, work, cutout))


FUSION = FusionParse()


def label_person(work: Work, matter: F32, torso: Torso | None, garments: GarmentShares | None = None) -> U8:
    """Return labels at working size, known everywhere: outside the hull those of its nearest pixel."""
    hull = work.hull
    snapper = EdgeSnapper(work.image)
    if torso is not None:
        matter = even_sleeves(matter, work, torso)
    matter = lean_on_skin_colour(matter, colour_codes(work.image), hull)
    kinds = _settle_matter(matter, snapper)
    labels = np.zeros(work.alpha.shape, np.uint8)
    cloth = hull & np.isin(kinds, (Matter.CLOTHES, Matter.OTHER))
    hair = hull & (kinds == Matter.HAIR)
    if torso is not None:
        false_hair = find_false_hair(work, hair, torso)
        hair, cloth = hair & ~false_hair, cloth | false_hair
    face = hull & (kinds == Matter.FACE) & face_reach(work, torso)
    skin = hull & np.isin(kinds, (Matter.SKIN, Matter.FACE)) & ~face
    labels[hair] = Cihp.HAIR
    labels[face] = Cihp.FACE
    skin_labels = assign_skin(work, skin, torso)
    clothed = is_other_skin(work, skin_labels, face)
    cloth, skin, skin_labels = cloth | clothed, skin & ~clothed, np.where(clothed, np.uint8(0), skin_labels)
    labels = np.where(skin, skin_labels, labels)
    if torso is None:
        labels = np.where(cloth, np.uint8(Cihp.UPPER), labels).astype(np.uint8)
    else:
        labels = _label_cloth(work, labels, cloth, skin_labels, matter, torso, snapper, garments)
        labels = fill_enclosed_skin(labels, hull, torso.size)
    labels = np.where(find_sunglasses(work, labels), np.uint8(Cihp.SUNGLASSES), labels).astype(np.uint8)
    labels = remove_specks(labels, hull, int(_SPECK_SHARE * hull.sum()), _SMALL_PARTS)
    return extend_labels(labels, hull)


def _settle_matter(matter: F32, snapper: EdgeSnapper) -> U8:
    """Return the winning class of each pixel, its borders moved onto the photo's edges."""
    classes = (Matter.HAIR, Matter.SKIN, Matter.FACE, Matter.CLOTHES, Matter.OTHER)
    snapped = np.stack([snapper.snap(matter[kind]) for kind in classes])
    kinds: U8 = np.array(classes, np.uint8)[snapped.argmax(axis=0)]
    return kinds


def _label_cloth(
    work: Work,
    labels: U8,
    cloth: Bool,
    skin: U8,
    matter: F32,
    torso: Torso,
    snapper: EdgeSnapper,
    garments: GarmentShares | None,
) -> U8:
    """Return the labels with all cloth named; small things on the head take the label beside them."""
    hat, things = find_headwear(work, cloth, torso)
    shoes = find_shoes(work, cloth, matter, torso)
    carried = find_carried(work, cloth & (shoes == 0), torso)
    worn = cloth & ~hat & ~things & ~carried & (shoes == 0)
    hint = None if garments is None else garments.vote(garments.is_dress(worn & chest_area(work, torso)))
    split = split_cloth(work, worn, skin, torso, snapper, hint)
    named = name_garments(work, split, skin, torso, garments)
    labels = np.where(worn, named, labels)
    labels = np.where(shoes > 0, shoes, labels)
    labels = np.where(hat, np.uint8(Cihp.HAT), labels).astype(np.uint8)
    settled: U8 = extend_labels(labels, work.hull & ~things) if things.any() else labels
    return settled
