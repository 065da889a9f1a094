/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The contract with dhow-monitor, the small static program that stays beside a running container.
 * Plain C and libc types only: the monitor is built without anything else.
 *
 * It is not spawned: the process that created the container executes it in place (same pid, same
 * children), as dhow-monitor ID fds=MASK [terminal] [log-max=BYTES] [cleanup=PROGRAM,ARG,ARG,...]
 * with the fds below at fixed numbers. MASK is the hexadecimal set of those that are there (bit =
 * number).
 *
 * Attach protocol: SOCK_SEQPACKET; the first byte of a packet is its type. The monitor accepts any
 * number of clients; each gets all output from its attach on. MONITOR_FD_CLIENT is one attached
 * from the beginning, so no byte is lost.
 *
 *   client                                   monitor
 *     | <--- STARTED {pid} ------------------- |   only the first client; sent before the monitor
 * program is executed | <--- FAILED {struct err} ------------- |   or this, and the end | <---
 * STDOUT data / STDERR data ------- |   at most MONITOR_CHUNK bytes each; with a terminal all is
 * STDOUT | ---- STDIN data / STDIN_EOF ---------> | | ---- WINSIZE {rows, cols} -----------> | |
 * <--- EXIT {status, ...} -------------- |   after the last byte of output (or 2 s after the exit,
 * if a grandchild |                                        |   keeps the pipes open), and after the
 * exit record is on disk | ---- CLEANING -----------------------> |   "I tear the container down"
 *     | ---- CLEANED ------------------------> |   done; an end without it, and the monitor starts
 * the cleanup command
 *
 * The container outlives every client. A client that does not read holds back the container's
 * output, as a pipe would.
 *
 * Exit record: the file "exit" in MONITOR_FD_DIR, written atomically, lines "KEY=VALUE": code
 * (0-255; 128+n for a signal), signal, finished_ns, oom (0 or 1). Log: the CRI format "RFC3339NANO
 * stream F|P text\n"; a partial line (no newline yet, or longer than MONITOR_LOG_LINE) is tagged P,
 * so that every byte can be had back.
 */
#include <stdint.h>

enum monitor_fd {
    MONITOR_FD_DIR = 3,       /* /run/dhow/containers/ID */
    MONITOR_FD_LOG = 4,       /* opened for append; absent: no log */
    MONITOR_FD_LISTEN = 5,    /* attach.sock, listening */
    MONITOR_FD_CLIENT = 6,    /* connected first client */
    MONITOR_FD_PIDFD = 7,     /* of the container's first process, a child */
    MONITOR_FD_STDIN = 8,     /* write end; absent: no stdin */
    MONITOR_FD_STDOUT = 9,    /* read end */
    MONITOR_FD_STDERR = 10,   /* read end */
    MONITOR_FD_TERMINAL = 11, /* pty master, instead of the three */
    MONITOR_FD_OOM = 12,      /* readable at an OOM kill */
    MONITOR_FD_ALIVE = 13,    /* a lock held as long as the monitor lives; never touched */
    MONITOR_FD_LOGDIR = 14,   /* directory of the log, for rotation (log-max) */
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
};

#define MONITOR_CHUNK (32u << 10) /* payload bytes of one packet */
#define MONITOR_LOG_LINE                                                                           \
    (16u << 10) /* text bytes of one log line; longer lines continue as P ... F */

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
