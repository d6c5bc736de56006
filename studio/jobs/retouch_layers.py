"""The working state of one layer under correction: arrays that a brush may paint on, points that may be dragged.

Painting changes the working array in place inside the dirty box; everything slower (`compute`) returns a `Delta` that
the window's thread then applies. What is stored are the edits alone: `studio.pipeline.edits` gives the same result.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from studio.domain.arrays import U8
from studio.domain.artefacts import (
    COCO18,
    EXTRA_POINTS,
    Artefact,
    Cutout,
    Garment,
    ParseMap,
    Photo,
    Pose,
    TryOn,
    to_8_bit,
)
from studio.domain.edits import (
    Edit,
    KeypointMove,
    LandmarkMove,
    MaskFill,
    MaskOp,
    MaskRegion,
    MaskStroke,
    ParseStroke,
    StrokeMode,
    StrokeShape,
)
from studio.domain.errors import JobError
from studio.domain.geometry import Box
from studio.domain.labels import class_count, palette
from studio.jobs.retouch_view import LabelOverlay, Levels, MaskOverlay, Overlay, PlainOverlay
from studio.pipeline.edits import apply_edits

if TYPE_CHECKING:
    from studio.pipeline.matting.brush import StrokePainter

_REFINE_MARGIN = 64
"""Pixels around a refined stroke that its solution looks at."""

Stroke = MaskStroke | ParseStroke
MaskEdit = MaskStroke | MaskFill | MaskRegion | MaskOp
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """The pixels one edit changed; `box` locates them."""

    box: Box
    before: U8
    after: U8

    @classmethod
    def between(cls, box: Box, before: U8, after: U8) -> Delta | None:
        """Return what differs inside a box, cut down to it; None where nothing does."""
        different = before != after
        rows, columns = np.flatnonzero(different.any(axis=1)), np.flatnonzero(different.any(axis=0))
        if rows.size == 0:
            return None
        y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        part = np.s_[y0:y1, x0:x1]
        return cls(Box(box.x0 + x0, box.y0 + y0, box.x0 + x1, box.y0 + y1), before[part].copy(), after[part].copy())

    def apply(self, pixels: U8, *, forward: bool) -> Box:
        """Put the pixels of after or before into place; return their box."""
        pixels[self.box.slices] = self.after if forward else self.before
        return self.box


class WorkLayer(Protocol):
    """What every layer offers the session."""

    @property
    def photo(self) -> Photo: ...
    @property
    def overlay(self) -> Overlay: ...

    def rebuilt(self, edits: Sequence[Edit]) -> Artefact:
        """Return the layer's artefact with these edits, from the stage's own output. Slow."""
        ...

    def adopt(self, artefact: Artefact) -> Box:
        """Show an artefact that `rebuilt` gave; return the box that changed."""
        ...


class RasterLayer:
    """A layer of pixels with one stroke at a time under way."""

    def __init__(self, photo: Photo, base: Artefact, stage: str, pixels: U8, area: Box) -> None:
        self.photo = photo
        self.pixels = pixels
        self.area = area
        self._base = base
        self._stage = stage
        self._painter: StrokePainter | None = None
        self._dirty: Box | None = None
        self._preview: Delta | None = None
        self._previewing = threading.Lock()

    @property
    def is_painting(self) -> bool:
        return self._painter is not None

    def rebuilt(self, edits: Sequence[Edit]) -> Artefact:
        return apply_edits(self._stage, self._base, edits, self.photo) if edits else self._base

    def extend(self, x: float, y: float, pressure: float = 1.0) -> Box | None:
        """Draw the stroke on to a point of the photo; return the box that changed."""
        if self._painter is None:
            return None
        found = self._painter.extend(x - self.area.x0, y - self.area.y0, pressure)
        if found is None:
            return None
        dirty = _shifted(found, self.area.x0, self.area.y0)
        self._dirty = dirty if self._dirty is None else _joined(self._dirty, dirty)
        return dirty

    def cancel(self) -> Box | None:
        """Take the unfinished stroke back; return the box that changed."""
        dirty = self._dirty
        if self._painter is not None:
            self._painter.restore()
        self._painter, self._dirty = None, None
        return dirty

    def finish(self) -> Delta | None:
        """End the stroke; return what it changed."""
        painter, box = self._painter, self._dirty
        self._painter, self._dirty = None, None
        if painter is None or box is None:
            return None
        after = self.pixels[box.slices].copy()
        painter.restore()
        before = self.pixels[box.slices].copy()
        self.pixels[box.slices] = after
        return Delta.between(box, before, after)

    def show(self, delta: Delta, *, forward: bool) -> Box:
        """Apply what `compute` found, or take it back; return the box that changed."""
        return delta.apply(self.pixels, forward=forward)

    @property
    def preview(self) -> Delta | None:
        """What is shown but not taken."""
        return self._preview

    def show_preview(self, delta: Delta | None) -> list[Box]:
        """Show what an edit would do in place of what was previewed before; return the boxes that changed."""
        changed = []
        with self._previewing:
            if self._preview is not None:
                changed.append(self._preview.apply(self.pixels, forward=False))
            self._preview = delta
            if delta is not None:
                changed.append(delta.apply(self.pixels, forward=True))
        return changed

    def _snapshot(self, box: Box) -> U8:
        """Return a copy of the pixels in a box as they are without the preview; safe beside `show_preview`."""
        with self._previewing:
            copied = self.pixels[box.slices].copy()
            shown = self._preview
            if shown is not None:
                x0, y0 = max(box.x0, shown.box.x0), max(box.y0, shown.box.y0)
                x1, y1 = min(box.x1, shown.box.x1), min(box.y1, shown.box.y1)
                if x1 > x0 and y1 > y0:
                    part = shown.before[y0 - shown.box.y0 : y1 - shown.box.y0, x0 - shown.box.x0 : x1 - shown.box.x0]
                    copied[y0 - box.y0 : y1 - box.y0, x0 - box.x0 : x1 - box.x0] = part
        return copied

    def replace_pixels(self, pixels: U8) -> Box:
        """Show other pixels; return the box that holds them."""
        self.pixels[...] = pixels
        return Box(0, 0, self.pixels.shape[1], self.pixels.shape[0])

    @property
    def _work(self) -> U8:
        return self.pixels[self.area.slices]


class MaskLayer(RasterLayer):
    """A soft mask, 8 bit: the alpha of a cutout, or the edit mask of a look.

    area: the part of the photo that may be edited; nothing can be added outside it.
    """

    def __init__(self, photo: Photo, base: Artefact, stage: str) -> None:
        size = photo.pixels.shape[:2]
        area = base.patch.box if isinstance(base, TryOn) else Box(0, 0, size[1], size[0])
        super().__init__(photo, base, stage, np.zeros(size, np.uint8), area)
        self._rgb = np.ascontiguousarray(photo.rgb8[area.slices])
        within = Levels(photo.rgb8)
        if isinstance(base, TryOn):
            dressed = photo.rgb8.copy()
            dressed[area.slices] = _rgb8(base)
            self._clean = dressed
            worn = Levels(dressed)
            self.mask_overlay = MaskOverlay(self.pixels, worn, within, worn, tints_inside=True)
        else:
            self._clean = photo.rgb8.copy()
            self.mask_overlay = MaskOverlay(self.pixels, within, within, Levels(self._clean))

    @property
    def overlay(self) -> Overlay:
        return self.mask_overlay

    def adopt(self, artefact: Artefact) -> Box:
        alpha = artefact.patch.alpha if isinstance(artefact, TryOn) else _cutout(artefact).alpha
        self._work[...] = np.rint(alpha * 255).astype(np.uint8)
        whole = Box(0, 0, self.pixels.shape[1], self.pixels.shape[0])
        if isinstance(artefact, Cutout):
            self._clean[...] = artefact.foreground
            self.mask_overlay.refresh_clean(whole)
        self.mask_overlay.refresh(whole)
        return whole

    def begin(self, stroke: MaskStroke) -> None:
        """Start a brush stroke; its points come through `extend`."""
        from studio.pipeline.matting.brush import StrokePainter

        self._painter = StrokePainter(self._work, stroke.mode, stroke.radius, stroke.hardness, stroke.opacity)
        self._dirty = None

    def finish(self) -> Delta | None:
        delta = super().finish()
        if delta is not None:
            self._uncover(delta)
        return delta

    def compute(self, edit: Edit) -> Delta | None:
        """Return what an edit would change; nothing is changed yet. Slow for large masks: off the window's thread."""
        from studio.pipeline.edits_mask import edit_mask8
        from studio.pipeline.matting.brush import paint_stroke

        assert isinstance(edit, MaskEdit)
        box = self._reach(edit)
        if box is None:
            return None
        place = _shifted(box, self.area.x0, self.area.y0)
        before = self._snapshot(place)
        local = _moved(edit, -self.area.x0 - box.x0, -self.area.y0 - box.y0)
        if isinstance(local, MaskStroke) and local.mode is not StrokeMode.REFINE:
            after = before.copy()
            paint_stroke(after, local)
        else:
            after = edit_mask8(before, np.ascontiguousarray(self._rgb[box.slices]), [local])
        return Delta.between(place, before, after)

    def show(self, delta: Delta, *, forward: bool) -> Box:
        box = super().show(delta, forward=forward)
        if forward:
            self._uncover(delta)
        return box

    def _reach(self, edit: MaskEdit) -> Box | None:
        """The part of the area that an edit can touch; the whole of it where nobody can tell."""
        size = (self.area.width, self.area.height)
        if not isinstance(edit, MaskStroke | MaskRegion):
            return Box(0, 0, *size)
        is_brush = isinstance(edit, MaskStroke) and edit.shape is StrokeShape.BRUSH
        margin = _REFINE_MARGIN if edit.mode is StrokeMode.REFINE else 2
        radius = edit.radius if is_brush and isinstance(edit, MaskStroke) else 0.0
        points = edit.points if isinstance(edit, MaskStroke) else [at for ring in edit.rings for at in ring]
        xs, ys = [x - self.area.x0 for x, _ in points], [y - self.area.y0 for _, y in points]
        box = Box(int(min(xs)), int(min(ys)), int(max(xs)) + 1, int(max(ys)) + 1).grown(int(radius) + margin, size)
        return box if box.width > 0 and box.height > 0 else None

    def _uncover(self, delta: Delta) -> None:
        """Where the mask grew, the photo's own colour is the clean one until the edges are computed again."""
        if isinstance(self._base, TryOn):
            return
        grown = (delta.after > delta.before).view(np.uint8)
        if grown.any():
            import cv2

            target = np.ascontiguousarray(self._clean[delta.box.slices])
            cv2.copyTo(np.ascontiguousarray(self.photo.rgb8[delta.box.slices]), grown, target)
            self._clean[delta.box.slices] = target
            self.mask_overlay.refresh_clean(delta.box)


