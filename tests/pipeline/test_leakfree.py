"""Paired evaluation's person: the mask's grey is gone, what it hid stays hidden, what is seen stays as it is."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Agnostic, PersonArtefacts
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.leakfree import GREY, _continue_strands, _how_long, agnostic_person
from tests.pipeline.tryon_figures import HAIR, draw_person


@pytest.fixture(scope="module")
def masked() -> PersonArtefacts:
    """Return the drawn person with the lower half of the hair under the mask, as published masks have it."""
    person = draw_person()
    image, labels = person.agnostic.image.copy(), person.agnostic.labels
    rows = np.arange(image.shape[0])[:, None] > 230
    image[(labels == Cihp.HAIR) & rows] = GREY
    return replace(person, agnostic=Agnostic(image, labels.copy()))


def _grey(image: np.ndarray) -> np.ndarray:
    found = np.abs(image.astype(int) - GREY).max(axis=2) <= 3
    return cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def test_no_grey_is_left(masked: PersonArtefacts) -> None:
    before = _grey(masked.agnostic.image)
    assert before.sum() > 50000
    assert _grey(agnostic_person(masked).photo.rgb8).sum() == 0


def test_hidden_hair_is_filled_by_seen_hair(masked: PersonArtefacts) -> None:
    hidden = _grey(masked.agnostic.image) & (masked.agnostic.labels == Cihp.HAIR)
    filled = agnostic_person(masked).photo.rgb8[hidden].astype(int)
    assert hidden.sum() > 500
    assert np.abs(np.median(filled, axis=0) - HAIR).max() <= 8


def test_what_is_seen_stays(masked: PersonArtefacts) -> None:
    near = cv2.dilate(_grey(masked.agnostic.image).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    filled = agnostic_person(masked).photo.rgb8
    assert np.array_equal(filled[~near], masked.agnostic.image[~near])


def test_hidden_strands_run_on(masked: PersonArtefacts) -> None:
    image, labels = masked.agnostic.image.copy(), masked.agnostic.labels
    grey = _grey(image)
    stripes = np.where(np.arange(image.shape[1]) // 6 % 2, 40, 120).astype(np.uint8)
    seen = (labels == Cihp.HAIR) & ~grey
    image[seen] = np.broadcast_to(stripes[None, :, None], image.shape)[seen]
    filled = agnostic_person(replace(masked, agnostic=Agnostic(image, labels.copy()))).photo.rgb8
    assert filled[(labels == Cihp.HAIR) & grey].std() > 20


def test_a_lock_that_grows_wider_under_the_mask_stays_hair(masked: PersonArtefacts) -> None:
    """Beside the last seen row there is no nearest strand to mirror: the whole lock is run on, as wide as it gets."""
    image, labels = masked.agnostic.image.copy(), masked.agnostic.labels.copy()
    hidden = _grey(image) & (labels == Cihp.HAIR)
    below = np.arange(image.shape[0])[:, None] > 240
    wider = (cv2.dilate(hidden.astype(np.uint8), np.ones((1, 81), np.uint8)) > 0) & ~hidden & below
    wider &= (labels != Cihp.FACE) & (labels != Cihp.HAIR)
    labels[wider], image[wider] = Cihp.HAIR, GREY
    stripes = np.where(np.arange(image.shape[1]) // 3 % 2, 40, 120).astype(np.uint8)
    seen = (labels == Cihp.HAIR) & ~_grey(image)
    image[seen] = np.broadcast_to(stripes[None, :, None], image.shape)[seen]
    filled = agnostic_person(replace(masked, agnostic=Agnostic(image, labels))).photo.rgb8[..., 0].astype(np.float64)
    inside = cv2.erode(wider.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    across, down = (np.abs(np.diff(filled, axis=axis, append=0))[inside].mean() for axis in (1, 0))
    assert across > 4 and down < 0.35 * across, "strands hang down"


def test_beside_a_masks_corner_hair_is_as_light_as_it_is_there() -> None:
    rows, columns = np.indices((140, 120))
    lock = (columns > 30) & (columns < 90)
    tone = (20 + 1.5 * rows)[..., None].repeat(3, axis=2).astype(np.float32)
    hidden = lock & ((rows > 120) | ((rows > 60) & (columns > 60)))
    picture = np.where(hidden[..., None], np.float32(0), tone)
    _continue_strands(picture, hidden, lock & ~hidden, np.zeros_like(lock))
    beside = hidden & (columns < 66) & (rows < 110)
    assert np.abs(picture - tone)[beside].mean() < 8


def test_long_strands_are_drawn_out_and_curls_are_not() -> None:
    noise = np.random.default_rng(3).standard_normal((80, 80, 1)).astype(np.float32).repeat(3, axis=2)
    seen = np.ones((80, 80), bool)
    assert _how_long(cv2.GaussianBlur(noise, (0, 0), sigmaX=1, sigmaY=6), seen) > 3
    assert _how_long(cv2.GaussianBlur(noise, (0, 0), 2), seen) < 1.4
