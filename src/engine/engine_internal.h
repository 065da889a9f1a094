/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the files of engine/ share. Nothing here is for the skins above.
 *
 * Locks: one lock file an object, RUNROOT/locks/ID, held by whoever changes the container's state
 * (start, finish, remove, pause); it is inherited by the process that becomes the monitor and ends
 * when that one executes the monitor program. Readers take none.
 */
#include "engine/engine.h"
#include "oci/image.h"
#include "oci/spec.h"

struct engine {
    enum store_mode mode;
    struct store *store;
    char *root;
    char *runroot;
    char *libexec;
    int run_fd;        /* RUNROOT; FD_NONE when it is not there (read mode) */
    int containers_fd; /* RUNROOT/containers; the same */
};

/* The path of dhow-monitor or dhow-image, owned; where it belongs when it is not there. */
char *engine_helper(const struct engine *en, const char *name);

/* ---- run directories: RUNROOT/containers/ID/ (rundir.c) ---- */
struct rundir_init {
    pid_t pid;
    uint64_t start_ticks;
    int64_t started_ns;
    bool is_this_boot;
};
struct rundir_exit {
    int32_t code;
    int32_t signal;
    int64_t finished_ns;
    bool oom;
};
/* Each returns 0, or -errno; -ENOENT when there is none. */
int rundir_open(const struct engine *en, const char *id, int *ret_fd);
int rundir_write_init(int rundir, const struct rundir_init *init);
int rundir_read_init(int rundir, struct rundir_init *ret);
int rundir_read_exit(int rundir, struct rundir_exit *ret);
bool rundir_has_monitor(int rundir);                        /* its lock is held */
int rundir_remove(const struct engine *en, const char *id); /* the whole directory */
bool rundir_is_paused(int rundir);
int rundir_set_paused(int rundir, bool paused);

/* ---- status (status.c) ---- */
void status_of(const struct engine *en, const struct store_container *c, struct engine_status *ret);
bool status_is_alive(const struct engine_status *s); /* running or paused */

/* ---- locks (lock.c) ---- */
int lock_container(const struct engine *en, const char *id, int *ret_fd, struct err *e);
int lock_container_try(const struct engine *en, const char *id,
                       int *ret_fd); /* -EAGAIN when another holds it */
void lock_forget(const struct engine *en,
                 const char *id); /* removed container: unlink, while held */

/* ---- options and the spec (options.c, spec*.c) ---- */
int options_load(const struct store_container *c, struct engine_options *ret, struct err *e);

/* All that a start or an exec needs to know, from the options, the image's configuration and the
 * defaults. Owns its parts. */
struct launch {
    struct engine_options options;
    struct oci_image_config image;
    struct oci_spec spec;
    struct oci_process *process; /* borrowed from spec */
    char *user;                  /* "NAME[:GROUP]" or NULL */
    char *cgroup_path;
    char *hostname;
};
int launch_build(struct engine *en, const struct store_container *c, struct launch *ret,
                 struct err *e);
void launch_done(struct launch *l);
int launch_add_mounts(struct launch *l, struct err *e);
int launch_add_seccomp(struct launch *l, struct err *e);
int launch_add_resources(struct launch *l, struct err *e);
int launch_capabilities(const struct engine_options *o, char ***ret, struct err *e);
char *launch_cgroup_path(const struct engine_options *o, const char *id);
char *launch_cgroup_path_of(const struct store_container *c); /* without the rest; owned */
int launch_stop_signal(struct engine *en, const struct store_container *c,
                       const struct engine_options *o, int *ret);

/* ---- steps of a life that others need (finish.c, remove.c) ---- */
/* With the container's lock held: records the exit, removes cgroup and run directory, removes the
 * container with --rm. */
int finish_locked(struct engine *en, const struct store_container *c, struct err *e);
int remove_locked(struct engine *en, const char *id, struct err *e);
/* Heals what killed processes left (RUNROOT/containers without a monitor). Errors are logged, never
 * fatal. */
void heal(struct engine *en);

/* ---- names (names.c) ---- */
bool names_is_valid(const char *name); /* [a-zA-Z0-9][a-zA-Z0-9_.-]* */
char *names_random(void);
