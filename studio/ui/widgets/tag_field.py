"""The tags of what is selected: each can be taken away, another typed, with those in use offered."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLayout, QLayoutItem, QLineEdit, QToolButton, QWidget

from studio.ui import icons
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import column

LONGEST = 180


class FlowLayout(QLayout):
    """Widgets side by side, going on in the next line where there is no more room."""

    def __init__(self, spacing: int = SPACE // 2) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, number: int) -> QLayoutItem | None:
        return self._items[number] if 0 <= number < len(self._items) else None

    def takeAt(self, number: int) -> QLayoutItem | None:
        return self._items.pop(number) if 0 <= number < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), moves=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, moves=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._items]
        return QSize(
            max((size.width() for size in sizes), default=0), max((size.height() for size in sizes), default=0)
        )

    def _arrange(self, rect: QRect, *, moves: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self.spacing(), 0
            if moves:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            line = max(line, size.height())
        return y + line - rect.y()


class TagField(QWidget):
    """added, removed: a tag."""

    added = Signal(str)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._tags: list[str] = []
        self._chips: list[QToolButton] = []
        self._known = QStringListModel(self)
        self.line = QLineEdit()
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.line.setCompleter(completer)
        self._flow = FlowLayout()
        self._chip_area = QWidget()
        self._chip_area.setLayout(self._flow)
        self.setLayout(column(self._chip_area, self.line, spacing=SPACE // 2))
        self.line.returnPressed.connect(self._on_typed)
        completer.activated.connect(self.added)
        # The completer writes its choice into the line after telling of it.
        completer.activated.connect(self.line.clear, Qt.ConnectionType.QueuedConnection)
        self.write_texts()

    @property
    def tags(self) -> list[str]:
        """What is shown."""
        return list(self._tags)

    def set_tags(self, tags: Sequence[str]) -> None:
        """Show these tags."""
        if list(tags) == self._tags and len(self._chips) == len(self._tags):
            return
        self._tags = list(tags)
        for chip in self._chips:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self._chips = [self._chip(tag) for tag in self._tags]
        self._chip_area.setVisible(bool(self._chips))
        self._flow.invalidate()

    def set_known(self, tags: Sequence[str]) -> None:
        """Offer these while typing."""
        if self._known.stringList() != list(tags):
            self._known.setStringList(list(tags))

    def _chip(self, tag: str) -> QToolButton:
        made = QToolButton(self._chip_area)
        made.setObjectName("chip")
        made.setText(made.fontMetrics().elidedText(tag, Qt.TextElideMode.ElideRight, LONGEST))
        made.setIcon(icons.icon("close", 12))
        made.setIconSize(QSize(12, 12))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        text = self.tr("Take the tag %1 away").replace("%1", tag)
        made.setToolTip(text)
        made.setAccessibleName(text)
        made.clicked.connect(lambda checked=False, name=tag: self.removed.emit(name))
        self._flow.addWidget(made)
        made.show()
        return made

    def _on_typed(self) -> None:
        for tag in self.line.text().split(","):
            if tag.strip():
                self.added.emit(tag.strip())
        self.line.clear()

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.line.setPlaceholderText(self.tr("Add a tag…"))
        self.line.setAccessibleName(self.tr("Add a tag"))
        self.line.setToolTip(self.tr("Several at once: separate them with commas  (Ctrl+T)"))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)
