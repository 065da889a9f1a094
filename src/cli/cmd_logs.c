/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs: what the container wrote, its stderr to our stderr.
 */
#include <stdio.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/when.h"

struct logs_options {
    struct target_flags targets; /* first */
    bool follow;
    bool timestamps;
    struct json_opt_i64 tail;
    char *since;
    char *until;
};

#define AT(field) offsetof(struct logs_options, field)
static const struct option logs_rows[] = {
    {"follow", 'f', OPT_BOOL, AT(follow), NULL, "Go on until the container ends"},
    {"timestamps", 't', OPT_BOOL, AT(timestamps), NULL, "Print the time of each line"},
    {"tail", 0, OPT_INT64, AT(tail), "LINES", "Only the last lines; -1 is all", COMPLETE_NONE, NULL,
     NULL, "-1"},
    {"since", 0, OPT_STRING, AT(since), "TIME", "Only from this time on (RFC3339, or 10m ago)"},
    {"until", 0, OPT_STRING, AT(until), "TIME", "Only up to this time"},
    {NULL},
};
static const struct option logs_unsupported_rows[] = {
    {"color", 0, OPT_UNSUPPORTED_BOOL},
    {"details", 0, OPT_UNSUPPORTED_BOOL},
    {"names", 'n', OPT_UNSUPPORTED_BOOL},
    {NULL},
};

static int logs_write(void *arg, enum engine_log_stream stream, const char *timestamp,
                      bool is_line_start, const char *text, size_t n)
{
    const struct logs_options *o = arg;
    FILE *out = stream == ENGINE_LOG_STDERR ? stderr : stdout;
    /* stderr is not buffered: what came before it must be out. */
    if (stream == ENGINE_LOG_STDERR)
        fflush(stdout);
    if (o->timestamps && is_line_start)
        fprintf(out, "%s ", timestamp);
    fwrite(text, 1, n, out);
    if (o->follow)
        fflush(out);
    return ferror(out) ? 1 : 0;
}

static int parse_when(const char *option, const char *s, int64_t *ret, struct err *e)
{
    if (s && when_parse(s, units_now_ns(), ret) < 0)
        return err_set(e, ERR_INVALID, "--%s '%s' is neither a time nor a duration", option, s);
    return 0;
}

static int logs_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct logs_options *o = options;
    auto_engine *en = NULL;
    auto_free char *newest = NULL;
    const char *name;
    struct engine_logs how = {.follow = o->follow, .tail = o->tail.value < 0 ? -1 : o->tail.value};
    (void)argc;
    if (parse_when("since", o->since, &how.since_ns, e) < 0 ||
        parse_when("until", o->until, &how.until_ns, e) < 0 ||
        cli_open(cli, STORE_READ, &en, e) < 0 ||
        target_one(en, o->targets.latest, argv, &newest, &name, e) < 0)
        return -1;
    return engine_container_logs(en, name, &how, logs_write, o, e);
}

static const struct option *const logs_sets[] = {logs_rows, target_latest_rows,
                                                 logs_unsupported_rows, NULL};
static const char *const logs_aliases[] = {"container logs", NULL};
static const char *const logs_examples[] = {"logs web", "logs --follow --tail 10 --timestamps web",
                                            "logs --since 10m web", NULL};

const struct command cmd_logs = {
    .name = "logs",
    .aliases = logs_aliases,
    .summary = "Print what a container wrote",
    .args = "CONTAINER",
    .max_args = 1,
    .complete_args = COMPLETE_CONTAINER,
    .option_sets = logs_sets,
    .options_size = sizeof(struct logs_options),
    .examples = logs_examples,
    .run = logs_run,
};
