/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Making one entry in its parent directory. `parent` is an fd (O_PATH) of a directory of the layer,
 * `name` a single component that is neither "." nor "..". What has the name already is replaced.
 */
#include "base/err.h"
#include "image/tar.h"

int entry_make_file(int parent, const char *name, const struct tar_entry *t, struct tar_reader *tar,
                    struct err *e);
int entry_make_symlink(int parent, const char *name, const struct tar_entry *t, struct err *e);
int entry_make_node(int parent, const char *name, const struct tar_entry *t, struct err *e);
int entry_make_hardlink(int parent, const char *name, int target_parent, const char *target_name,
                        struct err *e);
/* An existing directory stays. Attributes but xattrs are set later: entry_dress_directory(). */
int entry_make_directory(int parent, const char *name, const struct tar_entry *t, struct err *e);
/* A parent that the archive does not list. */
int entry_make_implied_directory(int parent, const char *name, struct err *e);
int entry_make_whiteout(int parent, const char *name, struct err *e);
int entry_make_opaque(int directory, struct err *e); /* `directory` may be O_PATH */

struct directory_attributes {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
};
int entry_dress_directory(int fd, const struct directory_attributes *a, struct err *e);
