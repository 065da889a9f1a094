/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mount options as mount(8) and the runtime specification write them, as flags of the kernel's
 * mount interface. Pure. */
#include "base/err.h"
#include "base/vec.h"

struct mountopt_param {
    char *key;          /* owned */
    char *value;        /* in the same memory; NULL: a flag */
    bool is_superblock; /* not the file system's own: "sync" */
};

enum mountopt_flags {
    MOUNTOPT_REMOUNT = 1 << 0,
    MOUNTOPT_COPY_UP = 1 << 1,
    MOUNTOPT_SOURCE_NOFOLLOW = 1 << 2, /* a link at the end is itself what is bound */
    MOUNTOPT_TARGET_NOFOLLOW = 1 << 3, /* ... or bound on */
    MOUNTOPT_IDMAP = 1 << 4,
    MOUNTOPT_IDMAP_RECURSIVE = 1 << 5
};

struct mountopt {
    uint64_t set, clear;                     /* MOUNT_ATTR_* of the mount itself */
    uint64_t recursive_set, recursive_clear; /* and of all below ("rro", ...) */
    uint64_t propagation;                    /* MS_PRIVATE, ...; 0: none given */
    bool propagation_is_recursive;
    bool is_bind;
    bool is_recursive_bind;
    unsigned flags;                    /* enum mountopt_flags */
    const char *idmap;                 /* what follows "idmap="; in the options; NULL: nothing */
    VEC(struct mountopt_param) params; /* for the file system */
};

/* `ret` begins zeroed; mountopt_done() also after a failure. Unknown options are the file system's;
 * `field` is the path of the options, for errors. */
int mountopt_parse(char *const *options, const char *field, struct mountopt *ret, struct err *e);
void mountopt_done(struct mountopt *o);
