/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cgroup/cgroup.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/file.h"

struct spec_options {
    char *bundle;
    bool rootless;
};
static const struct option spec_rows[] = {
    {"bundle", 'b', OPT_STRING, offsetof(struct spec_options, bundle), "DIR",
     "The bundle's directory (the working directory)", COMPLETE_DIR},
    {"rootless", 0, OPT_BOOL, offsetof(struct spec_options, rootless), NULL,
     "For a plain user: a user namespace of its own"},
    {NULL},
};
static const struct option *const spec_sets[] = {spec_rows, NULL};

static int spec_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct spec_options *o = options;
    const char *bundle = o->bundle ? o->bundle : ".";
    unsigned flags = cgroup_detect() == CGROUP_V2 ? OCI_DEFAULT_CGROUP_NAMESPACE : 0;
    struct oci_spec spec = {0};
    (void)cli;
    (void)argc;
    (void)argv;
    if (o->rootless)
        oci_spec_default_rootless(flags, geteuid(), getegid(), &spec);
    else
        oci_spec_default(flags, &spec);
    auto_json *j = json_encode(&oci_spec_json, &spec);
    auto_free char *text = json_print(j, true);
    auto_free char *whole = alloc_printf("%s\n", text);
    oci_spec_done(&spec);

    auto_fd int dir = sys_open(AT_FDCWD, bundle, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return err_sys(e, dir, "open the bundle '%s'", bundle);
    auto_fd int fd = sys_open(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    if (fd == -EEXIST)
        return err_set(e, ERR_CONFLICT, "'%s/config.json' exists: remove it first", bundle);
    int r = fd < 0 ? fd : sys_write_all(fd, whole, strlen(whole));
    return r < 0 ? err_sys(e, r, "write '%s/config.json'", bundle) : 0;
}

static const char *const spec_examples[] = {"spec", "spec --rootless --bundle /srv/web", NULL};

const struct command cmd_spec = {
    .name = "spec",
    .summary = "Write a config.json to begin with",
    .option_sets = spec_sets,
    .options_size = sizeof(struct spec_options),
    .examples = spec_examples,
    .run = spec_run,
};
