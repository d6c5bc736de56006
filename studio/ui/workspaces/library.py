"""Library: models, garments, backgrounds, looks and scenes; import, cull, mark, find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QMenu, QSlider, QStackedWidget, QTabBar, QWidget

from studio.domain.arrays import U8
from studio.domain.artefacts import PhotoRole
from studio.domain.progress import Progress
from studio.library.records import Changes, ColourLabel, Filter, Flag, ImportReport, Kind, Order
from studio.ui.context import StudioContext
from studio.ui.photo_model import GridModel, GridRow
from studio.ui.theme import SPACE
from studio.ui.thumbnails import Thumbnails
from studio.ui.widgets.basics import Banner, EmptyState, button, column, frame, label, row, shortcut_tip
from studio.ui.widgets.grid import Grid

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

SEARCH_DELAY_MS = 150
SMALLEST, LARGEST = 96, 320


@dataclass(frozen=True, slots=True)
class Shelf:
    """One tab: what it lists and how."""

    kind: Kind
    role: PhotoRole | None


SHELVES = (
    Shelf(Kind.PHOTO, PhotoRole.MODEL),
    Shelf(Kind.PHOTO, PhotoRole.GARMENT),
    Shelf(Kind.PHOTO, PhotoRole.BACKGROUND),
    Shelf(Kind.LOOK, None),
    Shelf(Kind.SCENE, None),
)


class LibraryPage(QWidget):
    """The grid with its filters; everything it knows comes from the library, everything it does goes there."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAcceptDrops(True)
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self._shelf = SHELVES[0]
        self._imports = 0
        size = context.preferences.number("thumbnail_size")
        self.thumbnails = Thumbnails(self._fetch_thumbnail, LARGEST * 2, self)
        self.model = GridModel(self._fetch_rows, self.thumbnails, self)
        self.grid = Grid(self.model, size)
        self.tabs = QTabBar()
        self.search = QLineEdit()
        self.rating = QComboBox()
        self.flags = QComboBox()
        self.order = QComboBox()
        self.zoom = QSlider(Qt.Orientation.Horizontal)
        self.count = label("", "faint")
        self.import_button = button("", primary=True, icon_name="")
        self.banner = Banner()
        self.empty = EmptyState("library", "", "")
        self._search_timer = QTimer(self)
        self._search_timer.setSingleShot(True)
        self._search_timer.setInterval(SEARCH_DELAY_MS)
        self._make_actions()
        self._lay_out(size)
        self._connect()
        self._write_texts()

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Show what is in the library now."""
        self.reload()
        self.grid.setFocus()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        menu.addAction(self.import_action)
        menu.addSeparator()
        menu.addActions(self.star_actions)
        menu.addSeparator()
        menu.addActions(self.flag_actions)
        menu.addSeparator()
        menu.addActions(self.label_actions)
        menu.addSeparator()
        menu.addAction(self.trash_action)

    # -- listing -----------------------------------------------------------------------------------------------------

    def show_shelf(self, number: int) -> None:
        """Show another tab."""
        self._shelf = SHELVES[number]
        self.reload()

    def wanted(self) -> Filter:
        """The filter that the bar says."""
        chosen = Filter(
            role=self._shelf.role,
            text=self.search.text().strip(),
            min_rating=self.rating.currentIndex(),
        )
        flags = {1: Flag.PICK, 2: Flag.REJECT, 3: Flag.NONE}.get(self.flags.currentIndex())
        return chosen if flags is None else replace(chosen, flags=frozenset({flags}))

    def reload(self) -> None:
        """List again, keeping the focus where it was."""
        focused = self.grid.focused_id
        library = self.project.library
        order = list(Order)[max(0, self.order.currentIndex())]
        list_ids = {Kind.PHOTO: library.photo_ids, Kind.LOOK: library.look_ids, Kind.SCENE: library.scene_ids}
        self.model.set_ids(list_ids[self._shelf.kind](self.wanted(), order))
        self.grid.focus_id(focused)
        self._write_count()
        self._show_empty_state()

    def _fetch_rows(self, ids: Sequence[str]) -> Sequence[GridRow]:
        library = self.project.library
        if self._shelf.kind is Kind.LOOK:
            return library.looks(ids)
        if self._shelf.kind is Kind.SCENE:
            return cast(Sequence[GridRow], library.scenes(ids))
        return library.photos(ids)

    def _fetch_thumbnail(self, item: str, size: int) -> U8:
        from studio.jobs.pictures import thumbnail  # decoding loads with the first thumbnail, not with the window

        return thumbnail(self.project, item, size)

    # -- importing ---------------------------------------------------------------------------------------------------

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Take files and folders in as what the open tab holds."""
        role = self._shelf.role or PhotoRole.MODEL
        copy = self.context.preferences.flag("copy_originals")

        def work(progress: Progress) -> object:
            return self.project.import_photos(paths, role, copy=copy, progress=progress)

        # Every import has an id of its own: garments dropped while models are still coming in wait their turn.
        self._imports += 1
        self.context.bulk.submit(f"import {self._imports}", work, self._on_imported)

    def choose_files(self) -> None:
        """Ask for photos to import."""
        names, _ = QFileDialog.getOpenFileNames(
            self,
            self.tr("Import photos"),
            "",
            self.tr("Photos (*.jpg *.jpeg *.png *.webp *.tif *.tiff *.heic)"),
        )
        if names:
            self.import_paths([Path(name) for name in names])

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and self._shelf.role is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.import_paths(paths)

    def _on_imported(self, result: object) -> None:
        report = cast(ImportReport, result)
        if report.failed:
            first = self.context.message(report.failed[0].error)
            more = len(report.failed) - 1
            text = first if not more else self.tr("%1 And %2 more files could not be imported.")
            self.banner.show_message(text.replace("%1", first).replace("%2", str(more)))
        elif report.duplicates and not report.imported:
            self.banner.show_message(self.tr("All of these photos are in the project already."), bad=False)
        if report.imported:
            self.grid.focus_id(report.imported[0])

    # -- marking -----------------------------------------------------------------------------------------------------

    def rate(self, stars: int) -> None:
        """Give the focused or selected photos stars."""
        self._mark(lambda ids: self.project.library.rate(ids, stars, self._shelf.kind))

    def flag(self, value: Flag) -> None:
        """Pick, reject or unmark."""
        self._mark(lambda ids: self.project.library.flag(ids, value, self._shelf.kind))

    def colour(self, value: ColourLabel) -> None:
        """Give a colour label."""
        self._mark(lambda ids: self.project.library.label(ids, value, self._shelf.kind), advance=False)

    def trash(self) -> None:
        """Move to the trash; undo brings it back."""
        self._mark(lambda ids: self.project.library.trash(ids, self._shelf.kind), advance=False)

    def _mark(self, change: Callable[[list[str]], Changes], *, advance: bool = True) -> None:
        ids = self.grid.selected_ids()
        if not ids:
            return
        changes = change(ids)
        self.context.push_library_step(changes)
        if advance and len(ids) == 1 and self.context.preferences.flag("advance_after_rating"):
            self.grid.advance()

    def _on_library_changed(self, changes: Changes) -> None:
        touched = {Kind.PHOTO: changes.photos, Kind.LOOK: changes.looks, Kind.SCENE: changes.scenes}[self._shelf.kind]
        if not touched and not changes.project:
            return
        self.model.refresh(touched)
        order = list(Order)[max(0, self.order.currentIndex())]
        library = self.project.library
        list_ids = {Kind.PHOTO: library.photo_ids, Kind.LOOK: library.look_ids, Kind.SCENE: library.scene_ids}
        if list_ids[self._shelf.kind](self.wanted(), order) != self.model.ids:
            self.reload()

    # -- making ------------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        self.import_action = self._action("Ctrl+I", self.choose_files)
        self.star_actions = [
            self._action(str(stars), lambda checked=False, value=stars: self.rate(value)) for stars in range(6)
        ]
        self.flag_actions = [
            self._action(key, lambda checked=False, value=value: self.flag(value))
            for key, value in (("P", Flag.PICK), ("R", Flag.REJECT), ("U", Flag.NONE))
        ]
        self.label_actions = [
            self._action(key, lambda checked=False, value=value: self.colour(value))
            for key, value in zip(
                ("6", "7", "8", "9", "Shift+6", "Shift+7"), [*list(ColourLabel)[1:], ColourLabel.NONE], strict=True
            )
        ]
        self.trash_action = self._action("Delete", self.trash)

    def _action(self, shortcut: str, slot: Callable[..., object]) -> QAction:
        action = QAction(self)
        action.setShortcut(QKeySequence(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(slot)
        self.addAction(action)
        return action

    def _lay_out(self, size: int) -> None:
        for _ in SHELVES:
            self.tabs.addTab("")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(180)
        self.zoom.setRange(SMALLEST, LARGEST)
        self.zoom.setValue(size)
        self.zoom.setFixedWidth(120)
        top = frame("bar", row(self.tabs, 1, self.count, self.import_button), SPACE)
        filters = frame("bar", row(self.search, self.rating, self.flags, self.order, 1, self.zoom), SPACE)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self.empty)
        outer = column(top, filters, self.banner, self._stack, spacing=0)
        outer.setStretchFactor(self._stack, 1)
        self.setLayout(outer)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.show_shelf)
        self.search.textChanged.connect(self._search_timer.start)
        self._search_timer.timeout.connect(self.reload)
        for box in (self.rating, self.flags, self.order):
            box.currentIndexChanged.connect(self.reload)
        self.zoom.valueChanged.connect(self._on_zoom)
        self.import_button.clicked.connect(self.choose_files)
        self.empty.acted.connect(self.choose_files)
        self.grid.opened.connect(self._on_opened)
        self.context.library_changed.connect(self._on_library_changed)
        self.context.project_closing.connect(self.thumbnails.close)
        self.destroyed.connect(self.thumbnails.close)

    def _on_opened(self, item: str) -> None:
        if self._shelf.kind is not Kind.SCENE and self._shelf.role is not PhotoRole.BACKGROUND:
            self.context.retouch_wanted.emit(item)

    def _on_zoom(self, size: int) -> None:
        self.grid.set_size(size)
        self.context.preferences.set("thumbnail_size", size)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_empty_state()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._write_texts()
        super().changeEvent(event)

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_count(self) -> None:
        count = len(self.model.ids)
        self.count.setText(self.tr("1 item") if count == 1 else self.tr("%1 items").replace("%1", f"{count:,}"))

    def _show_empty_state(self) -> None:
        is_filtered = bool(self.search.text().strip() or self.rating.currentIndex() or self.flags.currentIndex())
        if is_filtered:
            texts = (self.tr("Nothing matches"), self.tr("Clear the search or the filters to see everything."), "")
        elif self._shelf.kind is Kind.LOOK:
            texts = (self.tr("No looks yet"), self.tr("Go to Dress and choose models and garments."), "")
        elif self._shelf.kind is Kind.SCENE:
            texts = (self.tr("No scenes yet"), self.tr("Go to Compose and place looks on a background."), "")
        else:
            texts = self._empty_photo_texts()
        self.empty.set_texts(*texts)
        self._stack.setCurrentWidget(self.grid if self.model.ids else self.empty)

    def _empty_photo_texts(self) -> tuple[str, str, str]:
        headings = {
            PhotoRole.MODEL: self.tr("Drop photos of models here"),
            PhotoRole.GARMENT: self.tr("Drop product photos of garments here"),
            PhotoRole.BACKGROUND: self.tr("Drop backgrounds here"),
        }
        body = self.tr("Files or whole folders. The originals are copied into the project and never altered.")
        return headings[self._shelf.role or PhotoRole.MODEL], body, self.tr("Choose files…")

    def _write_texts(self) -> None:
        names = [self.tr("Models"), self.tr("Garments"), self.tr("Backgrounds"), self.tr("Looks"), self.tr("Scenes")]
        for number, name in enumerate(names):
            self.tabs.setTabText(number, name)
        self.search.setPlaceholderText(self.tr("Search names and tags"))
        self._fill(self.rating, [self.tr("Any rating"), *("★" * stars for stars in range(1, 6))])
        self._fill(self.flags, [self.tr("Any flag"), self.tr("Picked"), self.tr("Rejected"), self.tr("Unmarked")])
        self._fill(
            self.order, [self.tr("By name"), self.tr("Newest first"), self.tr("Oldest first"), self.tr("Best first")]
        )
        self.import_action.setText(self.tr("Import photos…"))
        self.import_button.setText(self.tr("Import photos…"))
        self.import_button.setToolTip(shortcut_tip(self.tr("Import photos"), self.import_action.shortcut()))
        for stars, action in enumerate(self.star_actions):
            action.setText(self.tr("%1 stars").replace("%1", str(stars)))
        for action, text in zip(
            self.flag_actions, (self.tr("Pick"), self.tr("Reject"), self.tr("Unmark")), strict=True
        ):
            action.setText(text)
        colours = (self.tr("Red"), self.tr("Yellow"), self.tr("Green"), self.tr("Blue"), self.tr("Purple"))
        for action, text in zip(self.label_actions, (*colours, self.tr("No colour")), strict=True):
            action.setText(text)
        self.trash_action.setText(self.tr("Move to the trash"))
        self.zoom.setAccessibleName(self.tr("Thumbnail size"))
        self.zoom.setToolTip(self.tr("Thumbnail size"))
        self._write_count()
        self._show_empty_state()

    def _fill(self, box: QComboBox, texts: list[str]) -> None:
        chosen = max(0, box.currentIndex())
        box.blockSignals(True)
        box.clear()
        box.addItems(texts)
        box.setCurrentIndex(chosen)
        box.blockSignals(False)
