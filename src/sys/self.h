/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a process changes about itself before it executes another program: identity, limits,
 * directory, signals, fds. Every function returns >= 0 or -errno and passes a fault point. Plain
 * system calls: the thread-wide machinery of libc's setuid family is not wanted after a fork.
 */
#include <sys/resource.h>
#include <sys/types.h>

#include "base/def.h"

int sys_setgroups(const gid_t *gids, size_t n);
int sys_set_gid(gid_t gid); /* real, effective, saved */
int sys_set_uid(uid_t uid);
int sys_get_rlimit(int resource, struct rlimit *ret);
int sys_set_rlimit(int resource, const struct rlimit *limit);
/* Of a process (0: the caller): the hard limit becomes `hard` if it is below. */
int sys_raise_rlimit(pid_t pid, int resource, rlim_t hard);
void sys_umask(mode_t mask);
int sys_fchdir(int fd);
int sys_chdir(const char *path);
int sys_chroot_here(void);
int sys_getcwd(char *ret, size_t size); /* "(unreachable)..." is possible: see getcwd(2) */
int sys_reset_signals(void);            /* every handler the default, none blocked */
int sys_get_dumpable(void);             /* 0, 1 or 2: prctl(2) */
/* Leaves the keys of the caller behind: joins the keyring of this name, which is made if it is not
 * there, or (NULL) one of the caller's own. Its number. */
int sys_join_session_keyring(const char *name);
int sys_set_keyring_mode(int keyring, uint32_t mode); /* keyctl_setperm(3) */
int sys_dup_above(int fd, int lowest);                /* close-on-exec */
/* An executable, sealed memory file: nobody can change it, through no path and no fd. */
int sys_memfd_sealed_program(const char *name, const void *bytes, size_t n);
/* A sealed memory file with a text, at its beginning: what a program reads as its stdin. */
int sys_memfd_sealed_text(const char *name, const void *bytes, size_t n);
int sys_set_recv_timeout(int socket_fd, int timeout_ms);
int sys_set_send_timeout(int socket_fd, int timeout_ms);
