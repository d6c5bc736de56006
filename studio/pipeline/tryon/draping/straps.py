"""What hangs on the shoulders without sleeves ends on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.domain.artefacts import Garment, SleeveLength
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.raster import LayerMap
from studio.pipeline.tryon.draping.targets import COLLAR

ROUND_IT = 0.012
"""How far a strap is seen above the shoulder's line, in shoulder widths: it has a thickness of its own."""

BESIDE_NECK = 0.19
"""From here on lie shoulders; what goes up nearer to the axis goes round the neck."""

OVER_TIP = (0.5, 0.7), 1.0
"""From where to where cloth comes to stand off beyond the shoulder's tip, and how far, in shoulder widths."""


def end_on_shoulders(
    maps: tuple[LayerMap, ...], garment: Garment, body: Body, fields: BodyFields
) -> tuple[LayerMap, ...]:
    """Return the layers with nothing of a front without sleeves or collar standing up beyond the shoulders."""
    if garment.sleeve is not SleeveLength.NONE or (garment.mesh.part == COLLAR).any():
        return maps
    above = np.full(fields.shape, -np.inf)
    for side in (-1, 1):
        own = fields.lateral * side > BESIDE_NECK * body.size
        lateral = np.abs(fields.lateral[own]).astype(np.float64)
        off = np.interp(lateral / body.size, OVER_TIP[0], (0.0, OVER_TIP[1])) * body.size
        above[own] = -fields.depth[own] - body.shoulder_up(lateral, side) - off
    seen = np.clip(0.5 + ROUND_IT * body.size - above, 0.0, 1.0).astype(np.float32)
    return tuple(
        replace(layer, weight=(layer.weight * seen).astype(np.float32)) if layer.name == "front" else layer
        for layer in maps
    )
