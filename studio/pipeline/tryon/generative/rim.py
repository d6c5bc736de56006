"""The rim where the photo's own hair, face or trousers met the old garment: its colour is taken out of their edges.

A pixel there is `a` of what stays and `1 - a` of the old garment. `a` is read off the colours on both sides, and the
old garment's part is exchanged for what was painted, so that no seam of the old colour goes around the hair while
single strands stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, Bool

_NEAR = 3.0
"""How far, in bands, the colours of both sides are looked for."""

_LEAST_CONTRAST = 0.06
"""Difference of both sides' colours, of 1, below which nothing can be told apart, nor be seen."""

_LEAST_WEIGHT = 0.01
_WHOLE = 0.96
_MOST_MISFIT = 0.15
"""Difference of 1 beyond which a colour is no mixture of the two: a third one, as background, is in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Rim:
    """Planes of one crop. there: bool. share: float32, how much of each pixel stays. old: the old garment's colour."""

    there: Bool
    share: F32
    old: F32

    def clean(self, photo: F32, painted: F32) -> F32:
        """Return the photo's colours with the old garment's part exchanged, where the rim is; meaningless elsewhere."""
        cleaned: F32 = np.clip(photo + (1.0 - self.share)[..., None] * (painted - self.old), 0.0, 1.0)
        return cleaned


def find_rim(photo: F32, kept: Bool, old: Bool, band: float) -> Rim | None:
    """Look for pixels in which what stays and the old garment are mixed.

    Args:
        photo: sRGB in [0, 1], `(h, w, 3)`. kept, old: by the parse map, `(h, w)`.
        band: half-width of the rim in pixels: how wide edges are and how far the parse map may be off.
    """
    if not kept.any() or not old.any():
        return None
    depth = cv2.distanceTransform(kept.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(old.astype(np.uint8), cv2.DIST_L2, 5)
    near_old = cv2.distanceTransform((~old).astype(np.uint8), cv2.DIST_L2, 5) <= band
    near_kept = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, 5) <= band
    there = (kept & near_old) | (old & near_kept)
    if not there.any():
        return None
    own, own_weight = _colour_around(photo, depth > band / 2, band)
    other, other_weight = _colour_around(photo, outside > band / 2, band)
    way = own - other
    length = (way * way).sum(axis=-1)
    there &= (np.minimum(own_weight, other_weight) > _LEAST_WEIGHT) & (length > _LEAST_CONTRAST**2)
    share = ((photo - other) * way).sum(axis=-1) / np.maximum(length, 1e-6)
    fitted = other + np.clip(share, 0.0, 1.0)[..., None] * way
    there &= np.abs(photo - fitted).max(axis=-1) < _MOST_MISFIT
    # Deep inside everything stays, whatever a dark strand or a highlight looks like; far outside nothing does.
    inner, outer = np.clip(2.0 * depth / band - 1.0, 0.0, 1.0), np.clip(2.0 - 2.0 * outside / band, 0.0, 1.0)
    share = np.where(kept, np.maximum(share, inner), np.minimum(share, outer))
    there &= ~(kept & (share > _WHOLE))  # the photo's own bytes stay its own
    return Rim(there, np.clip(share, 0.0, 1.0).astype(np.float32), other)


def _colour_around(photo: F32, area: Bool, band: float) -> tuple[F32, F32]:
    """Return the mean colour of the nearest part of an area, and how much of it is near."""
    mask = area.astype(np.float32)
    sigma = _NEAR * band / 2
    weight = cv2.GaussianBlur(mask, (0, 0), sigma)
    colour = cv2.GaussianBlur(photo * mask[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
    return colour.astype(np.float32), weight
