/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * CRIU, checkpoint and restore in user space (criu.org/C_API), by its library, loaded when it is
 * wanted. The library starts the program criu, which does the work and writes a log into the work
 * directory. Every function returns >= 0 or -errno and passes a fault point; -ELIBACC: there is no
 * such library here; -EBADE: criu says no, its log says why.
 *
 * One request at a time, in a single-threaded process: the library keeps its options in globals.
 */
#include <sys/types.h>

#include "base/def.h"

/* criu's own numbers. */
enum sys_criu_cgroup_mode {
    SYS_CRIU_CGROUP_IGNORE = 0,
    SYS_CRIU_CGROUP_SOFT = 3,
    SYS_CRIU_CGROUP_FULL = 4,
    SYS_CRIU_CGROUP_STRICT = 5
};

struct sys_criu; /* opaque */
/* `program`: path or name of criu. */
int sys_criu_open(const char *program, struct sys_criu **ret);
void sys_criu_close(struct sys_criu *c);
/* Does it work with this kernel? -ENOEXEC: the program does not run. */
int sys_criu_check(struct sys_criu *c);

/* What a dump and a restore have in common. */
enum sys_criu_flags {
    SYS_CRIU_TCP_ESTABLISHED = 1 << 0,
    SYS_CRIU_TCP_SKIP_IN_FLIGHT = 1 << 1,
    SYS_CRIU_EXT_UNIX_SK = 1 << 2,
    SYS_CRIU_SHELL_JOB = 1 << 3,
    SYS_CRIU_FILE_LOCKS = 1 << 4,
    SYS_CRIU_AUTO_DEDUP = 1 << 5,
    SYS_CRIU_LINK_REMAP = 1 << 6,
    SYS_CRIU_LEAVE_RUNNING = 1 << 7, /* dump */
    SYS_CRIU_PRE_DUMP = 1 << 8,      /* dump: memory only, the process goes on */
    SYS_CRIU_ORPHAN_PTS_MASTER =
        1 << 9 /* the terminal's master is the caller's; a restore makes it */
};
struct sys_criu_options {
    int images_fd;        /* directory of the images */
    int work_fd;          /* directory of the logs */
    const char *log_file; /* in the work directory */
    const char *root;     /* the container's root file system; for restore a mount point */
    const char *parent;   /* path from the images directory to an earlier dump's; NULL: none */
    const char *lsm_profile;
    unsigned flags;
    enum sys_criu_cgroup_mode cgroup_mode;
};
void sys_criu_set(struct sys_criu *c, const struct sys_criu_options *o);
int sys_criu_add_mount(struct sys_criu *c, const char *inside, const char *outside);
int sys_criu_add_external(struct sys_criu *c, const char *key);
/* `key` as readlink(2) of the old descriptor has it: "pipe:[123]". */
int sys_criu_add_inherited(struct sys_criu *c, int fd, const char *key);
int sys_criu_add_cgroup(struct sys_criu *c, const char *controller, const char *path);

/* `freezer`: the directory of a group to freeze while it is dumped, or NULL. */
int sys_criu_dump(struct sys_criu *c, pid_t pid, const char *freezer);
/* Called by criu's stages, "setup-namespaces" among them; a negative answer ends the restore. */
typedef int sys_criu_stage_fn(void *arg, const char *stage, pid_t pid);
/* The pid of the first process, a child of the caller; ret_terminal: the master of its terminal or
 * FD_NONE. `fn` may be NULL. */
pid_t sys_criu_restore(struct sys_criu *c, sys_criu_stage_fn *fn, void *arg, int *ret_terminal);
