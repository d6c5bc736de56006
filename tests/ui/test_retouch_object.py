"""Click-to-segment through real mouse and keyboard events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.domain.edits import (
    MaskRegion,
    Points,
    StrokeMode,
)
from studio.domain.progress import Progress
from studio.domain.prompts import Prompt, PromptRole
from studio.jobs import segment
from studio.jobs.segment import ObjectFinder
from studio.jobs.workspace import Workspace
from studio.ui.context import StudioContext
from studio.ui.widgets.retouch_tools import Tool
from studio.ui.workspaces.retouch import RetouchPage
from tests.ui.retouching import LEFT, NONE, RIGHT, at, drag, mask, open_layer, settle, show_retouch

SQUARE = (((20.0, 20.0), (60.0, 20.0), (60.0, 90.0), (20.0, 90.0)),)


@pytest.fixture
def page(qtbot: QtBot, context: StudioContext) -> Iterator[RetouchPage]:
    yield from show_retouch(qtbot, context)


@dataclass(slots=True)
class Finder:
    """Stands in for the network: always finds the same, and keeps what it was asked."""

    looks: int = 0
    asked: list[tuple[Prompt, ...]] = field(default_factory=list)
    rings: tuple[Points, ...] = SQUARE


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> Finder:
    made = Finder()

    def look(self: ObjectFinder, progress: Progress) -> object:
        made.looks += self._features is None
        self._features = cast(Any, made)
        return made

    def find(self: ObjectFinder, prompts: tuple[Prompt, ...], progress: Progress) -> tuple[Points, ...]:
        self.look(progress)
        made.asked.append(prompts)
        return made.rings

    monkeypatch.setattr(segment, "can_find_objects", lambda models: True)
    monkeypatch.setattr(ObjectFinder, "look", look)
    monkeypatch.setattr(ObjectFinder, "find", find)
    return made


def take_object_tool(qtbot: QtBot, page: RetouchPage, target: str) -> None:
    page.enter()
    open_layer(qtbot, page, target, "alpha")
    qtbot.waitUntil(page.commands.tools[Tool.OBJECT].isEnabled)
    qtbot.keyClick(page.canvas, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: not page.presenter.finding.is_busy)


def test_clicks_find_an_object_and_return_adds_it(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], finder: Finder
) -> None:
    take_object_tool(qtbot, page, models[0])
    assert finder.looks == 1 and page.inspector.object_text.isVisible(), "the photo is looked at before the first click"
    before = mask(page).copy()
    qtbot.mouseClick(page.canvas, LEFT, NONE, at(page, 30, 30))
    qtbot.waitUntil(lambda: len(finder.asked) == 1)
    qtbot.mouseClick(page.canvas, RIGHT, NONE, at(page, 90, 90))
    qtbot.waitUntil(lambda: len(finder.asked) == 2 and not page.presenter.finding.is_busy)
    assert [one.role for one in finder.asked[1]] == [PromptRole.THIS, PromptRole.NOT_THIS]
    assert finder.asked[1][0].x == pytest.approx(30, abs=1) and finder.looks == 1
    assert np.array_equal(mask(page), before), "nothing happens before it is taken"
    qtbot.keyClick(page.canvas, Qt.Key.Key_Return)
    settle(qtbot, page)
    assert mask(page)[25:85, 25:55].min() == 255
    kept = project.library.edits(models[0], "edges")
    assert kept == (MaskRegion(SQUARE, StrokeMode.ADD),) and "object" in page.commands.undo.text()
    page.commands.undo.trigger()
    settle(qtbot, page)
    assert np.array_equal(mask(page), before)


def test_a_box_is_drawn_and_what_is_found_is_taken_away(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], finder: Finder
) -> None:
    take_object_tool(qtbot, page, models[0])
    drag(qtbot, page, [(15, 15), (40, 50), (70, 95)])
    qtbot.waitUntil(lambda: len(finder.asked) == 1 and not page.presenter.finding.is_busy)
    assert [one.role for one in finder.asked[0]] == [PromptRole.BOX_START, PromptRole.BOX_END]
    qtbot.mouseClick(page.canvas, LEFT, Qt.KeyboardModifier.AltModifier, at(page, 50, 50))
    qtbot.waitUntil(lambda: len(finder.asked) == 2 and not page.presenter.finding.is_busy)
    assert [one.role for one in finder.asked[1]][2:] == [PromptRole.NOT_THIS]
    qtbot.keyClick(page.canvas, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: len(finder.asked) == 3 and not page.presenter.finding.is_busy)
    qtbot.mouseClick(page.inspector.subtract_button, LEFT)
    settle(qtbot, page)
    assert mask(page)[40:85, 42:58].max() == 0
    assert project.library.edits(models[0], "edges") == (MaskRegion(SQUARE, StrokeMode.SUBTRACT),)


def test_escape_or_another_tool_gives_the_clicks_up(
    qtbot: QtBot, page: RetouchPage, project: Workspace, models: list[str], finder: Finder
) -> None:
    take_object_tool(qtbot, page, models[0])
    for leave in (Qt.Key.Key_Escape, Qt.Key.Key_L):
        qtbot.keyClick(page.canvas, Qt.Key.Key_S)
        qtbot.mouseClick(page.canvas, LEFT, NONE, at(page, 30, 30))
        assert page.canvas.is_drawing
        qtbot.keyClick(page.canvas, leave)
        assert not page.canvas.is_drawing
    qtbot.waitUntil(lambda: not page.presenter.finding.is_busy)
    assert project.library.edits(models[0]) == ()


def test_without_the_models_the_tool_says_how_to_get_them(qtbot: QtBot, page: RetouchPage, models: list[str]) -> None:
    page.enter()
    open_layer(qtbot, page, models[0], "alpha")
    qtbot.waitUntil(lambda: not page.presenter.finding.is_busy)
    action = page.commands.tools[Tool.OBJECT]
    assert not action.isEnabled() and "SAM 2" in action.toolTip() and "Settings" in action.toolTip()
    qtbot.keyClick(page.canvas, Qt.Key.Key_S)
    assert page.state.held.tool is Tool.BRUSH
