/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that do one thing to each of several containers: stop, kill, pause, unpause, rm. A
 * success prints the name as typed (podman 4). Exit codes: 125, but rm of what is not there is 1
 * and of what runs is 2.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/signals.h"
#include "base/strv.h"
#include "cli/cli.h"

struct act_options {
    struct target_flags targets; /* first */
    struct json_opt_i64 time;    /* stop, rm */
    char *signal;                /* kill */
    bool ignore;                 /* stop, rm */
    bool force;                  /* rm */
    bool volumes;                /* rm */
    int signal_number;
};

#define AT(field) offsetof(struct act_options, field)
static const char *const time_aliases[] = {"timeout", NULL};
static const struct option time_rows[] = {
    {"time", 't', OPT_INT64, AT(time), "SECONDS",
     "Seconds from the stop signal to SIGKILL (the container's own, else 10)", COMPLETE_NONE, NULL,
     time_aliases},
    {"ignore", 'i', OPT_BOOL, AT(ignore), NULL, "A container that is not there is no error"},
    {NULL},
};
static const struct option kill_rows[] = {
    {"signal", 's', OPT_STRING, AT(signal), "SIGNAL", "Signal to send, a name or a number",
     COMPLETE_WORDS, "HUP INT QUIT KILL USR1 USR2 TERM STOP CONT WINCH", NULL, "KILL"},
    {NULL},
};
static const struct option rm_rows[] = {
    {"force", 'f', OPT_BOOL, AT(force), NULL, "Remove it even if it runs or is paused"},
    {"volumes", 'v', OPT_BOOL, AT(volumes), NULL,
     "Remove its anonymous volumes too (there are none yet)"},
    {NULL},
};
static const struct option filter_unsupported_rows[] = {
    {"filter", 'f', OPT_UNSUPPORTED},
    {NULL},
};
static const struct option rm_unsupported_rows[] = {
    {"depend", 0, OPT_UNSUPPORTED_BOOL},
    {"filter", 0, OPT_UNSUPPORTED},
    {"link", 0, OPT_UNSUPPORTED_BOOL},
    {NULL},
};

static int timeout_of(const struct act_options *o)
{
    return o->time.is_set ? (int)o->time.value : -1;
}

static int check_time(const struct act_options *o, struct err *e)
{
    if (o->time.is_set && (o->time.value < -1 || o->time.value > INT32_MAX))
        return err_set(e, ERR_INVALID, "--time must be from -1 to %d", INT32_MAX);
    return 0;
}

/* ---- acts ---- */

static int stop_one(struct engine *en, void *options, const char *name, struct err *e)
{
    const struct act_options *o = options;
    auto_free char *id = NULL;
    if (engine_container_stop(en, name, timeout_of(o), &id, e) < 0)
        return o->ignore && e->kind == ERR_NOT_FOUND ? 0 : -1;
    cli_print_line(name);
    return 0;
}

static int kill_one(struct engine *en, void *options, const char *name, struct err *e)
{
    const struct act_options *o = options;
    auto_free char *id = NULL;
    if (engine_container_kill(en, name, o->signal_number, &id, e) < 0)
        return -1;
    cli_print_line(name);
    return 0;
}

static int pause_one(struct engine *en, void *options, const char *name, struct err *e)
{
    auto_free char *id = NULL;
    (void)options;
    if (engine_container_pause(en, name, true, &id, e) < 0)
        return -1;
    cli_print_line(name);
    return 0;
}

static int unpause_one(struct engine *en, void *options, const char *name, struct err *e)
{
    auto_free char *id = NULL;
    (void)options;
    if (engine_container_pause(en, name, false, &id, e) < 0)
        return -1;
    cli_print_line(name);
    return 0;
}

static int rm_one(struct engine *en, void *options, const char *name, struct err *e)
{
    const struct act_options *o = options;
    auto_free char *id = NULL;
    unsigned flags = (o->force ? ENGINE_REMOVE_FORCE : 0);
    if (engine_container_remove(en, name, flags, timeout_of(o), &id, e) < 0)
        return o->ignore && e->kind == ERR_NOT_FOUND ? 0 : -1;
    cli_print_line(name);
    return 0;
}

/* podman-rm(1): 1 when it is not there, 2 when it is running or paused. */
static int rm_exit_code(const struct err *e)
{
    if (e->kind == ERR_NOT_FOUND)
        return 1;
    return e->kind == ERR_BAD_STATE ? 2 : err_exit_code(e);
}

