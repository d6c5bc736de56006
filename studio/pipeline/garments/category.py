"""Say what a garment is from its silhouette.

Thresholds were set on 54 product and amateur photos; the nearest right and wrong cases stand beside each.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.domain.artefacts import Category, SleeveLength
from studio.pipeline.garments.cues import Cues
from studio.pipeline.garments.fitting import Fit
from studio.pipeline.garments.outline import P, SleeveModel

WAISTBAND, CORNERS, BULGE, STRAPS, NARROWING, ARMHOLES = 0.70, 0.80, 0.11, 0.7, 1.12, 0.06
"""A garment that hangs from the waist: waistbands have 0.76 and more (collars mostly less) and corners of 0.88
and more (collars 0.87 and less), shoulders bulge by 0.14 and more, straps fill 0.54, below its sleeves a top
narrows by 1.14 and more, and armholes cut in by 0.10 (waists and hips by 0.03 and less)."""
SKIRT_SINGLE = 0.9
"""Wide boat necks pass for waistbands; what tells them apart are sleeves beside the trunk (0.83 and less)."""
LOWEST_CROTCH = 0.90
"""Below that a notch is the hem's: lace hems 0.92, shirt tails 0.94, shorts 0.88."""
TROUSERS_INSEAM = 1.05
"""Inseam over the waist's width: trousers 1.43 and more, knee-long shorts 0.51."""
DRESS_LENGTH = 3.85
"""Length below the waist over its width, times the whole length over it: dresses 4.17, long slim tops 3.5."""
LEAST_SLENDER, DRESS_SINGLE = 1.1, 0.6
ROUND, HULL = 0.93, 0.955
"""Hats and caps are nearly an ellipse (0.94 and 0.97); the roundest skirt has 0.91 and 0.92."""
_ELBOW, _LONG = (0.67, 0.47), (0.99, 0.6)
"""Sleeve length, from the armhole's middle, over chest width and over the garment's length: either is enough."""
_WIDE, _LONG_WING = 0.82, 0.78
"""Chest width over length of a wide garment, and neck to cuff over its length from which sleeves are long."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a garment seems to be. is_clothing: False for hats, shoes and whatever else hangs on neither."""

    category: Category
    is_clothing: bool = True


def recognise(cues: Cues) -> Recognition:
    """Return the category that the silhouette suggests, as far as it can be told without a fit."""
    if (cues.roundness > ROUND and cues.hull > HULL) or cues.pieces > 1:
        return Recognition(Category.TOP, is_clothing=False)
    if _hangs_from_waist(cues):
        if cues.legs is not None and cues.legs.crotch < LOWEST_CROTCH:
            is_long = cues.legs.inseam > TROUSERS_INSEAM
            return Recognition(Category.TROUSERS if is_long else Category.SHORTS)
        if cues.single >= SKIRT_SINGLE:
            return Recognition(Category.SKIRT)
    long_below = cues.below_waist / max(cues.waist, 1e-6) > DRESS_LENGTH
    alone = min(cues.single, cues.single_below) > DRESS_SINGLE
    is_dress = long_below and alone and cues.slenderness > LEAST_SLENDER
    return Recognition(Category.DRESS if is_dress else Category.TOP)


def _hangs_from_waist(cues: Cues) -> bool:
    begins_wide = cues.waistband >= WAISTBAND and cues.corners >= CORNERS and cues.filled >= STRAPS
    is_shaped = cues.bulge > BULGE or cues.narrowing > NARROWING or cues.armholes > ARMHOLES
    return begins_wide and not is_shaped


def classify_sleeve(fit: Fit) -> SleeveLength:
    """Return how long the sleeves are, against the torso's length."""
    if fit.sleeve is SleeveModel.NONE:
        return SleeveLength.NONE
    p = fit.params
    length = p[P.UPPER_LENGTH] + (p[P.LOWER_LENGTH] if fit.sleeve is SleeveModel.TWO else 0.0)
    over_width = float(length / max(p[P.ARMPIT_X] * 2, 1e-6))
    body = max(p[P.HEM_Y] - p[P.NECK_Y], 1e-6)
    over_length = float(length / body)
    # A wide garment's seam lies far down the arm: its sleeves are measured from the neck.
    wing = float(p[P.SHOULDER_X] - p[P.NECK_X] + length) / body
    if p[P.ARMPIT_X] * 2 / body > _WIDE and wing >= _LONG_WING:
        return SleeveLength.LONG
    if over_width >= _LONG[0] or over_length >= _LONG[1]:
        return SleeveLength.LONG
    return SleeveLength.ELBOW if over_width >= _ELBOW[0] or over_length >= _ELBOW[1] else SleeveLength.SHORT
