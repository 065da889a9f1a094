/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seccomp/syscalls.h"

#include <string.h>

#include "base/def.h"

/* What this program runs on. */
#if defined(__x86_64__)
#define NATIVE "SCMP_ARCH_X86_64"
#elif defined(__i386__)
#define NATIVE "SCMP_ARCH_X86"
#elif defined(__aarch64__)
#define NATIVE "SCMP_ARCH_AARCH64"
#elif defined(__arm__)
#define NATIVE "SCMP_ARCH_ARM"
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE "SCMP_ARCH_PPC64LE"
#elif defined(__s390x__)
#define NATIVE "SCMP_ARCH_S390X"
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE "SCMP_ARCH_RISCV64"
#elif defined(__loongarch64)
#define NATIVE "SCMP_ARCH_LOONGARCH64"
#else
#error "name this architecture"
#endif

const struct syscalls_arch *syscalls_find_arch(const char *name)
{
    for (size_t i = 0; i < syscalls_n_archs; i++)
        if (strcmp(syscalls_archs[i].name, name) == 0)
            return &syscalls_archs[i];
    return NULL;
}

const struct syscalls_arch *syscalls_native(void)
{
    return syscalls_find_arch(NATIVE);
}

const char *syscalls_name(int call)
{
    return syscalls_names + syscalls_name_at[call];
}

int syscalls_find(const char *name)
{
    /* Bounded: the table is never full. */
    for (uint32_t at = syscalls_hash(name);; at++) {
        int call = syscalls_slots[at % SYSCALLS_SLOTS] - 1;

        if (call < 0 || strcmp(syscalls_name(call), name) == 0)
            return call;
    }
}

int64_t syscalls_number(const struct syscalls_arch *arch, int call)
{
    for (size_t i = 0; i < arch->n; i++)
        if (arch->numbers[i].call == call)
            return arch->numbers[i].number;
    return -1;
}
