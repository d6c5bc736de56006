"""Put the layers together at native resolution, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, U16, Bool
from studio.domain.artefacts import NativePatch
from studio.domain.geometry import Box
from studio.pipeline.parallel import each
from studio.pipeline.planes import largest, mix, paint, spread
from studio.pipeline.tryon.draping.layers import Layers
from studio.pipeline.tryon.draping.light import Light
from studio.pipeline.tryon.draping.plates import Plate
from studio.pipeline.tryon.draping.raster import ClothSource, LayerMap, sample_layer, sample_sheer
from studio.pipeline.tryon.draping.tones import shade_cloth
from studio.pipeline.tryon.draping.view import View

TILE = 512
INVISIBLE = 1.0 / 512
FAINTEST = 0.012
"""A shadow lighter than this is not worth touching the photo for."""


@dataclass(frozen=True, slots=True, eq=False)
class Dressing:
    """All that the last step needs, on the working raster."""

    view: View
    plate: Plate
    layers: Layers
    maps: tuple[LayerMap, ...]
    source: ClothSource
    light: Light
    neck: F32
    person: F32
    shows_inside: bool


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One finished tile: pixels (float32 0..255), change, the dressed person's alpha, the garment's coverage."""

    rgb: F32
    change: F32
    body: F32
    garment: F32


def render_patch(dressing: Dressing, photo: U8 | U16, person_alpha: F32) -> NativePatch:
    """Return the native pixels of everything that changes."""
    box = dressing.view.box
    depth = 257.0 if photo.dtype == np.uint16 else 1.0
    pixels: U8 | U16 = photo[box.slices].copy()
    change = np.zeros(pixels.shape[:2], np.float32)
    body = person_alpha[box.slices].copy()
    garment = np.zeros(pixels.shape[:2], np.uint8)
    active = _active(dressing)

    def render(tile: Box) -> None:
        local = (slice(tile.y0 - box.y0, tile.y1 - box.y0), slice(tile.x0 - box.x0, tile.x1 - box.x0))
        done = render_tile(dressing, photo[tile.slices].astype(np.float32) / depth, person_alpha[tile.slices], tile)
        touched = done.change > INVISIBLE
        wanted = np.clip(np.round(done.rgb * depth), 0, 255 * depth)
        paint(pixels[local], wanted.astype(photo.dtype), touched)
        change[local] = np.where(touched, done.change, 0.0)
        body[local] = np.where(touched, done.body, body[local])
        garment[local] = np.round(done.garment * 255).astype(np.uint8)

    each(render, (tile for tile in _tiles(box) if _meets(active, dressing.view, tile)))
    return _cropped(box, pixels, change, body, garment)


def _cropped(box: Box, pixels: U8 | U16, change: F32, body: F32, garment: U8) -> NativePatch:
    rows, columns = np.flatnonzero(change.any(axis=1)), np.flatnonzero(change.any(axis=0))
    if rows.size == 0:
        rows = columns = np.array([0])
    cut = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    # `pixels` are the finished ones: what replaces the photo replaces it wholly.
    whole = (change[cut] > 0).astype(np.float32)
    return NativePatch(
        box.x0 + int(columns[0]), box.y0 + int(rows[0]),
        pixels[cut].copy(), whole,
        np.ascontiguousarray(body[cut]), np.ascontiguousarray(garment[cut]),
    )  # fmt: skip


def _tiles(box: Box) -> Iterator[Box]:
    for y in range(box.y0, box.y1, TILE):
        for x in range(box.x0, box.x1, TILE):
            yield Box(x, y, min(x + TILE, box.x1), min(y + TILE, box.y1))


def _active(dressing: Dressing) -> Bool:
    """Return, on the working raster, all that could change: elsewhere no native pixel need be looked at."""
    active = (dressing.layers.removed > 0) | (1 - dressing.light.below > 0.5 * FAINTEST)
    if dressing.plate.gain is not None:
        active |= largest(dressing.plate.gain != 1)
    for layer in dressing.maps:
        active |= layer.weight > 0
    return active


