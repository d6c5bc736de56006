"""Originals on disk: taken in atomically, named by their content, never written again."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.domain.errors import PhotoError
from studio.library.clock import new_id, sort_key
from studio.media.safe_io import storage_error, sync_folder

ORIGINALS = "originals"
ARTEFACTS = "artefacts"
EXPORTS = "exports"
BACKUPS = "backups"
CACHE = "cache"
PART_SUFFIX = ".part"
"""Of files that are still being written; whatever carries it after a crash is rubbish."""

PHOTO_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".bmp"]
)
"""What a folder is searched for; a file named by hand is tried whatever its suffix."""

_BLOCK_BYTES = 1 << 20


def expand(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, and the photos inside the folders named, in the order people read names."""
    files: dict[Path, None] = {}
    for path in paths:
        for file in _photos_in(path) if path.is_dir() else (path,):
            files[file] = None
    return list(files)


def _photos_in(folder: Path) -> list[Path]:
    found = [
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in PHOTO_SUFFIXES and not file.name.startswith(".") and file.is_file()
    ]
    return sorted(found, key=lambda file: sort_key(file.relative_to(folder).as_posix()))


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises:
        PhotoError: it cannot be read.
    """
    digest = hashlib.sha256()
    for block in _blocks(file):
        digest.update(block)
    return digest.hexdigest()


def _blocks(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as source:
            while block := source.read(_BLOCK_BYTES):
                yield block
    except FileNotFoundError as error:
        raise PhotoError("library.photo_gone", file=str(file)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise PhotoError("library.photo_unreadable", file=str(file), reason=reason) from error


@dataclass(frozen=True, slots=True)
class Stored:
    """A photo's bytes on the way into the project. current: where they lie until `settle`."""

    source: Path
    sha256: str
    size_bytes: int
    root: str
    path: str
    current: Path
    final: Path

    def settle(self) -> None:
        """Move a copy to its final name; from now on rows may refer to it."""
        if self.current == self.final:
            return
        try:
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self.current.replace(self.final)
            sync_folder(self.final.parent)
        except OSError as error:
            self.discard()
            raise storage_error(error, self.final.parent) from error

    def discard(self) -> None:
        """Forget a copy that is not wanted."""
        if self.current != self.final:
            self.current.unlink(missing_ok=True)


class Originals:
    """The folder of originals of one project."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def take(self, file: Path, *, keep: bool) -> Stored:
        """Read a file once: hash it, and where `keep`, copy it beside the originals under a temporary name.

        Raises:
            PhotoError: the file cannot be read.
            StorageError: the copy cannot be written.
        """
        if not keep:
            whole = file.resolve()
            digest = hash_file(whole)
            return Stored(file, digest, whole.stat().st_size, whole.parent.as_posix(), whole.name, whole, whole)
        part = self._project / ORIGINALS / f"{new_id()}{PART_SUFFIX}{file.suffix.lower()}"
        digest, size = self._copy(file, part)
        path = f"{ORIGINALS}/{digest[:2]}/{digest}{file.suffix.lower()}"
        return Stored(file, digest, size, "", path, part, self._project / path)

    def _copy(self, file: Path, part: Path) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as target:
                for block in _blocks(file):
                    digest.update(block)
                    target.write(block)
                    size += len(block)
                target.flush()
                os.fsync(target.fileno())
        except OSError as error:
            part.unlink(missing_ok=True)
            raise storage_error(error, self._project) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return digest.hexdigest(), size


def is_unfinished(file: Path) -> bool:
    """True for temporary names: nothing but a writer at work, or a crash, leaves them."""
    return PART_SUFFIX in file.suffixes


def free_bytes(folder: Path) -> int:
    """Return how much the disk under a folder still takes."""
    return shutil.disk_usage(folder).free
