/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"

struct create_options {
    char *bundle;
    struct io_options io;
};

static const struct option create_rows[] = {
    {"bundle", 'b', OPT_STRING, offsetof(struct create_options, bundle), "DIR",
     "The bundle's directory (the working directory)", COMPLETE_DIR},
    IO_OPTION_ROWS(create_options, io),
    {NULL},
};
static const struct option *const create_sets[] = {create_rows, NULL};

static int create_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct create_options *o = options;
    struct lifecycle_create_options c = {.id = argv[0],
                                         .bundle = o->bundle,
                                         .io = io_options_value(&o->io)};
    auto_strv warnings = NULL;
    (void)argc;
    if (lifecycle_create(&cli->config->lifecycle, &c, NULL, &warnings, e) < 0)
        return -1;
    cli_print_warnings(warnings);
    return 0;
}

static int start_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)options;
    (void)argc;
    return lifecycle_start(&cli->config->lifecycle, argv[0], e);
}

const struct command cmd_create = {
    .name = "create",
    .summary = "Create a container",
    .args = "CONTAINER",
    .min_args = 1,
    .max_args = 1,
    .option_sets = create_sets,
    .options_size = sizeof(struct create_options),
    .run = create_run,
};
const struct command cmd_start = {
    .name = "start",
    .summary = "Start the process of a created container",
    .args = "CONTAINER",
    .min_args = 1,
    .max_args = 1,
    .run = start_run,
};
