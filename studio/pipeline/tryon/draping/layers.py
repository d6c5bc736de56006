"""Who stands in front of whom: what the old garment covers, what stays in front of the new one, how the hem is worn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, Bool
from studio.domain.edits import HemStyle, LayerOrder
from studio.domain.errors import PipelineError
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import LOWER_BODY, Body, Evidence
from studio.pipeline.tryon.draping.endings import UNDER_NECK, Endings
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.fill import fill_smoothly
from studio.pipeline.tryon.draping.hair import HairMatte, matte_hair
from studio.pipeline.tryon.draping.limbs import find_forearm
from studio.pipeline.tryon.draping.plates import Occluder, bleed_of
from studio.pipeline.tryon.draping.removal import cut_off, find_stranded, own_outline
from studio.pipeline.tryon.draping.skin import OLD_GARMENT
from studio.pipeline.tryon.draping.waistline import fit_waistline

RIM_BLEEDS, HEM_BLEEDS = 3, 5
"""How many bleeds wide a rim of the skin below an old sleeve is replaced, and of trousers down from an old hem."""
DEFAULT_WAIST = 0.80
"""Where trousers begin when the picture does not show it, in shares of neck to hips."""

CUFF_OVERLAP = 0.04
"""How far a cuff reaches over the skin it ends on, in places on the arm: no gap may open before it."""
OWN_SKIN = 3.0
"""How many half-widths off its axis an arm's own skin may lie."""
HAND = 1.9
"""From this place on an arm (2 is the wrist) its skin may be a hand's."""
CRUMB = 0.002
"""Skin left alone that is smaller than this, in squared shoulder widths, is no part of an arm."""
STRANDED = 0.03
"""A bit of the lower garment that is smaller than this, in squared shoulder widths, and seen beyond an old sleeve only,
goes with it."""
LAST_SKIN = 1.97
"""Hands, from here on, are never hidden by a sleeve."""
ON_SHOULDER = 0.3
"""Down to this place on the arm (0 shoulder, 1 elbow) a garment lies over bare skin, not behind it."""
BAND_OVERLAP = 0.015
"""How far a tucked top reaches over the waistband's upper edge, in shoulder widths: no skin may shine through."""
NATURAL_WAIST, BAND = 0.72, 0.1
"""Where trousers begin under a top that hangs over them, and how far below it a hem may lie that leaves the waistband
to be seen; in shares of neck to hips."""

CALM = 0.015
"""How far the outline of an arm before the old garment is smoothed, in shoulder widths: the parse map drew it."""

