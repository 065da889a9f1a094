/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the list is short and known when this is compiled, so the filter is laid out by hand:
 * for each call a comparison and an answer, calls with a look at their arguments first. The kernel
 * remembers calls that are always allowed (Linux 5.11), so that their order does not matter.
 *
 * Three answers: allowed; an error, for what libraries try and can do without; death of the process
 * for the rest (an error in builds with AddressSanitizer, whose runtime has ways of its own).
 */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sys/bpf.h"
#include "sys/sandbox.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef __SANITIZE_ADDRESS__
#define OTHERWISE (SECCOMP_RET_ERRNO | EPERM)
#else
#define OTHERWISE SECCOMP_RET_KILL_PROCESS
#endif
#define REFUSE(e) (SECCOMP_RET_ERRNO | (e))

static const int always_allowed[] = {
    /* bytes */
    __NR_read,
    __NR_write,
    __NR_readv,
    __NR_writev,
    __NR_pread64,
    __NR_pwrite64,
    __NR_lseek,
    __NR_close,
    __NR_fcntl,
    __NR_dup,
    __NR_dup3,
    __NR_pipe2,
    __NR_eventfd2,
    /* files, all confined by the other layers */
    __NR_openat,
    __NR_openat2,
    __NR_newfstatat,
    __NR_fstat,
    __NR_statx,
    __NR_fstatfs,
    __NR_faccessat,
    __NR_readlinkat,
    __NR_getdents64,
    __NR_mkdirat,
    __NR_mknodat,
    __NR_unlinkat,
    __NR_renameat2,
    __NR_linkat,
    __NR_symlinkat,
    __NR_fchmod,
    __NR_fchmodat,
    __NR_fchown,
    __NR_fchownat,
    __NR_utimensat,
    __NR_ftruncate,
    __NR_fallocate,
    __NR_fadvise64,
    __NR_fsetxattr,
    __NR_fgetxattr,
    __NR_syncfs,
    __NR_fsync,
    __NR_fdatasync,
    __NR_umask,
    /* memory, threads, signals */
    __NR_munmap,
    __NR_mremap,
    __NR_madvise,
    __NR_brk,
    __NR_futex,
    __NR_set_robust_list,
    __NR_set_tid_address,
    __NR_gettid,
    __NR_getpid,
    __NR_tgkill,
    __NR_rt_sigaction,
    __NR_rt_sigprocmask,
    __NR_rt_sigreturn,
    __NR_sigaltstack,
    __NR_restart_syscall,
    __NR_exit,
    __NR_exit_group,
    __NR_sched_yield,
    __NR_sched_getaffinity,
#ifdef __NR_rseq
    __NR_rseq,
#endif
    /* time, identity, chance */
    __NR_clock_gettime,
    __NR_clock_getres,
    __NR_clock_nanosleep,
    __NR_nanosleep,
    __NR_gettimeofday,
    __NR_getrandom,
    __NR_getuid,
    __NR_geteuid,
    __NR_getgid,
    __NR_getegid,
    __NR_uname,
    __NR_sysinfo,
    __NR_getcwd,
    /* waiting, and the control socket */
    __NR_ppoll,
    __NR_pselect6,
    __NR_sendmsg,
    __NR_recvmsg,
#ifdef __x86_64__
    __NR_open,
    __NR_stat,
    __NR_lstat,
    __NR_access,
    __NR_readlink,
    __NR_poll,
    __NR_select,
    __NR_rename,

    __NR_unlink,
    __NR_time,
    __NR_arch_prctl,
#endif
#ifdef __NR_renameat
    __NR_renameat,
#endif
#ifdef __NR_faccessat2
    __NR_faccessat2,
#endif
#ifdef DHOW_FAULT
    __NR_kill,
#endif
};

static const int network_allowed[] = {
    __NR_connect,    __NR_sendto,     __NR_recvfrom,    __NR_sendmmsg,    __NR_recvmmsg,
    __NR_getsockopt, __NR_setsockopt, __NR_getsockname, __NR_getpeername, __NR_shutdown,
};

