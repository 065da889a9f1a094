/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The writer of the container's log; format and rotation as runtime/monitor.h says. It never fails:
 * bytes that the disk does not take are counted in `lost`, and the container runs on.
 */
#include <sys/uio.h>
#include <time.h>

#include "base/def.h"
#include "runtime/monitor.h"

enum { MONITOR_LOG_STREAMS = 2, MONITOR_LOG_PIECES = 1024 /* IOV_MAX */ };

/* Memory that is worth nothing while `pending` is empty, so that it can be given back. */
struct monitor_log_room {
    char pending[MONITOR_LOG_STREAMS][MONITOR_LOG_LINE];
    struct iovec pieces[MONITOR_LOG_PIECES];
};

struct monitor_log {
    int fd;                              /* FD_NONE: no log */
    int dirfd;                           /* for rotation */
    uint64_t max;                        /* bytes; 0: no rotation */
    uint64_t size;                       /* of the file */
    uint64_t lost;                       /* bytes of text that could not be written */
    bool is_torn;                        /* the file ends within a line */
    size_t pending[MONITOR_LOG_STREAMS]; /* bytes of a line without its newline yet */
    struct monitor_log_room *room;
};

/* Takes fd and dirfd as they are; `room` is the caller's and outlives the log. */
void monitor_log_init(struct monitor_log *l, int fd, int dirfd, uint64_t max,
                      struct monitor_log_room *room);
/* `stream`: 0 stdout, 1 stderr. Whole lines are in the file when it returns; the rest is pending.
 */
void monitor_log_write(struct monitor_log *l, unsigned stream, const struct timespec *now,
                       const char *text, size_t n);
/* What is pending goes out as partial lines. */
void monitor_log_flush(struct monitor_log *l, const struct timespec *now);
