/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A creation makes the directory and then locks it (lock.h). Between the two a deletion by force
 * may come first, find a directory without a state, as a killed creation leaves it, and remove it:
 * the creation then begins again. What has a lock but no state has no process and no group.
 *
 * The end: first all that is not needed to find the container again, then state.json, then the lock
 * and the directory. A deletion that is killed is one that can be done once more.
 */
#include "lifecycle/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "cgroup/cgroup.h"
#include "lifecycle/bundle.h"
#include "lifecycle/lock.h"
#include "sys/file.h"
#include "sys/process.h"

#define STATE_MAX_BYTES (1u << 20)

static const char *const status_names[] = {
    [LIFECYCLE_CREATING] = "creating", [LIFECYCLE_CREATED] = "created",
    [LIFECYCLE_RUNNING] = "running",   [LIFECYCLE_PAUSED] = "paused",
    [LIFECYCLE_STOPPED] = "stopped",
};

const char *lifecycle_status_name(enum lifecycle_status status)
{
    return status_names[status];
}

#define ROW(member, key, type, ...)                                                                \
    {                                                                                              \
        key, type, offsetof(struct lifecycle_state, member), __VA_ARGS__                           \
    }
static const struct json_field state_fields[] = {
    ROW(oci_version, "ociVersion", JSON_STRING, JSON_REQUIRED),
    ROW(id, "id", JSON_STRING, JSON_REQUIRED),
    ROW(bundle, "bundle", JSON_STRING, JSON_REQUIRED),
    ROW(rootfs, "rootfs", JSON_STRING, JSON_REQUIRED),
    ROW(created, "created", JSON_STRING, JSON_REQUIRED),
    ROW(annotations, "annotations", JSON_STRMAP),
    ROW(owner, "owner", JSON_UINT32, JSON_KEEP_EMPTY),
    ROW(cgroup, "cgroup", JSON_OBJECT, .nested = &cgroup_id_json),
    ROW(rdt, "rdt", JSON_OBJECT, .nested = &rdt_json),
    ROW(pid, "pid", JSON_INT64, JSON_KEEP_EMPTY),
    ROW(start_ticks, "startTicks", JSON_UINT64),
    ROW(boot_id, "bootId", JSON_STRING),
    ROW(has_late_hooks, "hasLateHooks", JSON_BOOL),
    ROW(has_agent, "hasAgent", JSON_BOOL),
    ROW(no_new_keyring, "noNewKeyring", JSON_BOOL),
};
static const struct json_struct state_json =
    JSON_STRUCT("state", struct lifecycle_state, state_fields);

void lifecycle_state_done(struct lifecycle_state *s)
{
    json_free_struct(&state_json, s);
}

void state_spec_auto(struct oci_spec *s)
{
    oci_spec_done(s);
}

void state_dir_close(struct state_dir *d)
{
    fd_close(d->fd);
    fd_close(d->lock_fd);
    fd_close(d->root_fd);
    *d = (struct state_dir)STATE_DIR_NONE;
}

void state_dir_auto(struct state_dir *d)
{
    state_dir_close(d);
}

int state_check_id(const char *id, struct err *e)
{
    size_t n = id ? strlen(id) : 0;

    if (n == 0)
        return err_set(e, ERR_INVALID, "container id cannot be empty");
    if (n > 255 || str_equal(id, ".") || str_equal(id, "..") ||
        n != strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-."))
        return err_set(e, ERR_INVALID, "invalid container id '%s': letters, digits and _+-. only",
                       id);
    return 0;
}

static int no_such_container(const char *id, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "container does not exist: '%s'", id);
}

