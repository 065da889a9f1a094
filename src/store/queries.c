/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every text that SQLite gets to see. The schema grows by a new row in db_migrations only; a row
 * that was released is never edited.
 *
 * Ids are hex, so that a prefix P is the range [P, P || 'g'), which the primary key's index
 * answers. Deletions cascade from images to tags and image_layers, never to layers or containers:
 * a layer's row goes when no image names it, an image's row cannot go while a container names it.
 * Containers have no index by image: each index is one page more in the log for every run, and only
 * the removal of an image would use it.
 */
#include "store/db.h"

#define IMAGE_COLUMNS "id, manifest_digest, created_ns, added_ns, size_bytes, architecture, os"
#define CONTAINER_COLUMNS                                                                          \
    "id, name, image_id, image_name, options, created_ns, started_ns, finished_ns, exit_code, "    \
    "oom_killed, auto_remove, error"

const char *const db_migrations[] = {
    "CREATE TABLE images("
    "  id TEXT PRIMARY KEY,"
    "  manifest_digest TEXT NOT NULL,"
    "  created_ns INTEGER NOT NULL,"
    "  added_ns INTEGER NOT NULL,"
    "  size_bytes INTEGER NOT NULL,"
    "  architecture TEXT NOT NULL,"
    "  os TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX images_by_manifest ON images(manifest_digest);"
    "CREATE TABLE tags("
    "  name TEXT PRIMARY KEY,"
    "  image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX tags_by_image ON tags(image_id);"
    "CREATE TABLE layers("
    "  diff_id TEXT PRIMARY KEY,"
    "  unpacked_bytes INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE image_layers("
    "  image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,"
    "  position INTEGER NOT NULL,"
    "  diff_id TEXT NOT NULL REFERENCES layers(diff_id),"
    "  PRIMARY KEY(image_id, position)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX image_layers_by_layer ON image_layers(diff_id);"
    "CREATE TABLE containers("
    "  id TEXT PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  image_id TEXT REFERENCES images(id),"
    "  image_name TEXT,"
    "  options TEXT NOT NULL,"
    "  created_ns INTEGER NOT NULL,"
    "  started_ns INTEGER NOT NULL,"
    "  finished_ns INTEGER NOT NULL,"
    "  exit_code INTEGER NOT NULL,"
    "  oom_killed INTEGER NOT NULL,"
    "  auto_remove INTEGER NOT NULL,"
    "  error TEXT"
    ") STRICT, WITHOUT ROWID;",
};
const int db_schema_version = ARRAY_LEN(db_migrations);

const char *const db_queries[] = {
    [DB_BEGIN_READ] = "BEGIN",
    [DB_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [DB_COMMIT] = "COMMIT",
    [DB_ROLLBACK] = "ROLLBACK",

    [DB_IMAGE_BY_ID] = "SELECT " IMAGE_COLUMNS " FROM images WHERE id = ?1",
    [DB_IMAGES] = "SELECT " IMAGE_COLUMNS " FROM images ORDER BY created_ns DESC, id",
    [DB_IMAGE_IDS_BY_PREFIX] = "SELECT id FROM images WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 6",
    [DB_IMAGE_NAMES] = "SELECT name FROM tags WHERE image_id = ?1 ORDER BY name",
    [DB_IMAGE_LAYERS] = "SELECT diff_id FROM image_layers WHERE image_id = ?1 ORDER BY position",
    [DB_IMAGE_USERS] = "SELECT id FROM containers WHERE image_id = ?1 ORDER BY created_ns",
    [DB_IMAGE_PUT] = "INSERT INTO images(" IMAGE_COLUMNS ") VALUES(?1, ?2, ?3, ?4, 0, ?5, ?6)"
                     " ON CONFLICT(id) DO UPDATE SET manifest_digest = ?2, added_ns = ?4",
    [DB_IMAGE_SET_SIZE] = "UPDATE images SET size_bytes = (SELECT coalesce(sum(unpacked_bytes), 0)"
                          " FROM image_layers JOIN layers USING(diff_id) WHERE image_id = ?1)"
                          " WHERE id = ?1",
    [DB_IMAGE_DELETE] = "DELETE FROM images WHERE id = ?1",
    [DB_IMAGE_LAYERS_CLEAR] = "DELETE FROM image_layers WHERE image_id = ?1",
    [DB_IMAGE_LAYER_PUT] = "INSERT INTO image_layers(image_id, position, diff_id)"
                           " VALUES(?1, ?2, ?3)",

    [DB_TAGS] = "SELECT name, image_id, manifest_digest FROM tags JOIN images"
                " ON images.id = tags.image_id",
    [DB_TAG_PUT] = "INSERT INTO tags(name, image_id) VALUES(?1, ?2)"
                   " ON CONFLICT(name) DO UPDATE SET image_id = ?2",
    [DB_TAG_DELETE] = "DELETE FROM tags WHERE name = ?1",

    [DB_LAYER_EXISTS] = "SELECT 1 FROM layers WHERE diff_id = ?1",
    [DB_LAYER_PUT] = "INSERT INTO layers(diff_id, unpacked_bytes) VALUES(?1, ?2)"
                     " ON CONFLICT(diff_id) DO NOTHING",
    [DB_LAYERS_DELETE_UNUSED] = "DELETE FROM layers WHERE NOT EXISTS"
                                " (SELECT 1 FROM image_layers AS l"
                                " WHERE l.diff_id = layers.diff_id)",
    [DB_BLOB_EXISTS] = "SELECT 1 FROM images WHERE id = ?1 OR manifest_digest = 'sha256:' || ?1",

    [DB_CONTAINER_FIND] = "SELECT " CONTAINER_COLUMNS " FROM containers"
                          " WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1",
    [DB_CONTAINERS_BY_PREFIX] = "SELECT " CONTAINER_COLUMNS " FROM containers"
                                " WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2",
    [DB_CONTAINERS] = "SELECT " CONTAINER_COLUMNS " FROM containers"
                      " ORDER BY created_ns DESC, id",
    [DB_CONTAINER_EXISTS] = "SELECT 1 FROM containers WHERE id = ?1",
    [DB_CONTAINER_BY_NAME] = "SELECT id FROM containers WHERE name = ?1",
    [DB_CONTAINER_PUT] = "INSERT INTO containers(" CONTAINER_COLUMNS ")"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [DB_CONTAINER_SET_STARTED] = "UPDATE containers SET started_ns = ?2, finished_ns = 0,"
                                 " exit_code = 0, oom_killed = 0, error = NULL"
                                 " WHERE id = ?1",
    [DB_CONTAINER_SET_FINISHED] = "UPDATE containers SET finished_ns = ?2, exit_code = ?3,"
                                  " oom_killed = ?4, error = ?5 WHERE id = ?1",
    [DB_CONTAINER_RENAME] = "UPDATE containers SET name = ?2 WHERE id = ?1",
    [DB_CONTAINER_DELETE] = "DELETE FROM containers WHERE id = ?1",

    [DB_COUNT] = "SELECT (SELECT count(*) FROM images), (SELECT count(*) FROM layers),"
                 " (SELECT count(*) FROM containers)",
};
_Static_assert(ARRAY_LEN(db_queries) == DB_QUERY_MAX, "a text for each query");