_ARMS = (Cihp.LEFT_ARM, Cihp.RIGHT_ARM, Cihp.GLOVE)
_HEAD = (Cihp.HAIR, Cihp.FACE, Cihp.HAT, Cihp.SUNGLASSES)


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The person taken apart. removed: where the old garment (and its bleed) must go, float32.

    head: hair, face, hat. arms: bare arms and hands. lower: what a tucked hem vanishes behind. neck: skin that stands
    before the inner collar. waist: depth at which the lower garment begins. tuck: the same when the hem is tucked.
    swallowed: where a tucked garment has ended, float32; None where the hem hangs. hangs: the old one hung over the
    lower garment.
    """

    removed: F32
    head: Occluder
    arms: Occluder
    lower: Occluder
    waist: float
    tuck: float | None
    swallowed: F32 | None = None
    hangs: bool = False


def take_apart(body: Body, evidence: Evidence, order: LayerOrder, fields: BodyFields) -> Layers:
    """Split the person into what is removed and what stays in front."""
    labels, rgb = evidence.labels, evidence.rgb.astype(np.float32)
    over, under = _labels_of(order.over), _labels_of(order.under)
    old = np.isin(labels, [label for label in OLD_GARMENT if label not in over])
    stranded = find_stranded(np.isin(labels, LOWER_BODY) & ~old, old, STRANDED * body.size**2)
    old |= stranded
    in_front = [label for label in (*_HEAD, *(over - set(_ARMS))) if label not in under]
    hanging = [label for label in _ARMS if label not in under]
    bleed = bleed_of(body)
    waist, worn_inside = measure_waist(body, evidence)
    tucked = worn_inside if order.hem is HemStyle.AUTO else order.hem is HemStyle.TUCKED
    # Where pale trousers end on a pale wall the parse map does not know.
    grown = _grow(old, bleed) | (_grow(stranded, RIM_BLEEDS * bleed) & (labels == Cihp.BACKGROUND))
    # The old garment's soft outline is no label's.
    strip = own_outline(old, ~old & (labels != Cihp.BACKGROUND), evidence.alpha, body.size)
    # A parse map's edge may lie on the old sleeve's hem: skin is painted anew a little way down from it.
    rim = _grow(old, RIM_BLEEDS * bleed) & np.isin(labels, hanging) & _near_arms(body, fields)
    hangs = not (worn_inside or evidence.leak_free) and waist > (NATURAL_WAIST + BAND) * body.length
    if hangs:  # the same below a hem, and the shadow under it is deepest
        fall = np.ones((HEM_BLEEDS * bleed + 1, 1), np.uint8)
        under = cv2.dilate(old.astype(np.uint8), fall, anchor=(0, HEM_BLEEDS * bleed)) > 0
        rim |= (under | _grow(old, 2 * bleed)) & np.isin(labels, LOWER_BODY)
    # A white collar shines on the neck it lies on.
    throat = _grow(old, 2 * bleed) & (labels == Cihp.NECK)
    head = _occluder(rgb, np.isin(labels, in_front), grown, bleed)
    between = np.zeros_like(old)
    if Cihp.HAIR in in_front and not evidence.leak_free:
        head, between = _matted(head, matte_hair(evidence.rgb, labels, old, body.size), in_front, labels)
    removed = _soft(grown | strip | rim | throat | between, 0.8)
    # Their colours are made with the painted skin's.
    limbs = np.isin(labels, hanging) & _near_arms(body, fields)
    arms = Occluder(
        np.where(removed > 0.01, _calmed(limbs, CALM * body.size), _soft(limbs, 0.9)).astype(np.float32), rgb
    )
    below = np.isin(labels, LOWER_BODY)
    swallowed, band = None, None
    if tucked:
        swallowed = _below_waist(body, below, waist, fields)
        # What the old top still covers there is the plate's to paint.
        below = (swallowed > 0.5) & ~np.isin(labels, (*_ARMS, *_HEAD)) & ~old & ~strip
        band = swallowed * _soft(below | (swallowed <= 0.5), 0.9)
    lower = _occluder(rgb, below, grown, bleed)
    lower = lower if band is None else Occluder(band, lower.rgb)
    hidden_waist = waist if worn_inside else min(waist, NATURAL_WAIST * body.length)
    return Layers(removed, head, arms, lower, hidden_waist, waist if tucked else None, swallowed, hangs)


def _matted(head: Occluder, hair: HairMatte | None, in_front: list[Cihp], labels: U8) -> tuple[Occluder, Bool]:
    """Return the head with its hair's own matte, and where the old garment is seen between strands."""
    if hair is None:
        return head, np.zeros(labels.shape, bool)
    rest = np.isin(labels, [label for label in in_front if label is not Cihp.HAIR])
    solved = _soft(_grow(hair.solved, 1), 0.7)
    alpha = head.alpha + (np.maximum(hair.alpha, _soft(rest, 0.9)) - head.alpha) * solved
    rgb = np.where((solved > 0)[..., None], hair.rgb, head.rgb)
    return Occluder(alpha.astype(np.float32), rgb.astype(np.float32)), hair.mixed