/* ---- commands ---- */

static int act(struct cli *cli, struct act_options *o, char **argv, unsigned states, target_fn *fn,
               int (*exit_code)(const struct err *), struct err *e)
{
    auto_engine *en = NULL;
    auto_strv names = NULL;
    if (check_time(o, e) < 0 || cli_open(cli, STORE_WRITE, &en, e) < 0 ||
        targets_collect(en, &o->targets, argv, states, &names, e) < 0)
        return -1;
    return targets_each(en, names, fn, o, exit_code);
}

static int stop_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)argc;
    return act(cli, options, argv, TARGET_RUNNING, stop_one, err_exit_code, e);
}

static int kill_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct act_options *o = options;
    (void)argc;
    if (signals_parse(o->signal, &o->signal_number) < 0)
        return err_set(e, ERR_INVALID, "invalid signal '%s'", o->signal);
    return act(cli, o, argv, TARGET_RUNNING, kill_one, err_exit_code, e);
}

static int pause_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)argc;
    return act(cli, options, argv, TARGET_RUNNING, pause_one, err_exit_code, e);
}

static int unpause_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)argc;
    return act(cli, options, argv, TARGET_PAUSED, unpause_one, err_exit_code, e);
}

static int rm_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct act_options *o = options;
    unsigned states = o->force ? TARGET_ANY : TARGET_IDLE;
    (void)argc;
    return act(cli, o, argv, states, rm_one, rm_exit_code, e);
}

#define TARGET_SETS target_all_rows, target_latest_rows, target_cidfile_rows
static const struct option *const stop_sets[] = {TARGET_SETS, time_rows, filter_unsupported_rows,
                                                 NULL};
static const struct option *const kill_sets[] = {TARGET_SETS, kill_rows, NULL};
static const struct option *const pause_sets[] = {TARGET_SETS, filter_unsupported_rows, NULL};
static const struct option *const rm_sets[] = {TARGET_SETS, time_rows, rm_rows, rm_unsupported_rows,
                                               NULL};
static const char *const stop_aliases[] = {"container stop", NULL};
static const char *const kill_aliases[] = {"container kill", NULL};
static const char *const pause_aliases[] = {"container pause", NULL};
static const char *const unpause_aliases[] = {"container unpause", NULL};
static const char *const rm_aliases[] = {"container rm", "container remove", NULL};
static const char *const stop_examples[] = {"stop web", "stop --time 2 --all", NULL};
static const char *const kill_examples[] = {"kill --signal HUP web", NULL};
static const char *const rm_examples[] = {"rm web", "rm --force --all", NULL};

#define CONTAINERS                                                                                 \
    .args = "CONTAINER [CONTAINER...]", .max_args = -1, .options_size = sizeof(struct act_options)

const struct command cmd_stop = {
    .name = "stop",
    .aliases = stop_aliases,
    .summary = "Stop running containers",
    .description = "Sends the container's stop signal, and SIGKILL when it has not ended in time.",
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .option_sets = stop_sets,
    .examples = stop_examples,
    .run = stop_run,
    CONTAINERS,
};
const struct command cmd_kill = {
    .name = "kill",
    .aliases = kill_aliases,
    .summary = "Send a signal to running containers",
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .option_sets = kill_sets,
    .examples = kill_examples,
    .run = kill_run,
    CONTAINERS,
};
const struct command cmd_pause = {
    .name = "pause",
    .aliases = pause_aliases,
    .summary = "Freeze all processes of containers",
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .option_sets = pause_sets,
    .run = pause_run,
    CONTAINERS,
};
const struct command cmd_unpause = {
    .name = "unpause",
    .aliases = unpause_aliases,
    .summary = "Let the processes of paused containers go on",
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .option_sets = pause_sets,
    .run = unpause_run,
    CONTAINERS,
};
const struct command cmd_rm = {
    .name = "rm",
    .aliases = rm_aliases,
    .summary = "Remove containers",
    .description =
        "Removes containers and all that they have written. Exit status 1: one of them was "
        "not there; 2: one of them is running or paused.",
    .complete_args = COMPLETE_CONTAINER,
    .option_sets = rm_sets,
    .examples = rm_examples,
    .run = rm_run,
    CONTAINERS,
};
