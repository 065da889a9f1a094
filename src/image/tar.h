/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A tar reader for hostile archives: v7, ustar, GNU (long names, old sparse) and PAX (sparse 0.0,
 * 0.1, 1.0). It pulls bytes from an input, allocates only what its limits allow, and hands out data
 * without copying it. Names are bytes: nothing is converted, nothing here touches a file.
 *
 * A program may read an archive in which headers disagree in two ways; where implementations
 * differ, this one does as Go's archive/tar does, since that is what made and checked the layers.
 */
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

#define TAR_HEADERS_MAX_BYTES (256u << 10) /* extended headers of one entry, xattrs included */
#define TAR_PATH_MAX_BYTES    4096u
#define TAR_EXTENTS_MAX       65536u
#define TAR_SHOWN_SIZE        200u

struct tar_input {
    /* The next bytes, valid until the next call; *ret_len 0 at the end. 0 or -1. */
    int (*fill)(void *arg, const unsigned char **ret, size_t *ret_len, struct err *e);
    /* Optional: passes over n bytes behind what was filled. */
    int (*skip)(void *arg, uint64_t n, struct err *e);
    void *arg;
};

enum tar_kind {
    TAR_FILE,
    TAR_HARDLINK,
    TAR_SYMLINK,
    TAR_CHAR_DEVICE,
    TAR_BLOCK_DEVICE,
    TAR_DIRECTORY,
    TAR_FIFO
};

struct tar_xattr {
    char *name; /* "user.x", "security.capability" */
    char *value;
    size_t len;
};
struct tar_extent {
    uint64_t offset;
    uint64_t len;
};

struct tar_entry {
    enum tar_kind kind;
    char *path; /* as written; not empty, no NUL */
    char *link; /* hardlink and symlink target, else NULL */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    uint64_t size; /* of the file, holes included */
    int64_t mtime_s;
    uint32_t mtime_ns;
    unsigned dev_major;
    unsigned dev_minor;
    VEC(struct tar_xattr) xattrs;
};

struct tar_reader; /* opaque */
struct tar_reader *tar_reader_new(const struct tar_input *input);
void tar_reader_free(struct tar_reader *r);
/* The next entry, borrowed until the next call: 1; 0 at the end of the archive; -1. Data that was
 * not read is passed over. */
int tar_next(struct tar_reader *r, const struct tar_entry **ret, struct err *e);
/* The next piece of the entry's data and its place in the file; *ret_len 0 at the end of it. */
int tar_data(struct tar_reader *r, const unsigned char **ret, size_t *ret_len, uint64_t *ret_offset,
             struct err *e);
/* How many bytes of the input are consumed: behind a header, where its data begins. */
uint64_t tar_position(const struct tar_reader *r);

/* A hostile name for a message: control bytes, quotes and non-ASCII as \xNN, cut at the size. */
const char *tar_show(const char *name, char buf[static TAR_SHOWN_SIZE]);
