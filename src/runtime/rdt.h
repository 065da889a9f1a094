/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Cache and memory bandwidth (linux.intelRdt): groups of a resctrl file system, which AMD's and
 * Arm's processors have, too.
 *
 *   rdt_locate()  decides which group it is; touches nothing: the result is recorded before the
 *                 next
 *   rdt_make()    makes what is missing, and writes the schemata
 *   rdt_join()    a process and its later children
 *   rdt_remove()  what is the container's own
 */
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

struct rdt {
    char *root;    /* where resctrl is mounted */
    char *group;   /* a directory there; NULL: none is asked for */
    char *monitor; /* a directory in it, to count this container alone; or NULL */
    bool is_ours;  /* the group is the container's own */
};
extern const struct json_struct rdt_json;
void rdt_done(struct rdt *r);

/* `root`: a stand-in for tests; NULL: where it is mounted. ERR_UNSUPPORTED when that is nowhere. */
int rdt_locate(const struct oci_intel_rdt *wanted, const char *id, const char *root,
               struct rdt *ret, struct err *e);
int rdt_make(const struct rdt *r, const struct oci_intel_rdt *wanted, struct err *e);
int rdt_join(const struct rdt *r, pid_t pid, struct err *e);
int rdt_remove(const struct rdt *r, struct err *e);
/* What runc's event "stats" has as `intel_rdt`; owned: json_object_put(). */
int rdt_stats(const struct rdt *r, struct json_object **ret, struct err *e);
