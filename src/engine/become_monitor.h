/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A start in the making, shared by the two processes of it (start.c and become_monitor.c).
 */
#include "base/fd.h"
#include "base/units.h"
#include "engine/engine_internal.h"
#include "runtime/monitor.h"
#include "runtime/runtime.h"

/* Our ends of the container's streams. */
struct streams {
    int in, out, err;
};

struct start {
    bool attach;
    uint16_t rows, cols;
    struct launch launch;
    store_fd_list layers;
    struct runtime_config config;
    struct runtime_plan *plan;
    struct streams ours;                 /* theirs are config.stdio */
    int rundir, alive, etc, mount_point; /* RUNROOT/containers/ID and in it */
    int dir, upper, work, log;           /* ROOT/containers/ID and in it */
    int monitor_program;
    int null;
    int client[2]; /* [0] the caller's end, [1] the monitor's */
};
#define START_NONE                                                                                 \
    {                                                                                              \
        .rundir = FD_NONE, .alive = FD_NONE, .etc = FD_NONE, .mount_point = FD_NONE,               \
        .ours = {FD_NONE, FD_NONE, FD_NONE}, .config = {.stdio = {FD_NONE, FD_NONE, FD_NONE}},     \
        .dir = FD_NONE, .upper = FD_NONE, .work = FD_NONE, .log = FD_NONE,                         \
        .monitor_program = FD_NONE, .null = FD_NONE,                                               \
        .client =                                                                                  \
        { FD_NONE,                                                                                 \
          FD_NONE }                                                                                \
    }

/* In the forked child: makes the container, starts it, executes dhow-monitor. Says how it went on
 * client[1]. */
void become_monitor(struct engine *en, struct start *s,
                    const struct store_container *c) DHOW_NORETURN;
