"""The Library's right side: what is selected, its marks, tags and note, and what can be said of garments and looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QWidget

from studio.domain.artefacts import Garment
from studio.domain.edits import GarmentOverride, LayerOrder
from studio.library.records import ColourLabel, Flag, LookRow, Marks, PhotoRow, SceneRow
from studio.ui import icons
from studio.ui.part_names import colour_names
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import button, column, label, row
from studio.ui.widgets.garment_form import GarmentForm, WornForm
from studio.ui.widgets.marks import StarBar, colour_icon, toggle
from studio.ui.widgets.tag_field import TagField

WIDTH = 268
Item = PhotoRow | LookRow | SceneRow


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What is said of the selection. None = not the same of all; is_garment, is_look: which form is shown."""

    override: GarmentOverride | None = None
    analysed: Garment | None = None
    order: LayerOrder | None = None
    is_garment: bool = False
    is_look: bool = False


class PhotoDetails(QFrame):
    """Signals carry what the operator wants; the page does it for everything that is selected."""

    rated = Signal(int)
    flagged = Signal(object)
    coloured = Signal(object)
    tagged = Signal(str)
    untagged = Signal(str)
    renamed = Signal(str)
    noted = Signal(str)
    relink_wanted = Signal()
    open_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setFixedWidth(WIDTH)
        self._items: Sequence[Item] = ()
        self._count = 0
        self.name = QLineEdit()
        self.facts = label("", "faint", wrap=True)
        self.missing = label("", "bad", wrap=True)
        self.relink_button = button("")
        self.stars = StarBar()
        self.flag_buttons = {
            Flag.PICK: toggle(icons.icon("check", 16)),
            Flag.REJECT: toggle(icons.icon("close", 16)),
        }
        self.colour_buttons = {colour: toggle(colour_icon(colour)) for colour in list(ColourLabel)[1:]}
        self.tags_heading = label("", "section")
        self.tags = TagField()
        self.note_heading = label("", "section")
        self.note = QLineEdit()
        self.garment = GarmentForm()
        self.worn = WornForm()
        self.open_button = button("")
        self.nothing = label("", "faint", wrap=True)
        self._lay_out()
        self._connect()
        self.write_texts()
        self.show_items(())

    # -- showing -----------------------------------------------------------------------------------------------------

    def show_items(self, items: Sequence[Item], count: int = 0) -> None:
        """Show what is selected; what differs among several is left open. count: where not all of them are given."""
        self._items, self._count = items, max(count, len(items))
        one = items[0] if self._count == 1 else None
        self._content.setVisible(bool(items))
        self.nothing.setVisible(not items)
        if not items:
            return
        with QSignalBlocker(self.name), QSignalBlocker(self.note):
            self.name.setText(one.name if one is not None else "")
            self.name.setCursorPosition(0)
            self.name.setReadOnly(one is None or isinstance(one, LookRow))
            self.note.setText(one.marks.note if one is not None else "")
        self.note.setEnabled(one is not None)
        self._show_marks([item.marks for item in items])
        self._write_facts()
        gone = sum(isinstance(item, PhotoRow) and item.is_missing for item in items)
        self.missing.setVisible(bool(gone))
        self.relink_button.setVisible(bool(gone))
        can_open = one is not None and not isinstance(one, SceneRow)
        self.open_button.setVisible(can_open)

    def _show_marks(self, marks: Sequence[Marks]) -> None:
        ratings, flags = {one.rating for one in marks}, {one.flag for one in marks}
        self.stars.set_count(ratings.pop() if len(ratings) == 1 else 0)
        shared = flags.pop() if len(flags) == 1 else None
        for flag, one in self.flag_buttons.items():
            one.setChecked(flag is shared)
        labels = {one.label for one in marks}
        colour = labels.pop() if len(labels) == 1 else None
        for each, one in self.colour_buttons.items():
            one.setChecked(each is colour)
        common = set(marks[0].tags).intersection(*(one.tags for one in marks))
        self.tags.set_tags(sorted(common, key=str.casefold))

    def show_said(self, said: Said) -> None:
        """Show what is said of garments and looks."""
        self.garment.setVisible(said.is_garment)
        self.worn.setVisible(said.is_look)
        if said.is_garment:
            self.garment.show_garment(said.override, said.analysed)
        if said.is_look:
            self.worn.show_order(said.order)

    def set_known_tags(self, tags: Mapping[str, int]) -> None:
        """Offer the tags in use."""
        self.tags.set_known(list(tags))

    # -- making ------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        flags = row(*self.flag_buttons.values(), spacing=0)
        colours = row(*self.colour_buttons.values(), 1, spacing=0)
        marks = row(self.stars, spacing=SPACE // 2)
        marks.addStretch(1)
        marks.addLayout(flags)
        top = column(self.name, self.facts, self.missing, self.relink_button, spacing=SPACE // 2)
        inner = column(top, spacing=SPACE)
        inner.addLayout(marks)
        inner.addLayout(colours)
        inner.addSpacing(SPACE)
        for part in (self.tags_heading, self.tags, self.note_heading, self.note):
            inner.addWidget(part)
        inner.addSpacing(SPACE)
        inner.addWidget(self.garment)
        inner.addWidget(self.worn)
        inner.addSpacing(SPACE)
        inner.addWidget(self.open_button)
        self._content = QWidget()
        self._content.setLayout(inner)
        page = QWidget()
        page.setObjectName("page")
        whole = column(self._content, self.nothing, 1, spacing=0)
        whole.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        page.setLayout(whole)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(area, spacing=0))

    def _connect(self) -> None:
        self.stars.chosen.connect(self.rated)
        for flag, one in self.flag_buttons.items():
            one.clicked.connect(lambda is_on, value=flag: self.flagged.emit(value if is_on else Flag.NONE))
        for colour, one in self.colour_buttons.items():
            one.clicked.connect(lambda is_on, value=colour: self.coloured.emit(value if is_on else ColourLabel.NONE))
        self.tags.added.connect(self.tagged)
        self.tags.removed.connect(self.untagged)
        self.name.editingFinished.connect(self._on_named)
        self.note.editingFinished.connect(self._on_noted)
        self.relink_button.clicked.connect(self.relink_wanted)
        self.open_button.clicked.connect(self.open_wanted)

    def _on_named(self) -> None:
        one = self._items[0] if self._count == 1 else None
        typed = self.name.text().strip()
        if one is not None and typed != one.name and not self.name.isReadOnly():
            if typed:
                self.renamed.emit(typed)
            else:
                self.name.setText(one.name)

    def _on_noted(self) -> None:
        one = self._items[0] if self._count == 1 else None
        if one is not None and self.note.text().strip() != one.marks.note:
            self.noted.emit(self.note.text().strip())

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_facts(self) -> None:
        one = self._items[0] if self._count == 1 else None
        if isinstance(one, PhotoRow):
            size = f"{one.size[0]:,} × {one.size[1]:,}  ·  {one.format}"
            depth = f"  ·  {one.bit_depth} bit" if one.bit_depth > 8 else ""
            self.facts.setText(f"{size}{depth}  ·  {one.size_bytes / 1e6:.1f} MB")
        elif one is None:
            self.facts.setText(self.tr("Changes act on all of them."))
            count = self.tr("%1 selected").replace("%1", f"{self._count:,}")
            with QSignalBlocker(self.name):
                self.name.setText(count)
        self.facts.setVisible(one is None or isinstance(one, PhotoRow))

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.name.setAccessibleName(self.tr("Name"))
        self.name.setToolTip(self.tr("The name in the project; the file keeps its own  (F2)"))
        self.missing.setText(self.tr("The file is not where it was."))
        self.relink_button.setText(self.tr("Find missing files…"))
        self.tags_heading.setText(self.tr("Tags"))
        self.note_heading.setText(self.tr("Note"))
        self.note.setPlaceholderText(self.tr("Write a note…"))
        self.note.setAccessibleName(self.tr("Note"))
        self.open_button.setText(self.tr("Correct by hand"))
        self.nothing.setText(self.tr("Select a photo to see and change its details here."))
        names = colour_names()
        for widget, text in (
            (self.stars, self.tr("Stars  (1 to 5, 0 takes them away)")),
            (self.flag_buttons[Flag.PICK], self.tr("Pick  (P)")),
            (self.flag_buttons[Flag.REJECT], self.tr("Reject  (R)")),
        ):
            widget.setToolTip(text)
            widget.setAccessibleName(text)
        for number, (colour, one) in enumerate(self.colour_buttons.items()):
            key = ("6", "7", "8", "9", "Shift+6")[number]
            one.setToolTip(f"{names[colour]}  ({key})")
            one.setAccessibleName(names[colour])
        self.show_items(self._items, self._count)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)
