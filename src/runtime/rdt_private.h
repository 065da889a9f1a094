/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Shared by rdt*.c only. */
#include "runtime/rdt.h"

/* A file's text without blanks at its end; owned, or NULL. */
char *rdt_read(const char *directory, const char *file) DHOW_MUST_USE;
bool rdt_is_directory(const char *path);
void rdt_trim(char *s); /* blanks on both sides */
/* Whether a line of schemata is of the same resource as another, or as "L3:". */
bool rdt_is_resource(const char *line, const char *schema);
