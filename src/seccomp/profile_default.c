/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: the default profile allows by name and refuses the rest with EPERM, as docker's (moby)
 * does; a program that runs under docker runs here. The table is grouped by area; a row may depend
 * on a capability of the container (have it: the row counts; or lack it: it counts), on the
 * architecture, or on arguments.
 *
 * Where it is stricter on purpose (SECURITY 1.21):
 * - socket families are compared in the 32 bits that the kernel looks at, by masks: a 64-bit "> 40"
 *   lets 0x100000026 pass, which the kernel cuts to 38, AF_ALG. 38 and 40 (vsock) are not allowed,
 *   neither is anything above 63.
 * - socketcall(2) of 32-bit x86 hides the family behind a pointer that no filter can read: refused.
 * - io_uring is not allowed (its operations pass no filter), as docker has it.
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "seccomp/profile.h"

/* CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} */
#define NEW_NAMESPACES 0x7e020000u
#define LOW_32         0xffffffffu

struct row {
    const char *names; /* separated by blanks */
    const char *with_cap;
    const char *without_cap;
    const char *arch; /* only there: Go's name */
    const struct oci_seccomp_arg *args;
    size_t n_args;
    int errno_value; /* 0: allow */
};

#define MASKED(i, mask, result)                                                                    \
    {                                                                                              \
        .index = (i), .value = (mask), .value_two = (result), .op = (char *)"SCMP_CMP_MASKED_EQ"   \
    }
#define EQUAL(i, v)                                                                                \
    {                                                                                              \
        .index = (i), .value = (v), .op = (char *)"SCMP_CMP_EQ"                                    \
    }
#define ARGS(...)                                                                                  \
    .args = (const struct oci_seccomp_arg[]){__VA_ARGS__},                                         \
    .n_args =                                                                                      \
        sizeof((const struct oci_seccomp_arg[]){__VA_ARGS__}) / sizeof(struct oci_seccomp_arg)

