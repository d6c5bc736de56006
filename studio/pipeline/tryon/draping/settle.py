"""Cloth lies on the shoulders: what the mesh says of its upper edge is settled by the cloth's own outline.

A product photo shows collars standing up on a form, and the mesh has no vertex on their peaks. Between the neckline and
the shoulder's tip the outline that the cloth would have on the person is brought onto the body's line; the collar goes
down or up with it as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, Bool
from studio.domain.artefacts import Garment, Neckline, SleeveLength
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.hoods import has_hood
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_coverage, shift_layers
from studio.pipeline.tryon.draping.targets import COLLAR

SAMPLES = 133
REACH = 0.66
HIGHEST, LOWEST = 0.5, -0.35
"""Between these heights over the joints' line, in shoulder widths, the cloth's upper edge is looked for."""
COLLAR_BETWEEN = (0.12, 0.5)
"""How far from the axis, in shoulder widths, a front's highest point on either side may lie."""
BESIDE_COLLAR = 0.1
"""Within so far beside a collar that stands round the neck its garment comes to lie on the shoulder."""
THICKNESS = 0.006
"""How far cloth at the neck lies above the skin, in shoulder widths."""
MOST = 0.1
"""The most that cloth is moved, in shoulder widths."""
OPENING, CUT_IN = 0.1, 0.03
"""Half the width of an opening cut into the upper edge, and how far that falls from one sample to the next where it
begins, in shoulder widths."""
TIP = (0.42, 0.56)
"""From where to where a shoulder goes over into the sleeve, which lies on the arm."""
FADE = (0.04, 0.45)
"""How far below the shoulder cloth is moved as much as on it, and from where on not at all, in shoulder widths."""
SMOOTH = 0.01
STEEPEST = 0.5
"""By how much more than a collar's peak the cloth beside it may go down, per distance: more shears it into a kink."""


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """How far the cloth's upper edge stands above the body's line at distances from the axis; peak: of the collar.

    top: the height of the line. All in shoulder widths.
    """

    over: F64
    peak: float
    top: F64


def settle_on_shoulders(
    maps: tuple[LayerMap, ...], source: ClothSource, worn: tuple[Garment, F64], body: Body, fields: BodyFields
) -> tuple[LayerMap, ...]:
    """Return the layers with the cloth's upper edge on the shoulders; straps and hoods end by themselves.

    worn: the garment and its mesh's vertices on the working raster.
    """
    garment, vertices = worn
    if has_hood(garment) or (garment.neckline is Neckline.STRAPS and garment.sleeve is SleeveLength.NONE):
        return maps
    cover = np.max([sample_coverage(source, layer) for layer in maps if layer.name != "inner"], axis=0)
    at = np.linspace(0.0, REACH, SAMPLES)
    surface = body.shoulder_up if garment.sleeve is SleeveLength.NONE else body.cloth_up
    collar = body.locate(vertices[garment.mesh.part == COLLAR])[0] / body.size
    edges = []
    for side in (-1, 1):
        line = np.maximum(surface(at * body.size, side), body.shoulder_up(at * body.size, side) + THICKNESS * body.size)
        edge = _read_edge(cover, body, (at, line / body.size), side, float((collar * side).max(initial=0.0)))
        if edge is None:
            return maps
        edges.append(edge)
    return shift_layers(maps, _field(edges, at, body, fields), body.down)


def _read_edge(cover: F32, body: Body, line: tuple[F64, F64], side: int, collar: float) -> _Edge | None:
    """Look from above where the cloth begins; None where no shoulder of it is found.

    collar: how far from the axis one reaches that stands round the neck, 0 without.
    """
    at, wanted = line
    heights = np.arange(HIGHEST * body.size, LOWEST * body.size, -0.5)
    points = body.place(*np.broadcast_arrays(side * at[:, None] * body.size, -heights[None]))
    x, y = points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)
    alpha: F32 = cv2.remap(cover, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    cloth = alpha > 0.5
    there: Bool = np.any(cloth, axis=1)
    top = np.where(there, heights[cloth.argmax(axis=1)] / body.size, LOWEST)
    over = np.clip(top - wanted, -MOST, MOST)
    first, last = (collar, collar + BESIDE_COLLAR) if collar else COLLAR_BETWEEN
    possible = np.flatnonzero((at > first) & (at < last) & there)
    if not possible.size:
        return None
    # A front is highest where its collar begins; one that stands, or is folded over, hangs out over the shoulder.
    peak = int(possible[np.argmin(over[possible]) if collar else np.argmax(top[possible])])
    # Without sleeves a shoulder ends on the way: its end goes with the rest of it.
    found = np.flatnonzero(there[peak:]) + peak
    over = bridge_openings(np.interp(at, at[found], over[found]), at) * np.interp(at, TIP, [1.0, 0.0])
    over = keep_from_shearing(over, at, peak)
    sigma = SMOOTH / (at[1] - at[0])
    over = cv2.GaussianBlur(over[None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
    return _Edge(over, float(at[peak]), np.minimum(wanted, wanted[peak]))


def bridge_openings(over: F64, at: F64) -> F64:
    """Return an upper edge that goes on over narrow openings cut into it: their bottoms do not lie on the shoulder.

    over: how far the edge lies above the shoulder, at: how far from the axis, evenly spaced, both `(n,)` in shoulder
    widths. A hollow in the cloth sinks and rises evenly; where an opening begins the edge falls at once.
    """
    width = 2 * round(OPENING / (at[1] - at[0])) + 1
    closed = cv2.morphologyEx(over[None], cv2.MORPH_CLOSE, np.ones((1, width), np.uint8))[0]
    _, pieces = cv2.connectedComponents((over < closed - 1e-6).astype(np.uint8)[None])
    falls = np.abs(np.diff(over, prepend=over[:1], append=over[-1:]))
    cut_in = np.maximum(falls[:-1], falls[1:]) > CUT_IN
    opened = (pieces[0] > 0) & np.isin(pieces[0], pieces[0][cut_in])
    if opened.all():
        return over
    # Evenly from one bank to the other: laid level with the lower one, what ends at the higher would be bent down.
    bridged: F64 = np.interp(at, at[~opened], over[~opened])
    return bridged


def keep_from_shearing(over: F64, at: F64, peak: int) -> F64:
    """Return how far an upper edge goes down, beside its collar's peak hardly farther than the peak itself.

    A peak that stands up is another matter: it goes down by itself.
    """
    kept: F64 = np.minimum(over, over[peak] + STEEPEST * np.maximum(at - at[peak], 0.0))
    return kept


def _field(edges: Sequence[_Edge], at: F64, body: Body, fields: BodyFields) -> F32:
    """Return how far each pixel's cloth goes down, in pixels; between the collar's peaks evenly from one to other."""
    left, right = edges
    lateral = np.concatenate([-at[::-1], at])
    outside = (lateral <= -left.peak) | (lateral >= right.peak)
    planes = []
    for values in (np.concatenate([left.over[::-1], right.over]), np.concatenate([left.top[::-1], right.top])):
        planes.append(np.interp(fields.lateral / body.size, lateral[outside], values[outside]))
    over, top = planes
    below = np.clip((top + fields.depth / body.size - FADE[0]) / (FADE[1] - FADE[0]), 0.0, 1.0)
    down: F32 = (body.size * over * (1 - below * below * (3 - 2 * below))).astype(np.float32)
    return down
