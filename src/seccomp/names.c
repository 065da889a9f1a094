/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: libseccomp knows the names and numbers of its time; what is newer is listed here (since
 * 424 a new call has one number on all architectures). On i386 and s390x it answers pseudo numbers
 * for what socketcall(2) and ipc(2) can do too; a program of ours means the direct calls, which
 * these kernels have since 4.3 and 5.1: the multiplexers take a pointer that no filter can read.
 */
#include <seccomp.h>
#include <string.h>

#include "base/def.h"
#include "seccomp/compile.h"

static const struct {
    const char *name;
    uint32_t arch;
} architectures[] = {
    {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
    {"SCMP_ARCH_X86", SCMP_ARCH_X86},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32},
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
    {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
    {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
    {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
    {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
    {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
    {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
    {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
    {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
};

/* arch/x86/entry/syscalls/syscall_32.tbl, arch/s390/kernel/syscalls/syscall.tbl; 0 is none */
static const struct {
    const char *name;
    int x86;
    int s390;
} direct[] = {
    {"socket", 359, 359},      {"socketpair", 360, 360}, {"bind", 361, 361},
    {"connect", 362, 362},     {"listen", 363, 363},     {"accept4", 364, 364},
    {"getsockopt", 365, 365},  {"setsockopt", 366, 366}, {"getsockname", 367, 367},
    {"getpeername", 368, 368}, {"sendto", 369, 369},     {"sendmsg", 370, 370},
    {"recvfrom", 371, 371},    {"recvmsg", 372, 372},    {"shutdown", 373, 373},
    {"recvmmsg", 337, 357},    {"sendmmsg", 345, 358},   {"semtimedop", 0, 392},
    {"semget", 393, 393},      {"semctl", 394, 394},     {"shmget", 395, 395},
    {"shmctl", 396, 396},      {"shmat", 397, 397},      {"shmdt", 398, 398},
    {"msgget", 399, 399},      {"msgsnd", 400, 400},     {"msgrcv", 401, 401},
    {"msgctl", 402, 402},
};

static const struct {
    const char *name;
    int number;
    uint32_t only_arch; /* 0: all */
} newer[] = {
    {"cachestat", 451},
    {"fchmodat2", 452},
    {"map_shadow_stack", 453},
    {"futex_wake", 454},
    {"futex_wait", 455},
    {"futex_requeue", 456},
    {"statmount", 457},
    {"listmount", 458},
    {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},
    {"mseal", 462},
    {"setxattrat", 463},
    {"getxattrat", 464},
    {"listxattrat", 465},
    {"removexattrat", 466},
    {"open_tree_attr", 467},
    {"file_getattr", 468},
    {"file_setattr", 469},
    {"uretprobe", 335, SCMP_ARCH_X86_64},
    {"riscv_hwprobe", 258, SCMP_ARCH_RISCV64},
};

/* Their numbers begin at thousands; "one number for all" is relative to that. */
static int base_of(uint32_t arch)
{
    switch (arch) {
    case SCMP_ARCH_X32:
        return 0x40000000;
    case SCMP_ARCH_MIPS:
    case SCMP_ARCH_MIPSEL:
        return 4000;
    case SCMP_ARCH_MIPS64:
    case SCMP_ARCH_MIPSEL64:
        return 5000;
    case SCMP_ARCH_MIPS64N32:
    case SCMP_ARCH_MIPSEL64N32:
        return 6000;
    default:
        return 0;
    }
}

uint32_t seccomp_arch(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(architectures); i++)
        if (strcmp(architectures[i].name, name) == 0)
            return architectures[i].arch;
    return 0;
}

uint32_t seccomp_arch_ours(void)
{
    return seccomp_arch_native();
}

int seccomp_number(uint32_t arch, const char *name)
{
    bool is_s390 = arch == SCMP_ARCH_S390X || arch == SCMP_ARCH_S390;
    int n = seccomp_syscall_resolve_name_arch(arch, name);

    if (n >= 0)
        return n;
    if (arch == SCMP_ARCH_X86 || is_s390) {
        for (size_t i = 0; i < ARRAY_LEN(direct); i++) {
            int number = is_s390 ? direct[i].s390 : direct[i].x86;

            if (strcmp(direct[i].name, name) == 0)
                return number ? number : -1;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(newer); i++)
        if (strcmp(newer[i].name, name) == 0 &&
            (newer[i].only_arch == 0 || newer[i].only_arch == arch))
            return base_of(arch) + newer[i].number;
    return -1;
}
