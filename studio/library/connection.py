"""One writer and one reader per thread on `project.db`; SQLite's errors become the library's own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from studio.domain.errors import LibraryError, StorageError, StudioError
from studio.media.safe_io import storage_error

BUSY_TIMEOUT_MS = 5000
Values = Sequence[str | int | float | None]
Row = sqlite3.Row


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the operating system raise into errors the operator understands."""
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(error, path) from error
    except OSError as error:
        raise storage_error(error, path) from error


def _from_sqlite(error: sqlite3.Error, path: Path) -> StudioError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StorageError("storage.full", path=str(path))
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StorageError("storage.read_only", path=str(path))
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return StorageError("storage.failed", path=str(path), reason=str(error))
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryError("library.busy", file=str(path))
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LibraryError("library.damaged", file=str(path), reason=str(error))
    return LibraryError("library.database", file=str(path), reason=str(error))


class Connection:
    """The connections to one `project.db`: writes are one at a time, reads never wait for them."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._writing_thread: int | None = None
        self._depth = 0
        self._after_commit: list[Callable[[], None]] = []
        with translated(path):
            self._writer = Database(self._connect(write=not read_only))

    def _connect(self, *, write: bool) -> sqlite3.Connection:
        mode = "rwc" if write else "ro"
        if not write and self._must_be_immutable():
            mode = "ro&immutable=1"
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        if write:
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL: a look that was reported as finished is still there after the power fails.
            connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _must_be_immutable(self) -> bool:
        # A WAL file needs its -shm neighbour even to be read; on a read-only disk nobody can make it.
        import os

        return not os.access(self.path.parent, os.W_OK) and not self.path.with_name(self.path.name + "-shm").exists()

    @property
    def database(self) -> Database:
        """The writer, for migrations and backups; hold `exclusive` while using it."""
        return self._writer

    @contextmanager
    def exclusive(self) -> Iterator[Database]:
        """Keep other threads from writing."""
        with self._lock, translated(self.path):
            yield self._writer

    @contextmanager
    def write(self) -> Iterator[Database]:
        """One transaction: everything inside is kept, or nothing. Nested calls join the outer one."""
        if self.read_only:
            raise LibraryError("library.read_only", folder=str(self.path.parent))
        with self._lock, translated(self.path):
            outermost = self._depth == 0
            self._depth += 1
            self._writing_thread = threading.get_ident()
            try:
                with self._writer.atomic():
                    yield self._writer
            except BaseException:
                if outermost:
                    self._after_commit.clear()
                raise
            finally:
                self._depth -= 1
                if outermost:
                    self._writing_thread = None
            waiting, self._after_commit = (self._after_commit, []) if outermost else ([], self._after_commit)
        for call in waiting:
            call()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call once the running transaction is on disk; not at all if it fails."""
        self._after_commit.append(call)

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Return all rows of a query; inside `write` it sees what was just written."""
        with translated(self.path):
            return list(self._reader().execute(sql, tuple(values)))

    def row(self, sql: str, values: Values = ()) -> Row | None:
        """Return the first row of a query, or None."""
        with translated(self.path):
            found: Row | None = self._reader().execute(sql, tuple(values)).fetchone()
            return found

    def column(self, sql: str, values: Values = ()) -> list[str]:
        """Return the first column of a query; the quick way to 100,000 ids."""
        with translated(self.path):
            cursor = self._reader().cursor()
            cursor.row_factory = _first
            return cursor.execute(sql, tuple(values)).fetchall()

    def _reader(self) -> sqlite3.Connection:
        if self._writing_thread == threading.get_ident():
            writer: sqlite3.Connection = self._writer.conn
            return writer
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._connect(write=False)
            self._local.reader = reader
            with self._lock:
                self._readers.append(reader)
        return reader

    def close(self) -> None:
        """Close all connections; the write-ahead log is folded into the file."""
        with self._lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()
            self._local = threading.local()


def _first(cursor: sqlite3.Cursor, row: tuple[str, ...]) -> str:
    del cursor
    return row[0]
