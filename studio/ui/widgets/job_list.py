"""The list of jobs that are not done: a pair a row, its state or the reason it failed below."""

from __future__ import annotations

from enum import IntEnum
from pathlib import PurePath

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.domain.keys import Note
from studio.library.records import JobRow, JobState
from studio.ui.context import StudioContext
from studio.ui.theme import SPACE, current_tokens

Index = QModelIndex | QPersistentModelIndex
PAGE = 50
"""Rows are read from the library in runs of this many: about what a screen shows, twice."""
ROW_HEIGHT = 44
SHOWN_STATES = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.PAUSED,
    JobState.INTERRUPTED,
    JobState.FAILED,
)


class JobRole(IntEnum):
    """What a row tells beside its text."""

    PAIR = Qt.ItemDataRole.UserRole + 1
    STATE_TEXT = Qt.ItemDataRole.UserRole + 2
    STATE = Qt.ItemDataRole.UserRole + 3


class JobListModel(QAbstractListModel):
    """The jobs that are not done, read when they are looked at."""

    def __init__(self, context: StudioContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._ids: list[str] = []
        self._rows: dict[str, JobRow] = {}
        self._names: dict[str, str] = {}

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

    def index_of(self, job_id: str) -> QModelIndex:
        """Return where a job stands, invalid where it is not listed any more."""
        return self.index(self._ids.index(job_id)) if job_id in self._ids else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        job = self._row(index.row())
        if job is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            names = " + ".join(self._names.get(one, "") for one in (job.model_id, job.garment_id))
            return f"{names}\n{self._state_text(job)}"
        if role == JobRole.PAIR:
            return self._pair(job)
        if role == JobRole.STATE_TEXT:
            return self._state_text(job)
        return job.state if role == JobRole.STATE else None

    def _row(self, number: int) -> JobRow | None:
        job_id = self._ids[number]
        project = self._context.project
        if job_id not in self._rows and project is not None:
            start = number - number % PAGE
            jobs = project.library.jobs(self._ids[start : start + PAGE])
            self._rows.update({job.id: job for job in jobs})
            photos = {one for job in jobs for one in (job.model_id, job.garment_id)} - set(self._names)
            self._names.update({photo.id: photo.name for photo in project.library.photos(sorted(photos))})
        return self._rows.get(job_id)

    def _pair(self, job: JobRow) -> str:
        names = (PurePath(self._names.get(one, "")).stem for one in (job.model_id, job.garment_id))
        return " + ".join(names)

    def _state_text(self, job: JobRow) -> str:
        if job.state is JobState.FAILED and job.error is not None:
            return self._context.message_of(Note(job.error.key, job.error.values))
        return {
            JobState.RUNNING: self.tr("Running"),
            JobState.QUEUED: self.tr("Waiting"),
            JobState.PAUSED: self.tr("Paused"),
            JobState.INTERRUPTED: self.tr("Interrupted: resume to go on"),
        }.get(job.state, "")


class JobDelegate(QStyledItemDelegate):
    """Paints a job in two lines of one height: thousands of rows need no measuring."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = current_tokens()
        state = index.data(JobRole.STATE)
        room = option.rect.adjusted(0, 0, 0, -1)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(room, QColor(colours.accent_soft))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(room, QColor(colours.hover))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(colours.accent))
            painter.drawRect(room.adjusted(0, 0, -1, -1))
        width = room.width() - 2 * SPACE
        first = QRect(room.left() + SPACE, room.top() + 3, width, ROW_HEIGHT // 2 - 3)
        second = first.translated(0, ROW_HEIGHT // 2 - 3)
        tone = {JobState.FAILED: colours.bad, JobState.RUNNING: colours.accent}.get(state, colours.text_faint)
        metrics = option.fontMetrics
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for place, role, colour, mode in (
            (first, JobRole.PAIR, colours.text, Qt.TextElideMode.ElideMiddle),
            (second, JobRole.STATE_TEXT, tone, Qt.TextElideMode.ElideRight),
        ):
            painter.setPen(QColor(colour))
            painter.drawText(place, left, metrics.elidedText(str(index.data(role)), mode, width))
        painter.restore()


class JobList(QListView):
    """The jobs, one selected or several."""

    def __init__(self, model: JobListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(JobDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
