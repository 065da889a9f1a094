/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The names and numbers of system calls, on every architecture that the runtime specification
 * names. The tables are made when dhow is built (generate.c, from libseccomp's) and are read-only
 * data of the program: nothing is linked, parsed or built for them at a start.
 *
 * A call is its index, 0 <= call < syscalls_n: the same on all architectures.
 */
#include <stddef.h>
#include <stdint.h>

struct syscalls_number {
    uint32_t number;
    uint16_t call;
};

struct syscalls_arch {
    const char *name; /* "SCMP_ARCH_X86_64" */
    uint32_t audit;   /* AUDIT_ARCH_*, what a filter sees; x32 has that of x86_64 */
    uint32_t base;    /* of its numbers */
    size_t n;         /* 0: known by name only */
    const struct syscalls_number *numbers; /* ascending, each once */
};

extern const struct syscalls_arch syscalls_archs[];
extern const size_t syscalls_n_archs;
extern const size_t syscalls_n;

const struct syscalls_arch *syscalls_find_arch(const char *name); /* NULL: unknown */
const struct syscalls_arch *syscalls_native(void);

int syscalls_find(const char *name); /* the call, or -1 */
const char *syscalls_name(int call); /* borrowed */
/* The number that a program on this architecture uses, or -1 when it has none. */
int64_t syscalls_number(const struct syscalls_arch *arch, int call);

/* What generate.c makes beside the above: the names one after the other, where each begins, and an
 * open hash table of call + 1. */
#define SYSCALLS_SLOTS 1024u
extern const char syscalls_names[];
extern const uint16_t syscalls_name_at[];
extern const uint16_t syscalls_slots[SYSCALLS_SLOTS];

static inline uint32_t syscalls_hash(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h ^ h >> 16;
}
