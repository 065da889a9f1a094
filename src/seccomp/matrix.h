/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * T-seccomp: what a filtered process of an amd64 machine may call, asked of the kernel through all
 * three of its doors: x86_64, i386 (int 0x80 from a 64-bit program) and x32. Used by the unit test
 * under a filter of its own, and by a program that runs inside of containers.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum matrix_abi { MATRIX_64, MATRIX_32, MATRIX_X32, MATRIX_ABIS };
/* MATRIX_LIST: no expectations, all answers are told. Docker's is that of 20.10. */
enum matrix_profile { MATRIX_OURS, MATRIX_DOCKERS, MATRIX_LIST };
static const char *const matrix_abi_names[MATRIX_ABIS] = {"x86_64", "i386", "x32"};

/* No libc between the question and the kernel. -errno is an error. */
static inline long matrix_call(enum matrix_abi abi, long nr, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = 0;
    long r;

    if (abi == MATRIX_32) {
        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
                         : "memory", "r8", "r9", "r10", "r11");
        return (int)r;
    }
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(abi == MATRIX_X32 ? nr | 0x40000000 : nr), "D"(a), "S"(b), "d"(c),
                       "r"(r10), "r"(r8)
                     : "memory", "rcx", "r11");
    return r;
}

/* 'd' is denied with EPERM, 'n' with ENOSYS, 'a' allowed: whatever the kernel says then, it is not
 * EPERM with these arguments. */
struct matrix_row {
    const char *name;
    int number_64; /* and of x32; -1: not there */
    int number_32;
    long args[4];
    char ours;
    char dockers;
};

static const struct matrix_row matrix_rows[] = {
    {"getpid", 39, 20, {0}, 'a', 'a'},
    {"io_uring_setup", 425, 425, {1, 0}, 'd', 'a'},
    {"io_uring_enter", 426, 426, {-1}, 'd', 'a'},
    {"io_uring_register", 427, 427, {-1}, 'd', 'a'},
    {"clone3", 435, 435, {0}, 'n', 'n'},
    {"unshare nothing", 272, 310, {0}, 'd', 'd'},
    {"unshare user", 272, 310, {0x10000000}, 'd', 'd'},
    {"setns", 308, 346, {-1, 0}, 'd', 'd'},
    {"userfaultfd", 323, 374, {0}, 'd', 'd'},
    {"bpf", 321, 357, {-1}, 'd', 'd'},
    {"keyctl", 250, 288, {-1}, 'd', 'd'},
    {"add_key", 248, 286, {0}, 'd', 'd'},
    {"request_key", 249, 287, {0}, 'd', 'd'},
    {"perf_event_open", 298, 336, {0}, 'd', 'd'},
    {"mount", 165, 21, {0}, 'd', 'd'},
    {"umount2", 166, 52, {0}, 'd', 'd'},
    {"open_tree", 428, 428, {-1}, 'd', 'd'},
    {"move_mount", 429, 429, {-1}, 'd', 'd'},
    {"fsopen", 430, 430, {0}, 'd', 'd'},
    {"mount_setattr", 442, 442, {-1}, 'd', 'd'},
    {"pivot_root", 155, 217, {0}, 'd', 'd'},
    {"open_by_handle_at", 304, 342, {-1}, 'd', 'd'},
    {"init_module", 175, 128, {0}, 'd', 'd'},
    {"finit_module", 313, 350, {-1}, 'd', 'd'},
    {"kexec_load", 246, 283, {0}, 'd', 'd'},
    {"reboot", 169, 88, {0}, 'd', 'd'},
    {"swapon", 167, 87, {0}, 'd', 'd'},
    {"iopl", 172, 110, {0}, 'd', 'd'},
    {"pidfd_getfd", 438, 438, {-1}, 'd', 'd'},
    {"quotactl", 179, 131, {0}, 'd', 'd'},
    {"vm86", -1, 166, {0}, 'd', 'd'},
    {"personality, the question", 135, 136, {0xffffffff}, 'a', 'a'},
    {"personality PER_LINUX32", 135, 136, {0xfffffffff0008}, 'd', 'd'},
    {"personality ADDR_NO_RANDOMIZE", 135, 136, {0x40000}, 'd', 'd'},
    /* one flag each, with SIGCHLD */
    {"clone CLONE_THREAD alone", 56, 120, {0x10000}, 'a', 'a'},
    {"clone CLONE_NEWNS", 56, 120, {0x20011}, 'd', 'd'},
    {"clone CLONE_NEWCGROUP", 56, 120, {0x2000011}, 'd', 'd'},
    {"clone CLONE_NEWUTS", 56, 120, {0x4000011}, 'd', 'd'},
    {"clone CLONE_NEWIPC", 56, 120, {0x8000011}, 'd', 'd'},
    {"clone CLONE_NEWUSER", 56, 120, {0x10000011}, 'd', 'd'},
    {"clone CLONE_NEWPID", 56, 120, {0x20000011}, 'd', 'd'},
    {"clone CLONE_NEWNET", 56, 120, {0x40000011}, 'd', 'd'},
    {"a call that does not exist yet", 900, 900, {0}, 'n', 'n'},
};

