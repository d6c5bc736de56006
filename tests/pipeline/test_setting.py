"""A garment on a floor is told from one before a studio's backdrop, however that is lit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.arrays import U8
from studio.domain.artefacts import Photo
from studio.pipeline.garment import TEMPLATE, GarmentParams
from studio.pipeline.garments.setting import is_restless
from studio.pipeline.stage import Inputs
from tests.pipeline.tryon_figures import TEE, context, draw_garment


def _before(backdrop: U8) -> tuple[Photo, bool]:
    photo, cutout = draw_garment(TEE)
    rgb = np.where(cutout.alpha[..., None] > 0.5, photo.rgb8, backdrop).astype(np.uint8)
    return Photo(rgb, "5" * 64, "floor.png"), is_restless(rgb, cutout.alpha)


def _floor() -> U8:
    """Return boards with a grain, darker towards one side."""
    random = np.random.default_rng(0)
    grain = cv2.GaussianBlur(random.normal(0, 1, (640, 480)).astype(np.float32), (0, 0), 2.0)
    light = np.linspace(110, 190, 480)[None] + 40 * grain / grain.std() * 0.3
    light[:, ::60] -= 40
    floor: U8 = np.clip(light[..., None] * [1.0, 0.9, 0.8], 0, 255).astype(np.uint8)
    return floor


def _paper(*, shaded: bool, noise: float = 0.0) -> U8:
    light = np.full((640, 480), 225.0) - (np.linspace(0, 90, 640)[:, None] if shaded else 0.0)
    light = light + np.random.default_rng(0).normal(0, noise, light.shape)
    paper: U8 = np.repeat(np.clip(light, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    return paper


def test_a_floor_is_no_backdrop_and_is_told_first() -> None:
    photo, restless = _before(_floor())
    assert restless
    _, cutout = draw_garment(TEE)
    garment = TEMPLATE.run(Inputs({"photo": photo, "edges": cutout}), GarmentParams(), context())
    assert garment.reasons[0].key == "garment.restless" and garment.confidence <= 0.65


@pytest.mark.parametrize(("shaded", "noise"), [(False, 0.0), (True, 0.0), (True, 2.0), (False, 4.0)])
def test_paper_is_one_however_it_is_lit(shaded: bool, noise: float) -> None:
    assert not _before(_paper(shaded=shaded, noise=noise))[1]


def test_where_nothing_is_around_nothing_is_said() -> None:
    photo, _ = draw_garment(TEE)
    assert not is_restless(photo.rgb8, np.ones(photo.rgb8.shape[:2], np.float32))
