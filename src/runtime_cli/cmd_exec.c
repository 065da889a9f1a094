/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/strv.h"
#include "runtime_cli/runtime_cli.h"
#include "sys/process.h"

struct exec_options {
    bool detach;
    struct io_options io;
};
static const struct option exec_rows[] = {
    {"detach", 'd', OPT_BOOL, offsetof(struct exec_options, detach), NULL,
     "Do not wait for the process"},
    IO_OPTION_ROWS(exec_options, io),
    {NULL},
};
static const struct option *const exec_sets[] = {exec_rows, NULL};

static int exec_run(struct cli *cli, void *options, int argc, char **argv, struct err *e)
{
    const struct exec_options *o = options;
    struct oci_process process = {0};
    pid_t pid;
    int r, status;
    (void)argc;
    if (lifecycle_exec_process(&cli->config->lifecycle, argv[0], &process, e) < 0)
        return -1;
    strv_free(process.args);
    process.args = strv_dup(argv + 1);
    struct lifecycle_exec_options x = {.id = argv[0],
                                       .process = &process,
                                       .io = io_options_value(&o->io)};
    r = lifecycle_exec(&cli->config->lifecycle, &x, &pid, e);
    json_free_struct(&oci_process_json, &process);
    if (r < 0 || o->detach)
        return r;
    r = sys_wait(pid, &status);
    return r < 0 ? err_sys(e, r, "wait for the process") : sys_exit_code_of_status(status);
}

const struct command cmd_exec = {
    .name = "exec",
    .summary = "Execute a process in a container that runs",
    .args = "CONTAINER COMMAND [ARG...]",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_STOP_AT_ARG,
    .option_sets = exec_sets,
    .options_size = sizeof(struct exec_options),
    .run = exec_run,
};
