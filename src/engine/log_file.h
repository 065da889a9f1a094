/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Reader of container logs: the CRI format that dhow-monitor writes (runtime/monitor.h), NAME.1
 * before NAME. Bytes of each stream come back exactly.
 *
 * Not trusted: the text of a line is the container's, the files may be cut or edited. Lines that do
 * not parse are skipped; nothing is held in memory but one line.
 */
#include "base/err.h"
#include "engine/engine.h"

#define LOG_FILE_TIMESTAMP_MAX 40

struct log_line {
    const char *timestamp; /* not NUL-terminated; borrowed from the line, as text is */
    size_t timestamp_len;  /* < LOG_FILE_TIMESTAMP_MAX */
    int64_t time_ns;
    enum engine_log_stream stream;
    bool is_partial; /* P: the text does not end a line */
    const char *text;
    size_t text_len;
};
/* One line without its newline. 0 or -EINVAL. Pure. */
int log_line_parse(const char *line, size_t n, struct log_line *ret);

/* Calls fn for each piece as engine_container_logs() says, with `how`. `is_over(over_arg)` is asked
 * while following: 1 when nothing can be written any more, 0, or -errno. A non-zero answer of fn
 * ends the reading with 0. No log file is an empty log. Blocks while following. */
int log_file_read(int dirfd, const char *name, const struct engine_logs *how,
                  int (*is_over)(void *), void *over_arg, engine_log_fn *fn, void *arg,
                  struct err *e);
