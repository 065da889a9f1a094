/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The objects that `images` prints, and how names are matched: pure, for tests.
 */
#include "store/store.h"

#include <json-c/json.h>

/* podman 4's `images --format json` element; labels: owned by the caller, may be NULL. */
struct json_object *images_json(const struct store_image *i, struct json_object *labels,
                                int64_t n_containers) DHOW_MUST_USE;
/* What templates see of one name of an image; `name` may be NULL: "<none>". */
struct json_object *images_row(const struct store_image *i, const char *name, int64_t now_ns,
                               bool no_trunc) DHOW_MUST_USE;
/* "busybox", "library/busybox:latest": the end of the repository, and the tag if it is given. */
bool images_name_fits(const char *wanted, const char *complete_name);
/* --filter reference=PATTERN, a shell pattern of a whole name or of its end after a '/'. */
bool images_reference_fits(const char *pattern, const char *complete_name);
