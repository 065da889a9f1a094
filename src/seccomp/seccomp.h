/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Seccomp filters: linux.seccomp of a spec becomes a classic BPF program, made by libseccomp the
 * first time and read from a cache file afterwards. The parent gets the program before it clones;
 * the child only loads the bytes.
 *
 * Names of system calls that libseccomp does not know are ignored, as docker does (a profile is
 * written for newer kernels too) and counted. Actions that need a listener (SCMP_ACT_NOTIFY) are
 * refused with ERR_UNSUPPORTED.
 */
#include <linux/filter.h>

#include "base/err.h"
#include "oci/spec.h"

struct seccomp_program {
    struct sock_filter *insns; /* owned */
    unsigned short n;
    unsigned flags;         /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
    unsigned unknown_names; /* ignored names; only known when it was compiled just now */
    bool is_from_cache;
};

/*
 * `cache_dir`: a directory of ours (0700; made when it is missing, its parent must exist), or NULL
 * for no cache. A file there is believed only when it belongs to us, nobody else can write to it,
 * and its checksum fits; else it is made again. A cache that cannot be written is no error.
 */
int seccomp_program_get(const struct oci_seccomp *s, const char *cache_dir,
                        struct seccomp_program *ret, struct err *e);
void seccomp_program_done(struct seccomp_program *p);

/* Filters the calling thread from now on: 0 or -errno. Needs no_new_privs or CAP_SYS_ADMIN; safe
 * after a fork. */
int seccomp_program_load(const struct seccomp_program *p);
