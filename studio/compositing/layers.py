"""A look made ready for rendering: graded linear light, premultiplied, at whatever tile the renderer asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from studio.compositing.harmonise import Grading, plan_grading, protect
from studio.compositing.light import to_linear, to_srgb8
from studio.compositing.placement import Stand, chain, measure_stand, placement_matrix, settle
from studio.compositing.resample import Resampler
from studio.compositing.shadow import ShadowMap, cast_shadows
from studio.domain.arrays import F32, F64, U8, U16
from studio.domain.artefacts import Cutout, Look, Photo
from studio.domain.geometry import Box, Placement
from studio.domain.keys import Note
from studio.media.colour_difference import delta_e2000, to_lab

_GREATEST_REDUCTION = 8


@dataclass(frozen=True, slots=True, eq=False)
class PreparedLook:
    """One look of a scene with all that does not change from tile to tile."""

    look: Look
    placement: Placement
    stand: Stand
    resampler: Resampler
    shadow: ShadowMap | None
    grading: Grading
    kept: U8 | None
    box: Box
    notes: tuple[Note, ...]

    def draw(self, tile: Box) -> F32 | None:
        """Return the tile's premultiplied linear RGBA, float32 `(h, w, 4)`; None where the look does not reach."""
        if tile.x0 >= self.box.x1 or tile.x1 <= self.box.x0 or tile.y0 >= self.box.y1 or tile.y1 <= self.box.y0:
            return None
        source_box = self.resampler.source_box(tile)
        if source_box is None:
            return None
        layer = self.resampler.resample(self._premultiplied(source_box), source_box, tile)
        opacity = np.clip(layer[..., 3:], 0.0, 1.0)
        colour = np.clip(layer[..., :3], 0.0, opacity)  # cubic overshoot must not glow
        return np.concatenate([colour, opacity], axis=2) * np.float32(self.placement.opacity)

    def _premultiplied(self, box: Box) -> F32:
        alpha = self.look.cutout.alpha[box.slices]
        colour = to_linear(self._pixels(box, alpha))
        if not self.grading.is_neutral:
            graded = self.grading.apply(colour)
            if self.kept is not None:
                keep = self.kept[box.slices][..., None].astype(np.float32) / np.float32(255)
                graded = graded * (1 - keep) + colour * keep
            colour = graded
        premultiplied: F32 = np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=2)
        return premultiplied

    def _pixels(self, box: Box, alpha: F32) -> U8 | U16:
        clean = self.look.cutout.foreground[box.slices]
        if self.look.pixels.dtype == np.uint8:
            return clean
        deep = self.look.pixels[box.slices]
        solid = (alpha >= 1.0)[..., None]
        return np.where(solid, deep, clean.astype(np.uint16) * np.uint16(257)).astype(np.uint16)


def prepare_look(
    look: Look, placement: Placement, background: Photo | None, size: tuple[int, int], view: F64
) -> PreparedLook:
    """Measure, settle and plan one look.

    Args:
        background: what it stands on, for harmonisation.
        size: (width, height) of the background.
        view: `(2, 3)`, background pixels -> output pixels.
    """
    stand = measure_stand(look.cutout.alpha)
    settled = settle(stand, placement)
    placement = settled.placement
    matrix = chain(view, placement_matrix(stand, placement, size))
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if scale * _GREATEST_REDUCTION < 1.0:
        reduced = proxy_look(look, max(1, round(max(stand.size) * scale * 2)))
        return prepare_look(reduced, placement, background, size, view)
    foreground, alpha, garment = look.cutout.foreground, look.cutout.alpha, look.garment_mask
    pixels = None if background is None else background.rgb8
    grading = plan_grading(pixels, foreground, alpha, garment, stand, placement)
    keeps = not grading.is_neutral and not placement.grade.include_garment
    kept = np.rint(protect(garment) * 255).astype(np.uint8) if keeps else None
    shadow = cast_shadows(alpha, stand, placement, size)
    resampler = Resampler.plan(matrix, stand.size)
    box = _output_box(alpha, resampler.matrix)
    return PreparedLook(look, placement, stand, resampler, shadow, grading, kept, box, settled.notes)


