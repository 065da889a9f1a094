/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Creating.
 *
 * The order makes a kill harmless anywhere: the directory, then its lock, then a state without a
 * pid but with the cgroup's path, then the process, which dies with us until its pid is recorded,
 * then DETACH, and last the caller's pid file. What a killed creation leaves is a directory (and a
 * cgroup that the state names): lifecycle_delete() with force removes both. A creation that fails
 * leaves nothing.
 *
 * The debug messages name the stages with runc's words, which its callers look for.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "base/units.h"
#include "lifecycle/control.h"
#include "lifecycle/creation.h"
#include "lifecycle/notify.h"
#include "runtime/hooks.h"
#include "seccomp/seccomp.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

void creation_done(struct creation *c)
{
    runtime_container_done(&c->container);
    runtime_plan_free(c->plan);
    lifecycle_state_done(&c->state);
    cgroup_free(c->cgroup);
    strv_free(c->warnings);
    fd_close(c->bundle_fd);
    fd_close(c->listener);
    fd_close(c->waiting);
    state_dir_close(&c->dir);
    bundle_done(&c->bundle);
}

static void make_state(struct creation *c, const struct lifecycle_create_options *o)
{
    const struct oci_spec *spec = &c->bundle.spec;

    c->state = (struct lifecycle_state){
        .oci_version = alloc_strdup(spec->oci_version),
        .id = alloc_strdup(o->id),
        .bundle = alloc_strdup(c->bundle.path),
        .rootfs = alloc_strdup(spec->root.path),
        .created = units_rfc3339(units_now_ns()),
        .annotations = strv_dup(spec->annotations),
        .owner = geteuid(),
        .has_late_hooks = hooks_has(spec, HOOKS_START_CONTAINER) ||
                          hooks_has(spec, HOOKS_POSTSTART) || hooks_has(spec, HOOKS_POSTSTOP),
        .has_agent = spec->linux && spec->linux->seccomp && seccomp_notifies(spec->linux->seccomp),
        .no_new_keyring = o->flags & LIFECYCLE_NO_NEW_KEYRING,
    };
}

/* runc's words. */
static void tell_of_filter(const struct oci_seccomp *s)
{
    auto_strv unknown = NULL;

    if (!s || !log_wants(LOG_DEBUG_LEVEL))
        return;
    log_debug("seccomp filter flags: %u", seccomp_filter_flags(s));
    unknown = seccomp_unknown_names(s);
    STRV_FOREACH (name, unknown)
        log_debug("unknown seccomp syscall '%s' ignored", *name);
}

/* The process's user as the host has it; false when it has none there. */
static bool find_host_uid(const struct oci_spec *s, uid_t *ret)
{
    uint32_t uid = s->process->user.uid;

    *ret = uid;
    if (!oci_spec_has_namespace(s, "user", NULL))
        return true;
    VEC_FOREACH (m, &s->linux->uid_mappings) {
        if (uid >= m->container_id && uid - m->container_id < m->size) {
            *ret = m->host_id + (uid - m->container_id);
            return true;
        }
    }
    return false;
}

/* Whoever sees the group as the root of its own namespace, and may write there, owns it. */
static bool owns_cgroup(const struct oci_spec *s, uid_t *ret)
{
    const char *joined = NULL;
    bool is_writable = false;

    VEC_FOREACH (m, &s->mounts)
        if (str_equal(m->type, "cgroup") && str_equal(m->destination, "/sys/fs/cgroup"))
            is_writable = !strv_has(m->options, "ro");
    return is_writable && oci_spec_has_namespace(s, "cgroup", &joined) && !joined &&
           find_host_uid(s, ret);
}

/* Where the group will be, and what is there already: known, and recorded, before it is made. */
static int locate_cgroup(struct creation *c, const struct lifecycle_config *config, struct err *e)
{
    const struct oci_linux *linux = c->bundle.spec.linux;

    c->cgroup_request = (struct cgroup_request){
        .path = linux->cgroups_path,
        .id = c->state.id,
        .manager = config->cgroup_manager,
        .flags = CGROUP_OCI | CGROUP_JOIN_EXISTING | (config->is_rootless ? CGROUP_ROOTLESS : 0),
        .resources = linux->resources,
        .annotations = c->bundle.spec.annotations,
        .owner = owns_cgroup(&c->bundle.spec, &c->cgroup_owner) ? &c->cgroup_owner : NULL,
    };
    if (cgroup_locate(&c->cgroup_request, &c->cgroup, &c->warnings, e) < 0)
        return -1;
    cgroup_id_of(c->cgroup, &c->state.cgroup);
    return 0;
}

static int locate_rdt(struct creation *c, struct err *e)
{
    const struct oci_intel_rdt *wanted = c->bundle.spec.linux->intel_rdt;

    return wanted ? rdt_locate(wanted, c->state.id, NULL, &c->state.rdt, e) : 0;
}

