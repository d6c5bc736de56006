"""Soft shadows that set a look on the ground: contact under the feet, cast along the floor.

Shadows are smooth, so they are drawn on a small canvas and enlarged; both are darkness in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.compositing.placement import Stand, apply, chain, placement_matrix
from studio.domain.arrays import F32, F64
from studio.domain.geometry import Box, Placement

_SIDE = 640
"""Longest side of the canvas on which shadows are drawn."""
_FOOT_SHARE = 0.045
"""Parts of the person within this share of its height above the lowest point touch the ground."""
_FLOOR_TILT = 0.45
"""How much a length towards the viewer is shortened: the floor is seen at a flat angle."""
_LEAST_TILT = 0.02
_BODY_DEPTH = 0.13
"""Of a standing person, in heights."""
_FADE = 0.75
"""How much of a cast shadow's strength is gone at its far end."""


@dataclass(frozen=True, slots=True, eq=False)
class ShadowMap:
    """Darkness over the whole background at reduced size. matrix: background pixel -> map pixel."""

    darkness: F32
    matrix: F64

    def sample(self, tile: Box, to_background: F64) -> F32:
        """Return the darkness over a tile of the output; `to_background`: output pixel -> background pixel."""
        offset = np.array([[1.0, 0.0, tile.x0], [0.0, 1.0, tile.y0]])
        matrix = chain(self.matrix, chain(to_background, offset))
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(
            self.darkness, matrix, (tile.width, tile.height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        darkness: F32 = np.clip(moved, 0.0, 1.0)
        return darkness


def cast_shadows(alpha: F32, stand: Stand, placement: Placement, background: tuple[int, int]) -> ShadowMap | None:
    """Draw a look's contact and cast shadow; None where there is none.

    A person cut by the photo's lower border has no feet on the ground: no shadow can be true, so none is drawn.
    """
    shadow = placement.shadow
    if stand.cut_below or (shadow.contact <= 0 and shadow.cast <= 0):
        return None
    scale = _SIDE / max(background)
    size = (max(1, round(background[0] * scale)), max(1, round(background[1] * scale)))
    to_map = np.array([[scale, 0.0, (scale - 1) / 2], [0.0, scale, (scale - 1) / 2]])
    small, to_small = _shrink(alpha, stand, placement, background, scale)
    height = placement.scale * background[1] * scale
    foot = apply(to_map, np.array([placement.x * background[0] - 0.5, placement.y * background[1] - 0.5]))
    upright = chain(chain(to_map, placement_matrix(stand, placement, background)), to_small)
    darkness = np.zeros((size[1], size[0]), np.float32)
    if shadow.cast > 0:
        darkness = shadow.cast * _cast(small, upright, foot, height, placement, size)
    if shadow.contact > 0:
        contact = shadow.contact * _contact(small, upright, float(foot[1]), height, placement, size)
        darkness = (1.0 - (1.0 - darkness) * (1.0 - contact)).astype(np.float32)
    return ShadowMap((darkness * placement.opacity).astype(np.float32), to_map)


def _shrink(
    alpha: F32, stand: Stand, placement: Placement, background: tuple[int, int], scale: float
) -> tuple[F32, F64]:
    """Return alpha reduced to about the map's resolution, and the transform from it to look pixels."""
    factor = min(1.0, placement.scale * background[1] * scale / stand.box.height)
    size = (max(1, round(stand.size[0] * factor)), max(1, round(stand.size[1] * factor)))
    small: F32 = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    sx, sy = stand.size[0] / size[0], stand.size[1] / size[1]
    return small, np.array([[sx, 0.0, (sx - 1) / 2], [0.0, sy, (sy - 1) / 2]])


def _warp(small: F32, matrix: F64, size: tuple[int, int]) -> F32:
    warped: F32 = cv2.warpAffine(small, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return warped


def _contact(
    small: F32, upright: F64, ground: float, height: float, placement: Placement, size: tuple[int, int]
) -> F32:
    """Darken under what touches the ground: each sole's underside, a little wider than itself."""
    silhouette = _warp(small, upright, size)
    solid = silhouette > 0.5
    lowest = np.where(solid.any(axis=0), size[1] - 1 - np.argmax(solid[::-1], axis=0), -1).astype(np.float32)
    near = np.clip(1.0 - (ground - lowest) / max(_FOOT_SHARE * height, 1.0), 0.0, 1.0) * (lowest >= 0)
    rows = np.arange(size[1], dtype=np.float32)[:, None]
    thickness = max(0.006 * height, 0.8)
    footprint = near[None, :] * np.exp(-(((rows - lowest[None, :]) / thickness) ** 2))
    wide = max(placement.shadow.softness * height, 0.6)
    tight = cv2.GaussianBlur(footprint.astype(np.float32), (0, 0), 0.35 * wide + 0.3, sigmaY=0.2 * wide + 0.3)
    broad = cv2.GaussianBlur(footprint.astype(np.float32), (0, 0), 2.6 * wide, sigmaY=0.9 * wide)
    pooled: F32 = (1.0 - (1.0 - 0.9 * _normalised(tight)) * (1.0 - 0.6 * _normalised(broad))).astype(np.float32)
    return pooled


def _normalised(values: F32) -> F32:
    peak: F32 = values / max(float(values.max()), 1e-6)
    return peak


def _cast(small: F32, upright: F64, foot: F64, height: float, placement: Placement, size: tuple[int, int]) -> F32:
    """Lay the silhouette on the floor: a point h above the ground falls h * length along the light's direction."""
    shadow = placement.shadow
    angle = np.deg2rad(shadow.angle_deg)
    towards = float(np.sin(angle)) * _FLOOR_TILT
    # Exactly sideways the silhouette would collapse into a line; the body's depth is added below.
    towards = towards if abs(towards) > _LEAST_TILT else _LEAST_TILT
    along = shadow.length * np.array([np.cos(angle), towards])
    # y counts down from the foot: height above ground is foot_y - y.
    linear = np.array([[1.0, -along[0]], [0.0, -along[1]]])
    floor = np.hstack([linear, (foot - linear @ foot)[:, None]])
    laid = _warp(small, chain(floor, upright), size)
    # A silhouette has no depth, a body has: without it a shadow falling sideways would be a line.
    deep = max(1, round(_BODY_DEPTH * _FLOOR_TILT * height))
    laid = cv2.blur(cv2.dilate(laid, np.ones((deep, 1), np.uint8)), (1, deep))
    reach = max(shadow.length * height, 1.0)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    far = np.clip(np.hypot(columns - foot[0], (rows - foot[1]) / _FLOOR_TILT) / reach, 0.0, 1.0)
    near_blur = cv2.GaussianBlur(laid, (0, 0), max(0.35 * shadow.softness * height, 0.5))
    far_blur = cv2.GaussianBlur(laid, (0, 0), max(1.5 * shadow.softness * height, 0.8))
    blended: F32 = (((1.0 - far) * near_blur + far * far_blur) * (1.0 - _FADE * far)).astype(np.float32)
    return blended
