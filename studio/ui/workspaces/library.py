"""Library: models, garments, backgrounds, looks and scenes; import, cull, mark, collect, find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QMenu,
    QSlider,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QWidget,
)

from studio.domain.arrays import U8
from studio.domain.artefacts import PhotoRole
from studio.domain.errors import StudioError
from studio.library.records import Changes, ColourLabel, Filter, Flag, ImportReport, Kind, Order, RelinkReport
from studio.ui.context import StudioContext
from studio.ui.library_presenter import LibraryPresenter, Listing
from studio.ui.photo_model import GridModel, GridRow
from studio.ui.theme import SPACE
from studio.ui.thumbnails import Thumbnails, side_for
from studio.ui.widgets.basics import Banner, TextWidget, button, column, frame, label, row, shortcut_tip
from studio.ui.widgets.collection_list import MISSING, TRASH, CollectionList
from studio.ui.widgets.filter_bar import FilterBar
from studio.ui.widgets.grid import Grid
from studio.ui.widgets.library_actions import LibraryActions
from studio.ui.widgets.library_empty import LibraryEmpty
from studio.ui.widgets.photo_details import Item, PhotoDetails, Said

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

SMALLEST, LARGEST = 96, 320
SIDEBAR_WIDTH = 188
TOP_HEIGHT = 50
RELIST_MS = 60
DETAILS_MS = 40
"""Holding an arrow key moves the focus thirty times a second: the details follow when it rests."""
MOST_DETAILS = 200
NARROW = 1220
"""Below this width there is no room for three columns and all filters."""


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


class LibraryPage(TextWidget):
    """Collections on the left, the grid under its filters, the details of what is selected on the right."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAcceptDrops(True)
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self.presenter = LibraryPresenter(context, self)
        self._shelf = SHELVES[0]
        size = context.preferences.number("thumbnail_size")
        self.thumbnails = Thumbnails(self._fetch_thumbnail, side_for(size * 4 / 3 * self.devicePixelRatioF()), self)
        self.model = GridModel(self._fetch_rows, self.thumbnails, self)
        self.grid = Grid(self.model, size)
        self.grid.setDragEnabled(True)  # onto a collection
        self.tabs = QTabBar()
        self.filters = FilterBar()
        self.collections = CollectionList()
        self.collections_heading = label("", "section")
        self.add_collection = QToolButton()
        self.details = PhotoDetails()
        self.order = QComboBox()
        self.zoom = QSlider(Qt.Orientation.Horizontal)
        self.count = label("", "faint")
        self.watching = QToolButton()
        self.import_button = button("", primary=True, icon_name="")
        self.banner = Banner()
        self.empty = LibraryEmpty()
        self._outdated: list[str] = []
        self._is_narrow = False
        self._naming = ""
        self._wanted_focus = ""
        self._is_checked = False
        self._relist_timer = self._timer(RELIST_MS, self.reload)
        self._details_timer = self._timer(DETAILS_MS, self.show_details)
        self.commands = LibraryActions(self)
        self._lay_out(size)
        self.commands.restore_panels()
        self._connect()
        self._write_texts()

    def _timer(self, pause_ms: int, slot: Callable[[], None]) -> QTimer:
        made = QTimer(self)
        made.setSingleShot(True)
        made.setInterval(pause_ms)
        made.timeout.connect(slot)
        return made

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Show what is in the library now."""
        self.reload()
        self.grid.setFocus()
        if not self._is_checked:
            self._is_checked = True
            self.presenter.find_missing()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        self.commands.fill(menu)

    # -- listing -----------------------------------------------------------------------------------------------------

    @property
    def kind(self) -> Kind:
        """What the open tab lists."""
        return self._shelf.kind

    @property
    def collection_id(self) -> str:
        """The collection that is shown, "" where none is."""
        chosen = self.collections.chosen_id
        return "" if chosen in (MISSING, TRASH) else chosen

    def show_shelf(self, number: int) -> None:
        """Show another tab."""
        self._shelf = SHELVES[number]
        if self.kind is not Kind.PHOTO and self.collections.chosen_id == MISSING:
            self.collections.choose("")
        self.filters.set_tags(self.project.library.tags(self.kind))
        for one in (self.import_button, self.commands.import_photos):
            one.setVisible(self._shelf.role is not None)
        self.reload()

    def place(self) -> Filter:
        """Where to look: the tab, and what is chosen on the left."""
        chosen = self.collections.chosen_id
        return Filter(
            role=self._shelf.role,
            collection_id=self.collection_id,
            missing_only=chosen == MISSING and self.kind is Kind.PHOTO,
            in_trash=chosen == TRASH,
        )

    def wanted(self) -> Filter:
        """The filter that the tab, the left side and the bar say together."""
        place = self.place()
        return replace(
            self.filters.wanted(),
            role=place.role,
            collection_id=place.collection_id,
            missing_only=place.missing_only,
            in_trash=place.in_trash,
        )

    def reload(self) -> None:
        """List again, keeping the focus where it was."""
        self._relist_timer.stop()
        order = list(Order)[max(0, self.order.currentIndex())]
        self.presenter.list_items(self.kind, self.wanted(), order)

    def _on_listed(self, result: object) -> None:
        listing = cast(Listing, result)
        if listing.ids != self.model.ids:
            focused, chosen, place = self.grid.focused_id, self.grid.selected_ids(), self.grid.currentIndex().row()
            self.model.set_ids(listing.ids, listing.places)
            if focused and self.model.index_of(focused).isValid():
                self.grid.focus_id(focused)
                if 1 < len(chosen) <= MOST_DETAILS:
                    self.grid.select_ids(chosen)
            elif listing.ids and place >= 0:  # the focused one is gone: its neighbour takes its place
                self.grid.focus_id(listing.ids[min(place, len(listing.ids) - 1)])
        self.collections.set_rows(listing.collections, listing.counts)
        self.commands.follow()
        self._write_count()
        self._show_empty_state()
        self._details_timer.start()
        if (waiting := self._naming) and any(row.id == waiting for row in listing.collections):
            self._naming = ""
            self.collections.edit_name(waiting)
        if (wanted := self._wanted_focus) and self.model.index_of(wanted).isValid():
            self._wanted_focus = ""
            self.grid.focus_id(wanted)

    def _fetch_rows(self, ids: Sequence[str]) -> Sequence[GridRow]:
        library = self.project.library
        if self.kind is Kind.LOOK:
            return library.looks(ids)
        if self.kind is Kind.SCENE:
            return cast(Sequence[GridRow], library.scenes(ids))
        return library.photos(ids)

    def _fetch_thumbnail(self, item: str, size: int) -> U8:
        from studio.jobs.pictures import thumbnail  # decoding loads with the first thumbnail, not with the window

        return thumbnail(self.project, item, size)

    # -- importing ---------------------------------------------------------------------------------------------------

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Take files and folders in as what the open tab holds."""
        self.presenter.import_paths(paths, self._shelf.role or PhotoRole.MODEL, self.collection_id)

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
            self._say(text.replace("%1", first).replace("%2", str(more)))
        elif report.duplicates and not report.imported:
            self._say(self.tr("All of these photos are in the project already."), bad=False)
        if report.imported:
            self._wanted_focus = report.imported[0]
            self.reload()

    def watch_folder(self) -> None:
        """Ask for the folder into which a tethered camera writes; where one is watched, stop that."""
        hot = self.context.hot_folder
        if hot.folder is not None:
            hot.stop()
            return
        name = QFileDialog.getExistingDirectory(self, self.tr("Watch a folder"), "")
        if name:
            try:
                hot.watch(Path(name), self._shelf.role or PhotoRole.MODEL)
            except StudioError as error:
                self._say(self.context.message(error))

    def find_files(self) -> None:
        """Ask where to look for missing files, by content."""
        name = QFileDialog.getExistingDirectory(self, self.tr("Where to look for the missing files"), "")
        if name:
            self._say(self.tr("Looking for the missing files…"), bad=False)
            self.presenter.relink(Path(name))

    def _on_relinked(self, result: object) -> None:
        report = cast(RelinkReport, result)
        if not report.still_missing:
            text = self.tr("All %1 missing files were found.") if report.found else self.tr("No file is missing.")
        else:
            text = self.tr("%1 missing files were found, %2 were not. Try another folder, or connect their disk.")
        counts = str(len(report.found)), str(report.still_missing)
        self._say(text.replace("%1", counts[0]).replace("%2", counts[1]), bad=bool(report.still_missing))
        for photo_id, _ in report.found:
            self.thumbnails.forget(photo_id)
        self.reload()

    def _say(self, text: str, *, bad: bool = True, details: str = "") -> None:
        self._outdated = self._outdated if details else []
        self.banner.show_message(text, bad=bad, details=details)

    # -- marking -----------------------------------------------------------------------------------------------------

    def rate(self, stars: int) -> None:
        """Give the focused or selected photos stars."""
        self._mark(lambda ids: self.project.library.rate(ids, stars, self.kind), advance=True)

    def flag(self, value: Flag) -> None:
        """Pick, reject or unmark."""
        self._mark(lambda ids: self.project.library.flag(ids, value, self.kind), advance=True)

    def colour(self, value: ColourLabel) -> None:
        """Give a colour label."""
        self._mark(lambda ids: self.project.library.label(ids, value, self.kind))

    def tag(self, tag: str) -> None:
        """Add a tag."""
        self._mark(lambda ids: self.project.library.tag(ids, tag, self.kind))

    def untag(self, tag: str) -> None:
        """Take a tag away."""
        self._mark(lambda ids: self.project.library.untag(ids, tag, self.kind))

    def note(self, text: str) -> None:
        """Write a note."""
        self._mark(lambda ids: self.project.library.annotate(ids, text, self.kind))

    def trash(self) -> None:
        """Move to the trash; undo brings it back."""
        self._mark(lambda ids: self.project.library.trash(ids, self.kind))

    def restore(self) -> None:
        """Take out of the trash."""
        self._mark(lambda ids: self.project.library.restore(ids, self.kind))

    def rename(self, name: str) -> None:
        """Call the focused photo or scene otherwise."""
        library = self.project.library
        change = {Kind.PHOTO: library.rename_photo, Kind.SCENE: library.rename_scene}.get(self.kind)
        if change is not None and self.grid.focused_id:
            change(self.grid.focused_id, name)

    def _mark(self, change: Callable[[Sequence[str]], Changes], *, advance: bool = False) -> None:
        ids = self.grid.selected_ids()
        if not ids:
            return
        try:
            self.presenter.mark(ids, change)
        except StudioError as error:
            self._say(self.context.message(error))
            return
        if advance and len(ids) == 1 and self.context.preferences.flag("advance_after_rating"):
            self.grid.advance()

    # -- collections -------------------------------------------------------------------------------------------------

    def create_collection(self) -> None:
        """Make a collection and let its name be typed; what is selected, if more than one, goes into it."""
        ids = self.grid.selected_ids()
        changes = self.project.library.create_collection(self.tr("New collection"))
        if len(ids) > 1:
            self.collect(changes.created[0], ids)
        self._naming = changes.created[0]  # its name is typed as soon as it is listed
        self.reload()

    def collect(self, collection_id: str, ids: Sequence[str]) -> None:
        """Put items into a collection."""
        self.presenter.mark(ids, lambda chosen: self.project.library.collect(collection_id, chosen, self.kind))

    def uncollect(self) -> None:
        """Take what is selected out of the collection that is shown."""
        chosen = self.collection_id
        if chosen:
            self._mark(lambda ids: self.project.library.uncollect(chosen, ids, self.kind))

    def _rename_collection(self, collection_id: str, name: str) -> None:
        self.project.library.rename_collection(collection_id, name)

    def _remove_collection(self, collection_id: str) -> None:
        """What was in it stays; undo brings it back."""
        self.project.library.trash_collection(collection_id)

    # -- details -----------------------------------------------------------------------------------------------------

    def show_details(self) -> None:
        """Show what is selected now."""
        if self.details.isHidden():
            return
        ids = self.grid.selected_ids()
        items = cast(Sequence[Item], self._fetch_rows(ids[:MOST_DETAILS]))
        self.details.show_items(items, len(ids))
        tags = self.project.library.tags(self.kind)
        self.details.set_known_tags(tags)
        self.filters.set_tags(tags)
        self.presenter.read_said(ids, self.kind, self._shelf.role)

    def _on_said(self, said: object) -> None:
        self.details.show_said(cast(Said, said))

    def _say_garment(self, field: str, value: str) -> None:
        self.presenter.say_garment(self.grid.selected_ids(), field, value)
        self.show_details()

    def _say_worn(self, change: object) -> None:
        self.presenter.say_worn(self.grid.selected_ids(), change)  # type: ignore[arg-type]  # through a signal
        self.show_details()

    def _on_outdated(self, looks: object) -> None:
        self._outdated = cast("list[str]", looks)
        count = len(self._outdated)
        text = self.tr("1 look was made before that.") if count == 1 else self.tr("%1 looks were made before that.")
        self._say(text.replace("%1", str(count)), bad=False, details=self.tr("Renew them"))

    def _on_banner(self) -> None:
        self.presenter.renew(self._outdated)
        self.banner.hide()

    # -- following ---------------------------------------------------------------------------------------------------

    def _on_library_changed(self, changes: Changes) -> None:
        touched = {Kind.PHOTO: changes.photos, Kind.LOOK: changes.looks, Kind.SCENE: changes.scenes}[self.kind]
        self.model.refresh(touched)
        if touched or changes.project or changes.collections or changes.edits:
            self._relist_timer.start()

    def _on_closing(self) -> None:
        for timer in (self._relist_timer, self._details_timer):
            timer.stop()
        self.presenter.close()
        self.thumbnails.close()

    def _on_zoom(self, size: int) -> None:
        self.thumbnails.set_size(side_for(size * 4 / 3 * self.devicePixelRatioF()))
        self.grid.set_size(size)
        self.context.preferences.set("thumbnail_size", size)

    def _on_opened(self, item: str) -> None:
        if self.kind is not Kind.SCENE and self._shelf.role is not PhotoRole.BACKGROUND:
            self.context.retouch_wanted.emit(item)

    def open_focused(self) -> None:
        """Correct the focused photo or look by hand."""
        if self.grid.focused_id:
            self._on_opened(self.grid.focused_id)

    # -- making ------------------------------------------------------------------------------------------------------

    def _lay_out(self, size: int) -> None:
        for _ in SHELVES:
            self.tabs.addTab("")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.zoom.setRange(SMALLEST, LARGEST)
        self.zoom.setValue(size)
        self.zoom.setFixedWidth(80)
        self.watching.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.watching.setDefaultAction(self.commands.watch)
        self.add_collection.setDefaultAction(self.commands.new_collection)
        self.add_collection.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        top = frame("bar", row(self.tabs, 1, self.count, self.watching, self.import_button), SPACE)
        narrowing = row(self.filters, self.order, self.zoom)
        narrowing.setStretchFactor(self.filters, 1)
        top.setFixedHeight(TOP_HEIGHT)
        filters = frame("bar", narrowing, SPACE)
        heading = row(self.collections_heading, 1, self.add_collection)
        heading.setContentsMargins(SPACE * 2, SPACE, SPACE, 0)
        side = column(heading, self.collections, spacing=SPACE // 2)
        self.sidebar = frame("sidebar", side, 0)
        self.sidebar.setFixedWidth(SIDEBAR_WIDTH)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self.empty)
        middle = QWidget()
        inner = column(filters, self.banner, self._stack, spacing=0)
        inner.setStretchFactor(self._stack, 1)
        middle.setLayout(inner)
        body = row(self.sidebar, middle, self.details, spacing=0)
        body.setStretchFactor(middle, 1)
        outer = column(top, spacing=0)
        outer.addLayout(body, 1)
        self.setLayout(outer)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.show_shelf)
        self.filters.changed.connect(self.reload)
        self.order.currentIndexChanged.connect(self.reload)
        self.zoom.valueChanged.connect(self._on_zoom)
        self.import_button.clicked.connect(self.choose_files)
        self.empty.acted.connect(self.choose_files)
        self.banner.details_wanted.connect(self._on_banner)
        self.grid.opened.connect(self._on_opened)
        self.grid.selection_changed.connect(self._details_timer.start)
        self.grid.chosen.connect(self._details_timer.start)
        self.collections.chosen.connect(self.reload)
        self.collections.dropped.connect(self.collect)
        self.collections.renamed.connect(self._rename_collection)
        self.collections.removed.connect(self._remove_collection)
        self._connect_details()
        presenter, context = self.presenter, self.context
        presenter.listed.connect(self._on_listed)
        presenter.imported.connect(self._on_imported)
        presenter.relinked.connect(self._on_relinked)
        presenter.said.connect(self._on_said)
        presenter.outdated.connect(self._on_outdated)
        context.hot_folder.changed.connect(self._write_watching)
        context.library_changed.connect(self._on_library_changed)
        context.project_closing.connect(self._on_closing)
        self.destroyed.connect(self.thumbnails.close)

    def _connect_details(self) -> None:
        details = self.details
        details.rated.connect(self.rate)
        details.flagged.connect(self.flag)
        details.coloured.connect(self.colour)
        details.tagged.connect(self.tag)
        details.untagged.connect(self.untag)
        details.renamed.connect(self.rename)
        details.noted.connect(self.note)
        details.relink_wanted.connect(self.find_files)
        details.open_wanted.connect(self.open_focused)
        details.garment.said.connect(self._say_garment)
        details.worn.said.connect(self._say_worn)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the filters their room in a small window: the collections come back by their shortcut."""
        super().resizeEvent(event)
        is_narrow = event.size().width() < NARROW
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self.sidebar.setVisible(self.commands.show_collections.isChecked() and not is_narrow)
            self.zoom.setVisible(not is_narrow)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_empty_state()

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_count(self) -> None:
        count = len(self.model.ids)
        self.count.setText(self.tr("1 item") if count == 1 else self.tr("%1 items").replace("%1", f"{count:,}"))

    def _write_watching(self) -> None:
        """Show that a folder is watched, and which."""
        hot = self.context.hot_folder
        self.watching.setVisible(hot.folder is not None)
        self.commands.write_watch(hot.folder, is_reachable=hot.is_reachable)

    def _show_empty_state(self) -> None:
        self.empty.describe(self.kind, self._shelf.role, self.collections.chosen_id, is_filtered=self.filters.is_active)
        self._stack.setCurrentWidget(self.grid if self.model.ids else self.empty)

    def _write_texts(self) -> None:
        names = [self.tr("Models"), self.tr("Garments"), self.tr("Backgrounds"), self.tr("Looks"), self.tr("Scenes")]
        for number, name in enumerate(names):
            self.tabs.setTabText(number, name)
        chosen = max(0, self.order.currentIndex())
        self.order.blockSignals(True)
        self.order.clear()
        self.order.addItems(
            [self.tr("By name"), self.tr("Newest first"), self.tr("Oldest first"), self.tr("Best first")]
        )
        self.order.setCurrentIndex(chosen)
        self.order.blockSignals(False)
        self.order.setAccessibleName(self.tr("Order"))
        self.commands.write_texts()
        self.import_button.setText(self.tr("Import photos…"))
        self.import_button.setToolTip(shortcut_tip(self.tr("Import photos"), self.commands.import_photos.shortcut()))
        self.collections_heading.setText(self.tr("Collections"))
        self.grid.setAccessibleName(self.tr("Photos"))
        self.zoom.setAccessibleName(self.tr("Thumbnail size"))
        self.zoom.setToolTip(self.tr("Thumbnail size"))
        self._write_count()
        self._write_watching()
        self._show_empty_state()
