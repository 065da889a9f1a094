/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pull, load, tag, rmi: what changes the images. Exit codes of rmi: 1 when an image is not there, 2
 * when it is in use (podman-rmi(1)).
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/pull.h"
#include "sys/file.h"
#include "sys/terminal.h"

/* ---- pull ---- */

static const struct option pull_only_unsupported_rows[] = {
    {"all-tags", 'a', OPT_UNSUPPORTED_BOOL},
    {"policy", 0, OPT_UNSUPPORTED},
    {NULL},
};

static int pull_one(struct engine *en, void *options, const char *name, struct err *e)
{
    auto_free char *id = NULL;
    if (pull_image(en, options, name, &id, e) < 0)
        return -1;
    cli_print_line(id);
    return 0;
}

static int pull_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    (void)argc;
    if (cli_open(cli, STORE_WRITE, &en, e) < 0)
        return -1;
    return targets_each(en, argv, pull_one, options, err_exit_code);
}

/* ---- load ---- */

struct load_options {
    char *input;
    bool quiet;
};
static const struct option load_rows[] = {
    {"input", 'i', OPT_STRING, offsetof(struct load_options, input), "FILE",
     "Read this archive or directory instead of the standard input", COMPLETE_FILE},
    {"quiet", 'q', OPT_BOOL, offsetof(struct load_options, quiet), NULL, "Show no progress"},
    {NULL},
};
static const struct option load_unsupported_rows[] = {
    {"signature-policy", 0, OPT_UNSUPPORTED},
    {NULL},
};

static int load_open(const char *path, int *ret, struct err *e)
{
    if (!path) {
        if (sys_is_terminal(STDIN_FILENO))
            return err_set(e, ERR_INVALID,
                           "an archive cannot be read from a terminal: use --input or a pipe");
        *ret = STDIN_FILENO;
        return 0;
    }
    *ret = sys_open(AT_FDCWD, path, O_RDONLY, 0);
    return *ret < 0 ? err_sys(e, *ret, "open '%s'", path) : 0;
}

static int load_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct load_options *o = options;
    auto_engine *en = NULL;
    auto_strv names = NULL;
    int fd = FD_NONE;
    if (load_open(o->input, &fd, e) < 0)
        return -1;
    auto_fd int owned DHOW_UNUSED = o->input ? fd : FD_NONE;
    if (cli_open(cli, STORE_WRITE, &en, e) < 0)
        return -1;
    struct progress *progress = progress_new(o->quiet);
    int r =
        engine_image_load(en, fd, argc > 0 ? argv[0] : NULL, progress_update, progress, &names, e);
    progress_free(progress);
    if (r < 0)
        return -1;
    STRV_FOREACH (name, names)
        printf("Loaded image: %s\n", *name);
    return 0;
}

/* ---- tag ---- */

static int tag_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    auto_engine *en = NULL;
    (void)options;
    if (cli_open(cli, STORE_WRITE, &en, e) < 0)
        return -1;
    for (int i = 1; i < argc; i++) {
        if (engine_image_tag(en, argv[0], argv[i], e) < 0)
            return -1;
    }
    return 0;
}

/* ---- rmi ---- */

struct rmi_options {
    bool all;
    bool force;
    bool ignore;
};
static const struct option rmi_rows[] = {
    {"all", 'a', OPT_BOOL, offsetof(struct rmi_options, all), NULL, "Remove all images"},
    {"force", 'f', OPT_BOOL, offsetof(struct rmi_options, force), NULL,
     "Remove all its names, and the containers that use it"},
    {"ignore", 'i', OPT_BOOL, offsetof(struct rmi_options, ignore), NULL,
     "An image that is not there is no error"},
    {NULL},
};
static const struct option rmi_unsupported_rows[] = {
    {"no-prune", 0, OPT_UNSUPPORTED_BOOL},
    {NULL},
};

static int rmi_one(struct engine *en, void *options, const char *name, struct err *e)
{
    const struct rmi_options *o = options;
    auto_strv lines = NULL;
    if (engine_image_remove(en, name, o->force, &lines, e) < 0)
        return o->ignore && e->kind == ERR_NOT_FOUND ? 0 : -1;
    STRV_FOREACH (line, lines)
        cli_print_line(*line);
    return 0;
}

