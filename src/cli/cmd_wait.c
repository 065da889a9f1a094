/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wait, rename, exists and the hidden cleanup: small commands on containers.
 */
#include "base/strv.h"
#include "cli/cli.h"

struct wait_options {
    struct target_flags targets; /* first */
    bool ignore;
};
static const struct option wait_rows[] = {
    {"ignore", 0, OPT_BOOL, offsetof(struct wait_options, ignore), NULL,
     "Print -1 for a container that is not there"},
    {NULL},
};
static const struct option wait_unsupported_rows[] = {
    {"condition", 0, OPT_UNSUPPORTED},
    {"interval", 'i', OPT_UNSUPPORTED},
    {NULL},
};

static int wait_one(struct engine *en, void *options, const char *name, struct err *e)
{
    const struct wait_options *o = options;
    int code = -1;
    if (engine_container_wait(en, name, &code, e) < 0 && !(o->ignore && e->kind == ERR_NOT_FOUND))
        return -1;
    printf("%d\n", code);
    fflush(stdout);
    return 0;
}

static int wait_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct wait_options *o = options;
    auto_engine *en = NULL;
    auto_strv names = NULL;
    (void)argc;
    if (cli_open(cli, STORE_READ, &en, e) < 0 ||
        targets_collect(en, &o->targets, argv, TARGET_ANY, &names, e) < 0)
        return -1;
    return targets_each(en, names, wait_one, o, err_exit_code);
}

static int rename_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    (void)options;
    (void)argc;
    if (cli_open(cli, STORE_WRITE, &en, e) < 0)
        return -1;
    return engine_container_rename(en, argv[0], argv[1], e);
}

/* Exit status 0 or 1, without a word. */
static int exists_code(int r, const struct err *e)
{
    return r == 0 ? 0 : e->kind == ERR_NOT_FOUND ? 1 : -1;
}

static int container_exists_run(struct cli *cli, void *options, int argc, char **argv,
                                struct err *e)
{
    auto_engine *en = NULL;
    auto_free char *id = NULL;
    struct engine_status status;
    (void)options;
    (void)argc;
    if (cli_open(cli, STORE_READ, &en, e) < 0)
        return -1;
    return exists_code(engine_container_status(en, argv[0], &id, &status, e), e);
}

static int image_exists_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    struct store_image image = {0};
    (void)options;
    (void)argc;
    if (cli_open(cli, STORE_READ, &en, e) < 0)
        return -1;
    int r = store_image_find(engine_store(en), argv[0], &image, e);
    store_image_done(&image);
    return exists_code(r, e);
}

/* What a monitor starts when no client did the cleaning. */
static int cleanup_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    (void)options;
    (void)argc;
    if (!engine_exists(&cli->config->engine))
        return 0; /* a store that was taken away under its containers is not made again */
    if (cli_open(cli, STORE_WRITE, &en, e) < 0)
        return -1;
    int r = engine_container_finish(en, argv[0], e);
    /* Opening may have healed and removed it already. */
    return r < 0 && e->kind == ERR_NOT_FOUND ? 0 : r;
}

static const struct option *const wait_sets[] = {wait_rows, target_latest_rows,
                                                 wait_unsupported_rows, NULL};
static const char *const wait_aliases[] = {"container wait", NULL};
static const char *const rename_aliases[] = {"container rename", NULL};
static const char *const wait_examples[] = {"wait web", NULL};

const struct command cmd_wait = {
    .name = "wait",
    .aliases = wait_aliases,
    .summary = "Wait for the end of containers and print their exit codes",
    .args = "CONTAINER [CONTAINER...]",
    .max_args = -1,
    .complete_args = COMPLETE_CONTAINER,
    .option_sets = wait_sets,
    .options_size = sizeof(struct wait_options),
    .examples = wait_examples,
    .run = wait_run,
};
const struct command cmd_rename = {
    .name = "rename",
    .aliases = rename_aliases,
    .summary = "Give a container another name",
    .args = "CONTAINER NAME",
    .min_args = 2,
    .max_args = 2,
    .complete_args = COMPLETE_CONTAINER,
    .run = rename_run,
};
const struct command cmd_container_exists = {
    .name = "container exists",
    .summary = "Exit with 0 if a container is there, else with 1",
    .args = "CONTAINER",
    .min_args = 1,
    .max_args = 1,
    .complete_args = COMPLETE_CONTAINER,
    .run = container_exists_run,
};
const struct command cmd_image_exists = {
    .name = "image exists",
    .summary = "Exit with 0 if an image is there, else with 1",
    .args = "IMAGE",
    .min_args = 1,
    .max_args = 1,
    .complete_args = COMPLETE_IMAGE,
    .run = image_exists_run,
};
const struct command cmd_container_cleanup = {
    .name = "container cleanup",
    .summary = "Record the end of a container and tear it down",
    .args = "CONTAINER",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_HIDDEN,
    .run = cleanup_run,
};
