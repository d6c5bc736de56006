"""Geometry between a photo, the working canvas and a background."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from studio.domain.arrays import F64
from studio.domain.errors import ArtefactError

CANVAS_SIZE = (768, 1024)
"""The working canvas, (width, height): the size of VITON-HD and HR-VITON."""


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned pixels `[x0, x1) x [y0, y1)`."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index an array `[y, x]` by this box."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grown(self, margin: int, size: tuple[int, int]) -> Box:
        """Return the box grown on all sides, clipped to a picture of `(width, height)`."""
        return Box(
            max(0, self.x0 - margin),
            max(0, self.y0 - margin),
            min(size[0], self.x1 + margin),
            min(size[1], self.y1 + margin),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Framing:
    """The similarity transform between a photo and the 768 x 1024 working canvas.

    matrix: float64 `(2, 3)`, photo pixels (x, y, 1) to canvas pixels; pixel centres are integers.
    photo_size: (width, height) of the photo.
    fill: sRGB colour of canvas pixels that the photo does not cover.
    """

    matrix: F64
    photo_size: tuple[int, int]
    fill: tuple[int, int, int] = (255, 255, 255)
    canvas_size: tuple[int, int] = CANVAS_SIZE

    def __post_init__(self) -> None:
        if self.matrix.shape != (2, 3) or self.matrix.dtype != np.float64:
            raise ArtefactError("artefact.shape", name="framing", got=str(self.matrix.shape), want="float64 (2, 3)")
        if not np.isfinite(self.matrix).all() or self.scale <= 0:
            raise ArtefactError("framing.degenerate")
        self.matrix.setflags(write=False)

    @property
    def scale(self) -> float:
        """Canvas pixels per photo pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    @property
    def inverse(self) -> F64:
        """float64 `(2, 3)`, canvas pixels to photo pixels; the exact inverse."""
        linear = np.linalg.inv(self.matrix[:, :2])
        return np.hstack([linear, -linear @ self.matrix[:, 2:]])

    def to_canvas(self, points: F64) -> F64:
        """Map `(..., 2)` photo points to the canvas."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def to_photo(self, points: F64) -> F64:
        """Map `(..., 2)` canvas points to the photo."""
        inverse = self.inverse
        return points @ inverse[:, :2].T + inverse[:, 2]


@dataclass(frozen=True, slots=True)
class Shadow:
    """How a look shadows the ground: 0 switches a part off.

    contact, cast: darkness in [0, 1]. angle_deg: direction the cast shadow falls, 0 = right, 90 = towards the viewer.
    length: of the cast shadow in heights of the look. softness: blur in share of the look's height.
    """

    contact: float = 0.55
    cast: float = 0.25
    angle_deg: float = 20.0
    length: float = 0.35
    softness: float = 0.02


@dataclass(frozen=True, slots=True)
class Grade:
    """Harmonisation of a look with its background.

    strength: in [0, 1], how far the person is pulled to the background's light; the product's own colour is left alone
    unless `include_garment`. exposure_ev, temperature, contrast: by hand, 0 is neutral.
    """

    strength: float = 0.0
    include_garment: bool = False
    exposure_ev: float = 0.0
    temperature: float = 0.0
    contrast: float = 0.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a look stands on a background; free of resolution.

    x, y: the anchor (middle of the lowest edge of the visible person: the feet) in shares of background width and
    height. scale: height of the visible person in shares of the background's height. rotation_deg: clockwise about
    the anchor. z: higher stands in front.
    """

    x: float = 0.5
    y: float = 0.95
    scale: float = 0.8
    rotation_deg: float = 0.0
    flip: bool = False
    z: int = 0
    opacity: float = 1.0
    shadow: Shadow = field(default_factory=Shadow)
    grade: Grade = field(default_factory=Grade)

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.scale, self.rotation_deg, self.opacity)
        if not all(np.isfinite(numbers)) or self.scale <= 0 or not 0 <= self.opacity <= 1:
            raise ArtefactError("placement.range", got=str(numbers))
