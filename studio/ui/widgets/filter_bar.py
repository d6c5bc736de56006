"""What the Library shows: search, stars, picks, colours, tags, all in one bar; what narrows the list is seen there."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu, QToolButton, QWidget

from studio.library.records import ColourLabel, Filter, Flag
from studio.ui import icons
from studio.ui.part_names import colour_names
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import row
from studio.ui.widgets.marks import StarBar, colour_icon, toggle

SEARCH_DELAY_MS = 150
MOST_TAGS = 40
"""In the menu; others are found by searching."""
FLAGS = ((Flag.PICK, "check"), (Flag.REJECT, "close"), (Flag.NONE, "circle"))
COLOURS = tuple(label for label in ColourLabel if label is not ColourLabel.NONE)


class FilterBar(QWidget):
    """changed: something else is wanted now. Search waits for a pause in typing; everything else acts at once."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setMinimumWidth(88)
        self.search.setMaximumWidth(280)
        self.stars = StarBar()
        self.flag_buttons = {flag: toggle(icons.icon(name, 16)) for flag, name in FLAGS}
        self.colour_buttons = {colour: toggle(colour_icon(colour)) for colour in COLOURS}
        self.tag_button = QToolButton()
        self.tag_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.tag_menu = QMenu(self.tag_button)
        self.tag_button.setMenu(self.tag_menu)
        self.clear_button = QToolButton()
        keeps = self.clear_button.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # nothing jumps when it comes and goes
        self.clear_button.setSizePolicy(keeps)
        self._tags: frozenset[str] = frozenset()
        self._known: Mapping[str, int] = {}
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(SEARCH_DELAY_MS)
        self._lay_out()
        self._connect()
        self.write_texts()

    # -- what is wanted ----------------------------------------------------------------------------------------------

    def wanted(self) -> Filter:
        """The filter that the bar says; where and in which list is for the page to add."""
        return Filter(
            text=self.search.text().strip(),
            min_rating=self.stars.count,
            flags=frozenset(flag for flag, one in self.flag_buttons.items() if one.isChecked()),
            labels=frozenset(colour for colour, one in self.colour_buttons.items() if one.isChecked()),
            tags=self._tags,
        )

    @property
    def is_active(self) -> bool:
        """True where the bar leaves something out."""
        return self.wanted() != Filter()

    def clear(self) -> None:
        """Show everything again."""
        was_active = self.is_active
        with QSignalBlocker(self.search), QSignalBlocker(self.stars):
            self.search.clear()
            self.stars.set_count(0)
        for one in (*self.flag_buttons.values(), *self.colour_buttons.values()):
            one.setChecked(False)
        self._tags = frozenset()
        self._pause.stop()
        if was_active:
            self._on_changed()

    def show_tag(self, tag: str) -> None:
        """Show only what bears this tag."""
        self._tags = frozenset([tag])
        self._on_changed()

    def set_tags(self, known: Mapping[str, int]) -> None:
        """Say which tags there are and how often each is used."""
        self._known = dict(known)
        gone = self._tags - set(known)
        self._tags -= gone
        self._write_tags()
        if gone:
            self._on_changed()

    # -- making ------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.flags_row = row(*self.flag_buttons.values(), spacing=0)
        colours = row(*self.colour_buttons.values(), spacing=0)
        inner = row(self.search, self.stars, spacing=SPACE // 2)
        inner.setStretchFactor(self.search, 3)
        inner.addLayout(self.flags_row)
        inner.addLayout(colours)
        inner.addWidget(self.tag_button)
        inner.addWidget(self.clear_button)
        inner.addStretch(1)
        self.setLayout(inner)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._on_changed)
        self.stars.chosen.connect(self._on_changed)
        for one in (*self.flag_buttons.values(), *self.colour_buttons.values()):
            one.clicked.connect(self._on_changed)
        self.clear_button.clicked.connect(self.clear)
        self.tag_menu.triggered.connect(self._on_tag)

    def _on_changed(self) -> None:
        self._write_tags()
        self.clear_button.setVisible(self.is_active)
        self.changed.emit()

    def _on_tag(self, action: QAction) -> None:
        tag = str(action.data() or "")
        self._tags = self._tags ^ {tag} if tag else frozenset()
        self._on_changed()

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_tags(self) -> None:
        self.tag_menu.clear()
        everything = self.tag_menu.addAction(self.tr("Any tag"))
        everything.setCheckable(True)
        everything.setChecked(not self._tags)
        self.tag_menu.addSeparator()
        often = sorted(self._known, key=lambda tag: -self._known[tag])[:MOST_TAGS]
        for tag in sorted({*often, *self._tags}, key=str.casefold):
            action = self.tag_menu.addAction(f"{tag}  ({self._known.get(tag, 0)})")
            action.setData(tag)
            action.setCheckable(True)
            action.setChecked(tag in self._tags)
        if not self._known:
            hint = self.tag_menu.addAction(self.tr("No tags yet: type one in the details on the right"))
            hint.setEnabled(False)
        shown = ", ".join(sorted(self._tags))
        text = shown or self.tr("Tags")
        metrics = self.tag_button.fontMetrics()
        self.tag_button.setText(f"{metrics.elidedText(text, Qt.TextElideMode.ElideRight, 120)} ▾")

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setToolTip(self.tr("Search names and tags  (Ctrl+F)"))
        self.search.setAccessibleName(self.tr("Search names and tags"))
        self._name(self.stars, self.tr("Show only what has at least so many stars"))
        self._name(self.flag_buttons[Flag.PICK], self.tr("Show only what is picked"))
        self._name(self.flag_buttons[Flag.REJECT], self.tr("Show only what is rejected"))
        self._name(self.flag_buttons[Flag.NONE], self.tr("Show only what is neither picked nor rejected"))
        names = colour_names()
        for colour, one in self.colour_buttons.items():
            self._name(one, self.tr("Show only: %1").replace("%1", names[colour]))
        self._name(self.tag_button, self.tr("Show only what bears these tags"))
        self._name(self.clear_button, self.tr("Clear the filters"))
        self.clear_button.setText(self.tr("Clear"))
        self._write_tags()
        self.clear_button.setVisible(self.is_active)

    def _name(self, widget: QWidget, text: str) -> None:
        widget.setToolTip(text)
        widget.setAccessibleName(text)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)
