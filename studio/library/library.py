"""The library of one project: the only room that speaks SQL. Others receive dataclasses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from studio.domain.errors import LibraryError
from studio.library import schema
from studio.library.backup import BackupRow, list_backups, make_backup, put_back
from studio.library.blobs import ARTEFACTS, BACKUPS, EXPORTS, ORIGINALS
from studio.library.clock import new_id, now
from studio.library.compare import Difference, compare_looks
from studio.library.connection import Connection
from studio.library.job_rows import Jobs
from studio.library.journal import Journal
from studio.library.lock import ProjectLock
from studio.library.looks import Looks
from studio.library.marks import Marking
from studio.library.records import Changes, ProjectInfo
from studio.library.relink import Relinking
from studio.library.scenes import Scenes
from studio.library.section import Core
from studio.library.sweep import remove_unfinished
from studio.media.safe_io import storage_error

DATABASE = "project.db"
CHECK_EVERY = timedelta(days=1)


class Library(Relinking, Marking, Looks, Scenes, Jobs):
    """One open project. Safe to use from several threads: writes are one at a time, reads never wait for them."""

    def __init__(self, core: Core, lock: ProjectLock | None) -> None:
        super().__init__(core)
        self._lock = lock
        self.crashed_before = lock is not None and lock.was_left_behind

    @classmethod
    def create(cls, folder: Path, name: str = "") -> Library:
        """Make a project in a folder that is new or empty, and open it.

        Raises:
            LibraryError: there is a project already, or the folder holds other things.
            StorageError: the disk is full or the folder read-only.
        """
        if (folder / DATABASE).exists():
            raise LibraryError("library.exists", folder=str(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise LibraryError("library.folder_not_empty", folder=str(folder))
            for part in (ORIGINALS, ARTEFACTS, EXPORTS, BACKUPS):
                (folder / part).mkdir(exist_ok=True)
        except OSError as error:
            raise storage_error(error, folder) from error
        lock = ProjectLock(folder)
        lock.acquire()
        try:
            core = _connect(folder, read_only=False)
            with core.connection.write() as db:
                schema.migrations.apply(db)
                db.table("project").insert({"id": new_id(), "name": name or folder.name, "created_at": now()})
        except BaseException:
            lock.release()
            raise
        return cls(core, lock)

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Library:
        """Open a project; an older schema is migrated after a backup.

        Raises:
            LibraryError: no project there ("library.none"), another window has it ("library.locked": offer to open it
                read-only), made by a newer program ("library.newer"), or damaged ("library.damaged").
            StorageError: the disk is full or the folder read-only.
        """
        if not (folder / DATABASE).is_file():
            raise LibraryError("library.none", folder=str(folder))
        if read_only:
            core = _connect(folder, read_only=True)
            _refuse_other_schema(core, read_only=True)
            return cls(core, None)
        lock = ProjectLock(folder)
        lock.acquire()
        try:
            core = _connect(folder, read_only=False)
            try:
                _refuse_other_schema(core, read_only=False)
                _migrate(core)
                if lock.was_left_behind:
                    remove_unfinished(folder)
                _check_daily(core, force=lock.was_left_behind)
            except BaseException:
                core.connection.close()
                raise
        except BaseException:
            lock.release()
            raise
        return cls(core, lock)

    @classmethod
    def restore_backup(cls, folder: Path, backup: Path) -> Library:
        """Make a backup the project's database again and open it; what was there is backed up first if it can be.

        Raises:
            LibraryError: another window has the project, or the backup is damaged.
        """
        lock = ProjectLock(folder)
        lock.acquire()
        try:
            keep_before_restore(folder)
            put_back(folder, backup)
        finally:
            lock.release()
        return cls.open(folder)

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._core.folder

    @property
    def connection(self) -> Connection:
        """The connections, for the library's own check and repair; nobody else speaks SQL."""
        return self._sql

    @property
    def is_read_only(self) -> bool:
        """True in a second window."""
        return self._sql.read_only

    @property
    def export_folder(self) -> Path:
        """Where exports go unless the operator says otherwise."""
        return self.folder / EXPORTS

    def info(self) -> ProjectInfo:
        """Return what the project says about itself."""
        row = self._sql.row("SELECT * FROM project")
        if row is None:
            raise LibraryError("library.damaged_row", table="project")
        return ProjectInfo(
            id=row["id"],
            name=row["name"],
            folder=self.folder,
            created_at=row["created_at"],
            commercial=bool(row["commercial"]),
            copy_originals=bool(row["copy_originals"]),
            schema=schema.latest(),
            read_only=self.is_read_only,
        )

    def update_info(
        self, *, name: str | None = None, commercial: bool | None = None, copy_originals: bool | None = None
    ) -> Changes:
        """Change what the project says about itself; what is None stays."""
        asked = {"name": name, "commercial": commercial, "copy_originals": copy_originals}
        values = {column: value for column, value in asked.items() if value is not None}
        with self._writing() as db:
            for column, value in values.items():
                db.conn.execute(f"UPDATE project SET {column} = ?", (value if column == "name" else int(bool(value)),))
            return self._tell(Changes(project=bool(values)))

    def subscribe(self, listener: Callable[[Changes], None]) -> Callable[[], None]:
        """Call a listener after every mutation, in the thread that made it; returns how to stop that."""
        self._core.listeners.append(listener)
        return lambda: self._core.listeners.remove(listener)

    def why_different(self, first_look_id: str, second_look_id: str) -> tuple[Difference, ...]:
        """Return what differs in how two looks were made: inputs, settings, models, versions, hand edits."""
        return compare_looks(self.look_record(first_look_id), self.look_record(second_look_id))

    def backup(self, reason: str = "manual") -> Path:
        """Back the database up now; returns the file."""
        return make_backup(self._sql, self.folder, reason)

    def backups(self) -> list[BackupRow]:
        """Return the backups, the newest first."""
        return list_backups(self.folder)

    def close(self) -> None:
        """Close the project and let another window have it."""
        self._sql.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connect(folder: Path, *, read_only: bool) -> Core:
    connection = Connection(folder / DATABASE, read_only=read_only)
    return Core(folder, connection, Journal(connection))


