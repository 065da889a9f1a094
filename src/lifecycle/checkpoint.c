/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checkpointing by CRIU. The processes, their memory and what the kernel holds for them is CRIU's;
 * what is ours is told to it: the root, the mounts that come from the host (each is "external", and
 * found again by the bundle when it is restored), the group to freeze, network namespaces that
 * others made.
 *
 * Beside CRIU's files one of ours is written: where the first process's 0, 1 and 2 led, so that a
 * restore can put its caller's in their place.
 */
#include "lifecycle/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/trace.h"
#include "lifecycle/control.h"
#include "lifecycle/state.h"
#include "sys/file.h"
#include "sys/namespace.h"

#define LOG_MAX_BYTES (16u << 20)

void checkpoint_done(struct checkpoint *c)
{
    sys_criu_close(c->criu);
    fd_close(c->images_fd);
    fd_close(c->work_fd);
    free(c->work_path);
    *c = (struct checkpoint)CHECKPOINT_NONE;
}

static int open_dir(const char *path, bool make, int *ret, struct err *e)
{
    int r = make ? sys_mkdir_p(AT_FDCWD, path, 0700) : 0;

    if (r == 0)
        r = *ret = sys_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    return r < 0 ? err_sys(e, r, "open the directory '%s'", path) : 0;
}

int checkpoint_open(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                    struct err *e)
{
    const char *program = o->criu && *o->criu ? o->criu : "criu";
    int r;

    r = sys_criu_open(program, &c->criu);
    if (r == -ELIBACC)
        return err_set(e, ERR_UNSUPPORTED,
                       "checkpoint and restore need CRIU: install the package criu");
    if (r < 0)
        return err_sys(e, r, "load CRIU");
    r = sys_criu_check(c->criu);
    if (r == -ENOEXEC)
        return err_set(e, ERR_UNSUPPORTED, "checkpoint and restore need CRIU: '%s' cannot be run",
                       program);
    if (r < 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "CRIU cannot checkpoint or restore on this kernel: '%s check' says why",
                       program);
    return 0;
}

/* A directory that an earlier checkpoint, or somebody else, has filled: CRIU would write where
 * links lead. */
static int remove_links(int dir, struct err *e)
{
    auto_strv names = NULL;
    int r = sys_list_dir(dir, ".", &names);

    STRV_FOREACH (name, names) {
        struct stat st;

        if (r == 0 && sys_lstat(dir, *name, &st) == 0 && S_ISLNK(st.st_mode))
            r = sys_unlink(dir, *name);
    }
    return r < 0 ? err_sys(e, r, "remove links from the image directory") : 0;
}

/* CRIU's files beside the images, which it opens by name. */
static int remove_logs(int dir, struct err *e)
{
    static const char *const names[] = {CHECKPOINT_DUMP_LOG, CHECKPOINT_RESTORE_LOG, "stats-dump",
                                        "stats-restore"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int r = sys_unlink(dir, names[i]);

        if (r < 0)
            return err_sys(e, r, "remove '%s' of the work directory", names[i]);
    }
    return 0;
}

