/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the writes that limits.c planned, done. A file that is not there is a limit that this
 * kernel lacks: the engine warns and goes on, as podman and docker do; an OCI runtime fails, since
 * its caller asked for exactly this. A value that the kernel refuses is an error to both.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup_private.h"
#include "sys/file.h"

void cgroup_warn(char ***warnings, char *owned_text)
{
    if (!warnings || strv_has(*warnings, owned_text))
        free(owned_text);
    else
        strv_take(warnings, owned_text);
}

void cgroup_view_of(const struct cgroup *g, struct cgroup_view *ret)
{
    *ret = (struct cgroup_view){.v1 = cgroup_mounts_v1(&g->mounts),
                                .has_v2 = cgroup_mounts_have_v2(&g->mounts)};
}

/* What is there already */

/* A number, or "max" as `max`. */
static void read_number(int dirfd, const char *file, int64_t max, struct json_opt_i64 *ret)
{
    auto_free char *text = NULL;
    uint64_t value;
    size_t n;

    if (dirfd < 0 || sys_read_file(dirfd, file, CGROUP_FILE_MAX_BYTES, &text, &n) < 0)
        return;
    text[strcspn(text, " \n")] = 0;
    if (strcmp(text, "max") == 0)
        *ret = (struct json_opt_i64){true, max};
    else if (str_to_u64(text, UINT64_MAX, &value) == 0)
        *ret = (struct json_opt_i64){true, (int64_t)MIN(value, (uint64_t)INT64_MAX)};
}

static void read_memory(const struct cgroup *g, const struct oci_memory *m, struct cgroup_now *ret)
{
    bool is_v1 = cgroup_is_v1(g, CGROUP_MEMORY);
    int fd = cgroup_limit_fd(g, CGROUP_MEMORY);

    if (m->swap.is_set && m->swap.value > 0 && (is_v1 || !m->limit.is_set || !m->limit.value))
        read_number(fd, is_v1 ? "memory.limit_in_bytes" : "memory.max", INT64_MAX,
                    &ret->memory_limit);
    if (m->check_before_update)
        read_number(fd, is_v1 ? "memory.usage_in_bytes" : "memory.current", INT64_MAX,
                    &ret->memory_usage);
}

/* "50000 100000" or "max 100000" */
static void read_cpu_max(int dirfd, struct cgroup_now *ret)
{
    auto_free char *text = NULL;
    uint64_t period;
    int64_t quota = -1;
    char *space;
    size_t n;

    if (dirfd < 0 || sys_read_file(dirfd, "cpu.max", CGROUP_FILE_MAX_BYTES, &text, &n) < 0)
        return;
    text[strcspn(text, "\n")] = 0;
    space = strchr(text, ' ');
    if (!space)
        return;
    *space = 0;
    if (strcmp(text, "max") != 0 && str_to_i64(text, 0, INT64_MAX, &quota) < 0)
        return;
    if (str_to_u64(space + 1, UINT64_MAX, &period) < 0)
        return;
    ret->cpu_quota = (struct json_opt_i64){true, quota};
    ret->cpu_period = (struct json_opt_u64){true, period};
}

static void read_cfs(int dirfd, struct cgroup_now *ret)
{
    struct json_opt_i64 period = {0};

    read_number(dirfd, "cpu.cfs_quota_us", -1, &ret->cpu_quota); /* "-1" is no number: none */
    read_number(dirfd, "cpu.cfs_period_us", -1, &period);
    if (period.is_set)
        ret->cpu_period = (struct json_opt_u64){true, (uint64_t)period.value};
}

void cgroup_read_now(const struct cgroup *g, const struct oci_resources *r, struct cgroup_now *ret)
{
    const struct oci_cpu *c = r ? r->cpu : NULL;

    if (r && r->memory)
        read_memory(g, r->memory, ret);
    if (c && (c->quota.is_set && c->quota.value) != (c->period.is_set && c->period.value)) {
        if (cgroup_is_v1(g, CGROUP_CPU))
            read_cfs(cgroup_limit_fd(g, CGROUP_CPU), ret);
        else
            read_cpu_max(cgroup_limit_fd(g, CGROUP_CPU), ret);
    }
}

/* Writing */

static int try_write(int dirfd, const struct cgroup_write *w)
{
    int r = sys_write_existing(dirfd, w->file, w->text);

    if (r == -ENOENT && w->other_file)
        r = sys_write_existing(dirfd, w->other_file, w->other_text ? w->other_text : w->text);
    return r;
}