struct matrix {
    enum matrix_profile profile;
    bool has_32; /* a kernel may be without: then int 0x80 is a fault */
    unsigned n_asked;
    unsigned n_wrong;
};

static inline void matrix_judge(struct matrix *m, enum matrix_abi abi, const char *name, long arg,
                                char want, long got)
{
    bool is_right = want == 'd' ? got == -EPERM : want == 'n' ? got == -ENOSYS : got != -EPERM;

    m->n_asked++;
    if (m->profile == MATRIX_LIST)
        printf("%s: %s(%#lx): %ld\n", matrix_abi_names[abi], name, arg, got);
    if (is_right || m->profile == MATRIX_LIST)
        return;
    m->n_wrong++;
    printf("%s: %s(%#lx): %ld, want %s\n", matrix_abi_names[abi], name, arg, got,
           want == 'd'   ? "EPERM"
           : want == 'n' ? "ENOSYS"
                         : "no EPERM");
}

static inline void matrix_ask_rows(struct matrix *m, enum matrix_abi abi)
{
    for (size_t i = 0; i < sizeof(matrix_rows) / sizeof(matrix_rows[0]); i++) {
        const struct matrix_row *r = &matrix_rows[i];
        int nr = abi == MATRIX_32 ? r->number_32 : r->number_64;
        long got;

        if (nr < 0)
            continue;
        got = matrix_call(abi, nr, r->args[0], r->args[1], r->args[2], r->args[3]);
        if (got == 0 && r->number_64 == 56)
            _exit(0); /* a clone that should not have been */
        matrix_judge(m, abi, r->name, r->args[0], m->profile == MATRIX_OURS ? r->ours : r->dockers,
                     got);
    }
}

/* AF_ALG is 38, AF_VSOCK 40; 46 to 63 do not exist, and the kernel says so. The kernel looks at 32
 * bits of the register. */
static inline char matrix_want_family(const struct matrix *m, long family)
{
    long low = family & 0xffffffff;

    return m->profile == MATRIX_OURS && (low == 38 || low == 40 || low > 63) ? 'd' : 'a';
}

static inline void matrix_ask_families(struct matrix *m, enum matrix_abi abi)
{
    static const long above[] = {0, 0x100000000, 0x7fffffff00000000};
    int nr = abi == MATRIX_32 ? 359 : 41, pair = abi == MATRIX_32 ? 360 : 53;

    for (size_t k = 0; k < sizeof(above) / sizeof(above[0]); k++) {
        for (long i = 0; i <= 64; i++) {
            long family = i | above[k];

            if (abi == MATRIX_32 && k > 0)
                continue; /* no such registers */
            matrix_judge(m, abi, "socket", family, matrix_want_family(m, family),
                         matrix_call(abi, nr, family, 0xff /* no type */, 0, 0));
            matrix_judge(m, abi, "socketpair", family, 'a',
                         matrix_call(abi, pair, family, 0xff, 0, 0));
        }
    }
}

/* It hides the family behind a pointer: refused, or wide open. */
static inline void matrix_ask_socketcall(struct matrix *m)
{
    for (long i = 0; i <= 21; i++)
        matrix_judge(m, MATRIX_32, "socketcall", i, m->profile == MATRIX_OURS ? 'd' : 'a',
                     matrix_call(MATRIX_32, 102, i, 0, 0, 0));
}

/* How many answers are wrong; each is told on stdout. */
static inline unsigned matrix_ask(struct matrix *m)
{
    for (enum matrix_abi abi = MATRIX_64; abi < MATRIX_ABIS; abi++) {
        if (abi == MATRIX_32 && !m->has_32)
            continue;
        matrix_ask_rows(m, abi);
        matrix_ask_families(m, abi);
        if (abi == MATRIX_32)
            matrix_ask_socketcall(m);
    }
    return m->n_wrong;
}
