/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Processes: clone3, pidfds, waiting, exec. Every function returns >= 0 or -errno and passes a
 * fault point.
 */
#include <signal.h>
#include <sys/types.h>

#include "base/def.h"

struct sys_clone_args {
    uint64_t flags; /* CLONE_NEW*, CLONE_PARENT, ...; SIGCHLD is the exit signal */
    int cgroup_fd;  /* >= 0: CLONE_INTO_CGROUP (cgroup v2 directory) */
    int *ret_pidfd; /* not NULL: CLONE_PIDFD; set in the parent */
};
/* Like fork(2): the pid in the parent, 0 in the child. Memory is copied. pthread locks are not
 * handled: single-threaded use. */
pid_t sys_clone(const struct sys_clone_args *args);

int sys_pidfd_open(pid_t pid);
int sys_pidfd_send_signal(int pidfd, int sig); /* -ESRCH when it is dead */
/* A copy of its descriptor (close-on-exec); needs the rights to trace it. */
int sys_pidfd_getfd(int pidfd, int fd);
/* Exit status of a child in waitpid(2) form; retries EINTR. */
int sys_wait(pid_t pid, int *ret_status);
/* 128+n for a signal, else the code. */
int sys_exit_code_of_status(int status);

/* Field 22 of /proc/PID/stat: with the pid it names a process for the whole uptime. */
int sys_process_start_time(pid_t pid, uint64_t *ret_ticks);
/* 1 when (pid, start time) is a process that is neither dead nor a zombie, else 0. */
int sys_process_is_alive(pid_t pid, uint64_t start_ticks);
int sys_boot_id(char ret[37]);

int sys_execve(const char *path, char *const argv[],
               char *const envp[]);                                  /* returns only on failure */
int sys_execveat_fd(int fd, char *const argv[], char *const envp[]); /* AT_EMPTY_PATH */
/* Makes fds[i] the descriptor i (negative: closed) for all i < n, in whatever order they are; at
 * most 16; without close-on-exec. */
int sys_place_fds(const int *fds, size_t n);
int sys_place_fd(int fd, int at); /* one more, at any number; a copy */
/* Starts a helper program of ours with exactly these fds (fds[i] becomes i; the rest is
 * close-on-exec), empty signal mask, default handlers. The pid (a child), or the -errno of execve.
 * ret_pidfd may be NULL. */
int sys_spawn(const char *path, char *const argv[], char *const envp[], const int *fds,
              size_t n_fds, int *ret_pidfd);
enum sys_spawn_flags {
    SYS_SPAWN_ONLY_THESE_FDS = 1 << 0, /* not even those that our caller left open for us */
    SYS_SPAWN_SESSION = 1 << 1,        /* its pid is its process group: sys_kill_group() */
    SYS_SPAWN_DIES_WITH_CALLER = 1 << 2
};
struct sys_spawn {
    const char *path;
    char *const *argv;
    char *const *envp;
    const int *fds;
    size_t n_fds;
    int cwd_fd; /* FD_NONE: the caller's directory */
    unsigned flags;
};
/* The same for a program that is not ours. */
int sys_spawn_as(const struct sys_spawn *s, int *ret_pidfd);
/* SIGKILL to the group that an unreaped child leads: the number is its own until it is reaped. */
int sys_kill_group(pid_t leader);
int sys_set_pdeathsig(int sig);
int sys_set_dumpable(bool dumpable);
int sys_setsid(void);
int sys_close_range_cloexec(unsigned first); /* marks first.. as close-on-exec */
int sys_close_range(unsigned first, unsigned last);
int sys_random(void *buf, size_t n);