def _output_box(alpha: F32, matrix: F64) -> Box:
    seen = alpha > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    corners = np.array([(x, y) for x in (columns[0], columns[-1]) for y in (rows[0], rows[-1])], np.float64)
    mapped = corners @ matrix[:, :2].T + matrix[:, 2]
    low, high = np.floor(mapped.min(axis=0)).astype(int) - 3, np.ceil(mapped.max(axis=0)).astype(int) + 4
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


@dataclass(frozen=True, slots=True)
class GradeReport:
    """How far harmonisation moved colours, CIEDE2000: mean over the person and over the garment, and its worst."""

    person: float
    garment: float
    garment_worst: float


def report_grade(prepared: PreparedLook) -> GradeReport:
    """Compare a look's colours before and after grading, at a reduced size."""
    look = prepared.look
    step = max(1, max(look.edit_mask.shape) // 512)
    box = Box(0, 0, look.edit_mask.shape[1], look.edit_mask.shape[0])
    alpha = look.cutout.alpha[::step, ::step]
    before = look.cutout.foreground[::step, ::step]
    linear = to_linear(before)
    graded = prepared.grading.apply(linear)
    if prepared.kept is not None:
        keep = prepared.kept[box.slices][::step, ::step][..., None].astype(np.float32) / np.float32(255)
        graded = graded * (1 - keep) + linear * keep
    moved = delta_e2000(to_lab(before).astype(np.float64), to_lab(to_srgb8(graded)).astype(np.float64))
    worn = (look.garment_mask[::step, ::step] > 127) & (alpha > 0.5)
    person = (alpha > 0.5) & ~worn
    on_garment = moved[worn] if worn.any() else np.zeros(1)
    on_person = moved[person] if person.any() else np.zeros(1)
    return GradeReport(float(on_person.mean()), float(on_garment.mean()), float(on_garment.max()))


def proxy_look(look: Look, longest: int) -> Look:
    """Return the look reduced for the canvas; placements hold for it unchanged, for they know no pixels."""
    height, width = look.edit_mask.shape
    scale = longest / max(height, width)
    if scale >= 1.0:
        return look
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    alpha = cv2.resize(look.cutout.alpha, size, interpolation=cv2.INTER_AREA)
    clean = _reduce_premultiplied(look.cutout.foreground, look.cutout.alpha, size)
    return Look(
        pixels=cv2.resize(look.pixels, size, interpolation=cv2.INTER_AREA),
        edit_mask=cv2.resize(look.edit_mask, size, interpolation=cv2.INTER_AREA),
        garment_mask=cv2.resize(look.garment_mask, size, interpolation=cv2.INTER_AREA),
        cutout=Cutout(alpha, clean),
        confidence=look.confidence,
        engine=look.engine,
    )


def proxy_photo(photo: Photo, longest: int) -> Photo:
    """Return the photo reduced for the canvas."""
    scale = longest / max(photo.size)
    if scale >= 1.0:
        return photo
    size = (max(1, round(photo.size[0] * scale)), max(1, round(photo.size[1] * scale)))
    return Photo(cv2.resize(photo.rgb8, size, interpolation=cv2.INTER_AREA), photo.source_sha256, photo.name)


_BAND_ROWS = 1024


def _reduce_premultiplied(colours: U8, alpha: F32, size: tuple[int, int]) -> U8:
    """Shrink colours weighted by alpha in linear light, so that neither background nor gamma darkens edges."""
    height = colours.shape[0]
    # Reduced in two steps, the first by whole pixels and band by band: a 24-megapixel float picture never exists.
    step = max(1, min(colours.shape[1] // size[0], height // size[1]))
    bands = []
    rows = max(step, _BAND_ROWS // step * step)
    for top in range(0, height, rows):
        opacity = alpha[top : top + rows, :, None] + np.float32(1e-3)
        band = np.concatenate([to_linear(colours[top : top + rows]) * opacity, opacity], axis=2)
        part = (max(1, band.shape[1] // step), max(1, band.shape[0] // step))
        bands.append(cv2.resize(band, part, interpolation=cv2.INTER_AREA))
    small = cv2.resize(np.vstack(bands), size, interpolation=cv2.INTER_AREA)
    return to_srgb8(small[..., :3] / small[..., 3:])
