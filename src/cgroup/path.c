/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: a group's path counts from the mount point of its hierarchy. An absolute cgroupsPath is
 * that path in each hierarchy; a relative one begins at the caller's own group, which /proc/self/
 * cgroup names for each hierarchy, and which need not be the same in all of them (T: what runc
 * does; orchestrators that are containers themselves depend on it).
 *
 * Trust: the path is of the spec's author; it stays beneath the mount points whatever it says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"

#define PATH_MAX_BYTES 4096
#define NAME_MAX_BYTES 255

char *cgroup_path_clean(const char *path, struct err *e)
{
    auto_strv parts = strv_split(path ? path : "", '/');
    auto_strv kept = NULL;

    if (path && strlen(path) >= PATH_MAX_BYTES) {
        err_set(e, ERR_INVALID, "cgroup path: too long");
        return NULL;
    }
    STRV_FOREACH (part, parts) {
        if (strcmp(*part, "..") == 0 || strpbrk(*part, "\n") || strlen(*part) > NAME_MAX_BYTES) {
            err_set(e, ERR_INVALID, "cgroup path '%.100s': not a path beneath the root", path);
            return NULL;
        }
        if (**part && strcmp(*part, ".") != 0)
            strv_add(&kept, *part);
    }
    if (!kept) {
        err_set(e, ERR_INVALID, "cgroup path '%.100s': the root is not ours", path ? path : "");
        return NULL;
    }
    return strv_join(kept, "/");
}

/* Without what lies above the mount's root, and without slashes at the ends; "" is the root, or a
 * place that cannot be seen from here. */
static char *path_from_point(const char *path, size_t n, const char *root)
{
    size_t skip = strlen(root);

    if (skip > 1 && n >= skip && memcmp(path, root, skip) == 0 &&
        (n == skip || path[skip] == '/')) {
        path += skip;
        n -= skip;
    }
    while (n > 0 && *path == '/') {
        path++;
        n--;
    }
    while (n > 0 && path[n - 1] == '/')
        n--;
    if (n >= 2 && memcmp(path, "..", 2) == 0 && (n == 2 || path[2] == '/'))
        n = 0;
    return alloc_strndup(path, n);
}

char *cgroup_path_in(const char *proc_cgroup, const struct cgroup_mount *m)
{
    for (const char *line = proc_cgroup; *line;
         line += strcspn(line, "\n"), line += *line == '\n') {
        size_t end = strcspn(line, "\n");
        const char *list = memchr(line, ':', end);
        const char *path = list ? memchr(list + 1, ':', end - (size_t)(list + 1 - line)) : NULL;
        auto_free char *controllers = NULL;

        if (!path)
            continue;
        controllers = alloc_strndup(list + 1, (size_t)(path - list) - 1);
        if (m->is_v2 ? *controllers == 0 : cgroup_controllers_parse(controllers) == m->controllers)
            return path_from_point(path + 1, end - (size_t)(path + 1 - line), m->root);
    }
    return NULL;
}

char *cgroup_path_below(const char *own, const char *relative, enum cgroup_mode mode)
{
    const char *slash = strrchr(own, '/');
    size_t n = mode != CGROUP_V2 ? strlen(own) : slash ? (size_t)(slash - own) : 0;

    return alloc_printf("%.*s%s%s", (int)n, own, n ? "/" : "", relative);
}
