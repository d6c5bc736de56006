"""Importing, listing, renaming, relinking."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from studio.domain.artefacts import PhotoInfo, PhotoRole
from studio.domain.errors import Cancelled, LibraryError, StorageError
from studio.domain.progress import Progress
from studio.library import photos as photos_module
from studio.library.library import Library
from studio.library.records import Filter, Order
from studio.media.safe_io import storage_error
from tests.fakes import draw_photo


def names(library: Library, wanted: Filter | None = None, order: Order = Order.NAME) -> list[str]:
    return [row.name for row in library.photos(library.photo_ids(wanted, order))]


def files_in(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}


def test_import_copies_by_content_and_keeps_the_source(library: Library, camera: Path) -> None:
    before = {file: file.read_bytes() for file in files_in(camera)}
    report = library.import_photos([camera], PhotoRole.MODEL)
    assert names(library) == ["IMG_1.png", "IMG_2.png", "IMG_10.png"]
    assert report.changes.photos == set(report.imported)
    for row in library.photos(report.imported):
        data = row.file.read_bytes()
        assert hashlib.sha256(data).hexdigest() == row.sha256 == row.file.stem
        assert data == before[camera / row.name]
        assert not row.is_referenced
        assert row.size == (24, 32)
    assert {file: file.read_bytes() for file in files_in(camera)} == before


def test_import_by_reference_leaves_the_file_where_it_is(library: Library, camera: Path) -> None:
    library.import_photos([camera / "IMG_1.png"], PhotoRole.GARMENT, copy=False)
    row = library.photo(library.photo_ids()[0])
    assert row.is_referenced
    assert row.file == (camera / "IMG_1.png").resolve()
    assert files_in(library.folder / "originals") == set()


def test_same_content_twice_is_one_photo(library: Library, camera: Path) -> None:
    copy = camera / "copy.png"
    copy.write_bytes((camera / "IMG_1.png").read_bytes())
    report = library.import_photos([camera / "IMG_1.png", copy], PhotoRole.MODEL)
    assert len(report.imported) == 1
    assert report.duplicates == ((copy, report.imported[0]),)


def test_bad_files_are_reported_one_by_one_and_the_rest_goes_on(library: Library, camera: Path) -> None:
    whole = (camera / "IMG_2.png").read_bytes()
    (camera / "empty.png").write_bytes(b"")
    (camera / "text.png").write_bytes(b"this is not a photo at all, whatever its name")
    (camera / "cut.png").write_bytes(whole[: len(whole) // 2])
    report = library.import_photos([camera, camera / "gone.png"], PhotoRole.MODEL)
    assert names(library) == ["IMG_1.png", "IMG_2.png", "IMG_10.png"]
    assert {failure.file.name for failure in report.failed} == {"empty.png", "text.png", "cut.png", "gone.png"}
    for failure in report.failed:
        assert failure.error.values["file"] == str(failure.file)
    assert all(".part" not in file.name for file in files_in(library.folder))


def test_a_full_disk_stops_the_import_and_keeps_what_is_in(
    library: Library, camera: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = photos_module.Originals._copy
    calls = []

    def fill_up(self: photos_module.Originals, file: Path, part: Path) -> tuple[str, int]:
        calls.append(file)
        if len(calls) < 3:
            return real(self, file, part)
        part.write_bytes(b"half")
        part.unlink()
        raise storage_error(OSError(28, "No space left on device"), self._project)

    monkeypatch.setattr(photos_module.Originals, "_copy", fill_up)
    with pytest.raises(StorageError, match=r"storage\.full"):
        library.import_photos([camera], PhotoRole.MODEL)
    assert names(library) == ["IMG_1.png", "IMG_2.png"]
    assert library.undo_name() == "undo.import"


def test_cancelling_keeps_what_is_in(library: Library, camera: Path) -> None:
    token = threading.Event()
    seen: list[float] = []

    def stop_at_second(fraction: float, stage: str) -> None:
        seen.append(fraction)
        if len(seen) == 2:
            token.set()

    with pytest.raises(Cancelled):
        library.import_photos([camera], PhotoRole.MODEL, progress=Progress(token, stop_at_second))
    assert names(library) == ["IMG_1.png", "IMG_2.png"]


def test_undo_of_an_import_trashes_and_redo_brings_back(library: Library, camera: Path) -> None:
    library.import_photos([camera], PhotoRole.MODEL)
    assert library.undo().photos
    assert names(library) == []
    assert len(names(library, Filter(in_trash=True))) == 3
    library.redo()
    assert len(names(library)) == 3


def test_importing_what_is_in_the_trash_takes_it_out(library: Library, camera: Path) -> None:
    first = library.import_photos([camera / "IMG_1.png"], PhotoRole.MODEL).imported
    library.rate(first, 4)
    library.trash(first)
    again = library.import_photos([camera / "IMG_1.png"], PhotoRole.MODEL).imported
    assert again == first
    assert library.photo(first[0]).marks.rating == 4


def test_relink_finds_moved_files_by_content(library: Library, camera: Path, tmp_path: Path) -> None:
    library.import_photos([camera], PhotoRole.MODEL, copy=False)
    moved = tmp_path / "archive" / "2026"
    moved.mkdir(parents=True)
    for file in sorted(camera.glob("*.png")):
        file.rename(moved / f"renamed_{file.name}")
    changes = library.find_missing()
    assert len(changes.photos) == 3
    assert len(library.photo_ids(Filter(missing_only=True))) == 3
    draw_photo(moved / "other.png", 999)
    library.relink(tmp_path / "archive")
    assert library.photo_ids(Filter(missing_only=True)) == []
    for row in library.photos(library.photo_ids()):
        assert row.file.name == f"renamed_{row.name}"
        assert hashlib.sha256(row.file.read_bytes()).hexdigest() == row.sha256


def test_relink_brings_a_lost_copy_back_into_the_project(library: Library, camera: Path) -> None:
    library.import_photos([camera / "IMG_1.png"], PhotoRole.MODEL)
    row = library.photo(library.photo_ids()[0])
    row.file.unlink()
    library.relink(camera)
    again = library.photo(row.id)
    assert not again.is_missing
    assert again.file == row.file
    assert again.file.is_file()


def test_relink_says_what_it_found_whatever_the_names_and_suffixes(
    library: Library, camera: Path, tmp_path: Path
) -> None:
    library.import_photos([camera], PhotoRole.MODEL, copy=False)
    files = sorted(camera.glob("*.png"))
    (tmp_path / "archive").mkdir()
    files[0].rename(tmp_path / "archive" / "no suffix at all")
    files[1].unlink()
    report = library.relink(tmp_path / "archive")
    assert [file.name for _, file in report.found] == ["no suffix at all"]
    assert report.still_missing == 1 and report.changes.photos == {report.found[0][0]}
    assert library.count(Filter(missing_only=True)) == 1 and library.count() == 3


def test_an_import_by_itself_leaves_the_trash_alone(library: Library, camera: Path) -> None:
    library.import_photos([camera], PhotoRole.MODEL)
    library.trash(library.photo_ids()[:1])
    report = library.import_photos([camera], PhotoRole.MODEL, revives=False)
    assert len(report.duplicates) == 3 and report.imported == () and len(library.photo_ids()) == 2
    assert len(library.import_photos([camera], PhotoRole.MODEL).imported) == 1


def test_rename_is_undoable_and_found_by_search(library: Library, camera: Path) -> None:
    library.import_photos([camera], PhotoRole.MODEL)
    photo_id = library.photo_ids()[0]
    library.rename_photo(photo_id, "  Blaue Größe  ")
    assert names(library, Filter(text="GRÖSSE")) == ["Blaue Größe"]
    library.undo()
    assert names(library, Filter(text="img_1.")) == ["IMG_1.png"]
    with pytest.raises(LibraryError, match="empty_name"):
        library.rename_photo(photo_id, "   ")


def test_names_of_pair_lists_are_found_with_and_without_suffix(library: Library, camera: Path) -> None:
    library.import_photos([camera], PhotoRole.MODEL)
    assert [row.name for row in library.photos_named("img_1.PNG", PhotoRole.MODEL)] == ["IMG_1.png"]
    assert [row.name for row in library.photos_named("IMG_1", PhotoRole.MODEL)] == ["IMG_1.png"]
    assert [row.name for row in library.photos_named("IMG_1.jpg", PhotoRole.MODEL)] == ["IMG_1.png"]
    assert library.photos_named("IMG", PhotoRole.MODEL) == []
    assert library.photos_named("IMG_1", PhotoRole.GARMENT) == []


def test_orders(library: Library, camera: Path) -> None:
    library.import_photos([camera / f"IMG_{number}.png" for number in (10, 1, 2)], PhotoRole.MODEL)
    by_name = library.photo_ids()
    library.rate([by_name[2]], 5)
    assert names(library, order=Order.RATING) == ["IMG_10.png", "IMG_1.png", "IMG_2.png"]
    newest, oldest = library.photo_ids(order=Order.NEWEST), library.photo_ids(order=Order.OLDEST)
    assert newest == oldest[::-1]


def test_unknown_ids_are_left_out_of_lists_and_refused_alone(library: Library) -> None:
    assert library.photos(["nothing"]) == []
    with pytest.raises(LibraryError, match="unknown_id"):
        library.photo("nothing")


def test_the_inspector_sees_the_copy_that_is_kept(library: Library, camera: Path) -> None:
    seen: list[bytes] = []

    def inspect(file: Path) -> PhotoInfo:
        seen.append(file.read_bytes())
        return photos_module.inspect_photo(file)

    library.import_photos([camera / "IMG_1.png"], PhotoRole.MODEL, inspect=inspect)
    assert seen == [library.photo(library.photo_ids()[0]).file.read_bytes()]
