"""The scene: looks placed on a background, and the one renderer for canvas, export and layers.

Native pixels are resampled once, premultiplied and in linear light, tile by tile; where nothing is placed and the size
is the background's own, its bytes come through unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from studio.compositing.layered import Layer
from studio.compositing.layers import GradeReport, PreparedLook, prepare_look, report_grade
from studio.compositing.light import to_linear, to_srgb8, to_srgb16
from studio.compositing.placement import invert
from studio.domain.arrays import F32, F64, U8, U16, AnyArray
from studio.domain.artefacts import Look, Photo
from studio.domain.errors import CompositingError
from studio.domain.geometry import Box, Placement
from studio.domain.keys import Note
from studio.domain.progress import Progress

_TILE = 512
_PERCEIVED = 2.2
"""Darkness is meant as seen, as in an sRGB layer of black; in linear light that is this power of what remains."""
_LARGEST_SIDE = 30000
"""Beyond this no format that is delivered can be written."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedLook:
    """One look and where it stands; `name` becomes its layer's name."""

    look: Look
    placement: Placement
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Looks on a background.

    background: a photo; None = none, then `canvas` is the size (width, height) that placements refer to, and `fill`
    its sRGB colour (None = transparent).
    """

    background: Photo | None
    looks: tuple[PlacedLook, ...] = ()
    canvas: tuple[int, int] = (0, 0)
    fill: tuple[int, int, int] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) that placements refer to."""
        return self.background.size if self.background is not None else self.canvas

    @property
    def ordered(self) -> tuple[PlacedLook, ...]:
        """The looks from back to front; equal z in the order given."""
        return tuple(sorted(self.looks, key=lambda placed: placed.placement.z))


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What part of a scene is rendered, at what size. matrix: background pixels -> output pixels."""

    size: tuple[int, int]
    matrix: F64

    @classmethod
    def whole(cls, scene: Scene, scale: float = 1.0) -> View:
        """Return the view of the whole scene, scaled."""
        width, height = scene.size
        return cls.fit(scene, (max(1, round(width * scale)), max(1, round(height * scale))))

    @classmethod
    def fit(cls, scene: Scene, size: tuple[int, int]) -> View:
        """Return the view that fills `size`; what another aspect leaves over is cut evenly on both sides."""
        width, height = scene.size
        if min(width, height) < 1 or min(size) < 1 or max(size) > _LARGEST_SIDE:
            raise CompositingError("compositing.size", size=f"{size[0]} x {size[1]}", most=str(_LARGEST_SIDE))
        sx, sy = size[0] / width, size[1] / height
        if abs(width * sy - size[0]) > 1.0 or abs(height * sx - size[1]) > 1.0:
            sx = sy = max(sx, sy)
        left = (size[0] - width * sx) / 2 + (sx - 1) / 2
        top = (size[1] - height * sy) / 2 + (sy - 1) / 2
        return cls(size, np.array([[sx, 0.0, left], [0.0, sy, top]]))


def render_scene(
    scene: Scene,
    view: View | None = None,
    *,
    transparent: bool = False,
    progress: Progress | None = None,
) -> U8 | U16:
    """Render a scene.

    Args:
        view: part and size; the whole at the background's own size when absent.
        transparent: leave the background out: straight-alpha RGBA of looks and shadows.

    Returns:
        sRGB `(H, W, 3)`, or `(H, W, 4)` where transparent; uint16 where any source is 16 bit, else uint8.

    Raises:
        CompositingError: a look is empty, or the size is impossible.
    """
    view = view or View.whole(scene)
    progress = progress or Progress.silent()
    looks = prepare(scene, view)
    clear = transparent or (scene.background is None and scene.fill is None)
    deep = _is_deep(scene)
    base = None if clear else _background(scene, view, deep)
    channels = 4 if clear else 3
    out: AnyArray = np.zeros((view.size[1], view.size[0], channels), np.uint16 if deep else np.uint8)
    tiles = list(_tiles(view.size))
    for index, tile in enumerate(tiles):
        progress.report(index / len(tiles), "compose")
        out[tile.slices] = _render_tile(looks, base, tile, view, deep=deep)
    return out


def prepare(scene: Scene, view: View) -> tuple[PreparedLook, ...]:
    """Return the scene's looks from back to front, ready to be drawn in this view."""
    return tuple(
        prepare_look(placed.look, placed.placement, scene.background, scene.size, view.matrix)
        for placed in scene.ordered
    )


def scene_notes(scene: Scene) -> tuple[Note, ...]:
    """Return what had to be changed to render the scene honestly (looks without feet, ...)."""
    return tuple(note for look in prepare(scene, View.whole(scene)) for note in look.notes)


def grade_reports(scene: Scene) -> tuple[GradeReport, ...]:
    """Return how far harmonisation moves each look's colours, from back to front."""
    return tuple(report_grade(look) for look in prepare(scene, View.whole(scene)))


def _is_deep(scene: Scene) -> bool:
    photos = () if scene.background is None else (scene.background.pixels,)
    return any(p.dtype == np.uint16 for p in (*photos, *(placed.look.pixels for placed in scene.looks)))


