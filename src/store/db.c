/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SQLite, as the store uses it.
 *
 * Opening is on the path of every command, so it does nothing that can wait until it is needed: one
 * sqlite3_open, three settings by C calls, one pragma (user_version). Queries are prepared at their
 * first use.
 *
 * The log. When the last process closes a WAL database, SQLite would checkpoint it (two fsyncs); we
 * forbid that. Instead a writer whose commit leaves more than WAL_LIMIT_FRAMES in the log moves
 * them into the database and truncates the log, if nobody else is at work just then; else a later
 * commit does. The limit is low because of what the next opener pays: nobody keeps the index of
 * the log alive between commands, so that each first opener reads the whole log to rebuild it.
 * Truncating matters too: a log that is only checkpointed is read again by every opener.
 *
 * Readers. A reader never waits for a writer, writes no row, makes no directory. On a read-only
 * file system, or on a full one (where the index of the log cannot grow), it falls back to a
 * private index in memory, and without a log, to an immutable open.
 *
 * A full disk. Rows cannot even be deleted then, since a deletion is written to the log first. The
 * file "reserve" is given up for that: db_write_removal() unlinks it and tries again; the sweep
 * makes it anew when there is room.
 *
 * Fault points: SQLite calls the kernel by itself, past sys/'s points; "store.begin",
 * "store.commit" and "store.committed" stand for it around each transaction.
 */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/fault.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "sys/file.h"

#define WAL_LIMIT_FRAMES 128
#define BUSY_LIMIT_NS    10000000000u
#define CREATE_TRIES     2000
#define RESERVE_BYTES    (256u << 10)

static const char *const dirs[] = {"blobs", "blobs/sha256", "layers", "containers", "tmp"};

/* ---- errors ---- */
static int fail(const struct store *s, struct err *e, const char *what)
{
    int code = sqlite3_extended_errcode(s->db);
    int sys = sqlite3_system_errno(s->db);

    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_TIMEOUT, "%s in '%s': another process keeps the database busy", what,
                       s->root);
    case SQLITE_FULL:
        return err_sys(e, -ENOSPC, "%s in '%s'", what, s->root);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(e, ERR_IO, "the database '%s/state.db' is damaged: %s", s->root,
                       sqlite3_errmsg(s->db));
    case SQLITE_READONLY:
        return err_set(e, ERR_DENIED, "%s in '%s': the database is read-only", what, s->root);
    default:
        break;
    }
    if (code == SQLITE_IOERR_SHMSIZE && !sys)
        sys = ENOSPC; /* SQLite does not keep the errno of the write that grows the index */
    if (sys && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN))
        return err_sys(e, -sys, "%s in '%s'", what, s->root);
    return err_set(e, (code & 0xff) == SQLITE_CONSTRAINT ? ERR_CONFLICT : ERR_IO, "%s in '%s': %s",
                   what, s->root, sqlite3_errmsg(s->db));
}

bool db_is_duplicate(const struct store *s)
{
    int code = sqlite3_extended_errcode(s->db);

    return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY;
}

/* ---- queries ---- */
void db_stmt_auto(sqlite3_stmt **st)
{
    if (*st)
        (void)sqlite3_reset(*st); /* repeats the error that db_step() has reported */
}

int db_bind(struct store *s, enum db_query q, const struct db_arg *args, size_t n,
            sqlite3_stmt **ret, struct err *e)
{
    sqlite3_stmt *st;

    if (!s->db) {
        *ret = NULL;
        return 0;
    }
    if (!s->statements[q] &&
        sqlite3_prepare_v2(s->db, db_queries[q], -1, &s->statements[q], NULL) != SQLITE_OK)
        return fail(s, e, "prepare a query");
    st = s->statements[q];
    for (size_t i = 0; i < n; i++) {
        int r = args[i].type == DB_ARG_INT
                    ? sqlite3_bind_int64(st, (int)i + 1, args[i].value)
                    : sqlite3_bind_text(st, (int)i + 1, args[i].text, -1, SQLITE_STATIC);

        if (r != SQLITE_OK)
            return fail(s, e, "bind a value");
    }
    *ret = st;
    return 0;
}

