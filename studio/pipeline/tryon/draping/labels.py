"""The parse map after dressing: what the new garment is, and what the old one leaves bare."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import U8, Bool
from studio.domain.artefacts import Category, NativePatch, PersonArtefacts
from studio.domain.labels import Cihp
from studio.pipeline.garments.lower import LOWER
from studio.pipeline.tryon.draping.body import LOWER_BODY

LABEL_OF = {
    Category.TOP: Cihp.UPPER,
    Category.OUTERWEAR: Cihp.COAT,
    Category.DRESS: Cihp.DRESS,
    Category.TROUSERS: Cihp.TROUSERS,
    Category.SHORTS: Cihp.TROUSERS,
    Category.SKIRT: Cihp.SKIRT,
}
_UPPER_BODY = (Cihp.UPPER, Cihp.COAT, Cihp.DRESS)


def label_dressed(person: PersonArtefacts, patch: NativePatch, category: Category, kept: Bool | None = None) -> U8:
    """Return the person's labels with the new garment on and the old one gone, at native size.

    kept: where the old garment stays on under the new one, on the patch.
    """
    labels = person.parse.labels.copy()
    view = labels[patch.box.slices]
    changed = patch.alpha > 0 if kept is None else (patch.alpha > 0) & ~kept
    gone: tuple[Cihp, ...] = ()
    if category not in LOWER:
        gone = _UPPER_BODY
        view[np.isin(view, gone) & changed] = Cihp.NECK
    if category in LOWER or category is Category.DRESS:
        bare = np.isin(view, (*LOWER_BODY, Cihp.DRESS)) & changed & (patch.garment <= 127)
        view[bare] = _leg_sides(person, patch)[bare]
        gone = (*gone, Cihp.LEFT_LEG, Cihp.RIGHT_LEG)
    emptied = changed & (patch.body_alpha < 0.5)
    if category in LOWER:
        view[emptied & np.isin(view, gone)] = Cihp.BACKGROUND
    else:
        view[emptied & (view == Cihp.NECK)] = Cihp.BACKGROUND
    view[patch.garment > 127] = LABEL_OF[category]
    return labels


def _leg_sides(person: PersonArtefacts, patch: NativePatch) -> U8:
    """Return, for each pixel of the patch, the label of the leg that is nearer."""
    planes = []
    height, width = patch.alpha.shape
    for side in ("left", "right"):
        joints = [person.pose.point(f"{side}_{joint}") for joint in ("hip", "knee", "ankle")]
        seen = [joint - np.array([patch.x, patch.y], np.float32) for joint in joints if joint is not None]
        away = np.ones((height, width), np.uint8)
        if len(seen) >= 2:
            cv2.polylines(away, [np.round(np.array(seen)).astype(np.int32)], False, 0, 1)
            planes.append(cv2.distanceTransform(away, cv2.DIST_L2, 3))
        else:
            planes.append(np.full((height, width), 1e6, np.float32))
    nearer: U8 = np.where(planes[0] < planes[1], Cihp.LEFT_LEG, Cihp.RIGHT_LEG).astype(np.uint8)
    return nearer
