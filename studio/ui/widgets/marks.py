"""Stars, flags and colours as small pictures: the same in the filter bar, the details and the grid."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QToolButton, QWidget

from studio.library.records import MAX_RATING, ColourLabel
from studio.ui import icons
from studio.ui.theme import current_tokens

LABEL_COLOURS = {
    ColourLabel.RED: "#d9534f",
    ColourLabel.YELLOW: "#d9a400",
    ColourLabel.GREEN: "#3f9d5a",
    ColourLabel.BLUE: "#3f7fd9",
    ColourLabel.PURPLE: "#8e5bbf",
}
STAR = 15
STEP = 19
DOT = 12


class StarBar(QWidget):
    """Five stars to click; the one that is on already takes all away. Arrow keys work too. chosen: how many."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._hovered = 0
        self.setFixedSize(QSize(MAX_RATING * STEP + 4, 26))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)

    @property
    def count(self) -> int:
        """How many stars are on."""
        return self._count

    def set_count(self, count: int) -> None:
        """Show so many; `chosen` stays silent."""
        if count != self._count:
            self._count = count
            self.update()

    def choose(self, count: int) -> None:
        """Choose as a click does."""
        self.set_count(min(max(count, 0), MAX_RATING))
        self.chosen.emit(self._count)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            star = self._star_at(event.position().x())
            self.choose(0 if star == self._count else star)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hovered = self._star_at(event.position().x())
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = 0
        self.update()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1}.get(
            Qt.Key(event.key())
        )
        if step is None:
            super().keyPressEvent(event)
        else:
            self.choose(self._count + step)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, painter = current_tokens(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number in range(1, MAX_RATING + 1):
            is_on = number <= self._count
            is_near = number <= self._hovered
            colour = colours.accent if is_on else colours.text_soft if is_near else colours.line_strong
            name = "star_full" if is_on else "star"
            mark = icons.pixmap(name, STAR, colour, self.devicePixelRatioF())
            painter.drawPixmap(2 + (number - 1) * STEP + 2, (self.height() - STAR) // 2, mark)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.end()

    def _star_at(self, x: float) -> int:
        return min(MAX_RATING, max(1, int((x - 2) // STEP) + 1))


def colour_icon(label: ColourLabel, size: int = 16, ratio: float = 2.0) -> QIcon:
    """Return the dot of a colour label; a ring where there is none. A colour must not change because it is chosen."""
    made = QPixmap(QSize(size, size) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    rim = (size - DOT) / 2
    if label in LABEL_COLOURS:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(LABEL_COLOURS[label]))
    else:
        painter.setPen(QPen(QColor(current_tokens().line_strong), 1.5))
    painter.drawEllipse(QRectF(rim, rim, DOT, DOT))
    painter.end()
    swatch = QIcon(made)
    swatch.addPixmap(made, QIcon.Mode.Selected)
    return swatch


def toggle(icon: QIcon) -> QToolButton:
    """Return a small button that stays down; its text is read to those who cannot see it."""
    made = QToolButton()
    made.setCheckable(True)
    made.setIcon(icon)
    made.setIconSize(QSize(16, 16))
    made.setObjectName("mini")
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
