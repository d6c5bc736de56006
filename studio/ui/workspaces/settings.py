"""Models & settings: installed models with their licences, preferences, third-party notices, the log."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QTableView,
    QTabWidget,
    QWidget,
)

from studio.domain.progress import Progress
from studio.media.resources import resource_path
from studio.ui.context import StudioContext
from studio.ui.paths import log_file
from studio.ui.theme import SPACE
from studio.ui.widgets.basics import (
    Banner,
    TextWidget,
    add_action,
    button,
    column,
    frame,
    label,
    row,
    set_text,
    shortcut_tip,
)
from studio.ui.widgets.settings_form import SettingsForm

if TYPE_CHECKING:
    from studio.models.commands import ImportOutcome, ModelRow

Index = QModelIndex | QPersistentModelIndex
LOG_TAIL_BYTES = 200_000


class ModelTable(QAbstractTableModel):
    """The models of the manifest, as `studio models list` shows them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ModelRow] = []

    def set_rows(self, rows: list[ModelRow]) -> None:
        """Show other rows; the same ones again cost nothing."""
        if rows == self.rows:
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else 6

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        model = self.rows[index.row()]
        states = {
            "embedded": self.tr("Embedded"),
            "installed": self.tr("Installed"),
            "missing": self.tr("Not installed"),
            "damaged": self.tr("Damaged"),
        }
        tasks = {
            "cutout": self.tr("Cut-out"),
            "parse": self.tr("Parse map"),
            "pose": self.tr("Pose"),
            "densepose": self.tr("Body map"),
            "inpaint": self.tr("Filling"),
            "metric": self.tr("Measuring"),
            "segment": self.tr("Click to segment"),
            "tryon": self.tr("Dressing"),
            "variants": self.tr("Variants"),
        }
        return (
            model.title or model.id,
            tasks.get(model.task, model.task),
            states[model.status.value],
            f"{model.bytes / 1e6:.1f} MB" if model.bytes else "",
            self.tr("Commercial use allowed") if model.commercial else self.tr("Non-commercial"),
            model.licence,
        )[index.column()]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        headings = (
            self.tr("AI model"),
            self.tr("Task"),
            self.tr("State"),
            self.tr("Size"),
            self.tr("Use"),
            self.tr("Licence"),
        )
        return headings[section]


