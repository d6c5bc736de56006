"""A collar's surroundings as the search for its neckline sees them: light and chroma, and the label sewn in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, Bool
from studio.pipeline.garments.fitting import Silhouette
from studio.pipeline.garments.outline import P, to_picture
from studio.pipeline.planes import summed

ROWS = 420
"""Rows of the whole garment on the raster on which its collar is searched: pale edges are lost on a coarser one."""
_LABEL_CONTRAST = 45.0
_LABEL_MARGIN = 0.006
"""How far beside a label its own edges are seen, in shares of the garment's height."""
_MESH = 0.006
"""Lace's threads lie no farther apart than this, in shares of the garment's height."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """The collar's surroundings. planes: light (log) and two chroma differences, float32 `(h, w, 3)`.

    origin, pixel: array position = origin + normalised / pixel. fine, coarse: the planes at two blurs. threads: the
    light of what is darkest close to each place.
    """

    fine: F32
    coarse: F32
    threads: F32
    origin: F64
    pixel: float

    def read(self, planes: F32, points: F64) -> F32:
        """Return the planes at normalised points `(..., 2)`."""
        spots = points / self.pixel + self.origin
        x, y = (np.ascontiguousarray(spots[..., axis].reshape(len(spots), -1), np.float32) for axis in (0, 1))
        values = cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        read: F32 = values.reshape(*spots.shape[:-1], -1)
        return read


@dataclass(frozen=True, slots=True)
class Label:
    """A label sewn inside the back. bottom: its lower edge below the collar's top; reach: of the collar's half.

    box: left, top, right, bottom, normalised.
    """

    bottom: float
    reach: float
    box: tuple[float, float, float, float]

    def covers(self, points: F64) -> Bool:
        """Tell which normalised points `(..., 2)` lie on the label or its edge."""
        x0, y0, x1, y1 = self.box
        x, y = points[..., 0], points[..., 1]
        covered: Bool = (x > x0 - _LABEL_MARGIN) & (x < x1 + _LABEL_MARGIN) & (y > y0) & (y < y1 + _LABEL_MARGIN)
        return covered


def prepare_raster(rgb: U8, silhouette: Silhouette, p: F64) -> Raster:
    """Cut out the collar's surroundings; outside the garment its own nearest colour goes on."""
    pixel = 1.0 / ROWS
    half = min(0.5 * silhouette.width, 1.25 * float(p[P.SHOULDER_X])) + 0.03
    centre = float(p[P.CENTRE])
    bottom = min(1.0, float(p[P.ARMPIT_Y]) + 0.25)
    size = (round(2 * half / pixel), round((bottom + 0.06) / pixel))
    origin = np.array([(half - centre) / pixel, 0.06 / pixel])
    scale = silhouette.photo_scale * pixel
    left, top = np.array(silhouette.photo_origin) - origin * scale
    matrix = np.array([[1 / scale, 0, -left / scale], [0, 1 / scale, -top / scale]])
    blurred = cv2.GaussianBlur(rgb, (0, 0), max(0.3, 0.45 * scale))
    small = cv2.warpAffine(blurred, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mesh = np.ones((2 * round(0.5 * _MESH * silhouette.photo_scale) + 1,) * 2, np.uint8)
    darkest = cv2.warpAffine(
        cv2.erode(rgb, mesh), matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    grid = (np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), -1) - origin) * pixel
    inside = silhouette.sample(grid) < -0.004
    linear = _continue_outwards(small, inside).astype(np.float32) / 255
    # Dark cloth shows its seams in small steps: the floor of the logarithm follows the garment's own tone.
    grey = summed(linear) / np.float32(3)
    tone = float(np.median(grey[inside])) if inside.any() else 0.5
    floor = float(np.clip(0.35 * tone, 0.012, 0.06))
    light = np.log(floor + grey)
    threads = np.log(floor + summed(darkest.astype(np.float32) / 255) / np.float32(3)).astype(np.float32)
    planes = np.dstack([light, 1.5 * (linear[..., 0] - linear[..., 1]), 1.5 * (linear[..., 1] - linear[..., 2])])
    planes = planes.astype(np.float32)
    return Raster(cv2.GaussianBlur(planes, (0, 0), 1.0), cv2.GaussianBlur(planes, (0, 0), 2.2), threads, origin, pixel)


def find_label(rgb: U8, silhouette: Silhouette, p: F64) -> Label | None:
    """Return the label sewn in at the back of the neck."""
    scale = silhouette.photo_scale
    centre = to_picture(np.array([[0.0, float(p[P.COLLAR_Y])]]), p, 1)[0]
    half = 0.7 * float(p[P.COLLAR_X])
    corners = silhouette.to_photo(centre + np.array([[-half, -0.01], [half, 0.22]])).round().astype(int)
    (x0, y0), (x1, y1) = np.maximum(corners, 0)
    window = rgb[y0:y1, x0:x1].astype(np.float32).mean(axis=2)
    if min(window.shape) < 12:
        return None
    beside = float(np.median(rgb[y0:y1, max(0, x0 - (x1 - x0)) : x1 + (x1 - x0)].mean(axis=2)))
    odd = (np.abs(window - np.median(window)) > _LABEL_CONTRAST) & (np.abs(window - beside) > 0.5 * _LABEL_CONTRAST)
    count, _, stats, centres = cv2.connectedComponentsWithStats(odd.astype(np.uint8))
    found: Label | None = None
    for number in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[number])
        free = x > 1 and x + w < window.shape[1] - 1 and y > 0.012 * scale and y + h < window.shape[0] - 1
        compact = area > 0.62 * w * h and 0.008 * scale < h < 0.1 * scale and 0.012 * scale < w
        if free and compact and abs(centres[number][0] / window.shape[1] - 0.5) < 0.3 and y < 0.12 * scale:
            edge = max(abs(x / window.shape[1] - 0.5), abs((x + w) / window.shape[1] - 0.5)) * 2 * 0.7
            bottom = (y + h) / scale - 0.01
            if found is None or bottom > found.bottom:
                corners = np.array([[x0 + x, y0 + y], [x0 + x + w, y0 + y + h]])
                (left, top), (right, low) = (corners - silhouette.photo_origin) / scale
                found = Label(bottom, min(edge, 0.9), (float(left), float(top), float(right), float(low)))
    return found


def _continue_outwards(picture: U8, inside: Bool) -> U8:
    """Give the surroundings the garment's own nearest colour: its outline against the backdrop is not sought."""
    core = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8))
    _, nearest = cv2.distanceTransformWithLabels(1 - core, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[core > 0]] = picture[core > 0]
    continued: U8 = np.where(core[..., None] > 0, picture, colours[nearest])
    return continued
