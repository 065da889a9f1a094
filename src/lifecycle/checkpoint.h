/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What checkpoint.c and restore.c share. */
#include "lifecycle/lifecycle.h"
#include "sys/criu.h"

#define CHECKPOINT_DUMP_LOG    "dump.log" /* in the work directory */
#define CHECKPOINT_RESTORE_LOG "restore.log"
#define CHECKPOINT_DESCRIPTORS "descriptors.json" /* in the image directory: where 0, 1, 2 led */

struct checkpoint {
    struct sys_criu *criu;
    int images_fd;
    int work_fd;
    char *work_path; /* for messages */
};
#define CHECKPOINT_NONE                                                                            \
    {                                                                                              \
        .images_fd = FD_NONE, .work_fd = FD_NONE                                                   \
    }
void checkpoint_done(struct checkpoint *c);
/* Opens CRIU; says so when this machine cannot do it. */
int checkpoint_open(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                    struct err *e);
enum checkpoint_flags { CHECKPOINT_MAKE = 1 << 0 }; /* make the images' directory too */
/* CRIU mounts in them: only in the mount namespace that it works in. */
int checkpoint_open_dirs(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                         unsigned flags, struct err *e);
/* What the caller's options mean to CRIU. */
void checkpoint_set(struct checkpoint *c, const struct lifecycle_checkpoint_options *o,
                    const char *root, const char *log_file, unsigned more_flags);
/* Mounts that are the host's: CRIU is told of each; `is_restore`: with its source. */
int checkpoint_add_mounts(struct checkpoint *c, const struct oci_spec *spec, const char *bundle,
                          bool is_restore, struct err *e);
/* CRIU said no: the last things that its log calls errors. */
int checkpoint_failed(const struct checkpoint *c, const char *what, const char *log_file,
                      struct err *e);
