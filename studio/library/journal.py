"""Library operations that the operator may take back: what changed, row by row, kept in the project itself.

Deleting is never part of it: things go to the trash, and the trash is a column. So undo survives a restart.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from studio.library.clock import now
from studio.library.connection import Connection
from studio.library.records import CHANGED_SETS, Changes

KEPT_OPERATIONS = 500

Cell = str | int | float | None
Cells = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after; None where it did not exist. key: its primary key."""

    table: str
    key: Cells
    before: Cells | None
    after: Cells | None


def update_row(db: Database, table: str, row_id: str, values: Cells) -> RowChange | None:
    """Set columns of a row; returns what changed, or None where it was so already or is not there."""
    columns = ", ".join(values)
    found = db.conn.execute(f"SELECT {columns} FROM {table} WHERE id = ?", (row_id,)).fetchone()
    if found is None:
        return None
    before: Cells = dict(zip(values, found, strict=True))
    if before == values:
        return None
    _set(db, table, {"id": row_id}, values)
    return RowChange(table, {"id": row_id}, before, dict(values))


def insert_row(db: Database, table: str, key: Cells, values: Cells | None = None) -> RowChange | None:
    """Add a row unless its key is there already."""
    row = {**key, **(values or {})}
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    done = db.conn.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    return RowChange(table, key, None, row) if done.rowcount else None


def delete_row(db: Database, table: str, key: Cells) -> RowChange | None:
    """Remove a row that is nothing but a link: a tag, a membership."""
    where = " AND ".join(f"{name} = ?" for name in key)
    found = db.conn.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.values())).fetchone()
    if found is None:
        return None
    db.conn.execute(f"DELETE FROM {table} WHERE {where}", tuple(key.values()))
    return RowChange(table, key, {name: found[name] for name in found.keys()}, None)  # noqa: SIM118 - a Row


def _set(db: Database, table: str, key: Cells, values: Cells) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    where = " AND ".join(f"{name} = ?" for name in key)
    db.conn.execute(f"UPDATE {table} SET {assignments} WHERE {where}", (*values.values(), *key.values()))


class Journal:
    """The history of library operations, with undo and redo."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, db: Database, name: str, rows: Sequence[RowChange | None], changes: Changes) -> Changes:
        """Remember an operation inside the transaction that made it; returns the changes with the undo name set."""
        real = [row for row in rows if row is not None]
        if not real:
            return Changes()
        db.conn.execute("DELETE FROM operation WHERE undone = 1")
        db.conn.execute(
            "INSERT INTO operation (name, rows, changes, created_at) VALUES (?, ?, ?, ?)",
            (name, _rows_to_json(real), _changes_to_json(changes), now()),
        )
        db.conn.execute(
            "DELETE FROM operation WHERE number <= (SELECT max(number) FROM operation) - ?", (KEPT_OPERATIONS,)
        )
        return replace(changes, undo=name)

    def name_of_next(self, *, undo: bool) -> str:
        """Return the message key of the operation that undo (or redo) would act on, or ""."""
        found = self._connection.row(_NEXT_UNDO if undo else _NEXT_REDO)
        return "" if found is None else str(found["name"])

    def names(self) -> tuple[list[str], int]:
        """Return the message keys of all operations kept, oldest first, and how many of them are done, not undone."""
        rows = self._connection.rows("SELECT name, undone FROM operation ORDER BY number")
        return [str(row["name"]) for row in rows], sum(not row["undone"] for row in rows)

    def step(self, *, undo: bool) -> Changes:
        """Take the last operation back, or do the one taken back again; empty changes where there is none."""
        with self._connection.write() as db:
            found = db.conn.execute(_NEXT_UNDO if undo else _NEXT_REDO).fetchone()
            if found is None:
                return Changes()
            rows = _rows_from_json(found["rows"])
            for row in reversed(rows) if undo else rows:
                _apply(db, row.table, row.key, row.before if undo else row.after)
            db.conn.execute("UPDATE operation SET undone = ? WHERE number = ?", (int(undo), found["number"]))
        return replace(_changes_from_json(found["changes"]), undo=self.name_of_next(undo=True))


_NEXT_UNDO = "SELECT * FROM operation WHERE undone = 0 ORDER BY number DESC LIMIT 1"
_NEXT_REDO = "SELECT * FROM operation WHERE undone = 1 ORDER BY number LIMIT 1"


def _apply(db: Database, table: str, key: Cells, wanted: Cells | None) -> None:
    where = " AND ".join(f"{name} = ?" for name in key)
    if wanted is None:
        db.conn.execute(f"DELETE FROM {table} WHERE {where}", tuple(key.values()))
    elif db.conn.execute(f"SELECT 1 FROM {table} WHERE {where}", tuple(key.values())).fetchone():
        _set(db, table, key, wanted)
    else:
        insert_row(db, table, {**key, **wanted})


def _rows_to_json(rows: Sequence[RowChange]) -> str:
    return json.dumps([[row.table, row.key, row.before, row.after] for row in rows], ensure_ascii=False)


def _rows_from_json(text: str) -> list[RowChange]:
    return [RowChange(*row) for row in json.loads(text)]


def _changes_to_json(changes: Changes) -> str:
    return json.dumps({name: sorted(getattr(changes, name)) for name in CHANGED_SETS if getattr(changes, name)})


def _changes_from_json(text: str) -> Changes:
    told: dict[str, Any] = {  # Any: only the fields that are sets are stored
        name: frozenset(ids) for name, ids in json.loads(text).items()
    }
    return Changes(**told)
