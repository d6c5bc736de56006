"""What every section of the library shares: its connections, its journal, the telling of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

from studio.domain.errors import LibraryError
from studio.library.blobs import ARTEFACTS
from studio.library.connection import Connection, Row
from studio.library.journal import Journal
from studio.library.query import select_ids
from studio.library.records import Changes, ColourLabel, Filter, Flag, Kind, Marks, Order

if TYPE_CHECKING:
    from studio.pipeline.cache import FolderStore

CHUNK = 500
"""Ids per query: well under SQLite's limit of bound values."""


@dataclass(slots=True)
class Core:
    """The open project that all sections work on."""

    folder: Path
    connection: Connection
    journal: Journal
    listeners: list[Callable[[Changes], None]] = field(default_factory=list)


class Section:
    """One part of the library: queries and mutations of a few tables."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sql = core.connection

    @property
    def store(self) -> FolderStore:
        """The project's artefacts."""
        from studio.pipeline.cache import FolderStore  # it brings cv2, which the window opens without

        return FolderStore(self._core.folder / ARTEFACTS)

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        with self._sql.write() as db:
            yield db

    def _tell(self, changes: Changes) -> Changes:
        """Tell the listeners once the transaction is on disk; call it inside `_writing`."""
        if not changes.is_empty:
            for listener in tuple(self._core.listeners):
                self._sql.after_commit(partial(listener, changes))
        return changes

    def count(self, wanted: Filter | None = None, kind: Kind = Kind.PHOTO) -> int:
        """Return how many photos, looks or scenes fit."""
        query, values = select_ids(kind, wanted or Filter(), Order.NAME)
        row = self._sql.row(f"SELECT count(*) AS held FROM ({query.partition(' ORDER BY ')[0]})", values)
        return 0 if row is None else int(row["held"])

    def _tags(self, kind: Kind, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        query = f"SELECT {kind}_id AS id, tag FROM {kind}_tag WHERE {kind}_id IN (%s) ORDER BY tag"
        for row in self._in_chunks(query, ids):
            found.setdefault(row["id"], []).append(row["tag"])
        return {row_id: tuple(tags) for row_id, tags in found.items()}

    def _in_chunks(self, query: str, ids: Sequence[str]) -> Iterator[Row]:
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            yield from self._sql.rows(query % ", ".join("?" * len(part)), part)


def marks_of(row: Row, tags: Mapping[str, tuple[str, ...]]) -> Marks:
    """Return a row's marks."""
    return Marks(
        rating=row["rating"],
        flag=Flag(row["flag"]),
        label=ColourLabel(row["label"]),
        note=row["note"],
        trashed_at=row["trashed_at"],
        tags=tags.get(row["id"], ()),
    )


def changed(kind: Kind, ids: Iterable[str]) -> Changes:
    """Return the changes that say that things of one kind were touched."""
    touched = frozenset(ids)
    return Changes(
        photos=touched if kind is Kind.PHOTO else frozenset(),
        looks=touched if kind is Kind.LOOK else frozenset(),
        scenes=touched if kind is Kind.SCENE else frozenset(),
    )


def missing_row(kind: str, row_id: str) -> LibraryError:
    """Return the error for an id that the library does not know."""
    return LibraryError("library.unknown_id", kind=kind, id=row_id)
