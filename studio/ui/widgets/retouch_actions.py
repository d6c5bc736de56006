"""Retouch's actions: layers, tools, operations, views; each with a menu entry, a shortcut and a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from studio.domain.edits import MaskOpKind
from studio.ui.widgets.basics import add_action, shortcut_tip
from studio.ui.widgets.retouch_tools import Tool

if TYPE_CHECKING:
    from studio.ui.workspaces.retouch import RetouchPage

NUDGE, BIG_NUDGE = 1, 10
LAYERS = (
    ("edit", "front"),
    ("alpha", "person"),
    ("parse", "label"),
    ("pose", "joint"),
    ("garment_alpha", "dress"),
    ("landmarks", "landmark"),
)
TOOLS = (
    (Tool.BRUSH, "B", "brush"),
    (Tool.ERASER, "E", "eraser"),
    (Tool.REFINE, "H", "hair"),
    (Tool.LASSO, "L", "lasso"),
    (Tool.POLYGON, "P", "polygon"),
    (Tool.WAND, "W", "wand"),
    (Tool.OBJECT, "S", "select"),
)
OPERATIONS = (
    (MaskOpKind.GROW, "Ctrl+Alt+G", "grow"),
    (MaskOpKind.SHRINK, "Ctrl+Alt+S", "shrink"),
    (MaskOpKind.SMOOTH, "Ctrl+Alt+M", "smooth"),
    (MaskOpKind.FEATHER, "Ctrl+Alt+F", "feather"),
    (MaskOpKind.FILL_HOLES, "Ctrl+Alt+H", "fill"),
    (MaskOpKind.INVERT, "Ctrl+Alt+I", "invert"),
)
ONLY_MASKS = (Tool.REFINE, Tool.WAND, Tool.OBJECT)
"""Tools that need a soft mask: a parse map has none."""


class RetouchActions(QObject):
    """Makes the actions of a page and keeps their texts."""

    def __init__(self, page: RetouchPage) -> None:
        super().__init__(page)
        self._page = page
        self.can_find_objects = False
        layers, tools = QActionGroup(self), QActionGroup(self)
        self.layers: dict[str, QAction] = {}
        for number, (name, picture) in enumerate(LAYERS, start=1):
            action = self._action(f"Alt+{number}", partial(page.open_layer, name), picture)
            action.setCheckable(True)
            layers.addAction(action)
            self.layers[name] = action
        self.tools: dict[Tool, QAction] = {}
        for tool, key, picture in TOOLS:
            action = self._action(key, partial(page.state.take, tool), picture)
            action.setCheckable(True)
            tools.addAction(action)
            self.tools[tool] = action
        self.operations = {
            kind: self._action(key, partial(page.operate, kind), picture) for kind, key, picture in OPERATIONS
        }
        self._make_view_actions()
        self._make_edit_actions()

    def _make_view_actions(self) -> None:
        state, canvas = self._page.state, self._page.canvas
        self.swap = self._action("X", state.swap, "flip")
        self.smaller = self._action("[", lambda: state.resize(-1))
        self.larger = self._action("]", lambda: state.resize(1))
        self.softer = self._action("Shift+[", lambda: state.harden(-1), "", "{", "Shift+{")
        self.harder = self._action("Shift+]", lambda: state.harden(1), "", "}", "Shift+}")
        self.next_view = self._action("F", state.next_mode, "eye")
        self.layer_shown = self._action("Q", state.toggle_layer, "eye")
        self.layer_shown.setCheckable(True)
        self.fit = self._action("Ctrl+0", canvas.fit, "fit")
        self.actual = self._action("Z", canvas.show_actual_pixels, "search")
        for digit in range(10):
            share = digit / 10 if digit else 1.0
            self._action(str(digit), partial(state.set_opacity, share))
        for key, x, y in (("Left", -1, 0), ("Right", 1, 0), ("Up", 0, -1), ("Down", 0, 1)):
            for prefix, length in (("", NUDGE), ("Shift+", BIG_NUDGE)):
                delta = QPoint(x * length, y * length)
                action = self._action(prefix + key, partial(canvas.nudge, delta))
                self._page.removeAction(action)
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
                canvas.addAction(action)

    def _make_edit_actions(self) -> None:
        page, presenter = self._page, self._page.presenter
        self.undo = self._action("Ctrl+Z", page.undo, "undo")
        self.redo = self._action("Ctrl+Shift+Z", presenter.redo, "redo")
        self.hide = self._action("Delete", page.hide_point, "close")
        self.reset = self._action("Ctrl+Shift+Backspace", presenter.reset, "trash")
        self.copy = self._action("Ctrl+Shift+C", page.copy_to, "front")
        self.previous = self._action("PgUp", lambda: page.step(-1), "previous")
        self.next = self._action("PgDown", lambda: page.step(1), "next")
        self.save = self._action("Ctrl+S", presenter.renew, "check")

    def _action(self, shortcut: str, slot: Callable[[], object], icon_name: str = "", *also: str) -> QAction:
        return add_action(self._page, shortcut, lambda: slot(), icon_name, *also)

    # -- the menu ----------------------------------------------------------------------------------------------------

    def fill(self, menu: QMenu) -> None:
        """Put everything into the workspace's menu."""
        for actions in (
            [*self.layers.values()],
            [*self.tools.values(), self.swap],
            [self.smaller, self.larger, self.softer, self.harder],
            [*self.operations.values()],
            [self.next_view, self.layer_shown, self.fit, self.actual],
            [self.hide, self.reset, self.copy],
            [self.previous, self.next],
            [self.save],
        ):
            menu.addActions(actions)
            menu.addSeparator()

    def follow(self, *, is_mask: bool, is_parse: bool, tool: Tool) -> None:
        """Offer what the layer can do; mark what is in hand."""
        for each, action in self.tools.items():
            fits = is_mask or (is_parse and each not in ONLY_MASKS)
            action.setEnabled(fits and (each is not Tool.OBJECT or self.can_find_objects))
            action.setChecked(each is tool)
        for action in self.operations.values():
            action.setEnabled(is_mask)

    # -- texts -------------------------------------------------------------------------------------------------------

    def write_texts(self) -> None:
        """Write everything in the present language."""
        names = {
            "edit": self.tr("Edit mask"), "alpha": self.tr("Cut-out"), "parse": self.tr("Parse map"),
            "pose": self.tr("Keypoints"), "garment_alpha": self.tr("Garment mask"), "landmarks": self.tr("Landmarks"),
        }  # fmt: skip
        for name, text in names.items():
            self._name(self.layers[name], text)
        tools = {
            Tool.BRUSH: self.tr("Brush"), Tool.ERASER: self.tr("Eraser"), Tool.REFINE: self.tr("Hair and fringes"),
            Tool.LASSO: self.tr("Lasso"), Tool.POLYGON: self.tr("Polygon"), Tool.WAND: self.tr("Magic wand"),
            Tool.OBJECT: self.tr("Click to segment"),
        }  # fmt: skip
        for tool, text in tools.items():
            self._name(self.tools[tool], text)
        operations = {
            MaskOpKind.GROW: self.tr("Grow"), MaskOpKind.SHRINK: self.tr("Shrink"),
            MaskOpKind.SMOOTH: self.tr("Smooth"), MaskOpKind.FEATHER: self.tr("Feather"),
            MaskOpKind.FILL_HOLES: self.tr("Fill holes"), MaskOpKind.INVERT: self.tr("Invert"),
        }  # fmt: skip
        for kind, text in operations.items():
            self._name(self.operations[kind], text)
        self._write_view_texts()
        self.write_object_tip()

    def _write_view_texts(self) -> None:
        for action, text in (
            (self.swap, self.tr("Swap paint and erase")),
            (self.smaller, self.tr("Smaller brush")),
            (self.larger, self.tr("Larger brush")),
            (self.softer, self.tr("Softer brush")),
            (self.harder, self.tr("Harder brush")),
            (self.next_view, self.tr("Next view")),
            (self.layer_shown, self.tr("Show the layer")),
            (self.fit, self.tr("Fit the window")),
            (self.actual, self.tr("Actual pixels")),
            (self.hide, self.tr("Hide the joint")),
            (self.reset, self.tr("Take all corrections of this layer back")),
            (self.copy, self.tr("Copy this correction to…")),
            (self.previous, self.tr("Previous photo")),
            (self.next, self.tr("Next photo")),
            (self.save, self.tr("Save and renew the looks")),
        ):
            self._name(action, text)

    def write_object_tip(self) -> None:
        """Say how to get what clicking on objects needs, as long as it is not there."""
        action = self.tools[Tool.OBJECT]
        how = self.tr("Click to segment needs two AI models: install both SAM 2 entries under Settings, Models.")
        action.setToolTip(shortcut_tip(action.text(), action.shortcut()) if self.can_find_objects else how)

    def _name(self, action: QAction, text: str) -> None:
        action.setText(text)
        action.setToolTip(shortcut_tip(text, action.shortcut()))