static const struct row rows[] = {
    /* files by path */
    {"open openat openat2 creat access faccessat faccessat2 stat stat64 lstat lstat64 fstatat64 "
     "newfstatat statx readlink readlinkat link linkat symlink symlinkat unlink unlinkat rename "
     "renameat renameat2 mkdir mkdirat rmdir mknod mknodat chmod fchmodat fchmodat2 chown chown32 "
     "lchown lchown32 fchownat truncate truncate64 utime utimes futimesat utimensat "
     "utimensat_time64 name_to_handle_at"},
    {"chdir fchdir getcwd umask statfs statfs64 fstatfs fstatfs64 statmount listmount getdents "
     "getdents64 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark"},
    {"getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr "
     "llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat"},
    /* files by descriptor */
    {"read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek "
     "close close_range dup dup2 dup3 fcntl fcntl64 ioctl flock fstat fstat64 fchmod fchown "
     "fchown32 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead sync syncfs fsync "
     "fdatasync sync_file_range sendfile sendfile64 splice tee vmsplice copy_file_range cachestat"},
    {"pipe pipe2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime "
     "timerfd_settime64 timerfd_gettime timerfd_gettime64 memfd_create memfd_secret"},
    {"select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create "
     "epoll_create1 "
     "epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2"},
    {"io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64"},
    /* memory */
    {"brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock "
     "munlockall mseal membarrier remap_file_pages pkey_alloc pkey_free pkey_mprotect "
     "map_shadow_stack process_mrelease"},
    /* processes and threads */
    {"fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid "
     "getpgid getpgrp setpgid getsid setsid prctl set_tid_address set_thread_area get_thread_area "
     "set_robust_list get_robust_list rseq restart_syscall uname sysinfo getcpu getrandom seccomp "
     "uretprobe pidfd_open pidfd_send_signal process_vm_readv process_vm_writev ptrace"},
    {"kill tkill tgkill pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending "
     "rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
     "rt_sigtimedwait_time64"},
    {"futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue"},
    {"getpriority setpriority ioprio_get ioprio_set sched_yield sched_getaffinity "
     "sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam "
     "sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min "
     "sched_rr_get_interval sched_rr_get_interval_time64"},
    {"getrlimit setrlimit ugetrlimit prlimit64 getrusage times"},
    /* who we are */
    {"getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 "
     "getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid "
     "setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid "
     "setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset landlock_add_rule "
     "landlock_create_ruleset landlock_restrict_self"},
    /* time */
    {"time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
     "clock_nanosleep clock_nanosleep_time64 nanosleep alarm getitimer setitimer adjtimex "
     "clock_adjtime clock_adjtime64 timer_create timer_delete timer_getoverrun timer_gettime "
     "timer_gettime64 timer_settime timer_settime64"},
    /* sockets, but for socket() itself */
    {"socketpair bind connect listen accept accept4 shutdown getsockname getpeername getsockopt "
     "setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64"},
    /* System V and POSIX communication */
    {"ipc shmget shmat shmdt shmctl semget semop semctl semtimedop semtimedop_time64 msgget msgsnd "
     "msgrcv msgctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive "
     "mq_timedreceive_time64 mq_notify mq_getsetattr"},

    /* Families 0-37, 39, 41-63. 38 is AF_ALG, 40 AF_VSOCK; 46-63 do not exist, and say so. */
    {"socket", ARGS(MASKED(0, LOW_32 & ~31u, 0))},
    {"socket", ARGS(MASKED(0, LOW_32 & ~3u, 32))},
    {"socket", ARGS(MASKED(0, LOW_32 & ~1u, 36))},
    {"socket", ARGS(MASKED(0, LOW_32, 39))},
    {"socket", ARGS(MASKED(0, LOW_32, 41))},
    {"socket", ARGS(MASKED(0, LOW_32 & ~1u, 42))},
    {"socket", ARGS(MASKED(0, LOW_32 & ~3u, 44))},
    {"socket", ARGS(MASKED(0, LOW_32 & ~15u, 48))},
    /* Named, so that it does not follow the calls that it can do (compile.c). */
    {"socketcall", .errno_value = EPERM},

    /* PER_LINUX, PER_LINUX32, both with UNAME26, and the question */
    {"personality", ARGS(EQUAL(0, 0))},
    {"personality", ARGS(EQUAL(0, 0x8))},
    {"personality", ARGS(EQUAL(0, 0x20000))},
    {"personality", ARGS(EQUAL(0, 0x20008))},
    {"personality", ARGS(EQUAL(0, 0xffffffff))},

    /* No new namespaces. clone3 hides its flags behind a pointer: ENOSYS makes libc use clone. */
    {"clone", .without_cap = "CAP_SYS_ADMIN", ARGS(MASKED(0, NEW_NAMESPACES, 0)), .arch = "!s390x"},
    {"clone", .without_cap = "CAP_SYS_ADMIN", ARGS(MASKED(1, NEW_NAMESPACES, 0)), .arch = "s390x"},
    {"clone3", .without_cap = "CAP_SYS_ADMIN", .errno_value = ENOSYS},

    /* by architecture */
    {"arch_prctl modify_ldt", .arch = "amd64"},
    {"modify_ldt", .arch = "386"},
    {"arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
     .arch = "arm64"},
    {"arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
     .arch = "arm"},
    {"sync_file_range2 swapcontext", .arch = "ppc64le"},
    {"s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr", .arch = "s390x"},
    {"riscv_flush_icache", .arch = "riscv64"},
    {"riscv_hwprobe"},

    /* by capability */
    {"open_by_handle_at", "CAP_DAC_READ_SEARCH"},
    {"bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
     "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount "
     "open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount "
     "umount2 unshare",
     "CAP_SYS_ADMIN"},
    {"reboot", "CAP_SYS_BOOT"},
    {"chroot", "CAP_SYS_CHROOT"},
    {"init_module finit_module delete_module", "CAP_SYS_MODULE"},
    {"acct", "CAP_SYS_PACCT"},
    {"kcmp pidfd_getfd process_madvise", "CAP_SYS_PTRACE"},
    {"iopl ioperm", "CAP_SYS_RAWIO"},
    {"settimeofday stime clock_settime clock_settime64", "CAP_SYS_TIME"},
    {"vhangup", "CAP_SYS_TTY_CONFIG"},
    {"get_mempolicy set_mempolicy set_mempolicy_home_node mbind", "CAP_SYS_NICE"},
    {"syslog", "CAP_SYSLOG"},
    {"bpf", "CAP_BPF"},
    {"perf_event_open", "CAP_PERFMON"},
};

static bool arch_fits(const char *arch)
{
    if (!arch)
        return true;
    return *arch == '!' ? strcmp(arch + 1, profile_native_arch()) != 0
                        : strcmp(arch, profile_native_arch()) == 0;
}

void profile_default(char *const *caps, struct oci_seccomp *ret)
{
    struct oci_seccomp s = {.default_action = alloc_strdup("SCMP_ACT_ERRNO"),
                            .default_errno_ret = {true, EPERM},
                            .architectures = profile_native_architectures()};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct oci_seccomp_rule rule = {0};

        if (!arch_fits(row->arch) || (row->with_cap && !strv_has(caps, row->with_cap)) ||
            (row->without_cap && strv_has(caps, row->without_cap)))
            continue;
        rule.names = strv_split(row->names, ' ');
        rule.action = alloc_strdup(row->errno_value ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
        if (row->errno_value)
            rule.errno_ret = (struct json_opt_u64){true, (uint64_t)row->errno_value};
        for (size_t k = 0; k < row->n_args; k++) {
            struct oci_seccomp_arg arg = row->args[k];

            arg.op = alloc_strdup(arg.op);
            vec_push(&rule.args, arg);
        }
        vec_push(&s.syscalls, rule);
    }
    *ret = s;
}
