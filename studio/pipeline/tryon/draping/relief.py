"""How the bare body's surface faces, and how open it lies: charts of trunk, arm and leg read off our own bodies.

`tools/samples/relief.py` makes the charts; `resources/relief/ORIGIN.md` says from what. Rows of the trunk's chart go
over the depth (shares of neck to hips), columns over the distance from the axis (half-widths); rows of a limb's over
the places on it, columns from its outer to its inner edge. Values: how far it faces across (a limb: inwards) and down,
and which share of an even sky it sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64, U8
from studio.domain.labels import Cihp
from studio.media.resources import resource_path
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields

TRUNK_DEPTH, TRUNK_ACROSS = (-0.3, 1.3), 1.6
"""What the trunk's chart spans; see the module."""
TRUNK_LENGTH = 1.38
"""Neck to hips of the bodies in shoulder widths: the shoulders' forms go by the shoulders' width, not by the length."""
LIMB_ALONG, LIMB_ACROSS = (0.0, 2.3), 0.98
LAST_ARM, LAST_LEG = 1.95, 1.9
"""Beyond these places the chart shows a hand and a foot."""
CHIN_FALLS, CHIN_BLURS, CHIN_FAR = (0.13, 0.27), (0.07, 0.11), 0.5
"""How far, in shoulder widths, the chin's shadow falls and how soft it is there, near and far; the far one's depth."""
INTO_TRUNK = (0.0, 0.3)
"""Between these places on an arm it goes over into the trunk."""
DARKEST = 0.6
"""Least share of the sky that the trunk's skin sees: in an armpit an arm's own chart says more."""
SHAPE_CALM = 0.06
"""How far an arm's outline is smoothed, in places on it."""
NECK_HALF, NECK_ROUND = 0.2, 0.6
"""The neck as a cylinder: half its width in shoulder widths, depth over width."""
# The charts' arm as a plain taper, in its shoulder widths: what its outline is measured against.
_TAPER_AT, _TAPER = (
    np.array([0.2, 0.4, 0.7, 1.0, 1.3, 1.7, 2.0]),
    np.array([0.13, 0.132, 0.121, 0.109, 0.107, 0.084, 0.07]),
)


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """The charts, float32 `(rows, columns, 3)`: across, down, share of the sky.

    arm_edges: how far the arm's outer and inner outline lie off the line of its joints, `(rows, 2)`.
    """

    trunk: F32
    arm: F32
    leg: F32
    arm_edges: F32


@cache
def load_relief() -> Relief:
    """Return the shipped charts."""
    with np.load(resource_path("relief", "body.npz"), allow_pickle=False) as stored:
        charts = [stored[name].astype(np.float32) / np.float32(127) for name in ("trunk", "arm", "leg")]
        charts.append(stored["arm_edges"].astype(np.float32))
    for chart in charts:  # shared by all who ask
        chart.setflags(write=False)
    return Relief(*charts)


def shape_arm(places: F64) -> F64:
    """Return how far an arm's outer and inner outline lie off its joints' line, over its half-width, `(n, 2)`.

    The deltoid's end, the elbow and the forearm's belly; at shoulder and wrist the outline is the half-width's.
    """
    edges = np.abs(load_relief().arm_edges)
    rows = np.linspace(*LIMB_ALONG, len(edges))
    share = smoothstep(rows, 0.15, 0.45) * (1 - smoothstep(rows, 1.5, 1.9))
    ratio = 1 + share[:, None] * (edges / np.interp(rows, _TAPER_AT, _TAPER)[:, None] - 1)
    smooth = gaussian_filter1d(ratio, SHAPE_CALM * len(rows) / (LIMB_ALONG[1] - LIMB_ALONG[0]), axis=0, mode="nearest")
    shape: F64 = np.stack([np.interp(places, rows, edge) for edge in smooth.T], -1)
    return shape


def smoothstep(value: F32 | F64, start: float, stop: float) -> F64:
    """Return 0 up to `start`, 1 from `stop` on, and between them a smooth S."""
    share = np.clip((value - start) / (stop - start), 0.0, 1.0)
    step: F64 = np.asarray(share * share * (3 - 2 * share), np.float64)
    return step


def face_sideways(share: F64, depth: float | F64) -> F64:
    """Return how far a surface faces sideways at a place across an elliptic cross-section, -1..1."""
    share = np.clip(share, -0.995, 0.995)
    sideways: F64 = depth * share / np.sqrt(depth * depth * share * share + 1 - share * share)
    return sideways


def reduce_plane(plane: F32, size: tuple[int, int]) -> F64:
    """Return a smooth plane on a coarse raster."""
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float64)


