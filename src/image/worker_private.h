/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The worker's two operations, and its main function's body.
 */
#include "image/assemble.h"
#include "image/http.h"
#include "image/worker.h"

struct worker {
    struct session session;
    struct image_worker_request request;
    struct http_trust trust; /* pull */
    int archive_fd;          /* load */
    struct assembly assembly;
    void (*sandboxed)(void);
};

int worker_pull(struct worker *w, struct err *e);
int worker_load(struct worker *w, struct err *e);

/* Serves one request on the control socket: 0, or -1 after "error" was sent where possible.
 * `sandboxed` is called when the sandbox has closed: threads may be started from then on. */
int worker_run(int control_fd, void (*sandboxed)(void));
