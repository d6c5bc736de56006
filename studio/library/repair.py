"""Repair of a project: what dangles is cut and written to a report, what can be made again is marked for it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from studio.domain.errors import LibraryError
from studio.domain.keys import Note
from studio.domain.progress import Progress
from studio.library import schema
from studio.library.backup import list_backups
from studio.library.blobs import BACKUPS, PART_SUFFIX
from studio.library.connection import Connection, translated
from studio.library.integrity import CheckReport, Finding, artefact_file, check_project
from studio.library.library import DATABASE, Library, set_aside
from studio.library.lock import ProjectLock
from studio.library.sweep import remove_unfinished
from studio.media.safe_io import storage_errors, write_atomic

MAX_ROUNDS = 10
"""Cutting one dangling row can leave others dangling; chains of the schema are shorter than this."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What was done, and the check afterwards. file: where rows that were cut are written down, None if none were."""

    actions: tuple[Note, ...]
    file: Path | None
    after: CheckReport


def repair_project(folder: Path, progress: Progress | None = None) -> RepairReport:
    """Bring a project back to where its check passes, losing nothing that can still be read.

    Raises:
        LibraryError: another window has the project, or not even its tables can be read: restore a backup.
        StorageError: the disk is full or the folder read-only.
    """
    actions: list[Note] = []
    if _is_damaged(folder):
        kept = _salvage(folder)
        actions.append(Note("repair.salvaged", {"file": str(kept)}))
    with Library.open(folder) as library:
        library.backup("repair")
        for file in remove_unfinished(folder):
            actions.append(Note("repair.unfinished", {"file": str(file)}))
        cut = _cut_dangling(library.connection)
        before = check_project(library, progress=progress)
        for finding in before.findings:
            actions.extend(_mend(library, finding, cut))
        actions.extend(Note("repair.cut", {"table": row["table"]}) for row in cut)
        report = _write_report(folder, cut)
        return RepairReport(tuple(actions), report, check_project(library, deep=False))


def _is_damaged(folder: Path) -> bool:
    if not (folder / DATABASE).is_file():
        raise LibraryError("library.none", folder=str(folder))
    lock = ProjectLock(folder)
    lock.acquire()
    try:
        connection = Connection(folder / DATABASE, read_only=False)
        try:
            return connection.column("PRAGMA integrity_check") != ["ok"]
        finally:
            connection.close()
    except LibraryError as error:
        if error.key == "library.damaged":
            return True
        raise
    finally:
        lock.release()


def _salvage(folder: Path) -> Path:
    """Copy every row that can still be read into a fresh database; the damaged file is kept. Returns that file."""
    database = folder / DATABASE
    part = folder / f"project{PART_SUFFIX}.db"
    part.unlink(missing_ok=True)
    lock = ProjectLock(folder)
    lock.acquire()
    try:
        with translated(part):
            fresh = Database(sqlite3.connect(part))
            try:
                schema.migrations.apply(fresh)
                fresh.conn.execute("PRAGMA foreign_keys=OFF")
                if not _copy_rows(database, fresh):
                    raise LibraryError("library.beyond_repair", folder=str(folder))
                _fill_from_backup(folder, fresh)
                fresh.conn.commit()
            finally:
                fresh.close()
        kept = set_aside(database)
        with storage_errors(database):
            part.replace(database)
        return kept
    finally:
        part.unlink(missing_ok=True)
        lock.release()


def _copy_rows(database: Path, fresh: Database) -> bool:
    """True when at least the project's own row came over."""
    with translated(database):
        source = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
        try:
            for table in _tables(fresh):
                _copy_table(source, fresh, table)
        finally:
            source.close()
        found: int = fresh.conn.execute("SELECT count(*) FROM project").fetchone()[0]
        return found > 0


def _tables(db: Database) -> list[str]:
    found = [row[0] for row in db.conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in found if not name.startswith(("sqlite_", "_sqlite_"))]


