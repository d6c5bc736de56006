"""What the Library says where it has nothing to show: why, and what to do first."""

from __future__ import annotations

from studio.domain.artefacts import PhotoRole
from studio.library.records import Kind
from studio.ui.widgets.basics import EmptyState
from studio.ui.widgets.collection_list import MISSING, TRASH


class LibraryEmpty(EmptyState):
    """The empty state of every tab, collection and filter."""

    def __init__(self) -> None:
        super().__init__("library", "", "")

    def describe(self, kind: Kind, role: PhotoRole | None, chosen: str, *, is_filtered: bool) -> None:
        """Say why nothing is shown. chosen: what is chosen on the left."""
        if is_filtered:
            self.set_texts(self.tr("Nothing matches"), self.tr("Clear the search or the filters to see everything."))
        elif chosen == TRASH:
            self.set_texts(self.tr("The trash is empty"), "")
        elif chosen and chosen != MISSING:
            body = self.tr("Go back to Everything and drag photos onto its name, or press Ctrl+K there.")
            self.set_texts(self.tr("Nothing of this kind is in the collection"), body)
        elif kind is Kind.LOOK:
            self.set_texts(self.tr("No looks yet"), self.tr("Go to Dress and choose models and garments."))
        elif kind is Kind.SCENE:
            self.set_texts(self.tr("No scenes yet"), self.tr("Go to Compose and place looks on a background."))
        else:
            self._ask_for_photos(role or PhotoRole.MODEL)

    def _ask_for_photos(self, role: PhotoRole) -> None:
        headings = {
            PhotoRole.MODEL: self.tr("Drop photos of models here"),
            PhotoRole.GARMENT: self.tr("Drop product photos of garments here"),
            PhotoRole.BACKGROUND: self.tr("Drop backgrounds here"),
        }
        body = self.tr("Files or whole folders. The originals are copied into the project and never altered.")
        self.set_texts(headings[role], body, self.tr("Choose files…"))