def _refuse_other_schema(core: Core, *, read_only: bool) -> None:
    with core.connection.exclusive() as db:
        applied = [step.name for step in schema.migrations.applied(db)]
        pending = schema.migrations.pending(db)
    unknown = sorted(set(applied) - set(schema.known()))
    values = {"folder": str(core.folder), "schema": (unknown or applied or ["?"])[-1]}
    if not applied:
        core.connection.close()
        raise LibraryError("library.none", folder=str(core.folder))
    if unknown:
        core.connection.close()
        raise LibraryError("library.newer", **values)
    if read_only and pending:
        core.connection.close()
        raise LibraryError("library.older", **values)


def _migrate(core: Core) -> None:
    with core.connection.exclusive() as db:
        if not schema.migrations.pending(db):
            return
    make_backup(core.connection, core.folder, "migration")
    with core.connection.exclusive() as db:
        schema.migrations.apply(db)


def _check_daily(core: Core, *, force: bool) -> None:
    """Once a day, and after a crash: ask SQLite whether the file is sound, and back it up."""
    row = core.connection.row("SELECT checked_at FROM project")
    checked_at = "" if row is None else str(row["checked_at"])
    is_due = not checked_at or datetime.now(UTC) - datetime.fromisoformat(checked_at) >= CHECK_EVERY
    if not is_due and not force:
        return
    verdict = core.connection.column("PRAGMA quick_check")
    if verdict != ["ok"]:
        raise LibraryError("library.damaged", file=str(core.connection.path), reason=verdict[0] if verdict else "?")
    if is_due:
        make_backup(core.connection, core.folder, "daily")
        with core.connection.write() as db:
            db.conn.execute("UPDATE project SET checked_at = ?", (now(),))


def keep_before_restore(folder: Path) -> None:
    """Back up what a restore or repair is about to replace; a damaged file is kept as it is, under another name."""
    database = folder / DATABASE
    if not database.is_file():
        return
    try:
        connection = Connection(database, read_only=False)
    except LibraryError:
        set_aside(database)
        return
    try:
        make_backup(connection, folder, "restore")
    except LibraryError:
        connection.close()
        set_aside(database)
        return
    connection.close()


def set_aside(database: Path) -> Path:
    """Keep a damaged database under another name among the backups; returns that file."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = database.parent / BACKUPS / f"damaged-{stamp}.db"
    try:
        target.parent.mkdir(exist_ok=True)
        database.replace(target)
    except OSError as error:
        raise storage_error(error, target) from error
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    return target
