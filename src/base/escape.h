/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What others named or wrote (images, containers, registries) goes to a terminal only through here.
 */
#include "base/def.h"

/* One line of valid UTF-8 that cannot drive a terminal: control bytes (newline and tab too) and
 * malformed bytes become \xNN, C1 controls and the characters that turn the direction of writing
 * become \uNNNN. Owned. */
char *escape_terminal(const char *s, size_t n) DHOW_MUST_USE;
