"""From the canvas back to the photo: the native garment photo through the predicted flow, guided by what was painted.

The network says where each pixel of the garment is taken from; sampling the garment's own photo there keeps its
weave, print and logo. What the network painted gives the light on it (its low frequencies), where it ends, and the skin
and background it bares. Everything is done tile by tile, so that memory does not grow with the photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, F64, U8, U16, AnyArray, Bool
from studio.domain.artefacts import GarmentArtefacts, NativePatch, PersonArtefacts
from studio.domain.errors import PipelineError
from studio.domain.geometry import Box, Framing
from studio.domain.labels import Cihp, LabelScheme, convert_labels
from studio.pipeline.framing import warp_to_canvas
from studio.pipeline.tryon.generative.framed import FramedGarment
from studio.pipeline.tryon.generative.regions import BELOW, OLD_GARMENT, OWN, SOFT, Regions
from studio.pipeline.tryon.generative.result import CanvasResult
from studio.pipeline.tryon.generative.rim import Rim, find_rim

TILE = 1024
FLOW_SOFT = 3.0
"""Blur of the flow in canvas pixels: it is predicted on a map an eighth as large and enlarged linearly, with kinks."""

LIGHT_SOFT = 5.0
"""Blur of the light in canvas pixels: finer than a fold, coarser than print, which the network repeats inexactly."""

_LIGHT_FILL = 25.0
_LIGHT_RANGE = (0.45, 1.6)
_LIGHT_LEVEL = (0.92, 1.08)
"""How far the garment as a whole may be lighter or darker than its product photo: the product keeps its colour."""

_DARK = 0.02
"""Linear light added to both sides of the ratio: in black cloth it would otherwise be noise."""

_SEAM_SOFT = 14.0
_SEAM_MOST = 28.0
_EDGE_PX = 3.0
"""Width, in photo pixels, of a border that was soft on the canvas."""

_LEAST_ALPHA = 0.02
_OWN_SOFT, _OWN_REACH = 0.8, 6
_RIM_CANVAS, _RIM_LEAST = 2.5, 2.0
"""Half-width of the rim in canvas pixels, by which a parse map is off, and at least in photo pixels."""

_RIM_REACH = 5.0
_RIM_COVERED = 0.5
_SHRINK_FROM = 1.3
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """The garment photo as it is sampled.

    colours: uint8 or uint16 `(h, w, 3)`. alpha: float32. scale: its pixels per garment photo pixel. full: its white.
    """

    colours: AnyArray
    alpha: F32
    scale: F64
    full: float


@dataclass(frozen=True, slots=True, eq=False)
class _Guides:
    """Canvas planes: flow offset `(H, W, 2)`, light, and the painted picture fitted to the photo around it."""

    offset: F32
    light: F32
    picture: F32


Report = Callable[[float], None]


def render_native(
    person: PersonArtefacts,
    garment: GarmentArtefacts,
    framed: FramedGarment,
    result: CanvasResult,
    regions: Regions,
    report: Report = lambda fraction: None,
) -> NativePatch:
    """Return the patch that lays the generated look over the photo.

    Raises:
        PipelineError: `engines.no_garment`, the networks painted none.
    """
    if regions.is_empty:
        raise PipelineError("engines.no_garment", file=person.photo.name, garment=garment.photo.name)
    box = _box_on_photo(regions.edit, person.framing)
    guides = _Guides(_flow_offset(result.grid), _light(result, regions), _fit_to_photo(person, result, regions))
    source = _prepare_source(garment, _stretch(result.grid, person.framing, framed.framing))
    photo = person.photo.pixels
    pixels = photo[box.slices].copy()
    alpha, body = (np.zeros(pixels.shape[:2], np.float32) for _ in range(2))
    worn = np.zeros(pixels.shape[:2], np.uint8)
    tiles = list(_tiles(box))
    for number, tile in enumerate(tiles):
        report(number / len(tiles))
        at = np.s_[tile.y0 - box.y0 : tile.y1 - box.y0, tile.x0 - box.x0 : tile.x1 - box.x0]
        view = _Tile(person, framed.framing, regions, tile)
        share = view.alpha()
        if not share.any():
            continue
        coverage = view.sharp(regions.coverage)
        colours = view.colours(guides, source, coverage)
        colours, share = view.clean_rim(colours, share, coverage)
        full = float(np.iinfo(photo.dtype).max)
        shown = share > 0
        pixels[at][shown] = np.rint(colours[shown] * full).astype(photo.dtype)
        alpha[at] = share
        cut = person.cutout.alpha[tile.slices]
        body[at] = np.where(shown, share * view.sharp(regions.body) + (1 - share) * cut, cut)
        worn[at] = np.rint(255 * np.where(shown, coverage, 0))
    report(1.0)
    return NativePatch(box.x0, box.y0, pixels, alpha, body, worn)


def _box_on_photo(edit: F32, framing: Framing) -> Box:
    rows, columns = np.flatnonzero(edit.any(axis=1)), np.flatnonzero(edit.any(axis=0))
    corners = np.array([[columns[0] - 1.0, rows[0] - 1.0], [columns[-1] + 1.0, rows[-1] + 1.0]])
    low, high = framing.to_photo(corners)
    width, height = framing.photo_size
    x0, y0 = (int(np.clip(np.floor(v), 0, side - 1)) for v, side in zip(low, (width, height), strict=True))
    x1, y1 = (int(np.clip(np.ceil(v) + 1, 1, side)) for v, side in zip(high, (width, height), strict=True))
    return Box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))


def _tiles(box: Box) -> Iterator[Box]:
    for y in range(box.y0, box.y1, TILE):
        for x in range(box.x0, box.x1, TILE):
            yield Box(x, y, min(x + TILE, box.x1), min(y + TILE, box.y1))


class _Tile:
    """One tile of the photo with its way to the canvas."""

    def __init__(self, person: PersonArtefacts, garment_framing: Framing, regions: Regions, box: Box) -> None:
        self._person, self._garment_framing, self._regions, self._box = person, garment_framing, regions, box
        self._framing = person.framing
        to_canvas = self._framing.matrix.copy()
        to_canvas[:, 2] += to_canvas[:, :2] @ np.array([box.x0, box.y0], np.float64)
        self._to_canvas = to_canvas

    def plane(self, canvas: AnyArray, flag: int = cv2.INTER_LINEAR) -> AnyArray:
        """Return this tile of a canvas plane; beyond the canvas its border goes on."""
        if self._framing.scale > 1.0:
            canvas = cv2.GaussianBlur(canvas, (0, 0), 0.5 * self._framing.scale)
        taken: AnyArray = cv2.warpAffine(
            canvas, self._to_canvas, (self._box.width, self._box.height),
            flags=flag | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return taken

    def sharp(self, canvas: F32) -> F32:
        """Return this tile of a soft canvas area with borders as narrow as the photo's own."""
        gain = max(1.0, 2.5 * SOFT / self._framing.scale / _EDGE_PX)
        edges: F32 = np.clip((self.plane(canvas) - 0.5) * gain + 0.5, 0.0, 1.0).astype(np.float32)
        return edges

    def alpha(self) -> F32:
        """Return how much of the generated pixels replaces the photo; exactly 0 where nothing may change."""
        share = self.plane(self._regions.edit) * self._inside_canvas()
        below = self._own_area(BELOW) * (1.0 - self.sharp(self._regions.coverage))
        share = share * (1.0 - np.maximum(self._own_area(OWN), below))
        share[share < _LEAST_ALPHA] = 0.0
        return share.astype(np.float32)

    def _own_area(self, classes: tuple[Cihp, ...]) -> F32:
        """Return, softly, where the photo's own parse map has these classes."""
        parse, box = self._person.parse, self._box
        wide = box.grown(_OWN_REACH, self._framing.photo_size)  # so that tiles meet without a trace
        labels = convert_labels(parse.labels[wide.slices], parse.scheme, LabelScheme.CIHP)
        soft = cv2.GaussianBlur(np.isin(labels, classes).astype(np.float32), (0, 0), _OWN_SOFT)
        own: F32 = soft[box.y0 - wide.y0 : box.y1 - wide.y0, box.x0 - wide.x0 : box.x1 - wide.x0]
        return own

    def clean_rim(self, colours: F32, share: F32, coverage: F32) -> tuple[F32, F32]:
        """Return colours and alpha with the old garment taken out of the edges of what stays."""
        band = max(_RIM_LEAST, _RIM_CANVAS / self._framing.scale)
        parse, box = self._person.parse, self._box
        wide = box.grown(round(_RIM_REACH * band), self._framing.photo_size)  # so that tiles meet without a trace
        labels = convert_labels(parse.labels[wide.slices], parse.scheme, LabelScheme.CIHP)
        pixels = self._person.photo.pixels[wide.slices]
        photo = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
        rim = find_rim(photo, np.isin(labels, (*OWN, *BELOW)), np.isin(labels, OLD_GARMENT), band)
        if rim is None:
            return colours, share
        at = np.s_[box.y0 - wide.y0 : box.y1 - wide.y0, box.x0 - wide.x0 : box.x1 - wide.x0]
        inner = Rim(rim.there[at], rim.share[at], rim.old[at])
        allowed = self.plane(self._regions.edit) * self._inside_canvas()
        # Where the new garment goes over trousers there is no edge of theirs any more.
        there = inner.there & (allowed > 0) & ~(np.isin(labels[at], BELOW) & (coverage > _RIM_COVERED))
        cleaned = inner.clean(photo[at], colours)
        allowed = allowed.astype(np.float32)
        return np.where(there[..., None], cleaned, colours), np.where(there, np.maximum(share, allowed), share)

    def _inside_canvas(self) -> Bool:
        x, y = self._canvas_points()
        width, height = self._framing.canvas_size
        inside: Bool = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
        return inside

    def _canvas_points(self) -> tuple[F32, F32]:
        columns, rows = np.arange(self._box.width)[None], np.arange(self._box.height)[:, None]
        matrix = self._to_canvas
        x, y = (row[0] * columns + row[1] * rows + row[2] for row in matrix)
        return x.astype(np.float32), y.astype(np.float32)

    def colours(self, guides: _Guides, source: _Source, coverage: F32) -> F32:
        """Return sRGB in [0, 1]: garment where the flow finds it, painted pixels elsewhere."""
        painted = np.clip(self.plane(guides.picture, cv2.INTER_CUBIC), 0.0, 1.0)
        if not (coverage > 0).any():
            return painted
        map_x, map_y = self._source_points(guides.offset, source)
        how = {"interpolation": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REPLICATE}
        texture = cv2.remap(source.colours, map_x, map_y, **how).astype(np.float32) / source.full
        there = cv2.remap(source.alpha, map_x, map_y, interpolation=cv2.INTER_LINEAR, borderValue=0.0)
        lit = from_linear(to_linear(texture) * self.plane(guides.light)[..., None])
        share = (coverage * np.clip(there, 0.0, 1.0))[..., None]
        mixed: F32 = np.clip(painted + (lit - painted) * share, 0.0, 1.0).astype(np.float32)
        return mixed

    def _source_points(self, offset: F32, source: _Source) -> tuple[F32, F32]:
        """Return where each pixel of the tile lies in the sampled garment photo."""
        height, width = offset.shape[:2]
        moved = self.plane(offset, cv2.INTER_CUBIC).astype(np.float64)
        x, y = self._canvas_points()
        on_canvas = np.stack([_from_grid(x, moved[..., 0], width), _from_grid(y, moved[..., 1], height)], axis=-1)
        points = (self._garment_framing.to_photo(on_canvas) + 0.5) * source.scale - 0.5
        return points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)


