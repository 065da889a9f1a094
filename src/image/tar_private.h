/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the three files of the tar reader share: tar.c (blocks, headers, data), tar_pax.c (extended
 * header records), tar_sparse.c (maps of sparse files).
 */
#include "image/tar.h"

#define TAR_BLOCK 512u

/* What extended headers said about the entry that follows them. */
struct tar_overrides {
    char *path;
    char *link;
    char *sparse_name;
    bool has_size, has_uid, has_gid, has_mtime, has_real_size;
    uint64_t size, uid, gid, real_size;
    int64_t mtime_s;
    uint32_t mtime_ns;
    uint64_t sparse_major, sparse_minor;
    bool has_sparse_major;
    bool has_pending_offset; /* 0.0: an offset that waits for its numbytes */
    uint64_t pending_offset;
    VEC(struct tar_extent) extents;
    bool has_extents;
    VEC(struct tar_xattr) xattrs;
};

struct tar_reader {
    struct tar_input input;
    const unsigned char *at;
    size_t left;           /* bytes at `at` */
    uint64_t position;     /* consumed */
    uint64_t data_left;    /* stored bytes of the entry that were not handed out */
    uint64_t pad_left;     /* behind them */
    uint64_t file_offset;  /* of the next data byte */
    size_t extent;         /* sparse: the current one */
    uint64_t extent_given; /* bytes of it that were handed out */
    bool is_sparse;
    bool is_at_end;
    struct tar_overrides over;
    struct tar_entry entry;
};

int tar_read_exact(struct tar_reader *r, void *buf, size_t n, struct err *e);
int tar_parse_number(const unsigned char *field, size_t n, int64_t *ret); /* 0 or -EINVAL */

void tar_overrides_done(struct tar_overrides *o);
int tar_pax_parse(struct tar_overrides *o, const char *text, size_t n, struct err *e);

int tar_sparse_add(struct tar_overrides *o, uint64_t offset, uint64_t len, struct err *e);
int tar_sparse_add_map(struct tar_overrides *o, const char *map, struct err *e);
int tar_sparse_read_old(struct tar_reader *r, const unsigned char *header, struct err *e);
int tar_sparse_read_map(struct tar_reader *r, struct err *e); /* 1.0: at the data's beginning */
int tar_sparse_check(const struct tar_reader *r, uint64_t real_size, struct err *e);
