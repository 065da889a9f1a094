/* SPDX-License-Identifier: GPL-2.0-or-later */
/* create, start, run */
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime_cli/runtime_cli.h"

struct create_options {
    char *bundle;
    char *config;
    struct io_options io;
    bool no_subreaper;
    bool no_new_keyring;
    bool no_pivot;
    bool detach; /* run */
    bool keep;
};

#define AT(field) offsetof(struct create_options, field)
static const struct option create_rows[] = {
    {"bundle", 'b', OPT_STRING, AT(bundle), "DIR", "The bundle's directory (the working directory)",
     COMPLETE_DIR},
    {"config", 'f', OPT_STRING, AT(config), "FILE", "The configuration (config.json of the bundle)",
     COMPLETE_FILE},
    {"no-subreaper", 0, OPT_BOOL, AT(no_subreaper), NULL,
     "Accepted: dhow-runtime never becomes a subreaper"},
    {"no-new-keyring", 0, OPT_BOOL, AT(no_new_keyring), NULL,
     "Keep the caller's session keyring, instead of one of the container's own"},
    {"no-pivot", 0, OPT_BOOL, AT(no_pivot), NULL,
     "Move the root into its place instead of pivoting to it: for hosts that run from a ramfs"},
    IO_OPTION_ROWS(create_options, io),
    {NULL},
};
static const struct option run_rows[] = {
    {"detach", 'd', OPT_BOOL, AT(detach), NULL, "Do not wait for the container's end"},
    {"keep", 0, OPT_BOOL, AT(keep), NULL, "Do not delete the container at its end"},
    {NULL},
};
static const struct option *const create_sets[] = {create_rows, NULL};
static const struct option *const run_sets[] = {create_rows, run_rows, NULL};

/* The sockets of systemd's socket activation, if they are meant for us (sd_listen_fds(3)). */
static unsigned listen_fds(void)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    uint64_t n, whose;

    if (!count || !pid || str_to_u64(pid, INT32_MAX, &whose) < 0 || (pid_t)whose != getpid() ||
        str_to_u64(count, UINT32_MAX, &n) < 0)
        return 0;
    return (unsigned)n;
}

/* In the foreground the container does not outlive us: who kills us, and has our streams, would
 * wait for a process that he cannot know of. */
static int create(struct cli *cli, const struct create_options *o, const char *id,
                  bool in_foreground, struct lifecycle_process *ret, struct err *e)
{
    struct lifecycle_create_options c = {
        .id = id,
        .bundle = o->bundle,
        .config_file = o->config,
        .flags = (o->no_new_keyring ? LIFECYCLE_NO_NEW_KEYRING : 0) |
                 (o->no_pivot ? LIFECYCLE_NO_PIVOT : 0) |
                 (in_foreground ? LIFECYCLE_DIE_WITH_CREATOR : 0),
    };

    if (io_options_value(&o->io, &c.io, e) < 0)
        return -1;
    c.io.wants_terminal = in_foreground && !o->io.console_socket;
    c.io.listen_fds = listen_fds();
    if (lifecycle_create(&cli->config->lifecycle, &c, ret, e) < 0)
        return -1;
    print_process_warnings(ret);
    return 0;
}

static int create_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_process p = LIFECYCLE_PROCESS_NONE;
    (void)argc;
    return create(cli, options, argv[0], false, &p, e);
}

static int start_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)options;
    (void)argc;
    return lifecycle_start(&cli->config->lifecycle, argv[0], NULL, e);
}

static int run_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct create_options *o = options;
    auto_process p = LIFECYCLE_PROCESS_NONE;
    const char *id = argv[0];
    (void)argc;

    if (create(cli, o, id, !o->detach, &p, e) < 0)
        return -1;
    foreground_prepare(&p);
    if (lifecycle_start(&cli->config->lifecycle, id, o->detach ? NULL : &p.notify_fd, e) < 0)
        return give_up(cli, id, o->io.pid_file);
    return o->detach ? 0
                     : foreground_container(cli, id, o->io.pid_file, &p,
                                            o->keep ? FOREGROUND_KEEP : 0, e);
}

static const char *const create_examples[] = {"create --bundle /srv/web web", NULL};
static const char *const run_examples[] = {"run --bundle /srv/web web",
                                           "run --detach --pid-file /run/web.pid -b /srv/web web",
                                           NULL};

const struct command cmd_create = {
    .name = "create",
    .summary = "Create a container",
    .description =
        "Makes the container of a bundle: its first process is there and waits for start.",
    .option_sets = create_sets,
    .options_size = sizeof(struct create_options),
    .examples = create_examples,
    .run = create_run,
    ONE_CONTAINER,
};
const struct command cmd_start = {
    .name = "start",
    .summary = "Start the process of a created container",
    .run = start_run,
    ONE_CONTAINER,
};
const struct command cmd_run = {
    .name = "run",
    .summary = "Create and start a container, and delete it at its end",
    .option_sets = run_sets,
    .options_size = sizeof(struct create_options),
    .examples = run_examples,
    .run = run_run,
    ONE_CONTAINER,
};
