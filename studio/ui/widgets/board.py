"""The dress board: a table of pairs with pictures in its cells and its headers."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from studio.library.records import CellRow, JobState, LookState
from studio.ui import icons
from studio.ui.board_model import BoardModel, CellRole, Index
from studio.ui.theme import Tokens, current_tokens
from studio.ui.widgets.fitted import draw_fitted

CELL_WIDTH, CELL_HEIGHT = 120, 168
HEADER_WIDTH, HEADER_HEIGHT = 132, 132
BADGE = 18

_STATE_ICONS = {LookState.CORRECTED: "retouch", LookState.APPROVED: "check", LookState.EXPORTED: "deliver"}


class PairDelegate(QStyledItemDelegate):
    """Paints a pair: its look, or what keeps it from having one."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = current_tokens()
        cell = option.rect.adjusted(3, 3, -3, -3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        painter.setPen(QPen(QColor(colours.accent if focused or selected else colours.line), 2 if focused else 1))
        painter.setBrush(QColor(colours.accent_soft if selected else colours.raised))
        painter.drawRoundedRect(cell, 6, 6)
        row = index.data(CellRole.CELL)
        pixmap = index.data(CellRole.PIXMAP)
        if isinstance(pixmap, QPixmap):
            draw_fitted(painter, cell.adjusted(4, 4, -4, -4), pixmap)
        if isinstance(row, CellRow):
            self._paint_state(painter, cell, row, index, colours)
        painter.restore()

    def _paint_state(self, painter: QPainter, cell: QRect, row: CellRow, index: Index, colours: Tokens) -> None:
        if row.job_state is JobState.RUNNING:
            self._paint_progress(painter, cell, float(index.data(CellRole.FRACTION) or 0.0), colours)
        elif row.job_state in (JobState.QUEUED, JobState.PAUSED, JobState.INTERRUPTED):
            name = "more" if row.job_state is JobState.QUEUED else "pause"
            self._paint_badge(painter, cell, name, colours.text_soft, colours)
        elif row.job_state is JobState.FAILED:
            self._paint_badge(painter, cell, "warning", colours.bad, colours)
        elif row.is_stale:
            self._paint_badge(painter, cell, "retry", colours.warn, colours)
        elif row.look_state in _STATE_ICONS:
            self._paint_badge(painter, cell, _STATE_ICONS[row.look_state], colours.good, colours)
        elif not row.look_id:
            add = icons.pixmap("add", 20, colours.line_strong, painter.device().devicePixelRatioF())
            painter.drawPixmap(cell.center() - QPoint(10, 10), add)
            if index.data(CellRole.DOUBTFUL):
                self._paint_badge(painter, cell, "warning", colours.warn, colours)

    def _paint_badge(self, painter: QPainter, cell: QRect, name: str, colour: str, colours: Tokens) -> None:
        place = QRect(cell.right() - BADGE - 5, cell.top() + 5, BADGE, BADGE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.raised))
        painter.drawEllipse(place.adjusted(-3, -3, 3, 3))
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(place.topLeft(), icons.pixmap(name, BADGE, colour, ratio))

    def _paint_progress(self, painter: QPainter, cell: QRect, fraction: float, colours: Tokens) -> None:
        track = QRectF(cell.left() + 10, cell.bottom() - 14, cell.width() - 20, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.line))
        painter.drawRoundedRect(track, 2.5, 2.5)
        painter.setBrush(QColor(colours.accent))
        painter.drawRoundedRect(QRectF(track.x(), track.y(), max(5.0, track.width() * fraction), 5), 2.5, 2.5)


class PictureHeader(QHeaderView):
    """A header whose sections are thumbnails with names."""

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:  # noqa: N803 - Qt's own name
        colours = current_tokens()
        painter.save()
        painter.fillRect(rect, QColor(colours.panel))
        model = self.model()
        pixmap = model.headerData(logicalIndex, self.orientation(), CellRole.PIXMAP)
        picture = rect.adjusted(6, 6, -6, -24)
        if isinstance(pixmap, QPixmap):
            draw_fitted(painter, picture, pixmap)
        name = str(model.headerData(logicalIndex, self.orientation()) or "")
        room = QRect(rect.left() + 6, rect.bottom() - 21, rect.width() - 12, 18)
        shown = QFontMetrics(painter.font()).elidedText(name, Qt.TextElideMode.ElideMiddle, room.width())
        painter.setPen(QColor(colours.text_soft))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, shown)
        painter.restore()


class Board(QTableView):
    """Choose cells, rows (a model's header), columns (a garment's header) or all; Return or double click opens."""

    opened = Signal(QModelIndex)
    chosen = Signal(QModelIndex)

    def __init__(self, model: BoardModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHorizontalHeader(PictureHeader(Qt.Orientation.Horizontal, self))
        self.setVerticalHeader(PictureHeader(Qt.Orientation.Vertical, self))
        self.setModel(model)
        self.setItemDelegate(PairDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(True)
        for header, size, across in (
            (self.horizontalHeader(), CELL_WIDTH, HEADER_HEIGHT),
            (self.verticalHeader(), CELL_HEIGHT, HEADER_WIDTH),
        ):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setDefaultSectionSize(size)
            header.setSectionsClickable(True)
            header.setHighlightSections(True)
            if header is self.horizontalHeader():
                header.setFixedHeight(across)
            else:
                header.setFixedWidth(across)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.activated.connect(self.opened)

    def selected_pairs(self) -> list[tuple[str, str]]:
        """(model id, garment id) of every selected cell, row by row; the focused one where nothing is selected."""
        model = self.model()
        assert isinstance(model, BoardModel)
        current = self.currentIndex()
        if not self.selectionModel().hasSelection():
            return [model.pair_at(current)] if current.isValid() else []
        indexes = sorted(self.selectionModel().selectedIndexes(), key=lambda index: (index.row(), index.column()))
        return [model.pair_at(index) for index in indexes]

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.chosen.emit(self.model().index(current.row(), current.column()))

    def sizeHint(self) -> QSize:
        return QSize(640, 480)
