/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hidden command that answers the completion scripts' questions. */
#include <string.h>

#include "base/strv.h"
#include "cli/cli.h"

static int complete_containers(struct engine *en, bool all, struct err *e)
{
    engine_summary_list list = {0};
    if (engine_container_list(en, all, &list, e) < 0)
        return -1;
    VEC_FOREACH (s, &list)
        cli_print_line(s->name);
    engine_summary_list_done(&list);
    return 0;
}

static int complete_images(struct engine *en, struct err *e)
{
    store_image_list list = {0};
    if (store_image_list_all(engine_store(en), &list, e) < 0)
        return -1;
    VEC_FOREACH (i, &list) {
        STRV_FOREACH (name, i->names)
            cli_print_line(*name);
    }
    store_image_list_done(&list);
    return 0;
}

static int complete_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    (void)options;
    (void)argc;
    if (cli_open(cli, STORE_READ, &en, e) < 0)
        return -1;
    if (strcmp(argv[0], "images") == 0)
        return complete_images(en, e);
    return complete_containers(en, strcmp(argv[0], "running") != 0, e);
}

const struct command cmd_complete = {
    .name = "__complete",
    .summary = "Print the names of containers, running containers or images",
    .args = "containers|running|images",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_HIDDEN,
    .run = complete_run,
};
