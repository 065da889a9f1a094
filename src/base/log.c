/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/str.h"
#include "base/units.h"

static enum log_level minimum = LOG_WARN_LEVEL;
static log_sink *sink_now;
static enum log_format format_now;

static const struct {
    const char *name;
    enum log_level level;
} levels[] = {
    {"debug", LOG_DEBUG_LEVEL}, {"info", LOG_INFO_LEVEL},   {"warning", LOG_WARN_LEVEL},
    {"error", LOG_ERROR_LEVEL}, {"warn", LOG_WARN_LEVEL},   {"trace", LOG_DEBUG_LEVEL},
    {"fatal", LOG_ERROR_LEVEL}, {"panic", LOG_ERROR_LEVEL},
};

void log_set_level(enum log_level level)
{
    minimum = level;
}

bool log_wants(enum log_level level)
{
    return level >= minimum;
}

void log_set_sink(log_sink *sink, enum log_format format)
{
    sink_now = sink;
    format_now = format;
}

int log_level_parse(const char *s, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcasecmp(levels[i].name, s) == 0) {
            *ret = levels[i].level;
            return 0;
        }
    }
    return -EINVAL;
}

static void add_quoted(struct str *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '"')
            str_add_char(out, '\\');
        str_add_char(out, *s);
    }
}

static void make_text(struct str *out, enum log_level level, const char *now, const char *msg)
{
    auto_free char *safe = escape_terminal(msg, strlen(msg));

    str_addf(out, "time=\"%.19sZ\" level=%s msg=\"", now, levels[level].name);
    add_quoted(out, safe);
    str_add(out, "\"\n");
}

/* The keys in this order, which is logrus's. */
static void make_json(struct str *out, enum log_level level, const char *now, const char *msg)
{
    auto_json *text = json_object_new_string(msg);
    auto_free char *quoted = json_print(text, false);

    str_addf(out, "{\"level\":\"%s\",\"msg\":%s,\"time\":\"%.19sZ\"}\n", levels[level].name, quoted,
             now);
}

void log_at(enum log_level level, const char *fmt, ...)
{
    auto_str text = STR_INIT(64 << 10), line = STR_INIT(512 << 10);
    auto_free char *now = NULL;
    int saved = errno;
    va_list ap;

    if (level < minimum)
        return;
    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    now = units_rfc3339(units_now_ns());
    (format_now == LOG_JSON ? make_json : make_text)(&line, level, now, str_text(&text));
    if (sink_now)
        sink_now(str_text(&line), line.len);
    else
        (void)!write(STDERR_FILENO, str_text(&line), line.len); /* where would it be told? */
    errno = saved;
}
