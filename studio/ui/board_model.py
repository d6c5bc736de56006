"""The dress board's table: models down, garments across, each cell a pair with its look and its job."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from studio.library.records import CellRow, JobState, PhotoRow
from studio.ui.thumbnails import Thumbnails

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

Index = QModelIndex | QPersistentModelIndex
BLOCK = 24
"""Cells are read from the library in blocks of this many rows and columns: about what a screen shows."""
FRESH_BLOCKS = 4
"""This many of the blocks looked at last are read again at once; the others when they come into view."""


class CellRole:
    """Roles of the board's cells and headers."""

    CELL = Qt.ItemDataRole.UserRole + 1
    PIXMAP = Qt.ItemDataRole.UserRole + 2
    FRACTION = Qt.ItemDataRole.UserRole + 3
    DOUBTFUL = Qt.ItemDataRole.UserRole + 4


class BoardModel(QAbstractTableModel):
    """Reads pairs in blocks; forgets a block when the library says that something in it changed."""

    def __init__(self, project: Workspace, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._thumbnails = thumbnails
        self.models: list[PhotoRow] = []
        self.garments: list[PhotoRow] = []
        self._cells: dict[tuple[str, str], CellRow] = {}
        self._blocks: OrderedDict[tuple[int, int], None] = OrderedDict()  # read, the one looked at last at the end
        self._shown_at: dict[str, list[tuple[int, int]]] = {}
        self._fractions: dict[tuple[str, str], float] = {}
        self._doubtful: set[tuple[str, str]] = set()
        thumbnails.ready.connect(self._on_thumbnail)

    def set_axes(self, models: Sequence[PhotoRow], garments: Sequence[PhotoRow]) -> None:
        """Show other models and garments."""
        self.beginResetModel()
        self.models, self.garments = list(models), list(garments)
        self._forget()
        self.endResetModel()

    def refresh(self) -> None:
        """Read the cells again: something was queued, dressed or corrected. Only what differs is painted again."""
        before, seen = self._cells, list(self._blocks)[-FRESH_BLOCKS:]
        self._cells = {}
        self._blocks.clear()
        for block in seen:
            self._read_block(*block)
        rows = {photo.id: number for number, photo in enumerate(self.models)}
        columns = {photo.id: number for number, photo in enumerate(self.garments)}
        for pair, cell in self._cells.items():
            if before.get(pair) != cell:
                index = self.index(rows[pair[0]], columns[pair[1]])
                self.dataChanged.emit(index, index)

    def set_fraction(self, model_id: str, garment_id: str, fraction: float) -> None:
        """Show how far a running pair is."""
        self._fractions[model_id, garment_id] = fraction
        index = self.index_of(model_id, garment_id)
        if index.isValid():
            self.dataChanged.emit(index, index, [int(CellRole.FRACTION)])

    def set_doubtful(self, model_id: str, garment_id: str) -> None:
        """Mark a pair that is not expected to come out well."""
        self._doubtful.add((model_id, garment_id))
        index = self.index_of(model_id, garment_id)
        if index.isValid():
            self.dataChanged.emit(index, index, [int(CellRole.DOUBTFUL)])

    def forget_doubts(self) -> None:
        """Take all such marks off."""
        doubted, self._doubtful = self._doubtful, set()
        for pair in doubted:
            index = self.index_of(*pair)
            if index.isValid():
                self.dataChanged.emit(index, index, [int(CellRole.DOUBTFUL)])

    def index_of(self, model_id: str, garment_id: str) -> QModelIndex:
        """Return where a pair stands, invalid where it is not shown."""
        row = next((number for number, photo in enumerate(self.models) if photo.id == model_id), None)
        column = next((number for number, photo in enumerate(self.garments) if photo.id == garment_id), None)
        return QModelIndex() if row is None or column is None else self.index(row, column)

    def pair_at(self, index: Index) -> tuple[str, str]:
        """Return (model id, garment id) of a cell."""
        return self.models[index.row()].id, self.garments[index.column()].id

    def cell_at(self, index: Index) -> CellRow:
        """Return what the library knows of a cell."""
        block = (index.row() // BLOCK, index.column() // BLOCK)
        if block not in self._blocks:
            self._read_block(*block)
        self._blocks.move_to_end(block)
        return self._cells[self.pair_at(index)]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.models)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.garments)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        cell = self.cell_at(index)
        if role == CellRole.CELL:
            return cell
        if role == CellRole.PIXMAP:
            if not cell.look_id:
                return None
            self._shown_at.setdefault(cell.look_id, []).append((index.row(), index.column()))
            return self._thumbnails.get(cell.look_id)
        if role == CellRole.FRACTION:
            running = cell.job_state is JobState.RUNNING
            return self._fractions.get(self.pair_at(index), 0.0) if running else None
        if role == CellRole.DOUBTFUL:
            return not cell.look_id and self.pair_at(index) in self._doubtful
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.models[index.row()].name} + {self.garments[index.column()].name}"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        photos = self.garments if orientation is Qt.Orientation.Horizontal else self.models
        if not 0 <= section < len(photos):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return photos[section].name
        if role == CellRole.PIXMAP:
            return self._thumbnails.get(photos[section].id)
        return None

    def _forget(self) -> None:
        self._cells.clear()
        self._blocks.clear()
        self._shown_at.clear()

    def _read_block(self, row: int, column: int) -> None:
        models = [photo.id for photo in self.models[row * BLOCK : (row + 1) * BLOCK]]
        garments = [photo.id for photo in self.garments[column * BLOCK : (column + 1) * BLOCK]]
        for cell in self._project.library.cells(models, garments):
            self._cells[cell.model_id, cell.garment_id] = cell
        self._blocks[row, column] = None

    def _on_thumbnail(self, item: str) -> None:
        for row, column in self._shown_at.pop(item, ()):
            index = self.index(row, column)
            if index.isValid():
                self.dataChanged.emit(index, index, [int(CellRole.PIXMAP)])
        for orientation, photos in (
            (Qt.Orientation.Vertical, self.models),
            (Qt.Orientation.Horizontal, self.garments),
        ):
            for number, photo in enumerate(photos):
                if photo.id == item:
                    self.headerDataChanged.emit(orientation, number, number)
