/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All commands of dhow-runtime. */
#include "runtime_cli/runtime_cli.h"

extern const struct command cmd_checkpoint, cmd_complete, cmd_create, cmd_delete, cmd_events,
    cmd_exec, cmd_features, cmd_kill, cmd_list, cmd_mounts_add, cmd_mounts_remove, cmd_pause,
    cmd_ps, cmd_restore, cmd_resume, cmd_run, cmd_spec, cmd_start, cmd_state, cmd_update;

/* By name, as help shows them. */
static const struct command *const commands[] = {
    &cmd_complete,   &front_cmd_man,     &front_cmd_completion,
    &cmd_checkpoint, &cmd_create,        &cmd_delete,
    &cmd_events,     &cmd_exec,          &cmd_features,
    &front_cmd_help, &cmd_kill,          &cmd_list,
    &cmd_mounts_add, &cmd_mounts_remove, &cmd_pause,
    &cmd_ps,         &cmd_restore,       &cmd_resume,
    &cmd_run,        &cmd_spec,          &cmd_start,
    &cmd_state,      &cmd_update,        NULL,
};
static const struct command_word groups[] = {
    {"mounts", "Change the mounts of a container that runs"},
    {NULL},
};
static const struct command_word missing[] = {{NULL}};
static const struct command_exit exits[] = {
    {"0", "All went well."},
    {"1", "It failed; one line says why."},
    {"255", "exec could not start the process."},
    {"other", "run and exec: the exit status of the process; 128 and the signal's number when a "
              "signal ended it."},
    {NULL},
};

const struct command_set runtime_commands = {
    .program = "dhow-runtime",
    .commands = commands,
    .groups = groups,
    .missing = missing,
    .root = &runtime_root,
    .exits = exits,
    .title = "Open Container Initiative runtime",
    .see_also = ".Xr crun 1 ,\n.Xr dhow 1 ,\n.Xr runc 8",
};
