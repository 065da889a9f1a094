/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Parallel downloads of layers into unlinked files, in a thread of their own. A layer can be read
 * while it grows.
 */
#include "image/layer.h"
#include "image/registry.h"

#define FETCH_PARALLEL 4

struct fetch; /* opaque */
struct fetch_blob {
    const char *digest; /* borrowed for the fetch's life, as is item */
    int64_t size;
    struct session_item *item;
};
/* `r` belongs to the fetch's thread until fetch_free(). */
int fetch_start(struct registry *r, struct session *s, int staging_fd,
                const struct fetch_blob *blobs, size_t n, struct fetch **ret, struct err *e);
/* The i-th blob as a layer's source; a read waits for its bytes. */
struct layer_source fetch_source(struct fetch *f, size_t i);
/* Its layer is unpacked: gives the space back. */
void fetch_forget(struct fetch *f, size_t i);
void fetch_free(struct fetch *f); /* stops what still runs */
