/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Where the time goes: spans in Chrome's trace event format (JSON array form), for `dhow run
 * --trace FILE`. A span is one append of one line, so several processes may write to the same
 * inherited fd. Off, a span costs one test. A process that closes its fds wholesale says
 * trace_adopt_fd(FD_NONE) first, or a later span would write into the number's next owner.
 *
 *     TRACE_SPAN("mount proc");   // until the end of the scope
 */
#include "base/def.h"

struct trace_span {
    const char *name;
    uint64_t start_ns;
};

int trace_open(const char *path);          /* creates or truncates; 0 or -errno */
void trace_role(const char *process_name); /* names the calling process in the trace */
int trace_close(
    const char *path); /* last process: completes the file to one valid JSON array; 0 or -errno */
int trace_fd(void);    /* the fd to hand over an exec, or FD_NONE */
void trace_adopt_fd(int fd);
struct trace_span trace_begin(const char *name);
void trace_end(struct trace_span *span);

#define TRACE_SPAN(label)                                                                          \
    DHOW_CLEANUP(trace_end) struct trace_span trace_span_here DHOW_UNUSED = trace_begin(label)
