"""Dresses: over everything the person wears, legs painted below the hem; and a top over a worn dress."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from studio.domain.artefacts import Category, GarmentArtefacts, Look, PersonArtefacts, TryOn
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE
from tests.pipeline.lower_figures import NAVY, SIZE, SKIN, draw_standing
from tests.pipeline.tryon_figures import NEW_TOP, OLD_TOP, TEE, context, dressed_garment

A_LINE = ((-0.07, 0.0), (-0.17, 0.03), (-0.15, 0.2), (-0.13, 0.38), (-0.30, 1.0))


def _dress(person: PersonArtefacts, garment: GarmentArtefacts) -> tuple[Look, TryOn]:
    tryon = DRAPE.dress(person, garment, context(), layers=LayerOrder())
    return blend_look(person.photo, person.cutout, tryon), tryon


def _near(rgb: npt.NDArray[np.uint8], colour: tuple[int, int, int], tolerance: int) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.abs(rgb.astype(int) - colour).max(axis=2) <= tolerance
    return near


@pytest.fixture(scope="module")
def dress() -> GarmentArtefacts:
    return dressed_garment(A_LINE)


def test_a_dress_replaces_top_and_trousers(dress: GarmentArtefacts) -> None:
    person = draw_standing("trousers")
    assert dress.garment.category is Category.DRESS
    look, tryon = _dress(person, dress)
    assert np.array_equal(look.pixels[look.edit_mask == 0], person.photo.pixels[look.edit_mask == 0])
    assert _near(look.rgb8, NAVY, 30).mean() < 0.001
    assert _near(look.rgb8, OLD_TOP, 30).mean() < 0.001
    assert _near(look.rgb8[150:260, 140:160], NEW_TOP, 60).mean() > 0.95
    assert (tryon.labels == Cihp.DRESS).any()
    assert not np.isin(tryon.labels, (Cihp.UPPER, Cihp.TROUSERS)).any()


def test_legs_below_the_hem_are_painted_and_said(dress: GarmentArtefacts) -> None:
    look, tryon = _dress(draw_standing("trousers"), dress)
    rows = np.flatnonzero((look.garment_mask > 127).any(axis=1))
    below = slice(int(rows[-1]) + 12, 490)
    assert rows[-1] < 470
    for x in (123, 177):
        assert np.abs(look.rgb8[below, x].astype(int).mean(axis=0) - SKIN).max() < 40
    assert "tryon.legs_painted" in [note.key for note in tryon.confidence.reasons]


def test_bare_legs_below_the_hem_stay_the_photos_own(dress: GarmentArtefacts) -> None:
    person = draw_standing("shorts")
    look, tryon = _dress(person, dress)
    assert not look.edit_mask[480:].any()
    assert "tryon.legs_painted" not in [note.key for note in tryon.confidence.reasons]


def test_a_top_over_a_dress_leaves_its_skirt_on_and_says_so() -> None:
    person = draw_standing("dress")
    look, tryon = _dress(person, dressed_garment(TEE))
    assert _near(look.rgb8[270:340, 130:170], OLD_TOP, 30).mean() > 0.9
    assert _near(look.rgb8[110:150, 130:170], NEW_TOP, 60).mean() > 0.9
    assert "tryon.over_dress" in [note.key for note in tryon.confidence.reasons]
    assert tryon.confidence.score <= 0.6
    assert look.pixels.shape[:2] == SIZE[::-1]
