"""Hand corrections of masks: strokes, wand and whole-mask operations on a cutout's alpha or on any uint8 mask.

Pure functions of mask, photo and edits. Foreground colours are estimated again only near changed alpha.
The window paints with `matting.brush.StrokePainter` and gets the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from studio.domain.arrays import F32, U8, AnyArray, Bool
from studio.domain.artefacts import Artefact, Cutout, Photo, TryOn
from studio.domain.edits import Edit, MaskFill, MaskOp, MaskOpKind, MaskRegion, MaskStroke, StrokeMode
from studio.domain.errors import ArtefactError, PipelineError
from studio.domain.geometry import Box
from studio.pipeline.matting.alpha import solve_alpha
from studio.pipeline.matting.brush import region_coverage, stroke_coverage
from studio.pipeline.matting.foreground import estimate_foreground
from studio.pipeline.matting.trimap import BACKGROUND, FOREGROUND, UNKNOWN
from studio.pipeline.matting.wand import wand_region

MaskEdit = MaskStroke | MaskFill | MaskRegion | MaskOp
_MASK_EDITS = (MaskStroke, MaskFill, MaskRegion, MaskOp)

_REFINE_MARGIN = 48
"""Known pixels around a refined stroke from which alpha is solved."""
_REFINE_SIDE = 1280
"""Longest side at which it is solved; longer strokes are solved at reduced size."""
_TILE = 512
_COLOUR_MARGIN = 48


def apply_mask_edits(artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> Artefact:
    """Return a cutout with its mask edits applied: what `pipeline.edits` calls for the edges stage.

    Raises:
        PipelineError: not a cutout, or an edit of another kind: a bug in the graph.
    """
    if not isinstance(artefact, Cutout):
        raise PipelineError("edit.stage", stage="edges")
    return edit_cutout(artefact, photo.rgb8, _mask_edits(edits))


def apply_edit_mask_edits(artefact: Artefact, edits: Sequence[Edit], photo: Photo) -> Artefact:
    """Return a try-on whose edit mask is corrected: where its patch replaces the photo.

    Nothing can be added outside the patch, for there are no pixels to show.
    """
    if not isinstance(artefact, TryOn):
        raise PipelineError("edit.stage", stage="tryon")
    patch = artefact.patch
    local = [_moved(edit, -patch.x, -patch.y) for edit in _mask_edits(edits)]
    alpha = edit_mask(patch.alpha, photo.rgb8[patch.box.slices], local)
    return dataclasses.replace(artefact, patch=dataclasses.replace(patch, alpha=alpha))


def _mask_edits(edits: Sequence[Edit]) -> list[MaskEdit]:
    chosen = [edit for edit in edits if isinstance(edit, _MASK_EDITS)]
    if len(chosen) != len(edits):
        raise PipelineError("edit.stage", stage="edges")
    return chosen


def _moved(edit: MaskEdit, dx: float, dy: float) -> MaskEdit:
    match edit:
        case MaskStroke():
            return dataclasses.replace(edit, points=tuple((x + dx, y + dy) for x, y in edit.points))
        case MaskFill():
            return dataclasses.replace(edit, x=edit.x + dx, y=edit.y + dy)
        case MaskRegion():
            rings = tuple(tuple((x + dx, y + dy) for x, y in ring) for ring in edit.rings)
            return dataclasses.replace(edit, rings=rings)
        case MaskOp():
            return edit


def edit_cutout(cutout: Cutout, rgb: U8, edits: Sequence[MaskEdit]) -> Cutout:
    """Return the cutout with edits applied in order; the same object where nothing changed.

    Args:
        rgb: the photo, sRGB uint8, at the cutout's size.
    """
    alpha = edit_mask(cutout.alpha, rgb, edits)
    changed = alpha != cutout.alpha
    if not changed.any():
        return cutout
    return Cutout(alpha, _recolour(rgb, alpha, cutout.foreground, changed))


def edit_mask(mask: F32, rgb: U8, edits: Sequence[MaskEdit]) -> F32:
    """Return a float32 mask in [0, 1] with edits applied in order; the input is left alone."""
    result = mask.copy()
    for edit in edits:
        match edit:
            case MaskStroke():
                _apply_stroke(result, rgb, edit)
            case MaskFill():
                found = wand_region(rgb, edit.x, edit.y, edit.tolerance)
                if found is not None:
                    _blend(result, found[0], found[1], edit.mode, 1.0)
            case MaskRegion():
                inside = region_coverage(edit, (result.shape[1], result.shape[0]))
                if inside is not None:
                    _blend(result, inside[0], inside[1], edit.mode, edit.opacity)
            case MaskOp():
                result = apply_operation(result, edit.kind, edit.amount)
    return result


def edit_mask8(mask: U8, rgb: U8, edits: Sequence[MaskEdit]) -> U8:
    """Return a uint8 mask with edits applied in order."""
    edited = edit_mask(mask.astype(np.float32) / np.float32(255), rgb, edits)
    rounded: U8 = np.rint(edited * 255).astype(np.uint8)
    return rounded


def _apply_stroke(mask: F32, rgb: U8, stroke: MaskStroke) -> None:
    found = stroke_coverage(stroke, (mask.shape[1], mask.shape[0]))
    if found is None:
        return
    cover, box = found
    if stroke.mode is StrokeMode.REFINE:
        _refine(mask, rgb, cover, box, stroke.opacity)
    else:
        _blend(mask, cover, box, stroke.mode, stroke.opacity)


def _blend(mask: F32, cover: U8, box: Box, mode: StrokeMode, opacity: float) -> None:
    strength = cover.astype(np.float32) * np.float32(opacity / 255.0)
    part = mask[box.slices]
    goal = np.float32(1.0 if mode is StrokeMode.ADD else 0.0)
    part += (goal - part) * strength


def _refine(mask: F32, rgb: U8, cover: U8, box: Box, opacity: float) -> None:
    """Solve alpha again where the stroke covers; what lies around it is taken as known."""
    outer = box.grown(_REFINE_MARGIN, (mask.shape[1], mask.shape[0]))
    strength = np.zeros((outer.height, outer.width), np.float32)
    inner = Box(box.x0 - outer.x0, box.y0 - outer.y0, box.x1 - outer.x0, box.y1 - outer.y0)
    strength[inner.slices] = cover.astype(np.float32) * np.float32(opacity / 255.0)
    part = mask[outer.slices]
    scale = min(1.0, _REFINE_SIDE / max(part.shape))
    size = (max(8, round(outer.width * scale)), max(8, round(outer.height * scale)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    open_pixels = cv2.resize(strength, size, interpolation=cv2.INTER_AREA) > 0.02
    trimap = np.where(open_pixels, UNKNOWN, np.where(small >= 0.5, FOREGROUND, BACKGROUND)).astype(np.uint8)
    if not ((trimap == FOREGROUND).any() and (trimap == BACKGROUND).any()):
        return  # the stroke has only one side around it: there is nothing to tell apart
    photo = cv2.resize(rgb[outer.slices], size, interpolation=cv2.INTER_AREA)
    solved = solve_alpha(photo, small, trimap, None)
    solved = cv2.resize(solved, (outer.width, outer.height), interpolation=cv2.INTER_CUBIC)
    part += (np.clip(solved, 0.0, 1.0) - part) * strength


def apply_operation(mask: F32, kind: MaskOpKind, amount: float) -> F32:
    """Return a mask after an operation on the whole of it.

    Raises:
        ArtefactError: a negative amount.
    """
    if amount < 0:
        raise ArtefactError("edit.amount", kind=kind.value, got=str(amount))
    match kind:
        case MaskOpKind.GROW:
            return _move_contour(mask, amount, cv2.MORPH_DILATE)
        case MaskOpKind.SHRINK:
            return _move_contour(mask, amount, cv2.MORPH_ERODE)
        case MaskOpKind.SMOOTH:
            return _smooth(mask, amount)
        case MaskOpKind.FEATHER:
            return mask if amount == 0 else _as_f32(cv2.GaussianBlur(mask, (0, 0), max(amount / 2.0, 0.3)))
        case MaskOpKind.FILL_HOLES:
            return _fill_holes(mask)
        case MaskOpKind.INVERT:
            return _as_f32(1.0 - mask)


def _as_f32(values: AnyArray) -> F32:
    return values.astype(np.float32, copy=False)


def _move_contour(mask: F32, amount: float, operation: int) -> F32:
    """Move the contour by `amount` pixels; soft edges stay as soft as they were.

    A disc is approached by squares and crosses in turn, which is fast at any radius; a fraction of a pixel is a blend.
    """
    kernels = (
        cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)),
        np.ones((3, 3), np.uint8),
        cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)),
    )
    moved = mask
    whole = int(amount)
    for step in range(whole):
        moved = cv2.morphologyEx(moved, operation, kernels[step % 3])
    rest = np.float32(amount - whole)
    if rest > 0:
        moved = moved + (cv2.morphologyEx(moved, operation, kernels[whole % 3]) - moved) * rest
    return _as_f32(moved)


def _smooth(mask: F32, amount: float) -> F32:
    """Round off what is smaller than `amount` in the contour, then restore the edge's steepness."""
    if amount == 0:
        return mask
    sigma = max(amount / 2.0, 0.3)
    blurred = cv2.GaussianBlur(mask, (0, 0), sigma)
    return _as_f32(np.clip((blurred - 0.5) * np.float32(1.0 + 2.0 * sigma) + 0.5, 0.0, 1.0))


