"""Hand corrections: append-only, with a cursor per photo (or pair) and stage.

Every edit knows the one it was made after. Undo moves the cursor to that one; a new edit after an undo starts another
branch; the old branch stays stored. `chain` is the digest of an edit and all before it, so that one text stands for
the whole state of a stage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from sqlite_utils import Database

from studio.domain.edits import Edit, edit_digest, from_json, stage_of, to_json
from studio.domain.errors import LibraryError
from studio.library.clock import new_id, now
from studio.library.connection import Row
from studio.library.records import Changes, EditRow
from studio.library.section import Section, missing_row

_States = dict[str, list[tuple[str, str]]]

_ACTIVE = """
    WITH RECURSIVE branch (id, parent_id) AS (
        SELECT e.id, e.parent_id FROM edit e JOIN edit_cursor c ON c.edit_id = e.id WHERE c.target_id = ?
        UNION ALL SELECT e.id, e.parent_id FROM edit e JOIN branch b ON e.id = b.parent_id
    )
    SELECT edit.* FROM edit JOIN branch ON branch.id = edit.id ORDER BY number
"""
# The next edit of the branch that was undone last: the youngest child of the cursor.
_REDOABLE = """
    SELECT e.* FROM edit_cursor c
    JOIN edit e ON e.target_id = c.target_id AND e.stage = c.stage AND e.parent_id IS c.edit_id
    WHERE c.target_id = ?1 AND (?2 = '' OR c.stage = ?2)
        AND e.number = (SELECT max(number) FROM edit x WHERE x.target_id = e.target_id AND x.stage = e.stage
            AND x.parent_id IS e.parent_id)
    ORDER BY e.number LIMIT 1
"""
_UNDOABLE = """
    SELECT e.* FROM edit_cursor c JOIN edit e ON e.id = c.edit_id
    WHERE c.target_id = ?1 AND (?2 = '' OR c.stage = ?2) ORDER BY e.number DESC LIMIT 1
