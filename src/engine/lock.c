/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One lock file an object. A removed object's file is unlinked by its holder; whoever waited for it
 * then holds a file that has no name any more, sees that, and begins again with the new one.
 */
#include <fcntl.h>

#include "base/fd.h"
#include "engine/engine_internal.h"
#include "sys/file.h"

static int open_lock(const struct engine *en, const char *id)
{
    char path[128];
    int fd;

    if (snprintf(path, sizeof(path), "locks/%s", id) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = sys_open(en->run_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd != -ENOENT)
        return fd;
    fd = sys_mkdir_p(en->run_fd, "locks", 0700);
    return fd < 0 ? fd : sys_open(en->run_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
}

static bool is_still_named(int fd)
{
    struct stat st;

    return sys_stat(fd, "", &st) == 0 && st.st_nlink > 0;
}

static int take(const struct engine *en, const char *id, int (*lock)(int, enum sys_lock_mode),
                int *ret_fd)
{
    for (int i = 0; i < 1000; i++) {
        auto_fd int fd = open_lock(en, id);
        int r = fd < 0 ? fd : lock(fd, SYS_LOCK_EXCLUSIVE);

        if (r < 0)
            return r;
        if (is_still_named(fd)) {
            *ret_fd = take_fd(&fd);
            return 0;
        }
    }
    return -EBUSY;
}

int lock_container(const struct engine *en, const char *id, int *ret_fd, struct err *e)
{
    int r = take(en, id, sys_lock, ret_fd);

    return r < 0 ? err_sys(e, r, "lock container '%.12s'", id) : 0;
}

int lock_container_try(const struct engine *en, const char *id, int *ret_fd)
{
    return take(en, id, sys_try_lock, ret_fd);
}

void lock_forget(const struct engine *en, const char *id)
{
    char path[128];

    snprintf(path, sizeof(path), "locks/%s", id);
    (void)sys_unlink(en->run_fd,
                     path); /* a lock file that stays costs an inode until the next boot */
}
