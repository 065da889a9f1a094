/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: mountinfo (proc_pid_mountinfo(5)) says which hierarchies there are: fields 4 and 5 are
 * root and mount point, after " - " follow type, source and the super block's options, which name
 * the controllers of a v1 hierarchy. The first mount of each counts. A mount whose root is not "/"
 * (inside a container) is used as if it were: we stay beneath it.
 *
 * The mode is v2 also when somebody mounted a lesser v1 hierarchy beside it (net_cls, which has no
 * successor): what counts are the controllers that a container is made of.
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

static const struct {
    const char *v1;
    const char *v2; /* NULL: v2 has no such controller */
} names[] = {
    [CGROUP_MEMORY] = {"memory", "memory"},    [CGROUP_CPU] = {"cpu", "cpu"},
    [CGROUP_CPUACCT] = {"cpuacct", NULL},      [CGROUP_CPUSET] = {"cpuset", "cpuset"},
    [CGROUP_PIDS] = {"pids", "pids"},          [CGROUP_IO] = {"blkio", "io"},
    [CGROUP_HUGETLB] = {"hugetlb", "hugetlb"}, [CGROUP_RDMA] = {"rdma", "rdma"},
    [CGROUP_MISC] = {"misc", "misc"},          [CGROUP_NET_CLS] = {"net_cls", NULL},
    [CGROUP_NET_PRIO] = {"net_prio", NULL},    [CGROUP_PERF_EVENT] = {"perf_event", NULL},
    [CGROUP_DEVICES] = {"devices", NULL},      [CGROUP_FREEZER] = {"freezer", NULL},
    [CGROUP_SYSTEMD] = {"systemd", NULL},
};
_Static_assert(ARRAY_LEN(names) == CGROUP_CONTROLLER_MAX, "a row for each controller");

/* Whose v1 hierarchies make a system v1. */
#define CORE                                                                                       \
    (CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUSET) |              \
     CGROUP_BIT(CGROUP_PIDS) | CGROUP_BIT(CGROUP_DEVICES) | CGROUP_BIT(CGROUP_FREEZER))

const char *cgroup_controller_name(enum cgroup_controller c)
{
    return names[c].v1;
}

const char *cgroup_controller_name_v2(enum cgroup_controller c)
{
    return names[c].v2;
}

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

unsigned cgroup_controllers_parse(const char *list)
{
    auto_strv words = strv_split(list, ',');
    unsigned bits = 0;

    STRV_FOREACH (word, words) {
        for (unsigned i = 0; i < CGROUP_SYSTEMD; i++)
            if (strcmp(names[i].v1, *word) == 0)
                bits |= CGROUP_BIT(i);
        if (strcmp(*word, "name=systemd") == 0)
            bits |= CGROUP_BIT(CGROUP_SYSTEMD);
    }
    return bits;
}

unsigned cgroup_controllers_parse_v2(const char *list)
{
    auto_free char *line = alloc_strndup(list, strcspn(list, "\n"));
    auto_strv words = strv_split(line, ' ');
    unsigned bits = 0;

    for (unsigned i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (names[i].v2 && strv_has(words, names[i].v2))
            bits |= CGROUP_BIT(i);
    return bits;
}

char *cgroup_mount_name(const struct cgroup_mount *m)
{
    auto_strv words = NULL;

    if (m->is_v2)
        return alloc_strdup("unified");
    for (unsigned i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (m->controllers & CGROUP_BIT(i))
            strv_add(&words, names[i].v1);
    return strv_join(words, ",");
}

bool cgroup_mount_has_name(const struct cgroup_mount *m, const char *name)
{
    auto_free char *own = cgroup_mount_name(m);

    return strcmp(own, name) == 0;
}

unsigned cgroup_mounts_v1(const struct cgroup_mounts *m)
{
    unsigned bits = 0;

    for (size_t i = 0; i < m->n; i++)
        bits |= m->items[i].controllers;
    return bits;
}

bool cgroup_mounts_have_v2(const struct cgroup_mounts *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->items[i].is_v2)
            return true;
    return false;
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
    const char *tail = strstr(line, " - cgroup"), *p = line, *root = NULL;
    struct cgroup_mount mount = {0};
    auto_free char *options = NULL;

    if (!tail || ret->n == CGROUP_MAX_HIERARCHIES)
        return;
    for (int i = 0; i < 4; i++) {
        p = strchr(p, ' ');
        if (!p || p >= tail)
            return;
        p++;
        if (i == 2)
            root = p;
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
        mount.controllers = cgroup_controllers_parse(options);
    if ((!mount.is_v2 && !mount.controllers) || is_known(ret, &mount))
        return;
    mount.root = decode_path(root, strcspn(root, " "));
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
        has_v1 |= (ret->items[i].controllers & CORE) != 0;
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
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].point);
        free(m->items[i].root);
    }
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
