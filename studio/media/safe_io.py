"""Files written whole or not at all, and archives that stay inside their folder."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from studio.domain.errors import StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ESTALE})
_CHUNK = 1 << 20


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the file system says while writing into a StorageError that names the path."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def storage_error(error: OSError, path: Path) -> StorageError:
    """Return the StorageError of an OSError: full, read-only, gone, or the system's own words."""
    if error.errno in _FULL:
        return StorageError("storage.full", path=str(path))
    if error.errno in _REFUSED:
        return StorageError("storage.read_only", path=str(path))
    if error.errno in _GONE:
        return StorageError("storage.gone", path=str(path))
    return StorageError("storage.failed", path=str(path), reason=error.strerror or str(error))


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Write a file whole or not at all: a temporary file in the same folder, synced, then renamed into place.

    Raises:
        StorageError: disk full, folder read-only or gone; whatever lay at `path` is then still there.
    """
    with storage_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(mode_for(path))
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def write_atomic(path: Path, content: bytes | memoryview | Callable[[BinaryIO], None]) -> None:
    """Write bytes, or what a function writes, as `atomic_writer` does.

    Raises:
        StorageError: as for `atomic_writer`.
    """
    with atomic_writer(path) as stream:
        if callable(content):
            content(stream)
        else:
            stream.write(content)


def mode_for(path: Path) -> int:
    """Keep the mode of the file replaced; a new one gets what the user's umask says, not mkstemp's 0600."""
    with suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def sync_folder(folder: Path) -> None:
    """Make a rename durable; where folders cannot be synced (Windows) the file itself already is."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file of an archive."""

    name: str
    size: int


class Archive:
    """A zip or tar opened for reading; only regular files with names inside the folder exist for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path) if zipfile.is_zipfile(path) else None
            self._tar = tarfile.open(path) if self._zip is None else None  # noqa: SIM115 - closed by `close`
        except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
            raise StorageError("archive.damaged", path=str(path)) from error
        except OSError as error:
            raise storage_error(error, path) from error

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive's file."""
        for archive in (self._zip, self._tar):
            if archive is not None:
                archive.close()

    def members(self) -> list[Member]:
        """Return all files in it.

        Raises:
            StorageError: a member is a link or device, or its name leads out of the folder.
        """
        found = []
        for name, size, is_plain, is_folder in self._rows():
            if is_folder:
                continue
            if not is_plain or not is_inside(name):
                raise StorageError("archive.unsafe", path=str(self.path), member=name)
            found.append(Member(name, size))
        return found

    def _rows(self) -> Iterator[tuple[str, int, bool, bool]]:
        if self._zip is not None:
            for row in self._zip.infolist():
                kind = stat.S_IFMT(row.external_attr >> 16)
                yield row.filename, row.file_size, kind in (0, stat.S_IFREG), row.is_dir()
        if self._tar is not None:
            for item in self._tar:
                yield item.name, item.size, item.isreg(), item.isdir()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open one member for reading.

        Raises:
            StorageError: it is not there, or the archive is damaged.
        """
        try:
            stream = self._zip.open(name) if self._zip is not None else None
            if self._tar is not None:
                stream = self._tar.extractfile(name)
        except (KeyError, RuntimeError) as error:
            raise StorageError("archive.no_member", path=str(self.path), member=name) from error
        if stream is None:
            raise StorageError("archive.no_member", path=str(self.path), member=name)
        try:
            with stream:
                yield stream
        except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
            raise StorageError("archive.damaged", path=str(self.path)) from error


def is_inside(name: str) -> bool:
    """Say whether an archive member's name stays inside the folder it is unpacked to."""
    pure = PurePosixPath(name.replace("\\", "/"))
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and ":" not in pure.parts[0]


def extract(archive: Path, folder: Path, *, max_bytes: int) -> list[Path]:
    """Unpack a zip or tar below a folder: no absolute names, no "..", no links, not more than `max_bytes`.

    Raises:
        StorageError: an unsafe member, more data than allowed, a damaged archive, or the folder refuses.
    """
    written = []
    with Archive(archive) as opened:
        members = opened.members()
        left = max_bytes
        if sum(member.size for member in members) > max_bytes:
            raise StorageError("archive.too_big", path=str(archive), most_mb=f"{max_bytes / 1e6:.0f}")
        for member in members:
            target = folder / member.name
            with storage_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member.name) as source, atomic_writer(target) as sink:
                left -= _copy(source, sink, left, archive, max_bytes)
            written.append(target)
    return written


def _copy(source: IO[bytes], sink: BinaryIO, most: int, archive: Path, max_bytes: int) -> int:
    """Copy at most `most` bytes: a declared size may lie."""
    copied = 0
    while chunk := source.read(_CHUNK):
        copied += len(chunk)
        if copied > most:
            raise StorageError("archive.too_big", path=str(archive), most_mb=f"{max_bytes / 1e6:.0f}")
        sink.write(chunk)
    return copied


def ensure_folder(folder: Path) -> None:
    """Make a folder and prove that it can be written to.

    Raises:
        StorageError: it cannot.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".probe.")
        os.close(handle)
        Path(name).unlink()


def check_free_space(folder: Path, needed_bytes: int) -> None:
    """Raise StorageError when the disk of a folder has less room than a step is about to need."""
    with storage_errors(folder):
        free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        needed, have = f"{needed_bytes / 1e6:.0f}", f"{free / 1e6:.0f}"
        raise StorageError("storage.no_room", path=str(folder), needed_mb=needed, free_mb=have)
