/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Control groups behind one interface: v2, v1 and hybrid (v1 controllers beside a v2 tree without
 * controllers), none. What is mounted is read from /proc/self/mountinfo at each call.
 *
 * Paths are as in linux.cgroupsPath ("/dhow/ID"): relative to each hierarchy's mount point, never
 * with "..", never the root itself. Parents are made when missing and stay; only the group itself
 * is removed.
 *
 * Which v1 hierarchies get a directory (each costs 70 us: mkdir, attach, rmdir): those that a limit
 * asks for, and devices. A hybrid's v2 tree lists, freezes and kills; without one, freezer lists
 * and freezes, and name=systemd is joined so that the container leaves its caller's unit.
 *
 * Devices are always restricted: first nothing is allowed, then the spec's rules in their order,
 * then what every container has (null zero full random urandom tty console ptmx pts, and mknod of
 * anything). A privileged container's spec has a rule that allows all.
 */
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

enum cgroup_mode { CGROUP_NONE, CGROUP_V1, CGROUP_HYBRID, CGROUP_V2 };
enum cgroup_mode cgroup_detect(void);
const char *cgroup_mode_name(enum cgroup_mode mode); /* "v1" for hybrid too, as podman says it */

struct cgroup; /* opaque; owns directory fds */
/* `r` may be NULL: no limits. Limits that this kernel cannot apply are dropped; ret_warnings (owned
 * by the caller, may be NULL) says which. An empty group of that path is replaced, one with
 * processes is ERR_CONFLICT. */
int cgroup_create(const char *path, const struct oci_resources *r, struct cgroup **ret,
                  char ***ret_warnings, struct err *e);
int cgroup_open(const char *path, struct cgroup **ret, struct err *e); /* ERR_NOT_FOUND */
int cgroup_clone_fd(const struct cgroup *g); /* borrowed v2 directory for CLONE_INTO_CGROUP, or
                                                FD_NONE: attach only */
/* Joins every v1 hierarchy, and v2 (nothing happens when it was cloned into). */
#define CGROUP_MAX_JOINS 16
/* The files by which a child that was cloned with cgroup_clone_fd() joins the rest by itself: it
 * writes "0" to each. `ret_fds` has room for CGROUP_MAX_JOINS; owned by the caller. */
int cgroup_join_fds(const struct cgroup *g, int *ret_fds, size_t *ret_n, struct err *e);
int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *e);
/* New fd on memory.oom_control (v1) or memory.events (v2), or FD_NONE: its line "oom_kill N" is
 * read with pread(2) at offset 0; on v2 poll(2) says POLLPRI at a change. */
int cgroup_oom_fd(const struct cgroup *g);
int cgroup_oom_kills(const struct cgroup *g, uint64_t *ret); /* counter; -errno when unknown */
/* Processes in the group and below; owned array. */
int cgroup_pids(const struct cgroup *g, pid_t **ret_pids, size_t *ret_n, struct err *e);
int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e); /* waits, at most 2 s */
/* Kills everything inside and removes the directories; waits at most 2 s for the kernel. 0 when
 * there is none. Refuses a group that the caller is in. */
int cgroup_remove(const char *path, struct err *e);
void cgroup_free(struct cgroup *g);
