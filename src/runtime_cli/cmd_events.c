/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events: lines of JSON, as runc writes them. */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "runtime_cli/runtime_cli.h"

#define INTERVAL_MAX_MS (24ull * 60 * 60 * 1000)

struct events_options {
    char *interval;
    bool stats;
};
static const struct option events_rows[] = {
    {"interval", 0, OPT_STRING, offsetof(struct events_options, interval), "DURATION",
     "Time between two statistics: 100ms, 5s, 1m", .initial = "5s"},
    {"stats", 0, OPT_BOOL, offsetof(struct events_options, stats), NULL,
     "Print the statistics once, and end"},
    {NULL},
};
static const struct option *const events_sets[] = {events_rows, NULL};

/* A number and a unit. */
static int parse_interval(const char *text, unsigned *ret_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end;
    double n = strtod(text, &end);

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (end == text || !str_equal(end, units[i].unit))
            continue;
        n *= units[i].ms;
        if (!(n >= 1 && n <= (double)INTERVAL_MAX_MS))
            return -ERANGE;
        *ret_ms = (unsigned)n;
        return 0;
    }
    return -EINVAL;
}

/* {"type":"stats","id":"ID","data":{...}}; takes `data`. */
static void print_event(const char *type, const char *id, struct json_object *data)
{
    auto_json *o = json_object_new_object();
    json_object_object_add(o, "type", json_object_new_string(type));
    json_object_object_add(o, "id", json_object_new_string(id));
    if (data)
        json_object_object_add(o, "data", data);
    auto_free char *text = json_print(o, false);
    cli_print_line(text);
    fflush(stdout);
}

static int on_event(void *arg, enum lifecycle_event event, struct json_object *data)
{
    print_event(event == LIFECYCLE_EVENT_OOM ? "oom" : "stats", arg, data);
    return ferror(stdout) ? -1 : 0;
}

static int events_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct events_options *o = options;
    struct json_object *data = NULL;
    unsigned interval_ms = 0;
    (void)argc;

    if (o->stats) {
        if (lifecycle_stats(&cli->config->lifecycle, argv[0], &data, e) < 0)
            return -1;
        print_event("stats", argv[0], data);
        return 0;
    }
    if (parse_interval(o->interval, &interval_ms) < 0)
        return err_set(e, ERR_INVALID, "--interval '%s' is not a duration like 100ms or 5s",
                       o->interval);
    return lifecycle_watch(&cli->config->lifecycle, argv[0], interval_ms, on_event, argv[0], e);
}

static const char *const events_examples[] = {"events --stats web", "events --interval 1s web",
                                              NULL};

const struct command cmd_events = {
    .name = "events",
    .summary = "Print statistics of a container, and what happens to it",
    .option_sets = events_sets,
    .options_size = sizeof(struct events_options),
    .examples = events_examples,
    .run = events_run,
    ONE_CONTAINER,
};
