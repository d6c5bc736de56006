"""The inspector of a placed look: size, turn, order, opacity, shadow, grade."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider

from studio.domain.geometry import Grade, Placement, Shadow
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import TextWidget, column, label


@dataclass(frozen=True, slots=True)
class Control:
    """One slider. group: "", "shadow" or "grade": where in a Placement the field lives; step: value of one notch."""

    group: str
    field: str
    minimum: float
    maximum: float
    step: float
    unit: str


CONTROLS = (
    Control("", "scale", 0.05, 1.5, 0.005, "%"),
    Control("", "rotation_deg", -45, 45, 0.5, "°"),
    Control("", "opacity", 0, 1, 0.01, "%"),
    Control("shadow", "contact", 0, 1, 0.01, "%"),
    Control("shadow", "cast", 0, 1, 0.01, "%"),
    Control("shadow", "angle_deg", -180, 180, 1, "°"),
    Control("shadow", "length", 0, 1.5, 0.01, "%"),
    Control("shadow", "softness", 0, 0.1, 0.001, ""),
    Control("grade", "strength", 0, 1, 0.01, "%"),
    Control("grade", "exposure_ev", -2, 2, 0.05, " EV"),
    Control("grade", "temperature", -1, 1, 0.02, ""),
    Control("grade", "contrast", -1, 1, 0.02, ""),
)


def read_control(placement: Placement, control: Control) -> float:
    """Return the value a control shows."""
    owner: object = getattr(placement, control.group) if control.group else placement
    return float(getattr(owner, control.field))


def write_control(placement: Placement, control: Control, value: float) -> Placement:
    """Return the placement with a control's value."""
    if control.group == "shadow":
        return replace(placement, shadow=_with_shadow(placement.shadow, control.field, value))
    if control.group == "grade":
        return replace(placement, grade=_with_grade(placement.grade, control.field, value))
    return replace(placement, **{control.field: value})  # type: ignore[arg-type]  # the table names float fields only


def _with_shadow(shadow: Shadow, field: str, value: float) -> Shadow:
    return replace(shadow, **{field: value})


def _with_grade(grade: Grade, field: str, value: float) -> Grade:
    return replace(grade, **{field: value})  # type: ignore[arg-type]  # as above


class PlacementForm(TextWidget):
    """changed: while a slider moves, with the new placement; finished: when it is let go."""

    changed = Signal(object)
    finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._placement = Placement()
        self._sliders: dict[Control, QSlider] = {}
        self._names: dict[Control, QLabel] = {}
        self._values: dict[Control, QLabel] = {}
        self._headings = {group: label("", "section") for group in ("", "shadow", "grade")}
        self.flip = QCheckBox()
        self.include_garment = QCheckBox()
        self.flip.toggled.connect(self._on_flip)
        self.include_garment.toggled.connect(self._on_include)
        groups = []
        for group, heading in self._headings.items():
            grid = QGridLayout()
            grid.setHorizontalSpacing(SPACE)
            grid.setVerticalSpacing(SPACE // 2)
            for number, control in enumerate(one for one in CONTROLS if one.group == group):
                self._add_row(grid, number, control)
            extra = {"": self.flip, "grade": self.include_garment}.get(group)
            groups.append(column(heading, grid, *([extra] if extra else []), spacing=SPACE // 2))
        layout = column(*groups, 1, spacing=SPACE * 2)
        self.setLayout(layout)
        self._write_texts()
        self.show_placement(None)

    def show_placement(self, placement: Placement | None) -> None:
        """Show the chosen look's placement; None disables the form."""
        self.setEnabled(placement is not None)
        self._placement = placement or Placement()
        for control, slider in self._sliders.items():
            value = read_control(self._placement, control)
            with QSignalBlocker(slider):
                slider.setValue(round(value / control.step))
            self._values[control].setText(_format(control, value))
        with QSignalBlocker(self.flip):
            self.flip.setChecked(self._placement.flip)
        with QSignalBlocker(self.include_garment):
            self.include_garment.setChecked(self._placement.grade.include_garment)

    def _add_row(self, grid: QGridLayout, number: int, control: Control) -> None:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(round(control.minimum / control.step), round(control.maximum / control.step))
        slider.setProperty("control", CONTROLS.index(control))
        slider.valueChanged.connect(self._on_slider)
        slider.sliderReleased.connect(self.finished)
        name, value = label("", "soft"), label("", "faint")
        value.setFixedWidth(52)
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(name, number, 0)
        grid.addWidget(slider, number, 1)
        grid.addWidget(value, number, 2)
        grid.setColumnStretch(1, 1)
        self._sliders[control], self._names[control], self._values[control] = slider, name, value

    def _on_slider(self, notch: int) -> None:
        slider = self.sender()
        assert isinstance(slider, QSlider)
        control = CONTROLS[int(slider.property("control"))]
        value = notch * control.step
        self._values[control].setText(_format(control, value))
        self._tell(write_control(self._placement, control, value))
        if not slider.isSliderDown():  # arrow keys and clicks into the groove are whole steps
            self.finished.emit()

    def _on_flip(self, wanted: bool) -> None:
        self._tell(replace(self._placement, flip=wanted))
        self.finished.emit()

    def _on_include(self, wanted: bool) -> None:
        self._tell(replace(self._placement, grade=replace(self._placement.grade, include_garment=wanted)))
        self.finished.emit()

    def _tell(self, placement: Placement) -> None:
        self._placement = placement
        self.changed.emit(placement)

    def _write_texts(self) -> None:
        names = {
            "scale": self.tr("Height"),
            "rotation_deg": self.tr("Turn"),
            "opacity": self.tr("Opacity"),
            "contact": self.tr("Contact"),
            "cast": self.tr("Cast"),
            "angle_deg": self.tr("Direction"),
            "length": self.tr("Length"),
            "softness": self.tr("Softness"),
            "strength": self.tr("Match the room"),
            "exposure_ev": self.tr("Exposure"),
            "temperature": self.tr("Warmth"),
            "contrast": self.tr("Contrast"),
        }
        for control, name in self._names.items():
            name.setText(names[control.field])
            self._sliders[control].setAccessibleName(names[control.field])
        self._headings[""].setText(self.tr("Placement"))
        self._headings["shadow"].setText(self.tr("Shadow"))
        self._headings["grade"].setText(self.tr("Light and colour"))
        self.flip.setText(self.tr("Mirror"))
        self.include_garment.setText(self.tr("Grade the garment too"))
        self.include_garment.setToolTip(self.tr("Off: the product keeps its own colour"))


def _format(control: Control, value: float) -> str:
    if control.unit == "%":
        return f"{100 * value:.0f} %"
    return f"{value:.0f}{control.unit}" if control.unit == "°" else f"{value:.2f}{control.unit}"
