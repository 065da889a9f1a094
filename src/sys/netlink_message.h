/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A message for the kernel's netlink(7), built piece by piece into a buffer of fixed size. Shared
 * by netlink.c and its test.
 *
 * The length of an attribute has 16 bits on the wire: what does not fit into them, or into the
 * message, is not added, and `too_big` stays set (CVE-2021-43784: a length that wrapped let a text
 * become attributes).
 */
#include <linux/netlink.h>

#include "base/def.h"

#define NETLINK_MESSAGE_MAX 4096

struct netlink_message {
    size_t len;
    bool too_big;
    _Alignas(struct nlmsghdr) unsigned char bytes[NETLINK_MESSAGE_MAX];
};

/* Begins with the header and the family's own, fixed part. */
void netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags, const void *fixed,
                   size_t n);
void netlink_add(struct netlink_message *m, uint16_t type, const void *data, size_t n);
/* The finished message's header: 0, or -EMSGSIZE when something did not fit. */
int netlink_end(struct netlink_message *m, uint32_t sequence);
