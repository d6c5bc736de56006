"""The numbered migrations of `project.db`. An applied migration is never edited: add the next number."""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database, Migrations

Step = Callable[[Database], None]

migrations = Migrations("library")

_MARKS = """
    rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    flag TEXT NOT NULL DEFAULT '',
    label TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    trashed_at TEXT NOT NULL DEFAULT ''
"""


def _migration(name: str) -> Callable[[Step], Step]:
    def register(step: Step) -> Step:
        migrations(name=name)(step)
        return step

    return register


def _run(db: Database, script: str) -> None:
    # Not executescript: that commits, and a migration must be one transaction.
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


@_migration("001_photos")
def _photos(db: Database) -> None:
    _run(
        db,
        f"""
        CREATE TABLE project (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL,
            commercial INTEGER NOT NULL DEFAULT 1, copy_originals INTEGER NOT NULL DEFAULT 1,
            checked_at TEXT NOT NULL DEFAULT ''
        );
        CREATE TABLE photo (
            id TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL,
            folded_name TEXT NOT NULL, sort_name TEXT NOT NULL,
            sha256 TEXT NOT NULL, root TEXT NOT NULL DEFAULT '', path TEXT NOT NULL,
            width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL,
            bit_depth INTEGER NOT NULL, size_bytes INTEGER NOT NULL, imported_at TEXT NOT NULL,
            missing INTEGER NOT NULL DEFAULT 0, {_MARKS},
            UNIQUE (role, sha256)
        );
        CREATE INDEX photo_by_sha256 ON photo (sha256);
        CREATE INDEX photo_by_any_name ON photo (trashed_at, sort_name, id);
        CREATE INDEX photo_by_name ON photo (role, trashed_at, sort_name, id);
        CREATE INDEX photo_by_time ON photo (role, trashed_at, imported_at, id);
        CREATE INDEX photo_by_rating ON photo (role, trashed_at, rating, sort_name, id);
        CREATE TABLE photo_tag (
            photo_id TEXT NOT NULL REFERENCES photo (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (photo_id, tag)
        ) WITHOUT ROWID;
        CREATE INDEX photo_tag_by_tag ON photo_tag (tag, photo_id);
        """,
    )


@_migration("002_looks")
def _looks(db: Database) -> None:
    _run(
        db,
        f"""
        CREATE TABLE pair (
            id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES photo (id),
            garment_id TEXT NOT NULL REFERENCES photo (id), created_at TEXT NOT NULL,
            UNIQUE (model_id, garment_id)
        );
        CREATE INDEX pair_by_garment ON pair (garment_id);
        CREATE TABLE recipe (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
            created_at TEXT NOT NULL, UNIQUE (name, version)
        );
        CREATE TABLE step (
            digest TEXT PRIMARY KEY, stage TEXT NOT NULL, implementation TEXT NOT NULL, version INTEGER NOT NULL,
            params TEXT NOT NULL, inputs TEXT NOT NULL, edits TEXT NOT NULL, models TEXT NOT NULL,
            fallbacks TEXT NOT NULL, duration_s REAL NOT NULL, created_at TEXT NOT NULL
        );
        CREATE TABLE look (
            id TEXT PRIMARY KEY, pair_id TEXT NOT NULL REFERENCES pair (id),
            name TEXT NOT NULL, folded_name TEXT NOT NULL, sort_name TEXT NOT NULL,
            stage TEXT NOT NULL, digest TEXT NOT NULL REFERENCES step (digest),
            state TEXT NOT NULL, current INTEGER NOT NULL DEFAULT 1, stale INTEGER NOT NULL DEFAULT 0,
            engine TEXT NOT NULL, score REAL NOT NULL, reasons TEXT NOT NULL, commercial INTEGER NOT NULL,
            recipe_name TEXT NOT NULL, recipe TEXT NOT NULL, edits TEXT NOT NULL, edits_digest TEXT NOT NULL,
            model_sha256 TEXT NOT NULL, garment_sha256 TEXT NOT NULL,
            duration_s REAL NOT NULL, created_at TEXT NOT NULL, missing INTEGER NOT NULL DEFAULT 0, {_MARKS}
        );
        CREATE UNIQUE INDEX look_current ON look (pair_id) WHERE current = 1;
        CREATE INDEX look_by_pair ON look (pair_id, digest);
        CREATE INDEX look_by_digest ON look (digest);
        CREATE INDEX look_by_time ON look (current, trashed_at, created_at, id);
        CREATE INDEX look_by_name ON look (current, trashed_at, sort_name, id);
        CREATE TABLE look_step (
            look_id TEXT NOT NULL REFERENCES look (id) ON DELETE CASCADE, slot TEXT NOT NULL,
            digest TEXT NOT NULL REFERENCES step (digest), PRIMARY KEY (look_id, slot)
        ) WITHOUT ROWID;
        CREATE INDEX look_step_by_digest ON look_step (digest);
        CREATE TABLE look_tag (
            look_id TEXT NOT NULL REFERENCES look (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (look_id, tag)
        ) WITHOUT ROWID;
        CREATE INDEX look_tag_by_tag ON look_tag (tag, look_id);
        CREATE TABLE edit (
            id TEXT PRIMARY KEY, number INTEGER NOT NULL, target_id TEXT NOT NULL, stage TEXT NOT NULL,
            parent_id TEXT REFERENCES edit (id), depth INTEGER NOT NULL, chain TEXT NOT NULL,
            name TEXT NOT NULL DEFAULT '', body TEXT NOT NULL, created_at TEXT NOT NULL
        );
        CREATE UNIQUE INDEX edit_by_number ON edit (number);
        CREATE INDEX edit_by_target ON edit (target_id, stage, number);
        CREATE INDEX edit_by_parent ON edit (parent_id, number);
        CREATE TABLE edit_cursor (
            target_id TEXT NOT NULL, stage TEXT NOT NULL, edit_id TEXT REFERENCES edit (id),
            PRIMARY KEY (target_id, stage)
        ) WITHOUT ROWID;
        """,
    )


