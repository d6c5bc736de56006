BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'library','001_photos','2026-11-21 11:47:31.886008+00:00');
CREATE TABLE photo (
            id TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL,
            folded_name TEXT NOT NULL, sort_name TEXT NOT NULL,
            sha256 TEXT NOT NULL, root TEXT NOT NULL DEFAULT '', path TEXT NOT NULL,
            width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL,
            bit_depth INTEGER NOT NULL, size_bytes INTEGER NOT NULL, imported_at TEXT NOT NULL,
            missing INTEGER NOT NULL DEFAULT 0, 
    rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    flag TEXT NOT NULL DEFAULT '',
    label TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    trashed_at TEXT NOT NULL DEFAULT ''
,
            UNIQUE (role, sha256)
        );
INSERT INTO "photo" VALUES('model','model','model.jpg','model.jpg','model.jpg','0000000000000000000000000000000000000000000000000000000000000000','','originals/00/0000000000000000000000000000000000000000000000000000000000000000.jpg',30,40,'JPEG',8,100,'2026-01-02T03:04:05.678+00:00',0,0,'','','','');
INSERT INTO "photo" VALUES('garment','garment','garment.jpg','garment.jpg','garment.jpg','1000000000000000000000000000000000000000000000000000000000000000','','originals/10/1000000000000000000000000000000000000000000000000000000000000000.jpg',30,40,'JPEG',8,100,'2026-01-02T03:04:05.678+00:00',0,1,'','','','');
INSERT INTO "photo" VALUES('background','background','background.jpg','background.jpg','background.jpg','2000000000000000000000000000000000000000000000000000000000000000','','originals/20/2000000000000000000000000000000000000000000000000000000000000000.jpg',30,40,'JPEG',8,100,'2026-01-02T03:04:05.678+00:00',0,2,'','','','');
CREATE TABLE photo_tag (
            photo_id TEXT NOT NULL REFERENCES photo (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (photo_id, tag)
        ) WITHOUT ROWID;
INSERT INTO "photo_tag" VALUES('model','autumn');
CREATE TABLE project (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL,
            commercial INTEGER NOT NULL DEFAULT 1, copy_originals INTEGER NOT NULL DEFAULT 1,
            checked_at TEXT NOT NULL DEFAULT ''
        );
INSERT INTO "project" VALUES('p','Old','2026-01-02T03:04:05.678+00:00',1,1,'');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX photo_by_sha256 ON photo (sha256);
CREATE INDEX photo_by_any_name ON photo (trashed_at, sort_name, id);
CREATE INDEX photo_by_name ON photo (role, trashed_at, sort_name, id);
CREATE INDEX photo_by_time ON photo (role, trashed_at, imported_at, id);
CREATE INDEX photo_by_rating ON photo (role, trashed_at, rating, sort_name, id);
CREATE INDEX photo_tag_by_tag ON photo_tag (tag, photo_id);
COMMIT;
