/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard and the temporary directories.
 *
 * store.lock separates those who make data that has no row yet (shared: pulls and loads from their
 * staging directory to their commit, containers from their directory to their row) from the sweep
 * that deletes data without a row (exclusive, never waiting). A pull thus keeps every layer that it
 * was told to be present, since its rows may go but not its data.
 *
 * Directories in tmp/ carry a mark: a shared lock on the directory itself, held by whoever uses it.
 * The worker of a pull inherits it, so that the directory is left alone as long as a worker lives
 * whose engine was killed.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "store/db.h"
#include "sys/file.h"
#include "sys/process.h"

#define TMP_TRIES 16

/* ---- the guard ---- */
int store_guard_take(struct store *s, struct err *e)
{
    auto_fd int fd = FD_NONE;
    int r;

    if (s->n_guards++ > 0)
        return 0;
    fd = sys_open(s->root_fd, "store.lock", O_RDWR | O_CREAT, 0600);
    r = fd < 0 ? fd : sys_lock(fd, SYS_LOCK_SHARED);
    if (r < 0) {
        s->n_guards--;
        return err_sys(e, r, "lock '%s/store.lock'", s->root);
    }
    s->guard_fd = take_fd(&fd);
    return 0;
}

void store_guard_drop(struct store *s)
{
    if (s->n_guards > 0 && --s->n_guards == 0)
        s->guard_fd = fd_close(s->guard_fd);
}

/* A container's directory is about to be made: guarded unless its row is there. */
int store_guard_unborn(struct store *s, const char *id, struct err *e)
{
    int r;

    if (strv_has(s->unborn, id))
        return 0;
    if (store_guard_take(s, e) < 0)
        return -1;
    r = db_exists(s, DB_CONTAINER_EXISTS, id, e);
    if (r != 0) {
        store_guard_drop(s);
        return r < 0 ? -1 : 0;
    }
    strv_add(&s->unborn, id);
    return 0;
}

void store_guard_born(struct store *s, const char *id)
{
    auto_strv left = NULL;

    if (!strv_has(s->unborn, id))
        return;
    STRV_FOREACH (other, s->unborn)
        if (strcmp(*other, id) != 0)
            strv_add(&left, *other);
    strv_free(s->unborn);
    s->unborn = take_ptr(&left);
    store_guard_drop(s);
}

/* ---- temporary directories ---- */
static int random_suffix(char ret[7])
{
    static const char letters[32] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char bytes[6];
    int r = sys_random(bytes, sizeof(bytes));

    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof(bytes); i++)
        ret[i] = letters[bytes[i] % sizeof(letters)];
    ret[6] = 0;
    return 0;
}

static int make_named(int tmp, const char *prefix, char **ret_name)
{
    int r = -EEXIST;

    for (int i = 0; i < TMP_TRIES && r == -EEXIST; i++) {
        char suffix[7];
        auto_free char *name = NULL;

        r = random_suffix(suffix);
        if (r < 0)
            return r;
        name = alloc_printf("%s.%s", prefix, suffix);
        r = sys_mkdir(tmp, name, 0700);
        if (r == 0)
            *ret_name = take_ptr(&name);
    }
    return r;
}

/* Marked: nobody may find it unmarked, so the caller holds store.lock in one of its modes. */
int store_make_tmp(struct store *s, const char *prefix, int *ret_fd, char **ret_name, struct err *e)
{
    auto_fd int tmp = FD_NONE, fd = FD_NONE;
    auto_free char *name = NULL;
    int r = sys_mkdir(s->root_fd, "tmp", 0700);

    if (r < 0 && r != -EEXIST)
        return err_sys(e, r, "make directory '%s/tmp'", s->root);
    if (store_open_dir(s, "tmp", &tmp, e) < 0)
        return -1;
    r = make_named(tmp, prefix, &name);
    if (r < 0)
        return err_sys(e, r, "make a directory in '%s/tmp'", s->root);
    fd = sys_open_beneath(tmp, name, O_RDONLY | O_DIRECTORY, 0);
    r = fd < 0 ? fd : sys_try_lock(fd, SYS_LOCK_SHARED);
    if (r < 0) {
        (void)sys_rmdir(tmp, name); /* else it is garbage for the next sweep */
        return err_sys(e, r, "lock '%s/tmp/%s'", s->root, name);
    }
    *ret_fd = take_fd(&fd);
    *ret_name = take_ptr(&name);
    return 0;
}

int store_staging_open(struct store *s, const char *op, int *ret_fd, char **ret_name, struct err *e)
{
    if (store_need_write(s, e) < 0 || store_guard_take(s, e) < 0)
        return -1;
    if (store_make_tmp(s, op, ret_fd, ret_name, e) < 0) {
        store_guard_drop(s);
        return -1;
    }
    return 0;
}

int store_staging_remove(struct store *s, const char *name, struct err *e)
{
    auto_fd int tmp = FD_NONE;
    int r;

    if (!*name || strchr(name, '/') || *name == '.')
        return err_set(e, ERR_INVALID, "'%s' is not a staging directory", name);
    store_guard_drop(s);
    if (store_open_dir(s, "tmp", &tmp, e) < 0)
        return -1;
    r = sys_remove_tree(tmp, name);
    if (r < 0)
        return err_sys(e, r, "remove '%s/tmp/%s'", s->root, name);
    return 0;
}