static int check_parent(const struct checkpoint *c, const char *parent, struct err *e)
{
    struct stat st;

    if (!parent || !*parent)
        return 0;
    if (sys_stat(c->images_fd, parent, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_NOT_FOUND,
                       "--parent-path '%s' is no directory, seen from the image directory", parent);
    return 0;
}

int checkpoint_open_dirs(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                         unsigned flags, struct err *e)
{
    const char *images = o->image_path && *o->image_path ? o->image_path : "checkpoint";
    const char *work = o->work_path && *o->work_path ? o->work_path : images;
    struct stat st;
    bool is_new = sys_stat(AT_FDCWD, images, &st) < 0;

    c->work_path = alloc_strdup(work);
    if (open_dir(images, flags & CHECKPOINT_MAKE, &c->images_fd, e) < 0)
        return -1;
    if (check_parent(c, o->parent_path, e) < 0) {
        if (is_new)
            (void)sys_rmdir(AT_FDCWD, images);
        return -1;
    }
    if ((flags & CHECKPOINT_MAKE) && remove_links(c->images_fd, e) < 0)
        return -1;
    if (open_dir(work, true, &c->work_fd, e) < 0)
        return -1;
    return remove_logs(c->work_fd, e);
}

void checkpoint_set(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                    const char *root, const char *log_file, unsigned more_flags)
{
    static const struct {
        enum lifecycle_checkpoint_flags ours;
        enum sys_criu_flags criu;
    } rows[] = {
        {LIFECYCLE_CHECKPOINT_LEAVE_RUNNING, SYS_CRIU_LEAVE_RUNNING},
        {LIFECYCLE_CHECKPOINT_TCP_ESTABLISHED, SYS_CRIU_TCP_ESTABLISHED},
        {LIFECYCLE_CHECKPOINT_TCP_SKIP_IN_FLIGHT, SYS_CRIU_TCP_SKIP_IN_FLIGHT},
        {LIFECYCLE_CHECKPOINT_EXT_UNIX_SK, SYS_CRIU_EXT_UNIX_SK},
        {LIFECYCLE_CHECKPOINT_SHELL_JOB, SYS_CRIU_SHELL_JOB},
        {LIFECYCLE_CHECKPOINT_FILE_LOCKS, SYS_CRIU_FILE_LOCKS},
        {LIFECYCLE_CHECKPOINT_AUTO_DEDUP, SYS_CRIU_AUTO_DEDUP},
        {LIFECYCLE_CHECKPOINT_LINK_REMAP, SYS_CRIU_LINK_REMAP},
        {LIFECYCLE_CHECKPOINT_PRE_DUMP, SYS_CRIU_PRE_DUMP},
    };
    struct sys_criu_options options = {
        .images_fd = c->images_fd,
        .work_fd = c->work_fd,
        .log_file = log_file,
        .root = root,
        .parent = o->parent_path && *o->parent_path ? o->parent_path : NULL,
        .lsm_profile = o->lsm_profile && *o->lsm_profile ? o->lsm_profile : NULL,
        .flags = more_flags,
        .cgroup_mode = o->cgroup_mode,
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (o->flags & rows[i].ours)
            options.flags |= rows[i].criu;
    sys_criu_set(c->criu, &options);
}

static bool is_bind(const struct oci_mount *m)
{
    return str_equal(m->type, "bind") || strv_has(m->options, "bind") ||
           strv_has(m->options, "rbind");
}

int checkpoint_add_mounts(struct checkpoint *c, const struct oci_spec *spec, const char *bundle,
                          bool is_restore, struct err *e)
{
    VEC_FOREACH (m, &spec->mounts) {
        auto_free char *source = NULL;
        int r;

        if (!is_bind(m) || !m->source)
            continue;
        source = m->source[0] == '/' ? alloc_strdup(m->source)
                                     : alloc_printf("%s/%s", bundle, m->source);
        r = sys_criu_add_mount(c->criu, m->destination, is_restore ? source : m->destination);
        if (r < 0)
            return err_sys(e, r, "tell CRIU of the mount '%s'", m->destination);
    }
    return 0;
}

int checkpoint_failed(const struct checkpoint *c, const char *what, const char *log_file,
                      struct err *e)
{
    auto_free char *text = NULL;
    auto_strv lines = NULL;
    const char *last[3] = {"", "", ""};

    if (sys_read_file(c->work_fd, log_file, LOG_MAX_BYTES, &text, NULL) == 0)
        lines = strv_split(text, '\n');
    STRV_FOREACH (line, lines) {
        const char *error = strstr(*line, "Error (");

        if (!error || strstr(error, " FAILED."))
            continue;
        memmove(last, last + 1, sizeof(last) - sizeof(last[0]));
        last[ARRAY_LEN(last) - 1] = error;
    }
    return err_set(e, ERR_IO, "criu failed: %s: %s%s%s%s%s, see '%s/%s'", what, last[0],
                   *last[0] ? "; " : "", last[1], *last[1] ? "; " : "", last[2], c->work_path,
                   log_file);
}

/* ---- the dump ---- */

/* A network namespace that was given by a path is its maker's: CRIU leaves it, by this name. */
static int add_network(struct checkpoint *c, const struct oci_spec *spec, pid_t pid, struct err *e)
{
    const char *path = NULL;
    auto_free char *key = NULL;
    uint64_t id[2];
    int r;

    if (!oci_spec_has_namespace(spec, "network", &path) || !path || !*path)
        return 0;
    r = sys_namespace_id(pid, "net", id);
    if (r < 0)
        return err_sys(e, r, "read the network namespace");
    key = alloc_printf("net[%llu]:" LIFECYCLE_CHECKPOINT_NETWORK, (unsigned long long)id[1]);
    r = sys_criu_add_external(c->criu, key);
    return r < 0 ? err_sys(e, r, "tell CRIU of the network namespace") : 0;
}

static int write_descriptors(struct checkpoint *c, pid_t pid, struct err *e)
{
    auto_json *list = json_object_new_array();
    auto_free char *text = NULL;
    int r;

    for (int fd = 0; fd < 3; fd++) {
        char link[64], target[4096];

        snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)pid, fd);
        r = sys_readlink(AT_FDCWD, link, target, sizeof(target));
        json_object_array_add(list, json_object_new_string(r < 0 ? "" : target));
    }
    text = json_print(list, false);
    r = sys_write_file_atomic(c->images_fd, CHECKPOINT_DESCRIPTORS, text, strlen(text), 0600, 0);
    return r < 0 ? err_sys(e, r, "write '" CHECKPOINT_DESCRIPTORS "'") : 0;
}

