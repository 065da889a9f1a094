/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: news of a group through one fd that poll(2) waits on. v1: an eventfd, registered with
 * memory.oom_control by a line in cgroup.event_control; the kernel signals it when memory ran out,
 * and once more when the group is removed. v2: inotify on the group's directory: the kernel says
 * IN_MODIFY when memory.events or cgroup.events changed (kernfs_notify()); nothing is said of a
 * removal, but an empty group is the end of its container.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/event.h"
#include "sys/file.h"

struct cgroup_watch {
    int fd;
    int dirfd; /* of the group */
    bool is_v1;
    uint64_t kills; /* that were told; v2 */
};

void cgroup_watch_free(struct cgroup_watch *w)
{
    if (!w)
        return;
    fd_close(w->fd);
    fd_close(w->dirfd);
    free(w);
}

int cgroup_watch_fd(const struct cgroup_watch *w)
{
    return w->fd;
}

DEFINE_AUTO_PTR(struct cgroup_watch, watch, cgroup_watch_free);

static int register_v1(struct cgroup_watch *w)
{
    auto_fd int control = sys_open(w->dirfd, "memory.oom_control", O_RDONLY, 0);
    auto_free char *line = NULL;

    if (control < 0)
        return control;
    w->fd = sys_eventfd();
    if (w->fd < 0)
        return w->fd;
    line = alloc_printf("%d %d", w->fd, control);
    return sys_write_existing(w->dirfd, "cgroup.event_control", line);
}

/* The number behind a word of a file of lines; 0 without. */
static int read_key(int dirfd, const char *file, const char *key, uint64_t *ret)
{
    auto_free char *text = NULL;
    auto_strv lines = NULL;
    size_t n, len = strlen(key);
    int r = sys_read_file(dirfd, file, CGROUP_FILE_MAX_BYTES, &text, &n);

    if (r < 0)
        return r;
    lines = strv_split(text, '\n');
    *ret = 0;
    STRV_FOREACH (line, lines)
        if (strncmp(*line, key, len) == 0 && (*line)[len] == ' ')
            return str_to_u64(*line + len + 1, UINT64_MAX, ret);
    return 0;
}

static int register_v2(struct cgroup_watch *w)
{
    int r;

    w->fd = sys_watch_dir(w->dirfd, IN_MODIFY);
    if (w->fd < 0)
        return w->fd;
    r = read_key(w->dirfd, "memory.events", "oom_kill", &w->kills);
    return r == -ENOENT ? 0 : r; /* a group without the controller still has an end */
}

int cgroup_watch_new(const struct cgroup *g, struct cgroup_watch **ret, struct err *e)
{
    DHOW_CLEANUP(watch_auto) struct cgroup_watch *w = alloc_new(struct cgroup_watch);
    int dirfd = cgroup_limit_fd(g, CGROUP_MEMORY), r;

    w->fd = w->dirfd = FD_NONE;
    w->is_v1 = cgroup_is_v1(g, CGROUP_MEMORY);
    if (dirfd < 0)
        return err_set(e, ERR_UNSUPPORTED, "memory controller missing");
    r = w->dirfd = sys_open(dirfd, ".", O_PATH | O_DIRECTORY, 0);
    if (r >= 0)
        r = w->is_v1 ? register_v1(w) : register_v2(w);
    if (r < 0)
        return err_sys(e, r, "cgroup '%s': watch its memory", cgroup_path(g));
    *ret = take_ptr(&w);
    return 0;
}

static void read_v1(struct cgroup_watch *w, struct cgroup_news *ret)
{
    uint64_t count = 0;
    struct stat st;

    if (read(w->fd, &count, sizeof(count)) != sizeof(count))
        return;
    if (sys_stat(w->dirfd, "cgroup.event_control", &st) < 0)
        ret->is_over = true;
    else
        ret->n_oom = count;
}

static void read_v2(struct cgroup_watch *w, struct cgroup_news *ret)
{
    uint64_t kills, populated;
    char events[4096];

    while (read(w->fd, events, sizeof(events)) > 0)
        ; /* what they say is in the files */
    if (read_key(w->dirfd, "memory.events", "oom_kill", &kills) == 0) {
        ret->n_oom = kills > w->kills ? kills - w->kills : 0;
        w->kills = kills;
    }
    if (read_key(w->dirfd, "cgroup.events", "populated", &populated) < 0 || populated == 0)
        ret->is_over = true;
}

void cgroup_watch_read(struct cgroup_watch *w, struct cgroup_news *ret)
{
    *ret = (struct cgroup_news){0};
    if (w->is_v1)
        read_v1(w, ret);
    else
        read_v2(w, ret);
}
