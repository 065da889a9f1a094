/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory. The log is at most two files, NAME.1 (older) and NAME, of lines
 *
 *     2026-01-02T03:04:05.123456789Z stdout P text
 *
 * A piece of output that ended with a newline is F, any other P: the text of all lines of a stream
 * in order, with a newline after each F, is what the container wrote. A user's line is a row of P
 * and its F; the lines of the other stream may stand in between.
 *
 * Reading: find where to begin (tail: backwards in blocks, pieces of a line that was cut are found
 * by stream), then forward through one buffer. A line that does not fit the buffer or does not
 * parse is skipped. Without follow the sizes at the opening are the end, so that a container that
 * writes faster than we read does not keep us. With follow inotify(7) wakes us; when there is none
 * (its limits are small) or nothing comes, we look every OVER_MS.
 *
 * Rotation while we follow: the file that we hold is read to its end, after it is known to have
 * been renamed and so will not grow any more; then the new one is opened.
 */
#include "engine/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/units.h"
#include "sys/event.h"
#include "sys/file.h"

enum { BLOCK = 64 << 10, OVER_MS = 100, STREAMS = 2, FILES = 2, PREFIX_MIN = 20 };

/* ---- one line ---- */

static int parse_stream(const char *s, enum engine_log_stream *ret)
{
    bool is_err = memcmp(s, " stderr ", 8) == 0;

    if (!is_err && memcmp(s, " stdout ", 8) != 0)
        return -EINVAL;
    *ret = is_err ? ENGINE_LOG_STDERR : ENGINE_LOG_STDOUT;
    return 0;
}

int log_line_parse(const char *line, size_t n, struct log_line *ret)
{
    char timestamp[LOG_FILE_TIMESTAMP_MAX];
    struct log_line l = {.timestamp = line};
    const char *space = memchr(line, ' ', MIN(n, sizeof(timestamp)));

    l.timestamp_len = space ? (size_t)(space - line) : sizeof(timestamp);
    if (l.timestamp_len >= sizeof(timestamp) || n - l.timestamp_len < 10)
        return -EINVAL;
    memcpy(timestamp, line, l.timestamp_len);
    timestamp[l.timestamp_len] = 0;
    if (units_rfc3339_parse(timestamp, &l.time_ns) < 0 || parse_stream(space, &l.stream) < 0)
        return -EINVAL;
    if ((space[8] != 'F' && space[8] != 'P') || space[9] != ' ')
        return -EINVAL;
    l.is_partial = space[8] == 'P';
    l.text = space + 10;
    l.text_len = n - l.timestamp_len - 10;
    *ret = l;
    return 0;
}

/* ---- where to begin ---- */

struct place {
    int file; /* 0: NAME.1, 1: NAME, 2: behind both */
    int64_t offset;
};

static bool is_before(struct place a, struct place b)
{
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
}

struct log_files {
    int fd[FILES]; /* FD_NONE: not there */
    int64_t size[FILES];
};

struct tail {
    int64_t want;
    int64_t count;
    struct {
        bool is_seen;  /* a later piece was found */
        bool is_known; /* `begin` is final */
        struct place begin;
    } stream[STREAMS];
};

/* The next piece backwards. A line ends with an F, or with a P that is the last of its stream. */
static void tail_add(struct tail *t, const struct log_line *l, struct place at)
{
    typeof(t->stream[0]) *s = &t->stream[l->stream];
    bool is_end = !l->is_partial || !s->is_seen;

    s->is_seen = true;
    if (s->is_known)
        return;
    if (is_end && t->count == t->want) {
        s->is_known = true;
        return;
    }
    t->count += is_end;
    s->begin = at;
}

static bool tail_is_done(const struct tail *t)
{
    if (t->count < t->want)
        return false;
    for (unsigned i = 0; i < STREAMS; i++)
        if (t->stream[i].is_seen && !t->stream[i].is_known)
            return false;
    return true;
}

/* Lines of one file from its end; a line at its very end without a newline is not complete. */
static int tail_scan(struct tail *t, const struct log_files *f, int file, char *buf, struct err *e)
{
    int64_t end = f->size[file];

    while (end > 0 && !tail_is_done(t)) {
        int64_t from = MAX(end - BLOCK, (int64_t)0);
        ssize_t n = pread(f->fd[file], buf, (size_t)(end - from), from);
        char *stop;

        if (n < 0)
            return err_sys(e, -errno, "read the log");
        if (n < end - from) { /* cut by somebody: what is gone is gone */
            end = from;
            continue;
        }
        /* [buf, stop) ends with a newline; the line that begins in an earlier block is left to it
         */
        stop = memrchr(buf, '\n', (size_t)n);
        while (stop && !tail_is_done(t)) {
            char *before = memrchr(buf, '\n', (size_t)(stop - buf));
            char *line = before ? before + 1 : buf;
            struct log_line l;

            if (!before && from > 0)
                break;
            if (log_line_parse(line, (size_t)(stop - line), &l) == 0)
                tail_add(t, &l, (struct place){file, from + (line - buf)});
            stop = before;
        }
        /* Always forward: a block without any newline, or with one long line, is passed over. */
        end = stop && stop + 1 < buf + n ? from + (stop + 1 - buf) : from;
    }
    return 0;
}

