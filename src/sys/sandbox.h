/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A process that is about to parse hostile bytes locks itself in: own mount namespace with nearly
 * nothing in it, landlock, few capabilities, an allow-list of system calls. Layers that this kernel
 * or this user cannot have are left out; each one alone holds. Single-threaded callers only:
 * threads that start later inherit it.
 */
#include "base/def.h"

enum sandbox_flags {
    SANDBOX_NETWORK = 1 << 0, /* TCP and UDP, names, the system's certificates */
};

struct sandbox_options {
    int writable_fd; /* a directory: everything beneath it may be done, but executing */
    int readable_fd; /* a file or directory that may be read, or FD_NONE */
    unsigned flags;
};

/* 0, or -errno when a layer that must be there could not be had. */
int sandbox_enter(const struct sandbox_options *o);
/* The last layer alone: the filter. A system call outside the list kills the process. */
int sandbox_load_filter(unsigned flags);
