/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the files of cgroup/ share. */
#include "base/vec.h"
#include "cgroup/cgroup.h"

struct bpf_insn;

enum cgroup_controller {
    CGROUP_MEMORY,
    CGROUP_CPU,
    CGROUP_CPUACCT,
    CGROUP_CPUSET,
    CGROUP_PIDS,
    CGROUP_IO, /* "blkio" in v1 */
    CGROUP_HUGETLB,
    CGROUP_RDMA,
    CGROUP_MISC,
    CGROUP_NET_CLS,  /* v1 only, as the next */
    CGROUP_NET_PRIO, /* v1 */
    CGROUP_PERF_EVENT,
    CGROUP_DEVICES, /* v2: a program */
    CGROUP_FREEZER, /* v2: a file of every group */
    CGROUP_SYSTEMD, /* the named hierarchy without a controller; v2: files of every group */
    CGROUP_CONTROLLER_MAX
};
/* By the name in its version. */
const char *cgroup_controller_name(enum cgroup_controller c);    /* v1; for people too */
const char *cgroup_controller_name_v2(enum cgroup_controller c); /* NULL: not in v2 */
#define CGROUP_BIT(c) (1u << (c))

#define CGROUP_MAX_HIERARCHIES 16
#define CGROUP_WAIT_MS         2000
#define CGROUP_FILE_MAX_BYTES  65536
#define CGROUP_MAX_DEPTH       64

/* mounts.c: what is mounted where. Mount points without controllers of ours are left out. */
struct cgroup_mount {
    char *point;
    char *root;           /* what of the hierarchy is mounted: "/" on a host */
    unsigned controllers; /* CGROUP_BIT()s; 0 for v2 */
    bool is_v2;
};
struct cgroup_mounts {
    enum cgroup_mode mode;
    struct cgroup_mount items[CGROUP_MAX_HIERARCHIES];
    size_t n;
};
void cgroup_mounts_parse(const char *mountinfo, struct cgroup_mounts *ret);
int cgroup_mounts_read(struct cgroup_mounts *ret, struct err *e);
void cgroup_mounts_done(struct cgroup_mounts *m);
unsigned cgroup_controllers_parse(const char *list);    /* "cpu,cpuacct", "name=systemd"; v1 bits */
unsigned cgroup_controllers_parse_v2(const char *list); /* "cpu io\n" */
char *cgroup_mount_name(const struct cgroup_mount *m) DHOW_MUST_USE; /* of a place */
bool cgroup_mount_has_name(const struct cgroup_mount *m, const char *name);
unsigned cgroup_mounts_v1(const struct cgroup_mounts *m); /* all bits that v1 holds */
bool cgroup_mounts_have_v2(const struct cgroup_mounts *m);

/* path.c: where a group is. */
/* Checks a path and returns it without leading, doubled and trailing slashes; owned, or NULL. */
char *cgroup_path_clean(const char *path, struct err *e);
/* The path of the lines "N:CONTROLLERS:PATH" of a /proc/PID/cgroup in the mount's hierarchy, as
 * seen from its mount point; owned, "" for the root, NULL when there is no line. */
char *cgroup_path_in(const char *proc_cgroup, const struct cgroup_mount *m);
/* A relative path's place, from the caller's own (of the above). Clean. */
char *cgroup_path_below(const char *own, const char *relative, enum cgroup_mode mode);

