"""Pairs and looks: what was dressed, with what recipe, models and edits, and how far it has come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import TypeVar, cast

from sqlite_utils import Database

from studio.domain.artefacts import Confidence
from studio.domain.errors import LibraryError
from studio.domain.jsonable import decode, encode
from studio.domain.keys import ArtefactKey, ArtefactRecord, Json, ModelUse, Note
from studio.domain.recipe import Recipe, StageChoice
from studio.library.clock import new_id, now, sort_key
from studio.library.connection import Row
from studio.library.edits import Edits, dump_edit, load_edit
from studio.library.journal import update_row
from studio.library.query import select_ids
from studio.library.records import (
    CellRow,
    Changes,
    Coverage,
    Filter,
    JobState,
    Kind,
    LookEdits,
    LookRecord,
    LookRow,
    LookState,
    LookStep,
    Order,
    PairRow,
)
from studio.library.section import changed, marks_of, missing_row

T = TypeVar("T")

_LOOKS = """
    SELECT look.*, pair.model_id, pair.garment_id FROM look JOIN pair ON pair.id = look.pair_id
    WHERE look.id IN (%s)
"""
_PAIRS = """
    SELECT pair.*, coalesce(look.id, '') AS look_id FROM pair
    LEFT JOIN look ON look.pair_id = pair.id AND look.current = 1 WHERE pair.id IN (%s)
"""
_CELLS = """
    SELECT pair.*, look.id AS look_id, look.state AS look_state, look.stale,
        job.id AS job_id, job.state AS job_state, job.error_key, job.error_values
    FROM pair
    LEFT JOIN look ON look.pair_id = pair.id AND look.current = 1 AND look.trashed_at = ''
    LEFT JOIN job ON job.id = (SELECT id FROM job j WHERE j.pair_id = pair.id ORDER BY created_at DESC, id LIMIT 1)
    WHERE pair.model_id IN (%s)
"""
_COVERAGE = """
    SELECT count(*) AS pairs,
        sum(look.id IS NOT NULL) AS dressed, sum(look.state = 'corrected') AS corrected,
        sum(look.state = 'approved') AS approved, sum(look.state = 'exported') AS exported,
        sum((SELECT state FROM job j WHERE j.pair_id = pair.id ORDER BY created_at DESC LIMIT 1) = 'failed') AS failed
    FROM pair LEFT JOIN look ON look.pair_id = pair.id AND look.current = 1 AND look.trashed_at = ''
