/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rows of `ps`: no lock, one query, and a look at the kernel only for containers that have a
 * run directory.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "base/trace.h"
#include "base/units.h"
#include "engine/engine_internal.h"

static char *ago(int64_t since_ns)
{
    int64_t seconds = since_ns > 0 ? (units_now_ns() - since_ns) / 1000000000 : 0;

    return units_ago_text(MAX(seconds, (int64_t)0));
}

static char *status_text(const struct engine_status *s)
{
    auto_free char *since = ago(status_is_alive(s) ? s->started_ns : s->finished_ns);

    switch (s->state) {
    case ENGINE_RUNNING:
        return alloc_printf("Up %s", since);
    case ENGINE_PAUSED:
        return alloc_strdup("Paused");
    case ENGINE_EXITED:
        return alloc_printf("Exited (%d) %s ago", s->exit_code, since);
    case ENGINE_CREATED:
        return alloc_strdup("Created");
    case ENGINE_UNKNOWN:
        break;
    }
    return alloc_strdup("Unknown");
}

static void summarize(struct store_container *c, struct engine_summary *ret)
{
    struct engine_options o = {0};

    *ret = (struct engine_summary){.status = ret->status,
                                   .id = take_ptr(&c->id),
                                   .name = take_ptr(&c->name),
                                   .image = take_ptr(&c->image_name),
                                   .image_id = take_ptr(&c->image_id),
                                   .created_ns = c->created_ns,
                                   .auto_remove = c->auto_remove};
    if (options_load(c, &o, NULL) == 0) {
        ret->command = take_ptr(&o.args);
        ret->labels = take_ptr(&o.labels);
        VEC_FOREACH (v, &o.volumes)
            strv_add(&ret->mounts, v->destination);
    }
    engine_options_done(&o);
    ret->status_text = status_text(&ret->status);
}

int engine_container_list(struct engine *en, bool all, engine_summary_list *ret, struct err *e)
{
    store_container_list rows = {0};

    TRACE_SPAN("list");
    if (store_container_list_all(en->store, &rows, e) < 0)
        return -1;
    VEC_FOREACH (c, &rows) {
        struct engine_status status;
        struct engine_summary s;

        status_of(en, c, &status);
        if (!all && !status_is_alive(&status))
            continue;
        s.status = status;
        summarize(c, &s);
        vec_push(ret, s);
    }
    store_container_list_done(&rows);
    return 0;
}

static void summary_done(struct engine_summary *s)
{
    free(s->id);
    free(s->name);
    free(s->image);
    free(s->image_id);
    free(s->status_text);
    strv_free(s->command);
    strv_free(s->labels);
    strv_free(s->mounts);
}

void engine_summary_list_done(engine_summary_list *l)
{
    VEC_FOREACH (s, l)
        summary_done(s);
    vec_done(l);
}
