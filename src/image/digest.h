/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * A running SHA-256 and its text form "sha256:<64 hex>".
 */
#include "base/def.h"

#define DIGEST_TEXT_SIZE 72 /* "sha256:", 64 digits, NUL */

struct digest {
    void *ctx;
};
void digest_init(struct digest *d);
void digest_add(struct digest *d, const void *p, size_t n);
void digest_finish(struct digest *d, char ret[static DIGEST_TEXT_SIZE]); /* also releases */
void digest_done(struct digest *d);
void digest_text_of(const void *p, size_t n, char ret[static DIGEST_TEXT_SIZE]);
