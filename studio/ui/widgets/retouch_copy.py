"""Asks to which photos of the same set-up a correction is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QListWidgetItem, QWidget

from studio.ui.theme import SPACE
from studio.ui.widgets.basics import button, column, label, row

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

_ID = Qt.ItemDataRole.UserRole


class CopyDialog(QDialog):
    """Lists photos to tick. chosen: their ids."""

    chosen = Signal(list)

    def __init__(self, project: Workspace, photo_ids: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Copy this correction"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Photos"))
        for photo in project.library.photos(photo_ids):
            item = QListWidgetItem(photo.name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            item.setData(_ID, photo.id)
            self.list.addItem(item)
        self.all_button = button(self.tr("Choose all"))
        self.all_button.clicked.connect(self.choose_all)
        self.buttons = QDialogButtonBox()
        self.copy_button = button(self.tr("Copy"), primary=True)
        self.buttons.addButton(self.copy_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(button(self.tr("Cancel")), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.itemChanged.connect(self._refresh)
        intro = self.tr("The strokes of this layer are repeated at the same place on the photos you tick.")
        nothing = self.tr("There is no other photo of the same kind and size.")
        text = label(intro if photo_ids else nothing, "soft", wrap=True)
        foot = row(self.all_button, 1, self.buttons)
        outer = column(text, self.list, foot, spacing=SPACE)
        outer.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        self.setLayout(outer)
        self.list.setVisible(bool(photo_ids))
        self.resize(440, 420 if photo_ids else 120)
        self.all_button.setEnabled(bool(photo_ids))
        self._refresh()

    def choose_all(self) -> None:
        """Tick every photo."""
        for number in range(self.list.count()):
            self.list.item(number).setCheckState(Qt.CheckState.Checked)

    def accept(self) -> None:
        """Tell who was ticked and close."""
        self.chosen.emit(self._ticked())
        super().accept()

    def _ticked(self) -> list[str]:
        items = [self.list.item(number) for number in range(self.list.count())]
        return [str(item.data(_ID)) for item in items if item.checkState() == Qt.CheckState.Checked]

    def _refresh(self) -> None:
        self.copy_button.setEnabled(bool(self._ticked()))