int db_step(struct store *s, sqlite3_stmt *st, struct err *e)
{
    int r;

    if (!st)
        return 0;
    r = sqlite3_step(st);
    if (r == SQLITE_ROW)
        return 1;
    if (r == SQLITE_DONE)
        return 0;
    /* To SQLite a commit is a reading statement. */
    return fail(s, e,
                sqlite3_stmt_readonly(st) && st != s->statements[DB_COMMIT] ? "read" : "write");
}

int db_run(struct store *s, enum db_query q, const struct db_arg *args, size_t n, struct err *e)
{
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, q, args, n, &st, e) < 0)
        return -1;
    while ((r = db_step(s, st, e)) > 0)
        continue;
    return r;
}

int db_changed(const struct store *s)
{
    return sqlite3_changes(s->db);
}

int db_exists(struct store *s, enum db_query q, const char *key, struct err *e)
{
    auto_stmt *st = NULL;

    if (db_bind(s, q, DB_ARGS(DB_TEXT(key)), &st, e) < 0)
        return -1;
    return db_step(s, st, e);
}

char *db_text(sqlite3_stmt *st, int column)
{
    return alloc_strdup((const char *)sqlite3_column_text(st, column));
}

int db_texts(struct store *s, enum db_query q, const struct db_arg *args, size_t n, char ***ret,
             struct err *e)
{
    auto_strv found = NULL;
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, q, args, n, &st, e) < 0)
        return -1;
    while ((r = db_step(s, st, e)) > 0)
        strv_take(&found, db_text(st, 0));
    if (r == 0)
        *ret = take_ptr(&found);
    return r;
}

/* ---- transactions ---- */
static int set_sync(struct store *s, enum db_sync sync, struct err *e)
{
    if (s->sync == sync)
        return 0;
    if (sqlite3_exec(s->db,
                     sync == DB_SYNC_FULL ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                     NULL, NULL, NULL) != SQLITE_OK)
        return fail(s, e, "set the durability");
    s->sync = sync;
    return 0;
}

static int begin(struct store *s, enum db_query how, struct err *e)
{
    int r = fault_point("store.begin");

    if (r < 0)
        return err_sys(e, r, "begin a transaction");
    return db_run(s, how, DB_NO_ARGS, e);
}

static int commit(struct store *s, struct err *e)
{
    int r = fault_point("store.commit");

    if (r < 0)
        return err_sys(e, r, "commit a transaction");
    if (db_run(s, DB_COMMIT, DB_NO_ARGS, e) < 0)
        return -1;
    (void)fault_point("store.committed"); /* only death matters here: nothing can fail any more */
    return 0;
}

/* Some errors (a full disk) have rolled back already; then there is nothing to do. */
static void roll_back(struct store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        (void)db_run(s, DB_ROLLBACK, DB_NO_ARGS, NULL); /* the caller has its error */
}

/* SQLite's own handler sleeps for up to 100 ms; our transactions last for less than one. */
static int on_busy(void *arg, int n_before)
{
    struct store *s = arg;
    struct timespec pause = {.tv_nsec = 100000L << MIN(n_before, 4)};

    if (n_before == 0)
        s->busy_since = units_monotonic_ns();
    if (units_monotonic_ns() - s->busy_since > BUSY_LIMIT_NS)
        return 0;
    nanosleep(&pause, NULL);
    return 1;
}

