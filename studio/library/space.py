"""What a project takes on disk, and what of it can be made again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.library.blobs import BACKUPS, CACHE, EXPORTS, ORIGINALS
from studio.library.library import DATABASE, Library
from studio.media.safe_io import storage_errors


@dataclass(frozen=True, slots=True)
class SpaceReport:
    """Bytes by kind. looks: the pictures of all looks. intermediates: every other artefact; made again when needed."""

    database: int
    originals: int
    looks: int
    intermediates: int
    cache: int
    exports: int
    backups: int

    @property
    def total(self) -> int:
        return (
            self.database + self.originals + self.looks + self.intermediates + self.cache + self.exports + self.backups
        )


def measure_space(library: Library) -> SpaceReport:
    """Return what the project takes."""
    looks, intermediates = _artefacts(library)
    return SpaceReport(
        database=sum(file.stat().st_size for file in library.folder.glob(f"{DATABASE}*")),
        originals=_folder_bytes(library.folder / ORIGINALS),
        looks=sum(file.stat().st_size for file in looks),
        intermediates=sum(file.stat().st_size for file in intermediates),
        cache=_folder_bytes(library.folder / CACHE),
        exports=_folder_bytes(library.folder / EXPORTS),
        backups=_folder_bytes(library.folder / BACKUPS),
    )


def clear_intermediates(library: Library) -> int:
    """Remove what can be made again: every artefact but the looks' own pictures; returns the bytes freed.

    The next garment on the same model takes longer once; nothing else changes. Not while jobs run.

    Raises:
        StorageError: the folder is read-only.
    """
    freed = 0
    for file in _artefacts(library)[1]:
        size = file.stat().st_size
        with storage_errors(file):
            file.unlink(missing_ok=True)
        freed += size
    return freed


def _artefacts(library: Library) -> tuple[list[Path], list[Path]]:
    """Return the files of looks, and all others."""
    kept = set(library.connection.column("SELECT digest FROM look"))
    files = [file for file in library.store.root.glob("*/*") if file.is_file()]
    return [file for file in files if file.stem in kept], [file for file in files if file.stem not in kept]


def _folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
