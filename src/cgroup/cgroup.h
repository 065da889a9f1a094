/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Control groups behind one interface: v2, v1, hybrid (v1 hierarchies beside a v2 tree), none. What
 * is mounted is read from /proc/self/mountinfo at each call. A controller is used where it is: in
 * its v1 hierarchy when that is mounted, else in the v2 tree.
 *
 * The life of a group:
 *
 *   cgroup_locate()  decides where it will be and looks at what is there already; touches nothing
 *   cgroup_id_of()   what a later process needs to find it again: store it before anything is made
 *   cgroup_make()    makes the directories, limits, device rules; then store cgroup_id_of() again
 *   cgroup_open_id() in a later process; cgroup_remove_id() at the end
 *
 * cgroup_create() is the first and the third of them, cgroup_open() and cgroup_remove() serve who
 * knows that a group has the same path everywhere and is all its own.
 *
 * Paths (linux.cgroupsPath): an absolute one counts from each hierarchy's mount point; a relative
 * one (and none at all, which means ID) from the caller's own group there, on a pure v2 system from
 * the parent of that: a group with processes can have no groups with limits below. Never with "..",
 * never the root itself. Parents are made when missing and stay; only the group itself is removed.
 *
 * Which v1 hierarchies get a directory (each costs 70 us: mkdir, attach, rmdir): with CGROUP_OCI
 * all; else those that a limit asks for, and devices; a hybrid's v2 tree lists, freezes and kills;
 * without one, freezer lists and freezes, and name=systemd is joined so that the container leaves
 * its caller's unit.
 *
 * Whose a group is, is decided for each directory: one that was made is ours; one that was found
 * empty is removed if it is empty again; one that was found with processes in it, which are
 * somebody's, is left alone. Nobody else's process is ever killed.
 *
 * Devices are always restricted: first nothing is allowed, then the spec's rules in their order,
 * then what every container has (null zero full random urandom tty console ptmx pts, and mknod of
 * anything; with CGROUP_OCI the tun device, as runc and crun have it). A privileged container's
 * spec has a rule that allows all.
 */
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"
#include "oci/spec.h"

enum cgroup_mode { CGROUP_NONE, CGROUP_V1, CGROUP_HYBRID, CGROUP_V2 };
enum cgroup_mode cgroup_detect(void);
const char *cgroup_mode_name(enum cgroup_mode mode); /* "v1" for hybrid too, as podman says it */

enum cgroup_manager {
    CGROUP_MANAGER_CGROUPFS, /* directories are made here */
    CGROUP_MANAGER_SYSTEMD,  /* a scope of systemd, by D-Bus; the rest as above */
    CGROUP_MANAGER_DISABLED, /* the container stays where its caller is */
    CGROUP_MANAGER_MAX
};
extern const char *const cgroup_manager_names[CGROUP_MANAGER_MAX]; /* "cgroupfs" ... */

enum cgroup_request_flags {
    CGROUP_OCI = 1 << 0, /* as an OCI runtime: every hierarchy (for later updates and statistics);
                            a limit that this kernel lacks is an error, not a warning */
    CGROUP_JOIN_EXISTING = 1 << 1, /* a group with processes is joined, with a warning, and an empty
                                      one kept with what is set in it; else the first is
                                      ERR_CONFLICT and the second is made anew */
    CGROUP_ROOTLESS = 1 << 2,      /* without a path of its own, a container whose group may not be
                                      made stays in its caller's; its limits are errors. systemd:
                                      the user's manager */
};
struct cgroup_request {
    const char *path; /* linux.cgroupsPath or NULL; for systemd "SLICE:PREFIX:NAME" */
    const char *id;   /* names the group when there is no path */
    enum cgroup_manager manager;
    unsigned flags;
    const struct oci_resources *resources; /* NULL: no limits */
    char *const *annotations;              /* "org.systemd.property.X=VALUE" count, for systemd */
    const uid_t *owner; /* v2: who may make groups below and move processes (a user namespace's
                           root); NULL: nobody */
};

struct cgroup; /* opaque; owns directory fds */

/* What state.json keeps: plain strings, by cgroup_id_json. */
enum cgroup_hold {
    CGROUP_HOLD_PLANNED, /* not there when it was looked for: removed if empty */
    CGROUP_HOLD_MADE,    /* ours: killed and removed */
    CGROUP_HOLD_FOUND,   /* was there, empty: removed if empty */
    CGROUP_HOLD_SHARED,  /* was there, in use: left alone */
    CGROUP_HOLD_MAX
};
struct cgroup_place {
    char *hierarchy; /* "unified" (v2), "systemd", "memory", "cpu,cpuacct" */
    char *path;      /* from its mount point: "/dhow/ID" */
    enum cgroup_hold hold;
};
struct cgroup_id {
    enum cgroup_manager manager;
    char *path; /* for people: the first place's, or "" */
    char *unit; /* systemd's, else NULL */
    bool is_user_unit;
    VEC(struct cgroup_place) places;
};
extern const struct json_struct cgroup_id_json;
void cgroup_id_done(struct cgroup_id *id);

/* ERR_CONFLICT: in use, or frozen. `ret_warnings` (owned by the caller, may be NULL) may be set
 * even to NULL. */
int cgroup_locate(const struct cgroup_request *q, struct cgroup **ret, char ***ret_warnings,
                  struct err *e);
/* The same request. Limits that this kernel cannot apply are warnings, or errors (CGROUP_OCI). What
 * was made is removed again on failure. */
