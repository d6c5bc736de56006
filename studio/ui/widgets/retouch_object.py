"""Click-to-segment on the canvas: clicks and a box say what is meant; Return takes what was found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from studio.domain.edits import MaskRegion, Points, StrokeMode
from studio.domain.prompts import Prompt, PromptRole
from studio.jobs.retouch import mask_target
from studio.ui.widgets import retouch_overlays as overlays

if TYPE_CHECKING:
    from studio.ui.widgets.mask_canvas import RetouchCanvas

BOX_REACH = 8.0
"""A press that moves so many logical pixels draws a box; a shorter one is a click."""


class ObjectPick:
    """Collects prompts until Return (add), Shift+Return (take away) or Esc. rings: what was found for them so far."""

    def __init__(self) -> None:
        self.rings: tuple[Points, ...] = ()
        self._prompts: list[Prompt] = []
        self._box: tuple[QPointF, QPointF] | None = None
        self._start: QPointF | None = None
        self._drawn: QPointF | None = None
        self._is_this = True

    def begin(self, canvas: RetouchCanvas) -> None:
        """Nothing yet."""

    def press(self, canvas: RetouchCanvas, at: QPointF) -> None:
        self._start, self._drawn, self._is_this = at, None, not canvas.erases

    def drag(self, canvas: RetouchCanvas, at: QPointF, is_down: bool) -> None:
        if is_down and self._start is not None:
            if math.hypot(at.x() - self._start.x(), at.y() - self._start.y()) >= BOX_REACH:
                self._drawn = at
            canvas.update()

    def release(self, canvas: RetouchCanvas, at: QPointF) -> None:
        if self._start is None:
            return
        start, self._start = canvas.to_pixel(self._start), None
        if self._drawn is not None:
            box = QRectF(start, canvas.to_pixel(self._drawn)).normalized()
            self._box = box.topLeft(), box.bottomRight()
        else:
            role = PromptRole.THIS if self._is_this else PromptRole.NOT_THIS
            self._prompts.append(Prompt(start.x(), start.y(), role))
        self._drawn = None
        self._ask(canvas)

    def _ask(self, canvas: RetouchCanvas) -> None:
        corners = () if self._box is None else zip(self._box, (PromptRole.BOX_START, PromptRole.BOX_END), strict=True)
        box = [Prompt(at.x(), at.y(), role) for at, role in corners]
        canvas.asked.emit((*box, *self._prompts))
        canvas.update()

    def step_back(self, canvas: RetouchCanvas) -> None:
        """Take the last click back, then the box."""
        if self._prompts:
            self._prompts.pop()
        else:
            self._box = None
        self.rings = ()
        if self._prompts or self._box is not None:
            self._ask(canvas)
        else:
            canvas.end_gesture()

    def close(self, canvas: RetouchCanvas, *, subtracts: bool) -> None:
        """Take what was found; where nothing was found yet, go on waiting."""
        session = canvas.session
        if not self.rings or session is None:
            return
        canvas.end_gesture()
        mode = StrokeMode.SUBTRACT if subtracts else StrokeMode.ADD
        strength = canvas.state.held.strength
        canvas.wanted.emit(MaskRegion(self.rings, mode, strength, mask_target(session.spec.layer)), False)

    def abort(self, canvas: RetouchCanvas) -> None:
        """Nothing was changed."""

    def paint(self, painter: QPainter, canvas: RetouchCanvas) -> None:
        overlays.paint_object(painter, [[canvas.to_widget(QPointF(*at)) for at in ring] for ring in self.rings])
        box = None
        if self._start is not None and self._drawn is not None:
            box = QRectF(self._start, self._drawn).normalized()
        elif self._box is not None:
            box = QRectF(canvas.to_widget(self._box[0]), canvas.to_widget(self._box[1]))
        clicks = [(canvas.to_widget(QPointF(one.x, one.y)), one.role is PromptRole.THIS) for one in self._prompts]
        overlays.paint_prompts(painter, clicks, box)
