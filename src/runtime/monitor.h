/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The contract with dhow-monitor, the small static program that stays beside a running container.
 * Plain C and libc types only: the monitor is built without anything else.
 *
 * It is not spawned: the process that created the container executes it in place (same pid, same
 * children), as
 *
 *     dhow-monitor ID fds=MASK [log-max=BYTES] [-- PROGRAM ARG...]
 *
 * with the fds below at fixed numbers. MASK is the hexadecimal set of those that are there (bit =
 * number). PROGRAM ARG... is the cleanup command; the monitor becomes it (execve, same pid, stdio
 * on /dev/null, no other fds) when no client cleans up. It gets the environment that the monitor
 * was executed with: whoever executes the monitor chooses it. The caller has called setsid() and
 * put /dev/null on 0, 1 and 2; its directory is /.
 */
/* clang-format off */
/*
 * Attach protocol: SOCK_SEQPACKET; the first byte of a packet is its type. The monitor serves up to
 * MONITOR_CLIENTS at a time (more wait in the backlog) whose uid is its own or root's; each gets all
 * output from its attach on. MONITOR_FD_CLIENT is one attached from the beginning, so no byte is lost.
 *
 *   client                                   monitor
 *     | <--- WARNING text -------------------- |   any number, only the first client, before STARTED
 *     | <--- STARTED {pid} ------------------- |   only the first client; sent before the monitor
 *     |                                        |   program is executed
 *     | <--- FAILED {struct err} ------------- |   or this, and the end
 *     | <--- STDOUT data / STDERR data ------- |   at most MONITOR_CHUNK bytes each; with a terminal
 *     |                                        |   all is STDOUT
 *     | ---- STDIN data / STDIN_EOF ---------> |   EOF closes the container's stdin; without effect on
 *     |                                        |   a terminal
 *     | ---- WINSIZE {rows, cols} -----------> |
 *     | ---- QUIET --------------------------> |   no output to this client, only the EXIT
 *     | <--- EXIT {status, ...} -------------- |   after the last byte of output (or 2 s after the exit,
 *     |                                        |   if a grandchild keeps the pipes open), and after the
 *     |                                        |   exit record is on disk
 *     | ---- CLEANING -----------------------> |   "I tear the container down", within MONITOR_CLAIM_MS
 *     | ---- CLEANED ------------------------> |   done; an end without it, and the monitor becomes the
 *     |                                        |   cleanup command
 *
 * The container outlives every client. A client that does not read holds back the container's output,
 * as a pipe would; what it has not taken yet at the exit waits for it. The exit record does not wait
 * for clients longer than MONITOR_DRAIN_MS.
 *
 * Exit record: the file "exit" in MONITOR_FD_DIR, written atomically, lines "KEY=VALUE": code (0-255;
 * 128+n for a signal), signal, finished_ns, oom (0 or 1), log_lost (bytes of output that the log could
 * not take, because the disk was full).
 *
 * Log: the CRI format "RFC3339NANO stream F|P text\n", timestamps in UTC with nine digits and "Z". F is
 * text that ended with a newline; P is text that did not (longer than MONITOR_LOG_LINE, nothing came for
 * MONITOR_IDLE_MS, or the end), so that every byte can be had back. With log-max a log that would grow
 * beyond it is renamed to MONITOR_LOG_OLD, over the one before it, and a new one begins.
 */
/* clang-format on */
#include <stdint.h>

enum monitor_fd {
    MONITOR_FD_DIR = 3,       /* /run/dhow/containers/ID */
    MONITOR_FD_LOG = 4,       /* opened for append; absent: no log */
    MONITOR_FD_LISTEN = 5,    /* attach.sock, listening */
    MONITOR_FD_CLIENT = 6,    /* connected first client */
    MONITOR_FD_PIDFD = 7,     /* of the container's first process, a child; always there */
    MONITOR_FD_STDIN = 8,     /* write end; absent: no stdin */
    MONITOR_FD_STDOUT = 9,    /* read end */
    MONITOR_FD_STDERR = 10,   /* read end */
    MONITOR_FD_TERMINAL = 11, /* pty master, instead of the three */
    MONITOR_FD_OOM = 12,   /* memory.events or memory.oom_control: its oom_kill is read at the exit;
                              or any other fd that is readable at an OOM kill */
    MONITOR_FD_ALIVE = 13, /* a lock held as long as the monitor lives; never touched */
    MONITOR_FD_LOGDIR = 14, /* directory of the log, for rotation (log-max) */
    MONITOR_FD_MAX
};

enum monitor_packet {
    MONITOR_STDIN = 1,
    MONITOR_STDOUT = 2,
    MONITOR_STDERR = 3,
    MONITOR_STDIN_EOF = 4,
    MONITOR_WINSIZE = 5,
    MONITOR_CLEANING = 6,
    MONITOR_CLEANED = 7,
    MONITOR_STARTED = 8,
    MONITOR_FAILED = 9,
    MONITOR_EXIT = 10,
    MONITOR_QUIET = 12,   /* client: no output, only the EXIT */
    MONITOR_WARNING = 11, /* text; before STARTED: a limit that this kernel cannot apply */
};

#define MONITOR_EXIT_NAME "exit"      /* in MONITOR_FD_DIR */
#define MONITOR_LOG_NAME  "log"       /* in MONITOR_FD_LOGDIR */
#define MONITOR_LOG_OLD   "log.1"     /* the one before it */
#define MONITOR_CHUNK     (32u << 10) /* payload bytes of one packet */
#define MONITOR_LOG_LINE                                                                           \
    (16u << 10) /* text bytes of one log line; longer ones continue as P..F                        \
                 */
#define MONITOR_CLIENTS  64u
#define MONITOR_DRAIN_MS 2000
#define MONITOR_CLAIM_MS 250
#define MONITOR_IDLE_MS  250

struct __attribute__((packed)) monitor_winsize {
    uint8_t type;
    uint16_t rows;
    uint16_t cols;
};
struct __attribute__((packed)) monitor_started {
    uint8_t type;
    int32_t pid;
};
struct __attribute__((packed)) monitor_exit {
    uint8_t type;
    uint8_t code;
    uint8_t signal;
    uint8_t oom;
    int64_t finished_ns;
};
