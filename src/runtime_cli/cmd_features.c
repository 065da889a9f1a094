/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/features.h"

#include "runtime_cli/runtime_cli.h"

static int features_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_json *o = runtime_features();
    (void)cli;
    (void)options;
    (void)argc;
    (void)argv;
    (void)e;
    output_json(o);
    return 0;
}

const struct command cmd_features = {
    .name = "features",
    .summary = "Print as JSON what this runtime can do",
    .run = features_run,
};