def _from_grid(at: F32, offset: F64, side: int) -> F64:
    """Return the pixel that the sampling grid means: its own place, -1 to 1 over pixel centres, plus an offset.

    The networks lay the places out with aligned corners and sample without (see `blocks.corner_grid`).
    """
    grid = -1.0 + 2.0 * at.astype(np.float64) / (side - 1) + offset
    return ((grid + 1.0) * side - 1.0) / 2.0


def _flow_offset(grid: F32) -> F32:
    """Return the grid less each pixel's own place, without kinks; it varies slowly and is safe to enlarge."""
    height, width = grid.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    offset = grid - np.stack(np.meshgrid(x, y), axis=-1)
    smooth: F32 = cv2.GaussianBlur(offset, (0, 0), FLOW_SOFT)
    return smooth


def _stretch(grid: F32, framing: Framing, garment_framing: Framing) -> float:
    """Return how many garment photo pixels go into one photo pixel, across, in the median."""
    height, width = grid.shape[:2]
    dx = np.diff(grid, axis=1)[:-1] * (width / 2, height / 2)
    dy = np.diff(grid, axis=0)[:, :-1] * (width / 2, height / 2)
    area = np.abs(dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0])
    return float(np.sqrt(np.median(area))) * framing.scale / garment_framing.scale