"""


class Looks(Edits):
    """The pairs of a project and the looks made of them."""

    def add_pairs(self, pairs: Sequence[tuple[str, str]]) -> Changes:
        """Note that these (model, garment) photos belong together; `created` holds one pair id each, old or new."""
        ids: list[str] = []
        with self._writing() as db:
            for model_id, garment_id in pairs:
                key = (model_id, garment_id)
                db.conn.execute(
                    "INSERT OR IGNORE INTO pair (id, model_id, garment_id, created_at) VALUES (?, ?, ?, ?)",
                    (new_id(), *key, now()),
                )
                found = db.conn.execute("SELECT id FROM pair WHERE model_id = ? AND garment_id = ?", key).fetchone()
                ids.append(found["id"])
            return self._tell(Changes(pairs=frozenset(ids), created=tuple(ids)))

    def pairs(self, ids: Sequence[str]) -> list[PairRow]:
        """Return the rows of these pairs, in the order asked for."""
        columns = ("id", "model_id", "garment_id", "look_id", "created_at")
        found = {row["id"]: PairRow(*(row[name] for name in columns)) for row in self._in_chunks(_PAIRS, ids)}
        return [found[pair_id] for pair_id in ids if pair_id in found]

    def pair(self, pair_id: str) -> PairRow:
        """Return one pair.

        Raises:
            LibraryError: there is no such pair.
        """
        found = self.pairs([pair_id])
        if not found:
            raise missing_row("pair", pair_id)
        return found[0]

    def pair_ids(self) -> list[str]:
        """Return all pairs, oldest first."""
        return self._sql.column("SELECT id FROM pair ORDER BY created_at, id")

    def cells(self, model_ids: Sequence[str], garment_ids: Sequence[str]) -> list[CellRow]:
        """Return the dress board's cells, row by row: models down, garments across; empty cells included."""
        wanted = set(garment_ids)
        found = {
            (row["model_id"], row["garment_id"]): _cell(row)
            for row in self._in_chunks(_CELLS, model_ids)
            if row["garment_id"] in wanted
        }
        return [
            found.get((model, garment)) or CellRow(model, garment, "", "", None, False, "", None, None)
            for model in model_ids
            for garment in garment_ids
        ]

    def coverage(self) -> Coverage:
        """Return how many pairs have come how far."""
        row = cast(Row, self._sql.row(_COVERAGE))
        names = ("pairs", "dressed", "corrected", "approved", "exported", "failed")
        return Coverage(**{name: row[name] or 0 for name in names})

    def record_look(self, pair_id: str, look: LookRecord) -> Changes:
        """Make a finished look the current one of its pair; `created` holds its id.

        Recording the same look again changes nothing, so a job that died between the blob and the row is simply run
        again. Marks, tags, collections and scenes of the look before go over to the new one.

        Raises:
            LibraryError: the look's pixels are not on disk: a row never refers to nothing.
        """
        if not self.store.has(look.key):
            raise LibraryError("library.blob_missing", artefact=str(look.key))
        with self._writing() as db:
            before = db.conn.execute("SELECT * FROM look WHERE pair_id = ? AND current = 1", (pair_id,)).fetchone()
            again = db.conn.execute(
                "SELECT id FROM look WHERE pair_id = ? AND digest = ?", (pair_id, look.key.digest)
            ).fetchone()
            look_id = new_id() if again is None else str(again["id"])
            db.conn.execute("UPDATE look SET current = 0 WHERE pair_id = ? AND id <> ?", (pair_id, look_id))
            if again is None:
                _insert_steps(db, look.steps)
                self._insert_look(db, look_id, pair_id, look)
                for step in look.steps:
                    db.conn.execute(
                        "INSERT INTO look_step (look_id, slot, digest) VALUES (?, ?, ?)",
                        (look_id, step.slot, step.record.key.digest),
                    )
            else:
                db.conn.execute(
                    "UPDATE look SET current = 1, missing = 0, edits_digest = ? WHERE id = ?",
                    (look.edits.digest, look_id),
                )
            scenes = frozenset[str]()
            if before is not None and before["id"] != look_id:
                scenes = _hand_over(db, before, look_id)
            self._moved(db, pair_id)
            old = frozenset() if before is None else frozenset([before["id"]])
            told = Changes(looks=old | {look_id}, pairs=frozenset([pair_id]), scenes=scenes, created=(look_id,))
            return self._tell(told)

    def _insert_look(self, db: Database, look_id: str, pair_id: str, look: LookRecord) -> None:
        names = db.conn.execute(
            "SELECT m.name AS model, g.name AS garment FROM pair JOIN photo m ON m.id = model_id"
            " JOIN photo g ON g.id = garment_id WHERE pair.id = ?",
            (pair_id,),
        ).fetchone()
        if names is None:
            raise missing_row("pair", pair_id)
        name = f"{PurePath(names['model']).stem} – {PurePath(names['garment']).stem}"
        is_edited = bool(look.edits.model or look.edits.garment or look.edits.pair)
        db.table("look").insert(
            {
                "id": look_id,
                "pair_id": pair_id,
                "name": name,
                "folded_name": name.casefold(),
                "sort_name": sort_key(name),
                "stage": look.key.stage,
                "digest": look.key.digest,
                "state": (LookState.CORRECTED if is_edited else LookState.DRESSED).value,
                "engine": look.engine,
                "score": look.confidence.score,
                "reasons": to_text(look.confidence.reasons),
                "commercial": int(look.commercial),
                "recipe_name": look.recipe.name,
                "recipe": to_text(look.recipe),
                "edits": _edits_to_text(look.edits),
                "edits_digest": look.edits.digest,
                "model_sha256": look.model_sha256,
                "garment_sha256": look.garment_sha256,
                "duration_s": look.duration_s,
                "created_at": now(),
            }
        )

    def look_ids(self, wanted: Filter | None = None, order: Order = Order.NAME) -> list[str]:
        """Return the ids of all looks that fit, in order."""
        return self._sql.column(*select_ids(Kind.LOOK, wanted or Filter(), order))

    def looks(self, ids: Sequence[str]) -> list[LookRow]:
        """Return the rows of these looks, in the order asked for."""
        tags = self._tags(Kind.LOOK, ids)
        found = {row["id"]: _look_row(row, tags) for row in self._in_chunks(_LOOKS, ids)}
        return [found[look_id] for look_id in ids if look_id in found]

    def look(self, look_id: str) -> LookRow:
        """Return one look.

        Raises:
            LibraryError: there is no such look.
        """
        found = self.looks([look_id])
        if not found:
            raise missing_row("look", look_id)
        return found[0]

    def looks_of_pair(self, pair_id: str) -> list[LookRow]:
        """Return every look ever made of a pair, the newest first."""
        return self.looks(
            self._sql.column("SELECT id FROM look WHERE pair_id = ? ORDER BY created_at DESC, rowid DESC", (pair_id,))
        )

    def stale_look_ids(self) -> list[str]:
        """Return the current looks that were edited since they were dressed."""
        return self._sql.column("SELECT id FROM look WHERE current = 1 AND stale = 1 AND trashed_at = ''")

    def dressed_photo_ids(self) -> frozenset[str]:
        """Return the models and garments that have been through their own steps: some look was made of them."""
        made = "FROM pair WHERE id IN (SELECT pair_id FROM look)"
        return frozenset(self._sql.column(f"SELECT model_id {made} UNION SELECT garment_id {made}"))

    def look_record(self, look_id: str) -> LookRecord:
        """Return a look's provenance: enough to make it again.

        Raises:
            LibraryError: there is no such look.
        """
        row = self._sql.row("SELECT * FROM look WHERE id = ?", (look_id,))
        if row is None:
            raise missing_row("look", look_id)
        steps = self._sql.rows(
            "SELECT step.*, slot FROM look_step JOIN step ON step.digest = look_step.digest"
            " WHERE look_id = ? ORDER BY slot",
            (look_id,),
        )
        return LookRecord(
            key=ArtefactKey(row["stage"], row["digest"]),
            model_sha256=row["model_sha256"],
            garment_sha256=row["garment_sha256"],
            recipe=from_text(Recipe, row["recipe"]),
            steps=tuple(LookStep(step["slot"], _step_record(step)) for step in steps),
            engine=row["engine"],
            confidence=Confidence(row["score"], _notes(row["reasons"])),
            edits=_edits_from_text(row["edits"], row["edits_digest"]),
            duration_s=row["duration_s"],
        )

    def set_look_state(self, ids: Sequence[str], state: LookState) -> Changes:
        """Approve looks, or take that back."""
        with self._writing() as db:
            rows = [update_row(db, "look", look_id, {"state": state.value}) for look_id in ids]
            touched = [str(row.key["id"]) for row in rows if row is not None]
            pairs = frozenset(look.pair_id for look in self.looks(touched))
            told = changed(Kind.LOOK, touched) | Changes(pairs=pairs)
            return self._tell(self._core.journal.record(db, "undo.look_state", rows, told))

    def save_recipe(self, recipe: Recipe) -> Changes:
        """Store a recipe as the next version of its name; the same settings again change nothing."""
        with self._writing() as db:
            last = db.conn.execute(
                "SELECT * FROM recipe WHERE name = ? ORDER BY version DESC LIMIT 1", (recipe.name,)
            ).fetchone()
            if last is not None and from_text(Recipe, last["body"]).digest == recipe.digest:
                return Changes(created=(last["id"],))
            recipe_id, version = new_id(), 1 if last is None else last["version"] + 1
            db.conn.execute(
                "INSERT INTO recipe (id, name, version, body, created_at) VALUES (?, ?, ?, ?, ?)",
                (recipe_id, recipe.name, version, to_text(recipe), now()),
            )
            return self._tell(Changes(recipes=frozenset([recipe_id]), created=(recipe_id,)))


