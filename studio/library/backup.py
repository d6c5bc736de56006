"""Backups of `project.db`: made with SQLite's backup API, verified, then thinned as they age."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from studio.domain.errors import LibraryError
from studio.library.blobs import BACKUPS, PART_SUFFIX
from studio.library.connection import Connection, translated
from studio.media.safe_io import storage_error, sync_folder

# style.md section 7: all of the last two days, 12 daily, 10 weekly, 9 monthly.
KEEP_ALL_DAYS, DAILY, WEEKLY, MONTHLY = 2, 12, 10, 9

_STAMP = "%Y%m%dT%H%M%S%f"
_NAME = re.compile(r"^project-(\d{8}T\d{12})Z-([a-z_]+)\.db$")


@dataclass(frozen=True, slots=True)
class BackupRow:
    """One backup file. reason: "daily", "migration", "manual", "restore", "repair"."""

    file: Path
    made_at: datetime
    reason: str


def list_backups(folder: Path) -> list[BackupRow]:
    """Return a project's backups, the newest first."""
    found = []
    for file in (folder / BACKUPS).glob("project-*.db"):
        match = _NAME.match(file.name)
        if match:
            made_at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
            found.append(BackupRow(file, made_at, match[2]))
    return sorted(found, key=lambda row: row.made_at, reverse=True)


def make_backup(connection: Connection, folder: Path, reason: str, moment: datetime | None = None) -> Path:
    """Copy the database as it is now, verify the copy, and thin the older ones.

    Raises:
        StorageError: the disk is full or the folder read-only; no half-written backup stays.
        LibraryError: the copy does not pass SQLite's check: the database itself is damaged.
    """
    made_at = moment or datetime.now(UTC)
    target = folder / BACKUPS / f"project-{made_at.strftime(_STAMP)}Z-{reason}.db"
    part = target.with_name(target.name + PART_SUFFIX)
    try:
        target.parent.mkdir(exist_ok=True)
        with connection.exclusive() as db:
            _copy_database(db.conn, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(error, target) from error
    finally:
        part.unlink(missing_ok=True)
    thin_backups(folder, made_at)
    return target


def _copy_database(source: sqlite3.Connection, part: Path) -> None:
    part.unlink(missing_ok=True)
    copy = sqlite3.connect(part)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm beside it
        verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
    finally:
        copy.close()
    if verdict != "ok":
        raise LibraryError("library.damaged", file=str(part), reason=str(verdict))


def thin_backups(folder: Path, moment: datetime) -> list[Path]:
    """Remove the backups that the rule no longer keeps; returns what went."""
    rows = list_backups(folder)
    kept = backups_to_keep([row.made_at for row in rows], moment)
    gone = [row.file for row in rows if row.made_at not in kept]
    for file in gone:
        file.unlink(missing_ok=True)
    return gone


def backups_to_keep(moments: Iterable[datetime], moment: datetime) -> set[datetime]:
    """Return which of these moments stay: the newest of each day, week and month, as far back as the rule goes."""
    newest_first = sorted(moments, reverse=True)
    kept = {made for made in newest_first if moment - made <= timedelta(days=KEEP_ALL_DAYS)}
    kept |= _newest_of_each(newest_first, DAILY, lambda made: made.strftime("%Y-%m-%d"))
    kept |= _newest_of_each(newest_first, WEEKLY, lambda made: made.strftime("%G-%V"))
    return kept | _newest_of_each(newest_first, MONTHLY, lambda made: made.strftime("%Y-%m"))


def _newest_of_each(newest_first: list[datetime], count: int, period: Callable[[datetime], str]) -> set[datetime]:
    newest: dict[str, datetime] = {}
    for made in newest_first:
        newest.setdefault(period(made), made)
    return set(list(newest.values())[:count])


def put_back(folder: Path, backup: Path) -> None:
    """Make a backup the project's database again. Nobody may have the project open: hold its lock.

    Raises:
        LibraryError: the backup itself is damaged; the project stays as it was.
        StorageError: the disk is full or the folder read-only; the project stays as it was.
    """
    database = folder / "project.db"
    part = database.with_name(f"project{PART_SUFFIX}.db")
    try:
        with translated(backup):
            source = sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
            try:
                _copy_database(source, part)
            finally:
                source.close()
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        for suffix in ("-wal", "-shm"):  # they belong to the database that goes
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        part.replace(database)
        sync_folder(folder)
    except OSError as error:
        raise storage_error(error, database) from error
    finally:
        part.unlink(missing_ok=True)
