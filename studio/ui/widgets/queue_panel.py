"""The queue beside the board: what runs, what waits, what failed and why."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QListView, QProgressBar, QWidget

from studio.domain.keys import Note
from studio.jobs.run import EventKind, RunEvent
from studio.library.records import JobRow, JobState
from studio.ui.context import StudioContext
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import button, column, label, row

Index = QModelIndex | QPersistentModelIndex
SHOWN_STATES = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.PAUSED,
    JobState.INTERRUPTED,
    JobState.FAILED,
)


def duration_text(seconds: float) -> str:
    """Return a rounded duration: 45 s, 3 min, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class JobListModel(QAbstractListModel):
    """The jobs that are not done, as lines of text: the pair, then its state or the reason it failed."""

    def __init__(self, context: StudioContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._ids: list[str] = []
        self._rows: dict[str, JobRow] = {}

    def reload(self) -> None:
        """Read the queue again."""
        project = self._context.project
        if project is None:
            return
        self.beginResetModel()
        self._ids = project.library.job_ids(SHOWN_STATES)
        self._rows.clear()
        self.endResetModel()

    def job_id(self, index: Index) -> str:
        return self._ids[index.row()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        job = self._row(index)
        project = self._context.project
        if job is None or project is None:
            return None
        names = [photo.name for photo in project.library.photos([job.model_id, job.garment_id])]
        return " + ".join(names) + "\n" + self._state_text(job)

    def _row(self, index: Index) -> JobRow | None:
        job_id = self._ids[index.row()]
        if job_id not in self._rows and self._context.project is not None:
            self._rows.update({job.id: job for job in self._context.project.library.jobs([job_id])})
        return self._rows.get(job_id)

    def _state_text(self, job: JobRow) -> str:
        if job.state is JobState.FAILED and job.error is not None:
            return self._context.message_of(Note(job.error.key, job.error.values))
        return {
            JobState.RUNNING: self.tr("Running"),
            JobState.QUEUED: self.tr("Waiting"),
            JobState.PAUSED: self.tr("Paused"),
            JobState.INTERRUPTED: self.tr("Interrupted: resume to go on"),
        }.get(job.state, "")


class QueuePanel(QWidget):
    """Overall progress with the time left, pause, cancel and retry, and the list of jobs."""

    pause_wanted = Signal(list)
    resume_wanted = Signal()
    cancel_wanted = Signal(list)
    retry_wanted = Signal(list)

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.jobs = JobListModel(context, self)
        self.title = label("", "heading")
        self.now = label("", "soft", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.pause_button = button("")
        self.cancel_button = button("")
        self.retry_button = button("")
        self.list = QListView()
        self.list.setModel(self.jobs)
        self.list.setWordWrap(True)
        self.list.setSpacing(4)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._is_paused = False
        self._done = 0
        self._stage_names: dict[str, str] = {}
        buttons = row(self.pause_button, self.cancel_button, self.retry_button, 1)
        self.setLayout(column(self.title, self.now, self.bar, buttons, self.list, spacing=SPACE))
        self.pause_button.clicked.connect(self._on_pause)
        self.cancel_button.clicked.connect(self._on_cancel)
        self.retry_button.clicked.connect(self._on_retry)
        self._write_texts()
        self.show_idle()

    def on_event(self, event: RunEvent) -> None:
        """Follow the queue."""
        if event.kind is EventKind.PROGRESS:
            step = self._stage_names.get(event.stage, event.stage)
            left = event.left
            text = self.tr("%1 - %2 to go").replace("%1", step).replace("%2", str(left))
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
        self.jobs.reload()
        self._show_buttons()

    def show_idle(self) -> None:
        """Nothing runs."""
        self._done = 0
        self.bar.setVisible(False)
        self.jobs.reload()
        count = self.jobs.rowCount()
        self.now.setText(self.tr("Nothing is running.") if count else self.tr("The queue is empty."))
        self._show_buttons()

    def show_interrupted(self) -> None:
        """Jobs of the last session wait: the first button resumes them."""
        self._is_paused = True
        self._write_texts()

    def selected_ids(self) -> list[str]:
        """Ids of the selected jobs; [] = none is selected, actions mean all."""
        return [self.jobs.job_id(index) for index in self.list.selectionModel().selectedIndexes()]

    def _show_buttons(self) -> None:
        has_jobs = self.jobs.rowCount() > 0
        for one in (self.pause_button, self.cancel_button, self.retry_button):
            one.setEnabled(has_jobs)

    def _on_pause(self) -> None:
        self._is_paused = not self._is_paused
        if self._is_paused:
            self.pause_wanted.emit(self.selected_ids())
        else:
            self.resume_wanted.emit()
        self._write_texts()

    def _on_cancel(self) -> None:
        self.cancel_wanted.emit(self.selected_ids())

    def _on_retry(self) -> None:
        self.retry_wanted.emit(self.selected_ids())

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._write_texts()
        super().changeEvent(event)

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
