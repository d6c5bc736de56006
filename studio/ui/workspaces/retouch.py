"""Retouch: correct masks, labels, joints and landmarks by hand; only what depends on them is made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QComboBox, QFrame, QMenu, QScrollArea, QSizePolicy, QStackedWidget, QToolButton, QWidget

from studio.domain.artefacts import PhotoRole
from studio.domain.edits import MaskOpKind
from studio.domain.errors import StudioError
from studio.domain.keys import Note
from studio.library.records import Changes, Filter
from studio.ui.context import StudioContext
from studio.ui.icons import icon
from studio.ui.retouch_presenter import RetouchPresenter
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import Banner, EmptyState, button, column, frame, label, row, shortcut_tip, tool_button
from studio.ui.widgets.mask_canvas import RetouchCanvas
from studio.ui.widgets.retouch_options import LabelPalette, PointList, ToolOptions
from studio.ui.widgets.retouch_result import ResultPanel
from studio.ui.widgets.retouch_tools import Tool, ToolState

if TYPE_CHECKING:
    from studio.jobs.retouch import LayerSpec, RetouchSession, Subject
    from studio.jobs.workspace import Workspace

INSPECTOR_WIDTH = 272
TITLE_WIDTH = 200
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
)
OPERATIONS = (
    (MaskOpKind.GROW, "Ctrl+Alt+G", "grow"),
    (MaskOpKind.SHRINK, "Ctrl+Alt+S", "shrink"),
    (MaskOpKind.SMOOTH, "Ctrl+Alt+M", "smooth"),
    (MaskOpKind.FEATHER, "Ctrl+Alt+F", "feather"),
    (MaskOpKind.FILL_HOLES, "Ctrl+Alt+H", "fill"),
    (MaskOpKind.INVERT, "Ctrl+Alt+I", "invert"),
)


class RetouchPage(QWidget):
    """Tools on the left, the canvas in the middle, the tool's values and the result on the right."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self.presenter = RetouchPresenter(context, self)
        self.state = ToolState(self)
        self.canvas = RetouchCanvas(self.state)
        self.options = ToolOptions(self.state)
        self.labels = LabelPalette(self.state)
        self.joints = PointList()
        self.result = ResultPanel(self.project, self.presenter.lane)
        self.banner = Banner()
        self.empty = EmptyState("retouch", "", "")
        self.title = label("", "heading")
        self.status = label("", "faint")
        self.hint = label("", "faint")
        self.labels_heading = label("", "section")
        self.joints_heading = label("", "section")
        self.views = QComboBox()
        self.save_button = button("", primary=True)
        self.copy_button = button("")
        self.subject: Subject | None = None
        self._wanted_layer = ""
        self._stale: list[str] = []
        self._is_renewing = False
        self._make_actions()
        self._lay_out()
        self._connect()
        self._write_texts()
        self._refresh_tools()

    @property
    def session(self) -> RetouchSession | None:
        """The layer under correction, None while it loads."""
        return self.presenter.session

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Go on with what was open; the first look or model photo where nothing was."""
        self._stack.setCurrentWidget(self._body if self.subject is not None else self.empty)
        self.canvas.setFocus()
        QTimer.singleShot(0, self._open_something)  # who came here to open a certain photo does so first

    def _open_something(self) -> None:
        if self.subject is None:
            library = self.project.library
            first = library.look_ids(Filter()) or library.photo_ids(Filter(role=PhotoRole.MODEL))
            if first:
                self.open_target(first[0])

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        for actions in (
            [*self.layer_actions.values()],
            [*self.tool_actions.values(), self.swap_action],
            [self.smaller_action, self.larger_action, self.softer_action, self.harder_action],
            [*self.op_actions.values()],
            [self.next_view_action, self.layer_shown_action, self.fit_action, self.actual_action],
            [self.hide_action, self.reset_action, self.copy_action],
            [self.previous_action, self.next_action],
            [self.save_action],
        ):
            menu.addActions(actions)
            menu.addSeparator()

    @property
    def undo_actions(self) -> tuple[QAction, QAction]:
        """What the window's Edit menu offers while this workspace is shown."""
        return self.undo_action, self.redo_action

    # -- opening -----------------------------------------------------------------------------------------------------

    def open_target(self, target_id: str) -> None:
        """Correct a photo or a look; the layer that was last in hand is shown again where there is one."""
        from studio.jobs.retouch import subject_of

        try:
            self.subject = subject_of(self.project, target_id)
        except StudioError as error:
            self.banner.show_message(self.context.message(error))
            return
        self._stack.setCurrentWidget(self._body)
        self.banner.hide()
        offered = {spec.layer.value for spec in self.subject.layers}
        for name, action in self.layer_actions.items():
            action.setVisible(name in offered)
        if self.subject.layers:
            first = self.subject.layers[0].layer.value
            self.open_layer(self._wanted_layer if self._wanted_layer in offered else first)
        else:
            self.presenter.open(None)
            text = self.tr("Backgrounds need no correction. Open a model, a garment or a look.")
            self.banner.show_message(text, bad=False)

    def open_layer(self, name: str) -> None:
        """Load a layer off the window's thread and show it."""
        spec = next((one for one in self._specs() if one.layer.value == name), None)
        if spec is not None:
            self._wanted_layer = name
            self.layer_actions[name].setChecked(True)
            self.canvas.abort()
            self.presenter.open(spec)

    def step(self, direction: int) -> None:
        """Open the next or previous photo or look of the same kind."""
        if self.subject is None:
            return
        library = self.project.library
        ids = library.look_ids(Filter()) if self.subject.is_look else library.photo_ids(Filter(role=self.subject.role))
        if self.subject.target_id in ids:
            self.open_target(ids[(ids.index(self.subject.target_id) + direction) % len(ids)])

    def _specs(self) -> tuple[LayerSpec, ...]:
        return self.subject.layers if self.subject is not None else ()

    def _on_session(self, opened: object) -> None:
        session = cast("RetouchSession | None", opened)
        self.canvas.set_session(session)
        if self.subject is not None:
            name = session.spec.name if session is not None else self.subject.name
            self.title.setText(self.title.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, TITLE_WIDTH))
            self.title.setToolTip(name)
        self.status.clear()
        if session is None:
            self.result.hide()
        self._on_locked(False)
        self._refresh_tools()

    def _on_loading(self, fraction: float) -> None:
        if fraction < 0:
            self.status.setText(self.tr("This layer could not be loaded."))
        else:
            self.status.setText(f"{self.tr('Loading…')} {100 * fraction:.0f} %")

    # -- editing -----------------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the last edit of this layer back, or the unfinished stroke."""
        if not self.canvas.abort():
            self.presenter.undo()

    def hide_point(self) -> None:
        """Say that the selected joint cannot be seen."""
        layer = self.canvas.points
        if layer is not None and layer.can_hide and layer.points.get(self.canvas.selected) is not None:
            self.presenter.move_point(self.canvas.selected, None)

    def copy_to(self) -> None:
        """Ask for other photos of the same set-up and copy this layer's corrections there."""
        if self.session is None:
            return
        from studio.jobs.retouch import copy_targets
        from studio.ui.widgets.retouch_copy import CopyDialog

        dialog = CopyDialog(self.project, copy_targets(self.project, self.session.spec), self)
        dialog.chosen.connect(self.presenter.copy)
        dialog.open()

    def _on_wanted(self, edit: object, is_preview: bool) -> None:
        if not is_preview:
            self.canvas.show_preview(None)
        self.presenter.compute(edit, is_preview)

    def _on_previewed(self, delta: object) -> None:
        if self.canvas.is_drawing:
            self.canvas.show_preview(delta)  # type: ignore[arg-type]  # a Delta, through a signal

    def _on_changed(self, box: object) -> None:
        self.canvas.refresh(box)  # type: ignore[arg-type]  # a Box, through a signal
        if self.canvas.points is not None:
            self.joints.show_layer(self.canvas.points)
            self.canvas.update()

    def _on_locked(self, is_locked: bool) -> None:
        self.canvas.is_locked = is_locked or self.project.library.is_read_only
        self.canvas.restore_cursor()

    def _on_chosen(self, name: str) -> None:
        self.joints.choose(name)
        self._refresh_history()

    def _on_point_wanted(self, name: str) -> None:
        self.canvas.choose(name)
        self._refresh_history()
        if self.canvas.placing:
            self.hint.setText(self.tr("Click where it is."))

    # -- renewing ----------------------------------------------------------------------------------------------------

    def _on_looks(self, looks: object, stale: object, is_renewing: bool) -> None:
        self._stale = cast("list[str]", stale)
        if looks is not None:
            self.result.set_looks(cast("list[str]", looks))
        self._is_renewing = is_renewing
        self._write_state()

    def _on_renewing(self, count: int) -> None:
        self._is_renewing = count > 0
        self.canvas.setFocus()
        if not count:
            self.hint.setText(self.tr("Everything is saved. No look has to be renewed."))
        self._write_state()

    def _on_copied(self, count: int) -> None:
        text = self.tr("Copied to %1 photos. In Dress, “Dress again what was corrected” renews their looks.")
        self.banner.show_message(text.replace("%1", str(count)), bad=False)

    def _on_library_changed(self, changes: Changes) -> None:
        if self.session is not None and (changes.looks or changes.pairs or changes.jobs):
            self._follow_renewed_look()
            self.presenter.find_looks()

    def _follow_renewed_look(self) -> None:
        """A look that was dressed again is another look of the same pair: go on with that one."""
        library = self.project.library
        rows = library.looks([self.subject.target_id]) if self.subject is not None and self.subject.is_look else []
        newest = library.pair(rows[0].pair_id).look_id if rows else ""
        if not rows or newest in ("", rows[0].id) or self.canvas.is_drawing:
            return
        from studio.jobs.retouch import subject_of

        self.subject = subject_of(self.project, newest)
        if self._wanted_layer == "edit":
            self.open_layer("edit")

    def _on_closing(self) -> None:
        self.canvas.abort()
        self.presenter.flush()

    # -- making ------------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        layers, tools = QActionGroup(self), QActionGroup(self)
        self.layer_actions: dict[str, QAction] = {}
        for number, (name, picture) in enumerate(LAYERS, start=1):
            action = self._action(f"Alt+{number}", lambda checked=False, value=name: self.open_layer(value), picture)
            action.setCheckable(True)
            layers.addAction(action)
            self.layer_actions[name] = action
        self.tool_actions: dict[Tool, QAction] = {}
        for tool, key, picture in TOOLS:
            action = self._action(key, lambda checked=False, value=tool: self.state.take(value), picture)
            action.setCheckable(True)
            tools.addAction(action)
            self.tool_actions[tool] = action
        self.op_actions = {
            kind: self._action(key, lambda checked=False, value=kind: self._operate(value), picture)
            for kind, key, picture in OPERATIONS
        }
        self._make_view_actions()
        self.undo_action = self._action("Ctrl+Z", self.undo, "undo")
        self.redo_action = self._action("Ctrl+Shift+Z", self.presenter.redo, "redo")
        self.hide_action = self._action("Delete", self.hide_point, "close")
        self.reset_action = self._action("Ctrl+Shift+Backspace", self.presenter.reset, "trash")
        self.copy_action = self._action("Ctrl+Shift+C", self.copy_to, "front")
        self.previous_action = self._action("PgUp", lambda: self.step(-1), "previous")
        self.next_action = self._action("PgDown", lambda: self.step(1), "next")
        self.save_action = self._action("Ctrl+S", self.presenter.renew, "check")

    def _make_view_actions(self) -> None:
        self.swap_action = self._action("X", self.state.swap, "flip")
        self.smaller_action = self._action("[", lambda: self.state.resize(-1), "")
        self.larger_action = self._action("]", lambda: self.state.resize(1), "")
        self.softer_action = self._action("Shift+[", lambda: self.state.harden(-1), "", "{", "Shift+{")
        self.harder_action = self._action("Shift+]", lambda: self.state.harden(1), "", "}", "Shift+}")
        self.next_view_action = self._action("F", self.state.next_mode, "eye")
        self.layer_shown_action = self._action("Q", self.state.toggle_layer, "eye")
        self.layer_shown_action.setCheckable(True)
        self.fit_action = self._action("Ctrl+0", self.canvas.fit, "fit")
        self.actual_action = self._action("Z", self.canvas.show_actual_pixels, "search")
        for digit in range(10):
            share = digit / 10 if digit else 1.0
            self._action(str(digit), lambda checked=False, value=share: self.state.set_opacity(value), "")
        for key, x, y in (("Left", -1, 0), ("Right", 1, 0), ("Up", 0, -1), ("Down", 0, 1)):
            for prefix, length in (("", NUDGE), ("Shift+", BIG_NUDGE)):
                delta = QPoint(x * length, y * length)
                action = self._action(prefix + key, lambda checked=False, by=delta: self.canvas.nudge(by), "")
                self.removeAction(action)
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
                self.canvas.addAction(action)

    def _action(self, shortcut: str, slot: Callable[..., object], icon_name: str, *also: str) -> QAction:
        action = QAction(self)
        if icon_name:
            action.setIcon(icon(icon_name))
        action.setShortcuts([QKeySequence(key) for key in (shortcut, *also)])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(slot)
        self.addAction(action)
        return action

    def _operate(self, kind: MaskOpKind) -> None:
        self.canvas.abort()
        self.presenter.operate(kind, self.state.held.amount)

    def _lay_out(self) -> None:
        self._layer_buttons = []
        for action in self.layer_actions.values():
            tool = QToolButton()
            tool.setDefaultAction(action)
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._layer_buttons.append(tool)
        steps = (tool_button(self.previous_action), tool_button(self.next_action))
        history = (tool_button(self.undo_action), tool_button(self.redo_action))
        zooms = (tool_button(self.layer_shown_action), tool_button(self.actual_action), tool_button(self.fit_action))
        top = row(*steps, self.title, *self._layer_buttons, 1, *history, self.save_button)
        top.setSpacing(SPACE // 2)
        strip = column(*(tool_button(action) for action in self.tool_actions.values()), spacing=2)
        strip.addSpacing(SPACE * 2)
        for action in self.op_actions.values():
            strip.addWidget(tool_button(action))
        strip.addStretch(1)
        self._strip = frame("sidebar", strip, SPACE // 2)
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        view_row = row(self.hint, self.status, self.views, *zooms, spacing=SPACE // 2)
        view_row.setStretchFactor(self.hint, 1)
        view_row.insertSpacing(2, SPACE)
        foot = frame("bar", view_row, SPACE // 2)
        middle = QWidget()
        stacked = column(self.banner, self.canvas, foot, spacing=0)
        stacked.setStretchFactor(self.canvas, 1)
        middle.setLayout(stacked)
        inner = QWidget()
        inner.setLayout(row(self._strip, middle, self._make_inspector(), spacing=0))
        self._body = QWidget()
        outer = column(frame("bar", top, SPACE // 2), inner, spacing=0)
        outer.setStretchFactor(inner, 1)
        self._body.setLayout(outer)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._body)
        self._stack.addWidget(self.empty)
        self.setLayout(column(self._stack, spacing=0))

    def _make_inspector(self) -> QFrame:
        content = QWidget()
        content.setObjectName("page")
        inner = column(
            self.options,
            self.labels_heading,
            self.labels,
            self.joints_heading,
            self.joints,
            self.copy_button,
            self.result,
            1,
            spacing=SPACE,
        )
        inner.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        content.setLayout(inner)
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        made = frame("inspector", column(area, spacing=0), 0)
        made.setFixedWidth(INSPECTOR_WIDTH)
        return made

    def _connect(self) -> None:
        canvas, presenter = self.canvas, self.presenter
        canvas.painted.connect(presenter.commit)
        canvas.wanted.connect(self._on_wanted)
        canvas.moved.connect(presenter.move_point)
        canvas.chosen.connect(self._on_chosen)
        canvas.pointed.connect(self._on_pointed)
        canvas.view_changed.connect(self._on_view)
        self.joints.wanted.connect(self._on_point_wanted)
        presenter.opened.connect(self._on_session)
        presenter.loading.connect(self._on_loading)
        presenter.changed.connect(self._on_changed)
        presenter.previewed.connect(self._on_previewed)
        presenter.locked.connect(self._on_locked)
        presenter.history_changed.connect(self._refresh_history)
        presenter.looks_found.connect(self._on_looks)
        presenter.unchanged.connect(self._on_unchanged)
        presenter.renewing.connect(self._on_renewing)
        presenter.copied.connect(self._on_copied)
        self.state.changed.connect(self._refresh_tools)
        self.views.activated.connect(self._on_view_chosen)
        self.save_button.clicked.connect(self.save_action.trigger)
        self.copy_button.clicked.connect(self.copy_action.trigger)
        self.context.library_changed.connect(self._on_library_changed)
        self.context.project_closing.connect(self._on_closing)
        self.destroyed.connect(self.presenter.lane.close)

    # -- following ---------------------------------------------------------------------------------------------------

    def _refresh_tools(self) -> None:
        """Offer what the layer can do; mark what is in hand."""
        session, held = self.session, self.state.held
        is_mask = session is not None and session.spec.layer.is_mask
        is_points = session is not None and session.spec.layer.is_points
        is_parse = session is not None and not is_mask and not is_points
        if is_parse and held.tool in (Tool.REFINE, Tool.WAND):
            self.state.take(Tool.BRUSH)
            return
        for tool, action in self.tool_actions.items():
            action.setEnabled(is_mask or (is_parse and tool not in (Tool.REFINE, Tool.WAND)))
            action.setChecked(tool is held.tool)
        for action in self.op_actions.values():
            action.setEnabled(is_mask)
        self._strip.setVisible(not is_points)
        self.options.setVisible(is_mask or is_parse)
        self.options.set_layer(is_parse=is_parse)
        self.labels.setVisible(is_parse)
        self.labels_heading.setVisible(is_parse)
        self.joints.setVisible(is_points)
        self.joints_heading.setVisible(is_points)
        if self.canvas.points is not None:
            self.joints.show_layer(self.canvas.points)
        self.views.setCurrentIndex(list(type(held.mode)).index(held.mode))
        self.layer_shown_action.setChecked(held.is_layer_shown)
        self._write_hint()

    def _refresh_history(self) -> None:
        session = self.session
        for action, step, bare, named in (
            (self.undo_action, session and session.undo_step, self.tr("Undo"), self.tr("Undo %1")),
            (self.redo_action, session and session.redo_step, self.tr("Redo"), self.tr("Redo %1")),
        ):
            name = self.context.message_of(Note(step.name or "retouch.other")) if step else ""
            action.setText(named.replace("%1", name) if name else bare)
            action.setToolTip(shortcut_tip(action.text(), action.shortcut()))
            action.setEnabled(step is not None)
        has_edits = session is not None and session.undo_step is not None
        self.reset_action.setEnabled(has_edits)
        can_copy = has_edits and session is not None and session.spec.layer.value != "edit"
        self.copy_action.setEnabled(can_copy)
        self.copy_button.setEnabled(can_copy)
        layer = self.canvas.points
        self.hide_action.setEnabled(layer is not None and layer.can_hide and bool(self.canvas.selected))

    def _on_unchanged(self) -> None:
        self.hint.setText(self.tr("Nothing changed there."))

    def _on_pointed(self, x: int, y: int) -> None:
        if self.session is not None:
            self.status.setText(f"{x}, {y}   {100 * self.canvas.view.zoom * self.devicePixelRatioF():.0f} %")

    def _on_view(self, view: object) -> None:
        del view
        if self.session is not None:
            self.status.setText(f"{100 * self.canvas.view.zoom * self.devicePixelRatioF():.0f} %")

    def _on_view_chosen(self, number: int) -> None:
        self.state.set_mode(list(type(self.state.held.mode))[number])
        self.canvas.setFocus()

    # -- texts -------------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._write_texts()
        super().changeEvent(event)

    def _write_state(self) -> None:
        count = len(self._stale)
        self.save_action.setEnabled(self.session is not None and not (self._is_renewing and count > 0))
        if self._is_renewing and count:
            text = self.tr("Renewing %1 looks…")
        elif count == 1:
            text = self.tr("Save: renew 1 look")
        else:
            text = self.tr("Save: renew %1 looks") if count else self.tr("Saved")
        self.save_button.setText(text.replace("%1", str(count)))
        self.save_button.setEnabled(count > 0 and not self._is_renewing)
        self.save_button.setMinimumWidth(self.save_button.sizeHint().width())
        if self._is_renewing and count:
            self.result.write_state(self.tr("The look is being renewed. You can go on."))
        elif count:
            self.result.write_state(self.tr("Corrected since this look was made."))
        else:
            self.result.write_state(self.tr("Up to date."))

    def _write_hint(self) -> None:
        session, tool = self.session, self.state.held.tool
        if session is None:
            self.hint.clear()
        elif session.spec.layer.is_points:
            self.hint.setText(self.tr("Drag a point. Arrow keys move it by a pixel. Space pans, the wheel zooms."))
        elif tool is Tool.LASSO:
            self.hint.setText(self.tr("Draw around an area to add it; with Alt or the right button to remove it."))
        elif tool is Tool.POLYGON:
            self.hint.setText(self.tr("Click corners, double-click to close, Backspace takes one back, Esc gives up."))
        elif tool is Tool.WAND:
            self.hint.setText(self.tr("Press on a colour and drag sideways for the tolerance. Alt removes."))
        elif tool is Tool.REFINE:
            self.hint.setText(self.tr("Paint over hair or fringes: edges there are found again."))
        else:
            self.hint.setText(self.tr("Alt or the right button erases. [ ] size, Space pans, the wheel zooms."))

    def _write_texts(self) -> None:
        self._name(self.layer_actions["edit"], self.tr("Edit mask"))
        self._name(self.layer_actions["alpha"], self.tr("Cut-out"))
        self._name(self.layer_actions["parse"], self.tr("Parse map"))
        self._name(self.layer_actions["pose"], self.tr("Keypoints"))
        self._name(self.layer_actions["garment_alpha"], self.tr("Garment mask"))
        self._name(self.layer_actions["landmarks"], self.tr("Landmarks"))
        tools = (
            self.tr("Brush"),
            self.tr("Eraser"),
            self.tr("Hair and fringes"),
            self.tr("Lasso"),
            self.tr("Polygon"),
            self.tr("Magic wand"),
        )
        for action, text in zip(self.tool_actions.values(), tools, strict=True):
            self._name(action, text)
        operations = (
            self.tr("Grow"),
            self.tr("Shrink"),
            self.tr("Smooth"),
            self.tr("Feather"),
            self.tr("Fill holes"),
            self.tr("Invert"),
        )
        for action, text in zip(self.op_actions.values(), operations, strict=True):
            self._name(action, text)
        self._write_view_texts()
        self.labels_heading.setText(self.tr("Labels (tick = locked)"))
        self.joints_heading.setText(self.tr("Points"))
        self.joints.setAccessibleName(self.tr("Points"))
        self.copy_button.setText(self.copy_action.text())
        self.copy_button.setToolTip(shortcut_tip(self.copy_action.text(), self.copy_action.shortcut()))
        self.save_button.setToolTip(shortcut_tip(self.save_action.text(), self.save_action.shortcut()))
        self.canvas.setAccessibleName(self.tr("Retouching canvas"))
        self.empty.set_texts(
            self.tr("Nothing to retouch yet"),
            self.tr("Import photos in the Library, then double-click one to correct it."),
        )
        self._refresh_history()
        self._write_state()
        self._write_hint()

    def _write_view_texts(self) -> None:
        modes = (
            self.tr("Overlay"),
            self.tr("Onion skin"),
            self.tr("On black"),
            self.tr("On white"),
            self.tr("Mask alone"),
        )
        chosen = max(0, self.views.currentIndex())
        self.views.clear()
        self.views.addItems(modes)
        self.views.setCurrentIndex(chosen)
        self.views.setAccessibleName(self.tr("View"))
        self.views.setToolTip(shortcut_tip(self.tr("Next view"), self.next_view_action.shortcut()))
        for action, text in (
            (self.swap_action, self.tr("Swap paint and erase")),
            (self.smaller_action, self.tr("Smaller brush")),
            (self.larger_action, self.tr("Larger brush")),
            (self.softer_action, self.tr("Softer brush")),
            (self.harder_action, self.tr("Harder brush")),
            (self.next_view_action, self.tr("Next view")),
            (self.layer_shown_action, self.tr("Show the layer")),
            (self.fit_action, self.tr("Fit the window")),
            (self.actual_action, self.tr("Actual pixels")),
            (self.hide_action, self.tr("Hide the joint")),
            (self.reset_action, self.tr("Take all corrections of this layer back")),
            (self.copy_action, self.tr("Copy this correction to…")),
            (self.previous_action, self.tr("Previous photo")),
            (self.next_action, self.tr("Next photo")),
            (self.save_action, self.tr("Save and renew the looks")),
        ):
            self._name(action, text)

    def _name(self, action: QAction, text: str) -> None:
        action.setText(text)
        action.setToolTip(shortcut_tip(text, action.shortcut()))
