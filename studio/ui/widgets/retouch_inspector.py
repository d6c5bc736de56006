"""Retouch's right side: the tool's values, labels or points, what is said of the garment, and the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from studio.domain.artefacts import Garment
from studio.domain.edits import Edit, GarmentOverride, LayerOrder
from studio.jobs.retouch_layers import PointsLayer
from studio.ui.lanes import JobLane
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import button, column, label
from studio.ui.widgets.garment_form import GarmentForm, WornForm
from studio.ui.widgets.retouch_options import LabelPalette, PointList, ToolOptions
from studio.ui.widgets.retouch_result import ResultPanel
from studio.ui.widgets.retouch_tools import Tool, ToolState

if TYPE_CHECKING:
    from studio.jobs.retouch import RetouchSession
    from studio.jobs.workspace import Workspace

E = TypeVar("E", GarmentOverride, LayerOrder)

WIDTH = 272


class RetouchInspector(QFrame):
    """said: an edit that says what the garment is or how it is worn. taken: the object found; True = subtract it."""

    said = Signal(object)
    taken = Signal(bool)

    def __init__(self, project: Workspace, lane: JobLane, state: ToolState) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setFixedWidth(WIDTH)
        self._state = state
        self._session: RetouchSession | None = None
        self.options = ToolOptions(state)
        self.object_text = label("", "soft", wrap=True)
        self.add_button = button("", primary=True)
        self.subtract_button = button("")
        self.labels_heading = label("", "section")
        self.labels = LabelPalette(state)
        self.joints_heading = label("", "section")
        self.joints = PointList()
        self.garment = GarmentForm()
        self.worn = WornForm()
        self.copy_button = button("")
        self.result = ResultPanel(project, lane)
        self._lay_out()
        self.garment.said.connect(self._on_garment)
        self.worn.said.connect(self._on_worn)
        self.add_button.clicked.connect(lambda checked=False: self.taken.emit(False))
        self.subtract_button.clicked.connect(lambda checked=False: self.taken.emit(True))
        self.write_texts()

    def _lay_out(self) -> None:
        inner = column(
            self.options,
            self.object_text,
            self.add_button,
            self.subtract_button,
            self.labels_heading,
            self.labels,
            self.joints_heading,
            self.joints,
            self.garment,
            self.worn,
            self.copy_button,
            self.result,
            1,
            spacing=SPACE,
        )
        inner.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        content = QWidget()
        content.setObjectName("page")
        content.setLayout(inner)
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(area, spacing=0))

    def follow(self, session: RetouchSession | None, points: PointsLayer | None) -> None:
        """Show what the layer and the tool in hand have to offer."""
        self._session = session
        layer = session.spec.layer if session is not None else None
        is_mask = layer is not None and layer.is_mask
        is_points = layer is not None and layer.is_points
        is_parse = layer is not None and not is_mask and not is_points
        self.options.setVisible(is_mask or is_parse)
        self.options.set_layer(is_parse=is_parse)
        self.copy_button.setVisible(layer is not None and layer.value != "edit")  # a look has no set-up to share
        finds = is_mask and self._state.held.tool is Tool.OBJECT
        shown: list[tuple[bool, tuple[QWidget, ...]]] = [
            (finds, (self.object_text, self.add_button, self.subtract_button)),
            (is_parse, (self.labels, self.labels_heading)),
            (is_points, (self.joints, self.joints_heading)),
        ]
        for is_shown, parts in shown:
            for part in parts:
                part.setVisible(is_shown)
        if points is not None:
            self.joints.show_layer(points)
        self.show_said()

    def show_said(self) -> None:
        """Show what is said of the garment, or of the look."""
        session = self._session
        layer = session.spec.layer.value if session is not None else ""
        self.garment.setVisible(layer == "landmarks")
        self.worn.setVisible(layer == "edit")
        if session is None:
            return
        if layer == "landmarks" and isinstance(session.layer, PointsLayer):
            found = session.layer.artefact
            self.garment.show_garment(_last(session.edits, GarmentOverride()), cast(Garment, found))
        if layer == "edit":
            self.worn.show_order(_last(session.edits, LayerOrder()))

    def _on_garment(self, field: str, value: str) -> None:
        if self._session is not None:
            before = _last(self._session.edits, GarmentOverride())
            self._tell(before, replace(before, **{field: value}))

    def _on_worn(self, change: object) -> None:
        if self._session is not None:
            before = _last(self._session.edits, LayerOrder())
            self._tell(before, change(before))  # type: ignore[operator]  # a function, through a signal

    def _tell(self, before: Edit, after: Edit) -> None:
        if after != before:
            self.said.emit(after)

    def write_texts(self) -> None:
        """Write everything in the present language."""
        self.labels_heading.setText(self.tr("Labels (tick = locked)"))
        self.joints_heading.setText(self.tr("Points"))
        self.joints.setAccessibleName(self.tr("Points"))
        self.add_button.setText(self.tr("Add to the mask"))
        self.add_button.setToolTip(self.tr("Add what was found  (Return)"))
        self.subtract_button.setText(self.tr("Take away from the mask"))
        self.subtract_button.setToolTip(self.tr("Take away what was found  (Shift+Return)"))
        self.write_object_text(is_looking=False)

    def write_object_text(self, *, is_looking: bool) -> None:
        """Say what clicking does, or that the photo is being looked at."""
        wait = self.tr("The AI model looks at the photo. You can click already.")
        how = self.tr("Click on what you mean, or draw a box around it. With Alt or the right button: not this.")
        self.object_text.setText(wait if is_looking else how)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.write_texts()
        super().changeEvent(event)


def _last(edits: tuple[Edit, ...], default: E) -> E:
    """Return the latest edit of a kind, which is the one that counts."""
    found = [edit for edit in edits if isinstance(edit, type(default))]
    return found[-1] if found else default
