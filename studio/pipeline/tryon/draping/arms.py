"""Seen and painted arm as one limb before the new garment."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.labels import Cihp
from studio.pipeline.planes import mix
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.limbs import Limb, before_garment, draw_limb, find_forearm, under_sleeve
from studio.pipeline.tryon.draping.plates import EDGE_PX, Bareness, Occluder, Plate, draw_bare_arm
from studio.pipeline.tryon.draping.raster import LayerMap
from studio.pipeline.tryon.draping.removal import distance_to
from studio.pipeline.tryon.draping.skin import OLD_GARMENT

AROUND = 0.07
"""How far beside a limb's edges, in shoulder widths, its curve says what is arm, not the parse map."""
INSIDE, ON_SHOULDER = 0.1, 0.15
"""How far below a sleeve's hem its inside is seen, in shoulder widths; above this place on the arm there is none."""
OVER_ARM, TURN = 0.3, 0.5
"""Trousers that cover more than this share of an arm's half-width lie before it; less is how they were labelled. Over
what the arm's outline goes over into theirs, likewise."""
CUFF_OVERLAP = 0.08
"""How far a limb goes up under its new sleeve, in places on the arm."""


def find_sleeve_insides(body: Body, evidence: Evidence, fields: BodyFields, limbs: tuple[Limb, Limb]) -> Bool:
    """Return what a parse map calls an arm and lies beside it under the old sleeve's hem: that sleeve's inside."""
    labels = evidence.labels
    insides = np.zeros(labels.shape, bool)
    near = distance_to(np.isin(labels, OLD_GARMENT)) < INSIDE * body.size
    for number, (limb, label) in enumerate(zip(limbs, (Cihp.RIGHT_ARM, Cihp.LEFT_ARM), strict=True)):
        if limb.is_unseen:
            continue
        last = min(limb.end, 1.0)
        beside = near & (labels == label) & (fields.along[number] < last) & (fields.along[number] > ON_SHOULDER)
        beside &= draw_limb(limb, fields.shape, 0.0, min(limb.end, last + 0.3), 1.0) < 0.5
        if limb.is_bent:
            beside &= ~find_forearm(body, fields.shape, number)
        for piece in _pieces(beside):
            around = labels[(cv2.dilate(piece.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~piece]
            # On the other side lies the chest, and that is skin.
            if np.isin(around, Cihp.BACKGROUND).any() and not np.isin(around, Cihp.NECK).any():
                insides |= piece
    return insides


def lay_behind_forearms(
    maps: tuple[LayerMap, ...], layers: Layers, person: tuple[Body, BodyFields], limbs: tuple[Limb, Limb]
) -> tuple[LayerMap, ...]:
    """Return the garment's layers with the sleeves behind bare forearms that are raised before them."""
    body, fields = person
    raised = np.zeros(fields.shape, np.float32)
    for number, limb in enumerate(limbs):
        if limb.is_bent:
            raised = np.maximum(raised, find_forearm(body, fields.shape, number).astype(np.float32))
    if not raised.any():
        return maps
    free = (1 - cv2.GaussianBlur(raised, (0, 0), EDGE_PX) * layers.arms.alpha).astype(np.float32)
    return tuple(
        replace(layer, weight=layer.weight * free) if layer.name.endswith("sleeve") else layer for layer in maps
    )


def join_arm_skin(labels: U8) -> U8:
    """Return labels in which skin that a parse map calls the trunk's, and that hangs on an arm alone, is that arm's."""
    joined = labels
    for piece in _pieces(labels == Cihp.NECK):
        around = labels[(cv2.dilate(piece.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~piece]
        arms = [int((around == label).sum()) for label in (Cihp.RIGHT_ARM, Cihp.LEFT_ARM)]
        rest = int((around != Cihp.BACKGROUND).sum()) - sum(arms)
        if max(arms) > 2 * rest + min(arms):
            joined = np.where(piece, np.uint8((Cihp.RIGHT_ARM, Cihp.LEFT_ARM)[int(np.argmax(arms))]), joined)
    return joined


def _pieces(mask: Bool) -> list[Bool]:
    count, pieces = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return [pieces == number for number in range(1, count)]


def unite_arms(
    layers: Layers,
    plate: Plate,
    person: tuple[Body, Evidence, BodyFields],
    limbs: tuple[Limb, Limb],
    bareness: Bareness,
) -> Layers:
    """Give each arm one outline, seen or painted, and one skin.

    An arm that the user puts under the garment, or that lies behind it, is left as it is.
    """
    body, evidence, fields = person
    cuffs = bareness.cuffs
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
        if not limb.is_unseen:  # an arm within an old sleeve was before them or behind, nobody can tell
            front = front * (1 - _behind_lower(body, evidence, number))
        span = (CUFF_OVERLAP, limb.end)
        inside = draw_bare_arm(limb, (body, fields), bareness, number, span, before=True) * front
        zone = draw_limb(limb, fields.shape, first, limb.end, AROUND * body.size)
        joined = alpha + (inside - alpha) * zone
        if limb.is_unseen:
            joined = np.maximum(alpha, joined)
        elif limb.is_bent:  # its forearm may lie before the upper arm, and beyond its edges
            joined = np.where(find_forearm(body, fields.shape, number), np.maximum(alpha, joined), joined)
        alpha = joined
    rgb = _skin_of(plate, evidence)
    return replace(layers, arms=Occluder(alpha.astype(np.float32), rgb))


def _behind_lower(body: Body, evidence: Evidence, number: int) -> F32:
    """Return where the photo shows trousers or a skirt, and an arm there goes on behind them."""
    half = float(body.arm_half(np.array([1.0]), (-1, 1)[number])[0])
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(OVER_ARM * half)) + 1,) * 2)
    shown = np.isin(evidence.labels, LOWER_BODY).astype(np.uint8)
    opened = cv2.morphologyEx(shown, cv2.MORPH_OPEN, disc).astype(np.float32)
    # In one line, not with a corner at the waistband, nor along every jag of the parse map; then sharp again.
    calm = TURN * half
    behind: F32 = np.clip((cv2.GaussianBlur(opened, (0, 0), calm) - 0.5) * 2 * calm + 0.5, 0, 1).astype(np.float32)
    return behind


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
