/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * What the commands share: the engine's configuration, opening it, the targets of a command that
 * takes several.
 */
#include "base/err.h"
#include "command/front.h"
#include "engine/engine.h"

struct cli_config {
    struct engine_config engine;
};

extern const struct command_set cli_commands;

/* The whole program: returns the exit code. */
int cli_main(int argc, char **argv);

/* STORE_READ on a machine where dhow never ran makes the empty store. */
int cli_open(const struct cli *cli, enum store_mode mode, struct engine **ret, struct err *e);
DEFINE_AUTO_PTR(struct engine, engine, engine_close);
#define auto_engine DHOW_CLEANUP(engine_auto) struct engine

/* ---- targets ---- */
/* The first member of the options of a command that takes several containers. */
struct target_flags {
    bool all;
    bool latest;
    char **cidfiles;
};
extern const struct option target_all_rows[];     /* --all */
extern const struct option target_latest_rows[];  /* --latest */
extern const struct option target_cidfile_rows[]; /* --cidfile */

enum target_states {
    TARGET_RUNNING = 1 << 0,
    TARGET_PAUSED = 1 << 1,
    TARGET_IDLE = 1 << 2, /* created, exited, unknown */
    TARGET_ANY = TARGET_RUNNING | TARGET_PAUSED | TARGET_IDLE
};
/* The names that a command is to act on: its arguments, the cidfiles' ids, the newest container, or
 * with --all those in one of `states`. Owned; an error when there is none without --all. */
int targets_collect(struct engine *en, const struct target_flags *f, char *const *args,
                    unsigned states, char ***ret, struct err *e);

/* One act on one target; prints what a success prints. */
typedef int target_fn(struct engine *en, void *options, const char *name, struct err *e);
/* Tries all; prints each error; returns the worst exit code. */
int targets_each(struct engine *en, char *const *names, target_fn *fn, void *options,
                 int (*exit_code)(const struct err *e));
/* Without --latest the one name that is there, borrowed; with it the newest container's id, put
 * into *owned. */
int target_one(struct engine *en, bool latest, char *const *args, char **owned,
               const char **ret_name, struct err *e);