def _fill_holes(mask: F32) -> F32:
    open_pixels = (mask < 0.5).astype(np.uint8)
    _, labels = cv2.connectedComponents(open_pixels, connectivity=4)
    outside = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    hole = (labels > 0) & ~np.isin(labels, outside)
    rim = cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return np.where(hole | (rim & (mask > 0)), np.float32(1.0), mask)


def _recolour(rgb: U8, alpha: F32, foreground: U8, changed: Bool) -> U8:
    """Return foreground colours for the new alpha, estimated again in the tiles that changed."""
    size = (alpha.shape[1], alpha.shape[0])
    result = foreground.copy()
    for box in _tiles(size):
        part = changed[box.slices]
        if not part.any():
            continue
        near = cv2.dilate(part.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        outer = box.grown(_COLOUR_MARGIN, size)
        tile = rgb[outer.slices].astype(np.float32) / np.float32(255)
        clean = estimate_foreground(tile, alpha[outer.slices])
        inner = (slice(box.y0 - outer.y0, box.y1 - outer.y0), slice(box.x0 - outer.x0, box.x1 - outer.x0))
        fresh = np.rint(clean[inner] * 255).astype(np.uint8)
        np.copyto(result[box.slices], fresh, where=near[..., None])
    return result


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    for y in range(0, size[1], _TILE):
        for x in range(0, size[0], _TILE):
            yield Box(x, y, min(x + _TILE, size[0]), min(y + _TILE, size[1]))
