"""What the operator holds: the tool, its size and strength; shared by canvas, toolbar and options."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from studio.jobs.retouch_view import ViewMode

SMALLEST, LARGEST = 1.0, 1000.0
"""Brush radius in pixels of the photo."""
LARGEST_LABEL = 300.0
"""Labels are painted with hard edges by exact distance, which takes longer than stamps."""
SIZE_STEP = 1.2
HARDNESS_STEP = 0.1
TOLERANCE_PER_PIXEL = 0.15
"""Dragging the wand sideways by a hundred pixels changes the tolerance by 15 CIELAB units."""
LARGEST_TOLERANCE = 80.0


class Tool(StrEnum):
    """What a press on the canvas does."""

    BRUSH = "brush"
    ERASER = "eraser"
    REFINE = "refine"
    LASSO = "lasso"
    POLYGON = "polygon"
    WAND = "wand"
    OBJECT = "object"
    POINT = "point"

    @property
    def is_brush(self) -> bool:
        return self in (Tool.BRUSH, Tool.ERASER, Tool.REFINE)


@dataclass(slots=True)
class Held:
    """The values of `ToolState`. radius: pixels of the photo. amount: pixels, for whole-mask operations."""

    tool: Tool = Tool.BRUSH
    radius: float = 30.0
    hardness: float = 0.8
    strength: float = 1.0
    tolerance: float = 12.0
    amount: float = 2.0
    label: int = 5
    locked: frozenset[int] = frozenset()
    mode: ViewMode = ViewMode.OVERLAY
    is_layer_shown: bool = True
    opacity: float = 0.5
    uses_pressure: bool = True


class ToolState(QObject):
    """Holds the values and says when one changed."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.held = Held()

    def take(self, tool: Tool) -> None:
        """Take another tool."""
        self.held.tool = tool
        self.changed.emit()

    def swap(self) -> None:
        """Paint becomes erase and the other way round."""
        self.take(Tool.BRUSH if self.held.tool is Tool.ERASER else Tool.ERASER)

    def set_radius(self, radius: float) -> None:
        self.held.radius = min(max(radius, SMALLEST), LARGEST)
        self.changed.emit()

    def resize(self, steps: int) -> None:
        """Make the brush larger or smaller by steps that feel alike at every size."""
        radius = self.held.radius * SIZE_STEP**steps
        self.set_radius(round(radius) if radius >= 5 else round(radius, 1))

    def set_hardness(self, hardness: float) -> None:
        self.held.hardness = round(min(max(hardness, 0.0), 1.0), 3)
        self.changed.emit()

    def harden(self, steps: int) -> None:
        self.set_hardness(self.held.hardness + steps * HARDNESS_STEP)

    def set_strength(self, strength: float) -> None:
        self.held.strength = min(max(strength, 0.01), 1.0)
        self.changed.emit()

    def set_tolerance(self, tolerance: float) -> None:
        self.held.tolerance = round(min(max(tolerance, 0.5), LARGEST_TOLERANCE), 1)
        self.changed.emit()

    def set_amount(self, amount: float) -> None:
        self.held.amount = amount
        self.changed.emit()

    def set_label(self, label: int) -> None:
        self.held.label = label
        self.changed.emit()

    def lock(self, label: int, is_locked: bool) -> None:
        """Protect a label from being painted over, or let it go."""
        self.held.locked = self.held.locked | {label} if is_locked else self.held.locked - {label}
        self.changed.emit()

    def set_mode(self, mode: ViewMode) -> None:
        self.held.mode = mode
        self.held.is_layer_shown = True
        self.changed.emit()

    def next_mode(self) -> None:
        """Overlay, onion skin, on black, on white, mask, and round again."""
        modes = list(ViewMode)
        self.set_mode(modes[(modes.index(self.held.mode) + 1) % len(modes)])

    def toggle_layer(self) -> None:
        """Show the photo alone, or the layer over it."""
        self.held.is_layer_shown = not self.held.is_layer_shown
        self.changed.emit()

    def set_opacity(self, opacity: float) -> None:
        """How strongly the layer covers the photo."""
        self.held.opacity = min(max(opacity, 0.05), 1.0)
        self.changed.emit()

    def set_pressure(self, uses_pressure: bool) -> None:
        self.held.uses_pressure = uses_pressure
        self.changed.emit()