"""


class Edits(Section):
    """The edits of photos and pairs. A target is the id of a photo, of a pair, or of a look (which means its pair)."""

    def add_edit(self, target_id: str, edit: Edit, name: str = "") -> Changes:
        """Append an edit after the cursor; looks that depend on it become stale.

        Args:
            name: message key for the undo menu.
        """
        return self.add_edits(target_id, [edit], name)

    def add_edits(self, target_id: str, edits: Sequence[Edit], name: str = "") -> Changes:
        """Append several edits in one transaction; each is one step of undo."""
        with self._writing() as db:
            target = self._target(target_id)
            for edit in edits:
                self._append(db, target, edit, name)
            return self._tell(self._moved(db, target))

    def add_edits_to(self, edits: Mapping[str, Edit], name: str = "") -> Changes:
        """Append one edit to each of several photos or pairs, in one transaction."""
        changes = Changes()
        with self._writing() as db:
            for target_id, edit in edits.items():
                target = self._target(target_id)
                self._append(db, target, edit, name)
                changes |= self._tell(self._moved(db, target))
        return changes

    def copy_edits(self, source_id: str, target_ids: Sequence[str], stages: Sequence[str] = ()) -> Changes:
        """Append the active edits of one photo to others of the same set-up; `stages` empty = all."""
        edits = [edit for edit in self.edits(source_id) if not stages or stage_of(edit) in stages]
        changes = Changes()
        for target_id in target_ids:
            changes |= self.add_edits(target_id, edits)
        return changes

    def _append(self, db: Database, target: str, edit: Edit, name: str) -> None:
        stage = stage_of(edit)
        head = db.conn.execute(
            "SELECT e.id, e.depth, e.chain FROM edit_cursor c JOIN edit e ON e.id = c.edit_id"
            " WHERE c.target_id = ? AND c.stage = ?",
            (target, stage),
        ).fetchone()
        parent, depth, chain = (None, 0, "") if head is None else (head["id"], head["depth"] + 1, head["chain"])
        edit_id = new_id()
        number = db.conn.execute("SELECT coalesce(max(number), 0) + 1 FROM edit").fetchone()[0]
        db.conn.execute(
            "INSERT INTO edit (id, number, target_id, stage, parent_id, depth, chain, name, body, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (edit_id, number, target, stage, parent, depth, _chain(chain, edit), name, dump_edit(edit), now()),
        )
        _move_cursor(db, target, stage, edit_id)

    def undo_edit(self, target_id: str, stage: str = "") -> Changes:
        """Step back over the latest active edit of a stage, or of any stage; empty changes where there is none."""
        return self._step(target_id, stage, _UNDOABLE, forward=False)

    def redo_edit(self, target_id: str, stage: str = "") -> Changes:
        """Step forward again over the edit that was undone last."""
        return self._step(target_id, stage, _REDOABLE, forward=True)

    def reset_edits(self, target_id: str, stage: str = "") -> Changes:
        """Step back over all edits of a stage, or of every stage; redo brings them back one by one."""
        with self._writing() as db:
            target = self._target(target_id)
            db.conn.execute(
                "UPDATE edit_cursor SET edit_id = NULL WHERE target_id = ?1 AND (?2 = '' OR stage = ?2)",
                (target, stage),
            )
            return self._tell(self._moved(db, target))

    def _step(self, target_id: str, stage: str, query: str, *, forward: bool) -> Changes:
        with self._writing() as db:
            target = self._target(target_id)
            found = db.conn.execute(query, (target, stage)).fetchone()
            if found is None:
                return Changes()
            _move_cursor(db, target, found["stage"], found["id"] if forward else found["parent_id"])
            return self._tell(self._moved(db, target))

    def next_undo_edit(self, target_id: str, stage: str = "") -> EditRow | None:
        """Return the edit that `undo_edit` would step over."""
        found = self._sql.row(_UNDOABLE, (self._target(target_id), stage))
        return None if found is None else _edit_row(found, is_active=True)

    def next_redo_edit(self, target_id: str, stage: str = "") -> EditRow | None:
        """Return the edit that `redo_edit` would bring back."""
        found = self._sql.row(_REDOABLE, (self._target(target_id), stage))
        return None if found is None else _edit_row(found, is_active=False)

    def edits(self, target_id: str, stage: str = "") -> tuple[Edit, ...]:
        """Return the active edits in the order they were made: what the graph is built with."""
        return tuple(row.edit for row in self.edit_rows(target_id) if stage in ("", row.stage))

    def edit_rows(self, target_id: str, *, all_branches: bool = False) -> list[EditRow]:
        """Return the active edits, or every edit ever made, in the order they were made."""
        target = self._target(target_id)
        active = self._sql.rows(_ACTIVE, (target,))
        if not all_branches:
            return [_edit_row(row, is_active=True) for row in active]
        ids = {row["id"] for row in active}
        every = self._sql.rows("SELECT * FROM edit WHERE target_id = ? ORDER BY number", (target,))
        return [_edit_row(row, is_active=row["id"] in ids) for row in every]

    def edits_digest(self, model_id: str, garment_id: str, pair_id: str) -> str:
        """Return what stands for all active edits of a pair, "" where there are none."""
        return _digest(self._edit_states([model_id, garment_id, pair_id]), model_id, garment_id, pair_id)

    def _edit_states(self, targets: Sequence[str]) -> _States:
        """Return (stage, chain) of every stage with active edits, by target; where a look stands is no part of it."""
        found: _States = {}
        query = (
            "SELECT c.target_id, c.stage, e.chain FROM edit_cursor c JOIN edit e ON e.id = c.edit_id"
            " WHERE c.target_id IN (%s) AND c.stage <> 'scene' ORDER BY c.stage"
        )
        for row in self._in_chunks(query, targets):
            found.setdefault(row["target_id"], []).append((row["stage"], row["chain"]))
        return found

    def edited_ids(self) -> frozenset[str]:
        """Return the ids of all photos and pairs that carry active edits."""
        return frozenset(self._sql.column("SELECT DISTINCT target_id FROM edit_cursor WHERE edit_id IS NOT NULL"))

    def _target(self, target_id: str) -> str:
        found = self._sql.row(
            "SELECT id AS target FROM photo WHERE id = ?1 UNION ALL SELECT id FROM pair WHERE id = ?1"
            " UNION ALL SELECT pair_id FROM look WHERE id = ?1",
            (target_id,),
        )
        if found is None:
            raise missing_row("photo", target_id)
        return str(found["target"])

    def _moved(self, db: Database, target: str) -> Changes:
        """Work out which current looks are stale now, and say what was touched."""
        looks = db.conn.execute(
            "SELECT look.id, look.edits_digest, look.stale, pair.id AS pair_id, model_id, garment_id"
            " FROM look JOIN pair ON pair.id = look.pair_id"
            " WHERE current = 1 AND pair.id IN (SELECT id FROM pair WHERE model_id = ?1"
            " UNION SELECT id FROM pair WHERE garment_id = ?1 UNION SELECT ?1)",
            (target,),
        ).fetchall()
        targets = {look[column] for look in looks for column in ("model_id", "garment_id", "pair_id")}
        states = self._edit_states(sorted(targets))
        touched = []
        for look in looks:
            digest = _digest(states, look["model_id"], look["garment_id"], look["pair_id"])
            is_stale = int(digest != look["edits_digest"])
            if is_stale != look["stale"]:
                db.conn.execute("UPDATE look SET stale = ? WHERE id = ?", (is_stale, look["id"]))
                touched.append(look)
        return Changes(
            edits=frozenset([target]),
            looks=frozenset(look["id"] for look in touched),
            pairs=frozenset(look["pair_id"] for look in touched),
        )


def _move_cursor(db: Database, target: str, stage: str, edit_id: str | None) -> None:
    db.conn.execute(
        "INSERT INTO edit_cursor (target_id, stage, edit_id) VALUES (?, ?, ?)"
        " ON CONFLICT (target_id, stage) DO UPDATE SET edit_id = excluded.edit_id",
        (target, stage, edit_id),
    )


def _digest(states: _States, model_id: str, garment_id: str, pair_id: str) -> str:
    sides = (("model", model_id), ("garment", garment_id), ("pair", pair_id))
    active = [[role, stage, chain] for role, target in sides for stage, chain in states.get(target, ())]
    return hashlib.sha256(json.dumps(active).encode()).hexdigest() if active else ""


def _chain(before: str, edit: Edit) -> str:
    return hashlib.sha256(f"{before}{edit_digest(edit)}".encode()).hexdigest()


def dump_edit(edit: Edit) -> str:
    """Return an edit as stored JSON."""
    return json.dumps(to_json(edit), ensure_ascii=False, allow_nan=False)


def load_edit(text: str) -> Edit:
    """Read back what `dump_edit` wrote."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise LibraryError("library.damaged_row", table="edit")
    return from_json(value)


def _edit_row(row: Row, *, is_active: bool) -> EditRow:
    return EditRow(
        id=row["id"],
        target_id=row["target_id"],
        stage=row["stage"],
        name=row["name"],
        edit=load_edit(row["body"]),
        created_at=row["created_at"],
        is_active=is_active,
    )
