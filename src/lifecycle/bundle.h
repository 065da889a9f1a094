/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A bundle: the directory with config.json, and the root filesystem that it names. */
#include "base/err.h"
#include "oci/spec.h"

struct bundle {
    char *path; /* absolute, without links */
    char *text; /* config.json */
    size_t text_len;
    struct oci_spec spec; /* root.path is absolute */
};
/* `config_file`: NULL is config.json in the bundle. */
int bundle_load(const char *path, const char *config_file, struct bundle *ret, struct err *e);
/* Has it what no container can be without? */
int bundle_check(const struct oci_spec *spec, struct err *e);
void bundle_done(struct bundle *b);
#define auto_bundle DHOW_CLEANUP(bundle_done) struct bundle
