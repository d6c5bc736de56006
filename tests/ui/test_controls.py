"""Every control of every page has a name; every action a menu entry, a shortcut, a tooltip; the focus is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import cast

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QAction, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.exceptions import TimeoutError as QtTimeoutError
from pytestqt.qtbot import QtBot

from studio.jobs.workspace import Workspace
from studio.ui.context import StudioContext
from studio.ui.main_window import PLACES, SMALLEST, MainWindow
from studio.ui.start import Appearance
from studio.ui.widgets.basics import Banner, EmptyState
from studio.ui.workspaces.retouch import RetouchPage

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
)

NAMES = [place.name for place in PLACES]

WITHOUT_SHORTCUT = {
    # Actions that need none, and why.
    "Clear": "the clear button inside a field is Qt's own; Backspace and Escape are its keys",
}


@pytest.fixture
def full(qtbot: QtBot, dressed: Workspace, window: MainWindow) -> MainWindow:
    """Every page has been opened on a project with looks."""
    for name in NAMES:
        window.go_to(name)
        qtbot.waitUntil(lambda: not window.context.is_busy)
    return window


@pytest.fixture
def appearance(qapp: QApplication, context: StudioContext) -> Iterator[Appearance]:
    made = Appearance(qapp, context.preferences)
    yield made
    context.preferences.set("language", "en")
    context.preferences.set("scheme", "light")
    made.deleteLater()


def controls(page: QWidget) -> list[QWidget]:
    """What one can press, type in, choose from or slide; not the parts that these are made of."""
    found = [one for one in page.findChildren(QWidget) if isinstance(one, CONTROLS)]
    return [one for one in found if not _is_part(one) and not _is_put_away(one)]


def _is_put_away(widget: QWidget) -> bool:
    """A second button that an empty state or a message can have, and this one has not."""
    return isinstance(widget.parentWidget(), Banner | EmptyState) and widget.isHidden()


def _is_part(widget: QWidget) -> bool:
    if isinstance(widget, QScrollBar):
        return True
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QAbstractSpinBox | QComboBox | QAbstractItemView | QLineEdit | QTabBar):
            return True
        parent = parent.parentWidget()
    return False


def name_of(widget: QWidget) -> str:
    """What a screen reader says."""
    seen = QAccessible.queryAccessibleInterface(widget)
    return seen.text(QAccessible.Text.Name).strip() if seen is not None else ""


def describe(widget: QWidget) -> str:
    return f"{type(widget.parentWidget()).__name__} > {type(widget).__name__} {widget.toolTip()!r}"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_control_has_a_name(qtbot: QtBot, full: MainWindow, appearance: Appearance, language: str) -> None:
    full.context.preferences.set("language", language)
    qtbot.waitUntil(lambda: full._place_actions["library"].text() == {"en": "Library", "ko": "라이브러리"}[language])
    nameless = []
    for page in (full.start, *full._pages.values(), full._rail):
        nameless += [describe(one) for one in controls(page) if not name_of(one)]
    assert not nameless, "\n".join(nameless)


def test_names_follow_the_language(qtbot: QtBot, full: MainWindow, appearance: Appearance) -> None:
    """A name written once, in the language that held then, would be read out in it for ever."""
    english = {id(one): name_of(one) for page in full._pages.values() for one in controls(page)}
    full.context.preferences.set("language", "ko")
    qtbot.waitUntil(lambda: full._place_actions["library"].text() == "라이브러리")
    left = [
        describe(one)
        for page in full._pages.values()
        for one in controls(page)
        if one.accessibleName() and one.accessibleName() == english.get(id(one)) and one.accessibleName().isascii()
    ]
    assert not left, "\n".join(left)


def actions_of(window: MainWindow, name: str) -> list[QAction]:
    page = window._pages[name]
    own = list(page.actions())
    for child in page.findChildren(QWidget):
        own += child.actions()
    return [one for one in dict.fromkeys(own) if not one.isSeparator() and not _is_qts(one)]


def _is_qts(action: QAction) -> bool:
    """Clear buttons of fields, entries that stand for a submenu, and what Qt's own widgets bring along."""
    return isinstance(action.parent(), QLineEdit | QMenu) or action.menu() is not None or not action.text()


@pytest.mark.parametrize("name", NAMES)
def test_every_action_has_a_menu_entry_a_shortcut_and_a_tooltip(qtbot: QtBot, full: MainWindow, name: str) -> None:
    full.go_to(name)
    in_menus = set(full._place_menu.actions()) | set(full._edit_menu.actions())
    for sub in [one.menu() for one in full._place_menu.actions() if one.menu() is not None]:
        in_menus |= set(sub.actions())
    problems = []
    for action in actions_of(full, name):
        label = action.text() or action.objectName() or "(no text)"
        if action not in in_menus and not _has_context_menu(action):
            problems.append(f"{label}: no menu entry")
        if action.shortcut().isEmpty() and action.text() not in WITHOUT_SHORTCUT:
            problems.append(f"{label}: no shortcut")
        shown = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
        if not action.text() or not action.toolTip():
            problems.append(f"{label}: no text or tooltip")
        elif shown and _has_button(full._pages[name], action) and shown not in action.toolTip():
            problems.append(f"{label}: the tooltip does not say {shown}")
    qtbot.waitUntil(lambda: not full.context.is_busy)
    assert not problems, "\n".join(problems)


