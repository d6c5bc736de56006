"""The thumbnail grid: photos, looks and scenes with their stars, flags and labels."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.library.records import ColourLabel, Flag, Marks
from studio.ui import icons
from studio.ui.photo_model import GridModel, GridRole, Index
from studio.ui.theme import SPACE, Tokens, current_tokens

CAPTION = 40
LABEL_COLOURS = {
    ColourLabel.RED: "#d9534f",
    ColourLabel.YELLOW: "#d9a400",
    ColourLabel.GREEN: "#3f9d5a",
    ColourLabel.BLUE: "#3f7fd9",
    ColourLabel.PURPLE: "#8e5bbf",
}


class CellDelegate(QStyledItemDelegate):
    """Paints one cell: the picture fitted, its name, stars, flag and label; the focused cell is framed."""

    def __init__(self, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.size = size

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.size + 2 * SPACE, round(self.size * 4 / 3) + CAPTION + SPACE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = current_tokens()
        cell = option.rect.adjusted(3, 3, -3, -3)
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, cell, state, colours)
        picture = QRect(cell.left() + 5, cell.top() + 5, cell.width() - 10, cell.height() - CAPTION - 5)
        pixmap = index.data(GridRole.PIXMAP)
        if isinstance(pixmap, QPixmap):
            self._paint_pixmap(painter, picture, pixmap)
        else:
            self._paint_missing(painter, picture, bool(index.data(GridRole.BROKEN)), colours)
        caption = QRect(cell.left() + 8, cell.bottom() - CAPTION + 4, cell.width() - 16, CAPTION - 6)
        self._paint_caption(painter, caption, index, colours)
        painter.restore()

    def _paint_ground(self, painter: QPainter, cell: QRect, state: QStyle.StateFlag, colours: Tokens) -> None:
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(QPen(QColor(colours.accent if focused else colours.line), 2 if focused else 1))
        painter.setBrush(QColor(colours.accent_soft if selected else colours.hover if hovered else colours.raised))
        painter.drawRoundedRect(cell, 6, 6)

    def _paint_pixmap(self, painter: QPainter, room: QRect, pixmap: QPixmap) -> None:
        fitted = pixmap.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(0, 0), fitted)
        place.moveCenter(room.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(place, pixmap)

    def _paint_missing(self, painter: QPainter, room: QRect, broken: bool, colours: Tokens) -> None:
        if broken:
            mark = icons.pixmap("warning", 28, colours.warn, painter.device().devicePixelRatioF())
            painter.drawPixmap(room.center() - QPoint(14, 14), mark)

    def _paint_caption(self, painter: QPainter, room: QRect, index: Index, colours: Tokens) -> None:
        row = index.data(GridRole.ROW)
        if row is None:
            return
        metrics = QFontMetrics(painter.font())
        painter.setPen(QColor(colours.text))
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        self._paint_marks(painter, room, row.marks, colours)

    def _paint_marks(self, painter: QPainter, room: QRect, marks: Marks, colours: Tokens) -> None:
        ratio = painter.device().devicePixelRatioF()
        x, y = room.left(), room.bottom() - 13
        for _ in range(marks.rating):
            painter.drawPixmap(x, y, icons.pixmap("star", 13, colours.text_soft, ratio))
            x += 15
        right = room.right() - 12
        if marks.flag is not Flag.NONE:
            name, colour = ("check", colours.good) if marks.flag is Flag.PICK else ("close", colours.bad)
            painter.drawPixmap(right - 1, y, icons.pixmap(name, 13, colour, ratio))
            right -= 18
        if marks.label in LABEL_COLOURS:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(LABEL_COLOURS[marks.label]))
            painter.drawEllipse(right, y + 1, 11, 11)


class Grid(QListView):
    """A grid over a `GridModel`. opened: Return or double click on an id. chosen: the focused id moved."""

    opened = Signal(str)
    chosen = Signal(str)

    def __init__(self, model: GridModel, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = CellDelegate(size, self)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setLayoutMode(QListView.LayoutMode.SinglePass)
        self.setMouseTracking(True)
        self.setSpacing(2)
        self.setItemDelegate(self._delegate)
        self.setModel(model)
        self._grid_model = model
        self.activated.connect(self._on_activated)

    def set_size(self, size: int) -> None:
        """Change the thumbnails' width."""
        self._delegate.size = size
        self.scheduleDelayedItemsLayout()

    def selected_ids(self) -> list[str]:
        """The selected ids in the list's order; the focused one where nothing is selected."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        if not rows and self.currentIndex().isValid():
            rows = [self.currentIndex().row()]
        return [self._grid_model.ids[row] for row in rows]

    @property
    def focused_id(self) -> str:
        """The id that single-photo actions hit, "" where there is none."""
        index = self.currentIndex()
        return str(index.data(GridRole.ID)) if index.isValid() else ""

    def focus_id(self, item: str) -> None:
        """Focus and show an id."""
        index = self._grid_model.index_of(item)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def advance(self) -> None:
        """Move the focus to the next photo, staying on the last."""
        following = self._grid_model.index(self.currentIndex().row() + 1)
        if following.isValid():
            self.setCurrentIndex(following)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.chosen.emit(str(current.data(GridRole.ID)) if current.isValid() else "")

    def _on_activated(self, index: Index) -> None:
        self.opened.emit(str(index.data(GridRole.ID)))
