"""A measure of light fringes, and a mask for it that needs no network."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.artefacts import Cutout


def rough_mask(rgb: np.ndarray) -> np.ndarray:
    """A coarse mask of whatever differs from the upper corners, as blurred as a 320-pixel network's."""
    corner = np.median(rgb[:20].reshape(-1, 3), axis=0)
    differs = (np.abs(rgb.astype(np.int16) - corner).max(axis=2) > 30).astype(np.uint8)
    closed = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    largest = 1 + int(np.argmax(stats[1:count, cv2.CC_STAT_AREA]))
    return cv2.GaussianBlur((labels == largest).astype(np.float32), (0, 0), 3.0)


def fringe_score(cutout: Cutout) -> float:
    """Share of edge pixels that on black are clearly brighter than the solid pixels nearest to them."""
    alpha = cutout.alpha
    solid = alpha > 0.98
    _, labels = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    level = cutout.foreground.astype(np.float32) @ np.array([0.3, 0.59, 0.11], np.float32)
    inside = cv2.dilate(np.where(solid, level, 0).astype(np.float32), np.ones((5, 5), np.uint8))
    nearest = np.zeros(int(labels.max()) + 1, np.float32)
    nearest[labels[solid]] = inside[solid]
    edge = (alpha > 0.1) & (alpha < 0.9)
    brighter = level * alpha > nearest[labels] + 12
    return float((edge & brighter).sum() / max(1, edge.sum()))
