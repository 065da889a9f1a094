/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Network devices of the host that a container gets (linux.netDevices). */
#include <sys/types.h>

#include "base/vec.h"
#include "runtime/plan.h"
#include "sys/netlink.h"

struct netdevices_moved {
    struct sys_link was; /* on the host */
    int index;           /* inside */
    struct sys_addresses addresses;
};
struct netdevices {
    int host_ns, host; /* namespace, netlink socket */
    int inside_ns, inside;
    VEC(struct netdevices_moved) moved;
};
#define NETDEVICES_NONE                                                                            \
    {                                                                                              \
        .host_ns = FD_NONE, .host = FD_NONE, .inside_ns = FD_NONE, .inside = FD_NONE               \
    }

/* Moves all of the plan into the network namespace of this process; the caller is in the host's.
 * After a failure, netdevices_undo(). */
int netdevices_move(struct netdevices *n, const struct runtime_plan *p, pid_t pid, struct err *e);
/* As far as it can be: what was moved goes back to where it was. */
void netdevices_undo(struct netdevices *n);
void netdevices_done(struct netdevices *n);
