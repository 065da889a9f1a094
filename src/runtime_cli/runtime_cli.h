/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * dhow-runtime: a thin skin over lifecycle/, with the grammar of runc and crun. A file a command or
 * a family of commands; what a caller parses is in CONTRACTS of the design and in docs/runtime.md.
 */
#include "command/front.h"
#include "lifecycle/lifecycle.h"

struct cli_config {
    struct lifecycle_config lifecycle;
    const char *criu; /* the program */
};

extern const struct command_set runtime_commands;
extern const struct command runtime_root;
int runtime_cli_main(int argc, char **argv);

/* --console-socket, --pid-file, ...: of create, run and exec. */
struct io_options {
    char *console_socket;
    char *pidfd_socket;
    char *pid_file;
    struct json_opt_u64 preserve_fds;
};
#define IO_OPTION_ROWS(type, member)                                                               \
    {"console-socket", 0,                                                                          \
     OPT_STRING,       offsetof(struct type, member.console_socket),                               \
     "PATH",           "Send the master of the process's terminal to this socket",                 \
     COMPLETE_FILE},                                                                               \
        {"pidfd-socket", 0,                                                                        \
         OPT_STRING,     offsetof(struct type, member.pidfd_socket),                               \
         "PATH",         "Send a pidfd of the process to this socket",                             \
         COMPLETE_FILE},                                                                           \
        {"pid-file",   0,                                                                          \
         OPT_STRING,   offsetof(struct type, member.pid_file),                                     \
         "FILE",       "Write the pid of the process to this file",                                \
         COMPLETE_FILE},                                                                           \
    {                                                                                              \
        "preserve-fds", 0, OPT_UINT64, offsetof(struct type, member.preserve_fds), "N",            \
            "Pass N more descriptors, from 3 on, to the process"                                   \
    }
int io_options_value(const struct io_options *o, struct lifecycle_process_io *ret, struct err *e);

/* The process's terminal, if it has one of ours, as the caller's output wants it: of its size, and
 * into a file or pipe without "\r", as runc has it. Before the process runs, where that can be. */
void foreground_prepare(const struct lifecycle_process *p);
/* Connects the caller's stdin, stdout, stderr, signals and terminal to the process until it ends;
 * reaps it. Takes the fds of `p`. */
int foreground_wait(struct cli *cli, struct lifecycle_process *p, int *ret_code, struct err *e);
#define auto_process DHOW_CLEANUP(lifecycle_process_done) struct lifecycle_process
/* The same for a container's first process: returns the exit code; the container is deleted unless
 * it is to be kept, and given up when the wait fails. */
enum foreground_flags { FOREGROUND_KEEP = 1 << 0 };
int foreground_container(struct cli *cli, const char *id, const char *pid_file,
                         struct lifecycle_process *p, unsigned flags, struct err *e);
/* A run that fails leaves nothing. Returns -1: the first error is the caller's; one here is logged
 * beside it. */
int give_up(struct cli *cli, const char *id, const char *pid_file);
void print_process_warnings(const struct lifecycle_process *p);

/* The object that `state` prints, and the rows of `list`. */
struct json_object *state_object(const struct lifecycle_state *s,
                                 enum lifecycle_status status) DHOW_MUST_USE;

#define ONE_CONTAINER                                                                              \
    .args = "CONTAINER", .min_args = 1, .max_args = 1, .complete_args = COMPLETE_CONTAINER
