/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle/bundle.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/file.h"

void bundle_done(struct bundle *b)
{
    free(b->path);
    free(b->text);
    oci_spec_done(&b->spec);
    *b = (struct bundle){0};
}

/* The kernel's name of an open directory. */
static int path_of(int fd, char **ret)
{
    char link[32], path[PATH_MAX];
    int r;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    r = sys_readlink(AT_FDCWD, link, path, sizeof(path));
    if (r >= 0)
        *ret = alloc_strdup(path);
    return r;
}

static int resolve_root(struct bundle *b, int bundle_fd, struct err *e)
{
    const char *given = b->spec.root.path;
    auto_fd int fd = sys_open(bundle_fd, given, O_PATH | O_DIRECTORY, 0);
    char *path = NULL;
    int r = fd < 0 ? fd : path_of(fd, &path);

    if (r < 0)
        return err_sys(e, r, "root.path: open the root filesystem '%s'", given);
    free(b->spec.root.path);
    b->spec.root.path = path;
    return 0;
}

int bundle_check(const struct oci_spec *spec, struct err *e)
{
    const char *missing = !spec->root.path || !*spec->root.path ? "root.path"
                          : !spec->linux                        ? "linux"
                          : !spec->process                      ? "process"
                                                                : NULL;

    return missing ? err_set(e, ERR_INVALID, "%s: it is missing", missing) : 0;
}

/* The caller's file: a link is as good, and so is a FIFO. */
static int read_config(struct bundle *b, int bundle_fd, const char *config_file, struct err *e)
{
    auto_fd int fd = sys_open(config_file ? AT_FDCWD : bundle_fd,
                              config_file ? config_file : "config.json", O_RDONLY, 0);
    int r = fd < 0 ? fd : sys_read_fd(fd, OCI_SPEC_MAX_BYTES, &b->text, &b->text_len);

    if (r < 0)
        return config_file ? err_sys(e, r, "read '%s'", config_file)
                           : err_sys(e, r, "read '%s/config.json'", b->path);
    if (oci_spec_parse(b->text, b->text_len, &b->spec, e) < 0 || bundle_check(&b->spec, e) < 0)
        return err_wrap(e, "config.json");
    return 0;
}

int bundle_load(const char *path, const char *config_file, struct bundle *ret, struct err *e)
{
    auto_bundle b = {0};
    auto_fd int fd = sys_open(AT_FDCWD, path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
    int r = fd < 0 ? fd : path_of(fd, &b.path);

    if (r < 0)
        return err_sys(e, r, "open the bundle '%s'", path ? path : ".");
    if (read_config(&b, fd, config_file, e) < 0 || resolve_root(&b, fd, e) < 0)
        return -1;
    *ret = b;
    b = (struct bundle){0};
    return 0;
}
