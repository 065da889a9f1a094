/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* clang-format off */
/*
 * What the process that starts a container (or an exec) and the container's process say to each
 * other: one SOCK_SEQPACKET pair, one datagram a message, file descriptors in the same datagram.
 *
 *   parent                                        child (init, or the process of an exec)
 *     |  makes the cgroup, clone3                   |  joins its cgroup, joins or makes namespaces
 *     | ---- MAPPED [root fs] --------------------> |  only with a user namespace: the id maps are
 *     |                                             |  written; the overlay
 *     |                                             |  builds the root
 *     | <--- PREPARED ----------------------------- |  only with network devices, or hooks to be run
 *     |  moves devices, runs hooks                  |  here: namespaces and mounts are there
 *     | ---- PROCEED -----------------------------> |  createContainer hooks
 *     | <--- USERS [passwd] [group] --------------- |  only when names or HOME are to be looked up
 *     | ---- IDS {uid, gid, groups, home} --------> |
 *     | <--- TERMINAL [master] -------------------- |  only with a terminal
 *     | <--- READY -------------------------------- |  only init: all is built, the command was found
 *     | ---- START -------------------------------> |  or, when the start comes from another process:
 *     | ---- DETACH ------------------------------> |  the creator has recorded init; init will outlive
 *     |  end of the stream                          |  it, and waits on its start socket
 *   starter: connect, START ----------------------> |  the connection takes the socket's place
 *     | <--- LISTENER {fd number} ----------------- |  only when the filter notifies an agent: the
 *     |  copies the fd, tells the agent             |  fd is the child's; written by write(2)
 *     | ---- TOLD --------------------------------> |  read by read(2): filter.c says why
 *     |  end of the stream                          |  execve succeeded: the last copy of the socket
 *     |                                             |  was close-on-exec
 *     | <--- EXEC_FAILED {errno, name} ------------ |  or: execve failed (sent by the stub, stub.c)
 *     | <--- LABEL_FAILED {errno, label} ---------- |  or: a security label was refused to it
 *     | <--- FAILED {struct err} ------------------ |  at any time instead of the next message, and
 *     |                                             |  the child exits
 *
 * A child that cannot be cloned by the parent itself has a stage before it (stage.c), on a socket of its
 * own:
 *
 *   parent                                        stage
 *     | ---- MOVED -------------------------------> |  only when it could not be born in the cgroup
 *     | ---- MAPPED ------------------------------> |  only when the stage has the new user namespace
 *     |                                             |  joins namespaces, clones the child
 *     | <--- BORN {pid} [pidfd] ------------------- |  and exits; or FAILED
 *
 * MAPPED and IDS are sent as soon as they are true: the child receives in its own order, by name.
 * The end of the stream is an error for both, but for the parent after START (or after the last
 * answer to an exec): then it means that the command runs. A child that is killed between START and
 * execve looks like one that is killed just after it.
 *
 * Trust: the child has parsed nothing but file contents of the image when it sends; still the
 * parent bounds and checks all that it receives, since after the first execve (stub) other
 * processes of the container may reach the child's end.
 */
/* clang-format on */
#include <sys/types.h>

#include "base/err.h"
#include "base/fd.h"

enum sync_type {
    SYNC_NONE,
    SYNC_MAPPED,
    SYNC_USERS,
    SYNC_IDS,
    SYNC_TERMINAL,
    SYNC_READY,
    SYNC_START,
    SYNC_FAILED,
    SYNC_EXEC_FAILED,  /* 8 and 9: stub.c has these numbers in assembly */
    SYNC_LABEL_FAILED, /* the same with a label for the name */
    SYNC_DETACH,
    SYNC_PREPARED,
    SYNC_PROCEED,
    SYNC_BORN,
    SYNC_LISTENER,
    SYNC_TOLD,
    SYNC_MOVED,
    SYNC_TYPE_MAX
};
const char *sync_type_name(enum sync_type type);

#define SYNC_MAX_GROUPS 1024
#define SYNC_MAX_FDS    2
#define SYNC_NAME_MAX   256

/* Who the process is to be. */
struct sync_ids {
    uint32_t uid;
    uint32_t gid;
    uint32_t n_groups;
    char home[1024]; /* "" when it is not known */
    uint32_t groups[SYNC_MAX_GROUPS];
};

struct __attribute__((packed)) sync_users {
    uint8_t has_passwd; /* the first fd */
    uint8_t has_group;  /* the next fd */
};

struct __attribute__((packed)) sync_born {
    int32_t pid; /* in the parent's pid namespace */
};

struct __attribute__((packed)) sync_listener {
    int32_t fd; /* of the child */
};

struct __attribute__((packed)) sync_exec_failed {
    int32_t negative_errno;
    char name[SYNC_NAME_MAX]; /* args[0], cut; the datagram ends where it ends */
};

/* A received message. Fds are owned: sync_message_done(). */
struct sync_message {
    enum sync_type type;
    union {
        struct sync_ids ids;
        struct sync_users users;
        struct sync_exec_failed exec_failed;
        struct sync_born born;
        struct sync_listener listener;
        struct err err;
    };
    int fds[SYNC_MAX_FDS];
    size_t n_fds;
};
void sync_message_done(struct sync_message *m);
#define auto_sync_message DHOW_CLEANUP(sync_message_done) struct sync_message

int sync_send_mapped(int fd, int root_fd, struct err *e); /* FD_NONE: init makes its root itself */
int sync_send_born(int fd, pid_t pid, int pidfd, struct err *e);
int sync_send_moved(int fd, struct err *e);
int sync_send_prepared(int fd, struct err *e);
int sync_send_proceed(int fd, struct err *e);
int sync_send_users(int fd, int passwd_fd, int group_fd, struct err *e); /* FD_NONE: not there */
int sync_send_ids(int fd, const struct sync_ids *ids, struct err *e);
int sync_send_terminal(int fd, int master, struct err *e);
int sync_send_ready(int fd, struct err *e);
int sync_send_start(int fd, struct err *e);
int sync_send_detach(int fd, struct err *e);
int sync_send_told(int fd, struct err *e);
/* Under a filter: by write(2) and read(2) alone. */
int sync_write_listener(int fd, int listener, struct err *e);
int sync_read_told(int fd, struct err *e);
int sync_send_failed(int fd, const struct err *failure);

/* The next message: 1; 0 at the end of the stream; -1 with an error. */
int sync_receive(int fd, struct sync_message *ret, struct err *e);
/* The next message must be this one: 0. FAILED and EXEC_FAILED become their error, another message
 * an error that names both, the end of the stream an error. */
int sync_expect(int fd, enum sync_type type, struct sync_message *ret, struct err *e);
/* 0 at the end of the stream, else as sync_expect(). */
int sync_expect_end(int fd, struct err *e);
/* The error that FAILED or EXEC_FAILED carries; for another message, "unexpected ...". Always -1.
 */
int sync_error_of(const struct sync_message *m, const char *expected, struct err *e);
/* The error of a command that cannot be executed, in the words that callers know: exec: "NAME":
 * permission denied. */
int sync_command_error(const char *name, int negative_errno, struct err *e);
