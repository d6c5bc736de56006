"""What the library returns: frozen rows, filters, and the record of what a mutation changed.

A `...Row` is one line of a list as the operator sees it. A `LookRecord` is a look's provenance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path

from studio.domain.artefacts import Confidence, PhotoRole
from studio.domain.edits import Edit
from studio.domain.errors import StudioError
from studio.domain.geometry import Placement
from studio.domain.keys import ArtefactKey, ArtefactRecord, Json, ModelUse, Note
from studio.domain.recipe import Recipe

MAX_RATING = 5


class Kind(StrEnum):
    """What can carry stars, flags, labels, tags and sit in collections; also the name of its table."""

    PHOTO = "photo"
    LOOK = "look"
    SCENE = "scene"


class Flag(StrEnum):
    """The culling mark."""

    NONE = ""
    PICK = "pick"
    REJECT = "reject"


class ColourLabel(StrEnum):
    """The colour label."""

    NONE = ""
    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"


class LookState(StrEnum):
    """How far a look has come; each later state includes the earlier ones."""

    DRESSED = "dressed"
    CORRECTED = "corrected"
    APPROVED = "approved"
    EXPORTED = "exported"


class JobState(StrEnum):
    """Where a job stands (style.md section 5)."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        """True when nothing more will happen unless somebody retries it."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class CollectionKind(StrEnum):
    """A collection is the operator's choice; a set holds photos of one set-up (same light, stand and camera)."""

    COLLECTION = "collection"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Marks:
    """What the operator noted on a photo, look or scene. trashed_at: "" while it is not in the trash."""

    rating: int = 0
    flag: Flag = Flag.NONE
    label: ColourLabel = ColourLabel.NONE
    note: str = ""
    trashed_at: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """One photo. file: where its bytes lie now (absolute). is_referenced: the file lies outside the project."""

    id: str
    role: PhotoRole
    name: str
    sha256: str
    file: Path
    is_referenced: bool
    size: tuple[int, int]
    format: str
    bit_depth: int
    size_bytes: int
    imported_at: str
    is_missing: bool
    marks: Marks


@dataclass(frozen=True, slots=True)
class PairRow:
    """One model with one garment. look_id: the current look, "" before the first."""

    id: str
    model_id: str
    garment_id: str
    look_id: str
    created_at: str


@dataclass(frozen=True, slots=True)
class LookRow:
    """One look as listed. is_current: the latest of its pair; is_stale: edits were made since it was dressed.

    commercial: False when a model that forbids commercial use took part. missing_blob: repair found its pixels gone;
    dress the pair again.
    """

    id: str
    pair_id: str
    model_id: str
    garment_id: str
    name: str
    key: ArtefactKey
    state: LookState
    is_current: bool
    is_stale: bool
    engine: str
    confidence: Confidence
    commercial: bool
    recipe_name: str
    duration_s: float
    created_at: str
    missing_blob: bool
    marks: Marks


@dataclass(frozen=True, slots=True)
class LookStep:
    """One artefact of a look, by the slot it filled in the graph: "pose", "garment_edges", "look"."""

    slot: str
    record: ArtefactRecord


