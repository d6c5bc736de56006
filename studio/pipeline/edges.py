"""The edges stage: correct the contour of a coarse cutout so that it carries nothing of the old background.

Alpha is solved in an adaptive band at a working size, carried to native pixels tile by tile, and the foreground's own
colours are estimated wherever alpha is partial (design.md section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from studio.domain.arrays import F32, U8
from studio.domain.artefacts import Cutout, Photo, PhotoRole
from studio.domain.errors import MattingError
from studio.domain.geometry import Box
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.pipeline.garments.purge import purge_backdrop
from studio.pipeline.matting.alpha import LocalModel, fit_local_model, solve_alpha
from studio.pipeline.matting.backdrop import fit_backdrop
from studio.pipeline.matting.closed_form import refine_closed_form
from studio.pipeline.matting.colours import spread_colours
from studio.pipeline.matting.foreground import estimate_foreground, refine_foreground
from studio.pipeline.matting.tiles import inside, open_boxes
from studio.pipeline.matting.trimap import UNKNOWN, make_trimap
from studio.pipeline.stage import Inputs, ModelProvider, StageContext

_WORK_SIDE = 1280
"""Longest side at which alpha is solved; larger photos are refined from there, tile by tile."""
_TILE = 320
_RADII = (5,)
"""Blur of the colour estimation at native size; the wider ones were done at the working size."""
_MARGIN = 6
"""Overlap of native tiles: the reach of that blur."""
_AROUND = 24
"""Known pixels around the band that say what both sides look like."""


@dataclass(frozen=True, slots=True)
class EdgesParams:
    """role: a garment's inside is opaque and its outline a smooth curve where the matte sees none.

    band: scales the unknown band's width, 1 = automatic. decontaminate: estimate clean foreground colours.
    """

    band: float = 1.0
    decontaminate: bool = True
    role: PhotoRole = PhotoRole.MODEL


@dataclass(frozen=True, slots=True)
class ContourEdges:
    """Alpha in the band by our own closed-form solver: the embedded default."""

    name: ClassVar[str] = "edges"
    implementation: ClassVar[str] = "contour"
    version: ClassVar[int] = 7
    params_type: ClassVar[type[EdgesParams]] = EdgesParams
    inputs: ClassVar[tuple[str, ...]] = ("photo", "cutout")
    output: ClassVar[type[Cutout]] = Cutout

    def models(self, params: EdgesParams, provider: ModelProvider) -> tuple[str, ...]:
        """Return no models: this is mathematics."""
        return ()

    def unavailable(self, provider: ModelProvider) -> Note | None:
        """Return None: always available."""
        return None

    def run(self, inputs: Inputs, params: EdgesParams, ctx: StageContext) -> Cutout:
        """Return the cutout with its contour corrected."""
        photo, coarse = inputs.take("photo", Photo), inputs.take("cutout", Cutout)
        return _finish(photo.rgb8, correct_contour(photo.rgb8, coarse.alpha, params, ctx.progress), params)


@dataclass(frozen=True, slots=True)
class ClosedFormEdges(ContourEdges):
    """The same contour, solved again by pymatting's closed form at twice the working size: slower, finer hair."""

    implementation: ClassVar[str] = "closed_form"

    def run(self, inputs: Inputs, params: EdgesParams, ctx: StageContext) -> Cutout:
        """Return the cutout with its contour corrected."""
        photo, coarse = inputs.take("photo", Photo), inputs.take("cutout", Cutout)
        solved = correct_contour(photo.rgb8, coarse.alpha, params, ctx.progress, finest=True)
        return _finish(photo.rgb8, solved, params)


def _finish(rgb: U8, solved: Cutout, params: EdgesParams) -> Cutout:
    return purge_backdrop(rgb, solved) if params.role == PhotoRole.GARMENT else solved


CONTOUR = ContourEdges()
CLOSED_FORM = ClosedFormEdges()


def correct_contour(rgb: U8, mask: F32, params: EdgesParams, progress: Progress, *, finest: bool = False) -> Cutout:
    """Return alpha and clean foreground colours at the photo's size from a coarse mask of the same size.

    `finest` solves at twice the working size and refines with pymatting's closed form.

    Raises:
        MattingError: the mask has no foreground.
    """
    if not (mask > 0.5).any():
        raise MattingError("edges.empty")
    progress.report(0.0, "edges")
    small, small_mask = _reduce(rgb, mask, _WORK_SIDE * (2 if finest else 1))
    backdrop = fit_backdrop(small, small_mask)
    trimap = make_trimap(small, small_mask, backdrop, band=params.band)
    progress.report(0.1, "edges")
    around = _around_band(trimap)
    alpha = (trimap > UNKNOWN).astype(np.float32)
    field = None if backdrop is None else backdrop.rgb(alpha.shape)
    near = around.slices
    alpha[near] = solve_alpha(small[near], small_mask[near], trimap[near], None if field is None else field[near])
    if finest:
        alpha = refine_closed_form(small, alpha, trimap, progress.part(0.2, 0.3))
    progress.report(0.5, "edges")
    image = small.astype(np.float32) / np.float32(255.0)
    fore = image
    if params.decontaminate:
        fore = estimate_foreground(image, alpha, field)
    progress.report(0.6, "edges")
    if small.shape == rgb.shape:
        return Cutout(alpha, _to_bytes(fore))
    return _carry_to_native(rgb, image, alpha, fore, params, progress.part(0.6, 0.4))