def _cell(row: Row) -> CellRow:
    error = Note(row["error_key"], json.loads(row["error_values"])) if row["error_key"] else None
    return CellRow(
        model_id=row["model_id"],
        garment_id=row["garment_id"],
        pair_id=row["id"],
        look_id=row["look_id"] or "",
        look_state=LookState(row["look_state"]) if row["look_state"] else None,
        is_stale=bool(row["stale"]),
        job_id=row["job_id"] or "",
        job_state=JobState(row["job_state"]) if row["job_state"] else None,
        error=error,
    )


def _insert_steps(db: Database, steps: Sequence[LookStep]) -> None:
    for step in steps:
        record = step.record
        db.conn.execute(
            "INSERT OR IGNORE INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.key.digest,
                record.key.stage,
                record.implementation,
                record.version,
                to_text(record.params),
                to_text({slot: str(key) for slot, key in record.inputs.items()}),
                to_text(record.edits),
                to_text(record.models),
                to_text(record.fallbacks),
                record.duration_s,
                record.created_at,
            ),
        )


def _step_record(row: Row) -> ArtefactRecord:
    return ArtefactRecord(
        key=ArtefactKey(row["stage"], row["digest"]),
        implementation=row["implementation"],
        version=row["version"],
        params=json.loads(row["params"]),
        inputs={slot: ArtefactKey.parse(key) for slot, key in json.loads(row["inputs"]).items()},
        edits=tuple(json.loads(row["edits"])),
        models=tuple(decode(ModelUse, use) for use in json.loads(row["models"])),
        fallbacks=_notes(row["fallbacks"]),
        duration_s=row["duration_s"],
        created_at=row["created_at"],
    )