static int find_begin(const struct log_files *f, int64_t want, struct place ret[STREAMS],
                      struct err *e)
{
    auto_free char *buf = NULL;
    struct tail t = {.want = want};

    ret[0] = ret[1] = (struct place){0, 0};
    if (want < 0)
        return 0;
    for (unsigned i = 0; i < STREAMS; i++)
        t.stream[i].begin = (struct place){1, f->size[1]};
    buf = alloc_zero(BLOCK, 1);
    for (int i = FILES - 1; i >= 0; i--)
        if (f->fd[i] >= 0 && tail_scan(&t, f, i, buf, e) < 0)
            return -1;
    for (unsigned i = 0; i < STREAMS; i++)
        ret[i] = t.stream[i].begin;
    return 0;
}

/* ---- forward ---- */

struct reader {
    const struct engine_logs *how;
    engine_log_fn *fn;
    void *arg;
    struct place begin[STREAMS];
    bool is_mid_line[STREAMS];
    bool is_stopped;  /* by fn or by `until` */
    bool is_skipping; /* within a line that is too long */
    struct place at;  /* of buf[0] */
    size_t len;
    char buf[BLOCK];
};

static void give_line(struct reader *r, const char *line, size_t n, struct place at)
{
    char timestamp[LOG_FILE_TIMESTAMP_MAX];
    struct log_line l;
    size_t text_len;

    if (log_line_parse(line, n, &l) < 0 || is_before(at, r->begin[l.stream]) ||
        l.time_ns < r->how->since_ns)
        return;
    if (r->how->until_ns > 0 && l.time_ns > r->how->until_ns) {
        r->is_stopped = true;
        return;
    }
    memcpy(timestamp, l.timestamp, l.timestamp_len);
    timestamp[l.timestamp_len] = 0;
    text_len = l.text_len + !l.is_partial; /* with the newline that ends the line in the file */
    if (r->fn(r->arg, l.stream, timestamp, !r->is_mid_line[l.stream], l.text, text_len) != 0)
        r->is_stopped = true;
    r->is_mid_line[l.stream] = l.is_partial;
}

/* Whole lines out of the buffer; what is left moves to its front. */
static void give_lines(struct reader *r)
{
    char *p = r->buf, *end = r->buf + r->len, *newline;

    while (!r->is_stopped && (newline = memchr(p, '\n', (size_t)(end - p)))) {
        if (!r->is_skipping)
            give_line(r, p, (size_t)(newline - p),
                      (struct place){r->at.file, r->at.offset + (p - r->buf)});
        r->is_skipping = false;
        p = newline + 1;
    }
    if (p == r->buf && r->len == sizeof(r->buf)) {
        r->is_skipping = true;
        p = end;
    }
    r->at.offset += p - r->buf;
    r->len = (size_t)(end - p);
    memmove(r->buf, p, r->len);
}

/* To `limit`, or to the end of the file for now when that is negative. */
static int read_on(struct reader *r, int fd, int64_t limit, struct err *e)
{
    while (!r->is_stopped) {
        int64_t from = r->at.offset + (int64_t)r->len;
        size_t room = sizeof(r->buf) - r->len;
        ssize_t n;

        if (limit >= 0)
            room = (size_t)MIN((int64_t)room, MAX(limit - from, (int64_t)0));
        n = room > 0 ? pread(fd, r->buf + r->len, room, from) : 0;
        if (n < 0 && errno != EINTR)
            return err_sys(e, -errno, "read the log");
        if (n == 0)
            break;
        r->len += n > 0 ? (size_t)n : 0;
        give_lines(r);
    }
    return 0;
}

static void go_to(struct reader *r, struct place at)
{
    r->at = at;
    r->len = 0;
    r->is_skipping = false;
}

static struct place first_place(const struct reader *r, int file)
{
    struct place first = is_before(r->begin[0], r->begin[1]) ? r->begin[0] : r->begin[1];

    return first.file < file ? (struct place){file, 0} : first;
}

static int read_present(struct reader *r, const struct log_files *f, struct err *e)
{
    for (int i = 0; i < FILES; i++) {
        struct place from = first_place(r, i);

        if (f->fd[i] < 0 || from.file != i)
            continue;
        go_to(r, from);
        /* The last one is left where it ends now, so that following can go on there. */
        if (read_on(r, f->fd[i], i == 1 && r->how->follow ? -1 : f->size[i], e) < 0)
            return -1;
    }
    return 0;
}

/* ---- files ---- */

