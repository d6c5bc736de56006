"""What goes with the old garment: soft outlines, skin under new sleeves, and crumbs; drawn figures with exact truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Cutout, ParseMap, PersonArtefacts, Photo
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.labels import Cihp
from studio.pipeline.blend import blend_look
from studio.pipeline.tryon.drape import DRAPE, _fit
from studio.pipeline.tryon.draping.endings import Endings
from studio.pipeline.tryon.draping.fields import measure_fields
from studio.pipeline.tryon.draping.layers import hide_sleeved_skin, take_apart
from studio.pipeline.tryon.draping.removal import cut_off, find_stranded, own_outline
from tests.pipeline.tryon_figures import BACKDROP, LONG, SKIN, context, draw_person, dressed_garment


def _bare_arms(*, wider: int, softness: float) -> PersonArtefacts:
    """Return the person with bare arms, thicker than the pose says, before a soft lens."""
    person = draw_person(2)
    labels = person.parse.labels.copy()
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]]
    arms = (labels == Cihp.UPPER) & (np.abs(columns - 384) > 136)
    arms |= np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    arms = (cv2.dilate(arms.astype(np.uint8), np.ones((wider, wider), np.uint8)) > 0) & (rows > 280)
    arms &= (labels == 0) | np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM)) | (np.abs(columns - 384) > 136)
    sides = np.where(columns < 384, np.uint8(Cihp.RIGHT_ARM), np.uint8(Cihp.LEFT_ARM))
    labels[arms] = sides[arms]
    rgb = person.photo.rgb8.copy()
    rgb[labels == 0] = BACKDROP
    rgb[arms] = SKIN
    rgb = cv2.GaussianBlur(rgb, (0, 0), softness)
    alpha = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), softness)
    return replace(person, photo=Photo(rgb, "2" * 64, "p.png"), cutout=Cutout(alpha, rgb), parse=ParseMap(labels))


@pytest.mark.parametrize("hem", [HemStyle.UNTUCKED, HemStyle.TUCKED])
def test_no_outline_of_bare_arms_stays_beside_long_sleeves(hem: HemStyle) -> None:
    person = _bare_arms(wider=17, softness=2.0)
    tryon = DRAPE.dress(person, dressed_garment(LONG), context(), layers=LayerOrder(hem))
    look = blend_look(person.photo, person.cutout, tryon)
    rows = np.mgrid[: look.rgb8.shape[0], : look.rgb8.shape[1]][0]
    beside = (look.garment_mask == 0) & (np.abs(rows - 460) < 140)
    beside &= ~np.isin(person.parse.labels, (Cihp.FACE, Cihp.HAIR, Cihp.NECK, Cihp.TROUSERS))
    beside = cv2.erode(beside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    away = np.abs(look.rgb8.astype(int) - BACKDROP).max(axis=2)
    assert away[beside].max() < 12


def test_an_outline_belongs_to_the_nearer_part_and_ends_with_its_halo() -> None:
    goes, stays = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    goes[:, :20], stays[:, 70:] = True, True
    alpha = np.zeros((100, 100), np.float32)
    alpha[:, :28] = alpha[:, 66:] = 0.3
    found = own_outline(goes, stays, alpha, 100.0)
    assert found[50, 20:29].all() and not found[50, 32:].any() and not (found & (goes | stays)).any()


def test_only_crumbs_that_the_removal_made_are_cut_off() -> None:
    kept, goes = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    goes[20:30] = True
    kept[30:60, :40] = kept[10:20, 50:54] = kept[5:9, 5:9] = True
    found = cut_off(kept, goes, 60.0)
    assert found[10:20, 50:54].all() and found.sum() == 40


def test_of_a_hand_the_little_that_is_seen_stays() -> None:
    person = _bare_arms(wider=3, softness=0.8)
    labels, rgb = person.parse.labels.copy(), person.photo.rgb8.copy()
    rows = np.mgrid[: labels.shape[0], : labels.shape[1]][0]
    hand = (labels == Cihp.RIGHT_ARM) & (rows > 680)
    labels[hand & (rows > 702)], rgb[hand & (rows > 702)] = Cihp.TROUSERS, (60, 80, 130)
    hand &= rows <= 702
    person = replace(person, photo=Photo(rgb, "4" * 64, "p.png"), parse=ParseMap(labels))
    fitting = _fit(person, False)
    fields = measure_fields(fitting.body, (fitting.evidence.alpha.shape[0], fitting.evidence.alpha.shape[1]))
    layers = take_apart(fitting.body, fitting.evidence, LayerOrder(), fields)
    neck = fitting.body.place(np.array([-0.2, 0.2]) * fitting.body.size, np.zeros(2))
    endings = Endings((neck, neck), None, neck)
    hidden = hide_sleeved_skin(layers, (fitting.body, fitting.evidence, fields), (1.95, 1.95), endings)
    seen = cv2.erode((hand & (rows > 690)).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert seen.sum() > 20 and fitting.view.scale == 1.0
    at = fitting.view.box.slices
    assert hidden.arms.alpha[seen[at]].min() > 0.9 and hidden.removed[seen[at]].max() < 0.1


def test_trousers_seen_beyond_a_sleeve_only_go_with_it() -> None:
    lower, sleeve = np.zeros((80, 80), bool), np.zeros((80, 80), bool)
    lower[50:, 30:60] = True
    sleeve[10:, 20:28] = True
    lower[60:70, 14:20] = True  # beyond the sleeve
    lower[60:66, 70:76] = True  # stands alone, whatever goes
    found = find_stranded(lower, sleeve, 100.0)
    assert found[60:70, 14:20].all()
    assert found.sum() == 60
    few = np.zeros_like(lower)
    few[70:76, 28:34] = True
    assert not find_stranded(few, sleeve, 100.0).any()
