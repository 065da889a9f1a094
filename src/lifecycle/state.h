/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* clang-format off */
/*
 * ROOT/ID/, mode 0700:
 *
 *   lock         locked by the call that changes the container (lock.h); removed last
 *   config.json  the bundle's, as it was at the creation
 *   state.json   struct lifecycle_state; written first without a pid (what a killed creation made can be found
 *                and undone), then with it; removed last but the lock
 *   waiting      locked by the container's first process from its clone to its execve: "created"
 *   start.sock   where that process waits for its start
 *
 * A directory without state.json is a creation that was killed at its very beginning, or a deletion that was
 * killed at its very end.
 */
/* clang-format on */
#include "base/fd.h"
#include "lifecycle/lifecycle.h"

#define STATE_START_SOCKET "start.sock"
#define STATE_WAITING      "waiting"

struct state_dir {
    int root_fd;
    int fd;
    int lock_fd;
    const char *id; /* borrowed */
};
#define STATE_DIR_NONE                                                                             \
    {                                                                                              \
        .root_fd = FD_NONE, .fd = FD_NONE, .lock_fd = FD_NONE                                      \
    }

/* Letters, digits and "_+-.", not "." or "..": a single path component. */
int state_check_id(const char *id, struct err *e);
/* Makes ROOT and ROOT/ID, locked. ERR_CONFLICT when there is one. */
int state_dir_make(const struct lifecycle_config *config, const char *id, struct state_dir *ret,
                   struct err *e);
enum state_dir_flags {
    STATE_DIR_LOCK = 1 << 0, /* waits for whoever has it */
    STATE_DIR_SEIZE = 1 << 1 /* with it: kills whoever does not let go (lock.h) */
};
/* ERR_NOT_FOUND, ERR_TIMEOUT. */
int state_dir_open(const struct lifecycle_config *config, const char *id, unsigned flags,
                   struct state_dir *ret, struct err *e);
void state_dir_close(struct state_dir *d);
/* The directory, which we have locked, and all in it. */
int state_dir_remove(struct state_dir *d, struct err *e);

int state_write(const struct state_dir *d, const struct lifecycle_state *s, struct err *e);
/* ERR_NOT_FOUND: a creation that was killed at its beginning. Nothing else than that: what cannot
 * be read, or decoded, may be the state of a container that runs. */
int state_read(const struct state_dir *d, struct lifecycle_state *ret, struct err *e);
int state_write_config(const struct state_dir *d, const char *text, size_t len, struct err *e);
int state_read_config(const struct state_dir *d, struct oci_spec *ret, struct err *e);

/* Is the container in a mount namespace that it joined? */
bool state_joins_mounts(const struct oci_spec *spec);

/* What the kernel says. */
int state_status(const struct state_dir *d, const struct lifecycle_state *s,
                 enum lifecycle_status *ret, struct err *e);
/* state_read() and state_status(), as of one moment, also beside a creation that ends. */
int state_look(const struct state_dir *d, struct lifecycle_state *ret,
               enum lifecycle_status *ret_status, struct err *e);
/* The first process, if it is alive: its pidfd, FD_NONE when it is not, or -1. */
int state_open_init(const struct lifecycle_state *s, int *ret_pidfd, struct err *e);

void state_dir_auto(struct state_dir *d);
#define auto_state_dir DHOW_CLEANUP(state_dir_auto) struct state_dir
#define auto_state     DHOW_CLEANUP(lifecycle_state_done) struct lifecycle_state
void state_spec_auto(struct oci_spec *s);
#define auto_spec DHOW_CLEANUP(state_spec_auto) struct oci_spec