/* limits*.c: resources to writes, in order. Pure. */
enum cgroup_write_flags {
    CGROUP_WRITE_OPTIONAL = 1 << 0, /* no such file: nothing to say */
    CGROUP_WRITE_RETRY = 1 << 1,    /* EINVAL: once more at the end; it depends on a later one */
    CGROUP_WRITE_SHARES = 1 << 2,   /* the kernel clamps it without a word */
};
struct cgroup_write {
    enum cgroup_controller controller;
    char *file;
    char *text;
    char *other_file; /* where `file` is not there, or NULL */
    char *other_text; /* NULL: the same */
    const char *what; /* for the warning: "memory limit" */
    unsigned flags;
};
struct cgroup_writes {
    VEC(struct cgroup_write) list;
    char **missing; /* limits that this version has no file for: whats */
    char **ignored; /* what the specification says to ignore: sentences */
};
/* What is set already, where a new value depends on it. */
struct cgroup_now {
    struct json_opt_i64 memory_limit; /* bytes, INT64_MAX: none */
    struct json_opt_i64 memory_usage; /* bytes, for checkBeforeUpdate */
    struct json_opt_i64 cpu_quota;    /* microseconds, -1: none */
    struct json_opt_u64 cpu_period;   /* microseconds */
};
struct cgroup_view {
    unsigned v1; /* the controllers that are mounted as v1: CGROUP_BIT()s */
    bool has_v2;
    struct cgroup_now now; /* unset: as a new group has it */
};
int cgroup_plan(const struct oci_resources *r, const struct cgroup_view *view,
                struct cgroup_writes *ret, struct err *e);
void cgroup_writes_done(struct cgroup_writes *w);
unsigned cgroup_writes_controllers(const struct cgroup_writes *w); /* bits */
bool cgroup_view_is_v1(const struct cgroup_view *v, enum cgroup_controller c);
uint64_t cgroup_weight_of_shares(uint64_t shares);
/* For limits*.c: takes `text`; the write may be given more by the result, until the next one. */
struct cgroup_write *cgroup_add_write(struct cgroup_writes *w, enum cgroup_controller c,
                                      const char *file, const char *what, char *text);
void cgroup_add_missing(struct cgroup_writes *w, const char *what);
void cgroup_plan_block_io(const struct oci_block_io *b, bool is_v1, struct cgroup_writes *w);
int cgroup_plan_hugepages(const struct oci_resources *r, bool is_v1, struct cgroup_writes *w,
                          struct err *e);
int cgroup_plan_network(const struct oci_network *n, const struct cgroup_view *view,
                        struct cgroup_writes *w, struct err *e);
int cgroup_plan_rdma(const struct oci_resources *r, struct cgroup_writes *w, struct err *e);
int cgroup_plan_unified(const struct oci_resources *r, const struct cgroup_view *view,
                        struct cgroup_writes *w, struct err *e);

/* apply.c: writes to files. */
void cgroup_warn(char ***warnings, char *owned_text);                 /* each once */
void cgroup_view_of(const struct cgroup *g, struct cgroup_view *ret); /* with nothing in `now` */
void cgroup_read_now(const struct cgroup *g, const struct oci_resources *r, struct cgroup_now *ret);
int cgroup_apply_limits(const struct cgroup *g, const struct cgroup_writes *w, unsigned flags,
                        char ***warnings, struct err *e);

/* devices.c: the rules in force, as v1 text and as a v2 program. Pure. */
struct device_rule {
    char type; /* 'b' 'c', or 'a' for both */
    bool is_allowed;
    int64_t major; /* -1: all */
    int64_t minor;
    unsigned access; /* BPF_DEVCG_ACC_* */
};
struct device_rules {
    VEC(struct device_rule) list;
    bool allows_all; /* nothing to restrict */
};
void device_rules_make(const struct oci_resources *r, unsigned flags, struct device_rules *ret);
void device_rules_done(struct device_rules *d);
char *device_rule_text(const struct device_rule *r) DHOW_MUST_USE; /* "c 1:3 rwm" */
/* v1: what holds by default, and the exceptions. */
struct device_state {
    bool is_allowed;
    VEC(struct device_rule) exceptions;
};
int device_state_of(const struct device_rules *d, struct device_state *ret, struct err *e);
void device_state_parse(const char *devices_list, struct device_state *ret);
void device_state_add(struct device_state *s, const struct device_rule *r);
/* Of the exception with the same numbers; 0 without one. */
unsigned device_state_access(const struct device_state *s, const struct device_rule *r);
void device_state_done(struct device_state *s);
/* device_program.c */
struct bpf_insn *device_rules_program(const struct device_rules *d, size_t *ret_n); /* owned */

/* apply_devices.c */
int cgroup_apply_devices(const struct cgroup *g, const struct device_rules *rules, unsigned flags,
                         char ***warnings, struct err *e);
