/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages of sync.h on the wire: a 32 bit type, then the payload. Both ends are the same
 * program, so structs travel as they are; what is received is checked for its size and for
 * unterminated strings all the same.
 */
#include "runtime/sync.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "base/names.h"
#include "sys/socket.h"

static const char *const type_names[] = {
    [SYNC_NONE] = "none",
    [SYNC_MAPPED] = "MAPPED",
    [SYNC_USERS] = "USERS",
    [SYNC_IDS] = "IDS",
    [SYNC_TERMINAL] = "TERMINAL",
    [SYNC_READY] = "READY",
    [SYNC_START] = "START",
    [SYNC_FAILED] = "FAILED",
    [SYNC_EXEC_FAILED] = "EXEC_FAILED",
    [SYNC_LABEL_FAILED] = "LABEL_FAILED",
    [SYNC_DETACH] = "DETACH",
    [SYNC_PREPARED] = "PREPARED",
    [SYNC_PROCEED] = "PROCEED",
    [SYNC_BORN] = "BORN",
    [SYNC_LISTENER] = "LISTENER",
    [SYNC_TOLD] = "TOLD",
    [SYNC_MOVED] = "MOVED",
};
_Static_assert(ARRAY_LEN(type_names) == SYNC_TYPE_MAX, "a name for each message");

const char *sync_type_name(enum sync_type type)
{
    return (size_t)type < ARRAY_LEN(type_names) ? type_names[type] : "unknown";
}

struct wire {
    uint32_t type;
    union {
        struct sync_ids ids;
        struct sync_users users;
        struct sync_exec_failed exec_failed;
        struct sync_born born;
        struct sync_listener listener;
        struct err err;
    };
};

/* Least and most payload of each message, and the fds that it may carry. */
static const struct {
    size_t min, max, max_fds;
} shapes[SYNC_TYPE_MAX] = {
    [SYNC_MAPPED] = {0, 0, 1},
    [SYNC_USERS] = {sizeof(struct sync_users), sizeof(struct sync_users), 2},
    [SYNC_IDS] = {offsetof(struct sync_ids, groups), sizeof(struct sync_ids), 0},
    [SYNC_TERMINAL] = {0, 0, 1},
    [SYNC_READY] = {0, 0, 0},
    [SYNC_START] = {0, 0, 0},
    [SYNC_FAILED] = {sizeof(struct err), sizeof(struct err), 0},
    [SYNC_EXEC_FAILED] = {sizeof(int32_t), sizeof(struct sync_exec_failed), 0},
    [SYNC_LABEL_FAILED] = {sizeof(int32_t), sizeof(struct sync_exec_failed), 0},
    [SYNC_DETACH] = {0, 0, 0},
    [SYNC_PREPARED] = {0, 0, 0},
    [SYNC_PROCEED] = {0, 0, 0},
    [SYNC_BORN] = {sizeof(struct sync_born), sizeof(struct sync_born), 1},
    [SYNC_LISTENER] = {sizeof(struct sync_listener), sizeof(struct sync_listener), 0},
    [SYNC_TOLD] = {0, 0, 0},
    [SYNC_MOVED] = {0, 0, 0},
};

void sync_message_done(struct sync_message *m)
{
    for (size_t i = 0; i < m->n_fds; i++)
        fd_close(m->fds[i]);
    m->n_fds = 0;
}

static int send_message(int fd, enum sync_type type, const void *payload, size_t n, const int *fds,
                        size_t n_fds, struct err *e)
{
    struct wire w;
    int r;

    w.type = (uint32_t)type;
    if (n > 0)
        memcpy(&w.ids, payload, n);
    r = sys_send_msg(fd, &w, offsetof(struct wire, ids) + n, fds, n_fds);
    return r < 0 ? err_sys(e, r, "send %s to the peer", sync_type_name(type)) : 0;
}

int sync_send_mapped(int fd, int root_fd, struct err *e)
{
    return send_message(fd, SYNC_MAPPED, NULL, 0, &root_fd, root_fd >= 0, e);
}

int sync_send_users(int fd, int passwd_fd, int group_fd, struct err *e)
{
    struct sync_users u = {.has_passwd = passwd_fd >= 0, .has_group = group_fd >= 0};
    int fds[2];
    size_t n = 0;

    if (passwd_fd >= 0)
        fds[n++] = passwd_fd;
    if (group_fd >= 0)
        fds[n++] = group_fd;
    return send_message(fd, SYNC_USERS, &u, sizeof(u), fds, n, e);
}

