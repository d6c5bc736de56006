"""Hair in front of clothes has a matte of its own: nothing of the old garment stays between strands."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import ParseMap, PersonArtefacts, Photo
from studio.domain.edits import LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE
from studio.pipeline.tryon.draping.hair import matte_hair
from tests.pipeline.tryon_figures import HAIR, OLD_TOP, TEE, context, draw_person, dressed_garment


@pytest.fixture(scope="module")
def strands() -> PersonArtefacts:
    """Two locks with the old top between them, and a label that knows only one broad, too wide one."""
    person = draw_person(2)
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.copy()
    locks = np.zeros(labels.shape, np.uint8)
    cv2.rectangle(locks, (286, 200), (302, 410), 1, -1)
    cv2.rectangle(locks, (324, 200), (340, 410), 1, -1)
    rgb[300:418, 280:347] = OLD_TOP
    rgb[locks > 0] = HAIR
    rgb = cv2.GaussianBlur(rgb, (0, 0), 1.0)
    labels[300:418, 280:347] = Cihp.HAIR
    return replace(person, photo=Photo(rgb, "3" * 64, "hair.png"), parse=ParseMap(labels))


def _greenness(rgb: np.ndarray) -> np.ndarray:
    wide = rgb.astype(int)
    return wide[..., 1] - np.maximum(wide[..., 0], wide[..., 2])


def test_the_matte_follows_the_strands_and_not_the_label(strands: PersonArtefacts) -> None:
    labels = strands.parse.labels
    matte = matte_hair(strands.photo.rgb8, labels, labels == Cihp.UPPER, 240.0)
    assert matte is not None
    assert matte.alpha[330, 294] > 0.95 and matte.alpha[330, 332] > 0.95
    assert matte.alpha[330, 313] < 0.05 and matte.alpha[360, 345] < 0.05
    assert matte.mixed[330, 313] and not matte.mixed[330, 294]
    at = np.s_[320:405, 270:360]
    solid = matte.alpha[at] > 0.5
    assert np.abs(matte.rgb[at][solid] - HAIR).max() < 40


def test_nothing_of_the_old_garment_stays_in_the_hair(strands: PersonArtefacts) -> None:
    look = blend_look(
        strands.photo, strands.cutout, DRAPE.dress(strands, dressed_garment(TEE), context(), layers=LayerOrder())
    )
    around = np.s_[290:430, 270:360]
    assert (_greenness(strands.photo.rgb8)[around] > 60).mean() > 0.3
    assert _greenness(look.rgb8)[around].max() < 25
    assert np.abs(look.rgb8[300:400, 294].astype(int) - HAIR).max() < 12


def test_hair_away_from_clothes_is_left_to_its_label() -> None:
    rgb, labels = np.zeros((80, 80, 3), np.uint8), np.zeros((80, 80), np.uint8)
    labels[5:20, 20:60], labels[60:, 20:60] = Cihp.HAIR, Cihp.UPPER
    assert matte_hair(rgb, labels, labels == Cihp.UPPER, 60.0) is None
