/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What the store's image files share: image.c, find.c, commit.c.
 */
#include "store/db.h"

/* The image with exactly this id: 1, or 0 when there is none, or -1. Inside a transaction. */
int store_image_load(struct store *s, const char *id, struct store_image *ret, struct err *e);
