"""Backgrounds' named placements, scenes, and what was exported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from sqlite_utils import Database

from studio.domain.geometry import Placement
from studio.domain.keys import Json
from studio.domain.recipe import Recipe
from studio.library.blobs import hash_file
from studio.library.clock import new_id, now, sort_key
from studio.library.connection import Row
from studio.library.journal import update_row
from studio.library.looks import from_text, to_text
from studio.library.query import select_ids
from studio.library.records import (
    Changes,
    ExportRow,
    Filter,
    Kind,
    LookState,
    Order,
    PlacementRow,
    RecipeRow,
    SceneItem,
    SceneRow,
)
from studio.library.section import Section, changed, marks_of, missing_row

WHITE = (255, 255, 255)


class Keep(Enum):
    """Stands for "as it is" where None means something."""

    KEEP = "keep"


KEEP = Keep.KEEP


class Scenes(Section):
    """Where looks stand, and what left the house."""

    def save_placement(self, background_id: str, name: str, placement: Placement) -> Changes:
        """Keep a named place on a background; the same name again moves it."""
        with self._writing() as db:
            db.conn.execute(
                "INSERT INTO placement (id, background_id, name, position, body) VALUES (?1, ?2, ?3,"
                " (SELECT count(*) FROM placement WHERE background_id = ?2), ?4)"
                " ON CONFLICT (background_id, name) DO UPDATE SET body = excluded.body",
                (new_id(), background_id, name, to_text(placement)),
            )
            found = db.conn.execute(
                "SELECT id FROM placement WHERE background_id = ? AND name = ?", (background_id, name)
            ).fetchone()
            told = Changes(
                placements=frozenset([found["id"]]), photos=frozenset([background_id]), created=(found["id"],)
            )
            return self._tell(told)

    def remove_placement(self, placement_id: str) -> Changes:
        """Forget a named place; scenes that used it keep where their looks stand."""
        with self._writing() as db:
            db.conn.execute("DELETE FROM placement WHERE id = ?", (placement_id,))
            return self._tell(Changes(placements=frozenset([placement_id])))

    def placements(self, background_id: str) -> list[PlacementRow]:
        """Return a background's named places in the order they were made."""
        rows = self._sql.rows("SELECT * FROM placement WHERE background_id = ? ORDER BY position", (background_id,))
        return [
            PlacementRow(row["id"], row["background_id"], row["name"], from_text(Placement, row["body"]))
            for row in rows
        ]

    def create_scene(
        self,
        name: str,
        background_id: str = "",
        items: Sequence[SceneItem] = (),
        colour: tuple[int, int, int] | None = WHITE,
        canvas: tuple[int, int] = (0, 0),
    ) -> Changes:
        """Make a scene; its id is in `created`. colour, canvas: see `SceneRow`."""
        scene_id = new_id()
        with self._writing() as db:
            db.table("scene").insert(
                {
                    "id": scene_id,
                    "name": name,
                    "folded_name": name.casefold(),
                    "sort_name": sort_key(name),
                    "background_id": background_id or None,
                    "colour": json.dumps(colour),
                    "canvas": json.dumps(canvas),
                    "created_at": now(),
                    "changed_at": now(),
                }
            )
            _put_items(db, scene_id, items)
            return self._tell(Changes(scenes=frozenset([scene_id]), created=(scene_id,)))

    def update_scene(
        self,
        scene_id: str,
        *,
        items: Sequence[SceneItem] | None = None,
        background_id: str | None = None,
        colour: tuple[int, int, int] | Keep | None = KEEP,
        canvas: tuple[int, int] | None = None,
    ) -> Changes:
        """Change what a scene shows; what is not given stays as it is. colour None: transparent."""
        with self._writing() as db:
            if items is not None:
                db.conn.execute("DELETE FROM scene_item WHERE scene_id = ?", (scene_id,))
                _put_items(db, scene_id, items)
            if background_id is not None:
                db.conn.execute("UPDATE scene SET background_id = ? WHERE id = ?", (background_id or None, scene_id))
            if canvas is not None:
                db.conn.execute("UPDATE scene SET canvas = ? WHERE id = ?", (json.dumps(canvas), scene_id))
            if not isinstance(colour, Keep):
                db.conn.execute("UPDATE scene SET colour = ? WHERE id = ?", (json.dumps(colour), scene_id))
            db.conn.execute("UPDATE scene SET changed_at = ? WHERE id = ?", (now(), scene_id))
            return self._tell(changed(Kind.SCENE, [scene_id]))

    def rename_scene(self, scene_id: str, name: str) -> Changes:
        """Call a scene otherwise."""
        with self._writing() as db:
            change = update_row(
                db, "scene", scene_id, {"name": name, "folded_name": name.casefold(), "sort_name": sort_key(name)}
            )
            told = changed(Kind.SCENE, [scene_id])
            return self._tell(self._core.journal.record(db, "undo.rename", [change], told))

    def scene_ids(self, wanted: Filter | None = None, order: Order = Order.NEWEST) -> list[str]:
        """Return the ids of all scenes that fit, in order."""
        return self._sql.column(*select_ids(Kind.SCENE, wanted or Filter(), order))

    def scenes(self, ids: Sequence[str]) -> list[SceneRow]:
        """Return these scenes, in the order asked for."""
        tags = self._tags(Kind.SCENE, ids)
        items: dict[str, list[SceneItem]] = {}
        for row in self._in_chunks("SELECT * FROM scene_item WHERE scene_id IN (%s) ORDER BY scene_id, position", ids):
            item = SceneItem(row["look_id"], from_text(Placement, row["body"]), bool(row["visible"]))
            items.setdefault(row["scene_id"], []).append(item)
        found = {
            row["id"]: _scene_row(row, tuple(items.get(row["id"], ())), tags)
            for row in self._in_chunks("SELECT * FROM scene WHERE id IN (%s)", ids)
        }
        return [found[scene_id] for scene_id in ids if scene_id in found]

    def scene(self, scene_id: str) -> SceneRow:
        """Return one scene.

        Raises:
            LibraryError: there is no such scene.
        """
        found = self.scenes([scene_id])
        if not found:
            raise missing_row("scene", scene_id)
        return found[0]

    def record_export(
        self,
        file: Path,
        *,
        look_id: str = "",
        scene_id: str = "",
        preset: Mapping[str, Json] | None = None,
        report: Mapping[str, Json] | None = None,
        is_delivered: bool = True,
    ) -> Changes:
        """Note an exported file, hashed as it lies on disk; where it is fit to be delivered its look is "exported".

        Raises:
            PhotoError: the file is not there.
        """
        digest, size, whole = hash_file(file), file.stat().st_size, file.resolve()
        inside = whole.is_relative_to(self._core.folder.resolve())
        root = "" if inside else whole.parent.as_posix()
        path = whole.relative_to(self._core.folder.resolve()).as_posix() if inside else whole.name
        export_id = new_id()
        with self._writing() as db:
            db.table("export").insert(
                {
                    "id": export_id,
                    "look_id": look_id or None,
                    "scene_id": scene_id or None,
                    "root": root,
                    "path": path,
                    "sha256": digest,
                    "size_bytes": size,
                    "preset": json.dumps(dict(preset or {}), ensure_ascii=False),
                    "report": json.dumps(dict(report or {}), ensure_ascii=False),
                    "created_at": now(),
                }
            )
            looks = self._shown(look_id, scene_id) if is_delivered else []
            for shown in looks:
                db.conn.execute("UPDATE look SET state = ? WHERE id = ?", (LookState.EXPORTED.value, shown))
            told = Changes(exports=frozenset([export_id]), looks=frozenset(looks), created=(export_id,))
            return self._tell(told)

    def _shown(self, look_id: str, scene_id: str) -> list[str]:
        if look_id:
            return [look_id]
        return [item.look_id for item in self.scene(scene_id).items] if scene_id else []

    def exports(self, *, look_id: str = "", scene_id: str = "") -> list[ExportRow]:
        """Return what was delivered, the newest first: of a look, of a scene, or all."""
        rows = self._sql.rows(
            "SELECT * FROM export WHERE (?1 = '' OR look_id = ?1) AND (?2 = '' OR scene_id = ?2)"
            " ORDER BY created_at DESC, rowid DESC",
            (look_id, scene_id),
        )
        return [self._export_row(row) for row in rows]

    def _export_row(self, row: Row) -> ExportRow:
        return ExportRow(
            id=row["id"],
            look_id=row["look_id"] or "",
            scene_id=row["scene_id"] or "",
            file=Path(row["root"] or self._core.folder) / row["path"],
            sha256=row["sha256"],
            size_bytes=row["size_bytes"],
            preset=json.loads(row["preset"]),
            report=json.loads(row["report"]),
            created_at=row["created_at"],
        )

    def recipes(self) -> list[RecipeRow]:
        """Return the newest version of every recipe by name."""
        rows = self._sql.rows(
            "SELECT * FROM recipe r WHERE version = (SELECT max(version) FROM recipe x WHERE x.name = r.name)"
            " ORDER BY name"
        )
        return [RecipeRow(row["id"], row["version"], from_text(Recipe, row["body"]), row["created_at"]) for row in rows]


def _put_items(db: Database, scene_id: str, items: Sequence[SceneItem]) -> None:
    for position, item in enumerate(items):
        db.conn.execute(
            "INSERT INTO scene_item (scene_id, position, look_id, body, visible) VALUES (?, ?, ?, ?, ?)",
            (scene_id, position, item.look_id, to_text(item.placement), int(item.is_visible)),
        )


def _scene_row(row: Row, items: tuple[SceneItem, ...], tags: dict[str, tuple[str, ...]]) -> SceneRow:
    colour, canvas = json.loads(row["colour"]), json.loads(row["canvas"])
    return SceneRow(
        id=row["id"],
        name=row["name"],
        background_id=row["background_id"] or "",
        colour=None if colour is None else (colour[0], colour[1], colour[2]),
        items=items,
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        marks=marks_of(row, tags),
        canvas=(canvas[0], canvas[1]),
    )
