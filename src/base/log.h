/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The logger: one of the two writable globals. Only lifecycle/, engine/, the command lines and
 * main/ log; everything below returns errors. The place that swallows an error logs it once. One
 * line to stderr, in one write: `time="..." level=warning msg="..."`, or
 * {"level":"warning","msg":"...", "time":"..."}, for the level that was set and above (at first:
 * warning); stdout is for results. Control bytes in a message are escaped. errno is preserved.
 */
#include "base/def.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

void log_set_level(enum log_level level);
int log_level_parse(
    const char *s,
    enum log_level *ret); /* trace debug info warn|warning error fatal panic, any case; -EINVAL */
bool log_wants(enum log_level level); /* what it costs to tell is worth it */
void log_at(enum log_level level, const char *fmt, ...) DHOW_PRINTF(2, 3);

/* Where finished lines go, each with its newline; NULL: stderr. */
enum log_format { LOG_TEXT, LOG_JSON };
typedef void log_sink(const char *line, size_t len);
void log_set_sink(log_sink *sink, enum log_format format);

#define log_debug(...) log_at(LOG_DEBUG_LEVEL, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO_LEVEL, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN_LEVEL, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR_LEVEL, __VA_ARGS__)
