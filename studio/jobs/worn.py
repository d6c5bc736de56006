"""What the operator says of garments and looks: what a garment is, how it is worn. Edits like any other, undoable.

A `GarmentOverride` belongs to a garment photo, a `LayerOrder` to a pair; the latest one counts. Setting one makes only
what depends on it stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from studio.domain.artefacts import Garment
from studio.domain.edits import Edit, GarmentOverride, LayerOrder, stage_of
from studio.library.records import Changes, EditRow

if TYPE_CHECKING:
    from studio.jobs.workspace import Workspace

E = TypeVar("E", GarmentOverride, LayerOrder)

PARTS = ("hair", "face", "hat", "sunglasses", "scarf", "coat", "left_arm", "right_arm", "glove")
"""What may be put over or under a garment, by the names that `LayerOrder` knows."""

NAMES: dict[type, str] = {GarmentOverride: "retouch.garment", LayerOrder: "retouch.worn"}
TITLES = {"retouch.garment": "undo.garment", "retouch.worn": "undo.worn"}


def garment_override(workspace: Workspace, garment_id: str) -> GarmentOverride:
    """Return what the operator says a garment is; all empty where nothing was said."""
    return _latest(workspace.library.edit_rows(garment_id), GarmentOverride)


def layer_order(workspace: Workspace, target_id: str) -> LayerOrder:
    """Return how a look or pair is to be worn."""
    return _latest(workspace.library.edit_rows(target_id), LayerOrder)


def _latest(rows: Sequence[EditRow], kind: type[E]) -> E:
    found = [row.edit for row in rows if isinstance(row.edit, kind)]
    return found[-1] if found else kind()


def analysed(workspace: Workspace, garment_id: str) -> Garment | None:
    """Return a garment as it is understood now, if it was analysed already; nothing is run."""
    made = workspace.made(garment_id, "garment")
    return made if isinstance(made, Garment) else None


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing said of several garments or looks: for each, what was said before and what is said now."""

    before: Mapping[str, Edit]
    after: Mapping[str, Edit]
    changes: Changes

    @property
    def name(self) -> str:
        """The message key that names it among the project's edits, "" where nothing changed."""
        return next((NAMES[type(edit)] for edit in self.after.values()), "")

    @property
    def title(self) -> str:
        """The message key that names it in the window's undo menu."""
        return TITLES.get(self.name, "")


def say(workspace: Workspace, ids: Sequence[str], kind: type[E], change: Callable[[E], E]) -> Saying:
    """Say something of garments (`GarmentOverride`) or looks (`LayerOrder`); those it is true of already are spared."""
    before: dict[str, Edit] = {}
    after: dict[str, Edit] = {}
    for target_id in ids:
        old = _latest(workspace.library.edit_rows(target_id), kind)
        if (new := change(old)) != old:
            before[target_id], after[target_id] = old, new
    return Saying(before, after, workspace.library.add_edits_to(after, NAMES[kind]))


def unsay(workspace: Workspace, said: Saying) -> Changes:
    """Take back what was said; where something else was said since, the old words are said again after it."""
    changes, again = Changes(), dict[str, Edit]()
    for target_id, edit in said.after.items():
        last = workspace.library.next_undo_edit(target_id, stage_of(edit))
        if last is not None and last.edit == edit:
            changes |= workspace.library.undo_edit(target_id, stage_of(edit))
        else:
            again[target_id] = said.before[target_id]
    return changes | workspace.library.add_edits_to(again, said.name)


def say_again(workspace: Workspace, said: Saying) -> Changes:
    """Say again what was taken back."""
    changes, again = Changes(), dict[str, Edit]()
    for target_id, edit in said.after.items():
        following = workspace.library.next_redo_edit(target_id, stage_of(edit))
        if following is not None and following.edit == edit:
            changes |= workspace.library.redo_edit(target_id, stage_of(edit))
        else:
            again[target_id] = edit
    return changes | workspace.library.add_edits_to(again, said.name)
