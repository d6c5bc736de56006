"""A hood as it is worn: down, behind the neck."""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.domain.artefacts import Garment
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.plates import NeckShape, draw_torso
from studio.pipeline.tryon.draping.skin import OLD_GARMENT

COLLAR = 1
SHOWN = 0.2
"""How high a hood that lies on the back stands above the neck's seam, in shoulder widths."""
DROP, FALL = 0.1, 0.6
"""How far its lower edge lies behind the shoulders, and how much lower the farther it reaches out beyond the neck."""
SPREAD, NARROWS, ROUND = 0.14, 0.15, 0.75
"""How far it reaches out beyond the neck, in shoulder widths, whatever a photo spreads it to; by which share it is
narrower at its upper edge, and how round that is."""
HOLE = 0.03
"""Half the width of what is closed between head and hair, in shoulder widths."""
NO_NECK = NeckShape(0.0, 0.0)


def has_hood(garment: Garment) -> bool:
    """Tell a garment with a hood."""
    return "hood_top" in garment.landmarks


def lay_hood(garment: Garment, points: F64, shoulders: float) -> F64:
    """Return the upright pattern's points with the hood folded down. shoulders: their width, in the pattern's units."""
    if not has_hood(garment):
        return points
    hood: Bool = (garment.mesh.part == COLLAR) & (points[:, 1] < 0)
    left, right = (np.array(garment.landmarks[f"collar_{side}"]) for side in ("left", "right"))
    neck = float(np.hypot(*(right - left))) / 2
    # Folded down it is a roll about the neck: what overhangs in the photo lies on the back, its end on the shoulder.
    across, up = garment.mesh.across[hood].astype(np.float64), 1.0 - garment.mesh.along[hood].astype(np.float64)
    lateral = across * (neck + SPREAD * shoulders) * (1 - NARROWS * up)
    lies = DROP * shoulders + FALL * np.maximum(np.abs(lateral) - neck, 0.0)
    laid = points.copy()
    laid[hood] = np.stack([lateral, lies - (DROP + SHOWN) * shoulders * up * np.sqrt(1 - ROUND * across**2)], -1)
    return laid


def before_hood(body: Body, evidence: Evidence, removed: F32) -> F32:
    """Return what stands before a hood: all of the person that stays, and the trunk."""
    old = np.isin(evidence.labels, OLD_GARMENT).astype(np.float32)
    head = np.isin(evidence.labels, (Cihp.NECK, Cihp.FACE, Cihp.HAIR)).astype(np.float32)
    stays = np.maximum(head, evidence.alpha * (1 - removed) * (1 - old))
    # A cut-out may miss an earring between face and hair.
    side = 2 * round(HOLE * body.size) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    closed = cv2.GaussianBlur(cv2.morphologyEx(stays, cv2.MORPH_CLOSE, kernel), (0, 0), 0.8)
    trunk = draw_torso(body, (old.shape[0], old.shape[1]), 0.5 * body.length, NO_NECK)
    before: F32 = np.maximum(closed, trunk).astype(np.float32)
    return before
