"""Retouching through real mouse and keyboard events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import PhotoRole
from studio.domain.edits import (
    LandmarkMove,
    MaskOp,
    MaskOpKind,
    MaskStroke,
    StrokeMode,
)
from studio.jobs.retouch_layers import ParseLayer
from studio.jobs.retouch_view import ViewMode
from studio.jobs.workspace import Workspace
from studio.library.records import Filter
from studio.ui.context import StudioContext
from studio.ui.main_window import MainWindow
from studio.ui.widgets.retouch_copy import CopyDialog
from studio.ui.widgets.retouch_tools import Tool
from studio.ui.workspaces.library import LibraryPage
from studio.ui.workspaces.retouch import RetouchPage
from tests.ui.retouching import LEFT, NONE, RIGHT, at, drag, mask, move, open_layer, settle, show_retouch, tool


@pytest.fixture
def page(qtbot: QtBot, context: StudioContext) -> Iterator[RetouchPage]:
    yield from show_retouch(qtbot, context)


def test_a_brush_stroke_paints_is_stored_and_undone(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_radius(6)
    before = mask(page).copy()
    drag(qtbot, page, [(10, 10), (20, 10), (30, 12)])
    assert mask(page)[10, 20] == 255 and before[10, 20] == 0
    settle(qtbot, page)
    stored = project.library.edits(models[0], "edges")
    assert len(stored) == 1 and isinstance(stored[0], MaskStroke) and stored[0].mode is StrokeMode.ADD
    assert "brush stroke" in page.commands.undo.text()
    qtbot.keyClick(page.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, page)
    assert np.array_equal(mask(page), before)
    assert project.library.edits(models[0], "edges") == ()
    qtbot.keyClick(page.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, page)
    assert mask(page)[10, 20] == 255
    assert len(project.library.edits(models[0], "edges")) == 1


def test_escape_aborts_a_stroke(qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    before = mask(page).copy()
    qtbot.mousePress(page.canvas, LEFT, NONE, at(page, 10, 10))
    move(qtbot, page, at(page, 20, 12), LEFT)
    assert not np.array_equal(mask(page), before)
    qtbot.keyClick(page.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(page.canvas, LEFT, NONE, at(page, 20, 12))
    settle(qtbot, page)
    assert np.array_equal(mask(page), before)
    assert project.library.edits(models[0]) == () and not page.commands.undo.isEnabled()


@pytest.mark.parametrize("how", ["right", "alt", "eraser", "swap"])
def test_four_ways_to_erase(qtbot: QtBot, page: RetouchPage, models: list[str], how: str) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    if how == "eraser":
        qtbot.keyClick(page.canvas, Qt.Key.Key_E)
    if how == "swap":
        qtbot.keyClick(page.canvas, Qt.Key.Key_X)
    button = RIGHT if how == "right" else LEFT
    drag(qtbot, page, [(60, 80)], button, Qt.KeyboardModifier.AltModifier if how == "alt" else NONE)
    assert mask(page)[80, 60] == 0
    settle(qtbot, page)


def test_saving_renews_only_the_looks_that_depend_on_it(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], garments: list[str]
) -> None:
    project.queue_all(models, garments[:1])
    project.run_queue()
    old = {look.model_id: look.id for look in project.library.looks(project.library.look_ids())}
    open_layer(qtbot, page, models[0], "alpha")
    drag(qtbot, page, [(10, 10), (20, 20)])
    settle(qtbot, page)
    assert project.library.stale_look_ids() == [old[models[0]]]
    assert "1" in page.save_button.text() and page.save_button.isEnabled()
    qtbot.mouseClick(page.save_button, LEFT)
    qtbot.waitUntil(lambda: not project.library.stale_look_ids())
    qtbot.waitUntil(lambda: not project.queue.is_running)
    settle(qtbot, page)
    new = {look.model_id: look.id for look in project.library.looks(project.library.look_ids())}
    assert new[models[0]] != old[models[0]] and new[models[1]] == old[models[1]]
    qtbot.waitUntil(lambda: not page.save_button.isEnabled())
    qtbot.waitUntil(
        lambda: (page.inspector.result.pane.caption, page.inspector.result.pane.after_caption) == ("Before", "After")
    )


def test_a_look_that_was_renewed_is_followed(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], garments: list[str]
) -> None:
    project.queue_pairs([(models[0], garments[0])])
    project.run_queue()
    old = project.library.look_ids()[0]
    open_layer(qtbot, page, old, "edit")
    drag(qtbot, page, [(3, 3)], RIGHT)
    settle(qtbot, page)
    assert mask(page)[3, 3] == 0
    qtbot.keyClick(page.canvas, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: project.library.look_ids() != [old])
    new = project.library.look_ids()[0]
    qtbot.waitUntil(lambda: page.session is not None and page.session.spec.target_id == new)
    settle(qtbot, page)
    assert mask(page)[3, 3] == 0 and page.subject is not None and page.subject.target_id == new
    page.commands.undo.trigger()
    settle(qtbot, page)
    assert mask(page)[3, 3] == 255
    qtbot.waitUntil(lambda: not project.queue.is_running)


# -- other tools -----------------------------------------------------------------------------------------------------


def test_a_lasso_adds_and_with_the_right_button_removes(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    tool(qtbot, page, Qt.Key.Key_L)
    drag(qtbot, page, [(5, 5), (30, 5), (30, 25), (5, 25)])
    settle(qtbot, page)
    assert mask(page)[15, 15] == 255
    drag(qtbot, page, [(45, 60), (75, 60), (75, 90), (45, 90)], RIGHT)
    settle(qtbot, page)
    assert mask(page)[75, 60] == 0
    kept = project.library.edits(models[0], "edges")
    assert [edit.mode for edit in kept if isinstance(edit, MaskStroke)] == [StrokeMode.ADD, StrokeMode.SUBTRACT]


def test_a_polygon_is_clicked_corrected_and_closed(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    tool(qtbot, page, Qt.Key.Key_P)
    for corner in [(5, 5), (30, 5), (100, 100)]:
        qtbot.mouseClick(page.canvas, LEFT, NONE, at(page, *corner))
    qtbot.keyClick(page.canvas, Qt.Key.Key_Backspace)
    for corner in [(30, 25), (5, 25)]:
        qtbot.mouseClick(page.canvas, LEFT, NONE, at(page, *corner))
    assert mask(page)[15, 15] == 0, "nothing happens before it is closed"
    qtbot.keyClick(page.canvas, Qt.Key.Key_Return)
    settle(qtbot, page)
    assert mask(page)[15, 15] == 255 and mask(page)[90, 100] == 0


def test_escape_gives_a_polygon_up(qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    tool(qtbot, page, Qt.Key.Key_P)
    for corner in [(5, 5), (30, 5), (30, 25)]:
        qtbot.mouseClick(page.canvas, LEFT, NONE, at(page, *corner))
    qtbot.keyClick(page.canvas, Qt.Key.Key_Escape)
    assert not page.canvas.is_drawing and project.library.edits(models[0]) == ()


def test_the_wand_shows_what_it_would_take_and_takes_it(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    tool(qtbot, page, Qt.Key.Key_W)
    before = mask(page).copy()
    start = at(page, 60, 80)
    qtbot.mousePress(page.canvas, LEFT, Qt.KeyboardModifier.AltModifier, start)
    qtbot.waitUntil(lambda: page.canvas.preview is not None)
    assert mask(page)[80, 60] == 0
    tolerance = page.state.held.tolerance
    move(qtbot, page, start + QPoint(40, 0), LEFT)
    assert page.state.held.tolerance > tolerance
    for _ in range(3):  # previews take each other's place, never pile up
        settle(qtbot, page)
        move(qtbot, page, start + QPoint(30, 0), LEFT)
        settle(qtbot, page)
        move(qtbot, page, start + QPoint(40, 0), LEFT)
    qtbot.mouseRelease(page.canvas, LEFT, Qt.KeyboardModifier.AltModifier, start + QPoint(40, 0))
    settle(qtbot, page)
    assert mask(page)[80, 60] == 0 and mask(page)[35:135, 45:75].max() == 0
    assert len(project.library.edits(models[0], "edges")) == 1
    page.commands.undo.trigger()
    settle(qtbot, page)
    assert np.array_equal(mask(page), before)


def test_escape_takes_the_wands_preview_back(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    tool(qtbot, page, Qt.Key.Key_W)
    before = mask(page).copy()
    qtbot.mousePress(page.canvas, LEFT, NONE, at(page, 10, 10))
    qtbot.waitUntil(lambda: page.canvas.preview is not None)
    qtbot.keyClick(page.canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(page.canvas, LEFT, NONE, at(page, 10, 10))
    settle(qtbot, page)
    assert np.array_equal(mask(page), before) and project.library.edits(models[0]) == ()


def test_operations_change_the_whole_mask(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_amount(4)
    area = int((mask(page) > 127).sum())
    page.commands.operations[MaskOpKind.GROW].trigger()
    settle(qtbot, page)
    grown = int((mask(page) > 127).sum())
    page.commands.operations[MaskOpKind.INVERT].trigger()
    settle(qtbot, page)
    assert grown > area and int((mask(page) > 127).sum()) == mask(page).size - grown
    assert project.library.edits(models[0]) == (MaskOp(MaskOpKind.GROW, 4.0), MaskOp(MaskOpKind.INVERT))
    assert "invert" in page.commands.undo.text()


def test_the_hair_brush_is_solved_when_it_ends(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_radius(6)
    drag(qtbot, page, [(86, 50), (86, 70)])
    settle(qtbot, page)
    assert mask(page)[60, 88] == 255
    tool(qtbot, page, Qt.Key.Key_H)
    page.state.set_radius(14)
    drag(qtbot, page, [(84, 45), (84, 60), (84, 75)])
    settle(qtbot, page)
    kept = project.library.edits(models[0], "edges")
    assert isinstance(kept[-1], MaskStroke) and kept[-1].mode is StrokeMode.REFINE
    assert mask(page)[60, 88] < 128, "white backdrop is told from the figure again"


# -- other layers ----------------------------------------------------------------------------------------------------


def test_labels_are_painted_and_locked_ones_stay(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "parse")
    layer = page.canvas.raster
    assert isinstance(layer, ParseLayer)
    page.inspector.labels.setCurrentRow(9)
    page.state.set_radius(8)
    drag(qtbot, page, [(30, 30), (50, 30)])
    assert layer.pixels[30, 40] == 9
    page.inspector.labels.item(9).setCheckState(Qt.CheckState.Checked)
    page.inspector.labels.setCurrentRow(12)
    drag(qtbot, page, [(40, 20), (40, 60)])
    assert layer.pixels[30, 40] == 9 and layer.pixels[50, 40] == 12
    drag(qtbot, page, [(40, 50)], RIGHT)
    assert layer.pixels[50, 40] == 0, "erasing a label is painting the background"
    settle(qtbot, page)
    assert len(project.library.edits(models[0], "parse")) == 3


def test_a_joint_is_dragged_nudged_hidden_and_put_back(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "pose")
    points = page.canvas.points
    assert points is not None
    page.canvas.choose("nose")
    page.presenter.move_point("nose", (60.0, 20.0))
    settle(qtbot, page)
    drag(qtbot, page, [(60, 20), (70, 30)])
    settle(qtbot, page)
    x, y = points.points["nose"] or (0, 0)
    assert abs(x - 70) <= 1 and abs(y - 30) <= 1
    qtbot.keyClick(page.canvas, Qt.Key.Key_Right)
    settle(qtbot, page)
    assert (points.points["nose"] or (0, 0))[0] == pytest.approx(x + 1)
    qtbot.keyClick(page.canvas, Qt.Key.Key_Delete)
    settle(qtbot, page)
    assert points.points["nose"] is None
    page.inspector.joints.choose("")
    page._on_point_wanted("nose")
    qtbot.mouseClick(page.canvas, LEFT, NONE, at(page, 40, 50))
    settle(qtbot, page)
    x, y = points.points["nose"] or (0, 0)
    assert abs(x - 40) <= 1 and abs(y - 50) <= 1
    assert [edit.visible for edit in project.library.edits(models[0], "pose")] == [True, True, True, False, True]


def test_a_landmark_is_dragged(qtbot: QtBot, page: RetouchPage, project: Workspace, garments: list[str]) -> None:
    open_layer(qtbot, page, garments[0], "landmarks")
    drag(qtbot, page, [(1, 2), (20, 40)])
    settle(qtbot, page)
    moved = project.library.edits(garments[0], "garment")
    assert len(moved) == 1 and isinstance(moved[0], LandmarkMove) and moved[0].name == "hem_left"
    assert not page.commands.hide.isEnabled(), "a landmark is always somewhere"


# -- views and keys --------------------------------------------------------------------------------------------------


def test_keys_change_view_opacity_size_and_hardness(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    held, canvas = page.state.held, page.canvas
    seen = []
    for _ in ViewMode:
        qtbot.keyClick(canvas, Qt.Key.Key_F)
        seen.append(held.mode)
    assert seen == [ViewMode.ONION, ViewMode.BLACK, ViewMode.WHITE, ViewMode.MASK, ViewMode.OVERLAY]
    qtbot.keyClick(canvas, Qt.Key.Key_Q)
    assert not held.is_layer_shown
    qtbot.keyClick(canvas, Qt.Key.Key_Q)
    assert held.is_layer_shown
    qtbot.keyClick(canvas, Qt.Key.Key_3)
    assert held.opacity == pytest.approx(0.3)
    radius, hardness = held.radius, held.hardness
    qtbot.keyClick(canvas, Qt.Key.Key_BracketRight)
    assert held.radius > radius
    qtbot.keyClick(canvas, Qt.Key.Key_BracketLeft)
    assert held.radius == pytest.approx(radius)
    qtbot.keyClick(canvas, Qt.Key.Key_BraceLeft, Qt.KeyboardModifier.ShiftModifier)
    assert held.hardness == pytest.approx(hardness - 0.1)
    qtbot.keyClick(canvas, Qt.Key.Key_X)
    assert held.tool is Tool.ERASER


def test_the_canvas_shows_a_stroke_at_once(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_mode(ViewMode.MASK)
    spot = at(page, 15, 15)
    assert page.canvas.grab().toImage().pixelColor(spot).value() < 10
    drag(qtbot, page, [(10, 15), (15, 15)])
    page.canvas._move_pointer(None)
    assert page.canvas.grab().toImage().pixelColor(spot).value() > 245
    settle(qtbot, page)


def test_space_pans_and_paints_nothing(qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    offset = page.canvas.view.x
    start = at(page, 20, 20)
    qtbot.keyPress(page.canvas, Qt.Key.Key_Space)
    qtbot.mousePress(page.canvas, LEFT, NONE, start)
    move(qtbot, page, start + QPoint(30, 0), LEFT)
    qtbot.mouseRelease(page.canvas, LEFT, NONE, start + QPoint(30, 0))
    qtbot.keyRelease(page.canvas, Qt.Key.Key_Space)
    assert page.canvas.view.x == pytest.approx(offset + 30)
    assert project.library.edits(models[0]) == ()


# -- around it -------------------------------------------------------------------------------------------------------


def test_a_background_needs_no_correction(qtbot: QtBot, page: RetouchPage, project: Workspace) -> None:
    page.open_target(project.library.photo_ids(Filter(role=PhotoRole.BACKGROUND))[0])
    assert page.banner.isVisible() and page.session is None


def test_corrections_are_copied_through_the_dialog(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    drag(qtbot, page, [(10, 10), (20, 10)])
    settle(qtbot, page)
    page.commands.copy.trigger()
    dialog = page.findChild(CopyDialog)
    assert dialog is not None and not dialog.copy_button.isEnabled()
    qtbot.mouseClick(dialog.all_button, LEFT)
    qtbot.mouseClick(dialog.copy_button, LEFT)
    settle(qtbot, page)
    assert project.library.edits(models[1]) == project.library.edits(models[0])


def test_what_is_pending_is_stored_when_the_project_closes(
    qtbot: QtBot, page: RetouchPage, context: StudioContext, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    drag(qtbot, page, [(10, 10), (20, 10)])
    context.project_closing.emit()
    assert len(project.library.edits(models[0])) == 1


def test_next_and_previous_keep_the_layer(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "parse")
    qtbot.keyClick(page.canvas, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: page.session is not None and page.session.spec.target_id == models[1])
    assert page.session is not None and page.session.spec.layer.value == "parse"
    settle(qtbot, page)


def test_a_double_click_in_the_library_opens_the_photo_here(
    qtbot: QtBot, context: StudioContext, tmp_path: Path, models: list[str]
) -> None:
    window = MainWindow(context, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(window)
    window.show()
    window.go_to("library")
    library = window._pages["library"]
    assert isinstance(library, LibraryPage)
    index = library.model.index_of(models[1])
    spot = library.grid.visualRect(index).center()
    qtbot.mouseClick(library.grid.viewport(), LEFT, NONE, spot)
    qtbot.mouseDClick(library.grid.viewport(), LEFT, NONE, spot)
    page = window._pages["retouch"]
    assert isinstance(page, RetouchPage) and window.place == "retouch"
    qtbot.waitUntil(lambda: page.session is not None and page.session.spec.target_id == models[1])
    assert window.undo_action not in window._edit_menu.actions() and page.commands.undo in window._edit_menu.actions()
    settle(qtbot, page)
    drag(qtbot, page, [(10, 10)])
    settle(qtbot, page)
    qtbot.keyClick(page.inspector.options, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, page)
    assert context.project is not None and context.project.library.edits(models[1]) == ()
    window.go_to("library")
    assert window.undo_action in window._edit_menu.actions() and window.undo_action.isVisible()
    page._on_closing()
