/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The program between us and the container's command (stub.c says why). */
#include "base/err.h"

#define STUB_SYNC_FD 3

/* The stub as a sealed memory file, close-on-exec. An fd or -1. */
int stub_open(struct err *e);
