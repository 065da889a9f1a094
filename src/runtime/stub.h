/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The program between us and the container's command (stub.c says why). */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STUB_SYNC_FD    3 /* plus the descriptors that the command is given beside 0, 1, 2 */
#define STUB_MAX_LABELS 2
#define STUB_LABEL_MAX  4096 /* bytes of a text */

/* What the stub writes before it executes the command. */
struct stub_label {
    const char *file; /* beneath the directory that is open as the sync socket's next number */
    const char *text;
};

struct stub_options {
    const struct stub_label *labels;
    size_t n_labels;
    /* Capabilities 0 to 31: taken out of the inheritable set, and put back into it. */
    uint32_t drop_inheritable;
    uint32_t keep_inheritable;
};
/* The stub as a sealed memory file, close-on-exec, for the sync socket at this number. An fd or -1.
 */
int stub_open(int sync_fd, const struct stub_options *o, struct err *e);
