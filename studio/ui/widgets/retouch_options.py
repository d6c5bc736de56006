"""The retouching inspector: the tool's values, the palette of labels, the list of joints or landmarks."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QLabel, QListWidget, QListWidgetItem, QSlider, QWidget

from studio.domain.labels import LabelScheme, palette
from studio.jobs.retouch_layers import PointsLayer
from studio.ui.part_names import label_names, part_name
from studio.ui.theme import SPACE, current_tokens
from studio.ui.widgets.basics import column, label, row
from studio.ui.widgets.retouch_tools import LARGEST, LARGEST_TOLERANCE, SMALLEST, Tool, ToolState

_STEPS = 1000
LIST_HEIGHT = 264
POINTS_HEIGHT = 176
_NAME = Qt.ItemDataRole.UserRole


class ValueRow(QWidget):
    """A name, a slider, and the number itself. is_even: equal steps feel alike at every size (a brush's radius)."""

    edited = Signal(float)

    def __init__(self, low: float, high: float, *, decimals: int = 0, suffix: str = "", is_even: bool = False) -> None:
        super().__init__()
        self._low, self._high, self._is_even = low, high, is_even
        self.name = QLabel()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.number = QDoubleSpinBox()
        self.number.setRange(low, high)
        self.number.setDecimals(decimals)
        self.number.setSuffix(suffix)
        self.number.setFixedWidth(104)
        self.number.lineEdit().setTextMargins(SPACE - 2, 0, 0, 0)  # as `spin_box` does, and for the same reason
        self.number.setKeyboardTracking(False)
        self.setLayout(column(row(self.name, 1, self.number), self.slider, spacing=2))
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self.edited)

    def set_name(self, text: str, tip: str) -> None:
        """Write what it is; screen readers hear it on both controls."""
        self.name.setText(text)
        for part in (self.slider, self.number):
            part.setAccessibleName(text)
            part.setToolTip(tip)

    def set_value(self, value: float) -> None:
        """Show a value; `edited` stays silent."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.number.setValue(value)
            self.slider.setValue(round(self._share(value) * _STEPS))

    def _share(self, value: float) -> float:
        if self._is_even:
            return math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        return (value - self._low) / (self._high - self._low)

    def _on_slider(self, step: int) -> None:
        share = step / _STEPS
        if self._is_even:
            value = self._low * (self._high / self._low) ** share
        else:
            value = self._low + share * (self._high - self._low)
        with QSignalBlocker(self.number):
            self.number.setValue(value)
        self.edited.emit(self.number.value())


class ToolOptions(QWidget):
    """The values of the tool in hand; what it does not use is hidden."""

    def __init__(self, state: ToolState) -> None:
        super().__init__()
        self._state = state
        self.heading = label("", "section")
        self.radius = ValueRow(SMALLEST, LARGEST, decimals=1, suffix=" px", is_even=True)
        self.hardness = ValueRow(0, 100, suffix=" %")
        self.strength = ValueRow(1, 100, suffix=" %")
        self.tolerance = ValueRow(0.5, LARGEST_TOLERANCE, decimals=1)
        self.amount = ValueRow(0, 50, decimals=1, suffix=" px")
        self.pressure = QCheckBox()
        self._on_parse = False
        inner = column(
            self.heading,
            self.radius,
            self.hardness,
            self.strength,
            self.tolerance,
            self.pressure,
            self.amount,
            spacing=SPACE,
        )
        self.setLayout(inner)
        self._connect()
        self.write_texts()
        self.refresh()

    def _connect(self) -> None:
        state = self._state
        self.radius.edited.connect(state.set_radius)
        self.hardness.edited.connect(lambda value: state.set_hardness(value / 100))
        self.strength.edited.connect(lambda value: state.set_strength(value / 100))
        self.tolerance.edited.connect(state.set_tolerance)
        self.amount.edited.connect(state.set_amount)
        self.pressure.toggled.connect(state.set_pressure)
        state.changed.connect(self.refresh)

    def set_layer(self, *, is_parse: bool) -> None:
        """Labels have hard edges: no hardness, no strength, no operations."""
        self._on_parse = is_parse
        self.refresh()

    def refresh(self) -> None:
        """Show the values as they are."""
        held = self._state.held
        self.radius.set_value(held.radius)
        self.hardness.set_value(100 * held.hardness)
        self.strength.set_value(100 * held.strength)
        self.tolerance.set_value(held.tolerance)
        self.amount.set_value(held.amount)
        with QSignalBlocker(self.pressure):
            self.pressure.setChecked(held.uses_pressure)
        is_soft = held.tool in (Tool.BRUSH, Tool.ERASER) and not self._on_parse
        self.radius.setVisible(held.tool.is_brush)
        self.hardness.setVisible(held.tool.is_brush and not self._on_parse)
        self.strength.setVisible((is_soft or held.tool in (Tool.LASSO, Tool.POLYGON)) and not self._on_parse)
        self.pressure.setVisible(is_soft)
        self.tolerance.setVisible(held.tool is Tool.WAND)
        self.amount.setVisible(not self._on_parse)

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.heading.setText(self.tr("Tool"))
        self.radius.set_name(self.tr("Radius"), self.tr("Radius of the brush in pixels of the photo  ([ and ])"))
        self.hardness.set_name(self.tr("Hardness"), self.tr("How sharp the brush's edge is  (Shift+[ and Shift+])"))
        self.strength.set_name(self.tr("Strength"), self.tr("How much one stroke changes"))
        self.tolerance.set_name(
            self.tr("Tolerance"), self.tr("How different a colour may be; drag sideways on the photo to change it")
        )
        self.amount.set_name(
            self.tr("Amount"), self.tr("By how many pixels grow, shrink, smooth and feather act on the whole mask")
        )
        self.pressure.setText(self.tr("Pen pressure sets the radius"))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)


class LabelPalette(QListWidget):
    """The labels in their colours; the tick locks a label against being painted over."""

    def __init__(self, state: ToolState) -> None:
        super().__init__()
        self._state = state
        self.setIconSize(QSize(16, 16))
        self.setUniformItemSizes(True)
        self.setFixedHeight(LIST_HEIGHT)
        self.currentRowChanged.connect(self._on_row)
        self.itemChanged.connect(self._on_item)
        state.changed.connect(self._follow)
        self.write_texts()

    def write_texts(self) -> None:
        """List the labels by name."""
        colours = palette(LabelScheme.CIHP)
        with QSignalBlocker(self):
            self.clear()
            for number, name in enumerate(label_names()):
                item = QListWidgetItem(_swatch(QColor(*(int(part) for part in colours[number]))), name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                locked = number in self._state.held.locked
                item.setCheckState(Qt.CheckState.Checked if locked else Qt.CheckState.Unchecked)
                item.setToolTip(self.tr("Click to paint with it; tick to lock it"))
                self.addItem(item)
            self.setCurrentRow(self._state.held.label)
        self.setAccessibleName(self.tr("Labels"))

    def _on_row(self, number: int) -> None:
        if number >= 0:
            self._state.set_label(number)

    def _on_item(self, item: QListWidgetItem) -> None:
        self._state.lock(self.row(item), item.checkState() == Qt.CheckState.Checked)

    def _follow(self) -> None:
        if self.currentRow() != self._state.held.label:
            with QSignalBlocker(self):
                self.setCurrentRow(self._state.held.label)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)


class PointList(QListWidget):
    """All joints or landmarks; hidden ones are pale: choose one, then click where it is."""

    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setUniformItemSizes(True)
        self.setFixedHeight(POINTS_HEIGHT)
        self.currentItemChanged.connect(self._on_item)

    def show_layer(self, layer: PointsLayer) -> None:
        """List a layer's points as they are now."""
        chosen = self.chosen
        with QSignalBlocker(self):
            self.clear()
            for name, at in sorted(layer.points.items(), key=lambda item: item[1] is None):
                text = part_name(name) if at is not None else self.tr("%1 (hidden)").replace("%1", part_name(name))
                item = QListWidgetItem(text)
                item.setData(_NAME, name)
                if at is None:
                    item.setForeground(QColor(current_tokens().text_faint))
                self.addItem(item)
        self.choose(chosen)

    @property
    def chosen(self) -> str:
        item = self.currentItem()
        return "" if item is None else str(item.data(_NAME))

    def choose(self, name: str) -> None:
        """Mark a point as the chosen one; `wanted` stays silent."""
        with QSignalBlocker(self):
            self.setCurrentRow(-1)
            for number in range(self.count()):
                if self.item(number).data(_NAME) == name:
                    self.setCurrentRow(number)

    def _on_item(self, item: QListWidgetItem | None, before: QListWidgetItem | None) -> None:
        del before
        if item is not None:
            self.wanted.emit(str(item.data(_NAME)))


def _swatch(colour: QColor) -> QIcon:
    made = QPixmap(32, 32)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(colour)
    painter.setPen(QColor(current_tokens().line_strong))
    painter.drawRoundedRect(2, 2, 28, 28, 6, 6)
    painter.end()
    swatch = QIcon(made)
    swatch.addPixmap(made, QIcon.Mode.Selected)  # a colour must not change because it is chosen
    return swatch