def _copy_table(source: sqlite3.Connection, fresh: Database, table: str) -> None:
    there = _columns(source, table)
    columns = [name for name in _columns(fresh.conn, table) if name in there]
    if not columns:
        return
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
    for row in _readable_rows(source, table, names):
        fresh.conn.execute(insert, row)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _readable_rows(source: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """Yield every row whose page can be read.

    An index often survives what hit the table: it tells which rows there were, and each is tried alone. Where there is
    none, a walk from the front stops at the damage; what lies behind it is reached from the back.
    """
    try:
        numbers = [row[0] for row in source.execute(f"SELECT rowid FROM {table}")]
    except sqlite3.DatabaseError:
        for direction in ("", " ORDER BY 1 DESC"):
            with suppress(sqlite3.DatabaseError):
                yield from source.execute(f"SELECT {names} FROM {table}{direction}")
        return
    for number in numbers:
        with suppress(sqlite3.DatabaseError):
            yield from source.execute(f"SELECT {names} FROM {table} WHERE rowid = ?", (number,))


_NEVER_DELETED = ("photo", "pair", "recipe", "step", "look", "look_step", "edit", "scene", "collection", "export")
"""Tables whose rows only ever come: what a backup has and the salvaged database lacks was lost, not removed."""


def _fill_from_backup(folder: Path, fresh: Database) -> None:
    """Bring back from the newest readable backup what the damage took."""
    for backup in list_backups(folder):
        source = sqlite3.connect(f"{backup.file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            if source.execute("PRAGMA quick_check").fetchone()[0] == "ok":
                for table in _NEVER_DELETED:
                    _copy_table(source, fresh, table)
                return
        except sqlite3.DatabaseError:
            continue
        finally:
            source.close()


def _cut_dangling(connection: Connection) -> list[dict[str, str]]:
    """Remove rows whose parent is gone; returns what they held."""
    cut: list[dict[str, str]] = []
    with connection.write() as db:
        db.conn.execute("PRAGMA defer_foreign_keys=ON")
        for _ in range(MAX_ROUNDS):
            found = db.conn.execute("PRAGMA foreign_key_check").fetchall()
            if not found:
                break
            for row in found:
                cut.extend(_cut_row(db, row["table"], row["rowid"], row["fkid"]))
    return cut


def _cut_row(db: Database, table: str, rowid: int | None, foreign_key: int) -> list[dict[str, str]]:
    if rowid is None:  # tables without rowid are links only: drop those whose parent is gone
        key = next(row for row in db.conn.execute(f"PRAGMA foreign_key_list({table})") if row["id"] == foreign_key)
        where = f"{key['from']} NOT IN (SELECT {key['to']} FROM {key['table']})"
    else:
        where = f"rowid = {rowid:d}"
    gone = db.conn.execute(f"SELECT * FROM {table} WHERE {where}").fetchall()
    db.conn.execute(f"DELETE FROM {table} WHERE {where}")
    return [{"table": table, "row": json.dumps(dict(row), ensure_ascii=False)} for row in gone]


def _mend(library: Library, finding: Finding, cut: list[dict[str, str]]) -> list[Note]:
    """Do what one finding asks for; returns what was done."""
    key, subject = finding.note.key, finding.subject
    with library.connection.write() as db:
        if key in ("check.original_gone", "check.original_changed"):
            db.conn.execute("UPDATE photo SET missing = 1 WHERE id = ?", (subject,))
            return [Note("repair.photo_missing", finding.note.values)]
        if key == "check.original_back":
            db.conn.execute("UPDATE photo SET missing = 0 WHERE id = ?", (subject,))
        elif key == "check.look_gone":
            db.conn.execute("UPDATE look SET missing = 1, stale = 1 WHERE id = ?", (subject,))
            return [Note("repair.look_missing", finding.note.values)]
        elif key == "check.look_back":
            db.conn.execute("UPDATE look SET missing = 0 WHERE id = ?", (subject,))
        elif key == "check.stray_edits":
            _cut_edits(db, "target_id = ?", subject, cut)
        elif key == "check.row":
            _cut_unreadable(db, finding.table, subject, cut)
        elif key == "check.artefact":
            with storage_errors(library.folder):
                artefact_file(library, subject).unlink(missing_ok=True)
            db.conn.execute("UPDATE look SET missing = 1, stale = 1 WHERE digest = ?", (subject,))
            return [Note("repair.artefact", finding.note.values)]
    return []


def _cut_unreadable(db: Database, table: str, row_id: str, cut: list[dict[str, str]]) -> None:
    if table == "edit":
        _cut_edits(db, "id = ?", row_id, cut)
        return
    if table == "look":  # the picture is worth more than the note how it was made
        db.conn.execute(
            "UPDATE look SET recipe = ?, edits = ?, reasons = '[]', stale = 1 WHERE id = ?",
            ('{"name": "?", "choices": {}}', '{"model": [], "garment": [], "pair": []}', row_id),
        )
    gone = db.conn.execute(f"SELECT * FROM {table} WHERE id = ?", (row_id,)).fetchall()
    cut.extend({"table": table, "row": json.dumps(dict(row), ensure_ascii=False)} for row in gone)
    if table != "look":
        db.conn.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))


def _cut_edits(db: Database, where: str, value: str, cut: list[dict[str, str]]) -> None:
    """Take edits out of their branches: what came after one hangs on what came before it."""
    for row in db.conn.execute(f"SELECT * FROM edit WHERE {where} ORDER BY number DESC", (value,)).fetchall():
        db.conn.execute("UPDATE edit SET parent_id = ? WHERE parent_id = ?", (row["parent_id"], row["id"]))
        db.conn.execute("UPDATE edit_cursor SET edit_id = ? WHERE edit_id = ?", (row["parent_id"], row["id"]))
        db.conn.execute("DELETE FROM edit WHERE id = ?", (row["id"],))
        cut.append({"table": "edit", "row": json.dumps(dict(row), ensure_ascii=False)})


def _write_report(folder: Path, cut: list[dict[str, str]]) -> Path | None:
    if not cut:
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = folder / BACKUPS / f"repair-{stamp}.json"
    write_atomic(file, json.dumps(cut, ensure_ascii=False, indent=1).encode("utf-8"))
    return file
