/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deletes what no row names.
 *
 * The rows and the directories are compared under an exclusive lock on store.lock: nobody has data
 * on its way to a row then (see staging.c). When somebody has, the sweep is skipped; that somebody
 * sweeps at its own end. To hold the lock for microseconds only, garbage is renamed into a marked
 * directory of tmp/, and deleted after the lock is gone. When that directory cannot be made (a full
 * disk is a reason to sweep), garbage is deleted where it is.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "store/db.h"
#include "sys/file.h"

struct sweep {
    struct store *s;
    bool has_trash; /* it was tried to make one: at the first garbage */
    int trash_fd;   /* FD_NONE: delete in place */
    char *trash_name;
    unsigned n_moved; /* names the entries of the trash */
};

/* ---- what has a row ---- */
typedef int has_owner_fn(struct sweep *w, int dir, const char *name, struct err *e);

static int layer_has_owner(struct sweep *w, int dir, const char *name, struct err *e)
{
    auto_free char *diff_id = alloc_printf("sha256:%s", name);

    (void)dir;
    return db_exists(w->s, DB_LAYER_EXISTS, diff_id, e);
}

static int blob_has_owner(struct sweep *w, int dir, const char *name, struct err *e)
{
    (void)dir;
    return db_exists(w->s, DB_BLOB_EXISTS, name, e);
}

static int container_has_owner(struct sweep *w, int dir, const char *name, struct err *e)
{
    (void)dir;
    return db_exists(w->s, DB_CONTAINER_EXISTS, name, e);
}

static int tmp_has_owner(struct sweep *w, int dir, const char *name, struct err *e)
{
    auto_fd int fd = FD_NONE;
    int r;

    fd = sys_open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd == -ENOTDIR || fd == -ELOOP || fd == -ENOENT)
        return 0;
    r = fd < 0 ? fd : sys_is_locked(fd);
    return r < 0 ? err_sys(e, r, "look for the holder of '%s/tmp/%s'", w->s->root, name) : r;
}

static const struct {
    const char *dir;
    has_owner_fn *has_owner;
} places[] = {
    {"layers", layer_has_owner},
    {"blobs/sha256", blob_has_owner},
    {"containers", container_has_owner},
    {"tmp", tmp_has_owner}, /* last: while something is in it, a sweep is due (store_needs_sweep) */
};

/* ---- moving and deleting ---- */
static int discard(struct sweep *w, int dir, const char *name)
{
    auto_free char *moved = NULL;
    int r;

    if (!w->has_trash) {
        w->has_trash = true;
        (void)store_make_tmp(w->s, "trash", &w->trash_fd, &w->trash_name, NULL);
    }
    if (w->trash_fd < 0)
        return sys_remove_tree(dir, name);
    moved = alloc_printf("%u", w->n_moved++);
    r = sys_rename(dir, name, w->trash_fd, moved);
    return r == -EBUSY || r == -EXDEV ? sys_remove_tree(dir, name) : r;
}

static int sweep_place(struct sweep *w, size_t place, struct err *e)
{
    const char *where = places[place].dir;
    auto_fd int dir = FD_NONE;
    auto_strv names = NULL;

    int r;

    if (store_open_dir(w->s, where, &dir, e) < 0)
        return -1;
    r = sys_list_dir(dir, ".", &names);
    if (r < 0)
        return err_sys(e, r, "read '%s/%s'", w->s->root, where);
    STRV_FOREACH (name, names) {
        r = places[place].has_owner(w, dir, *name, e);
        if (r < 0)
            return -1;
        if (r == 0)
            r = discard(w, dir, *name);
        if (r < 0 && r != -ENOENT)
            return err_sys(e, r, "remove '%s/%s/%s'", w->s->root, where, *name);
    }
    return 0;
}

static int sweep_all(struct store *s, void *arg, struct err *e)
{
    (void)s;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (sweep_place(arg, i, e) < 0)
            return -1;
    return 0;
}

static int empty_trash(struct sweep *w, struct err *e)
{
    auto_fd int tmp = FD_NONE;
    int r;

    if (!w->trash_name)
        return 0;
    if (store_open_dir(w->s, "tmp", &tmp, e) < 0)
        return -1;
    r = sys_remove_tree(tmp, w->trash_name);
    return r < 0 ? err_sys(e, r, "remove '%s/tmp/%s'", w->s->root, w->trash_name) : 0;
}

int store_sweep(struct store *s, struct err *e)
{
    struct sweep w = {.s = s, .trash_fd = FD_NONE};
    auto_fd int lock = FD_NONE;
    int r;

    if (store_need_write(s, e) < 0)
        return -1;
    lock = sys_open(s->root_fd, "store.lock", O_RDWR | O_CREAT, 0600);
    r = lock < 0 ? lock : sys_try_lock(lock, SYS_LOCK_EXCLUSIVE);
    if (r == -EAGAIN || r == -EACCES)
        return 0;
    if (r < 0)
        return err_sys(e, r, "lock '%s/store.lock'", s->root);
    r = db_read(s, sweep_all, &w, e);
    lock = fd_close(lock);
    if (empty_trash(&w, r < 0 ? NULL : e) < 0)
        r = -1;
    db_make_reserve(s);
    fd_close(w.trash_fd);
    free(w.trash_name);
    return r;
}

/* A directory in tmp/ that nobody holds: garbage itself, it tells that a sweep is due. */
void store_mark_garbage(struct store *s)
{
    (void)sys_mkdir(s->root_fd, "tmp/garbage", 0700); /* without the mark the next removal sweeps */
}

bool store_needs_sweep(struct store *s)
{
    auto_strv names = NULL;

    return sys_list_dir(s->root_fd, "tmp", &names) == 0 && names;
}
