/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start and attach: containers that were created before.
 */
#include "base/fd.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/foreground.h"

struct start_options {
    struct target_flags targets; /* first */
    bool attach;
    bool interactive;
    char *detach_keys;
    bool sig_proxy;
};

#define AT(field) offsetof(struct start_options, field)
/* Not target_all_rows: -a is --attach here. */
static const struct option start_rows[] = {
    {"all", 0, OPT_BOOL, AT(targets.all), NULL, "Start all containers that do not run"},
    {"attach", 'a', OPT_BOOL, AT(attach), NULL, "Show the container's output and wait for its end"},
    {"interactive", 'i', OPT_BOOL, AT(interactive), NULL, "Forward the standard input"},
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "KEYS",
     "Keys that leave the container running (ctrl-p,ctrl-q)"},
    {"sig-proxy", 0, OPT_BOOL, AT(sig_proxy), NULL,
     "Pass received signals on to the container when attached", COMPLETE_NONE, NULL, NULL, "true"},
    {NULL},
};
static const struct option start_unsupported_rows[] = {
    {"checkpoint", 0, OPT_UNSUPPORTED},
    {"filter", 'f', OPT_UNSUPPORTED},
    {NULL},
};

static int start_one(struct engine *en, void *options, const char *name, struct err *e)
{
    auto_strv warnings = NULL;
    int client = FD_NONE;
    struct engine_start how = {0};
    (void)options;
    if (engine_container_start(en, name, &how, &client, &warnings, e) < 0)
        return -1;
    cli_print_warnings(warnings);
    cli_print_line(name);
    return 0;
}

/* Has the container a terminal, and was it created with -i? From its inspect object. */
static int container_stdio(struct engine *en, const char *name, bool *ret_tty, bool *ret_stdin,
                           struct err *e)
{
    auto_json *o = NULL;
    struct json_object *config;
    struct json_object *value;
    if (engine_container_inspect(en, name, &o, e) < 0)
        return -1;
    *ret_tty = false;
    *ret_stdin = false;
    if (json_object_object_get_ex(o, "Config", &config)) {
        if (json_object_object_get_ex(config, "Tty", &value))
            *ret_tty = json_object_get_boolean(value);
        if (json_object_object_get_ex(config, "OpenStdin", &value))
            *ret_stdin = json_object_get_boolean(value);
    }
    return 0;
}

static int start_attached(struct engine *en, const struct start_options *o, const char *name,
                          struct err *e)
{
    bool tty;
    bool has_stdin;
    int code = 0;
    auto_strv warnings = NULL;
    auto_free char *id = NULL;
    struct engine_status status;
    struct engine_start how = {.attach = true};
    struct foreground f = {.socket = FD_NONE, .flags = FOREGROUND_STDOUT | FOREGROUND_STDERR};
    if (foreground_keys(o->detach_keys, &f.keys, e) < 0 ||
        engine_container_status(en, name, &id, &status, e) < 0 ||
        container_stdio(en, id, &tty, &has_stdin, e) < 0)
        return -1;
    if (o->interactive && !has_stdin)
        return err_set(e, ERR_BAD_STATE,
                       "the container was not created with the interactive option");
    f.flags |= o->interactive ? FOREGROUND_STDIN : 0;
    f.flags |= o->sig_proxy ? FOREGROUND_SIG_PROXY : 0;
    f.flags |= tty ? FOREGROUND_TTY : 0;
    if (tty)
        foreground_size(&how);
    if (engine_container_start(en, id, &how, &f.socket, &warnings, e) < 0)
        return -1;
    cli_print_warnings(warnings);
    f.id = id;
    return foreground_run(en, &f, &code, e) < 0 ? -1 : code;
}

static int start_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct start_options *o = options;
    auto_engine *en = NULL;
    auto_strv names = NULL;
    (void)argc;
    if (cli_open(cli, STORE_WRITE, &en, e) < 0 ||
        targets_collect(en, &o->targets, argv, TARGET_IDLE, &names, e) < 0)
        return -1;
    if (!o->attach && !o->interactive)
        return targets_each(en, names, start_one, o, err_exit_code);
    if (strv_len(names) != 1)
        return err_set(e, ERR_INVALID, "you cannot start and attach multiple containers at once");
    return start_attached(en, o, names[0], e);
}

/* ---- attach ---- */

struct attach_options {
    struct target_flags targets; /* first */
    char *detach_keys;
    bool no_stdin;
    bool sig_proxy;
};
#undef AT
#define AT(field) offsetof(struct attach_options, field)
static const struct option attach_rows[] = {
    {"detach-keys", 0, OPT_STRING, AT(detach_keys), "KEYS",
     "Keys that leave the container running (ctrl-p,ctrl-q)"},
    {"no-stdin", 0, OPT_BOOL, AT(no_stdin), NULL, "Do not forward the standard input"},
    {"sig-proxy", 0, OPT_BOOL, AT(sig_proxy), NULL, "Pass received signals on to the container",
     COMPLETE_NONE, NULL, NULL, "true"},
    {NULL},
};

static int attach_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct attach_options *o = options;
    auto_engine *en = NULL;
    auto_free char *newest = NULL;
    auto_free char *id = NULL;
    const char *name;
    bool tty = false;
    bool has_stdin = false;
    int code = 0;
    struct engine_status status;
    struct foreground f = {.socket = FD_NONE, .flags = FOREGROUND_STDOUT | FOREGROUND_STDERR};
    (void)argc;
    if (foreground_keys(o->detach_keys, &f.keys, e) < 0 || cli_open(cli, STORE_WRITE, &en, e) < 0 ||
        target_one(en, o->targets.latest, argv, &newest, &name, e) < 0 ||
        engine_container_status(en, name, &id, &status, e) < 0 ||
        container_stdio(en, id, &tty, &has_stdin, e) < 0 ||
        engine_container_attach(en, id, &f.socket, &tty, e) < 0)
        return -1;
    f.id = id;
    f.flags |= tty ? FOREGROUND_TTY : 0;
    f.flags |= has_stdin && !o->no_stdin ? FOREGROUND_STDIN : 0;
    f.flags |= o->sig_proxy ? FOREGROUND_SIG_PROXY : 0;
    return foreground_run(en, &f, &code, e) < 0 ? -1 : code;
}

static const struct option *const start_sets[] = {start_rows, target_latest_rows,
                                                  start_unsupported_rows, NULL};
static const struct option *const attach_sets[] = {attach_rows, target_latest_rows, NULL};
static const char *const start_aliases[] = {"container start", NULL};
static const char *const attach_aliases[] = {"container attach", NULL};
static const char *const start_examples[] = {"start web", "start --attach --interactive shell",
                                             NULL};
static const char *const attach_examples[] = {"attach web", "attach --no-stdin --latest", NULL};

const struct command cmd_start = {
    .name = "start",
    .aliases = start_aliases,
    .summary = "Start containers that were created or have ended",
    .args = "CONTAINER [CONTAINER...]",
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER,
    .option_sets = start_sets,
    .options_size = sizeof(struct start_options),
    .examples = start_examples,
    .run = start_run,
};

const struct command cmd_attach = {
    .name = "attach",
    .aliases = attach_aliases,
    .summary = "Connect to a running container",
    .description = "Connects the standard streams with those of a running container until it ends.",
    .args = "CONTAINER",
    .max_args = 1,
    .complete_args = COMPLETE_CONTAINER_RUNNING,
    .option_sets = attach_sets,
    .options_size = sizeof(struct attach_options),
    .examples = attach_examples,
    .run = attach_run,
};