def hide_sleeved_skin(
    layers: Layers, person: tuple[Body, Evidence, BodyFields], cuffs: tuple[float, float], endings: Endings
) -> Layers:
    """Remove bare skin that the new sleeves enclose, with its soft outline: none may peep out beside its sleeve."""
    body, evidence, fields = person
    labels = evidence.labels
    enclosed = _enclosed_skin((body, fields), labels, cuffs, endings)
    # Of a hand on a hip little may be seen: that is no crumb.
    skin = np.isin(labels, _ARMS) & (layers.arms.alpha > 0.5) & (np.maximum(*fields.along) < HAND)
    enclosed |= cut_off(skin & ~enclosed, enclosed, CRUMB * body.size**2)
    goes = enclosed | np.isin(labels, OLD_GARMENT)
    outline = own_outline(goes, ~goes & (labels != Cihp.BACKGROUND), evidence.alpha, body.size)
    gone = (_grow(enclosed, 2) & ~np.isin(labels, _HEAD)) | outline
    hidden = _soft(enclosed | outline, 0.9)
    arms, lower = (
        Occluder((part.alpha * (1 - hidden)).astype(np.float32), part.rgb) for part in (layers.arms, layers.lower)
    )
    # A calmed outline may lie a little beside its skin: it goes with it.
    left = _soft(_grow(np.isin(labels, _ARMS) & ~enclosed, max(1, round(CALM * body.size))), 0.9)
    arms = Occluder(arms.alpha * left, arms.rgb)
    return replace(layers, removed=np.maximum(layers.removed, _soft(gone, 0.8)), arms=arms, lower=lower)


def _enclosed_skin(person: tuple[Body, BodyFields], labels: U8, cuffs: tuple[float, float], endings: Endings) -> Bool:
    """Return the bare skin that sleeves with these cuffs go over."""
    body, fields = person
    corners = np.abs(body.locate(endings.neck)[0]) + UNDER_NECK * body.size
    skin = np.isin(labels, (*_ARMS, Cihp.NECK))
    enclosed = np.zeros(fields.shape, bool)
    for number, (side, label) in enumerate(((-1, Cihp.RIGHT_ARM), (1, Cihp.LEFT_ARM))):
        along, across = fields.along[number], np.abs(fields.across[number])
        beyond_neck = fields.lateral * side > max(0.36 * body.size * body.reach[number], float(corners[number]))
        above = along < min(cuffs[number] - CUFF_OVERLAP, LAST_SKIN)
        # An arm's own skin is the sleeve's, however far off its axis the shoulder is round.
        enclosed |= above & (along > 0.0) & (across < np.where(labels == label, OWN_SKIN, 2.0))
        enclosed |= (along <= 0.0) & (((across < 1.6) & beyond_neck) | ((labels == label) & (across < OWN_SKIN)))
    return skin & enclosed


def _below_waist(body: Body, lower: Bool, waist: float, fields: BodyFields) -> F32:
    """Return the coverage of all well below the waistband: a hole in the parse map must not let the hem through."""
    rows = np.arange(lower.shape[0])[:, None]
    edge = fit_waistline(body, lower, waist)
    hidden = BAND_OVERLAP * body.size - 0.5
    # Not above the waist: there the plate holds skin. Slanting lines are drawn, not stepped.
    below = np.clip(rows - edge[None] - hidden, 0, 1) * np.clip(fields.depth - waist - hidden, 0, 1)
    covered: F32 = below.astype(np.float32)
    return covered


def _labels_of(parts: tuple[str, ...]) -> set[Cihp]:
    """Return the labels of parts named as in an edit ("hair", "left_arm").

    Raises:
        PipelineError: a person has no part of that name.
    """
    known = {label.name.lower(): label for label in Cihp}
    for part in parts:
        if part not in known:
            raise PipelineError("tryon.part", name=part, known=", ".join(sorted(known)))
    return {known[part] for part in parts}


