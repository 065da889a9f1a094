/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The state of one dhow-monitor and its parts. Everything has a fixed size; nothing is allocated.
 */
#include <poll.h>

#include "base/fd.h"
#include "monitor/log.h"
#include "runtime/monitor.h"

/* What the container did so far, and what is left to do. */
enum monitor_phase {
    MONITOR_RUNNING,   /* the container lives */
    MONITOR_DRAINING,  /* it is dead; its output is not at its end yet */
    MONITOR_TELLING,   /* exit record on disk; a client has not got its EXIT yet */
    MONITOR_CLAIMING,  /* all have; who cleans up? until claim_deadline_ms */
    MONITOR_CLEANUP,   /* a client does: until its CLEANED */
    MONITOR_ABANDONED, /* none does: become the cleanup command */
    MONITOR_OVER,
};

/* A packet on its way: its type and up to MONITOR_CHUNK bytes. */
struct monitor_chunk {
    uint8_t type;
    uint8_t data[MONITOR_CHUNK];
};
_Static_assert(sizeof(struct monitor_chunk) == MONITOR_CHUNK + 1, "sent as it lies");

/* Whole pages, given back to the kernel when the container is quiet. */
struct monitor_room {
    struct monitor_log_room log;
    struct monitor_chunk out; /* one chunk of output on its way to the clients */
    struct monitor_chunk in;  /* one chunk of input on its way to the container */
} __attribute__((aligned(4096)));

struct monitor_client {
    int fd;           /* FD_NONE: free */
    bool is_owed;     /* has not got the chunk in room.out yet */
    bool is_deaf;     /* takes no more packets; what it sent is still read */
    bool holds_input; /* has input for the container while room.in is taken */
    bool is_quiet;    /* wants its EXIT only */
    bool is_told;     /* got its EXIT */
    bool is_cleaning; /* sent CLEANING */
};

struct monitor_output {
    int fd;      /* FD_NONE: at its end */
    long budget; /* bytes that may still be read after the deadline */
};

struct monitor {
    enum monitor_phase phase;
    struct monitor_log log;
    struct monitor_room *room;
    struct monitor_output outputs[MONITOR_LOG_STREAMS]; /* stdout or terminal, stderr */
    unsigned turn;    /* the output that is read first: none starves */
    size_t out_bytes; /* in room.out; 0: free */
    int stdin_fd;     /* FD_NONE: closed */
    size_t in_begin;  /* room.in.data[in_begin, in_end) is still to be written */
    size_t in_end;
    bool is_stdin_over; /* close it when room.in is written */
    int terminal_fd;    /* FD_NONE: none */
    int peer_fd;        /* the terminal's other side, held open while the container lives */
    int listen_fd;
    bool is_accept_paused;
    int pidfd;
    int oom_fd;
    bool is_oom_file;
    bool is_idle; /* nothing pending in the log, no memory to give back */
    bool is_late; /* the drain deadline has passed */
    bool is_recorded;
    int64_t now_ms;
    int64_t drain_deadline_ms;
    int64_t claim_deadline_ms;
    struct monitor_exit exit;
    struct monitor_client clients[MONITOR_CLIENTS];
};

/* streams.c: output of the container to log and clients, input to it. */
void monitor_read_output(struct monitor *m, struct monitor_output *o);
void monitor_close_output(struct monitor *m, struct monitor_output *o);
void monitor_write_input(struct monitor *m);
void monitor_close_input(struct monitor *m);
bool monitor_is_drained(const struct monitor *m);

/* clients.c: the attach protocol. */
void monitor_client_add(struct monitor *m, int fd);
void monitor_clients_accept(struct monitor *m);
bool monitor_clients_full(const struct monitor *m);
bool monitor_clients_any(const struct monitor *m);
void monitor_clients_offer(struct monitor *m); /* sends room.out to those who are owed it */
void monitor_clients_tell(struct monitor *m);  /* sends EXIT to those who are not told */
bool monitor_clients_all_told(const struct monitor *m);
bool monitor_client_wants(const struct monitor *m, const struct monitor_client *c,
                          short *ret_events);
void monitor_client_read(struct monitor *m, struct monitor_client *c);
