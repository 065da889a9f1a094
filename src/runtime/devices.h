/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Devices of the container. */
#include <stdbool.h>
#include <sys/stat.h>

#include "runtime/init.h"

/* A detached mount that is one true null device (1:3): to mask files with. Before the pivot. An fd,
 * or -1. */
int devices_null_tree(struct init *init, struct err *e);
/* /dev/null of the container, checked to be 1:3, opened. After the pivot or in an exec. */
int devices_open_null(struct init *init, int flags, struct err *e);
bool devices_is_null(const struct stat *st);