class ParseLayer(RasterLayer):
    """A map of labels."""

    def __init__(self, photo: Photo, base: Artefact, stage: str) -> None:
        if not isinstance(base, ParseMap):
            raise JobError("job.slot", slot="parse", known=type(base).__name__)
        height, width = base.labels.shape
        super().__init__(photo, base, stage, base.labels.copy(), Box(0, 0, width, height))
        self.scheme = base.scheme
        self.label_overlay = LabelOverlay(self.pixels, Levels(photo.rgb8), palette(base.scheme))
        self._classes = class_count(base.scheme)
        self._stroke: ParseStroke | None = None
        self._patches: list[tuple[Box, U8]] = []

    @property
    def overlay(self) -> Overlay:
        return self.label_overlay

    def adopt(self, artefact: Artefact) -> Box:
        assert isinstance(artefact, ParseMap)
        return self.replace_pixels(artefact.labels)

    @property
    def is_painting(self) -> bool:
        return self._stroke is not None

    def begin(self, stroke: ParseStroke) -> None:
        """Start a stroke of one label; locked labels stay as they are."""
        self._stroke = replace(stroke, points=())
        self._patches.clear()
        self._dirty = None

    def extend(self, x: float, y: float, pressure: float = 1.0) -> Box | None:
        del pressure  # labels have hard edges and one width
        from studio.pipeline.edits_body import paint_labels_into, stroke_box

        if self._stroke is None:
            return None
        segment = replace(self._stroke, points=(*self._stroke.points[-1:], (x, y)))
        self._stroke = replace(self._stroke, points=((x, y),))
        box = stroke_box(segment.points, segment.radius, segment.shape, (self.area.width, self.area.height))
        if box is None:
            return None
        self._patches.append((box, self.pixels[box.slices].copy()))
        paint_labels_into(self.pixels, segment, self._classes, self.scheme.value)
        self._dirty = box if self._dirty is None else _joined(self._dirty, box)
        return box

    def cancel(self) -> Box | None:
        dirty = self._dirty
        for box, before in reversed(self._patches):
            self.pixels[box.slices] = before
        self._stroke, self._dirty = None, None
        self._patches.clear()
        return dirty

    def finish(self) -> Delta | None:
        box = self._dirty
        if self._stroke is None or box is None:
            self.cancel()
            return None
        after = self.pixels[box.slices].copy()
        self.cancel()
        before = self.pixels[box.slices].copy()
        self.pixels[box.slices] = after
        return Delta.between(box, before, after)

    def compute(self, edit: Edit) -> Delta | None:
        """Return what an edit would change; nothing is changed yet."""
        from studio.pipeline.edits_body import paint_labels_into, stroke_box

        assert isinstance(edit, ParseStroke)
        box = stroke_box(edit.points, edit.radius, edit.shape, (self.area.width, self.area.height))
        if box is None:
            return None
        before = self.pixels[box.slices].copy()
        after = before.copy()
        local = replace(edit, points=tuple((x - box.x0, y - box.y0) for x, y in edit.points))
        paint_labels_into(after, local, self._classes, self.scheme.value)
        return Delta.between(box, before, after)