def _has_context_menu(action: QAction) -> bool:
    """A list's own menu, which the menu key opens as well, counts."""
    policy = Qt.ContextMenuPolicy.ActionsContextMenu
    return any(isinstance(one, QWidget) and one.contextMenuPolicy() == policy for one in action.associatedObjects())


def _has_button(page: QWidget, action: QAction) -> bool:
    return any(one.isVisible() for one in action.associatedObjects() if isinstance(one, QAbstractButton))


def test_the_windows_own_actions(full: MainWindow) -> None:
    for menu in (full._file_menu, full._view_menu, full._help_menu):
        for action in menu.actions():
            if not action.isSeparator():
                assert action.text() and not action.shortcut().isEmpty(), action.text()
    for action in full._place_actions.values():
        assert action.shortcut().toString() in action.toolTip()


def test_no_shortcut_means_two_things(qtbot: QtBot, full: MainWindow) -> None:
    """On one page at one time; Qt calls such a key ambiguous and does nothing."""
    everywhere = [*full._file_menu.actions(), *full._view_menu.actions(), *full._help_menu.actions()]
    for name in NAMES:
        full.go_to(name)
        seen: dict[str, str] = {}
        for action in dict.fromkeys([*everywhere, *full._edit_menu.actions(), *actions_of(full, name)]):
            if _has_context_menu(action):
                continue  # the list takes its keys for itself while it has the focus (ShortcutOverride)
            for key in action.shortcuts():
                other = seen.setdefault(key.toString(), action.text())
                assert other == action.text(), f"{name}: {key.toString()} is {other} and {action.text()}"
    qtbot.waitUntil(lambda: not full.context.is_busy)


def _pixels(widget: QWidget, room: QRect) -> np.ndarray:
    room = room.intersected(widget.rect())
    if room.isEmpty():  # scrolled out of sight
        return np.zeros(0, np.uint8)
    image = widget.window().grab(room).toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].copy()


def _bring_into_view(widget: QWidget) -> None:
    """As Qt does when Tab comes to it."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_the_focus_is_seen_wherever_it_goes(
    qtbot: QtBot, full: MainWindow, appearance: Appearance, name: str, scheme: str
) -> None:
    full.context.preferences.set("scheme", scheme)
    full.go_to(name)
    qtbot.waitUntil(lambda: not full.context.is_busy)
    page = full._pages[name]
    flash = QApplication.cursorFlashTime()
    QApplication.setCursorFlashTime(0)
    unseen = []
    for one in controls(page):
        if not one.isVisible() or not one.isEnabled() or not one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        _bring_into_view(one)
        room = QRect(one.mapTo(full, QPoint(0, 0)), one.size()).adjusted(-2, -2, 2, 2)
        full.menuBar().setFocus()
        qtbot.wait(1)
        before = _pixels(full, room)
        if before.size == 0:
            continue
        one.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.wait(1)
        if np.array_equal(before, _pixels(full, room)):
            unseen.append(describe(one))
    QApplication.setCursorFlashTime(flash)
    qtbot.waitUntil(lambda: not full.context.is_busy)
    assert not unseen, "\n".join(unseen)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_clipped_in_the_smallest_window(
    qtbot: QtBot, full: MainWindow, appearance: Appearance, name: str, language: str
) -> None:
    full.context.preferences.set("language", language)
    full.resize(SMALLEST)
    full.go_to(name)
    qtbot.waitUntil(lambda: not full.context.is_busy)
    assert full.size() == SMALLEST, "the page pushes the window beyond its smallest size"
    with suppress(QtTimeoutError):  # a layout may still be on its way
        qtbot.waitUntil(lambda: not _clipped(full._pages[name]), timeout=2000)
    clipped = _clipped(full._pages[name])
    assert not clipped, "\n".join(clipped)


def _clipped(page: QWidget) -> list[str]:
    found = []
    for one in page.findChildren(QWidget):
        if not one.isVisible() or _is_part(one):
            continue
        if isinstance(one, QAbstractButton) and one.text() and one.width() < one.minimumSizeHint().width():
            found.append(f"{describe(one)} {one.text()!r}")
        if isinstance(one, QLabel) and one.text() and _lacks_room(one):
            found.append(f"{describe(one)} {one.text()!r} has {one.width()} of {one.sizeHint().width()}")
    return found


def _lacks_room(label: QLabel) -> bool:
    if label.wordWrap():
        return label.height() < label.heightForWidth(label.width())
    return label.width() < label.sizeHint().width()


def test_the_retouching_page_is_among_them(full: MainWindow) -> None:
    page = cast(RetouchPage, full._pages["retouch"])
    assert len(controls(page)) > 20
    assert isinstance(page.canvas, QWidget)
    assert not isinstance(page.canvas, QAbstractScrollArea)
