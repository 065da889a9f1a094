/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * BPF: seccomp filters (classic) and device programs of a control group (extended). Every function
 * returns >= 0 or -errno and passes a fault point.
 */
#include <linux/filter.h>
#include <stdint.h>

#include "base/def.h"

struct bpf_insn;

/* seccomp(SECCOMP_SET_MODE_FILTER) on the calling thread. 0, or the listener (close-on-exec) with
 * SECCOMP_FILTER_FLAG_NEW_LISTENER. Not for SECCOMP_FILTER_FLAG_TSYNC. */
int sys_seccomp_load(const struct sock_filter *insns, unsigned short n, unsigned flags);
/* 1 when this kernel has the action (SECCOMP_RET_*), or all the flags (SECCOMP_FILTER_FLAG_*). */
int sys_seccomp_knows_action(uint32_t action);
int sys_seccomp_knows_flags(unsigned flags);
/* 1 when the fd is a listener of a seccomp filter. */
int sys_seccomp_is_listener(int fd);

/* Loads a BPF_PROG_TYPE_CGROUP_DEVICE program and returns its fd; `name` of at most 15 letters,
 * digits and '_'. Where locked memory is limited the limit is raised for the moment, if it may be.
 */
int sys_bpf_load_device(const struct bpf_insn *insns, size_t n, const char *name);
/* Attaches it to the group (a v2 directory) for good; BPF_F_ALLOW_MULTI: all programs must agree.
 * `replaced_fd` is one that it takes the place of at once (Linux 5.6), or FD_NONE. */
int sys_bpf_attach_device(int cgroup_fd, int prog_fd, int replaced_fd);
int sys_bpf_detach_device(int cgroup_fd, int prog_fd);
/* The fd of the first program of this name on the group; -ENOENT when there is none. */
int sys_bpf_find_device(int cgroup_fd, const char *name);
