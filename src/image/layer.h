/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * One layer: blob bytes -> digest -> decompress -> diffID -> unpack, in two threads.
 */
#include "base/err.h"
#include "image/digest.h"
#include "image/session.h"
#include "image/unpack.h"

/* Where a layer's blob comes from. */
struct layer_source {
    /* Up to n bytes at `offset`, waiting for at least one; *ret_n 0 at the blob's end. */
    int (*read)(void *arg, uint64_t offset, void *buf, size_t n, size_t *ret_n, struct err *e);
    /* Optional: the other half failed; a read that waits returns -1 now. */
    void (*cancel)(void *arg);
    void *arg;
};

struct layer_request {
    int staging_fd;
    struct layer_source source;
    const char *digest; /* of the blob; NULL: unknown, only the diffID is checked */
    int64_t size;       /* of the blob; -1: unknown */
    const char *diff_id;
    struct unpack_budget *budget;
    struct session *session;
    struct session_item *item;
};

struct layer_result {
    char digest[DIGEST_TEXT_SIZE]; /* of the blob */
    int64_t blob_bytes;
    int64_t unpacked_bytes;
};

/* Leaves layers/<diffid hex> in the staging directory when both digests were right; nothing
 * otherwise. */
int layer_unpack(const struct layer_request *q, struct layer_result *ret, struct err *e);

/* Decompresses a whole source into fd (for archives), with the limits of an image. */
int layer_expand(const struct layer_source *source, int fd, uint64_t max_bytes, struct err *e);
/* Only counts what it expands to. */
int layer_measure(const struct layer_source *source, uint64_t max_bytes, uint64_t *ret_bytes,
                  struct err *e);
/* Reads a layer that is not needed: digest (NULL: unknown), size (-1: unknown) and diffID must be
 * right all the same. */
int layer_verify(const struct layer_source *source, const char *digest, int64_t size,
                 const char *diff_id, uint64_t max_bytes, struct err *e);
