"""The queue beside the board: what runs, what waits, what failed and why."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from studio.jobs.run import EventKind, RunEvent
from studio.library.records import JobState
from studio.ui.context import StudioContext
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import TextWidget, button, column, label, row
from studio.ui.widgets.job_list import JobList, JobListModel, JobRole


def duration_text(seconds: float) -> str:
    """Return a rounded duration: 45 s, 3 min, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class QueuePanel(TextWidget):
    """Overall progress with the time left, pause, cancel and retry, and the list of jobs."""

    pause_wanted = Signal(list)
    resume_wanted = Signal()
    cancel_wanted = Signal(list)
    retry_wanted = Signal(list)
    states_changed = Signal()

    def __init__(self, context: StudioContext, first_button: QWidget) -> None:
        super().__init__()
        self._context = context
        self.jobs = JobListModel(context, self)
        self.title = label("", "heading")
        self.now = label("", "soft", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.pause_button = button("")
        self.cancel_button = button("")
        self.retry_button = button("")
        self.list = JobList(self.jobs)
        self.reason = label("", "bad", wrap=True)
        self.reason.setVisible(False)
        self._is_paused = False
        self._done = 0
        self._stage_names: dict[str, str] = {}
        buttons = row(self.pause_button, self.cancel_button, self.retry_button, 1, first_button)
        self.setLayout(column(self.title, self.now, self.bar, buttons, self.list, self.reason, spacing=SPACE))
        self.pause_button.clicked.connect(self.toggle_pause)
        self.cancel_button.clicked.connect(self.cancel)
        self.retry_button.clicked.connect(self.retry)
        self.list.selectionModel().selectionChanged.connect(self._on_selected)
        self.jobs.modelReset.connect(self._show_reason)
        self._write_texts()
        self.show_idle()

    def on_event(self, event: RunEvent) -> None:
        """Follow the queue; who shows the panel reloads it when jobs began or ended, several at a time."""
        if event.kind is EventKind.PROGRESS:
            step = self._stage_names.get(event.stage, event.stage)
            left = event.left
            text = self.tr("%1 · %2 to go").replace("%1", step).replace("%2", str(left))
            if event.eta_s is not None:
                text += "\n" + self.tr("About %1 left").replace("%1", duration_text(event.eta_s))
            self.now.setText(text)
            self.bar.setVisible(True)
            self.bar.setValue(round(1000 * (self._done + event.fraction) / max(1, self._done + left)))
            return
        if event.kind is EventKind.SUCCEEDED or event.kind is EventKind.FAILED:
            self._done += 1
        if event.kind is EventKind.IDLE:
            self.show_idle()
            return
        if event.kind is EventKind.STARTED:
            self.show_starting()

    def reload(self) -> None:
        """Read the queue again; what is selected stays selected."""
        chosen = self.selected_ids()
        self.jobs.reload()
        selection = self.list.selectionModel()
        for index in map(self.jobs.index_of, chosen):
            if index.isValid():
                selection.select(index, QItemSelectionModel.SelectionFlag.Select)
        self._show_buttons()

    def show_starting(self) -> None:
        """Something was queued: say so before the first step reports."""
        if not self.bar.isVisible():
            self.now.setText(self.tr("Starting…"))
            self.bar.setVisible(True)
            self.bar.setValue(0)
            self._show_buttons()

    def show_idle(self) -> None:
        """Nothing runs."""
        self._done = 0
        self.bar.setVisible(False)
        self.reload()
        count = self.jobs.rowCount()
        self.now.setText(self.tr("Nothing is running.") if count else self.tr("The queue is empty."))

    def show_interrupted(self) -> None:
        """Jobs of the last session wait: the first button resumes them."""
        self._is_paused = True
        self._write_texts()

    def selected_ids(self) -> list[str]:
        """Ids of the selected jobs; [] = none is selected, actions mean all."""
        return [self.jobs.job_id(index) for index in self.list.selectionModel().selectedIndexes()]

    def _show_buttons(self) -> None:
        project = self._context.project
        if project is None:
            return
        counts = project.library.job_counts()
        waiting = (JobState.RUNNING, JobState.QUEUED, JobState.PAUSED, JobState.INTERRUPTED)
        is_waiting = any(counts[state] for state in waiting)
        self.pause_button.setEnabled(is_waiting)
        self.cancel_button.setEnabled(is_waiting)
        self.retry_button.setEnabled(bool(counts[JobState.FAILED] or counts[JobState.CANCELLED]))
        if not counts[JobState.RUNNING] and not counts[JobState.QUEUED]:
            self._is_paused = is_waiting  # else the first button keeps saying what the last click made of it
            self._write_texts()
        self.states_changed.emit()

    def _on_selected(self, chosen: QItemSelection, left: QItemSelection) -> None:
        del chosen, left
        self._show_reason()

    def _show_reason(self) -> None:
        """Say in full why the chosen job failed, and what to do about it."""
        chosen = self.list.selectionModel().selectedIndexes()
        failed = [one for one in chosen if one.data(JobRole.STATE) is JobState.FAILED]
        self.reason.setVisible(bool(failed))
        self.reason.setText(str(failed[0].data(JobRole.STATE_TEXT)) if failed else "")

    def toggle_pause(self) -> None:
        self._is_paused = not self._is_paused
        if self._is_paused:
            self.pause_wanted.emit(self.selected_ids())
        else:
            self.resume_wanted.emit()
        self._write_texts()

    def cancel(self) -> None:
        self.cancel_wanted.emit(self.selected_ids())

    def retry(self) -> None:
        self.retry_wanted.emit(self.selected_ids())

    def _write_texts(self) -> None:
        self.title.setText(self.tr("Queue"))
        self.pause_button.setText(self.tr("Resume") if self._is_paused else self.tr("Pause"))
        self.cancel_button.setText(self.tr("Cancel"))
        self.retry_button.setText(self.tr("Retry"))
        self.pause_button.setToolTip(self.tr("The selected jobs, or all where none is selected"))
        self.cancel_button.setToolTip(self.tr("The selected jobs, or all where none is selected"))
        self.retry_button.setToolTip(self.tr("Failed and cancelled jobs, once more"))
        self.list.setAccessibleName(self.tr("Queue"))
        self._stage_names = {
            "cutout": self.tr("Cutting out"),
            "edges": self.tr("Correcting edges"),
            "pose": self.tr("Finding the pose"),
            "framing": self.tr("Framing"),
            "parse": self.tr("Parsing the person"),
            "densepose": self.tr("Mapping the body"),
            "agnostic": self.tr("Preparing the figure"),
            "garment": self.tr("Reading the garment"),
            "tryon": self.tr("Dressing"),
            "look": self.tr("Blending"),
        }