def _around_band(trimap: U8) -> Box:
    """Return the box of the pixels to be solved with known ones around it."""
    x, y, across, down = cv2.boundingRect((trimap == UNKNOWN).astype(np.uint8))
    return Box(x, y, x + across, y + down).grown(_AROUND, (trimap.shape[1], trimap.shape[0]))


def _reduce(rgb: U8, mask: F32, longest: int) -> tuple[U8, F32]:
    height, width = mask.shape
    scale = longest / max(height, width)
    if scale >= 1.0:
        return rgb, mask
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return (
        cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
        cv2.resize(mask, size, interpolation=cv2.INTER_AREA),
    )


def _carry_to_native(rgb: U8, image: F32, alpha: F32, fore: F32, params: EdgesParams, progress: Progress) -> Cutout:
    """Carry alpha and colours from the working size to the photo's, touching only what holds an edge."""
    size = (rgb.shape[1], rgb.shape[0])
    solver = _NativeSolver.prepare(image, alpha, fore)
    solid = cv2.resize((alpha >= 0.5).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    clean = cv2.resize(_to_bytes(fore), size, interpolation=cv2.INTER_LINEAR)
    clean = cv2.copyTo(rgb, solid, clean)
    native = solid.astype(np.float32)
    partial = cv2.dilate(((alpha > 0.0) & (alpha < 1.0)).astype(np.uint8), np.ones((7, 7), np.uint8))
    touched = cv2.resize(partial, size, interpolation=cv2.INTER_NEAREST) > 0
    boxes = list(open_boxes(touched, _TILE))
    for index, box in enumerate(boxes):
        progress.report(index / len(boxes), "edges")
        outer = box.grown(_MARGIN, size)
        part = _Part.cut(outer, size, alpha.shape)
        tile = rgb[outer.slices].astype(np.float32) * np.float32(1.0 / 255.0)
        solved = np.where(touched[outer.slices], solver.alpha(tile, part), native[outer.slices])
        inner = inside(box, outer)
        if params.decontaminate:
            clean[box.slices] = _to_bytes(solver.colours(tile, solved, part)[inner])
        native[box.slices] = solved[inner]
    return Cutout(native, clean)


@dataclass(frozen=True, slots=True, eq=False)
class _NativeSolver:
    """What the working size knows, ready to be carried to native tiles.

    bounds: alpha itself, its least and its greatest value around each pixel.
    """

    model: LocalModel
    bounds: F32
    fore: F32
    back: F32

    @classmethod
    def prepare(cls, image: F32, alpha: F32, fore: F32) -> _NativeSolver:
        window = np.ones((3, 3), np.uint8)
        bounds = cv2.merge([alpha, cv2.erode(alpha, window), cv2.dilate(alpha, window)])
        return cls(fit_local_model(image, alpha), bounds, fore, _background(image, alpha))

    def alpha(self, tile: F32, part: _Part) -> F32:
        """Apply the colour model, kept near the interpolated alpha so that noise cannot swing it."""
        smooth, low, high = cv2.split(part.resample(self.bounds))
        solved = np.minimum(np.maximum(self.model.apply(tile, part.matrix), low), high)
        solved[smooth > 0.998] = 1.0
        solved[smooth < 0.002] = 0.0
        stretched: F32 = (solved - np.float32(0.01)) * np.float32(1.0 / 0.98)
        return np.clip(stretched, np.float32(0.0), np.float32(1.0), out=stretched)

    def colours(self, tile: F32, alpha: F32, part: _Part) -> F32:
        """Return clean foreground colours of a tile."""
        return refine_foreground(tile, alpha, part.resample(self.fore), part.resample(self.back), radii=_RADII)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A native tile and where it lies in the working size. matrix: native tile pixel -> working pixel."""

    size: tuple[int, int]
    matrix: F32

    @classmethod
    def cut(cls, box: Box, native: tuple[int, int], work: tuple[int, ...]) -> _Part:
        sx, sy = work[1] / native[0], work[0] / native[1]
        rows = ((sx, 0.0, (box.x0 + 0.5) * sx - 0.5), (0.0, sy, (box.y0 + 0.5) * sy - 0.5))
        return cls((box.width, box.height), np.array(rows, np.float32))

    def resample(self, plane: F32, interpolation: int = cv2.INTER_LINEAR) -> F32:
        """Return the tile's pixels of a plane of the working size."""
        flags = interpolation | cv2.WARP_INVERSE_MAP
        moved: F32 = cv2.warpAffine(plane, self.matrix, self.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return moved


def _background(image: F32, alpha: F32) -> F32:
    return spread_colours(image, np.clip((0.1 - alpha) / 0.1, 0.0, 1.0) + np.float32(1e-4) * (1.0 - alpha))


def _to_bytes(image: F32) -> U8:
    # rounds half to even and clips, as np.rint would
    rounded: U8 = cv2.convertScaleAbs(image, alpha=255.0)
    return rounded
