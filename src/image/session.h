/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The worker's side of worker.h. Messages may be sent from any thread.
 */
#include <pthread.h>

#include "base/err.h"
#include "image/worker.h"

struct session {
    int control_fd;
    pthread_mutex_t lock;
};

/* What is shown about one layer; at most ten messages a second. */
struct session_item {
    char name[40];
    const char *phase;
    uint64_t last_sent_ns;
};

int session_receive_request(struct session *s, struct image_worker_request *ret, int ret_fds[2],
                            struct err *e);
void session_progress(struct session *s, struct session_item *item, const char *phase,
                      int64_t current_bytes, int64_t total_bytes);
/* Asks which of these layers the store has; an owned vector. */
int session_ask_have(struct session *s, char *const *diff_ids, char ***ret_have, struct err *e);
int session_send(struct session *s, const struct image_worker_message *m, struct err *e);
