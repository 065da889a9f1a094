/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Control groups behind one interface: v2, v1 and hybrid (v1 controllers beside an empty v2 tree),
 * none. What is mounted is read from /proc/self/mountinfo and /proc/self/cgroup once a process.
 * Only groups beneath our own path are ever made or removed.
 *
 * v1: one directory per mounted hierarchy that we need (memory cpu,cpuacct pids devices cpuset
 * freezer blkio systemd). v2: one directory; controllers are enabled in the parents'
 * cgroup.subtree_control as far as the kernel allows.
 */
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

enum cgroup_mode { CGROUP_NONE, CGROUP_V1, CGROUP_HYBRID, CGROUP_V2 };
enum cgroup_mode cgroup_detect(void);
const char *cgroup_mode_name(enum cgroup_mode mode); /* "v1" for hybrid too, as podman says it */

struct cgroup; /* opaque */
/* `path` as in linux.cgroupsPath ("/dhow/ID"). Limits that this kernel cannot apply are dropped;
 * ret_warnings says which. */
int cgroup_create(const char *path, const struct oci_resources *r, struct cgroup **ret,
                  char ***ret_warnings, struct err *e);
int cgroup_open(const char *path, struct cgroup **ret, struct err *e); /* ERR_NOT_FOUND */
int cgroup_clone_fd(const struct cgroup *g); /* borrowed v2 directory for CLONE_INTO_CGROUP, or
                                                FD_NONE: attach later */
int cgroup_attach(const struct cgroup *g, pid_t pid,
                  struct err *e); /* joins every v1 hierarchy (and v2 if not cloned into) */
int cgroup_oom_fd(const struct cgroup *g); /* new fd: readable at an OOM kill, or FD_NONE */
int cgroup_oom_kills(const struct cgroup *g, uint64_t *ret); /* counter; -errno when unknown */
int cgroup_pids(const struct cgroup *g, pid_t **ret_pids, size_t *ret_n, struct err *e);
int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e);
/* Kills everything inside and removes the directories; waits at most 2 s for the kernel. 0 when
 * there is none. */
int cgroup_remove(const char *path, struct err *e);
void cgroup_free(struct cgroup *g);
