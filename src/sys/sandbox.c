/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory: who takes this process over by a parser's mistake can do what it can do. So, outside in:
 *
 *   root         a tmpfs with copies (bind mounts, read-only) of a dozen files that names and TLS
 *                need. Landlock does not cover chmod, chown, setxattr, stat: this does.
 *   network      none at all, unless it was asked for
 *   landlock     writing beneath one directory, reading the few files
 *   capabilities what unpacking needs (owners, devices, setuid bits, file capabilities, trusted.*)
 *   limits       no core dumps, bounded memory
 *   system calls an allow-list (sandbox_filter.c)
 *
 * In a build with fault points whose plan is set, the first and the third are left out: the plan's
 * log is written by path.
 */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/caps.h"
#include "sys/file.h"
#include "sys/landlock.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/self.h"

#define MEMORY_MAX_BYTES                                                                           \
    (640ull << 20) /* data segment: 128 MiB of zstd window, stacks, buffers                        \
                    */

#define CAP_BIT(c) (1ull << (c))
static const uint64_t kept_caps = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |
                                  CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) |
                                  CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_SYS_ADMIN);

/* What TLS and names need; each may be missing. Not /etc/ssl itself: private keys are in it. */
static const char *const visible_paths[] = {
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/usr/share/ca-certificates",
    "/etc/hosts",     "/etc/ca-certificates", "/usr/local/share/ca-certificates",
    "/etc/host.conf", "/etc/nsswitch.conf",   "/etc/pki/ca-trust/extracted",
    "/etc/gai.conf",  "/etc/resolv.conf",     "/etc/pki/tls/certs",
    "/etc/services",
};

#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static bool has_fault_plan(void)
{
#ifdef DHOW_FAULT
    return getenv("DHOW_FAULT") != NULL;
#else
    return false;
#endif
}

/* A layer that the kernel or our rights do not offer. */
static bool is_missing(int r)
{
    return r == -ENOSYS || r == -EOPNOTSUPP || r == -EPERM || r == -EINVAL || r == -EACCES;
}

/* ---- the root directory ---- */

static int make_mount_point(int root_fd, const char *path, bool is_directory)
{
    char parent[64];
    const char *name = path + 1; /* beneath root_fd */
    const char *slash = strrchr(name, '/');
    int fd, r;

    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - name), name);
    r = sys_mkdir_p(root_fd, parent, 0755);
    if (r < 0)
        return r;
    if (is_directory)
        return sys_mkdir_p(root_fd, name, 0755);
    fd = sys_open(root_fd, name, O_WRONLY | O_CREAT, 0644);
    fd_close(fd);
    return MIN(fd, 0);
}

static int attach_copy(int root_fd, const char *path, int copy_fd)
{
    auto_fd int at = FD_NONE;
    struct stat st;
    int r = sys_stat(copy_fd, "", &st);

    if (r == 0)
        r = sys_mount_setattr(copy_fd, SYS_SETATTR_RECURSIVE, READ_ONLY, 0, 0);
    if (r == 0)
        r = make_mount_point(root_fd, path, S_ISDIR(st.st_mode));
    if (r < 0)
        return r;
    at = sys_open(root_fd, path + 1, O_PATH, 0);
    return at < 0 ? at : sys_attach_mount(copy_fd, at);
}

static int new_tmpfs(void)
{
    auto_fd int fs = sys_fsopen("tmpfs");
    int r = fs < 0 ? fs : sys_fsconfig_string(fs, "size", "256k");

    if (r == 0)
        r = sys_fsconfig_create(fs);
    return r < 0 ? r : sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static int make_private(void)
{
    auto_fd int fd = sys_open_tree(AT_FDCWD, "/", 0);

    return fd < 0 ? fd : sys_mount_setattr(fd, SYS_SETATTR_RECURSIVE, 0, 0, MS_PRIVATE);
}

/* The working directory is the writable one, in this namespace's copy of its mount: the tmpfs is
 * put on top of it, since that needs no path that might be missing or in use. The fd that the
 * caller holds leads below it. */
static int pivot_to(int root_fd, const int *copies)
{
    auto_fd int here = sys_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
    int r = here < 0 ? here : sys_attach_mount(root_fd, here);

    if (r == 0)
        r = sys_fchdir(root_fd);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(visible_paths); i++)
        if (copies[i] >= 0)
            r = attach_copy(root_fd, visible_paths[i], copies[i]);
    if (r == 0)
        r = sys_mount_setattr(root_fd, 0, MOUNT_ATTR_RDONLY, 0, 0);
    if (r == 0)
        r = sys_pivot_root_here();
    if (r == 0)
        r = sys_umount_detach(".");
    return r < 0 ? r : sys_chdir("/");
}