@dataclass(frozen=True, slots=True)
class LookEdits:
    """The edits a look was made with. digest: stands for all of them, "" where there are none."""

    model: tuple[Edit, ...] = ()
    garment: tuple[Edit, ...] = ()
    pair: tuple[Edit, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LookRecord:
    """Provenance of a look: enough to make it again bit for bit."""

    key: ArtefactKey
    model_sha256: str
    garment_sha256: str
    recipe: Recipe
    steps: tuple[LookStep, ...]
    engine: str
    confidence: Confidence
    edits: LookEdits = field(default_factory=LookEdits)
    duration_s: float = 0.0

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """Every model that took part, once."""
        return tuple(dict.fromkeys(use for step in self.steps for use in step.record.models))

    @property
    def commercial(self) -> bool:
        """True when every model that took part allows commercial use."""
        return all(use.commercial for use in self.models)

    @property
    def fallbacks(self) -> tuple[Note, ...]:
        """Every fallback taken on the way."""
        return tuple(note for step in self.steps for note in step.record.fallbacks)


@dataclass(frozen=True, slots=True)
class CellRow:
    """One cell of the dress board; empty texts where there is nothing yet."""

    model_id: str
    garment_id: str
    pair_id: str
    look_id: str
    look_state: LookState | None
    is_stale: bool
    job_id: str
    job_state: JobState | None
    error: Note | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of a project's pairs have come how far."""

    pairs: int
    dressed: int
    corrected: int
    approved: int
    exported: int
    failed: int


@dataclass(frozen=True, slots=True)
class EditRow:
    """One stored edit. is_active: it counts; False after undo, until redo."""

    id: str
    target_id: str
    stage: str
    name: str
    edit: Edit
    created_at: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """A named place on a background."""

    id: str
    background_id: str
    name: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class SceneItem:
    """One look standing in a scene."""

    look_id: str
    placement: Placement
    is_visible: bool = True


@dataclass(frozen=True, slots=True)
class SceneRow:
    """A background with looks on it, back to front.

    Where there is no background photo: `colour` of the backdrop, None = transparent; `canvas` (width, height) that
    placements refer to, (0, 0) = the size of the first look.
    """

    id: str
    name: str
    background_id: str
    colour: tuple[int, int, int] | None
    items: tuple[SceneItem, ...]
    created_at: str
    changed_at: str
    marks: Marks
    canvas: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class RecipeRow:
    """One version of a named recipe."""

    id: str
    version: int
    recipe: Recipe
    created_at: str


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A named group; `count` of what it holds that is not in the trash."""

    id: str
    name: str
    kind: CollectionKind
    count: int


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One delivered file. file: where it was written. look_id or scene_id: what it shows."""

    id: str
    look_id: str
    scene_id: str
    file: Path
    sha256: str
    size_bytes: int
    preset: Mapping[str, Json]
    report: Mapping[str, Json]
    created_at: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job. batch_id: what was queued together. position: lower runs first."""

    id: str
    batch_id: str
    pair_id: str
    model_id: str
    garment_id: str
    recipe: Recipe
    state: JobState
    position: float
    attempts: int
    stage: str
    error: Note | None
    look_id: str
    created_at: str
    started_at: str
    finished_at: str


@dataclass(frozen=True, slots=True)
class StageTiming:
    """How long a stage took, for estimates. megapixels: of the photo it worked on."""

    stage: str
    implementation: str
    seconds: float
    megapixels: float


@dataclass(frozen=True, slots=True)
class Filter:
    """Which photos, looks or scenes to list; every part that is not empty must hold.

    text: found in the name or in a tag, whatever the case. states, model_id, garment_id, current_only: for looks.
    role, missing_only: for photos.
    """

    role: PhotoRole | None = None
    text: str = ""
    min_rating: int = 0
    flags: frozenset[Flag] = frozenset()
    labels: frozenset[ColourLabel] = frozenset()
    tags: frozenset[str] = frozenset()
    collection_id: str = ""
    states: frozenset[LookState] = frozenset()
    model_id: str = ""
    garment_id: str = ""
    missing_only: bool = False
    current_only: bool = True
    in_trash: bool = False


class Order(StrEnum):
    """How lists are sorted."""

    NAME = "name"
    NEWEST = "newest"
    OLDEST = "oldest"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a mutation touched, by id, so that views refresh that and nothing else.

    edits: photos and pairs whose edits moved. created: new ids in the order they were asked for.
    undo: message key of the step that `Library.undo` would take back, "" where there is none.
    """

    photos: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    looks: frozenset[str] = frozenset()
    scenes: frozenset[str] = frozenset()
    edits: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    placements: frozenset[str] = frozenset()
    recipes: frozenset[str] = frozenset()
    exports: frozenset[str] = frozenset()
    jobs: frozenset[str] = frozenset()
    project: bool = False
    created: tuple[str, ...] = ()
    undo: str = ""

    def __or__(self, other: Changes) -> Changes:
        """Return what both touched."""
        sets = {name: getattr(self, name) | getattr(other, name) for name in CHANGED_SETS}
        return Changes(
            **sets,
            project=self.project or other.project,
            created=self.created + other.created,
            undo=other.undo or self.undo,
        )

    @property
    def is_empty(self) -> bool:
        """True when no view need refresh."""
        return not self.project and not any(getattr(self, name) for name in CHANGED_SETS)


CHANGED_SETS = tuple(item.name for item in fields(Changes) if item.name not in ("project", "created", "undo"))


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """What a project says about itself."""

    id: str
    name: str
    folder: Path
    created_at: str
    commercial: bool
    copy_originals: bool
    schema: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """One file that could not be imported, and why."""

    file: Path
    error: StudioError


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import. duplicates: (file, id of the photo that was there already)."""

    imported: tuple[str, ...] = ()
    duplicates: tuple[tuple[Path, str], ...] = ()
    failed: tuple[ImportFailure, ...] = ()
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True)
class RelinkReport:
    """What came of a search for missing files. found: (photo id, where its file lies). still_missing: how many."""

    found: tuple[tuple[str, Path], ...] = ()
    still_missing: int = 0
    unreadable: tuple[Path, ...] = ()
    changes: Changes = field(default_factory=Changes)
