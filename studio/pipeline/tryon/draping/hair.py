"""Hair in front of clothes: a matte of its own, for no label follows a strand.

Around the label's edge, as far as old garment or bare arms are near, alpha is solved between what surely is hair and
what surely is not, and the hair's own colours are estimated: the old garment between strands goes with the rest of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from studio.domain.arrays import F32, U8, Bool
from studio.domain.geometry import Box
from studio.domain.labels import Cihp
from studio.pipeline.matting.alpha import solve_alpha
from studio.pipeline.matting.foreground import estimate_foreground
from studio.pipeline.matting.trimap import BACKGROUND, FOREGROUND, UNKNOWN
from studio.pipeline.tryon.draping.removal import distance_to

INSIDE, OUTSIDE = 0.02, 0.05
"""How far strands part inside the label and reach beyond it, in shoulder widths."""
NEAR = 0.2
"""How near clothes or bare arms must be, in shoulder widths."""
APART = 5.0
"""How much nearer a colour must be to the old garment's than to the hair's (CIELAB) to be doubted as hair."""
CLEAR = 0.98
_AROUND = 8
_SAMPLE = 1000
_RARE, _OFTEN = 3, 0.02
"""A colour is known from this many of the samples; it is usual from this share of them on."""
_NEVER = (Cihp.FACE, Cihp.HAT, Cihp.SUNGLASSES)


@dataclass(frozen=True, slots=True, eq=False)
class HairMatte:
    """alpha, rgb (0..255): the hair as it lies before anything else; mixed: where the old garment is seen through it.

    solved: where alpha is the matte's; elsewhere the label says all.
    """

    alpha: F32
    rgb: F32
    mixed: Bool
    solved: Bool


def matte_hair(rgb: U8, labels: U8, old: Bool, size: float) -> HairMatte | None:
    """Solve the hair's alpha where it lies near what may go; None where it does not. size: the shoulder width."""
    hair = labels == Cihp.HAIR
    changing = old | np.isin(labels, (Cihp.LEFT_ARM, Cihp.RIGHT_ARM))
    near = distance_to(changing) < NEAR * size
    face = distance_to(np.isin(labels, _NEVER)) < OUTSIDE * size
    edge = (distance_to(hair) <= OUTSIDE * size) & (distance_to(~hair) <= INSIDE * size) & near & ~face
    around = near & (distance_to(hair) <= OUTSIDE * size) & ~face
    doubted, cloth = _alike(rgb, hair, old, around, size)
    unknown = (edge | doubted) & ~cloth
    if unknown.sum() < 20 or (hair & ~unknown).sum() < 20:
        return None
    trimap = np.where(hair, np.uint8(FOREGROUND), np.uint8(BACKGROUND))
    trimap[unknown], trimap[cloth] = UNKNOWN, BACKGROUND
    x, y, across, down = cv2.boundingRect((unknown | cloth).astype(np.uint8))
    at = Box(x, y, x + across, y + down).grown(_AROUND, (labels.shape[1], labels.shape[0])).slices
    mask = np.where(doubted | cloth, np.float32(0.0), cv2.GaussianBlur(hair.astype(np.float32), (0, 0), 1.5))
    alpha, colours = hair.astype(np.float32), rgb.astype(np.float32)
    part = np.ascontiguousarray(rgb[at])
    alpha[at] = solve_alpha(part, np.ascontiguousarray(mask[at]), np.ascontiguousarray(trimap[at]), None)
    clean = estimate_foreground(part.astype(np.float32) / np.float32(255), np.ascontiguousarray(alpha[at]))
    colours[at] = clean * np.float32(255)
    to_old = distance_to(old)
    own = (to_old <= distance_to(~hair & ~old & ~edge)) | (doubted | cloth)
    own &= to_old <= distance_to(labels == Cihp.BACKGROUND)
    return HairMatte(alpha, colours, (unknown | cloth) & own & (alpha < CLEAR), unknown | cloth)


def _alike(rgb: U8, hair: Bool, old: Bool, asked: Bool, size: float) -> tuple[Bool, Bool]:
    """Return (the hair whose colour may be the old garment's, where it surely is).

    Inside its label hair must usually have a colour, beyond it hair that has it at all is hair.
    """
    nowhere = np.zeros(hair.shape, bool)
    sure_hair = hair & (distance_to(old) > NEAR * size)
    sure_old = old & (distance_to(~old) > INSIDE * size)
    if sure_hair.sum() < 200 or sure_old.sum() < 200:
        return nowhere, nowhere
    lab = cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    places = np.nonzero(asked)
    nearest = []
    for known in (sure_hair, sure_old):
        colours = lab[known]
        colours = colours[:: max(1, len(colours) // _SAMPLE)]
        nearest.append(cKDTree(colours).query(lab[places], k=(_RARE, max(_RARE, round(_OFTEN * len(colours)))))[0])
    doubted, cloth = nowhere.copy(), nowhere.copy()
    usual = np.where(hair[places], nearest[0][:, 1], nearest[0][:, 0])
    doubted[places] = nearest[1][:, 0] + APART < usual
    cloth[places] = nearest[1][:, 0] + APART < usual
    grown: Bool = cv2.dilate((doubted & hair).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return grown & hair, cloth & (hair | old)
