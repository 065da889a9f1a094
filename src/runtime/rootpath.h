/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Paths inside a container's root, which is hostile until the container runs and ever after. They
 * are resolved by the kernel as if the root were "/" and without magic links; what is missing is
 * made one component at a time beneath directories that are held open, so that nothing outside the
 * root can be made, whatever links the image has.
 */
#include "base/err.h"

/* Pure: an absolute path without "..", as a relative one without "." and doubled slashes ("" is the
 * root). Owned, or NULL with e, which begins with `what`, the path's field. */
char *rootpath_clean(const char *path, const char *what, struct err *e) DHOW_MUST_USE;

enum rootpath_flags {
    ROOTPATH_DIRECTORY = 1 << 0, /* else anything but a directory */
    ROOTPATH_MAKE = 1 << 1,      /* make what is missing: directories 0755, a file 0644 */
    ROOTPATH_NOFOLLOW = 1 << 2,  /* the last component is no link */
    ROOTPATH_LINK = 1 << 3       /* the last component may be a link, which is not followed */
};
/* An O_PATH fd, or -errno: -ENOTDIR or -EISDIR when it is there and of the other kind, -ELOOP. */
int rootpath_open(int root_fd, const char *clean_path, unsigned flags);
/* The directory of the last component (made if ROOTPATH_MAKE) and the component's name, borrowed
 * from the path. */
int rootpath_open_parent(int root_fd, const char *clean_path, unsigned flags,
                         const char **ret_name);
