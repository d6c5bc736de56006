"""White cloth on a white wall: a little brighter than the wall and ending with an edge; light on a wall is neither."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.domain.arrays import F32, U8
from studio.pipeline.matting.backdrop import Backdrop, fit_backdrop
from studio.pipeline.matting.pale_cloth import add_pale_cloth

HEIGHT, WIDTH = 512, 384


def _wall() -> F32:
    """A wall, unevenly lit, with the noise of a photo."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    light = 224 + 6 * x / WIDTH + 2 * np.sin(y / 90) + np.random.default_rng(5).standard_normal((HEIGHT, WIDTH))
    return np.repeat(light[..., None], 3, axis=2).astype(np.float32)


def _photo(lighter: F32) -> tuple[U8, F32, Backdrop]:
    """A dark figure with two legs before the wall, and what is lighter than the wall beside it."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.rectangle(mask, (140, 60), (240, 300), 1, -1)
    cv2.rectangle(mask, (140, 300), (175, HEIGHT - 1), 1, -1)
    cv2.rectangle(mask, (205, 300), (240, HEIGHT - 1), 1, -1)
    rgb = np.where(mask[..., None] > 0, np.float32(60), _wall() + lighter[..., None])
    photo = np.clip(rgb, 0, 255).astype(np.uint8)
    alpha = mask.astype(np.float32)
    backdrop = fit_backdrop(photo, alpha)
    assert backdrop is not None and backdrop.is_studio
    return photo, alpha, backdrop


def _piece(shade: float) -> F32:
    piece = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.rectangle(piece, (241, 200), (275, 270), shade, -1)
    return piece


@pytest.mark.parametrize("shade", [9.0, 20.0])
def test_cloth_hardly_lighter_than_the_wall_is_the_persons(shade: float) -> None:
    photo, alpha, backdrop = _photo(_piece(shade))
    mended = add_pale_cloth(photo, alpha, backdrop)
    assert (mended[205:265, 243:272] > 0.5).mean() > 0.98
    assert not (mended[:, 282:] > 0.5).any()


def test_a_dark_fold_in_it_is_cloth_too() -> None:
    piece = _piece(10.0)
    piece[230:240, 241:268] = -12.0
    photo, alpha, backdrop = _photo(piece)
    mended = add_pale_cloth(photo, alpha, backdrop)
    assert (mended[205:265, 243:264] > 0.5).mean() > 0.97


def test_light_that_fades_on_the_wall_is_the_walls() -> None:
    piece = cv2.GaussianBlur(_piece(20.0), (0, 0), 14)
    photo, alpha, backdrop = _photo(piece.astype(np.float32))
    assert np.array_equal(add_pale_cloth(photo, alpha, backdrop), alpha)


def test_a_lighter_wall_between_the_legs_is_the_walls() -> None:
    piece = np.zeros((HEIGHT, WIDTH), np.float32)
    piece[301:, 176:205] = 9.0
    photo, alpha, backdrop = _photo(piece)
    assert np.array_equal(add_pale_cloth(photo, alpha, backdrop), alpha)


@pytest.mark.parametrize(("lighter", "cloth"), [(12.0, True), (0.0, False)])
def test_a_hole_in_pale_trousers_is_theirs_and_a_gap_shows_the_wall(lighter: float, cloth: bool) -> None:
    piece = np.zeros((HEIGHT, WIDTH), np.float32)
    piece[200:260, 170:215] = lighter
    photo, alpha, backdrop = _photo(piece)
    wall = np.clip(_wall() + 12.0, 0, 255).astype(np.uint8)
    photo[180:290, 150:230] = wall[180:290, 150:230]  # pale trousers, known but for the hole
    photo[200:260, 170:215] = np.clip(_wall()[200:260, 170:215] + lighter, 0, 255).astype(np.uint8)
    alpha[200:260, 170:215] = 0.0
    mended = add_pale_cloth(photo, alpha, backdrop)
    assert ((mended[200:260, 170:215] > 0.5).mean() > 0.95) == cloth
    assert cloth or np.array_equal(mended, alpha)
