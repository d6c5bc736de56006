"""Floor 4: SQLite schema, migrations, repositories, blob store, backup, integrity check."""
