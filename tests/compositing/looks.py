"""Small synthetic looks and backgrounds with known answers."""

from __future__ import annotations

import numpy as np

from studio.domain.artefacts import Confidence, Cutout, Look, Photo


def make_look(
    size: tuple[int, int] = (80, 120), box: tuple[int, int, int, int] = (20, 10, 60, 110), *, deep: bool = False
) -> Look:
    """A person as a textured rectangle `box` (x0, y0, x1, y1) on grey; the middle third wears the garment."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    texture = np.stack([60 + x % 7 * 20, 90 + y % 5 * 25, 120 + (x + y) % 11 * 10], axis=2).astype(np.uint8)
    alpha = np.zeros((height, width), np.float32)
    x0, y0, x1, y1 = box
    alpha[y0:y1, x0:x1] = 1.0
    garment = np.zeros((height, width), np.uint8)
    third = (y1 - y0) // 3
    garment[y0 + third : y0 + 2 * third, x0:x1] = 255
    pixels = np.where(alpha[..., None] > 0, texture, np.uint8(200)).astype(np.uint8)
    return Look(
        pixels=pixels.astype(np.uint16) * np.uint16(257) if deep else pixels,
        edit_mask=garment,
        garment_mask=garment.copy(),
        cutout=Cutout(alpha, texture),
        confidence=Confidence(1.0),
    )


def make_background(size: tuple[int, int] = (200, 160)) -> Photo:
    """A gradient with noise, so that every pixel that was touched shows."""
    width, height = size
    rng = np.random.default_rng(3)
    ramp = np.linspace(40, 220, width)[None, :, None] + rng.integers(-9, 9, (height, width, 3))
    return Photo(np.clip(ramp, 0, 255).astype(np.uint8), "b" * 64, "room.jpg")