/* Of a running container: no access that both the old and the new rules allow is ever refused. */
int cgroup_update_devices(const struct cgroup *g, const struct device_rules *rules, unsigned flags,
                          char ***warnings, struct err *e);

/* One directory of a group. */
struct cgroup_dir {
    int fd; /* O_PATH; FD_NONE while it is not there */
    const struct cgroup_mount *mount;
    char *path; /* clean: "dhow/ID" */
    enum cgroup_hold hold;
};
/* systemd.c: who keeps a scope alive until the container is in it. */
struct cgroup_holder {
    pid_t pid;
    int pidfd;      /* FD_NONE: there is none */
    int fd;         /* its end is the holder's */
    char *pids_max; /* what the limit is to be without it */
};
void cgroup_holder_done(struct cgroup_holder *h);

struct cgroup {
    enum cgroup_manager manager;
    struct cgroup_mounts mounts;
    char *path; /* for people: "/dhow/ID" */
    char *unit;
    bool is_user_unit;
    bool is_fixed; /* somebody chose it: cgroup_follow() does not */
    struct cgroup_holder holder;
    struct cgroup_dir dirs[CGROUP_MAX_HIERARCHIES];
    size_t n;
};
struct cgroup *cgroup_new(struct err *e); /* with the mounts read */
/* The directories that an id names, not opened. */
int cgroup_of_id(const struct cgroup_id *id, struct cgroup **ret, struct err *e);
struct cgroup_dir *cgroup_add_dir(struct cgroup *g, const struct cgroup_mount *m, char *owned_path);
int cgroup_open_dir(struct cgroup_dir *d);     /* 0, -errno */
bool cgroup_has_found(const struct cgroup *g); /* something was there before it was made */
int cgroup_v2_fd(const struct cgroup *g);      /* borrowed, FD_NONE */
int cgroup_controller_fd(const struct cgroup *g, enum cgroup_controller c); /* v1; borrowed */
/* Where the files of `c` are: v1 where it is mounted so, else v2; FD_NONE. */
int cgroup_limit_fd(const struct cgroup *g, enum cgroup_controller c);
bool cgroup_is_v1(const struct cgroup *g, enum cgroup_controller c);

/* inside.c: processes of a directory and below it. */
struct cgroup_pid_list {
    VEC(pid_t) list;
};
void cgroup_pid_list_done(struct cgroup_pid_list *p);
int cgroup_read_pids(int dirfd, struct cgroup_pid_list *ret); /* appends; 0 when it is gone */
int cgroup_signal_listed(int dirfd, int sig);                 /* 0, or the first error */
bool cgroup_pid_list_has(const struct cgroup_pid_list *p, pid_t pid);
/* Groups below; owned vector, NULL for none. */
int cgroup_list_groups(int dirfd, char ***ret);

/* systemd.c */
int cgroup_systemd_locate(struct cgroup *g, const struct cgroup_request *q, char **ret_path,
                          struct err *e);
int cgroup_systemd_start(struct cgroup *g, const struct cgroup_request *q, struct err *e);
int cgroup_systemd_update(const struct cgroup *g, const struct oci_resources *r,
                          const struct cgroup_now *now, struct err *e);
int cgroup_systemd_attach(const struct cgroup *g, const char *path, pid_t pid, struct err *e);
int cgroup_systemd_stop(const struct cgroup *g, struct err *e); /* 0 when there is none */
void cgroup_make_room_for_holder(struct cgroup *g, struct cgroup_writes *w);

/* locate.c */
/* Finds out whose the directory is; the number of processes in it or -errno. */
int cgroup_look_at_dir(struct cgroup_dir *d);

/* freeze.c */
int cgroup_dir_is_frozen(const struct cgroup_dir *d); /* 1, 0 (no freezer here, too), -errno */
/* Waits until FILE of the v2 directory has LINE, which poll(2) announces. */
int cgroup_wait_for_line(int dirfd, const char *file, const char *line, int64_t deadline_ms);
int64_t cgroup_now_ms(void);
void cgroup_sleep_ms(int ms);

DEFINE_AUTO_PTR(struct cgroup, cgroup, cgroup_free);
