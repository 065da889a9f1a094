/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent is a program of the host that the administrator chose, and trusted: it answers for the
 * kernel. An agent that does not read is not waited for: the container's process waits for us.
 */
#include "lifecycle/agent.h"

#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "sys/self.h"
#include "sys/socket.h"

#define SEND_TIMEOUT_MS 10000
#define STATE_MAX_BYTES (1u << 20)

struct process_state {
    char *oci_version;
    char **fds;
    int64_t pid;
    char *metadata;
    struct json_object *state;
};
#define ROW(member, key, type, ...)                                                                \
    {                                                                                              \
        key, type, offsetof(struct process_state, member), __VA_ARGS__                             \
    }
static const struct json_field process_state_fields[] = {
    ROW(oci_version, "ociVersion", JSON_STRING, JSON_KEEP_EMPTY),
    ROW(fds, "fds", JSON_STRV, JSON_KEEP_EMPTY),
    ROW(pid, "pid", JSON_INT64, JSON_KEEP_EMPTY),
    ROW(metadata, "metadata", JSON_STRING),
    ROW(state, "state", JSON_RAW, JSON_KEEP_EMPTY),
};
static const struct json_struct process_state_json =
    JSON_STRUCT("containerProcessState", struct process_state, process_state_fields);

static char *make_message(const struct agent *a, pid_t pid, struct err *e)
{
    char *fds[] = {(char[]){"seccompFd"}, NULL};
    const struct oci_spec *spec = a->container->spec;
    auto_free char *state = hooks_state_text(a->container, a->stage);
    auto_json *object = NULL;

    if (json_parse(state, strlen(state), STATE_MAX_BYTES, &object, e) < 0) {
        err_wrap(e, "the container's state");
        return NULL;
    }
    /* Borrowed: the encoder changes nothing. */
    const struct process_state s = {.oci_version = spec->oci_version,
                                    .fds = fds,
                                    .pid = pid,
                                    .metadata = spec->linux->seccomp->listener_metadata,
                                    .state = object};

    return json_encode_text(&process_state_json, &s);
}

int agent_tell(void *arg, pid_t pid, int listener, struct err *e)
{
    const struct agent *a = arg;
    const char *path = a->container->spec->linux->seccomp->listener_path;
    auto_free char *text = make_message(a, pid, e);
    auto_fd int socket = FD_NONE;
    int r;

    if (!text)
        return -1;
    socket = sys_connect_stream(path);
    /* The words are runc's. */
    if (socket < 0)
        return err_sys(e, socket,
                       "failed to connect with seccomp agent specified in the seccomp profile: "
                       "'%s'",
                       path);
    r = sys_set_send_timeout(socket, SEND_TIMEOUT_MS);
    if (r == 0)
        r = sys_send_msg(socket, text, strlen(text), &listener, 1);
    return r < 0 ? err_sys(e, r, "cannot send seccomp fd to '%s'", path) : 0;
}
