"""What a correction leads to: the look before and after it was renewed, in place, beside the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QWidget

from studio.domain.progress import Progress
from studio.ui.lanes import JobLane
from studio.ui.thumbnails import to_image
from studio.ui.widgets.basics import column, label
from studio.ui.widgets.compare import SliderPane
from studio.ui.widgets.viewport import Pyramid

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

SIDE = 1024
HEIGHT = 208


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One look of a pair, small."""

    pair_id: str
    look_id: str
    picture: Pyramid


class ResultPanel(QWidget):
    """Follows one of the looks that depend on the layer; the newest lies on the right of the slider."""

    def __init__(self, project: Workspace, lane: JobLane) -> None:
        super().__init__()
        self._project = project
        self._lane = lane
        self._pairs: list[str] = []
        self._before: Shown | None = None
        self._after: Shown | None = None
        self.heading = label("", "section")
        self.choice = QComboBox()
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.pane = SliderPane()
        self.pane.setMinimumHeight(HEIGHT)
        self.pane.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.state = label("", "faint", wrap=True)
        self.setLayout(column(self.heading, self.choice, self.pane, self.state))
        self.choice.currentIndexChanged.connect(self._on_choice)
        self.write_texts()

    def set_looks(self, look_ids: Sequence[str]) -> None:
        """Offer the looks that depend on a layer; the pair shown before stays shown."""
        rows = self._project.library.looks(look_ids)
        kept = self.pair_id
        self._pairs = [row.pair_id for row in rows]
        with QSignalBlocker(self.choice):
            self.choice.clear()
            self.choice.addItems([row.name for row in rows])
            self.choice.setCurrentIndex(max(0, self._pairs.index(kept)) if kept in self._pairs else 0)
        self.setVisible(bool(rows))
        self.choice.setVisible(len(rows) > 1)
        if self.pair_id != kept or not rows:
            self._before = self._after = None
        self.reload()

    @property
    def pair_id(self) -> str:
        """The pair shown, "" where there is none."""
        number = self.choice.currentIndex()
        return self._pairs[number] if 0 <= number < len(self._pairs) else ""

    def reload(self) -> None:
        """Fetch the pair's current look; a new one is compared with the one before it."""
        pair_id = self.pair_id
        if not pair_id:
            return

        def work(progress: Progress) -> object:
            from studio.jobs.pictures import thumbnail  # decoding loads when it is first needed

            progress.report(0.0, "look")
            look_id = self._project.library.pair(pair_id).look_id
            return Shown(pair_id, look_id, Pyramid(to_image(thumbnail(self._project, look_id, SIDE))))

        self._lane.submit("retouch-result", work, self._on_loaded)

    def write_state(self, text: str) -> None:
        """Say how it stands: up to date, waiting to be renewed, being renewed."""
        self.state.setText(text)

    def _on_choice(self) -> None:
        self._before = self._after = None
        self.reload()

    def _on_loaded(self, result: object) -> None:
        shown = cast(Shown, result)
        if shown.pair_id != self.pair_id or (self._after is not None and self._after.look_id == shown.look_id):
            return
        self._before, self._after = self._after or shown, shown
        self._paint()

    def _paint(self) -> None:
        if self._before is None or self._after is None:
            return
        same = self._before.look_id == self._after.look_id
        captions = ("", self.tr("Now")) if same else (self.tr("Before"), self.tr("After"))
        self.pane.set_pictures(self._before.picture, self._after.picture, captions)

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.heading.setText(self.tr("Result"))
        self.choice.setAccessibleName(self.tr("Look to follow"))
        self.pane.setAccessibleName(self.tr("Before and after with a slider"))
        self._paint()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)
