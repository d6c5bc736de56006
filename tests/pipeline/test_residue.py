"""Traces of the old garment are found where they are and nowhere else; drawn figures, planted traces."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Category, Confidence, Cutout, GarmentArtefacts, PersonArtefacts
from studio.domain.labels import Cihp
from studio.pipeline.blend import RESIDUE_TRUST, doubt_residue
from studio.pipeline.residue import NOTABLE, Dressed, Residue, find_residue
from tests.pipeline.tryon_figures import BACKDROP, NEW_TOP, OLD_TOP, SKIN, TEE, draw_person, dressed_garment

SHORT_SLEEVES_TO = 235


@pytest.fixture(scope="module")
def person() -> PersonArtefacts:
    return draw_person(2)


@pytest.fixture(scope="module")
def garment() -> GarmentArtefacts:
    return dressed_garment(TEE)


def dress(person: PersonArtefacts, colour: tuple[int, int, int] = NEW_TOP) -> Dressed:
    """Paint the old top over: the new one in light and shade, bare forearms, all edges soft as a photo's."""
    labels, before = person.parse.labels, person.photo.rgb8
    old = (labels == Cihp.UPPER).astype(np.uint8)
    old = cv2.dilate(old, np.ones((5, 5), np.uint8)) & np.isin(labels, (Cihp.UPPER, 0)).astype(np.uint8)
    rows = np.mgrid[: labels.shape[0], : labels.shape[1]][0]
    arms = (old > 0) & (rows > 2 * SHORT_SLEEVES_TO) & (cv2.erode(old, np.ones((81, 81), np.uint8)) == 0)
    worn = (old > 0) & ~arms
    light = np.linspace(1.0, 0.7, labels.shape[1])[None, :, None]
    new = np.where(worn[..., None], np.array(colour) * light, np.where(arms[..., None], SKIN, before))
    soft = cv2.GaussianBlur((worn | arms).astype(np.float32), (0, 0), 1.0)[..., None]
    clean = np.where((old > 0)[..., None], np.array(BACKDROP), before)
    pixels = np.rint(new * soft + clean * (1 - soft)).astype(np.uint8)
    body = np.maximum(person.cutout.alpha, soft[..., 0])
    return Dressed(pixels, soft[..., 0] > 0, np.where(worn, np.uint8(255), np.uint8(0)), body)


def search(person: PersonArtefacts, look: Dressed, garment: Cutout) -> Residue:
    return find_residue(person.photo.rgb8, look, person.parse, garment)


def test_a_clean_look_is_clean(person: PersonArtefacts, garment: GarmentArtefacts) -> None:
    assert search(person, dress(person), garment.cutout).share == 0


@pytest.mark.parametrize("place", ["rim", "blob", "through"])
def test_planted_traces_are_found_where_they_are(
    person: PersonArtefacts, garment: GarmentArtefacts, place: str
) -> None:
    look, labels = dress(person), person.parse.labels
    old = labels == Cihp.UPPER
    planted = np.zeros(old.shape, bool)
    if place == "rim":  # a hem of the old sleeve left along the arm
        planted = old & (cv2.erode(old.astype(np.uint8), np.ones((15, 15), np.uint8)) == 0)
        planted[: 2 * SHORT_SLEEVES_TO] = False
    elif place == "blob":
        planted[600:640, 350:390] = True
    else:  # an old colour shining through, darker than it was
        planted[400:460, 330:420] = True
    pixels = look.pixels.copy()
    pixels[planted] = np.array(OLD_TOP) * (0.9 if place == "through" else 1.0)
    found = search(person, replace(look, pixels=pixels), garment.cutout)
    share = planted.sum() / old.sum()
    assert found.is_notable and 0.5 * share < found.share < 1.3 * share
    assert found.largest <= found.share
    near = cv2.dilate(planted.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert (found.mask & near).sum() > 0.95 * found.mask.sum()


def test_an_outline_of_the_arm_left_on_the_background_is_found(
    person: PersonArtefacts, garment: GarmentArtefacts
) -> None:
    look = dress(person)
    pixels, edit, body = look.pixels.copy(), look.edit.copy(), look.body.copy()
    gone = np.s_[250:640, 120:240]  # the left arm is taken away, all but its outline
    pixels[gone], edit[gone], body[gone] = BACKDROP, True, 0.0
    clean = replace(look, pixels=pixels, edit=edit, body=body, worn=np.where(body > 0, look.worn, 0).astype(np.uint8))
    assert search(person, clean, garment.cutout).share < 0.0005  # where the arm was cut off, hard
    lined = pixels.copy()
    cv2.line(lined, (190, 300), (160, 600), SKIN, 1, cv2.LINE_AA)
    found = search(person, replace(clean, pixels=lined), garment.cutout)
    assert found.share > 0.003 and found.mask[300:600, 150:200].sum() > 0.85 * found.mask.sum()


def test_the_old_garment_between_strands_of_hair_is_found(person: PersonArtefacts, garment: GarmentArtefacts) -> None:
    labels, photo = person.parse.labels.copy(), person.photo.rgb8.copy()
    between = np.zeros(labels.shape, bool)
    between[340:378, 308:324] = True  # the hair's label lies over all of it
    assert (labels[between] == Cihp.HAIR).all()
    photo[between] = OLD_TOP
    worn = replace(person, photo=replace(person.photo, pixels=photo))
    look = dress(worn)
    assert (look.pixels[between] == OLD_TOP).all()
    found = search(worn, look, garment.cutout)
    assert found.mask[between].mean() > 0.7 and found.share > 0.5 * between.sum() / (labels == Cihp.UPPER).sum()


def test_a_shared_colour_cannot_be_told_and_is_not_accused(person: PersonArtefacts) -> None:
    same = dressed_garment(TEE, OLD_TOP)
    assert search(person, dress(person, OLD_TOP), same.cutout).share == 0


def test_the_old_trousers_are_nobodys_business_when_a_top_is_dressed(
    person: PersonArtefacts, garment: GarmentArtefacts
) -> None:
    look = dress(person)
    everything = replace(look, edit=np.ones(look.edit.shape, bool))
    assert search(person, everything, garment.cutout).share == 0
    left = find_residue(person.photo.rgb8, everything, person.parse, garment.cutout, Category.TROUSERS)
    assert left.share > 0.5  # the jeans are there as they were


def test_it_is_a_plain_reason_of_the_look() -> None:
    found = Residue(2 * NOTABLE, NOTABLE, np.zeros((2, 2), bool))
    doubted = doubt_residue(Confidence(0.9), found, "p.jpg")
    assert doubted.score == RESIDUE_TRUST
    assert [(note.key, note.values["share"]) for note in doubted.reasons] == [("look.residue", "0.8")]
    worse = doubt_residue(Confidence(0.2, doubted.reasons), found, "p.jpg")
    assert worse.score == 0.2 and len(worse.reasons) == 2
