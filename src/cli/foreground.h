/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A container in the foreground: its stdio is the user's until it ends or the user detaches; then
 * it is recorded and torn down. For run, start --attach and attach.
 */
#include "attach/attach.h"
#include "engine/engine.h"

enum foreground_flags {
    FOREGROUND_STDIN = 1 << 0,  /* forward the user's stdin */
    FOREGROUND_STDOUT = 1 << 1, /* show the container's stdout */
    FOREGROUND_STDERR = 1 << 2,
    FOREGROUND_SIG_PROXY = 1 << 3,
    FOREGROUND_TTY = 1 << 4, /* the container has a terminal */
};

struct foreground {
    const char *id;
    int socket; /* of engine_container_start or _attach; closed by foreground_run */
    unsigned flags;
    struct attach_keys keys;
};

/* *ret_code is the container's exit code, or 0 when the user detached. */
int foreground_run(struct engine *en, struct foreground *f, int *ret_code, struct err *e);
int foreground_keys(const char *text, struct attach_keys *ret, struct err *e);
/* The size of the user's terminal, or 0 and 0. */
void foreground_size(struct engine_start *how);
