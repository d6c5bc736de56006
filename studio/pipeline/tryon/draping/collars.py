"""A collar leans on the neck: what stands off it on the product's form comes in until it touches.

A product photo shows a collar as wide as its form's neck, and mostly wider: laid flat it spreads. Worn, the fold runs
round the neck and touches it.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8
from studio.domain.artefacts import Garment
from studio.domain.labels import Cihp
from studio.pipeline.tryon.draping.body import Body, Evidence
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.hoods import has_hood
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_coverage, shift_layers

HEIGHTS = (0.1, 0.62)
"""Between these heights over the joints' line, in shoulder widths, a collar may stand beside the neck."""
STEP = 0.004
FARTHEST = 0.42
"""What begins farther from the axis, in shoulder widths, is a shoulder's cloth."""
TOUCHES = 0.012
"""So much of a collar's thickness lies over the neck's edge, in shoulder widths: no backdrop shows between them."""
MOST = 0.14
"""What stands farther off, in shoulder widths, does not come to touch: leant half way it would only be bent."""
STEEPEST = 2.0
"""Nor does what bends away from the neck by more than this with its height: its tip would be drawn out to a hook."""
ROUND = 0.012
"""Over this height, in shoulder widths, the lean goes over evenly."""
LEAF, FADES = 0.2, 0.24
"""How wide a collar's leaf is taken to be, and over what beyond it the cloth stays where it is, in shoulder widths."""


def lean_on_neck(
    maps: tuple[LayerMap, ...], source: ClothSource, garment: Garment, seen: tuple[Body, Evidence, BodyFields]
) -> tuple[LayerMap, ...]:
    """Return the layers with their collar leant on the neck, each side by itself; hoods lie as they are laid."""
    body, evidence, fields = seen
    if has_hood(garment):
        return maps
    cover = np.max([sample_coverage(source, layer) for layer in maps if layer.name != "inner"], axis=0)
    heights = np.arange(*HEIGHTS, STEP)
    inward = np.zeros(fields.shape, np.float32)
    for side in (-1, 1):
        begins = _inner_edge(cover, body, heights, side)
        known = np.flatnonzero(~np.isnan(begins))
        if not known.size:
            continue
        stands_off = (begins - _body_edge(body, evidence.labels, heights, side))[known]
        if not (stands_off > 0).any() or stands_off.max() > MOST:
            continue
        # Its soft upper rim goes with the rest of it.
        lean = np.interp(heights, heights[known], np.maximum(stands_off + TOUCHES, 0.0))
        lean = cv2.GaussianBlur(lean[None], (0, 0), ROUND / STEP, borderType=cv2.BORDER_REPLICATE)[0]
        if np.diff(lean).max() > STEEPEST * STEP:
            continue
        inward += _field((heights, lean, np.interp(heights, heights[known], begins[known])), body, fields, side)
    return shift_layers(maps, inward, body.across_top)


def _inner_edge(cover: F32, body: Body, heights: F64, side: int) -> F64:
    """Return how far from the axis cloth begins at each height, in shoulder widths; nan without."""
    at = np.arange(0.0, FARTHEST * body.size, 0.5)
    points = body.place(*np.broadcast_arrays(side * at[None], -heights[:, None] * body.size))
    x, y = points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)
    cloth = cv2.remap(cover, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0) > 0.5
    return np.where(cloth.any(axis=1), at[cloth.argmax(axis=1)] / body.size, np.nan)


def _body_edge(body: Body, labels: U8, heights: F64, side: int) -> F64:
    """Return how far from the axis neck and shoulder reach at each height, in shoulder widths.

    Where nothing hides it the picture tells; else the model does.
    """
    at = np.arange(0.0, FARTHEST, STEP)
    up = np.minimum.accumulate(body.shoulder_up(at * body.size, side) / body.size)
    edge = np.interp(-heights, -up, at)
    edge = np.maximum(edge, body.neck_half[0 if side < 0 else 1])
    points = body.place(*np.broadcast_arrays(side * at[None] * body.size, -heights[:, None] * body.size))
    x, y = points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)
    found = cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    bare = np.isin(found, (Cihp.NECK, Cihp.FACE))
    ends = np.where(bare[:, 0] & ~bare.all(axis=1), bare.argmin(axis=1), 0)
    beyond = found[np.arange(len(heights)), np.minimum(ends + 1, len(at) - 1)]
    shown = (ends > 0) & (beyond == Cihp.BACKGROUND)
    told: F64 = np.where(shown, at[ends], edge)
    return told


def _field(lean: tuple[F64, F64, F64], body: Body, fields: BodyFields, side: int) -> F32:
    """Return by how much each pixel's cloth comes in, in pixels towards the picture's right."""
    heights, off, inner = lean
    up = -fields.depth / body.size
    out = fields.lateral * side / body.size
    by = np.interp(up, heights, off, left=0.0) * (up > heights[0])
    beyond = out - np.interp(up, heights, inner)
    by *= np.clip(1 - (beyond - LEAF) / FADES, 0.0, 1.0) * np.clip(out / 0.05, 0.0, 1.0)
    field: F32 = (-side * by * body.size).astype(np.float32)
    return field
