/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* clang-format off */
/*
 * Hooks (config.md, "POSIX-platform Hooks"): programs that run at six points of a container's life
 * with its state as JSON on their stdin.
 *
 *   stage            status    where it runs                        run by
 *   prestart         created   the runtime's namespaces             the creator, at PREPARED
 *   createRuntime    creating  the runtime's namespaces             the creator, at PREPARED
 *   createContainer  creating  the container's, before its root is  init, then; paths are still the
 *                              the root                             host's
 *   startContainer   created   the container                        init, after START, with the rights
 *                                                                   of the command
 *   poststart        running   the runtime's namespaces             the starter
 *   poststop         stopped   the runtime's namespaces             the deleter
 *
 * The first failure ends a stage, and with it the container; of poststop it is a warning, and the
 * next hook runs. So it is with poststart for a configuration of 1.0 (oci_spec_is_1_0).
 */
/* clang-format on */
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

enum hooks_stage {
    HOOKS_PRESTART,
    HOOKS_CREATE_RUNTIME,
    HOOKS_CREATE_CONTAINER,
    HOOKS_START_CONTAINER,
    HOOKS_POSTSTART,
    HOOKS_POSTSTOP,
    HOOKS_STAGE_MAX
};

struct hooks_container {
    const struct oci_spec *spec;
    const char *id;
    const char *bundle; /* absolute */
    pid_t pid;          /* as the hook's namespace numbers it */
};

/* How a hook's program is started: `fds` become its 0, 1, 2. Returns its pid, or -1 with an error.
 * A program that is there but cannot be executed may also be told on ret_report_fd (a sync socket,
 * sync.h), where the end of the stream means that it runs. */
struct hooks_starter {
    pid_t (*start)(const struct hooks_starter *self, const struct oci_hook *hook, const int *fds,
                   int *ret_pidfd, int *ret_report_fd, struct err *e);
    void *context;
    int cwd_fd; /* of hooks_start_program(); FD_NONE: the caller's directory */
};
/* On the host's file system, with exactly the hook's environment, in a session of its own; it dies
 * with its caller. */
pid_t hooks_start_program(const struct hooks_starter *self, const struct oci_hook *hook,
                          const int *fds, int *ret_pidfd, int *ret_report_fd, struct err *e);

bool hooks_has(const struct oci_spec *spec, enum hooks_stage stage);
/* Owned JSON text. */
char *hooks_state_text(const struct hooks_container *c, enum hooks_stage stage) DHOW_MUST_USE;

/* Runs the stage's hooks in their order. The error is one line: stage, index, what became of the
 * hook, the last line that it wrote. */
int hooks_run(const struct hooks_container *c, enum hooks_stage stage,
              const struct hooks_starter *starter, struct err *e);
/* The same in the runtime's namespaces, in the bundle (if it is still there). */
int hooks_run_here(const struct hooks_container *c, enum hooks_stage stage, struct err *e);
/* All of the stage, in the runtime's namespaces: poststop, and poststart of a configuration of
 * 1.0. Failures become warnings. */
void hooks_run_all(const struct hooks_container *c, enum hooks_stage stage, char ***inout_warnings);
