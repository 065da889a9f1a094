/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The objects that `ps` prints: pure, for tests.
 */
#include "engine/engine.h"

/* podman 4's `ps --format json` element. */
struct json_object *ps_json(const struct engine_summary *s, int64_t now_ns) DHOW_MUST_USE;
/* What templates see: podman's and docker's field names. */
struct json_object *ps_row(const struct engine_summary *s, int64_t now_ns,
                           bool no_trunc) DHOW_MUST_USE;
/* "CONTAINER ID\tIMAGE..." as a template. */
extern const char ps_table[];
