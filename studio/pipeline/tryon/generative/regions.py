"""What of the photo a generated picture may replace, read off the labels before and after; all on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.labels import Cihp, LabelScheme, class_count, convert_labels

UPPER_OF_13 = 3
_ARMS_OF_13 = (5, 6)
OLD_GARMENT = (Cihp.UPPER, Cihp.DRESS, Cihp.COAT)
OWN = (Cihp.HAIR, Cihp.FACE, Cihp.HAT, Cihp.SUNGLASSES)
"""Always the photo's own: the agnostic inputs show them, so nothing better can be painted."""

BELOW = (
    Cihp.TROUSERS, Cihp.SKIRT, Cihp.SOCKS, Cihp.LEFT_LEG, Cihp.RIGHT_LEG, Cihp.LEFT_SHOE, Cihp.RIGHT_SHOE
)  # fmt: skip
"""The photo's own wherever the new garment does not cover them."""

GROW = 2.0
FEATHER = 3.0
"""Canvas pixels by which the edit reaches beyond what changed, past the old garment's soft edge, and then fades."""

SOFT = 1.5
"""Blur of label borders, in canvas pixels: they come from maps a quarter as large."""

_FIRST_OF_13 = (0, 2, 13, 5, 9, 14, 15, 16, 17, 18, 19, 8, 11)
"""For each of the 13 classes a CIHP class that merges into it."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Canvas-sized planes, float32 in [0, 1] unless said otherwise.

    edit: how much of the generated picture may replace the photo; own and covered parts are taken off at native size.
    coverage: the new garment. body: the dressed person. labels: uint8, CIHP-20 after dressing.
    """

    edit: F32
    coverage: F32
    body: F32
    labels: U8

    @property
    def is_empty(self) -> bool:
        """True where no garment was painted at all."""
        return not bool((self.coverage > 0.5).any())


def read_regions(before: U8, after13: U8, hidden: Bool, surface: U8) -> Regions:
    """Compare the labels before and after dressing.

    Args:
        before: CIHP-20 of the photo. after13: the networks' 13 classes. hidden: where the networks saw nothing.
        surface: DensePose's parts, telling bared skin from background; the 13 classes do not.
    """
    worn = (after13 == UPPER_OF_13) & ~np.isin(before, OWN)
    old = np.isin(before, OLD_GARMENT)
    before13 = convert_labels(before, LabelScheme.CIHP, LabelScheme.VITON13)
    arms = np.isin(before13, _ARMS_OF_13) & (after13 != before13) & hidden
    changed = worn | old | _without_specks(arms)
    bared = changed & ~worn & (after13 == 0) & (surface > 0)
    body = (after13 != 0) | bared | (np.isin(before, (*OWN, Cihp.NECK)) & ~old)
    return Regions(_fade(changed), _soften(worn), _soften(body), _new_labels(before, after13, changed, bared))


def _without_specks(area: Bool) -> Bool:
    kept: Bool = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
    return kept


def _fade(area: Bool) -> F32:
    if not area.any():
        return np.zeros(area.shape, np.float32)
    away = cv2.distanceTransform((~area).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(1.0 - (away - GROW) / FEATHER, 0.0, 1.0)
    faded: F32 = (share * share * (3.0 - 2.0 * share)).astype(np.float32)
    return faded


def _soften(area: Bool) -> F32:
    soft: F32 = cv2.GaussianBlur(area.astype(np.float32), (0, 0), SOFT)
    return soft


def _new_labels(before: U8, after13: U8, changed: Bool, bared: Bool) -> U8:
    """Return CIHP-20 labels: the photo's own where nothing changed, else what the networks said."""
    assert len(_FIRST_OF_13) == class_count(LabelScheme.VITON13)
    said = np.array(_FIRST_OF_13, np.uint8)[after13]
    said[bared] = Cihp.NECK
    return np.where(changed, said, before).astype(np.uint8)
