"""Dress: models down, garments across; choose pairs, dress them, watch the looks appear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu, QSplitter, QStackedWidget

from studio.domain.arrays import U8
from studio.domain.artefacts import PhotoRole
from studio.domain.progress import Progress
from studio.jobs.pairlist import PairList
from studio.jobs.run import EventKind, RunEvent
from studio.library.records import CellRow, Changes, Filter, JobState, LookState
from studio.ui.board_model import BoardModel
from studio.ui.context import StudioContext
from studio.ui.foresight import DOUBTFUL, MOST_PAIRS, Foresight
from studio.ui.icons import icon
from studio.ui.queue_bridge import QueueBridge
from studio.ui.theme import SPACE
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets.basics import (
    Banner,
    EmptyState,
    TextWidget,
    add_action,
    button,
    column,
    frame,
    label,
    row,
    set_text,
    tool_button,
)
from studio.ui.widgets.board import CELL_HEIGHT, Board
from studio.ui.widgets.queue_panel import QueuePanel

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

QUEUE_WIDTH = 320
REFRESH_MS = 100
"""Changes of the library are gathered for this long before the board is read again."""


class DressPage(TextWidget):
    """The board, the queue beside it, and a line about the focused pair below."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self._requests = 0
        self.bridge = QueueBridge(self)
        self.thumbnails = Thumbnails(self._fetch_thumbnail, CELL_HEIGHT * 2, self)
        self.model = BoardModel(self.project, self.thumbnails, self)
        self.board = Board(self.model)
        self.coverage = label("", "soft")
        self.detail = label("", "soft", wrap=True)
        self.outlook = label("", "warn", wrap=True)
        self.outlook.hide()
        self.foresight = Foresight(self.project, self)
        self.dress_button = button("", primary=True)
        self.all_button = button("")
        self.list_button = button("")
        self.banner = Banner()
        self.empty = EmptyState("dress", "", "")
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(REFRESH_MS)
        self._queue_timer = QTimer(self)  # a turn of its own: the board and the queue each cost some milliseconds
        self._queue_timer.setSingleShot(True)
        self._make_actions()
        self.queue = QueuePanel(context, tool_button(self.first_action))
        self._lay_out()
        self._connect()
        self._write_texts()

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Show models, garments and looks as they are now; offer to go on with what was interrupted."""
        self.reload_axes()
        self.queue.reload()
        self.board.setFocus()
        interrupted = self.project.library.job_ids([JobState.INTERRUPTED])
        if interrupted and not self.queue.bar.isVisible():
            text = self.tr("%1 pairs were interrupted. Choose Resume in the queue to go on where they were.")
            self.banner.show_message(text.replace("%1", str(len(interrupted))), bad=False)
            self.queue.show_interrupted()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        menu.addActions([self.dress_action, self.all_action, self.stale_action, self.list_action])
        menu.addSeparator()
        menu.addAction(self.approve_action)
        menu.addSeparator()
        menu.addActions([self.pause_action, self.first_action, self.cancel_action, self.retry_action])

    # -- dressing ----------------------------------------------------------------------------------------------------

    def dress_selected(self) -> None:
        """Queue the selected pairs; the focused one where nothing is selected."""
        pairs = self.board.selected_pairs()  # read here: a lane's thread may not ask a widget
        if not pairs:
            self.banner.show_message(self._how_to_choose(), bad=False)
            return
        self._queue(lambda: self.project.queue_pairs(pairs))

    def dress_all(self) -> None:
        """Queue every model in every garment that has no look yet."""
        models = [photo.id for photo in self.model.models]
        garments = [photo.id for photo in self.model.garments]

        def add() -> Changes:
            cells = self.project.library.cells(models, garments)  # as many as models times garments: off the UI thread
            return self.project.queue_pairs([(one.model_id, one.garment_id) for one in cells if not one.look_id])

        self._queue(add)

    def redress_stale(self) -> None:
        """Queue the looks whose inputs were corrected since."""
        self._queue(self.project.redress)

    def import_list(self) -> None:
        """Ask for a pair list and queue what it names."""
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Import a pair list"), "", self.tr("Pair lists (*.txt *.csv *.tsv)")
        )
        if name:
            self.context.work.submit("pairs", lambda progress: self.project.read_pairs(Path(name)), self._on_list)

    def approve(self) -> None:
        """Approve the looks of the selected pairs."""
        looks = [self._cell(*pair).look_id for pair in self.board.selected_pairs()]
        wanted = [look for look in looks if look]
        if wanted:
            self.project.library.set_look_state(wanted, LookState.APPROVED)

    def move_first(self) -> None:
        """Let the selected jobs of the queue, or else of the board's pairs, come next."""
        pairs = set(self.board.selected_pairs())
        chosen = self.queue.selected_ids()

        def work(progress: Progress) -> object:
            progress.report(0.0, "queue")
            waiting = self.project.library.jobs(self.project.library.job_ids([JobState.QUEUED]))
            first = [job.id for job in waiting if job.id in chosen]
            first = first or [job.id for job in waiting if not chosen and (job.model_id, job.garment_id) in pairs]
            others = [job.id for job in waiting if job.id not in first]
            return self.project.queue.move(first, others[0]) if first and others else None

        self.context.work.submit(self._request_id(), work, self._on_moved)

    def _on_moved(self, result: object) -> None:
        del result
        self.queue.reload()

    def _on_queue_states(self) -> None:
        self.pause_action.setEnabled(self.queue.pause_button.isEnabled())
        self.first_action.setEnabled(self.queue.pause_button.isEnabled())
        self.cancel_action.setEnabled(self.queue.cancel_button.isEnabled())
        self.retry_action.setEnabled(self.queue.retry_button.isEnabled())

    def _queue(self, add: Callable[[], Changes]) -> None:
        self.foresight.stop()

        def work(progress: Progress) -> object:
            progress.report(0.0, "queue")
            changes = add()
            self.project.start_queue(self.bridge.on_event)
            return changes

        self.context.work.submit(self._request_id(), work, self._on_queued)

    def _request_id(self) -> str:
        """Every request has an id of its own: none may replace one that still waits."""
        self._requests += 1
        return f"queue {self._requests}"

    def _on_queued(self, result: object) -> None:
        if cast(Changes, result).jobs:
            self.banner.hide()
            self.queue.show_starting()
        else:
            self.banner.show_message(self.tr("There is nothing to dress: every chosen pair is done."), bad=False)
        self.queue.reload()

    def _on_list(self, result: object) -> None:
        pairs = cast(PairList, result)
        if pairs.problems:
            first = self.context.message(pairs.problems[0])
            more = len(pairs.problems) - 1
            text = self.tr("%1 %2 more lines were not understood.") if more else "%1"
            self.banner.show_message(text.replace("%1", first).replace("%2", str(more)))
        if pairs.pairs:
            self._queue(lambda: self.project.queue_pairs(pairs.pairs))

    # -- following ---------------------------------------------------------------------------------------------------

    def reload_axes(self) -> None:
        """Read which models and garments there are."""
        library = self.project.library
        models = library.photos(library.photo_ids(Filter(role=PhotoRole.MODEL)))
        garments = library.photos(library.photo_ids(Filter(role=PhotoRole.GARMENT)))
        self.model.set_axes(models, garments)
        self._stack.setCurrentWidget(self._split if models and garments else self.empty)
        self._write_coverage()

    def _on_event(self, event: object) -> None:
        happened = cast(RunEvent, event)
        self.queue.on_event(happened)
        if happened.kind is EventKind.PROGRESS:
            for job in self.project.library.jobs([happened.job_id]):
                self.model.set_fraction(job.model_id, job.garment_id, happened.fraction)
        else:
            self._refresh_soon()

    def _refresh_soon(self) -> None:
        """Gather what happens in a tenth of a second; looks that come in a hail shall not put it off for ever."""
        if not self._refresh_timer.isActive():
            self._refresh_timer.start()

    def _on_library_changed(self, changes: Changes) -> None:
        if changes.photos or changes.edits:
            self.foresight.forget()
            self.model.forget_doubts()
        if changes.photos:
            self.reload_axes()
        elif changes.edits:
            self._look_ahead()
        if changes.pairs or changes.looks or changes.jobs or changes.edits:
            self._refresh_soon()

    def _refresh(self) -> None:
        self.model.refresh()
        self._queue_timer.start()
        self._write_coverage()
        self._write_detail(self.board.currentIndex())

    def _cell(self, model_id: str, garment_id: str) -> CellRow:
        return self.model.cell_at(self.model.index_of(model_id, garment_id))

    def _fetch_thumbnail(self, item: str, size: int) -> U8:
        from studio.jobs.pictures import thumbnail  # decoding loads with the first thumbnail, not with the window

        return thumbnail(self.project, item, size)

    def _on_opened(self, index: QModelIndex) -> None:
        cell = self.model.cell_at(index)
        if cell.look_id:
            self.context.look_wanted.emit(cell.look_id)
        else:
            self.dress_selected()

    # -- making ------------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        self.dress_action = add_action(self, "Ctrl+Return", self.dress_selected)
        self.all_action = add_action(self, "Ctrl+Shift+Return", self.dress_all)
        self.stale_action = add_action(self, "Ctrl+R", self.redress_stale)
        self.list_action = add_action(self, "Ctrl+L", self.import_list)
        self.approve_action = add_action(self, "A", self.approve)
        self.pause_action = add_action(self, "Ctrl+P", lambda: self.queue.toggle_pause())
        self.first_action = add_action(self, "Ctrl+Up", self.move_first)
        self.first_action.setIcon(icon("first"))
        self.cancel_action = add_action(self, "Ctrl+Backspace", lambda: self.queue.cancel())
        self.retry_action = add_action(self, "Ctrl+Shift+R", lambda: self.queue.retry())

    def _lay_out(self) -> None:
        top = frame("bar", row(self.coverage, 1, self.list_button, self.all_button, self.dress_button), SPACE)
        side = frame("inspector", column(self.queue, spacing=0))
        side.setMinimumWidth(QUEUE_WIDTH)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(self.board)
        self._split.addWidget(side)
        self._split.setStretchFactor(0, 1)
        self._split.setSizes([900, QUEUE_WIDTH])
        self._split.setCollapsible(0, False)
        self._split.setCollapsible(1, False)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._split)
        self._stack.addWidget(self.empty)
        foot = frame("bar", column(self.detail, self.outlook, spacing=0), SPACE)
        outer = column(top, self.banner, self._stack, foot, spacing=0)
        outer.setStretchFactor(self._stack, 1)
        self.setLayout(outer)

    def _connect(self) -> None:
        self.dress_button.clicked.connect(self.dress_selected)
        self.all_button.clicked.connect(self.dress_all)
        self.list_button.clicked.connect(self.import_list)
        self.board.opened.connect(self._on_opened)
        self.board.chosen.connect(self._write_detail)
        self.board.selectionModel().selectionChanged.connect(self._look_ahead)
        self.foresight.changed.connect(self._on_foreseen)
        self.bridge.happened.connect(self._on_event)
        self.context.library_changed.connect(self._on_library_changed)
        self._refresh_timer.timeout.connect(self._refresh)
        self._queue_timer.timeout.connect(self.queue.reload)
        self.queue.pause_wanted.connect(self._on_pause)
        self.queue.resume_wanted.connect(self._on_resume)
        self.queue.cancel_wanted.connect(self._on_cancel)
        self.queue.retry_wanted.connect(self._on_retry)
        self.queue.states_changed.connect(self._on_queue_states)
        self.context.project_closing.connect(self.thumbnails.close)
        self.context.project_closing.connect(self.foresight.close)
        self.destroyed.connect(self.thumbnails.close)

    def _on_pause(self, ids: list[str]) -> None:
        self.context.work.submit(self._request_id(), lambda progress: self.project.queue.pause(ids or None))

    def _on_resume(self) -> None:
        self._queue(self.project.queue.resume)

    def _on_cancel(self, ids: list[str]) -> None:
        self.context.work.submit(self._request_id(), lambda progress: self.project.queue.cancel(ids or None))

    def _on_retry(self, ids: list[str]) -> None:
        failed = ids or self.project.library.job_ids([JobState.FAILED, JobState.CANCELLED])
        self._queue(lambda: self.project.queue.retry(failed))

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_coverage(self) -> None:
        done = self.project.library.coverage()
        total = len(self.model.models) * len(self.model.garments)
        text = self.tr("%1 of %2 dressed, %3 corrected, %4 approved, %5 exported")
        values = (done.dressed, total, done.corrected, done.approved, done.exported)
        for number, value in enumerate(values, start=1):
            text = text.replace(f"%{number}", f"{value:,}")
        self.coverage.setText(text)

    def _how_to_choose(self) -> str:
        return self.tr("Choose pairs: click a cell, a model's row, a garment's column, or Ctrl+A.")

    def _write_detail(self, index: QModelIndex) -> None:
        if not index.isValid():
            self.detail.setText(self._how_to_choose())
            return
        cell = self.model.cell_at(index)
        names = f"{self.model.models[index.row()].name} + {self.model.garments[index.column()].name}"
        if cell.job_state is JobState.FAILED and cell.error is not None:
            state = self.context.message_of(cell.error)
        elif cell.look_id:
            look = self.project.library.look(cell.look_id)
            reasons = " ".join(self.context.message_of(note) for note in look.confidence.reasons)
            state = self.tr("Dressed, confidence %1 %.").replace("%1", f"{100 * look.confidence.score:.0f}")
            state = f"{state} {reasons}"
            if cell.is_stale:
                state += " " + self.tr("Its inputs were corrected since: dress it again.")
        else:
            state = " ".join([self.tr("Not dressed yet."), self._expectation(self.model.pair_at(index))])
        self.detail.setText(f"{names}: {state}".strip())
        self._write_outlook()

    def _expectation(self, pair: tuple[str, str], most: int | None = None) -> str:
        """Return what is to be expected of a pair, with its weightiest reasons; "" where it was not looked at."""
        expected = self.foresight.of(pair)
        if expected is None:
            return ""
        text = self.tr("Expected confidence: up to %1 %.").replace("%1", f"{100 * expected.score:.0f}")
        return " ".join([text, *(self.context.message_of(note) for note in expected.reasons[:most])])

    def _write_outlook(self) -> None:
        """Say of several chosen pairs how many are doubtful, and of the worst of them why."""
        pairs = self._chosen_bare()
        seen = [(expected.score, pair) for pair in pairs if (expected := self.foresight.of(pair)) is not None]
        doubtful = sorted(one for one in seen if one[0] <= DOUBTFUL)
        self.outlook.setVisible(bool(doubtful) and len(pairs) > 1)
        if not doubtful:
            return
        worst = doubtful[0][1]
        index = self.model.index_of(*worst)
        names = f"{self.model.models[index.row()].name} + {self.model.garments[index.column()].name}"
        text = self.tr("Of %1 chosen pairs looked at, %2 may not come out well; the worst is %3. %4")
        values = (str(len(seen)), str(len(doubtful)), names, self._expectation(worst, 1))
        for number, value in enumerate(values, start=1):
            text = text.replace(f"%{number}", value)
        self.outlook.setText(text)

    def _chosen_bare(self) -> list[tuple[str, str]]:
        """The chosen pairs that have no look yet, the first of a large choice."""
        chosen = self.board.selected_pairs()[:MOST_PAIRS]
        return [pair for pair in chosen if not self._cell(*pair).look_id]

    def _look_ahead(self) -> None:
        """Look in the background at what was chosen; the focused pair first."""
        pairs, current = self._chosen_bare(), self.board.currentIndex()
        focused = self.model.pair_at(current) if current.isValid() else None
        self.foresight.look_at(sorted(pairs, key=lambda pair: pair != focused))
        self._write_outlook()

    def _on_foreseen(self, model_id: str, garment_id: str) -> None:
        expected = self.foresight.of((model_id, garment_id))
        if expected is not None and expected.score <= DOUBTFUL:
            self.model.set_doubtful(model_id, garment_id)
        self._write_detail(self.board.currentIndex())

    def _write_texts(self) -> None:
        set_text(self.dress_action, self.tr("Dress the chosen pairs"))
        set_text(self.all_action, self.tr("Dress all that are missing"))
        set_text(self.stale_action, self.tr("Dress again what was corrected"))
        set_text(self.list_action, self.tr("Import a pair list…"))
        set_text(self.approve_action, self.tr("Approve"))
        set_text(self.pause_action, self.tr("Pause or resume the queue"))
        set_text(self.first_action, self.tr("Dress these next"))
        set_text(self.cancel_action, self.tr("Cancel what waits or runs"))
        set_text(self.retry_action, self.tr("Retry what failed"))
        for widget, action in (
            (self.dress_button, self.dress_action),
            (self.all_button, self.all_action),
            (self.list_button, self.list_action),
        ):
            widget.setText(action.text())
            widget.setToolTip(action.toolTip())
        self.board.setAccessibleName(self.tr("Models and garments"))
        self.empty.set_texts(
            self.tr("Nothing to dress yet"),
            self.tr("Import at least one photo of a model and one of a garment in the Library."),
        )
        self._write_coverage()
        self._write_detail(self.board.currentIndex())
