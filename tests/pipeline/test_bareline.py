"""Where the backdrop shows in the opening the neckline is the outline, whatever folds run beside it."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64
from studio.pipeline.garments.bareline import follow_outline
from studio.pipeline.garments.fitting import Silhouette, prepare_silhouette
from studio.pipeline.garments.neckline import NecklineFit


def _cut(depth: float) -> tuple[Silhouette, F32]:
    """Return a front whose upper edge dips between two straps so far, in pixels."""
    low = 40 + depth
    points = np.array([(60, 40), (100, 40), (150, low), (210, low), (260, 40), (300, 40), (320, 440), (40, 440)])
    mask = np.zeros((480, 360), np.uint8)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 255)
    alpha = (mask / 255).astype(np.float32)
    return prepare_silhouette(alpha), alpha


def _on_folds(depth: float) -> NecklineFit:
    """Return a neckline that jumps from the edge to a fold beside it."""
    x = np.linspace(100, 268, 17)
    y: F64 = 44 + depth * np.sin(np.linspace(0, np.pi, 17)) + 25 * (np.arange(17) % 3 == 1)
    return NecklineFit(np.stack([x, y], -1), 0.3, 0.0, 1.0, clear=True, trust=0.4)


def test_a_neckline_on_folds_is_laid_on_the_outline() -> None:
    silhouette, alpha = _cut(110)
    found = follow_outline(_on_folds(110), silhouette)
    edge = cv2.morphologyEx((alpha > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8))
    x, y = np.round(found.points).astype(int).T
    assert edge[y, x].all()
    assert found.trust == 1.0
    assert found.points[:, 1].max() > 145


def test_where_a_back_is_seen_the_neckline_stays_within_the_cloth() -> None:
    silhouette, _ = _cut(12)
    given = _on_folds(110)
    assert follow_outline(given, silhouette) is given
