"""The check finds what is wrong, and repair mends it without losing what can still be read."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoRole
from studio.domain.edits import MaskOp, MaskOpKind
from studio.domain.errors import LibraryError
from studio.domain.recipe import Recipe
from studio.library.integrity import CheckReport, Severity, check_project
from studio.library.library import Library
from studio.library.records import Filter
from studio.library.repair import repair_project
from tests.library.conftest import Project
from tests.library.helpers import add_look, make_record


def keys(report: CheckReport) -> set[str]:
    return {finding.note.key for finding in report.findings}


def hurt(folder: Path, *statements: str) -> None:
    """Change the database behind the library's back, foreign keys off."""
    connection = sqlite3.connect(folder / "project.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.fixture
def full(project: Project) -> Project:
    """A project with a look of every pair, edits, a scene and a job."""
    library = project.library
    for model in project.models:
        for garment in project.garments:
            add_look(library, model, garment)
    library.add_edits(project.models[0], [MaskOp(MaskOpKind.GROW, float(number)) for number in range(3)])
    library.create_scene("Shop", project.background)
    library.add_jobs(library.pair_ids()[:1], Recipe())
    return project


def test_a_sound_project_passes(full: Project) -> None:
    report = check_project(full.library)
    assert report.findings == ()
    assert report.is_sound
    assert (report.photos, report.looks, report.artefacts) == (5, 4, 4)


def test_a_changed_original_is_damage_and_can_be_relinked(full: Project) -> None:
    library = full.library
    photo = library.photo(full.models[0])
    good = photo.file.read_bytes()
    photo.file.write_bytes(good[:-1] + b"?")
    assert keys(check_project(library)) == {"check.original_changed"}
    assert check_project(library, deep=False).is_sound, "a shallow check does not read the files"
    library.close()
    assert [note.key for note in repair_project(library.folder).actions] == ["repair.photo_missing"]
    with Library.open(library.folder) as again:
        assert again.photo(photo.id).is_missing
        again.relink(full.camera)
        assert again.photo(photo.id).file.read_bytes() == good
        assert check_project(again).findings == ()


def test_a_missing_reference_is_a_notice_only(library: Library, camera: Path) -> None:
    library.import_photos([camera], PhotoRole.MODEL, copy=False)
    (camera / "IMG_1.png").unlink()
    report = check_project(library)
    assert [(f.severity, f.note.key) for f in report.findings] == [(Severity.NOTICE, "check.original_gone")]
    assert report.is_sound


def test_a_lost_look_is_marked_for_dressing_again(full: Project) -> None:
    library = full.library
    look = library.look(library.look_ids()[0])
    library.store.path(look.key).unlink()
    assert keys(check_project(library)) == {"check.look_gone"}
    folder = library.folder
    library.close()
    report = repair_project(folder)
    assert [note.key for note in report.actions] == ["repair.look_missing"]
    assert report.after.findings == ()
    with Library.open(folder) as again:
        assert again.look(look.id).missing_blob
        assert look.id in again.stale_look_ids()
        again.record_look(look.pair_id, make_record(again, look.pair_id, ""))
        assert not again.look(look.id).missing_blob


def test_a_damaged_artefact_is_removed(full: Project) -> None:
    library = full.library
    look = library.look(library.look_ids()[0])
    file = library.store.path(look.key)
    data = bytearray(file.read_bytes())
    data[-20:] = b"\0" * 20
    file.write_bytes(data)
    assert keys(check_project(library)) == {"check.artefact"}
    folder = library.folder
    library.close()
    report = repair_project(folder)
    assert [note.key for note in report.actions] == ["repair.artefact"]
    assert report.after.is_sound
    assert not file.exists()


def test_half_written_files_are_seen_and_removed(full: Project) -> None:
    library = full.library
    rubbish = [library.folder / "artefacts" / "ab" / ".abcd.fsa.x1.part", library.folder / "exports" / ".a.jpg.x.part"]
    for file in rubbish:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    report = check_project(library)
    assert keys(report) == {"check.unfinished"}
    assert report.is_sound
    library.close()
    assert len(repair_project(library.folder).actions) == 2
    assert not any(file.exists() for file in rubbish)


def test_dangling_rows_are_cut_and_written_down(full: Project) -> None:
    library, folder = full.library, full.library.folder
    gone = full.models[0]
    library.tag([gone], "lost")
    library.close()
    hurt(folder, f"DELETE FROM photo WHERE id = '{gone}'")
    with Library.open(folder) as again:
        assert {"check.dangling", "check.stray_edits"} <= keys(check_project(again))
    report = repair_project(folder)
    assert report.after.findings == ()
    assert report.file is not None
    cut = json.loads(report.file.read_text("utf-8"))
    assert {row["table"] for row in cut} >= {"pair", "look", "photo_tag", "edit"}
    assert sum(row["table"] == "edit" for row in cut) == 3
    with Library.open(folder) as again:
        assert len(again.look_ids()) == 2, "the other model's looks stay"
        assert "repair" in [backup.reason for backup in again.backups()]


def test_an_unreadable_edit_is_taken_out_of_its_branch(full: Project) -> None:
    library, folder = full.library, full.library.folder
    middle = library.edit_rows(full.models[0])[1].id
    library.close()
    hurt(folder, f"UPDATE edit SET body = '{{\"edit\": \"Unheard\"}}' WHERE id = '{middle}'")
    with Library.open(folder) as again:
        assert keys(check_project(again)) == {"check.row"}
    report = repair_project(folder)
    assert report.after.findings == ()
    with Library.open(folder) as again:
        assert [edit.amount for edit in again.edits(full.models[0]) if isinstance(edit, MaskOp)] == [0.0, 2.0]
        again.undo_edit(full.models[0])
        assert len(again.edits(full.models[0])) == 1


def test_an_unreadable_recipe_does_not_cost_the_look(full: Project) -> None:
    library, folder = full.library, full.library.folder
    look = library.look_ids()[0]
    library.close()
    hurt(folder, f"UPDATE look SET recipe = 'no json' WHERE id = '{look}'")
    report = repair_project(folder)
    assert report.after.findings == ()
    with Library.open(folder) as again:
        assert look in again.look_ids(Filter(current_only=False))
        assert again.look(look).is_stale


def damage_pages(database: Path, marker: bytes) -> None:
    """Overwrite the pages that hold a text: the disk lost them."""
    data = bytearray(database.read_bytes())
    size = 4096
    hit = [start for start in range(size, len(data), size) if marker in data[start : start + size]]
    assert hit
    for start in hit:
        data[start : start + size] = b"\xa5" * size
    database.write_bytes(data)


def lose_a_page_of_photos(full: Project) -> None:
    """Damage the page that the first model's row lies on."""
    library, folder = full.library, full.library.folder
    library.annotate(full.models[:1], "MARKER" + "x" * 3000)
    with library.connection.write() as db:  # the history holds the note too
        db.conn.execute("DELETE FROM operation")
    library.close()
    connection = sqlite3.connect(folder / "project.db")
    connection.execute("VACUUM")
    connection.close()
    damage_pages(folder / "project.db", b"MARKERx")
    with pytest.raises(LibraryError, match=r"^library\.damaged"):
        hurt_lock(folder)


def hurt_lock(folder: Path) -> None:
    """Open as after a crash, when the database is looked at."""
    (folder / "project.lock").write_text("crashed")
    Library.open(folder).close()


def test_a_damaged_database_is_salvaged_with_the_help_of_a_backup(full: Project) -> None:
    full.library.backup()
    folder, photos, looks = full.library.folder, full.library.photo_ids(), full.library.look_ids()
    lose_a_page_of_photos(full)
    report = repair_project(folder)
    assert "repair.salvaged" in [note.key for note in report.actions]
    assert report.after.findings == ()
    assert list((folder / "backups").glob("damaged-*.db")), "the damaged file is kept"
    with Library.open(folder) as again:
        assert again.info().name == "Autumn"
        assert again.photo_ids() == photos
        assert again.look_ids() == looks
        assert len(again.edits(full.models[0])) == 3
        assert again.scene_ids()


def test_without_a_backup_all_that_can_be_read_is_kept(full: Project) -> None:
    library, folder = full.library, full.library.folder
    with library.connection.write() as db:
        for number in range(200):
            db.conn.execute(
                "INSERT INTO photo (id, role, name, folded_name, sort_name, sha256, root, path, width, height, format,"
                " bit_depth, size_bytes, imported_at)"
                " VALUES (?1, 'model', ?1, ?1, ?1, ?1, '/', ?1, 1, 1, '', 8, 1, '')",
                (f"far{number}",),
            )
    for backup in library.backups():
        backup.file.unlink()
    lose_a_page_of_photos(full)
    report = repair_project(folder)
    assert report.after.is_sound
    with Library.open(folder) as again:
        assert 200 - 60 < len([photo for photo in again.photo_ids() if photo.startswith("far")]) <= 200


def test_what_cannot_be_repaired_says_so(full: Project) -> None:
    folder = full.library.folder
    full.library.close()
    (folder / "project.db").write_bytes(b"\xa5" * 50_000)
    with pytest.raises(LibraryError, match=r"^library\.(beyond_repair|damaged)"):
        repair_project(folder)
    assert (folder / "project.db").exists(), "the file is left for a specialist"


def test_repair_of_a_project_that_is_open_elsewhere_is_refused(full: Project) -> None:
    with pytest.raises(LibraryError, match=r"^library\.locked"):
        repair_project(full.library.folder)