int sync_send_ids(int fd, const struct sync_ids *ids, struct err *e)
{
    size_t n = offsetof(struct sync_ids, groups) + ids->n_groups * sizeof(ids->groups[0]);

    return send_message(fd, SYNC_IDS, ids, n, NULL, 0, e);
}

int sync_send_terminal(int fd, int master, struct err *e)
{
    return send_message(fd, SYNC_TERMINAL, NULL, 0, &master, 1, e);
}

int sync_send_born(int fd, pid_t pid, int pidfd, struct err *e)
{
    struct sync_born b = {.pid = pid};

    return send_message(fd, SYNC_BORN, &b, sizeof(b), &pidfd, 1, e);
}

int sync_send_prepared(int fd, struct err *e)
{
    return send_message(fd, SYNC_PREPARED, NULL, 0, NULL, 0, e);
}

int sync_send_moved(int fd, struct err *e)
{
    return send_message(fd, SYNC_MOVED, NULL, 0, NULL, 0, e);
}

int sync_send_proceed(int fd, struct err *e)
{
    return send_message(fd, SYNC_PROCEED, NULL, 0, NULL, 0, e);
}

int sync_send_ready(int fd, struct err *e)
{
    return send_message(fd, SYNC_READY, NULL, 0, NULL, 0, e);
}

int sync_send_start(int fd, struct err *e)
{
    return send_message(fd, SYNC_START, NULL, 0, NULL, 0, e);
}

int sync_send_detach(int fd, struct err *e)
{
    return send_message(fd, SYNC_DETACH, NULL, 0, NULL, 0, e);
}

int sync_send_told(int fd, struct err *e)
{
    return send_message(fd, SYNC_TOLD, NULL, 0, NULL, 0, e);
}

int sync_write_listener(int fd, int listener, struct err *e)
{
    struct wire w = {.type = SYNC_LISTENER, .listener = {listener}};
    size_t n = offsetof(struct wire, listener) + sizeof(w.listener);
    ssize_t r;

    do
        r = write(fd, &w, n);
    while (r < 0 && errno == EINTR);
    return r < 0 ? err_sys(e, -errno, "write LISTENER to the peer") : 0;
}

int sync_read_told(int fd, struct err *e)
{
    uint32_t type = SYNC_NONE;
    ssize_t r;

    do
        r = read(fd, &type, sizeof(type)); /* a datagram: the rest of a longer one is dropped */
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return err_sys(e, -errno, "read TOLD from the peer");
    if (r != (ssize_t)sizeof(type) || type != SYNC_TOLD)
        return err_set(e, ERR_IO, "the peer is gone, expected TOLD");
    return 0;
}

int sync_send_failed(int fd, const struct err *failure)
{
    return send_message(fd, SYNC_FAILED, failure, sizeof(*failure), NULL, 0, NULL);
}

/* Trust boundary: nothing of the payload is believed before it passed here. */
static int check_message(struct sync_message *m, size_t n, struct err *e)
{
    switch (m->type) {
    case SYNC_IDS:
        if (m->ids.n_groups > SYNC_MAX_GROUPS ||
            n < offsetof(struct sync_ids, groups) + m->ids.n_groups * sizeof(m->ids.groups[0]) ||
            !memchr(m->ids.home, 0, sizeof(m->ids.home)))
            return err_set(e, ERR_IO, "malformed message IDS");
        return 0;
    case SYNC_USERS:
        if ((m->users.has_passwd != 0) + (m->users.has_group != 0) != (int)m->n_fds)
            return err_set(e, ERR_IO, "malformed message USERS");
        return 0;
    case SYNC_EXEC_FAILED:
    case SYNC_LABEL_FAILED:
        m->exec_failed.name[MIN(n - sizeof(int32_t), (size_t)SYNC_NAME_MAX - 1)] = 0;
        return 0;
    case SYNC_FAILED:
        m->err.msg[sizeof(m->err.msg) - 1] = 0;
        if (m->err.kind <= ERR_NONE || m->err.kind >= ERR_KIND_MAX)
            m->err.kind = ERR_INTERNAL;
        return 0;
    case SYNC_TERMINAL:
    case SYNC_BORN:
        return m->n_fds == 1 ? 0
                             : err_set(e, ERR_IO, "malformed message %s", sync_type_name(m->type));
    case SYNC_NONE:
    case SYNC_MAPPED:
    case SYNC_READY:
    case SYNC_START:
    case SYNC_DETACH:
    case SYNC_PREPARED:
    case SYNC_PROCEED:
    case SYNC_LISTENER:
    case SYNC_TOLD:
    case SYNC_MOVED:
    case SYNC_TYPE_MAX:
        return 0;
    }
    return err_set(e, ERR_INTERNAL, "message without a rule");
}

