"""How much of the old background an edge carries, and a mask for measuring it that needs no network."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.artefacts import Cutout
from studio.pipeline.matting.colours import spread_colours


def rough_mask(rgb: np.ndarray) -> np.ndarray:
    """A coarse mask of whatever differs from the upper corners, as blurred as a 320-pixel network's."""
    corner = np.median(rgb[:20].reshape(-1, 3), axis=0)
    differs = (np.abs(rgb.astype(np.int16) - corner).max(axis=2) > 30).astype(np.uint8)
    closed = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    largest = 1 + int(np.argmax(stats[1:count, cv2.CC_STAT_AREA]))
    return cv2.GaussianBlur((labels == largest).astype(np.float32), (0, 0), 3.0)


def bleed(cutout: Cutout, backdrop: np.ndarray) -> float:
    """Return how much light of the backdrop shows at the edge on black: 0 = none, 1 = the edge is the backdrop.

    Mean over pixels within three of the contour, where subject and backdrop differ clearly, of how far the colour
    lies from the subject's own towards the backdrop's, times alpha.
    """
    alpha = cutout.alpha
    solid = cv2.erode((alpha > 0.99).astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
    image = cutout.foreground.astype(np.float32)
    own = spread_colours(image, solid)
    towards = backdrop - own
    length = (towards * towards).sum(axis=2)
    share = np.clip(((image - own) * towards).sum(axis=2) / np.maximum(length, 1.0), 0.0, 1.0)
    band = cv2.morphologyEx((alpha > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8)) > 0
    counted = band & (length > 60.0**2)
    return float((share * alpha)[counted].mean())