/* ERR_NOT_FOUND: somebody deleted the directory before it was locked. */
static int make_once(struct state_dir *d, const char *id, bool *ret_has_made, struct err *e)
{
    int r = sys_mkdir(d->root_fd, id, 0700);

    if (r == -EEXIST)
        return err_set(e, ERR_CONFLICT, "container with given ID already exists: '%s'", id);
    if (r == 0) {
        *ret_has_made = true;
        r = d->fd = sys_open(d->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    }
    if (r < 0)
        return err_sys(e, r, "make the state directory of container '%s'", id);
    return lock_take(d->fd, LOCK_WAIT, &d->lock_fd, e) < 0 ? err_wrap(e, "container '%s'", id) : 0;
}

static int make_locked(struct state_dir *d, const char *id, struct err *e)
{
    struct err why = {0};
    bool has_made;

    /* Bounded: nobody deletes by force what is not there a hundred times. */
    for (int i = 0; i < 100; i++) {
        has_made = false;
        if (make_once(d, id, &has_made, &why) == 0)
            return 0;
        if (why.kind != ERR_NOT_FOUND)
            break;
        d->fd = fd_close(d->fd);
    }
    if (has_made) /* not a tree: there is nothing of ours in it but, perhaps, the lock */
        (void)lock_remove(d->root_fd, d->fd, id);
    if (e)
        *e = why;
    return -1;
}

int state_dir_make(const struct lifecycle_config *config, const char *id, struct state_dir *ret,
                   struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    int r;

    if (state_check_id(id, e) < 0)
        return -1;
    r = sys_mkdir_p(AT_FDCWD, config->root, 0700);
    if (r < 0)
        return err_sys(e, r, "make directory '%s'", config->root);
    r = d.root_fd = sys_open(AT_FDCWD, config->root, O_RDONLY | O_DIRECTORY, 0);
    if (r < 0)
        return err_sys(e, r, "open '%s'", config->root);
    if (make_locked(&d, id, e) < 0)
        return -1;
    d.id = id;
    *ret = d;
    d = (struct state_dir)STATE_DIR_NONE;
    return 0;
}

int state_dir_open(const struct lifecycle_config *config, const char *id, unsigned flags,
                   struct state_dir *ret, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    struct err why = {0};
    int r;

    if (state_check_id(id, e) < 0)
        return -1;
    r = d.root_fd = sys_open(AT_FDCWD, config->root, O_RDONLY | O_DIRECTORY, 0);
    if (r >= 0)
        r = d.fd = sys_open(d.root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (r == -ENOENT || r == -ENOTDIR)
        return no_such_container(id, e);
    if (r < 0)
        return err_sys(e, r, "open the state of container '%s'", id);
    if ((flags & STATE_DIR_LOCK) &&
        lock_take(d.fd, flags & STATE_DIR_SEIZE ? LOCK_SEIZE : LOCK_WAIT, &d.lock_fd, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND)
            return no_such_container(id, e);
        if (e)
            *e = why;
        return err_wrap(e, "container '%s'", id);
    }
    d.id = id;
    *ret = d;
    d = (struct state_dir)STATE_DIR_NONE;
    return 0;
}

static bool is_for_the_end(const char *name)
{
    return str_equal(name, "state.json") || str_equal(name, "lock");
}

int state_dir_remove(struct state_dir *d, struct err *e)
{
    auto_strv names = NULL;
    int r = sys_list_dir(d->fd, ".", &names);

    STRV_FOREACH (name, names)
        if (r == 0 && !is_for_the_end(*name))
            r = sys_remove_tree(d->fd, *name);
    if (r == 0)
        r = sys_unlink(d->fd, "state.json");
    if (r == 0)
        r = lock_remove(d->root_fd, d->fd, d->id);
    return r < 0 ? err_sys(e, r, "remove the state of container '%s'", d->id) : 0;
}

static int write_json(const struct state_dir *d, const char *name, const char *text, size_t len,
                      struct err *e)
{
    int r = sys_write_file_atomic(d->fd, name, text, len, 0600, 0);

    return r < 0 ? err_sys(e, r, "write '%s' of container '%s'", name, d->id) : 0;
}

int state_write(const struct state_dir *d, const struct lifecycle_state *s, struct err *e)
{
    auto_free char *text = json_encode_text(&state_json, s);

    return write_json(d, "state.json", text, strlen(text), e);
}

int state_write_config(const struct state_dir *d, const char *text, size_t len, struct err *e)
{
    return write_json(d, "config.json", text, len, e);
}

static int read_json(const struct state_dir *d, const char *name, size_t max, char **ret,
                     size_t *ret_len, struct err *e)
{
    int r = sys_read_file(d->fd, name, max, ret, ret_len);

    if (r == -ENOENT)
        return err_set(e, ERR_NOT_FOUND,
                       "container does not exist: '%s' has no '%s'; 'delete --force' removes the "
                       "rest",
                       d->id, name);
    return r < 0 ? err_sys(e, r, "read '%s' of container '%s'", name, d->id) : 0;
}

int state_read(const struct state_dir *d, struct lifecycle_state *ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t n;

    *ret = (struct lifecycle_state){0};
    if (read_json(d, "state.json", STATE_MAX_BYTES, &text, &n, e) < 0)
        return -1;
    if (json_decode_text(text, n, STATE_MAX_BYTES, &state_json, ret, e) < 0)
        return err_wrap(e, "state.json of container '%s'", d->id);
    if (!str_equal(ret->id, d->id))
        return err_set(e, ERR_INVALID, "state.json of container '%s' is that of '%s'", d->id,
                       ret->id);
    return 0;
}

int state_read_config(const struct state_dir *d, struct oci_spec *ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t n;

    if (read_json(d, "config.json", OCI_SPEC_MAX_BYTES, &text, &n, e) < 0)
        return -1;
    if (oci_spec_parse(text, n, ret, e) < 0 || bundle_check(ret, e) < 0)
        return err_wrap(e, "config.json of container '%s'", d->id);
    return 0;
}

bool state_joins_mounts(const struct oci_spec *spec)
{
    const char *path = NULL;

    return oci_spec_has_namespace(spec, "mount", &path) && path && *path;
}

/* ---- what the kernel says ---- */

int state_open_init(const struct lifecycle_state *s, int *ret_pidfd, struct err *e)
{
    auto_fd int fd = FD_NONE;
    char boot[37];
    int r;

    *ret_pidfd = FD_NONE;
    if (s->pid <= 0)
        return 0;
    r = sys_boot_id(boot);
    if (r < 0)
        return err_sys(e, r, "read the boot id");
    if (!str_equal(boot, s->boot_id))
        return 0;
    fd = sys_pidfd_open((pid_t)s->pid);
    if (fd == -ESRCH)
        return 0;
    if (fd < 0)
        return err_sys(e, fd, "open process %lld", (long long)s->pid);
    r = sys_process_is_alive((pid_t)s->pid, s->start_ticks);
    if (r < 0)
        return err_sys(e, r, "look at process %lld", (long long)s->pid);
    if (r == 1)
        *ret_pidfd = take_fd(&fd);
    return 0;
}

/* Does somebody else have a lock on this file: 1, 0 (also when it is not there), -errno. */
static int is_locked(const struct state_dir *d, const char *name)
{
    auto_fd int fd = sys_open(d->fd, name, O_RDONLY | O_NOFOLLOW, 0);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    return sys_is_locked(fd);
}

static bool is_frozen(const struct lifecycle_state *s)
{
    struct cgroup *g = NULL;
    bool frozen = cgroup_open_id(&s->cgroup, &g, NULL) == 0 && cgroup_is_frozen(g) == 1;

    cgroup_free(g);
    return frozen;
}

int state_status(const struct state_dir *d, const struct lifecycle_state *s,
                 enum lifecycle_status *ret, struct err *e)
{
    auto_fd int init = FD_NONE;
    int locked = 0;

    if (state_open_init(s, &init, e) < 0)
        return -1;
    /* A creation holds the lock until it has recorded the pid: unless we have it. */
    if (s->pid == 0 && d->lock_fd < 0)
        locked = is_locked(d, "lock");
    else if (init >= 0)
        locked = is_locked(d, STATE_WAITING);
    if (locked < 0)
        return err_sys(e, locked, "look at the state of container '%s'", d->id);
    if (s->pid == 0)
        *ret = locked ? LIFECYCLE_CREATING : LIFECYCLE_STOPPED;
    else if (init < 0)
        *ret = LIFECYCLE_STOPPED;
    else if (is_frozen(s))
        *ret = LIFECYCLE_PAUSED;
    else
        *ret = locked ? LIFECYCLE_CREATED : LIFECYCLE_RUNNING;
    return 0;
}

int state_look(const struct state_dir *d, struct lifecycle_state *ret,
               enum lifecycle_status *ret_status, struct err *e)
{
    for (int i = 0;; i++) {
        if (state_read(d, ret, e) < 0 || state_status(d, ret, ret_status, e) < 0)
            return -1;
        /* Without a pid, and nobody at work: a creation that was killed, or one that ended between
         * our two looks. It records the pid before it lets go. */
        if (i == 1 || ret->pid != 0 || *ret_status != LIFECYCLE_STOPPED)
            return 0;
        lifecycle_state_done(ret);
    }
}