/* The result is ignored: whoever is in the way now, a later commit finds the log no smaller. */
static void shrink_log(struct store *s)
{
    if (s->wal_frames <= WAL_LIMIT_FRAMES || fault_point("store.checkpoint") < 0)
        return;
    s->wal_frames = 0;
    (void)sqlite3_busy_handler(s->db, NULL, NULL);
    (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_handler(s->db, on_busy, s);
}

static int on_commit(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct store *s = arg;

    (void)db;
    (void)name;
    s->wal_frames = frames;
    return SQLITE_OK;
}

int db_write(struct store *s, enum db_sync sync, db_fn *fn, void *arg, struct err *e)
{
    if (store_need_write(s, e) < 0 || set_sync(s, sync, e) < 0 || begin(s, DB_BEGIN_WRITE, e) < 0)
        return -1;
    if (fn(s, arg, e) < 0 || commit(s, e) < 0) {
        roll_back(s);
        return -1;
    }
    shrink_log(s);
    return 0;
}

int db_write_removal(struct store *s, enum db_sync sync, db_fn *fn, void *arg, struct err *e)
{
    struct err first = {0};
    struct stat st;
    int r = db_write(s, sync, fn, arg, &first);

    if (r < 0 && (first.errno_value == ENOSPC || first.errno_value == EDQUOT) &&
        sys_lstat(s->root_fd, "reserve", &st) == 0 && sys_unlink(s->root_fd, "reserve") == 0)
        return db_write(s, sync, fn, arg, e);
    if (r < 0 && e)
        *e = first;
    return r;
}

/* The result is ignored: without room there is no reserve, until a later sweep. */
void db_make_reserve(struct store *s)
{
    auto_free char *zeros = NULL;
    struct stat st;

    if (sys_lstat(s->root_fd, "reserve", &st) == 0)
        return;
    zeros = alloc_zero(RESERVE_BYTES, 1);
    (void)sys_write_file_atomic(s->root_fd, "reserve", zeros, RESERVE_BYTES, 0600, 0);
}

int db_read(struct store *s, db_fn *fn, void *arg, struct err *e)
{
    int r;

    if (db_run(s, DB_BEGIN_READ, DB_NO_ARGS, e) < 0)
        return -1;
    r = fn(s, arg, e);
    if (s->db)
        (void)db_run(s, DB_COMMIT, DB_NO_ARGS, NULL); /* nothing was written */
    return r;
}

/* ---- opening ---- */
static int configure(struct store *s, struct err *e)
{
    if (sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL) != SQLITE_OK ||
        sqlite3_busy_handler(s->db, on_busy, s) != SQLITE_OK)
        return fail(s, e, "configure");
    (void)sqlite3_wal_hook(s->db, on_commit, s); /* returns the hook before: SQLite's own */
    return 0;
}

static int open_at(struct store *s, const char *path, int flags, struct err *e)
{
    int r =
        sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

    if (!s->db)
        return err_set(e, ERR_LIMIT, "open '%s': out of memory", path);
    if (r != SQLITE_OK)
        return fail(s, e, "open the database");
    return configure(s, e);
}

static int read_version(struct store *s, int *ret, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int r = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);

    if (r == SQLITE_OK)
        r = sqlite3_step(st);
    if (r == SQLITE_ROW)
        *ret = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return r == SQLITE_ROW ? 0 : fail(s, e, "open the database");
}

static int migrate(struct store *s, void *arg, struct err *e)
{
    int version;

    (void)arg;
    if (read_version(s, &version, e) < 0)
        return -1;
    for (; version < db_schema_version; version++) {
        auto_free char *set = alloc_printf("PRAGMA user_version=%d", version + 1);

        if (sqlite3_exec(s->db, db_migrations[version], NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(s->db, set, NULL, NULL, NULL) != SQLITE_OK)
            return fail(s, e, "make the tables");
    }
    return 0;
}

static int make_dirs(struct store *s, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        int r = sys_mkdir(s->root_fd, dirs[i], 0700);

        if (r < 0 && r != -EEXIST)
            return err_sys(e, r, "make directory '%s/%s'", s->root, dirs[i]);
    }
    return 0;
}

static int make_store(struct store *s, struct err *e)
{
    if (make_dirs(s, e) < 0)
        return -1;
    if (sqlite3_exec(s->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL) != SQLITE_OK)
        return fail(s, e, "make the database");
    db_make_reserve(s);
    return db_write(s, DB_SYNC_FULL, migrate, NULL, e);
}

/*
 * Several processes may find an empty place at once. One makes the store under an exclusive lock
 * on store.lock; the others look until it is made. They do not wait for the lock itself: its next
 * holder may be a pull that keeps it for minutes.
 */
