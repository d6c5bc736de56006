"""Deliver: tick, write, read the proof; non-commercial results only after a plain yes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PIL import Image
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.domain.errors import StorageError
from studio.domain.geometry import Placement
from studio.jobs import deliver as deliver_module
from studio.jobs.workspace import Workspace
from studio.library.records import Filter, LookState, SceneItem
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.settings import Preferences
from studio.ui.workspaces.deliver import DeliverPage
from tests.fakes import Bench, FakeModels
from tests.ui.conftest import Dialogs, draw_figure


def open_page(qtbot: QtBot, window: MainWindow) -> DeliverPage:
    window.go_to("deliver")
    page = cast(DeliverPage, window._pages["deliver"])
    qtbot.waitUntil(lambda: page.form.preset is not None)
    page.form.show_preset(replace(page.form.preset, size=(120, 160)))  # type: ignore[type-var]  # small and quick
    page._on_form()
    return page


@pytest.fixture
def page(qtbot: QtBot, dressed: Workspace, window: MainWindow) -> DeliverPage:
    return open_page(qtbot, window)


@pytest.fixture
def hobby(qtbot: QtBot, bench: Bench, tmp_path: Path) -> Iterator[MainWindow]:
    """A project whose look was made with a model that forbids commercial use."""
    for role, seed in ((PhotoRole.MODEL, 1), (PhotoRole.GARMENT, 4)):
        draw_figure(tmp_path / role.value / "photo.png", seed)
    project = Workspace.create(tmp_path / "hobby", models=FakeModels(commercial=False))
    for role in (PhotoRole.MODEL, PhotoRole.GARMENT):
        project.import_photos([tmp_path / role.value], role)
    library = project.library
    project.queue_all(
        library.photo_ids(Filter(role=PhotoRole.MODEL)), library.photo_ids(Filter(role=PhotoRole.GARMENT))
    )
    project.run_queue()
    context = StudioContext(Preferences(tmp_path / "preferences.json"))
    context.use_project(project)
    made = MainWindow(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(made)
    made.show()
    yield made
    context.close_project()


def report_texts(page: DeliverPage) -> list[str]:
    tree = page.report.tree
    return [tree.topLevelItem(number).text(1) for number in range(tree.topLevelItemCount())]


def run(qtbot: QtBot, page: DeliverPage) -> None:
    with qtbot.waitSignal(page.context.bulk.idle, timeout=20_000):
        qtbot.mouseClick(page.deliver_button, Qt.MouseButton.LeftButton)
    assert page._stack.currentWidget() is page.report


def test_ticked_looks_are_written_and_proven(qtbot: QtBot, page: DeliverPage, tmp_path: Path) -> None:
    page.folder.setText(str(tmp_path / "out"))
    page.subfolders.setText("{garment}")
    page.grid.focus_id(page.model.ids[0])
    qtbot.keyClick(page.grid, Qt.Key.Key_Space)
    assert page.count.text() == "1 of 4 ticked"
    assert page.deliver_button.text() == "Deliver 1"
    run(qtbot, page)
    file = tmp_path / "out" / "garment 0" / "model 0_garment 0_001.jpg"
    with Image.open(file) as written:
        assert written.size == (120, 160)
    tree = page.report.tree
    assert tree.topLevelItem(0).text(0) == file.name
    assert tree.topLevelItem(0).childCount() >= 6
    assert page.report.allow_button.isHidden()
    assert page.context.remembered.text("deliver.folder") == str(tmp_path / "out")
    qtbot.mouseClick(page.report.back_button, Qt.MouseButton.LeftButton)
    assert page._stack.currentWidget() is page.grid


def test_all_by_the_keyboard_and_states_follow(qtbot: QtBot, page: DeliverPage, tmp_path: Path) -> None:
    page.folder.setText(str(tmp_path / "out"))
    page.presets.setCurrentIndex(page.presets.findText("Cut out PNG"))
    keys = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(page.grid, Qt.Key.Key_A, keys | Qt.KeyboardModifier.ShiftModifier)
    assert page.count.text() == "4 of 4 ticked"
    with qtbot.waitSignal(page.context.bulk.idle, timeout=20_000):
        qtbot.keyClick(page.grid, Qt.Key.Key_Return, keys)
    assert len(list((tmp_path / "out").glob("*.png"))) == 4
    library = page.project.library
    assert {look.state for look in library.looks(library.look_ids())} == {LookState.EXPORTED}
    page.show_selection()
    page.which.setCurrentIndex(3)
    assert page.model.ids == []
    assert "Nothing matches" in [label.text() for label in page.empty.findChildren(QLabel)]


def test_nothing_ticked_says_what_to_do(qtbot: QtBot, page: DeliverPage) -> None:
    qtbot.mouseClick(page.deliver_button, Qt.MouseButton.LeftButton)
    assert page.banner.text.startswith("Tick what to deliver first")
    assert not page.context.is_busy


def test_the_example_follows_the_pattern_and_names_a_wrong_token(qtbot: QtBot, page: DeliverPage) -> None:
    page.form.file_name.clear()
    qtbot.keyClicks(page.form.file_name, "{garment}-on-{model}_{n:4}")
    assert page.example.text().endswith("garment 0-on-model 0_0001.jpg")
    qtbot.keyClicks(page.form.file_name, "{shoe}")
    assert "shoe" in page.example.text()
    assert "Example" not in page.example.text()


def test_a_form_changes_a_copy_and_own_presets_survive(qtbot: QtBot, page: DeliverPage, dialogs: Dialogs) -> None:
    shipped = page.presets.currentData()
    page.form.quality.setValue(70)
    assert page.form.preset is not None
    assert page.form.preset.quality == 70
    assert page.presets.currentData() == shipped
    dialogs.text = shipped.name
    qtbot.mouseClick(page.save_button, Qt.MouseButton.LeftButton)
    assert "ships with the program" in page.banner.text
    dialogs.text = "My shop"
    qtbot.mouseClick(page.save_button, Qt.MouseButton.LeftButton)
    assert page.presets.currentText() == "My shop"
    again = DeliverPage(page.context)
    qtbot.addWidget(again)
    again.enter()
    qtbot.waitUntil(lambda: again.presets.currentText() == "My shop")
    assert again.presets.currentData().quality == 70
    dialogs.agrees = True
    qtbot.mouseClick(page.remove_button, Qt.MouseButton.LeftButton)
    assert page.presets.findText("My shop") == -1


def test_fields_that_mean_nothing_are_disabled(page: DeliverPage) -> None:
    page.form.format.setCurrentText("TIFF")
    assert not page.form.quality.isEnabled()
    assert page.form.bits.isEnabled()
    page.form.bits.setCurrentIndex(1)
    page.form.is_transparent.setChecked(True)
    assert page.form.preset is not None
    assert (page.form.preset.bit_depth, page.form.preset.colour) == (16, None)
    page.form.format.setCurrentText("JPEG")
    assert (page.form.preset.bit_depth, page.form.preset.colour) == (8, (255, 255, 255))
    assert not page.form.is_transparent.isEnabled()


def test_scenes_are_delivered_too(qtbot: QtBot, page: DeliverPage, tmp_path: Path) -> None:
    library = page.project.library
    wall = library.photo_ids(Filter(role=PhotoRole.BACKGROUND))[0]
    library.create_scene("Shop window", wall, [SceneItem(library.look_ids()[0], Placement(scale=0.5))])
    page.folder.setText(str(tmp_path / "out"))
    page.tabs.setCurrentIndex(1)
    page.check_all()
    run(qtbot, page)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["model 0_garment 0_001.jpg"]


def test_non_commercial_results_need_a_plain_yes(qtbot: QtBot, hobby: MainWindow, dialogs: Dialogs) -> None:
    page = open_page(qtbot, hobby)
    page.check_all()
    run(qtbot, page)
    assert "forbid commercial use" in report_texts(page)[0]
    assert page.report.allow_button.isVisible()
    qtbot.mouseClick(page.report.allow_button, Qt.MouseButton.LeftButton)
    assert dialogs.asked == ["Not for commercial use"]
    assert not page.context.is_busy
    dialogs.agrees = True
    with qtbot.waitSignal(page.context.bulk.idle, timeout=20_000):
        qtbot.mouseClick(page.report.allow_button, Qt.MouseButton.LeftButton)
    assert len(list(page.target.glob("*.jpg"))) == 1


def test_a_refusing_disk_is_told_and_the_page_lives_on(
    qtbot: QtBot, window: MainWindow, page: DeliverPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **values: object) -> Path:
        raise StorageError("storage.full", path="out")

    monkeypatch.setattr(deliver_module, "export_scene", full)
    page.check_all()
    with qtbot.waitSignal(page.context.failed):
        qtbot.mouseClick(page.deliver_button, Qt.MouseButton.LeftButton)
    assert window.banner.isVisible()
    assert page.deliver_button.isEnabled()
    assert page.bar.isHidden()


def test_cancel_keeps_what_was_written(qtbot: QtBot, page: DeliverPage, tmp_path: Path) -> None:
    page.folder.setText(str(tmp_path / "out"))
    page.check_all()
    page.context.bulk.progressed.connect(page.cancel)
    with qtbot.waitSignal(page.context.bulk.cancelled, timeout=20_000):
        qtbot.mouseClick(page.deliver_button, Qt.MouseButton.LeftButton)
    assert page.banner.text.startswith("Stopped.")
    assert page.deliver_button.isEnabled()
