/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Sizes, durations and times as podman and docker print and read them (FEATURES: output machinery).
 */
#include "base/def.h"

char *units_size_text(uint64_t bytes,
                      int significant_digits) DHOW_MUST_USE; /* decimal units: "4.26 MB" */
char *units_ago_text(int64_t seconds)
    DHOW_MUST_USE; /* "Less than a second", "About a minute", "5 weeks"; no " ago" */
/* N[b|k|kb|m|mb|g|gb|t|p, any case, optional i] in binary units, fractions allowed ("1.5g"), one
 * blank before the unit too: 0, -EINVAL, -ERANGE (above INT64_MAX: the kernel's and OCI's sizes are
 * signed). */
int units_size_parse(const char *s, uint64_t *ret_bytes);
char *units_rfc3339(int64_t unix_ns) DHOW_MUST_USE; /* UTC, 9 digits of fraction, "Z" */
int units_rfc3339_parse(
    const char *s, int64_t *ret_unix_ns); /* RFC3339 with optional fraction; 0 or -EINVAL; -ERANGE
                                           before 1677 and after 2262 ("0001-01-01T00:00:00Z")
                                         */
int64_t units_now_ns(void);               /* CLOCK_REALTIME */
uint64_t units_monotonic_ns(void);
