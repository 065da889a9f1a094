/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What an event loop around poll(2) needs. Every function returns >= 0 or -errno and passes a fault
 * point.
 */
#include <signal.h>
#include <sys/types.h>

#include "base/def.h"

int sys_set_nonblock(int fd);   /* of the open file description: only for one that is ours alone */
int sys_dup_to(int fd, int to); /* dup3(2); `to` is close-on-exec */
int sys_pipe_capacity(int fd);  /* bytes; -EBADF for what is not a pipe */
int sys_signalfd(const sigset_t *mask); /* fd; non-blocking. The caller blocks the signals */
int sys_raise(int sig);

/* Reaps the child behind a pidfd: its status in waitpid(2) form. -EAGAIN while it lives; -ECHILD
 * when it is not ours. Never blocks. */
int sys_wait_pidfd(int pidfd, int *ret_status);

int sys_eventfd(void); /* fd of a counter at 0; non-blocking */
/* New non-blocking inotify(7) fd on the directory `dirfd`, IN_* events. */
int sys_watch_dir(int dirfd, uint32_t events);
