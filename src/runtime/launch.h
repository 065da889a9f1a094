/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The parent's side of a plan: prepare what the child needs as fds, clone it, answer it. Used by
 * create and exec.
 */
#include <sys/types.h>

#include "cgroup/cgroup.h"
#include "runtime/init.h"
#include "runtime/sync.h"
#include "sys/process.h"

struct launch {
    const struct runtime_plan *plan;
    struct seccomp_program seccomp;
    int *source_fds; /* plan->sources.len */
    bool child_opens_sources;
    int join_fds[PLAN_JOIN_MAX];
    int mount_point_fd;
    int cgroup_fd; /* v2 directory to be born in; FD_NONE; borrowed */
    int cgroup_join_fds[CGROUP_MAX_JOINS];
    size_t n_cgroup_joins;
    const struct cgroup *cgroup; /* borrowed; NULL: the caller's */
    int cgroup_trees[CGROUP_MAX_JOINS];
    size_t n_cgroup_trees;
    int stub_fd;
    int init_pidfd; /* exec; borrowed */
    int exec_namespaces;
    int (*prepared)(struct launch *l, struct err *e); /* create: what PREPARED asks for */
    bool is_plain_user;                               /* without CAP_SYS_ADMIN here */
    bool is_score_denied; /* oomScoreAdj: the plain user may not set it */
    /* Writes the id maps of the new user namespace that `pid` is in, and says so on the socket. */
    int (*map)(struct launch *l, pid_t pid, int sync_fd, struct err *e);
    bool is_mapped; /* a stage was in it, and has been told */
    bool is_moved;  /* the stage is born in our cgroup, and moved */
    /* the child */
    pid_t pid;
    int pidfd;
    int sync_fd;
    int terminal_fd;
};
#define LAUNCH_NONE                                                                                \
    {                                                                                              \
        .join_fds = {FD_NONE, FD_NONE, FD_NONE, FD_NONE, FD_NONE, FD_NONE, FD_NONE, FD_NONE},      \
        .mount_point_fd = FD_NONE, .cgroup_fd = FD_NONE, .stub_fd = FD_NONE,                       \
        .init_pidfd = FD_NONE, .pidfd = FD_NONE, .sync_fd = FD_NONE, .terminal_fd = FD_NONE        \
    }

_Static_assert(PLAN_JOIN_MAX == 8, "LAUNCH_NONE has a FD_NONE for each");

/* Opens and compiles all that the child needs. */
int launch_prepare(struct launch *l, const struct runtime_plan *p, struct err *e);
/* The child is to be born in, and to join, this group. */
int launch_set_cgroup(struct launch *l, const struct cgroup *g, struct err *e);
/* Clones the child. */
int launch_clone(struct launch *l, struct err *e);
/* What the child begins with; it is the last user of the launch's memory. */
struct init launch_init(struct launch *l, int sync_fd);
/* sys_clone() of a child that nobody can look into. */
pid_t launch_clone_hidden(const struct launch *l, const struct sys_clone_args *args);
void launch_close_creator_fds(const struct launch *l);
/* Answers the child's questions until `until` (SYNC_READY), or until it executes (SYNC_NONE). */
int launch_serve(struct launch *l, enum sync_type until, struct err *e);
/* Closes what was only for the child. Kills and reaps the child if it is still owned here. */
void runtime_launch_done(struct launch *l);
/* A child that died in the middle has often said why: that replaces an error of ours about the
 * closed socket. */
void launch_explain(struct launch *l, struct err *e);
/* The score that the out-of-memory killer adds to the child's; one that we may not set is a
 * warning. */
int launch_adjust_oom_score(struct launch *l, char ***inout_warnings, struct err *e);
/* Whether this kernel can give the labels that are asked for. */
int labels_check_host(const struct runtime_plan *p, struct err *e);
/* SIGKILL and reap. */
void launch_kill(int pidfd);

/* exec.c: who enters a running container needs these. */
/* Its pidfd, or -1: believed together with the start time only. */
int exec_open_init(pid_t pid, uint64_t start_ticks, struct err *e);
/* CLONE_NEW* of all that are not the caller's, without that for pids. */
int exec_find_namespaces(pid_t pid, int *ret, struct err *e);
