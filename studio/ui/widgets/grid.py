"""The thumbnail grid: photos, looks and scenes with their stars, flags and labels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import (
    QByteArray,
    QItemSelection,
    QItemSelectionModel,
    QMimeData,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QDrag, QFontMetrics, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.library.records import Flag, Marks
from studio.ui import icons
from studio.ui.i18n import translate
from studio.ui.photo_model import GridModel, GridRole, Index
from studio.ui.theme import SPACE, Tokens, current_tokens
from studio.ui.widgets.marks import LABEL_COLOURS
from studio.ui.widgets.tiles import TileView

CAPTION = 40
DRAG_SIDE = 96
FITTED_LIMIT = 400
"""Thumbnails kept at the size they are shown at: a few screens full."""
IDS_MIME = "application/x-fitting-studio-ids"


class CellDelegate(QStyledItemDelegate):
    """Paints one cell: the picture fitted, its name, stars, flag and label; the focused cell is framed."""

    def __init__(self, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.size = size
        self._fitted: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()

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
        elif index.data(GridRole.BROKEN):
            mark = icons.pixmap("warning", 28, colours.warn, painter.device().devicePixelRatioF())
            painter.drawPixmap(picture.center() - QPoint(14, 14), mark)
        if getattr(index.data(GridRole.ROW), "is_missing", False):
            self._paint_missing(painter, picture, colours)
        caption = QRect(cell.left() + 8, cell.bottom() - CAPTION + 4, cell.width() - 16, CAPTION - 6)
        self._paint_caption(painter, caption, index, colours)
        painter.restore()

    def _paint_ground(self, painter: QPainter, cell: QRect, state: QStyle.StateFlag, colours: Tokens) -> None:
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        kept = bool(state & QStyle.StateFlag.State_On)  # focused, while the keyboard is elsewhere
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        frame = colours.accent if focused else colours.line_strong if kept else colours.line
        painter.setPen(QPen(QColor(frame), 2 if focused or kept else 1))
        painter.setBrush(QColor(colours.accent_soft if selected else colours.hover if hovered else colours.raised))
        painter.drawRoundedRect(cell, 6, 6)

    def _paint_pixmap(self, painter: QPainter, room: QRect, pixmap: QPixmap) -> None:
        ratio = painter.device().devicePixelRatioF()
        fitted = self._fit(pixmap, room.size() * ratio)
        fitted.setDevicePixelRatio(ratio)
        place = QRect(QPoint(0, 0), fitted.deviceIndependentSize().toSize())
        place.moveCenter(room.center())
        painter.drawPixmap(place.topLeft(), fitted)

    def _fit(self, pixmap: QPixmap, room: QSize) -> QPixmap:
        """Return a thumbnail at the size it is shown at; scaling costs more than painting, so it is done once."""
        key = (pixmap.cacheKey(), room.width(), room.height())
        if key in self._fitted:
            self._fitted.move_to_end(key)
            return self._fitted[key]
        kinds = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        made = self._fitted[key] = pixmap.scaled(room, *kinds)
        while len(self._fitted) > FITTED_LIMIT:
            self._fitted.popitem(last=False)
        return made

    def _paint_missing(self, painter: QPainter, room: QRect, colours: Tokens) -> None:
        """Say over the picture that its file is gone: the thumbnail may still be there."""
        plate = QRect(room.left(), room.bottom() - 25, room.width(), 26)
        painter.fillRect(plate, QColor(colours.bad))
        painter.setPen(QColor(colours.on_accent))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, translate("File missing"))

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
            painter.drawPixmap(x, y, icons.pixmap("star_full", 13, colours.text_soft, ratio))
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


class Grid(TileView):
    """A grid over a `GridModel`. opened: Return or double click on an id. chosen: the focused id moved.

    selection_changed: others are selected now. What is dragged out carries ids (`IDS_MIME`).
    """

    opened = Signal(str)
    chosen = Signal(str)
    selection_changed = Signal()

    def __init__(self, model: GridModel, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._delegate = CellDelegate(size, self)
        self.setItemDelegate(self._delegate)
        self.setModel(model)
        self._grid_model = model
        self.activated.connect(self._on_activated)

    def set_size(self, size: int) -> None:
        """Change the thumbnails' width."""
        self._delegate.size = size
        self.doItemsLayout()
        self.scrollTo(self.currentIndex())

    def selected_ids(self) -> list[str]:
        """The selected ids in the list's order; the focused one where nothing is selected."""
        ids = self._grid_model.ids
        chosen = self.selectionModel().selection()
        spans = sorted((chosen.at(number).top(), chosen.at(number).bottom()) for number in range(chosen.count()))
        if not spans and self.currentIndex().isValid():
            return [ids[self.currentIndex().row()]]
        return [item for top, bottom in spans for item in ids[top : bottom + 1]]

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

    def select_ids(self, ids: Sequence[str]) -> None:
        """Select those of these ids that are listed."""
        chosen = QItemSelection()
        for item in ids:
            index = self._grid_model.index_of(item)
            if index.isValid():
                chosen.select(index, index)
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def advance(self) -> None:
        """Move the focus to the next photo, staying on the last."""
        following = self._grid_model.index(self.currentIndex().row() + 1)
        if following.isValid():
            self.setCurrentIndex(following)

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag the selected ids; the picture is the focused thumbnail, with how many there are."""
        ids = self.selected_ids()
        if not ids:
            return
        drag = QDrag(self)
        drag.setMimeData(ids_to_mime(ids))
        drag.setPixmap(_drag_picture(self.currentIndex().data(GridRole.PIXMAP), len(ids), self.devicePixelRatioF()))
        drag.setHotSpot(QPoint(8, 8))
        drag.exec(Qt.DropAction.CopyAction)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        self.chosen.emit(str(current.data(GridRole.ID)) if current.isValid() else "")

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        self.selection_changed.emit()

    def _on_activated(self, index: Index) -> None:
        self.opened.emit(str(index.data(GridRole.ID)))


def ids_to_mime(ids: Sequence[str]) -> QMimeData:
    """Return ids in the form in which they are dragged."""
    data = QMimeData()
    data.setData(IDS_MIME, QByteArray("\n".join(ids).encode()))
    return data


def ids_of_mime(data: QMimeData) -> list[str]:
    """Return the ids that are dragged, none where something else is."""
    text = bytes(data.data(IDS_MIME).data()).decode() if data.hasFormat(IDS_MIME) else ""
    return [item for item in text.split("\n") if item]


def _drag_picture(pixmap: object, count: int, ratio: float) -> QPixmap:
    colours, side = current_tokens(), DRAG_SIDE
    made = QPixmap(QSize(side, side) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    if isinstance(pixmap, QPixmap):
        fitted = QRect(QPoint(), pixmap.size().scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio))
        painter.setOpacity(0.85)
        painter.drawPixmap(fitted, pixmap)
        painter.setOpacity(1.0)
    if count > 1:
        plate = QRect(0, 0, 18 + 7 * len(str(count)), 22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent))
        painter.drawRoundedRect(plate, 11, 11)
        painter.setPen(QColor(colours.on_accent))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, str(count))
    painter.end()
    return made
