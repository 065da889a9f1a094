/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Namespaces: entering, leaving, and what is set inside a new one. Every function returns >= 0 or
 * -errno and passes a fault point. They act on the calling process.
 */
#include <sched.h>
#include <sys/types.h>

#include "base/def.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

int sys_setns(int fd, int flags); /* a namespace's fd, or a pidfd with a set of CLONE_NEW* */
int sys_unshare(int flags);
/* An fd of /proc/PID/ns/NAME; pid 0 is the caller. */
int sys_namespace_open(pid_t pid, const char *name);
/* CLONE_NEW* of a namespace's fd; -ENOTTY for any other file. */
int sys_namespace_type(int fd);
/* Device and inode name a namespace. */
int sys_namespace_id(pid_t pid, const char *name, uint64_t ret[static 2]);
int sys_sethostname(const char *name);
int sys_setdomainname(const char *name);
int sys_loopback_up(void); /* in the caller's network namespace */
/* "uid_map", "gid_map" or "setgroups" of a process. One write. */
int sys_write_id_map(pid_t pid, const char *file, const char *text);
