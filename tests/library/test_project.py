"""Opening, locking, migrating, backing up, full disks and read-only folders."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import LibraryError, StorageError
from studio.library import schema
from studio.library.backup import backups_to_keep, list_backups, make_backup
from studio.library.connection import Connection
from studio.library.library import Library
from studio.library.lock import LOCK_NAME, ProjectLock
from studio.library.records import Changes
from tests.fakes import draw_photo
from tests.library.conftest import Project

PROJECT = Path(__file__).resolve().parent.parent.parent
OLD_LIBRARIES = PROJECT / "tests" / "data" / "libraries"


def refused(key: str) -> AbstractContextManager[pytest.ExceptionInfo[LibraryError]]:
    return pytest.raises(LibraryError, match=rf"^library\.{key} ")


def test_a_new_project_has_its_folders_and_says_who_it_is(tmp_path: Path) -> None:
    with Library.create(tmp_path / "new" / "project", "Autumn") as library:
        info = library.info()
        assert (info.name, info.commercial, info.copy_originals, info.read_only) == ("Autumn", True, True, False)
        assert library.update_info(name="Winter", commercial=False).project
        assert (library.info().name, library.info().commercial) == ("Winter", False)
        for part in ("originals", "artefacts", "exports", "backups", "project.db"):
            assert (library.folder / part).exists()


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    with refused("none"):
        Library.open(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with refused("folder_not_empty"):
        Library.create(tmp_path)
    (tmp_path / "project.db").write_bytes(b"this is not a database, but it is long enough to look at" * 40)
    with refused("damaged"):
        Library.open(tmp_path)
    assert (tmp_path / "project.db").read_bytes().startswith(b"this is not")
    Library.create(tmp_path / "inner").close()
    with refused("exists"):
        Library.create(tmp_path / "inner")


def test_two_windows_on_one_project(library: Library) -> None:
    with pytest.raises(LibraryError) as caught:
        Library.open(library.folder)
    assert caught.value.key == "library.locked"
    assert caught.value.values["pid"] == str(os.getpid())
    with Library.open(library.folder, read_only=True) as window:
        assert window.is_read_only
        with refused("read_only"):
            window.update_info(name="No")
        with refused("read_only"):
            window.import_photos([library.folder], PhotoRole.MODEL)
        library.update_info(name="Changed")
        assert window.info().name == "Changed", "the second window sees what the first one does"
    folder = library.folder
    library.close()
    Library.open(folder).close()


def test_another_process_is_refused_too(library: Library) -> None:
    code = "from pathlib import Path; from studio.library.library import Library; "
    code += f"Library.open(Path({str(library.folder)!r}))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "library.locked" in ended.stderr


def test_a_lock_left_by_a_crash_is_no_lock(library: Library) -> None:
    folder = library.folder
    library.close()
    (folder / LOCK_NAME).write_text(json.dumps({"pid": "1", "host": "elsewhere", "since": "long ago"}))
    rubbish = folder / "originals" / "half.part.png"
    rubbish.write_bytes(b"half a photo")
    with Library.open(folder) as again:
        assert again.crashed_before
        assert not rubbish.exists()
    with Library.open(folder) as again:
        assert not again.crashed_before


def test_the_lock_is_given_back_when_opening_fails(library: Library) -> None:
    folder = library.folder
    with library.connection.write() as db:
        db.conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('library', '999_future', '')"
        )
    library.close()
    for read_only in (False, True):
        with refused("newer"):
            Library.open(folder, read_only=read_only)
    lock = ProjectLock(folder)
    lock.acquire()
    lock.release()


def test_a_child_process_does_not_keep_the_lock(library: Library) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Event()
    child = context.Process(target=gate.wait, args=(60,))
    child.start()
    folder = library.folder
    library.close()
    try:
        Library.open(folder).close()
    finally:
        gate.set()
        child.join()


def old_libraries() -> list[Path]:
    return sorted(OLD_LIBRARIES.glob("*.sql"))


def test_every_released_schema_has_a_stored_library() -> None:
    assert {file.stem for file in old_libraries()} >= set(schema.known()[:-1])


@pytest.mark.parametrize("dump", old_libraries(), ids=lambda file: file.stem)
def test_old_libraries_migrate_and_keep_their_rows(tmp_path: Path, dump: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    connection = sqlite3.connect(folder / "project.db")
    connection.executescript(dump.read_text("utf-8"))
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    mine = [name for name in tables if not name.startswith(("sqlite_", "_sqlite"))]
    before = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in mine}
    connection.close()
    assert sum(before.values()) > 0
    is_old = dump.stem != schema.latest()
    if is_old:
        with refused("older"):
            Library.open(folder, read_only=True)
    with Library.open(folder) as library:
        for name, count in before.items():
            row = library.connection.row(f"SELECT count(*) AS held FROM {name}")
            assert row is not None
            assert row["held"] == count, name
        assert [backup.reason for backup in library.backups()].count("migration") == int(is_old)
        assert {row.name for row in library.photos(library.photo_ids())} == {
            "model.jpg",
            "garment.jpg",
            "background.jpg",
        }
        library.rate(library.photo_ids(), 3)
        library.job_counts()
        library.scene_ids()


def test_a_migration_that_fails_changes_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = library.folder
    library.close()
    broken = type(schema.migrations)("library")
    broken._migrations = list(schema.migrations._migrations)

    def fail(db: Database) -> None:
        db.execute("CREATE TABLE half (id TEXT)")
        db.execute("INSERT INTO nothing VALUES (1)")

    broken(name="900_broken")(fail)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", broken)
        with pytest.raises(LibraryError):
            Library.open(folder)
    with Library.open(folder) as again:
        assert not again.connection.row("SELECT 1 FROM sqlite_master WHERE name = 'half'")
        assert "migration" in [backup.reason for backup in again.backups()]


def test_backups_are_whole_and_can_be_restored(project: Project) -> None:
    library, folder = project.library, project.library.folder
    library.rate(project.models, 5)
    backup = library.backup()
    library.trash(project.models)
    library.close()
    assert not backup.with_name(backup.name + "-wal").exists()
    with Library.restore_backup(folder, backup) as restored:
        assert [row.marks.rating for row in restored.photos(restored.photo_ids())].count(5) == 2
        reasons = [row.reason for row in restored.backups()]
        assert "restore" in reasons, "what the restore replaced is kept"


def test_a_damaged_backup_is_refused_and_the_project_stays(project: Project) -> None:
    library, folder = project.library, project.library.folder
    backup = library.backup()
    library.close()
    data = bytearray(backup.read_bytes())
    data[: len(data) // 2] = b"\xff" * (len(data) // 2)
    backup.write_bytes(data)
    with pytest.raises(LibraryError):
        Library.restore_backup(folder, backup)
    with Library.open(folder) as again:
        assert len(again.photo_ids()) == 5


def test_the_first_opening_of_a_day_backs_up(library: Library) -> None:
    folder = library.folder
    library.close()
    for _ in range(3):
        with Library.open(folder) as again:
            reasons = [row.reason for row in again.backups()]
    assert reasons == ["daily"]
    with Library.open(folder) as again, again.connection.write() as db:
        old = (datetime.now(UTC) - timedelta(days=2)).isoformat()
        db.conn.execute("UPDATE project SET checked_at = ?", (old,))
    with Library.open(folder) as again:
        assert len(again.backups()) == 2


def test_thinning_keeps_days_weeks_and_months() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    moments = [now - timedelta(hours=6 * number) for number in range(4 * 500)]
    kept = sorted(backups_to_keep(moments, now), reverse=True)
    assert [moment for moment in kept if now - moment <= timedelta(days=2)] == moments[:9]
    days = {moment.date() for moment in kept}
    assert {(now - timedelta(days=back)).date() for back in range(12)} <= days
    weeks = {moment.isocalendar()[:2] for moment in kept}
    assert {(now - timedelta(weeks=back)).isocalendar()[:2] for back in range(10)} <= weeks
    months = {(moment.year, moment.month) for moment in kept}
    assert months == {(2026, month) for month in range(3, 12)}
    assert len(kept) <= 9 + 12 + 10 + 9


def test_old_backups_are_thinned_on_disk(library: Library) -> None:
    now = datetime.now(UTC)
    for days in range(25, -1, -1):
        make_backup(library.connection, library.folder, "manual", now - timedelta(days=days))
    ages = [(now - row.made_at).days for row in list_backups(library.folder)]
    assert ages[:12] == list(range(12))
    assert 12 < len(ages) < 20


def test_a_full_disk_while_writing_rows_changes_nothing(project: Project) -> None:
    library = project.library
    with library.connection.exclusive() as db:
        pages = db.conn.execute("PRAGMA page_count").fetchone()[0]
        db.conn.execute(f"PRAGMA max_page_count = {pages}")
    heard: list[Changes] = []
    library.subscribe(heard.append)
    with pytest.raises(StorageError, match=r"^storage\.full"):
        library.annotate(project.models, "x" * 100_000)
    assert [row.marks.note for row in library.photos(project.models)] == ["", ""]
    assert heard == [], "nobody is told of what did not happen"
    with library.connection.exclusive() as db:
        db.conn.execute("PRAGMA max_page_count = 1000000")
    library.annotate(project.models, "fits")
    assert library.photo(project.models[0]).marks.note == "fits"


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_full_disk_while_copying_leaves_nothing_half_written(library: Library, tmp_path: Path) -> None:
    small = draw_photo(tmp_path / "small.png", 1)
    large = draw_photo(tmp_path / "large.png", 2, size=(1200, 900))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, limit[1]))
    try:
        report = library.import_photos([large, small], PhotoRole.MODEL)
    except StorageError:
        report = None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    kept = [file for file in (library.folder / "originals").rglob("*") if file.is_file()]
    assert all(".part" not in file.name for file in kept)
    assert report is None or [failure.file for failure in report.failed] == [large]
    assert library.import_photos([large], PhotoRole.MODEL).imported


def test_a_read_only_folder_is_told(library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = library.folder
    library.close()

    def refuse(self: Path, *args: object, **values: object) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", refuse)
        with pytest.raises(StorageError, match=r"^storage\.read_only"):
            Library.create(tmp_path / "other")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(StorageError, match=r"^storage\.read_only"):
            Library.open(folder)


def test_a_project_on_a_read_only_disk_can_be_viewed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.update_info(name="Archive")
    folder = library.folder
    library.close()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with Library.open(folder, read_only=True) as archive:
        assert archive.info().name == "Archive"
    assert not (folder / "project.db-wal").exists()


def test_readers_never_wait_for_a_writer(project: Project) -> None:
    library = project.library
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with library.connection.write() as db:
            db.conn.execute("UPDATE photo SET rating = 5")
            inside.set()
            go_on.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    assert inside.wait(30)
    assert [row.marks.rating for row in library.photos(project.models)] == [0, 0]
    go_on.set()
    thread.join()
    assert [row.marks.rating for row in library.photos(project.models)] == [5, 5]


def test_many_threads_write_one_after_another(project: Project) -> None:
    library = project.library
    threads = [
        threading.Thread(target=lambda tag=f"tag{number}": library.tag(project.models, tag)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(library.photo(project.models[0]).marks.tags) == 8


def test_closing_leaves_one_file(project: Project) -> None:
    folder = project.library.folder
    project.library.photo_ids()
    project.library.close()
    assert sorted(file.name for file in folder.glob("project.db*")) == ["project.db"]
    copy = folder.parent / "moved"
    shutil.copytree(folder, copy)
    with Library.open(copy) as moved:
        assert all(row.file.is_file() and row.file.is_relative_to(copy) for row in moved.photos(moved.photo_ids()))


def test_errors_of_sqlite_have_names(tmp_path: Path) -> None:
    with Library.create(tmp_path / "p") as library:
        connection: Connection = library.connection
        with pytest.raises(LibraryError, match=r"^library\.database"):
            connection.rows("SELECT * FROM nothing")
