/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The user's side of a running container or exec session: connects the user's stdio to it, forwards
 * signals and window sizes, until it ends or the user types the detach keys. Both calls block, run
 * in a single-threaded process, and leave terminal, signal mask and signal handlers as they were.
 *
 * Nothing is lost or reordered within a stream. A user's stdout that is gone (EPIPE) is not an end:
 * the rest is thrown away and the container is waited for.
 */
#include <sys/types.h>

#include "base/err.h"
#include "runtime/monitor.h"

#define ATTACH_KEYS_MAX     16
#define ATTACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

/* The detach sequence; n == 0: none. */
struct attach_keys {
    unsigned char key[ATTACH_KEYS_MAX];
    size_t n;
};
/* "ctrl-p,ctrl-q": comma-separated single characters, "ctrl-X" (X a letter or one of @[\]^_) or
 * "DEL". "" is no sequence. 0, or -EINVAL. */
int attach_keys_parse(const char *text, struct attach_keys *ret);

/* Looks for the sequence in a stream that comes in pieces. Zeroed is the start. */
struct attach_key_scan {
    size_t matched; /* keys of the sequence that were typed so far and are held back */
};
/* Writes what is to be passed on to `out` (room: n + ATTACH_KEYS_MAX) and returns how much; sets
 * *ret_detach and stops when the sequence is complete. */
size_t attach_keys_scan(const struct attach_keys *keys, struct attach_key_scan *scan,
                        const unsigned char *in, size_t n, unsigned char *out, bool *ret_detach);

/* One more descriptor to wait for. */
struct attach_watch {
    int fd; /* `ready` may make it FD_NONE: enough */
    void (*ready)(struct attach_watch *w);
};

struct attach_client {
    int socket; /* attached monitor client; attach_monitor_run only; stays the caller's */
    int in;     /* the user's 0, 1, 2; borrowed */
    int out;
    int err;
    bool tty;         /* the container has a terminal: raw mode on `in` if it is one, window sizes,
                         detach keys */
    bool interactive; /* forward `in` */
    bool sig_proxy;   /* forward signals to `pidfd`; otherwise a fatal one restores the terminal and
                         ends this process as it would */
    int pidfd;        /* the container's first process, or the exec session's; borrowed */
    struct attach_keys detach_keys;
    struct attach_watch *watch; /* NULL: none */
};

/* Until the EXIT packet (then *ret_exit is set; CLEANING and CLEANED are the caller's) or the
 * detach keys (*ret_detached). ERR_IO when the monitor is gone without an EXIT. */
int attach_monitor_run(const struct attach_client *c, struct monitor_exit *ret_exit,
                       bool *ret_detached, struct err *e);

/* Our ends of an exec session's stdio; FD_NONE: not there. The call takes ownership: all are closed
 * when it returns. They become non-blocking, so nobody else may hold these descriptions. */
struct attach_session {
    int stdin_fd;    /* write end */
    int stdout_fd;   /* read end */
    int stderr_fd;   /* read end */
    int terminal_fd; /* pty master, instead of the three */
};
/* Until the process of c->pidfd has ended and its output is drained (what its own children still
 * write is waited for until nothing comes for 100 ms, at most 2 s), or the detach keys. The caller
 * reaps it. */
int attach_stdio_run(const struct attach_client *c, struct attach_session *session,
                     bool *ret_detached, struct err *e);