def _meets(active: Bool, view: View, tile: Box) -> bool:
    first = [int((edge - start) * view.scale) - 2 for edge, start in ((tile.x0, view.box.x0), (tile.y0, view.box.y0))]
    last = [int((edge - start) * view.scale) + 3 for edge, start in ((tile.x1, view.box.x0), (tile.y1, view.box.y0))]
    return bool(active[max(0, first[1]) : last[1], max(0, first[0]) : last[0]].any())


def fade_faintest(shade: F32) -> F32:
    """Return shadows that end softly where they are too faint to touch the photo for: a cut would be seen on skin."""
    faded: F32 = np.minimum(shade, np.maximum(2 * (shade - np.float32(FAINTEST)), 0))
    return faded


class _Reader:
    """Reads working planes on one native tile."""

    def __init__(self, view: View, tile: Box) -> None:
        self._exact = view.scale == 1.0
        box = view.box
        self._cut = (slice(tile.y0 - box.y0, tile.y1 - box.y0), slice(tile.x0 - box.x0, tile.x1 - box.x0))
        offset_x = (tile.x0 - box.x0 + 0.5) * view.scale - 0.5
        offset_y = (tile.y0 - box.y0 + 0.5) * view.scale - 0.5
        self._matrix = np.array([[view.scale, 0, offset_x], [0, view.scale, offset_y]])
        self._size = (tile.width, tile.height)

    def read(self, plane: F32) -> F32:
        if self._exact:
            return plane[self._cut]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        read: F32 = cv2.warpAffine(plane, self._matrix, self._size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return read


def read_plane(view: View, plane: F32, box: Box) -> F32:
    """Return a working plane on a box of native pixels."""
    return _Reader(view, box).read(plane)


def render_tile(dressing: Dressing, photo: F32, person: F32, tile: Box) -> Tile:
    """Compose one tile: plate, inner collar, neck, front, lower garment, arms, sleeves, head."""
    reader = _Reader(dressing.view, tile)
    removed = reader.read(dressing.layers.removed)
    gain = np.float32(1.0) if dressing.plate.gain is None else reader.read(dressing.plate.gain)
    rgb = mix(photo * gain, reader.read(dressing.plate.rgb), removed)
    body = person + (reader.read(dressing.plate.body) - person) * removed
    lower = dressing.layers.lower
    lower_alpha = reader.read(lower.alpha) if dressing.layers.tuck is not None else np.zeros_like(removed)
    arms_alpha = reader.read(dressing.layers.arms.alpha)
    # What hangs before the garment takes no shadow of it, inside and outside of what is replaced.
    shade = (1 - reader.read(dressing.light.below)) * np.clip(body, 0, 1) * (1 - lower_alpha) * (1 - arms_alpha)
    shade = fade_faintest(shade)
    rgb = rgb * spread(1 - shade)
    change = np.maximum(removed, np.clip(shade * 20, 0, 1))
    if isinstance(gain, np.ndarray):
        change = np.maximum(change, np.clip(largest(np.abs(gain - 1)) * 40, 0, 1))
    covered, laid = np.zeros_like(removed), removed
    arms_light = reader.read(dressing.light.arms)
    arms_touched = np.clip((1 - arms_light) * 40, 0, 1)
    for layer, factor in zip(dressing.maps, dressing.light.layers, strict=True):
        weight = reader.read(layer.weight)
        if not weight.any() and layer.name != "front":  # with the front come arms and waistband, cloth or not
            continue
        sampled = _sample_cloth(dressing.source, reader, layer, (weight, factor))
        cloth, alpha = _let_through(dressing, reader, layer.name, sampled, (rgb, removed, person))
        if layer.name == "inner":
            alpha = alpha * (1 - reader.read(dressing.neck))
            if not dressing.shows_inside:  # a neck fills a plain neckline: nothing of the back's inside is seen
                cloth = reader.read(dressing.plate.skin) * spread(reader.read(dressing.light.below))
                alpha = alpha * np.clip(reader.read(dressing.plate.body), 0, 1)
        if layer.name == "front":
            rgb = mix(rgb, cloth, alpha)
            # Below a waistband lies also the background beside it: that is the plate's, not the trousers'.
            shown = np.clip((alpha + removed * np.clip(person * 4, 0, 1)) * 4, 0, 1)
            rgb = _lay(rgb, lambda: reader.read(lower.rgb), lower_alpha * shown)
            alpha = alpha * (1 - lower_alpha)
            shown = arms_alpha * np.clip((alpha + removed) * 4 + arms_touched, 0, 1)
            rgb = _lay(rgb, lambda: reader.read(dressing.layers.arms.rgb) * spread(arms_light), shown)
            # A sleeve's shadow on its arm changes the arm where nothing else does.
            change = np.maximum(np.maximum(change, alpha), arms_alpha * arms_touched)
            laid = np.maximum(laid, alpha)
            covered = np.maximum(covered, alpha * (1 - arms_alpha))
            body = np.maximum(body, alpha)
            continue
        rgb = mix(rgb, cloth, alpha)
        change, laid, body = np.maximum(change, alpha), np.maximum(laid, alpha), np.maximum(body, alpha)
        if layer.name != "inner" or dressing.shows_inside:
            covered = np.maximum(covered, alpha)
    head = dressing.layers.head
    head_alpha = reader.read(head.alpha)
    # The photo shows its own strands where nothing came below them: laid over it again they would thicken.
    strands = np.maximum(np.clip(laid * 4, 0, 1), np.clip(head_alpha * 10 - 9, 0, 1))
    rgb = _lay(rgb, lambda: reader.read(head.rgb), head_alpha * strands)
    body = np.maximum(body, person * head_alpha)
    same = largest(np.abs(rgb - photo)) < 0.5
    change = np.where(same, 0.0, change).astype(np.float32)
    return Tile(rgb, change, np.clip(body, 0, 1).astype(np.float32), (covered * (1 - head_alpha)).astype(np.float32))


def _let_through(
    dressing: Dressing, reader: _Reader, name: str, sampled: tuple[F32, F32, F32 | None], below: tuple[F32, F32, F32]
) -> tuple[F32, F32]:
    """Return a layer's cloth and alpha where skin is seen through lace: the person's own where the photo shows it.

    sampled: see `_sample_cloth`. below: what is painted so far, where that is no photo, and the person in it.
    """
    cloth, alpha, sheer = sampled
    if sheer is None:
        return cloth, alpha
    if name == "inner":
        return cloth, alpha * (1 - sheer)
    rgb, removed, person = below
    own = dressing.plate.skin if name == "front" else dressing.plate.limbs
    skin = reader.read(own) * spread(reader.read(dressing.light.below))
    if name == "front":  # a wrist fills its cuff, whatever is seen beside it
        skin = mix(rgb, skin, np.maximum(removed, 1 - person))
    return mix(cloth, skin, sheer), alpha


def _sample_cloth(
    source: ClothSource, reader: _Reader, layer: LayerMap, planes: tuple[F32, F32]
) -> tuple[F32, F32, F32 | None]:
    """Return one layer's lit cloth, its alpha and how far it is seen through (None: nowhere) on a tile.

    planes: its weight there, its light on the raster.
    """
    weight, factor = planes
    sheer: F32 | None = None
    cloth, alpha = np.zeros((*weight.shape, 3), np.float32), np.zeros_like(weight)
    rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
    if rows.size:
        cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        place = (reader.read(layer.x)[cut], reader.read(layer.y)[cut], weight[cut])
        squeezed = None if layer.squeezed is None else reader.read(layer.squeezed)[cut]
        plain, alpha[cut] = sample_layer(source, place, layer.source, squeezed)
        cloth[cut] = shade_cloth(plain, reader.read(factor)[cut])
        seen = sample_sheer(source, place[0], place[1], squeezed)
        if seen is not None:
            sheer = np.zeros_like(weight)
            sheer[cut] = seen
    return cloth, alpha, sheer


def _lay(below: F32, above: Callable[[], F32], alpha: F32) -> F32:
    """Lay a picture over another; where nothing of it shows it is not even read."""
    return mix(below, above(), alpha) if alpha.any() else below
