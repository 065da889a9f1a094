/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's rules (user_namespaces(7)): who has CAP_SETUID and CAP_SETGID in the parent
 * namespace may map what the parent has; anybody else only his own id, and a group only after
 * setgroups(2) was denied. For more, a plain user has the setuid programs newuidmap and newgidmap,
 * which read subuid(5) and subgid(5). The map of a file is one write of less than a page.
 */
#include "runtime/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/caps.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/process.h"

struct map_file {
    const char *name;  /* in /proc/PID */
    const char *field; /* for errors */
    const char *helper;
    int capability;
};
static const struct map_file uid_file = {"uid_map", "linux.uidMappings", "newuidmap", CAP_SETUID};
static const struct map_file gid_file = {"gid_map", "linux.gidMappings", "newgidmap", CAP_SETGID};

/* ---- the helper programs ---- */

static char *find_program(const char *name)
{
    const char *path = getenv("PATH");
    auto_strv dirs = strv_split(path && *path ? path : "/usr/bin:/bin", ':');

    STRV_FOREACH (dir, dirs) {
        auto_free char *candidate = alloc_printf("%s/%s", *dir, name);
        struct stat st;

        if (**dir == '/' && sys_stat(AT_FDCWD, candidate, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_mode & 0111)
            return take_ptr(&candidate);
    }
    return NULL;
}

/* Runs it; what it says on failure is the error. */
static int run_helper(const char *path, char *const *argv, const struct map_file *f, struct err *e)
{
    auto_fd int reader = FD_NONE, writer = FD_NONE;
    char said[200];
    int fds[2], pid, status, r = sys_pipe(fds);
    ssize_t n;

    if (r < 0)
        return err_sys(e, r, "make a pipe");
    reader = fds[0];
    writer = fds[1];
    pid = sys_spawn(path, argv, strv_none, (const int[]){FD_NONE, FD_NONE, writer}, 3, NULL);
    if (pid < 0)
        return err_sys(e, pid, "%s: start '%s'", f->field, path);
    writer = fd_close(writer);
    n = sys_read_full(reader, said, sizeof(said) - 1);
    said[MAX(n, 0)] = 0;
    said[strcspn(said, "\n")] = 0;
    r = sys_wait(pid, &status);
    if (r < 0)
        return err_sys(e, r, "wait for '%s'", path);
    if (sys_exit_code_of_status(status) != 0)
        return err_set(e, ERR_DENIED, "%s: %s", f->field, *said ? said : path);
    return 0;
}

static int write_by_helper(pid_t pid, const struct map_file *f, const struct oci_id_mapping *maps,
                           size_t n, struct err *e)
{
    auto_free char *path = find_program(f->helper);
    auto_strv argv = NULL;

    if (!path)
        return err_set(e, ERR_DENIED,
                       "%s: a plain user can map more than the own id only with '%s', which is not "
                       "in PATH",
                       f->field, f->helper);
    strv_add(&argv, path);
    strv_addf(&argv, "%d", (int)pid);
    for (size_t i = 0; i < n; i++) {
        strv_addf(&argv, "%u", maps[i].container_id);
        strv_addf(&argv, "%u", maps[i].host_id);
        strv_addf(&argv, "%u", maps[i].size);
    }
    return run_helper(path, argv, f, e);
}

/* ---- maps ---- */

static int write_directly(pid_t pid, const struct map_file *f, const struct oci_id_mapping *maps,
                          size_t n, struct err *e)
{
    auto_str text = STR_INIT((size_t)sysconf(_SC_PAGESIZE) - 1);
    int r;

    for (size_t i = 0; i < n; i++)
        str_addf(&text, "%u %u %u\n", maps[i].container_id, maps[i].host_id, maps[i].size);
    if (text.too_big)
        return err_set(e, ERR_LIMIT, "%s: %zu ranges are more than the kernel takes", f->field, n);
    r = sys_write_id_map(pid, f->name, str_text(&text));
    return r < 0 ? err_sys(e, r, "%s: write the map", f->field) : 0;
}

static bool is_only(const struct oci_id_mapping *maps, size_t n, uint32_t id)
{
    return n == 1 && maps[0].size == 1 && maps[0].host_id == id;
}

static int write_map(pid_t pid, const struct map_file *f, const struct oci_id_mapping *maps,
                     size_t n, struct err *e)
{
    bool is_gid = f == &gid_file;
    struct sys_caps have;
    int r = sys_caps_get(&have);

    if (r < 0)
        return err_sys(e, r, "read the capabilities");
    if (have.effective & (1ull << f->capability))
        return write_directly(pid, f, maps, n, e);
    if (!is_only(maps, n, is_gid ? getegid() : geteuid()))
        return write_by_helper(pid, f, maps, n, e);
    r = is_gid ? sys_write_id_map(pid, "setgroups", "deny") : 0;
    if (r < 0)
        return err_sys(e, r, "deny setgroups in the user namespace");
    return write_directly(pid, f, maps, n, e);
}

int userns_write_maps(pid_t pid, const struct userns_maps *maps, struct err *e)
{
    if (write_map(pid, &gid_file, maps->gids, maps->n_gids, e) < 0)
        return -1;
    return write_map(pid, &uid_file, maps->uids, maps->n_uids, e);
}

/* The child only waits for its end, which is that of the pipe: it does not outlive us. */
static DHOW_NORETURN void hold_namespace(int reader, int writer)
{
    char c;

    fd_close(writer);
    (void)sys_read_full(reader, &c, 1);
    _exit(0);
}

int userns_make(const struct userns_maps *maps, int *ret_fd, struct err *e)
{
    struct sys_clone_args args = {.flags = CLONE_NEWUSER, .cgroup_fd = FD_NONE};
    auto_fd int reader = FD_NONE, writer = FD_NONE, fd = FD_NONE;
    int pipe[2], status, r = sys_pipe(pipe);
    pid_t pid;

    if (r < 0)
        return err_sys(e, r, "make a pipe");
    reader = pipe[0];
    writer = pipe[1];
    pid = sys_clone(&args);
    if (pid < 0)
        return err_sys(e, pid, "make a user namespace");
    if (pid == 0)
        hold_namespace(reader, writer);
    r = userns_write_maps(pid, maps, e);
    if (r == 0) {
        fd = sys_namespace_open(pid, "user");
        r = fd < 0 ? err_sys(e, fd, "open a user namespace") : 0;
    }
    writer = fd_close(writer);
    (void)sys_wait(pid, &status); /* it does nothing but end */
    if (r == 0)
        *ret_fd = take_fd(&fd);
    return r;
}

bool userns_has_gid(uint32_t gid)
{
    auto_free char *text = NULL;
    auto_strv lines = NULL;
    size_t len;

    if (sys_read_file(AT_FDCWD, "/proc/self/gid_map", 64u << 10, &text, &len) < 0)
        return true; /* nobody can say: the kernel will */
    lines = strv_split(text, '\n');
    STRV_FOREACH (line, lines) {
        unsigned inside, outside, n;

        if (sscanf(*line, "%u %u %u", &inside, &outside, &n) == 3 && gid >= inside &&
            gid - inside < n)
            return true;
    }
    return false;
}