def _prepare_source(garment: GarmentArtefacts, stretch: float) -> _Source:
    """Return the garment's colours, clean of its backdrop, reduced where sampling would alias."""
    colours: U8 | U16 = garment.cutout.foreground
    alpha = garment.cutout.alpha
    if garment.photo.pixels.dtype == np.uint16:
        solid = alpha[..., None] >= 0.999
        colours = np.where(solid, garment.photo.pixels, colours.astype(np.uint16) * 257).astype(np.uint16)
    full = float(np.iinfo(colours.dtype).max)
    height, width = alpha.shape
    if stretch < _SHRINK_FROM:
        return _Source(colours, alpha, np.ones(2), full)
    size = max(1, round(width / stretch)), max(1, round(height / stretch))
    small = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (colours, alpha)]
    return _Source(small[0], small[1], np.array([size[0] / width, size[1] / height]), full)


def _light(result: CanvasResult, regions: Regions) -> F32:
    """Return by how much the painted garment is lighter than the flat one, in linear light, smooth."""
    known = ((regions.coverage > 0.9) & (result.mask > 0.9)).astype(np.float32)
    if not known.any():
        return np.ones(known.shape, np.float32)
    painted, flat = (_luminance(picture) + np.float32(_DARK) for picture in (result.picture, result.cloth))
    near, far = (_ratio(painted, flat, known, soft) for soft in (LIGHT_SOFT, _LIGHT_FILL))
    trust = np.clip(4.0 * cv2.GaussianBlur(known, (0, 0), LIGHT_SOFT), 0.0, 1.0)
    ratio = far + (near - far) * trust
    level = float(np.median(ratio[known > 0]))
    light: F32 = np.clip(ratio / level * np.clip(level, *_LIGHT_LEVEL), *_LIGHT_RANGE).astype(np.float32)
    return light


