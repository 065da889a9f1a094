/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One mount of the plan: what mounts.c decided, and the steps of the child that do it. */
#include "runtime/init.h"
#include "runtime/mountopt.h"

enum mount_remember { MOUNT_REMEMBER_NONE, MOUNT_REMEMBER_DEV, MOUNT_REMEMBER_PTS };

struct mount_step {
    const struct oci_mount *m;
    const char *field;  /* "mounts[3]" */
    const char *target; /* clean */
    unsigned target_flags;
    struct mountopt o;
    size_t source; /* of a bind: in plan->sources */
    enum mount_remember remember;
    bool is_readonly_late; /* a tmpfs: other mounts and devices may be made in it first */
};

int mount_step_bind(struct init *init, const void *step, struct err *e);
int mount_step_filesystem(struct init *init, const void *step, struct err *e);
int mount_step_cgroup(struct init *init, const void *step, struct err *e);
/* What can be done only when all is made: the read-only tmpfs. */
int mount_step_finish(struct init *init, const void *arg, struct err *e);
int mount_step_remount(struct init *init, const void *step, struct err *e);
