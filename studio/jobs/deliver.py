"""Delivery: looks and scenes written as a preset says, read back and proven, noted in the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, cast

from studio.compositing.export import ExportPreset, expand_name, export_scene, frame_look, unique_path
from studio.compositing.placement import measure_stand
from studio.compositing.preflight import PreflightReport, preflight
from studio.domain.errors import StudioError
from studio.domain.jsonable import encode
from studio.domain.keys import Json, Note
from studio.domain.progress import Progress
from studio.jobs.scenes import load_look, load_scene
from studio.library.records import Changes, LookRow, SceneRow

if TYPE_CHECKING:
    from studio.compositing.scene import Scene
    from studio.jobs.workspace import Workspace

_HALTING = frozenset(["storage.full", "storage.read_only"])


@dataclass(frozen=True, slots=True)
class Delivered:
    """One written file and the proof that it is what the preset promised. item_id: of the look or scene."""

    item_id: str
    file: Path
    report: PreflightReport


@dataclass(frozen=True, slots=True)
class Refused:
    """A look or scene that was not written, and why."""

    item_id: str
    reason: Note


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What came of a delivery. withheld: results of non-commercial models, unless knowingly allowed."""

    delivered: tuple[Delivered, ...]
    withheld: tuple[Refused, ...]
    failed: tuple[Refused, ...]
    changes: Changes

    @property
    def passed(self) -> bool:
        """Every file that was asked for was written and passed its preflight."""
        return not self.withheld and not self.failed and all(item.report.passed for item in self.delivered)


@dataclass(slots=True)
class _Batch:
    """A delivery at work."""

    workspace: Workspace
    preset: ExportPreset
    folder: Path
    subfolders: str
    allow_noncommercial: bool
    delivered: list[Delivered] = field(default_factory=list)
    withheld: list[Refused] = field(default_factory=list)
    failed: list[Refused] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)

    def each(self, ids: Sequence[str], write: Callable[[str, int, Progress], None], progress: Progress) -> None:
        """Write one after the other; one that fails does not stop the others, a full disk does."""
        for number, item_id in enumerate(ids):
            part = progress.part(number / len(ids), 1 / len(ids))
            part.report(0.0, "export")
            try:
                write(item_id, number + 1, part)
            except StudioError as error:
                if error.key in _HALTING:
                    raise
                self.failed.append(Refused(item_id, Note(error.key, error.values)))

    def is_withheld(self, item_id: str, looks: Sequence[LookRow]) -> bool:
        """True, and noted, when a look of a non-commercial model would go into a commercial delivery."""
        library = self.workspace.library
        if self.allow_noncommercial or not library.info().commercial:
            return False
        for look in looks:
            if not look.commercial:
                models = [use.id for use in library.look_record(look.id).models if not use.commercial]
                self.withheld.append(
                    Refused(item_id, Note("deliver.noncommercial", {"name": look.name, "models": ", ".join(models)}))
                )
                return True
        return False

    def path(self, tokens: dict[str, str], number: int) -> Path:
        """Return where the next file goes."""
        folder = self.folder
        for part in self.subfolders.split("/"):
            if part.strip():
                folder = folder / expand_name(part, tokens, number)
        return unique_path(folder, expand_name(self.preset.file_name, tokens, number), self.preset)

    def note(self, item_id: str, file: Path, report: PreflightReport, *, look_id: str = "", scene_id: str = "") -> None:
        """Write a delivered file into the library; one that fails its preflight does not count as exported."""
        self.delivered.append(Delivered(item_id, file, report))
        self.changes |= self.workspace.library.record_export(
            file,
            look_id=look_id,
            scene_id=scene_id,
            preset=cast(dict[str, Json], encode(self.preset)),
            report={"passed": report.passed, "checks": encode(report.checks)},
            is_delivered=report.passed,
        )

    def finish(self) -> DeliveryReport:
        return DeliveryReport(tuple(self.delivered), tuple(self.withheld), tuple(self.failed), self.changes)