static int enter_private_root(const struct sandbox_options *o)
{
    int copies[ARRAY_LEN(visible_paths)];
    auto_fd int root_fd = FD_NONE;
    int r = sys_fchdir(o->writable_fd);

    if (r == 0)
        r = sys_unshare(CLONE_NEWNS | (o->flags & SANDBOX_NETWORK ? 0 : CLONE_NEWNET));
    if (r == 0)
        r = make_private();
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(visible_paths); i++)
        copies[i] = o->flags & SANDBOX_NETWORK
                        ? sys_open_tree(AT_FDCWD, visible_paths[i], SYS_TREE_CLONE)
                        : FD_NONE;
    root_fd = new_tmpfs();
    r = root_fd < 0 ? root_fd : pivot_to(root_fd, copies);
    for (size_t i = 0; i < ARRAY_LEN(visible_paths); i++)
        fd_close(copies[i]);
    return r;
}

/* ---- landlock ---- */

static int add_rules(int ruleset_fd, const struct sandbox_options *o)
{
    int r = sys_landlock_allow(ruleset_fd, o->writable_fd, SYS_LANDLOCK_READ | SYS_LANDLOCK_WRITE);
    struct stat st;

    if (r == 0 && o->readable_fd >= 0 && (r = sys_stat(o->readable_fd, "", &st)) == 0 &&
        (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
        r = sys_landlock_allow(ruleset_fd, o->readable_fd, SYS_LANDLOCK_READ);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(visible_paths); i++) {
        auto_fd int fd = FD_NONE;

        if (!(o->flags & SANDBOX_NETWORK))
            break;
        fd = sys_open(AT_FDCWD, visible_paths[i], O_PATH, 0);
        if (fd >= 0)
            r = sys_landlock_allow(ruleset_fd, fd, SYS_LANDLOCK_READ);
    }
    return r;
}

static int enter_landlock(const struct sandbox_options *o)
{
    auto_fd int fd = sys_landlock_new(o->flags & SANDBOX_NETWORK ? SYS_LANDLOCK_TCP_CONNECT : 0);
    int r = fd < 0 ? fd : add_rules(fd, o);

    return r < 0 ? r : sys_landlock_restrict(fd);
}

/* ---- the rest ---- */

static int drop_capabilities(void)
{
    struct sys_caps caps;
    int r = sys_caps_limit_bounding(kept_caps);

    if (r < 0 && r != -EPERM) /* without CAP_SETPCAP there is little to drop */
        return r;
    r = sys_caps_get(&caps);
    if (r < 0)
        return r;
    caps.permitted &= kept_caps;
    caps.effective = caps.permitted;
    caps.inheritable = 0;
    r = sys_caps_set_ambient(0);
    return r < 0 ? r : sys_caps_set(&caps);
}

static int limit(int resource, rlim_t max)
{
    struct rlimit old;
    int r = sys_get_rlimit(resource, &old);

    if (r < 0)
        return r;
    max = MIN(max, old.rlim_max);
    return sys_set_rlimit(resource, &(struct rlimit){.rlim_cur = max, .rlim_max = max});
}

static int set_limits(void)
{
    int r = limit(RLIMIT_CORE, 0);

#ifdef __SANITIZE_ADDRESS__
    return r; /* its shadow is memory too */
#else
    return r < 0 ? r : limit(RLIMIT_DATA, MEMORY_MAX_BYTES);
#endif
}

int sandbox_enter(const struct sandbox_options *o)
{
    bool is_open = has_fault_plan();
    int r = is_open ? 0 : enter_private_root(o);

    if (r < 0 && !is_missing(r))
        return r;
    r = sys_set_no_new_privs();
    if (r < 0)
        return r;
    r = is_open ? 0 : enter_landlock(o);
    if (r < 0 && !is_missing(r))
        return r;
    r = set_limits();
    if (r == 0)
        r = drop_capabilities();
    if (r == 0)
        r = sys_set_dumpable(false);
    return r < 0 ? r : sandbox_load_filter(o->flags);
}
