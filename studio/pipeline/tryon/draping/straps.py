"""Straps end on the shoulders that they hang on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from studio.domain.artefacts import Garment, Neckline, SleeveLength
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.raster import LayerMap

ROUND_IT = 0.012
"""How far a strap is seen above the shoulder's line, in shoulder widths: it has a thickness of its own."""

BESIDE_NECK = 0.19
"""From here on lie shoulders; what goes up nearer to the axis goes round the neck."""


def end_on_shoulders(
    maps: tuple[LayerMap, ...], garment: Garment, body: Body, fields: BodyFields
) -> tuple[LayerMap, ...]:
    """Return the layers with nothing of a strapped front standing up beyond the shoulders."""
    if garment.neckline is not Neckline.STRAPS or garment.sleeve is not SleeveLength.NONE:
        return maps
    above = np.full(fields.shape, -np.inf)
    for side in (-1, 1):
        own = fields.lateral * side > BESIDE_NECK * body.size
        top = body.shoulder_up(np.abs(fields.lateral[own]).astype(np.float64), side)
        above[own] = -fields.depth[own] - top
    seen = np.clip(0.5 + ROUND_IT * body.size - above, 0.0, 1.0).astype(np.float32)
    return tuple(
        replace(layer, weight=(layer.weight * seen).astype(np.float32)) if layer.name == "front" else layer
        for layer in maps
    )
