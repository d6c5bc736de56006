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
GAMMA, MIXED = 2.2, (0.25, 0.75)
"""In linear light, and with these shares of hair, strands and the cloth behind them mix."""
_RARE, _OFTEN = 3, 0.02
"""A colour is known from this many of the samples; it is usual from this share of them on."""
_SKIN = (Cihp.NECK, Cihp.FACE)
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
    # Beside skin the dark of hair is its shade: what lies between locks there is no cloth.
    skin = distance_to(np.isin(labels, _SKIN))
    doubted, cloth = _alike(rgb, hair, old, around & (distance_to(old) < skin), size)
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
    if sure_hair.sum() < 200 or sure_old.sum() < 200 or not asked.any():
        return nowhere, nowhere
    light = (rgb.astype(np.float32) / np.float32(255)) ** np.float32(GAMMA)
    samples = [light[known][:: max(1, int(known.sum()) // _SAMPLE)][:_SAMPLE] for known in (sure_hair, sure_old)]
    places = np.nonzero(asked)
    colours = _to_lab(light[places])
    near, often = _distances(colours, samples[0])
    to_old, _ = _distances(colours, samples[1])
    # A strand finer than a pixel is blurred into the cloth behind it.
    to_mixed, _ = _distances(colours, _mixed(samples[0], samples[1]))
    usual = np.where(hair[places], often, near)
    doubted, cloth = nowhere.copy(), nowhere.copy()
    doubted[places] = np.minimum(to_old, to_mixed) + APART < usual
    cloth[places] = to_old + APART < usual
    grown: Bool = cv2.dilate((doubted & hair).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return grown & hair, cloth & (hair | old)


def _mixed(hair: F32, old: F32) -> F32:
    """Return colours of strands and cloth blurred into each other, linear light `(n, 3)`."""
    chance = np.random.default_rng(5)
    share = chance.uniform(*MIXED, (_SAMPLE, 1)).astype(np.float32)
    mixed: F32 = share * chance.choice(hair, _SAMPLE) + (1 - share) * chance.choice(old, _SAMPLE)
    return mixed


def _distances(colours: F32, known: F32) -> tuple[F32, F32]:
    """Return how far CIELAB colours lie off the few nearest of the known ones, linear light, and off the usual ones."""
    many = max(_RARE, round(_OFTEN * len(known)))
    found = cKDTree(_to_lab(known)).query(colours, k=(_RARE, many))[0].astype(np.float32)
    return found[:, 0], found[:, 1]


def _to_lab(light: F32) -> F32:
    lab: F32 = cv2.cvtColor(light[None] ** np.float32(1 / GAMMA), cv2.COLOR_RGB2LAB)[0]
    return lab
