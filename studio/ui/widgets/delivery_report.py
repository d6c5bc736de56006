"""What came of a delivery: every file with its proof, and what was kept out or failed, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from studio.domain.keys import Note
from studio.ui import icons
from studio.ui.theme import SPACE, current_tokens
from studio.ui.widgets.basics import button, column, frame, label, row

if TYPE_CHECKING:
    from studio.compositing.preflight import Check
    from studio.jobs.deliver import Delivered, DeliveryReport, Refused

Say = Callable[[Note], str]


class DeliveryReportView(QWidget):
    """folder_wanted, allow_wanted (deliver what was kept out), back_wanted: what its buttons ask for."""

    folder_wanted = Signal()
    allow_wanted = Signal()
    back_wanted = Signal()

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say
        self._report: DeliveryReport | None = None
        self._folder = ""
        self.headline = label("", "heading", wrap=True)
        self.where = label("", "faint", wrap=True)
        self.where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setIconSize(QSize(16, 16))
        self.tree.setUniformRowHeights(False)
        self.tree.setWordWrap(True)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.folder_button = button("", icon_name="folder")
        self.allow_button = button("")
        self.back_button = button("")
        self.folder_button.clicked.connect(self.folder_wanted)
        self.allow_button.clicked.connect(self.allow_wanted)
        self.back_button.clicked.connect(self.back_wanted)
        head = column(self.headline, self.where, spacing=SPACE // 2)
        buttons = row(self.folder_button, self.allow_button, 1, self.back_button)
        outer = column(frame("bar", head), self.tree, frame("bar", buttons, SPACE), spacing=0)
        outer.setStretchFactor(self.tree, 1)
        self.setLayout(outer)
        self._write_texts()

    def show_report(self, report: DeliveryReport, folder: str) -> None:
        """Show a delivery; files that failed a check are open, the others closed."""
        self._report, self._folder = report, folder
        self._fill()
        self._write_texts()

    def _fill(self) -> None:
        self.tree.clear()
        report = self._report
        if report is None:
            return
        for refused in report.failed:
            self._add_refused(refused, self.tr("Not delivered"), current_tokens().bad)
        for delivered in sorted(report.delivered, key=lambda one: one.report.passed):
            self._add_delivered(delivered)
        for refused in report.withheld:
            self._add_refused(refused, self.tr("Kept out"), current_tokens().warn)

    def _add_delivered(self, delivered: Delivered) -> None:
        colours = current_tokens()
        failed = [check for check in delivered.report.checks if not check.passed]
        if failed:
            summary = self.tr("%1 of %2 checks failed").replace("%1", str(len(failed)))
            summary = summary.replace("%2", str(len(delivered.report.checks)))
        else:
            summary = self.tr("All %1 checks passed").replace("%1", str(len(delivered.report.checks)))
        if delivered.report.fill is not None:
            share = f"{100 * delivered.report.fill:.0f}"
            summary = f"{summary} · {self.tr('fills %1 % of the height').replace('%1', share)}"
        item = QTreeWidgetItem(self.tree, [delivered.file.name, summary])
        item.setIcon(0, _mark(not failed))
        item.setToolTip(0, str(delivered.file))
        item.setForeground(1, QColor(colours.bad if failed else colours.good))
        for check in delivered.report.checks:
            self._add_check(item, check)
        item.setExpanded(bool(failed))

    def _add_check(self, item: QTreeWidgetItem, check: Check) -> None:
        line = QTreeWidgetItem(item, [self._check_name(check.name), self._sentence(check)])
        line.setIcon(0, _mark(check.passed))
        if not check.passed:
            line.setForeground(1, QColor(current_tokens().bad))

    def _sentence(self, check: Check) -> str:
        yes_no = {"True": self.tr("yes"), "False": self.tr("no")}
        wanted, found = (yes_no.get(text, text) for text in (check.wanted, check.found))
        return self._say(Note(f"preflight.{check.name}", {"wanted": wanted, "found": found, "file": ""}))

    def _add_refused(self, refused: Refused, state: str, colour: str) -> None:
        item = QTreeWidgetItem(self.tree, [state, self._say(refused.reason)])
        item.setIcon(0, QIcon(icons.pixmap("warning", 16, colour, self.devicePixelRatioF())))
        item.setForeground(1, QColor(colour))

    def _check_name(self, name: str) -> str:
        return {
            "readable": self.tr("Opens"),
            "size": self.tr("Size"),
            "depth": self.tr("Bits per channel"),
            "profile": self.tr("Colour profile"),
            "transparency": self.tr("Transparency"),
            "bytes": self.tr("File size"),
            "margins": self.tr("Margins"),
            "colour": self.tr("Background colour"),
        }.get(name, name)

    # -- texts -------------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.LanguageChange, QEvent.Type.PaletteChange):
            self._fill()
            self._write_texts()
        super().changeEvent(event)

    def _write_texts(self) -> None:
        self.tree.setHeaderLabels([self.tr("File"), self.tr("Proof")])
        self.tree.setAccessibleName(self.tr("Delivered files"))
        self.folder_button.setText(self.tr("Open the folder"))
        self.allow_button.setText(self.tr("Deliver what was kept out…"))
        self.back_button.setText(self.tr("Back to the selection"))
        report = self._report
        if report is None:
            return
        self.allow_button.setVisible(bool(report.withheld))
        self.where.setText(self._folder)
        failed_checks = sum(not one.report.passed for one in report.delivered)
        if report.passed:
            text = self.tr("%1 files delivered. Each was read back and is what the preset promises.")
        else:
            text = self.tr("%1 files delivered, %2 of them with failed checks; %3 kept out, %4 failed.")
        for number, value in enumerate(
            (len(report.delivered), failed_checks, len(report.withheld), len(report.failed)), start=1
        ):
            text = text.replace(f"%{number}", str(value))
        self.headline.setText(text)


def _mark(passed: bool) -> QIcon:
    colours = current_tokens()
    name, colour = ("check", colours.good) if passed else ("close", colours.bad)
    return QIcon(icons.pixmap(name, 16, colour, 2.0))
