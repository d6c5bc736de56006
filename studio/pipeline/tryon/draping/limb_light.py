"""How light falls across an arm: read where its skin is seen, carried on up the arm where it is painted."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from studio.domain.arrays import F32, F64
from studio.pipeline.tryon.draping.body import Body
from studio.pipeline.tryon.draping.fields import BodyFields
from studio.pipeline.tryon.draping.limbs import PLACES, Limb
from studio.pipeline.tryon.draping.relief import smoothstep

BINS = 24
"""Stripes along the arm from edge to edge."""
READ = 0.3
"""Over so much of the arm (places: shoulder 0, elbow 1), below where its skin begins, the light is read."""
CALM = 1.5
"""How far, in stripes, it is averaged across: veins and hairs are not carried on."""
LEAST = 60.0
"""Seen pixels from which on an arm's light is known."""
SEEN = 0.1
"""Stripes seen less than this share of the best one are filled from their neighbours."""
WIDEST = 1.6
"""How far from its axis, in half-widths, an arm's light reaches."""
JOIN, CAP = 0.1, (0.0, 0.3)
"""Over this distance, in shoulder widths, what is seen goes over into what is carried on; between these places on the
arm its light comes out of the trunk's."""


def carry_on_light(
    spread: F32, seen: tuple[F32, F32], limb: Limb, person: tuple[Body, BodyFields, int], reach: float
) -> F32:
    """Return `spread` with an arm's own light across it above the place from which its skin is seen.

    All planes on one raster. spread: what painted skin is changed by (log), made from all around alike. seen: by how
    much (log) seen skin differs from painted, and how far that is to be believed. person: with the arm's number.
    reach: distance, in shoulder widths, at which painted skin follows half of what seen skin differs by as a whole.
    """
    start = limb.shown[0]
    rest, known = seen
    if limb.is_unseen or start <= CAP[0]:
        return spread
    body = person[0]
    along, across = place_on_limb(limb, person, (known.shape[0], known.shape[1]))
    shrunk = person[1].shape[0] / known.shape[0]
    below = (along > start) & (along < start + 3 * READ) & (np.abs(across) < 1.0) & (known > 0)
    weight = known[below] * np.exp((start - along[below]) / READ)
    if weight.sum() < LEAST:
        return spread
    profile = _read_profile(across[below], rest[below], weight)
    whole = (rest[below] * weight[:, None]).sum(axis=0) / weight.sum()
    place = (np.clip(across, -1.0, 1.0) + 1) / 2 * BINS - 0.5
    shape = np.stack([np.interp(place, np.arange(BINS), channel) for channel in (profile - whole).T], -1)
    away = np.maximum(start - along, 0.0) * body.arms[person[2]].lengths[0] / (reach * body.size)
    wanted = shape + whole * (1 / (1 + away * away))[..., None]
    # Where it is seen it is as it is; from there on what is seen goes over into what is carried on.
    unseen = cv2.distanceTransform((known < 0.05).astype(np.uint8), cv2.DIST_L2, 5) * shrunk
    share = smoothstep(unseen / body.size, 0.0, JOIN) * smoothstep(along, *CAP)
    share = np.where((np.abs(across) < WIDEST) & (along < start + READ), share, 0.0)[..., None]
    carried: F32 = (spread + (wanted - spread) * share).astype(np.float32)
    return carried


def place_on_limb(limb: Limb, person: tuple[Body, BodyFields, int], shape: tuple[int, int]) -> tuple[F32, F64]:
    """Return each pixel's place along the limb and between its edges (-1..1)."""
    body, fields, number = person
    size = (shape[1], shape[0])
    along = np.asarray(cv2.resize(fields.along[number], size, interpolation=cv2.INTER_AREA), np.float32)
    off = cv2.resize(fields.across[number], size, interpolation=cv2.INTER_AREA)
    half, first, second = (
        np.interp(along, PLACES, row) for row in (body.arm_half(PLACES, (-1, 1)[number]), limb.first, limb.second)
    )
    across: F64 = (2 * off * half - first - second) / np.maximum(second - first, 1.0)
    return along, across


def _read_profile(across: F64, rest: F32, weight: F64) -> F64:
    """Return the mean over the arm's length, `(BINS, 3)`."""
    index = np.clip(((across + 1) / 2 * BINS).astype(np.intp), 0, BINS - 1)
    total = np.stack([np.bincount(index, rest[:, channel] * weight, BINS) for channel in range(3)], -1)
    count = np.bincount(index, weight, BINS)
    # What is not seen, an edge against cloth, goes on as the stripe beside it; what is hardly seen, nearly so.
    wide = [gaussian_filter1d(plane, CALM, axis=0, mode="constant") for plane in (total, count)]
    known = np.flatnonzero(wide[1] > SEEN * wide[1].max())
    mean = wide[0][known] / wide[1][known, None]
    return np.stack([np.interp(np.arange(BINS), known, channel) for channel in mean.T], -1)
