/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Streaming decompression of hostile bytes: gzip (ISA-L, or zlib where it is not built), zstd,
 * plain. The format is told by its magic, never by what a media type claims. Concatenated gzip
 * members and zstd frames are one stream; behind the last one only zero bytes may follow.
 */
#include "base/err.h"

#define DECOMPRESS_MAGIC_BYTES     4
#define DECOMPRESS_ZSTD_WINDOW_LOG 27 /* 128 MiB: what `zstd` itself accepts */

enum decompress_format {
    DECOMPRESS_PLAIN,
    DECOMPRESS_GZIP,
    DECOMPRESS_GZIP_ZLIB, /* the same by zlib */
    DECOMPRESS_ZSTD,
    DECOMPRESS_UNKNOWN, /* xz, bzip2: known to be unsupported */
};
enum decompress_format decompress_detect(const unsigned char *p, size_t n);

struct decompress; /* opaque */
struct decompress *decompress_new(enum decompress_format format, struct err *e);
void decompress_free(struct decompress *d);
/* Takes from *in, gives up to out_size bytes. Call until *in_len is 0 and *ret_n < out_size. */
int decompress_step(struct decompress *d, const unsigned char **in, size_t *in_len,
                    unsigned char *out, size_t out_size, size_t *ret_n, struct err *e);
/* All input was given: was the stream complete? */
int decompress_finish(struct decompress *d, struct err *e);
