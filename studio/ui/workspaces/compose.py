"""Compose: looks on a background, placed by hand or at named places, previewed by the renderer that exports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QItemSelection, QTimer
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QComboBox, QInputDialog, QMenu, QScrollArea, QStackedWidget, QWidget

from studio.domain.arrays import U8
from studio.domain.artefacts import PhotoRole
from studio.domain.errors import StudioError
from studio.domain.geometry import Placement
from studio.domain.progress import Progress
from studio.library.records import Changes, Filter, Order, SceneItem
from studio.ui.context import StudioContext
from studio.ui.photo_model import GridModel
from studio.ui.theme import SPACE
from studio.ui.thumbnails import Thumbnails, to_image
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
    tool_button,
)
from studio.ui.widgets.grid import Grid
from studio.ui.widgets.placement_form import PlacementForm
from studio.ui.widgets.scene_canvas import Items, SceneCanvas, next_z
from studio.ui.widgets.viewport import Pyramid

if TYPE_CHECKING:
    from studio.jobs.composer import Composer
    from studio.jobs.workspace import Workspace

STRIP_SIZE, STRIP_WIDTH, FORM_WIDTH = 96, 132, 320
PREVIEW_DELAY_MS = 120
"""The renderer runs when nothing was moved for this long; until then sprites show the scene."""


class Arrangement(QUndoCommand):
    """One change of a scene's looks in the undo list."""

    def __init__(self, page: ComposePage, name: str, scene_id: str, before: Items, after: Items) -> None:
        super().__init__(name)
        self._page, self._scene_id, self._before, self._after = page, scene_id, before, after

    def undo(self) -> None:
        self._page.restore(self._scene_id, self._before)

    def redo(self) -> None:
        self._page.restore(self._scene_id, self._after)


