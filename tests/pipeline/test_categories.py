"""What a garment is: drawn silhouettes of every kind, and the shared photos where they are there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from studio.domain.artefacts import Category, Cutout, Photo
from studio.domain.edits import GarmentOverride
from studio.pipeline.garment import analyse_garment
from studio.pipeline.garments.category import recognise
from studio.pipeline.garments.cues import Cues, read_cues
from studio.pipeline.garments.fitting import prepare_silhouette
from tests.pipeline.tryon_figures import LONG, TANK, TEE, draw_garment

F32 = npt.NDArray[np.float32]
SIDE = 400

PENCIL = ((-0.20, 0.0), (-0.27, 0.3), (-0.25, 1.0))
FLARED = ((-0.15, 0.0), (-0.45, 1.0))
MINI = ((-0.45, 0.0), (-0.60, 1.0))
A_LINE = ((-0.10, 0.0), (-0.20, 0.03), (-0.17, 0.2), (-0.15, 0.38), (-0.32, 1.0))
SHIFT = ((-0.08, 0.0), (-0.20, 0.05), (-0.25, 0.2), (-0.17, 0.22), (-0.16, 1.0))
FILLED_TANK = ((-0.22, 0.0), (-0.25, 0.04), (-0.22, 0.22), (-0.29, 0.42), (-0.31, 1.0))
"""A tank top whose inside back fills the neckline: no straps are seen, only the armholes."""
BEANIE = tuple((-0.33 * np.sin(t), 0.5 - 0.5 * np.cos(t)) for t in np.linspace(0.05, np.pi - 0.05, 30))


def _half(points: tuple[tuple[float, float], ...], turn: float = 0.0) -> F32:
    """Return the alpha of a symmetric outline given by its left half, top to bottom; turn: degrees."""
    left = np.array(points, np.float64)
    ring = np.concatenate([left, left[::-1] * (-1, 1)])
    return _fill([ring], turn)


def _legs(waist: float, crotch: float, leg: float, stance: float, turn: float = 0.0) -> F32:
    """Return the alpha of trousers; stance: how far apart the hems stand."""
    left = [
        (0.0, crotch),
        (0.0, 0.0),
        (-waist, 0.0),
        (-waist * 1.15, 0.9 * crotch),
        (-stance - leg, 1.0),
        (-stance, 1.0),
    ]
    right = [(-x, y) for x, y in left]
    return _fill([np.array(left), np.array(right)], turn)


def _fill(rings: list[npt.NDArray[np.float64]], turn: float) -> F32:
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for ring in rings:
        points = (ring - (0.0, 0.5)) @ rotation.T * 0.7 * SIDE + SIDE / 2
        cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return canvas.astype(np.float32) / np.float32(255)


def _cues(alpha: F32) -> Cues:
    rgb = np.full((*alpha.shape, 3), 230, np.uint8)
    return read_cues(prepare_silhouette(alpha), rgb, alpha)


@pytest.mark.parametrize("turn", [0.0, 6.0, -8.0])
@pytest.mark.parametrize(
    ("alpha", "category"),
    [
        (lambda t: _legs(0.19, 0.32, 0.16, 0.03, t), Category.TROUSERS),
        (lambda t: _legs(0.19, 0.32, 0.12, 0.22, t), Category.TROUSERS),
        (lambda t: _legs(0.36, 0.66, 0.36, 0.08, t), Category.SHORTS),
        (lambda t: _legs(0.40, 0.84, 0.45, 0.06, t), Category.SHORTS),
        (lambda t: _half(PENCIL, t), Category.SKIRT),
        (lambda t: _half(FLARED, t), Category.SKIRT),
        (lambda t: _half(MINI, t), Category.SKIRT),
        (lambda t: _half(A_LINE, t), Category.DRESS),
        (lambda t: _half(SHIFT, t), Category.DRESS),
        (lambda t: _half(FILLED_TANK, t), Category.TOP),
    ],
)  # fmt: skip
def test_a_drawn_outline_is_recognised_even_when_tilted(alpha: object, category: Category, turn: float) -> None:
    found = recognise(_cues(alpha(turn)))  # type: ignore[operator]
    assert found.is_clothing
    assert found.category is category


@pytest.mark.parametrize("half", [TEE, LONG, TANK])
def test_tops_stay_tops(half: tuple[tuple[float, float], ...]) -> None:
    found = recognise(_cues(draw_garment(half)[1].alpha))
    assert found.is_clothing
    assert found.category is Category.TOP


def test_a_cap_is_told_with_the_remedy_and_the_operator_wins() -> None:
    alpha = _half(BEANIE)
    rgb = np.full((SIDE, SIDE, 3), 230, np.uint8)
    rgb[alpha > 0.5] = (90, 40, 60)
    photo, cutout = Photo(rgb, "3" * 64, "hat.png"), Cutout(alpha, rgb.copy())
    refused = analyse_garment(photo, cutout)
    assert refused.reasons[0].key == "garment.not_clothing"
    assert refused.reasons[0].values["file"] == "hat.png"
    assert refused.confidence <= 0.1
    said = analyse_garment(photo, cutout, GarmentOverride(category="top"))
    assert said.category is Category.TOP
    assert "garment.not_clothing" not in {note.key for note in said.reasons}


def test_one_of_a_pair_is_no_garment() -> None:
    alpha = np.zeros((SIDE, SIDE), np.float32)
    cv2.rectangle(alpha, (50, 150), (110, 330), 1.0, -1)
    rgb = np.full((SIDE, SIDE, 3), 230, np.uint8)
    rgb[150:330, 50:110] = rgb[150:330, 250:310] = (60, 40, 120)
    assert not recognise(read_cues(prepare_silhouette(alpha), rgb, alpha)).is_clothing
    rgb[150:330, 250:310] = 230
    assert recognise(read_cues(prepare_silhouette(alpha), rgb, alpha)).is_clothing


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("fitdit_0329.jpg", "trousers"),
        ("fitdit_0317.jpg", "skirt"),
        ("fitdit_0012.jpg", "top"),
        ("vitonhdtrain_00134.jpg", "top"),
    ],
)
def test_product_photos_are_recognised(shared: Path, name: str, category: str) -> None:
    path = shared / "photos" / "garments" / name
    picture = cv2.imread(str(path))
    if picture is None:
        pytest.skip(f"{name} is not in the shared folder")
    scale = 600 / max(picture.shape)
    rgb = cv2.cvtColor(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    backdrop = np.median(rgb[:8].reshape(-1, 3), axis=0)
    away = np.abs(rgb.astype(np.float32) - backdrop).max(axis=2)
    solid = cv2.morphologyEx((away > 14).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    alpha = np.zeros(solid.shape, np.float32)
    cv2.drawContours(alpha, [max(contours, key=cv2.contourArea)], -1, 1.0, -1)
    assert recognise(read_cues(prepare_silhouette(alpha), rgb, alpha)).category.value == category
