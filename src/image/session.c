/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/session.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/units.h"
#include "sys/socket.h"

#define PROGRESS_INTERVAL_NS 100000000u

static int receive(struct session *s, const struct json_struct *table, void *ret, int *ret_fds,
                   size_t *n_fds, struct err *e)
{
    auto_free char *text = alloc_zero(IMAGE_WORKER_MSG_MAX + 1, 1);
    ssize_t n = sys_recv_msg(s->control_fd, text, IMAGE_WORKER_MSG_MAX, ret_fds, n_fds);

    if (n < 0)
        return err_sys(e, (int)n, "receive from the engine");
    if (n == 0)
        return err_set(e, ERR_IO, "the engine is gone");
    return json_decode_text(text, (size_t)n, IMAGE_WORKER_MSG_MAX, table, ret, e);
}

int session_receive_request(struct session *s, struct image_worker_request *ret, int ret_fds[2],
                            struct err *e)
{
    size_t n_fds = 2;

    ret_fds[0] = ret_fds[1] = FD_NONE;
    return receive(s, &image_worker_request_json, ret, ret_fds, &n_fds, e);
}

int session_send(struct session *s, const struct image_worker_message *m, struct err *e)
{
    auto_free char *text = json_encode_text(&image_worker_message_json, m);
    size_t n = strlen(text);
    int r;

    if (n > IMAGE_WORKER_MSG_MAX)
        return err_set(e, ERR_LIMIT, "the image has too many layers or names");
    pthread_mutex_lock(&s->lock);
    r = sys_send_msg(s->control_fd, text, n, NULL, 0);
    pthread_mutex_unlock(&s->lock);
    return r < 0 ? err_sys(e, r, "send to the engine") : 0;
}

/* A download may still run when its layer is being unpacked: then only the later phase is told. */
static bool is_due(struct session *s, struct session_item *item, const char *phase, uint64_t now)
{
    bool is_due;

    pthread_mutex_lock(&s->lock);
    if (str_equal(item->phase, phase))
        is_due = now - item->last_sent_ns >= PROGRESS_INTERVAL_NS;
    else
        is_due = !(str_equal(item->phase, "unpacking") && str_equal(phase, "downloading"));
    if (is_due) {
        item->phase = phase;
        item->last_sent_ns = now;
    }
    pthread_mutex_unlock(&s->lock);
    return is_due;
}

void session_progress(struct session *s, struct session_item *item, const char *phase,
                      int64_t current_bytes, int64_t total_bytes)
{
    uint64_t now = units_monotonic_ns();
    struct image_worker_message m = {
        .type = (char *)(uintptr_t) "progress",
        .item = item->name,
        .phase = (char *)(uintptr_t)phase,
        .current_bytes = current_bytes,
        .total_bytes = total_bytes,
    };

    if (is_due(s, item, phase, now))
        (void)session_send(s, &m, NULL); /* a lost engine ends the worker elsewhere */
}

int session_ask_have(struct session *s, char *const *diff_ids, char ***ret_have, struct err *e)
{
    struct image_worker_message ask = {.type = (char *)(uintptr_t) "have",
                                       .diff_ids = (char **)(uintptr_t)diff_ids};
    struct image_worker_message reply = {0};
    size_t no_fds = 0;
    int r = 0;

    if (session_send(s, &ask, e) < 0 ||
        receive(s, &image_worker_message_json, &reply, NULL, &no_fds, e) < 0)
        return -1;
    if (str_equal(reply.type, "have-reply"))
        *ret_have = take_ptr(&reply.diff_ids);
    else
        r = err_set(e, ERR_INTERNAL, "the engine answered 'have' with '%s'", reply.type);
    json_free_struct(&image_worker_message_json, &reply);
    return r;
}
