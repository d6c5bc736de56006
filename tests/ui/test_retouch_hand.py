"""The rest of what a hand does in Retouch: overrides, wheel, cursor, pen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QPointingDevice, QTabletEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.domain.artefacts import Category, Cutout, Garment
from studio.domain.edits import (
    GarmentOverride,
    HemStyle,
    LayerOrder,
    MaskOp,
    MaskOpKind,
    MaskStroke,
)
from studio.domain.recipe import Recipe, StageChoice
from studio.jobs.workspace import Workspace
from studio.ui.context import StudioContext
from studio.ui.workspaces.retouch import RetouchPage
from tests.ui.retouching import LEFT, NONE, RIGHT, at, drag, mask, open_layer, settle, show_retouch


@pytest.fixture
def page(qtbot: QtBot, context: StudioContext) -> Iterator[RetouchPage]:
    yield from show_retouch(qtbot, context)


def test_a_garments_category_is_said_among_its_landmarks_and_undone(
    qtbot: QtBot, page: RetouchPage, project: Workspace, garments: list[str]
) -> None:
    open_layer(qtbot, page, garments[0], "landmarks")
    form = page.inspector.garment
    assert form.isVisible() and form.boxes["category"].currentText() == "Found: Top"
    box = form.boxes["category"]
    box.activated.emit(box.findData("dress"))
    qtbot.waitUntil(lambda: page.session is not None and form.boxes["category"].currentData() == "dress")
    settle(qtbot, page)
    assert project.library.edits(garments[0]) == (GarmentOverride(category="dress"),)
    layer = page.canvas.points
    assert layer is not None and isinstance(layer.artefact, Garment) and layer.artefact.category is Category.DRESS
    qtbot.keyClick(page.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page.session is not None and form.boxes["category"].currentText() == "Found: Top")
    settle(qtbot, page)
    assert project.library.edits(garments[0]) == ()


def test_how_a_look_is_worn_is_said_beside_its_edit_mask(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], garments: list[str]
) -> None:
    project.queue_pairs([(models[0], garments[0])])
    project.run_queue()
    look = project.library.look_ids()[0]
    open_layer(qtbot, page, look, "edit")
    hem = page.inspector.worn.hem
    hem.activated.emit(hem.findData("tucked"))
    settle(qtbot, page)
    assert project.library.edits(look) == (LayerOrder(HemStyle.TUCKED),)
    assert page.save_button.isEnabled() and project.library.stale_look_ids() == [look]
    page.commands.undo.trigger()
    settle(qtbot, page)
    assert hem.currentData() == "auto" and project.library.stale_look_ids() == []


@pytest.mark.parametrize("kind", [MaskOpKind.SHRINK, MaskOpKind.SMOOTH, MaskOpKind.FEATHER, MaskOpKind.FILL_HOLES])
def test_each_operation_changes_the_mask_by_its_shortcut(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], kind: MaskOpKind
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_radius(5)
    drag(qtbot, page, [(60, 80)], RIGHT)
    settle(qtbot, page)
    page.state.set_amount(3)
    before = mask(page).copy()
    key = {
        MaskOpKind.SHRINK: Qt.Key.Key_S, MaskOpKind.SMOOTH: Qt.Key.Key_M,
        MaskOpKind.FEATHER: Qt.Key.Key_F, MaskOpKind.FILL_HOLES: Qt.Key.Key_H,
    }[kind]  # fmt: skip
    qtbot.keyClick(page.canvas, key, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    settle(qtbot, page)
    after = mask(page).astype(int)
    assert project.library.edits(models[0], "edges")[-1] == MaskOp(kind, 0.0 if kind is MaskOpKind.FILL_HOLES else 3.0)
    assert not np.array_equal(after, before)
    if kind is MaskOpKind.FILL_HOLES:
        assert after[80, 60] == 255
    if kind is MaskOpKind.SHRINK:
        assert (after > 127).sum() < (before > 127).sum()
    if kind is MaskOpKind.FEATHER:
        assert ((after > 5) & (after < 250)).sum() > ((before > 5) & (before < 250)).sum()


def test_the_wheel_zooms_at_the_pointer(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    spot = QPointF(at(page, 70, 40))
    under = page.canvas.to_pixel(spot)
    event = QWheelEvent(
        spot, QPointF(page.canvas.mapToGlobal(spot.toPoint())), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        NONE, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    zoom = page.canvas.view.zoom
    QApplication.sendEvent(page.canvas, event)
    assert page.canvas.view.zoom > zoom
    there = page.canvas.to_pixel(spot)
    assert (there.x(), there.y()) == pytest.approx((under.x(), under.y()), abs=1e-6)


def test_the_cursor_is_as_large_as_what_it_paints(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_radius(10)
    page.state.set_hardness(1.0)
    before = mask(page).copy()
    ring = page.canvas.ring_radius * page.canvas.view.zoom
    drag(qtbot, page, [(15, 15)])
    painted = mask(page).astype(int) - before > 127
    width = np.flatnonzero(painted.any(axis=0)).size * page.canvas.view.zoom
    assert 2 * ring == pytest.approx(width, abs=1.5 * page.canvas.view.zoom)
    settle(qtbot, page)


def test_the_pens_pressure_sets_the_radius(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    page.state.set_radius(12)
    pen = QPointingDevice(
        "pen", 7, QInputDevice.DeviceType.Stylus, QPointingDevice.PointerType.Pen,
        QInputDevice.Capability.Position | QInputDevice.Capability.Pressure, 1, 1,
    )  # fmt: skip
    spot = at(page, 20, 20)
    where = QPointF(page.canvas.mapToGlobal(spot))
    press = QTabletEvent(
        QEvent.Type.TabletPress, pen, QPointF(spot), where, 0.25, 0, 0, 0, 0, 0, NONE, LEFT, LEFT
    )  # fmt: skip
    QApplication.sendEvent(page.canvas, press)
    assert page.canvas.ring_radius == pytest.approx(3)
    qtbot.mousePress(page.canvas, LEFT, NONE, spot)
    qtbot.mouseRelease(page.canvas, LEFT, NONE, spot)
    settle(qtbot, page)
    stroke = project.library.edits(models[0], "edges")[0]
    assert isinstance(stroke, MaskStroke) and stroke.pressures == (0.25,)
    assert mask(page)[20, 22] > 0 and mask(page)[20, 28] == 0
    page.state.set_pressure(False)
    QApplication.sendEvent(page.canvas, press)
    assert page.canvas.ring_radius == 12


def test_strokes_are_there_again_when_a_setting_of_the_model_changes(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str]
) -> None:
    open_layer(qtbot, page, models[0], "alpha")
    drag(qtbot, page, [(10, 10), (20, 10)])
    settle(qtbot, page)
    weaker = Recipe(choices={"edges": StageChoice("fake", {"strength": 0.5})})
    made = project.artefact(models[0], "edges", recipe=weaker)
    assert isinstance(made, Cutout)
    assert made.alpha[80, 60] == pytest.approx(0.5), "the model's own result is another one"
    assert made.alpha[10, 15] == 1.0, "the stroke is on it all the same"
