/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Making a file system and putting a mount on a place in the container's root: the child's side. */
#include "runtime/init.h"
#include "runtime/mountopt.h"

/* A detached mount, or -1, or -2 with no error set: a parameter is too long for this, use
 * mounts_put(). `source` may be NULL. */
int mounts_make(const char *type, const char *source, const struct mountopt_param *params, size_t n,
                uint64_t attributes, struct err *e);
/* The same on a target of the root, by mount(2). */
int mounts_put(const char *type, const char *source, const struct mountopt_param *params, size_t n,
               uint64_t attributes, int target_fd, struct err *e);
/* Attaches at the clean path; ROOTPATH_* flags say what the target must be. */
int mounts_attach(struct init *init, int mount_fd, const char *clean_path, unsigned flags,
                  struct err *e);

/* Is what is mounted at the fd's place mounted elsewhere too? 1, 0 or -errno. */
int mounts_are_shared_at(int fd);

/* type "cgroup": cgroup2, or on v1 a tmpfs with every hierarchy of the host in it
 * (mounts_cgroup.c). */
/* Before the cgroup namespace is made: which hierarchies are the container's. */
int mounts_cgroup_remember(struct init *init, struct err *e);
int mounts_cgroup(struct init *init, const char *clean_path, uint64_t attributes, struct err *e);
