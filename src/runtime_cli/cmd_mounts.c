/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mounts add, mounts remove: crun's. */
#include <fcntl.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/file.h"

static int change(struct cli *cli, char **argv,
                  int (*how)(const struct lifecycle_config *config, const char *id,
                             const char *text, size_t len, struct err *e),
                  struct err *e)
{
    auto_fd int opened = FD_NONE;
    auto_free char *text = NULL;
    size_t len;
    int fd = 0, r;

    if (!str_equal(argv[1], "-"))
        fd = opened = sys_open(AT_FDCWD, argv[1], O_RDONLY, 0);
    r = fd < 0 ? fd : sys_read_fd(fd, OCI_SPEC_MAX_BYTES, &text, &len);
    if (r < 0)
        return err_sys(e, r, "read the mounts '%s'", argv[1]);
    return how(&cli->config->lifecycle, argv[0], text, len, e);
}

static int add_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)options;
    (void)argc;
    return change(cli, argv, lifecycle_mounts_add, e);
}

static int remove_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    (void)options;
    (void)argc;
    return change(cli, argv, lifecycle_mounts_remove, e);
}

#define CONTAINER_AND_FILE                                                                         \
    .args = "CONTAINER FILE", .min_args = 2, .max_args = 2, .complete_args = COMPLETE_CONTAINER

static const char *const add_examples[] = {"mounts add web mounts.json", NULL};
const struct command cmd_mounts_add = {
    .name = "mounts add",
    .summary = "Mount more in a container that runs",
    .description = "Mounts what FILE says in a container that runs. FILE is JSON: the "
                   "specification's mounts, as a list or in an object; - is stdin.",
    .examples = add_examples,
    .run = add_run,
    CONTAINER_AND_FILE,
};

static const char *const remove_examples[] = {"mounts remove web mounts.json", NULL};
const struct command cmd_mounts_remove = {
    .name = "mounts remove",
    .summary = "Unmount something in a container that runs",
    .description = "Unmounts the destinations of FILE, with all below, in a container that runs. "
                   "FILE is as for mounts add.",
    .examples = remove_examples,
    .run = remove_run,
    CONTAINER_AND_FILE,
};
