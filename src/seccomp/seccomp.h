/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Seccomp filters: linux.seccomp of a spec becomes a classic BPF program. The parent compiles it
 * before it clones; the child only loads it.
 *
 * Names of system calls that are not known are ignored, as runc does (a profile is written for
 * newer kernels too); see seccomp_unknown_names().
 */
#include <linux/filter.h>
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

struct seccomp_program {
    struct sock_filter *insns; /* owned */
    unsigned short n;
    unsigned flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2): NEW_LISTENER with SCMP_ACT_NOTIFY */
};

/*
 * SCMP_ACT_NOTIFY needs a listenerPath, and is refused for write(2) and as the default: the
 * container's process could not tell its parent about the listener any more. ERR_INVALID names the
 * field; ERR_LIMIT: more than the kernel takes.
 */
int seccomp_compile(const struct oci_seccomp *s, struct seccomp_program *ret, struct err *e);
void seccomp_program_done(struct seccomp_program *p);
bool seccomp_program_notifies(const struct seccomp_program *p);

bool seccomp_notifies(const struct oci_seccomp *s);
/* What a profile's words come to, for those who tell about it; unknown ones are left out. */
unsigned seccomp_filter_flags(const struct oci_seccomp *s);

/*
 * What the runtime itself has to call between loading the filter and the command, and a profile
 * that was recorded under another runtime does not have: exactly these calls pass on our
 * architecture, where the profile would not allow them. The arguments are to be such that the call
 * means nothing to the program that is executed then: addresses of this process, say.
 */
struct seccomp_passage {
    const char *name;
    uint64_t args[6];
    unsigned compared; /* bit i: args[i] must be it */
};
#define SECCOMP_MAX_PASSAGES 4
int seccomp_program_let_pass(struct seccomp_program *p, const struct seccomp_passage *passages,
                             size_t n, struct err *e);

/* Owned; NULL when all are known. */
char **seccomp_unknown_names(const struct oci_seccomp *s) DHOW_MUST_USE;

/*
 * Filters the calling thread from now on; needs no_new_privs or CAP_SYS_ADMIN. Safe after a fork.
 * -errno, else 0, or the listener's fd (close-on-exec) when the program notifies.
 */
int seccomp_program_load(const struct seccomp_program *p);

/* What `features` tells: lists of borrowed strings, closed by NULL. */
struct seccomp_features {
    const char *actions[16]; /* that this kernel has too */
    const char *operators[16];
    const char *archs[32];
    const char *known_flags[8];
    const char *supported_flags[8]; /* by this kernel */
};
void seccomp_features(struct seccomp_features *ret);
