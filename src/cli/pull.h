/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Fetching an image with progress on the terminal: for `pull`, and for `run` and `create` when it
 * is missing.
 */
#include "command/command.h"
#include "engine/engine.h"

/* The first member of the options of each command that may fetch an image. */
struct pull_flags {
    bool quiet;
    char *platform;
    char *arch;
    char *os;
    char *variant;
    char *creds;
    char *cert_dir;
    bool tls_verify;
};
extern const struct option pull_option_rows[];
extern const struct option pull_unsupported_rows[];

/* Says "Trying to pull X..." on stderr if that is a terminal, unless quiet. */
int pull_image(struct engine *en, const struct pull_flags *f, const char *reference, char **ret_id,
               struct err *e);
/* "os/arch[/variant]" or NULL for the host's; owned. */
int pull_platform(const struct pull_flags *f, char **ret, struct err *e);
/* "USER:PASSWORD" in its parts. */
int pull_creds(const char *creds, char **ret_user, char **ret_password, struct err *e);

/* ---- progress.c: a line an item, redrawn in place; silent when stderr is no terminal ---- */
struct progress;
struct progress *progress_new(bool is_quiet);
void progress_update(void *progress, const char *item, const char *phase, int64_t current_bytes,
                     int64_t total_bytes); /* an engine_progress_fn */
void progress_free(struct progress *p);    /* draws the last state */