class ComposePage(TextWidget):
    """Looks on the left, the background in the middle, the chosen look's placement on the right."""

    def __init__(self, context: StudioContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context
        self.project: Workspace = cast("Workspace", context.project)
        self.thumbnails = Thumbnails(self._fetch_thumbnail, STRIP_SIZE * 3, self)
        self.model = GridModel(self.project.library.looks, self.thumbnails, self)
        self.strip = Grid(self.model, STRIP_SIZE)
        self.canvas = SceneCanvas()
        self.form = PlacementForm()
        self.backgrounds = QComboBox()
        self.places = QComboBox()
        self.save_place = button("")
        self.batch = button("", primary=True)
        self.hint = label("", "faint", wrap=True)
        self.banner = Banner()
        self.empty = EmptyState("compose", "", "")
        self.scene_id = ""
        self._is_opening = False
        self._waiting: list[str] = []
        self._saved: Items = []
        self._preview_timer = QTimer(self)
        self._preview_timer.setSingleShot(True)
        self._preview_timer.setInterval(PREVIEW_DELAY_MS)
        self._make_actions()
        self._lay_out()
        self._connect()
        self._write_texts()

    # -- the window's side -------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Show the looks and backgrounds as they are now, and the scene worked on last."""
        self.model.set_ids(self.project.library.look_ids(Filter(), Order.NAME))
        self._fill_backgrounds()
        has_both = bool(self.model.ids) and self.backgrounds.count() > 0
        self._stack.setCurrentWidget(self._body if has_both else self.empty)
        if has_both and self.canvas.composer is None and not self._is_opening:
            self._open_scene_of(self.backgrounds.currentData())
        self.canvas.setFocus()

    def fill_menu(self, menu: QMenu) -> None:
        """Offer every action with its shortcut."""
        menu.addActions([self.add_action, self.remove_action, self.forward_action, self.back_action])
        menu.addSeparator()
        menu.addActions([self.align_action, self.grid_action, self.snap_action, self.fit_action])
        menu.addSeparator()
        menu.addActions([self.save_action, self.batch_action])

    # -- scenes ------------------------------------------------------------------------------------------------------

    def open_scene(self, scene_id: str) -> None:
        """Load a scene off the UI thread and show it."""

        def work(progress: Progress) -> object:
            from studio.jobs.composer import Composer  # the compositing room loads with the first scene

            progress.report(0.0, "compose")
            composer = Composer.open(self.project, self.project.library.scene(scene_id))
            background = composer.background
            return composer, Pyramid(to_image(background.rgb8)) if background is not None else None

        if scene_id != self.scene_id:
            self._waiting.clear()
        self.scene_id = scene_id
        self._is_opening = True
        self._preview_timer.stop()
        self.canvas.clear()  # nothing can be done to the scene before while another is on its way
        self.context.work.submit("scene", work, self._on_opened)
        self._write_hint()

    def _open_scene_of(self, background_id: str) -> None:
        """Open the newest scene on a background, or begin one."""
        library = self.project.library
        newest = library.scenes(library.scene_ids(Filter(), Order.NEWEST))
        found = [one for one in newest if one.background_id == background_id]
        if found:
            self.open_scene(found[0].id)
            return
        try:
            made = library.create_scene(library.photo(background_id).name, background_id)
        except StudioError as error:  # a project opened for looking only
            self.banner.show_message(self.context.message(error))
            return
        self.open_scene(made.created[0])

    def _on_opened(self, result: object) -> None:
        composer, background = cast("tuple[Composer, Pyramid | None]", result)
        self._is_opening = False
        scene = self.project.library.scene(self.scene_id)
        items: Items = [(item.look_id, item.placement) for item in scene.items if item.look_id in composer.sprites]
        self._saved = list(items)
        self.canvas.open(composer, items, background)
        self._fill_places(scene.background_id)
        self._preview_timer.start()
        self._write_hint()
        waiting, self._waiting = self._waiting, []
        for look_id in waiting:
            self.add_look(look_id)

    def _on_lane_failed(self, job_id: str, error: object) -> None:
        if job_id == "scene":
            self._is_opening = False
            self._waiting.clear()

    def add_look(self, look_id: str) -> None:
        """Put a look on the background: at the chosen named place, else in the middle on the ground of the others."""
        composer = self.canvas.composer
        if not look_id:
            return
        if composer is None:  # the scene is on its way: the look waits for it
            self._waiting.append(look_id)
            return
        if look_id in dict(self.canvas.items):
            self.canvas.select(look_id)
            return

        def work(progress: Progress) -> object:
            progress.report(0.0, "compose")
            composer.add(look_id)
            return composer, look_id

        self.context.work.submit(f"sprite {look_id}", work, self._on_sprite)

    def _on_sprite(self, result: object) -> None:
        composer, chosen = cast("tuple[Composer, str]", result)
        if composer is not self.canvas.composer or chosen in dict(self.canvas.items):
            return  # another scene was opened meanwhile, or the look was asked for twice
        self.canvas.add_sprite(chosen)
        place = self.places.currentData()
        if isinstance(place, Placement):
            placement = replace(place, z=next_z(self.canvas.items))
        else:
            grounds = [one for _, one in self.canvas.items]
            like = grounds[-1] if grounds else Placement()
            placement = replace(like, x=0.5, z=next_z(self.canvas.items))
        before = list(self.canvas.items)
        self.canvas.set_items([*before, (chosen, placement)])
        self.canvas.select(chosen)
        self._commit(self.tr("Add a look"), before)

    def remove_look(self) -> None:
        """Take the chosen look off the background."""
        before = list(self.canvas.items)
        self.canvas.set_items([item for item in before if item[0] != self.canvas.selection])
        self.canvas.select("")
        self._commit(self.tr("Remove a look"), before)

    def move_in_order(self, step: int) -> None:
        """Bring the chosen look forward or send it back by one."""
        before = list(self.canvas.items)
        ordered = sorted(before, key=lambda item: item[1].z)
        at = next((number for number, item in enumerate(ordered) if item[0] == self.canvas.selection), None)
        if at is None or not 0 <= at + step < len(ordered):
            return
        ordered[at], ordered[at + step] = ordered[at + step], ordered[at]
        self.canvas.set_items([(look_id, replace(one, z=z)) for z, (look_id, one) in enumerate(ordered)])
        self._commit(self.tr("Change the order"), before)

    def align(self) -> None:
        """Put all looks on the chosen one's ground line, at its height."""
        reference = self.canvas.placement()
        if reference is None:
            return
        from studio.jobs.composer import align_to  # as above

        before = list(self.canvas.items)
        placed = align_to([placement for _, placement in before], reference)
        self.canvas.set_items([(look_id, one) for (look_id, _), one in zip(before, placed, strict=True)])
        self._commit(self.tr("Align the looks"), before)

    def restore(self, scene_id: str, items: Items) -> None:
        """Show and save an arrangement: undo, redo, and the end of every gesture."""
        composer = self.canvas.composer
        stored = [SceneItem(look_id, placement) for look_id, placement in items]
        is_here = scene_id == self.scene_id and composer is not None
        if is_here:
            self._saved = list(items)
        self.project.library.update_scene(scene_id, items=stored)
        if not is_here or composer is None or any(look_id not in composer.sprites for look_id, _ in items):
            self.open_scene(scene_id)  # what is taken back happened on another background: show it there
            return
        self.canvas.set_items(items)
        self.form.show_placement(self.canvas.placement())
        self._preview_timer.start()
        self._write_hint()

    def _commit(self, name: str, before: Items) -> None:
        self.context.undo.push(Arrangement(self, name, self.scene_id, before, list(self.canvas.items)))

    def _on_committed(self, kind: str) -> None:
        names = {"scale": self.tr("Scale"), "rotate": self.tr("Turn"), "form": self.tr("Adjust the look")}
        self._commit(names.get(kind, self.tr("Move")), self._saved)

    # -- named places ------------------------------------------------------------------------------------------------

    def save_placement(self) -> None:
        """Keep the chosen look's place under a name."""
        placement = self.canvas.placement()
        if placement is None:
            self.banner.show_message(self.tr("Choose a look on the background first."), bad=False)
            return
        name, agreed = QInputDialog.getText(self, self.tr("Save this place"), self.tr("Name"))
        if agreed and name.strip():
            self.keep_place(name.strip(), placement)

    def keep_place(self, name: str, placement: Placement) -> None:
        """Store a named place of this background."""
        background = str(self.backgrounds.currentData())
        self.project.library.save_placement(background, name, placement)
        self._fill_places(background)
        self.places.setCurrentIndex(self.places.findText(name))

    def place_all(self) -> None:
        """Make a scene of each selected look at the chosen named place."""
        ids, place = self.strip.selected_ids(), self.places.currentData()
        chosen = place if isinstance(place, Placement) else self.canvas.placement()
        if chosen is None or not ids:
            self.banner.show_message(self.tr("Choose looks on the left and a saved place first."), bad=False)
            return
        background = str(self.backgrounds.currentData())

        def work(progress: Progress) -> object:
            progress.report(0.0, "compose")
            return self.project.place_batch(ids, background, chosen)

        self.banner.hide()
        self.context.work.submit("batch", work, self._on_batch)

    def _on_batch(self, result: object) -> None:
        count = len(cast(Changes, result).created)
        text = self.tr("%1 scenes made: see them under Scenes in the Library, deliver them in Deliver.")
        self.banner.show_message(text.replace("%1", str(count)), bad=False)

    def _on_place(self, number: int) -> None:
        place = self.places.itemData(number)
        if isinstance(place, Placement) and self.canvas.placement() is not None:
            before = list(self.canvas.items)
            self.canvas.change(replace(place, z=self.canvas.placement().z))  # type: ignore[union-attr]
            self._commit(self.tr("Use a saved place"), before)

    # -- preview -----------------------------------------------------------------------------------------------------

    def _render(self) -> None:
        composer, items = self.canvas.composer, list(self.canvas.items)
        if composer is None:
            return

        def work(progress: Progress) -> object:
            progress.report(0.0, "preview")
            return composer, Pyramid(to_image(composer.render(items))), items

        self.context.work.submit("preview", work, self._on_preview)

    def _on_preview(self, result: object) -> None:
        composer, preview, items = cast("tuple[Composer, Pyramid, Items]", result)
        if composer is self.canvas.composer:
            self.canvas.set_preview(preview, items)

    def _on_items_changed(self) -> None:
        self.form.show_placement(self.canvas.placement())
        self._preview_timer.start()

    def _on_form(self, placement: object) -> None:
        self.canvas.change(cast(Placement, placement))

    def _on_form_finished(self) -> None:
        if self.canvas.items != self._saved:
            self._on_committed("form")

    def _on_selected(self, look_id: str) -> None:
        del look_id
        self.form.show_placement(self.canvas.placement())

    # -- making ------------------------------------------------------------------------------------------------------

    def _fill_backgrounds(self) -> None:
        library = self.project.library
        chosen = self.backgrounds.currentData()
        self.backgrounds.blockSignals(True)
        self.backgrounds.clear()
        for photo in library.photos(library.photo_ids(Filter(role=PhotoRole.BACKGROUND))):
            self.backgrounds.addItem(photo.name, photo.id)
        self.backgrounds.setCurrentIndex(max(0, self.backgrounds.findData(chosen)))
        self.backgrounds.blockSignals(False)

    def _fill_places(self, background_id: str) -> None:
        self.places.blockSignals(True)
        self.places.clear()
        self.places.addItem(self.tr("Saved places…"), None)
        for kept in self.project.library.placements(background_id) if background_id else []:
            self.places.addItem(kept.name, kept.placement)
        self.places.blockSignals(False)

    def _on_background(self) -> None:
        background = self.backgrounds.currentData()
        if background:
            self._open_scene_of(str(background))

    def _on_library_changed(self, changes: Changes) -> None:
        """Looks were renewed, removed or added elsewhere: the strip and the scene follow."""
        if changes.looks:
            self.model.refresh(changes.looks)
            ids = self.project.library.look_ids(Filter(), Order.NAME)
            if ids != self.model.ids:
                self.model.set_ids(ids)
        if self.scene_id in changes.scenes and self.canvas.composer is not None:
            items = self.project.library.scene(self.scene_id).items
            if [item.look_id for item in items] != [look_id for look_id, _ in self._saved]:
                self.open_scene(self.scene_id)

    def _fetch_thumbnail(self, item: str, size: int) -> U8:
        from studio.jobs.pictures import thumbnail  # decoding loads with the first thumbnail, not with the window

        return thumbnail(self.project, item, size)

    def _make_actions(self) -> None:
        self.add_action = add_action(self, "Return", lambda: self.add_look(self.strip.focused_id), "add")
        self.remove_action = add_action(self, "Delete", self.remove_look, "trash")
        self.forward_action = add_action(self, "Ctrl+]", lambda: self.move_in_order(1), "front")
        self.back_action = add_action(self, "Ctrl+[", lambda: self.move_in_order(-1), "back")
        self.align_action = add_action(self, "L", self.align, "align")
        self.grid_action = add_action(self, "G", self._toggle_grid, "grid")
        self.grid_action.setCheckable(True)
        self.snap_action = add_action(self, "N", self._toggle_snap, "landmark")
        self.snap_action.setCheckable(True)
        self.snap_action.setChecked(True)
        self.fit_action = add_action(self, "Ctrl+0", self.canvas.fit, "grow")
        self.save_action = add_action(self, "Ctrl+S", self.save_placement, "landmark")
        self.batch_action = add_action(self, "Ctrl+Return", self.place_all, "compose")

    def _toggle_grid(self) -> None:
        self.canvas.shows_grid = self.grid_action.isChecked()
        self.canvas.update()

    def _toggle_snap(self) -> None:
        self.canvas.snaps = self.snap_action.isChecked()

    def _lay_out(self) -> None:
        edits = (self.add_action, self.remove_action, self.forward_action, self.back_action)
        views = (self.align_action, self.grid_action, self.snap_action, self.fit_action)
        self.backgrounds.setMinimumWidth(160)
        self.places.setMinimumWidth(140)
        tools = row(
            self.backgrounds, *map(tool_button, edits), *map(tool_button, views), 1,
            self.places, self.save_place, self.batch, spacing=SPACE // 2,
        )  # fmt: skip
        scroll = QScrollArea()
        scroll.setWidget(frame("panel", column(self.form, spacing=0)))
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        side = frame("inspector", column(scroll, spacing=0), 0)
        side.setFixedWidth(FORM_WIDTH)
        self.strip.setFixedWidth(STRIP_WIDTH)
        self._body = QWidget()
        self._body.setLayout(row(self.strip, self.canvas, side, spacing=0))
        self._stack = QStackedWidget()
        self._stack.addWidget(self._body)
        self._stack.addWidget(self.empty)
        foot = frame("bar", row(self.hint, spacing=0), SPACE)
        outer = column(frame("bar", tools, SPACE), self.banner, self._stack, foot, spacing=0)
        outer.setStretchFactor(self._stack, 1)
        self.setLayout(outer)

    def _connect(self) -> None:
        self.strip.opened.connect(self.add_look)
        self.strip.selectionModel().selectionChanged.connect(self._on_strip_selected)
        self.model.modelReset.connect(self._write_batch)
        self.backgrounds.currentIndexChanged.connect(self._on_background)
        self.places.currentIndexChanged.connect(self._on_place)
        self.save_place.clicked.connect(self.save_placement)
        self.batch.clicked.connect(self.place_all)
        self.canvas.items_changed.connect(self._on_items_changed)
        self.canvas.committed.connect(self._on_committed)
        self.canvas.selected.connect(self._on_selected)
        self.form.changed.connect(self._on_form)
        self.form.finished.connect(self._on_form_finished)
        self._preview_timer.timeout.connect(self._render)
        self.context.library_changed.connect(self._on_library_changed)
        self.context.work.failed.connect(self._on_lane_failed)
        self.context.project_closing.connect(self.thumbnails.close)
        self.destroyed.connect(self.thumbnails.close)

    # -- texts -------------------------------------------------------------------------------------------------------

    def _write_hint(self) -> None:
        if self._is_opening:
            text = self.tr("Opening the scene…")
        elif self.canvas.items:
            text = self.tr(
                "Drag a look; its corners scale, with Ctrl they turn; Shift keeps a line, Alt lets go of it."
            )
        else:
            text = self.tr("Double-click a look on the left to put it on this background.")
        self.hint.setText(text)

    def _write_batch(self) -> None:
        """Say on the button for how many looks a scene would be made."""
        count = len(self.strip.selectionModel().selectedIndexes())
        text = self.tr("Place %1 looks").replace("%1", str(count)) if count > 1 else self.tr("Place chosen looks")
        self.batch.setText(text)

    def _on_strip_selected(self, chosen: QItemSelection, left: QItemSelection) -> None:
        del chosen, left
        self._write_batch()

    def _write_texts(self) -> None:
        for action, text in (
            (self.add_action, self.tr("Add the look")),
            (self.remove_action, self.tr("Remove the look")),
            (self.forward_action, self.tr("Bring forward")),
            (self.back_action, self.tr("Send back")),
            (self.align_action, self.tr("Align all to this one")),
            (self.grid_action, self.tr("Consistency lines")),
            (self.snap_action, self.tr("Snap to ground and middle")),
            (self.fit_action, self.tr("Fit the window")),
        ):
            set_text(action, text)
        set_text(self.save_action, self.tr("Save place…"))
        set_text(self.batch_action, self.tr("Place chosen looks"))
        self.save_place.setText(self.save_action.text())
        self.save_place.setToolTip(self.save_action.toolTip())
        tip = self.tr("One scene for each look chosen on the left, all at the saved place")
        self.batch.setToolTip(shortcut_tip(tip, self.batch_action.shortcut()))
        self._write_batch()
        self.backgrounds.setAccessibleName(self.tr("Background"))
        self.places.setAccessibleName(self.tr("Saved places"))
        self.strip.setAccessibleName(self.tr("Looks"))
        self.empty.set_texts(
            self.tr("Nothing to compose yet"),
            self.tr("Dress some pairs, and import at least one background in the Library."),
        )
        self._write_hint()
