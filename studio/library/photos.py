"""Photos of models, garments and backgrounds: imported by content, listed, renamed. Never altered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studio.domain.artefacts import PhotoInfo, PhotoRole
from studio.domain.errors import LibraryError, StudioError
from studio.domain.progress import Progress
from studio.library.blobs import Originals, Stored, expand
from studio.library.clock import new_id, now, sort_key
from studio.library.connection import Row
from studio.library.journal import Cells, RowChange, update_row
from studio.library.query import select_ids
from studio.library.records import Changes, Filter, ImportFailure, ImportReport, Kind, Order, PhotoRow
from studio.library.section import Section, changed, marks_of, missing_row

Inspect = Callable[[Path], PhotoInfo]


def inspect_photo(file: Path) -> PhotoInfo:
    """Decode a photo once, so that a truncated file is refused at the door, and return what its header says.

    Raises:
        PhotoError: the file is not a photo this program can read.
    """
    from studio.media.decode import read_photo

    return read_photo(file)[1]


@dataclass(slots=True)
class _Import:
    """What an import has come to so far."""

    imported: list[str] = field(default_factory=list)
    duplicates: list[tuple[Path, str]] = field(default_factory=list)
    failed: list[ImportFailure] = field(default_factory=list)
    rows: list[RowChange | None] = field(default_factory=list)


class Photos(Section):
    """The photos of a project."""

    def import_photos(
        self,
        paths: Iterable[Path],
        role: PhotoRole,
        *,
        copy: bool | None = None,
        progress: Progress | None = None,
        inspect: Inspect = inspect_photo,
        revives: bool = True,
    ) -> ImportReport:
        """Take photos in; folders are searched. One bad file never stops the others.

        Args:
            copy: keep a copy in the project, or only refer to the file; None = as the project says.
            revives: what lies in the trash comes out of it; False = it counts as being there already.

        Raises:
            StorageError: the project's disk is full or read-only: no further file could be taken in either.
            Cancelled: what was imported so far stays.
        """
        if self._sql.read_only:
            raise LibraryError("library.read_only", folder=str(self._core.folder))
        keep = self._copies_originals() if copy is None else copy
        originals = Originals(self._core.folder)
        told = progress or Progress.silent()
        files = expand(paths)
        done = _Import()
        try:
            for number, file in enumerate(files):
                told.report(number / len(files), "import")
                try:
                    self._take_in(originals.take(file, keep=keep), role, inspect, done, revives=revives)
                except StudioError as error:
                    if error.key in ("storage.full", "storage.read_only"):
                        raise
                    done.failed.append(ImportFailure(file, error))
        finally:
            changes = self._close_import(done)
        return ImportReport(tuple(done.imported), tuple(done.duplicates), tuple(done.failed), changes)

    def _take_in(self, stored: Stored, role: PhotoRole, inspect: Inspect, done: _Import, *, revives: bool) -> None:
        known = self._known(role, stored.sha256)
        if known is not None and not known["missing"] and not (known["trashed_at"] and revives):
            stored.discard()
            done.duplicates.append((stored.source, known["id"]))
            return
        try:
            info = inspect(stored.current)
        except StudioError as error:
            stored.discard()
            # The operator knows the file by its own name, not by that of our temporary copy.
            raise type(error)(error.key, **{**error.values, "file": str(stored.source)}) from error
        except BaseException:
            stored.discard()
            raise
        stored.settle()
        if known is None:
            self._insert(stored, info, role, done)
        else:
            self._revive(known["id"], stored, done)

    def _close_import(self, done: _Import) -> Changes:
        """Make one import one step of the history: undoing it puts the photos into the trash."""
        if not done.imported:
            return Changes()
        told = Changes(photos=frozenset(done.imported), created=tuple(done.imported))
        with self._writing() as db:
            return self._tell(self._core.journal.record(db, "undo.import", done.rows, told))

    def _known(self, role: PhotoRole, sha256: str) -> Row | None:
        return self._sql.row(
            "SELECT id, trashed_at, missing FROM photo WHERE role = ? AND sha256 = ?", (role.value, sha256)
        )

    def _insert(self, stored: Stored, info: PhotoInfo, role: PhotoRole, done: _Import) -> None:
        photo_id, name, moment = new_id(), stored.source.name, now()
        with self._writing() as db:
            db.table("photo").insert(
                {
                    "id": photo_id,
                    "role": role.value,
                    "name": name,
                    "folded_name": name.casefold(),
                    "sort_name": sort_key(name),
                    "sha256": stored.sha256,
                    "root": stored.root,
                    "path": stored.path,
                    "width": info.size[0],
                    "height": info.size[1],
                    "format": info.format,
                    "bit_depth": info.bit_depth,
                    "size_bytes": stored.size_bytes,
                    "imported_at": moment,
                }
            )
            self._tell(changed(Kind.PHOTO, [photo_id]))
        done.imported.append(photo_id)
        done.rows.append(RowChange("photo", {"id": photo_id}, {"trashed_at": moment}, {"trashed_at": ""}))

    def _revive(self, photo_id: str, stored: Stored, done: _Import) -> None:
        with self._writing() as db:
            values: Cells = {"trashed_at": "", "missing": 0, "root": stored.root, "path": stored.path}
            change = update_row(db, "photo", photo_id, values)
            self._tell(changed(Kind.PHOTO, [photo_id]))
        done.imported.append(photo_id)
        done.rows.append(change)

    def _copies_originals(self) -> bool:
        row = self._sql.row("SELECT copy_originals FROM project")
        return row is None or bool(row["copy_originals"])

    def photo_ids(self, wanted: Filter | None = None, order: Order = Order.NAME) -> list[str]:
        """Return the ids of all photos that fit, in order: quick enough to call at every keystroke."""
        return self._sql.column(*select_ids(Kind.PHOTO, wanted or Filter(), order))

    def photos(self, ids: Sequence[str]) -> list[PhotoRow]:
        """Return the rows of these photos, in the order asked for; unknown ids are left out."""
        tags = self._tags(Kind.PHOTO, ids)
        found = {
            row["id"]: self._photo_row(row, tags)
            for row in self._in_chunks("SELECT * FROM photo WHERE id IN (%s)", ids)
        }
        return [found[photo_id] for photo_id in ids if photo_id in found]

    def photo(self, photo_id: str) -> PhotoRow:
        """Return one photo.

        Raises:
            LibraryError: there is no such photo.
        """
        found = self.photos([photo_id])
        if not found:
            raise missing_row("photo", photo_id)
        return found[0]

    def photo_of_sha256(self, sha256: str) -> PhotoRow | None:
        """Return a photo with this content, or None."""
        ids = self._sql.column("SELECT id FROM photo WHERE sha256 = ? ORDER BY missing, trashed_at", (sha256,))
        return self.photo(ids[0]) if ids else None

    def photos_named(self, name: str, role: PhotoRole) -> list[PhotoRow]:
        """Return the photos called so, with or without the suffix, whatever the case: for pair lists."""
        folded = name.casefold()
        exact = "SELECT id FROM photo WHERE role = ? AND trashed_at = '' AND folded_name = ?"
        ids = self._sql.column(exact, (role.value, folded))
        if not ids:
            start = folded.rpartition(".")[0] if "." in folded else folded
            ids = self._sql.column(
                "SELECT id FROM photo WHERE role = ? AND trashed_at = '' AND substr(folded_name, 1, ?) = ?"
                " AND instr(substr(folded_name, ?), '.') = 0",
                (role.value, len(start) + 1, f"{start}.", len(start) + 2),
            )
        return self.photos(ids)

    def _photo_row(self, row: Row, tags: dict[str, tuple[str, ...]]) -> PhotoRow:
        return PhotoRow(
            id=row["id"],
            role=PhotoRole(row["role"]),
            name=row["name"],
            sha256=row["sha256"],
            file=Path(row["root"] or self._core.folder) / row["path"],
            is_referenced=bool(row["root"]),
            size=(row["width"], row["height"]),
            format=row["format"],
            bit_depth=row["bit_depth"],
            size_bytes=row["size_bytes"],
            imported_at=row["imported_at"],
            is_missing=bool(row["missing"]),
            marks=marks_of(row, tags),
        )

    def rename_photo(self, photo_id: str, name: str) -> Changes:
        """Call a photo otherwise; its file keeps its name."""
        if not name.strip():
            raise LibraryError("library.empty_name")
        clean = name.strip()
        with self._writing() as db:
            values: Cells = {"name": clean, "folded_name": clean.casefold(), "sort_name": sort_key(clean)}
            change = update_row(db, "photo", photo_id, values)
            told = changed(Kind.PHOTO, [photo_id])
            return self._tell(self._core.journal.record(db, "undo.rename", [change], told))
