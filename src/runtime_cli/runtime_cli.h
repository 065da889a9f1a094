/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * dhow-runtime: a thin skin over lifecycle/, with runc's and crun's grammar. A file a command.
 */
#include "command/front.h"
#include "lifecycle/lifecycle.h"

struct cli_config {
    struct lifecycle_config lifecycle;
    const char *log_file; /* NULL: stderr only */
    bool log_is_json;
};

extern const struct command_set runtime_commands;
int runtime_cli_main(int argc, char **argv);

/* --console-socket, --pid-file, ...: shared by create, run and exec. */
struct io_options {
    char *console_socket;
    char *pidfd_socket;
    char *pid_file;
    struct json_opt_u64 preserve_fds;
};
#define IO_OPTION_ROWS(type, member)                                                               \
    {"console-socket", 0,                                                                          \
     OPT_STRING,       offsetof(struct type, member.console_socket),                               \
     "PATH",           "Send the terminal's master to this socket",                                \
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
            "Give the process N more descriptors, from 3 on"                                       \
    }
struct lifecycle_process_io io_options_value(const struct io_options *o);