static int open_log(int dirfd, const char *name, int *ret_fd, struct stat *ret, struct err *e)
{
    auto_fd int fd = sys_open(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    int r;

    if (fd == -ENOENT)
        return 0;
    r = fd < 0 ? fd : sys_stat(fd, "", ret);
    if (r < 0)
        return err_sys(e, r, "open the log '%s'", name);
    if (!S_ISREG(ret->st_mode))
        return err_set(e, ERR_INVALID, "the log '%s' is not a regular file", name);
    *ret_fd = take_fd(&fd);
    return 0;
}

static void files_done(struct log_files *f)
{
    f->fd[0] = fd_close(f->fd[0]);
    f->fd[1] = fd_close(f->fd[1]);
}

/* The newer first: if it is renamed in between, both are the same file, and that is the log as it
 * was when we came. */
static int open_files(int dirfd, const char *name, struct log_files *ret, struct err *e)
{
    auto_free char *old = alloc_printf("%s.1", name);
    struct stat st[FILES] = {0};

    if (open_log(dirfd, name, &ret->fd[1], &st[1], e) < 0 ||
        open_log(dirfd, old, &ret->fd[0], &st[0], e) < 0)
        return -1;
    if (ret->fd[0] >= 0 && ret->fd[1] >= 0 && st[0].st_ino == st[1].st_ino &&
        st[0].st_dev == st[1].st_dev)
        ret->fd[0] = fd_close(ret->fd[0]);
    for (int i = 0; i < FILES; i++)
        ret->size[i] = ret->fd[i] < 0 ? 0 : st[i].st_size;
    return 0;
}

/* ---- following ---- */

/* A log that began since: the file we hold is renamed, or we hold none. */
static int find_next(int dirfd, const char *name, int fd, int *ret_next, struct err *e)
{
    auto_fd int next = FD_NONE;
    struct stat now, held;

    if (open_log(dirfd, name, &next, &now, e) < 0)
        return -1;
    if (next >= 0 && fd >= 0 && sys_stat(fd, "", &held) == 0 && held.st_ino == now.st_ino &&
        held.st_dev == now.st_dev)
        return 0;
    *ret_next = take_fd(&next);
    return 0;
}

static int read_new(struct reader *r, int dirfd, const char *name, int *fd, struct err *e)
{
    for (;;) {
        int next = FD_NONE;

        if (*fd >= 0 && read_on(r, *fd, -1, e) < 0)
            return -1;
        if (r->is_stopped || find_next(dirfd, name, *fd, &next, e) < 0)
            return r->is_stopped ? 0 : -1;
        if (next < 0)
            return 0;
        /* Renamed before `next` was made: it has grown for the last time. */
        if (*fd >= 0 && read_on(r, *fd, -1, e) < 0) {
            fd_close(next);
            return -1;
        }
        fd_close(*fd);
        *fd = next;
        go_to(r, (struct place){r->at.file + 1, 0});
    }
}

static void wait_for_more(int watch)
{
    struct pollfd p = {.fd = watch, .events = POLLIN};
    char events[4096];

    if (poll(&p, 1, OVER_MS) > 0)
        while (read(watch, events, sizeof(events)) > 0)
            continue; /* that something happened is all we need */
}

static int follow(struct reader *r, int dirfd, const char *name, int *fd, int (*is_over)(void *),
                  void *over_arg, struct err *e)
{
    auto_fd int watch = sys_watch_dir(dirfd, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
    uint64_t asked_ns = 0;

    for (;;) {
        bool is_due = units_monotonic_ns() - asked_ns >= OVER_MS * 1000000ull;
        /* Asked before the reading: what was written before the end is read after it. */
        int over = is_due ? is_over(over_arg) : 0;

        if (over < 0)
            return err_sys(e, over, "see whether the container has ended");
        if (is_due)
            asked_ns = units_monotonic_ns();
        if (read_new(r, dirfd, name, fd, e) < 0)
            return -1;
        if (over > 0 || r->is_stopped ||
            (r->how->until_ns > 0 && units_now_ns() > r->how->until_ns))
            return 0;
        wait_for_more(watch);
    }
}

int log_file_read(int dirfd, const char *name, const struct engine_logs *how,
                  int (*is_over)(void *), void *over_arg, engine_log_fn *fn, void *arg,
                  struct err *e)
{
    auto_free struct reader *r = alloc_new(struct reader);
    DHOW_CLEANUP(files_done) struct log_files f = {.fd = {FD_NONE, FD_NONE}};

    r->how = how;
    r->fn = fn;
    r->arg = arg;
    if (open_files(dirfd, name, &f, e) < 0 || find_begin(&f, how->tail, r->begin, e) < 0)
        return -1;
    go_to(r, first_place(r, 1));
    if (read_present(r, &f, e) < 0)
        return -1;
    if (!how->follow || r->is_stopped)
        return 0;
    return follow(r, dirfd, name, &f.fd[1], is_over, over_arg, e);
}
