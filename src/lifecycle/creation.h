/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a container's beginning holds, shared by create.c and restore.c. */
#include "lifecycle/bundle.h"
#include "lifecycle/process_io.h"
#include "lifecycle/state.h"

struct creation {
    struct bundle bundle;
    struct state_dir dir;
    struct lifecycle_state state;
    struct runtime_plan *plan;
    struct runtime_container container;
    struct cgroup_request cgroup_request;
    uid_t cgroup_owner;
    struct cgroup *cgroup;
    char **warnings;
    int bundle_fd;
    int listener;
    int waiting;
    bool has_begun; /* something may be there that the poststop hooks are to undo */
};
#define CREATION_NONE                                                                              \
    {                                                                                              \
        .dir = STATE_DIR_NONE, .container = RUNTIME_CONTAINER_NONE, .bundle_fd = FD_NONE,          \
        .listener = FD_NONE, .waiting = FD_NONE                                                    \
    }
void creation_done(struct creation *c);

/* The bundle is read and checked, the directory made, the group found, all of it recorded. */
int creation_begin(struct creation *c, const struct lifecycle_config *config,
                   const struct lifecycle_create_options *o, struct err *e);
/* The process of c->container is there: it is recorded. */
int creation_record(struct creation *c, struct err *e);
/* The container, its group and its directory are removed. */
void creation_undo(struct creation *c);
/* What the caller keeps of the process when we let go of it. */
void creation_take_process(struct creation *c, const struct lifecycle_create_options *o,
                           struct lifecycle_process *ret);
