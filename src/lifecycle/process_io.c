/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sockets are the caller's: stream sockets at a path, one connection, one message with the
 * descriptor in it (runc's terminals.md). The pid file is complete or not there.
 */
#include "lifecycle/process_io.h"

#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "sys/file.h"
#include "sys/self.h"
#include "sys/socket.h"

#define PRESERVE_FDS_MAX 1000

void lifecycle_process_done(struct lifecycle_process *p)
{
    fd_close(p->pidfd);
    fd_close(p->terminal_fd);
    fd_close(p->notify_fd);
    strv_free(p->warnings);
    *p = (struct lifecycle_process)LIFECYCLE_PROCESS_NONE;
}

/* A number that the caller does not hold open would later be one of ours. */
static int check_preserved(uint64_t n, struct err *e)
{
    if (n > PRESERVE_FDS_MAX)
        return err_set(e, ERR_INVALID, "cannot preserve more than %d descriptors",
                       PRESERVE_FDS_MAX);
    for (unsigned i = 0; i < n; i++) {
        struct stat st;
        int r = sys_stat((int)(3 + i), "", &st);

        if (r < 0)
            return err_sys(e, r, "preserve descriptor %u", 3 + i);
    }
    return 0;
}

int process_io_check(const struct lifecycle_process_io *io, const struct oci_process *process,
                     struct err *e)
{
    bool has_socket = io->console_socket && *io->console_socket;

    if (process->terminal && !has_socket && !io->wants_terminal)
        return err_set(e, ERR_INVALID,
                       "process.terminal: cannot allocate tty if runtime will detach without "
                       "setting console socket");
    if (!process->terminal && has_socket)
        return err_set(e, ERR_INVALID,
                       "cannot use console socket if runtime will not detach or allocate tty");
    return check_preserved((uint64_t)io->listen_fds + io->preserve_fds, e);
}

static int send_fd(const char *path, const char *text, int fd, struct err *e)
{
    auto_fd int socket = sys_connect_stream(path);
    int r = socket < 0 ? socket : sys_send_msg(socket, text, strlen(text), &fd, 1);

    return r < 0 ? err_sys(e, r, "send a descriptor to '%s'", path) : 0;
}

static int write_pid_file(const char *path, pid_t pid, struct err *e)
{
    auto_free char *text = alloc_printf("%d", (int)pid);
    int r = sys_write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644, 0);

    return r < 0 ? err_sys(e, r, "write the pid file '%s'", path) : 0;
}

int process_io_deliver(const struct lifecycle_process_io *io, pid_t pid, int pidfd, int terminal_fd,
                       struct err *e)
{
    if (terminal_fd >= 0 && io->console_socket &&
        send_fd(io->console_socket, "/dev/ptmx", terminal_fd, e) < 0)
        return -1;
    if (io->pidfd_socket && *io->pidfd_socket && send_fd(io->pidfd_socket, "pidfd", pidfd, e) < 0)
        return -1;
    return io->pid_file && *io->pid_file ? write_pid_file(io->pid_file, pid, e) : 0;
}
