"""The preferences dialog's body, built from the declared table."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from studio.ui.i18n import translate
from studio.ui.settings import SETTINGS, Preferences, Setting, Value
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import label, spin_box

Editor = QCheckBox | QComboBox | QLineEdit | QSpinBox
FORM_WIDTH = 640


class SettingsForm(QScrollArea):
    """One row a setting; changes apply at once."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self.editors: dict[str, Editor] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self._build()
        preferences.changed.connect(self._on_changed)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange and self.widget() is not None:
            self._build()
        super().changeEvent(event)

    def _build(self) -> None:
        self.editors.clear()
        body = QWidget()
        body.setObjectName("page")
        outer = QVBoxLayout(body)
        outer.setContentsMargins(SPACE * 3, SPACE * 3, SPACE * 3, SPACE * 3)
        for group in dict.fromkeys(setting.group for setting in SETTINGS):
            outer.addWidget(label(translate(group), "heading"))
            form = QFormLayout()
            form.setContentsMargins(0, SPACE, 0, SPACE * 3)
            form.setHorizontalSpacing(SPACE * 3)
            form.setVerticalSpacing(SPACE)
            for setting in (one for one in SETTINGS if one.group == group):
                self._add_row(form, setting)
            outer.addLayout(form)
        outer.addStretch(1)
        body.setMaximumWidth(FORM_WIDTH + SPACE * 6)
        self.setWidget(body)

    def _add_row(self, form: QFormLayout, setting: Setting) -> None:
        editor = self._make_editor(setting)
        self.editors[setting.key] = editor
        text = translate(setting.label)
        editor.setAccessibleName(text)
        if isinstance(editor, QCheckBox):
            editor.setText(text)
            form.addRow("", editor)
        else:
            editor.setMinimumWidth(220)
            form.addRow(text, editor)
        if setting.note:
            form.addRow("", label(translate(setting.note), "faint", wrap=True))

    def _make_editor(self, setting: Setting) -> Editor:
        value = self._preferences.get(setting.key)
        if setting.choices:
            box = QComboBox()
            for choice, text in setting.choices:
                box.addItem(translate(text), choice)
            box.setCurrentIndex(box.findData(value))
            box.setProperty("key", setting.key)
            box.currentIndexChanged.connect(self._on_choice)
            return box
        if isinstance(setting.default, bool):
            check = QCheckBox()
            check.setChecked(bool(value))
            check.setProperty("key", setting.key)
            check.toggled.connect(self._on_value)
            return check
        if isinstance(setting.default, int):
            spin = spin_box(int(setting.minimum), int(setting.maximum))
            spin.setValue(int(value))
            spin.setProperty("key", setting.key)
            spin.valueChanged.connect(self._on_value)
            return spin
        line = QLineEdit(str(value))
        line.setProperty("key", setting.key)
        line.editingFinished.connect(self._on_text)
        return line

    def _on_choice(self, index: int) -> None:
        box = cast(QComboBox, self.sender())
        self._preferences.set(str(box.property("key")), cast(Value, box.itemData(index)))

    def _on_value(self, value: object) -> None:
        self._preferences.set(str(self.sender().property("key")), cast(Value, value))

    def _on_text(self) -> None:
        line = cast(QLineEdit, self.sender())
        self._preferences.set(str(line.property("key")), line.text())

    def _on_changed(self, key: str, value: object) -> None:
        editor = self.editors.get(key)
        if isinstance(editor, QSpinBox) and editor.value() != value:
            with QSignalBlocker(editor):
                editor.setValue(int(cast(int, value)))