/* Allowed when argument `arg` fits: any of `values`, or (mask) none or all of the bits. */
enum match { MATCH_VALUES, MATCH_NO_BIT, MATCH_BIT };
static const struct argument_rule {
    int nr;
    unsigned arg;
    enum match match;
    uint32_t values[3];
    unsigned n_values;
    uint32_t otherwise;
    bool needs_network;
} argument_rules[] = {
    {__NR_clone, 0, MATCH_BIT, {CLONE_THREAD}, 1, OTHERWISE, false},
    {__NR_mmap, 2, MATCH_NO_BIT, {PROT_EXEC}, 1, REFUSE(EACCES), false},
    {__NR_mprotect, 2, MATCH_NO_BIT, {PROT_EXEC}, 1, REFUSE(EACCES), false},
    {__NR_ioctl, 1, MATCH_VALUES, {FIONBIO, FIONREAD}, 2, REFUSE(ENOTTY), false},
    {__NR_socketpair, 0, MATCH_VALUES, {AF_UNIX}, 1, REFUSE(EAFNOSUPPORT), false},
    {__NR_socket, 0, MATCH_VALUES, {AF_INET, AF_INET6}, 2, REFUSE(EAFNOSUPPORT), true},
    /* only to read one's own: pid 0, and no new value below */
    {__NR_prlimit64, 2, MATCH_VALUES, {0}, 1, REFUSE(EPERM), false},
};

/* Libraries ask, and do without. */
static const struct {
    int nr;
    int error;
} refused[] = {
    {__NR_clone3, ENOSYS}, /* glibc falls back to clone, whose flags can be looked at */
    {__NR_socket, EAFNOSUPPORT},
    {__NR_bind, EACCES},
    {__NR_prctl, EPERM},
};

#define INSNS_MAX 400
struct program {
    struct sock_filter insns[INSNS_MAX];
    unsigned short n;
};

static void add(struct program *p, struct sock_filter insn)
{
    if (p->n < INSNS_MAX)
        p->insns[p->n] = insn;
    p->n++; /* past the end: noticed before loading */
}

static void load_word(struct program *p, size_t offset)
{
    add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *p, uint32_t value)
{
    add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
}

static void skip_unless_equal(struct program *p, uint32_t value, unsigned char skip)
{
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
}

static void add_call(struct program *p, int nr, uint32_t value)
{
    skip_unless_equal(p, (uint32_t)nr, 1);
    answer(p, value);
}

/* The low word of an argument decides; for flags, families and commands the kernel reads no more. A
 * pointer (prlimit64) is compared in both words. */
static void add_argument_rule(struct program *p, const struct argument_rule *rule)
{
    size_t at = offsetof(struct seccomp_data, args) + rule->arg * sizeof(uint64_t);
    unsigned short begin = p->n;
    bool is_pointer = rule->nr == __NR_prlimit64;

    skip_unless_equal(p, (uint32_t)rule->nr, 0); /* its distance is set below */
    if (is_pointer) {
        load_word(p, at + sizeof(uint32_t));
        skip_unless_equal(p, 0, 3);
    }
    load_word(p, at);
    if (rule->match == MATCH_VALUES) {
        for (unsigned i = 0; i < rule->n_values; i++)
            add_call(p, (int)rule->values[i], SECCOMP_RET_ALLOW);
    } else {
        add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, rule->values[0],
                                            rule->match == MATCH_BIT ? 0 : 1,
                                            rule->match == MATCH_BIT ? 1 : 0));
        answer(p, SECCOMP_RET_ALLOW);
    }
    answer(p, rule->otherwise);
    if (begin < INSNS_MAX)
        p->insns[begin].jf = (unsigned char)(p->n - begin - 1);
}

int sandbox_load_filter(unsigned flags)
{
    struct program p = {.n = 0};

    load_word(&p, offsetof(struct seccomp_data, arch));
    add(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
    answer(&p, SECCOMP_RET_KILL_PROCESS);
    load_word(&p, offsetof(struct seccomp_data, nr)); /* x32's numbers are in no row */
    for (size_t i = 0; i < ARRAY_LEN(always_allowed); i++)
        add_call(&p, always_allowed[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; flags & SANDBOX_NETWORK && i < ARRAY_LEN(network_allowed); i++)
        add_call(&p, network_allowed[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < ARRAY_LEN(argument_rules); i++)
        if (!argument_rules[i].needs_network || flags & SANDBOX_NETWORK)
            add_argument_rule(&p, &argument_rules[i]);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        add_call(&p, refused[i].nr, REFUSE((uint32_t)refused[i].error));
    answer(&p, OTHERWISE);
    return p.n > INSNS_MAX ? -E2BIG : sys_seccomp_load(p.insns, p.n, 0);
}
