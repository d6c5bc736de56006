"""A view of equal tiles whose places are worked out, not laid out: a hundred thousand cost no more than a hundred.

Qt's own list view lays all of its items out one after the other, which takes over half a second for 100,000 of them at
every change of size or selection.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QInputEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

from studio.ui.photo_model import Index
from studio.ui.theme import current_tokens

GAP = 4
"""Between tiles, at least; what is left of a row's width goes into its gaps and margins."""


class TileView(QAbstractItemView):
    """Tiles in rows, filled from the left; the delegate says how large one is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tile = QSize(1, 1)
        self._columns = 1
        self._gap = GAP
        self._margin = GAP
        self._hovered = -1
        self._anchor = 0
        self._stretch: tuple[int, int] | None = None
        self._band = QRect()
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)

    # -- where things are --------------------------------------------------------------------------------------------

    @property
    def _count(self) -> int:
        return self.model().rowCount() if self.model() is not None else 0

    @property
    def columns(self) -> int:
        """How many tiles stand side by side."""
        return self._columns

    def _measure(self) -> None:
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        self._tile = self.itemDelegate().sizeHint(option, QModelIndex())
        room = self.viewport().width()
        self._columns = max(1, (room - GAP) // (self._tile.width() + GAP))
        left = room - self._columns * self._tile.width()
        self._gap = max(0, min(left // (self._columns + 1), 3 * GAP))
        taken = self._columns * self._tile.width() + (self._columns - 1) * self._gap
        self._margin = max(0, (room - taken) // 2) if self._count >= self._columns else self._gap

    def _place(self, number: int) -> QRect:
        """Return a tile's rectangle, scrolling left out."""
        line, column = divmod(number, self._columns)
        x = self._margin + column * (self._tile.width() + self._gap)
        return QRect(QPoint(x, GAP + line * (self._tile.height() + GAP)), self._tile)

    def _within(self, area: QRect) -> Iterator[tuple[int, int]]:
        """Yield the first and last tile of each line that an area (scrolling left out) touches."""
        step = self._tile.height() + GAP
        first, last = max(0, (area.top() - GAP) // step), max(-1, area.bottom() - GAP) // step
        pitch = self._tile.width() + self._gap
        left = max(0, (area.left() - self._margin) // pitch)
        right = min(self._columns - 1, max(-1, area.right() - self._margin) // pitch)
        for line in range(first, min(last, (self._count - 1) // self._columns) + 1):
            start = line * self._columns
            end = min(start + right, self._count - 1)
            if start + left <= end:
                yield start + left, end

    def visualRect(self, index: Index) -> QRect:
        return self._place(index.row()).translated(0, -self.verticalOffset()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        at = point + QPoint(0, self.verticalOffset())
        for first, last in self._within(QRect(at, QSize(1, 1))):
            for number in range(first, last + 1):
                if self._place(number).contains(at):
                    return self.model().index(number, 0)
        return QModelIndex()

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        del selection  # working out 100,000 rectangles costs more than painting what can be seen
        return QRegion(self.viewport().rect())

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        if not index.isValid():
            return
        place, bar, room = self._place(index.row()).adjusted(0, -GAP, 0, GAP), self.verticalScrollBar(), self.viewport()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(place.center().y() - room.height() // 2)
        elif place.top() < bar.value():
            bar.setValue(place.top())
        elif place.bottom() > bar.value() + room.height():
            bar.setValue(place.bottom() - room.height() + 1)

    # -- layout ------------------------------------------------------------------------------------------------------

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        self.updateGeometries()

    def doItemsLayout(self) -> None:
        super().doItemsLayout()
        self.updateGeometries()
        self.viewport().update()

    def updateGeometries(self) -> None:
        super().updateGeometries()
        self._measure()
        lines = -(-self._count // self._columns)
        whole, room = GAP + lines * (self._tile.height() + GAP), self.viewport().height()
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, whole - room))
        bar.setPageStep(max(1, room - self._tile.height() // 2))
        bar.setSingleStep(max(24, self._tile.height() // 4))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the focused tile, or else what stood at the top, where it can be seen."""
        top = self.indexAt(QPoint(self._margin + 1, GAP + 1))
        super().resizeEvent(event)
        self.updateGeometries()
        current = self.currentIndex()
        kept = current if current.isValid() and self.viewport().rect().intersects(self.visualRect(current)) else top
        self.scrollTo(kept)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.scrollDirtyRegion(dx, dy)
        self.viewport().scroll(dx, dy)

    # -- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.model() is None:
            return
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        plain, current, chosen = option.state, self.currentIndex().row(), self.selectionModel()
        held = QStyle.StateFlag.State_HasFocus if self.hasFocus() else QStyle.StateFlag.State_On
        painter = QPainter(self.viewport())
        for first, last in self._within(event.rect().translated(0, self.verticalOffset())):
            for number in range(first, last + 1):
                index = self.model().index(number, 0)
                option.rect = self.visualRect(index)
                option.state = plain & ~QStyle.StateFlag.State_HasFocus & ~QStyle.StateFlag.State_MouseOver
                if chosen.isSelected(index):
                    option.state |= QStyle.StateFlag.State_Selected
                if number == current:
                    option.state |= held
                if number == self._hovered:
                    option.state |= QStyle.StateFlag.State_MouseOver
                self.itemDelegate().paint(painter, option, index)
        if not self._band.isNull():
            self._paint_band(painter)
        painter.end()

    def _paint_band(self, painter: QPainter) -> None:
        colour = QColor(current_tokens().accent)
        painter.setPen(QPen(colour, 1))
        colour.setAlpha(40)
        painter.setBrush(colour)
        painter.drawRect(self._band.translated(0, -self.verticalOffset()))

    def _hover(self, number: int) -> None:
        if number != self._hovered:
            for row in (self._hovered, number):
                if 0 <= row < self._count:
                    self.viewport().update(self.visualRect(self.model().index(row, 0)))
            self._hovered = number

    # -- choosing ----------------------------------------------------------------------------------------------------

    def selectionCommand(self, index: Index, event: QEvent | None = None) -> QItemSelectionModel.SelectionFlag:
        """Note where a range with Shift begins and ends: it follows the order of the tiles, not a rectangle."""
        if isinstance(event, QInputEvent):
            is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._stretch = (self._anchor, index.row()) if is_shifted and index.isValid() else None
            if not is_shifted and index.isValid() and event.type() != QEvent.Type.MouseMove:
                self._anchor = index.row()
        return super().selectionCommand(index, event)

    def setCurrentIndex(self, index: Index) -> None:
        """A range with Shift begins where the program put the focus, too."""
        super().setCurrentIndex(index)
        self._anchor = max(0, index.row())

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        made, model = QItemSelection(), self.model()
        if self._stretch is not None:
            low, high = sorted(min(row, self._count - 1) for row in self._stretch)
            spans = [(low, high)]
        else:
            spans = list(self._within(rect.normalized().translated(0, self.verticalOffset())))
        for first, last in spans:
            made.append(QItemSelectionRange(model.index(first, 0), model.index(last, 0)))
        self.selectionModel().select(made, command)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        del modifiers
        if not self._count:
            return QModelIndex()
        kinds = QAbstractItemView.CursorAction
        lines = max(1, self.viewport().height() // (self._tile.height() + GAP))
        step = {
            kinds.MoveLeft: -1, kinds.MovePrevious: -1, kinds.MoveRight: 1, kinds.MoveNext: 1,
            kinds.MoveUp: -self._columns, kinds.MoveDown: self._columns,
            kinds.MovePageUp: -lines * self._columns, kinds.MovePageDown: lines * self._columns,
            kinds.MoveHome: -self._count, kinds.MoveEnd: self._count,
        }[action]  # fmt: skip
        at = self.currentIndex().row() if self.currentIndex().isValid() else (0 if step > 0 else self._count - 1)
        wanted = at + step if self.currentIndex().isValid() else at
        if action in (kinds.MoveUp, kinds.MoveDown) and not 0 <= wanted < self._count:
            last_line = action == kinds.MoveDown and wanted // self._columns <= (self._count - 1) // self._columns
            wanted = self._count - 1 if last_line else at
        return self.model().index(min(max(wanted, 0), self._count - 1), 0)

    def keyboardSearch(self, search: str) -> None:
        """Letters are shortcuts here, and looking through all names would fetch every row."""

    # -- the pointer -------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        empty = not self.indexAt(at).isValid()
        super().mousePressEvent(event)
        if empty and event.button() == Qt.MouseButton.LeftButton:
            self._band = QRect(at + QPoint(0, self.verticalOffset()), QSize(1, 1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        at = event.position().toPoint()
        if not self._band.isNull():
            self._band.setBottomRight(at + QPoint(0, self.verticalOffset()))
            self.viewport().update()
        self._hover(self.indexAt(at).row())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if not self._band.isNull():
            self._band = QRect()
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)