static int rmi_exit_code(const struct err *e)
{
    if (e->kind == ERR_NOT_FOUND)
        return 1;
    return e->kind == ERR_CONFLICT ? 2 : err_exit_code(e);
}

/* One word an image, so that each goes as a whole: by its id, every name must go first. */
static int all_images(struct engine *en, char ***ret, struct err *e)
{
    store_image_list list = {0};
    if (store_image_list_all(engine_store(en), &list, e) < 0)
        return -1;
    VEC_FOREACH (image, &list) {
        strv_extend(ret, image->names);
        if (strv_len(image->names) == 0)
            strv_add(ret, image->id);
    }
    store_image_list_done(&list);
    return 0;
}

static int rmi_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    struct rmi_options *o = options;
    auto_engine *en = NULL;
    auto_strv all = NULL;
    if (o->all && argc > 0)
        return err_set(e, ERR_INVALID,
                       "when using the --all switch, you may not pass any images names or IDs");
    if (!o->all && argc == 0)
        return err_set(e, ERR_INVALID, "image name or ID must be specified");
    if (cli_open(cli, STORE_WRITE, &en, e) < 0 || (o->all && all_images(en, &all, e) < 0))
        return -1;
    return targets_each(en, o->all ? all : argv, rmi_one, o, rmi_exit_code);
}

static const struct option *const pull_sets[] = {pull_option_rows, pull_unsupported_rows,
                                                 pull_only_unsupported_rows, NULL};
static const struct option *const load_sets[] = {load_rows, load_unsupported_rows, NULL};
static const struct option *const rmi_sets[] = {rmi_rows, rmi_unsupported_rows, NULL};
static const char *const pull_aliases[] = {"image pull", NULL};
static const char *const load_aliases[] = {"image load", NULL};
static const char *const tag_aliases[] = {"image tag", NULL};
static const char *const rmi_aliases[] = {"image rm", "image remove", NULL};
static const char *const pull_examples[] = {"pull busybox", "pull localhost:5000/app:1.2",
                                            "pull --tls-verify=false 127.0.0.1:5000/app", NULL};
static const char *const load_examples[] = {"load --input image.tar", "load < image.tar.gz", NULL};
static const char *const tag_examples[] = {"tag busybox localhost:5000/busybox:test", NULL};
static const char *const rmi_examples[] = {"rmi busybox", "rmi --all --force", NULL};

const struct command cmd_pull = {
    .name = "pull",
    .aliases = pull_aliases,
    .summary = "Fetch images from a registry",
    .description = "Fetches images from a registry and prints their ids.",
    .args = "IMAGE [IMAGE...]",
    .min_args = 1,
    .max_args = -1,
    .complete_args = COMPLETE_IMAGE,
    .option_sets = pull_sets,
    .options_size = sizeof(struct pull_flags),
    .examples = pull_examples,
    .run = pull_run,
};
const struct command cmd_load = {
    .name = "load",
    .aliases = load_aliases,
    .summary = "Load images from an archive",
    .description =
        "Loads images from an archive of 'docker save' or an OCI layout, as a tar (plain, "
        "gzip or zstd) or a directory. NAME is for an archive without names.",
    .args = "[NAME[:TAG]]",
    .max_args = 1,
    .option_sets = load_sets,
    .options_size = sizeof(struct load_options),
    .examples = load_examples,
    .run = load_run,
};
const struct command cmd_tag = {
    .name = "tag",
    .aliases = tag_aliases,
    .summary = "Give an image more names",
    .args = "IMAGE NAME [NAME...]",
    .min_args = 2,
    .max_args = -1,
    .complete_args = COMPLETE_IMAGE,
    .examples = tag_examples,
    .run = tag_run,
};
const struct command cmd_rmi = {
    .name = "rmi",
    .aliases = rmi_aliases,
    .summary = "Remove images",
    .description =
        "Takes a name away from an image; with the last one the image goes. Exit status 1: "
        "one of them was not there; 2: one of them is in use.",
    .args = "IMAGE [IMAGE...]",
    .max_args = -1,
    .complete_args = COMPLETE_IMAGE,
    .option_sets = rmi_sets,
    .options_size = sizeof(struct rmi_options),
    .examples = rmi_examples,
    .run = rmi_run,
};
