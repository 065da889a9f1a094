/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: v2 freezes by cgroup.freeze and says in cgroup.events when all stand still. v1 has a
 * hierarchy for it, whose state is FREEZING for a while, and for ever when processes keep being
 * forked or moved in faster than they are caught (Documentation of the freezer up to Linux 5.7: try
 * again, or thaw); writing FROZEN again catches the new ones, thawing for a moment lets the rest
 * come out of the kernel. What could not be frozen within the time is thawed: half frozen is worse
 * than not.
 *
 * A hybrid's v2 tree is preferred; a group may stand still in both.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"

#define RETRIES_BEFORE_THAW 50
#define THAW_MS             10

int64_t cgroup_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void cgroup_sleep_ms(int ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000L};

    nanosleep(&t, NULL);
}

int cgroup_wait_for_line(int dirfd, const char *file, const char *line, int64_t deadline_ms)
{
    auto_fd int fd = sys_open(dirfd, file, O_RDONLY, 0);

    if (fd < 0)
        return fd;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLPRI};
        char text[256];
        /* What cgroup.events holds is shorter. */
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        int64_t left = deadline_ms - cgroup_now_ms();
        auto_strv lines = NULL;

        if (n < 0)
            return -errno;
        text[n] = 0;
        lines = strv_split(text, '\n');
        if (strv_has(lines, line))
            return 0;
        if (left <= 0)
            return -ETIMEDOUT;
        (void)poll(&p, 1, (int)MIN(left, (int64_t)100));
    }
}

static int read_word(int dirfd, const char *file, char **ret)
{
    size_t n;
    int r = sys_read_file(dirfd, file, CGROUP_FILE_MAX_BYTES, ret, &n);

    if (r == 0)
        (*ret)[strcspn(*ret, "\n")] = 0;
    return r;
}

/* One look: 1 frozen, 0 thawed, -EAGAIN on the way. */
static int look_v1(int dirfd)
{
    auto_free char *state = NULL, *self = NULL;
    int r = read_word(dirfd, "freezer.state", &state);

    if (r < 0)
        return r == -ENOENT || r == -ENODEV ? 0 : r;
    if (strcmp(state, "THAWED") == 0)
        return 0;
    /* by itself, or by a group above */
    if (read_word(dirfd, "freezer.self_freezing", &self) == 0 && strcmp(self, "0") == 0)
        return 0;
    return strcmp(state, "FROZEN") == 0 ? 1 : -EAGAIN;
}

static int is_frozen_v1(int dirfd)
{
    int64_t deadline = cgroup_now_ms() + CGROUP_WAIT_MS;
    int r;

    while ((r = look_v1(dirfd)) == -EAGAIN && cgroup_now_ms() < deadline)
        cgroup_sleep_ms(1);
    return r;
}

static int is_frozen_v2(int dirfd)
{
    auto_free char *text = NULL;
    int r = read_word(dirfd, "cgroup.freeze", &text);

    if (r < 0)
        return r == -ENOENT || r == -ENODEV ? 0 : r;
    return strcmp(text, "1") == 0;
}

int cgroup_dir_is_frozen(const struct cgroup_dir *d)
{
    if (d->fd < 0)
        return 0;
    if (d->mount->is_v2)
        return is_frozen_v2(d->fd);
    return d->mount->controllers & CGROUP_BIT(CGROUP_FREEZER) ? is_frozen_v1(d->fd) : 0;
}

int cgroup_is_frozen(const struct cgroup *g)
{
    for (size_t i = 0; i < g->n; i++) {
        int r = cgroup_dir_is_frozen(&g->dirs[i]);

        if (r != 0)
            return r;
    }
    return 0;
}

static int freeze_v2(int dirfd, int64_t deadline)
{
    int r = sys_write_existing(dirfd, "cgroup.freeze", "1");

    if (r == 0)
        r = cgroup_wait_for_line(dirfd, "cgroup.events", "frozen 1", deadline);
    if (r < 0 && r != -ENOENT)
        (void)sys_write_existing(dirfd, "cgroup.freeze", "0");
    return r;
}

static int thaw_v1(int dirfd)
{
    return sys_write_existing(dirfd, "freezer.state", "THAWED");
}

static int freeze_v1(int dirfd, int64_t deadline)
{
    for (int i = 1;; i++) {
        int r = sys_write_existing(dirfd, "freezer.state", "FROZEN");

        if (r == 0)
            r = look_v1(dirfd);
        if (r == 1)
            return 0;
        if (r != -EAGAIN || cgroup_now_ms() >= deadline) {
            (void)thaw_v1(dirfd);
            return r == -EAGAIN ? -ETIMEDOUT : r == 0 ? -EIO : r;
        }
        if (i % RETRIES_BEFORE_THAW == 0) {
            (void)thaw_v1(dirfd);
            cgroup_sleep_ms(THAW_MS);
        } else if (i % 2 == 0) {
            cgroup_sleep_ms(1);
        }
    }
}

static int freeze(int v2, int v1)
{
    int64_t deadline = cgroup_now_ms() + CGROUP_WAIT_MS;
    int r = v2 >= 0 ? freeze_v2(v2, deadline) : -ENOENT;

    return r == -ENOENT && v1 >= 0 ? freeze_v1(v1, deadline) : r;
}

/* Wherever it stands still. */
static int thaw(int v2, int v1)
{
    int64_t deadline = cgroup_now_ms() + CGROUP_WAIT_MS;
    int r = v2 >= 0 ? sys_write_existing(v2, "cgroup.freeze", "0") : -ENOENT;

    if (r == 0)
        r = cgroup_wait_for_line(v2, "cgroup.events", "frozen 0", deadline);
    if (v1 >= 0 && (r == -ENOENT || (r == 0 && look_v1(v1) != 0)))
        r = thaw_v1(v1);
    return r;
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e)
{
    int v2 = cgroup_v2_fd(g), v1 = cgroup_controller_fd(g, CGROUP_FREEZER);
    int r = frozen ? freeze(v2, v1) : thaw(v2, v1);

    if (r == -ENOENT)
        return err_set(e, ERR_UNSUPPORTED, "cgroup '%s': this kernel cannot freeze it",
                       cgroup_path(g));
    return r < 0 ? err_sys(e, r, "cgroup '%s': %s it", cgroup_path(g), frozen ? "freeze" : "thaw")
                 : 0;
}

char *cgroup_freezer_path(const struct cgroup *g)
{
    int v2 = cgroup_v2_fd(g), v1 = cgroup_controller_fd(g, CGROUP_FREEZER);

    for (size_t i = 0; i < g->n; i++) {
        const struct cgroup_dir *d = &g->dirs[i];

        if (d->fd >= 0 && d->fd == (v2 >= 0 ? v2 : v1))
            return alloc_printf("%s/%s", d->mount->point, d->path);
    }
    return NULL;
}