def _background(scene: Scene, view: View, deep: bool) -> AnyArray:
    """Return the background at the view's size."""
    if scene.background is None:
        fill = np.array(scene.fill or (0, 0, 0), np.uint8)
        flat: AnyArray = np.broadcast_to(fill, (view.size[1], view.size[0], 3))
        return flat.astype(np.uint16) * 257 if deep else flat
    pixels: AnyArray = scene.background.pixels
    if deep and pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * np.uint16(257)
    if view.size == scene.background.size and np.allclose(view.matrix, [[1, 0, 0], [0, 1, 0]]):
        return pixels
    return _resize_background(pixels, view)


def _resize_background(pixels: AnyArray, view: View) -> AnyArray:
    inverse = invert(view.matrix)
    low = inverse @ np.array([-0.5, -0.5, 1.0]) + 0.5
    high = inverse @ np.array([view.size[0] - 0.5, view.size[1] - 0.5, 1.0]) + 0.5
    x0, y0 = (max(0, int(np.floor(v + 1e-6))) for v in low)
    x1, y1 = min(pixels.shape[1], int(np.ceil(high[0] - 1e-6))), min(pixels.shape[0], int(np.ceil(high[1] - 1e-6)))
    shrinking = view.size[0] < x1 - x0
    part = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    return cv2.resize(part, view.size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)  # type: ignore[no-any-return]  # cv2 is untyped


def _render_tile(
    looks: tuple[PreparedLook, ...], base: AnyArray | None, tile: Box, view: View, *, deep: bool
) -> AnyArray:
    shape = (tile.height, tile.width)
    colour = np.zeros((*shape, 3), np.float32) if base is None else to_linear(base[tile.slices])
    opacity = np.zeros((*shape, 1), np.float32)
    to_background = invert(view.matrix)
    touched = False
    for look in looks:
        if look.shadow is not None:
            darkness = look.shadow.sample(tile, to_background)[..., None]
            if float(darkness.max()) > 1e-3:
                touched = True
                colour = colour * np.power(1 - darkness, np.float32(_PERCEIVED))
                opacity = opacity + darkness * (1 - opacity)
        layer = look.draw(tile)
        if layer is not None:
            touched = True
            colour = layer[..., :3] + colour * (1 - layer[..., 3:])
            opacity = layer[..., 3:] + opacity * (1 - layer[..., 3:])
    if base is None:
        return _straight(colour, opacity, deep)
    if not touched:
        return base[tile.slices]
    rendered = to_srgb16(colour) if deep else to_srgb8(colour)
    # Bytes that nothing covers stay the background's own, whatever rounding there is on the way.
    return np.where(opacity > 1e-4, rendered, base[tile.slices])


def _straight(colour: F32, opacity: F32, deep: bool) -> AnyArray:
    straight = (colour / np.maximum(opacity, np.float32(1e-6))).astype(np.float32, copy=False)
    if deep:
        return np.concatenate([to_srgb16(straight), np.rint(opacity * 65535).astype(np.uint16)], axis=2)
    return np.concatenate([to_srgb8(straight), np.rint(opacity * 255).astype(np.uint8)], axis=2)


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    for y in range(0, size[1], _TILE):
        for x in range(0, size[0], _TILE):
            yield Box(x, y, min(x + _TILE, size[0]), min(y + _TILE, size[1]))


def scene_layers(scene: Scene, view: View | None = None, *, progress: Progress | None = None) -> tuple[list[Layer], U8]:
    """Return the scene as layers, back to front (background, then each look's shadow and the look), and merged.

    Layers are 8-bit straight alpha, cropped to what they show.
    """
    view = view or View.whole(scene)
    progress = progress or Progress.silent()
    merged = _to_8_bit(render_scene(scene, view, progress=progress.part(0.0, 0.5)))
    layers = []
    if scene.background is not None or scene.fill is not None:
        base = _to_8_bit(_background(scene, view, deep=False))
        layers.append(Layer("Background", np.dstack([base, np.full(base.shape[:2], 255, np.uint8)])))
    prepared = prepare(scene, view)
    for index, (look, placed) in enumerate(zip(prepared, scene.ordered, strict=True)):
        progress.report(0.5 + 0.5 * index / len(prepared), "compose")
        name = placed.name or f"Look {index + 1}"
        if look.shadow is not None:
            layers += _cropped(f"{name} – shadow", _draw_alone(look, view, shadow=True))
        layers += _cropped(name, _draw_alone(look, view, shadow=False))
    return layers, merged


def _draw_alone(look: PreparedLook, view: View, *, shadow: bool) -> U8:
    """Render one look, or its shadow, on nothing."""
    out = np.zeros((view.size[1], view.size[0], 4), np.uint8)
    to_background = invert(view.matrix)
    for tile in _tiles(view.size):
        if shadow and look.shadow is not None:
            darkness = look.shadow.sample(tile, to_background)
            out[tile.slices][..., 3] = np.rint(darkness * 255)
        elif not shadow:
            layer = look.draw(tile)
            if layer is not None:
                out[tile.slices] = _straight(layer[..., :3], layer[..., 3:], deep=False)
    return out


def _cropped(name: str, pixels: U8) -> list[Layer]:
    seen = pixels[..., 3] > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size == 0:
        return []
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return [Layer(name, pixels[y0:y1, x0:x1].copy(), x0, y0)]


def _to_8_bit(pixels: AnyArray) -> U8:
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels.astype(np.uint8, copy=False)
