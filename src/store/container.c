/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers: a row and a directory. The directory is made first, under the guard, so that a sweep
 * of another process does not take a container that has no row yet for garbage; it goes last.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "store/db.h"
#include "sys/file.h"

void store_container_done(struct store_container *c)
{
    free(c->id);
    free(c->name);
    free(c->image_id);
    free(c->image_name);
    free(c->options);
    free(c->error);
    *c = (struct store_container){0};
}

void store_container_list_done(store_container_list *l)
{
    VEC_FOREACH (c, l)
        store_container_done(c);
    vec_done(l);
}

/* The order of CONTAINER_COLUMNS in queries.c. */
static void fill(sqlite3_stmt *st, struct store_container *ret)
{
    *ret = (struct store_container){
        .id = db_text(st, 0),
        .name = db_text(st, 1),
        .image_id = db_text(st, 2),
        .image_name = db_text(st, 3),
        .options = db_text(st, 4),
        .created_ns = sqlite3_column_int64(st, 5),
        .started_ns = sqlite3_column_int64(st, 6),
        .finished_ns = sqlite3_column_int64(st, 7),
        .exit_code = sqlite3_column_int(st, 8),
        .oom_killed = sqlite3_column_int(st, 9) != 0,
        .auto_remove = sqlite3_column_int(st, 10) != 0,
        .error = db_text(st, 11),
    };
}

/* ---- reading ---- */
static int find_exact(struct store *s, const char *name, struct store_container *ret, struct err *e)
{
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, DB_CONTAINER_FIND, DB_ARGS(DB_TEXT(name)), &st, e) < 0)
        return -1;
    r = db_step(s, st, e);
    if (r > 0)
        fill(st, ret);
    return r;
}

static int find_prefix(struct store *s, const char *prefix, struct store_container *ret,
                       struct err *e)
{
    struct store_container found = {0};
    auto_stmt *st = NULL;
    int r;

    if (strspn(prefix, "0123456789abcdef") != strlen(prefix))
        return 0;
    if (db_bind(s, DB_CONTAINERS_BY_PREFIX, DB_ARGS(DB_TEXT(prefix)), &st, e) < 0)
        return -1;
    r = db_step(s, st, e);
    if (r <= 0)
        return r;
    fill(st, &found);
    r = db_step(s, st, e);
    if (r == 0) {
        *ret = found;
        return 1;
    }
    store_container_done(&found);
    return r < 0 ? -1
                 : err_set(e, ERR_INVALID,
                           "more than one container has an id that begins with '%s'", prefix);
}

int store_container_find(struct store *s, const char *name, struct store_container *ret,
                         struct err *e)
{
    int r;

    if (!*name)
        return err_set(e, ERR_INVALID, "name or ID cannot be empty");
    r = find_exact(s, name, ret, e);
    if (r == 0)
        r = find_prefix(s, name, ret, e);
    if (r == 0)
        return err_set(e, ERR_NOT_FOUND,
                       "no container with name or ID '%s' found: no such container", name);
    return r < 0 ? -1 : 0;
}

int store_container_list_all(struct store *s, store_container_list *ret, struct err *e)
{
    store_container_list found = {0};
    auto_stmt *st = NULL;
    int r;

    if (db_bind(s, DB_CONTAINERS, DB_NO_ARGS, &st, e) < 0)
        return -1;
    while ((r = db_step(s, st, e)) > 0) {
        struct store_container c;

        fill(st, &c);
        vec_push(&found, c);
    }
    if (r < 0) {
        store_container_list_done(&found);
        return -1;
    }
    *ret = found;
    return 0;
}

/* ---- writing ---- */
static int name_in_use(struct store *s, const char *name, struct err *e)
{
    auto_strv ids = NULL;

    if (db_texts(s, DB_CONTAINER_BY_NAME, DB_ARGS(DB_TEXT(name)), &ids, e) < 0)
        return -1;
    return err_set(e, ERR_CONFLICT,
                   "the container name '%s' is already in use by %s: remove that container to be "
                   "able to reuse the name",
                   name, ids ? ids[0] : "another container");
}

static int add_row(struct store *s, void *arg, struct err *e)
{
    const struct store_container *c = arg;

    if (db_run(s, DB_CONTAINER_PUT,
               DB_ARGS(DB_TEXT(c->id), DB_TEXT(c->name), DB_TEXT(c->image_id),
                       DB_TEXT(c->image_name), DB_TEXT(c->options ? c->options : "{}"),
                       DB_INT(c->created_ns), DB_INT(c->started_ns), DB_INT(c->finished_ns),
                       DB_INT(c->exit_code), DB_INT(c->oom_killed), DB_INT(c->auto_remove),
                       DB_TEXT(c->error)),
               e) == 0)
        return 0;
    if (db_is_duplicate(s))
        return name_in_use(s, c->name, e);
    if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
        return err_set(e, ERR_NOT_FOUND, "%s: image not known", c->image_id);
    return -1;
}

