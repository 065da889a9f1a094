/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts of a container that runs. */
#include <fcntl.h>

#include "base/strv.h"
#include "lifecycle/state.h"
#include "sys/file.h"

static void drop_mounts(struct oci_spec *spec)
{
    struct oci_spec only = {0};

    only.mounts.items = spec->mounts.items;
    only.mounts.len = spec->mounts.len;
    only.mounts.cap = spec->mounts.cap;
    oci_spec_done(&only);
    spec->mounts.items = NULL;
    spec->mounts.len = spec->mounts.cap = 0;
}

static int change(const struct lifecycle_config *config, const char *id, const char *text,
                  size_t len, int (*how)(const struct runtime_mounts_config *config, struct err *e),
                  struct err *e)
{
    auto_state_dir d = STATE_DIR_NONE;
    auto_state s = {0};
    auto_spec spec = {0};
    auto_fd int bundle = FD_NONE;
    enum lifecycle_status status;

    if (state_dir_open(config, id, STATE_DIR_LOCK, &d, e) < 0 || state_read(&d, &s, e) < 0 ||
        state_status(&d, &s, &status, e) < 0 || state_read_config(&d, &spec, e) < 0)
        return -1;
    if (status == LIFECYCLE_STOPPED || status == LIFECYCLE_CREATING)
        return err_set(e, ERR_BAD_STATE, "container not running: '%s'", id);
    drop_mounts(&spec);
    if (oci_mounts_parse(text, len, &spec, e) < 0)
        return -1;
    bundle = sys_open(AT_FDCWD, s.bundle, O_PATH | O_DIRECTORY, 0); /* gone: no relative sources */
    return how(&(struct runtime_mounts_config){.init_pid = (pid_t)s.pid,
                                               .start_ticks = s.start_ticks,
                                               .spec = &spec,
                                               .bundle_dirfd = bundle,
                                               .has_foreign_mounts = state_joins_mounts(&spec)},
               e);
}

int lifecycle_mounts_add(const struct lifecycle_config *config, const char *id, const char *text,
                         size_t len, struct err *e)
{
    return change(config, id, text, len, runtime_mounts_add, e);
}

int lifecycle_mounts_remove(const struct lifecycle_config *config, const char *id, const char *text,
                            size_t len, struct err *e)
{
    return change(config, id, text, len, runtime_mounts_remove, e);
}
