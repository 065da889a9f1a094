/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: a chunk of output becomes an array of pieces for one writev(2): prefix, text, prefix,
 * text. All lines of a chunk share a time stamp, so there are two prefixes (F and P) and no byte of
 * text is copied, but for the piece behind the last newline, which waits in `pending` for its end.
 * A line that grows beyond MONITOR_LOG_LINE goes out in P pieces of that size.
 *
 * A disk that is full may cut a write anywhere. The file then ends within a line (is_torn), and the
 * next write begins with a newline, so that no later line is harmed. Reader: engine/log_file.c.
 */
#include "monitor/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/event.h"
#include "sys/file.h"

static const char line_end[1] = {'\n'};
enum { PREFIX_LEN = 40 }; /* "2026-01-02T03:04:05.123456789Z stdout F " */

/* A batch in the making. */
struct batch {
    struct monitor_log *log;
    unsigned stream;
    size_t n_pieces;
    size_t bytes;
    char full[PREFIX_LEN];
    char partial[PREFIX_LEN];
};

void monitor_log_init(struct monitor_log *l, int fd, int dirfd, uint64_t max,
                      struct monitor_log_room *room)
{
    struct stat st;

    *l = (struct monitor_log){.fd = fd, .dirfd = dirfd, .max = max, .room = room};
    if (fd >= 0 && max > 0 && sys_stat(fd, "", &st) == 0)
        l->size = (uint64_t)st.st_size;
}

