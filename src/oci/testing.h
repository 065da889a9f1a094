/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* For tests of this folder and above: files of the source tree, which DHOW_TOP names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"

#define TESTING_SEED "tests/fuzz/config/full.json" /* a value for every field */

static inline void testing_read(const char *name, struct str *ret)
{
    const char *top = getenv("DHOW_TOP");
    auto_free char *path = alloc_printf("%s/%s", top ? top : ".", name);
    FILE *f = fopen(path, "re");
    char block[4096];
    size_t n;

    if (!f)
        fail_msg("open '%s': %s", path, strerror(errno));
    while (f && (n = fread(block, 1, sizeof(block), f)) > 0)
        str_add_bytes(ret, block, n);
    if (f)
        fclose(f);
    if (ret->too_big)
        fail_msg("'%s' is too long", path);
}
