"""Files that are no longer where they were: noted as missing, found again by their content whatever their name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.domain.errors import PhotoError
from studio.domain.progress import Progress
from studio.library.blobs import Originals, hash_file
from studio.library.connection import Row
from studio.library.journal import update_row
from studio.library.photos import Photos
from studio.library.records import Changes, Filter, Kind, PhotoRow, RelinkReport
from studio.library.section import CHUNK, changed


class Relinking(Photos):
    """Photos whose files may move behind the project's back."""

    def find_missing(self, ids: Sequence[str] | None = None, progress: Progress | None = None) -> Changes:
        """Look whether the photos' files are where they should be, and note which are not."""
        told = progress or Progress.silent()
        wanted = self._sql.column("SELECT id FROM photo") if ids is None else list(ids)
        changes = Changes()
        for start in range(0, len(wanted), CHUNK):
            told.report(start / len(wanted), "missing")
            changes |= self._note_missing(wanted[start : start + CHUNK])
        return changes

    def _note_missing(self, ids: Sequence[str]) -> Changes:
        """The files are looked at before the transaction is opened: a slow disk must not keep writers waiting."""
        differ = {
            str(row["id"]): not row["missing"]
            for row in self._in_chunks(_FILES, ids)
            if self._is_there(row) == bool(row["missing"])
        }
        if not differ:
            return Changes()
        with self._writing() as db:
            for photo_id, is_gone in differ.items():
                update_row(db, "photo", photo_id, {"missing": int(is_gone)})
            return self._tell(changed(Kind.PHOTO, differ))

    def _is_there(self, row: Row) -> bool:
        """A file that was missed before is only trusted again when it holds what was imported."""
        file = Path(row["root"] or self._core.folder, row["path"])
        return file.is_file() and (not row["missing"] or hash_file(file) == row["sha256"])

    def relink(self, folder: Path, progress: Progress | None = None) -> RelinkReport:
        """Search a folder for the files of missing photos, by content, whatever they are called now.

        Only files of a size that is looked for are read. A file that cannot be read does not stop the others.
        """
        told = progress or Progress.silent()
        self.find_missing(progress=told.part(0.0, 0.1))
        missing = self.photos(self.photo_ids(Filter(missing_only=True)))
        sizes = {row.size_bytes for row in missing}
        wanted: dict[str, list[PhotoRow]] = {}
        for row in missing:
            wanted.setdefault(row.sha256, []).append(row)
        files = list(_files_of_sizes(folder, sizes))
        changes, found, unreadable = Changes(), [], []
        for number, file in enumerate(files):
            told.report(0.1 + 0.9 * number / len(files), "relink")
            try:
                rows = wanted.pop(hash_file(file), ())
                for row in rows:
                    changes |= self._relink_one(row, file)
                    found.append((row.id, file))
            except PhotoError:
                unreadable.append(file)
        return RelinkReport(tuple(found), len(missing) - len(found), tuple(unreadable), changes)

    def _relink_one(self, row: PhotoRow, file: Path) -> Changes:
        originals = Originals(self._core.folder)
        stored = originals.take(file, keep=not row.is_referenced)
        stored.settle()
        with self._writing() as db:
            update_row(db, "photo", row.id, {"root": stored.root, "path": stored.path, "missing": 0})
            return self._tell(changed(Kind.PHOTO, [row.id]))


_FILES = "SELECT id, root, path, sha256, missing FROM photo WHERE id IN (%s)"


def _files_of_sizes(folder: Path, sizes: set[int]) -> Iterator[Path]:
    """Yield the files below a folder that are as large as one that is looked for; what cannot be read is left out."""
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            file = Path(root, name)
            try:
                if file.stat().st_size in sizes and file.is_file():
                    yield file
            except OSError:
                continue
