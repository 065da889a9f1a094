/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Network devices and their addresses, by rtnetlink(7). Every function returns >= 0 or -errno and
 * passes a fault point. A socket speaks of the network namespace that it was made in.
 */
#include <net/if.h>

#include "base/def.h"
#include "base/vec.h"

struct sys_link {
    int index;
    unsigned flags; /* IFF_UP, ... */
    char name[IFNAMSIZ];
};
struct sys_address {
    uint8_t family;
    uint8_t prefix_len;
    uint8_t scope;     /* RT_SCOPE_* */
    uint8_t len;       /* of the addresses below: 4 or 16 */
    uint32_t flags;    /* IFA_F_* */
    uint32_t priority; /* of the route that it brings; 0: the kernel's own */
    uint8_t local[16], address[16], broadcast[16];
    bool has_local, has_address, has_broadcast;
};
struct sys_links {
    struct sys_link *items;
    size_t len;
    size_t cap;
};
struct sys_addresses {
    struct sys_address *items;
    size_t len;
    size_t cap;
};

/* In the network namespace of this fd (FD_NONE: the caller's, which the caller is in afterwards,
 * too). */
int sys_netlink_open(int netns_fd);
int sys_link_find(int nl, const char *name, struct sys_link *ret); /* -ENODEV */
int sys_link_list(int nl, struct sys_links *ret);                  /* appends */
/* Into another namespace, under this name ("eth%d": the kernel counts): its addresses go. */
int sys_link_move(int nl, int index, int netns_fd, const char *name);
int sys_link_up(int nl, int index);
int sys_address_list(int nl, int index, struct sys_addresses *ret); /* appends */
int sys_address_add(int nl, int index, const struct sys_address *a);
