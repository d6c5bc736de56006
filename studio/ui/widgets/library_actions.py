"""The Library's actions: each with a menu entry, a shortcut and a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from studio.library.records import MAX_RATING, ColourLabel, Flag
from studio.ui import icons
from studio.ui.part_names import colour_names
from studio.ui.widgets.basics import add_action, shortcut_tip
from studio.ui.widgets.collection_list import TRASH

if TYPE_CHECKING:
    from studio.ui.workspaces.library import LibraryPage

LABEL_KEYS = ("6", "7", "8", "9", "Shift+6", "Shift+7")


class LibraryActions(QObject):
    """Makes the actions of a page and keeps their texts."""

    def __init__(self, page: LibraryPage) -> None:
        super().__init__(page)
        self._page = page
        self.import_photos = self._action("Ctrl+I", page.choose_files)
        self.watch = self._action("Ctrl+Shift+I", page.watch_folder, "hot")
        self.find_files = self._action("Ctrl+Shift+L", page.find_files, "missing")
        self.stars = [self._action(str(stars), partial(page.rate, stars)) for stars in range(MAX_RATING + 1)]
        flags = (("P", Flag.PICK), ("R", Flag.REJECT), ("U", Flag.NONE))
        self.flags = [self._action(key, partial(page.flag, value)) for key, value in flags]
        labels = [*list(ColourLabel)[1:], ColourLabel.NONE]
        self.labels = [
            self._action(key, partial(page.colour, value)) for key, value in zip(LABEL_KEYS, labels, strict=True)
        ]
        self.tag = self._action("Ctrl+T", self._go_to_tags, "tag")
        self.rename = self._action("F2", self._go_to_name)
        self.search = self._action("Ctrl+F", self._go_to_search, "search")
        self.clear = self._action("Ctrl+Shift+F", page.filters.clear)
        self.new_collection = self._action("Ctrl+Shift+N", page.create_collection, "add")
        self.collect = self._action("Ctrl+K", self._offer_collections, "collection")
        self.uncollect = self._action("Ctrl+Shift+K", page.uncollect)
        self.trash = self._action("Delete", page.trash, "trash")
        self.restore = self._action("Ctrl+Shift+Delete", page.restore)
        self.show_collections = self._switch("Ctrl+Alt+1", self._on_sidebar, "library_sidebar")
        self.show_details = self._switch("Ctrl+Alt+2", self._on_details, "library_details")
        self.collect_menu = QMenu(page)
        self.collect_menu.triggered.connect(self._on_collection)

    # -- the menu ----------------------------------------------------------------------------------------------------

    def fill(self, menu: QMenu) -> None:
        """Put everything into the workspace's menu."""
        for group in (
            [self.import_photos, self.watch, self.find_files],
            self.stars,
            self.flags,
            self.labels,
            [self.tag, self.rename],
            [self.new_collection, self.collect, self.uncollect],
            [self.search, self.clear],
            [self.show_collections, self.show_details],
            [self.trash, self.restore],
        ):
            menu.addActions(group)
            menu.addSeparator()

    def follow(self) -> None:
        """Offer what makes sense where the page is now."""
        in_trash = self._page.collections.chosen_id == TRASH
        self.uncollect.setEnabled(bool(self._page.collection_id))
        self.restore.setEnabled(in_trash)
        self.trash.setEnabled(not in_trash)

    def restore_panels(self) -> None:
        """Show the panels as they were left."""
        for action, key in ((self.show_collections, "library_sidebar"), (self.show_details, "library_details")):
            action.setChecked(self._page.context.remembered.get(key) is not False)
        self._page.sidebar.setVisible(self.show_collections.isChecked())
        self._page.details.setVisible(self.show_details.isChecked())

    # -- doing -------------------------------------------------------------------------------------------------------

    def _go_to_search(self) -> None:
        self._page.filters.search.setFocus()
        self._page.filters.search.selectAll()

    def _go_to_tags(self) -> None:
        self.show_details.setChecked(True)
        self._page.show_details()
        self._page.details.tags.line.setFocus()

    def _go_to_name(self) -> None:
        self.show_details.setChecked(True)
        self._page.show_details()
        self._page.details.name.setFocus()
        self._page.details.name.selectAll()

    def _offer_collections(self) -> None:
        page = self._page
        if not page.grid.selected_ids():
            return
        self.collect_menu.clear()
        for one in page.project.library.collections():
            self.collect_menu.addAction(icons.icon("collection", 16), one.name).setData(one.id)
        self.collect_menu.addSeparator()
        self.collect_menu.addAction(self.new_collection)
        place = page.grid.visualRect(page.grid.currentIndex()).center()
        self.collect_menu.popup(page.grid.viewport().mapToGlobal(place if not place.isNull() else QPoint(40, 40)))

    def _on_collection(self, action: QAction) -> None:
        if action.data():
            self._page.collect(str(action.data()), self._page.grid.selected_ids())

    def _on_sidebar(self, is_on: bool) -> None:
        """In a narrow window it is hidden though it is on: the first use then shows it."""
        if not is_on and not self._page.sidebar.isVisible() and self._page.isVisible():
            self.show_collections.setChecked(True)
            return
        self._page.sidebar.setVisible(is_on)
        self._page.context.remembered.set("library_sidebar", is_on)

    def _on_details(self, is_on: bool) -> None:
        self._page.details.setVisible(is_on)
        self._page.context.remembered.set("library_details", is_on)
        self._page.show_details()

    # -- making ------------------------------------------------------------------------------------------------------

    def _action(self, shortcut: str, slot: Callable[[], object], icon_name: str = "") -> QAction:
        return add_action(self._page, shortcut, lambda: slot(), icon_name)

    def _switch(self, shortcut: str, slot: Callable[[bool], object], key: str) -> QAction:
        action = QAction(self._page)
        action.setCheckable(True)
        action.setChecked(self._page.context.remembered.get(key) is not False)
        action.setShortcut(QKeySequence(shortcut))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.toggled.connect(slot)
        self._page.addAction(action)
        return action

    # -- texts -------------------------------------------------------------------------------------------------------

    def write_watch(self, folder: Path | None, *, is_reachable: bool) -> None:
        """Say which folder is watched, and whether it can be reached."""
        if folder is None:
            text, tip = self.tr("Watch a folder…"), self.tr("Import what a tethered camera writes into a folder")
        else:
            text = self.tr("Watching %1") if is_reachable else self.tr("Waiting for %1")
            text = text.replace("%1", folder.name or str(folder))
            tip = self.tr("%1 is watched; click to stop").replace("%1", str(folder))
        self.watch.setText(text)
        self.watch.setToolTip(shortcut_tip(tip, self.watch.shortcut()))

    def write_texts(self) -> None:
        """Write everything in the present language."""
        colours = colour_names()
        stars = [
            self.tr("No stars"),
            self.tr("1 star"),
            *(self.tr("%1 stars").replace("%1", str(n)) for n in range(2, 6)),
        ]
        labels = [colours[label] for label in [*list(ColourLabel)[1:], ColourLabel.NONE]]
        for actions, texts in (
            (self.stars, stars),
            (self.flags, [self.tr("Pick"), self.tr("Reject"), self.tr("Unmark")]),
            (self.labels, labels),
        ):
            for action, text in zip(actions, texts, strict=True):
                action.setText(text)
        for action, text in (
            (self.import_photos, self.tr("Import photos…")),
            (self.find_files, self.tr("Find missing files…")),
            (self.tag, self.tr("Add a tag…")),
            (self.rename, self.tr("Rename…")),
            (self.search, self.tr("Search")),
            (self.clear, self.tr("Clear the filters")),
            (self.new_collection, self.tr("New collection")),
            (self.collect, self.tr("Add to a collection…")),
            (self.uncollect, self.tr("Take out of this collection")),
            (self.trash, self.tr("Move to the trash")),
            (self.restore, self.tr("Take out of the trash")),
            (self.show_collections, self.tr("Show the collections")),
            (self.show_details, self.tr("Show the details")),
        ):
            action.setText(text)
            action.setToolTip(shortcut_tip(text, action.shortcut()))