def _luminance(picture: U8) -> F32:
    scaled: F32 = picture.astype(np.float32) / np.float32(255)
    light: F32 = to_linear(scaled) @ _LUMA
    return light


def _ratio(painted: F32, flat: F32, known: F32, soft: float) -> F32:
    above, below = (cv2.GaussianBlur(plane * known, (0, 0), soft) for plane in (painted, flat))
    ratio: F32 = np.where(below > 1e-6, above / np.maximum(below, 1e-6), 1.0).astype(np.float32)
    return ratio


def _fit_to_photo(person: PersonArtefacts, result: CanvasResult, regions: Regions) -> F32:
    """Return the painted picture in [0, 1], its tone drawn to the photo's where they meet.

    The networks repeat what they see a little off in colour; a seam would show it.
    """
    shown = warp_to_canvas(person.photo.rgb8, person.framing).astype(np.float32)
    picture = result.picture.astype(np.float32)
    kept = (regions.edit <= 0).astype(np.float32)
    off = np.clip(shown - picture, -_SEAM_MOST, _SEAM_MOST) * kept[..., None]
    weight = cv2.GaussianBlur(kept, (0, 0), _SEAM_SOFT)
    spread = cv2.GaussianBlur(off, (0, 0), _SEAM_SOFT) / np.maximum(weight, 0.05)[..., None]
    fitted: F32 = np.clip((picture + spread) / 255, 0.0, 1.0).astype(np.float32)
    return fitted


def to_linear(srgb: F32) -> F32:
    """Return linear light of sRGB, both in [0, 1] (IEC 61966-2-1)."""
    linear: F32 = np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def from_linear(linear: F32) -> F32:
    """Return sRGB of linear light, clipped to [0, 1]."""
    clipped = np.clip(linear, 0.0, 1.0)
    srgb: F32 = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return srgb.astype(np.float32)
