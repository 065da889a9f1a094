/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: each process appends whole lines, one event a line, to one O_APPEND fd that it inherited:
 * the kernel keeps lines whole and nobody waits. A line is a JSON object; the file becomes an array
 * when the last process completes it (trace_close), which reads it, drops what is not an event (a
 * writer was killed), sorts by time and renames the result into place. A straggler then writes into
 * the old inode: the finished file stays valid.
 *
 * Inside a pid namespace the pid is the inner one; trace_role() names it. The kernel is called
 * directly here (as in fault.c): tracing must not pass fault points.
 */
#include "base/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"

#define MAX_FILE_BYTES (64 << 20)
#define MAX_LINE_BYTES 512

static int file_fd = FD_NONE;

struct event {
    double ts;
    const char *line;
    size_t len;
};

/* Names are our own words; nothing in them may break the line. */
static void clean_name(const char *name, char ret[static 128])
{
    snprintf(ret, 128, "%s", name);
    for (char *s = ret; *s; s++)
        if (*s < 0x20 || *s >= 0x7f || *s == '"' || *s == '\\')
            *s = '_';
}

static void DHOW_PRINTF(1, 2) append(const char *fmt, ...)
{
    char line[MAX_LINE_BYTES];
    int saved = errno;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof(line))
        (void)!write(file_fd, line, (size_t)n); /* a lost event must not fail a container */
    errno = saved;
}

#define HIGH_FD 512

int trace_open(const char *path)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL; /* it is read again at the end */
    /* Out of the way of the low numbers, which processes of ours arrange by dup2. */
    trace_adopt_fd(fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD));
    return trace_fd() < 0 ? -errno : 0;
}

void trace_adopt_fd(int fd)
{
    file_fd = fd;
}

int trace_fd(void)
{
    return file_fd;
}

void trace_role(const char *process_name)
{
    char name[128];

    if (file_fd < 0)
        return;
    clean_name(process_name, name);
    append("{\"name\":\"process_name\",\"ph\":\"M\",\"ts\":0,\"pid\":%d,\"tid\":%d,"
           "\"args\":{\"name\":\"%s\"}}\n",
           (int)getpid(), (int)gettid(), name);
}

struct trace_span trace_begin(const char *name)
{
    return (struct trace_span){name, file_fd < 0 ? 0 : units_monotonic_ns()};
}

void trace_end(struct trace_span *span)
{
    uint64_t duration;
    char name[128];

    if (span->start_ns == 0 || file_fd < 0)
        return;
    duration = units_monotonic_ns() - span->start_ns;
    clean_name(span->name, name);
    append("{\"name\":\"%s\",\"ph\":\"X\",\"ts\":%lu.%03lu,\"dur\":%lu.%03lu,\"pid\":%d,"
           "\"tid\":%d}\n",
           name, (unsigned long)(span->start_ns / 1000), (unsigned long)(span->start_ns % 1000),
           (unsigned long)(duration / 1000), (unsigned long)(duration % 1000), (int)getpid(),
           (int)gettid());
    span->start_ns = 0;
}

/* Completing the file */

static int read_all(int fd, struct str *out)
{
    char chunk[16384];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return out->too_big ? -EFBIG : 0;
        if (n > 0)
            str_add_bytes(out, chunk, (size_t)n);
    }
}

static int write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, s, n);

        if (k < 0 && errno != EINTR)
            return -errno;
        if (k > 0) {
            s += k;
            n -= (size_t)k;
        }
    }
    return 0;
}

static bool parse_event(const char *line, size_t len, struct event *ret)
{
    auto_json *o = NULL;
    struct json_object *ts;

    if (json_parse(line, len, MAX_LINE_BYTES, &o, NULL) < 0 ||
        !json_object_object_get_ex(o, "ts", &ts))
        return false;
    *ret = (struct event){json_object_get_double(ts), line, len};
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->ts != y->ts)
        return x->ts < y->ts ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line; /* as written */
}

static void make_array(const struct str *lines, struct str *out)
{
    VEC(struct event) events = {0};
    const char *s = str_text(lines);

    while (*s) {
        size_t len = (size_t)(strchrnul(s, '\n') - s);
        struct event event;

        if (parse_event(s, len, &event))
            vec_push(&events, event);
        s += len + (s[len] == '\n');
    }
    if (events.len > 0)
        qsort(events.items, events.len, sizeof(*events.items), by_time);
    str_add(out, "[");
    VEC_FOREACH (event, &events) {
        str_add(out, event == events.items ? "\n" : ",\n");
        str_add_bytes(out, event->line, event->len);
    }
    str_add(out, "\n]\n");
    vec_done(&events);
}

static int replace_file(const char *path, const struct str *text)
{
    auto_free char *temporary = alloc_printf("%s.%d", path, (int)getpid());
    auto_fd int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, str_text(text), text->len);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r;
}

int trace_close(const char *path)
{
    auto_str lines = STR_INIT(MAX_FILE_BYTES), array = STR_INIT(2 * MAX_FILE_BYTES);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r;

    file_fd = fd_close(file_fd);
    if (fd < 0)
        return -errno;
    r = read_all(fd, &lines);
    if (r < 0)
        return r;
    make_array(&lines, &array);
    return array.too_big ? -EFBIG : replace_file(path, &array);
}
