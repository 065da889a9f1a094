/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * AF_UNIX sockets. Every function returns >= 0 or -errno and passes a fault point.
 */
#include <sys/types.h>

#include "base/def.h"

#define SYS_MSG_MAX_FDS 8

int sys_socketpair_seqpacket(int ret[static 2]);
/* Listening SOCK_SEQPACKET socket at dirfd/name (through /proc/self/fd: no length limit), mode
 * 0600. */
int sys_listen_at(int dirfd, const char *name, int backlog);
int sys_connect_at(int dirfd, const char *name);
int sys_connect_stream(const char *path); /* SOCK_STREAM, a path of the caller's */
/* A SOCK_DGRAM socket at dirfd/name, non-blocking, with this mode. */
int sys_listen_datagrams_at(int dirfd, const char *name, mode_t mode);
/* One datagram to a path of the caller's, or ("@NAME") to an abstract address. */
int sys_send_datagram(const char *address, const void *buf, size_t n, const int *fds, size_t n_fds);
int sys_accept(int fd);
int sys_accept_wait(int fd);          /* waits; the connection blocks too */
int sys_peer_uid(int fd, uid_t *ret); /* SO_PEERCRED */

/* One datagram (or all of it on a stream) with up to SYS_MSG_MAX_FDS fds. Send never raises
 * SIGPIPE.
 */
int sys_send_msg(int fd, const void *buf, size_t n, const int *fds, size_t n_fds);
/* Length received, 0 at the end of the stream; -EMSGSIZE when it was cut. Fds received are CLOEXEC
 * and owned by the caller. */
ssize_t sys_recv_msg(int fd, void *buf, size_t n, int *ret_fds, size_t *inout_n_fds);
