"""Everything the pipeline makes: immutable values that check themselves on construction.

Sizes: "native" is the photo's own size; "canvas" is the 768 x 1024 working canvas of `Framing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

import numpy as np

from studio.domain.arrays import F32, U8, U16, freeze, same_size
from studio.domain.errors import ArtefactError
from studio.domain.geometry import Box, Framing
from studio.domain.keys import Note
from studio.domain.labels import LabelScheme, class_count


def to_8_bit(pixels: U8 | U16) -> U8:
    """Return 8-bit pixels as they are and 16-bit ones rounded to 8."""
    if pixels.dtype == np.uint8:
        return cast(U8, pixels)
    rounded: U8 = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return rounded


class PhotoRole(StrEnum):
    """What a photo shows."""

    MODEL = "model"
    GARMENT = "garment"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One photographed image, upright, in the sRGB working space.

    pixels: uint8 or uint16 `(H, W, 3)`, sRGB. exif, icc: bytes to keep on export; `icc` describes `pixels`.
    source_sha256: of the file's bytes. name: what to call it in messages.
    """

    pixels: U8 | U16
    source_sha256: str
    name: str = ""
    exif: bytes = b""
    icc: bytes = b""

    def __post_init__(self) -> None:
        freeze("photo", self.pixels, ndim=3, dtypes=(np.uint8, np.uint16), last=3)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def rgb8(self) -> U8:
        """uint8 `(H, W, 3)`: the pixels themselves, or 16 bit rounded to 8."""
        return to_8_bit(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """The person or garment without its background, at native size.

    alpha: float32 `(H, W)` in [0, 1]. foreground: uint8 `(H, W, 3)` sRGB, free of the old background's colour where
    alpha is partial; equal to the photo where alpha is 1.
    """

    alpha: F32
    foreground: U8

    def __post_init__(self) -> None:
        freeze("alpha", self.alpha, ndim=2, dtypes=(np.float32,))
        freeze("foreground", self.foreground, ndim=3, dtypes=(np.uint8,), last=3)
        same_size("cutout", self.alpha, self.foreground)

    @property
    def box(self) -> Box:
        """The smallest box around alpha >= 0.5; the whole picture where there is none."""
        solid = self.alpha >= 0.5
        rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        if rows.size == 0:
            return Box(0, 0, self.alpha.shape[1], self.alpha.shape[0])
        return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


COCO18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
    "right_ear", "left_ear",
)  # fmt: skip
EXTRA_POINTS = (
    "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Body keypoints in native photo pixels.

    keypoints: float32 `(18, 3)`: x, y, confidence in COCO-18 order (`COCO18`); confidence 0 = not seen, x and y are
    then 0. extra: float32 `(10, 3)`: hands and feet in the order of `EXTRA_POINTS`, all 0 where unknown.
    photo_size: (width, height). people: how many persons were found.
    """

    keypoints: F32
    extra: F32
    photo_size: tuple[int, int]
    people: int = 1

    def __post_init__(self) -> None:
        freeze("keypoints", self.keypoints, ndim=2, dtypes=(np.float32,), last=3)
        freeze("extra", self.extra, ndim=2, dtypes=(np.float32,), last=3)
        if len(self.keypoints) != len(COCO18) or len(self.extra) != len(EXTRA_POINTS):
            raise ArtefactError(
                "artefact.shape", name="pose", got=f"{len(self.keypoints)}+{len(self.extra)}", want="18+10"
            )

    def point(self, name: str) -> F32 | None:
        """Return float32 `(x, y)` of a named keypoint, or None where it was not seen."""
        row = self.extra[EXTRA_POINTS.index(name)] if name in EXTRA_POINTS else self.keypoints[COCO18.index(name)]
        return row[:2] if row[2] > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class ParseMap:
    """Human-part labels for one photo, at native size.

    labels: uint8 `(H, W)`, values below the scheme's class count.
    """

    labels: U8
    scheme: LabelScheme = LabelScheme.CIHP

    def __post_init__(self) -> None:
        freeze("parse map", self.labels, ndim=2, dtypes=(np.uint8,))
        if self.labels.size and int(self.labels.max()) >= class_count(self.scheme):
            raise ArtefactError("labels.range", scheme=self.scheme.value, got=str(int(self.labels.max())))


@dataclass(frozen=True, slots=True, eq=False)
class DensePoseMap:
    """Body surface coordinates on the working canvas.

    index: uint8 `(1024, 768)`, 0 = background, 1..24 the parts of DensePose. u, v: float32, in [0, 1].
    """

    index: U8
    u: F32
    v: F32

    def __post_init__(self) -> None:
        freeze("densepose index", self.index, ndim=2, dtypes=(np.uint8,))
        for name, plane in (("u", self.u), ("v", self.v)):
            freeze(f"densepose {name}", plane, ndim=2, dtypes=(np.float32,))
            same_size("densepose", self.index, plane)


@dataclass(frozen=True, slots=True, eq=False)
class Agnostic:
    """The person with the garment area removed, on the working canvas.

    image: uint8 `(1024, 768, 3)`. labels: uint8 `(1024, 768)`, CIHP-20 parse agnostic.
    """

    image: U8
    labels: U8

    def __post_init__(self) -> None:
        freeze("agnostic image", self.image, ndim=3, dtypes=(np.uint8,), last=3)
        freeze("parse agnostic", self.labels, ndim=2, dtypes=(np.uint8,))
        same_size("agnostic", self.image, self.labels)


class Category(StrEnum):
    """What a garment covers."""

    TOP = "top"
    OUTERWEAR = "outerwear"
    DRESS = "dress"
    TROUSERS = "trousers"
    SHORTS = "shorts"
    SKIRT = "skirt"


class SleeveLength(StrEnum):
    """How far a sleeve reaches down the arm."""

    NONE = "none"
    SHORT = "short"
    ELBOW = "elbow"
    LONG = "long"


class Neckline(StrEnum):
    """The shape of a garment's neck opening."""

    CREW = "crew"
    V = "v"
    SCOOP = "scoop"
    BOAT = "boat"
    HIGH = "high"
    COLLAR = "collar"
    STRAPS = "straps"
    OPEN = "open"  # the front is open from neck to hem: two panels
    NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class GarmentMesh:
    """The symmetric parametric template fitted to a garment photo.

    vertices: float32 `(V, 2)`, garment photo pixels. faces: int32 as uint16 `(F, 3)`. part: uint8 `(V,)`, index into
    `part_names`. along, across: float32 `(V,)`, each vertex's coordinates in its part: 0..1 down the axis, -1..1
    across by half-width. depth: float32 `(V,)`, higher is nearer to the viewer.
    """

    vertices: F32
    faces: U16
    part: U8
    along: F32
    across: F32
    depth: F32
    part_names: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze("mesh vertices", self.vertices, ndim=2, dtypes=(np.float32,), last=2)
        freeze("mesh faces", self.faces, ndim=2, dtypes=(np.uint16,), last=3)
        freeze("mesh part", self.part, ndim=1, dtypes=(np.uint8,))
        for name, column in (("along", self.along), ("across", self.across), ("depth", self.depth)):
            freeze(f"mesh {name}", column, ndim=1, dtypes=(np.float32,))


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """What a garment photo shows; landmarks in garment photo pixels.

    landmarks: name -> (x, y); names as seen in the photo ("left" = the picture's left): collar_left, collar_right,
    collar_front, collar_back, shoulder_left/right, armpit_left/right, cuff_left/right_outer/inner, elbow_left/right,
    waist_left/right, hem_left/right, hem_centre (legs: crotch, ...), neckline_NN from left to right along the front's
    upper edge: with an open front down the left panel's inner edge and up the right's. confidence in [0, 1] with its
    reasons.
    """

    category: Category
    sleeve: SleeveLength
    neckline: Neckline
    landmarks: Mapping[str, tuple[float, float]]
    mesh: GarmentMesh
    photo_size: tuple[int, int]
    confidence: float = 1.0
    reasons: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class NativePatch:
    """Pixels that a try-on engine puts over the photo, at native size.

    x, y: where the patch's top left pixel lies in the photo. pixels: uint8 or float32-free uint16 `(h, w, 3)` sRGB.
    alpha: float32 `(h, w)`, how much of `pixels` replaces the photo (0 = the photo's own pixel, untouched).
    body_alpha: float32 `(h, w)`, the dressed person's opacity inside the patch (the new silhouette).
    garment: uint8 `(h, w)`, 255 where the new garment shows.
    """

    x: int
    y: int
    pixels: U8 | U16
    alpha: F32
    body_alpha: F32
    garment: U8

    def __post_init__(self) -> None:
        freeze("patch pixels", self.pixels, ndim=3, dtypes=(np.uint8, np.uint16), last=3)
        freeze("patch alpha", self.alpha, ndim=2, dtypes=(np.float32,))
        freeze("patch body alpha", self.body_alpha, ndim=2, dtypes=(np.float32,))
        freeze("patch garment", self.garment, ndim=2, dtypes=(np.uint8,))
        for plane in (self.alpha, self.body_alpha, self.garment):
            same_size("patch", self.pixels, plane)

    @property
    def box(self) -> Box:
        return Box(self.x, self.y, self.x + self.pixels.shape[1], self.y + self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far a result can be trusted, in [0, 1], and why not further: message keys, worst first."""

    score: float
    reasons: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TryOn:
    """What a try-on engine gives: the field's canvas-sized pictures and the native patch.

    warped_garment: uint8 `(1024, 768, 3)`. warped_mask: float32 `(1024, 768)`. labels: uint8 `(1024, 768)`, CIHP-20
    after dressing. image: uint8 `(1024, 768, 3)`.
    """

    engine: str
    warped_garment: U8
    warped_mask: F32
    labels: U8
    image: U8
    patch: NativePatch
    confidence: Confidence

    def __post_init__(self) -> None:
        freeze("warped garment", self.warped_garment, ndim=3, dtypes=(np.uint8,), last=3)
        freeze("warped mask", self.warped_mask, ndim=2, dtypes=(np.float32,))
        freeze("try-on labels", self.labels, ndim=2, dtypes=(np.uint8,))
        freeze("try-on image", self.image, ndim=3, dtypes=(np.uint8,), last=3)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One model dressed in one garment, at native resolution.

    pixels: of the photo's dtype, `(H, W, 3)`; byte-identical to the photo where `edit_mask` is 0.
    edit_mask: uint8 `(H, W)`, 255 where anything was changed. garment_mask: uint8 `(H, W)`, 255 on the new garment.
    cutout: the dressed person's alpha and clean colours, for compositing.
    """

    pixels: U8 | U16
    edit_mask: U8
    garment_mask: U8
    cutout: Cutout
    confidence: Confidence
    engine: str = ""
    exif: bytes = b""
    icc: bytes = b""

    def __post_init__(self) -> None:
        freeze("look", self.pixels, ndim=3, dtypes=(np.uint8, np.uint16), last=3)
        freeze("edit mask", self.edit_mask, ndim=2, dtypes=(np.uint8,))
        freeze("garment mask", self.garment_mask, ndim=2, dtypes=(np.uint8,))
        same_size("look", self.pixels, self.edit_mask)
        same_size("look", self.pixels, self.garment_mask)
        same_size("look", self.pixels, self.cutout.alpha)

    @property
    def rgb8(self) -> U8:
        """uint8 `(H, W, 3)`: the pixels themselves, or 16 bit rounded to 8."""
        return to_8_bit(self.pixels)


Artefact = Photo | Cutout | Framing | Pose | ParseMap | DensePoseMap | Agnostic | Garment | TryOn | Look


@dataclass(frozen=True, slots=True, eq=False)
class PersonArtefacts:
    """All that a try-on engine may know of the model."""

    photo: Photo
    cutout: Cutout
    pose: Pose
    framing: Framing
    parse: ParseMap
    densepose: DensePoseMap
    agnostic: Agnostic


@dataclass(frozen=True, slots=True, eq=False)
class GarmentArtefacts:
    """All that a try-on engine may know of the garment."""

    photo: Photo
    cutout: Cutout
    garment: Garment


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What a file's header says, before anything is decoded."""

    name: str
    size: tuple[int, int]
    format: str
    bit_depth: int
    mode: str
    size_bytes: int
    notes: tuple[Note, ...] = field(default_factory=tuple)
