"""The first thing one sees: start a project, open one, try the samples."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout

from studio.ui.theme import SPACE
from studio.ui.widgets.basics import TextWidget, button, column, frame, label


class StartPage(TextWidget):
    """Recent projects on the right, what to do on the left."""

    create_wanted = Signal(Path)
    open_wanted = Signal(Path)
    demo_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._title = label("", "title")
        self._claim = label("", "soft", wrap=True)
        self.new_button = button("", primary=True)
        self.open_button = button("")
        self.demo_button = button("")
        self._recent_title = label("", "section")
        self.recent = QListWidget()
        self._no_recent = label("", "faint", wrap=True)
        self.new_button.clicked.connect(self.choose_new)
        self.open_button.clicked.connect(self.choose_existing)
        self.demo_button.clicked.connect(self.demo_wanted)
        self.recent.itemActivated.connect(self._on_recent)
        self.recent.itemClicked.connect(self._on_recent)
        self._lay_out()
        self._write_texts()

    def set_recent(self, folders: list[Path]) -> None:
        """Show the projects opened last; those that are gone are left out."""
        self.recent.clear()
        for folder in folders:
            item = QListWidgetItem(f"{folder.name}\n{folder.parent}")
            item.setData(Qt.ItemDataRole.UserRole, str(folder))
            self.recent.addItem(item)
        self.recent.setVisible(bool(folders))
        self._no_recent.setVisible(not folders)

    def choose_new(self) -> None:
        """Ask for the folder of a new project."""
        named = Path.home() / self.tr("My project")
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("New project: name its folder"), str(named))
        if chosen:
            self.create_wanted.emit(Path(chosen))

    def choose_existing(self) -> None:
        """Ask for the folder of an existing project."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Open a project folder"), str(Path.home()))
        if chosen:
            self.open_wanted.emit(Path(chosen))

    def _on_recent(self, item: QListWidgetItem) -> None:
        self.open_wanted.emit(Path(str(item.data(Qt.ItemDataRole.UserRole))))

    def _lay_out(self) -> None:
        left = column(self._title, self._claim, spacing=SPACE)
        left.addSpacing(SPACE * 3)
        for widget in (self.new_button, self.open_button, self.demo_button):
            widget.setMinimumHeight(36)
            left.addWidget(widget)
        left.addStretch(1)
        right = column(self._recent_title, self.recent, self._no_recent, 1)
        card_left, card_right = frame("plain", left, 0), frame("card", right)
        card_left.setFixedWidth(320)
        card_right.setFixedWidth(420)
        cards = QHBoxLayout()
        cards.addStretch(1)
        cards.addWidget(card_left)
        cards.addSpacing(SPACE * 5)
        cards.addWidget(card_right)
        cards.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(cards, 5)
        outer.addStretch(3)

    def _write_texts(self) -> None:
        self._title.setText(self.tr("Fitting Studio"))
        self._claim.setText(
            self.tr("Dress models in garments, place them on backgrounds, deliver. Everything stays on this computer.")
        )
        self.new_button.setText(self.tr("New project…"))
        self.open_button.setText(self.tr("Open a project…"))
        self.demo_button.setText(self.tr("Try it with the sample photos"))
        self._recent_title.setText(self.tr("Recent projects"))
        self.recent.setAccessibleName(self.tr("Recent projects"))
        self._no_recent.setText(self.tr("Projects that you open are listed here."))
