/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The names in the tables of the features' files: the i-th, or NULL behind the last. */
#include <stddef.h>

#include "base/def.h"

const char *mountopt_name(size_t i);
const char *namespaces_name(size_t i);
const char *hooks_stage_name(size_t i);
const char *attributes_memory_mode(size_t i);
const char *attributes_memory_flag(size_t i);
bool labels_has_apparmor(void); /* in this kernel */
bool labels_has_selinux(void);
