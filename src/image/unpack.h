/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A layer's tar becomes a directory in overlay's form. Everything is created beneath the layer's
 * directory fd, whatever the archive says (T-unpack):
 *   - names: leading "/" and "./" are stripped, ".." is refused; a parent that is a symlink is
 *     refused; missing parents are made (0755);
 *   - hardlinks: only to regular files that this layer brought;
 *   - whiteouts: ".wh.NAME" is a 0/0 character device NAME, ".wh..wh..opq" marks its directory
 *     opaque, other ".wh..wh." names are ignored;
 *   - an entry that comes twice: the last one counts;
 *   - xattrs: security.capability and user.*; overlay's own are refused, others passed over.
 */
#include "base/err.h"
#include "image/tar.h"

#define UNPACK_ENTRIES_MAX 2000000u
#define UNPACK_BYTES_MAX   (64ull << 30)
#define UNPACK_DEPTH_MAX   128u

/* What an image may still use; shared by its layers. */
struct unpack_budget {
    uint64_t entries;
    uint64_t bytes; /* of files, holes included */
};

/* Unpacks into `layer_fd`, an empty directory. `scratch_fd`: where an unlinked file may be made.
 * The archive was read to its end mark; ret_bytes is what its files hold. On an error the directory
 * is the caller's to remove. */
int unpack_layer(int layer_fd, int scratch_fd, struct tar_reader *tar, struct unpack_budget *budget,
                 uint64_t *ret_bytes, struct err *e);

/* A name of an archive as "a/b/c" without ".", "..", empty parts; "" is the root. `ret` holds
 * TAR_PATH_MAX_BYTES + 1. */
int unpack_clean_path(const char *name, char *ret, struct err *e);
