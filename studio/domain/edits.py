"""Hand corrections: inputs like any other, stored append-only, each with its own digest.

Coordinates are native pixels of the photo the edit belongs to. JSON in and out through `to_json`/`from_json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from studio.domain.errors import ArtefactError
from studio.domain.geometry import Placement
from studio.domain.jsonable import decode, encode
from studio.domain.keys import Json, digest_json

Points = tuple[tuple[float, float], ...]


class StrokeMode(StrEnum):
    """What a stroke does to the mask under it."""

    ADD = "add"
    SUBTRACT = "subtract"
    REFINE = "refine"  # solve alpha again under the stroke: hair, fringes


class StrokeShape(StrEnum):
    """How a stroke's points are filled."""

    BRUSH = "brush"  # a round brush dragged along the points
    POLYGON = "polygon"  # the area inside the points (lasso, polygon)


class MaskTarget(StrEnum):
    """Which mask a stroke or operation corrects."""

    ALPHA = "alpha"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class MaskStroke:
    """One stroke on a mask. radius: pixels; hardness, opacity: in [0, 1].

    pressures: share of the radius at each point of a brush stroke, as a pen gave it; () = the whole radius everywhere.
    """

    points: Points
    mode: StrokeMode
    radius: float = 20.0
    hardness: float = 0.8
    opacity: float = 1.0
    shape: StrokeShape = StrokeShape.BRUSH
    target: MaskTarget = MaskTarget.ALPHA
    pressures: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class MaskFill:
    """Magic wand: add or subtract the connected region of like colour around a point. tolerance: in CIELAB units."""

    x: float
    y: float
    tolerance: float
    mode: StrokeMode
    target: MaskTarget = MaskTarget.ALPHA


@dataclass(frozen=True, slots=True)
class MaskRegion:
    """Click-to-segment: add or subtract what lies inside `rings`; a ring inside a ring is a hole (even-odd rule).

    The outline itself is kept, not the clicks: applying it again needs no network and gives the same.
    """

    rings: tuple[Points, ...]
    mode: StrokeMode
    opacity: float = 1.0
    target: MaskTarget = MaskTarget.ALPHA


class MaskOpKind(StrEnum):
    """An operation on a whole mask."""

    GROW = "grow"
    SHRINK = "shrink"
    SMOOTH = "smooth"
    FEATHER = "feather"
    FILL_HOLES = "fill_holes"
    INVERT = "invert"


@dataclass(frozen=True, slots=True)
class MaskOp:
    """Grow, shrink, smooth, feather (amount in pixels), fill holes, invert."""

    kind: MaskOpKind
    amount: float = 0.0
    target: MaskTarget = MaskTarget.ALPHA


@dataclass(frozen=True, slots=True)
class ParseStroke:
    """Paint a label; `locked` labels are left alone."""

    points: Points
    label: int
    radius: float = 12.0
    shape: StrokeShape = StrokeShape.BRUSH
    locked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KeypointMove:
    """Put a COCO-18 (or extra) keypoint somewhere; `visible=False` removes it."""

    name: str
    x: float
    y: float
    visible: bool = True


@dataclass(frozen=True, slots=True)
class LandmarkMove:
    """Put a garment landmark somewhere."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class GarmentOverride:
    """Say what a garment is, where the analysis is wrong; empty = as analysed."""

    category: str = ""
    sleeve: str = ""
    neckline: str = ""


class HemStyle(StrEnum):
    """How a top ends at the waist."""

    AUTO = "auto"
    TUCKED = "tucked"
    UNTUCKED = "untucked"


@dataclass(frozen=True, slots=True)
class LayerOrder:
    """How the garment is worn on this look."""

    hem: HemStyle = HemStyle.AUTO
    over: tuple[str, ...] = ()  # parts put in front of the garment: "hair", "left_arm", ...
    under: tuple[str, ...] = ()  # parts put behind it


@dataclass(frozen=True, slots=True)
class PlacementEdit:
    """Where a look stands on a background."""

    background: str
    placement: Placement


Edit = (
    MaskStroke
    | MaskFill
    | MaskRegion
    | MaskOp
    | ParseStroke
    | KeypointMove
    | LandmarkMove
    | GarmentOverride
    | LayerOrder
    | PlacementEdit
)

STAGE_OF_EDIT: dict[type, str] = {
    MaskStroke: "edges",
    MaskFill: "edges",
    MaskRegion: "edges",
    MaskOp: "edges",
    ParseStroke: "parse",
    KeypointMove: "pose",
    LandmarkMove: "garment",
    GarmentOverride: "garment",
    LayerOrder: "tryon",
    PlacementEdit: "scene",
}
"""The stage whose output each kind of edit corrects (mask edits with target EDIT correct "tryon")."""


def stage_of(edit: Edit) -> str:
    """Return the stage whose output this edit corrects."""
    if isinstance(edit, MaskStroke | MaskFill | MaskRegion | MaskOp) and edit.target is MaskTarget.EDIT:
        return "tryon"
    return STAGE_OF_EDIT[type(edit)]


def to_json(edit: Edit) -> dict[str, Json]:
    """Return a JSON object with the kind of edit and its fields."""
    fields = encode(edit)
    assert isinstance(fields, dict)  # every edit is a dataclass
    return {"edit": type(edit).__name__, **fields}


def edit_digest(edit: Edit) -> str:
    """Return the SHA-256 that stands for this edit in artefact keys."""
    return digest_json(to_json(edit))


_KINDS: dict[str, type] = {kind.__name__: kind for kind in STAGE_OF_EDIT}


def from_json(value: dict[str, Json]) -> Edit:
    """Read back what `to_json` wrote.

    Raises:
        ArtefactError: unknown kind of edit, or fields that do not fit.
    """
    kind = _KINDS.get(str(value.get("edit")))
    if kind is None:
        raise ArtefactError("edit.unknown", kind=str(value.get("edit")))
    fields: dict[str, Json] = {name: item for name, item in value.items() if name != "edit"}
    edit: Edit = decode(kind, fields)
    return edit
