"""Settings: what is chosen holds at once and is written; models are listed with their licences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from studio.ui.main_window import MainWindow
from studio.ui.settings import SETTINGS
from studio.ui.workspaces import settings as settings_module
from studio.ui.workspaces.settings import SettingsPage, read_log_tail
from tests.ui.conftest import Dialogs


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow) -> SettingsPage:
    window.go_to("settings")
    made = cast(SettingsPage, window._pages["settings"])
    qtbot.waitUntil(lambda: bool(made.models.rows) and not made.context.is_busy)
    return made


def test_every_declared_setting_has_an_editor(page: SettingsPage) -> None:
    assert set(page.form.editors) == {setting.key for setting in SETTINGS}
    assert all(editor.accessibleName() for editor in page.form.editors.values())


def test_a_choice_holds_at_once_and_is_written(qtbot: QtBot, page: SettingsPage, tmp_path: Path) -> None:
    page.tabs.setCurrentIndex(1)
    box = cast(QComboBox, page.form.editors["scheme"])
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    check = cast(QCheckBox, page.form.editors["advance_after_rating"])
    qtbot.mouseClick(check, Qt.MouseButton.LeftButton, pos=check.rect().center() - check.rect().center() / 1.05)
    cast(QSpinBox, page.form.editors["thumbnail_size"]).setValue(200)
    assert page.context.preferences.text("scheme") == "light"
    assert page.context.preferences.flag("advance_after_rating") is False
    written = json.loads((tmp_path / "preferences.json").read_text("utf-8"))
    assert written == {"schema": 1, "scheme": "light", "advance_after_rating": False, "thumbnail_size": 200}


def test_models_are_listed_with_state_and_licence(page: SettingsPage) -> None:
    model = page.models
    states = {model.index(row, 2).data() for row in range(model.rowCount())}
    assert "Embedded" in states
    assert all(model.index(row, 5).data() for row in range(model.rowCount()))
    assert [model.headerData(column, Qt.Orientation.Horizontal) for column in (0, 5)] == ["AI model", "Licence"]


def test_a_file_that_is_no_model_is_refused_in_a_sentence(
    qtbot: QtBot, window: MainWindow, page: SettingsPage, dialogs: Dialogs, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no model")
    dialogs.files = [str(wrong)]
    qtbot.mouseClick(page.import_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.banner.isVisible() or window.banner.isVisible())
    assert "wrong.onnx" in (page.banner.text + window.banner.text)
    qtbot.waitUntil(lambda: not page.context.is_busy)


def test_licences_name_libraries_models_and_the_font(qtbot: QtBot, page: SettingsPage) -> None:
    page.tabs.setCurrentIndex(2)
    qtbot.waitUntil(lambda: bool(page.licences.toPlainText()), timeout=20_000)
    text = page.licences.toPlainText()
    assert "pyside6" in text
    assert "Pretendard" in text
    assert "Apache License" in text


def test_the_log_shows_its_end(
    qtbot: QtBot, page: SettingsPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "studio.log"
    log.write_text("".join(f"line {number}\n" for number in range(40_000)), "utf-8")
    monkeypatch.setattr(settings_module, "log_file", lambda: log)
    page.tabs.setCurrentIndex(3)
    qtbot.waitUntil(lambda: page.log.toPlainText().endswith("line 39999\n"))
    assert page.log.toPlainText().startswith("line ")
    assert read_log_tail(tmp_path / "none.log") == ""