int store_container_add(struct store *s, const struct store_container *c, struct err *e)
{
    if (!store_id_is_valid(c->id) || !c->name || !*c->name)
        return err_set(e, ERR_INVALID, "a container needs an id of 64 hex digits and a name");
    if (db_write(s, DB_SYNC_NORMAL, add_row, (void *)c, e) < 0)
        return -1;
    store_guard_born(s, c->id);
    return 0;
}

/* One query on one container's row; ERR_NOT_FOUND when it is gone. */
struct change {
    enum db_query query;
    const char *id;
    const struct db_arg *args;
    size_t n_args;
};

static int apply_change(struct store *s, void *arg, struct err *e)
{
    const struct change *c = arg;

    if (db_run(s, c->query, c->args, c->n_args, e) < 0)
        return -1;
    if (db_changed(s) == 0)
        return err_set(e, ERR_NOT_FOUND,
                       "no container with name or ID '%s' found: no such container", c->id);
    return 0;
}

static int change_row(struct store *s, enum db_query q, const char *id, const struct db_arg *args,
                      size_t n, struct err *e)
{
    struct change c = {.query = q, .id = id, .args = args, .n_args = n};

    return db_write(s, DB_SYNC_NORMAL, apply_change, &c, e);
}

int store_container_set_started(struct store *s, const char *id, int64_t started_ns, struct err *e)
{
    return change_row(s, DB_CONTAINER_SET_STARTED, id, DB_ARGS(DB_TEXT(id), DB_INT(started_ns)), e);
}

int store_container_set_finished(struct store *s, const char *id, int64_t finished_ns,
                                 int exit_code, bool oom, const char *error, struct err *e)
{
    return change_row(s, DB_CONTAINER_SET_FINISHED, id,
                      DB_ARGS(DB_TEXT(id), DB_INT(finished_ns), DB_INT(exit_code), DB_INT(oom),
                              DB_TEXT(error)),
                      e);
}

static int rename_row(struct store *s, void *arg, struct err *e)
{
    const struct change *c = arg;

    if (apply_change(s, arg, e) == 0)
        return 0;
    return db_is_duplicate(s) ? name_in_use(s, c->args[1].text, e) : -1;
}

int store_container_rename(struct store *s, const char *id, const char *name, struct err *e)
{
    struct change c = {.query = DB_CONTAINER_RENAME, .id = id};
    struct db_arg args[] = {DB_TEXT(id), DB_TEXT(name)};

    if (!*name)
        return err_set(e, ERR_INVALID, "name or ID cannot be empty");
    c.args = args;
    c.n_args = ARRAY_LEN(args);
    return db_write(s, DB_SYNC_NORMAL, rename_row, &c, e);
}

static int delete_row(struct store *s, void *arg, struct err *e)
{
    return db_run(s, DB_CONTAINER_DELETE, DB_ARGS(DB_TEXT((const char *)arg)), e);
}

int store_container_remove(struct store *s, const char *id, struct err *e)
{
    auto_fd int dir = FD_NONE;
    int r;

    if (!store_id_is_valid(id))
        return err_set(e, ERR_INVALID, "'%s' is not a container's id", id);
    if (db_write_removal(s, DB_SYNC_NORMAL, delete_row, (void *)id, e) < 0 ||
        store_open_dir(s, "containers", &dir, e) < 0)
        return -1;
    store_guard_born(s, id);
    r = sys_remove_tree(dir, id);
    if (r < 0)
        return err_sys(e, r, "remove the directory of container '%s'", id);
    return 0;
}

int store_container_dir(struct store *s, const char *id, bool create, int *ret_fd, struct err *e)
{
    auto_fd int dir = FD_NONE;
    int fd;

    if (!store_id_is_valid(id))
        return err_set(e, ERR_INVALID, "'%s' is not a container's id", id);
    if (create && (store_need_write(s, e) < 0 || store_guard_unborn(s, id, e) < 0))
        return -1;
    if (store_open_dir(s, "containers", &dir, e) < 0)
        return -1;
    if (create) {
        int r = sys_mkdir(dir, id, 0700);

        if (r < 0 && r != -EEXIST)
            return err_sys(e, r, "make the directory of container '%s'", id);
    }
    fd = sys_open_beneath(dir, id, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_sys(e, fd, "open the directory of container '%s'", id);
    *ret_fd = fd;
    return 0;
}