static char *put_number(char *p, unsigned long v, int digits)
{
    for (int i = digits - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + digits;
}

static void format_prefixes(struct batch *b, const struct timespec *now)
{
    static const char streams[MONITOR_LOG_STREAMS][9] = {" stdout ", " stderr "};
    char *p = b->full;
    struct tm tm;

    gmtime_r(&now->tv_sec, &tm);
    p = put_number(p, (unsigned long)tm.tm_year + 1900, 4);
    *p++ = '-';
    p = put_number(p, (unsigned long)tm.tm_mon + 1, 2);
    *p++ = '-';
    p = put_number(p, (unsigned long)tm.tm_mday, 2);
    *p++ = 'T';
    p = put_number(p, (unsigned long)tm.tm_hour, 2);
    *p++ = ':';
    p = put_number(p, (unsigned long)tm.tm_min, 2);
    *p++ = ':';
    p = put_number(p, (unsigned long)tm.tm_sec, 2);
    *p++ = '.';
    p = put_number(p, (unsigned long)now->tv_nsec, 9);
    *p++ = 'Z';
    memcpy(p, streams[b->stream], 8);
    memcpy(p + 8, "F ", 2);
    memcpy(b->partial, b->full, PREFIX_LEN);
    b->partial[PREFIX_LEN - 2] = 'P';
}

/* log -> log.1, and a new log under the same fd. When that fails the old one just grows on. */
static void rotate(struct monitor_log *l)
{
    int fd;

    l->size = 0; /* the next attempt comes after another `max` bytes */
    if (sys_rename(l->dirfd, MONITOR_LOG_NAME, l->dirfd, MONITOR_LOG_OLD) < 0)
        return;
    fd = sys_open(l->dirfd, MONITOR_LOG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW,
                  0600);
    if (fd < 0) {
        (void)sys_rename_noreplace(l->dirfd, MONITOR_LOG_OLD, l->dirfd,
                                   MONITOR_LOG_NAME); /* else both names are the old log's story */
        return;
    }
    if (sys_dup_to(fd, l->fd) >= 0)
        l->is_torn = false;
    fd_close(fd);
}

static bool is_within(const char *p, const char *area, size_t n)
{
    return p >= area && p < area + n;
}

/* Text of the container, not of ours. */
static bool is_text(const struct batch *b, const struct iovec *v)
{
    return !is_within(v->iov_base, b->full, PREFIX_LEN) &&
           !is_within(v->iov_base, b->partial, PREFIX_LEN) && v->iov_base != line_end;
}

/* Takes `n` written bytes off the front; returns what is left. */
static struct iovec *advance(struct iovec *v, const struct iovec *end, size_t n)
{
    for (; v < end && n >= v->iov_len; v++)
        n -= v->iov_len;
    if (v < end && n > 0) {
        v->iov_base = (char *)v->iov_base + n;
        v->iov_len -= n;
    }
    return v;
}

static void write_out(struct batch *b)
{
    struct monitor_log *l = b->log;
    struct iovec *v = l->room->pieces, *end = v + b->n_pieces;

    while (v < end) {
        ssize_t n = writev(l->fd, v, (int)(end - v));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        l->size += (uint64_t)n;
        v = advance(v, end, (size_t)n);
        l->is_torn = v < end;
    }
    for (; v < end; v++)
        if (is_text(b, v))
            l->lost += v->iov_len;
}

static void add_piece(struct batch *b, const void *p, size_t n)
{
    b->log->room->pieces[b->n_pieces++] = (struct iovec){(void *)(uintptr_t)p, n};
    b->bytes += n;
}

static void flush(struct batch *b)
{
    if (b->n_pieces == 0)
        return;
    write_out(b);
    b->n_pieces = 0;
    b->bytes = 0;
}

/* One line of the file: what is pending, then `text`. A full line's text ends with its newline. */
static void add_line(struct batch *b, bool is_full, const char *text, size_t n)
{
    struct monitor_log *l = b->log;
    size_t bytes = PREFIX_LEN + l->pending[b->stream] + n + !is_full;
    bool is_beyond = l->max > 0 && l->size + b->bytes > 0 && l->size + b->bytes + bytes > l->max;

    if (is_beyond || b->n_pieces + 5 > MONITOR_LOG_PIECES)
        flush(b);
    if (is_beyond)
        rotate(l);
    if (b->n_pieces == 0 && l->is_torn)
        add_piece(b, line_end, 1);
    add_piece(b, is_full ? b->full : b->partial, PREFIX_LEN);
    if (l->pending[b->stream] > 0)
        add_piece(b, l->room->pending[b->stream], l->pending[b->stream]);
    l->pending[b->stream] = 0;
    if (n > 0)
        add_piece(b, text, n);
    if (!is_full)
        add_piece(b, line_end, 1);
}

/* Pieces of MONITOR_LOG_LINE from what is pending and the front of `text`; returns how much of
 * `text` was used. */
static size_t add_long(struct batch *b, const char *text, size_t n)
{
    size_t used = 0;

    while (b->log->pending[b->stream] + (n - used) > MONITOR_LOG_LINE) {
        size_t take = MONITOR_LOG_LINE - b->log->pending[b->stream];

        add_line(b, false, text + used, take);
        used += take;
    }
    return used;
}

void monitor_log_write(struct monitor_log *l, unsigned stream, const struct timespec *now,
                       const char *text, size_t n)
{
    struct batch b = {.log = l, .stream = stream};
    const char *end = text + n;

    if (l->fd < 0)
        return;
    format_prefixes(&b, now);
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        text += add_long(&b, text, (size_t)((newline ? newline : end) - text));
        if (!newline)
            break;
        add_line(&b, true, text, (size_t)(newline + 1 - text));
        text = newline + 1;
    }
    flush(&b); /* before `pending` is written to: pieces may point into it */
    memcpy(l->room->pending[stream] + l->pending[stream], text, (size_t)(end - text));
    l->pending[stream] += (size_t)(end - text);
}

void monitor_log_flush(struct monitor_log *l, const struct timespec *now)
{
    for (unsigned s = 0; s < MONITOR_LOG_STREAMS; s++) {
        struct batch b = {.log = l, .stream = s};

        if (l->fd < 0 || l->pending[s] == 0)
            continue;
        format_prefixes(&b, now);
        add_line(&b, false, NULL, 0);
        flush(&b);
    }
}
