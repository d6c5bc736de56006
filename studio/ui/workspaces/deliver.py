"""Deliver: tick looks or scenes, choose a preset and a folder, write, and read the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QProgressBar,
    QScrollArea,
    QStackedWidget,
    QTabBar,
)

from studio.domain.arrays import U8
from studio.domain.errors import StudioError
from studio.domain.jsonable import decode, encode
from studio.domain.keys import Json
from studio.domain.progress import Progress
from studio.library.records import Changes, Filter, Flag, Kind, LookState, Order
from studio.ui.context import StudioContext
from studio.ui.photo_model import GridRow
from studio.ui.theme import SPACE
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets.basics import (
    Banner,
    EmptyState,
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
from studio.ui.widgets.check_grid import CheckGrid, CheckModel
from studio.ui.widgets.delivery_report import DeliveryReportView
from studio.ui.widgets.preset_form import PresetForm

if TYPE_CHECKING:
    from studio.compositing.export import ExportPreset
    from studio.jobs.deliver import DeliveryReport
    from studio.jobs.workspace import Workspace

CELL = 132
INSPECTOR_WIDTH = 368
JOB = "deliver"
KINDS = (Kind.LOOK, Kind.SCENE)
OWN_PRESETS, LAST_PRESET, LAST_FOLDER, LAST_SUBFOLDERS = (
    "deliver.presets", "deliver.preset", "deliver.folder", "deliver.subfolders",
)  # fmt: skip


class DeliverPage(TextWidget):
    """What on the left, how on the right; afterwards the report takes the place of the left."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self._kind = Kind.LOOK
        self._own: list[ExportPreset] = []
        self._shipped: tuple[ExportPreset, ...] = ()
        self._report: DeliveryReport | None = None
        self.thumbnails = Thumbnails(self._fetch_thumbnail, CELL * 3, self)
        self.model = CheckModel(self._fetch_rows, self.thumbnails, self)
        self.grid = CheckGrid(self.model, CELL)
        self.tabs = QTabBar()
        self.which = QComboBox()
        self.all_button, self.none_button = button(""), button("")
        self.count = label("", "soft")
        self.presets = QComboBox()
        self.form = PresetForm()
        self.save_button, self.remove_button = button(""), button("")
        self.folder = QLineEdit()
        self.folder_button = button("", icon_name="folder")
        self.subfolders = QLineEdit()
        self.example = label("", "faint", wrap=True)
        self.deliver_button = button("", primary=True)
        self.cancel_button = button("")
        self.bar = QProgressBar()
        self.now = label("", "soft")
        self.banner = Banner()
        self.report = DeliveryReportView(context.message_of)
        self.empty = EmptyState("deliver", "", "")
        self._headings = [label("", "section") for _ in range(4)]
        self._make_actions()
        self._lay_out()
        self._connect()
        self._write_texts()

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """List what can be delivered now; the presets load with the first visit."""
        self.reload()
        if not self._shipped:
            self.context.work.submit("presets", _load_presets, self._on_presets)
        self.grid.setFocus()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        menu.addActions([self.deliver_action, self.cancel_action])
        menu.addSeparator()
        menu.addActions([self.all_action, self.none_action, self.only_action])
        menu.addSeparator()
        menu.addActions([self.choose_action, self.open_action, self.save_action])

    # -- what --------------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """List the looks or scenes that the bar asks for; new ones come unticked, ticks stay."""
        focused = self.grid.focused_id
        self.model.set_ids(self._wanted_ids())
        self.grid.focus_id(focused)
        self._show_view()
        self._write_count()

    def _wanted_ids(self) -> list[str]:
        library = self.project.library
        if self._kind is Kind.SCENE:
            return library.scene_ids(Filter(), Order.NAME)
        approved = frozenset({LookState.APPROVED, LookState.EXPORTED})
        filters = (
            Filter(),
            Filter(states=approved),
            Filter(flags=frozenset({Flag.PICK})),
            Filter(states=frozenset(LookState) - {LookState.EXPORTED}),
        )
        return library.look_ids(filters[max(0, self.which.currentIndex())], Order.NAME)

    def check_all(self) -> None:
        """Tick everything that is listed."""
        self.model.check(self.model.ids, True)

    def check_none(self) -> None:
        """Take every tick away."""
        self.model.check(self.model.ids, False)

    def check_selected(self) -> None:
        """Tick what is selected and nothing else."""
        chosen = self.grid.selected_ids()
        self.model.check(self.model.ids, False)
        self.model.check(chosen, True)

    def _on_tab(self, number: int) -> None:
        self._kind = KINDS[number]
        self.which.setVisible(self._kind is Kind.LOOK)
        self.reload()
        self._write_example()

    # -- how ---------------------------------------------------------------------------------------------------------

    def _on_presets(self, result: object) -> None:
        self._shipped = cast("tuple[ExportPreset, ...]", result)
        self._own = _stored_presets(self.context.remembered.get(OWN_PRESETS), type(self._shipped[0]))
        self._fill_presets(self.context.remembered.text(LAST_PRESET))

    def _fill_presets(self, chosen: str) -> None:
        with QSignalBlocker(self.presets):
            self.presets.clear()
            for preset in (*self._shipped, *self._own):
                self.presets.addItem(preset.name, preset)
            self.presets.setCurrentIndex(max(0, self.presets.findText(chosen)))
        self._on_preset()

    def _on_preset(self) -> None:
        preset = self.presets.currentData()
        if preset is not None:
            self.form.show_preset(cast("ExportPreset", preset))
            self.context.remembered.set(LAST_PRESET, preset.name)
            self._on_form()

    def _on_form(self) -> None:
        is_own = self.presets.currentIndex() >= len(self._shipped)
        self.remove_button.setEnabled(is_own)
        self.save_button.setEnabled(self.form.preset is not None)
        self._write_example()

    def save_preset(self) -> None:
        """Keep the form as a preset of one's own."""
        preset = self.form.preset
        if preset is None:
            return
        name, agreed = QInputDialog.getText(
            self, self.tr("Save as a preset"), self.tr("Name"), QLineEdit.EchoMode.Normal, preset.name
        )
        if agreed and name.strip():
            self.keep_preset(replace(preset, name=name.strip()))

    def keep_preset(self, preset: ExportPreset) -> None:
        """Store a preset of one's own; one of the same name is replaced, shipped ones never are."""
        if preset.name in {one.name for one in self._shipped}:
            text = self.tr("%1 ships with the program: choose another name.")
            self.banner.show_message(text.replace("%1", preset.name), bad=False)
            return
        self._own = [one for one in self._own if one.name != preset.name] + [preset]
        self._store_own(preset.name)

    def remove_preset(self) -> None:
        """Forget the chosen preset of one's own, after asking: this cannot be undone."""
        name = self.presets.currentText()
        text = self.tr("Remove the preset %1? This cannot be undone.").replace("%1", name)
        if QMessageBox.question(self, self.tr("Remove a preset"), text) == QMessageBox.StandardButton.Yes:
            self._own = [one for one in self._own if one.name != name]
            self._store_own("")

    def _store_own(self, chosen: str) -> None:
        self.context.remembered.set(OWN_PRESETS, [encode(one) for one in self._own])
        self._fill_presets(chosen)

    def choose_folder(self) -> None:
        """Ask where to deliver to."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Deliver to this folder"), self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    @property
    def target(self) -> Path:
        """The delivery folder: what the field says, else the project's own exports."""
        typed = self.folder.text().strip()
        return Path(typed).expanduser() if typed else self.project.library.export_folder

    # -- delivering --------------------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Write what is ticked and prove the files, off the UI thread."""
        ids = self.model.checked_ids
        if not ids:
            self.banner.show_message(self.tr("Tick what to deliver first: Space, or a click on the corner."), bad=False)
            return
        # The preference is the operator's standing word: switched off, nothing is kept out.
        self._run(ids, allow=not self.context.preferences.flag("commercial_only"))

    def deliver_withheld(self) -> None:
        """Deliver what was kept out as well, once the operator has said so in so many words."""
        withheld = [one.item_id for one in self._report.withheld] if self._report is not None else []
        if withheld and self._agrees_to_noncommercial(len(withheld)):
            self._run(withheld, allow=True)

    def _agrees_to_noncommercial(self, count: int) -> bool:
        text = self.tr(
            "%1 results were made with AI models whose licences forbid commercial use. "
            "Delivering them to a customer may break these licences. Deliver them all the same?"
        )
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
        answer = QMessageBox.warning(
            self, self.tr("Not for commercial use"), text.replace("%1", str(count)), buttons,
            QMessageBox.StandardButton.No,
        )  # fmt: skip
        return answer == QMessageBox.StandardButton.Yes

    def _run(self, ids: Sequence[str], *, allow: bool) -> None:
        preset, folder, subfolders = self.form.preset, self.target, self.subfolders.text().strip()
        if preset is None or self._is_running:
            return
        write = self.project.export_scenes if self._kind is Kind.SCENE else self.project.export_looks
        self.context.remembered.set(LAST_FOLDER, self.folder.text().strip())
        self.context.remembered.set(LAST_SUBFOLDERS, subfolders)

        def work(progress: Progress) -> object:
            return write(list(ids), preset, folder, subfolders=subfolders, allow_noncommercial=allow, progress=progress)

        self.banner.hide()
        self._set_running(True)
        self.context.bulk.submit(JOB, work, self._on_delivered)

    def cancel(self) -> None:
        """Stop after the file that is being written; what is written stays."""
        self.context.bulk.cancel(JOB)

    @property
    def _is_running(self) -> bool:
        return not self.bar.isHidden()

    def _set_running(self, running: bool) -> None:
        self.bar.setValue(0)
        for widget in (self.bar, self.cancel_button):
            widget.setVisible(running)
        if running:
            self.cancel_button.setFocus()  # else the focus wanders off with the button that is greyed now
        self.deliver_button.setEnabled(not running)
        self.deliver_action.setEnabled(not running)
        self.cancel_action.setEnabled(running)
        self.now.setText(self.tr("Delivering to %1").replace("%1", str(self.target)) if running else "")

    def _on_delivered(self, result: object) -> None:
        self._set_running(False)
        self._report = cast("DeliveryReport", result)
        self.report.show_report(self._report, str(self.target))
        self._stack.setCurrentWidget(self.report)
        self.report.tree.setFocus()

    def _on_progress(self, job_id: str, fraction: float, stage: str) -> None:
        if job_id == JOB:
            self.bar.setValue(round(1000 * fraction))

    def _on_ended(self, job_id: str) -> None:
        if job_id == JOB:
            self._set_running(False)
            self.banner.show_message(self.tr("Stopped. What was written before stays in the folder."), bad=False)

    def _on_failed(self, job_id: str, error: object) -> None:
        if job_id == JOB:
            self._set_running(False)

    def open_folder(self) -> None:
        """Show the delivery folder in the desktop's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.target)))

    # -- following ---------------------------------------------------------------------------------------------------

    def _on_library_changed(self, changes: Changes) -> None:
        touched = changes.scenes if self._kind is Kind.SCENE else changes.looks
        if touched:
            self.model.refresh(touched)
            if self._wanted_ids() != self.model.ids:
                self.reload()

    def _fetch_rows(self, ids: Sequence[str]) -> Sequence[GridRow]:
        library = self.project.library
        return cast(Sequence[GridRow], library.scenes(ids)) if self._kind is Kind.SCENE else library.looks(ids)

    def _fetch_thumbnail(self, item: str, size: int) -> U8:
        from studio.jobs.pictures import thumbnail  # decoding loads with the first thumbnail, not with the window

        return thumbnail(self.project, item, size)

    def show_selection(self) -> None:
        """Go back from the report to what can be ticked."""
        self._report = None
        self._show_view()
        self.grid.setFocus()

    def _show_view(self) -> None:
        if self._report is not None:
            return
        self._write_empty_state()
        self._stack.setCurrentWidget(self.grid if self.model.ids else self.empty)

    # -- making ------------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        self.deliver_action = add_action(self, "Ctrl+Return", self.deliver)
        self.cancel_action = add_action(self, "Esc", self.cancel)
        self.cancel_action.setEnabled(False)
        self.all_action = add_action(self, "Ctrl+Shift+A", self.check_all)
        self.none_action = add_action(self, "Ctrl+Shift+D", self.check_none)
        self.only_action = add_action(self, "Ctrl+Shift+Space", self.check_selected)
        self.choose_action = add_action(self, "Ctrl+Shift+F", self.choose_folder)
        self.open_action = add_action(self, "Ctrl+Shift+O", self.open_folder)
        self.save_action = add_action(self, "Ctrl+S", self.save_preset)

    def _lay_out(self) -> None:
        for _ in KINDS:
            self.tabs.addTab("")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(200)
        self.bar.hide()
        self.cancel_button.hide()
        self.folder.setText(self.context.remembered.text(LAST_FOLDER))
        self.subfolders.setText(self.context.remembered.text(LAST_SUBFOLDERS))
        self.presets.setMinimumWidth(160)
        top = frame(
            "bar", row(self.tabs, self.which, self.all_button, self.none_button, 1, self.count, spacing=SPACE), SPACE
        )
        how = column(
            self._headings[0], row(self.presets, spacing=0), self._headings[1],
            row(self.folder, self.folder_button), self._headings[2], self.subfolders, self.example,
            self._headings[3], self.form, row(self.save_button, self.remove_button, 1), 1,
        )  # fmt: skip
        scroll = QScrollArea()
        scroll.setWidget(frame("panel", how))
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side = frame("inspector", column(scroll, spacing=0), 0)
        side.setFixedWidth(INSPECTOR_WIDTH)
        self._stack = QStackedWidget()
        for view in (self.grid, self.empty, self.report):
            self._stack.addWidget(view)
        body = row(self._stack, side, spacing=0)
        body.setStretch(0, 1)
        foot = frame("bar", row(self.now, 1, self.bar, self.cancel_button, self.deliver_button), SPACE)
        outer = column(top, self.banner, body, foot, spacing=0)
        outer.setStretchFactor(body, 1)
        self.setLayout(outer)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._on_tab)
        self.which.currentIndexChanged.connect(self.reload)
        self.all_button.clicked.connect(self.check_all)
        self.none_button.clicked.connect(self.check_none)
        self.model.checks_changed.connect(self._write_count)
        self.presets.currentIndexChanged.connect(self._on_preset)
        self.form.changed.connect(self._on_form)
        self.save_button.clicked.connect(self.save_preset)
        self.remove_button.clicked.connect(self.remove_preset)
        self.folder_button.clicked.connect(self.choose_folder)
        self.folder.textChanged.connect(self._write_example)
        self.subfolders.textChanged.connect(self._write_example)
        self.deliver_button.clicked.connect(self.deliver)
        self.cancel_button.clicked.connect(self.cancel)
        self.report.folder_wanted.connect(self.open_folder)
        self.report.allow_wanted.connect(self.deliver_withheld)
        self.report.back_wanted.connect(self.show_selection)
        self.context.library_changed.connect(self._on_library_changed)
        self.context.bulk.progressed.connect(self._on_progress)
        self.context.bulk.cancelled.connect(self._on_ended)
        self.context.bulk.failed.connect(self._on_failed)
        self.context.project_closing.connect(self.thumbnails.close)
        self.destroyed.connect(self.thumbnails.close)

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_count(self) -> None:
        checked, total = len(self.model.checked_ids), len(self.model.ids)
        text = self.tr("%1 of %2 ticked").replace("%1", f"{checked:,}").replace("%2", f"{total:,}")
        self.count.setText(text)
        if checked:
            self.deliver_button.setText(self.tr("Deliver %1").replace("%1", f"{checked:,}"))
        else:
            self.deliver_button.setText(self.tr("Deliver"))
        self._write_example()

    def _write_example(self) -> None:
        """Show where the first ticked (or first listed) item would go, or what is wrong with the pattern."""
        preset = self.form.preset
        first = next(iter(self.model.checked_ids or self.model.ids), "")
        if preset is None or not first:
            self.example.clear()
            return
        from studio.compositing.export import expand_name  # loaded with the presets

        tokens = self._example_tokens(first, preset.name)
        try:
            parts = [expand_name(part, tokens) for part in self.subfolders.text().split("/") if part.strip()]
            name = expand_name(preset.file_name, tokens) + preset.suffix
        except StudioError as error:
            self.example.setText(self.context.message(error))
            return
        text = self.tr("Example: %1").replace("%1", str(self.target.joinpath(*parts, name)))
        self.example.setText(text)

    def _example_tokens(self, item: str, preset: str) -> dict[str, str]:
        library = self.project.library
        tokens = {"project": library.info().name, "preset": preset, "date": date.today().isoformat()}
        looks = library.looks([item])
        if self._kind is Kind.SCENE:
            scene = library.scene(item)
            tokens["scene"] = scene.name
            if scene.background_id:
                tokens["background"] = PurePath(library.photo(scene.background_id).name).stem
            looks = library.looks([one.look_id for one in scene.items][:1])
        for look in looks:
            names = [PurePath(photo.name).stem for photo in library.photos([look.model_id, look.garment_id])]
            tokens |= {"look": look.name, "model": names[0], "garment": names[-1]}
        return tokens

    def _write_empty_state(self) -> None:
        if self._kind is Kind.SCENE:
            texts = (self.tr("No scenes yet"), self.tr("Go to Compose and place looks on a background."))
        elif self.which.currentIndex() > 0:
            texts = (self.tr("Nothing matches"), self.tr("Choose All looks to see everything."))
        else:
            texts = (self.tr("Nothing to deliver yet"), self.tr("Go to Dress and choose models and garments."))
        self.empty.set_texts(*texts)

    def _write_texts(self) -> None:
        for number, name in enumerate((self.tr("Looks"), self.tr("Scenes"))):
            self.tabs.setTabText(number, name)
        chosen = max(0, self.which.currentIndex())
        with QSignalBlocker(self.which):
            self.which.clear()
            self.which.addItems(
                [self.tr("All looks"), self.tr("Approved"), self.tr("Picked"), self.tr("Not delivered yet")]
            )
            self.which.setCurrentIndex(chosen)
        for action, text in (
            (self.deliver_action, self.tr("Deliver what is ticked")),
            (self.cancel_action, self.tr("Stop delivering")),
            (self.all_action, self.tr("Tick all")),
            (self.none_action, self.tr("Tick none")),
            (self.only_action, self.tr("Tick only what is selected")),
            (self.choose_action, self.tr("Choose the folder…")),
            (self.open_action, self.tr("Open the folder")),
            (self.save_action, self.tr("Save as a preset…")),
        ):
            set_text(action, text)
        for widget, action in (
            (self.all_button, self.all_action),
            (self.none_button, self.none_action),
            (self.save_button, self.save_action),
        ):
            widget.setText(action.text())
            widget.setToolTip(shortcut_tip(action.text(), action.shortcut()))
        self.deliver_button.setToolTip(shortcut_tip(self.deliver_action.text(), self.deliver_action.shortcut()))
        self.cancel_button.setText(self.tr("Cancel"))
        self.remove_button.setText(self.tr("Remove"))
        self.folder_button.setText(self.tr("Choose…"))
        self.folder_button.setToolTip(shortcut_tip(self.choose_action.text(), self.choose_action.shortcut()))
        headings = (self.tr("Preset"), self.tr("Folder"), self.tr("Folders inside it"), self.tr("The preset in detail"))
        for heading, text in zip(self._headings, headings, strict=True):
            heading.setText(text)
        self.presets.setAccessibleName(headings[0])
        self.folder.setAccessibleName(headings[1])
        self.subfolders.setAccessibleName(headings[2])
        self.which.setAccessibleName(self.tr("Which looks"))
        self.folder.setPlaceholderText(self.tr("The project's own exports folder"))
        self.subfolders.setPlaceholderText("{model}/{garment}")
        self.grid.setAccessibleName(self.tr("What can be delivered"))
        self._write_empty_state()
        self._write_count()


def _load_presets(progress: Progress) -> object:
    from studio.compositing.export import PRESETS  # the compositing room loads off the UI thread

    progress.report(0.0, "presets")
    return PRESETS


def _stored_presets(stored: Json, kind: type[ExportPreset]) -> list[ExportPreset]:
    """Return the operator's presets; one that an older or newer program wrote otherwise is left out."""
    found = []
    for body in stored if isinstance(stored, list) else []:
        try:
            found.append(decode(kind, body))
        except (StudioError, ValueError):
            continue
    return found
