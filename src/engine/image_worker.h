/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The engine's side of the conversation of image/worker.h, and what becomes of the images that it
 * brings. Only the engine's image files include this.
 */
#include "engine/engine_internal.h"
#include "image/worker.h"

struct image_talk {
    struct store *store;
    engine_progress_fn *progress; /* may be NULL */
    void *arg;
    size_t max_images;
    uint64_t max_messages; /* 0: the built-in limit */
    /* What came of it: */
    VEC(struct image_worker_message) images; /* complete, checked, bottom layer first */
    bool has_ended_early;                    /* without "done" or "error" */
};
void image_talk_done(struct image_talk *t);

/* Answers the worker at the other end until it says "done" (0), "error" (its kind and message), or
 * something that it may not say. Blocks as long as the worker lives and is silent. */
int image_talk_run(struct image_talk *t, int socket, struct err *e);

/* Starts dhow-image with the request, talks, and waits for its end: afterwards nobody but us
 * reaches the staging directory. `archive_fd` may be FD_NONE. */
int image_worker_run(struct engine *en, const struct image_worker_request *request, int staging_fd,
                     int archive_fd, struct image_talk *t, struct err *e);

/* One image of the staging directory becomes one of the store's, with these names. */
int image_commit(struct engine *en, int staging_fd, const struct image_worker_message *image,
                 char *const *names, struct err *e);
