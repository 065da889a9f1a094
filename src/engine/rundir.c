/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RUNROOT/containers/ID/: what is known of a container that runs, or ended and was not tidied up
 * yet.
 *
 *   alive        locked by the process that starts the container and then by its monitor, as long
 * as one of them lives init         pid=, start= (field 22 of /proc/PID/stat), started_ns=, boot=:
 * the first process exit         code=, signal=, finished_ns=, oom=: written by the monitor,
 * atomically attach.sock  the monitor's paused       there while the container is frozen etc/
 * hostname, hosts, resolv.conf of the container
 *
 * All are lines "KEY=VALUE". A file that is cut or odd reads as -EIO.
 */
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/engine_internal.h"
#include "sys/file.h"
#include "sys/process.h"

#define RECORD_MAX_BYTES 1024

int rundir_open(const struct engine *en, const char *id, int *ret_fd)
{
    int fd;

    if (en->containers_fd < 0)
        return -ENOENT;
    fd = sys_open(en->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

static int read_record(int rundir, const char *name, char ***ret_lines)
{
    auto_free char *text = NULL;
    size_t n;
    int r = sys_read_file(rundir, name, RECORD_MAX_BYTES, &text, &n);

    if (r < 0)
        return r;
    if (n == 0 || text[n - 1] != '\n')
        return -EIO;
    *ret_lines = strv_split(text, '\n');
    return 0;
}

static int number(char *const *lines, const char *key, int64_t *ret)
{
    const char *s = strv_env_get(lines, key);

    return s && str_to_i64(s, INT64_MIN + 1, INT64_MAX, ret) == 0 ? 0 : -EIO;
}

int rundir_write_init(int rundir, const struct rundir_init *init)
{
    auto_str s = STR_INIT(RECORD_MAX_BYTES);
    char boot[37];
    int r = sys_boot_id(boot);

    if (r < 0)
        return r;
    str_addf(&s, "pid=%d\nstart=%llu\nstarted_ns=%lld\nboot=%s\n", (int)init->pid,
             (unsigned long long)init->start_ticks, (long long)init->started_ns, boot);
    return sys_write_file_atomic(rundir, "init", s.s, s.len, 0600, 0);
}

int rundir_read_init(int rundir, struct rundir_init *ret)
{
    auto_strv lines = NULL;
    int64_t pid, start, started;
    const char *boot;
    char this_boot[37];
    int r = read_record(rundir, "init", &lines);

    if (r < 0)
        return r;
    boot = strv_env_get(lines, "boot");
    if (number(lines, "pid", &pid) < 0 || number(lines, "start", &start) < 0 ||
        number(lines, "started_ns", &started) < 0 || !boot)
        return -EIO;
    r = sys_boot_id(this_boot);
    if (r < 0)
        return r;
    *ret = (struct rundir_init){.pid = (pid_t)pid,
                                .start_ticks = (uint64_t)start,
                                .started_ns = started,
                                .is_this_boot = str_equal(boot, this_boot)};
    return 0;
}

int rundir_read_exit(int rundir, struct rundir_exit *ret)
{
    auto_strv lines = NULL;
    int64_t code, signal, finished, oom;
    int r = read_record(rundir, "exit", &lines);

    if (r < 0)
        return r;
    if (number(lines, "code", &code) < 0 || number(lines, "signal", &signal) < 0 ||
        number(lines, "finished_ns", &finished) < 0 || number(lines, "oom", &oom) < 0)
        return -EIO;
    *ret = (struct rundir_exit){(int32_t)code, (int32_t)signal, finished, oom != 0};
    return 0;
}

bool rundir_has_monitor(int rundir)
{
    auto_fd int fd = sys_open(rundir, "alive", O_RDWR | O_NOFOLLOW, 0);

    return fd >= 0 && sys_is_locked(fd) == 1;
}

int rundir_remove(const struct engine *en, const char *id)
{
    return en->containers_fd < 0 ? 0 : sys_remove_tree(en->containers_fd, id);
}

bool rundir_is_paused(int rundir)
{
    struct stat st;

    return sys_lstat(rundir, "paused", &st) == 0;
}

int rundir_set_paused(int rundir, bool paused)
{
    return paused ? sys_write_file_atomic(rundir, "paused", "", 0, 0600, 0)
                  : sys_unlink(rundir, "paused");
}
