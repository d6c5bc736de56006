"""Bodysuits: the briefs are found, are no hem, and are worn inside the trousers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.artefacts import Cutout, Photo
from studio.domain.edits import HemStyle, LayerOrder
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.bodysuit import find_briefs
from studio.pipeline.garments.fitting import prepare_silhouette
from studio.pipeline.tryon.draping.fronts import is_bodysuit, order_over
from tests.pipeline.tryon_figures import LONG, NEW_TOP, TANK, TEE, draw_garment

SUIT = (
    (-0.11, 0.0), (-0.26, 0.05), (-0.45, 0.22), (-0.36, 0.28), (-0.24, 0.2), (-0.22, 0.7),
    (-0.13, 0.78), (-0.07, 0.88), (-0.05, 1.0),
)  # fmt: skip
POINTED = ((-0.11, 0.0), (-0.26, 0.05), (-0.45, 0.22), (-0.36, 0.28), (-0.24, 0.2), (-0.22, 0.7), (-0.02, 1.0))
TAILS = (
    (-0.11, 0.0),
    (-0.26, 0.05),
    (-0.45, 0.22),
    (-0.36, 0.28),
    (-0.24, 0.2),
    (-0.22, 0.8),
    (-0.14, 0.96),
    (0.0, 1.0),
)


def test_a_bodysuit_is_as_long_as_to_its_hips_and_tucked_in() -> None:
    garment = analyse_garment(*draw_garment(SUIT))
    hips, end = 64 + 0.7 * 512, 64 + 512
    assert is_bodysuit(garment)
    assert abs(garment.landmarks["crotch"][1] - end) < 8
    assert abs(garment.landmarks["hem_left"][1] - hips) < 0.06 * 512
    assert order_over(garment, LayerOrder()).hem is HemStyle.TUCKED
    assert order_over(garment, LayerOrder(hem=HemStyle.UNTUCKED)).hem is HemStyle.UNTUCKED, "somebody said so"


@pytest.mark.parametrize("half", [TEE, LONG, TANK, POINTED, TAILS], ids=["tee", "long", "tank", "pointed", "tails"])
def test_hems_of_other_tops_are_no_briefs(half: tuple[tuple[float, float], ...]) -> None:
    assert find_briefs(prepare_silhouette(draw_garment(half)[1].alpha)) is None


def test_sleeves_beside_the_briefs_stay() -> None:
    photo, cutout = draw_garment(SUIT)
    alpha = cutout.alpha.copy()
    for x in (40, 440):
        cv2.line(alpha, (x, 150), (x, 560), (1.0,), 40)
    rgb = np.where(alpha[..., None] > 0, np.array(NEW_TOP, np.uint8), photo.rgb8).astype(np.uint8)
    garment = analyse_garment(Photo(rgb, "7" * 64, "suit.png"), Cutout(alpha, rgb.copy()))
    assert is_bodysuit(garment)
    assert max(y for name, (_, y) in garment.landmarks.items() if name.startswith("cuff")) > 520
