/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Capabilities of the calling process as bit masks (bit = number, capabilities(7)). Plain system
 * calls: no library is needed for numbers and masks. Every function that calls the kernel returns 0
 * or -errno and passes a fault point.
 */
#include <linux/capability.h>

#include "base/def.h"

struct sys_caps {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
};

int sys_cap_parse(const char *name);       /* "CAP_CHOWN", any case: its number, or -EINVAL */
const char *sys_cap_name(unsigned number); /* NULL: unknown */
int sys_caps_get(struct sys_caps *ret);
int sys_caps_set(const struct sys_caps *caps);
int sys_caps_limit_bounding(uint64_t keep); /* drops all others; needs CAP_SETPCAP */
int sys_caps_get_bounding(uint64_t *ret);
int sys_caps_set_ambient(uint64_t caps); /* exactly these; each permitted and inheritable */
int sys_set_keep_caps(void);             /* permitted capabilities survive the next setuid */
int sys_set_no_new_privs(void);
