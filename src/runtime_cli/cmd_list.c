/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list, state */
#include <pwd.h>
#include <string.h>

#include "base/columns.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"

static void add_text(struct json_object *o, const char *key, const char *text)
{
    json_object_object_add(o, key, json_object_new_string(text ? text : ""));
}

/* The name of a user of this system, else the number as docker prints it. */
static char *owner_name(uint32_t uid)
{
    const struct passwd *p = getpwuid(uid);

    return p ? alloc_strdup(p->pw_name) : alloc_printf("#%u", uid);
}

static struct json_object *annotations_object(char *const *annotations)
{
    struct json_object *o = json_object_new_object();

    STRV_FOREACH (entry, annotations) {
        const char *equals = strchr(*entry, '=');
        auto_free char *key = alloc_strndup(*entry, (size_t)(equals - *entry));
        add_text(o, key, equals + 1);
    }
    return o;
}

/* The specification's state, and what runc adds to it; in runc's order. */
struct json_object *state_object(const struct lifecycle_state *s, enum lifecycle_status status)
{
    struct json_object *o = json_object_new_object();
    auto_free char *owner = owner_name(s->owner);

    add_text(o, "ociVersion", s->oci_version);
    add_text(o, "id", s->id);
    json_object_object_add(o, "pid",
                           json_object_new_int64(status == LIFECYCLE_STOPPED ? 0 : s->pid));
    add_text(o, "status", lifecycle_status_name(status));
    add_text(o, "bundle", s->bundle);
    add_text(o, "rootfs", s->rootfs);
    add_text(o, "created", s->created);
    if (s->annotations)
        json_object_object_add(o, "annotations", annotations_object(s->annotations));
    add_text(o, "owner", owner);
    return o;
}

static int state_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct lifecycle_state s = {0};
    enum lifecycle_status status;
    (void)options;
    (void)argc;
    if (lifecycle_get_state(&cli->config->lifecycle, argv[0], &s, &status, e) < 0)
        return -1;
    auto_json *o = state_object(&s, status);
    output_json(o);
    lifecycle_state_done(&s);
    return 0;
}

struct list_options {
    char *format;
    bool quiet;
};
static const struct option list_rows[] = {
    {"format", 'f', OPT_STRING, offsetof(struct list_options, format), "FORMAT", "table or json",
     COMPLETE_WORDS, "table json", .initial = "table"},
    {"quiet", 'q', OPT_BOOL, offsetof(struct list_options, quiet), NULL, "Print the ids only"},
    {NULL},
};
static const struct option *const list_sets[] = {list_rows, NULL};

static const char *field(struct json_object *o, const char *key)
{
    return json_object_get_string(json_object_object_get(o, key));
}

static void print_table(struct json_object *rows)
{
    struct columns *c = columns_new();
    columns_add_row(c, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER");
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        struct json_object *o = json_object_array_get_idx(rows, i);
        auto_free char *row = alloc_printf("%s\t%s\t%s\t%s\t%s\t%s", field(o, "id"),
                                           field(o, "pid"), field(o, "status"), field(o, "bundle"),
                                           field(o, "created"), field(o, "owner"));
        columns_add_row(c, row);
    }
    auto_free char *text = columns_print(c);
    cli_print(text);
    columns_free(c);
}

/* A container that goes away meanwhile is not in the list; nor is one whose state is damaged, which
 * is told. */
static struct json_object *all_states(struct cli *cli, char *const *ids)
{
    struct json_object *rows = json_object_new_array();

    STRV_FOREACH (id, ids) {
        struct lifecycle_state s = {0};
        enum lifecycle_status status;
        struct err e = {0};
        if (lifecycle_get_state(&cli->config->lifecycle, *id, &s, &status, &e) == 0)
            json_object_array_add(rows, state_object(&s, status));
        else if (e.kind != ERR_NOT_FOUND)
            log_warn("%s", e.msg);
        lifecycle_state_done(&s);
    }
    return rows;
}

static int list_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct list_options *o = options;
    auto_strv ids = NULL;
    bool is_json = str_equal(o->format, "json");
    (void)argc;
    (void)argv;
    if (!is_json && !str_equal(o->format, "table"))
        return err_set(e, ERR_INVALID, "invalid format option '%s': table or json", o->format);
    if (lifecycle_list(&cli->config->lifecycle, &ids, e) < 0)
        return -1;
    if (o->quiet) {
        STRV_FOREACH (id, ids)
            cli_print_line(*id);
        return 0;
    }
    auto_json *rows = all_states(cli, ids);
    if (!is_json) {
        print_table(rows);
        return 0;
    }
    auto_free char *text = json_print(rows, false);
    cli_print_line(text);
    return 0;
}

static bool is_wanted(struct cli *cli, const char *id, bool running_only)
{
    struct lifecycle_state s = {0};
    enum lifecycle_status status;
    bool found = lifecycle_get_state(&cli->config->lifecycle, id, &s, &status, NULL) == 0;

    lifecycle_state_done(&s);
    return found && (!running_only || status == LIFECYCLE_RUNNING);
}

/* The questions of the completion scripts. */
static int complete_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_strv ids = NULL;
    (void)options;
    (void)argc;
    if (lifecycle_list(&cli->config->lifecycle, &ids, e) < 0)
        return -1;
    STRV_FOREACH (id, ids)
        if (is_wanted(cli, *id, str_equal(argv[0], "running")))
            cli_print_line(*id);
    return 0;
}

static const char *const list_examples[] = {"list", "list --format json", NULL};

const struct command cmd_list = {
    .name = "list",
    .summary = "List containers",
    .option_sets = list_sets,
    .options_size = sizeof(struct list_options),
    .examples = list_examples,
    .run = list_run,
};
const struct command cmd_state = {
    .name = "state",
    .summary = "Print the state of a container as JSON",
    .run = state_run,
    ONE_CONTAINER,
};
const struct command cmd_complete = {
    .name = "__complete",
    .summary = "Print the names of containers or running containers",
    .args = "containers|running",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_HIDDEN,
    .run = complete_run,
};
