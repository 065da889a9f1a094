/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Small allocations. They abort the process when memory is out: containers survive, since their
 * monitors are other processes. Whatever a user or an image sizes goes through a bounded buffer
 * (base/str.h) instead. Results are owned by the caller, who frees them with free().
 */
#include "base/def.h"

void *alloc_zero(size_t n, size_t size) DHOW_MUST_USE; /* aborts on overflow of n * size too */
void *alloc_grow(void *p, size_t n,
                 size_t size) DHOW_MUST_USE;     /* realloc; new bytes are undefined */
char *alloc_strdup(const char *s) DHOW_MUST_USE; /* NULL gives NULL */
char *alloc_strndup(const char *s, size_t n) DHOW_MUST_USE;
void *alloc_memdup(const void *p, size_t n) DHOW_MUST_USE;
char *alloc_printf(const char *fmt, ...) DHOW_PRINTF(1, 2) DHOW_MUST_USE;

#define alloc_new(type) ((type *)alloc_zero(1, sizeof(type)))