class SettingsPage(TextWidget):
    """Four tabs: models, preferences, licences, log."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.models = ModelTable(self)
        self.table = QTableView()
        self.detail = label("", "soft", wrap=True)
        self.get_button = button("", primary=True)
        self.import_button = button("")
        self.verify_button = button("")
        self.bar = QProgressBar()
        self.banner = Banner()
        self.form = SettingsForm(context.preferences)
        self.licences = QPlainTextEdit()
        self.log = QPlainTextEdit()
        self.tabs = QTabWidget()
        self.get_action = add_action(self, "Ctrl+Return", self.get_selected)
        self.import_action = add_action(self, "Ctrl+I", self.choose_import)
        self.verify_action = add_action(self, "Ctrl+Shift+V", self.verify)
        self._lay_out()
        self._connect()
        self._write_texts()

    def enter(self) -> None:
        """Read the model list again."""
        self.context.work.submit("models", _list_models, self._on_models)

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        menu.addActions([self.get_action, self.import_action, self.verify_action])

    # -- models ------------------------------------------------------------------------------------------------------

    def get_selected(self) -> None:
        """Fetch the chosen model from where its manifest says."""
        model = self._selected()
        if model is None:
            return

        def work(progress: Progress) -> object:
            from studio.models.commands import get_model  # the store loads when it is first used

            get_model(model.id, progress)
            return _list_models(progress)

        self._start(work)

    def choose_import(self) -> None:
        """Ask for a model file or checkpoint and install it."""
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Import a model"), "", self.tr("Models (*.onnx *.ort *.pth *.pt *.ckpt *.safetensors *.pkl)")
        )
        if name:
            self.import_file(Path(name))

    def import_file(self, file: Path) -> None:
        """Install a model file."""

        def work(progress: Progress) -> object:
            from studio.models.commands import import_models  # as above

            return import_models(file, progress)

        self._start(work, self._on_imported)

    def verify(self) -> None:
        """Compare every installed model with its checksum."""

        def work(progress: Progress) -> object:
            from studio.models.commands import verify_models  # as above

            verify_models(progress)
            return _list_models(progress)

        self._start(work)

    def _start(self, work: Callable[[Progress], object], on_success: Callable[[object], None] | None = None) -> None:
        self.bar.setVisible(True)
        self.context.work.submit("models", work, on_success or self._on_models)

    def _on_models(self, result: object) -> None:
        self.bar.setVisible(False)
        chosen = self.table.currentIndex().row()
        self.models.set_rows(cast("list[ModelRow]", result))
        self.table.selectRow(max(0, chosen))

    def _on_imported(self, result: object) -> None:
        self.bar.setVisible(False)
        failed = [outcome.error for outcome in cast("list[ImportOutcome]", result) if outcome.error is not None]
        if failed:
            self.banner.show_message(self.context.message(failed[0]))
        self.enter()

    def _on_progress(self, job_id: str, fraction: float, stage: str) -> None:
        if job_id == "models":
            self.bar.setValue(round(1000 * fraction))

    def _on_failed(self, job_id: str, error: object) -> None:
        if job_id == "models":
            self.bar.setVisible(False)

    def _selected(self) -> ModelRow | None:
        index = self.table.currentIndex()
        return self.models.rows[index.row()] if index.isValid() else None

    def _on_row(self, current: QModelIndex, previous: QModelIndex) -> None:
        del previous
        if not current.isValid():
            return
        model = self.models.rows[current.row()]
        how = self.context.message_of(model.how) if model.how is not None else ""
        where = str(model.path) if model.path is not None else ", ".join(model.sources)
        self.detail.setText("\n".join(part for part in (how, where) if part))
        can_get = model.status.value in ("missing", "damaged")
        self.get_button.setEnabled(can_get)
        self.get_action.setEnabled(can_get)

    # -- licences and log --------------------------------------------------------------------------------------------

    def _on_tab(self, number: int) -> None:
        if number == 2 and not self.licences.toPlainText():
            self.context.work.submit("licences", lambda progress: third_party_notices(), self._on_licences)
        if number == 3:
            self.context.work.submit("log", lambda progress: read_log_tail(log_file()), self._on_log)

    def _on_licences(self, text: object) -> None:
        self.licences.setPlainText(str(text))

    def _on_log(self, text: object) -> None:
        self.log.setPlainText(str(text))
        self.log.verticalScrollBar().setValue(self.log.verticalScrollBar().maximum())

    # -- making ------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.table.setModel(self.models)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(32)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(5, QHeaderView.ResizeMode.Stretch)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setVisible(False)
        buttons = row(self.get_button, self.import_button, self.verify_button, 1, spacing=SPACE)
        models_tab = QWidget()
        models_tab.setLayout(column(self.banner, self.table, frame("panel", column(self.detail, self.bar, buttons))))
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        for view in (self.licences, self.log):
            view.setReadOnly(True)
            view.setFont(fixed)
        for tab in (models_tab, self.form, self.licences, self.log):
            self.tabs.addTab(tab, "")
        self.setLayout(column(self.tabs, spacing=0))

    def _connect(self) -> None:
        self.get_button.clicked.connect(self.get_selected)
        self.import_button.clicked.connect(self.choose_import)
        self.verify_button.clicked.connect(self.verify)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.tabs.currentChanged.connect(self._on_tab)
        self.context.work.progressed.connect(self._on_progress)
        self.context.work.failed.connect(self._on_failed)

    def _write_texts(self) -> None:
        names = (self.tr("AI models"), self.tr("Preferences"), self.tr("Licences"), self.tr("Log"))
        for number, name in enumerate(names):
            self.tabs.setTabText(number, name)
        set_text(self.get_action, self.tr("Install"))
        set_text(self.import_action, self.tr("Import a file…"))
        set_text(self.verify_action, self.tr("Verify all"))
        for widget, action in (
            (self.get_button, self.get_action),
            (self.import_button, self.import_action),
            (self.verify_button, self.verify_action),
        ):
            widget.setText(action.text())
            widget.setToolTip(action.toolTip())
        tip = self.tr("Fetch the chosen model from its official source and verify its checksum")
        self.get_button.setToolTip(shortcut_tip(tip, self.get_action.shortcut()))
        self.licences.setAccessibleName(self.tr("Licences"))
        self.log.setAccessibleName(self.tr("Log"))
        self.table.setAccessibleName(self.tr("AI models"))


def _list_models(progress: Progress) -> object:
    from studio.models.commands import list_models  # the store loads when it is first used

    progress.report(0.0, "models")
    return list_models()


def third_party_notices() -> str:
    """Return the licences of everything the program is built from: libraries first, then models and the font."""
    lines = []
    for package in sorted(distributions(), key=_name):
        licence = _field(package, "License-Expression") or _field(package, "License") or _classifier(package)
        lines.append(f"{_name(package)} {package.version}: {licence}")
    notices = sorted(resource_path("models").glob("*.txt")) + sorted(resource_path("models").glob("*.md"))
    notices.append(resource_path("fonts", "LICENSE-Pretendard.txt"))
    parts = ["\n".join(lines), *(path.read_text("utf-8") for path in notices)]
    return "\n\n".join(parts)


def _name(package: Distribution) -> str:
    return str(package.metadata["Name"] or "").lower()


def _field(package: Distribution, name: str) -> str:
    text = str(package.metadata[name] or "").strip() if name in package.metadata else ""
    return text.splitlines()[0] if text else ""


def _classifier(package: Distribution) -> str:
    found = [line for line in package.metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    return found[-1].rpartition("::")[2].strip() if found else "see its package"


def read_log_tail(path: Path) -> str:
    """Return the end of the log, whole lines only; "" before there is one."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_TAIL_BYTES))
        text = file.read().decode("utf-8", "replace")
    return text if path.stat().st_size <= LOG_TAIL_BYTES else text.partition("\n")[2]
