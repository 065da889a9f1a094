/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: mountinfo (proc_pid_mountinfo(5)) says which hierarchies there are: fields 4 and 5 are
 * root and mount point, after " - " follow type, source and the super block's options, which name
 * the controllers of a v1 hierarchy. The first mount of each counts. A mount whose root is not "/"
 * (inside a container) is used as if it were: we stay beneath it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"

#define MOUNTINFO_MAX (16u << 20)

const char *const cgroup_controller_names[CGROUP_CONTROLLER_MAX] = {
    [CGROUP_MEMORY] = "memory",   [CGROUP_CPU] = "cpu",         [CGROUP_CPUSET] = "cpuset",
    [CGROUP_PIDS] = "pids",       [CGROUP_DEVICES] = "devices", [CGROUP_FREEZER] = "freezer",
    [CGROUP_SYSTEMD] = "systemd",
};

static const char *const mode_names[] =
    {[CGROUP_NONE] = "none", [CGROUP_V1] = "v1", [CGROUP_HYBRID] = "v1", [CGROUP_V2] = "v2"};

const char *cgroup_mode_name(enum cgroup_mode mode)
{
    return (size_t)mode < ARRAY_LEN(mode_names) ? mode_names[mode] : "none";
}

/* Blanks in a path are "\040". */
static char *decode_path(const char *s, size_t n)
{
    char *out = alloc_zero(1, n + 1), *p = out;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\' && i + 3 < n && s[i + 1] >= '0' && s[i + 1] <= '3') {
            *p++ = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
            i += 3;
        } else {
            *p++ = s[i];
        }
    }
    return out;
}

static unsigned parse_controllers(const char *options)
{
    auto_strv words = strv_split(options, ',');
    unsigned bits = 0;

    STRV_FOREACH (word, words) {
        for (unsigned i = 0; i < CGROUP_SYSTEMD; i++)
            if (strcmp(cgroup_controller_names[i], *word) == 0)
                bits |= 1u << i;
        if (strcmp(*word, "name=systemd") == 0)
            bits |= 1u << CGROUP_SYSTEMD;
    }
    return bits;
}

static bool is_known(const struct cgroup_mounts *m, const struct cgroup_mount *mount)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i].is_v2 == mount->is_v2 && m->items[i].controllers == mount->controllers)
            return true;
    return false;
}

/* "36 31 0:33 / /sys/fs/cgroup/devices rw,relatime shared:9 - cgroup cgroup rw,devices" */
static void parse_line(const char *line, struct cgroup_mounts *ret)
{
    const char *tail = strstr(line, " - cgroup"), *p = line;
    struct cgroup_mount mount = {0};
    auto_free char *options = NULL;

    if (!tail || ret->n == CGROUP_MAX_HIERARCHIES)
        return;
    for (int i = 0; i < 4; i++) {
        p = strchr(p, ' ');
        if (!p || p >= tail)
            return;
        p++;
    }
    tail += strlen(" - ");
    mount.is_v2 = str_starts_with(tail, "cgroup2 ");
    if (!mount.is_v2 && !str_starts_with(tail, "cgroup "))
        return;
    tail = strchr(tail, ' ');
    tail = tail ? strchr(tail + 1, ' ') : NULL;
    if (!tail)
        return;
    options = alloc_strndup(tail + 1, strcspn(tail + 1, "\n"));
    if (!mount.is_v2)
        mount.controllers = parse_controllers(options);
    if ((!mount.is_v2 && !mount.controllers) || is_known(ret, &mount))
        return;
    mount.point = decode_path(p, strcspn(p, " "));
    ret->items[ret->n++] = mount;
}

void cgroup_mounts_parse(const char *mountinfo, struct cgroup_mounts *ret)
{
    bool has_v1 = false, has_v2 = false;

    *ret = (struct cgroup_mounts){0};
    /* Only lines of interest are looked at: there may be thousands. */
    for (const char *hit = mountinfo; (hit = strstr(hit, " - cgroup")); hit++) {
        const char *line = hit;

        while (line > mountinfo && line[-1] != '\n')
            line--;
        parse_line(line, ret);
    }
    for (size_t i = 0; i < ret->n; i++) {
        has_v2 |= ret->items[i].is_v2;
        /* name=systemd alone limits nothing */
        has_v1 |= (ret->items[i].controllers & ~(1u << CGROUP_SYSTEMD)) != 0;
    }
    ret->mode = has_v1 ? has_v2 ? CGROUP_HYBRID : CGROUP_V1 : has_v2 ? CGROUP_V2 : CGROUP_NONE;
}

int cgroup_mounts_read(struct cgroup_mounts *ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t len;
    int r = sys_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, &len);

    if (r < 0)
        return err_sys(e, r, "read '/proc/self/mountinfo'");
    cgroup_mounts_parse(text, ret);
    return 0;
}

void cgroup_mounts_done(struct cgroup_mounts *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->items[i].point);
    *m = (struct cgroup_mounts){0};
}

enum cgroup_mode cgroup_detect(void)
{
    struct cgroup_mounts m = {0};
    enum cgroup_mode mode;

    if (cgroup_mounts_read(&m, NULL) < 0)
        return CGROUP_NONE;
    mode = m.mode;
    cgroup_mounts_done(&m);
    return mode;
}

char *cgroup_path_clean(const char *path, struct err *e)
{
    auto_strv parts = strv_split(path ? path : "", '/');
    auto_strv kept = NULL;

    if (path && strlen(path) >= 4096) {
        err_set(e, ERR_INVALID, "cgroup path: too long");
        return NULL;
    }
    if (path && path[0] != '/' && strchr(path, ':')) {
        err_set(e, ERR_UNSUPPORTED, "cgroup path '%s': systemd's form is not supported yet", path);
        return NULL;
    }
    STRV_FOREACH (part, parts) {
        if (strcmp(*part, "..") == 0 || strpbrk(*part, "\n") || strlen(*part) > 255) {
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
