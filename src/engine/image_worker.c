/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talking to dhow-image.
 *
 * Trust: the worker parses hostile bytes and may have been taken over by them. It runs without our
 * fds but three: the staging directory, the archive, its end of the socket. All that it says is
 * bounded and checked here: digests are digests, names are references, counts have limits, numbers
 * are not negative, text for the user has no control bytes. It may talk only while it works: its
 * process is gone before the staging directory is looked at.
 */
#include "engine/image_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "base/trace.h"
#include "image/reference.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

#define MAX_MESSAGES   (1u << 24) /* ten a second and layer, for days */
#define MAX_NAMES      100
#define MAX_SHOWN      100
#define END_TIMEOUT_MS 2000

enum step { STEP_MORE, STEP_OVER };

void image_talk_done(struct image_talk *t)
{
    VEC_FOREACH (i, &t->images)
        json_free_struct(&image_worker_message_json, i);
    vec_done(&t->images);
}

/* ---- checks ---- */
static int unexpected(struct err *e, const char *what)
{
    return err_set(e, ERR_IO, "the image worker sent %s", what);
}

/* Text of the worker for the user: printable, short. */
static void make_plain(char *s, size_t max)
{
    size_t n = s ? strnlen(s, max) : 0;

    if (!s)
        return;
    s[n] = 0;
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static int check_diff_ids(char *const *diff_ids, struct err *e)
{
    if (strv_len(diff_ids) > OCI_MAX_LAYERS)
        return err_set(e, ERR_LIMIT, "the image has more than %d layers", OCI_MAX_LAYERS);
    STRV_FOREACH (id, diff_ids)
        if (!oci_digest_is_valid(*id))
            return unexpected(e, "a layer without a valid digest");
    return 0;
}

static int check_names(char *const *names, struct err *e)
{
    if (strv_len(names) > MAX_NAMES)
        return err_set(e, ERR_LIMIT, "the image has more than %d names", MAX_NAMES);
    STRV_FOREACH (name, names) {
        struct image_reference r = {0};
        bool is_complete;

        if (image_reference_parse(*name, &r, NULL) < 0)
            return unexpected(e, "a name that is no image reference");
        is_complete = r.host && (r.tag || r.digest);
        image_reference_done(&r);
        if (!is_complete)
            return unexpected(e, "a name that is not complete");
    }
    return 0;
}

static int check_image(const struct image_worker_message *m, struct err *e)
{
    if (!m->config_digest || !oci_digest_is_valid(m->config_digest) || !m->manifest_digest ||
        !oci_digest_is_valid(m->manifest_digest))
        return unexpected(e, "an image without valid digests");
    if (m->layers.len > OCI_MAX_LAYERS)
        return err_set(e, ERR_LIMIT, "the image has more than %d layers", OCI_MAX_LAYERS);
    VEC_FOREACH (l, &m->layers)
        if (!oci_digest_is_valid(l->diff_id) || l->unpacked_bytes < 0 || l->blob_bytes < 0)
            return unexpected(e, "a layer without a valid digest or size");
    return check_names(m->names, e);
}

/* ---- one function a message ---- */
static int on_progress(struct image_talk *t, int socket, struct image_worker_message *m,
                       struct err *e)
{
    (void)socket;
    (void)e;
    make_plain(m->item, MAX_SHOWN);
    make_plain(m->phase, MAX_SHOWN);
    if (t->progress)
        t->progress(t->arg, m->item ? m->item : "", m->phase ? m->phase : "",
                    MAX(m->current_bytes, 0), MAX(m->total_bytes, 0));
    return STEP_MORE;
}

static int on_have(struct image_talk *t, int socket, struct image_worker_message *m, struct err *e)
{
    struct image_worker_message reply = {.type = (char *)"have-reply"};
    auto_strv present = NULL;
    auto_free char *text = NULL;
    int r;

    if (check_diff_ids(m->diff_ids, e) < 0 ||
        store_layers_present(t->store, m->diff_ids, &present, e) < 0)
        return -1;
    reply.diff_ids = present;
    text = json_encode_text(&image_worker_message_json, &reply);
    r = sys_send_msg(socket, text, strlen(text), NULL, 0);
    /* A worker that died meanwhile is told by the next receive. */
    return r < 0 && r != -EPIPE && r != -ECONNRESET ? err_sys(e, r, "answer the image worker")
                                                    : STEP_MORE;
}

static int on_image(struct image_talk *t, int socket, struct image_worker_message *m, struct err *e)
{
    (void)socket;
    if (check_image(m, e) < 0)
        return -1;
    if (t->images.len >= t->max_images)
        return err_set(e, ERR_LIMIT, "the image worker brought more than %zu image%s",
                       t->max_images, t->max_images == 1 ? "" : "s");
    vec_push(&t->images, *m);
    *m = (struct image_worker_message){0};
    return STEP_MORE;
}

static int on_done(struct image_talk *t, int socket, struct image_worker_message *m, struct err *e)
{
    (void)socket;
    (void)m;
    return t->images.len ? STEP_OVER : err_set(e, ERR_NOT_FOUND, "no image was found in it");
}

static int on_error(struct image_talk *t, int socket, struct image_worker_message *m, struct err *e)
{
    (void)t;
    (void)socket;
    make_plain(m->msg, sizeof(e->msg) - 1);
    return err_set(e, image_worker_error_kind(m->kind), "%s",
                   m->msg && *m->msg ? m->msg : "the image worker failed without a reason");
}

static const struct {
    const char *type;
    int (*handle)(struct image_talk *t, int socket, struct image_worker_message *m, struct err *e);
} handlers[] = {
    {"progress", on_progress}, {"have", on_have},   {"image", on_image},
    {"done", on_done},         {"error", on_error},
};

static int handle(struct image_talk *t, int socket, const char *text, size_t n, struct err *e)
{
    struct image_worker_message m = {0};
    int r = json_decode_text(text, n, IMAGE_WORKER_MSG_MAX, &image_worker_message_json, &m, e);
    size_t i = 0;

    if (r < 0)
        return err_wrap(e, "a message of the image worker");
    while (i < ARRAY_LEN(handlers) && strcmp(handlers[i].type, m.type) != 0)
        i++;
    r = i < ARRAY_LEN(handlers) ? handlers[i].handle(t, socket, &m, e)
                                : unexpected(e, "a message of unknown type");
    json_free_struct(&image_worker_message_json, &m);
    return r;
}

int image_talk_run(struct image_talk *t, int socket, struct err *e)
{
    auto_free char *buf = alloc_zero(IMAGE_WORKER_MSG_MAX + 1, 1);
    uint64_t max = t->max_messages ? t->max_messages : MAX_MESSAGES;

    for (uint64_t i = 0; i < max; i++) {
        ssize_t n = sys_recv_msg(socket, buf, IMAGE_WORKER_MSG_MAX, NULL, NULL);
        int r;

        if (n == 0 || n == -ECONNRESET) {
            t->has_ended_early = true;
            return err_set(e, ERR_IO, "the image worker ended without a result");
        }
        if (n == -EMSGSIZE)
            return err_set(e, ERR_LIMIT, "the image worker sent a message that is too long");
        if (n < 0)
            return err_sys(e, (int)n, "hear the image worker");
        r = handle(t, socket, buf, (size_t)n, e);
        if (r != STEP_MORE)
            return r == STEP_OVER ? 0 : -1;
    }
    return err_set(e, ERR_LIMIT, "the image worker talks without an end");
}

/* ---- the process ---- */
/* Through a volatile pointer: the compiler may not leave it out before a free. */
static void wipe(char *s)
{
    for (volatile char *p = s; *p; p++)
        *p = 0;
}

static int send_request(int socket, const struct image_worker_request *request, int staging_fd,
                        int archive_fd, struct err *e)
{
    const int fds[] = {staging_fd, archive_fd};
    auto_free char *text = json_encode_text(&image_worker_request_json, request);
    size_t n = strlen(text);
    int r = -EMSGSIZE;

    if (n <= IMAGE_WORKER_MSG_MAX)
        r = sys_send_msg(socket, text, n, fds, archive_fd >= 0 ? 2 : 1);
    wipe(text); /* it may have a password */
    return r < 0 ? err_sys(e, r, "ask the image worker") : 0;
}

static int start(struct engine *en, int socket, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
    auto_free char *path = engine_helper(en, "dhow-image");
    char *const argv[] = {(char *)"dhow-image", NULL};
    auto_fd int null = sys_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
    const int fds[] = {null, null, STDERR_FILENO, socket};
    int r = null < 0 ? null : sys_spawn(path, argv, environ, fds, ARRAY_LEN(fds), ret_pidfd);

    if (r < 0)
        return err_sys(e, r, "start the image worker '%s'", path);
    *ret_pid = r;
    return 0;
}

/* Our end of the socket is closed: a sane worker ends by itself. One that was not sane, or is not
 * wanted any more, is killed. */
static void end(pid_t pid, int pidfd, bool kill_now, int *ret_status)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};

    if (kill_now || poll(&p, 1, END_TIMEOUT_MS) <= 0)
        (void)sys_pidfd_send_signal(pidfd, SIGKILL); /* -ESRCH: it has ended */
    if (sys_wait(pid, ret_status) < 0)
        *ret_status = 0;
}

int image_worker_run(struct engine *en, const struct image_worker_request *request, int staging_fd,
                     int archive_fd, struct image_talk *t, struct err *e)
{
    int pair[2], status = 0, r;
    auto_fd int ours = FD_NONE, theirs = FD_NONE, pidfd = FD_NONE;
    pid_t pid;

    TRACE_SPAN("image worker");
    r = sys_socketpair_seqpacket(pair);
    if (r < 0)
        return err_sys(e, r, "make a socket for the image worker");
    ours = pair[0];
    theirs = pair[1];
    if (start(en, theirs, &pid, &pidfd, e) < 0)
        return -1;
    theirs = fd_close(theirs);
    r = send_request(ours, request, staging_fd, archive_fd, e);
    if (r == 0)
        r = image_talk_run(t, ours, e);
    ours = fd_close(ours);
    end(pid, pidfd, r < 0 && !t->has_ended_early, &status);
    if (t->has_ended_early && WIFSIGNALED(status))
        return err_set(e, ERR_IO, "the image worker died (signal %d)", WTERMSIG(status));
    if (t->has_ended_early)
        return err_set(e, ERR_IO, "the image worker ended without a result (exit code %d)",
                       sys_exit_code_of_status(status));
    return r;
}