int sync_receive(int fd, struct sync_message *ret, struct err *e)
{
    auto_sync_message m = {.n_fds = SYNC_MAX_FDS};
    struct wire w;
    ssize_t n = sys_recv_msg(fd, &w, sizeof(w), m.fds, &m.n_fds);
    size_t payload;

    /* A peer that died with an unread message of ours: the kernel tells that once, before what the
     * peer sent last. */
    if (n == -ECONNRESET) {
        m.n_fds = SYNC_MAX_FDS;
        n = sys_recv_msg(fd, &w, sizeof(w), m.fds, &m.n_fds);
    }
    if (n <= 0)
        m.n_fds = 0;
    if (n == 0)
        return 0;
    if (n == -EAGAIN)
        return err_set(e, ERR_TIMEOUT, "the peer did not answer in time");
    if (n < 0)
        return err_sys(e, (int)n, "receive from the peer");
    payload = (size_t)n - MIN((size_t)n, offsetof(struct wire, ids));
    if ((size_t)n < offsetof(struct wire, ids) || w.type == SYNC_NONE || w.type >= SYNC_TYPE_MAX ||
        payload < shapes[w.type].min || payload > shapes[w.type].max ||
        m.n_fds > shapes[w.type].max_fds)
        return err_set(e, ERR_IO, "malformed message from the peer");
    m.type = (enum sync_type)w.type;
    memcpy(&m.ids, &w.ids, payload);
    if (check_message(&m, payload, e) < 0)
        return -1;
    *ret = m;
    m.n_fds = 0;
    return 1;
}

static int negative_errno_of(const struct sync_exec_failed *f)
{
    return f->negative_errno < 0 && f->negative_errno > -4096 ? f->negative_errno : -EIO;
}

int sync_command_error(const char *name, int negative_errno, struct err *e)
{
    bool is_missing = negative_errno == -ENOENT || negative_errno == -ENOTDIR;
    char text[128];

    snprintf(text, sizeof(text), "%s", strerror(-negative_errno));
    text[0] = (char)tolower((unsigned char)text[0]);
    err_set(e, is_missing ? ERR_CMD_NOT_FOUND : ERR_CMD_INVOKE, "exec: \"%s\": %s", name,
            negative_errno == -ENOENT ? "no such file or directory" : text);
    if (e)
        e->errno_value = -negative_errno;
    return -1;
}

int sync_error_of(const struct sync_message *m, const char *expected, struct err *e)
{
    if (m->type == SYNC_FAILED) {
        if (e)
            *e = m->err;
        return -1;
    }
    if (m->type == SYNC_EXEC_FAILED)
        return sync_command_error(m->exec_failed.name, negative_errno_of(&m->exec_failed), e);
    if (m->type == SYNC_LABEL_FAILED)
        return err_sys(e, negative_errno_of(&m->exec_failed), "set the security label '%s'",
                       m->exec_failed.name);
    return err_set(e, ERR_INTERNAL, "unexpected message %s, expected %s", sync_type_name(m->type),
                   expected);
}

int sync_expect(int fd, enum sync_type type, struct sync_message *ret, struct err *e)
{
    auto_sync_message m = {0};
    int r = sync_receive(fd, &m, e);

    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(e, ERR_IO, "the peer is gone, expected %s", sync_type_name(type));
    if (m.type != type)
        return sync_error_of(&m, sync_type_name(type), e);
    *ret = m;
    m.n_fds = 0;
    return 0;
}

int sync_expect_end(int fd, struct err *e)
{
    auto_sync_message m = {0};
    int r = sync_receive(fd, &m, e);

    return r <= 0 ? r : sync_error_of(&m, "the end", e);
}
