/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill, delete, pause, resume, list, state */
#include <signal.h>

#include "base/str.h"
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"

struct delete_options {
    bool force;
};
static const struct option delete_rows[] = {
    {"force", 'f', OPT_BOOL, offsetof(struct delete_options, force), NULL,
     "Kill the container if it runs"},
    {NULL},
};
static const struct option *const delete_sets[] = {delete_rows, NULL};

static int delete_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct delete_options *o = options;
    (void)argc;
    return lifecycle_delete(&cli->config->lifecycle, argv[0], o->force ? LIFECYCLE_FORCE : 0, e);
}

struct kill_options {
    bool all;
};
static const struct option kill_rows[] = {
    {"all", 'a', OPT_BOOL, offsetof(struct kill_options, all), NULL,
     "Send the signal to all processes of the container"},
    {NULL},
};
static const struct option *const kill_sets[] = {kill_rows, NULL};

static int kill_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct kill_options *o = options;
    uint64_t signal = SIGTERM;
    if (argc > 1 && str_to_u64(argv[1], 64, &signal) < 0)
        return err_set(e, ERR_INVALID, "unknown signal '%s'", argv[1]);
    return lifecycle_kill(&cli->config->lifecycle, argv[0], (int)signal,
                          o->all ? LIFECYCLE_KILL_ALL : 0, e);
}

static int pause_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)options;
    (void)argc;
    return lifecycle_pause(&cli->config->lifecycle, argv[0], e);
}

static int resume_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)options;
    (void)argc;
    return lifecycle_resume(&cli->config->lifecycle, argv[0], e);
}

static int list_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_strv ids = NULL;
    (void)options;
    (void)argc;
    (void)argv;
    if (lifecycle_list(&cli->config->lifecycle, &ids, e) < 0)
        return -1;
    STRV_FOREACH (id, ids)
        cli_print_line(*id);
    return 0;
}

static int state_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct lifecycle_state s = {0};
    enum lifecycle_status status;
    (void)options;
    (void)argc;
    if (lifecycle_get_state(&cli->config->lifecycle, argv[0], &s, &status, e) < 0)
        return -1;
    auto_json *o = json_object_new_object();
    json_object_object_add(o, "ociVersion", json_object_new_string(s.oci_version));
    json_object_object_add(o, "id", json_object_new_string(s.id));
    json_object_object_add(o, "pid",
                           json_object_new_int64(status == LIFECYCLE_STOPPED ? 0 : s.pid));
    json_object_object_add(o, "status", json_object_new_string(lifecycle_status_name(status)));
    json_object_object_add(o, "bundle", json_object_new_string(s.bundle));
    json_object_object_add(o, "rootfs", json_object_new_string(s.rootfs));
    json_object_object_add(o, "created", json_object_new_string(s.created));
    json_object_object_add(o, "owner", json_object_new_string(""));
    output_json(o);
    lifecycle_state_done(&s);
    return 0;
}

#define ONE_CONTAINER .args = "CONTAINER", .min_args = 1, .max_args = 1

const struct command cmd_delete = {
    .name = "delete",
    .summary = "Remove a container that is stopped",
    .option_sets = delete_sets,
    .options_size = sizeof(struct delete_options),
    .run = delete_run,
    ONE_CONTAINER,
};
const struct command cmd_kill = {
    .name = "kill",
    .summary = "Send a signal to a container",
    .args = "CONTAINER [SIGNAL]",
    .min_args = 1,
    .max_args = 2,
    .option_sets = kill_sets,
    .options_size = sizeof(struct kill_options),
    .run = kill_run,
};
const struct command cmd_pause = {
    .name = "pause",
    .summary = "Freeze all processes of a container",
    .run = pause_run,
    ONE_CONTAINER,
};
const struct command cmd_resume = {
    .name = "resume",
    .summary = "Let the processes of a paused container go on",
    .run = resume_run,
    ONE_CONTAINER,
};
const struct command cmd_list = {
    .name = "list",
    .summary = "List containers",
    .run = list_run,
};
const struct command cmd_state = {
    .name = "state",
    .summary = "Print the state of a container",
    .run = state_run,
    ONE_CONTAINER,
};
