"""The Library's left side: everything, what is missing, the collections. Items dropped on a collection go into it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.library.records import CollectionRow
from studio.ui import icons
from studio.ui.photo_model import Index
from studio.ui.theme import SPACE, current_tokens
from studio.ui.widgets.basics import shortcut_tip
from studio.ui.widgets.grid import ids_of_mime

EVERYTHING, MISSING, TRASH = "", "missing", "trash"
_ID, _NAME, _COUNT = (Qt.ItemDataRole.UserRole + number for number in range(3))
LINE = 30
COUNT_WIDTH = 40


class LineDelegate(QStyledItemDelegate):
    """A line with its count at the right end. target_row: where what is dragged would be dropped, -1 for nowhere."""

    target_row = -1

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        room = option.rect.width() - COUNT_WIDTH - 28
        option.text = option.fontMetrics.elidedText(option.text, Qt.TextElideMode.ElideRight, room)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        painter.save()
        painter.setPen(QColor(current_tokens().text_faint))
        where = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(option.rect.adjusted(0, 0, -SPACE, 0), where, f"{index.data(_COUNT):,}")
        if index.row() == self.target_row:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(current_tokens().accent), 2))
            painter.drawRoundedRect(option.rect.adjusted(2, 2, -2, -2), 4, 4)
        painter.restore()


class CollectionList(QListWidget):
    """chosen: what to show: "" everything, "missing", "trash", or a collection's id. dropped: (collection id, ids).

    renamed: (collection id, another name). removed: a collection's id.
    """

    chosen = Signal(str)
    dropped = Signal(str, list)
    renamed = Signal(str, str)
    removed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[CollectionRow] = []
        self._counts = (0, 0, 0)
        self.setAcceptDrops(True)
        self.setDragDropMode(QListWidget.DragDropMode.DropOnly)
        self.setEditTriggers(QListWidget.EditTrigger.EditKeyPressed | QListWidget.EditTrigger.DoubleClicked)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(16, 16))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._lines = LineDelegate(self)
        self.setItemDelegate(self._lines)
        self.rename_action = self._action("F2", self._rename)
        self.remove_action = self._action("Delete", self._remove)
        self.currentItemChanged.connect(self._on_current)
        self.itemChanged.connect(self._on_edited)
        self.write_texts()

    def set_rows(self, rows: Sequence[CollectionRow], counts: tuple[int, int, int]) -> None:
        """List the collections; what is chosen stays chosen as long as it is there.

        counts: of everything, of what is missing, of the trash.
        """
        if (list(rows), counts) != (self._rows, self._counts):
            self._rows, self._counts = list(rows), counts
            self._fill()

    @property
    def chosen_id(self) -> str:
        """What is shown now."""
        item = self.currentItem()
        return EVERYTHING if item is None else str(item.data(_ID))

    def choose(self, wanted: str) -> None:
        """Show something else."""
        for number in range(self.count()):
            if self.item(number).data(_ID) == wanted:
                self.setCurrentRow(number)

    def edit_name(self, collection_id: str) -> None:
        """Let the operator type a collection's name in its place."""
        self.choose(collection_id)
        item = self.currentItem()
        if item is not None and item.data(_ID) == collection_id:
            self.editItem(item)

    # -- dropping ----------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.setAccepted(bool(ids_of_mime(event.mimeData())))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        item = self._collection_at(event)
        self._aim(-1 if item is None else self.row(item))
        event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(item is not None)

    def dropEvent(self, event: QDropEvent) -> None:
        item, ids = self._collection_at(event), ids_of_mime(event.mimeData())
        if item is not None and ids:
            event.acceptProposedAction()
            self.dropped.emit(str(item.data(_ID)), ids)
        self._aim(-1)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._aim(-1)
        super().dragLeaveEvent(event)

    def _aim(self, row: int) -> None:
        self._lines.target_row = row
        self.viewport().update()

    def _collection_at(self, event: QDropEvent) -> QListWidgetItem | None:
        item = self.itemAt(event.position().toPoint())
        return item if item is not None and self._is_collection(item) else None

    # -- changing ----------------------------------------------------------------------------------------------------

    def _is_collection(self, item: QListWidgetItem) -> bool:
        return str(item.data(_ID)) not in (EVERYTHING, MISSING, TRASH)

    def event(self, event: QEvent) -> bool:
        """F2 and Delete mean the collection here, not the photos beside it."""
        own = (Qt.Key.Key_F2, Qt.Key.Key_Delete)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in own:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._remove()
        else:
            super().keyPressEvent(event)

    def _rename(self) -> None:
        item = self.currentItem()
        if item is not None and self._is_collection(item):
            self.editItem(item)

    def _remove(self) -> None:
        item = self.currentItem()
        if item is not None and self._is_collection(item):
            self.removed.emit(str(item.data(_ID)))

    def _on_current(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        del before
        is_collection = item is not None and self._is_collection(item)
        self.rename_action.setEnabled(is_collection)
        self.remove_action.setEnabled(is_collection)
        if item is not None:
            self.chosen.emit(str(item.data(_ID)))

    def _on_edited(self, item: QListWidgetItem) -> None:
        typed, name = " ".join(item.text().split()), str(item.data(_NAME))
        if typed and typed != name:
            self.renamed.emit(str(item.data(_ID)), typed)
        else:
            self._fill()

    # -- showing -----------------------------------------------------------------------------------------------------

    def _action(self, shortcut: str, slot: object) -> QAction:
        action = QAction(self)
        action.setShortcut(QKeySequence(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(slot)
        self.addAction(action)
        return action

    def _fill(self) -> None:
        kept = self.chosen_id
        with QSignalBlocker(self):
            self.clear()
            everything, missing, trash = self._counts
            self._add(EVERYTHING, self.tr("Everything"), everything, "grid")
            if missing:
                self._add(MISSING, self.tr("Missing files"), missing, "missing")
            for row in self._rows:
                self._add(row.id, row.name, row.count, "collection")
            if trash:
                self._add(TRASH, self.tr("Trash"), trash, "trash")
            self.setCurrentRow(0)
            self.choose(kept)
        if self.chosen_id != kept:
            self.chosen.emit(self.chosen_id)

    def _add(self, item_id: str, name: str, count: int, icon_name: str) -> None:
        item = QListWidgetItem(icons.icon(icon_name, 16), name)
        item.setData(_ID, item_id)
        item.setData(_NAME, name)
        item.setData(_COUNT, count)
        item.setSizeHint(QSize(0, LINE))
        item.setToolTip(name)
        if self._is_collection(item):
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        self.addItem(item)

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.setAccessibleName(self.tr("Collections"))
        self.rename_action.setText(self.tr("Rename the collection"))
        self.remove_action.setText(self.tr("Remove the collection"))
        for action in (self.rename_action, self.remove_action):
            action.setToolTip(shortcut_tip(action.text(), action.shortcut()))
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)
