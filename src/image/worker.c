/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory: one request, one answer, one life. The request is read, what an administrator configured
 * (certificates) is read, then the sandbox closes behind the process, and only then the first
 * hostile byte is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "image/worker_private.h"
#include "sys/sandbox.h"

static const struct {
    const char *op;
    bool needs_network;
    int (*run)(struct worker *w, struct err *e);
} operations[] = {
    {"pull", true, worker_pull},
    {"load", false, worker_load},

};

static int enter_sandbox(const struct worker *w, bool needs_network, struct err *e)
{
    struct sandbox_options o = {
        .writable_fd = w->assembly.staging_fd,
        .readable_fd = w->archive_fd,
        .flags = needs_network ? SANDBOX_NETWORK : 0,
    };
    int r = sandbox_enter(&o);

    return r < 0 ? err_sys(e, r, "enter the sandbox") : 0;
}

static int serve(struct worker *w, struct err *e)
{
    const struct image_worker_request *q = &w->request;

    if (w->assembly.staging_fd < 0)
        return err_set(e, ERR_INVALID, "the request came without a staging directory");
    w->assembly.session = &w->session;
    w->assembly.budget = (struct unpack_budget){
        .entries = UNPACK_ENTRIES_MAX,
        .bytes = q->max_image_bytes > 0 ? (uint64_t)q->max_image_bytes : UNPACK_BYTES_MAX,
    };
    w->trust.verify = !q->plain_http_allowed;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (strcmp(operations[i].op, q->op) != 0)
            continue;
        if (operations[i].needs_network && http_trust_load(&w->trust, q->cert_dir, e) < 0)
            return -1;
        if (enter_sandbox(w, operations[i].needs_network, e) < 0)
            return -1;
        w->sandboxed();
        return operations[i].run(w, e);
    }
    return err_set(e, ERR_UNSUPPORTED, "unknown operation '%s'", q->op);
}

static int report(struct session *s, int result, const struct err *why)
{
    struct image_worker_message m = {.type = (char *)(uintptr_t) "done"};
    struct err e = {0};

    if (result < 0) {
        m.type = (char *)(uintptr_t) "error";
        m.kind = (char *)(uintptr_t)err_kind_name(why->kind);
        m.msg = (char *)(uintptr_t)why->msg;
    }
    return session_send(s, &m, &e) < 0 ? -1 : result;
}

int worker_run(int control_fd, void (*sandboxed)(void))
{
    struct worker w = {
        .session = {.control_fd = control_fd, .lock = PTHREAD_MUTEX_INITIALIZER},
        .archive_fd = FD_NONE,
        .sandboxed = sandboxed,
        .assembly = {.staging_fd = FD_NONE},
    };
    struct err e = {0};
    int fds[2] = {FD_NONE, FD_NONE};
    int r = session_receive_request(&w.session, &w.request, fds, &e);

    w.assembly.staging_fd = fds[0];
    w.archive_fd = fds[1];
    if (r == 0)
        r = serve(&w, &e);
    r = report(&w.session, r, &e);
    assembly_done(&w.assembly);
    http_trust_done(&w.trust);
    json_free_struct(&image_worker_request_json, &w.request);
    fd_close(fds[0]);
    fd_close(fds[1]);
    return r;
}
