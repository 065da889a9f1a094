/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The id mapping of one mount (config.md, "mounts": uidMappings, gidMappings, idmap, ridmap). */
#include "runtime/mountopt.h"
#include "runtime/plan.h"

/* Decides what the source of a bind is to be mapped by; what it allocates is the plan's. Pure.
 * `field` is the mount's path, for errors. */
int idmap_plan(struct runtime_plan *p, const struct oci_mount *m, const struct mountopt *o,
               const char *field, struct plan_source *source, struct err *e);
