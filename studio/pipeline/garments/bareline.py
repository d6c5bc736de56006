"""A neckline through which nothing of the inside is seen: there it is the garment's own outline.

Elsewhere a neckline is an edge within the cloth, between the front and the inside of the back. Where the photo shows
its backdrop in the opening, folds and gathers that run beside it are taken for such an edge.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from studio.domain.arrays import F64
from studio.pipeline.garments.fitting import Silhouette
from studio.pipeline.garments.neckline import NecklineFit

DEEP = 0.3
"""How far the outline dips between the neckline's ends, over their distance, where no back is seen: what is shallower
is the back's own upper edge."""
NEAR = 0.06
"""How far from the outline the line's ends may lie, in shares of the garment's height."""


def follow_outline(neckline: NecklineFit, silhouette: Silhouette) -> NecklineFit:
    """Return the neckline on the outline where no back is seen through it; itself otherwise."""
    line = (neckline.points - np.array(silhouette.photo_origin)) / silhouette.photo_scale
    outline = _between(silhouette, line[0], line[-1])
    if outline is None:
        return neckline
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(outline, axis=0).T))])
    places = np.linspace(0.0, far[-1], len(line))
    points = np.stack([np.interp(places, far, outline[:, axis]) for axis in (0, 1)], axis=-1)
    return replace(neckline, points=silhouette.to_photo(points), clear=True, trust=1.0)


def _between(silhouette: Silhouette, start: F64, end: F64) -> F64 | None:
    """Return the outline from near one point to near another, by the way that dips; None where it runs elsewhere."""
    rings, _ = cv2.findContours(silhouette.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = (max(rings, key=len)[:, 0].astype(np.float64) - np.array(silhouette.origin)) * silhouette.pixel
    away = [np.hypot(*(ring - point).T) for point in (start, end)]
    if max(float(one.min()) for one in away) > NEAR:
        return None
    one, other = (int(distance.argmin()) for distance in away)
    ways = [np.roll(ring, -one, axis=0)[: (other - one) % len(ring) + 1]]
    ways.append(np.roll(ring[::-1], one + 1, axis=0)[: (one - other) % len(ring) + 1])
    way = min(ways, key=len)
    dips = float(way[:, 1].max()) - max(float(start[1]), float(end[1])) > DEEP * abs(float(end[0] - start[0]))
    return way if dips and len(way) > 8 else None
