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


def _lock(shade: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo and labels: blond hair above a navy top, in it a patch of `shade`; a throat beside the hair."""
    rgb, labels = np.full((300, 200, 3), 230, np.uint8), np.zeros((300, 200), np.uint8)
    labels[10:220, 40:110] = Cihp.HAIR
    labels[150:290, 20:190] = np.where(labels[150:290, 20:190] == Cihp.HAIR, Cihp.HAIR, Cihp.UPPER)
    labels[60:150, 110:160] = Cihp.NECK
    noise = np.random.default_rng(3).normal(0, 6, (300, 200, 1))
    for label, colour in ((Cihp.HAIR, (200, 165, 110)), (Cihp.UPPER, (25, 30, 60)), (Cihp.NECK, (215, 170, 150))):
        rgb[labels == label] = np.clip(np.array(colour) + noise, 0, 255)[labels == label]
    rgb[175:195, 50:60] = shade
    rgb[120:140, 95:108] = (25, 30, 60)
    return rgb, labels


def test_strands_blurred_into_the_old_top_are_no_solid_hair() -> None:
    hair, old = np.array((200.0, 165, 110)), np.array((25.0, 30, 60))
    mixed = (0.5 * hair**2.2 + 0.5 * old**2.2) ** (1 / 2.2)
    rgb, labels = _lock(tuple(int(value) for value in mixed))
    matte = matte_hair(rgb, labels, labels == Cihp.UPPER, 150.0)
    assert matte is not None
    assert matte.solved[180:190, 52:58].all() and matte.alpha[165, 55] > 0.9
    assert matte.alpha[180:190, 52:58].max() < 0.9 and matte.mixed[180:190, 52:58].all()


def test_the_dark_of_hair_beside_the_throat_is_its_shade_and_no_top() -> None:
    rgb, labels = _lock((200, 165, 110))
    matte = matte_hair(rgb, labels, labels == Cihp.UPPER, 150.0)
    assert matte is not None
    assert not matte.mixed[122:138, 97:104].any() and matte.alpha[122:138, 97:104].min() > 0.9
