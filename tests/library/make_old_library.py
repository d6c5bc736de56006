"""Write `tests/data/libraries/<schema>.sql`: a small library of each schema before it goes out of use.

Run once when a migration is added, before it is: `python -m tests.library.make_old_library`. Dumps are text, so that
a review sees them; a stored one is never written again.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from studio.library import schema

FOLDER = Path(__file__).resolve().parent.parent / "data" / "libraries"
RECIPE = '{"name": "Standard", "choices": {}}'
WHEN = "2026-01-02T03:04:05.678+00:00"

# What a library of each schema holds, table by table, in the order of the migrations that made the tables.
ROWS: dict[str, list[str]] = {
    "001_photos": [
        f"INSERT INTO project (id, name, created_at) VALUES ('p', 'Old', '{WHEN}')",
        *(
            "INSERT INTO photo (id, role, name, folded_name, sort_name, sha256, path, width, height, format, bit_depth,"
            f" size_bytes, imported_at, rating) VALUES ('{role}', '{role}', '{role}.jpg', '{role}.jpg', '{role}.jpg',"
            f" '{number}{'0' * 63}', 'originals/{number}0/{number}{'0' * 63}.jpg', 30, 40, 'JPEG', 8, 100, '{WHEN}',"
            f" {number})"
            for number, role in enumerate(("model", "garment", "background"))
        ),
        "INSERT INTO photo_tag VALUES ('model', 'autumn')",
    ],
    "002_looks": [
        f"INSERT INTO pair VALUES ('pair', 'model', 'garment', '{WHEN}')",
        f"INSERT INTO recipe VALUES ('recipe', 'Standard', 1, '{RECIPE}', '{WHEN}')",
        f"INSERT INTO step VALUES ('{'a' * 64}', 'look', 'native_blend', 1, '{{}}', '{{}}', '[]', '[]', '[]', 0.5,"
        f" '{WHEN}')",
        "INSERT INTO look (id, pair_id, name, folded_name, sort_name, stage, digest, state, engine, score, reasons,"
        " commercial, recipe_name, recipe, edits, edits_digest, model_sha256, garment_sha256, duration_s, created_at)"
        f" VALUES ('look', 'pair', 'model – garment', 'model – garment', 'model – garment', 'look', '{'a' * 64}',"
        " 'approved', 'drape', 0.9, '[]', 1, 'Standard', '{\"name\": \"Standard\", \"choices\": {}}',"
        f" '{{\"model\": [], \"garment\": [], \"pair\": []}}', '', '0', '1', 1.5, '{WHEN}')",
        f"INSERT INTO look_step VALUES ('look', 'look', '{'a' * 64}')",
        "INSERT INTO edit VALUES ('edit', 1, 'model', 'pose', NULL, 0, 'c', 'edit.move',"
        f' \'{{"edit": "KeypointMove", "name": "nose", "x": 1.0, "y": 2.0, "visible": true}}\', \'{WHEN}\')',
        "INSERT INTO edit_cursor VALUES ('model', 'pose', 'edit')",
    ],
    "003_jobs": [
        "INSERT INTO job (id, batch_id, pair_id, recipe, state, position, created_at) VALUES"
        f" ('job', 'batch', 'pair', '{{\"name\": \"Standard\", \"choices\": {{}}}}', 'running', 1, '{WHEN}')",
        f"INSERT INTO stage_timing VALUES (1, 'parse', 'fusion', 0.5, 1.0, '{WHEN}')",
    ],
    "004_scenes": [
        "INSERT INTO placement VALUES ('placement', 'background', 'sofa', 0, '{\"x\": 0.25}')",
        "INSERT INTO scene (id, name, folded_name, sort_name, background_id, colour, created_at, changed_at) VALUES"
        f" ('scene', 'Shop', 'shop', 'shop', 'background', '[255, 255, 255]', '{WHEN}', '{WHEN}')",
        "INSERT INTO scene_item VALUES ('scene', 0, 'look', '{\"x\": 0.25}', 1)",
        f"INSERT INTO collection VALUES ('collection', 'Set-up', 'set', '{WHEN}', '')",
        "INSERT INTO photo_member VALUES ('collection', 'model')",
    ],
    "005_canvas": ["UPDATE scene SET canvas = '[800, 1200]'"],
    "006_rating_order": [],
}


def dump(name: str) -> str:
    """Return the SQL of a library of the schema `name`."""
    connection = sqlite3.connect(":memory:")
    db = Database(connection)
    later = [step for step in schema.known() if step > name]
    schema.migrations.apply(db, stop_before=later[:1])
    for step in [step for step in schema.known() if step <= name]:
        for statement in ROWS[step]:
            connection.execute(statement)
    connection.commit()
    return "\n".join(connection.iterdump()) + "\n"


def main() -> None:
    """Write the dumps that are not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in schema.known():
        file = FOLDER / f"{name}.sql"
        if not file.exists():
            file.write_text(dump(name), "utf-8")


if __name__ == "__main__":
    main()
