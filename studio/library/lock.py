"""The lock that keeps a second window from writing one project: held by the operating system, so it dies with us."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import BinaryIO

from studio.domain.errors import LibraryError
from studio.library.clock import now
from studio.media.safe_io import storage_error

LOCK_NAME = "project.lock"
_LOCKED_BYTE = 1 << 20  # far behind the text, so that others may read it while Windows holds the byte


class ProjectLock:
    """Exclusive right to write a project folder.

    The file's text only tells others who holds it. A file left behind by a crash means nothing: the operating system
    dropped the lock with the process.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._file: BinaryIO | None = None
        self.was_left_behind = False
        """After `acquire`: the last holder went without saying goodbye; half-written files may lie about."""

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            LibraryError: another window or process holds it; the values say which.
            StorageError: the folder cannot be written.
        """
        try:
            file = self._path.open("a+b")
        except OSError as error:
            raise storage_error(error, self._path) from error
        if not _try_lock(file):
            holder = _holder(file)
            file.close()
            raise LibraryError("library.locked", folder=str(self._path.parent), **holder)
        self.was_left_behind = bool(_text(file))
        try:
            file.truncate(0)
            file.write(json.dumps({"pid": str(os.getpid()), "host": socket.gethostname(), "since": now()}).encode())
            file.flush()
        except OSError as error:
            file.close()
            raise storage_error(error, self._path) from error
        self._file = file

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would race with the next holder."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def _try_lock(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(file: BinaryIO) -> dict[str, str]:
    try:
        told = json.loads(_text(file) or b"{}")
    except ValueError:  # the holder is just writing it
        told = {}
    return {name: str(told.get(name, "?")) for name in ("pid", "host", "since")}


def _text(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(4096)
