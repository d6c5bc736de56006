"""Preferences and what the window remembers: one readable file each; damage means the defaults, never a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.ui.remembered import Remembered
from studio.ui.settings import SETTINGS, Preferences


def test_a_choice_is_written_at_once_and_read_again(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "not there yet" / "preferences.json"
    first = Preferences(file)
    with qtbot.waitSignal(first.changed) as caught:
        first.set("thumbnail_size", 200)
    assert caught.args == ["thumbnail_size", 200]
    assert json.loads(file.read_text("utf-8")) == {"schema": 1, "thumbnail_size": 200}
    assert Preferences(file).number("thumbnail_size") == 200


def test_only_what_differs_from_the_defaults_is_kept(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "preferences.json"
    preferences = Preferences(file)
    preferences.set("language", "ko")
    preferences.set("language", "auto")
    assert json.loads(file.read_text("utf-8")) == {"schema": 1}


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "\x00\x01", '"text"'])
def test_a_damaged_file_means_the_defaults(qapp: QApplication, tmp_path: Path, content: str) -> None:
    file = tmp_path / "preferences.json"
    file.write_text(content, "utf-8")
    preferences = Preferences(file)
    assert all(preferences.get(setting.key) == setting.default for setting in SETTINGS)


def test_values_that_do_not_fit_are_left_out(qapp: QApplication, tmp_path: Path) -> None:
    file = tmp_path / "preferences.json"
    body = {"schema": 1, "language": "xx", "thumbnail_size": 9, "commercial_only": 1, "unknown": 1, "scheme": "dark"}
    file.write_text(json.dumps(body), "utf-8")
    preferences = Preferences(file)
    assert preferences.text("language") == "auto"
    assert preferences.number("thumbnail_size") == 168
    assert preferences.flag("commercial_only") is True
    assert preferences.text("scheme") == "dark"


def test_a_disk_that_refuses_does_not_take_the_choice_away(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    preferences = Preferences(tmp_path / "file" / "preferences.json")
    preferences.set("scheme", "dark")
    assert preferences.text("scheme") == "dark"


def test_what_is_remembered_survives_and_may_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "new" / "remembered.json"
    Remembered(file).set("deliver.folder", "/tmp/전달")
    assert Remembered(file).text("deliver.folder") == "/tmp/전달"
    file.write_text("{", "utf-8")
    assert Remembered(file).get("deliver.folder") is None
    assert Remembered(file).text("deliver.folder") == ""
