"""Seen and painted arm as one limb before the new garment."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from studio.domain.arrays import F32, Bool
from studio.domain.labels import Cihp
from studio.pipeline.planes import mix
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.limbs import Limb, before_garment, draw_limb, find_forearm, under_sleeve
from studio.pipeline.tryon.draping.plates import Occluder, Plate

AROUND = 0.07
"""How far beside a limb's edges, in shoulder widths, its curve says what is arm, not the parse map."""
CUFF_OVERLAP = 0.08
"""How far a limb goes up under its new sleeve, in places on the arm."""
EDGE_PX = 2
"""A seen limb's outermost pixels hold its background's colour: before the new garment they are painted."""


def unite_arms(
    layers: Layers,
    plate: Plate,
    person: tuple[Body, Evidence, BodyFields],
    limbs: tuple[Limb, Limb],
    cuffs: tuple[float, float] | None,
) -> Layers:
    """Give each arm one outline, seen or painted, and one skin. cuffs: where the new sleeves end, None without.

    An arm that the user puts under the garment, or that lies behind it, is left as it is.
    """
    body, evidence, fields = person
    seen = layers.arms.alpha
    alpha = seen.copy()
    for number, limb in enumerate(limbs):
        arm, label = body.arms[number], (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)[number]
        before = before_garment(limb, (body, fields), number)
        bare = evidence.labels == label
        own = cv2.dilate(bare.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        if limb.is_bent:  # the forearm may lie before the upper arm
            own &= ~find_forearm(body, fields.shape, number)
        alpha = np.where(own & (np.abs(fields.across[number]) < 2.0), alpha * before, alpha)
        first = 0.0 if cuffs is None else max(0.0, cuffs[number] - CUFF_OVERLAP)
        away = arm.hidden or limb.behind or (limb.is_handless and not evidence.leak_free)
        if away or first >= limb.end or _is_put_under(bare, seen, fields, number, cuffs):
            continue
        front = before * np.maximum(
            under_sleeve(arm, body, fields, evidence.labels, number), _along_seen(limb, fields, number)
        )
        inside = draw_limb(limb, fields.shape, first, limb.end) * front
        zone = draw_limb(limb, fields.shape, first, limb.end, AROUND * body.size)
        joined = alpha + (inside - alpha) * zone
        alpha = np.maximum(alpha, joined) if limb.is_bent or limb.is_unseen else joined
    rgb = _skin_of(plate, evidence)
    return replace(layers, arms=Occluder(alpha.astype(np.float32), rgb))


def _is_put_under(bare: Bool, seen: F32, fields: BodyFields, number: int, cuffs: tuple[float, float] | None) -> bool:
    """Tell an arm that is seen, and not before the garment."""
    below = bare & (fields.along[number] > max(0.5, 0.0 if cuffs is None else cuffs[number] + 0.1))
    return bool(below.sum() > 50 and seen[below].mean() < 0.3)


def _along_seen(limb: Limb, fields: BodyFields, number: int) -> F32:
    """Return 1 down to where the arm's skin is seen last: it went behind nothing."""
    first, last = limb.shown
    if last <= first:
        return np.zeros(fields.shape, np.float32)
    shown: F32 = np.clip((last + 0.1 - fields.along[number]) / 0.08, 0, 1).astype(np.float32)
    return shown


def _skin_of(plate: Plate, evidence: Evidence) -> F32:
    """Return the arms' skin: the photo's own where it is kept, painted elsewhere."""
    photo = evidence.rgb.astype(np.float32)
    if plate.gain is not None:
        photo = np.minimum(photo * plate.gain, 255.0)
    if plate.kept is None:
        return photo
    arms = np.isin(evidence.labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.GLOVE)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE_PX + 1,) * 2)
    own = cv2.GaussianBlur(cv2.erode(arms, kernel).astype(np.float32), (0, 0), 0.7) * plate.kept
    return mix(plate.limbs, photo, own)
