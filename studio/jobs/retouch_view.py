"""What a retouching canvas shows: the visible part of photo and mask at screen resolution, patched box by box.

Everything that is static while a stroke is drawn (the photo on the screen, tinted, faded, on black) is sampled once a
view; an event then costs what the changed box costs on the screen. cv2 is loaded with the first layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import numpy as np

from studio.domain.arrays import F32, F64, U8, AnyArray
from studio.domain.geometry import Box

Rgb = tuple[int, int, int]

_FLOOR = 512
"""Pictures are halved while their smaller side stays above this."""
_CRISP_ZOOM = 3.0
"""From this zoom on, pixels are shown as squares."""
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class ViewMode(StrEnum):
    """How a layer is shown over its photo, in the order that F cycles through."""

    OVERLAY = "overlay"
    ONION = "onion"
    BLACK = "black"
    WHITE = "white"
    MASK = "mask"


@dataclass(frozen=True, slots=True)
class Show:
    """What the operator chose: the mode, whether the layer is shown at all, how strongly, in which colours."""

    mode: ViewMode = ViewMode.OVERLAY
    is_on: bool = True
    opacity: float = 0.5
    canvas: Rgb = (128, 128, 128)
    tint: Rgb = (220, 50, 47)
    label: int = 0


@dataclass(frozen=True, slots=True)
class Lens:
    """Where the picture lies on the screen: screen = picture x scale + (x, y), in device pixels; size of the screen."""

    scale: float
    x: float
    y: float
    width: int
    height: int

    def on_screen(self, box: Box, margin: int = 2) -> Box:
        """Return the device pixels that a box of picture pixels touches, clipped to the screen."""
        found = Box(
            int(np.floor(box.x0 * self.scale + self.x)) - margin,
            int(np.floor(box.y0 * self.scale + self.y)) - margin,
            int(np.ceil(box.x1 * self.scale + self.x)) + margin,
            int(np.ceil(box.y1 * self.scale + self.y)) + margin,
        )
        return Box(
            min(max(found.x0, 0), self.width),
            min(max(found.y0, 0), self.height),
            min(max(found.x1, 0), self.width),
            min(max(found.y1, 0), self.height),
        )


class Levels:
    """A picture or mask with its halves; the halves follow a changed box."""

    def __init__(self, pixels: U8) -> None:
        self.levels: list[U8] = [pixels]
        while min(self.levels[-1].shape[:2]) >= 2 * _FLOOR:
            self.levels.append(_halved(self.levels[-1]))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the full picture."""
        return self.levels[0].shape[1], self.levels[0].shape[0]

    def refresh(self, box: Box) -> None:
        """Bring the halves up to date where level 0 changed."""
        import cv2

        for above, below in zip(self.levels, self.levels[1:], strict=False):
            height, width = below.shape[:2]
            box = Box(box.x0 // 2, box.y0 // 2, min((box.x1 + 1) // 2, width), min((box.y1 + 1) // 2, height))
            if box.width <= 0 or box.height <= 0:
                return
            source = above[2 * box.y0 : 2 * box.y1, 2 * box.x0 : 2 * box.x1]
            below[box.slices] = cv2.resize(source, (box.width, box.height), interpolation=cv2.INTER_AREA)

    def sample(self, lens: Lens, place: Box) -> U8:
        """Return the picture as it lies in a box of the screen; outside of the picture its border is repeated."""
        number = 0
        while number + 1 < len(self.levels) and lens.scale * 2 ** (number + 1) <= 1.0:
            number += 1
        matrix = _matrix(lens, place, 0.5**number)
        return _warp(self.levels[number], matrix, place, crisp=lens.scale >= _CRISP_ZOOM)


def _warp(source: U8, matrix: F64, place: Box, *, crisp: bool) -> U8:
    """Return `source` sampled through a screen-to-picture matrix, the size of `place`."""
    import cv2

    flags = (cv2.INTER_NEAREST if crisp else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    size = (place.width, place.height)
    warped: U8 = cv2.warpAffine(source, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return warped


def _matrix(lens: Lens, place: Box, shrunk: float) -> F64:
    """Screen pixel centres of a box to pixel centres of a level."""
    step = shrunk / lens.scale
    dx = (place.x0 + 0.5 - lens.x) * step - 0.5
    dy = (place.y0 + 0.5 - lens.y) * step - 0.5
    return np.array([[step, 0.0, dx], [0.0, step, dy]])


def _nearest(labels: U8, lens: Lens, place: Box) -> U8:
    """Return the label under the middle of each screen pixel; the same for a pixel whichever box it is asked in."""
    height, width = labels.shape
    columns = np.floor((np.arange(place.x0, place.x1) + 0.5 - lens.x) / lens.scale).astype(np.int64)
    rows = np.floor((np.arange(place.y0, place.y1) + 0.5 - lens.y) / lens.scale).astype(np.int64)
    shown: U8 = labels.take(rows.clip(0, height - 1), 0).take(columns.clip(0, width - 1), 1)
    return shown


def _halved(pixels: U8) -> U8:
    import cv2

    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: 2 * height, : 2 * width]
    half: U8 = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    return half


class Overlay(Protocol):
    """Mixes a layer into the screen: what is static for a view, then box by box."""

    def prepare(self, lens: Lens, show: Show) -> None: ...

    def mix(self, lens: Lens, show: Show, place: Box) -> U8: ...

    def refresh(self, box: Box) -> None: ...


class Screen:
    """The canvas's pixels, uint8 `(h, w, 4)` RGBX, kept up to date for a lens, a way of showing, and a layer."""

    def __init__(self, overlay: Overlay, size: tuple[int, int]) -> None:
        self.overlay = overlay
        self.size = size
        self.lens = Lens(1.0, 0.0, 0.0, 1, 1)
        self.show = Show()
        self.pixels: U8 = np.zeros((1, 1, 4), np.uint8)

    def look(self, lens: Lens, show: Show) -> None:
        """Show another part or in another way: everything is composed again."""
        if (lens.height, lens.width) != self.pixels.shape[:2]:
            self.pixels = np.zeros((lens.height, lens.width, 4), np.uint8)
        self.lens, self.show = lens, show
        self.overlay.prepare(lens, show)
        self._compose(Box(0, 0, lens.width, lens.height))

    def update(self, box: Box) -> Box:
        """Compose again where a box of the layer changed; return the box of the screen to repaint."""
        self.overlay.refresh(box)
        place = self.lens.on_screen(box)
        if place.width > 0 and place.height > 0:
            self._compose(place)
        return place

    def _compose(self, place: Box) -> None:
        self.pixels[place.slices] = self.overlay.mix(self.lens, self.show, place)
        self._clear_outside(place)

    def _clear_outside(self, place: Box) -> None:
        """Paint the canvas's own colour where the picture does not reach."""
        picture = self.lens.on_screen(Box(0, 0, *self.size), margin=0)
        ground = (*self.show.canvas, 255)
        rows = self.pixels[place.y0 : place.y1]
        if place.x0 < picture.x0:
            rows[:, place.x0 : min(picture.x0, place.x1)] = ground
        if place.x1 > picture.x1:
            rows[:, max(picture.x1, place.x0) : place.x1] = ground
        columns = self.pixels[:, place.x0 : place.x1]
        if place.y0 < picture.y0:
            columns[place.y0 : min(picture.y0, place.y1)] = ground
        if place.y1 > picture.y1:
            columns[max(picture.y1, place.y0) : place.y1] = ground


class MaskOverlay:
    """A soft mask between two pictures: what shows where it is full, and what where it is empty.

    within: shown where the mask is full; without: where it is empty; clean: `within` as it goes onto another ground
    (without the old backdrop's colour at soft edges). tints_inside: the tint lies on the mask itself, not on the rest.
    """

    def __init__(self, mask: U8, within: Levels, without: Levels, clean: Levels, *, tints_inside: bool = False) -> None:
        self.mask = Levels(mask)
        self._within, self._without, self._clean = within, without, clean
        self._tints_inside = tints_inside
        self._full: U8 = np.zeros((1, 1, 4), np.uint8)
        self._empty: U8 = self._full

    def refresh(self, box: Box) -> None:
        self.mask.refresh(box)

    def refresh_clean(self, box: Box) -> None:
        """Follow a change of the clean colours."""
        self._clean.refresh(box)

    def prepare(self, lens: Lens, show: Show) -> None:
        place = Box(0, 0, lens.width, lens.height)
        if not show.is_on:
            self._full = _with_alpha(self._within.sample(lens, place))
            self._empty = self._full if self._without is self._within else self._sampled(self._without, lens, place)
            return
        if show.mode is ViewMode.MASK:
            self._full, self._empty = _flat(lens, _WHITE), _flat(lens, _BLACK)
        elif show.mode in (ViewMode.BLACK, ViewMode.WHITE):
            self._full = self._sampled(self._clean, lens, place)
            self._empty = _flat(lens, _WHITE if show.mode is ViewMode.WHITE else _BLACK)
        else:
            self._full = self._sampled(self._within, lens, place)
            shared = self._without is self._within
            self._empty = self._full if shared else self._sampled(self._without, lens, place)
            self._colour(show)

    def _colour(self, show: Show) -> None:
        if show.mode is ViewMode.ONION:
            self._empty = _toward(self._empty, show.canvas, 1.0 - 0.6 * show.opacity)
        elif self._tints_inside:
            self._full = _toward(self._full, show.tint, 0.7 * show.opacity)
        else:
            self._empty = _toward(self._empty, show.tint, show.opacity)

    def _sampled(self, levels: Levels, lens: Lens, place: Box) -> U8:
        return _with_alpha(levels.sample(lens, place))

    def mix(self, lens: Lens, show: Show, place: Box) -> U8:
        if not show.is_on and self._full is self._empty:
            return self._full[place.slices]
        weight = _share(self.mask.sample(lens, place))
        return _blend(self._full[place.slices], self._empty[place.slices], weight)


class LabelOverlay:
    """A map of labels in their colours over a photo."""

    def __init__(self, labels: U8, photo: Levels, palette: U8) -> None:
        self.labels = labels
        self._photo = photo
        colours = np.full((256, 4), 255, np.uint8)
        colours[: len(palette), :3] = palette
        self._colours = colours
        self._ground: U8 = np.zeros((1, 1, 4), np.uint8)
        self._weights: F32 = np.zeros(256, np.float32)

    def refresh(self, box: Box) -> None:
        """Nothing: labels are sampled from the full map."""
        del box

    def prepare(self, lens: Lens, show: Show) -> None:
        place = Box(0, 0, lens.width, lens.height)
        photo = _with_alpha(self._photo.sample(lens, place))
        weights = np.full(256, show.opacity, np.float32)
        weights[0] = 0.0
        if not show.is_on:
            weights[:] = 0.0
        elif show.mode is ViewMode.ONION:  # the chosen label alone
            weights[:] = 0.0
            weights[show.label] = max(show.opacity, 0.35)
        elif show.mode is not ViewMode.OVERLAY:
            weights[:] = 1.0
        self._weights = weights
        self._ground = photo

    def mix(self, lens: Lens, show: Show, place: Box) -> U8:
        photo = self._ground[place.slices]
        if not show.is_on:
            return photo
        labels = _nearest(self.labels, lens, place)
        if show.mode in (ViewMode.BLACK, ViewMode.WHITE):
            ground = _WHITE if show.mode is ViewMode.WHITE else _BLACK
            return _blend(photo, _flat(replace(lens, width=place.width, height=place.height), ground), _seen(labels))
        coloured: U8 = self._colours.view(np.uint32)[:, 0][labels].view(np.uint8).reshape(*labels.shape, 4)
        return _blend(coloured, photo, self._weights[labels])


class PlainOverlay:
    """A photo and nothing else: what lies under points, which the canvas draws itself."""

    def __init__(self, photo: Levels) -> None:
        self._photo = photo
        self._shown: U8 = np.zeros((1, 1, 4), np.uint8)

    def refresh(self, box: Box) -> None:
        """Nothing changes."""
        del box

    def prepare(self, lens: Lens, show: Show) -> None:
        shown = _with_alpha(self._photo.sample(lens, Box(0, 0, lens.width, lens.height)))
        ground = {ViewMode.BLACK: _BLACK, ViewMode.WHITE: _WHITE, ViewMode.ONION: show.canvas}.get(show.mode)
        if show.mode is ViewMode.MASK:
            shown = _flat(lens, show.canvas)
        elif ground is not None and show.is_on:
            shown = _toward(shown, ground, 0.3 + 0.5 * show.opacity)
        self._shown = shown

    def mix(self, lens: Lens, show: Show, place: Box) -> U8:
        return self._shown[place.slices]


def _with_alpha(rgb: U8) -> U8:
    import cv2

    made: U8 = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return made


def _flat(lens: Lens, colour: Rgb) -> U8:
    return np.full((lens.height, lens.width, 4), (*colour, 255), np.uint8)


def _toward(pixels: U8, colour: Rgb, share: float) -> U8:
    import cv2

    flat = np.full_like(pixels, (*colour, 255))
    mixed: U8 = cv2.addWeighted(pixels, 1.0 - share, flat, share, 0.0)
    return mixed


def _share(mask: U8) -> F32:
    import cv2

    share: F32 = cv2.multiply(mask, np.ones(1), scale=1.0 / 255.0, dtype=cv2.CV_32F)
    return share


def _seen(labels: U8) -> F32:
    return (labels > 0).astype(np.float32)


def _blend(full: AnyArray, empty: AnyArray, weight: F32) -> U8:
    import cv2

    mixed: U8 = cv2.blendLinear(full, empty, weight, 1.0 - weight)
    return mixed