static int dump(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                const struct lifecycle_state *s, const struct oci_spec *spec, struct err *e)
{
    struct cgroup *g = NULL;
    auto_free char *freezer = NULL;
    int r;

    checkpoint_set(c, o, s->rootfs, CHECKPOINT_DUMP_LOG, SYS_CRIU_ORPHAN_PTS_MASTER);
    if (checkpoint_add_mounts(c, spec, s->bundle, false, e) < 0 ||
        add_network(c, spec, (pid_t)s->pid, e) < 0 || write_descriptors(c, (pid_t)s->pid, e) < 0)
        return -1;
    if (cgroup_open_id(&s->cgroup, &g, NULL) == 0)
        freezer = cgroup_freezer_path(g);
    cgroup_free(g);
    r = sys_criu_dump(c->criu, (pid_t)s->pid, freezer);
    return r < 0 ? checkpoint_failed(c, "dump", CHECKPOINT_DUMP_LOG, e) : 0;
}

int lifecycle_checkpoint(const struct lifecycle_config *config, const char *id,
                         const struct lifecycle_checkpoint_options *o, struct err *e)
{
    DHOW_CLEANUP(checkpoint_done) struct checkpoint c = CHECKPOINT_NONE;
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_spec spec = {0};
    enum lifecycle_status status;

    TRACE_SPAN("checkpoint");
    if (state_dir_open(config, id, STATE_DIR_LOCK, &d, e) < 0 || state_read(&d, &s, e) < 0 ||
        state_status(&d, &s, &status, e) < 0)
        return -1;
    if (status != LIFECYCLE_RUNNING && status != LIFECYCLE_PAUSED)
        return err_set(e, ERR_BAD_STATE, "container cannot be checkpointed in the %s state",
                       lifecycle_status_name(status));
    if (o->parent_path && o->parent_path[0] == '/')
        return err_set(e, ERR_INVALID, "--parent-path '%s' must be relative to the image directory",
                       o->parent_path);
    if (state_read_config(&d, &spec, e) < 0 || checkpoint_open(&c, o, e) < 0 ||
        checkpoint_open_dirs(&c, o, CHECKPOINT_MAKE, e) < 0)
        return -1;
    if (dump(&c, o, &s, &spec, e) < 0)
        return -1;
    if (o->flags & (LIFECYCLE_CHECKPOINT_LEAVE_RUNNING | LIFECYCLE_CHECKPOINT_PRE_DUMP))
        return 0;
    return control_destroy(&d, &s, e);
}
