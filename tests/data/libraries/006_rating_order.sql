BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'library','001_photos','2026-11-21 12:19:31.902870+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'library','002_looks','2026-11-21 12:19:31.904124+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'library','003_jobs','2026-11-21 12:19:31.904649+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'library','004_scenes','2026-11-21 12:19:31.910069+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'library','005_canvas','2026-11-21 12:19:31.910813+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'library','006_rating_order','2026-11-21 12:19:31.911027+00:00');
CREATE TABLE collection (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, created_at TEXT NOT NULL,
            trashed_at TEXT NOT NULL DEFAULT ''
        );
INSERT INTO "collection" VALUES('collection','Set-up','set','2026-01-02T03:04:05.678+00:00','');
CREATE TABLE edit (
            id TEXT PRIMARY KEY, number INTEGER NOT NULL, target_id TEXT NOT NULL, stage TEXT NOT NULL,
            parent_id TEXT REFERENCES edit (id), depth INTEGER NOT NULL, chain TEXT NOT NULL,
            name TEXT NOT NULL DEFAULT '', body TEXT NOT NULL, created_at TEXT NOT NULL
        );
INSERT INTO "edit" VALUES('edit',1,'model','pose',NULL,0,'c','edit.move','{"edit": "KeypointMove", "name": "nose", "x": 1.0, "y": 2.0, "visible": true}','2026-01-02T03:04:05.678+00:00');
CREATE TABLE edit_cursor (
            target_id TEXT NOT NULL, stage TEXT NOT NULL, edit_id TEXT REFERENCES edit (id),
            PRIMARY KEY (target_id, stage)
        ) WITHOUT ROWID;
INSERT INTO "edit_cursor" VALUES('model','pose','edit');
CREATE TABLE export (
            id TEXT PRIMARY KEY, look_id TEXT REFERENCES look (id), scene_id TEXT REFERENCES scene (id),
            root TEXT NOT NULL DEFAULT '', path TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
            preset TEXT NOT NULL, report TEXT NOT NULL, created_at TEXT NOT NULL
        );
CREATE TABLE job (
            id TEXT PRIMARY KEY, batch_id TEXT NOT NULL, pair_id TEXT NOT NULL REFERENCES pair (id),
            recipe TEXT NOT NULL, state TEXT NOT NULL, position REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
            stage TEXT NOT NULL DEFAULT '', error_key TEXT NOT NULL DEFAULT '', error_values TEXT NOT NULL DEFAULT '{}',
            look_id TEXT REFERENCES look (id) ON DELETE SET NULL, created_at TEXT NOT NULL,
            started_at TEXT NOT NULL DEFAULT '', finished_at TEXT NOT NULL DEFAULT ''
        );
INSERT INTO "job" VALUES('job','batch','pair','{"name": "Standard", "choices": {}}','running',1.0,0,'','','{}',NULL,'2026-01-02T03:04:05.678+00:00','','');
CREATE TABLE look (
            id TEXT PRIMARY KEY, pair_id TEXT NOT NULL REFERENCES pair (id),
            name TEXT NOT NULL, folded_name TEXT NOT NULL, sort_name TEXT NOT NULL,
            stage TEXT NOT NULL, digest TEXT NOT NULL REFERENCES step (digest),
            state TEXT NOT NULL, current INTEGER NOT NULL DEFAULT 1, stale INTEGER NOT NULL DEFAULT 0,
            engine TEXT NOT NULL, score REAL NOT NULL, reasons TEXT NOT NULL, commercial INTEGER NOT NULL,
            recipe_name TEXT NOT NULL, recipe TEXT NOT NULL, edits TEXT NOT NULL, edits_digest TEXT NOT NULL,
            model_sha256 TEXT NOT NULL, garment_sha256 TEXT NOT NULL,
            duration_s REAL NOT NULL, created_at TEXT NOT NULL, missing INTEGER NOT NULL DEFAULT 0, 
    rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    flag TEXT NOT NULL DEFAULT '',
    label TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    trashed_at TEXT NOT NULL DEFAULT ''

        );
