/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lock is an open-file-description lock on a file of the directory: it dies with its holder.
 * Who waits for it while the container is deleted finds the file without a name, and the container
 * gone.
 *
 * A creation makes the directory and then locks; between the two a deletion may come first and find
 * a directory without state: it is told apart from a container by state.json.
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
    ROW(pid, "pid", JSON_INT64, JSON_KEEP_EMPTY),
    ROW(start_ticks, "startTicks", JSON_UINT64),
    ROW(boot_id, "bootId", JSON_STRING),
    ROW(has_late_hooks, "hasLateHooks", JSON_BOOL),
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

static int open_root(const struct lifecycle_config *config, int *ret, struct err *e)
{
    *ret = sys_open(AT_FDCWD, config->root, O_RDONLY | O_DIRECTORY, 0);
    return *ret < 0 ? err_sys(e, *ret, "open '%s'", config->root) : 0;
}

static int open_lock(struct state_dir *d, int flags)
{
    d->lock_fd = sys_open(d->fd, "lock", O_RDWR | O_NOFOLLOW | flags, 0600);
    return d->lock_fd;
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
    if (open_root(config, &d.root_fd, e) < 0)
        return -1;
    r = sys_mkdir(d.root_fd, id, 0700);
    if (r == -EEXIST)
        return err_set(e, ERR_CONFLICT, "container with given ID already exists: '%s'", id);
    if (r == 0)
        r = d.fd = sys_open(d.root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (r >= 0)
        r = open_lock(&d, O_CREAT | O_EXCL);
    if (r >= 0)
        r = sys_try_lock(d.lock_fd, SYS_LOCK_EXCLUSIVE);
    if (r < 0) {
        if (d.fd >= 0)
            (void)sys_remove_tree(d.root_fd, id); /* the error below is what matters */
        return err_sys(e, r, "make the state directory of container '%s'", id);
    }
    d.id = id;
    *ret = d;
    d = (struct state_dir)STATE_DIR_NONE;
    return 0;
}

static bool is_still_named(int fd)
{
    struct stat st;

    return sys_stat(fd, "", &st) == 0 && st.st_nlink > 0;
}

int state_dir_open(const struct lifecycle_config *config, const char *id, unsigned flags,
                   struct state_dir *ret, struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    int r;

    if (state_check_id(id, e) < 0)
        return -1;
    r = d.root_fd = sys_open(AT_FDCWD, config->root, O_RDONLY | O_DIRECTORY, 0);
    if (r >= 0)
        r = d.fd = sys_open(d.root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (r == -ENOENT || r == -ENOTDIR)
        return no_such_container(id, e);
    if (r >= 0 && (flags & STATE_DIR_LOCK)) {
        r = open_lock(&d, O_CREAT);
        if (r >= 0)
            r = sys_lock(d.lock_fd, SYS_LOCK_EXCLUSIVE);
        if (r == -ENOENT || (r >= 0 && !is_still_named(d.lock_fd)))
            return no_such_container(id, e);
    }
    if (r < 0)
        return err_sys(e, r, "open the state of container '%s'", id);
    d.id = id;
    *ret = d;
    d = (struct state_dir)STATE_DIR_NONE;
    return 0;
}

int state_dir_remove(struct state_dir *d, struct err *e)
{
    int r = sys_remove_tree(d->root_fd, d->id);

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
        return err_set(e, ERR_NOT_FOUND, "container '%s' has no '%s'", d->id, name);
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
    return 0;
}

int state_read_config(const struct state_dir *d, struct oci_spec *ret, struct err *e)
{
    auto_free char *text = NULL;
    size_t n;

    if (read_json(d, "config.json", OCI_SPEC_MAX_BYTES, &text, &n, e) < 0)
        return -1;
    return oci_spec_parse(text, n, ret, e);
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
    if (sys_process_is_alive((pid_t)s->pid, s->start_ticks) == 1)
        *ret_pidfd = take_fd(&fd);
    return 0;
}

static bool is_waiting(const struct state_dir *d)
{
    auto_fd int fd = sys_open(d->fd, STATE_WAITING, O_RDWR | O_NOFOLLOW, 0);

    return fd >= 0 && sys_is_locked(fd) == 1;
}

/* A creation holds the lock until it has recorded the pid. */
static bool is_creating(const struct state_dir *d)
{
    auto_fd int fd = FD_NONE;

    if (d->lock_fd >= 0)
        return false; /* we have it: the creator is gone */
    fd = sys_open(d->fd, "lock", O_RDWR | O_NOFOLLOW, 0);
    return fd >= 0 && sys_is_locked(fd) == 1;
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

    if (state_open_init(s, &init, e) < 0)
        return -1;
    if (s->pid == 0)
        *ret = is_creating(d) ? LIFECYCLE_CREATING : LIFECYCLE_STOPPED;
    else if (init < 0)
        *ret = LIFECYCLE_STOPPED;
    else if (is_frozen(s))
        *ret = LIFECYCLE_PAUSED;
    else if (is_waiting(d))
        *ret = LIFECYCLE_CREATED;
    else
        *ret = LIFECYCLE_RUNNING;
    return 0;
}
