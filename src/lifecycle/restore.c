/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring a checkpoint. CRIU makes the processes, as children of ours; before that it needs the
 * root to be a mount point, and the places of the host's mounts in it: made in a mount namespace of
 * our own, so that nothing of it is seen outside.
 *
 * Trust boundary (containerd's CVE-2026-50195, 53492, 53489): an image directory is data of whoever
 * made it. Nothing of it is adopted but what CRIU reads: bundle, mounts, hooks, annotations, labels
 * come from the bundle that the caller names. descriptors.json is bounded and no link, and its
 * texts are only keys that CRIU compares. The logs are made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "lifecycle/checkpoint.h"
#include "lifecycle/control.h"
#include "lifecycle/creation.h"
#include "runtime/hooks.h"
#include "runtime/rootpath.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"

#define DESCRIPTORS_MAX_BYTES (64u << 10)

/* A mount namespace of ours, that sends nothing to the host's. */
static int own_mounts(struct err *e)
{
    auto_fd int host = FD_NONE;
    int r = sys_unshare(CLONE_NEWNS);

    if (r >= 0)
        r = host = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
    if (r >= 0)
        r = sys_mount_setattr(host, SYS_SETATTR_RECURSIVE, 0, 0, MS_SLAVE);
    return r < 0 ? err_sys(e, r, "make a mount namespace to restore in") : 0;
}

static int mount_root(const char *path, struct err *e)
{
    auto_fd int tree = FD_NONE, target = FD_NONE;
    int r = tree = sys_open_tree(AT_FDCWD, path, SYS_TREE_CLONE | SYS_TREE_RECURSIVE);

    if (r >= 0)
        r = target = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
    if (r >= 0)
        r = sys_attach_mount(tree, target);
    return r < 0 ? err_sys(e, r, "mount the root filesystem '%s' on itself", path) : 0;
}

/* The places that the mounts need: what was made for the container itself is there already. */
static int make_places(const struct oci_spec *spec, struct err *e)
{
    auto_fd int root = sys_open(AT_FDCWD, spec->root.path, O_PATH | O_DIRECTORY, 0);

    if (root < 0)
        return err_sys(e, root, "open the root filesystem '%s'", spec->root.path);
    for (size_t i = 0; i < spec->mounts.len; i++) {
        const struct oci_mount *m = &spec->mounts.items[i];
        auto_free char *field = alloc_printf("mounts[%zu].destination", i);
        auto_free char *clean = rootpath_clean(m->destination, field, e);
        struct stat st;
        unsigned flags = ROOTPATH_MAKE | ROOTPATH_DIRECTORY;

        if (!clean)
            return -1;
        if (m->source && m->source[0] == '/' && sys_stat(AT_FDCWD, m->source, &st) == 0 &&
            !S_ISDIR(st.st_mode) && strv_has(m->options, "bind"))
            flags = ROOTPATH_MAKE;
        fd_close(rootpath_open(root, clean, flags)); /* CRIU names what is missing */
    }
    return 0;
}

/* Our 0, 1 and 2 take the places of the pipes that the container had. */
static int inherit_streams(struct checkpoint *c, struct err *e)
{
    auto_free char *text = NULL;
    auto_json *list = NULL;
    size_t n = 0;
    int r = sys_read_file(c->images_fd, CHECKPOINT_DESCRIPTORS, DESCRIPTORS_MAX_BYTES, &text, &n);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return err_sys(e, r, "read '" CHECKPOINT_DESCRIPTORS "'");
    if (json_parse(text, n, DESCRIPTORS_MAX_BYTES, &list, e) < 0)
        return err_wrap(e, CHECKPOINT_DESCRIPTORS);
    if (!json_object_is_type(list, json_type_array))
        return err_set(e, ERR_INVALID, CHECKPOINT_DESCRIPTORS " is not a list");
    for (int fd = 0; fd < 3 && fd < (int)json_object_array_length(list); fd++) {
        const char *key = json_object_get_string(json_object_array_get_idx(list, (size_t)fd));

        if (!key || !str_starts_with(key, "pipe:"))
            continue;
        r = sys_criu_add_inherited(c->criu, fd, key);
        if (r < 0)
            return err_sys(e, r, "tell CRIU of descriptor %d", fd);
    }
    return 0;
}

static int add_cgroups(struct checkpoint *c, const struct lifecycle_state *s, struct err *e)
{
    VEC_FOREACH (place, &s->cgroup.places) {
        bool is_v2 = str_equal(place->hierarchy, "unified");
        auto_free char *named = str_equal(place->hierarchy, "systemd")
                                    ? alloc_strdup("name=systemd")
                                    : alloc_strdup(is_v2 ? "" : place->hierarchy);
        int r = sys_criu_add_cgroup(c->criu, named, place->path);

        if (r < 0)
            return err_sys(e, r, "tell CRIU of the control group");
    }
    return 0;
}

static int add_network(struct checkpoint *c, const struct oci_spec *spec, int *ret_fd,
                       struct err *e)
{
    const char *path = NULL;
    int r;

    if (!oci_spec_has_namespace(spec, "network", &path) || !path || !*path)
        return 0;
    r = *ret_fd = sys_open(AT_FDCWD, path, O_RDONLY, 0);
    if (r >= 0)
        r = sys_criu_add_inherited(c->criu, *ret_fd, LIFECYCLE_CHECKPOINT_NETWORK);
    return r < 0 ? err_sys(e, r, "open the network namespace '%s'", path) : 0;
}

struct stage {
    struct creation *creation;
    struct err e;
};

/* The namespaces are there, the processes not yet: the moment of the runtime's hooks. */
static int on_stage(void *arg, const char *name, pid_t pid)
{
    struct stage *s = arg;
    const struct hooks_container c = {.spec = &s->creation->bundle.spec,
                                      .id = s->creation->state.id,
                                      .bundle = s->creation->bundle.path,
                                      .pid = pid};

    if (!str_equal(name, "setup-namespaces"))
        return 0;
    if (hooks_run_here(&c, HOOKS_PRESTART, &s->e) < 0 ||
        hooks_run_here(&c, HOOKS_CREATE_RUNTIME, &s->e) < 0)
        return -1;
    return 0;
}

static int run_criu(struct creation *c, struct checkpoint *point,
                    const struct lifecycle_restore_options *o, struct err *e)
{
    const struct oci_spec *spec = &c->bundle.spec;
    struct stage stage = {.creation = c};
    auto_fd int network = FD_NONE;
    pid_t pid;

    checkpoint_set(point, &o->checkpoint, spec->root.path, CHECKPOINT_RESTORE_LOG,
                   spec->process->terminal ? SYS_CRIU_ORPHAN_PTS_MASTER : 0);
    if (checkpoint_add_mounts(point, spec, c->bundle.path, true, e) < 0 ||
        inherit_streams(point, e) < 0 || add_cgroups(point, &c->state, e) < 0 ||
        add_network(point, spec, &network, e) < 0 || make_places(spec, e) < 0 ||
        mount_root(spec->root.path, e) < 0)
        return -1;
    pid = sys_criu_restore(point->criu, on_stage, &stage, &c->container.terminal_fd);
    if (pid < 0 && stage.e.kind != ERR_NONE) {
        if (e)
            *e = stage.e;
        return -1;
    }
    if (pid < 0)
        return checkpoint_failed(point, "restore", CHECKPOINT_RESTORE_LOG, e);
    c->container.pid = pid;
    c->container.pidfd = sys_pidfd_open(pid);
    if (c->container.pidfd < 0)
        return err_sys(e, c->container.pidfd, "open the restored process");
    if (sys_process_start_time(pid, &c->container.start_ticks) < 0)
        return err_set(e, ERR_IO, "the restored process is gone");
    return 0;
}

int lifecycle_restore(const struct lifecycle_config *config,
                      const struct lifecycle_restore_options *o, struct lifecycle_process *ret,
                      struct err *e)
{
    DHOW_CLEANUP(checkpoint_done) struct checkpoint point = CHECKPOINT_NONE;
    struct creation c = CREATION_NONE;
    int r;

    TRACE_SPAN("restore");
    /* Before anything is made: most machines cannot do it. */
    if (checkpoint_open(&point, &o->checkpoint, e) < 0 || own_mounts(e) < 0 ||
        checkpoint_open_dirs(&point, &o->checkpoint, 0, e) < 0)
        return -1;
    r = creation_begin(&c, config, &o->create, e);
    if (r == 0) {
        r = cgroup_make(c.cgroup, &c.cgroup_request, &c.warnings, e);
        if (r == 0)
            r = run_criu(&c, &point, o, e);
        if (r == 0)
            r = creation_record(&c, e);
        if (r == 0)
            r = process_io_deliver(&o->create.io, c.container.pid, c.container.pidfd,
                                   c.container.terminal_fd, e);
        if (r == 0)
            creation_take_process(&c, &o->create, ret);
        else
            creation_undo(&c);
    }
    creation_done(&c);
    return r;
}
