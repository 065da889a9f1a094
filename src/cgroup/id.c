/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: what names a group to a later process, and whose each of its directories is. It is
 * written before anything is made (all "planned") and again afterwards, so that a process that is
 * killed in between leaves a record by which its directories are removed, and by which nothing is
 * killed that was there before.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "cgroup/cgroup_private.h"

const char *const cgroup_manager_names[CGROUP_MANAGER_MAX] = {
    [CGROUP_MANAGER_CGROUPFS] = "cgroupfs",
    [CGROUP_MANAGER_SYSTEMD] = "systemd",
    [CGROUP_MANAGER_DISABLED] = "disabled",
};

static const char *const hold_names[] = {
    [CGROUP_HOLD_PLANNED] = "planned",
    [CGROUP_HOLD_MADE] = "made",
    [CGROUP_HOLD_FOUND] = "found",
    [CGROUP_HOLD_SHARED] = "shared",
};
_Static_assert(ARRAY_LEN(hold_names) == CGROUP_HOLD_MAX, "a name for each hold");

static const struct json_field place_fields[] = {
    {"hierarchy", JSON_STRING, offsetof(struct cgroup_place, hierarchy), JSON_REQUIRED},
    {"path", JSON_STRING, offsetof(struct cgroup_place, path), JSON_REQUIRED},
    {"hold", JSON_ENUM, offsetof(struct cgroup_place, hold), JSON_REQUIRED, .names = hold_names,
     .n_names = CGROUP_HOLD_MAX},
};
static const struct json_struct place_json =
    JSON_STRUCT("place", struct cgroup_place, place_fields);

static const struct json_field id_fields[] = {
    {"manager", JSON_ENUM, offsetof(struct cgroup_id, manager), JSON_REQUIRED,
     .names = cgroup_manager_names, .n_names = CGROUP_MANAGER_MAX},
    {"path", JSON_STRING, offsetof(struct cgroup_id, path)},
    {"unit", JSON_STRING, offsetof(struct cgroup_id, unit)},
    {"userUnit", JSON_BOOL, offsetof(struct cgroup_id, is_user_unit)},
    {"places", JSON_ARRAY, offsetof(struct cgroup_id, places), .nested = &place_json},
};
const struct json_struct cgroup_id_json = JSON_STRUCT("cgroup", struct cgroup_id, id_fields);

void cgroup_id_of(const struct cgroup *g, struct cgroup_id *ret)
{
    *ret = (struct cgroup_id){.manager = g->manager,
                              .path = alloc_strdup(cgroup_path(g)),
                              .unit = alloc_strdup(g->unit),
                              .is_user_unit = g->is_user_unit};
    for (size_t i = 0; i < g->n; i++) {
        const struct cgroup_dir *d = &g->dirs[i];
        struct cgroup_place place = {cgroup_mount_name(d->mount), alloc_printf("/%s", d->path),
                                     d->hold};

        vec_push(&ret->places, place);
    }
}

void cgroup_id_done(struct cgroup_id *id)
{
    json_free_struct(&cgroup_id_json, id);
}