@_migration("003_jobs")
def _jobs(db: Database) -> None:
    _run(
        db,
        """
        CREATE TABLE job (
            id TEXT PRIMARY KEY, batch_id TEXT NOT NULL, pair_id TEXT NOT NULL REFERENCES pair (id),
            recipe TEXT NOT NULL, state TEXT NOT NULL, position REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
            stage TEXT NOT NULL DEFAULT '', error_key TEXT NOT NULL DEFAULT '', error_values TEXT NOT NULL DEFAULT '{}',
            look_id TEXT REFERENCES look (id) ON DELETE SET NULL, created_at TEXT NOT NULL,
            started_at TEXT NOT NULL DEFAULT '', finished_at TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX job_by_state ON job (state, position);
        CREATE INDEX job_by_pair ON job (pair_id, created_at);
        CREATE INDEX job_by_batch ON job (batch_id);
        CREATE TABLE stage_timing (
            id INTEGER PRIMARY KEY, stage TEXT NOT NULL, implementation TEXT NOT NULL,
            seconds REAL NOT NULL, megapixels REAL NOT NULL, measured_at TEXT NOT NULL
        );
        CREATE INDEX stage_timing_by_stage ON stage_timing (stage, implementation, id);
        CREATE TABLE operation (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, rows TEXT NOT NULL, changes TEXT NOT NULL,
            undone INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL
        );
        """,
    )


@_migration("004_scenes")
def _scenes(db: Database) -> None:
    _run(
        db,
        f"""
        CREATE TABLE placement (
            id TEXT PRIMARY KEY, background_id TEXT NOT NULL REFERENCES photo (id), name TEXT NOT NULL,
            position INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (background_id, name)
        );
        CREATE TABLE scene (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL, sort_name TEXT NOT NULL,
            background_id TEXT REFERENCES photo (id), colour TEXT NOT NULL,
            created_at TEXT NOT NULL, changed_at TEXT NOT NULL, {_MARKS}
        );
        CREATE TABLE scene_item (
            scene_id TEXT NOT NULL REFERENCES scene (id) ON DELETE CASCADE, position INTEGER NOT NULL,
            look_id TEXT NOT NULL REFERENCES look (id), body TEXT NOT NULL, visible INTEGER NOT NULL DEFAULT 1,
            PRIMARY KEY (scene_id, position)
        ) WITHOUT ROWID;
        CREATE INDEX scene_item_by_look ON scene_item (look_id);
        CREATE TABLE scene_tag (
            scene_id TEXT NOT NULL REFERENCES scene (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (scene_id, tag)
        ) WITHOUT ROWID;
        CREATE TABLE export (
            id TEXT PRIMARY KEY, look_id TEXT REFERENCES look (id), scene_id TEXT REFERENCES scene (id),
            root TEXT NOT NULL DEFAULT '', path TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
            preset TEXT NOT NULL, report TEXT NOT NULL, created_at TEXT NOT NULL
        );
        CREATE INDEX export_by_look ON export (look_id);
        CREATE INDEX export_by_scene ON export (scene_id);
        CREATE TABLE collection (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, created_at TEXT NOT NULL,
            trashed_at TEXT NOT NULL DEFAULT ''
        );
        CREATE TABLE photo_member (
            collection_id TEXT NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
            photo_id TEXT NOT NULL REFERENCES photo (id) ON DELETE CASCADE, PRIMARY KEY (collection_id, photo_id)
        ) WITHOUT ROWID;
        CREATE INDEX photo_member_by_photo ON photo_member (photo_id);
        CREATE TABLE look_member (
            collection_id TEXT NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
            look_id TEXT NOT NULL REFERENCES look (id) ON DELETE CASCADE, PRIMARY KEY (collection_id, look_id)
        ) WITHOUT ROWID;
        CREATE INDEX look_member_by_look ON look_member (look_id);
        CREATE TABLE scene_member (
            collection_id TEXT NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
            scene_id TEXT NOT NULL REFERENCES scene (id) ON DELETE CASCADE, PRIMARY KEY (collection_id, scene_id)
        ) WITHOUT ROWID;
        """,
    )


@_migration("005_canvas")
def _canvas(db: Database) -> None:
    db.execute("ALTER TABLE scene ADD COLUMN canvas TEXT NOT NULL DEFAULT '[0, 0]'")


@_migration("006_rating_order")
def _rating_order(db: Database) -> None:
    # The list by rating runs from five stars down, names upwards: an index in that very order spares the sort.
    db.execute("DROP INDEX photo_by_rating")
    db.execute("CREATE INDEX photo_by_rating ON photo (role, trashed_at, rating DESC, sort_name, id)")


def latest() -> str:
    """Return the name of the newest migration this program knows."""
    return known()[-1]


def known() -> tuple[str, ...]:
    """Return the names of all migrations, oldest first."""
    empty = Database(memory=True)
    try:
        return tuple(step.name for step in migrations.pending(empty))
    finally:
        empty.close()