int cgroup_make(struct cgroup *g, const struct cgroup_request *q, char ***ret_warnings,
                struct err *e);
int cgroup_create(const struct cgroup_request *q, struct cgroup **ret, char ***ret_warnings,
                  struct err *e);
/* When the container's first process is in the group, in all hierarchies: lets go of what kept
 * systemd's scope alive until then. Nothing happens with other managers. cgroup_free() does it too,
 * but a process limit is one too high then. */
int cgroup_settle(struct cgroup *g, struct err *e);
int cgroup_open(const char *path, struct cgroup **ret, struct err *e); /* ERR_NOT_FOUND */
int cgroup_open_id(const struct cgroup_id *id, struct cgroup **ret, struct err *e); /* likewise */
void cgroup_free(struct cgroup *g);
void cgroup_id_of(const struct cgroup *g, struct cgroup_id *ret); /* a copy */
const char *cgroup_path(const struct cgroup *g);                  /* borrowed; "" for none */
bool cgroup_is_shared(const struct cgroup *g); /* others' processes were in it before ours */

/* Changes what `r` has, in the order that the kernel accepts, and nothing else. Values of 0 mean
 * "not set" as in a spec. `flags`: CGROUP_OCI. */
int cgroup_update(const struct cgroup *g, const struct oci_resources *r, unsigned flags,
                  char ***ret_warnings, struct err *e);

/* Processes enter */

int cgroup_clone_fd(const struct cgroup *g); /* borrowed v2 directory for CLONE_INTO_CGROUP, or
                                                FD_NONE: attach only */
/* Joins every v1 hierarchy, and v2 (nothing happens when it was cloned into). */
#define CGROUP_MAX_JOINS 16
/* The files by which a child that was cloned with cgroup_clone_fd() joins the rest by itself: it
 * writes "0" to each. `ret_fds` has room for CGROUP_MAX_JOINS; owned by the caller. */
int cgroup_join_fds(const struct cgroup *g, int *ret_fds, size_t *ret_n, struct err *e);
/* A plain user moves a process between groups that are both his; out of another one, like that of a
 * login, into a scope of his, his systemd does. */
int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *e);
/* For one more process: the group below, by values of exec's --cgroup: "PATH" alone or
 * "CONTROLLER[,CONTROLLER]:PATH" each. NULL or empty: the group itself. */
int cgroup_open_below(const struct cgroup_id *id, char *const *below, struct cgroup **ret,
                      struct err *e);
/* v2: when the group takes no process any more (its groups below have controllers: -EBUSY from
 * clone), one more process goes where `init` is. */
int cgroup_follow(struct cgroup *g, pid_t init, struct err *e);

/* What a container sees */

/* Is the group in the hierarchy of a line of /proc/PID/cgroup: "cpu,cpuacct", "name=systemd", ""
 * for v2? */
bool cgroup_is_in(const struct cgroup *g, const char *controllers);
struct cgroup_shown {
    int dirfd;        /* O_PATH; borrowed */
    const char *name; /* of the hierarchy's mount point: "memory", "unified"; borrowed */
};
/* The group's directories; their number. */
size_t cgroup_list_shown(const struct cgroup *g, struct cgroup_shown ret[static CGROUP_MAX_JOINS]);

/* Processes inside */

/* Processes in the group and below; owned array. */
int cgroup_pids(const struct cgroup *g, pid_t **ret_pids, size_t *ret_n, struct err *e);
/* Every process in the group and below, wherever it is frozen or forks meanwhile. SIGKILL thaws. A
 * shared group's others get it too. */
int cgroup_signal(const struct cgroup *g, int sig, struct err *e);
int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e); /* waits, at most 2 s */
/* The directory in which cgroup_freeze() writes, for programs that freeze by themselves; owned, or
 * NULL: none. */
char *cgroup_freezer_path(const struct cgroup *g) DHOW_MUST_USE;
int cgroup_is_frozen(const struct cgroup *g); /* 1, 0, -errno; by itself, not by a group above */

/* New fd on memory.oom_control (v1) or memory.events (v2), or FD_NONE: its line "oom_kill N" is
 * read with pread(2) at offset 0; on v2 poll(2) says POLLPRI at a change. */
int cgroup_oom_fd(const struct cgroup *g);
int cgroup_oom_kills(const struct cgroup *g, uint64_t *ret); /* counter; -errno when unknown */

/* News for an event loop: poll(2) the fd for POLLIN, then read. */
struct cgroup_watch; /* opaque; outlives the group that it was made of */
struct cgroup_news {
    uint64_t n_oom; /* times that memory ran out (v1), or processes killed for it (v2) */
    bool is_over;   /* the group is gone (v1), or empty (v2) */
};
int cgroup_watch_new(const struct cgroup *g, struct cgroup_watch **ret, struct err *e);
int cgroup_watch_fd(const struct cgroup_watch *w);                       /* borrowed */
void cgroup_watch_read(struct cgroup_watch *w, struct cgroup_news *ret); /* never blocks */
void cgroup_watch_free(struct cgroup_watch *w);

/* The end */

/* Kills everything inside and removes the directories; waits at most 2 s for the kernel. 0 when
 * there is none. Refuses a group that the caller is in. */
int cgroup_remove(const char *path, struct err *e);
/* The same by each directory's hold. 0 also when something was left because it is not ours. */
int cgroup_remove_id(const struct cgroup_id *id, struct err *e);
/* The same for a group whose container did not come to be: as far as it was made. */
int cgroup_undo(struct cgroup *g, struct err *e);
