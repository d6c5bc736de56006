"""Stars, flags, labels, notes, tags, collections and the trash: the same for photos, looks and scenes, all undoable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlite_utils import Database

from studio.domain.errors import LibraryError
from studio.library.clock import new_id, now
from studio.library.journal import Cells, RowChange, delete_row, insert_row, update_row
from studio.library.records import (
    MAX_RATING,
    Changes,
    CollectionKind,
    CollectionRow,
    ColourLabel,
    Flag,
    Kind,
)
from studio.library.section import Section, changed

_Change = Callable[[Database, str], Sequence[RowChange | None]]


class Marking(Section):
    """What the operator notes on photos, looks and scenes."""

    def rate(self, ids: Sequence[str], rating: int, kind: Kind = Kind.PHOTO) -> Changes:
        """Give stars, 0 to 5."""
        if not 0 <= rating <= MAX_RATING:
            raise LibraryError("library.rating", rating=str(rating))
        return self._set(kind, ids, {"rating": rating}, "undo.rating")

    def flag(self, ids: Sequence[str], flag: Flag, kind: Kind = Kind.PHOTO) -> Changes:
        """Pick, reject, or neither."""
        return self._set(kind, ids, {"flag": flag.value}, "undo.flag")

    def label(self, ids: Sequence[str], label: ColourLabel, kind: Kind = Kind.PHOTO) -> Changes:
        """Give a colour label."""
        return self._set(kind, ids, {"label": label.value}, "undo.label")

    def annotate(self, ids: Sequence[str], note: str, kind: Kind = Kind.PHOTO) -> Changes:
        """Write a note."""
        return self._set(kind, ids, {"note": note}, "undo.note")

    def trash(self, ids: Sequence[str], kind: Kind = Kind.PHOTO) -> Changes:
        """Move to the trash; nothing is deleted from disk."""
        return self._set(kind, ids, {"trashed_at": now()}, "undo.trash", only="trashed_at = ''")

    def restore(self, ids: Sequence[str], kind: Kind = Kind.PHOTO) -> Changes:
        """Take out of the trash."""
        return self._set(kind, ids, {"trashed_at": ""}, "undo.restore")

    def tag(self, ids: Sequence[str], tag: str, kind: Kind = Kind.PHOTO) -> Changes:
        """Add a tag."""
        clean = _clean(tag)

        def add(db: Database, row_id: str) -> list[RowChange | None]:
            return [insert_row(db, f"{kind}_tag", {f"{kind}_id": row_id, "tag": clean})]

        return self._each(kind, ids, add, "undo.tag", Changes(tags=frozenset([clean])))

    def untag(self, ids: Sequence[str], tag: str, kind: Kind = Kind.PHOTO) -> Changes:
        """Take a tag away."""

        def remove(db: Database, row_id: str) -> list[RowChange | None]:
            return [delete_row(db, f"{kind}_tag", {f"{kind}_id": row_id, "tag": tag})]

        return self._each(kind, ids, remove, "undo.untag", Changes(tags=frozenset([tag])))

    def tags(self, kind: Kind = Kind.PHOTO) -> dict[str, int]:
        """Return every tag in use with how often it is used."""
        rows = self._sql.rows(f"SELECT tag, count(*) AS uses FROM {kind}_tag GROUP BY tag ORDER BY tag")
        return {row["tag"]: row["uses"] for row in rows}

    def create_collection(self, name: str, kind: CollectionKind = CollectionKind.COLLECTION) -> Changes:
        """Make an empty collection or set; its id is in `created`."""
        clean, row_id, moment = _clean(name), new_id(), now()
        with self._writing() as db:
            row: Cells = {"name": clean, "kind": kind.value, "created_at": moment}
            insert_row(db, "collection", {"id": row_id}, row)
            trash = RowChange("collection", {"id": row_id}, {"trashed_at": moment}, {"trashed_at": ""})
            told = Changes(collections=frozenset([row_id]), created=(row_id,))
            return self._tell(self._core.journal.record(db, "undo.collection", [trash], told))

    def rename_collection(self, collection_id: str, name: str) -> Changes:
        """Call a collection otherwise."""
        return self._set_collection(collection_id, {"name": _clean(name)}, "undo.rename")

    def trash_collection(self, collection_id: str) -> Changes:
        """Remove a collection; what was in it stays in the library."""
        return self._set_collection(collection_id, {"trashed_at": now()}, "undo.collection_removed")

    def _set_collection(self, collection_id: str, values: Cells, name: str) -> Changes:
        with self._writing() as db:
            change = update_row(db, "collection", collection_id, values)
            told = Changes(collections=frozenset([collection_id]))
            return self._tell(self._core.journal.record(db, name, [change], told))

    def collect(self, collection_id: str, ids: Sequence[str], kind: Kind = Kind.PHOTO) -> Changes:
        """Put things into a collection."""

        def add(db: Database, row_id: str) -> list[RowChange | None]:
            return [insert_row(db, f"{kind}_member", {"collection_id": collection_id, f"{kind}_id": row_id})]

        return self._each(kind, ids, add, "undo.collect", Changes(collections=frozenset([collection_id])))

    def uncollect(self, collection_id: str, ids: Sequence[str], kind: Kind = Kind.PHOTO) -> Changes:
        """Take things out of a collection."""

        def remove(db: Database, row_id: str) -> list[RowChange | None]:
            return [delete_row(db, f"{kind}_member", {"collection_id": collection_id, f"{kind}_id": row_id})]

        return self._each(kind, ids, remove, "undo.uncollect", Changes(collections=frozenset([collection_id])))

    def collections(self) -> list[CollectionRow]:
        """Return all collections and sets by name."""
        rows = self._sql.rows(
            """
            SELECT id, name, kind,
                (SELECT count(*) FROM photo_member m JOIN photo p ON p.id = m.photo_id
                    WHERE m.collection_id = collection.id AND p.trashed_at = '')
                + (SELECT count(*) FROM look_member m JOIN look l ON l.id = m.look_id
                    WHERE m.collection_id = collection.id AND l.trashed_at = '' AND l.current = 1)
                + (SELECT count(*) FROM scene_member m JOIN scene s ON s.id = m.scene_id
                    WHERE m.collection_id = collection.id AND s.trashed_at = '') AS held
            FROM collection WHERE trashed_at = '' ORDER BY name
            """
        )
        return [CollectionRow(row["id"], row["name"], CollectionKind(row["kind"]), row["held"]) for row in rows]

    def collections_of(self, item_id: str, kind: Kind = Kind.PHOTO) -> list[str]:
        """Return the ids of the collections that hold this."""
        return self._sql.column(
            f"SELECT collection_id FROM {kind}_member JOIN collection ON id = collection_id"
            f" WHERE {kind}_id = ? AND trashed_at = ''",
            (item_id,),
        )

    def undo(self) -> Changes:
        """Take the last library operation back; its name is `undo_name`."""
        with self._writing():
            return self._tell(self._core.journal.step(undo=True))

    def redo(self) -> Changes:
        """Do the operation again that was taken back last."""
        with self._writing():
            return self._tell(self._core.journal.step(undo=False))

    def history(self) -> tuple[list[str], int]:
        """Return the message keys of the operations kept, oldest first, and how many of them are done, not undone."""
        return self._core.journal.names()

    def undo_name(self) -> str:
        """Return the message key of what `undo` would take back, "" where there is nothing."""
        return self._core.journal.name_of_next(undo=True)

    def redo_name(self) -> str:
        """Return the message key of what `redo` would do again, "" where there is nothing."""
        return self._core.journal.name_of_next(undo=False)

    def _set(self, kind: Kind, ids: Sequence[str], values: Cells, name: str, only: str = "") -> Changes:
        def change(db: Database, row_id: str) -> list[RowChange | None]:
            if only and not db.conn.execute(f"SELECT 1 FROM {kind} WHERE id = ? AND {only}", (row_id,)).fetchone():
                return []
            return [update_row(db, kind.value, row_id, values)]

        return self._each(kind, ids, change, name, Changes())

    def _each(self, kind: Kind, ids: Sequence[str], change: _Change, name: str, also: Changes) -> Changes:
        rows: list[RowChange | None] = []
        touched: list[str] = []
        with self._writing() as db:
            for row_id in ids:
                made = [row for row in change(db, row_id) if row is not None]
                if made:
                    touched.append(row_id)
                    rows.extend(made)
            told = replace(changed(kind, touched) | also, created=())
            return self._tell(self._core.journal.record(db, name, rows, told))


def _clean(name: str) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise LibraryError("library.empty_name")
    return clean