def export_looks(
    workspace: Workspace,
    look_ids: Sequence[str],
    preset: ExportPreset,
    folder: Path | None = None,
    *,
    subfolders: str = "",
    allow_noncommercial: bool = False,
    progress: Progress | None = None,
) -> DeliveryReport:
    """Write looks by themselves, framed as the preset says.

    Args:
        folder: where to; the project's `exports` where absent.
        subfolders: a template of folders inside it, "{model}/{garment}".
        allow_noncommercial: deliver results of non-commercial models too: the operator knows.

    Raises:
        StorageError: the disk is full or the folder read-only; what was written stays.
        Cancelled: what was written stays.
    """
    batch = _Batch(workspace, preset, folder or workspace.library.export_folder, subfolders, allow_noncommercial)

    def write(look_id: str, number: int, part: Progress) -> None:
        row = workspace.library.look(look_id)
        if not batch.is_withheld(look_id, [row]):
            _write_look(batch, row, number, part)

    batch.each(look_ids, write, progress or Progress.silent())
    return batch.finish()


def _write_look(batch: _Batch, row: LookRow, number: int, progress: Progress) -> None:
    look = load_look(batch.workspace, row.id, progress=progress.part(0.0, 0.2))
    scene = frame_look(look, batch.preset, row.name)
    target = batch.path(_tokens(batch, looks=[row]), number)
    file = export_scene(scene, batch.preset, target, exif=look.exif, progress=progress.part(0.2, 0.7))
    cut_below = measure_stand(look.cutout.alpha).cut_below
    report = preflight(file, batch.preset, _size(batch.preset, scene), framed=True, cut_below=cut_below)
    batch.note(row.id, file, report, look_id=row.id)


def export_scenes(
    workspace: Workspace,
    scene_ids: Sequence[str],
    preset: ExportPreset,
    folder: Path | None = None,
    *,
    subfolders: str = "",
    allow_noncommercial: bool = False,
    progress: Progress | None = None,
) -> DeliveryReport:
    """Write scenes as the preset says; arguments and errors as for `export_looks`."""
    batch = _Batch(workspace, preset, folder or workspace.library.export_folder, subfolders, allow_noncommercial)

    def write(scene_id: str, number: int, part: Progress) -> None:
        row = workspace.library.scene(scene_id)
        looks = workspace.library.looks([item.look_id for item in row.items if item.is_visible])
        if not batch.is_withheld(scene_id, looks):
            _write_scene(batch, row, looks, number, part)

    batch.each(scene_ids, write, progress or Progress.silent())
    return batch.finish()


def _write_scene(batch: _Batch, row: SceneRow, looks: Sequence[LookRow], number: int, progress: Progress) -> None:
    scene = load_scene(batch.workspace, row, progress=progress.part(0.0, 0.3))
    target = batch.path(_tokens(batch, looks=looks, scene=row), number)
    exif = scene.background.exif if scene.background is not None else b""
    file = export_scene(scene, batch.preset, target, exif=exif, progress=progress.part(0.3, 0.6))
    report = preflight(file, batch.preset, _size(batch.preset, scene))
    batch.note(row.id, file, report, scene_id=row.id)


def _size(preset: ExportPreset, scene: Scene) -> tuple[int, int]:
    return preset.size if all(preset.size) else scene.size


def _tokens(batch: _Batch, looks: Sequence[LookRow], scene: SceneRow | None = None) -> dict[str, str]:
    library = batch.workspace.library
    tokens = {
        "project": library.info().name,
        "preset": batch.preset.name,
        "date": datetime.now(UTC).date().isoformat(),
        "scene": scene.name if scene else "",
    }
    if scene is not None and scene.background_id:
        tokens["background"] = PurePath(library.photo(scene.background_id).name).stem
    if looks:
        first = looks[0]
        names = {photo.id: PurePath(photo.name).stem for photo in library.photos([first.model_id, first.garment_id])}
        tokens |= {
            "look": first.name,
            "model": names.get(first.model_id, ""),
            "garment": names.get(first.garment_id, ""),
        }
    return tokens