static int make_or_wait(struct store *s, int *version, struct err *e)
{
    struct timespec pause = {.tv_nsec = 5000000};
    auto_fd int lock = sys_open(s->root_fd, "store.lock", O_RDWR | O_CREAT, 0600);

    if (lock < 0)
        return err_sys(e, lock, "open '%s/store.lock'", s->root);
    for (int i = 0; i < CREATE_TRIES; i++) {
        int r = sys_try_lock(lock, SYS_LOCK_EXCLUSIVE);

        if (r < 0 && r != -EAGAIN)
            return err_sys(e, r, "lock '%s/store.lock'", s->root);
        if (read_version(s, version, e) < 0)
            return -1;
        if (*version >= db_schema_version)
            return 0;
        if (r == 0)
            return make_store(s, e) < 0 ? -1 : read_version(s, version, e);
        nanosleep(&pause, NULL);
    }
    return err_set(e, ERR_TIMEOUT, "upgrade '%s': another process keeps the store busy", s->root);
}

static int check_version(struct store *s, struct err *e)
{
    int version = 0;

    if (read_version(s, &version, e) < 0)
        return -1;
    if (s->mode == STORE_WRITE && version < db_schema_version && make_or_wait(s, &version, e) < 0)
        return -1;
    if (version > db_schema_version)
        return err_set(e, ERR_UNSUPPORTED,
                       "the store '%s' was written by a newer dhow: its schema is %d, this program "
                       "knows %d",
                       s->root, version, db_schema_version);
    if (version == 0)
        db_close(s); /* the maker has not come so far: nothing is in it */
    else if (version < db_schema_version)
        return err_set(e, ERR_UNSUPPORTED,
                       "the store '%s' has the old schema %d: upgrade it by "
                       "any command that writes",
                       s->root, version);
    return 0;
}

/* A path as SQLite's URI: the few bytes that mean something there are escaped. */
static char *uri_of(const char *path, const char *query)
{
    auto_str uri = STR_INIT(3 * 4096 + 64);

    str_add(&uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            str_addf(&uri, "%%%02X", (unsigned)*path);
        else
            str_add_char(&uri, *path);
    }
    str_addf(&uri, "?%s", query);
    return str_take(&uri);
}

static bool log_is_empty(struct store *s)
{
    struct stat st;

    return sys_lstat(s->root_fd, "state.db-wal", &st) == -ENOENT || st.st_size == 0;
}

/* See "Readers" above. `e` has the reason why the plain way failed, and keeps it. */
static int open_reduced(struct store *s, const char *path, struct err *e)
{
    struct stat st;
    bool has_index = sys_lstat(s->root_fd, "state.db-shm", &st) == 0;
    auto_free char *uri = NULL;

    if (has_index)
        uri = uri_of(path, "readonly_shm=1");
    else if (log_is_empty(s))
        uri = uri_of(path, "immutable=1");
    else
        return -1;
    db_close(s);
    if (open_at(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, e) < 0)
        return -1;
    return check_version(s, e);
}

int db_open(struct store *s, struct err *e)
{
    auto_free char *path = alloc_printf("%s/state.db", s->root);
    struct stat st;
    int code;

    if (s->mode == STORE_WRITE) {
        if (open_at(s, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e) < 0)
            return -1;
        if (sqlite3_db_readonly(s->db, "main") > 0)
            return err_set(e, ERR_DENIED, "the store '%s' cannot be written", s->root);
        return check_version(s, e);
    }
    if (sys_lstat(s->root_fd, "state.db", &st) == -ENOENT)
        return 0;
    if (open_at(s, path, SQLITE_OPEN_READONLY, e) == 0 && check_version(s, e) == 0)
        return 0;
    code = s->db ? sqlite3_errcode(s->db) & 0xff : SQLITE_OK;
    if (code == SQLITE_CANTOPEN || code == SQLITE_IOERR || code == SQLITE_READONLY)
        return open_reduced(s, path, e);
    return -1;
}

void db_close(struct store *s)
{
    for (size_t i = 0; i < DB_QUERY_MAX; i++) {
        sqlite3_finalize(s->statements[i]);
        s->statements[i] = NULL;
    }
    (void)sqlite3_close(s->db); /* fails only when statements are left */
    s->db = NULL;
    s->sync = DB_SYNC_UNSET;
}
