/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs when dhow is built and writes the tables of syscalls.h as C.
 *
 * Theory: libseccomp keeps the names and numbers of its time, for every architecture; asking it at
 * a start costs its loading and a search through its tables for each name. Here it is asked once
 * for the name of every number of every architecture. (Not for the number of a name: where
 * socketcall(2) and ipc(2) can do the same, that is a pseudo number.)
 *
 * What is newer than it is listed here. Since 424 a new call has one number on all architectures.
 */
#include <linux/audit.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seccomp/syscalls.h"

#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))
#define MAX_CALLS       800
#define MAX_NUMBER      1024
/* arch/arm/include/uapi/asm/unistd.h: its private calls */
#define ARM_PRIVATE     0x0f0000
#define ARM_PRIVATE_MAX 16

/* Since libseccomp 2.6; 0: it does not know this one. */
#ifndef SCMP_ARCH_LOONGARCH64
#define SCMP_ARCH_LOONGARCH64 0
#endif
#ifndef SCMP_ARCH_M68K
#define SCMP_ARCH_M68K 0
#define SCMP_ARCH_SH   0
#define SCMP_ARCH_SHEB 0
#endif

/* Numbers begin at thousands on some; "one number for all" is relative to that. */
static const struct arch {
    const char *name;
    uint32_t audit;
    uint32_t token; /* libseccomp's */
    uint32_t base;
} archs[] = {
    {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0},
    {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM, SCMP_ARCH_ARM, 0},
    {"SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64, SCMP_ARCH_LOONGARCH64, 0},
    {"SCMP_ARCH_M68K", AUDIT_ARCH_M68K, SCMP_ARCH_M68K, 0},
    {"SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS, SCMP_ARCH_MIPS, 4000},
    {"SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64, SCMP_ARCH_MIPS64, 5000},
    {"SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32, SCMP_ARCH_MIPS64N32, 6000},
    {"SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL, SCMP_ARCH_MIPSEL, 4000},
    {"SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64, 5000},
    {"SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32, SCMP_ARCH_MIPSEL64N32, 6000},
    {"SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC, SCMP_ARCH_PARISC, 0},
    {"SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64, SCMP_ARCH_PARISC64, 0},
    {"SCMP_ARCH_PPC", AUDIT_ARCH_PPC, SCMP_ARCH_PPC, 0},
    {"SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64, SCMP_ARCH_PPC64, 0},
    {"SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE, SCMP_ARCH_PPC64LE, 0},
    {"SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64, SCMP_ARCH_RISCV64, 0},
    {"SCMP_ARCH_S390", AUDIT_ARCH_S390, SCMP_ARCH_S390, 0},
    {"SCMP_ARCH_S390X", AUDIT_ARCH_S390X, SCMP_ARCH_S390X, 0},
    {"SCMP_ARCH_SH", AUDIT_ARCH_SHEL, SCMP_ARCH_SH, 0},
    {"SCMP_ARCH_SHEB", AUDIT_ARCH_SH, SCMP_ARCH_SHEB, 0},
    {"SCMP_ARCH_X32", AUDIT_ARCH_X86_64, SCMP_ARCH_X32, 0x40000000},
    {"SCMP_ARCH_X86", AUDIT_ARCH_I386, SCMP_ARCH_X86, 0},
    {"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, 0},
};

static const struct {
    const char *name;
    unsigned number;
    uint32_t only_token; /* 0: all */
} newer[] = {
    {"cachestat", 451, 0},
    {"fchmodat2", 452, 0},
    {"map_shadow_stack", 453, 0},
    {"futex_wake", 454, 0},
    {"futex_wait", 455, 0},
    {"futex_requeue", 456, 0},
    {"statmount", 457, 0},
    {"listmount", 458, 0},
    {"lsm_get_self_attr", 459, 0},
    {"lsm_set_self_attr", 460, 0},
    {"lsm_list_modules", 461, 0},
    {"mseal", 462, 0},
    {"setxattrat", 463, 0},
    {"getxattrat", 464, 0},
    {"listxattrat", 465, 0},
    {"removexattrat", 466, 0},
    {"open_tree_attr", 467, 0},
    {"file_getattr", 468, 0},
    {"file_setattr", 469, 0},
    {"listns", 470, 0},
    {"rseq_slice_yield", 471, 0},
    {"uretprobe", 335, SCMP_ARCH_X86_64},
    {"uretprobe", 335, SCMP_ARCH_X32},
    {"uprobe", 336, SCMP_ARCH_X86_64},
    {"uprobe", 336, SCMP_ARCH_X32},
    {"riscv_hwprobe", 258, SCMP_ARCH_RISCV64},
};

struct tables {
    char *names[MAX_CALLS];
    size_t n;
    size_t printed; /* of the architecture at hand */
};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "%s: %s\n", what, name);
    exit(1);
}

static void add_name(struct tables *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->names[i], name) == 0)
            return;
    if (t->n == MAX_CALLS)
        die("too many names", name);
    t->names[t->n++] = strdup(name);
}

/* The name of a number; NULL: there is none. Owned. */
static char *resolve(const struct arch *arch, uint32_t number)
{
    for (size_t i = 0; i < COUNT(newer); i++)
        if (arch->base + newer[i].number == number &&
            (newer[i].only_token == 0 || newer[i].only_token == arch->token))
            return strdup(newer[i].name);
    return seccomp_syscall_resolve_num_arch(arch->token, (int)number);
}

/* Calls `add` for every call of the architecture, in the order of the numbers. */
static void for_each_number(const struct arch *arch, struct tables *t,
                            void (*add)(struct tables *t, uint32_t number, const char *name))
{
    for (uint32_t i = 0; arch->token && i < MAX_NUMBER + ARM_PRIVATE_MAX; i++) {
        uint32_t number = arch->base + i;
        char *name;

        if (i >= MAX_NUMBER && arch->token != SCMP_ARCH_ARM)
            return;
        if (i >= MAX_NUMBER)
            number = ARM_PRIVATE + (i - MAX_NUMBER);
        name = resolve(arch, number);
        if (name)
            add(t, number, name);
        free(name);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void collect_name(struct tables *t, uint32_t number, const char *name)
{
    (void)number;
    add_name(t, name);
}

static void collect_names(struct tables *t)
{
    for (size_t i = 0; i < COUNT(archs); i++)
        for_each_number(&archs[i], t, collect_name);
    qsort(t->names, t->n, sizeof(t->names[0]), compare_names);
}

static void print_number(struct tables *t, uint32_t number, const char *name)
{
    char **found = bsearch(&name, t->names, t->n, sizeof(t->names[0]), compare_names);

    printf("    {%uu, %zu}, /* %s */\n", number, (size_t)(found - t->names), name);
    t->printed++;
}

/* Returns how many the architecture has. */
static size_t print_numbers(struct tables *t, const struct arch *arch)
{
    t->printed = 0;
    printf("static const struct syscalls_number numbers_%s[] = {\n", arch->name);
    for_each_number(arch, t, print_number);
    printf("%s};\n", t->printed ? "" : "    {0, 0}\n");
    return t->printed;
}

static void print_archs(struct tables *t)
{
    size_t n[COUNT(archs)];

    for (size_t i = 0; i < COUNT(archs); i++)
        n[i] = print_numbers(t, &archs[i]);
    printf("const size_t syscalls_n_archs = %zu;\n", COUNT(archs));
    printf("const struct syscalls_arch syscalls_archs[] = {\n");
    for (size_t i = 0; i < COUNT(archs); i++)
        printf("    {\"%s\", %#xu, %#xu, %zu, numbers_%s},\n", archs[i].name, archs[i].audit,
               archs[i].base, n[i], archs[i].name);
    printf("};\n");
}

static void print_names(const struct tables *t)
{
    unsigned slots[SYSCALLS_SLOTS] = {0};
    size_t at = 0;

    printf("const size_t syscalls_n = %zu;\nconst char syscalls_names[] =\n", t->n);
    for (size_t i = 0; i < t->n; i++)
        printf("    \"%s\\0\"\n", t->names[i]);
    printf("    ;\nconst uint16_t syscalls_name_at[] = {\n");
    for (size_t i = 0; i < t->n; i++) {
        uint32_t slot = syscalls_hash(t->names[i]) % SYSCALLS_SLOTS;

        printf("    %zu,\n", at);
        at += strlen(t->names[i]) + 1;
        while (slots[slot])
            slot = (slot + 1) % SYSCALLS_SLOTS;
        slots[slot] = (unsigned)i + 1;
    }
    printf("};\nconst uint16_t syscalls_slots[SYSCALLS_SLOTS] = {\n");
    for (size_t i = 0; i < SYSCALLS_SLOTS; i++)
        printf("    %u,\n", slots[i]);
    printf("};\n");
}

int main(void)
{
    static struct tables t;

    collect_names(&t);
    if (t.n * 4 > SYSCALLS_SLOTS * 3)
        die("the hash table is too small", "SYSCALLS_SLOTS");
    printf("/* Made by generate.c. */\n#include \"seccomp/syscalls.h\"\n");
    print_names(&t);
    print_archs(&t);
    return 0;
}
