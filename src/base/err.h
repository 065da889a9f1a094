/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The error value. It is owned by the caller, has a fixed size, allocates nothing: it works when
 * memory is out, and travels over a sync socket as one datagram.
 *
 * Leaves (base/, sys/) return >= 0 or -errno and set no struct err. Everything above takes `struct
 * err *e` last and returns 0 or -1 (or a pointer or NULL). `e` may be NULL. Setting overwrites.
 * Compare kinds, never text. Messages: lower case, no full stop, say what failed on what, values in
 * single quotes.
 */
#include "base/def.h"

enum err_kind {
    ERR_NONE,
    ERR_INVALID,     /* the request is malformed */
    ERR_NOT_FOUND,   /* no such object */
    ERR_CONFLICT,    /* the name is taken, the object is in use */
    ERR_BAD_STATE,   /* the object's state forbids it */
    ERR_DENIED,      /* not permitted */
    ERR_UNSUPPORTED, /* not on this kernel, not in this build, not yet */
    ERR_LIMIT,       /* a limit was reached: size, count, space */
    ERR_TIMEOUT,
    ERR_IO,            /* the world failed: disk, network, peer */
    ERR_INTERNAL,      /* our bug */
    ERR_CMD_INVOKE,    /* the container's command cannot be invoked: exit code 126 */
    ERR_CMD_NOT_FOUND, /* the container's command was not found: exit code 127 */
    ERR_KIND_MAX
};

struct err {
    enum err_kind kind;
    int errno_value; /* positive errno, or 0 */
    char msg[500];
};

/* All return -1, so that a function can end with `return err_set(e, ...)`. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) DHOW_PRINTF(3, 4);
/* `negative_errno` is what a leaf returned; the text of the errno is appended after ": ". */
int err_sys(struct err *e, int negative_errno, const char *fmt, ...) DHOW_PRINTF(3, 4);
/* Puts "CONTEXT: " before the message. */
int err_wrap(struct err *e, const char *fmt, ...) DHOW_PRINTF(2, 3);

void err_clear(struct err *e);
enum err_kind err_kind_of_errno(int positive_errno);
const char *err_kind_name(enum err_kind kind); /* the wire name: "not-found" */
int err_exit_code(const struct err *e);        /* 125, 126 or 127 */
int err_http_status(const struct err *e);
