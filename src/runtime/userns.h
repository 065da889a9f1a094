/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* User namespaces: their id maps. */
#include "oci/spec.h"

struct userns_maps { /* borrowed */
    const struct oci_id_mapping *uids, *gids;
    size_t n_uids, n_gids;
};

/* Writes the maps of the user namespace that a child has just made: by ourselves where the kernel
 * allows it, else by newuidmap(1) and newgidmap(1), which know the ranges of a plain user. The
 * child must be dumpable when we are one. */
int userns_write_maps(pid_t pid, const struct userns_maps *maps, struct err *e);
/* A user namespace that exists for its maps only: its fd. */
int userns_make(const struct userns_maps *maps, int *ret_fd, struct err *e);

/* In the caller's user namespace. */
bool userns_has_gid(uint32_t gid);
