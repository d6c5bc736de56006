"""What a garment is, and how it is worn on a look: where the analysis is wrong, the operator says it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QMenu, QPushButton, QWidget

from studio.domain.artefacts import Garment
from studio.domain.edits import GarmentOverride, HemStyle, LayerOrder
from studio.jobs.worn import PARTS
from studio.ui.part_names import category_names, hem_names, neckline_names, sleeve_names, worn_part_names
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import column, label

FIELDS = ("category", "sleeve", "neckline")
NAME_WIDTH = 76


class GarmentForm(QWidget):
    """said: (field, value); "" = as analysed."""

    said = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._override: GarmentOverride | None = GarmentOverride()
        self._analysed: Garment | None = None
        self.heading = label("", "section")
        self.names = {field: QLabel() for field in FIELDS}
        self.boxes = {field: QComboBox() for field in FIELDS}
        grid = _grid(list(zip(self.names.values(), self.boxes.values(), strict=True)))
        inner = column(self.heading, spacing=SPACE)
        inner.addLayout(grid)
        self.setLayout(inner)
        for field, box in self.boxes.items():
            _let_shrink(box)
            box.activated.connect(
                lambda number, name=field: self.said.emit(name, str(self.boxes[name].itemData(number)))
            )
        self.write_texts()

    def show_garment(self, override: GarmentOverride | None, analysed: Garment | None) -> None:
        """Show what is said of a garment and what the analysis says; None = of several, and not the same."""
        self._override, self._analysed = override, analysed
        self._fill()

    def _fill(self) -> None:
        tables: dict[str, Mapping[str, str]] = {
            "category": category_names(), "sleeve": sleeve_names(), "neckline": neckline_names(),
        }  # fmt: skip
        for field, box in self.boxes.items():
            said = "" if self._override is None else str(getattr(self._override, field))
            found = "" if self._analysed is None or said else str(getattr(self._analysed, field).value)
            auto = self.tr("Found: %1").replace("%1", tables[field].get(found, found)) if found else self.tr("As found")
            with QSignalBlocker(box):
                box.clear()
                box.addItem(auto, "")
                for value, name in tables[field].items():
                    box.addItem(name, value)
                box.setCurrentIndex(-1 if self._override is None else max(0, box.findData(said)))
                box.setPlaceholderText(self.tr("Several"))

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.heading.setText(self.tr("Garment"))
        texts = (self.tr("Category"), self.tr("Sleeves"), self.tr("Neckline"))
        tip = self.tr("Say it where the program is wrong; only looks with this garment are made again.")
        for field, text in zip(FIELDS, texts, strict=True):
            self.names[field].setText(text)
            self.boxes[field].setAccessibleName(text)
            self.boxes[field].setToolTip(tip)
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)


class WornForm(QWidget):
    """How a look's garment is worn. said: the change, a function of the `LayerOrder` before."""

    said = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._order: LayerOrder | None = LayerOrder()
        self.heading = label("", "section")
        self.hem_name, self.over_name, self.under_name = QLabel(), QLabel(), QLabel()
        self.hem = QComboBox()
        self.over, self.under = QPushButton(), QPushButton()
        for tool in (self.over, self.under):
            tool.setMenu(QMenu(tool))
            tool.setObjectName("field")
        _let_shrink(self.hem)
        inner = column(self.heading, spacing=SPACE)
        rows = [(self.hem_name, self.hem), (self.over_name, self.over), (self.under_name, self.under)]
        inner.addLayout(_grid(rows))
        self.setLayout(inner)
        self.hem.activated.connect(self._on_hem)
        self.over.menu().triggered.connect(self._on_over)
        self.under.menu().triggered.connect(self._on_under)
        self.write_texts()

    def show_order(self, order: LayerOrder | None) -> None:
        """Show how it is worn; None = of several looks, and not the same."""
        self._order = order
        self._fill()

    def _fill(self) -> None:
        order = self._order or LayerOrder()
        with QSignalBlocker(self.hem):
            self.hem.clear()
            for value, name in hem_names().items():
                self.hem.addItem(name, value)
            self.hem.setCurrentIndex(-1 if self._order is None else self.hem.findData(order.hem.value))
            self.hem.setPlaceholderText(self.tr("Several"))
        self._fill_parts(self.over, order.over)
        self._fill_parts(self.under, order.under)

    def _fill_parts(self, tool: QPushButton, chosen: tuple[str, ...]) -> None:
        names = worn_part_names()
        tool.menu().clear()
        for part in PARTS:
            action = tool.menu().addAction(names[part])
            action.setData(part)
            action.setCheckable(True)
            action.setChecked(part in chosen)
        shown = ", ".join(names[part] for part in PARTS if part in chosen)
        text = self.tr("Several") if self._order is None else shown or self.tr("As usual")
        tool.setText(f"  {tool.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 118)}  ▾")

    def _on_hem(self, number: int) -> None:
        hem = HemStyle(str(self.hem.itemData(number)))
        self.said.emit(lambda order: replace(order, hem=hem))

    def _on_over(self, action: QAction) -> None:
        part = str(action.data())
        self.said.emit(
            lambda order: replace(
                order, over=_turned(order.over, part), under=tuple(one for one in order.under if one != part)
            )
        )

    def _on_under(self, action: QAction) -> None:
        part = str(action.data())
        self.said.emit(
            lambda order: replace(
                order, under=_turned(order.under, part), over=tuple(one for one in order.over if one != part)
            )
        )

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.heading.setText(self.tr("How it is worn"))
        for name, widget, text, tip in (
            (self.hem_name, self.hem, self.tr("Hem"), self.tr("Tucked into the trousers or skirt, or hanging over")),
            (self.over_name, self.over, self.tr("In front"), self.tr("Parts that lie in front of the garment")),
            (self.under_name, self.under, self.tr("Behind"), self.tr("Parts that the garment covers")),
        ):
            name.setText(text)
            widget.setAccessibleName(text)
            widget.setToolTip(tip)
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)


def _turned(parts: tuple[str, ...], part: str) -> tuple[str, ...]:
    """Return parts with one added, or taken away where it was among them; always in the same order."""
    wanted = {*parts} ^ {part}
    return tuple(one for one in PARTS if one in wanted)


def _let_shrink(box: QComboBox) -> None:
    """A long entry must not make the panel wider."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)


def _grid(rows: list[tuple[QLabel, QWidget]]) -> QGridLayout:
    made = QGridLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setHorizontalSpacing(SPACE)
    made.setVerticalSpacing(SPACE)
    made.setColumnMinimumWidth(0, NAME_WIDTH)
    made.setColumnStretch(1, 1)
    for number, (name, widget) in enumerate(rows):
        made.addWidget(name, number, 0)
        made.addWidget(widget, number, 1)
    return made
