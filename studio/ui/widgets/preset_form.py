"""A delivery preset as a short form: what is edited is a copy, the preset itself stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from studio.ui.theme import SPACE, current_tokens
from studio.ui.widgets.basics import TextWidget, button, label, row, spin_box

if TYPE_CHECKING:
    from studio.compositing.export import ExportPreset

FORMATS = ("jpeg", "png", "tiff", "webp", "psd", "ora")
FORMAT_NAMES = ("JPEG", "PNG", "TIFF", "WebP", "Photoshop (PSD)", "OpenRaster (ORA)")
ANCHORS = ("centre", "bottom", "top")
WITH_QUALITY, WITH_DEPTH = frozenset({"jpeg", "webp"}), frozenset({"png", "tiff"})
LARGEST_SIDE = 20_000
KILO = 1000


class PresetForm(TextWidget):
    """changed: the edited copy differs; read it from `preset`."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._preset: ExportPreset | None = None
        self.format = QComboBox()
        self.format.addItems(list(FORMAT_NAMES))
        self.is_native = QCheckBox()
        self.width_px, self.height_px = _spin(1, LARGEST_SIDE, ""), _spin(1, LARGEST_SIDE, "")
        self.padding = _spin(0, 49, " %")
        self.anchor = QComboBox()
        self.is_transparent = QCheckBox()
        self.colour = button("")
        self.quality = _spin(1, 100, "")
        self.limit = _spin(0, 100_000, " kB")
        self.bits = QComboBox()
        self.shadow = QCheckBox()
        self.metadata = QCheckBox()
        self.file_name = QLineEdit()
        self.tokens = label("", "faint", wrap=True)
        self._labels: dict[QWidget, QLabel] = {}
        self._lay_out()
        self._connect()
        self._write_texts()
        self.setEnabled(False)

    @property
    def preset(self) -> ExportPreset | None:
        """The copy as it is edited; None before `show_preset`."""
        return self._preset

    def show_preset(self, preset: ExportPreset) -> None:
        """Show a preset to be edited."""
        self._preset = preset
        self.setEnabled(True)
        editors = (self.format, self.is_native, self.width_px, self.height_px, self.padding, self.anchor,
                   self.is_transparent, self.quality, self.limit, self.bits, self.shadow, self.metadata,
                   self.file_name)  # fmt: skip
        blockers = [QSignalBlocker(editor) for editor in editors]
        self.format.setCurrentIndex(FORMATS.index(preset.format.value))
        native = not all(preset.size)
        self.is_native.setChecked(native)
        if not native:
            self.width_px.setValue(preset.size[0])
            self.height_px.setValue(preset.size[1])
        self.padding.setValue(round(100 * preset.padding))
        self.anchor.setCurrentIndex(ANCHORS.index(preset.anchor.value))
        self.is_transparent.setChecked(preset.colour is None)
        self.quality.setValue(preset.quality)
        self.limit.setValue(preset.max_bytes // KILO)
        self.bits.setCurrentIndex(1 if preset.bit_depth == 16 else 0)
        self.shadow.setChecked(preset.shadow)
        self.metadata.setChecked(preset.keep_metadata)
        self.file_name.setText(preset.file_name)
        for blocker in blockers:
            blocker.unblock()
        self._show_what_applies()

    def set_colour(self, colour: tuple[int, int, int]) -> None:
        """Deliver on this background colour."""
        if self._preset is not None:
            self._preset = replace(self._preset, colour=colour)
            self.show_preset(self._preset)
            self.changed.emit()

    # -- editing -----------------------------------------------------------------------------------------------------

    def _on_edited(self) -> None:
        old = self._preset
        if old is None:
            return
        kind = FORMATS[self.format.currentIndex()]
        transparent = self.is_transparent.isChecked() and kind != "jpeg"
        bits = 16 if self.bits.currentIndex() == 1 and kind in WITH_DEPTH else 8
        size = (0, 0) if self.is_native.isChecked() else (self.width_px.value(), self.height_px.value())
        padding = old.padding if self.padding.value() == round(100 * old.padding) else self.padding.value() / 100
        self._preset = replace(
            old,
            format=type(old.format)(kind),
            size=size,
            padding=padding,
            anchor=type(old.anchor)(ANCHORS[self.anchor.currentIndex()]),
            colour=None if transparent else old.colour or (255, 255, 255),
            quality=self.quality.value(),
            max_bytes=self.limit.value() * KILO if kind in WITH_QUALITY else 0,
            bit_depth=bits,
            shadow=self.shadow.isChecked(),
            keep_metadata=self.metadata.isChecked(),
            file_name=self.file_name.text(),
        )
        self._show_what_applies()
        self.changed.emit()

    def _show_what_applies(self) -> None:
        """A field that means nothing in this format is disabled rather than ignored in silence."""
        preset = self._preset
        if preset is None:
            return
        kind = preset.format.value
        for side in (self.width_px, self.height_px):
            side.setEnabled(bool(all(preset.size)) or not self.is_native.isChecked())
        self.quality.setEnabled(kind in WITH_QUALITY)
        self.limit.setEnabled(kind in WITH_QUALITY)
        self.bits.setEnabled(kind in WITH_DEPTH)
        self.is_transparent.setEnabled(kind != "jpeg")
        with QSignalBlocker(self.is_transparent):
            self.is_transparent.setChecked(preset.colour is None)
        self.colour.setEnabled(preset.colour is not None)
        self._paint_colour()

    def _paint_colour(self) -> None:
        colour = self._preset.colour if self._preset is not None else None
        if colour is None:
            self.colour.setText("–")
            self.colour.setStyleSheet("")
            return
        shade = QColor(*colour)
        ink = "#000000" if shade.lightnessF() > 0.5 else "#ffffff"
        self.colour.setText(shade.name())
        edge = current_tokens().line_strong
        focus = current_tokens().accent
        self.colour.setStyleSheet(
            f"QPushButton {{ background: {shade.name()}; color: {ink}; border: 1px solid {edge}; }}"
            f"QPushButton:focus {{ border: 2px solid {focus}; }}"
        )

    def _choose_colour(self) -> None:
        start = QColor(*(self._preset.colour or (255, 255, 255))) if self._preset is not None else QColor()
        chosen = QColorDialog.getColor(start, self, self.tr("Background colour"))
        if chosen.isValid():
            self.set_colour((chosen.red(), chosen.green(), chosen.blue()))

    # -- making ------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(SPACE * 2)
        form.setVerticalSpacing(SPACE)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._row(form, self.format)
        form.addRow("", self.is_native)
        self._row(form, self.width_px, row(self.width_px, label("×", "faint"), self.height_px, spacing=SPACE // 2))
        self._row(form, self.padding)
        self._row(form, self.anchor)
        self._row(form, self.colour)
        form.addRow("", self.is_transparent)
        self._row(form, self.quality)
        self._row(form, self.limit)
        self._row(form, self.bits)
        form.addRow("", self.shadow)
        form.addRow("", self.metadata)
        self._row(form, self.file_name)
        form.addRow(self.tokens)

    def _row(self, form: QFormLayout, editor: QWidget, layout: object = None) -> None:
        name = label("", "soft")
        self._labels[editor] = name
        form.addRow(name, editor if layout is None else layout)  # type: ignore[call-overload]  # widget or layout

    def _connect(self) -> None:
        for box in (self.format, self.anchor, self.bits):
            box.currentIndexChanged.connect(self._on_edited)
        for spin in (self.width_px, self.height_px, self.padding, self.quality, self.limit):
            spin.valueChanged.connect(self._on_edited)
        for check in (self.is_native, self.is_transparent, self.shadow, self.metadata):
            check.toggled.connect(self._on_edited)
        self.file_name.textEdited.connect(self._on_edited)
        self.colour.clicked.connect(self._choose_colour)

    def _write_texts(self) -> None:
        names: dict[QWidget, str] = {
            self.format: self.tr("Format"),
            self.width_px: self.tr("Size in pixels"),
            self.padding: self.tr("Free margin"),
            self.anchor: self.tr("Stands"),
            self.colour: self.tr("Background"),
            self.quality: self.tr("Quality"),
            self.limit: self.tr("Largest file"),
            self.bits: self.tr("Bits per channel"),
            self.file_name: self.tr("File name"),
        }
        for editor, text in names.items():
            self._labels[editor].setText(text)
            self._labels[editor].setBuddy(editor)
            editor.setAccessibleName(text)
        self.height_px.setAccessibleName(self.tr("Height in pixels"))
        self.limit.setSpecialValueText(self.tr("No limit"))
        self.is_native.setText(self.tr("Size of the photo"))
        self.is_transparent.setText(self.tr("Transparent"))
        self.shadow.setText(self.tr("With its shadow"))
        self.metadata.setText(self.tr("Keep the camera's metadata"))
        self.tokens.setText(
            self.tr(
                "{model} {garment} {background} {look} {scene} {project} {preset} {date} stand for the names, "
                "{n:3} for a number with three digits."
            )
        )
        for box, texts in (
            (self.anchor, [self.tr("In the middle"), self.tr("Below"), self.tr("Above")]),
            (self.bits, ["8", "16"]),
        ):
            chosen = max(0, box.currentIndex())
            with QSignalBlocker(box):
                box.clear()
                box.addItems(texts)
                box.setCurrentIndex(chosen)


def _spin(minimum: int, maximum: int, suffix: str) -> QSpinBox:
    made = spin_box(minimum, maximum)
    made.setSuffix(suffix)
    made.setKeyboardTracking(False)
    made.setMinimumWidth(84)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made
