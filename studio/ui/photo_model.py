"""The list of photos behind every grid: ids at once, rows when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from studio.library.records import Marks
from studio.ui.thumbnails import Thumbnails

PAGE = 128
"""Rows fetched from the library in one go: a screenful and a bit."""

Index = QModelIndex | QPersistentModelIndex


class GridRow(Protocol):
    """What a grid shows of a photo, look or scene."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def marks(self) -> Marks: ...


R = TypeVar("R", bound=GridRow)


class GridRole:
    """Roles beyond Qt's own."""

    ID = Qt.ItemDataRole.UserRole + 1
    ROW = Qt.ItemDataRole.UserRole + 2
    PIXMAP = Qt.ItemDataRole.UserRole + 3
    BROKEN = Qt.ItemDataRole.UserRole + 4


def places_of(ids: Sequence[str]) -> dict[str, int]:
    """Return the number of each id in a list."""
    return {item: number for number, item in enumerate(ids)}


class GridModel(QAbstractListModel):
    """Lists ids; fetches the rows around an index in pages and keeps them until the library says they changed."""

    def __init__(
        self,
        fetch_rows: Callable[[Sequence[str]], Sequence[GridRow]],
        thumbnails: Thumbnails,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._fetch_rows = fetch_rows
        self._thumbnails = thumbnails
        self._ids: list[str] = []
        self._position: dict[str, int] = {}
        self._rows: dict[str, GridRow] = {}
        thumbnails.ready.connect(self._on_thumbnail)

    @property
    def ids(self) -> list[str]:
        """All ids in their order."""
        return self._ids

    def set_ids(self, ids: Sequence[str], places: dict[str, int] | None = None) -> None:
        """Show another list; rows that are known already are kept.

        places: the number of each id, where somebody off the window's thread worked that out for a long list.
        """
        self.beginResetModel()
        self._ids = list(ids)
        self._position = places_of(self._ids) if places is None else places
        self.endResetModel()

    def refresh(self, ids: frozenset[str]) -> None:
        """Fetch changed rows again when they are next looked at."""
        for item in ids:
            self._rows.pop(item, None)
            position = self._position.get(item)
            if position is not None:
                index = self.index(position)
                self.dataChanged.emit(index, index)

    def index_of(self, item: str) -> QModelIndex:
        """Return the index of an id, invalid where it is not listed."""
        position = self._position.get(item)
        return QModelIndex() if position is None else self.index(position)

    def row(self, index: Index) -> GridRow:
        """Return the row of a valid index."""
        item = self._ids[index.row()]
        if item not in self._rows:
            start = index.row() - index.row() % PAGE
            missing = [one for one in self._ids[start : start + PAGE] if one not in self._rows]
            self._rows.update({row.id: row for row in self._fetch_rows(missing)})
        return self._rows[item]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._ids)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._ids):
            return None
        item = self._ids[index.row()]
        if role == GridRole.ID:
            return item
        if role == GridRole.PIXMAP:
            return self._thumbnails.get(item)
        if role == GridRole.BROKEN:
            return self._thumbnails.is_broken(item)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.row(index).name
        if role == GridRole.ROW:
            return self.row(index)
        return None

    def _on_thumbnail(self, item: str) -> None:
        position = self._position.get(item)
        if position is not None:
            index = self.index(position)
            self.dataChanged.emit(index, index, [int(GridRole.PIXMAP)])
