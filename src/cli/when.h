/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Times as users give them to --since and --until.
 */
#include "base/def.h"

/* RFC3339 ("2026-11-23T10:00:00Z"; without an offset it is local time, the time or its seconds may
 * be missing), seconds since the epoch ("1700000000.25"), or a duration before now ("10m", "1h30m",
 * "90s"). 0, or -EINVAL. */
int when_parse(const char *s, int64_t now_ns, int64_t *ret_ns);
