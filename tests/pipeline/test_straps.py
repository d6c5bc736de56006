"""Thin straps: the fit hangs on them, they reach the shoulders unbroken, and skin shows between them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Cutout, GarmentArtefacts, Neckline, Photo, SleeveLength
from studio.domain.edits import HemStyle, LayerOrder
from studio.pipeline.blend import blend_look
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.straps import thicken_straps
from studio.pipeline.tryon.drape import DRAPE
from tests.pipeline.tryon_figures import (
    BACKDROP,
    LONG,
    NEW_TOP,
    SKIN,
    TANK,
    TEE,
    context,
    draw_garment,
    draw_person,
)

BODICE = ((0.0, 0.3), (-0.07, 0.27), (-0.16, 0.2), (-0.24, 0.28), (-0.23, 0.6), (-0.27, 1.0))


BUST = ((0.0, 0.4), (-0.1, 0.34), (-0.19, 0.22), (-0.2, 0.29), (-0.28, 0.5), (-0.23, 0.78))


def draw_strappy(width: float = 0.016, bodice: tuple[tuple[float, float], ...] = BODICE) -> tuple[Photo, Cutout]:
    """Return a camisole on two straps, with its exact cutout."""
    cutout = draw_garment(bodice)[1]
    mask = (cutout.alpha * 255).astype(np.uint8)
    for side in (-1, 1):
        ends = np.array([(side * 0.15, 0.23), (side * 0.13, 0.0)]) * 512 + (240, 64)
        cv2.polylines(mask, [np.round(ends).astype(np.int32)], False, 255, round(width * 512), cv2.LINE_AA)
    alpha = (mask / np.float32(255)).astype(np.float32)
    rgb = np.where(mask[..., None] > 0, np.array(NEW_TOP), np.array(BACKDROP)).astype(np.uint8)
    return Photo(rgb, "5" * 64, "camisole.png"), Cutout(alpha, rgb.copy())


def draw_tied() -> tuple[Photo, Cutout]:
    """Return a bodice on two straps as broad as a hand, a ribbon hanging from either end of its hem."""
    cutout = draw_garment(((0.0, 0.3), (-0.07, 0.27), (-0.2, 0.2), (-0.24, 0.3), (-0.23, 0.55), (-0.22, 0.72)))[1]
    mask = (cutout.alpha * 255).astype(np.uint8)
    for side in (-1, 1):
        strap = np.array([(side * 0.2, 0.26), (side * 0.2, 0.0)]) * 512 + (240, 64)
        ribbon = np.array([(side * 0.2, 0.68), (side * 0.26, 0.8), (side * 0.27, 1.0)]) * 512 + (240, 64)
        cv2.polylines(mask, [np.round(strap).astype(np.int32)], False, 255, 30, cv2.LINE_AA)
        cv2.polylines(mask, [np.round(ribbon).astype(np.int32)], False, 255, 24, cv2.LINE_AA)
    alpha = (mask / np.float32(255)).astype(np.float32)
    rgb = np.where(mask[..., None] > 0, np.array(NEW_TOP), np.array(BACKDROP)).astype(np.uint8)
    return Photo(rgb, "6" * 64, "tied.png"), Cutout(alpha, rgb.copy())


def test_a_top_on_one_strap_hangs_as_on_two() -> None:
    photo, cutout = draw_tied()
    alpha = cutout.alpha.copy()
    alpha[: 64 + round(0.2 * 512), 240:] = 0.0
    garment = analyse_garment(photo, Cutout(alpha, cutout.foreground.copy()))
    assert garment.neckline is Neckline.STRAPS
    left, right = (np.array(garment.landmarks[f"shoulder_{side}"]) for side in ("left", "right"))
    assert abs(left[1] - right[1]) < 0.03 * 512 and abs(left[0] + right[0] - 480) < 0.06 * 512


def test_armpits_are_where_the_sides_reach_the_chest() -> None:
    marks = analyse_garment(*draw_strappy(bodice=BUST)).landmarks
    width = marks["armpit_right"][0] - marks["armpit_left"][0]
    assert width > 0.95 * 0.56 * 512, "not where the straps begin: the garment would be taken for smaller than it is"


def test_broad_straps_and_ties_are_no_sleeves() -> None:
    garment = analyse_garment(*draw_tied())
    assert (garment.neckline, garment.sleeve) == (Neckline.STRAPS, SleeveLength.NONE)
    for side, sign in (("left", -1), ("right", 1)):
        outer = 240 + sign * (0.2 * 512 + 15)
        assert abs(garment.landmarks[f"shoulder_{side}"][0] - outer) < 8, "the mesh holds the strap's whole width"
        assert garment.landmarks[f"hem_{side}"][1] < 64 + 0.78 * 512, "a ribbon is no hem"


@pytest.mark.parametrize("half", [TEE, LONG, TANK], ids=["tee", "long", "tank"])
def test_without_thin_straps_nothing_is_thickened(half: tuple[tuple[float, float], ...]) -> None:
    alpha = draw_garment(half)[1].alpha
    assert thicken_straps(alpha) is alpha


def test_a_hangers_hook_is_no_strap() -> None:
    alpha = draw_garment(TANK)[1].alpha.copy()
    alpha[10:140, 237:243] = 1.0
    assert thicken_straps(alpha) is alpha


def test_shoulders_are_where_the_straps_end() -> None:
    garment = analyse_garment(*draw_strappy())
    assert (garment.neckline, garment.sleeve) == (Neckline.STRAPS, SleeveLength.NONE)
    for side, sign in (("left", -1), ("right", 1)):
        x, y = garment.landmarks[f"shoulder_{side}"]
        assert abs(x - (240 + sign * 0.13 * 512)) < 0.03 * 512 and abs(y - 64) < 0.03 * 512


def test_straps_reach_the_shoulders_unbroken_with_skin_between_them() -> None:
    person = draw_person()
    photo, cutout = draw_strappy()
    garment = GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))
    look = blend_look(person.photo, person.cutout, DRAPE.dress(person, garment, context(), layers=LayerOrder()))
    cloth = look.garment_mask > 100
    bodice = int(np.flatnonzero(cloth.sum(axis=1) > 60)[0])
    for side in (np.s_[:, 100:192], np.s_[:, 192:290]):
        rows = np.flatnonzero(cloth[side].any(axis=1))
        top = int(rows[0])
        # The drawn person's hair hangs before the left strap's upper end.
        assert top < 195 and top > 118 and (np.diff(rows[rows < bodice]) == 1).all()
    between = look.rgb8[150 : bodice - 12, 185:200].astype(int)
    assert (np.abs(between - SKIN).max(axis=2) < 45).mean() > 0.95


def test_a_slanting_hem_keeps_its_profile_and_bares_skin_not_backdrop() -> None:
    person = draw_person()
    half = np.array(TEE)
    ring = np.concatenate([half[:-1], [(-0.24, 0.62), (0.24, 0.95)], half[-2::-1] * (-1, 1)]) * 512 + (240, 64)
    alpha = np.zeros((640, 480), np.uint8)
    cv2.fillPoly(alpha, [np.round(ring).astype(np.int32)], 255)
    rgb = np.where(alpha[..., None] > 0, np.array(NEW_TOP), np.array(BACKDROP)).astype(np.uint8)
    photo, cutout = Photo(rgb, "6" * 64, "slant.png"), Cutout((alpha / np.float32(255)).astype(np.float32), rgb.copy())
    garment = GarmentArtefacts(photo, cutout, analyse_garment(photo, cutout))
    order = LayerOrder(HemStyle.UNTUCKED)
    look = blend_look(person.photo, person.cutout, DRAPE.dress(person, garment, context(), layers=order))
    ends = [int(np.flatnonzero(look.garment_mask[:, x] > 128)[-1]) for x in (145, 239)]
    assert ends[1] - ends[0] > 40
    below = look.rgb8[ends[0] + 6 : 320, 142:160].astype(int)
    assert (np.abs(below - BACKDROP).max(axis=2) > 12).all()
