"""Retouch: correct masks, labels, joints and landmarks by hand; only what depends on them is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QMenu, QSizePolicy, QStackedWidget, QToolButton, QWidget

from studio.domain.artefacts import PhotoRole
from studio.domain.edits import MaskOpKind, Points
from studio.domain.errors import StudioError
from studio.domain.keys import Note
from studio.library.records import Changes, Filter
from studio.ui.context import StudioContext
from studio.ui.retouch_presenter import RetouchPresenter
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import (
    Banner,
    EmptyState,
    TextWidget,
    button,
    column,
    frame,
    label,
    row,
    shortcut_tip,
    tool_button,
)
from studio.ui.widgets.mask_canvas import RetouchCanvas
from studio.ui.widgets.retouch_actions import ONLY_MASKS, RetouchActions
from studio.ui.widgets.retouch_inspector import RetouchInspector
from studio.ui.widgets.retouch_tools import Tool, ToolState

if TYPE_CHECKING:
    from studio.jobs.retouch import LayerSpec, RetouchSession, Subject
    from studio.jobs.workspace import Workspace

TITLE_WIDTH = 200
WIDE = 1080


class RetouchPage(TextWidget):
    """Tools on the left, the canvas in the middle, the tool's values and the result on the right."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self.presenter = RetouchPresenter(context, self)
        self.state = ToolState(self)
        self.canvas = RetouchCanvas(self.state)
        self.inspector = RetouchInspector(self.project, self.presenter.lane, self.state)
        self.banner = Banner()
        self.empty = EmptyState("retouch", "", "")
        self.title = label("", "heading")
        self.status = label("", "faint")
        self.hint = label("", "faint")
        self.views = QComboBox()
        self.save_button = button("", primary=True)
        self.subject: Subject | None = None
        self._wanted_layer = ""
        self._stale: list[str] = []
        self._is_renewing = False
        self.commands = RetouchActions(self)
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
        self.presenter.check_objects()
        QTimer.singleShot(0, self._open_something)  # who came here to open a certain photo does so first

    def _open_something(self) -> None:
        if self.subject is None:
            library = self.project.library
            first = library.look_ids(Filter()) or library.photo_ids(Filter(role=PhotoRole.MODEL))
            if first:
                self.open_target(first[0])

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        self.commands.fill(menu)

    @property
    def undo_actions(self) -> tuple[QAction, QAction]:
        """What the window's Edit menu offers while this workspace is shown."""
        return self.commands.undo, self.commands.redo

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
        for (name, action), tool in zip(self.commands.layers.items(), self._layer_buttons, strict=True):
            action.setVisible(name in offered)
            tool.setVisible(name in offered)
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
            self.commands.layers[name].setChecked(True)
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
            self.inspector.result.hide()
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
            self.inspector.joints.show_layer(self.canvas.points)
            self.canvas.update()
        self.inspector.show_said()

    def _on_locked(self, is_locked: bool) -> None:
        self.canvas.is_locked = is_locked or self.project.library.is_read_only
        self.canvas.restore_cursor()

    def _on_chosen(self, name: str) -> None:
        self.inspector.joints.choose(name)
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
            self.inspector.result.set_looks(cast("list[str]", looks))
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

    def operate(self, kind: MaskOpKind) -> None:
        """Change the whole mask."""
        self.canvas.abort()
        self.presenter.operate(kind, self.state.held.amount)

    def _lay_out(self) -> None:
        commands = self.commands
        self._layer_buttons = []
        for action in commands.layers.values():
            tool = QToolButton()
            tool.setDefaultAction(action)
            tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._layer_buttons.append(tool)
        steps = (tool_button(commands.previous), tool_button(commands.next))
        history = (tool_button(commands.undo), tool_button(commands.redo))
        zooms = (tool_button(commands.layer_shown), tool_button(commands.actual), tool_button(commands.fit))
        top = row(*steps, self.title, *self._layer_buttons, 1, *history, self.save_button)
        top.setSpacing(SPACE // 2)
        self._strip = self._make_strip()
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
        inner.setLayout(row(self._strip, middle, self.inspector, spacing=0))
        self._body = QWidget()
        outer = column(frame("bar", top, SPACE // 2), inner, spacing=0)
        outer.setStretchFactor(inner, 1)
        self._body.setLayout(outer)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._body)
        self._stack.addWidget(self.empty)
        self.setLayout(column(self._stack, spacing=0))

    def _make_strip(self) -> QFrame:
        strip = column(*(tool_button(action) for action in self.commands.tools.values()), spacing=2)
        strip.addSpacing(SPACE * 2)
        for action in self.commands.operations.values():
            strip.addWidget(tool_button(action))
        strip.addStretch(1)
        return frame("sidebar", strip, SPACE // 2)

    def _connect(self) -> None:
        canvas, presenter = self.canvas, self.presenter
        canvas.painted.connect(presenter.commit)
        canvas.wanted.connect(self._on_wanted)
        canvas.moved.connect(presenter.move_point)
        canvas.chosen.connect(self._on_chosen)
        canvas.pointed.connect(self._on_pointed)
        canvas.view_changed.connect(self._on_view)
        canvas.asked.connect(presenter.find_object)
        self.inspector.joints.wanted.connect(self._on_point_wanted)
        self.inspector.said.connect(presenter.say)
        self.inspector.taken.connect(self._on_taken)
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
        presenter.objects_checked.connect(self._on_objects_checked)
        presenter.looking.connect(self._on_looking)
        presenter.found.connect(self._on_found)
        self.state.changed.connect(self._refresh_tools)
        self.views.activated.connect(self._on_view_chosen)
        self.save_button.clicked.connect(self.commands.save.trigger)
        self.inspector.copy_button.clicked.connect(self.commands.copy.trigger)
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
        if is_parse and held.tool in ONLY_MASKS:
            self.state.take(Tool.BRUSH)
            return
        self.commands.follow(is_mask=is_mask, is_parse=is_parse, tool=held.tool)
        self._strip.setVisible(not is_points)
        self.inspector.follow(session, self.canvas.points)
        if is_mask and held.tool is Tool.OBJECT:
            self.presenter.prepare_objects()
        self.views.setCurrentIndex(list(type(held.mode)).index(held.mode))
        self.commands.layer_shown.setChecked(held.is_layer_shown)
        self._write_hint()

    def _on_objects_checked(self, can_find: bool) -> None:
        self.commands.can_find_objects = can_find
        self.commands.write_object_tip()
        if not can_find and self.state.held.tool is Tool.OBJECT:
            self.state.take(Tool.BRUSH)
        self._refresh_tools()

    def _on_looking(self, is_looking: bool) -> None:
        self.inspector.write_object_text(is_looking=is_looking)

    def _on_found(self, rings: object) -> None:
        self._on_looking(False)
        self.canvas.show_object(cast("tuple[Points, ...]", rings))
        if not rings:
            self.hint.setText(self.tr("Nothing was found there."))

    def _on_taken(self, subtracts: bool) -> None:
        self.canvas.take_object(subtracts=subtracts)
        self.canvas.setFocus()

    def _refresh_history(self) -> None:
        session = self.session
        for action, step, bare, named in (
            (self.commands.undo, session and session.undo_step, self.tr("Undo"), self.tr("Undo %1")),
            (self.commands.redo, session and session.redo_step, self.tr("Redo"), self.tr("Redo %1")),
        ):
            name = self.context.message_of(Note(step.name or "retouch.other")) if step else ""
            action.setText(named.replace("%1", name) if name else bare)
            action.setToolTip(shortcut_tip(action.text(), action.shortcut()))
            action.setEnabled(step is not None)
        has_edits = session is not None and session.undo_step is not None
        self.commands.reset.setEnabled(has_edits)
        can_copy = has_edits and session is not None and session.spec.layer.value != "edit"
        self.commands.copy.setEnabled(can_copy)
        self.inspector.copy_button.setEnabled(can_copy)
        layer = self.canvas.points
        self.commands.hide.setEnabled(layer is not None and layer.can_hide and bool(self.canvas.selected))

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the layers are icons with tooltips rather than names cut short."""
        super().resizeEvent(event)
        is_wide = event.size().width() >= WIDE
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if is_wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        for tool in self._layer_buttons:
            tool.setToolButtonStyle(style)

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_state(self) -> None:
        count = len(self._stale)
        self.commands.save.setEnabled(self.session is not None and not (self._is_renewing and count > 0))
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
            self.inspector.result.write_state(self.tr("The look is being renewed. You can go on."))
        elif count:
            self.inspector.result.write_state(self.tr("Corrected since this look was made."))
        else:
            self.inspector.result.write_state(self.tr("Up to date."))

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
        elif tool is Tool.OBJECT:
            self.hint.setText(self.tr("Return adds what was found, Shift+Return takes it away, Backspace goes back."))
        elif tool is Tool.REFINE:
            self.hint.setText(self.tr("Paint over hair or fringes: edges there are found again."))
        else:
            self.hint.setText(self.tr("Alt or the right button erases. [ ] size, Space pans, the wheel zooms."))

    def _write_texts(self) -> None:
        self.commands.write_texts()
        self._write_view_texts()
        for one, action in ((self.inspector.copy_button, self.commands.copy), (self.save_button, self.commands.save)):
            one.setToolTip(shortcut_tip(action.text(), action.shortcut()))
        self.inspector.copy_button.setText(self.commands.copy.text())
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
        self.views.setToolTip(shortcut_tip(self.tr("Next view"), self.commands.next_view.shortcut()))
