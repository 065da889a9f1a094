/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Aligned columns for terminals and pipes: cells are separated by tabs in the rows given, printed
 * with 3 spaces of padding (podman's). Cells are escaped: control bytes of container-made names
 * never reach the terminal (T-log).
 */
#include "base/def.h"

struct columns; /* opaque */
struct columns *columns_new(void);
void columns_add_row(struct columns *c, const char *tab_separated);
char *
columns_print(const struct columns *c) DHOW_MUST_USE; /* owned text, each row closed by '\n' */
void columns_free(struct columns *c);
