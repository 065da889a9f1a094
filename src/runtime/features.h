/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What this runtime can do, as runtime-spec's features.md has it. */
#include "base/json.h"

/* Owned: json_object_put(). */
struct json_object *runtime_features(void) DHOW_MUST_USE;