def _near_arms(body: Body, fields: BodyFields) -> Bool:
    """Return where arms can be: a parse map may call a bare midriff an arm."""
    near = find_forearm(body, fields.shape, 0) | find_forearm(body, fields.shape, 1)
    for along, across in zip(fields.along, fields.across, strict=True):
        # Over the shoulder's cap the garment lies on the arm; lower down the arm hangs before the garment.
        wide = np.interp(along, [1.0, 1.5], [1.7, 3.0])
        near |= ((np.abs(across) < wide) | (along > 1.9)) & (along > ON_SHOULDER)
    return near


def _grow(mask: Bool, radius: int) -> Bool:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    grown: Bool = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return grown


def _calmed(mask: Bool, sigma: float) -> F32:
    """Return a mask with smooth edges where a parse map drew it: no feature finer than `sigma` is kept."""
    blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    calmed: F32 = np.clip((blurred - 0.5) * np.float32(sigma) + 0.5, 0, 1).astype(np.float32)
    return calmed


def _soft(mask: Bool, sigma: float) -> F32:
    softened: F32 = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    return softened


def _occluder(rgb: F32, mask: Bool, old: Bool, bleed: int) -> Occluder:
    """Cut a part out of the photo; near the old garment its colours are taken from its own inside."""
    alpha = _soft(mask, 0.9)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * bleed + 1, 2 * bleed + 1))
    core = cv2.erode(mask.astype(np.uint8), kernel, borderValue=1).astype(np.float32)
    tainted = _soft(_grow(old, bleed) & ~(core > 0), 1.0)
    known = np.where(mask & ~_grow(old, bleed), 1.0, core).astype(np.float32)
    if known.sum() < 20:
        return Occluder(alpha, rgb)
    clean = fill_smoothly(rgb, known + 1e-7)
    share = np.clip(tainted, 0, 1)[..., None]
    return Occluder(alpha, (rgb * (1 - share) + clean * share).astype(np.float32))


def measure_waist(body: Body, evidence: Evidence) -> tuple[float, bool]:
    """Return the depth at which the lower garment begins, and whether the old top is worn inside it."""
    lower = np.isin(evidence.labels, LOWER_BODY)
    depths = []
    for share in np.linspace(-0.7, 0.7, 15):
        steps = np.arange(0.35 * body.length, 1.5 * body.length, 1.0)
        half = body.half_width(steps, -1 if share < 0 else 1)
        points = body.place(share * half, steps).round().astype(int)
        inside = (points >= 0).all(axis=1) & (points[:, 0] < lower.shape[1]) & (points[:, 1] < lower.shape[0])
        hit = np.zeros(len(steps), bool)
        hit[inside] = lower[points[inside, 1], points[inside, 0]]
        if hit.sum() > 0.06 * body.length:
            depths.append(float(steps[int(np.argmax(hit))]))
    if len(depths) < 4:
        return DEFAULT_WAIST * body.length, False
    waist = float(np.percentile(depths, 40))
    if evidence.leak_free:
        return waist, waist < 0.9 * body.length
    return waist, _is_worn_inside(body, evidence, lower, waist)


def _is_worn_inside(body: Body, evidence: Evidence, lower: Bool, waist: float) -> bool:
    """Tell a tucked top from one that hangs over: a tucked one is not wider than what swallows it."""
    old = np.isin(evidence.labels, OLD_GARMENT)
    above = _width_at(body, old, waist - 0.06 * body.size)
    below = _width_at(body, lower, waist + 0.10 * body.size)
    if above is None or below is None:
        return False
    return above < below * 1.04 + 0.02 * body.size and waist < 0.97 * body.length


def _width_at(body: Body, mask: Bool, depth: float) -> float | None:
    lateral = np.arange(-0.9 * body.size, 0.9 * body.size)
    points = body.place(lateral, np.full(len(lateral), depth)).round().astype(int)
    inside = (points >= 0).all(axis=1) & (points[:, 0] < mask.shape[1]) & (points[:, 1] < mask.shape[0])
    values = np.zeros(len(lateral), bool)
    values[inside] = mask[points[inside, 1], points[inside, 0]]
    return float(values.sum()) if values.any() else None