def _hand_over(db: Database, before: Row, look_id: str) -> frozenset[str]:
    """Give the marks, collections and scenes of the look before to the one that renews it."""
    db.conn.execute(
        "UPDATE look SET rating = ?, flag = ?, label = ?, note = ?, trashed_at = '' WHERE id = ?",
        (before["rating"], before["flag"], before["label"], before["note"], look_id),
    )
    db.conn.execute(
        "INSERT OR IGNORE INTO look_tag SELECT ?, tag FROM look_tag WHERE look_id = ?", (look_id, before["id"])
    )
    db.conn.execute(
        "INSERT OR IGNORE INTO look_member SELECT collection_id, ? FROM look_member WHERE look_id = ?",
        (look_id, before["id"]),
    )
    scenes = db.conn.execute("SELECT DISTINCT scene_id FROM scene_item WHERE look_id = ?", (before["id"],)).fetchall()
    db.conn.execute("UPDATE scene_item SET look_id = ? WHERE look_id = ?", (look_id, before["id"]))
    return frozenset(row["scene_id"] for row in scenes)


def _look_row(row: Row, tags: dict[str, tuple[str, ...]]) -> LookRow:
    return LookRow(
        id=row["id"],
        pair_id=row["pair_id"],
        model_id=row["model_id"],
        garment_id=row["garment_id"],
        name=row["name"],
        key=ArtefactKey(row["stage"], row["digest"]),
        state=LookState(row["state"]),
        is_current=bool(row["current"]),
        is_stale=bool(row["stale"]),
        engine=row["engine"],
        confidence=Confidence(row["score"], _notes(row["reasons"])),
        commercial=bool(row["commercial"]),
        recipe_name=row["recipe_name"],
        duration_s=row["duration_s"],
        created_at=row["created_at"],
        missing_blob=bool(row["missing"]),
        marks=marks_of(row, tags),
    )


def to_text(value: object) -> str:
    """Return a domain value as stored JSON."""
    return json.dumps(encode(value), ensure_ascii=False, allow_nan=False)


def from_text(kind: type[T], text: str) -> T:
    """Read back what `to_text` wrote."""
    if kind is Recipe:  # its parameters are any JSON: nothing to check them against here
        return cast(T, _recipe(text))
    return decode(kind, json.loads(text))


@lru_cache(maxsize=64)
def _recipe(text: str) -> Recipe:
    """A queue of thousands of jobs has a handful of recipes."""
    value = json.loads(text)
    choices = cast(dict[str, dict[str, Json]], value["choices"])
    return Recipe(
        str(value["name"]),
        {
            stage: StageChoice(str(choice["implementation"]), cast(dict[str, Json], choice.get("params", {})))
            for stage, choice in choices.items()
        },
    )


def _notes(text: str) -> tuple[Note, ...]:
    return tuple(decode(Note, note) for note in json.loads(text))


def _edits_to_text(edits: LookEdits) -> str:
    sides = {"model": edits.model, "garment": edits.garment, "pair": edits.pair}
    return json.dumps({side: [dump_edit(edit) for edit in made] for side, made in sides.items()}, ensure_ascii=False)


def _edits_from_text(text: str, digest: str) -> LookEdits:
    sides = json.loads(text)
    model, garment, pair = (tuple(map(load_edit, sides[side])) for side in ("model", "garment", "pair"))
    return LookEdits(model, garment, pair, digest)