BONES = (
    ("nose", "neck"), ("neck", "right_shoulder"), ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("neck", "left_shoulder"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"), ("neck", "right_hip"),
    ("right_hip", "right_knee"), ("right_knee", "right_ankle"), ("neck", "left_hip"), ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"), ("nose", "right_eye"), ("right_eye", "right_ear"), ("nose", "left_eye"),
    ("left_eye", "left_ear"), ("right_wrist", "right_index"), ("right_wrist", "right_thumb"),
    ("right_wrist", "right_pinky"), ("left_wrist", "left_index"), ("left_wrist", "left_thumb"),
    ("left_wrist", "left_pinky"), ("right_ankle", "right_heel"), ("right_ankle", "right_foot_index"),
    ("left_ankle", "left_heel"), ("left_ankle", "left_foot_index"),
)  # fmt: skip
"""Which keypoints are joined by a line."""


class PointsLayer:
    """Named points: the keypoints of a pose, or the landmarks of a garment with its mesh."""

    def __init__(self, photo: Photo, base: Artefact, stage: str) -> None:
        self.photo = photo
        self._base = base
        self._stage = stage
        self._plain = PlainOverlay(Levels(photo.rgb8))
        self.artefact = base

    @property
    def overlay(self) -> Overlay:
        return self._plain

    @property
    def can_hide(self) -> bool:
        """Joints may be hidden by the body; a garment's landmarks are always somewhere."""
        return isinstance(self._base, Pose)

    @property
    def bones(self) -> tuple[tuple[str, str], ...]:
        return BONES if isinstance(self._base, Pose) else ()

    @property
    def points(self) -> Mapping[str, Point | None]:
        """Every point by name; None where it is hidden."""
        shown = self.artefact
        if isinstance(shown, Garment):
            return dict(shown.landmarks)
        assert isinstance(shown, Pose)
        found = {name: shown.point(name) for name in (*COCO18, *EXTRA_POINTS)}
        return {name: None if at is None else (float(at[0]), float(at[1])) for name, at in found.items()}

    @property
    def outline(self) -> tuple[tuple[Point, Point], ...]:
        """The garment mesh's edges in photo pixels, each once; nothing for a pose."""
        if not isinstance(self.artefact, Garment):
            return ()
        mesh = self.artefact.mesh
        faces = mesh.faces.astype(np.int64)
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        edges, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
        rim = mesh.vertices[edges[counts == 1]]
        return tuple(((float(a[0]), float(a[1])), (float(b[0]), float(b[1]))) for a, b in rim)

    def edit(self, name: str, at: Point | None) -> Edit:
        """Return the edit that puts a point somewhere; None hides it."""
        if isinstance(self._base, Garment):
            assert at is not None
            return LandmarkMove(name, *at)
        return KeypointMove(name, *(at or (0.0, 0.0)), visible=at is not None)

    def rebuilt(self, edits: Sequence[Edit]) -> Artefact:
        return apply_edits(self._stage, self._base, edits, self.photo) if edits else self._base

    def adopt(self, artefact: Artefact) -> Box:
        self.artefact = artefact
        return Box(0, 0, *self.photo.size)


def _rgb8(tryon: TryOn) -> U8:
    return to_8_bit(tryon.patch.pixels)


def _cutout(artefact: Artefact) -> Cutout:
    assert isinstance(artefact, Cutout)
    return artefact


def _moved(edit: MaskEdit, dx: float, dy: float) -> MaskEdit:
    match edit:
        case MaskStroke():
            return replace(edit, points=tuple((x + dx, y + dy) for x, y in edit.points))
        case MaskFill():
            return replace(edit, x=edit.x + dx, y=edit.y + dy)
        case MaskRegion():
            return replace(edit, rings=tuple(tuple((x + dx, y + dy) for x, y in ring) for ring in edit.rings))
        case MaskOp():
            return edit


def _shifted(box: Box, dx: int, dy: int) -> Box:
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


def _joined(first: Box, second: Box) -> Box:
    return Box(min(first.x0, second.x0), min(first.y0, second.y0), max(first.x1, second.x1), max(first.y1, second.y1))
