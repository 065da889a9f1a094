/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The store's inside: its handle, the database with its prepared queries, the guard that keeps the
 * sweep away from data that has no row yet. Only files of store/ include this.
 */
#include <sqlite3.h>

#include "base/err.h"
#include "base/fd.h"
#include "store/store.h"

#define STORE_ID_LEN 64 /* hex digits of an image's or a container's id, and of a blob's name */

enum db_sync {
    DB_SYNC_UNSET,
    DB_SYNC_NORMAL, /* consistent after a power loss, but the last commits may be gone */
    DB_SYNC_FULL    /* on the disk when the commit returns: before data of deleted rows goes */
};

/* One row each in queries.c. */
enum db_query {
    DB_BEGIN_READ,
    DB_BEGIN_WRITE,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_IMAGE_BY_ID,
    DB_IMAGES,
    DB_IMAGE_IDS_BY_PREFIX,
    DB_IMAGE_NAMES,
    DB_IMAGE_LAYERS,
    DB_IMAGE_USERS,
    DB_IMAGE_PUT,
    DB_IMAGE_SET_SIZE,
    DB_IMAGE_DELETE,
    DB_IMAGE_LAYERS_CLEAR,
    DB_IMAGE_LAYER_PUT,
    DB_TAGS,
    DB_TAG_PUT,
    DB_TAG_DELETE,
    DB_LAYER_EXISTS,
    DB_LAYER_PUT,
    DB_LAYERS_DELETE_UNUSED,
    DB_BLOB_EXISTS,
    DB_CONTAINER_FIND,
    DB_CONTAINERS_BY_PREFIX,
    DB_CONTAINERS,
    DB_CONTAINER_EXISTS,
    DB_CONTAINER_BY_NAME,
    DB_CONTAINER_PUT,
    DB_CONTAINER_SET_STARTED,
    DB_CONTAINER_SET_FINISHED,
    DB_CONTAINER_RENAME,
    DB_CONTAINER_DELETE,
    DB_COUNT,
    DB_QUERY_MAX
};
extern const char *const db_queries[DB_QUERY_MAX];

/* migrations[i] brings schema i to i + 1, inside one transaction. */
extern const char *const db_migrations[];
extern const int db_schema_version;

struct store {
    enum store_mode mode;
    char *root;  /* for messages and for SQLite, which opens by path */
    int root_fd; /* FD_NONE: opened for reading and not there */
    sqlite3 *db; /* NULL: opened for reading and not there; queries then find nothing */
    sqlite3_stmt *statements[DB_QUERY_MAX];
    enum db_sync sync;
    int wal_frames;      /* in the log after the last commit of ours */
    uint64_t busy_since; /* monotonic ns, of the wait under way */
    int guard_fd;        /* shared lock on store.lock while n_guards > 0 */
    unsigned n_guards;   /* stagings and containers that have data and no row yet */
    char **unborn;       /* of these, the containers' ids */
};

/* ---- database ---- */
int db_open(struct store *s, struct err *e);
void db_close(struct store *s);

struct db_arg {
    enum { DB_ARG_TEXT, DB_ARG_INT } type;
    const char *text; /* NULL binds NULL; must outlive the query's steps */
    int64_t value;
};
#define DB_TEXT(s) ((struct db_arg){.type = DB_ARG_TEXT, .text = (s)})
#define DB_INT(i)  ((struct db_arg){.type = DB_ARG_INT, .value = (i)})
#define DB_ARGS(...)                                                                               \
    (const struct db_arg[]){__VA_ARGS__},                                                          \
        sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg)
#define DB_NO_ARGS NULL, 0

/* A prepared query with its arguments bound; reset when the local goes out of scope. NULL when the
 * store is not there: db_step() then says that there is no row. */
#define auto_stmt DHOW_CLEANUP(db_stmt_auto) sqlite3_stmt
void db_stmt_auto(sqlite3_stmt **st);
int db_bind(struct store *s, enum db_query q, const struct db_arg *args, size_t n,
            sqlite3_stmt **ret, struct err *e);
int db_step(struct store *s, sqlite3_stmt *st, struct err *e); /* 1: a row, 0: no more, -1 */
int db_run(struct store *s, enum db_query q, const struct db_arg *args, size_t n, struct err *e);
int db_changed(const struct store *s); /* rows that the last db_run() touched */
int db_exists(struct store *s, enum db_query q, const char *key, struct err *e); /* 1, 0, -1 */
char *db_text(sqlite3_stmt *st, int column) DHOW_MUST_USE; /* owned; NULL for NULL */
/* First column of every row. */
int db_texts(struct store *s, enum db_query q, const struct db_arg *args, size_t n, char ***ret,
             struct err *e);

/* Runs fn in one transaction; its failure rolls back. Several reads see one state. */
typedef int db_fn(struct store *s, void *arg, struct err *e);
int db_write(struct store *s, enum db_sync sync, db_fn *fn, void *arg, struct err *e);
/* For transactions that only delete: tries again with the space of the reserve on a full disk. */
int db_write_removal(struct store *s, enum db_sync sync, db_fn *fn, void *arg, struct err *e);
void db_make_reserve(struct store *s);
int db_read(struct store *s, db_fn *fn, void *arg, struct err *e);
/* For fn after db_run() failed: did a UNIQUE or PRIMARY KEY constraint refuse? */
bool db_is_duplicate(const struct store *s);

/* ---- directories beneath the root ---- */
int store_open_dir(struct store *s, const char *name, int *ret_fd, struct err *e);
int store_need_write(const struct store *s, struct err *e);
bool store_id_is_valid(const char *id); /* 64 lower-case hex digits */

/* ---- the guard (see sweep.c) ---- */
int store_guard_take(struct store *s, struct err *e);
void store_guard_drop(struct store *s);
int store_guard_unborn(struct store *s, const char *id, struct err *e);
void store_guard_born(struct store *s, const char *id);
/* tmp/PREFIX.XXXXXX with mode 0700, opened and with its mark (a shared lock) held. */
int store_make_tmp(struct store *s, const char *prefix, int *ret_fd, char **ret_name,
                   struct err *e);

/* Before rows go whose data goes after them (sweep.c). */
void store_mark_garbage(struct store *s);
