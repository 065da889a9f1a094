/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kill, delete, pause, resume */
#include <signal.h>

#include "base/signals.h"
#include "runtime_cli/runtime_cli.h"

struct delete_options {
    bool force;
};
static const struct option delete_rows[] = {
    {"force", 'f', OPT_BOOL, offsetof(struct delete_options, force), NULL,
     "Kill the container first; a container that is not there is no error"},
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
    int signal = SIGTERM;
    /* 0 asks whether there is somebody. */
    if (argc > 1 && argv[1][0] == '0' && !argv[1][1])
        signal = 0;
    else if (argc > 1 && signals_parse(argv[1], &signal) < 0)
        return err_set(e, ERR_INVALID, "unknown signal '%s'", argv[1]);
    return lifecycle_kill(&cli->config->lifecycle, argv[0], signal, o->all ? LIFECYCLE_KILL_ALL : 0,
                          e);
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

static const char *const delete_examples[] = {"delete web", "delete --force web", NULL};
static const char *const kill_examples[] = {"kill web", "kill --all web KILL", NULL};

const struct command cmd_delete = {
    .name = "delete",
    .summary = "Remove a container that is stopped",
    .option_sets = delete_sets,
    .options_size = sizeof(struct delete_options),
    .examples = delete_examples,
    .run = delete_run,
    ONE_CONTAINER,
};
const struct command cmd_kill = {
    .name = "kill",
    .summary = "Send a signal to a container (TERM)",
    .args = "CONTAINER [SIGNAL]",
    .min_args = 1,
    .max_args = 2,
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .option_sets = kill_sets,
    .options_size = sizeof(struct kill_options),
    .examples = kill_examples,
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
