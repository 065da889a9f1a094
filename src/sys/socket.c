/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AF_UNIX sockets by directory fd: the name is bound through /proc/self/fd/N, so that the 108 bytes
 * of sun_path always suffice.
 */
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

int sys_socketpair_seqpacket(int ret[static 2])
{
    FAULT_POINT("socketpair");
    return result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret));
}

static int address_at(int dirfd, const char *name, struct sockaddr_un *ret)
{
    int n;

    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    n = snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
    return n < (int)sizeof(ret->sun_path) ? 0 : -ENAMETOOLONG;
}

int sys_listen_datagrams_at(int dirfd, const char *name, mode_t mode)
{
    auto_fd int fd = FD_NONE;
    struct sockaddr_un a;
    int r = address_at(dirfd, name, &a);

    if (r < 0)
        return r;
    FAULT_POINT("listen_datagrams");
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || fchmodat(dirfd, name, mode, 0) < 0)
        return -errno;
    return take_fd(&fd);
}

int sys_listen_at(int dirfd, const char *name, int backlog)
{
    auto_fd int fd = FD_NONE;
    struct sockaddr_un a;
    int r = address_at(dirfd, name, &a);

    if (r < 0)
        return r;
    FAULT_POINT("listen");
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* The mode of the file is the fd's mode at bind: no window in which others could connect. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(fd, backlog) < 0)
        return -errno;
    return take_fd(&fd);
}

int sys_connect_at(int dirfd, const char *name)
{
    auto_fd int fd = FD_NONE;
    struct sockaddr_un a;
    int r = address_at(dirfd, name, &a);

    if (r < 0)
        return r;
    FAULT_POINT("connect");
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        return -errno;
    return take_fd(&fd);
}

/* A path that does not fit into sun_path is reached through its directory, which *ret_dir holds. */
static int address_of(const char *path, struct sockaddr_un *ret, int *ret_dir)
{
    const char *slash = strrchr(path, '/');
    size_t n = strlen(path);

    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n >= sizeof(ret->sun_path)) {
        auto_free char *parent = slash ? strndup(path, (size_t)(slash - path)) : NULL;

        if (!parent)
            return -ENAMETOOLONG;
        *ret_dir = open(*parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return *ret_dir < 0 ? -errno : address_at(*ret_dir, slash + 1, ret);
    }
    memcpy(ret->sun_path, path, n + 1);
    return 0;
}

int sys_connect_stream(const char *path)
{
    auto_fd int dir = FD_NONE, fd = FD_NONE;
    struct sockaddr_un a;
    int r;

    FAULT_POINT("connect_stream");
    r = address_of(path, &a, &dir);
    if (r < 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        return -errno;
    return take_fd(&fd);
}

int sys_accept(int fd)
{
    FAULT_POINT("accept");
    return result(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

int sys_accept_wait(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int r;

    FAULT_POINT("accept_wait");
    do {
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return -errno;
        r = result(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
    } while (r == -EAGAIN || r == -EINTR || r == -ECONNABORTED);
    return r;
}

int sys_peer_uid(int fd, uid_t *ret)
{
    struct ucred c;
    socklen_t n = sizeof(c);

    FAULT_POINT("peer_uid");
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
        return -errno;
    *ret = c.uid;
    return 0;
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(SYS_MSG_MAX_FDS * sizeof(int))];
};

int sys_send_msg(int fd, const void *buf, size_t n, const int *fds, size_t n_fds)
{
    union control c = {.bytes = {0}};
    struct iovec io = {(void *)(uintptr_t)buf, n};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};
    ssize_t r;

    FAULT_POINT("send_msg");
    if (n_fds > SYS_MSG_MAX_FDS)
        return -EINVAL;
    if (n_fds > 0) {
        m.msg_control = c.bytes;
        m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        c.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                   .cmsg_type = SCM_RIGHTS,
                                   .cmsg_len = CMSG_LEN(n_fds * sizeof(int))};
        memcpy(CMSG_DATA(&c.align), fds, n_fds * sizeof(int));
    }
    do
        r = sendmsg(fd, &m, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    return (size_t)r < n ? -EAGAIN : 0; /* a stream with a timeout */
}

/* Fds of a message: up to *inout into ret, the rest closed. */
static void take_fds(struct msghdr *m, int *ret, size_t *inout)
{
    size_t room = inout ? *inout : 0, got = 0;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        size_t n;

        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (got < room)
                ret[got++] = fd;
            else
                fd_close(fd);
        }
    }
    if (inout)
        *inout = got;
}

ssize_t sys_recv_msg(int fd, void *buf, size_t n, int *ret_fds, size_t *inout_n_fds)
{
    union control c;
    struct iovec io = {buf, n};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = c.bytes,
                       .msg_controllen = sizeof(c.bytes)};
    ssize_t r;

    FAULT_POINT("recv_msg");
    do
        r = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    take_fds(&m, ret_fds, inout_n_fds);
    if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (size_t i = 0; inout_n_fds && i < *inout_n_fds; i++)
            ret_fds[i] = fd_close(ret_fds[i]);
        if (inout_n_fds)
            *inout_n_fds = 0;
        return -EMSGSIZE;
    }
    return r;
}

int sys_send_datagram(const char *address, const void *buf, size_t n, const int *fds, size_t n_fds)
{
    auto_fd int dir = FD_NONE, fd = FD_NONE;
    socklen_t len = sizeof(struct sockaddr_un);
    struct sockaddr_un a;
    int r;

    FAULT_POINT("send_datagram");
    r = address_of(address, &a, &dir);
    if (r < 0)
        return r;
    if (address[0] == '@') { /* unix(7): a NUL, then exactly these bytes */
        a.sun_path[0] = 0;
        len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, len) < 0)
        return -errno;
    return sys_send_msg(fd, buf, n, fds, n_fds);
}
