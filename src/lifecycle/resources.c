/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container may use, and what it uses. */
#include <errno.h>
#include <poll.h>

#include "base/units.h"
#include "cgroup/stats.h"
#include "lifecycle/state.h"

DEFINE_AUTO_PTR(struct cgroup, group, cgroup_free);
#define auto_group DHOW_CLEANUP(group_auto) struct cgroup
DEFINE_AUTO_PTR(struct cgroup_watch, watch, cgroup_watch_free);

/* The group of a container that has not stopped. */
static int open_group(const struct state_dir *d, struct lifecycle_state *s, struct cgroup **ret,
                      struct err *e)
{
    enum lifecycle_status status;

    if (state_look(d, s, &status, e) < 0)
        return -1;
    if (status == LIFECYCLE_STOPPED || status == LIFECYCLE_CREATING)
        return err_set(e, ERR_BAD_STATE, "container not running: '%s' is %s", d->id,
                       lifecycle_status_name(status));
    if (s->cgroup.places.len == 0)
        return err_set(e, ERR_UNSUPPORTED, "container '%s' has no cgroup of its own", d->id);
    return cgroup_open_id(&s->cgroup, ret, e);
}

int lifecycle_update(const struct lifecycle_config *config, const char *id,
                     const struct oci_resources *resources, char ***ret_warnings, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_group *g = NULL;

    if (state_dir_open(config, id, STATE_DIR_LOCK, &d, e) < 0 || open_group(&d, &s, &g, e) < 0)
        return -1;
    return cgroup_update(g, resources, CGROUP_OCI, ret_warnings, e);
}

static int stats_of(const struct cgroup *g, const struct rdt *rdt, struct json_object **ret,
                    struct err *e)
{
    struct cgroup_stats stats = {0};
    struct json_object *of_rdt = NULL;
    int r = rdt->group ? rdt_stats(rdt, &of_rdt, e) : 0;

    if (r == 0)
        r = cgroup_stats(g, &stats, e);
    if (r == 0) {
        *ret = cgroup_stats_json(&stats);
        json_object_object_add(*ret, "intel_rdt", json_object_get(of_rdt));
    }
    json_object_put(of_rdt);
    cgroup_stats_done(&stats);
    return r;
}

int lifecycle_stats(const struct lifecycle_config *config, const char *id, struct json_object **ret,
                    struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_group *g = NULL;

    if (state_dir_open(config, id, 0, &d, e) < 0 || open_group(&d, &s, &g, e) < 0)
        return -1;
    return stats_of(g, &s.rdt, ret, e);
}

/* Waits for news until the next statistics are due. */
static int wait_for_news(struct cgroup_watch *w, uint64_t due_ns, struct cgroup_news *ret)
{
    struct pollfd p = {.fd = cgroup_watch_fd(w), .events = POLLIN};
    uint64_t now = units_monotonic_ns();
    int timeout_ms = due_ns > now ? (int)((due_ns - now + 999999) / 1000000) : 0;
    int n = poll(&p, 1, timeout_ms);

    *ret = (struct cgroup_news){0};
    if (n < 0 && errno != EINTR)
        return -errno;
    if (n > 0)
        cgroup_watch_read(w, ret);
    return 0;
}

int lifecycle_watch(const struct lifecycle_config *config, const char *id, unsigned interval_ms,
                    lifecycle_event_fn *fn, void *arg, struct err *e)
{
    DHOW_CLEANUP(watch_auto) struct cgroup_watch *w = NULL;
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_group *g = NULL;
    uint64_t due_ns = units_monotonic_ns() + interval_ms * 1000000ull;

    if (state_dir_open(config, id, 0, &d, e) < 0 || open_group(&d, &s, &g, e) < 0 ||
        cgroup_watch_new(g, &w, e) < 0)
        return -1;
    for (;;) {
        struct cgroup_news news;
        struct json_object *data = NULL;
        int r = wait_for_news(w, due_ns, &news);

        if (r < 0)
            return err_sys(e, r, "wait for events of container '%s'", id);
        for (uint64_t i = 0; i < news.n_oom; i++)
            if (fn(arg, LIFECYCLE_EVENT_OOM, NULL) < 0)
                return 0;
        if (news.is_over)
            return 0;
        if (units_monotonic_ns() < due_ns)
            continue;
        due_ns += interval_ms * 1000000ull;
        /* The end may come between two looks. */
        if (stats_of(g, &s.rdt, &data, NULL) < 0 || fn(arg, LIFECYCLE_EVENT_STATS, data) < 0)
            return 0;
    }
}
