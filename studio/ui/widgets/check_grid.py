"""A grid whose items are ticked: what will be delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from studio.ui import icons
from studio.ui.photo_model import GridModel, GridRole, GridRow, Index
from studio.ui.theme import current_tokens
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets.grid import CellDelegate, Grid

BOX = 20
BOX_REACH = 32
"""A click this near to the cell's corner ticks; elsewhere it chooses."""


class CheckModel(GridModel):
    """Ids with ticks. checks_changed: after every tick, with how many there are."""

    checks_changed = Signal(int)

    def __init__(
        self,
        fetch_rows: Callable[[Sequence[str]], Sequence[GridRow]],
        thumbnails: Thumbnails,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(fetch_rows, thumbnails, parent)
        self._checked: set[str] = set()

    @property
    def checked_ids(self) -> list[str]:
        """The ticked ids in the list's order."""
        return [item for item in self.ids if item in self._checked]

    def is_checked(self, item: str) -> bool:
        return item in self._checked

    def check(self, ids: Iterable[str], wanted: bool) -> None:
        """Tick ids, or take their ticks away."""
        for item in ids:
            if wanted != (item in self._checked):
                (self._checked.add if wanted else self._checked.discard)(item)
                index = self.index_of(item)
                if index.isValid():
                    self.dataChanged.emit(index, index, [int(Qt.ItemDataRole.CheckStateRole)])
        self.checks_changed.emit(len(self.checked_ids))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.CheckStateRole and index.isValid():
            is_checked = str(index.data(GridRole.ID)) in self._checked
            return Qt.CheckState.Checked if is_checked else Qt.CheckState.Unchecked
        return super().data(index, role)


class CheckDelegate(CellDelegate):
    """Paints the tick into the cell's upper left corner."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        colours = current_tokens()
        box = box_of(option.rect)
        is_checked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent if is_checked else colours.line_strong), 1.5))
        painter.setBrush(QColor(colours.accent if is_checked else colours.raised))
        painter.drawRoundedRect(box, 5, 5)
        if is_checked:
            mark = icons.pixmap("check", BOX - 4, colours.on_accent, painter.device().devicePixelRatioF())
            painter.drawPixmap(box.topLeft() + QPoint(2, 2), mark)
        painter.restore()


def box_of(cell: QRect) -> QRect:
    """Return where a cell's tick stands."""
    return QRect(cell.left() + 9, cell.top() + 9, BOX, BOX)


class CheckGrid(Grid):
    """Space ticks what is selected, a click on the corner ticks one."""

    def __init__(self, model: CheckModel, size: int, parent: QWidget | None = None) -> None:
        super().__init__(model, size, parent)
        self._check_model = model
        self._delegate = CheckDelegate(size, self)
        self.setItemDelegate(self._delegate)

    def toggle(self, ids: Sequence[str]) -> None:
        """Tick all of these, or untick them where all are ticked."""
        if ids:
            self._check_model.check(ids, not all(map(self._check_model.is_checked, ids)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.toggle(self.selected_ids())
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            corner = self.visualRect(index).topLeft()
            reach = event.position().toPoint() - corner
            if 0 <= reach.x() <= BOX_REACH and 0 <= reach.y() <= BOX_REACH:
                self.toggle([str(index.data(GridRole.ID))])
                return
        super().mousePressEvent(event)
