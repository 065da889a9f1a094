/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handle: root directory, database, and what several files of the store share.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "store/db.h"
#include "sys/file.h"

static int open_root(struct store *s, struct err *e)
{
    int fd;

    if (s->mode == STORE_WRITE) {
        int r = sys_mkdir_p(AT_FDCWD, s->root, 0700);

        if (r < 0)
            return err_sys(e, r, "make directory '%s'", s->root);
    }
    fd = sys_open(AT_FDCWD, s->root, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -ENOENT && s->mode == STORE_READ)
        return 0;
    if (fd < 0)
        return err_sys(e, fd, "open '%s'", s->root);
    s->root_fd = fd;
    return db_open(s, e);
}

int store_open(const char *root, enum store_mode mode, struct store **ret, struct err *e)
{
    struct store *s = alloc_new(struct store);

    s->mode = mode;
    s->root = alloc_strdup(root);
    s->root_fd = FD_NONE;
    s->guard_fd = FD_NONE;
    if (open_root(s, e) < 0) {
        store_close(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    db_close(s);
    fd_close(s->guard_fd);
    fd_close(s->root_fd);
    strv_free(s->unborn);
    free(s->root);
    free(s);
}

int store_root_fd(const struct store *s)
{
    return s->root_fd;
}

int store_need_write(const struct store *s, struct err *e)
{
    if (s->mode == STORE_WRITE)
        return 0;
    return err_set(e, ERR_INTERNAL, "the store '%s' was opened for reading", s->root);
}

int store_open_dir(struct store *s, const char *name, int *ret_fd, struct err *e)
{
    int fd;

    if (s->root_fd < 0)
        return err_set(e, ERR_NOT_FOUND, "there is no store in '%s'", s->root);
    fd = sys_open_beneath(s->root_fd, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_sys(e, fd, "open '%s/%s'", s->root, name);
    *ret_fd = fd;
    return 0;
}

bool store_id_is_valid(const char *id)
{
    return strlen(id) == STORE_ID_LEN && strspn(id, "0123456789abcdef") == STORE_ID_LEN;
}

int store_count(struct store *s, struct store_usage *ret, struct err *e)
{
    auto_stmt *st = NULL;
    struct store_usage found = {0};
    int r;

    if (db_bind(s, DB_COUNT, DB_NO_ARGS, &st, e) < 0)
        return -1;
    r = db_step(s, st, e);
    if (r < 0)
        return -1;
    if (r > 0)
        found = (struct store_usage){.n_images = (uint64_t)sqlite3_column_int64(st, 0),
                                     .n_layers = (uint64_t)sqlite3_column_int64(st, 1),
                                     .n_containers = (uint64_t)sqlite3_column_int64(st, 2)};
    *ret = found;
    return 0;
}
