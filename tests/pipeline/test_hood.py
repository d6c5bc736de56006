"""Hoods: told from collars, left out of the fit, worn behind the neck."""

from __future__ import annotations

import numpy as np
import pytest

from studio.domain.artefacts import PersonArtefacts, SleeveLength
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.fitting import prepare_silhouette
from studio.pipeline.garments.hood import find_hood, without_hood
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.hoods import lay_hood
from studio.pipeline.tryon.draping.targets import COLLAR, read_pattern
from tests.pipeline.tryon_figures import (
    BACKDROP,
    LONG,
    NEW_TOP,
    TEE,
    context,
    draw_garment,
    draw_person,
    dressed_garment,
)

SLEEVES = (
    (-0.21, 0.275), (-0.29, 0.58), (-0.315, 0.96), (-0.25, 0.96), (-0.225, 0.62), (-0.2, 0.45), (-0.2, 0.92),
)  # fmt: skip
HOODED = ((0.0, 0.0), (-0.08, 0.01), (-0.14, 0.05), (-0.165, 0.12), (-0.155, 0.18), (-0.115, 0.235), *SLEEVES)
BARE = ((-0.115, 0.235), *SLEEVES)
COLLARED = ((-0.115, 0.06), (-0.11, 0.235), *SLEEVES)


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person()


@pytest.mark.parametrize("half", [TEE, LONG, BARE, COLLARED], ids=["tee", "long", "no hood", "high collar"])
def test_without_a_dome_there_is_no_hood(half: tuple[tuple[float, float], ...]) -> None:
    assert find_hood(prepare_silhouette(draw_garment(half)[1].alpha)) is None


def test_a_hood_is_cut_off_along_its_seam() -> None:
    alpha = draw_garment(HOODED)[1].alpha
    hood = find_hood(prepare_silhouette(alpha))
    assert hood is not None
    cut = without_hood(alpha, hood)
    rows = np.flatnonzero(cut.max(axis=1) > 0.5)
    assert abs(rows[0] - (64 + 0.235 * 512)) < 6
    assert (cut[rows[0] + 6 :] == alpha[rows[0] + 6 :]).all()


def test_a_garment_is_as_long_as_it_is_without_its_hood() -> None:
    hooded, bare = (analyse_garment(*draw_garment(half)) for half in (HOODED, BARE))
    assert hooded.sleeve is bare.sleeve is SleeveLength.LONG
    assert "hood_top" in hooded.landmarks and "hood_top" not in bare.landmarks
    lengths = [read_pattern(garment).hem_y for garment in (hooded, bare)]
    assert abs(lengths[0] / lengths[1] - 1) < 0.04


def test_a_hood_lies_behind_the_neck_and_never_over_face_or_hair(person: PersonArtefacts) -> None:
    look, plain = (
        blend_look(person.photo, person.cutout, DRAPE.dress(person, garment, context(), layers=LayerOrder()))
        for garment in (dressed_garment(HOODED), dressed_garment(BARE))
    )
    labels, before = person.parse.labels, person.photo.rgb8.astype(int)
    for part in (Cihp.FACE, Cihp.HAIR):
        inside = labels == part
        inside[:60] = False
        assert np.abs(look.rgb8[inside].astype(int) - before[inside]).mean() < 3
        assert not (look.garment_mask[inside] > 200).mean() > 0.02
    was_backdrop = np.abs(before - BACKDROP).max(axis=2) < 8
    beside = np.zeros(labels.shape, bool)
    beside[112:136, 216:250] = True  # to the right of the neck, above the shoulder: no hair there
    shown = np.abs(look.rgb8.astype(int) - NEW_TOP).max(axis=2) < 60
    plainly = np.abs(plain.rgb8.astype(int) - NEW_TOP).max(axis=2) < 60
    assert (shown & beside & was_backdrop).sum() > 100 + (plainly & beside & was_backdrop).sum()


def test_a_hood_laid_down_is_a_roll_no_wider_than_the_shoulders_and_ends_behind_them() -> None:
    garment = analyse_garment(*draw_garment(HOODED))
    pattern = read_pattern(garment)
    shoulders = 2 * pattern.shoulder[0]
    laid = lay_hood(garment, pattern.points, shoulders)
    hood = garment.mesh.part == COLLAR
    assert np.abs(laid[hood, 0]).max() < pattern.neck_half + 0.15 * shoulders
    # Each side's end, which overhung the seam, lies lower than the neck's points, behind the front.
    for side in (-1, 1):
        end = np.flatnonzero(hood & (garment.mesh.across * side > 0.99) & (garment.mesh.along > 0.99))
        assert (laid[end, 1] > 0.05 * shoulders).all()
    corners = laid[garment.mesh.faces[hood[garment.mesh.faces].all(axis=1)]]
    (a, b), (c, d) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    areas = a * d - b * c
    assert (areas > 0).all() or (areas < 0).all()


def test_a_hood_behind_the_front_takes_none_of_its_cloth(person: PersonArtefacts) -> None:
    hooded, plain = (
        blend_look(person.photo, person.cutout, DRAPE.dress(person, garment, context(), layers=LayerOrder()))
        for garment in (dressed_garment(HOODED), dressed_garment(BARE))
    )
    cloth = plain.garment_mask > 250
    assert cloth.sum() > 5000
    assert (hooded.garment_mask[cloth] > 250).mean() > 0.999