def _look_up(chart: F32, rows: tuple[F32 | F64, tuple[float, float]], columns: tuple[F64, float]) -> F64:
    (at, (first, last)), (across, most) = rows, columns
    y = (at - first) / (last - first) * (chart.shape[0] - 1)
    x = (across + most) / (2 * most) * (chart.shape[1] - 1)
    found = cv2.remap(
        chart, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.float64)


def trunk_surface(
    body: Body, fields: BodyFields, labels: U8, size: tuple[int, int], *, behind_face: bool = False
) -> F64:
    """Return the trunk's surface on the coarse raster `size`, (width, height): `(h, w, 5)`. labels: on that raster.

    behind_face: the throat's there, in the chin's shadow, not the face's.

    How it faces (across, down, towards us less 1 in the picture), the chin's shadow, and the logarithm of the share of
    an even sky that it sees.
    """
    lateral, depth = reduce_plane(fields.lateral, size), reduce_plane(fields.depth, size)
    half = np.where(lateral < 0, body.half_width(depth, -1), body.half_width(depth, 1))
    by_size, by_length = depth / (TRUNK_LENGTH * body.size), depth / body.length
    low = smoothstep(by_size, 0.1, 0.5)
    at = by_size * (1 - low) + by_length * low
    found = _look_up(load_relief().trunk, (at, TRUNK_DEPTH), (lateral / half, TRUNK_ACROSS))
    across, down, sky = found[..., 0], found[..., 1], found[..., 2]
    throat = NECK_HALF * body.size
    neck = smoothstep(-depth, 0.02 * body.size, 0.2 * body.size) * (
        1 - smoothstep(np.abs(lateral), throat, 1.6 * throat)
    )
    across = (1 - neck) * across + neck * face_sideways(np.clip(lateral / throat, -0.85, 0.85), NECK_ROUND)
    down, sky = (1 - neck) * down, (1 - neck) * sky + neck
    chin = _chin_shadow(labels, body.size * size[0] / fields.shape[1], size)
    chin = chin if behind_face else chin * (labels != Cihp.FACE)
    return _features(across, down, chin, np.log(np.clip(sky, DARKEST, 1.0)))


def arm_surface(body: Body, places: tuple[F32 | F64, F64], number: int, trunk: F64) -> F64:
    """Return an arm's surface; at the shoulder it goes over into the trunk. places: along it, and between its edges."""
    along, across = places
    along = np.asarray(along, np.float64)
    own = limb_surface(load_relief().arm, (np.minimum(along, LAST_ARM), across), body.arms[number].points, number)
    share = smoothstep(along, *INTO_TRUNK)[..., None]
    mixed: F64 = share * own + (1 - share) * trunk
    return mixed


def limb_surface(chart: F32, places: tuple[F32 | F64, F64], joints: F64, number: int) -> F64:
    """Return a limb's surface by its own places. joints: its three. number: 0 on the picture's left, 1 on its right.

    Across grows towards the picture's left of a limb that hangs.
    """
    along, across = places
    inner = -across if number == 0 else across
    found = _look_up(chart, (along, LIMB_ALONG), (np.clip(inner, -LIMB_ACROSS, LIMB_ACROSS), LIMB_ACROSS))
    steps = np.diff(joints, axis=0)
    steps = steps / np.maximum(np.hypot(steps[:, 0], steps[:, 1]), 1e-6)[:, None]
    far = smoothstep(along, 0.85, 1.15)[..., None]
    direction = (1 - far) * steps[0] + far * steps[1]
    # The chart's limb hangs straight: inwards and down turn with the limb.
    inwards = found[..., 0] * (-1 if number == 0 else 1)
    right = -direction[..., 1] * inwards + direction[..., 0] * found[..., 1]
    down = direction[..., 0] * inwards + direction[..., 1] * found[..., 1]
    return _features(right, down, np.zeros_like(right), np.log(np.clip(found[..., 2], 0.05, 1.0)))


def _features(across: F64, down: F64, chin: F64, sky: F64) -> F64:
    towards = np.sqrt(np.clip(1 - across**2 - down**2, 0.02, 1.0))
    return np.stack([across, down, towards - 1, chin, sky], -1)


def _chin_shadow(labels: U8, pixel: float, size: tuple[int, int]) -> F64:
    """Return where the chin's shadow falls: dark close under the jaw, and fainter down to the throat's root."""
    face = (labels == Cihp.FACE).astype(np.float32)
    fallen = [
        cv2.warpAffine(
            face, np.array([[1, 0, 0], [0, 1, fall * pixel]], np.float32), size, borderMode=cv2.BORDER_REPLICATE
        )
        for fall in CHIN_FALLS
    ]
    near, far = (cv2.GaussianBlur(one, (0, 0), blur * pixel) for one, blur in zip(fallen, CHIN_BLURS, strict=True))
    shadow: F64 = np.maximum(near, CHIN_FAR * far).astype(np.float64)
    return shadow
