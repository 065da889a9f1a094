/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Files inside an image archive, by path: a directory, or a tar (plain, gzip, zstd; a file or a
 * pipe). Symlinks and hardlinks inside a tar are followed within it.
 */
#include "base/err.h"
#include "image/layer.h"

struct archive; /* opaque */
/* `fd` is borrowed for the archive's life. What is not seekable and plain is spooled into an
 * unlinked file in `scratch_fd`, up to max_bytes. */
int archive_open(int fd, int scratch_fd, uint64_t max_bytes, struct archive **ret, struct err *e);
void archive_free(struct archive *a);

struct archive_file {
    int fd; /* owned when is_owned */
    bool is_owned;
    uint64_t offset;
    uint64_t size;
};
void archive_file_done(struct archive_file *f);
bool archive_has(struct archive *a, const char *path);
int archive_open_file(struct archive *a, const char *path, struct archive_file *ret, struct err *e);
int archive_read_text(struct archive *a, const char *path, size_t max, char **ret, size_t *ret_len,
                      struct err *e);
struct layer_source archive_file_source(struct archive_file *f); /* borrows f */