/* cpu.shares outside of 2..262144 is cut in silence. */
static int check_shares(int dirfd, const struct cgroup_write *w, struct err *e)
{
    struct json_opt_i64 now = {0};
    int64_t wanted;

    read_number(dirfd, w->file, INT64_MAX, &now);
    if (!now.is_set || str_to_i64(w->text, 0, INT64_MAX, &wanted) < 0 || wanted == now.value)
        return 0;
    return err_set(e, ERR_INVALID, "the %s allowed cpu-shares is %" PRId64,
                   wanted > now.value ? "maximum" : "minimum", now.value);
}

static int refused(const struct cgroup *g, int dirfd, const struct cgroup_write *w, int r,
                   struct err *e)
{
    struct json_opt_i64 usage = {0}, peak = {0};

    if (r == -EBUSY && strcmp(w->file, "memory.limit_in_bytes") == 0) {
        read_number(dirfd, "memory.usage_in_bytes", INT64_MAX, &usage);
        read_number(dirfd, "memory.max_usage_in_bytes", INT64_MAX, &peak);
        return err_set(e, ERR_CONFLICT,
                       "unable to set memory limit to %s (current usage: %" PRId64
                       ", peak usage: %" PRId64 ")",
                       w->text, usage.value, peak.value);
    }
    return err_sys(e, r, "cgroup '%s': write '%s' to '%s'", cgroup_path(g), w->text, w->file);
}

/* No directory, or no file in it. */
static int missing(const struct cgroup *g, bool has_dir, const struct cgroup_write *w,
                   unsigned flags, char ***warnings, struct err *e)
{
    if (w->flags & CGROUP_WRITE_OPTIONAL && has_dir)
        return 0;
    if (!(flags & CGROUP_OCI)) {
        cgroup_warn(warnings, alloc_printf("your kernel does not support %s capabilities or the "
                                           "cgroup is not mounted; limitation discarded",
                                           w->what));
        return 0;
    }
    if (!has_dir && flags & CGROUP_ROOTLESS && !cgroup_is_v1(g, w->controller))
        return err_set(e, ERR_DENIED,
                       "rootless needs no limits + no cgrouppath when no permission is granted for "
                       "cgroups: cannot set the %s",
                       w->what);
    if (!has_dir)
        return err_set(e, ERR_UNSUPPORTED,
                       "cannot set %s limit: container could not join or create cgroup",
                       cgroup_controller_name(w->controller));
    if (w->controller != CGROUP_SYSTEMD && strncmp(w->what, "unified", 7) == 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "unified resource \"%s\" can't be set: controller \"%s\" not available or "
                       "without this file",
                       w->file, cgroup_controller_name_v2(w->controller));
    return err_set(e, ERR_UNSUPPORTED, "cgroup '%s': cannot set the %s: there is no '%s'",
                   cgroup_path(g), w->what, w->file);
}

static int apply_one(const struct cgroup *g, const struct cgroup_write *w, unsigned flags,
                     bool *ret_again, char ***warnings, struct err *e)
{
    int dirfd = cgroup_limit_fd(g, w->controller);
    int r = dirfd < 0 ? -ENOENT : try_write(dirfd, w);

    /* EOPNOTSUPP: cpu.max while realtime groups hold it */
    if (r == -ENOENT || r == -EOPNOTSUPP)
        return missing(g, dirfd >= 0, w, flags, warnings, e);
    if (r == -EINVAL && w->flags & CGROUP_WRITE_RETRY && ret_again) {
        *ret_again = true;
        return 0;
    }
    if (r < 0)
        return refused(g, dirfd, w, r, e);
    return w->flags & CGROUP_WRITE_SHARES && flags & CGROUP_OCI ? check_shares(dirfd, w, e) : 0;
}

static int tell_planned(const struct cgroup_writes *w, unsigned flags, char ***warnings,
                        struct err *e)
{
    STRV_FOREACH (text, w->ignored)
        cgroup_warn(warnings, alloc_strdup(*text));
    STRV_FOREACH (what, w->missing) {
        if (flags & CGROUP_OCI)
            return err_set(e, ERR_UNSUPPORTED, "%s: this version of control groups has none",
                           *what);
        cgroup_warn(warnings, alloc_printf("your kernel does not support %s capabilities or the "
                                           "cgroup is not mounted; limitation discarded",
                                           *what));
    }
    return 0;
}

int cgroup_apply_limits(const struct cgroup *g, const struct cgroup_writes *w, unsigned flags,
                        char ***warnings, struct err *e)
{
    VEC(const struct cgroup_write *) again = {0};
    int r = tell_planned(w, flags, warnings, e);

    VEC_FOREACH (write, &w->list) {
        bool is_refused = false;

        if (r == 0)
            r = apply_one(g, write, flags, &is_refused, warnings, e);
        if (is_refused)
            vec_push(&again, write);
    }
    VEC_FOREACH (write, &again)
        if (r == 0)
            r = apply_one(g, *write, flags, NULL, warnings, e);
    vec_done(&again);
    return r;
}