static int open_start(struct creation *c, struct err *e)
{
    int r;

    c->waiting = sys_open(c->dir.fd, STATE_WAITING, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    r = c->waiting < 0 ? c->waiting : sys_try_lock(c->waiting, SYS_LOCK_EXCLUSIVE);
    if (r >= 0)
        r = c->listener = sys_listen_at(c->dir.fd, STATE_START_SOCKET, 4);
    return r < 0 ? err_sys(e, r, "make the start socket of container '%s'", c->state.id) : 0;
}

static int open_bundle(struct creation *c, struct err *e)
{
    c->bundle_fd = sys_open(AT_FDCWD, c->bundle.path, O_PATH | O_DIRECTORY, 0);
    return c->bundle_fd < 0 ? err_sys(e, c->bundle_fd, "open the bundle '%s'", c->bundle.path) : 0;
}

/* What the caller's environment adds to the command's. */
static int add_environment(struct creation *c, const struct lifecycle_config *config,
                           const struct lifecycle_create_options *o, struct err *e)
{
    char ***env = &c->bundle.spec.process->env;

    if (o->io.listen_fds > 0) {
        auto_free char *count = alloc_printf("LISTEN_FDS=%u", o->io.listen_fds);

        strv_env_set(env, count);
        strv_env_set(env, "LISTEN_PID=1");
    }
    return config->notify_socket ? notify_prepare(&c->dir, &c->bundle.spec, e) : 0;
}

static int make_container(struct creation *c, const struct lifecycle_create_options *o,
                          struct err *e)
{
    const int ours[] = {c->dir.root_fd, c->dir.fd, c->dir.lock_fd};
    struct runtime_config config = RUNTIME_CONFIG_NONE;

    if (open_bundle(c, e) < 0 || open_start(c, e) < 0)
        return -1;
    config.bundle_dirfd = c->bundle_fd;
    config.creator_fds = ours;
    config.n_creator_fds = ARRAY_LEN(ours);
    config.cgroup = c->cgroup;
    config.cgroup_request = &c->cgroup_request;
    config.rdt = c->state.rdt.group ? &c->state.rdt : NULL;
    config.id = o->id;
    config.bundle = c->bundle.path;
    config.spec = &c->bundle.spec;
    config.start_listener = c->listener;
    config.waiting_fd = c->waiting;
    config.flags = (o->flags & LIFECYCLE_NO_NEW_KEYRING ? RUNTIME_KEEP_KEYRING : 0) |
                   (o->flags & LIFECYCLE_NO_PIVOT ? RUNTIME_NO_PIVOT : 0) |
                   (o->flags & LIFECYCLE_DIE_WITH_CREATOR ? RUNTIME_DIE_WITH_CREATOR : 0);
    config.preserve_fds = o->io.listen_fds + o->io.preserve_fds;
    config.create_cwd = true;
    config.set_home = true;
    for (int i = 0; i < 3; i++)
        config.stdio[i] = i;
    if (runtime_plan(&config, &c->plan, e) < 0 ||
        (config.rdt && rdt_make(config.rdt, config.spec->linux->intel_rdt, e) < 0))
        return -1;
    runtime_plan_add_warnings(c->plan, &c->warnings);
    c->has_begun = true;
    log_debug("nsexec container setup: '%s'", o->id);
    if (runtime_create(c->plan, &c->container, e) < 0)
        return -1;
    tell_of_filter(c->bundle.spec.linux->seccomp);
    log_debug("child process in init(): %d waits for the start", (int)c->container.pid);
    return 0;
}

int creation_record(struct creation *c, struct err *e)
{
    char boot[37];
    int r = sys_boot_id(boot);

    if (r < 0)
        return err_sys(e, r, "read the boot id");
    cgroup_id_done(&c->state.cgroup);
    cgroup_id_of(c->cgroup, &c->state.cgroup);
    c->state.pid = c->container.pid;
    c->state.start_ticks = c->container.start_ticks;
    c->state.boot_id = alloc_strdup(boot);
    return state_write(&c->dir, &c->state, e);
}

void creation_undo(struct creation *c)
{
    struct err ignored; /* the failure that led here is told */

    runtime_container_done(&c->container);
    if (c->cgroup)
        (void)cgroup_undo(c->cgroup, &ignored);
    c->state.has_late_hooks &= c->has_begun;
    (void)control_destroy(&c->dir, &c->state, &ignored);
}

int creation_begin(struct creation *c, const struct lifecycle_config *config,
                   const struct lifecycle_create_options *o, struct err *e)
{
    if (state_check_id(o->id, e) < 0 || bundle_load(o->bundle, o->config_file, &c->bundle, e) < 0 ||
        process_io_check(&o->io, c->bundle.spec.process, e) < 0 ||
        state_dir_make(config, o->id, &c->dir, e) < 0)
        return -1;
    make_state(c, o);
    if (locate_cgroup(c, config, e) == 0 && locate_rdt(c, e) == 0 &&
        state_write_config(&c->dir, c->bundle.text, c->bundle.text_len, e) == 0 &&
        state_write(&c->dir, &c->state, e) == 0)
        return 0;
    creation_undo(c);
    return -1;
}

static int create(struct creation *c, const struct lifecycle_config *config,
                  const struct lifecycle_create_options *o, struct err *e)
{
    if (creation_begin(c, config, o, e) < 0)
        return -1;
    if (add_environment(c, config, o, e) == 0 && make_container(c, o, e) == 0 &&
        creation_record(c, e) == 0 && runtime_detach(&c->container, e) == 0 &&
        process_io_deliver(&o->io, c->container.pid, c->container.pidfd, c->container.terminal_fd,
                           e) == 0)
        return 0;
    creation_undo(c);
    return -1;
}

void creation_take_process(struct creation *c, const struct lifecycle_create_options *o,
                           struct lifecycle_process *ret)
{
    *ret = (struct lifecycle_process){
        .pid = c->container.pid,
        .pidfd = take_fd(&c->container.pidfd),
        .terminal_fd = o->io.wants_terminal ? take_fd(&c->container.terminal_fd) : FD_NONE,
        .notify_fd = FD_NONE,
        .warnings = take_ptr(&c->warnings),
    };
    strv_extend(&ret->warnings, c->container.warnings);
}

int lifecycle_create(const struct lifecycle_config *config,
                     const struct lifecycle_create_options *options, struct lifecycle_process *ret,
                     struct err *e)
{
    struct creation c = CREATION_NONE;
    int r;

    TRACE_SPAN("create");
    r = create(&c, config, options, e);
    if (r == 0)
        creation_take_process(&c, options, ret);
    creation_done(&c);
    return r;
}
