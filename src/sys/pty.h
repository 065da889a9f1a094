/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Pseudo terminals from a given devpts. Every function returns >= 0 or -errno and passes a fault
 * point.
 */
#include "base/def.h"

/* `ptmx_dirfd`/`path` is opened without following a link and must be the multiplexer (5:2) of a
 * devpts file system: else -ENXIO. The master is unlocked; the slave is not our controlling
 * terminal yet. */
int sys_pty_open(int ptmx_dirfd, const char *path, int *ret_master, int *ret_slave);
/* The calling session leader gets `slave` as its controlling terminal. */
int sys_pty_set_controlling(int slave);
