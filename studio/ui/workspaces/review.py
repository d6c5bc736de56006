"""Review: before and after, side by side, 1:1; cull by keyboard, note, ask why two looks differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QLineEdit, QMenu, QSplitter, QStackedWidget, QWidget

from studio.domain.arrays import U8
from studio.domain.progress import Progress
from studio.library.records import Changes, Filter, Flag, Kind, LookRow, LookState, Order
from studio.ui.context import StudioContext
from studio.ui.photo_model import GridModel
from studio.ui.theme import SPACE
from studio.ui.thumbnails import Thumbnails, to_image
from studio.ui.widgets.basics import (
    Banner,
    EmptyState,
    TextDropper,
    TextWidget,
    add_action,
    column,
    frame,
    label,
    row,
    set_text,
    tool_button,
)
from studio.ui.widgets.compare import LinkedViews, PicturePane, SliderPane
from studio.ui.widgets.grid import Grid
from studio.ui.widgets.viewport import Pyramid

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

STRIP_SIZE = 96
STRIP_WIDTH = 132
DELTA_E_GOOD, DELTA_E_SEEN = 2.0, 5.0
"""CIEDE2000: below the first nobody sees a difference side by side; above the second everybody does."""

QUALITY_NOTES = frozenset({"engines.segmentation_score"})
"""Notes of a run that speak of the look's quality: they stand with the facts, all others in their tool tip."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A look's pictures, ready to be painted."""

    look_id: str
    photo: Pyramid
    look: Pyramid
    garment: Pyramid
    delta_e: float


class ReviewPage(TextWidget):
    """A strip of looks on the left, the comparison in the middle, what is known of the look below."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self.thumbnails = Thumbnails(self._fetch_thumbnail, STRIP_SIZE * 3, self)
        self.model = GridModel(self.project.library.looks, self.thumbnails, self)
        self.strip = Grid(self.model, STRIP_SIZE)
        self.slider = SliderPane()
        self.left = PicturePane()
        self.right = PicturePane()
        self.links = LinkedViews((self.slider, self.left, self.right), self)
        self.facts = label("", wrap=True)
        self.note = QLineEdit()
        self.banner = Banner()
        self.empty = EmptyState("review", "", "")
        self._shown: Shown | None = None
        self._kept: Shown | None = None
        self._make_actions()
        self._lay_out()
        self._connect()
        self._write_texts()

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Show the looks as they are now."""
        self.reload()
        self.strip.setFocus()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        menu.addActions([self.slider_action, self.pair_action, self.garment_action, self.freeze_action])
        menu.addSeparator()
        menu.addActions([self.actual_action, self.fit_action])
        menu.addSeparator()
        menu.addActions([self.approve_action, self.pick_action, self.reject_action, self.unmark_action])
        menu.addSeparator()
        menu.addActions([self.keep_action, self.why_action])

    # -- looks -------------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """List the looks, keeping the focus."""
        focused = self.strip.focused_id
        self.model.set_ids(self.project.library.look_ids(Filter(), Order.NAME))
        self._stack.setCurrentWidget(self._body if self.model.ids else self.empty)
        self.strip.focus_id(focused if focused in self.model.ids else next(iter(self.model.ids), ""))

    def open_look(self, look_id: str) -> None:
        """Focus a look that somebody asked for elsewhere."""
        self.strip.focus_id(look_id)

    def show_look(self, look_id: str) -> None:
        """Load a look's pictures off the UI thread and show them."""
        if not look_id:
            return

        def work(progress: Progress) -> object:
            from studio.jobs.compare import look_pictures  # decoding loads with the first look

            progress.report(0.0, "look")
            found = look_pictures(self.project, look_id)
            progress.report(0.6, "look")
            photo, look, garment = (Pyramid(to_image(picture)) for picture in (found.photo, found.look, found.garment))
            return Shown(look_id, photo, look, garment, found.delta_e)

        self.context.work.submit("review", work, self._on_loaded)

    def approve(self) -> None:
        """Approve the focused look and go to the next."""
        self._mark(lambda ids: self.project.library.set_look_state(ids, LookState.APPROVED))

    def flag(self, value: Flag) -> None:
        """Pick, reject or unmark the focused look and go to the next."""
        self._mark(lambda ids: self.project.library.flag(ids, value, Kind.LOOK))

    def keep(self) -> None:
        """Keep this look on the left, to compare the next ones with it."""
        self._kept = self._shown
        self.show_pair()

    def why_different(self) -> None:
        """Say what differs in how the kept look and this one were made."""
        if self._kept is None or self._shown is None or self._kept.look_id == self._shown.look_id:
            self.banner.show_message(self.tr("Keep one look (K), go to another, then ask again."), bad=False)
            return
        found = self.project.library.why_different(self._kept.look_id, self._shown.look_id)
        lines = [f"{one.where} {one.what}: {one.first or '-'} | {one.second or '-'}" for one in found]
        self.banner.show_message("\n".join(lines) or self.tr("Both looks were made in the same way."), bad=False)

    def _mark(self, change: Callable[[Sequence[str]], Changes]) -> None:
        ids = self.strip.selected_ids()
        if ids:
            change(ids)
            if len(ids) == 1 and self.context.preferences.flag("advance_after_rating"):
                self.strip.advance()

    # -- views -------------------------------------------------------------------------------------------------------

    def show_slider(self) -> None:
        """Before and after under one slider."""
        self._canvas.setCurrentWidget(self.slider)
        self._paint_shown()

    def show_pair(self) -> None:
        """Two panes: the kept look or the photo on the left, this look on the right."""
        self._canvas.setCurrentWidget(self._panes)
        self._paint_shown()

    def show_garment(self) -> None:
        """Two panes: the product photo on the left, this look on the right."""
        self._canvas.setCurrentWidget(self._panes)
        if self._shown is not None:
            self.left.set_pyramid(self._shown.garment, self.tr("Product photo"))
            self.links.frozen = {self.left}

    def toggle_frozen(self) -> None:
        """Freeze the left pane, or let both move together again."""
        self.links.frozen = set() if self.left in self.links.frozen else {self.left}

    def show_actual_pixels(self) -> None:
        """1:1 in all panes."""
        self._active_pane().show_actual_pixels()

    def fit(self) -> None:
        """Show the whole picture in all panes."""
        for pane in (self.slider, self.left, self.right):
            pane.fit()

    def _active_pane(self) -> PicturePane:
        return self.slider if self._canvas.currentWidget() is self.slider else self.right

    def _on_loaded(self, result: object) -> None:
        self._shown = cast(Shown, result)
        self._paint_shown()
        self._write_facts()

    def _paint_shown(self) -> None:
        if self._shown is None:
            return
        before, after = self.tr("Before"), self.tr("After")
        self.links.frozen = set()
        self.slider.set_pictures(self._shown.photo, self._shown.look, (before, after))
        kept = self._kept
        self.left.set_pyramid(kept.look if kept else self._shown.photo, self.tr("Kept") if kept else before)
        self.right.set_pyramid(self._shown.look, after)

    def _fetch_thumbnail(self, item: str, size: int) -> U8:
        from studio.jobs.pictures import thumbnail  # as above

        return thumbnail(self.project, item, size)

    # -- making ------------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        self.slider_action = add_action(self, "S", self.show_slider, "review")
        self.pair_action = add_action(self, "D", self.show_pair, "front")
        self.garment_action = add_action(self, "G", self.show_garment, "dress")
        self.freeze_action = add_action(self, "F", self.toggle_frozen, "stop")
        self._view_group = QActionGroup(self)
        for action in (self.slider_action, self.pair_action, self.garment_action):
            action.setCheckable(True)
            self._view_group.addAction(action)
        self.slider_action.setChecked(True)
        self.freeze_action.setCheckable(True)
        self.actual_action = add_action(self, "Z", self.show_actual_pixels, "search")
        self.fit_action = add_action(self, "Ctrl+0", self.fit, "grow")
        self.approve_action = add_action(self, "A", self.approve, "check")
        self.pick_action = add_action(self, "P", lambda: self.flag(Flag.PICK), "flag")
        self.reject_action = add_action(self, "R", lambda: self.flag(Flag.REJECT), "close")
        self.unmark_action = add_action(self, "U", lambda: self.flag(Flag.NONE), "undo")
        self.keep_action = add_action(self, "K", self.keep, "star")
        self.why_action = add_action(self, "W", self.why_different, "more")

    def _lay_out(self) -> None:
        views = [self.slider_action, self.pair_action, self.garment_action, self.freeze_action]
        zooms = [self.actual_action, self.fit_action]
        marks = [self.approve_action, self.pick_action, self.reject_action, self.keep_action, self.why_action]
        named = [tool_button(action, with_text=True) for action in (*views, *marks)]
        tools = row(*named[: len(views)], *map(tool_button, zooms), 1, *named[len(views) :], spacing=4)
        self._panes = QSplitter(Qt.Orientation.Horizontal)
        self._panes.addWidget(self.left)
        self._panes.addWidget(self.right)
        self._canvas = QStackedWidget()
        self._canvas.addWidget(self.slider)
        self._canvas.addWidget(self._panes)
        foot = frame("bar", row(self.facts, self.note, spacing=SPACE * 2), SPACE)
        self.note.setFixedWidth(320)
        middle = QWidget()
        bar = frame("bar", tools, SPACE // 2)
        TextDropper(bar, named)
        stacked = column(bar, self.banner, self._canvas, foot, spacing=0)
        stacked.setStretchFactor(self._canvas, 1)
        middle.setLayout(stacked)
        self.strip.setFixedWidth(STRIP_WIDTH)
        self._body = QWidget()
        self._body.setLayout(row(self.strip, middle, spacing=0))
        self._stack = QStackedWidget()
        self._stack.addWidget(self._body)
        self._stack.addWidget(self.empty)
        self.setLayout(column(self._stack, spacing=0))

    def _connect(self) -> None:
        self.strip.chosen.connect(self.show_look)
        self.strip.opened.connect(self.context.retouch_wanted)
        self.note.editingFinished.connect(self._on_note)
        self.context.library_changed.connect(self._on_library_changed)
        self.context.project_closing.connect(self.thumbnails.close)
        self.destroyed.connect(self.thumbnails.close)

    def _on_library_changed(self, changes: Changes) -> None:
        if changes.looks:
            self.model.refresh(changes.looks)
            if self.project.library.look_ids(Filter(), Order.NAME) != self.model.ids:
                self.reload()
            self._write_facts()

    def _on_note(self) -> None:
        look = self._current()
        if look is not None and look.marks.note != self.note.text():
            self.project.library.annotate([look.id], self.note.text(), Kind.LOOK)

    def _current(self) -> LookRow | None:
        rows = self.project.library.looks([self._shown.look_id]) if self._shown is not None else []
        return rows[0] if rows else None

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_facts(self) -> None:
        look = self._current()
        if look is None or self._shown is None:
            self.facts.clear()
            return
        parts = [look.name, self._state_text(look.state)]
        parts.append(self.tr("Confidence %1 %").replace("%1", f"{100 * look.confidence.score:.0f}"))
        if not math.isnan(self._shown.delta_e):
            parts.append(self._delta_text(self._shown.delta_e))
        if not look.commercial:
            parts.append(self.tr("Not for commercial delivery"))
        parts += [self.context.message_of(note) for note in look.confidence.reasons]
        notes = self.project.library.look_record(look.id).fallbacks
        parts += [self.context.message_of(note) for note in notes if note.key in QUALITY_NOTES]
        self.facts.setText("  ·  ".join(parts))
        self.facts.setToolTip("\n".join(dict.fromkeys(self.context.message_of(note) for note in notes)))
        if not self.note.hasFocus():
            self.note.setText(look.marks.note)

    def _delta_text(self, delta_e: float) -> str:
        if delta_e <= DELTA_E_GOOD:
            verdict = self.tr("colour true (ΔE %1)")
        elif delta_e <= DELTA_E_SEEN:
            verdict = self.tr("colour slightly off (ΔE %1)")
        else:
            verdict = self.tr("colour visibly off (ΔE %1)")
        return verdict.replace("%1", f"{delta_e:.1f}")

    def _state_text(self, state: LookState) -> str:
        return {
            LookState.DRESSED: self.tr("Dressed"),
            LookState.CORRECTED: self.tr("Corrected"),
            LookState.APPROVED: self.tr("Approved"),
            LookState.EXPORTED: self.tr("Exported"),
        }[state]

    def _write_texts(self) -> None:
        set_text(self.slider_action, self.tr("Before and after with a slider"), self.tr("Before and after"))
        set_text(self.pair_action, self.tr("Side by side"))
        set_text(self.garment_action, self.tr("Product photo beside the look"), self.tr("Product"))
        set_text(self.freeze_action, self.tr("Freeze the left pane"), self.tr("Freeze"))
        set_text(self.actual_action, self.tr("Actual pixels"))
        set_text(self.fit_action, self.tr("Fit the window"))
        set_text(self.approve_action, self.tr("Approve"))
        set_text(self.pick_action, self.tr("Pick"))
        set_text(self.reject_action, self.tr("Reject"))
        set_text(self.unmark_action, self.tr("Unmark"))
        set_text(self.keep_action, self.tr("Keep for comparison"), self.tr("Keep"))
        set_text(self.why_action, self.tr("Why different?"))
        self.note.setAccessibleName(self.tr("A note about this look"))
        self.note.setPlaceholderText(self.tr("A note about this look"))
        self.strip.setAccessibleName(self.tr("Looks"))
        self.empty.set_texts(
            self.tr("No looks to review yet"), self.tr("Dress some pairs first; they appear here as they finish.")
        )
        self._paint_shown()
        self._write_facts()