INSERT INTO "look" VALUES('look','pair','model – garment','model – garment','model – garment','look','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','approved',1,0,'drape',0.9,'[]',1,'Standard','{"name": "Standard", "choices": {}}','{"model": [], "garment": [], "pair": []}','','0','1',1.5,'2026-01-02T03:04:05.678+00:00',0,0,'','','','');
CREATE TABLE look_member (
            collection_id TEXT NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
            look_id TEXT NOT NULL REFERENCES look (id) ON DELETE CASCADE, PRIMARY KEY (collection_id, look_id)
        ) WITHOUT ROWID;
CREATE TABLE look_step (
            look_id TEXT NOT NULL REFERENCES look (id) ON DELETE CASCADE, slot TEXT NOT NULL,
            digest TEXT NOT NULL REFERENCES step (digest), PRIMARY KEY (look_id, slot)
        ) WITHOUT ROWID;
INSERT INTO "look_step" VALUES('look','look','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
CREATE TABLE look_tag (
            look_id TEXT NOT NULL REFERENCES look (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (look_id, tag)
        ) WITHOUT ROWID;
CREATE TABLE operation (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, rows TEXT NOT NULL, changes TEXT NOT NULL,
            undone INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL
        );
CREATE TABLE pair (
            id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES photo (id),
            garment_id TEXT NOT NULL REFERENCES photo (id), created_at TEXT NOT NULL,
            UNIQUE (model_id, garment_id)
        );
INSERT INTO "pair" VALUES('pair','model','garment','2026-01-02T03:04:05.678+00:00');
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
CREATE TABLE photo_member (
            collection_id TEXT NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
            photo_id TEXT NOT NULL REFERENCES photo (id) ON DELETE CASCADE, PRIMARY KEY (collection_id, photo_id)
        ) WITHOUT ROWID;
INSERT INTO "photo_member" VALUES('collection','model');
CREATE TABLE photo_tag (
            photo_id TEXT NOT NULL REFERENCES photo (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (photo_id, tag)
        ) WITHOUT ROWID;
INSERT INTO "photo_tag" VALUES('model','autumn');
CREATE TABLE placement (
            id TEXT PRIMARY KEY, background_id TEXT NOT NULL REFERENCES photo (id), name TEXT NOT NULL,
            position INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (background_id, name)
        );
INSERT INTO "placement" VALUES('placement','background','sofa',0,'{"x": 0.25}');
CREATE TABLE project (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL,
            commercial INTEGER NOT NULL DEFAULT 1, copy_originals INTEGER NOT NULL DEFAULT 1,
            checked_at TEXT NOT NULL DEFAULT ''
        );
INSERT INTO "project" VALUES('p','Old','2026-01-02T03:04:05.678+00:00',1,1,'');
CREATE TABLE recipe (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
            created_at TEXT NOT NULL, UNIQUE (name, version)
        );
INSERT INTO "recipe" VALUES('recipe','Standard',1,'{"name": "Standard", "choices": {}}','2026-01-02T03:04:05.678+00:00');
CREATE TABLE scene (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL, sort_name TEXT NOT NULL,
            background_id TEXT REFERENCES photo (id), colour TEXT NOT NULL,
            created_at TEXT NOT NULL, changed_at TEXT NOT NULL, 
    rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
    flag TEXT NOT NULL DEFAULT '',
    label TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    trashed_at TEXT NOT NULL DEFAULT ''

        , canvas TEXT NOT NULL DEFAULT '[0, 0]');
INSERT INTO "scene" VALUES('scene','Shop','shop','shop','background','[255, 255, 255]','2026-01-02T03:04:05.678+00:00','2026-01-02T03:04:05.678+00:00',0,'','','','','[800, 1200]');
CREATE TABLE scene_item (
            scene_id TEXT NOT NULL REFERENCES scene (id) ON DELETE CASCADE, position INTEGER NOT NULL,
            look_id TEXT NOT NULL REFERENCES look (id), body TEXT NOT NULL, visible INTEGER NOT NULL DEFAULT 1,
            PRIMARY KEY (scene_id, position)
        ) WITHOUT ROWID;
INSERT INTO "scene_item" VALUES('scene',0,'look','{"x": 0.25}',1);
CREATE TABLE scene_member (
            collection_id TEXT NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
            scene_id TEXT NOT NULL REFERENCES scene (id) ON DELETE CASCADE, PRIMARY KEY (collection_id, scene_id)
        ) WITHOUT ROWID;
CREATE TABLE scene_tag (
            scene_id TEXT NOT NULL REFERENCES scene (id) ON DELETE CASCADE, tag TEXT NOT NULL,
            PRIMARY KEY (scene_id, tag)
        ) WITHOUT ROWID;
CREATE TABLE stage_timing (
            id INTEGER PRIMARY KEY, stage TEXT NOT NULL, implementation TEXT NOT NULL,
            seconds REAL NOT NULL, megapixels REAL NOT NULL, measured_at TEXT NOT NULL
        );
INSERT INTO "stage_timing" VALUES(1,'parse','fusion',0.5,1.0,'2026-01-02T03:04:05.678+00:00');
CREATE TABLE step (
            digest TEXT PRIMARY KEY, stage TEXT NOT NULL, implementation TEXT NOT NULL, version INTEGER NOT NULL,
            params TEXT NOT NULL, inputs TEXT NOT NULL, edits TEXT NOT NULL, models TEXT NOT NULL,
            fallbacks TEXT NOT NULL, duration_s REAL NOT NULL, created_at TEXT NOT NULL
        );
INSERT INTO "step" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','look','native_blend',1,'{}','{}','[]','[]','[]',0.5,'2026-01-02T03:04:05.678+00:00');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX photo_by_sha256 ON photo (sha256);
CREATE INDEX photo_by_any_name ON photo (trashed_at, sort_name, id);
CREATE INDEX photo_by_name ON photo (role, trashed_at, sort_name, id);
CREATE INDEX photo_by_time ON photo (role, trashed_at, imported_at, id);
CREATE INDEX photo_tag_by_tag ON photo_tag (tag, photo_id);
CREATE INDEX pair_by_garment ON pair (garment_id);
CREATE UNIQUE INDEX look_current ON look (pair_id) WHERE current = 1;
CREATE INDEX look_by_pair ON look (pair_id, digest);
CREATE INDEX look_by_digest ON look (digest);
CREATE INDEX look_by_time ON look (current, trashed_at, created_at, id);
CREATE INDEX look_by_name ON look (current, trashed_at, sort_name, id);
CREATE INDEX look_step_by_digest ON look_step (digest);
CREATE INDEX look_tag_by_tag ON look_tag (tag, look_id);
CREATE UNIQUE INDEX edit_by_number ON edit (number);
CREATE INDEX edit_by_target ON edit (target_id, stage, number);
CREATE INDEX edit_by_parent ON edit (parent_id, number);
CREATE INDEX job_by_state ON job (state, position);
CREATE INDEX job_by_pair ON job (pair_id, created_at);
CREATE INDEX job_by_batch ON job (batch_id);
CREATE INDEX stage_timing_by_stage ON stage_timing (stage, implementation, id);
CREATE INDEX scene_item_by_look ON scene_item (look_id);
CREATE INDEX export_by_look ON export (look_id);
CREATE INDEX export_by_scene ON export (scene_id);
CREATE INDEX photo_member_by_photo ON photo_member (photo_id);
CREATE INDEX look_member_by_look ON look_member (look_id);
CREATE INDEX photo_by_rating ON photo (role, trashed_at, rating DESC, sort_name, id);
COMMIT;
